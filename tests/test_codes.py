"""Every clinical code of the ontology was verified: in the clinical notes, with its name in the data of others, or in a source that is cited."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Figure
from pyoxigraph import NamedNode, RdfFormat, parse
from test_fhir import ROOT, shared_data

CODE = re.compile(r"http://(?:snomed\.info/(?:id/|sct#)|loinc\.org/(?:rdf/)?)(\d[\d-]+)")
SOURCE = "http://purl.org/dc/terms/source"


def codes() -> dict[str, set[str]]:
    """Return each code of SNOMED CT and LOINC with the terms that it means."""
    found: dict[str, set[str]] = {}
    for path in sorted((ROOT / "ontology").rglob("*.ttl")):
        for quad in parse(path=str(path), format=RdfFormat.TURTLE):
            code = CODE.fullmatch(quad.object.value) if isinstance(quad.object, NamedNode) else None
            if code:
                found.setdefault(code[1], set()).add(str(quad.subject))
    return found


def sourced() -> set[str]:
    path = ROOT / "ontology" / "fhir-mapping.ttl"
    return {str(quad.subject) for quad in parse(path=str(path), format=RdfFormat.TURTLE) if quad.predicate.value == SOURCE}


def named(value: Any, words: str = "") -> Iterator[str]:
    """Yield the codes of a resource that stand with a name: a display of their own, or the text of their concept."""
    if isinstance(value, dict):
        if isinstance(value.get("code"), str) and (value.get("display") or words):
            yield value["code"]
        for name, each in value.items():
            yield from named(each, value.get("text") or "" if name == "coding" else "")
    elif isinstance(value, list):
        for each in value:
            yield from named(each, words)


def named_by_others(data: Path) -> set[str]:
    found: set[str] = set()
    for path in sorted(data.glob("fhir-*/**/*.*json")):
        text = path.read_text(encoding="utf-8")
        for part in text.splitlines() if path.suffix == ".ndjson" else [text]:
            if part.strip():
                found.update(named(json.loads(part)))
    return found


def test_every_code_was_seen_with_its_name(figure: Figure) -> None:
    data = shared_data()
    if data is None:
        pytest.skip("not run: the data of others is not at hand")
    given, cited = codes(), sourced()
    noted = set(re.findall(r"\d[\d-]+", (data.parent / "CLINICAL.md").read_text(encoding="utf-8")))
    named_codes = named_by_others(data)
    unverified = {code for code, terms in given.items() if code not in noted and code not in named_codes and not terms <= cited}
    assert not unverified
    assert len(given) >= 120
    figure("codes of SNOMED CT and LOINC that were seen with their name", len(given), "codes")
