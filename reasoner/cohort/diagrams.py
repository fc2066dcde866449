"""Follow decision diagrams for many cases at once, layer by layer: a node waits only for those below it.

A process keeps the layers of each diagram that it once followed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from reasoner.cohort.lexicon import Flags
from reasoner.cohort.planes import Plane

__all__ = ["Diagrams"]

_TERMINALS = 2
_AT_ONCE = 256 * 1024
"""Words of all nodes that are worked on together, so that they stay near the processor."""

_WIDE = 16
"""Nodes for each bit from which on only the asked cases are followed, which must then be brought together."""

_WORD = 8

Words = np.ndarray[Any, np.dtype[np.uint64]]
Places = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, slots=True)
class _Layers:
    """A diagram: the bits that it asks, and layers of nodes, each given by what its ways ask and where they lead, first all if true, then all if false.

    What is asked is the place of a bit, and for the ways if false that place after those of all bits. The terminals have the places 0 and 1,
    the nodes follow in the order of the layers; the root is the last place.
    """

    bits: Places
    layers: tuple[tuple[Places, Places], ...]
    size: int


class Diagrams:
    """The diagrams of a program, whose nodes are rows of (bit, row if true, row if false)."""

    def __init__(self, nodes: Sequence[tuple[int, int, int]]) -> None:
        self._nodes = nodes
        self._followed: dict[int, _Layers] = {}

    def can_hold(self, root: int, holds: Any, fails: Any, asked: Plane) -> Plane:
        """Return where a path to the true terminal agrees with what is known of each bit; only the words with an asked case are right."""
        found = np.full_like(asked, 255 * (root == 1))
        if root < _TERMINALS:
            return found
        if root not in self._followed:
            self._followed[root] = self._layers(root)
        diagram, words = self._followed[root], asked.view(np.uint64)
        chosen = np.flatnonzero(words)
        may_be = ~np.concatenate([planes.view(np.uint64)[diagram.bits[:, None], chosen] for planes in (fails, holds)])
        if diagram.size > _WIDE * len(diagram.bits):
            flags = _bits(words[chosen])
            cases = np.flatnonzero(flags)
            flags[cases] = _bits(_reached(diagram, _moved_up(may_be, cases)))[: len(cases)]
            found.view(np.uint64)[chosen] = np.packbits(flags, bitorder="little").view(np.uint64)
        else:
            found.view(np.uint64)[chosen] = _reached(diagram, may_be)
        return found

    def _layers(self, root: int) -> _Layers:
        """Return the layers of the diagram below a row."""
        depths = self._depths(root)
        layers: list[list[int]] = [[] for _ in range(depths[root])]
        for row, depth in depths.items():
            layers[depth - 1].append(row)
        bits = sorted({self._nodes[row - _TERMINALS][0] for row in depths})
        asked = {bit: place for place, bit in enumerate(bits)}
        places = {0: 0, 1: 1} | {row: place for place, row in enumerate((row for layer in layers for row in layer), _TERMINALS)}
        found = []
        for layer in layers:
            nodes = [self._nodes[row - _TERMINALS] for row in layer]
            ways = [(asked[bit], places[high]) for bit, high, _ in nodes] + [(len(bits) + asked[bit], places[low]) for bit, _, low in nodes]
            asks, leads = np.array(ways, dtype=np.int64).T.copy()
            found.append((asks, leads))
        return _Layers(np.array(bits, dtype=np.int64), tuple(found), len(places))

    def _depths(self, root: int) -> dict[int, int]:
        """Return the rows below a row, itself included, each with the length of its longest way to a terminal."""
        depths: dict[int, int] = {}
        stack = [(root, False)]
        while stack:
            row, entered = stack.pop()
            if row < _TERMINALS or row in depths:
                continue
            _, high, low = self._nodes[row - _TERMINALS]
            if entered:
                depths[row] = 1 + max(depths.get(high, 0), depths.get(low, 0))
            else:
                stack += [(row, True), (high, False), (low, False)]
        return depths


def _reached(diagram: _Layers, may_be: Words) -> Words:
    """Return where the root of a diagram reaches the true terminal, given where each of its bits may hold and, after those, where it may fail."""
    found = np.empty(may_be.shape[1], dtype=np.uint64)
    step = max(_AT_ONCE // diagram.size, 8)
    for start in range(0, len(found), step):
        part = may_be[:, start : start + step]
        reach = np.empty((diagram.size, part.shape[1]), dtype=np.uint64)
        reach[0], reach[1] = 0, ~np.uint64(0)
        own = _TERMINALS
        for asks, leads in diagram.layers:
            count = len(asks) // 2
            ways = part[asks] & reach[leads]
            np.bitwise_or(ways[:count], ways[count:], out=reach[own : own + count])
            own += count
        found[start : start + step] = reach[-1]
    return found


def _moved_up(planes: Words, cases: Places) -> Words:
    """Return planes of some cases only, close together."""
    packed = np.packbits(_bits(planes).take(cases, axis=-1, mode="clip"), axis=-1, bitorder="little")
    found = np.zeros((len(packed), -(-packed.shape[1] // _WORD) * _WORD), dtype=np.uint8)
    found[:, : packed.shape[1]] = packed
    return found.view(np.uint64)


def _bits(words: Words) -> Flags:
    return np.unpackbits(words.view(np.uint8), axis=-1, bitorder="little").view(bool)
