"""Derive the indicators that calculate: differences of values and dates, counts of results, weighted sums of findings."""

from __future__ import annotations

from decimal import Decimal

from reasoner.abstraction.context import Context, interval_state, last_examination
from reasoner.abstraction.measured import select
from reasoner.abstraction.measurements import as_ends, fresh
from reasoner.abstraction.state import IndicatorState
from reasoner.moments import DAY, days_between
from reasoner.program.model import Indicator
from reasoner.terms import Role

__all__ = ["count", "difference", "weighted_sum"]


def difference(indicator: Indicator, context: Context) -> IndicatorState | None:
    if indicator.minuend and indicator.subtrahend:
        return _subtract(indicator, context.done.get(indicator.minuend), context.done.get(indicator.subtrahend))
    if indicator.tests:
        return _days_since(indicator, context)
    return _age(indicator, context)


def _subtract(indicator: Indicator, first: IndicatorState | None, second: IndicatorState | None) -> IndicatorState | None:
    if first is None or second is None or first.status != "known" or second.status != "known" or not (first.low and second.low):
        return None
    return interval_state(indicator, as_ends(first.low[0] - second.low[0]), (*first.sources, *second.sources), "difference")


def _days_since(indicator: Indicator, context: Context) -> IndicatorState | None:
    last = None
    for test in indicator.tests:
        _, found = last_examination(context.case, context.program, test, context.as_of)
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
    if low < 0 or (indicator.highest is not None and high > int(Decimal(indicator.highest))):
        return IndicatorState(indicator.iri, "unusable", sources=(case.iri,), reason="the birth date does not fit the as-of instant")
    return interval_state(indicator, as_ends(Decimal(low), Decimal(high)), (case.iri,), "birth date")


def _years(birth: int, instant: int) -> int:
    from datetime import UTC, datetime, timedelta

    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    born, now = epoch + timedelta(seconds=birth), epoch + timedelta(seconds=instant)
    return now.year - born.year - ((now.month, now.day) < (born.month, born.day))


def count(indicator: Indicator, context: Context) -> IndicatorState:
    found = [
        record
        for record in context.case.examinations
        if record.test in indicator.tests
        and record.performed is not None
        and fresh(record, indicator, context.as_of)
        and indicator.counts_result in {value for _, value in record.attributes}
    ]
    latest = max(
        (
            record.performed.high
            for record in context.case.examinations
            if record.test in indicator.tests and record.performed and fresh(record, indicator, context.as_of)
        ),
        default=0,
    )
    if indicator.count_window is not None:
        found = [
            record
            for record in found
            if record.performed is not None and latest // DAY - record.performed.high // DAY <= indicator.count_window
        ]
    counted: list[int] = []
    for day in sorted(record.performed.high // DAY for record in found if record.performed):
        if not counted or day - counted[-1] >= indicator.count_apart:
            counted.append(day)
    return interval_state(indicator, as_ends(Decimal(len(counted))), tuple(record.node for record in found), "results far enough apart")


def weighted_sum(indicator: Indicator, context: Context) -> IndicatorState:
    """Return the sum as the interval that present, absent and unknown items leave, narrowed by a stated sum."""
    stated = select(indicator, context) if any(record.test in indicator.tests for record in context.case.measurements) else None
    if stated is not None and stated.settled:
        return stated._replace(rule="stated by a clinician")
    present, absent, sources = _known_findings(context)
    low = high = 0
    for findings, points in indicator.items:
        if any(finding in present for finding in findings):
            low, high = low + points, high + points
        elif not all(finding in absent for finding in findings):
            low, high = low + min(points, 0), high + max(points, 0)
    return interval_state(
        indicator,
        as_ends(Decimal(low), Decimal(high)),
        sources,
        "sum of items",
        "" if low == high else "items not on record leave an interval",
    )


def _known_findings(context: Context) -> tuple[set[str], set[str], tuple[str, ...]]:
    program = context.program
    weighed = [fact for fact in context.facts if fact.role == Role.FINDING and fact.term in program.weighed_findings]
    present = {above for fact in weighed if fact.present for above in program.parents[fact.term]}
    absent = {below for fact in weighed if not fact.present for below in program.below[fact.term]}
    return present, absent, tuple(sorted({source for fact in weighed for source in fact.sources}))
