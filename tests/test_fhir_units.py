"""Units: every analyte, accepted unit, spelling and threshold, against arithmetic of our own in exact fractions.

The table of this test knows the few atoms that the units of the ontology are built of; molar masses and valences are
read from its Turtle. Neither ucumvert, pint nor the compiled factors take part in what is expected.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from typing import NamedTuple

import pyoxigraph
import pytest
from fhir_resources import PATIENT, UCUM, Json, bundle, concept, resource
from test_fhir import ROOT

from reasoner.abstraction import abstract_case
from reasoner.fhir import read_fhir
from reasoner.moments import parse_moment
from reasoner.namespaces import LC
from reasoner.program import Program
from reasoner.program.model import Indicator, IndicatorState
from reasoner.program.units import spellings

PREFIXES = {"": 0, "k": 3, "d": -1, "c": -2, "m": -3, "u": -6, "n": -9, "p": -12}
LITRE, MOLE, GRAM, SECOND, ARBITRARY, PASCAL = "litre", "mole", "gram", "second", "arbitrary", "pascal"
ATOMS: dict[str, tuple[Fraction, dict[str, int]]] = {
    "1": (Fraction(1), {}),
    "%": (Fraction(1, 100), {}),
    "g": (Fraction(1), {GRAM: 1}),
    "mol": (Fraction(1), {MOLE: 1}),
    "eq": (Fraction(1), {"equivalent": 1}),
    "L": (Fraction(1), {LITRE: 1}),
    "l": (Fraction(1), {LITRE: 1}),
    "m3": (Fraction(1000), {LITRE: 1}),
    "s": (Fraction(1), {SECOND: 1}),
    "min": (Fraction(60), {SECOND: 1}),
    "h": (Fraction(3600), {SECOND: 1}),
    "d": (Fraction(86400), {SECOND: 1}),
    "(24.h)": (Fraction(86400), {SECOND: 1}),
    "a": (Fraction(31557600), {SECOND: 1}),
    "U": (Fraction(1, 60_000_000), {MOLE: 1, SECOND: -1}),
    "kat": (Fraction(1), {MOLE: 1, SECOND: -1}),
    "[IU]": (Fraction(1), {ARBITRARY: 1}),
    "[iU]": (Fraction(1), {ARBITRARY: 1}),
    "Pa": (Fraction(1), {PASCAL: 1}),
    "m[Hg]": (Fraction("133322.387415"), {PASCAL: 1}),
}
AS_OF = parse_moment("2026-11-20T09:00:00Z")
WITHIN = Decimal("0.000000001")


class Size(NamedTuple):
    """A unit as a multiple of base units, with its annotations as a dimension of their own."""

    factor: Fraction
    powers: dict[str, int]
    notes: tuple[str, ...]


def size(unit: str) -> Size:
    notes = tuple(re.findall(r"\{[^}]*\}", unit))
    factor, powers, sign = Fraction(1), {}, 1
    for atom in re.sub(r"\{[^}]*\}", "", unit).split("/"):
        if atom:
            own, dimensions = one(atom)
            factor *= own**sign
            for name, power in dimensions.items():
                powers[name] = powers.get(name, 0) + sign * power
        sign = -1
    return Size(factor, {name: power for name, power in powers.items() if power}, notes)


def one(atom: str) -> tuple[Fraction, dict[str, int]]:
    if atom in ATOMS:
        return ATOMS[atom]
    if atom == "cm3":
        return Fraction(1, 1000), {LITRE: 1}
    prefix, name = atom[0], atom[1:]
    factor, powers = ATOMS[name]
    return factor * Fraction(10) ** PREFIXES[prefix], powers


def ratio(unit: str, canonical: str, mass: Decimal | None, valence: int | None) -> Fraction | None:
    """Return how many of `canonical` one `unit` is, or None when the two measure different things."""
    sizes = []
    for each in (unit, canonical):
        found = size(each)
        factor, powers = found.factor, dict(found.powers)
        if powers.get("equivalent"):
            if valence is None:
                return None
            factor, powers[MOLE] = factor / valence, powers.pop("equivalent")
        if mass is not None and powers.get(GRAM) == 1:
            factor, powers[MOLE] = factor / Fraction(mass), powers.pop(GRAM)
        sizes.append(Size(factor, powers, found.notes))
    return sizes[0].factor / sizes[1].factor if sizes[0][1:] == sizes[1][1:] else None


class Substance(NamedTuple):
    mass: Decimal | None
    valence: int | None


def substances() -> dict[str, Substance]:
    """Return molar mass and valence by indicator, from the Turtle of the ontology."""
    found: dict[str, dict[str, str]] = {}
    for path in sorted((ROOT / "ontology").rglob("*.ttl")):
        for quad in pyoxigraph.parse(path.read_bytes(), format=pyoxigraph.RdfFormat.TURTLE):
            name = quad.predicate.value.removeprefix(LC)
            if name in ("molarMass", "valence"):
                found.setdefault(quad.subject.value, {})[name] = quad.object.value  # type: ignore[union-attr]
    return {
        iri: Substance(Decimal(said["molarMass"]) if "molarMass" in said else None, int(said["valence"]) if "valence" in said else None)
        for iri, said in found.items()
    }


def spelled(unit: str) -> set[str]:
    """Return the ways in which a unit is written: micro as u, µ (sign), μ (Greek) and mc."""
    return {unit, *(re.sub(r"(?<![A-Za-z])u(?=[A-Za-z\[])", micro, unit) for micro in ("µ", "μ", "mc"))}


def near(target: Fraction) -> Decimal:
    """Return a fraction as a decimal, exact where that ends within 15 digits after the point."""
    with localcontext() as context:
        context.prec = 60
        return (Decimal(target.numerator) / Decimal(target.denominator)).quantize(Decimal("1e-15"))


def assessed(knowledge: Program, indicator: Indicator, value: Decimal, unit: str, declared: bool = True) -> IndicatorState | None:
    """Return what the value is taken for after it came in as FHIR, on both sides where the sides count."""
    written = {"value": "@", "unit": unit} | ({"system": UCUM, "code": unit} if declared else {})
    sites: list[Json] = [{}]
    if indicator.sides > 1:
        sites = [{"bodySite": concept((LC, f"_Side_{side}"))} for side in ("left", "right")]
    code = concept((LC, indicator.tests[0].removeprefix(LC)))
    results = [
        resource("Observation", f"o{place}", status="final", code=code, effectiveDateTime="2026-11-19", valueQuantity=written, **site)
        for place, site in enumerate(sites)
    ]
    text = bundle(PATIENT, *results).replace(json.dumps("@").encode(), f"{value:f}".encode())
    (case,) = read_fhir(text, knowledge).cases
    assert AS_OF is not None
    assert [record.value for record in case.measurements] == [value] * len(sites)
    return abstract_case(case, knowledge, AS_OF).indicators.get(indicator.iri)


def analytes(knowledge: Program, *forms: str) -> list[Indicator]:
    return [each for each in knowledge.indicators if each.form in forms and each.tests and len(each.conversions) > 1]


def check(state: IndicatorState | None, exact: Fraction, indicator: Indicator) -> None:
    """Hold a state to an exact number: equal to it where it ends, else around it, and on the same side of every threshold."""
    assert state is not None
    if indicator.places is not None:
        exact = Fraction(near(exact).quantize(Decimal(1).scaleb(-indicator.places), ROUND_HALF_UP))
    assert state.status in ("known", "bounded"), state
    assert state.low is not None
    assert state.high is not None
    low, high = Fraction(state.low[0]), Fraction(state.high[0])
    assert low <= exact <= high
    assert high - low <= Fraction(1, 10**12)
    for threshold in map(Fraction, indicator.thresholds):
        assert (exact > threshold) == (low >= threshold and (low, high) != (threshold, threshold)), threshold
        assert (exact < threshold) == (high <= threshold and (low, high) != (threshold, threshold)), threshold


def test_every_threshold_is_met_in_every_accepted_unit(knowledge: Program) -> None:
    known = substances()
    tried = 0
    for indicator in analytes(knowledge, "select"):
        substance = known.get(indicator.iri, Substance(None, None))
        for unit, over, under in indicator.conversions:
            factor = ratio(unit, indicator.unit, *substance)
            assert factor == Fraction(over, under), (indicator.iri, unit)
            for threshold in sorted(indicator.thresholds):
                for shift in (-WITHIN, Decimal(0), WITHIN):
                    value = near(Fraction(threshold + shift) / factor)
                    if value >= 0:
                        check(assessed(knowledge, indicator, value, unit), Fraction(value) * factor, indicator)
                        tried += 1
    assert tried > 380


def test_every_spelling_of_a_unit_is_that_unit(knowledge: Program) -> None:
    known = substances()
    tried = 0
    for indicator in analytes(knowledge, "select"):
        for unit, _, _ in indicator.conversions:
            factor = ratio(unit, indicator.unit, *known.get(indicator.iri, Substance(None, None)))
            assert factor is not None
            for spelling in spelled(unit) - {unit}:
                assert spellings(spelling) == unit
                for declared in (True, False):
                    value = near(Fraction(max(indicator.thresholds, default=Decimal(1))) / factor)
                    check(assessed(knowledge, indicator, value, spelling, declared), Fraction(value) * factor, indicator)
                    tried += 1
    assert tried > 20


def test_a_default_interval_is_met_in_every_accepted_unit(knowledge: Program) -> None:
    known = substances()
    tried = 0
    for indicator in analytes(knowledge, "relative"):
        for unit, _, _ in indicator.conversions:
            factor = ratio(unit, indicator.unit, *known.get(indicator.iri, Substance(None, None)))
            assert factor is not None
            for limit in filter(None, (indicator.default_low, indicator.default_high)):
                for shift in (-WITHIN, Decimal(0), WITHIN):
                    value = near(Fraction(Decimal(limit) + shift) / factor)
                    exact = Fraction(value) * factor
                    low, high = (
                        None if each is None else Fraction(Decimal(each)) for each in (indicator.default_low, indicator.default_high)
                    )
                    place = -1 if low is not None and exact < low else 1 if high is not None and exact > high else 0
                    state = assessed(knowledge, indicator, value, unit)
                    assert state is not None
                    assert state.low is not None
                    assert (state.status, state.low[0]) == ("known", place), (indicator.iri, unit, value)
                    tried += 1
    assert tried > 100


def foreign_units(knowledge: Program) -> Iterator[tuple[Indicator, str]]:
    units = sorted(
        {unit for each in knowledge.indicators for unit, _, _ in each.conversions} | {"mEq/L", "mcU/mL", "IU/L", "U", "EU/DL SEMI"}
    )
    for indicator in analytes(knowledge, "select"):
        for unit in units:
            if unit not in {own for own, _, _ in indicator.conversions}:
                yield indicator, unit


def test_any_other_unit_is_converted_exactly_or_unusable_with_the_reason(knowledge: Program) -> None:
    converted = refused = 0
    for indicator, unit in foreign_units(knowledge):
        state = assessed(knowledge, indicator, Decimal("1.5"), unit)
        try:
            factor = ratio(spellings(unit), indicator.unit, None, None)
        except KeyError:
            factor = None
        if state is None or not state.settled:
            refused += 1
            if state is not None and state.status == "unusable":
                assert unit in state.reason or "outside what is possible" in state.reason or factor is None
            assert factor is None or indicator.listed_units_only or "outside" in (state.reason if state else "") or state is None
        else:
            assert factor is not None, (indicator.iri, unit, state)
            check(state, Fraction(3, 2) * factor, indicator)
            converted += 1
    assert refused > 1000
    assert converted > 5


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("mcg/L", "ug/L"),
        ("µg/L", "ug/L"),
        ("μmol/L", "umol/L"),
        ("mcU/mL", "uU/mL"),
        ("mcd", "mcd"),
        ("mcal", "mcal"),
        ("{mcg}/L", "{mcg}/L"),
        ("mmol/L", "mmol/L"),
    ],
)
def test_only_micro_is_respelled(unit: str, expected: str) -> None:
    assert spellings(unit) == expected
