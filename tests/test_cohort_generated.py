"""A generated cohort gets the answers that its cases get one by one, from lines and from the long table."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from cohorts import answered, answers, tables
from cohorts import expected as single_answers
from pyarrow import parquet

from reasoner.answering import read_records
from reasoner.cohort import answer_cohort
from reasoner.cohort.long_table import statements
from reasoner.cohort.output import NAMES
from reasoner.cohort.rows import checked_rows, text_of_rows
from reasoner.cohort.synthetic.generate import generate
from reasoner.cohort.synthetic.settings import read_settings
from reasoner.documents import Document
from reasoner.program import Program
from reasoner.resources import knowledge_folder, load_knowledge


def _compare(folder: Path, program: Program, count: int, seed: int) -> None:
    settings = read_settings(knowledge_folder())
    lines = generate(program, settings, folder / "lines.nt", count=count, seed=seed).path
    table = generate(program, settings, folder / "table.parquet", count=count, seed=seed, output_format="parquet").path
    expected = answers(lines.read_bytes(), program, "lines.nt")
    assert len(expected["cases"]) == count
    assert sum(map(len, expected["problems"].values())) >= count // 10
    for name, path in (("from lines", lines), ("from the table", table)):
        found = answered(folder / name, [path], program)
        for each in NAMES:
            assert found[each] == expected[each], (name, each)


def test_answers_of_a_generated_cohort(tmp_path: Path) -> None:
    _compare(tmp_path, load_knowledge(), 120, 11)


def test_records_of_the_future_say_nothing_of_recent_ones(tmp_path: Path) -> None:
    """At an instant before that of the cases a record of the future must not stand for one that is alike but for its date."""
    program = load_knowledge()
    as_of = datetime(2026, 11, 1, tzinfo=UTC)
    lines = []
    for number, day in enumerate(("2026-11-10", "2026-10-14", "2026-11-11", "2026-10-15")):
        node = f"https://example.org/case/{number}"
        record = {"kind": "MeasurementRecord", "term": "SodiumMeasurement", "performed": day, "value": "135.0", "unit": "mmol/L"}
        lines += statements({"case": node, "record": f"{node}/r", "reference_low": "135.0", "reference_high": "145.0", **record})
        cramps = {"kind": "FindingRecord", "term": "BilateralLegCramp", "presence": "present", "onset": "2026-09-01"}
        lines += statements({"case": node, "record": f"{node}/f", **cramps})
    path = tmp_path / "future.nt"
    path.write_text("".join(lines), encoding="utf-8")
    expected = single_answers(read_records(Document("future.nt", path.read_bytes(), "n-triples"), program), program, as_of)
    found = answered(tmp_path / "out", [path], program, as_of=as_of)
    tests = [[row["test"] for row in found["next_tests"][f"https://example.org/case/{number}"]] for number in range(4)]
    assert tests[0] == tests[2] != tests[1] == tests[3]
    for each in NAMES:
        assert found[each] == expected[each], each


def test_what_tells_records_of_a_test_apart(tmp_path: Path) -> None:
    """A value that the age of the patient judges, at ages on both sides of where that begins; two values that count by their difference; old beside recent."""
    program = load_knowledge()
    dimer = {"kind": "MeasurementRecord", "term": "DDimerMeasurement", "value": "505.0", "unit": "ng/mL{FEU}"}
    pressure = {"kind": "MeasurementRecord", "value": "31", "unit": "mm[Hg]"}
    cases = [(age, [dimer | {"performed": day}]) for day in ("2026-11-14", "2026-11-01") for age in ("40", "50", "51", "80", None)]
    tests = [f"{name}CompartmentPressureMeasurement" for name in ("Resting", "FiveMinute")]
    for days in (("2026-11-14", "2025-01-01"), ("2025-01-01", "2026-11-14"), ("2025-01-01", "2025-01-01")):
        cases.append((None, [pressure | {"term": test, "performed": day} for test, day in zip(tests, days, strict=True)]))
    for value in ("60", "100"):
        acute, diastolic = (
            {"term": f"{name}Measurement", "performed": "2026-11-20"} for name in ("AcuteCompartmentPressure", "DiastolicBloodPressure")
        )
        cases.append((None, [pressure | acute | {"value": "40"}, pressure | diastolic | {"value": value}]))
    lines = []
    for number, (age, records) in enumerate(cases):
        node = f"https://example.org/case/{number:02}"
        for place, record in enumerate(records):
            stated = {"case": node, "as_of": "2026-11-20T09:00:00Z", "stated_age": age, "record": f"{node}/{place}"}
            lines += statements(stated | record)
    path = tmp_path / "constellations.nt"
    path.write_text("".join(sorted(set(lines))), encoding="utf-8")
    expected = answers(path.read_bytes(), program, "constellations.nt")
    found = answered(tmp_path / "out", [path], program)
    for each in NAMES:
        assert found[each] == expected[each], each


@pytest.mark.release
def test_answers_of_two_thousand_generated_patients(tmp_path: Path) -> None:
    _compare(tmp_path, load_knowledge(), 2000, 12)


@pytest.mark.release
def test_two_thousand_of_a_hundred_thousand(tmp_path: Path) -> None:
    """Cases drawn from a large cohort, most of whose answers were derived for another case, have the answers they get alone."""
    program = load_knowledge()
    settings = read_settings(knowledge_folder())
    path = generate(program, settings, tmp_path / "table.parquet", count=100_000, seed=13, output_format="parquet").path
    summary = answer_cohort([path], tmp_path / "out", program, jobs=2)
    assert (summary.cases, summary.rejected) == (100_000, 0)
    named = parquet.read_table(tmp_path / "out" / "cases", columns=["case"])["case"].cast(pa.string()).to_pylist()
    sampled = random.Random(0).sample(named, 2000)
    rows = checked_rows(parquet.read_table(path, filters=[("case", "in", sampled)]), "table")
    expected = answers(text_of_rows(rows, np.ones(len(rows), dtype=bool)), program, "table")
    assert set(expected["cases"]) == set(sampled)
    found = tables(tmp_path / "out", sampled)
    for each in NAMES:
        assert found[each] == expected[each], each
