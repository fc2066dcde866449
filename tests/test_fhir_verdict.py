"""`validate` on FHIR: every resource accounted for, unknown codes counted, and a verdict on the documents themselves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fhir_resources import LOINC, PATIENT, TSH, Json, bundle, condition, lines, observation, order
from record_documents import Command, command_for
from test_fhir import ROOT, shared_data

from reasoner.fhir import judge, read_fhir
from reasoner.fhir.verdict import VIOLATIONS
from reasoner.program import Program


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], knowledge: Program) -> Command:
    return command_for(monkeypatch, capsys, knowledge)


BUNDLE = ROOT / "docs" / "examples" / "bundle.json"


def test_the_counts_of_the_shipped_bundle_add_up(command: Command) -> None:
    run = command("validate", BUNDLE, "--json")
    assert run.code == 0
    said = json.loads(run.out)
    found = said["resources"]
    assert found["entries"] == 38
    unused = sum(each["count"] for each in found["unused"])
    assert found["entries"] == found["patients"] + found["definitions"] + found["recorded"] + unused
    assert said["unknownCodes"] == [{"code": f"{LOINC}#718-7", "words": "Hemoglobin [Mass/volume] in Blood", "count": 1}]
    assert {each["code"] for each in said["results"]} >= {"ambiguous-code", "no-patient", "no-value", "unknown-code"}
    text = command("validate", BUNDLE).out
    assert "38 resources = 2 patients + 1 definitions + 23 used + 12 not used" in text
    assert "1 times no term for http://loinc.org#718-7" in text


def test_unknown_codes_are_counted_over_all_cases_the_most_frequent_first(knowledge: Program) -> None:
    resources: list[Json] = [PATIENT, PATIENT | {"id": "q"}]
    resources += [observation((LOINC, "8302-2"), id=f"h{place}", subject={"reference": f"Patient/{'pq'[place % 2]}"}) for place in range(5)]
    resources += [observation((LOINC, "718-7"), id="b")]
    verdict = judge(read_fhir(bundle(*resources), knowledge))
    assert [(each.code, each.count) for each in verdict.unknown] == [(f"{LOINC}#8302-2", 5), (f"{LOINC}#718-7", 1)]
    assert verdict.conforms


@pytest.mark.parametrize(
    ("resource", "code"),
    [
        (order(status=None), "no-status"),
        (order(status="taking"), "unknown-status"),
        (condition(onsetDateTime="last May"), "malformed-date"),
        (observation(TSH, valueQuantity={"value": 1, "comparator": "~"}), "unknown-comparator"),
        (order(medication={"concept": {"text": "x"}}), "contradictory-releases"),
    ],
)
def test_what_fhir_forbids_does_not_conform(knowledge: Program, resource: Json, code: str) -> None:
    assert code in VIOLATIONS
    verdict = judge(read_fhir(bundle(PATIENT, resource), knowledge))
    assert code in {problem.code for problem in verdict.problems}
    assert not verdict.conforms


def test_a_bad_line_and_a_bad_file_are_named_and_the_rest_is_explained(command: Command, tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").write_bytes(lines(PATIENT, "{]", order()))
    (tmp_path / "b.json").write_text("{")
    run = command("validate", tmp_path / "a.ndjson", tmp_path / "b.json")
    assert run.code == 1
    assert "a.ndjson:2: Violation: " in run.out
    assert "3 resources = 1 patients + 0 definitions + 1 used + 1 not used" in run.out
    assert "b.json:1" in run.err
    assert command("validate", tmp_path / "b.json").code == 2


def test_documents_without_a_patient_are_an_error_and_do_not_conform(command: Command, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(bundle(order()))
    (tmp_path / "b.json").write_bytes(bundle(PATIENT))
    run = command("assess", tmp_path / "a.json")
    assert (run.code, run.out) == (2, "")
    assert "a.json): no resource is a Patient. Repair: send the Patient along" in run.err
    assert run.err.endswith("[LC-1200]\n")
    run = command("validate", tmp_path / "a.json")
    assert run.code == 1
    assert "a.json: Violation: The documents hold no case: no resource is a Patient [LC-1200]" in run.out
    assert "1 resources = 0 patients + 0 definitions + 0 used + 1 not used" in run.out
    assert "does not conform" in run.out
    assert command("validate", tmp_path / "a.json", tmp_path / "b.json").code == 0
    assert command("assess", tmp_path / "a.json", tmp_path / "b.json").code == 0


def test_public_data_of_every_kind_is_explained(command: Command) -> None:
    data = shared_data()
    if data is None:
        pytest.skip("not run: the data of others is not at hand")
    seen = 0
    for folder, pattern in (("fhir-r4-uscore", "*.json"), ("fhir-r4-au", "*.json"), ("fhir-r5/json", "*.json"), ("fhir-r5/ttl", "*.ttl")):
        files = sorted((data / folder).glob(pattern))
        said = json.loads(command("validate", *files, "--json").out)
        found = said["resources"]
        assert found["entries"] == found["patients"] + found["definitions"] + found["recorded"] + sum(
            each["count"] for each in found["unused"]
        )
        assert found["entries"] >= len(files)
        seen += len(files)
    assert seen == 133
    refused = command("validate", *sorted((data / "fhir-stu3-smart").glob("*.json")))
    assert (refused.code, "STU3" in refused.err) == (2, True)
