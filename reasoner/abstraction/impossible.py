"""Name what cannot be: a birth date that does not fit, what ends before it begins or is dated before birth, a reference range that is none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reasoner.abstraction.measurements import are_limits
from reasoner.abstraction.state import IndicatorState
from reasoner.moments import Moment
from reasoner.record import Case, MeasurementRecord, Problem, Record
from reasoner.terms import lc

__all__ = ["IMPOSSIBLE", "impossible_problems"]

IMPOSSIBLE = ("impossible-date", "unusable-range")
"""The codes of these problems."""

_NO_RECORD = "entered_in_error"


def impossible_problems(case: Case, derived: Iterable[IndicatorState]) -> Iterator[Problem]:
    """Yield a problem for what cannot be in a case; `derived` says whether the birth date fits the instant at which the case is judged."""
    birth = case.birth
    if birth is not None:
        for state in derived:
            if state.status == "unusable" and state.sources == (case.iri,):
                text = f"the birth date {birth.text} does not fit the as-of instant, so the age is not known"
                yield Problem("impossible-date", text, lc("birthDate"), (case.iri,), "correct the birth date or the as-of instant")
                birth = None
                break
    for measured in case.measurements:
        if measured.low is not None or measured.high is not None:
            yield from _range(measured)
    if birth is not None:
        for test in case.tests:
            yield from _dates(test, test.test, birth, test.performed, None, ())
    for finding in case.findings:
        if birth is not None or finding.ended is not None:
            yield from _dates(finding, finding.finding, birth, finding.onset, finding.ended, (finding.worsened, finding.recorded))
    for use in case.medications:
        if birth is not None or use.ended is not None:
            yield from _dates(use, use.drug or lc("ofDrug"), birth, use.started, use.ended, ())
    for diagnosis in case.diagnoses:
        if birth is not None or diagnosis.ended is not None:
            yield from _dates(diagnosis, diagnosis.condition, birth, diagnosis.onset, diagnosis.ended, (diagnosis.recorded,))
    if birth is not None:
        for closure in case.closures:
            yield from _dates(closure, closure.closes, birth, closure.recorded, None, ())


def _range(record: MeasurementRecord) -> Iterator[Problem]:
    if not are_limits(record.low, record.high) and record.status != _NO_RECORD:
        text = f"the reference range {'' if record.low is None else record.low}–{record.high} is no interval"
        yield Problem("unusable-range", text, lc("referenceHigh"), (record.node,), "state the interval of the laboratory")


def _dates(
    record: Record, term: str, birth: Moment | None, begun: Moment | None, ended: Moment | None, others: tuple[Moment | None, ...]
) -> Iterable[Problem]:
    if record.status == _NO_RECORD:
        return ()
    found = []
    if begun is not None and ended is not None and ended.high < begun.low:
        text = f"the record ends on {ended.text}, before it begins on {begun.text}"
        found.append(Problem("impossible-date", text, term, (record.node,), "correct the beginning or the end"))
    if birth is not None:
        for each in (begun, ended, *others):
            if each is not None and each.high < birth.low:
                text = f"the record is dated {each.text}, before the birth date {birth.text}"
                found.append(Problem("impossible-date", text, term, (record.node,), "correct the date or the birth date"))
                break
    return found
