"""Derive the indicators that measure: a selected value, its place among limits, a multiple of a limit."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from reasoner.abstraction.chart import when
from reasoner.abstraction.choice import agreed, choose, govern, is_near, stale
from reasoner.abstraction.context import Context, interval_state
from reasoner.abstraction.measurements import Reading, Span, are_limits, as_ends, bounded, readings, scale_factor
from reasoner.abstraction.state import IndicatorState
from reasoner.program.gauges import Gauge
from reasoner.program.model import End, Indicator
from reasoner.record import MeasurementRecord

__all__ = ["quotient", "ratio", "relative", "select"]

_INTERPRETED = {"low": -1, "normal": 0, "high": 1}
_PLACES = {-1: Decimal(-1), 0: Decimal(0), 1: Decimal(1)}


def select(indicator: Indicator, context: Context) -> IndicatorState | None:
    """Return the value that governs by the declared rule."""
    settled, found = choose(indicator, context)
    if settled or not found:
        return settled
    return govern(indicator, found)


def relative(indicator: Indicator, context: Context) -> IndicatorState | None:
    """Return −1, 0 or 1 by the report's interpretation, its interval, or the declared default, in this order."""
    found = readings(indicator, context.gauge(indicator), context.chart.measurements(indicator))
    found = [reading for reading in found if reading.record.interpretation or reading.record.value is not None]
    if not found:
        return stale(indicator, context)
    stable = found
    if len(found) > 1:
        stable = [reading for reading in found if is_near(reading, found[0].record.performed, indicator.stable_days)]
    states = [(reading, _one_relative(indicator, context.gauge(indicator), reading)) for reading in stable]
    for reading, state in states:
        if state.status == "unusable" and reading.record.value is not None:
            context.unread.append((indicator.iri, reading))
    return agreed(indicator, states, context)


def _one_relative(indicator: Indicator, gauge: Gauge, reading: Reading) -> IndicatorState:
    record = reading.record
    if record.interpretation in _INTERPRETED:
        place = _INTERPRETED[record.interpretation]
        return interval_state(indicator, _between(place, place), (record.node,), "the report's interpretation")
    low, high = _interval(record)
    rule, span = "the laboratory's interval", _raw(record)
    if low is None and high is None:
        if reading.span is None:
            return IndicatorState(indicator.iri, "unusable", sources=(record.node,), reason=reading.reason)
        rule, span = "the declared default interval", reading.span
        low, high = gauge.default_low, gauge.default_high
    if low is None and high is None:
        return IndicatorState(
            indicator.iri, "unusable", sources=(record.node,), reason="neither interpretation nor reference interval is on record"
        )
    return interval_state(indicator, _position(span, low, high), (record.node,), rule)


def _interval(record: MeasurementRecord) -> tuple[Decimal | None, Decimal | None]:
    """Return the reported limits, none where they cannot be such."""
    return (record.low, record.high) if are_limits(record.low, record.high) else (None, None)


def _raw(record: MeasurementRecord) -> Span:
    value = record.value if record.value is not None else Decimal(0)
    return bounded((value, 0), (value, 1), record.comparator)


def _position(span: Span, low: Decimal | None, high: Decimal | None) -> Span:
    """Return where an interval lies to the limits, as an interval of −1, 0, 1; a limit not reported bounds nothing."""
    lowest, highest = span
    never_below = low is None or (lowest is not None and lowest >= (low, 0))
    surely_below = low is not None and highest is not None and highest <= (low, 0)
    never_above = high is None or (highest is not None and highest <= (high, 1))
    surely_above = high is not None and lowest is not None and lowest >= (high, 1)
    first = 1 if surely_above else 0 if never_below else -1
    last = -1 if surely_below else 0 if never_above else 1
    return _between(first, last)


def _between(first: int, last: int) -> Span:
    return (_PLACES[first], 0), (_PLACES[last], 1)


