"""Turn finding records and closure statements into facts: presence, side patterns, newness and recency.

Present goes up the hierarchy and absent goes down by the program's assertion table; this module only decides what is
asserted. Unknown is never absent: what no record and no closure speaks of gets no fact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from reasoner.abstraction.exposures import is_active
from reasoner.abstraction.state import Fact
from reasoner.frozen import frozen
from reasoner.moments import DAY, Moment
from reasoner.program.model import Program
from reasoner.record import STANDING, Case, ClosureStatement, FindingRecord
from reasoner.terms import Role

__all__ = ["denies_newness", "finding_facts"]

_IGNORED = ("entered_in_error", "not_done", "planned", "unconfirmed")
_ABSENT = ("refuted",)


@frozen()
class _Usable:
    """The usable finding records of a case at its as-of instant."""

    present: Sequence[FindingRecord]
    absent: Sequence[FindingRecord]
    closures: Sequence[ClosureStatement]


@frozen()
class _Stated:
    """The findings that are said to be present, as a mask, and to be absent, and what each closure covers.

    `left` are all that are not at or below an absent one, `touched` those of them that are present or covered.
    """

    present: int
    absent: set[str]
    left: int
    touched: int
    covers: tuple[tuple[ClosureStatement, int], ...]


_Divide = tuple[bool, Moment | None]
"""Whether old is divided from young, and when; undivided all is young, and nobody knows of what an unknown moment divides."""


def finding_facts(case: Case, program: Program, as_of: Moment, last_scan: tuple[bool, Moment | None]) -> list[Fact]:
    """Return the facts about findings; `last_scan` says whether the dividing scan is on record, and when it was."""
    usable = _usable(case, program, as_of)
    facts = [Fact(Role.FINDING, record.finding, True, (record.node,)) for record in usable.present]
    facts += [fact for record in usable.absent if (fact := _absence(record, program))]
    facts += _patterns(usable.present, usable.absent, program, Role.FINDING)
    if usable.closures:
        facts += _closed(usable, program, facts, last_scan)
    stated = _stated(usable, program, facts)
    facts += _aged(usable, program, Role.NEW_FINDING, lambda term: last_scan, stated)
    facts += _aged(usable, program, Role.RECENT_FINDING, lambda term: _since_days(program.recent_days.get(term), as_of), stated)
    return facts


def _usable(case: Case, program: Program, as_of: Moment) -> _Usable:
    present = _uses(case, program, as_of) if case.medications else []
    absent: list[FindingRecord] = []
    ended: list[FindingRecord] = []
    now = as_of.high
    for record in case.findings:
        presence, onset, end, recorded, status = record.presence, record.onset, record.ended, record.recorded, record.status
        if status in _IGNORED or presence == "unknown":
            continue
        if (recorded is not None and recorded.low > now) or (onset is not None and onset.low > now):
            continue
        over = status == "stopped" or (end is not None and end.high <= now)
        if presence == "absent" or status in _ABSENT:
            absent.append(record)
        else:
            (ended if over else present).append(record)
    if ended:
        held = {record.finding for record in present}
        absent += [record for record in ended if record.finding not in held]
    closures = []
    for closure in case.closures:
        if closure.status in STANDING and (closure.recorded is None or closure.recorded.low <= now):
            closures.append(closure)
    return _Usable(present, absent, closures)


def _uses(case: Case, program: Program, as_of: Moment) -> list[FindingRecord]:
    """Return the findings that the use of drugs is: begun when the use began, recorded by the record of the use."""
    stated = program.use_findings
    return [
        FindingRecord(use.node, finding, "present", "", use.started, None, use.ended, None, "")
        for use in case.medications
        if use.drug in stated and is_active(use, as_of)
        for finding in stated[use.drug]
    ]


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
    telling = present if absent and any(record.side for record in absent) else [record for record in present if record.side]
    if not telling:
        return facts
    for place in sorted(set[int]().union(*[kinds.patterned.get(record.finding, ()) for record in telling])):
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


def _closed(usable: _Usable, program: Program, known: list[Fact], last_scan: _Divide) -> list[Fact]:
    """Return absences from closure statements.

    A class is closed unless it, or anything below it that is not known absent, is recorded present, above or below a
    recorded finding. A statement made before the dividing scan denies nothing whose denial would deny newness.
    """
    above, below = program.kinds.above, program.kinds.below
    touched = 0
    for record in usable.present:
        touched |= above[record.finding] | below[record.finding]
    touched &= ~program.kinds.at_or_below([fact.term for fact in known if not fact.present])
    facts = []
    for closure in usable.closures:
        closes = closure.closes
        if program.sorts.get(closes) == "Finding":
            counts = _counts(closure, last_scan)
            if counts and not touched & below[closes]:
                facts.append(Fact(Role.FINDING, closes, False, (closure.node,)))
                continue
            rows = program.kinds.rows[closes]
            closed = [row for row in rows if not touched & row[3] and (counts or not denies_newness(row[0], program))]
            inside = sum(bit for _, bit, _, _ in closed)
            topmost = (term for term, bit, higher, _ in closed if inside & higher == bit)
            facts += [Fact(Role.FINDING, term, False, (closure.node,)) for term in topmost]
    return facts


def denies_newness(term: str, program: Program) -> bool:
    """Return whether a denial of a finding denies that it, or a kind of it, is new."""
    return bool(program.fact_effects[Role.FINDING, term, False].fails & program.newness)


def _stated(usable: _Usable, program: Program, facts: Iterable[Fact]) -> _Stated:
    kinds, present = program.kinds, 0
    absent: set[str] = set()
    for _, term, held, _ in facts:
        if held:
            present |= kinds.bit[term]
        else:
            absent.add(term)
    touched = present
    covers = []
    for closure in usable.closures:
        cover = kinds.below[closure.closes]
        covers.append((closure, cover))
        touched |= cover
    left = ~kinds.at_or_below(absent)
    return _Stated(present, absent, left, touched & left, tuple(covers))


def _since_days(days: int | None, as_of: Moment) -> _Divide:
    """Divide by the days that a finding declares as recent."""
    if days is None:
        return True, None
    last = (as_of.low // DAY - days) * DAY - 1
    return True, Moment(last, last, "")


def _counts(closure: ClosureStatement, divide: _Divide) -> bool:
    """Return whether a statement was made among what is young."""
    divided, edge = divide
    return not divided or (edge is not None and closure.recorded is not None and closure.recorded.low > edge.high)


def _is_young(record: FindingRecord, divide: _Divide) -> bool | None:
    """Return whether a finding began or got worse after what divides, or both before it; None where that is not told."""
    divided, edge = divide
    if not divided:
        return True
    one, other = record.onset or record.worsened, record.worsened or record.onset
    if edge is None or one is None or other is None:
        return None
    if max(one.low, other.low) > edge.high:
        return True
    return False if max(one.high, other.high) <= edge.low else None


def _aged(usable: _Usable, program: Program, role: str, divide: Callable[[str], _Divide], stated: _Stated) -> list[Fact]:
    """Return the facts of a role that splits findings by age: present where one is young, absent where every kind is old."""
    facts: list[Fact] = []
    young = [record for record in usable.present if _is_young(record, divide(record.finding))]
    if young:
        facts = [Fact(role, record.finding, True, (record.node,)) for record in young]
        facts += _patterns(young, (), program, role)
        facts = [fact for fact in facts if fact.term not in stated.absent]
    asked = program.kinds.asked.get(role)
    if asked is None:
        return facts
    left, touched = stated.left, stated.touched
    aged: dict[_Divide, _Aged] = {}
    for term, kinds in asked.masks:
        if kinds & touched:
            by = divide(term)
            if by not in aged:
                aged[by] = _divided(by, usable, program, stated)
            if not kinds & left & ~aged[by].old and (sources := _sources(kinds & left, aged[by], stated)):
                facts.append(Fact(role, term, False, sources))
    return facts


@frozen()
class _Aged:
    """The kinds that are old, the records with all at or below their finding, and the closures that count.

    A kind is old when it is recorded so, or when a closure that counts covers it and all related records are old.
    """

    old: int
    records: Sequence[tuple[FindingRecord, int]]
    covers: Sequence[tuple[ClosureStatement, int]]


def _divided(divide: _Divide, usable: _Usable, program: Program, stated: _Stated) -> _Aged:
    below, old = program.kinds.below, stated.present
    covers = [each for each in stated.covers if _counts(each[0], divide)]
    for _, cover in covers:
        old |= cover
    perhaps_young = program.kinds.at_or_below([record.finding for record in usable.present if _is_young(record, divide) is not False])
    return _Aged(old & ~perhaps_young, [(record, below[record.finding]) for record in usable.present], covers)


def _sources(kinds: int, aged: _Aged, stated: _Stated) -> tuple[str, ...]:
    """Return the records that show `kinds`, all of them old, to be so."""
    sources: set[str] = set()
    left = kinds & ~stated.present
    for closure, cover in aged.covers:
        if left & cover:
            left &= ~cover
            sources.add(closure.node)
    return tuple(sorted(sources.union([record.node for record, below in aged.records if kinds & below])))
