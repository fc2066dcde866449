"""Give the state of an empty record: nothing on record, closed or counted, sums idle, ages unknown but there."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from reasoner.program.cuts import leaf_values
from reasoner.program.rows import TRUE, ZERO, Indicator, IndicatorState, Part

__all__ = ["NEVER_OPEN", "resting_leaves", "resting_states"]

NEVER_OPEN = ("on_record", "closed", "count")
"""The forms that an empty record settles at zero."""


def resting_states(indicators: Iterable[Indicator]) -> dict[str, IndicatorState]:
    """Return the states of the indicators that an empty record settles."""
    states: dict[str, IndicatorState] = {}
    for each in indicators:
        if each.form in NEVER_OPEN:
            states[each.iri] = IndicatorState(each.iri, "known", *ZERO)
        elif each.form == "weighted_sum":
            points = [points for _, points in each.items]
            low, high = sum(point for point in points if point < 0), sum(point for point in points if point > 0)
            states[each.iri] = IndicatorState(each.iri, "bounded", (Decimal(low), 0), (Decimal(high), 1), rule="sum of items")
    return states


def resting_leaves(indicators: Iterable[Indicator]) -> tuple[Part, ...]:
    """Return the leaves that an empty record settles, with their values."""
    every = {each.iri: each for each in indicators}
    values = {each.first_bit: TRUE for each in every.values() if each.total}
    for iri, state in resting_states(every.values()).items():
        values |= leaf_values(every[iri], state.low, state.high)
    return tuple(sorted(values.items()))
