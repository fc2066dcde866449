"""Derive the indicators that calculate: differences of values and dates, counts of results, weighted sums of findings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from reasoner.abstraction.context import Context, interval_state
from reasoner.abstraction.measured import select
from reasoner.abstraction.measurements import as_ends, read_value
from reasoner.abstraction.state import IndicatorState
from reasoner.moments import DAY, days_between
from reasoner.program.model import End, Indicator
from reasoner.record import ExaminationRecord, MeasurementRecord

__all__ = ["count", "difference", "is_met", "weigh_items", "weighted_sum"]

_Terms = set[str] | frozenset[str]

_EPOCH = date(1970, 1, 1).toordinal()


def difference(indicator: Indicator, context: Context) -> IndicatorState | None:
    """Return the difference of two values, the days since the last record of a test, or the age."""
    if indicator.minuend and indicator.subtrahend:
        return _subtract(indicator, context.done.get(indicator.minuend), context.done.get(indicator.subtrahend))
    if indicator.tests:
        return _days_since(indicator, context)
    return _age(indicator, context)


def _subtract(indicator: Indicator, first: IndicatorState | None, second: IndicatorState | None) -> IndicatorState | None:
    """Return the interval of the differences of the values in two intervals; an end is among them if both ends that it comes from are."""
    if first is None or second is None or not (first.settled and second.settled):
        return None
    low, high = _less(first.low, second.high, beyond=1), _less(first.high, second.low, beyond=0)
    return interval_state(indicator, (low, high), tuple(sorted((*first.sources, *second.sources))), "difference")


def _less(end: End | None, other: End | None, *, beyond: int) -> End | None:
    """Return an end less the opposite end of another interval; `beyond` marks the end as one that is not itself among the values."""
    if end is None or other is None:
        return None
    among = end[1] != beyond and other[1] == beyond
    return end[0] - other[0], 1 - beyond if among else beyond


def _days_since(indicator: Indicator, context: Context) -> IndicatorState | None:
    last = None
    chart, below = context.chart, context.program.below
    for test in indicator.tests:
        _, found = chart.last_examination(below.get(test, (test,)))
        if found is not None and (last is None or (found.performed and last.performed and found.performed.high > last.performed.high)):
            last = found
    if last is None or last.performed is None:
        return None
    low, high = days_between(last.performed, context.as_of)
    return interval_state(indicator, as_ends(Decimal(max(low, 0)), Decimal(max(high, 0))), (last.node,), "days")


def _age(indicator: Indicator, context: Context) -> IndicatorState | None:
    case = context.case
    if case.birth is None:
        stated = case.stated_age
        return None if stated is None else interval_state(indicator, as_ends(Decimal(stated)), (case.iri,), "stated age")
    low = _years(case.birth.high, context.as_of.low)
    high = _years(case.birth.low, context.as_of.low)
    if low < 0 or _is_past(high, context.gauge(indicator).highest):
        return IndicatorState(indicator.iri, "unusable", sources=(case.iri,), reason="the birth date does not fit the as-of instant")
    return interval_state(indicator, as_ends(Decimal(low), Decimal(high)), (case.iri,), "birth date")


def _is_past(years: int, highest: Decimal | None) -> bool:
    return highest is not None and years > int(highest)


def _years(birth: int, instant: int) -> int:
    born, now = (date.fromordinal(_EPOCH + second // DAY) for second in (birth, instant))
    return now.year - born.year - ((now.month, now.day) < (born.month, born.day))


def count(indicator: Indicator, context: Context) -> IndicatorState:
    """Return how many results of the declared kind lie far enough apart, within the declared days before the last.

    Results of which nobody can say whether they are of that kind leave an interval.
    """
    records = context.chart.measurements(indicator) if indicator.counts_value else context.chart.examinations(indicator)
    dated = [(each.record, performed.high // DAY) for each in records if (performed := each.record.performed) and each.is_fresh(indicator)]
    latest = max([day for _, day in dated], default=0)
    window = indicator.count_window
    certain: list[int] = []
    possible: list[int] = []
    sources: list[str] = []
    for record, day in dated:
        if window is None or latest - day <= window:
            counts = _counts(indicator, context, record)
            if counts:
                certain.append(day)
            if counts is not False:
                possible.append(day)
                sources.append(record.node)
    low, high = _far_apart(certain, indicator.count_apart), _far_apart(possible, indicator.count_apart)
    return interval_state(indicator, as_ends(Decimal(low), Decimal(high)), tuple(sources), "results far enough apart")


def _counts(indicator: Indicator, context: Context, record: MeasurementRecord | ExaminationRecord) -> bool | None:
    """Return whether a record is of the kind that is counted, None where that is not told."""
    if isinstance(record, ExaminationRecord) or indicator.counts_value is None:
        return isinstance(record, ExaminationRecord) and indicator.counts_result in [value for _, value in record.attributes]
    iri, lowest, low_open, highest, high_open = indicator.counts_value
    measured = context.program.indicator[iri]
    low, high = read_value(record, measured, context.gauge(measured)).span or (None, None)
    least = None if lowest is None else (Decimal(lowest), int(low_open))
    most = None if highest is None else (Decimal(highest), int(not high_open))
    if (least and high and high <= least) or (most and low and low >= most):
        return False
    inside = (least is None or (low is not None and low >= least)) and (most is None or (high is not None and high <= most))
    return True if inside else None


def _far_apart(days: Sequence[int], apart: int) -> int:
    """Return how many days can be chosen that lie far enough apart."""
    if len(days) < 2:
        return len(days)
    chosen: list[int] = []
    for day in sorted(days):
        if not chosen or day - chosen[-1] >= apart:
            chosen.append(day)
    return len(chosen)


def weighted_sum(indicator: Indicator, context: Context) -> IndicatorState:
    """Return the sum as the interval that present, absent and unknown items leave, narrowed by a stated sum."""
    stated = select(indicator, context) if context.chart.measurements(indicator) else None
    if stated is not None and stated.settled:
        return replace(stated, rule="stated by a clinician")
    present, absent, facts = context.weighed
    low, high = weigh_items(indicator, present, absent)
    return interval_state(
        indicator,
        as_ends(Decimal(low), Decimal(high)),
        tuple(sorted({source for fact in facts for source in fact.sources})),
        "sum of items",
        "" if low == high else "items not on record leave an interval",
    )


def weigh_items(indicator: Indicator, present: _Terms, absent: _Terms) -> tuple[int, int]:
    """Return the least and the greatest sum of a weighted sum's items, by the findings that are present and absent."""
    low = high = 0
    for findings, points in indicator.items:
        if not present.isdisjoint(findings):
            low += points
            high += points
        elif not absent.issuperset(findings):
            if points < 0:
                low += points
            else:
                high += points
    return low, high


def is_met(findings: Iterable[str], present: _Terms, absent: _Terms) -> bool | None:
    """Return whether an item of a weighted sum is there: one of its findings is, or none is, else None."""
    if not present.isdisjoint(findings):
        return True
    return False if absent.issuperset(findings) else None
