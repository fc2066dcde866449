"""Hold one bit for each case: packed planes, how rows become planes, and what is known of every bit of the program."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from reasoner.cohort.lexicon import Flags, Ids
from reasoner.cohort.packing import order_of

__all__ = ["Facts", "Plane", "Planes", "Space", "among", "anywhere", "grouped"]

Plane = np.ndarray[Any, np.dtype[np.uint8]]
"""One bit for each case, packed into whole words of eight bytes."""

Facts = dict[tuple[str, str, bool], Plane]
"""Where a term is present or absent in a role, by role, term and presence."""


class Space:
    """The planes of a chunk of cases; `none` holds for no case, `every` for all."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._whole = (size + 63) // 64 * 64
        self.none: Plane = np.zeros(self._whole // 8, dtype=np.uint8)
        self.every = self.pack(np.arange(size))

    def pack(self, cases: Ids) -> Plane:
        """Return the plane of some cases."""
        flags = np.zeros(self._whole, dtype=bool)
        flags[cases] = True
        return np.packbits(flags, bitorder="little")

    def packed(self, places: Ids, cases: Ids, count: int) -> Plane:
        """Return so many planes, each of the cases whose rows have its place."""
        flags = np.zeros((count, self._whole), dtype=bool)
        flags[places, cases] = True
        return np.packbits(flags, axis=1, bitorder="little")

    def flags(self, plane: Plane) -> Flags:
        """Return a plane as one truth value for each case."""
        return np.unpackbits(plane, count=self.size, bitorder="little").view(bool)

    def cases(self, plane: Plane) -> Ids:
        """Return the cases of a plane, in order."""
        return np.flatnonzero(self.flags(plane))

    def union(self, planes: Iterable[Plane]) -> Plane:
        """Return where one of some planes holds."""
        found = self.none.copy()
        for plane in planes:
            found |= plane
        return found


class Planes(dict[Any, Plane]):
    """Planes by name; what has none holds nowhere."""

    def __init__(self, space: Space, planes: Iterable[tuple[Any, Plane]] = ()) -> None:
        super().__init__(planes)
        self.space = space

    def __missing__(self, key: Any) -> Plane:
        """Return the plane that holds nowhere."""
        return self.space.none

    def add(self, key: Any, plane: Plane) -> None:
        """Let a plane hold where another does, too."""
        if anywhere(plane):
            self[key] = self[key] | plane

    def any_of(self, keys: Iterable[Any]) -> Plane:
        """Return where one of several holds."""
        return self.space.union(self[key] for key in keys if key in self)


def anywhere(plane: Plane) -> bool:
    """Return whether a plane holds for some case; to count is much faster than to ask `any`."""
    return bool(np.count_nonzero(plane))


def grouped(codes: Ids, cases: Ids) -> Iterator[tuple[int, Ids]]:
    """Yield each code with the cases of its rows."""
    if not len(codes):
        return
    order = order_of(codes)
    codes, cases = codes[order], cases[order]
    bounds = np.flatnonzero(np.diff(codes, prepend=codes[0] - 1))
    for start, end in zip(bounds.tolist(), [*bounds[1:].tolist(), len(codes)], strict=True):
        yield int(codes[start]), cases[start:end]


def among(space: Space, codes: Ids, cases: Ids, chosen: Flags) -> Planes:
    """Return a plane for each code, a small number, of the cases with a chosen row of that code."""
    codes, cases = codes[chosen], cases[chosen]
    found = np.flatnonzero(np.bincount(codes))
    places = np.zeros(int(codes.max(initial=-1)) + 1, dtype=np.int64)
    places[found] = np.arange(len(found))
    return Planes(space, zip(found.tolist(), space.packed(places[codes], cases, len(found)), strict=True))
