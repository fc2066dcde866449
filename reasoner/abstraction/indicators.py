"""Derive every declared indicator of a case from its records, each as an interval with its source and its reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
from reasoner.program.effects import Effect
from reasoner.program.model import Indicator, Program
from reasoner.record import Case
from reasoner.terms import Role

__all__ = ["Derived", "Known", "Unread", "derive_indicators"]

_NONE: frozenset[int] = frozenset()

Unread = tuple[str, Reading]
"""The IRI of an indicator, and a reading that is not usable for it."""


class Known(NamedTuple):
    """The state of an indicator, the values that were not usable for it, and the leaves that it settles."""

    state: IndicatorState
    unread: Sequence[Unread]
    effect: Effect


Derived = Mapping[str, Known]
"""What is known of indicators, by IRI."""


def derive_indicators(
    case: Case, program: Program, as_of: Moment, chart: Chart, facts: Sequence[Fact], known: Derived = MappingProxyType({})
) -> tuple[dict[str, IndicatorState], list[Unread]]:
    """Return the state of every indicator that the records touch, and the values that are not usable; `known` ones are taken over."""
    done: dict[str, IndicatorState] = {}
    context = Context(case, program, as_of, chart, tuple(facts), done, [])
    for index in sorted(_touched(case, program, chart, facts)):
        indicator = program.indicators[index]
        if indicator.iri in known:
            done[indicator.iri], unread, _ = known[indicator.iri]
            context.unread.extend(unread)
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
