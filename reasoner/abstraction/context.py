"""Hold what every form of indicator may look at, and write what is known of an indicator as a state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from decimal import Decimal
from functools import cached_property
from typing import NamedTuple

from reasoner.abstraction.chart import Chart
from reasoner.abstraction.measurements import Reading, Span
from reasoner.abstraction.state import Fact, IndicatorState
from reasoner.frozen import frozen
from reasoner.moments import Moment
from reasoner.program.gauges import Gauge
from reasoner.program.model import ZERO, Indicator, Program
from reasoner.record import Case, ExaminationRecord
from reasoner.terms import Role

__all__ = ["ONE", "Context", "Known", "Weighable", "boolean_state", "interval_state", "weighable"]

ONE: Span = ((Decimal(1), 0), (Decimal(1), 1))
"""The interval that holds nothing but one."""


class Weighable(NamedTuple):
    """The findings that sums may find present and absent, hierarchy closed, and the facts that make them so."""

    present: set[str]
    absent: frozenset[str]
    facts: Sequence[Fact]


def weighable(program: Program, facts: Iterable[Fact]) -> Weighable:
    """Return what facts say of the items of weighted sums."""
    known = program.gauges.weighed
    weighed = [fact for fact in facts if fact.term in known and fact.role == Role.FINDING]
    present = set[str]().union(*[program.parents[fact.term] for fact in weighed if fact.present])
    absent = program.at_or_below([fact.term for fact in weighed if not fact.present])
    return Weighable(present, absent, weighed)


@frozen()
class Known:
    """The examinations that count, and of the last of them, with those of which nobody knows that they are older, what each states.

    `latest` gives the attributes of each of these, and whether it is fresh; `sources` are their names.
    """

    records: Sequence[ExaminationRecord]
    latest: Sequence[tuple[Mapping[str, str], bool]]
    sources: tuple[str, ...]


@frozen(slots=False)
class Context:
    """What every form may look at.

    `done` holds the states of the indicators before, `unread` the values not usable, `known` the examinations that
    count by (tests, days of validity, whether a result outlives them).
    """

    case: Case
    program: Program
    as_of: Moment
    chart: Chart
    facts: tuple[Fact, ...]
    done: dict[str, IndicatorState]
    unread: list[tuple[str, Reading]]
    known: dict[tuple[tuple[str, ...], int | None, bool], Known] = field(default_factory=dict)

    def gauge(self, indicator: Indicator) -> Gauge:
        """Return the numbers of an indicator."""
        return self.program.gauges.gauges[indicator.iri]

    @cached_property
    def weighed(self) -> Weighable:
        """Return what the facts say of the items of weighted sums."""
        return weighable(self.program, self.facts)


def boolean_state(indicator: Indicator, value: bool, sources: tuple[str, ...], reason: str = "") -> IndicatorState:
    """Return the state of an indicator that is true or false."""
    low, high = ONE if value else ZERO
    return IndicatorState(indicator.iri, "known", low, high, sources, reason)


def interval_state(indicator: Indicator, span: Span, sources: tuple[str, ...], rule: str = "", reason: str = "") -> IndicatorState:
    """Return the state of an indicator whose value lies in an interval."""
    low, high = span
    if low is None and high is None:
        return IndicatorState(indicator.iri, "unknown", sources=sources, reason=reason or "the value bounds nothing", rule=rule)
    exact = low is not None and high is not None and low[0] == high[0] and low[1] == 0 and high[1] == 1
    return IndicatorState(indicator.iri, "known" if exact else "bounded", low, high, sources, reason, rule)
