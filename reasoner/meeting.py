"""Say what several moves about findings do to a leaf that more than one of them touches, where that is plain without abstracting anew.

Two leaves are often touched by many moves: that of a wide finding asked for by its age, since denying all its kinds
denies it, and the bands of a weighted sum. Of the first only a move that makes the finding young tells, or denials of
every kind; the second is added up from the facts that each move brings and takes. Moves on related findings, those that
contradict the record, and closures are left to abstraction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations

from reasoner.abstraction.calculated import weigh_items
from reasoner.abstraction.measurements import as_ends
from reasoner.abstraction.state import CaseState
from reasoner.focus import Focus, bits_of
from reasoner.moves import Move
from reasoner.program.cuts import leaf_masks
from reasoner.program.model import Indicator, Program
from reasoner.terms import Role

__all__ = ["DENYING", "Meeting", "Unit", "side_family"]

DENYING = ("absent", "old", "stopped")
"""The values of moves that deny."""

_AGES = (Role.NEW_FINDING, Role.RECENT_FINDING)


_Items = tuple[int, int, int]
"""Items of a sum that moves touch, those present after them, and those absent, as masks."""


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """Moves taken as one, with the state after them: the leaves they change, may bear on, and may come to deny with others.

    `zone` holds the findings that they may state or deny, `above` these and all above them; `plain` says that they speak
    of findings alone, `wide` that one closes a list or adds an examination, by which findings are judged anew. `items` is what they make of the items of each sum.
    """

    moves: tuple[Move, ...]
    state: CaseState
    changed: int
    touched: int
    joint: int
    zone: frozenset[str]
    above: frozenset[str]
    plain: bool
    wide: bool
    items: dict[str, _Items]


class Meeting:
    """What moves do to the leaves that they share, as far as it follows from what each does by itself."""

    def __init__(self, focus: Focus) -> None:
        self._program = focus.program
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
        terms = [move.change.term for move in moves if program.sorts.get(move.change.term) == "Finding"]
        zone = program.at_or_below(each for term in terms for each in (term, *side_family(program, term)))
        above = frozenset(above for each in zone for above in program.parents[each])
        plain = len(terms) == len(moves)
        indicators = (program.indicator.get(move.change.term) for move in moves)
        wide = any(each is not None and each.form in ("closed", "on_record") for each in indicators)
        return Unit(moves, state, changed, touched, joint & ~changed, zone, above, plain, wide, self._items(state, zone))

    def decide(self, units: Sequence[Unit], shared: int) -> tuple[int, int, int]:
        """Return of the leaves that several units touch those that hold, those that fail, and those to be abstracted anew."""
        findings = [unit for unit in units if unit.zone]
        for unit in units:
            if unit.wide:
                return 0, 0, shared
        for one, other in combinations(findings, 2):
            if self.are_related(one, other):
                return 0, 0, shared
        holds, fails, left = 0, 0, shared
        for bit in bits_of(shared & self._ages):
            is_young = self._is_young(bit, [unit for unit in units if unit.touched >> bit & 1], findings)
            if is_young is not None:
                holds, left = holds | is_young << bit, left & ~(1 << bit)
        for indicator, own in self._sums:
            if shared & own and all(unit.plain for unit in units if unit.touched & own):
                masks = self._sum(indicator, findings)
                if masks is not None:
                    holds, fails, left = holds | masks[0] & own, fails | masks[1] & own, left & ~own
        return holds, fails, left

    # --- which moves meet in a way that only abstraction tells --------------------------------------------------------

    def are_related(self, one: Unit, other: Unit) -> bool:
        """Return whether two units speak of related findings, or of such as exclude each other."""
        key = (one, other)
        if key not in self._related:
            near = not one.zone.isdisjoint(other.above) or not other.zone.isdisjoint(one.above)
            (true, false), (holds, fails) = self._said(one.state), self._said(other.state)
            self._related[key] = near or bool(true & fails | false & holds)
        return self._related[key]

    def _said(self, state: CaseState) -> tuple[int, int]:
        return state.leaf_true & ~self._base.leaf_true, state.leaf_false & ~self._base.leaf_false

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

    def _is_young(self, bit: int, touching: Sequence[Unit], findings: Sequence[Unit]) -> bool | None:
        """Return whether a finding is young after the moves, False where it stays open as it was, None where that is not plain."""
        if not all(unit.plain for unit in touching):
            return None
        young = self._young(bit, self._base)
        each = [self._young(bit, unit.state) for unit in findings]
        if young.intersection(*each) or any(own - young for own in each):
            return True
        soft = all(unit.joint >> bit & 1 and all(move.change.value in DENYING for move in unit.moves) for unit in touching)
        if bit not in self._wanting or not soft or self._wanting[bit] <= frozenset().union(*(unit.zone for unit in findings)):
            return None
        return False

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
        owned = [(each, (1 << len(each.cuts) + 1) - 1 << each.first_bit & focus.leaves) for each in sums]
        return [(each, own) for each, own in owned if own]

    def _items(self, state: CaseState, zone: frozenset[str]) -> dict[str, _Items]:
        """Return per sum its items that lie in a zone, and those that the facts of a state make present and absent, as masks."""
        program = self._program
        weighed = [fact for fact in state.facts if fact.role == Role.FINDING and fact.term in program.weighed_findings]
        present = {above for fact in weighed if fact.present for above in program.parents[fact.term]}
        absent = program.at_or_below(fact.term for fact in weighed if not fact.present)
        found = {}
        for indicator, _ in self._sums:
            names = self._names[indicator.iri]
            near = _mask(not zone.isdisjoint(program.below_sets[name]) for name in names)
            found[indicator.iri] = near, _mask(name in present for name in names), _mask(name in absent for name in names)
        return found

    def _sum(self, indicator: Indicator, findings: Sequence[Unit]) -> tuple[int, int] | None:
        """Return the leaves of a sum of which each item is touched by one unit at most, else None."""
        _, present, absent = self._items_before[indicator.iri]
        seen = 0
        for unit in findings:
            near, held, denied = unit.items[indicator.iri]
            if seen & near:
                return None
            seen |= near
            present, absent = present & ~near | held & near, absent & ~near | denied & near
        key = indicator.iri, present, absent
        if key not in self._added:
            names = self._names[indicator.iri]
            there, gone = ({name for place, name in enumerate(names) if mask >> place & 1} for mask in (present, absent))
            self._added[key] = leaf_masks(indicator, *as_ends(*map(Decimal, weigh_items(indicator, there, gone))))
        return self._added[key]


def _mask(flags: Iterable[bool]) -> int:
    return sum(1 << place for place, flag in enumerate(flags) if flag)


def side_family(program: Program, term: str) -> set[str]:
    """Return the findings whose sides a change of `term` may decide, with all their kinds."""
    found: set[str] = set()
    for finding, kinds in program.side_patterns.items():
        names = {finding, *(kind for _, kind in kinds)}
        if term in program.parents[finding] or not names.isdisjoint(program.parents[term]) or not names.isdisjoint(program.below[term]):
            found |= names
    return found
