"""Put together what sets of moves do to leaves, from what each move does, as far as that is plain without abstracting anew.

Two leaves are often touched by many moves: that of a wide finding asked for by its age, since denying all its kinds
denies it, and the bands of a weighted sum. Of the first only a move that makes the finding young tells, or denials of
every kind; the second is added up from the facts that each move brings and takes. Moves on related findings, those that
contradict the record, and closures are left to abstraction. All sets are looked at at once, one bit of an integer for each.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from itertools import combinations

from reasoner.abstraction.calculated import weigh_items
from reasoner.abstraction.context import weighable
from reasoner.abstraction.measurements import as_ends
from reasoner.abstraction.state import CaseState
from reasoner.focus import Focus
from reasoner.many import Planes, union
from reasoner.moves import Move
from reasoner.program.cuts import cuts_of, leaf_masks
from reasoner.program.masks import bits_of
from reasoner.program.model import Indicator
from reasoner.terms import Role

__all__ = ["DENYING", "Joined", "Meeting", "Unit"]

DENYING = ("absent", "old", "stopped")
"""The values of moves that deny."""

_AGES = (Role.NEW_FINDING, Role.RECENT_FINDING)
_PRESENCES = ((0, 0), (1, 0), (0, 1), (1, 1))

_Items = tuple[int, int, int]
"""Items of a sum that moves touch, those present after them, and those absent, as masks."""


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """Moves taken as one, with the state after them: the leaves they settle, change, may bear on, and may come to deny with others.

    `zone` holds the findings that they may state or deny, `above` these and all above them; `plain` says that they speak
    of findings alone, `wide` that one closes a list or adds an examination, by which findings are judged anew. `items` is what they make of the items of each sum, nothing if they touch none.
    """

    moves: tuple[Move, ...]
    state: CaseState
    said: tuple[int, int]
    changed: int
    touched: int
    joint: int
    zone: frozenset[str]
    above: frozenset[str]
    plain: bool
    wide: bool
    items: dict[str, _Items]

    def may_only_deny(self, bit: int) -> bool:
        """Return whether the moves deny, and may deny a leaf with others alone."""
        return bool(self.joint >> bit & 1) and all(move.change.value in DENYING for move in self.moves)


_Members = Mapping[Unit, int]
"""Units, each with the sets that hold it as a plane."""


@dataclass(frozen=True)
class Joined:
    """What is put together of many sets of moves: the leaves of the goal after them, and where those in `left` may not be so."""

    planes: Planes
    left: Mapping[int, int]
    members: _Members

    @cached_property
    def open(self) -> int:
        """Return the sets of which not every leaf is told."""
        return union(self.left.values())


class Meeting:
    """What moves do to the leaves that they share, as far as it follows from what each does by itself."""

    def __init__(self, focus: Focus) -> None:
        self._program = focus.program
        self._leaves = focus.leaves
        self._base = focus.state
        self._related: dict[tuple[Unit, Unit], bool] = {}
        self._young_ones: dict[tuple[int, int], frozenset[str]] = {}
        ages = [bit for bit in bits_of(focus.leaves) if self._program.leaves[bit][0] in _AGES]
        self._ages = 0 if focus.state.conflicts else sum(1 << bit for bit in ages)
        self._wanting = self._undenied(ages)
        self._sums = [] if focus.state.conflicts else self._open_sums(focus)
        self._names = {each.iri: sorted({name for names, _ in each.items for name in names}) for each, _ in self._sums}
        self._added: dict[tuple[str, int, int], tuple[int, int]] = {}
        self._items_before = self._items(self._base, frozenset())

    def unit(self, moves: tuple[Move, ...], state: CaseState, changed: int, touched: int, joint: int) -> Unit:
        """Return moves as one."""
        program = self._program
        about = [move.change.term for move in moves]
        terms = [term for term in about if program.sorts.get(term) == "Finding" or term in program.use_findings]
        spans = [program.spans[term, True] for term in terms]
        zone, above = (frozenset[str]().union(*(span[part] for span in spans)) for part in (0, 1))
        plain = all(program.sorts.get(term) == "Finding" for term in about)
        indicators = (program.indicator.get(move.change.term) for move in moves)
        wide = any(each is not None and each.form in ("closed", "on_record") for each in indicators)
        said = state.leaf_true & ~self._base.leaf_true, state.leaf_false & ~self._base.leaf_false
        items = {} if zone.isdisjoint(program.weighed_findings) else self._items(state, zone)
        return Unit(moves, state, said, changed, touched, joint & ~changed, zone, above, plain, wide, items)

    def joined(self, sets: Sequence[Sequence[Unit]], clashing: Collection[Move]) -> Joined:
        """Return the leaves after each set of units; what those with `clashing` moves touch is left, as all that is shared beside them."""
        every = (1 << len(sets)) - 1
        members: dict[Unit, int] = {}
        for place, units in enumerate(sets):
            for unit in units:
                members[unit] = members.get(unit, 0) | 1 << place
        torn = {unit: plane for unit, plane in members.items() if any(move in clashing for move in unit.moves)}
        planes, left = self._changed(members, every), self._shared(members, torn)
        for bit, plane in left.items():
            planes.holds[bit] &= ~plane
            planes.fails[bit] &= ~plane
        asked = union(left.values()) & ~union(torn.values())
        asked &= ~self._bound(members, asked)
        if asked:
            self._tell_ages(members, asked, planes, left)
            self._tell_sums(members, asked, planes, left)
        return Joined(planes, {bit: plane for bit, plane in left.items() if plane}, members)

    def _changed(self, members: _Members, every: int) -> Planes:
        """Return the leaves of the goal as the units change them, where each is changed by one unit at most."""
        holds, fails = (
            {bit: every * (mask >> bit & 1) for bit in bits_of(self._leaves)} for mask in (self._base.leaf_true, self._base.leaf_false)
        )
        for unit, plane in members.items():
            for values, mask in ((holds, unit.state.leaf_true), (fails, unit.state.leaf_false)):
                for bit in bits_of(unit.changed):
                    values[bit] = values[bit] | plane if mask >> bit & 1 else values[bit] & ~plane
        return Planes(every, holds, fails)

    @staticmethod
    def _shared(members: _Members, torn: Collection[Unit]) -> dict[int, int]:
        """Return per leaf where several units touch it, or one in `torn`."""
        once: dict[int, int] = {}
        shared: dict[int, int] = {}
        for unit, plane in members.items():
            for bit in bits_of(unit.touched):
                before = once.get(bit, 0)
                shared[bit] = shared.get(bit, 0) | (plane if unit in torn else before & plane)
                once[bit] = before | plane
        return shared

    def _bound(self, members: _Members, asked: int) -> int:
        """Return of the sets asked for those with a list closed or an examination added, and those with related findings."""
        found = union(plane for unit, plane in members.items() if unit.wide)
        findings = [(unit, plane & asked) for unit, plane in members.items() if unit.zone]
        for (one, first), (other, second) in combinations(findings, 2):
            both = first & second & ~found
            if both and self.are_related(one, other):
                found |= both
        return found

    def _tell_ages(self, members: _Members, asked: int, planes: Planes, left: dict[int, int]) -> None:
        """Enter the age of wide findings in the sets asked for, where it is plain."""
        findings = {unit: plane for unit, plane in members.items() if unit.zone}
        for bit in bits_of(self._ages):
            if due := left.get(bit, 0) & asked:
                touching = {unit: plane for unit, plane in members.items() if unit.touched >> bit & 1}
                young, open_still = self._young_in(bit, due, touching, findings)
                planes.holds[bit] |= young
                left[bit] &= ~(young | open_still)

    def _tell_sums(self, members: _Members, asked: int, planes: Planes, left: dict[int, int]) -> None:
        """Enter the bands of weighted sums in the sets asked for, where each item is touched by one unit at most."""
        for indicator, own in self._sums:
            bits = list(bits_of(own))
            due = union(left.get(bit, 0) for bit in bits) & asked
            due &= ~union(plane for unit, plane in members.items() if unit.touched & own and not unit.plain)
            for (present, absent), plane in self._by_items(indicator, due, members).items():
                holds, fails = self._bands(indicator, present, absent)
                for bit in bits:
                    planes.holds[bit] |= plane * (holds >> bit & 1)
                    planes.fails[bit] |= plane * (fails >> bit & 1)
                    left[bit] = left.get(bit, 0) & ~plane

    # --- which moves meet in a way that only abstraction tells --------------------------------------------------------

    def are_related(self, one: Unit, other: Unit) -> bool:
        """Return whether two units speak of related findings, or of such as exclude each other."""
        key = (one, other)
        if key not in self._related:
            near = not one.zone.isdisjoint(other.above) or not other.zone.isdisjoint(one.above)
            (true, false), (holds, fails) = one.said, other.said
            self._related[key] = self._related[other, one] = near or bool(true & fails | false & holds)
        return self._related[key]

    # --- wide findings by their age -----------------------------------------------------------------------------------

    def _undenied(self, ages: Iterable[int]) -> dict[int, frozenset[str]]:
        """Return per open leaf about the age of a finding the kinds of it that must still be denied before it is."""
        program, state = self._program, self._base
        findings = [fact for fact in state.facts if fact.role == Role.FINDING]
        denied = program.at_or_below(fact.term for fact in findings if not fact.present)
        covered = program.at_or_below(closure.closes for closure in state.case.closures if closure.closes in program.below)
        spoken = {*denied, *covered, *(fact.term for fact in findings if fact.present)}
        known = state.leaf_true | state.leaf_false
        terms = {bit: program.leaves[bit][1] for bit in ages if not known >> bit & 1}
        return {
            bit: frozenset(kind for kind in program.below[term] if len(program.below[kind]) == 1) - spoken for bit, term in terms.items()
        }

    def _young_in(self, bit: int, asked: int, touching: _Members, findings: _Members) -> tuple[int, int]:
        """Return where a finding is young after the moves, and where it stays open as it was; elsewhere neither is plain."""
        before = self._young(bit, self._base)
        own = {unit: self._young(bit, unit.state) for unit in findings}
        asked &= ~union(plane for unit, plane in touching.items() if not unit.plain)
        young = union(plane for unit, plane in findings.items() if own[unit] - before)
        for each in before:
            young |= asked & ~union(plane for unit, plane in findings.items() if each not in own[unit])
        young &= asked
        if bit not in self._wanting:
            return young, 0
        denied = asked
        for kind in self._wanting[bit]:
            denied &= union(plane for unit, plane in findings.items() if kind in unit.zone)
        stating = union(plane for unit, plane in touching.items() if not unit.may_only_deny(bit))
        return young, asked & ~young & ~denied & ~stating

    def _young(self, bit: int, state: CaseState) -> frozenset[str]:
        """Return the findings that a state says to be young and by which a leaf holds."""
        key = (bit, id(state))
        if key not in self._young_ones:
            role, term = self._program.leaves[bit]
            parents = self._program.parents
            young = (fact.term for fact in state.facts if fact.role == role and fact.present)
            self._young_ones[key] = frozenset(each for each in young if term in parents[each])
        return self._young_ones[key]

    # --- weighted sums ------------------------------------------------------------------------------------------------

    def _open_sums(self, focus: Focus) -> list[tuple[Indicator, int]]:
        """Return the sums that the facts give, with their leaves."""
        measured = {record.test for record in self._base.case.measurements}
        sums = [each for each in self._program.indicators if each.form == "weighted_sum" and measured.isdisjoint(each.tests)]
        owned = [(each, cuts_of([each]) & focus.leaves) for each in sums]
        return [(each, own) for each, own in owned if own]

    def _items(self, state: CaseState, zone: frozenset[str]) -> dict[str, _Items]:
        """Return per sum its items that lie in a zone, and those that the facts of a state make present and absent, as masks."""
        program = self._program
        present, absent, _ = weighable(program, state.facts)
        found = {}
        for indicator, _ in self._sums:
            names = self._names[indicator.iri]
            near = _mask(not zone.isdisjoint(program.below_sets[name]) for name in names)
            found[indicator.iri] = near, _mask(name in present for name in names), _mask(name in absent for name in names)
        return found

    def _by_items(self, indicator: Indicator, asked: int, members: _Members) -> dict[tuple[int, int], int]:
        """Return by the items of a sum that are present and absent where they are so, as far as no two units touch one item."""
        _, present, absent = self._items_before[indicator.iri]
        units = [(unit.items[indicator.iri], plane & asked) for unit, plane in members.items() if unit.items]
        found = {(0, 0): asked}
        for place in range(len(self._names[indicator.iri])):
            near, there, gone = 0, asked * (present >> place & 1), asked * (absent >> place & 1)
            for (touched, held, denied), plane in units:
                if touched >> place & 1:
                    asked &= ~(near & plane)
                    near |= plane
                    there = there & ~plane | plane * (held >> place & 1)
                    gone = gone & ~plane | plane * (denied >> place & 1)
            found = {
                (yes | held << place, no | denied << place): kept
                for (yes, no), plane in found.items()
                for held, denied in _PRESENCES
                if (kept := plane & (there if held else ~there) & (gone if denied else ~gone))
            }
        return {items: kept for items, plane in found.items() if (kept := plane & asked)}

    def _bands(self, indicator: Indicator, present: int, absent: int) -> tuple[int, int]:
        """Return the leaves of a sum that hold and that fail by the items that are present and absent."""
        key = indicator.iri, present, absent
        if key not in self._added:
            names = self._names[indicator.iri]
            there, gone = ({name for place, name in enumerate(names) if mask >> place & 1} for mask in (present, absent))
            self._added[key] = leaf_masks(indicator, *as_ends(*map(Decimal, weigh_items(indicator, there, gone))))
        return self._added[key]


def _mask(flags: Iterable[bool]) -> int:
    return sum(1 << place for place, flag in enumerate(flags) if flag)
