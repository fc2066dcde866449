"""Turn finding records and closure statements into facts: presence, side patterns, newness and recency.

Present goes up the hierarchy and absent goes down by the program's assertion table; this module only decides what is
asserted. Unknown is never absent: what no record and no closure speaks of gets no fact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from reasoner.abstraction.exposures import is_active
from reasoner.abstraction.state import Fact
from reasoner.moments import DAY, Moment
from reasoner.program.model import FALSE, Program
from reasoner.record import Case, ClosureStatement, FindingRecord
from reasoner.terms import Role

__all__ = ["denies_newness", "finding_facts"]

_IGNORED = ("entered_in_error", "not_done", "planned", "unconfirmed")
_ABSENT = ("refuted",)


@dataclass(frozen=True)
class _Usable:
    """The usable finding records of a case at its as-of instant."""

    present: tuple[FindingRecord, ...]
    absent: tuple[FindingRecord, ...]
    closures: tuple[ClosureStatement, ...]


@dataclass(frozen=True)
class _Stated:
    """The findings that are said to be present, as a mask, and to be absent, all at or below the latter, and what closures cover."""

    present: int
    absent: set[str]
    denied: int
    covers: tuple[tuple[ClosureStatement, int], ...]


def finding_facts(case: Case, program: Program, as_of: Moment, last_scan: tuple[bool, Moment | None]) -> list[Fact]:
    """Return the facts about findings; `last_scan` says whether the dividing scan is on record, and when it was."""
    usable = _usable(case, program, as_of)
    facts = [Fact(Role.FINDING, record.finding, True, (record.node,)) for record in usable.present]
    facts += [fact for record in usable.absent if (fact := _absence(record, program))]
    facts += _patterns(usable.present, usable.absent, program, Role.FINDING)
    since_scan = _since_scan(last_scan)
    facts += _closed(usable, program, facts, since_scan[1])
    stated = _stated(usable, program, facts)
    facts += _aged(usable, program, Role.NEW_FINDING, lambda term: since_scan, stated)
    by_days: dict[int | None, _Divide] = {}

    def recent(term: str) -> _Divide:
        days = program.recent_days.get(term)
        if days not in by_days:
            by_days[days] = _since_days(days, as_of)
        return by_days[days]

    facts += _aged(usable, program, Role.RECENT_FINDING, recent, stated)
    return facts


def _usable(case: Case, program: Program, as_of: Moment) -> _Usable:
    present = _uses(case, program, as_of) if case.medications else []
    absent: list[FindingRecord] = []
    ended: list[FindingRecord] = []
    for record in case.findings:
        if record.status in _IGNORED or record.presence == "unknown" or _later(record.recorded, as_of) or _later(record.onset, as_of):
            continue
        over = record.status == "stopped" or (record.ended is not None and record.ended.high <= as_of.high)
        if record.presence == "absent" or record.status in _ABSENT:
            absent.append(record)
        else:
            (ended if over else present).append(record)
    held = {record.finding for record in present}
    absent += [record for record in ended if record.finding not in held]
    closures = tuple(each for each in case.closures if each.status in ("", "active") and not _later(each.recorded, as_of))
    return _Usable(tuple(present), tuple(absent), closures)


def _uses(case: Case, program: Program, as_of: Moment) -> list[FindingRecord]:
    """Return the findings that the use of drugs is: begun when the use began, recorded by the record of the use."""
    stated = program.use_findings
    return [
        FindingRecord(use.node, finding, "present", "", use.started, None, use.ended, None, "")
        for use in case.medications
        if use.drug in stated and is_active(use, as_of)
        for finding in stated[use.drug]
    ]


def _later(moment: Moment | None, as_of: Moment) -> bool:
    return moment is not None and moment.low > as_of.high


def _absence(record: FindingRecord, program: Program) -> Fact | None:
    """Return what an absence record denies: the finding, or on one side only that side's subclass."""
    if record.side in ("", "both"):
        return Fact(Role.FINDING, record.finding, False, (record.node,))
    sided = dict(program.side_patterns.get(record.finding, ())).get(record.side)
    return Fact(Role.FINDING, sided, False, (record.node,)) if sided else None


