"""Turn every accepted UCUM unit of an indicator into an exact fraction of its canonical unit.

UCUM is read by ucumvert over pint with fractions; molar mass (g/mol) and valence come from the ontology. Arbitrary
units such as [IU], and annotations such as {FEU}, convert only between equals: UCUM gives them no relation to anything else.
"""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

from reasoner.errors import KnowledgeError

__all__ = ["convert_exactly", "spellings"]

_MICRO = re.compile(r"[µμ]|(?<![A-Za-z\[{])mc(?=g|mol|kat|eq|L|U|\[)")  # micro sign, Greek mu, and "mc" as no UCUM unit begins
_LONGEST = 40
_EQUIVALENT = re.compile(r"(?<![a-z])[munp]?eq(?![a-z])")
_ANNOTATION = re.compile(r"\{[^}]*\}")
_HUGE = re.compile(r"[^\d./(][+-]?\d{3}|\d{10}")  # an exponent of three digits, a factor of ten


def spellings(unit: str) -> str:
    """Return the unit with micro, written µ or mc, as UCUM's u."""
    return _MICRO.sub("u", unit)


@cache
def _parser() -> Any:
    """Return the UCUM parser of ucumvert, without pint, which what is no unit does not need (0.1 s once)."""
    from importlib.util import find_spec

    from lark import Lark

    spec = find_spec("ucumvert")
    if spec is None or not spec.submodule_search_locations:
        raise ImportError("ucumvert is not installed", name="ucumvert")
    grammar = Path(spec.submodule_search_locations[0]) / "ucum_grammar.lark"
    return Lark(grammar.read_text(encoding="utf-8"), start="main_term", strict=True)


@cache
def _registry() -> tuple[Any, Any]:
    """Return a pint registry in fractions, and what turns a parsed unit into one of its units (0.6 s once)."""
    from ucumvert import PintUcumRegistry
    from ucumvert.ucum_pint import UcumToPintTransformer

    registry = PintUcumRegistry(non_int_type=Fraction)
    return registry, UcumToPintTransformer(ureg=registry)


@cache
def _parsed(unit: str) -> tuple[Fraction, tuple[tuple[str, int], ...]]:
    """Return factor and base dimensions of a UCUM unit, exact; an arbitrary unit counts as a dimension of its own."""
    if len(unit) > _LONGEST:
        raise KnowledgeError("A unit is too long", why=unit[:_LONGEST], repair=f"use at most {_LONGEST} characters")
    if _HUGE.search(_ANNOTATION.sub("", unit)):
        raise KnowledgeError("A unit has too large a number", why=unit, repair="use exponents of at most two digits")
    parser = _parser()
    try:
        tree = parser.parse(unit)
        registry, transformer = _registry()  # needed by what is a unit only
        read = transformer.transform(tree)
        quantity = registry.Quantity(Fraction(1), str(getattr(read, "units", ""))).to_root_units()
        factor = Fraction(quantity.magnitude) * Fraction(getattr(read, "magnitude", 1))
        powers = {str(name): int(power) for name, power in quantity.unit_items()}
        for name, power in getattr(read, "unit_items", lambda: ())():
            base = registry.parse_unit_name(name)[0][1]
            alone = registry.Quantity(Fraction(1), base).to_root_units()
            if alone.dimensionless and alone.magnitude == 1:
                powers[base] = powers.get(base, 0) + int(power)
    except Exception as error:  # ucumvert, lark and pint raise many unrelated types
        why = str(error).partition("\n")[0]
        raise KnowledgeError("A unit is not valid UCUM", why=f"{unit}: {why}", repair="write a UCUM code") from error
    return factor, tuple(sorted(powers.items()))


def convert_exactly(unit: str, canonical: str, molar_mass: Decimal | None = None, valence: int | None = None) -> Fraction:
    """Return the factor that turns a number in `unit` into one in `canonical`; raise KnowledgeError when there is none.

    `molar_mass` is in g/mol, `valence` in equivalents per mole.
    """
    if unit == canonical:
        return Fraction(1)
    factor, dimensions = _amounts(unit, molar_mass, valence)
    target, target_dimensions = _amounts(canonical, molar_mass, valence)
    if dimensions != target_dimensions:
        raise KnowledgeError(
            "A unit cannot be converted", why=f"{unit} → {canonical}", repair="declare lc:molarMass or lc:valence, or drop the unit"
        )
    return factor / target


def _amounts(unit: str, molar_mass: Decimal | None, valence: int | None) -> tuple[Fraction, tuple[tuple[str, int], ...]]:
    """Return factor and dimensions with grams and equivalents written as moles where the substance is declared."""
    factor, dimensions = _parsed(unit)
    powers = dict(dimensions)
    if _EQUIVALENT.search(unit):
        if valence is None:
            powers["equivalent"] = powers.pop("mole", 0)
        else:
            factor /= valence
    if molar_mass is not None and powers.get("gram", 0) == 1:
        factor /= Fraction(molar_mass)
        powers["mole"] = powers.get("mole", 0) + powers.pop("gram")
    if powers:
        powers[f"annotation {_ANNOTATION.findall(unit)}"] = 1
    return factor, tuple(sorted((name, power) for name, power in powers.items() if power))