def quotient(indicator: Indicator, context: Context) -> IndicatorState | None:
    """Return the value as a multiple of its own record's upper limit, or between the declared plausible limits."""
    settled, found = choose(indicator, context, limit=True)
    if settled and settled.status in ("unknown", "unusable"):
        interpreted = _interpreted_quotient(indicator, context)
        return interpreted or settled
    if not found:
        return settled or _interpreted_quotient(indicator, context)
    return agreed(indicator, [(reading, _one_quotient(indicator, context.gauge(indicator), reading)) for reading in found], context)


def _one_quotient(indicator: Indicator, gauge: Gauge, reading: Reading) -> IndicatorState:
    low, high = reading.span or (None, None)
    limits = _limits(indicator, gauge, reading.record)
    if limits is None:
        return IndicatorState(indicator.iri, "unusable", sources=(reading.record.node,), reason="the record reports no upper limit")
    span = (_divide(low, limits[1], True), _divide(high, limits[0], False))
    reason = "" if limits[0] == limits[1] else "the record reports no upper limit; plausible limits were used"
    return interval_state(
        indicator, span, (reading.record.node,), "the report's own upper limit" if not reason else "declared plausible limits", reason
    )


def _interpreted_quotient(indicator: Indicator, context: Context) -> IndicatorState | None:
    """Return what the latest interpretations without a value say; those of one moment may contradict each other."""
    found = [
        (dated.record, ((Decimal(1), 1), None) if dated.record.interpretation == "high" else ((Decimal(0), 0), (Decimal(1), 1)))
        for dated in context.chart.measurements(indicator)
        if dated.is_fresh(indicator) and dated.record.value is None and dated.record.interpretation in _INTERPRETED
    ]
    if not found:
        return None
    latest = max(when(record) for record, _ in found)
    last = [pair for pair in found if when(pair[0]) == latest]
    states = [
        (Reading(record, span, ""), interval_state(indicator, span, (record.node,), "the report's interpretation")) for record, span in last
    ]
    return agreed(indicator, states, context)


def _limits(indicator: Indicator, gauge: Gauge, record: MeasurementRecord) -> tuple[Fraction, Fraction] | None:
    _, high = _interval(record)
    factor = scale_factor(indicator, gauge, record.unit)
    if high is not None and isinstance(factor, Fraction):
        return Fraction(high) * factor, Fraction(high) * factor
    return gauge.plausible


def _divide(end: End | None, limit: Fraction, low_side: bool) -> End | None:
    if end is None:
        return None
    low, high = as_ends(Fraction(end[0]) / limit)
    found = low if low_side else high
    strict = end[1] == 1 if low_side else end[1] == 0
    if found is None or not strict:
        return found
    return (found[0], 1) if low_side else (found[0], 0)


def ratio(indicator: Indicator, context: Context) -> IndicatorState | None:
    """Return the value divided by a limit that another indicator may raise; unknown, that leaves an interval."""
    settled, found = choose(indicator, context, limit=True)
    if settled or not found or not indicator.limit_below:
        return settled
    limits = _dependent_limits(indicator, context)
    rule = "age-dependent limit" if limits[0] != limits[1] else "limit that applies"
    states = []
    for reading in found:
        low, high = reading.span or (None, None)
        span = (_divide(low, limits[1], True), _divide(high, limits[0], False))
        states.append((reading, interval_state(indicator, span, (reading.record.node,), rule)))
    return agreed(indicator, states, context)


def _dependent_limits(indicator: Indicator, context: Context) -> tuple[Fraction, Fraction]:
    base = Fraction(Decimal(indicator.limit_below or "1"))
    if not (indicator.depends and indicator.limit_from and indicator.limit_factor):
        return base, base
    other = context.done.get(indicator.depends)
    highest = context.program.indicator[indicator.depends].highest or indicator.limit_from

    def limit(value: Decimal) -> Fraction:
        return Fraction(value) * Fraction(Decimal(indicator.limit_factor or "1")) if value > Decimal(indicator.limit_from or "0") else base

    low = other.low[0] if other and other.low else Decimal(0)
    high = other.high[0] if other and other.high else Decimal(highest)
    return min(limit(low), limit(high)), max(limit(low), limit(high))
