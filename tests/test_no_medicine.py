"""Python knows no medicine: no clinical name, code or threshold of the ontology stands in the package."""

from __future__ import annotations

import ast
import re
from decimal import Decimal, InvalidOperation
from pathlib import Path

import pytest

from reasoner.knowledge import Graph, read_graph
from reasoner.namespaces import LC, LCG, OWL, RDF, SKOS, XSD
from reasoner.terms import lc

ROOT = Path(__file__).parent.parent
MODULES = sorted((ROOT / "reasoner").rglob("*.py"))
CLINICAL = ("findings.ttl", "medications.ttl", "investigations.ttl", "conditions/*.ttl", "guidelines/*.ttl")
VOCABULARY = {OWL + kind for kind in ("AnnotationProperty", "ObjectProperty")}
STRENGTHS = ("exactMatch", "closeMatch", "narrowMatch", "broadMatch")
LIMITS = ("defaultHigh", "defaultLow", "limitBelow", "limitFactor", "limitFrom", "molarMass", "plausibleLimitHigh", "plausibleLimitLow")
RATIOS = ("likelihoodRatioNegative", "likelihoodRatioPositive")
FIGURES = frozenset(map(lc, LIMITS + RATIOS))
GENERIC_NAMES = {"medicationreview"}
"""Names that are also keys of the report, which are contract."""

GENERIC_NUMBERS = set(map(Decimal, (-1, 12, 14, 15, 16, 20, 25, 30, 40, 50, 60, 90, 100, 120, 200, 250, 300, 360, 400, 500, 1000)))
GENERIC_NUMBERS |= set(map(Decimal, ("0.1", "0.5", "0.8")))
"""Numbers that mean counts, sizes, seconds or HTTP statuses in any program; digits are generic as well."""

GREATEST_DIGIT = 10


def clinical_graph() -> Graph:
    return read_graph(sorted(path for pattern in CLINICAL for path in (ROOT / "ontology").glob(pattern)))


GRAPH = clinical_graph()


def clinical_names() -> frozenset[str]:
    """Return labels, synonyms and local names of clinical terms with at least six letters, in small letters."""
    names = set()
    for term in GRAPH.out:
        types = set(GRAPH.iris(term, RDF + "type"))
        if term.startswith((LC, LCG)) and types and not VOCABULARY & types:
            names.update(GRAPH.texts(term, SKOS + "prefLabel") + GRAPH.texts(term, SKOS + "altLabel"))
            names.add(term.rpartition("/")[2])
    return frozenset(name.lower() for name in names if len(re.sub(r"[^A-Za-z]", "", name)) >= 6) - GENERIC_NAMES


def clinical_codes() -> frozenset[str]:
    """Return the mapped codes that are long enough not to be anything else."""
    found = {code for term in GRAPH.out for strength in STRENGTHS for code in GRAPH.iris(term, SKOS + strength)}
    codes = {re.split(r"[/#]|MONDO_|HP_", code)[-1] for code in found}
    return frozenset(code for code in codes if len(code) >= 4 and re.search(r"[0-9]", code))


def clinical_numbers() -> frozenset[Decimal]:
    """Return thresholds, limits and likelihood ratios that are no generic number."""
    found = set()
    for properties in GRAPH.out.values():
        for predicate, nodes in properties.items():
            if predicate.startswith(XSD) or predicate in FIGURES:
                found.update(Decimal(str(getattr(node, "value", "0"))) for node in nodes)
    return frozenset(number for number in found - GENERIC_NUMBERS if number != int(number) or number > GREATEST_DIGIT)


NAMES, CODES, NUMBERS = clinical_names(), clinical_codes(), clinical_numbers()


def numbers_in(tree: ast.AST) -> list[Decimal]:
    """Return the numbers of a module, those written as texts included."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and not isinstance(node.value, bool | bytes) and isinstance(node.value, int | float | str):
            try:
                found.append(Decimal(str(node.value)))
            except InvalidOperation:
                continue
    return found


def phrases(text: str) -> set[str]:
    """Return every run of one to eight words of a text, in small letters."""
    words = re.findall(r"[\w-]+", text.lower())
    return {" ".join(words[start : start + length]) for start in range(len(words)) for length in range(1, 9)}


def test_there_is_enough_to_look_for() -> None:
    assert len(MODULES) >= 60
    assert len(NAMES) >= 2000
    assert len(CODES) >= 300
    assert len(NUMBERS) >= 50


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_module_knows_no_medicine(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    found = sorted(NAMES & phrases(text)) + sorted(CODES & set(re.findall(r"[\w.-]*[\w]", text)))
    found += sorted(str(number) for number in NUMBERS & set(numbers_in(ast.parse(text))))
    assert not found, f"{path.relative_to(ROOT)} names {', '.join(found)}: state it in the ontology instead"


@pytest.mark.parametrize(
    "line", ["x = 'ankle-brachial index'", "x = 0.90", "x = '399957001'", "# hypothyroidism", "y = Decimal('1.40')", "z = lc('Statin')"]
)
def test_the_search_finds_medicine(line: str) -> None:
    found = NAMES & phrases(line) or CODES & set(re.findall(r"[\w.-]*[\w]", line)) or NUMBERS & set(numbers_in(ast.parse(line)))
    assert found
