"""Find ways through decision diagrams to the true terminal, and remember them.

A way depends on its diagram alone, so one that was found for one case may be tried first for the next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reasoner.program.rows import FALSE, TRUE, LeafMasks

__all__ = ["Ways"]

_TERMINALS = 2

_MOST = 16
"""How many ways from one row are remembered: to try one costs a hundredth of a walk."""


class Ways:
    """Diagrams, by (bit, row if true, row if false), with some ways from the rows that are asked about, the last ones found first.

    A way is held as the leaves that it needs to hold and to fail. Threads may share it: the rows are fixed and what is known
    of one is replaced whole, so they may at most forget a way.
    """

    __slots__ = ("_nodes", "known")

    def __init__(self, nodes: Sequence[tuple[int, int, int]], known: Mapping[int, tuple[LeafMasks, ...]]) -> None:
        self._nodes = nodes
        self.known = dict(known)

    def can_hold(self, row: int, values: Sequence[int], leaves: LeafMasks) -> bool:
        """Return whether a way from a row agrees with the `values` of all bits, of which `leaves` repeats those of the leaves."""
        holds, fails = leaves
        known = self.known[row]
        for true, false in known:
            if not (true & fails or false & holds):
                return True
        path = _walk(self._nodes, row, values)
        if path is None:
            return False
        self.known[row] = (path, *known[: _MOST - 1])
        return True


def _walk(nodes: Sequence[tuple[int, int, int]], root: int, values: Sequence[int]) -> LeafMasks | None:
    """Return a path of the diagram to the true terminal that agrees with what is known, or None; each row is looked at once."""
    came: dict[int, int] = {0: root}
    due = [(root, root)]
    while due:
        row, above = due.pop()
        while row not in came:
            came[row] = above
            if row == 1:
                return _path(nodes, came, root)
            bit, high, low = nodes[row - _TERMINALS]
            value, above = values[bit], row
            if value == FALSE:
                row = low
            else:
                row = high
                if value != TRUE:
                    due.append((low, above))
    return None


def _path(nodes: Sequence[tuple[int, int, int]], came: Mapping[int, int], root: int) -> LeafMasks:
    """Return the literals on the way from the root of a walk to the true terminal; `came` says from which row each was reached."""
    true = false = 0
    row = 1
    while row != root:
        above = came[row]
        bit, high, _ = nodes[above - _TERMINALS]
        if row == high:
            true |= 1 << bit
        else:
            false |= 1 << bit
        row = above
    return true, false
