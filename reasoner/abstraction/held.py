"""Derive the indicators that say what the record holds: a test on record, an attribute of its result, a closed list."""

from __future__ import annotations

from collections.abc import Sequence

from reasoner.abstraction.chart import Dated, when
from reasoner.abstraction.context import ONE, Context, boolean_state
from reasoner.abstraction.state import IndicatorState
from reasoner.program.model import ZERO, Indicator
from reasoner.record import ExaminationRecord
from reasoner.terms import lc

__all__ = ["attribute", "closed", "on_record"]

_VALUE, _PERFORMED = lc("value"), lc("performedOn")


def on_record(indicator: Indicator, context: Context) -> IndicatorState:
    """Return whether a usable record of a test or finding is there; values that contradict each other are none."""
    program, chart = context.program, context.chart
    found = [
        dated.record.node
        for each in (chart.measurements(indicator), chart.examinations(indicator))
        for dated in each
        if dated.is_fresh(indicator)
    ]
    if indicator.finding:
        below = program.below[indicator.finding]
        found += [record.node for record in context.case.findings if record.finding in below and record.presence in ("present", "absent")]
    spoken = [state for iri in program.gauges.speakers[indicator.iri] if (state := context.done.get(iri)) is not None]
    found += [source for state in spoken if state.settled for source in state.sources]
    conflicting = any(state.status == "conflicting" for state in spoken)
    reason = "the values on record contradict each other" if conflicting else ""
    return boolean_state(indicator, bool(found) and not conflicting, sorted(set(found)), reason)


def attribute(indicator: Indicator, context: Context) -> IndicatorState | None:
    """Return true or false by an attribute of the latest record; without declared values, by whether it is stated."""
    if indicator.attribute == _VALUE:
        found = [dated.record for dated in context.chart.measurements(indicator) if dated.is_fresh(indicator)]
        latest = max(found, key=lambda record: (when(record), record.value is not None, record.node), default=None)
        return boolean_state(indicator, latest is not None and latest.value is not None, (latest.node,) if latest else ())
    known = _known(indicator, context)
    if not known:
        return None
    if indicator.attribute == _PERFORMED:
        stated = all(dated.record.performed is not None for dated in known)
        return boolean_state(indicator, stated, [dated.record.node for dated in known])
    return _stated(indicator, _latest(known))


def _known(indicator: Indicator, context: Context) -> Sequence[Dated[ExaminationRecord]]:
    """Return the records that count; indicators that ask alike share the answer."""
    lasting = indicator.lasting is not None
    key = (indicator.tests, indicator.valid_days, lasting)
    if key not in context.known:
        context.known[key] = [
            dated
            for dated in context.chart.examinations(indicator)
            if dated.is_fresh(indicator) or (lasting and dated.record.status in ("", "active"))
        ]
    return context.known[key]


def _latest(known: Sequence[Dated[ExaminationRecord]]) -> Sequence[Dated[ExaminationRecord]]:
    """Return the last record, and with it those of which nobody knows that they are older."""
    if len(known) == 1:
        return known
    since = max(when(dated.record) for dated in known)[1]
    return [dated for dated in known if when(dated.record)[0] >= since]


def _stated(indicator: Indicator, latest: Sequence[Dated[ExaminationRecord]]) -> IndicatorState:
    """Return what the latest records state alike; unknown when one does not state it, conflicting when they differ."""
    truths = set()
    for dated in latest:
        value = dict(dated.record.attributes).get(indicator.attribute or "")
        truth = True if value in indicator.true_values else False if value in indicator.false_values else None
        truths.add(None if truth is False and not dated.is_fresh(indicator) else truth)
    sources = tuple(sorted(dated.record.node for dated in latest))
    if {True, False} <= truths:
        reason = "records of the same time contradict each other"
        return IndicatorState(indicator.iri, "conflicting", sources=sources, reason=reason, choices=(ONE, ZERO))
    if None in truths:
        return IndicatorState(indicator.iri, "unknown", sources=sources, reason="the latest record does not state it")
    return boolean_state(indicator, truths == {True}, sources)


def closed(indicator: Indicator, context: Context) -> IndicatorState:
    """Return whether a closure statement covers the declared list."""
    above = context.program.parents.get(indicator.closes or "", ())
    found = [closure.node for closure in context.case.closures if closure.closes in above and closure.status in ("", "active")]
    return boolean_state(indicator, bool(found), found)
