"""Derive every declared indicator of a case from its records, each as an interval with its source and its reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from types import MappingProxyType
from typing import NamedTuple

from reasoner.abstraction.calculated import count, difference, weighted_sum
from reasoner.abstraction.chart import Chart
from reasoner.abstraction.context import Context
from reasoner.abstraction.held import attribute, closed, on_record
from reasoner.abstraction.measured import quotient, ratio, relative, select
from reasoner.abstraction.measurements import Reading
from reasoner.abstraction.state import Fact, IndicatorState
from reasoner.moments import Moment
from reasoner.program.cuts import cuts_of
from reasoner.program.effects import Effect, all_effects
from reasoner.program.model import Indicator, Program
from reasoner.record import Case
from reasoner.terms import Role

__all__ = ["Derived", "derive", "derive_indicators", "derive_moved"]

_NONE: frozenset[int] = frozenset()

_Unread = tuple[str, Reading]
"""The IRI of an indicator, and a reading that is not usable for it."""


class Derived(NamedTuple):
    """The states of the indicators that records touch, the values that are not usable, and the leaves that the states settle."""

    states: dict[str, IndicatorState]
    unread: Sequence[_Unread]
    effect: Effect


def derive(case: Case, program: Program, as_of: Moment, chart: Chart, facts: Sequence[Fact]) -> Derived:
    """Return every indicator that the records touch."""
    states, unread = derive_indicators(case, program, as_of, chart, facts)
    return Derived(states, unread, all_effects(map(program.value_effects.of, states.values())))


def derive_moved(
    before: Derived, moved: Set[str], case: Case, program: Program, as_of: Moment, chart: Chart, facts: Sequence[Fact]
) -> Derived:
    """Return what `derive` does, for a case that can differ from the one of `before` in the `moved` indicators alone."""
    if not moved:
        return before
    kept = {iri: state for iri, state in before.states.items() if iri not in moved}
    states, found = derive_indicators(case, program, as_of, chart, facts, kept)
    unread = [each for each in before.unread if each[0] in kept] + found
    if found:
        places = {iri: place for place, iri in enumerate(program.indicator)}
        unread.sort(key=lambda each: places[each[0]])
    own = before.effect.without(cuts_of(program.indicator[iri] for iri in moved))
    return Derived(states, unread, all_effects((own, *(program.value_effects.of(states[iri]) for iri in states.keys() & moved))))


def derive_indicators(
    case: Case,
    program: Program,
    as_of: Moment,
    chart: Chart,
    facts: Sequence[Fact],
    known: Mapping[str, IndicatorState] = MappingProxyType({}),
) -> tuple[dict[str, IndicatorState], list[_Unread]]:
    """Return the state of every indicator that the records touch, and the values that are not usable; `known` ones are taken over."""
    done: dict[str, IndicatorState] = {}
    context = Context(case, program, as_of, chart, tuple(facts), done, [])
    for index in sorted(_touched(case, program, chart, facts)):
        indicator = program.indicators[index]
        if indicator.iri in known:
            done[indicator.iri] = known[indicator.iri]
        elif (state := _FORMS[indicator.form](indicator, context)) is not None:
            done[indicator.iri] = state
    return done, context.unread


def _touched(case: Case, program: Program, chart: Chart, facts: Sequence[Fact]) -> set[int]:
    """Return the indicators, by index, of which anything on record can change what is known."""
    gauges = program.gauges
    terms = {*chart.measured, *chart.examined, *(fact.term for fact in facts if fact.role == Role.FINDING)}
    return set().union(gauges.always, gauges.closing if case.closures else _NONE, *(gauges.moved_by.get(term, _NONE) for term in terms))


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
