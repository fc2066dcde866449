"""Group the records of tests by test, each with its age at the as-of instant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Generic, TypeVar

from reasoner.frozen import frozen
from reasoner.moments import DAY, Moment
from reasoner.program.model import Indicator, Program
from reasoner.record import STANDING, Case, ExaminationRecord, MeasurementRecord

__all__ = ["Chart", "Dated", "last_of", "last_scan", "when"]

_NEVER = (-(10**12), -(10**12))
_Test = TypeVar("_Test", bound=MeasurementRecord | ExaminationRecord)


@frozen()
class Dated(Generic[_Test]):
    """A record with its place among those of its kind, whether it is usable and not of the future, and its least age in days."""

    place: int
    record: _Test
    current: bool
    age: int | None

    def is_fresh(self, indicator: Indicator) -> bool:
        """Return whether the record counts: usable, not of the future, dated if it must be, and inside the validity window."""
        if not self.current:
            return False
        return indicator.valid_days is None or (self.age is not None and self.age <= indicator.valid_days)


class Chart:
    """The measurements and the examinations of a case by test."""

    __slots__ = ("_last", "examined", "measured")

    def __init__(self, case: Case, as_of: Moment) -> None:
        self.measured = _by_test(case.measurements, as_of)
        self.examined = _by_test(case.examinations, as_of)
        self._last: dict[Sequence[str], tuple[bool, ExaminationRecord | None]] = {}

    def measurements(self, indicator: Indicator) -> Sequence[Dated[MeasurementRecord]]:
        """Return the measurements by a test of `indicator`, in the order of the record."""
        return _of_tests(self.measured, indicator.tests)

    def examinations(self, indicator: Indicator) -> Sequence[Dated[ExaminationRecord]]:
        """Return the examinations by a test of `indicator`, in the order of the record."""
        return _of_tests(self.examined, indicator.tests)

    def last_examination(self, tests: tuple[str, ...]) -> tuple[bool, ExaminationRecord | None]:
        """Return whether one of `tests` is on record, and its last dated performance; none when one of them is undated."""
        if not self.examined:
            return False, None
        if tests not in self._last:
            self._last[tests] = last_of([dated.record for dated in _of_tests(self.examined, tests) if dated.current])
        return self._last[tests]


def _by_test(records: Iterable[_Test], as_of: Moment) -> dict[str, list[Dated[_Test]]]:
    found: dict[str, list[Dated[_Test]]] = {}
    today = as_of.low // DAY
    for place, record in enumerate(records):
        usable, performed = record.status in STANDING, record.performed
        if performed is None:
            dated = Dated(place, record, usable, None)
        else:
            dated = Dated(place, record, usable and performed.low <= as_of.high, today - performed.high // DAY)
        found.setdefault(record.test, []).append(dated)
    return found


def _of_tests(found: dict[str, list[Dated[_Test]]], tests: Sequence[str]) -> Sequence[Dated[_Test]]:
    if not found:
        return ()
    if len(tests) == 1:
        return found.get(tests[0], ())
    some = [found[test] for test in tests if test in found]
    return some[0] if len(some) == 1 else sorted((dated for each in some for dated in each), key=_place)


def _place(dated: Dated[_Test]) -> int:
    return dated.place


def last_of(records: Sequence[ExaminationRecord]) -> tuple[bool, ExaminationRecord | None]:
    """Return whether there is a record, and the last performed one; none when one of them is undated."""
    if not records:
        return False, None
    if None in [record.performed for record in records]:
        return True, None
    return True, records[0] if len(records) == 1 else max(records, key=lambda record: (*when(record), record.node))


def last_scan(chart: Chart, program: Program) -> tuple[bool, Moment | None]:
    """Return whether the scan that divides new from old is on record, and when it was last performed."""
    if program.new_since is None:
        return False, None
    on_record, record = chart.last_examination(program.below.get(program.new_since, (program.new_since,)))
    return on_record, record.performed if record else None


def when(record: MeasurementRecord | ExaminationRecord) -> tuple[int, int]:
    """Return the last and the first second at which a record may have been performed; undated ones come first of all."""
    return (record.performed.high, record.performed.low) if record.performed else _NEVER
