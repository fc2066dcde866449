"""Draw records of tests: the results that the ontology declares usable, moved on, beside and away from every limit."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from reasoner.cohort.long_table import RECORD
from reasoner.cohort.synthetic.drafts import Ago, Dice, Draft, Variant
from reasoner.cohort.synthetic.records import short
from reasoner.namespaces import LC
from reasoner.program.model import Indicator, Program
from reasoner.program.patterns import RecordPattern
from reasoner.terms import RecordKind

__all__ = ["test_variants"]

_COLUMNS = {column.property: column for column in RECORD if column.property}
_MULTIPLES = ("quotient", "ratio")
_NUMERIC = ("select", "relative", *_MULTIPLES)
_READINGS = ("low", "normal", "normal", "high")
_PERFORMED = (short(RecordKind.MEASUREMENT), short(RecordKind.EXAMINATION))
_SIDES = ("left", "right")
_COMPARATORS = ("less_than", "at_most", "at_least", "greater_than")


def test_variants(program: Program, dice: Dice, test: str, count: int) -> list[Variant]:
    """Return records of a test; none for a test that the ontology neither gives results nor indicators with a unit."""
    bases = _bases(program, test)
    if not bases:
        return []
    windows = sorted({each.valid_days for each in program.indicators if test in each.tests and each.valid_days})
    found = []
    for number in range(count):
        performed = dice.ago(windows)
        drafts: list[Draft] = []
        for base in bases[number % len(bases)]:
            drafts += _sided(program, dice, _dated(_moved(program, dice, base), performed))
        found.append(Variant(test, tuple(drafts)))
    return found


def _bases(program: Program, test: str) -> list[tuple[Draft, ...]]:
    """Return the usable results of a test; without any, one value for each of its indicators that has a limit."""
    declared = [tuple(_draft(pattern) for pattern in result.records) for result in program.results_of.get(test, ())]
    if declared:
        return declared
    found: list[tuple[Draft, ...]] = []
    for each in program.indicators:
        if test in each.tests and each.form in _NUMERIC and each.conversions:
            limits = [value for value, _ in each.cuts] if each.form == "select" else []
            limits += [Decimal(text) for text in (each.default_low, each.default_high) if text]
            found += [(Draft.of(short(RecordKind.MEASUREMENT), term=short(test), value=str(limit), unit=each.unit),) for limit in limits]
    return found or [(Draft.of(short(RecordKind.MEASUREMENT), term=short(test), interpretation=word),) for word in _READINGS[1:]]


def _draft(pattern: RecordPattern) -> Draft:
    values: dict[str, str | Ago | None] = {}
    for name, text in pattern.properties:
        column = _COLUMNS.get(name)
        if column is None:
            values["term"] = short(text)
        elif column.form == "word":
            values[column.name] = text.removeprefix(column.stem)
        else:
            values[column.name] = text
    return Draft.of(short(pattern.kind), **values)


def _dated(draft: Draft, performed: Ago | None) -> Draft:
    name = "performed" if draft.get("kind") in _PERFORMED else "recorded"
    if draft.get("kind") == short(RecordKind.MEDICATION):
        return draft
    undated = draft.get("kind") == short(RecordKind.CLOSURE) and performed is None
    return draft.replaced(**{name: Ago(0) if undated else performed})


# --- what a record says ----------------------------------------------------------------------------------------------


def _moved(program: Program, dice: Dice, draft: Draft) -> Draft:
    if draft.get("kind") == short(RecordKind.EXAMINATION):
        return _examined(dice, draft)
    value = draft.get("value")
    if not isinstance(value, str):
        return draft
    own = [each for each in program.indicators if LC + str(draft.get("term")) in each.tests and each.form in _NUMERIC]
    units: Mapping[str, Fraction] = {unit: Fraction(over, under) for each in own for unit, over, under in each.conversions}
    if draft.get("unit") not in units:
        return draft
    if dice.happens("reading_only"):
        return draft.replaced(value=None, unit=None, reference_low=None, reference_high=None, interpretation=dice.one_of(_READINGS))
    draft = _with_limits(dice, draft, own, units)
    draft = draft.replaced(value=_text(_drawn(dice, Decimal(value), _limits(draft, own, units))))
    if dice.happens("other_unit"):
        draft = _converted(draft, units, dice.one_of(sorted(units)))
    return draft.replaced(comparator=dice.one_of(_COMPARATORS)) if dice.happens("bounded_value") else draft


def _examined(dice: Dice, draft: Draft) -> Draft:
    for name, chance, word in (("completeness", "limited", "limited"), ("result", "inconclusive", "inconclusive")):
        if draft.get(name) and dice.happens(chance):
            draft = draft.replaced(**{name: word})
    if draft.get("extent") and dice.random.random() < 0.3:
        draft = draft.replaced(extent="proximal_only")
    for name in ("extent", "completeness", "result"):
        if dice.happens("attribute_missing"):
            draft = draft.replaced(**{name: None})
    return draft


def _with_limits(dice: Dice, draft: Draft, own: list[Indicator], units: Mapping[str, Fraction]) -> Draft:
    """Return the record with the limits that its laboratory reports, where the ontology knows usual ones; at times without any."""
    if draft.get("reference_low") or draft.get("reference_high"):
        return draft.replaced(reference_low=None, reference_high=None) if dice.random.random() < 0.15 else draft
    usual = next((each for each in own if each.form == "relative" and each.default_low and each.default_high), None)
    if usual is None or dice.random.random() < 0.35:
        return draft
    factor = units[str(draft.get("unit"))]
    low, high = (_shortened(Fraction(Decimal(str(text))) / factor) for text in (usual.default_low, usual.default_high))
    return draft.replaced(reference_low=_text(low), reference_high=_text(high))


def _limits(draft: Draft, own: list[Indicator], units: Mapping[str, Fraction]) -> list[Decimal]:
    """Return the thresholds and limits that matter for a value, in its unit."""
    factor = units[str(draft.get("unit"))]
    accepted = {each.iri: any(unit == draft.get("unit") for unit, _, _ in each.conversions) for each in own}
    stated = [Decimal(str(text)) for text in (draft.get("reference_low"), draft.get("reference_high")) if text]
    found = [_shortened(Fraction(value) / factor) for each in own if each.form == "select" and accepted[each.iri] for value, _ in each.cuts]
    if stated:
        found += [value * stated[-1] for each in own if each.form in _MULTIPLES for value, _ in each.cuts if value > 0]
    return found + stated


def _drawn(dice: Dice, value: Decimal, limits: list[Decimal]) -> Decimal:
    """Return a number on a limit, one step of its last digit beside one, or around the example."""
    draw = dice.random.random()
    on, beside = dice.settings.figure("on_limit"), dice.settings.figure("beside_limit")
    if limits and draw < on + beside:
        limit = limits[int(dice.random.random() * len(limits))]
        step = Decimal(1).scaleb(min(_exponent(limit), _exponent(value)))
        return limit if draw < on else limit + (step if dice.random.random() < 0.5 else -step)
    moved = Fraction(value) * Fraction(1 + dice.settings.figure("spread") * (2 * dice.random.random() - 1)).limit_denominator(1000)
    return _shortened(moved, _exponent(value))


def _converted(draft: Draft, units: Mapping[str, Fraction], unit: str) -> Draft:
    """Return the record in another unit, with four significant digits at most."""
    factor = units[str(draft.get("unit"))] / units[unit]
    changes: dict[str, str | Ago | None] = {"unit": unit}
    for name in ("value", "reference_low", "reference_high"):
        text = draft.get(name)
        if isinstance(text, str):
            changes[name] = _text(_shortened(Fraction(Decimal(text)) * factor))
    return draft.replaced(**changes)


def _sided(program: Program, dice: Dice, draft: Draft) -> list[Draft]:
    """Return the record of a value that counts for both legs as one for each leg, one for one leg, or as it is."""
    if draft.get("kind") != short(RecordKind.MEASUREMENT) or draft.get("side") is None:
        return [draft]
    if dice.happens("one_side"):
        return [draft.replaced(side=dice.one_of(_SIDES))]
    value = draft.get("value")
    if not isinstance(value, str) or not dice.happens("two_sides"):
        return [draft]
    other = _shortened(Fraction(Decimal(value)) * Fraction(int(80 + 40 * dice.random.random()), 100), _exponent(Decimal(value)))
    first = dice.one_of(_SIDES)
    second = _SIDES[1 - _SIDES.index(first)]
    return [draft.replaced(side=first), draft.replaced(side=second, value=_text(other))]


# --- numbers ---------------------------------------------------------------------------------------------------------


def _exponent(number: Decimal) -> int:
    return int(number.as_tuple().exponent)


def _shortened(number: Fraction, exponent: int | None = None) -> Decimal:
    """Return a fraction with its last digit at `exponent`, or with four significant digits, trailing zeros dropped."""
    exact = Decimal(number.numerator) / Decimal(number.denominator)
    if exponent is None:
        exponent = exact.adjusted() - 3 if exact else 0
    rounded = exact.quantize(Decimal(1).scaleb(exponent), ROUND_HALF_UP)
    return rounded if exponent < 0 else rounded.quantize(Decimal(1))


def _text(number: Decimal) -> str:
    return f"{number:f}"