def _patterns(present: Sequence[FindingRecord], absent: Sequence[FindingRecord], program: Program, role: str) -> list[Fact]:
    """Return the facts on side patterns that the sides of the records decide."""
    facts: list[Fact] = []
    kinds = program.kinds
    telling = present if any(record.side for record in absent) else [record for record in present if record.side]
    for place in sorted({place for record in telling for place in kinds.patterned.get(record.finding, ())}):
        finding, below, patterns = kinds.sided[place]
        here = [record for record in present if record.finding in below]
        denied = [record.side for record in absent if record.finding in program.parents[finding]]
        holds = _HOLDS[_sides(finding, here, denied)]
        sources = tuple([record.node for record in here if record.side or record.finding == finding])
        for pattern, term in patterns:
            known = holds.get(pattern)
            if known or (known is False and role == Role.FINDING):
                facts.append(Fact(role, term, known, sources))
    return facts


def _sides(finding: str, here: Iterable[FindingRecord], denied: Sequence[str]) -> tuple[bool | None, bool | None]:
    """Return for left and right yes, no or None; records of the finding itself state its whole extent if each names a side."""
    left = right = stated = None
    for record in here:
        side = record.side
        if side == "left" or side == "both":
            left = True
        if side == "right" or side == "both":
            right = True
        if record.finding == finding:
            stated = bool(side) and stated is not False
    return left or (False if stated or "left" in denied else None), right or (False if stated or "right" in denied else None)


def _both(left: bool | None, right: bool | None) -> bool | None:
    if left is False or right is False:
        return False
    return True if left and right else None


def _one(left: bool | None, right: bool | None) -> bool | None:
    if left is None or right is None:
        return None
    return left != right


_KNOWN = (True, False, None)
_HOLDS: Mapping[tuple[bool | None, bool | None], Mapping[str, bool | None]] = {
    (left, right): {"left": left, "right": right, "bilateral": _both(left, right), "unilateral": _one(left, right)}
    for left in _KNOWN
    for right in _KNOWN
}
"""Which side patterns hold, by what is known of the left and of the right."""


def _closed(usable: _Usable, program: Program, known: list[Fact], after_scan: Callable[[ClosureStatement], bool]) -> list[Fact]:
    """Return absences from closure statements.

    A class is closed unless it, or anything below it that is not known absent, is recorded present, above or below a
    recorded finding. A statement made before the dividing scan denies nothing whose denial would deny newness.
    """
    above, below = program.kinds.above, program.kinds.below
    touched = 0
    for finding in {record.finding for record in usable.present}:
        touched |= above[finding] | below[finding]
    touched &= ~program.kinds.at_or_below(fact.term for fact in known if not fact.present)
    facts = []
    for closure in usable.closures:
        if program.sorts.get(closure.closes) == "Finding":
            counts = after_scan(closure)
            if counts and not touched & below[closure.closes]:
                facts.append(Fact(Role.FINDING, closure.closes, False, (closure.node,)))
                continue
            rows = program.kinds.rows[closure.closes]
            closed = [row for row in rows if not touched & row[3] and (counts or not denies_newness(row[0], program))]
            inside = sum(bit for _, bit, _, _ in closed)
            topmost = (term for term, bit, higher, _ in closed if inside & higher == bit)
            facts += [Fact(Role.FINDING, term, False, (closure.node,)) for term in topmost]
    return facts


def denies_newness(term: str, program: Program) -> bool:
    """Return whether a denial of a finding denies that it, or a kind of it, is new."""
    leaves = program.fact_effects[Role.FINDING, term, False].leaves
    return any(value == FALSE and bit in program.newness for bit, value in leaves.items())


def _stated(usable: _Usable, program: Program, facts: Iterable[Fact]) -> _Stated:
    kinds, present = program.kinds, 0
    absent: set[str] = set()
    for _, term, held, _ in facts:
        if held:
            present |= kinds.bit[term]
        else:
            absent.add(term)
    covers = tuple((closure, kinds.below[closure.closes]) for closure in usable.closures)
    return _Stated(present, absent, kinds.at_or_below(absent), covers)


