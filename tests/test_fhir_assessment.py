"""The answer as FHIR R4 is valid, says what the report says, rests on the sentences, and speaks to orders and past repeats."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from fhir_checks import problems_of, resources_of
from record_documents import PREFIXES, Command, case, command_for

from reasoner import assess, load_records
from reasoner.answer import CaseAnswer
from reasoner.answering import answer_case, read_all
from reasoner.documents import Document
from reasoner.export.fhir_assessment import assessment_bundle
from reasoner.export.fhir_evidence import artifact_id, priority, related
from reasoner.export.records import records_of
from reasoner.fhir import Source
from reasoner.fhir.orders import Order, read_orders
from reasoner.moments import parse_moment
from reasoner.namespaces import LC, LCG
from reasoner.program import Program
from reasoner.repeats import unwarranted_repeats
from reasoner.report import case_document

ROOT = Path(__file__).parent.parent
ANNA = ROOT / "docs" / "examples" / "patient.ttl"
BUNDLE = ROOT / "docs" / "examples" / "bundle.json"
VIGNETTES = sorted((ROOT / "tests" / "cases").glob("*/*/record.ttl"))
SAMPLE = [*VIGNETTES[::15], *sorted((ROOT / "tests" / "cases" / "red-flags").glob("*/record.ttl"))[::6], ANNA]
AS_OF = datetime.fromisoformat("2026-11-20T09:00:00+00:00")
SCAN = "a lc:ExaminationRecord ; lc:ofTest lc:CompressionUltrasound ; lc:result lc:_Result_negative ; lc:extent lc:_Extent_whole_leg ; lc:completeness lc:_Completeness_complete"
NO_SIGN = "a lc:ClosureStatement ; lc:closes lc:AcuteVenousSign"


def answers_of(path: Path, program: Program) -> tuple[CaseAnswer, ...]:
    return assess(load_records([path], program), program, as_of=AS_OF if path.suffix == ".json" else None).answers


def bundle_of(program: Program, answers: Iterable[CaseAnswer], *orders: Order) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(assessment_bundle(program, list(answers), orders)[0])
    return found


def of_type(bundle: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [each for each in resources_of(bundle) if each["resourceType"] == kind]


@pytest.mark.parametrize("path", SAMPLE, ids=lambda path: path.parent.name)
def test_what_is_written_is_valid_and_says_what_the_report_says(knowledge: Program, path: Path) -> None:
    for answer in answers_of(path, knowledge):
        bundle, report = bundle_of(knowledge, [answer]), case_document(knowledge, answer)
        case_iri = answer.state.case.iri
        assert problems_of(bundle, {case_iri, *(each.node for each in records_of(answer.state.case))}) == []
        (group,) = of_type(bundle, "RequestGroup")
        titles = [each["title"] for each in group.get("action", [])]
        assert titles == [
            *(row["label"] for row in report["redFlags"]),
            *(row["label"] for row in report["nextTests"]),
            *(f"not warranted: {row['label']}" for row in report["notWarranted"]),
            *(f"{'do not: ' if row['direction'] == 'against' else ''}{row['label']}" for row in report["actions"]),
        ]
        rows = [*report["redFlags"], *report["nextTests"], *report["notWarranted"], *report["actions"]]
        for action, row in zip(group.get("action", []), rows, strict=True):
            cited = {each["label"] for each in action.get("documentation", []) if each["type"] == "justification"}
            assert cited == set(row["sentences"])
        requests = of_type(bundle, "ServiceRequest")
        assert [each["code"]["coding"][0]["code"] for each in requests if not each.get("doNotPerform")] == [
            row["test"].removeprefix(LC) for row in report["nextTests"]
        ]
        assert len(requests) == len(report["nextTests"]) + len(report["notWarranted"])
        assert {(each["status"], each["intent"]) for each in (*requests, group)} == {("draft", "proposal")}


@pytest.mark.parametrize("path", SAMPLE[::3], ids=lambda path: path.parent.name)
def test_the_response_holds_verdicts_and_what_is_missing(knowledge: Program, path: Path) -> None:
    for answer in answers_of(path, knowledge):
        (response,) = of_type(bundle_of(knowledge, [answer]), "GuidanceResponse")
        report = case_document(knowledge, answer)
        parameters = next(each for each in response["contained"] if each["id"] == "verdicts")["parameter"]
        verdicts = {each["name"]: next(part["valueCode"] for part in each["part"] if part["name"] == "verdict") for each in parameters}
        assert verdicts == {key: report[key]["verdict"] for key in ("repeatDvtImaging", "scope")}
        asked = {code["code"] for each in response.get("dataRequirement", []) for part in each["codeFilter"] for code in part["code"]}
        missing = {row["term"] for key in ("repeatDvtImaging", "scope") for row in report[key]["missing"]}
        assert {term.removeprefix(LC) for term in missing if term in knowledge.sorts} <= asked
        assert (response["status"] == "data-requested") == bool(asked)
        outcome = [each for each in response["contained"] if each["id"] == "problems"]
        issues = [issue for each in outcome for issue in each["issue"]]
        assert len(issues) == len(report["dataProblems"]) + len(report["conflicts"])


def test_the_same_answer_gives_the_same_bytes(knowledge: Program) -> None:
    assert len({assessment_bundle(knowledge, answers_of(ANNA, knowledge))[0] for _ in range(2)}) == 1


def test_two_patients_share_no_id(knowledge: Program) -> None:
    bundle = bundle_of(knowledge, answers_of(BUNDLE, knowledge))
    ids = [each["id"] for each in resources_of(bundle)]
    assert len(of_type(bundle, "GuidanceResponse")) == 2
    assert len(set(ids)) == len(ids)


def test_advice_that_is_read_again_is_no_fact(knowledge: Program, tmp_path: Path) -> None:
    path = tmp_path / "advice.json"
    path.write_bytes(assessment_bundle(knowledge, answers_of(BUNDLE, knowledge))[0])
    both = assess(load_records([BUNDLE, path], knowledge), knowledge, as_of=AS_OF).to_document()["cases"]
    alone = assess(load_records([BUNDLE], knowledge), knowledge, as_of=AS_OF).to_document()["cases"]
    assert both == alone


def test_every_recommendation_has_an_address_of_its_own(knowledge: Program) -> None:
    names = [artifact_id(each.iri) for each in knowledge.recommendations]
    assert len(set(names)) == len(names) >= 180
    assert all(len(name) <= 64 for name in names)


def test_urgencies_keep_their_order(knowledge: Program) -> None:
    order = ("routine", "urgent", "asap", "stat")
    ranked = sorted({(-each.urgency_rank, order.index(priority(each.urgency))) for each in knowledge.recommendations})
    assert [place for _, place in ranked] == sorted(place for _, place in ranked)
    assert {place for _, place in ranked} == {0, 1, 2, 3}


def test_evidence_names_sentences_and_publications(knowledge: Program) -> None:
    each = knowledge.recommendation[LCG + "_Recommendation_droracle_no_quinine"]
    assert related([each], knowledge) == [
        {"type": "justification", "label": "S39", "display": "sentence S39", "url": LCG + "_Sentence_s39"},
        {"type": "citation", "display": knowledge.labels[LCG + "_Citation_afp"], "url": LCG + "_Citation_afp"},
    ]


# --- orders -----------------------------------------------------------------------------------------------------------


def order(knowledge: Program, **changes: Any) -> tuple[Order, ...]:
    patient = {"resourceType": "Patient", "id": "p"}
    request = {
        "resourceType": "ServiceRequest",
        "id": "again",
        "status": "draft",
        "intent": "order",
        "code": {"coding": [{"system": LC, "code": "CompressionUltrasound"}]},
        "subject": {"reference": "Patient/p"},
    } | changes
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": patient}, {"resource": request}]}
    return read_orders([Source("orders", json.dumps(bundle).encode())], knowledge, "https://example.org/fhir")


def test_an_open_order_is_read(knowledge: Program) -> None:
    assert order(knowledge) == (
        Order("https://example.org/fhir/ServiceRequest/again", "https://example.org/fhir/Patient/p", (LC + "CompressionUltrasound",)),
    )


def test_an_order_of_r5_is_read(knowledge: Program) -> None:
    assert len(order(knowledge, code={"concept": {"coding": [{"system": LC, "code": "CompressionUltrasound"}]}})) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "revoked"},
        {"status": "completed"},
        {"doNotPerform": True},
        {"subject": {"reference": "Patient/other"}},
        {"code": {"text": "an ultrasound of the leg"}},
    ],
    ids=str,
)
def test_what_is_no_open_order_of_a_test_is_not_read(knowledge: Program, changes: dict[str, Any]) -> None:
    assert order(knowledge, **changes) == ()


@pytest.mark.parametrize(("test", "found"), [("CompressionUltrasound", 1), ("CreatineKinaseMeasurement", 0)])
def test_an_order_of_a_test_that_is_not_warranted_is_an_issue(knowledge: Program, test: str, found: int) -> None:
    (answer,) = answers_of(ANNA, knowledge)
    bundle = bundle_of(knowledge, [answer], Order("https://example.org/fhir/ServiceRequest/again", answer.state.case.iri, (LC + test,)))
    issues = of_type(bundle, "DetectedIssue")
    assert len(issues) == found
    for issue in issues:
        assert issue["status"] == "preliminary"
        assert issue["implicated"] == [{"reference": "https://example.org/fhir/ServiceRequest/again"}]
        assert issue["reference"] == LCG + "_Sentence_s03"
        assert issue["evidence"][0]["detail"][0] == {"reference": "https://example.org/legcramps/anna/scan"}


def test_the_order_of_another_patient_is_no_issue(knowledge: Program) -> None:
    bundle = bundle_of(
        knowledge, answers_of(ANNA, knowledge), Order("urn:x:o", "https://example.org/other", (LC + "CompressionUltrasound",))
    )
    assert of_type(bundle, "DetectedIssue") == []


# --- past repeats -----------------------------------------------------------------------------------------------------


def repeats(knowledge: Program, **records: str) -> list[str]:
    """Return the local names of the scans that were not warranted."""
    cramps = 'a lc:FindingRecord ; lc:ofFinding lc:LegCramp ; lc:presence lc:_Presence_present ; lc:side lc:_Side_both ; lc:onset "2026-10-01"^^xsd:date'
    text = PREFIXES + case(cramps=cramps, **records)
    (patient,) = read_all([Document("record", text.encode(), "turtle")], knowledge).cases
    assert patient.as_of is not None
    found = unwarranted_repeats(patient, knowledge, patient.as_of)
    return [each.record.node.rpartition("/a-")[2] for each in found]


def on(day: int, text: str, term: str = "performedOn") -> str:
    return f'{text} ; lc:{term} "2026-11-{day:02}"^^xsd:date'


def test_a_second_scan_without_a_new_sign_was_not_warranted(knowledge: Program) -> None:
    assert repeats(knowledge, first=on(4, SCAN), none=on(6, NO_SIGN, "recordedOn"), second=on(8, SCAN)) == ["second"]


def test_the_first_scan_is_no_repeat(knowledge: Program) -> None:
    assert repeats(knowledge, first=on(4, SCAN), none=on(6, NO_SIGN, "recordedOn")) == []


@pytest.mark.parametrize("dated", [True, False])
def test_a_new_sign_warrants_a_second_scan(knowledge: Program, dated: bool) -> None:
    sign = "a lc:FindingRecord ; lc:ofFinding lc:LegSwelling ; lc:presence lc:_Presence_present ; lc:side lc:_Side_left"
    assert repeats(knowledge, first=on(4, SCAN), second=on(8, SCAN), sign=on(6, sign, "onset") if dated else sign) == []


def test_what_is_known_later_or_at_no_time_does_not_condemn_a_scan(knowledge: Program) -> None:
    later = repeats(knowledge, first=on(4, SCAN), none=on(9, NO_SIGN, "recordedOn"), second=on(8, SCAN))
    undated = repeats(knowledge, first=on(4, SCAN), none=NO_SIGN, second=on(8, SCAN))
    absence = "a lc:FindingRecord ; lc:ofFinding lc:AcuteVenousSign ; lc:presence lc:_Presence_absent"
    denied = repeats(knowledge, first=on(4, SCAN), none=absence, second=on(8, SCAN))
    assert later == undated == denied == []
    assert repeats(knowledge, first=on(4, SCAN), none=on(6, absence, "recordedOn"), second=on(8, SCAN)) == ["second"]


def test_a_past_repeat_is_an_issue(knowledge: Program) -> None:
    text = PREFIXES + case(first=on(4, SCAN), none=on(6, NO_SIGN, "recordedOn"), second=on(8, SCAN))
    (patient,) = read_all([Document("record", text.encode(), "turtle")], knowledge).cases
    as_of = parse_moment("2026-11-20T09:00:00Z")
    assert as_of is not None
    answer = answer_case(replace(patient, as_of=as_of), knowledge, as_of)
    (issue,) = of_type(bundle_of(knowledge, [answer]), "DetectedIssue")
    assert issue["implicated"] == [{"reference": "https://example.org/x/a-second"}]
    assert issue["identifiedDateTime"] == "2026-11-08"


# --- the command ------------------------------------------------------------------------------------------------------


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], knowledge: Program) -> Command:
    """Return the command line as a function."""
    return command_for(monkeypatch, capsys, knowledge)


def test_an_order_in_the_input_is_an_issue_in_the_output(command: Command, tmp_path: Path) -> None:
    fhir = json.loads(command("convert", ANNA, "--to", "fhir").out)
    patient = fhir["entry"][0]["fullUrl"]
    request = {
        "resourceType": "ServiceRequest",
        "id": "again",
        "status": "draft",
        "intent": "order",
        "code": {"coding": [{"system": LC, "code": "CompressionUltrasound"}]},
        "subject": {"reference": patient},
    }
    fhir["entry"].append({"fullUrl": "https://example.org/fhir/ServiceRequest/again", "resource": request})
    path = tmp_path / "with-order.json"
    path.write_text(json.dumps(fhir), encoding="utf-8")
    done = command("convert", path, "--as-of", "2026-11-20T09:00:00Z", "--to", "fhir-assessment")
    assert done.code == 0
    assert [each["implicated"][0]["reference"] for each in of_type(json.loads(done.out), "DetectedIssue")] == [
        "https://example.org/fhir/ServiceRequest/again"
    ]
    assert "resources, DetectedIssue: 1 = 1 written" in done.err
