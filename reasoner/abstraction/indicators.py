"""Derive every declared indicator of a case from its records, each as an interval with its source and its reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence

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

__all__ = ["derive_indicators"]

_NONE: frozenset[int] = frozenset()


def derive_indicators(
    case: Case, program: Program, as_of: Moment, chart: Chart, facts: Sequence[Fact]
) -> tuple[dict[str, IndicatorState], list[tuple[str, Reading]]]:
    """Return the state of every indicator that the records touch, and the values that are not usable."""
    done: dict[str, IndicatorState] = {}
    context = Context(case, program, as_of, chart, tuple(facts), done, [])
    for index in sorted(_touched(case, program, chart, facts)):
        indicator = program.indicators[index]
        state = _FORMS[indicator.form](indicator, context)
        if state is not None:
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
