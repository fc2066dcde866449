"""Hold what every form of indicator may look at, and write what is known of an indicator as a state."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from reasoner.abstraction.measurements import Reading, Span
from reasoner.abstraction.state import Fact, IndicatorState
from reasoner.moments import Moment
from reasoner.program.model import ZERO, Indicator, Program
from reasoner.record import Case, ExaminationRecord, MeasurementRecord

__all__ = ["ONE", "Context", "boolean_state", "interval_state", "last_examination", "when"]

ONE: Span = ((Decimal(1), 0), (Decimal(1), 1))
"""The interval that holds nothing but one."""

_NEVER = (-(10**12), -(10**12))


@dataclass(frozen=True)
class Context:
    """What every form may look at."""

    case: Case
    program: Program
    as_of: Moment
    facts: tuple[Fact, ...]
    done: dict[str, IndicatorState]
    unread: list[tuple[str, Reading]]


def boolean_state(indicator: Indicator, value: bool, sources: Iterable[str] = (), reason: str = "") -> IndicatorState:
    low, high = ONE if value else ZERO
    return IndicatorState(indicator.iri, "known", low, high, tuple(sources), reason)


def interval_state(indicator: Indicator, span: Span, sources: tuple[str, ...], rule: str = "", reason: str = "") -> IndicatorState:
    low, high = span
    if low is None and high is None:
        return IndicatorState(indicator.iri, "unknown", sources=sources, reason=reason or "the value bounds nothing", rule=rule)
    exact = low is not None and high is not None and low[0] == high[0] and low[1] == 0 and high[1] == 1
    return IndicatorState(indicator.iri, "known" if exact else "bounded", low, high, sources, reason, rule)


def last_examination(case: Case, program: Program, test: str, as_of: Moment) -> tuple[bool, ExaminationRecord | None]:
    """Return whether `test` is on record, and its last dated performance."""
    below = program.below.get(test, (test,))
    found = [record for record in case.examinations if record.test in below and record.status in ("", "active")]
    dated = [record for record in found if record.performed is not None and record.performed.low <= as_of.high]
    undated = any(record.performed is None for record in found)
    last = max(dated, key=lambda record: (*when(record), record.node), default=None)
    return bool(dated or undated), None if undated else last


def when(record: MeasurementRecord | ExaminationRecord) -> tuple[int, int]:
    """Return the last and the first second at which a record may have been performed; undated ones come first of all."""
    return (record.performed.high, record.performed.low) if record.performed else _NEVER
