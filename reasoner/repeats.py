"""Find past repeats of a test that the record, as it stood on the day before, did not warrant.

Every decision about a test is made again for each examination of that test on record, at the instant before it, from what
the record dates before it. What has no date and would speak against the test (an absence, a closure statement, a result)
is left out, what would speak for it (a present finding, a drug) stays: a repeat is named only where nothing undated
could be behind the verdict.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import TypeVar

from reasoner.advice import Judged
from reasoner.answer import CaseAnswer
from reasoner.answering import answer_case
from reasoner.moments import Moment
from reasoner.program.model import Program
from reasoner.record import STANDING, Case, ExaminationRecord, MeasurementRecord

__all__ = ["Repeat", "unwarranted_repeats"]

_Result = TypeVar("_Result", MeasurementRecord, ExaminationRecord)


@dataclass(frozen=True)
class Repeat:
    """An examination that was not warranted, with the verdict of the day and the answer it belongs to."""

    record: ExaminationRecord
    judged: Judged
    answer: CaseAnswer


def unwarranted_repeats(case: Case, program: Program, as_of: Moment) -> Iterator[Repeat]:
    """Yield the examinations up to `as_of` that the record before them did not warrant, in order of time."""
    for decision in program.decisions:
        tests = program.below.get(decision.investigation or "", ())
        done = [each for each in case.examinations if each.test in tests and each.status in STANDING and each.performed is not None]
        dated = [(each.performed.low, each.node, each) for each in done if each.performed and each.performed.high <= as_of.high]
        for first_second, _, record in sorted(dated, key=itemgetter(0, 1))[1:]:
            eve = Moment(first_second - 1, first_second - 1, record.performed.text if record.performed else "")
            answer = answer_case(_before(case, eve), program, eve)
            judged = answer.advice.judged[decision.key]
            if judged.verdict.not_warranted:
                yield Repeat(record, judged, answer)


def _before(case: Case, eve: Moment) -> Case:
    """Return what the record dates up to `eve`."""
    return replace(
        case,
        as_of=eve,
        findings=tuple(
            each
            for each in case.findings
            if not _after(eve, each.onset, each.recorded) and (each.presence == "present" or each.recorded is not None)
        ),
        measurements=_results(case.measurements, eve),
        examinations=_results(case.examinations, eve),
        medications=tuple(each for each in case.medications if not _after(eve, each.started)),
        diagnoses=tuple(each for each in case.diagnoses if not _after(eve, each.onset, each.recorded)),
        closures=tuple(each for each in case.closures if each.recorded is not None and not _after(eve, each.recorded)),
    )


def _results(records: Iterable[_Result], eve: Moment) -> tuple[_Result, ...]:
    return tuple(each for each in records if each.performed is not None and not _after(eve, each.performed))


def _after(eve: Moment, *moments: Moment | None) -> bool:
    """Return whether one of the moments may lie after `eve`."""
    return any(moment is not None and moment.high > eve.high for moment in moments)
