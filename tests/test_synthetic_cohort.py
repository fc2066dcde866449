"""Synthetic cohorts: seeded, the same in every format, every condition drawn, values on both sides of every limit, dirt and gaps."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pyarrow.parquet
import pyoxigraph
import pytest

from reasoner.answering import assess, load_records, read_records
from reasoner.cli import main
from reasoner.cohort.long_table import statements
from reasoner.cohort.synthetic.drafts import Ago, Dice, Draft
from reasoner.cohort.synthetic.drawing import CHUNK
from reasoner.cohort.synthetic.effects import effects_of
from reasoner.cohort.synthetic.generate import LAST_INSTANT, Cohort, generate
from reasoner.cohort.synthetic.results import test_variants as variants_of_test
from reasoner.cohort.synthetic.settings import Settings, read_settings
from reasoner.documents import Document
from reasoner.errors import KnowledgeError
from reasoner.program.model import Program
from reasoner.resources import knowledge_folder, load_knowledge

COUNT = CHUNK + 404
ASSESSED = 500
SEED = 2


@pytest.fixture(scope="module")
def program() -> Program:
    return load_knowledge()


@pytest.fixture(scope="module")
def settings() -> Settings:
    return read_settings(knowledge_folder())


@pytest.fixture(scope="module")
def cohorts(program: Program, settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Cohort]:
    folder = tmp_path_factory.mktemp("cohort")
    names = {"ntriples": "lines.nt", "turtle": "turtle.ttl", "parquet": "table.parquet"}
    return {form: generate(program, settings, folder / name, count=COUNT, seed=SEED, output_format=form) for form, name in names.items()}


@pytest.fixture(scope="module")
def truth(cohorts: dict[str, Cohort]) -> list[dict[str, str]]:
    with cohorts["ntriples"].truth.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _lines(cohorts: dict[str, Cohort]) -> list[str]:
    return cohorts["ntriples"].path.read_text(encoding="utf-8").splitlines(keepends=True)


def test_lines_are_canonical_and_cases_stand_together(cohorts: dict[str, Cohort]) -> None:
    line = re.compile(r'<[^<>" ]+> <[^<>" ]+> (<[^<>" ]+>|"([^"\\\n]|\\["\\nr])*"(\^\^<[^<>" ]+>)?) \.\n')
    lines = _lines(cohorts)
    assert all(line.fullmatch(each) for each in lines)
    cases = [each[1:].partition(">")[0].split("/r")[0] for each in lines]
    changes = [case for case, before in zip(cases, ["", *cases], strict=False) if case != before]
    assert len(changes) == len(set(changes)) == COUNT


def test_formats_hold_the_same_triples(cohorts: dict[str, Cohort]) -> None:
    lines = _lines(cohorts)
    assert len(lines) == len(set(lines))
    table = pyarrow.parquet.read_table(cohorts["parquet"].path).to_pylist()
    assert {line for row in table for line in statements(row)} == set(lines)
    turtle = {quad.triple for quad in pyoxigraph.parse(path=str(cohorts["turtle"].path))}
    assert turtle == {quad.triple for quad in pyoxigraph.parse("".join(lines), format=pyoxigraph.RdfFormat.N_TRIPLES)}
    assert len({cohort.truth.read_bytes() for cohort in cohorts.values()}) == 1
    assert all(cohort.records == sum(1 for row in table if row["record"]) for cohort in cohorts.values())


def test_same_seed_same_bytes_and_longer_begins_with_shorter(
    cohorts: dict[str, Cohort], program: Program, settings: Settings, tmp_path: Path
) -> None:
    again = generate(program, settings, tmp_path / "again.nt", count=60, seed=SEED)
    other = generate(program, settings, tmp_path / "other.nt", count=60, seed=6)
    assert cohorts["ntriples"].path.read_bytes().startswith(again.path.read_bytes())
    assert not cohorts["ntriples"].path.read_bytes().startswith(other.path.read_bytes())


def test_every_condition_is_drawn_with_and_without_confirming_records(program: Program, truth: list[dict[str, str]]) -> None:
    drawn = Counter((row["condition"], row["confirming_records"]) for row in truth)
    for condition in program.conditions:
        assert drawn[condition.iri, "true"] >= 5, condition.iri
        assert drawn[condition.iri, "false"] >= 5, condition.iri
    assert drawn["", "false"] >= 50
    cases = Counter(row["case"] for row in truth)
    assert len(cases) == COUNT
    assert 0.05 < sum(1 for count in cases.values() if count == 2) / COUNT < 0.25


def test_size_of_a_patient_is_that_of_a_record(cohorts: dict[str, Cohort]) -> None:
    assert 12 < cohorts["ntriples"].records / COUNT < 20
    assert 60 < len(_lines(cohorts)) / COUNT < 110


def test_truth_agrees_with_the_reasoner(cohorts: dict[str, Cohort], program: Program, truth: list[dict[str, str]]) -> None:
    """What was drawn to confirm confirms, unless other records of the patient contradict it; dirt and gaps are found."""
    lines = _lines(cohorts)
    limit = next(place for place, line in enumerate(lines) if f"/{ASSESSED:08}>" in line)
    records = read_records(Document("cohort.nt", "".join(lines[:limit]).encode(), "n-triples"), program)
    report = assess(records, program).to_document()
    found = {case["case"]: case for case in report["cases"]}
    assert len(found) == ASSESSED
    drawn = [row for row in truth if row["confirming_records"] == "true" and row["case"] in found]
    confirmed = [
        row
        for row in drawn
        if ("confirmed", row["condition"]) in {(each["status"], each["condition"]) for each in found[row["case"]]["differential"]}
    ]
    assert len(drawn) >= 100
    assert len(confirmed) / len(drawn) > 0.85
    scopes = Counter(case["scope"]["status"] for case in found.values())
    assert min(scopes[word] for word in ("in-scope", "out-of-scope", "undetermined")) >= 8
    assert len({case["repeatDvtImaging"]["verdict"] for case in found.values()}) >= 6
    assert sum(1 for case in found.values() if case["redFlags"]) >= 8
    assert sum(1 for case in found.values() if case["conflicts"]) >= 8
    codes = Counter(problem["code"] for case in found.values() for problem in case["dataProblems"])
    assert {"unusable-value", "not-understood", "unknown-term"} <= codes.keys()
    assert sum(1 for code in codes if code.startswith("shape-")) >= 3


def test_values_stand_on_and_on_both_sides_of_every_threshold(program: Program, settings: Settings) -> None:
    dice = Dice(Random("limits"), settings)
    sides: dict[str, set[tuple[bool, ...]]] = {}
    for test in sorted(term for term, sort in program.sorts.items() if sort == "Investigation"):
        variants = variants_of_test(program, dice, test, 120)
        for effect in effects_of(program, variants, LAST_INSTANT):
            for each in program.indicators:
                if test in each.tests and each.form == "select":
                    bits = range(each.first_bit + 1, each.first_bit + 1 + len(each.cuts))
                    sides.setdefault(each.iri, set()).update((bit, effect[bit]) for bit in bits if bit in effect)
    asked = {
        (each.iri, bit, value)
        for each in program.indicators
        if each.form == "select" and each.tests
        for bit in range(each.first_bit + 1, each.first_bit + 1 + len(each.cuts))
        for value in (True, False)
    }
    assert len(asked) >= 50
    missing = {(iri, bit, value) for iri, bit, value in asked if (bit, value) not in sides.get(iri, set())}
    assert not missing


def test_fhir_says_of_each_patient_what_it_can(program: Program, settings: Settings, tmp_path: Path) -> None:
    cohort = generate(program, settings, tmp_path / "fhir.ndjson", count=40, seed=SEED, output_format="fhir")
    lines = generate(program, settings, tmp_path / "lines.nt", count=40, seed=SEED)
    bundles = [json.loads(line) for line in cohort.path.read_text(encoding="utf-8").splitlines()]
    assert len(bundles) == 40
    urls = [entry["fullUrl"] for bundle in bundles for entry in bundle["entry"]]
    names = [(entry["resource"]["resourceType"], entry["resource"]["id"]) for bundle in bundles for entry in bundle["entry"]]
    assert len(urls) == len(set(urls)) and len(names) == len(set(names))
    read = load_records([cohort.path], program)
    asserted = load_records([lines.path], program)
    assert [case.iri for case in read.cases] == [case.iri for case in asserted.cases]
    assert cohort.truth.read_bytes() == lines.truth.read_bytes()
    drugs = [sorted(each.drug or each.text for each in case.medications) for case in read.cases]
    assert drugs == [sorted(each.drug or each.text for each in case.medications) for case in asserted.cases]
    values = sum(1 for case in read.cases for each in case.measurements if each.value is not None)
    assert values == sum(1 for case in asserted.cases for each in case.measurements if each.value is not None) > 40


def test_dates_count_back_from_the_instant() -> None:
    draft = Draft.of("FindingRecord", onset=Ago(20), ended=Ago(20, "month"), recorded=Ago(400, "year"), performed=Ago(0, "instant"))
    row = draft.row(datetime(2026, 3, 1, 9, tzinfo=UTC))
    assert row == {
        "kind": "FindingRecord",
        "onset": "2026-02-09",
        "ended": "2026-02",
        "recorded": "2025",
        "performed": "2026-03-01T05:30:00Z",
    }


def test_a_missing_figure_is_named(settings: Settings) -> None:
    with pytest.raises(KnowledgeError, match="CohortSetting_unheard"):
        settings.figure("unheard")


def test_command_writes_whole_files_or_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cohort", "--generate", "3", "--seed", "2", "--to", "turtle", "--out", str(tmp_path / "small.ttl")]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["small.ttl", "small.ttl.truth.csv"]
    assert "3 patients" in capsys.readouterr().err
    assert main(["cohort", "--generate", "3", "--out", str(tmp_path / "nowhere" / "small.nt")]) == 2
    assert "LC-1200" in capsys.readouterr().err
    assert main(["cohort", "--generate", "3", "--explain", "https://example.org/c", "--out", str(tmp_path / "other.nt")]) == 2
    assert "--explain" in capsys.readouterr().err
    assert main(["cohort", "--out", str(tmp_path / "neither")]) == 2
    assert main(["cohort", "input.nt", "--generate", "3", "--out", str(tmp_path / "both")]) == 2
    assert "LC-1100" in capsys.readouterr().err


@pytest.mark.parametrize("there", ["small.nt", "small.nt.truth.csv"])
def test_a_file_that_is_there_is_kept(there: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / there).write_text("mine", encoding="utf-8")
    assert main(["cohort", "--generate", "3", "--out", str(tmp_path / "small.nt")]) == 2
    assert "The file exists already" in capsys.readouterr().err
    assert [(each.name, each.read_text(encoding="utf-8")) for each in tmp_path.iterdir()] == [(there, "mine")]


def test_an_empty_cohort_is_empty(program: Program, settings: Settings, tmp_path: Path) -> None:
    cohort = generate(program, settings, tmp_path / "none.nt", count=0)
    assert cohort.path.read_bytes() == b""
    assert len(cohort.truth.read_text(encoding="utf-8").splitlines()) == 1
