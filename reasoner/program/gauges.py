"""Prepare indicators for arithmetic, and know which records can move which indicator."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal, Inexact, InvalidOperation
from fractions import Fraction

from reasoner.program.rows import MEASURED, End, Indicator

__all__ = ["EXACT", "ROUNDING", "Gauge", "Gauges", "load_gauges"]

EXACT = Context(prec=200, traps=[Inexact, InvalidOperation])
"""Decimal arithmetic that refuses to round."""

ROUNDING = Context(prec=200, rounding=ROUND_HALF_UP)
"""Decimal arithmetic that rounds half up, with room for every number that a record can state."""


@dataclass(frozen=True, slots=True)
class Gauge:
    """The numbers of an indicator.

    `factors` gives per accepted unit the exact factor to the canonical one, `decimals` the same where it is a decimal
    other than one; `foreign` per test the units that only another indicator of that test accepts; `step` the unit of
    rounding; `lasting` the band in which a value outlives its validity, as an interval.
    """

    factors: Mapping[str | None, Fraction]
    decimals: Mapping[str | None, Decimal]
    foreign: Mapping[str, frozenset[str]]
    step: Decimal | None
    lowest: Decimal | None
    highest: Decimal | None
    default_low: Decimal | None
    default_high: Decimal | None
    plausible: tuple[Fraction, Fraction] | None
    lasting: tuple[End | None, End | None] | None


@dataclass(frozen=True, slots=True)
class Gauges:
    """All indicators.

    `moved_by` gives the indicators, by index, that a test or a finding can move; `closing` those that closed lists
    move, `always` those that every case has, `sums` the sums of findings. `speakers` gives per on-record indicator those
    whose values may speak for it beyond its own window; `followers` per indicator, by index, itself and all that look at
    it. `weighed` holds every finding at, above or below an item of a sum.
    """

    gauges: Mapping[str, Gauge]
    moved_by: Mapping[str, frozenset[int]]
    closing: frozenset[int]
    always: frozenset[int]
    sums: frozenset[int]
    speakers: Mapping[str, tuple[str, ...]]
    followers: tuple[frozenset[str], ...]
    weighed: frozenset[str]

    def moved(self, findings: Set[str], closing: bool) -> set[str]:
        """Return the indicators that something else said of these findings, or other closed lists, can move."""
        found: set[int] = set().union(*(self.moved_by.get(finding, ()) for finding in findings))
        if not self.weighed.isdisjoint(findings):
            found |= self.sums
        if closing:
            found |= self.closing
        return set().union(*(self.followers[index] for index in found))


def load_gauges(indicators: Sequence[Indicator], parents: Mapping[str, tuple[str, ...]], below: Mapping[str, tuple[str, ...]]) -> Gauges:
    """Prepare the indicators; `parents` and `below` give what lies at or above and at or below each term."""
    shared: dict[str, set[str]] = {}
    for each in indicators:
        for test in each.tests:
            shared.setdefault(test, set()).update(unit for unit, _, _ in each.conversions)
    items = {finding for each in indicators for findings, _ in each.items for finding in findings}
    measured = [each for each in indicators if each.form in MEASURED and each.tests]
    speakers = {
        each.iri: tuple(other.iri for other in measured if set(other.tests) <= set(each.tests))
        for each in indicators
        if each.form == "on_record"
    }
    return Gauges(
        {each.iri: _gauge(each, shared) for each in indicators},
        _moved_by(indicators, parents, below),
        frozenset(index for index, each in enumerate(indicators) if each.form == "closed"),
        frozenset(index for index, each in enumerate(indicators) if each.form == "difference" and not each.tests),
        frozenset(index for index, each in enumerate(indicators) if each.form == "weighted_sum"),
        speakers,
        _followers(indicators, speakers),
        frozenset(term for finding in items for term in (*parents[finding], *below[finding])),
    )


def _moved_by(
    indicators: Iterable[Indicator], parents: Mapping[str, tuple[str, ...]], below: Mapping[str, tuple[str, ...]]
) -> dict[str, frozenset[int]]:
    found: dict[str, set[int]] = {}
    for index, each in enumerate(indicators):
        findings = {finding for findings, _ in each.items for finding in findings} | ({each.finding} if each.finding else set())
        terms = {term for finding in findings for term in (*parents[finding], *below[finding])}
        for name in (*terms, *each.tests):
            found.setdefault(name, set()).add(index)
    return {name: frozenset(indices) for name, indices in found.items()}


def _followers(indicators: Iterable[Indicator], speakers: Mapping[str, Iterable[str]]) -> tuple[frozenset[str], ...]:
    looked_at = {each.iri: {each.minuend, each.subtrahend, each.depends, *speakers.get(each.iri, ())} for each in indicators}
    found = []
    for iri in looked_at:
        own, size = {iri}, 0
        while size < len(own):
            size = len(own)
            own |= {other for other, seen in looked_at.items() if not own.isdisjoint(seen)}
        found.append(frozenset(own))
    return tuple(found)


def _gauge(indicator: Indicator, shared: Mapping[str, set[str]]) -> Gauge:
    factors: dict[str | None, Fraction] = {unit: Fraction(over, under) for unit, over, under in indicator.conversions}
    if indicator.unit == "1":
        factors.setdefault(None, Fraction(1))
    accepted = {unit for unit, _, _ in indicator.conversions}
    numbers = (indicator.lowest, indicator.highest, indicator.default_low, indicator.default_high)
    lowest, highest, default_low, default_high = (None if text is None else Decimal(text) for text in numbers)
    plausible = None
    if indicator.plausible_low and indicator.plausible_high:
        plausible = Fraction(Decimal(indicator.plausible_low)), Fraction(Decimal(indicator.plausible_high))
    return Gauge(
        factors,
        {unit: found for unit, factor in factors.items() if factor != 1 and (found := _decimal(factor)) is not None},
        {test: frozenset(shared[test] - accepted) for test in indicator.tests},
        None if indicator.places is None else Decimal(1).scaleb(-indicator.places),
        lowest,
        highest,
        default_low,
        default_high,
        plausible,
        _lasting(indicator),
    )


def _decimal(factor: Fraction) -> Decimal | None:
    """Return a fraction as a decimal, or None when it has no end."""
    try:
        return EXACT.divide(Decimal(factor.numerator), Decimal(factor.denominator))
    except Inexact:
        return None


def _lasting(indicator: Indicator) -> tuple[End | None, End | None] | None:
    if indicator.lasting is None:
        return None
    low, low_open, high, high_open = indicator.lasting
    return None if low is None else (Decimal(low), int(low_open)), None if high is None else (Decimal(high), int(not high_open))
