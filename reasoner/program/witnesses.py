"""Find cubes that make a decision diagram hold, so that most look-ups need not walk it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

__all__ = ["Cube", "find_witnesses", "rows_below"]

Cube = tuple[tuple[int, ...], tuple[int, ...]]
"""Leaves that must be true and leaves that must be false."""

_TERMINALS = 2
_KINDS = 6
_TRUE, _FALSE, _USED = 3, 1, 4


def find_witnesses(nodes: Sequence[tuple[int, int, int]], roots: Sequence[int]) -> dict[int, tuple[Cube, ...]]:
    """Return for each root a few cubes that ask little and differ; a leaf asked before costs more."""
    return {root: _cubes(nodes, root) for root in dict.fromkeys(roots)}


def _cubes(nodes: Sequence[tuple[int, int, int]], root: int) -> tuple[Cube, ...]:
    rows = rows_below(nodes, root)
    used: dict[tuple[int, bool], int] = {}
    cubes: dict[Cube, None] = {}
    for _ in range(_KINDS):
        path = _cheapest(nodes, rows, root, used)
        if path is None:
            break
        cubes[tuple(bit for bit, sign in path if sign), tuple(bit for bit, sign in path if not sign)] = None
        for step in path:
            used[step] = used.get(step, 0) + _USED
    return tuple(cubes)


def _cheapest(
    nodes: Sequence[tuple[int, int, int]], rows: Sequence[int], root: int, used: Mapping[tuple[int, bool], int]
) -> list[tuple[int, bool]] | None:
    """Return the literals of the path from `root` to truth that costs least, or None when there is no path."""
    cost: dict[int, int] = {1: 0}
    step: dict[int, tuple[int, bool, int]] = {}
    for row in rows:
        bit, high, low = nodes[row - _TERMINALS]
        for target, sign, price in ((low, False, _FALSE), (high, True, _TRUE)):
            if target in cost:
                total = cost[target] + price + used.get((bit, sign), 0)
                if row not in cost or total < cost[row]:
                    cost[row], step[row] = total, (bit, sign, target)
    if root not in cost:
        return None
    path = []
    while root in step:
        bit, sign, root = step[root]
        path.append((bit, sign))
    return path


def rows_below(nodes: Sequence[tuple[int, int, int]], root: int) -> list[int]:
    """Return the rows of a diagram in ascending order; rows follow their parts."""
    found: set[int] = set()
    stack = [root]
    while stack:
        row = stack.pop()
        if row >= _TERMINALS and row not in found:
            found.add(row)
            stack.extend(nodes[row - _TERMINALS][1:])
    return sorted(found)
