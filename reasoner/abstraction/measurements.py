"""Choose and convert measurements: which record speaks for an indicator, as which interval of its canonical unit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction

from reasoner.errors import KnowledgeError
from reasoner.moments import Moment, days_between
from reasoner.program.model import End, Indicator
from reasoner.record import ExaminationRecord, MeasurementRecord

__all__ = ["Reading", "Span", "as_ends", "bounded", "fresh", "read_value", "readings", "scale_factor"]

_PLACES = 12
_SAME = Fraction(1)
_USABLE = ("", "active")
Span = tuple[End | None, End | None]


@dataclass(frozen=True, slots=True)
class Reading:
    """One usable record of an indicator: `span` is None when it has no usable number, with the reason."""

    record: MeasurementRecord
    span: Span | None
    reason: str


def fresh(record: MeasurementRecord | ExaminationRecord, indicator: Indicator, as_of: Moment) -> bool:
    """Return whether a record is usable, not of the future, dated if it must be, and inside the validity window."""
    if record.status not in _USABLE:
        return False
    if record.performed is None:
        return indicator.valid_days is None
    if record.performed.low > as_of.high:
        return False
    return indicator.valid_days is None or days_between(record.performed, as_of)[0] <= indicator.valid_days


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
        with localcontext() as context:
            context.prec = 200
            return Decimal(number.numerator) / Decimal(number.denominator), 0 if low_side else 1
    scaled = number * 10**_PLACES
    floor = scaled.numerator // scaled.denominator
    neighbour = Decimal(floor if low_side else floor + 1).scaleb(-_PLACES)
    return neighbour, 1 if low_side else 0


def scale_factor(indicator: Indicator, unit: str | None) -> Fraction | str:
    """Return the factor from `unit` to the canonical unit, or the reason why there is none."""
    if unit is None:
        return Fraction(1) if indicator.unit == "1" else "the value has no unit"
    for accepted, numerator, denominator in indicator.conversions:
        if unit == accepted:
            return _SAME if numerator == denominator else Fraction(numerator, denominator)
    from reasoner.program.units import convert_exactly, spellings

    if spellings(unit) != unit:
        return scale_factor(indicator, spellings(unit))
    if indicator.listed_units_only:
        return f"the unit {unit} is not accepted for this test"
    try:
        return convert_exactly(unit, indicator.unit)
    except KnowledgeError:
        return f"the unit {unit} cannot be converted to {indicator.unit}"


def read_value(record: MeasurementRecord, indicator: Indicator) -> Reading:
    """Return a record as an interval of the canonical unit, rounded as declared; or why it has none."""
    if record.value is None:
        return Reading(record, None, "the record has no value")
    factor = scale_factor(indicator, record.unit)
    if isinstance(factor, str):
        return Reading(record, None, factor)
    number: Fraction | Decimal = record.value if factor == 1 else Fraction(record.value) * factor
    if indicator.places is not None:
        step = Decimal(1).scaleb(-indicator.places)
        exact = number if isinstance(number, Decimal) else _end(number, low_side=True)[0]
        number = exact.quantize(step, ROUND_HALF_UP)
    below = indicator.lowest is not None and number < (Decimal if isinstance(number, Decimal) else Fraction)(indicator.lowest)
    above = indicator.highest is not None and number > (Decimal if isinstance(number, Decimal) else Fraction)(indicator.highest)
    if below or above:
        return Reading(record, None, f"the value {record.value} is outside what is possible")
    low, high = as_ends(number)
    return Reading(record, bounded(low, high, record.comparator), "")


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


def readings(
    indicator: Indicator, measurements: Iterable[MeasurementRecord], as_of: Moment, shared: Mapping[str, frozenset[str]]
) -> list[Reading]:
    """Return the readings of an indicator, latest first; an expired one counts only inside the lasting band.

    `shared` gives the units that any indicator of a test accepts: a value in a unit that only another indicator of
    the same test accepts belongs to that one.
    """
    found = []
    own = {unit for unit, _, _ in indicator.conversions}
    for record in measurements:
        if record.test in indicator.tests and record.status in _USABLE:
            if record.unit not in own and record.unit in shared[record.test]:
                continue
            inside = fresh(record, indicator, as_of)
            if inside or (indicator.lasting is not None and _past(record, as_of)):
                reading = read_value(record, indicator)
                if inside or _lasts(reading, indicator):
                    found.append(reading)
    return sorted(found, key=_order) if len(found) > 1 else found


def _order(reading: Reading) -> tuple[int, bool, Decimal, str, str, str, str]:
    """Order readings by time, the latest first, and those of one time by what they say, so that no name decides."""
    record = reading.record
    high = record.performed.high if record.performed else 0
    value = Decimal(0) if record.value is None else record.value
    return -high, record.value is None, value, record.unit or "", record.interpretation, record.comparator, record.node


def _past(record: MeasurementRecord, as_of: Moment) -> bool:
    return record.performed is not None and record.performed.low <= as_of.high


def _lasts(reading: Reading, indicator: Indicator) -> bool:
    if reading.span is None or indicator.lasting is None:
        return False
    low, low_open, high, high_open = indicator.lasting
    lowest, highest = reading.span
    above = low is None or (lowest is not None and lowest >= (Decimal(low), int(low_open)))
    below = high is None or (highest is not None and highest <= (Decimal(high), int(not high_open)))
    return above and below
