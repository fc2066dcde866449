"""Write what is known of the case: its indicators, and notes on how they were judged."""

from __future__ import annotations

from decimal import Decimal

from reasoner.abstraction.state import IndicatorState
from reasoner.explanation import View
from reasoner.report.parts import Document
from reasoner.terms import by_label

__all__ = ["indicator_row", "notes", "shown_indicators"]


def shown_indicators(view: View) -> list[IndicatorState]:
    """Return the indicators worth showing: those that records touch, without bookkeeping and idle sums."""
    hidden = ("on_record", "closed", "count")
    states = [
        state
        for iri, state in view.state.indicators.items()
        if view.program.indicator[iri].form not in hidden and (state.sources or state.status != "bounded")
    ]
    return sorted((state for state in states if state.sources), key=lambda state: by_label(view.label(state.indicator), state.indicator))


def indicator_row(view: View, state: IndicatorState) -> Document:
    indicator = view.program.indicator[state.indicator]
    pure = indicator.form in ("quotient", "ratio", "relative")
    known = state.status == "known" and state.low is not None
    return {
        "indicator": state.indicator,
        "label": view.label(state.indicator),
        "status": state.status,
        "value": _number(state.low[0], indicator.places, indicator.datatype) if known and state.low else None,
        "low": None if known or state.low is None else str(state.low[0]),
        "high": None if known or state.high is None else str(state.high[0]),
        "unit": "1" if pure else indicator.unit,
        "bands": sorted(band for band in indicator.bands if band in view.program.classes and view.statuses.holds(band)),
        "boundary": view.is_boundary(state),
        "rule": state.rule,
        "from": list(state.sources),
        "reason": state.reason,
    }


def _number(value: Decimal, places: int | None, datatype: str) -> str:
    if datatype == "boolean":
        return "true" if value else "false"
    return f"{value:.{places}f}" if places is not None else f"{value:f}"


def notes(view: View) -> list[str]:
    notes = []
    for state in view.state.indicators.values():
        if state.rule.startswith("the declared default") or state.rule.startswith("declared plausible"):
            notes.append(f"{view.label(state.indicator)}: judged by {state.rule}, which is not verified")
    return sorted(notes)
