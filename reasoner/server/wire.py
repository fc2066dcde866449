"""Pass messages between the server and its workers: a length, a header in JSON, a body of bytes; nothing is unpickled."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Mapping
from typing import Any, NamedTuple

__all__ = ["HEAD", "Message", "pack", "receive", "unpack"]

HEAD = struct.Struct("!II")
"""The lengths of header and body."""


class Message(NamedTuple):
    """A header and a body."""

    header: dict[str, Any]
    body: bytes


def pack(header: Mapping[str, object], body: bytes = b"") -> bytes:
    """Return a message as bytes."""
    text = json.dumps(header, separators=(",", ":")).encode()
    return HEAD.pack(len(text), len(body)) + text + body


def unpack(header: bytes, body: bytes) -> Message:
    """Return the message of these parts."""
    return Message(json.loads(header), body)


def receive(link: socket.socket) -> Message | None:
    """Wait for one message; return None when the other side has gone."""
    head = _exactly(link, HEAD.size)
    if head is None:
        return None
    parts = [_exactly(link, length) for length in HEAD.unpack(head)]
    return None if None in parts else unpack(*(part or b"" for part in parts))


def _exactly(link: socket.socket, length: int) -> bytes | None:
    parts = []
    while length:
        part = link.recv(min(length, 1 << 16))
        if not part:
            return None
        parts.append(part)
        length -= len(part)
    return b"".join(parts)
