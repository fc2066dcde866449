"""Take away what the records of a case say of a term, and leave what they say of others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from reasoner.moments import Moment
from reasoner.program.model import Indicator, Program
from reasoner.record import Case, ClosureStatement, DiagnosisRecord, FindingRecord, MedicationRecord
from reasoner.terms import lc

__all__ = ["forget"]

_OVER = ("refuted", "stopped", "not_done")
_VALUE, _PERFORMED = lc("value"), lc("performedOn")


def forget(case: Case, term: str, program: Program, as_of: Moment) -> Case:
    """Return the case without what its records say, at `as_of`, of a finding, drug, diagnosis or indicator.

    Gone is what lies at or below the term; what denies it from above goes on denying what lies apart from it. A drug of
    which a whole class was stopped leaves that record out, because it does not say which of the class it was.
    """
    indicator = program.indicator.get(term)
    if indicator is not None:
        return _forget_indicator(case, indicator, program)
    near, above = program.below_sets[term], program.parents[term]
    return replace(
        case,
        findings=tuple(kept for each in case.findings for kept in _finding(each, term, program, as_of)),
        medications=tuple(
            each for each in case.medications if each.drug not in near and not (each.drug in above and _is_over(each, as_of))
        ),
        diagnoses=tuple(kept for each in case.diagnoses for kept in _diagnosis(each, term, program, as_of)),
        closures=tuple(kept for each in case.closures for kept in _closure(each, term, program)),
    )


def _is_over(record: FindingRecord | MedicationRecord | DiagnosisRecord, as_of: Moment) -> bool:
    """Return whether a record says that something is no longer so, or never was."""
    return record.status in _OVER or (record.ended is not None and record.ended.high <= as_of.high)


def _apart(denied: str, term: str, program: Program) -> list[str]:
    """Return the widest terms below a denied one that share nothing with `term`."""
    near, below = program.below_sets[term], program.below_sets
    apart = {each for each in below[denied] if below[each].isdisjoint(near)}
    return sorted(each for each in apart if apart.isdisjoint(set(program.parents[each]) - {each}))


def _finding(record: FindingRecord, term: str, program: Program, as_of: Moment) -> Iterator[FindingRecord]:
    near, above = program.below_sets[term], program.parents[record.finding]
    if record.finding in near:
        return
    if record.presence != "absent" and not _is_over(record, as_of):
        sided = {kind for each in above for _, kind in program.side_patterns.get(each, ())}
        yield record if near.isdisjoint(sided) else replace(record, side="")
        return
    own = dict(program.side_patterns.get(record.finding, ()))
    denied = record.finding if record.side in ("", "both") else own.get(record.side, "")
    if denied in program.parents[term]:
        yield from (replace(record, finding=each, presence="absent", side="") for each in _apart(denied, term, program))
    elif denied not in near:
        yield record


def _diagnosis(record: DiagnosisRecord, term: str, program: Program, as_of: Moment) -> Iterator[DiagnosisRecord]:
    if record.condition in program.below_sets[term]:
        return
    if record.condition in program.parents[term] and (record.presence == "absent" or _is_over(record, as_of)):
        yield from (replace(record, condition=each) for each in _apart(record.condition, term, program))
    else:
        yield record


def _closure(record: ClosureStatement, term: str, program: Program) -> Iterator[ClosureStatement]:
    """Yield what a closure statement says apart from a term: of what it shares with it, it would say more once nothing is recorded."""
    if program.below_sets[record.closes].isdisjoint(program.below_sets[term]):
        yield record
    else:
        yield from (replace(record, closes=each) for each in _apart(record.closes, term, program))


def _forget_indicator(case: Case, indicator: Indicator, program: Program) -> Case:
    if indicator.form == "closed":
        above = program.parents.get(indicator.closes or "", ())
        return replace(case, closures=tuple(each for each in case.closures if each.closes not in above))
    if indicator.form == "attribute":
        return _forget_attribute(case, indicator)
    findings = program.below_sets[indicator.finding] if indicator.finding else frozenset()
    return replace(
        case,
        measurements=tuple(each for each in case.measurements if each.test not in indicator.tests),
        examinations=tuple(each for each in case.examinations if each.test not in indicator.tests),
        findings=tuple(each for each in case.findings if each.finding not in findings),
    )


def _forget_attribute(case: Case, indicator: Indicator) -> Case:
    """Return the case in which no record of the tests states the attribute."""
    if indicator.attribute == _VALUE:
        told = (replace(each, value=None) if each.test in indicator.tests else each for each in case.measurements)
        return replace(case, measurements=tuple(told))
    examinations = []
    for each in case.examinations:
        if each.test in indicator.tests and indicator.attribute == _PERFORMED:
            each = replace(each, performed=None)
        elif each.test in indicator.tests:
            each = replace(each, attributes=tuple(pair for pair in each.attributes if pair[0] != indicator.attribute))
        examinations.append(each)
    return replace(case, examinations=tuple(examinations))
