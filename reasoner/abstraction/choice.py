"""Choose the readings that speak for an indicator, and see where they contradict each other."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from reasoner.abstraction.chart import when
from reasoner.abstraction.context import Context, interval_state
from reasoner.abstraction.measurements import Reading, Span, readings
from reasoner.abstraction.state import IndicatorState
from reasoner.moments import DAY, Moment
from reasoner.program.cuts import band_signature
from reasoner.program.model import Indicator
from reasoner.record import MeasurementRecord

__all__ = ["agreed", "choose", "govern", "is_near", "stale"]

_CHANGES = ("active", "stopped", "")
_NONE_COUNTS = "every record of it is unconfirmed, planned, not done, withdrawn or of the future"
_UNBOUNDED: Span = (None, None)


def choose(indicator: Indicator, context: Context, limit: bool = False) -> tuple[IndicatorState | None, list[Reading]]:
    """Return either the state that settles the matter, or the readings of the governing day."""
    found = readings(indicator, context.gauge(indicator), context.chart.measurements(indicator))
    if not found:
        return stale(indicator, context), []
    usable = [reading for reading in found if reading.span is not None]
    if len(usable) < len(found):
        context.unread.extend((indicator.iri, reading) for reading in found if reading.span is None and reading.record.value is not None)
    if not usable:
        first = found[0]
        return IndicatorState(indicator.iri, "unusable", sources=(first.record.node,), reason=first.reason), []
    if len(usable) == 1:
        return None, usable
    latest = usable[0].record.performed
    day = [reading for reading in usable if is_near(reading, latest, 0)]
    stable = [reading for reading in usable if is_near(reading, latest, indicator.stable_days)]
    clash = _contradiction(indicator, stable, context)
    if clash and not limit:
        return clash, []
    return None, stable if indicator.sides > 1 else day


def is_near(reading: Reading, latest: Moment | None, days: int) -> bool:
    performed = reading.record.performed
    return latest is None or performed is None or latest.high // DAY - performed.high // DAY <= days


def stale(indicator: Indicator, context: Context) -> IndicatorState | None:
    records = context.chart.measurements(indicator)
    if not records:
        return None
    return IndicatorState(
        indicator.iri,
        "unknown",
        sources=tuple(sorted(dated.record.node for dated in records)),
        reason="no usable record is dated inside the validity window" if any(dated.current for dated in records) else _NONE_COUNTS,
    )


def agreed(indicator: Indicator, states: list[tuple[Reading, IndicatorState]], context: Context) -> IndicatorState:
    """Return the first settled state of several readings, or the conflict when two of them lie in different bands."""
    if len(states) == 1:
        return states[0][1]
    settled = [(replace(reading, span=(state.low, state.high)), state) for reading, state in states if state.settled]
    clash = _contradiction(indicator, [reading for reading, _ in settled], context)
    return clash or (settled[0][1] if settled else states[0][1])


def _contradiction(indicator: Indicator, stable: list[Reading], context: Context) -> IndicatorState | None:
    """Return a conflicting state when two values of one side lie in different bands and nothing was done between."""
    for place, reading in enumerate(stable):
        for other in stable[place + 1 :]:
            one, two = reading.record, other.record
            if one.side != two.side or reading.span is None or other.span is None:
                continue
            if not indicator.stable_days and one.performed != two.performed:
                continue
            if indicator.governing != "latest" and one.performed == two.performed and not one.side:
                continue
            if _apart(indicator, reading.span, other.span) and not _intervened(context, one, two):
                return IndicatorState(
                    indicator.iri,
                    "conflicting",
                    sources=tuple(sorted((one.node, two.node))),
                    reason="two values within the stability time lie in different bands",
                    choices=(reading.span, other.span),
                )
    return None


def _apart(indicator: Indicator, first: Span, second: Span) -> bool:
    """Return whether no cut pattern fits both intervals."""
    passed, failed = band_signature(indicator, *first)
    other_passed, other_failed = band_signature(indicator, *second)
    return passed > other_failed or other_passed > failed


def _intervened(context: Context, first: MeasurementRecord, second: MeasurementRecord) -> bool:
    """Return whether a drug was begun or ended between two measurements."""
    if first.performed is None or second.performed is None:
        return False
    low, high = sorted((first.performed.low, second.performed.low))
    moments = [
        moment
        for record in context.case.medications
        if record.status in _CHANGES
        for moment in (record.started, record.ended)
        if moment is not None
    ]
    return any(low <= moment.low <= high for moment in moments)


def govern(indicator: Indicator, found: list[Reading]) -> IndicatorState:
    """Return the governing interval of one day; fewer sides than declared make it a bound."""
    rule = indicator.governing
    reading = found[0] if len(found) == 1 else _governing(rule, found)
    span = reading.span or _UNBOUNDED
    if indicator.sides < 2:
        return interval_state(indicator, span, (reading.record.node,), rule)
    sources = tuple(sorted(each.record.node for each in found))
    if {each.record.side for each in found} in ({"left"}, {"right"}):
        bound: Span = (None, span[1]) if rule == "lowest" else (span[0], None)
        return interval_state(indicator, bound, sources, rule, "one side only was measured, so the value is a bound")
    return interval_state(indicator, span, sources, rule)


def _governing(rule: str, found: list[Reading]) -> Reading:
    """Return the reading that governs: the one with the lowest upper end, with the highest lower end, or the latest."""
    spans = [(reading.span or _UNBOUNDED, reading) for reading in found]
    if rule == "lowest":
        return min(spans, key=lambda pair: (pair[0][1] is None, pair[0][1] or (Decimal(0), 0)))[1]
    if rule == "highest":
        return max(spans, key=lambda pair: (pair[0][0] is not None, pair[0][0] or (Decimal(0), 0)))[1]
    return max(found, key=lambda reading: when(reading.record))
