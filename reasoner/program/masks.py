"""Write sets of bits as numbers, and read them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

__all__ = ["bits_of", "mask_of"]


def bits_of(mask: int) -> Iterator[int]:
    """Yield the bits of a mask, lowest first."""
    while mask:
        low = mask & -mask
        mask ^= low
        yield low.bit_length() - 1


def mask_of(bits: Iterable[int]) -> int:
    """Return a number with these bits, put together byte by byte: to add number to number takes long where there are many."""
    some = tuple(bits)
    text = bytearray(max(some, default=0) // 8 + 1)
    for bit in some:
        text[bit >> 3] |= 1 << (bit & 7)
    return int.from_bytes(text, "little")
