"""Find where gates alone are not exact: the inputs of a gate that cannot all be favoured at once.

A conjunction is refuted when no completion makes all inputs hold. Inputs that pull no leaf in two directions can each
be favoured without harming the others, so they may be judged one by one; only inputs that pull against each other must
be judged together. Two restrictions pull against each other when both cannot have the polarity they occur with: one
implies what the other denies, or, on one indicator, the intervals leave no value that serves both for every interval
that may be known. A disjunction is the same with every polarity turned.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal

from reasoner.expressions import Band, Some
from reasoner.program.gates import GateTable
from reasoner.program.leaves import Leaves
from reasoner.program.model import Literal

__all__ = ["Group", "find_joints"]


@dataclass(frozen=True, slots=True)
class Group:
    """Literals to be judged together, and the pairs of their bits that pull against each other."""

    members: tuple[Literal, ...]
    pairs: tuple[tuple[int, int], ...]


_Oriented = tuple[Some | Band, bool]
_Ends = tuple[tuple[Decimal, int] | None, tuple[Decimal, int] | None]


def find_joints(table: GateTable, datatypes: Mapping[str, str], judged: Collection[str] | None = None) -> dict[int, tuple[Group, ...]]:
    """Return per gate bit the groups of two or more literals that must be judged together (all of a group to hold).

    Given `judged`, only the gates of these classes are looked at, not those of the other classes that they use.
    """
    finder = _Finder(table, datatypes)
    joints: dict[int, tuple[Group, ...]] = {}
    wanted = None if judged is None else _gates_of(table, judged)
    for index, gate in enumerate(table.gates):
        bit = len(table.leaves.names) + index
        if bit not in table.atoms and (wanted is None or bit in wanted):
            favoured = [(part, gate.every) for part in gate.positive] + [(part, not gate.every) for part in gate.negative]
            groups = finder.groups(favoured)
            if groups:
                joints[bit] = groups
    return joints


def _gates_of(table: GateTable, names: Collection[str]) -> set[int]:
    """Return the gates of classes down to the other classes that they use."""
    others = {bit for name, (bit, _) in table.classes.items() if name not in names}
    found: set[int] = set()
    stack = [table.classes[name][0] for name in names if name in table.classes]
    while stack:
        bit = stack.pop()
        if bit >= len(table.leaves.names) and bit not in found | others:
            found.add(bit)
            gate = table.gates[bit - len(table.leaves.names)]
            stack += [*gate.positive, *gate.negative]
    return found


class _Finder:
    def __init__(self, table: GateTable, datatypes: Mapping[str, str]) -> None:
        self.table = table
        self.whole = {iri for iri, datatype in datatypes.items() if datatype != "decimal"}
        self.known: dict[int, frozenset[_Oriented]] = {}
        self.judged: dict[tuple[_Oriented, _Oriented], bool] = {}

    def atoms(self, literal: Literal) -> frozenset[_Oriented]:
        """Return the restrictions below a literal, each with the polarities it occurs with."""
        bit, sign = literal
        if bit not in self.known:
            if bit in self.table.atoms:
                self.known[bit] = frozenset({(self.table.atoms[bit], True)})
            else:
                gate = self.table.gates[bit - len(self.table.leaves.names)]
                parts = [(part, True) for part in gate.positive] + [(part, False) for part in gate.negative]
                self.known[bit] = frozenset().union(*(self.atoms(part) for part in parts))
        return self.known[bit] if sign else frozenset((atom, not held) for atom, held in self.known[bit])

    def groups(self, literals: list[Literal]) -> tuple[Group, ...]:
        """Return the connected groups of two or more literals, with the pairs in them that pull against each other."""
        atoms = [self.atoms(literal) for literal in literals]
        group = list(range(len(literals)))
        pairs: list[tuple[int, int]] = []
        for first in range(len(literals)):
            for second in range(first + 1, len(literals)):
                if self._clash(atoms[first], atoms[second]):
                    pairs.append((first, second))
                    old, new = group[second], group[first]
                    group = [new if each == old else each for each in group]
        found = []
        for name in dict.fromkeys(group):
            members = tuple(literal for literal, own in zip(literals, group, strict=True) if own == name)
            if len(members) > 1:
                found.append(Group(members, tuple((literals[one][0], literals[two][0]) for one, two in pairs if group[one] == name)))
        return tuple(found)

    def _clash(self, first: frozenset[_Oriented], second: frozenset[_Oriented]) -> bool:
        return any(self._pull(one, other) for one in first for other in second)

    def _pull(self, one: _Oriented, other: _Oriented) -> bool:
        key = (one, other)
        if key not in self.judged:
            self.judged[key] = _opposed(self.table.leaves, one, other, self.whole)
        return self.judged[key]


def _opposed(leaves: Leaves, one: _Oriented, other: _Oriented, whole: set[str]) -> bool:
    """Return whether two oriented restrictions pull against each other."""
    (first, sign), (second, other_sign) = one, other
    if isinstance(first, Some) and isinstance(second, Some):
        return (second.role, second.filler, not other_sign) in leaves.implied[first.role, first.filler, sign]
    if not isinstance(first, Band) or not isinstance(second, Band) or first.indicator != second.indicator:
        return False
    ends, other_ends = (_ends(band, first.indicator in whole) for band in (first, second))
    apart = _before(ends, other_ends) or _before(other_ends, ends)
    if sign and other_sign:
        return apart
    if sign != other_sign:
        return not apart
    nested = _inside(ends, other_ends) or _inside(other_ends, ends)
    touching = apart and not _gap(ends, other_ends, first.indicator in whole)
    return not nested and (touching or not apart)


def _ends(band: Band, whole: bool) -> _Ends:
    """Return the ends as cuts: the first one passed and the first one failed; open ends of whole numbers are closed."""
    low = None if band.low is None else (band.low, int(band.low_open))
    high = None if band.high is None else (band.high, int(not band.high_open))
    if whole:
        low = (low[0] + low[1], 0) if low else None
        high = (high[0] - 1 + high[1], 1) if high else None
    return low, high


def _before(first: _Ends, second: _Ends) -> bool:
    return first[1] is not None and second[0] is not None and first[1] <= second[0]


def _inside(inner: _Ends, outer: _Ends) -> bool:
    low = outer[0] is None or (inner[0] is not None and inner[0] >= outer[0])
    high = outer[1] is None or (inner[1] is not None and inner[1] <= outer[1])
    return low and high


def _gap(first: _Ends, second: _Ends, whole: bool) -> bool:
    """Return whether values lie between two bands that are apart."""
    high, low = (first[1], second[0]) if _before(first, second) else (second[1], first[0])
    if high is None or low is None:
        return False
    return low[0] - high[0] > 1 if whole else high != low
