"""Choose and convert measurements: which record speaks for an indicator, as which interval of its canonical unit."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal, Inexact, InvalidOperation
from fractions import Fraction
from typing import NamedTuple

from reasoner.abstraction.chart import Dated
from reasoner.errors import KnowledgeError
from reasoner.frozen import frozen
from reasoner.program.gauges import EXACT, ROUNDING, Gauge
from reasoner.program.model import End, Indicator
from reasoner.record import MeasurementRecord

__all__ = ["Reading", "Span", "are_limits", "as_ends", "bounded", "read_value", "readings", "scale_factor"]

_PLACES = 12
_WHOLE, _NOTHING = Decimal(1), Decimal(0)
_TAKEN_AS_IS = ("select", "weighted_sum")
Span = tuple[End | None, End | None]


@frozen()
class Reading:
    """One usable record of an indicator: `span` is None when it has no usable number, with the reason and its repair."""

    record: MeasurementRecord
    span: Span | None
    reason: str
    repair: str = ""


class Refusal(NamedTuple):
    """Why a unit is not converted, and the repair."""

    reason: str
    repair: str


def as_ends(low: Fraction | Decimal, high: Fraction | Decimal | None = None) -> Span:
    """Return the interval between two exact numbers; a quotient that does not terminate lies between its neighbours."""
    upper = low if high is None else high
    if isinstance(low, Decimal) and isinstance(upper, Decimal):
        return (low, 0), (upper, 1)
    return _end(Fraction(low), low_side=True), _end(Fraction(upper), low_side=False)


def _end(number: Fraction, low_side: bool) -> End:
    denominator = number.denominator
    for prime in (2, 5):
        while denominator % prime == 0:
            denominator //= prime
    if denominator == 1:
        return ROUNDING.divide(Decimal(number.numerator), Decimal(number.denominator)), 0 if low_side else 1
    scaled = number * 10**_PLACES
    floor = scaled.numerator // scaled.denominator
    neighbour = Decimal(floor if low_side else floor + 1).scaleb(-_PLACES)
    return neighbour, 1 if low_side else 0


def scale_factor(indicator: Indicator, gauge: Gauge, unit: str | None) -> Fraction | Refusal:
    """Return the factor from `unit` to the canonical unit, or why there is none."""
    found = gauge.factors.get(unit)
    if found is not None:
        return found
    if unit is None:
        return Refusal("the value has no unit", f"state its unit in UCUM, such as {indicator.unit}")
    from reasoner.program.units import convert_exactly, spellings

    if spellings(unit) != unit:
        return scale_factor(indicator, gauge, spellings(unit))
    if indicator.listed_units_only:
        return Refusal(f"the unit {unit} is not accepted for this test", f"state the value in {_listed(indicator)}")
    try:
        return convert_exactly(unit, indicator.unit)
    except KnowledgeError:
        reason = f"the unit {unit} cannot be converted to {indicator.unit}"
        return Refusal(reason, f"state the value in {indicator.unit} or a UCUM unit of the same kind")


def _listed(indicator: Indicator) -> str:
    return " or ".join(sorted({unit for unit, _, _ in indicator.conversions} | {indicator.unit}))


def read_value(record: MeasurementRecord, indicator: Indicator, gauge: Gauge) -> Reading:
    """Return a record as an interval of the canonical unit, rounded as declared; or why it has none."""
    value = record.value
    if value is None:
        return Reading(record, None, "the record has no value")
    number: Decimal | Fraction | None = _converted(value, gauge, record.unit)
    if number is None:
        factor = scale_factor(indicator, gauge, record.unit)
        if isinstance(factor, Refusal):
            return Reading(record, None, *factor)
        number = value if factor == 1 else Fraction(value) * factor
    if gauge.step is not None:
        exact = number if isinstance(number, Decimal) else _end(number, low_side=True)[0]
        number = ROUNDING.quantize(exact, gauge.step)
    if _is_beyond(number, gauge):
        return Reading(
            record, None, f"the value {value} is outside what is possible", f"correct the value or its unit; {_possible(indicator)}"
        )
    if indicator.datatype == "integer" and indicator.form in _TAKEN_AS_IS and not record.comparator and number % 1:
        return Reading(record, None, f"the value {value} is no whole number", "state a whole number")
    low, high = as_ends(number)
    return Reading(record, bounded(low, high, record.comparator), "")


def _converted(value: Decimal, gauge: Gauge, unit: str | None) -> Decimal | None:
    """Return a value times a decimal factor, written with no more digits than it needs; None where only fractions are exact."""
    factor = gauge.decimals.get(unit)
    if factor is None:
        return None
    try:
        product = EXACT.multiply(value, factor)
        if not product:
            return _NOTHING
        return EXACT.quantize(product, _WHOLE) if product == product.to_integral_value() else product.normalize(EXACT)
    except (Inexact, InvalidOperation):
        return None


def _possible(indicator: Indicator) -> str:
    """Return which values are possible, in words."""
    ends = ((word, end) for word, end in (("at least", indicator.lowest), ("at most", indicator.highest)) if end is not None)
    return f"possible is {' and '.join(f'{word} {end}' for word, end in ends)} in the unit {indicator.unit}"


def _is_beyond(number: Fraction | Decimal, gauge: Gauge) -> bool:
    """Return whether a number is outside what is possible."""
    if isinstance(number, Decimal):
        return (gauge.lowest is not None and number < gauge.lowest) or (gauge.highest is not None and number > gauge.highest)
    below = gauge.lowest is not None and number < Fraction(gauge.lowest)
    return below or (gauge.highest is not None and number > Fraction(gauge.highest))


def are_limits(low: Decimal | None, high: Decimal | None) -> bool:
    """Return whether reported limits can be such: an upper limit of zero or below, or limits out of order, are none."""
    return high is None or (high > 0 and (low is None or low <= high))


def bounded(low: End | None, high: End | None, comparator: str) -> Span:
    """Return the interval that a comparator makes of a value."""
    if comparator == "less_than":
        return None, (high[0], 0) if high else None
    if comparator == "at_most":
        return None, high
    if comparator == "at_least":
        return low, None
    if comparator == "greater_than":
        return (low[0], 1) if low else None, None
    return low, high


def readings(indicator: Indicator, gauge: Gauge, measurements: Iterable[Dated[MeasurementRecord]]) -> list[Reading]:
    """Return the readings of an indicator, latest first; an expired one counts only inside the lasting band.

    A value in a unit that only another indicator of the same test accepts belongs to that one.
    """
    found = []
    for dated in measurements:
        record = dated.record
        if dated.current and record.unit not in gauge.foreign[record.test]:
            inside = dated.is_fresh(indicator)
            if inside or (gauge.lasting is not None and dated.age is not None):
                reading = read_value(record, indicator, gauge)
                if inside or _lasts(reading, gauge):
                    found.append(reading)
    return sorted(found, key=_order) if len(found) > 1 else found


def _order(reading: Reading) -> tuple[int, bool, Decimal, str, str, str, str]:
    """Order readings by time, the latest first, and those of one time by what they say, so that no name decides."""
    record = reading.record
    high = record.performed.high if record.performed else 0
    value = Decimal(0) if record.value is None else record.value
    return -high, record.value is None, value, record.unit or "", record.interpretation, record.comparator, record.node


def _lasts(reading: Reading, gauge: Gauge) -> bool:
    if reading.span is None or gauge.lasting is None:
        return False
    (low, high), (lowest, highest) = gauge.lasting, reading.span
    above = low is None or (lowest is not None and lowest >= low)
    return above and (high is None or (highest is not None and highest <= high))
