"""The report as text says what confirms a condition, and its weights add up."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from reasoner import assess, load_records
from reasoner.program import Program
from reasoner.text import render_text

CASES = Path(__file__).parent / "cases"


def document_of(path: Path, knowledge: Program) -> dict[str, Any]:
    found: dict[str, Any] = assess(load_records([path], knowledge), knowledge).to_json()
    return found


@pytest.fixture(scope="module")
def rows(knowledge: Program) -> list[dict[str, Any]]:
    """Return every row of the differentials of the vignettes of conditions."""
    paths = sorted((CASES / "conditions").glob("*/record.ttl"))
    documents = [document_of(path, knowledge) for path in paths]
    return [row for document in documents for case in document["cases"] for row in case["differential"]]


def test_weights_add_up(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        parts = [row["startingWeight"], row["confirmedWeight"], *(each["weight"] for key in ("for", "against") for each in row[key])]
        assert sum(Decimal(str(part)) for part in parts) == Decimal(str(row["weight"])), row["condition"]
        assert bool(row["confirmedWeight"]) <= (row["status"] == "confirmed")
    assert sum(row["status"] == "confirmed" for row in rows) >= 5
    assert sum(bool(row["startingWeight"]) for row in rows) >= 1


def test_text_says_what_confirms_and_what_it_weighs(knowledge: Program) -> None:
    text = render_text(document_of(CASES / "conditions" / "peripheral-neuropathy-confirmed" / "record.ttl", knowledge))
    leader = re.search(r"^  1\. peripheral neuropathy: confirmed \(([+-][\d.]+)\)\n((?:      .*\n)+)", text, re.MULTILINE)
    assert leader is not None
    lines = leader[2].splitlines()
    assert lines[0] == "      confirmed by nerve conduction abnormal: yes; abnormal monofilament test: present (+3.0)"
    assert sum(map(Decimal, re.findall(r"\(([+-][\d.]+)\)", leader[2]))) == Decimal(leader[1])


def case_text(tmp_path: Path, knowledge: Program, *records: str, about: str = "") -> tuple[str, dict[str, Any]]:
    path = tmp_path / "case.ttl"
    nodes = ", ".join(f"ex:r{place}" for place, _ in enumerate(records))
    path.write_text(
        "@prefix ex: <https://example.org/x/> .\n@prefix lc: <https://w3id.org/legcramps/ontology/> .\n"
        "@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .\n"
        f"ex:a a lc:Case ; {about} lc:asOf '2026-11-20T09:00:00Z'^^xsd:dateTime ; lc:hasRecord {nodes} .\n"
        + "".join(f"ex:r{place} {each} .\n" for place, each in enumerate(records))
    )
    document = document_of(path, knowledge)
    return " ".join(render_text(document).split()), document["cases"][0]


CRAMPS = "a lc:FindingRecord ; lc:ofFinding lc:LegCramp ; lc:presence lc:_Presence_present ; lc:side lc:_Side_both"


def test_text_names_what_it_is_deferred_for(tmp_path: Path, knowledge: Program) -> None:
    """A child's routine advice waits for the pathway of children, which is no emergency."""
    text, case = case_text(tmp_path, knowledge, CRAMPS, about="lc:statedAge 12 ;")
    assert case["deferred"]
    for each in case["deferred"]:
        assert each["byLabel"] == knowledge.labels[each["by"]] and f"deferred, first “{each['byLabel']}”: " in text
    assert "emergency" not in text.partition("NEXT TESTS")[2].partition("DIFFERENTIAL")[0]


def test_text_says_a_shared_caution_once(tmp_path: Path, knowledge: Program) -> None:
    drugs = [f"a lc:MedicationRecord ; lc:ofDrug lc:{each}" for each in ("Atorvastatin", "Simvastatin")]
    text, case = case_text(tmp_path, knowledge, CRAMPS, *drugs)
    [caution] = {each["caution"] for each in case["medicationReview"]}
    assert caution and text.count(" ".join(caution.split())) == 1
    assert "atorvastatin, simvastatin: " in text
