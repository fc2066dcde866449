"""Tell which cuts of an indicator an interval passes and which it fails.

A cut (x, 0) is "at least x", (x, 1) is "above x". The lower end of an interval is written like a cut it satisfies:
(low, 0) closed, (low, 1) open. The upper end is written like the first cut it fails: (high, 1) closed, (high, 0) open.
None is unbounded.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from decimal import ROUND_CEILING

from reasoner.program.rows import FALSE, TRUE, End, Indicator

__all__ = ["band_signature", "cuts_of", "leaf_masks", "leaf_values"]


def cuts_of(indicators: Iterable[Indicator]) -> int:
    """Return the mask of the leaves of some indicators: that a value is there, and each cut."""
    found = 0
    for each in indicators:
        found |= (1 << len(each.cuts) + 1) - 1 << each.first_bit
    return found


def leaf_masks(indicator: Indicator, low: End | None, high: End | None) -> tuple[int, int]:
    """Return the masks of the leaves entailed and refuted when the value is known to lie between the ends."""
    passed, failed = band_signature(indicator, low, high)
    first = indicator.first_bit
    cuts = len(indicator.cuts)
    return (1 << passed + 1) - 1 << first, (1 << cuts - failed) - 1 << first + 1 + failed


def leaf_values(indicator: Indicator, low: End | None, high: End | None) -> dict[int, int]:
    """Return the leaves settled when the value is known to lie between the ends, with their values."""
    passed, failed = band_signature(indicator, low, high)
    first = indicator.first_bit + 1
    fails = dict.fromkeys(range(first + failed, first + len(indicator.cuts)), FALSE)
    return fails | dict.fromkeys(range(first - 1, first + passed), TRUE)


def band_signature(indicator: Indicator, low: End | None, high: End | None) -> tuple[int, int]:
    """Return how many cuts the interval certainly passes, and from which cut on it certainly fails."""
    cuts = indicator.cuts
    if indicator.datatype != "decimal":
        low, high = _next_whole(low), _next_whole(high)
    passed = 0 if low is None else bisect_right(cuts, low)
    failed = len(cuts) if high is None else bisect_left(cuts, high)
    return passed, failed


def _next_whole(end: End | None) -> End | None:
    """Return the end on the first whole number at or beyond it: a whole number above 1 is at least 2."""
    if end is None:
        return None
    value, beyond = end
    whole = value.to_integral_value(ROUND_CEILING)
    return whole + 1 if beyond and whole == value else whole, 0
