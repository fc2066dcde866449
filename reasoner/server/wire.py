"""Pass messages between the server and its workers: a length, a header in JSON, a body of bytes; nothing is unpickled."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

__all__ = ["HEAD", "Message", "pack", "receive", "unpack"]

HEAD = struct.Struct("!II")
"""The lengths of header and body."""


class _Stream(Protocol):
    def read(self, size: int, /) -> bytes: ...


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


def receive(link: _Stream) -> Message | None:
    """Wait for one message; return None when the other side has gone."""
    head = link.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    lengths = HEAD.unpack(head)
    parts = [link.read(length) for length in lengths]
    return unpack(*parts) if tuple(map(len, parts)) == lengths else None
