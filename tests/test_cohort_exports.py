"""Bulk exports in a cohort get the single answers, some patients in memory at a time, and no file is passed over in silence."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cohorts import Tables, answered, expected, tables
from fhir_resources import PATIENT, lines
from record_documents import Command, command_for
from test_fhir_stream import export, written

from reasoner.answering import load_records
from reasoner.cohort import answer_cohort, exports
from reasoner.cohort.sources import sources_of
from reasoner.program import Program

AS_OF = datetime(2026, 11, 20, tzinfo=UTC)
SEED = 5
OBSERVATION = {
    "resourceType": "Observation",
    "id": "o",
    "status": "final",
    "code": {"text": "x"},
    "subject": {"reference": "Patient/p"},
}


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "export"
    folder.mkdir()
    return written(folder, export(SEED))


def of_cases(found: Tables) -> Tables:
    return {name: {case: rows for case, rows in by_case.items() if case} for name, by_case in found.items()}


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], knowledge: Program) -> Command:
    return command_for(monkeypatch, capsys, knowledge)


@pytest.fixture
def streamed_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the export is read whole")

    monkeypatch.setattr(exports, "load_records", refuse)
    monkeypatch.setattr(exports, "_TOGETHER", 2)


def test_an_export_gets_the_single_answers_patient_by_patient(
    tmp_path: Path, files: list[Path], knowledge: Program, streamed_only: None
) -> None:
    wanted = expected(load_records(files, knowledge), knowledge, AS_OF)
    assert len(wanted["cases"]) >= 4 and wanted["problems"]
    log = files[0].with_name("log.ndjson")
    log.write_text('{"exportId": "e"}\n', encoding="utf-8")
    found = answered(tmp_path / "out", [files[0].parent], knowledge, as_of=AS_OF)
    assert of_cases(found) == of_cases(wanted)
    assert [row["text"] for row in found["problems"][""] if row["code"] == "unreadable-file"] == [
        f"The file holds no FHIR resource ({log}): "
    ]
    counts = json.loads((tmp_path / "out" / "manifest.json").read_text())["counts"]
    assert (counts["cases"], counts["answered"], counts["malformed"]) == (len(wanted["cases"]), len(wanted["cases"]), 1)
    batches = [len(records.cases) for records in exports.fhir_records(sources_of(map(str, files)), knowledge)]
    assert sum(batches) == len(wanted["cases"]) and max(batches) <= 2


def test_an_export_of_logs_names_each(tmp_path: Path, knowledge: Program, streamed_only: None) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.ndjson").write_text('{"exportId": "e"}\n', encoding="utf-8")
    summary = answer_cohort([tmp_path / "a.ndjson", tmp_path / "b.ndjson"], tmp_path / "out", knowledge, as_of=AS_OF)
    assert (summary.cases, summary.malformed, summary.problems) == (0, 2, 2)


def test_a_line_about_several_patients_is_read_as_well(tmp_path: Path, files: list[Path], knowledge: Program) -> None:
    members = [{"resource": PATIENT | {"id": name}} for name in ("first", "second")]
    both = {"resourceType": "Bundle", "type": "collection", "entry": members}
    (files[0].parent / "Bundle.ndjson").write_bytes(lines(both) + b"\n")
    wanted = expected(load_records(sorted(files[0].parent.iterdir()), knowledge), knowledge, AS_OF)
    assert {case.rpartition("/")[2] for case in wanted["cases"]} >= {"first", "second"}
    assert of_cases(answered(tmp_path / "out", [files[0].parent], knowledge, as_of=AS_OF)) == of_cases(wanted)


@pytest.mark.parametrize("name", ["a.json", "a.ndjson", "bundle.json"])
def test_fhir_without_a_patient_ends_as_it_does_alone(name: str, tmp_path: Path, command: Command) -> None:
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": OBSERVATION}]}
    path = tmp_path / name
    path.write_bytes(lines(bundle if name.startswith("bundle") else OBSERVATION) + b"\n")
    alone = command("assess", path)
    assert alone.code == 2 and "LC-1200" in alone.err and "no resource is a Patient" in alone.err
    assert command("cohort", path, "--out", tmp_path / "out") == alone
    assert [each.name for each in tmp_path.iterdir()] == [name]


def test_documents_about_nobody_beside_others_are_read(tmp_path: Path, knowledge: Program) -> None:
    (tmp_path / "a.json").write_bytes(lines(OBSERVATION))
    (tmp_path / "b.json").write_text("{", encoding="utf-8")
    summary = answer_cohort([tmp_path / "a.json", tmp_path / "b.json"], tmp_path / "out", knowledge)
    assert (summary.cases, summary.malformed) == (0, 1)
    (tmp_path / "b.json").write_bytes(lines(PATIENT | {"id": "p"}))
    assert answer_cohort([tmp_path / "a.json", tmp_path / "b.json"], tmp_path / "more", knowledge).answered == 1


def test_documents_none_of_which_can_be_read_are_all_named(tmp_path: Path, knowledge: Program) -> None:
    paths = [tmp_path / "a.json", tmp_path / "b.json"]
    for path in paths:
        path.write_text("{", encoding="utf-8")
    assert answer_cohort(paths, tmp_path / "out", knowledge).malformed == 2
    said = [row["text"] for row in tables(tmp_path / "out")["problems"][""]]
    assert len(said) == 2 and all(any(str(path) in text for text in said) for path in paths)
