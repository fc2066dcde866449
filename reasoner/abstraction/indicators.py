"""Derive every declared indicator of a case from its records, each as an interval with its source and its reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from reasoner.abstraction.calculated import count, difference, weighted_sum
from reasoner.abstraction.chart import Chart
from reasoner.abstraction.context import Context
from reasoner.abstraction.held import attribute, closed, on_record
from reasoner.abstraction.measured import quotient, ratio, relative, select
from reasoner.abstraction.measurements import Reading
from reasoner.abstraction.state import Fact, IndicatorState
from reasoner.moments import Moment
from reasoner.program.model import Indicator, Program
from reasoner.record import Case
from reasoner.terms import Role

__all__ = ["Derived", "derive_indicators", "derived_from_tests"]

_NONE: frozenset[int] = frozenset()

_OF_TESTS = ("attribute", "count", "quotient", "relative", "select")
"""The forms that look at the records of tests alone."""

_Unread = tuple[str, Reading]

Derived = Mapping[str, tuple[IndicatorState | None, Sequence[_Unread]]]
"""The states of indicators, each with the values that were not usable."""


def derive_indicators(
    case: Case, program: Program, as_of: Moment, chart: Chart, facts: Sequence[Fact], known: Derived = MappingProxyType({})
) -> tuple[dict[str, IndicatorState], list[_Unread]]:
    """Return the state of every indicator that the records touch, and the values that are not usable; `known` ones are taken over."""
    done: dict[str, IndicatorState] = {}
    context = Context(case, program, as_of, chart, tuple(facts), done, [])
    for index in sorted(_touched(case, program, chart, facts)):
        indicator = program.indicators[index]
        if indicator.iri in known:
            state, unread = known[indicator.iri]
            context.unread.extend(unread)
        else:
            state = _FORMS[indicator.form](indicator, context)
        if state is not None:
            done[indicator.iri] = state
    return done, context.unread


def derived_from_tests(case: Case, program: Program, as_of: Moment, chart: Chart) -> Derived:
    """Return the indicators that follow from the records of tests alone, whatever else is on record."""
    context = Context(case, program, as_of, chart, (), {}, [])
    found: dict[str, tuple[IndicatorState | None, Sequence[_Unread]]] = {}
    for index in sorted(_touched(case, program, chart, ())):
        indicator, before = program.indicators[index], len(context.unread)
        if indicator.form in _OF_TESTS:
            found[indicator.iri] = _FORMS[indicator.form](indicator, context), context.unread[before:]
    return found


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
