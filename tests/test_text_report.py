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
