"""Derive the indicators that say what the record holds: a test on record, an attribute of its result, a closed list."""

from __future__ import annotations

from collections.abc import Sequence

from reasoner.abstraction.chart import Dated, when
from reasoner.abstraction.context import ONE, Context, Known, boolean_state
from reasoner.abstraction.state import IndicatorState
from reasoner.program.rows import SETTLED, ZERO, Indicator
from reasoner.record import STANDING, ExaminationRecord, MeasurementRecord
from reasoner.terms import lc

__all__ = ["attribute", "closed", "on_record"]

_VALUE, _PERFORMED = lc("value"), lc("performedOn")
_STATED = ("present", "absent")


def on_record(indicator: Indicator, context: Context) -> IndicatorState:
    """Return whether a usable record of a test or finding is there; values that contradict each other are none."""
    program, chart = context.program, context.chart
    found = set()
    tests: list[Dated[MeasurementRecord] | Dated[ExaminationRecord]] = [*chart.measurements(indicator), *chart.examinations(indicator)]
    for dated in tests:
        if dated.is_fresh(indicator):
            found.add(dated.record.node)
    if indicator.finding:
        below = program.below[indicator.finding]
        found.update([each.node for each in context.case.findings if each.finding in below and each.presence in _STATED])
    conflicting = False
    for iri in program.gauges.speakers[indicator.iri]:
        state = context.done.get(iri)
        if state is not None:
            if state.status in SETTLED:
                found.update(state.sources)
            elif state.status == "conflicting":
                conflicting = True
    reason = "the values on record contradict each other" if conflicting else ""
    return boolean_state(indicator, bool(found) and not conflicting, tuple(sorted(found)), reason)


def attribute(indicator: Indicator, context: Context) -> IndicatorState | None:
    """Return true or false by an attribute of the latest record; without declared values, by whether it is stated."""
    if indicator.attribute == _VALUE:
        found = [dated.record for dated in context.chart.measurements(indicator) if dated.is_fresh(indicator)]
        latest = max(found, key=lambda record: (when(record), record.value is not None, record.node), default=None)
        return boolean_state(indicator, latest is not None and latest.value is not None, (latest.node,) if latest else ())
    known = _known(indicator, context)
    if not known.records:
        return None
    if indicator.attribute == _PERFORMED:
        stated = None not in [record.performed for record in known.records]
        return boolean_state(indicator, stated, tuple([record.node for record in known.records]))
    return _stated(indicator, known)


def _known(indicator: Indicator, context: Context) -> Known:
    """Return the records that count, and what the last ones state; indicators that ask alike share the answer."""
    lasting = indicator.lasting is not None
    key = (indicator.tests, indicator.valid_days, lasting)
    known = context.known.get(key)
    if known is None:
        dated = [(each.record, each.is_fresh(indicator)) for each in context.chart.examinations(indicator)]
        counting = [(record, fresh) for record, fresh in dated if fresh or (lasting and record.status in STANDING)]
        known = context.known[key] = _looked_at(counting)
    return known


def _looked_at(counting: Sequence[tuple[ExaminationRecord, bool]]) -> Known:
    """Return records that count, each with whether it is fresh, and what the last one states, with those of which nobody knows that they are older."""
    records, latest = [record for record, _ in counting], counting
    if len(records) > 1:
        since = max([when(record) for record in records])[1]
        latest = [each for each in counting if when(each[0])[0] >= since]
    said = [(dict(record.attributes), fresh) for record, fresh in latest]
    return Known(records, said, tuple(sorted([record.node for record, _ in latest])))


def _stated(indicator: Indicator, known: Known) -> IndicatorState:
    """Return what the latest records state alike; unknown when one does not state it, conflicting when they differ."""
    truths: list[bool | None] = []
    for attributes, fresh in known.latest:
        value = attributes.get(indicator.attribute or "")
        if value in indicator.true_values:
            truths.append(True)
        else:
            truths.append(False if fresh and value in indicator.false_values else None)
    if True in truths and False in truths:
        reason = "records of the same time contradict each other"
        return IndicatorState(indicator.iri, "conflicting", sources=known.sources, reason=reason, choices=(ONE, ZERO))
    if None in truths:
        return IndicatorState(indicator.iri, "unknown", sources=known.sources, reason="the latest record does not state it")
    return boolean_state(indicator, True in truths, known.sources)


def closed(indicator: Indicator, context: Context) -> IndicatorState:
    """Return whether a closure statement covers the declared list."""
    above = context.program.parents.get(indicator.closes or "", ())
    sources = tuple([each.node for each in context.case.closures if each.closes in above and each.status in STANDING])
    return boolean_state(indicator, bool(sources), sources)
