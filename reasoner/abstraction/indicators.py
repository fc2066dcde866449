"""Derive every declared indicator of a case from its records, each as an interval with its source and its reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set

from reasoner.abstraction.calculated import count, difference, weighted_sum
from reasoner.abstraction.chart import Chart
from reasoner.abstraction.context import Context
from reasoner.abstraction.held import attribute, closed, on_record
from reasoner.abstraction.measured import quotient, ratio, relative, select
from reasoner.abstraction.measurements import Reading
from reasoner.abstraction.state import Fact, IndicatorState
from reasoner.frozen import frozen
from reasoner.moments import Moment
from reasoner.program.effects import Effect
from reasoner.program.model import Indicator, Program
from reasoner.record import Case
from reasoner.terms import Role

__all__ = ["Derived", "derive", "derive_indicators", "derive_moved"]

_NONE: frozenset[int] = frozenset()

_Unread = tuple[str, Reading]
"""The IRI of an indicator, and a reading that is not usable for it."""


@frozen()
class Derived:
    """The states of the indicators that records touch, the values that are not usable, and what each state settles."""

    states: dict[str, IndicatorState]
    unread: Sequence[_Unread]
    effects: Mapping[str, Effect]


def derive(case: Case, program: Program, as_of: Moment, chart: Chart, facts: Sequence[Fact]) -> Derived:
    """Return every indicator that the records touch."""
    states, unread = derive_indicators(case, program, as_of, chart, facts)
    settled = program.value_effects.of
    return Derived(states, unread, {iri: settled(state) for iri, state in states.items()})


def derive_moved(
    before: Derived, moved: Set[str], case: Case, program: Program, as_of: Moment, chart: Chart, facts: Sequence[Fact]
) -> Derived:
    """Return what `derive` does, for a case that can differ from the one of `before` in the `moved` indicators alone."""
    if not moved:
        return before
    kept = {iri: state for iri, state in before.states.items() if iri not in moved}
    touched = [index for index in _touched(case, program, chart, facts) if program.indicators[index].iri in moved]
    states, found = _enter(touched, Context(case, program, as_of, chart, tuple(facts), kept, []))
    order = program.indicator if states.keys() - before.states.keys() else before.states
    unread = [each for each in before.unread if each[0] not in moved] + found
    if found:
        places = {iri: place for place, iri in enumerate(program.indicator)}
        unread.sort(key=lambda each: places[each[0]])
    effects = {**before.effects, **{iri: program.value_effects.of(states[iri]) for iri in states.keys() & moved}}
    states = {iri: states[iri] for iri in order if iri in states}
    return Derived(states, unread, {iri: effects[iri] for iri in states})


def derive_indicators(
    case: Case, program: Program, as_of: Moment, chart: Chart, facts: Sequence[Fact]
) -> tuple[dict[str, IndicatorState], list[_Unread]]:
    """Return the state of every indicator that the records touch, and the values that are not usable."""
    return _enter(_touched(case, program, chart, facts), Context(case, program, as_of, chart, tuple(facts), {}, []))


def _enter(indices: Iterable[int], context: Context) -> tuple[dict[str, IndicatorState], list[_Unread]]:
    """Return the states that are there with those of some indicators, by index, entered, and the values not usable for them."""
    indicators, done = context.program.indicators, context.done
    for index in sorted(indices):
        indicator = indicators[index]
        if (state := _FORMS[indicator.form](indicator, context)) is not None:
            done[indicator.iri] = state
    return done, context.unread


def _touched(case: Case, program: Program, chart: Chart, facts: Sequence[Fact]) -> set[int]:
    """Return the indicators, by index, of which anything on record can change what is known."""
    gauges = program.gauges
    moved_by = gauges.moved_by
    found = {*gauges.always, *gauges.closing} if case.closures else {*gauges.always}
    for test in (*chart.measured, *chart.examined):
        found |= moved_by.get(test, _NONE)
    for role, term, _, _ in facts:
        if term in moved_by and role == Role.FINDING:
            found |= moved_by[term]
    return found


_FORMS: dict[str, Callable[[Indicator, Context], IndicatorState | None]] = {
    "select": select,
    "relative": relative,
    "quotient": quotient,
    "difference": difference,
    "count": count,
    "weighted_sum": weighted_sum,
    "ratio": ratio,
    "on_record": on_record,
    "attribute": attribute,
    "closed": closed,
}
