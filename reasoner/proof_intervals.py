"""Decide whether statements about one indicator give another one, or its denial, by the ends of their intervals."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from reasoner.program.model import End
from reasoner.proof_data import Statement, Step

__all__ = ["implies"]

_LOWEST: End = (Decimal("-Infinity"), 0)
_HIGHEST: End = (Decimal("Infinity"), 0)


def _ends(statement: Statement, whole: bool) -> tuple[End, End]:
    """Return a band's ends as the first cut it passes and the first it fails."""
    _, _, low, low_open, high, high_open = statement
    ends = [
        _LOWEST if low is None else (Decimal(low), int(low_open)),
        _HIGHEST if high is None else (Decimal(high), int(not high_open)),
    ]
    if whole:
        ends = [
            (value.to_integral_value("ROUND_CEILING") + (side if value == value.to_integral_value() else 0), 0)
            if value.is_finite()
            else (value, side)
            for value, side in ends
        ]
    return ends[0], ends[1]


def implies(steps: Iterable[Step], target: Statement, holds: bool, whole: bool, boolean: bool) -> bool:
    """Return whether statements about one indicator give another about it, or its denial."""
    start, end = _ends(target, whole)
    low, high = ((Decimal(0), 0), (Decimal(2), 0)) if boolean else (_LOWEST, _HIGHEST)
    positive = False
    for step in steps:
        if step.holds:
            positive = True
            own = _ends(step.statement, whole)
            low, high = max(low, own[0]), min(high, own[1])
    if not holds:
        low, high = max(low, start), min(high, end)
    elif not positive:
        return False
    for _ in range(2):
        for step in steps:
            if not step.holds:
                first, last = _ends(step.statement, whole)
                if first <= low < last:
                    low = last
                if first < high <= last:
                    high = first
    return low >= high or (holds and start <= low and high <= end)
