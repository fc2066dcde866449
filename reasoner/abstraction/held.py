"""Derive the indicators that say what the record holds: a test on record, an attribute of its result, a closed list."""

from __future__ import annotations

from reasoner.abstraction.context import ONE, Context, boolean_state, when
from reasoner.abstraction.measurements import fresh
from reasoner.abstraction.state import IndicatorState
from reasoner.program.model import ZERO, Indicator
from reasoner.record import ExaminationRecord
from reasoner.terms import lc

__all__ = ["attribute", "closed", "on_record"]


def on_record(indicator: Indicator, context: Context) -> IndicatorState:
    found = [record.node for record in context.case.tests if record.test in indicator.tests and fresh(record, indicator, context.as_of)]
    if indicator.finding:
        below = context.program.below[indicator.finding]
        found += [record.node for record in context.case.findings if record.finding in below and record.presence in ("present", "absent")]
    spoken = [state for iri in context.program.speakers[indicator.iri] if (state := context.done.get(iri)) is not None]
    found += [source for state in spoken if state.settled for source in state.sources]
    conflicting = any(state.status == "conflicting" for state in spoken)
    reason = "the values on record contradict each other" if conflicting else ""
    return boolean_state(indicator, bool(found) and not conflicting, sorted(set(found)), reason)


def attribute(indicator: Indicator, context: Context) -> IndicatorState | None:
    """Return true or false by an attribute of the latest record; without declared values, by whether it is stated."""
    if indicator.attribute == lc("value"):
        found = [
            record for record in context.case.measurements if record.test in indicator.tests and fresh(record, indicator, context.as_of)
        ]
        latest = max(found, key=lambda record: (when(record), record.value is not None, record.node), default=None)
        return boolean_state(indicator, latest is not None and latest.value is not None, (latest.node,) if latest else ())
    lasting = indicator.lasting is not None
    known = [
        record
        for record in context.case.examinations
        if record.test in indicator.tests and (fresh(record, indicator, context.as_of) or (lasting and record.status in ("", "active")))
    ]
    if indicator.attribute == lc("performedOn"):
        dated = bool(known) and all(record.performed is not None for record in known)
        return boolean_state(indicator, dated, [record.node for record in known])
    return _stated(indicator, _latest(known), context) if known else None


def _latest(records: list[ExaminationRecord]) -> list[ExaminationRecord]:
    """Return the last record, and with it those of which nobody knows that they are older."""
    last = max(records, key=when)
    return [record for record in records if when(record)[0] >= when(last)[1]]


def _stated(indicator: Indicator, latest: list[ExaminationRecord], context: Context) -> IndicatorState:
    """Return what the latest records state alike; unknown when one does not state it, conflicting when they differ."""
    truths = set()
    for record in latest:
        value = dict(record.attributes).get(indicator.attribute or "")
        truth = True if value in indicator.true_values else False if value in indicator.false_values else None
        truths.add(None if truth is False and not fresh(record, indicator, context.as_of) else truth)
    sources = tuple(sorted(record.node for record in latest))
    if {True, False} <= truths:
        reason = "records of the same time contradict each other"
        return IndicatorState(indicator.iri, "conflicting", sources=sources, reason=reason, choices=(ONE, ZERO))
    if None in truths:
        return IndicatorState(indicator.iri, "unknown", sources=sources, reason="the latest record does not state it")
    return boolean_state(indicator, truths == {True}, sources)


def closed(indicator: Indicator, context: Context) -> IndicatorState:
    above = context.program.parents.get(indicator.closes or "", ())
    found = [closure.node for closure in context.case.closures if closure.closes in above and closure.status in ("", "active")]
    return boolean_state(indicator, bool(found), found)