_Divide = tuple[Callable[[FindingRecord], bool | None], Callable[[ClosureStatement], bool]]


def _since_scan(last_scan: tuple[bool, Moment | None]) -> _Divide:
    """Judge by the last scan: after it is new, before it is old, overlapping or undated is unknown; no scan makes all new."""
    on_record, scan = last_scan

    def is_new(record: FindingRecord) -> bool | None:
        if not on_record:
            return True
        return _after(record, scan)

    def counts(closure: ClosureStatement) -> bool:
        return not on_record or (scan is not None and closure.recorded is not None and closure.recorded.low > scan.high)

    return is_new, counts


def _since_days(days: int | None, as_of: Moment) -> _Divide:
    """Judge by the days that a finding declares as recent."""
    if days is None:
        return (lambda record: None), (lambda closure: False)
    last = (as_of.low // DAY - days) * DAY - 1
    edge = Moment(last, last, "")

    def counts(closure: ClosureStatement) -> bool:
        return closure.recorded is not None and closure.recorded.low > last

    return (lambda record: _after(record, edge)), counts


def _after(record: FindingRecord, edge: Moment | None) -> bool | None:
    """Return whether a finding began or got worse after an edge, or both before it; None where that is not told."""
    one, other = record.onset or record.worsened, record.worsened or record.onset
    if edge is None or one is None or other is None:
        return None
    if max(one.low, other.low) > edge.high:
        return True
    return False if max(one.high, other.high) <= edge.low else None


def _aged(usable: _Usable, program: Program, role: str, divide: Callable[[str], _Divide], stated: _Stated) -> list[Fact]:
    """Return the facts of a role that splits findings by age: present where one is young, absent where every kind is old."""
    young = [record for record in usable.present if divide(record.finding)[0](record)]
    facts = [Fact(role, record.finding, True, (record.node,)) for record in young]
    facts += _patterns(young, (), program, role)
    if not stated.absent.isdisjoint(fact.term for fact in facts):
        facts = [fact for fact in facts if fact.term not in stated.absent]
    asked = program.kinds.asked.get(role)
    if asked is None:
        return facts
    left = ~stated.denied
    touched = stated.present
    for _, cover in stated.covers:
        touched |= cover
    touched &= left
    aged: dict[_Divide, _Aged] = {}
    for term, kinds in asked.masks:
        if kinds & touched:
            by = divide(term)
            if by not in aged:
                aged[by] = _divided(by, usable, program, stated)
            if not kinds & left & ~aged[by].old and (sources := _sources(kinds & left, aged[by], stated)):
                facts.append(Fact(role, term, False, sources))
    return facts


class _Aged(NamedTuple):
    """The kinds that are old, the records with all at or below their finding, and the closures that count.

    A kind is old when it is recorded so, or when a closure that counts covers it and all related records are old.
    """

    old: int
    records: tuple[tuple[FindingRecord, int], ...]
    covers: tuple[tuple[ClosureStatement, int], ...]


def _divided(divide: _Divide, usable: _Usable, program: Program, stated: _Stated) -> _Aged:
    is_young, counts = divide
    below, old = program.kinds.below, stated.present
    covers = tuple(each for each in stated.covers if counts(each[0]))
    for _, cover in covers:
        old |= cover
    perhaps_young = program.kinds.at_or_below(record.finding for record in usable.present if is_young(record) is not False)
    return _Aged(old & ~perhaps_young, tuple((record, below[record.finding]) for record in usable.present), covers)


def _sources(kinds: int, aged: _Aged, stated: _Stated) -> tuple[str, ...]:
    """Return the records that show `kinds`, all of them old, to be so."""
    sources: set[str] = set()
    left = kinds & ~stated.present
    for closure, cover in aged.covers:
        if left & cover:
            left &= ~cover
            sources.add(closure.node)
    return tuple(sorted(sources.union(record.node for record, below in aged.records if kinds & below)))
