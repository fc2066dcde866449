"""Give the state of an empty record: nothing on record, closed or counted, sums idle, ages unknown but there."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from reasoner.program.cuts import leaf_masks
from reasoner.program.model import ZERO, Indicator, IndicatorState

__all__ = ["NEVER_OPEN", "resting_masks", "resting_states"]

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


def resting_masks(indicators: Iterable[Indicator]) -> tuple[int, int]:
    """Return the leaf masks of an empty record."""
    every = {each.iri: each for each in indicators}
    true = sum(1 << each.first_bit for each in every.values() if each.total)
    false = 0
    for iri, state in resting_states(every.values()).items():
        holds, fails = leaf_masks(every[iri], state.low, state.high)
        true, false = true | holds, false | fails
    return true, false
