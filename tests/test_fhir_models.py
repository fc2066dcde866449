"""The models of fhir.resources over what is read of the data of others: what they refuse is documented, and read all the same."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from conftest import Figure
from fhir.resources import get_fhir_model_class as r5_model
from fhir.resources.R4B import get_fhir_model_class as r4_model
from fhir_resources import PATIENT, Json, adds_up, bundle
from pydantic import ValidationError
from test_fhir import ROOT, shared_data

from reasoner.fhir import read_fhir
from reasoner.fhir.reading import DEFINITIONS, is_read
from reasoner.program import Program

AT_LEAST = {
    "fhir-r4-au": 140,
    "fhir-r4-bulk-ndjson": 4_000,
    "fhir-r4-ecqm-statin": 75,
    "fhir-r4-hl7-pairs": 150,
    "fhir-r4-mii-de": 60,
    "fhir-r4-synthea": 1_400,
    "fhir-r4-uscore": 10,
    "fhir-r5": 8,
}
"""The data, with how many of its resources are of types that are read."""


def documented() -> dict[str, str]:
    """Return the files that the models refuse, with the reason, as the document lists them."""
    text = (ROOT / "docs" / "fhir.md").read_text(encoding="utf-8").partition("## Checked by models")[2].partition("\n## ")[0]
    return {
        name.strip(): why.strip() for name, why in (line.strip("|").split("|") for line in text.splitlines() if line.startswith("| fhir-"))
    }


def resources(value: Any) -> Iterator[Json]:
    """Yield the resources of a document, those of Bundles one by one, whose type is read."""
    if value.get("resourceType") == "Bundle":
        for each in value.get("entry", []):
            yield from resources(each.get("resource", {}))
    elif is_read(value.get("resourceType", ""), value) or value.get("resourceType") in ("Patient", *DEFINITIONS):
        yield value


def resources_of(path: Path) -> Iterator[Json]:
    text = path.read_text(encoding="utf-8")
    for part in text.splitlines() if path.suffix == ".ndjson" else [text]:
        value = json.loads(part, parse_float=Decimal) if part.strip() else None
        if isinstance(value, dict):
            yield from resources(value)


def test_the_models_accept_what_is_read_but_for_the_files_that_are_documented(knowledge: Program, figure: Figure) -> None:
    data = shared_data()
    if data is None:
        pytest.skip("not run: the data of others is not at hand")
    tried, refused = Counter[str](), dict[str, list[Json]]()
    for folder in AT_LEAST:
        model = r5_model if folder == "fhir-r5" else r4_model
        for path in sorted((data / folder).rglob("*.*json")):
            for each in resources_of(path):
                tried[folder] += 1
                try:
                    model(each["resourceType"]).model_validate(each)
                except ValidationError:
                    refused.setdefault(path.relative_to(data).as_posix(), []).append(each)
    assert not {folder: tried[folder] for folder, floor in AT_LEAST.items() if tried[folder] < floor}
    assert refused.keys() == documented().keys()
    for name, found in refused.items():
        for each in found:
            subject = (each.get("subject") or each["patient"])["reference"].rpartition("/")[2]
            reading = read_fhir(bundle(PATIENT | {"id": subject}, each), knowledge)
            assert adds_up(reading.counts)
            assert [case.iri for case in reading.cases] == [f"http://localhost/fhir/Patient/{subject}"], name
            assert {unused.reason for unused in reading.counts.unused if unused.kind == each["resourceType"]} <= {
                "no-fact",
                "unknown-code",
            }, name
    figure("resources of others that the models of fhir.resources accept", tried.total() - len(refused), "resources")


def test_the_models_refuse_what_they_should() -> None:
    with pytest.raises(ValidationError):
        r4_model("MedicationRequest").model_validate({"resourceType": "MedicationRequest", "status": "active", "intent": "order"})
