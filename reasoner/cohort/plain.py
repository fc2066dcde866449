"""See of many IRIs at once that they are such beyond doubt: where all share scheme and host, a look at their characters is enough."""

from __future__ import annotations

import re
from string import ascii_letters, digits
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["share_host"]

_PLAIN = f"{ascii_letters}{digits}._~!$&'()*+,;=@:/-".encode()
_HOST = re.compile(r"https?://[A-Za-z0-9.-]+/")


def share_host(names: Any, brackets: bytes = b"") -> bool:
    """Return whether all texts begin with the same scheme and host and hold plain characters only, and all stand in brackets where these are given."""
    ends = pc.min_max(names).as_py()
    left, right = brackets[:1].decode(), brackets[1:].decode()
    host = _HOST.match(ends["min"] or "", len(left))
    if names.null_count or host is None or not (ends["min"].startswith(left) and ends["max"].startswith(left + host[0])):
        return False
    if not pc.all(pc.ends_with(names, right)).as_py():
        return False
    return all(_characters(each).translate(None, _PLAIN) == brackets * len(each) for each in _chunks(names))


def _chunks(names: Any) -> list[pa.StringArray]:
    return list(names.chunks) if isinstance(names, pa.ChunkedArray) else [names]


def _characters(names: pa.StringArray) -> bytes:
    """Return the texts of an array, one after another."""
    _, offsets, text = names.buffers()
    first, last = (int.from_bytes(offsets[4 * place : 4 * place + 4], "little") for place in (names.offset, names.offset + len(names)))
    characters: bytes = text[first:last].to_pybytes() if text is not None else b""
    return characters
