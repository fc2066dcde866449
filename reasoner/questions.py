"""Say what answers an unknown of a case can have: present or absent, the regions of a value, what one investigation reports jointly."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from itertools import product

from reasoner.program.cuts import cuts_of
from reasoner.program.model import End, Indicator
from reasoner.terms import lc

__all__ = ["Question", "Said", "Span", "joint_answers", "possible_values", "regions"]

Span = tuple[End | None, End | None]
_TRUE: Span = ((Decimal(1), 0), (Decimal(1), 1))


@dataclass(frozen=True, slots=True)
class Said:
    """An answer to a question: the leaves that it makes true and false.

    `present` is the answer about a role; `values` are the intervals about indicators, None for one that gets no value.
    """

    true: int
    false: int
    present: bool | None = None
    values: tuple[tuple[str, Span | None], ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """An unknown with the answers that the case leaves possible.

    It is a role with its filler; or an indicator, or the investigation that gives several (no role).
    """

    role: str
    term: str
    answers: tuple[Said, ...]


def possible_values(indicator: Indicator) -> tuple[End | None, End | None]:
    """Return the interval in which a value of an indicator can lie by its form and its declared limits."""
    if indicator.datatype == "boolean":
        return (Decimal(0), 0), (Decimal(1), 1)
    if indicator.form == "relative":
        return (Decimal(-1), 0), (Decimal(1), 1)
    low = None if indicator.lowest is None else (Decimal(indicator.lowest), 0)
    if indicator.form in ("quotient", "ratio"):
        return ((Decimal(0), 0) if low is not None and low[0] >= 0 else None), None
    return low, None if indicator.highest is None else (Decimal(indicator.highest), 1)


def regions(indicator: Indicator) -> list[Said]:
    """Return the regions into which the cuts of an indicator part its possible values, lowest first."""
    lowest, highest = possible_values(indicator)
    cuts, first = indicator.cuts, indicator.first_bit
    found = []
    for passed in range(len(cuts) + 1):
        low = max((end for end in (lowest, cuts[passed - 1] if passed else None) if end is not None), default=None)
        high = min((end for end in (highest, cuts[passed] if passed < len(cuts) else None) if end is not None), default=None)
        if low is None or high is None or low < high:
            true = (1 << passed + 1) - 1 << first
            found.append(Said(true, cuts_of([indicator]) & ~true, values=((indicator.iri, (low, high)),)))
    return found


def joint_answers(group: Iterable[Indicator]) -> list[Said]:
    """Return what a record of one investigation can say of all its indicators: without a number only what is reported."""
    numbered = [each for each in group if each.attribute == lc("value")]
    others = [each for each in group if each.attribute != lc("value")]
    found: list[Said] = []
    for has_number in (False, True) if numbered else (True,):
        parts = [[region for region in regions(each) if (region.values[0][1] == _TRUE) == has_number] for each in numbered]
        parts += [regions(each) if has_number or each.form == "relative" else [_without_value(each)] for each in others]
        found += [_merged(chosen) for chosen in product(*parts)]
    return found


def _without_value(indicator: Indicator) -> Said:
    return Said(0, cuts_of([indicator]), values=((indicator.iri, None),))


def _merged(chosen: Iterable[Said]) -> Said:
    true = false = 0
    values: list[tuple[str, Span | None]] = []
    for each in chosen:
        true, false = true | each.true, false | each.false
        values.extend(each.values)
    return Said(true, false, values=tuple(values))
