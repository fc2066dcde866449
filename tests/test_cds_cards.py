"""Cards say what the command line says, about the open chart and about draft orders, and nothing that a client may not show."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from cds_documents import (
    AS_OF,
    BUNDLE,
    LC,
    PATIENT,
    ROOT,
    SERVER,
    bytes_of,
    call_document,
    clinic_of,
    draft,
    drafts,
    example_entries,
    moment,
    prefetched,
    read_response,
)
from fhir_checks import problems_of, references_of
from record_documents import Command, command_for
from test_fhir_assessment import VIGNETTES

from reasoner import assess, load_records
from reasoner.answer import CaseAnswer
from reasoner.answering import read_all
from reasoner.documents import Document
from reasoner.export.fhir_bundle import records_bundle
from reasoner.fhir.orders import Order
from reasoner.moments import parse_moment
from reasoner.program import Program
from reasoner.report import case_document
from reasoner.report.orders import unwarranted_orders
from reasoner.server.cds.answer import Answered, Call, answer_hook, case_of_call
from reasoner.server.cds.cards import CardWriter, Clinic, Place, override_reasons
from reasoner.server.cds.refusal import Refusal
from reasoner.server.cds.request import Hook
from reasoner.text import NOT_ADVICE

PUBLIC = "https://cds.example.org"
KEY = "https://w3id.org/legcramps/answer"
NO_SIGN = {
    "resourceType": "Observation",
    "id": "no-sign",
    "status": "final",
    "code": {"coding": [{"system": LC, "code": "AcuteVenousSign"}]},
    "subject": {"reference": f"Patient/{PATIENT}"},
    "effectiveDateTime": "2026-11-20",
    "valueBoolean": False,
}
UNWARRANTED = prefetched([*example_entries(), {"resource": NO_SIGN}])
SCAN = "CompressionUltrasound"


@pytest.fixture(scope="module")
def clinic(knowledge: Program) -> Clinic:
    return clinic_of(knowledge)


def cards_of(clinic: Clinic, document: dict[str, Any], as_of: str = AS_OF) -> list[dict[str, Any]]:
    hook: Hook = document["hook"]
    answered = answer_hook(Call(hook, bytes_of(document), moment(as_of), PUBLIC, b"key"), clinic)
    assert isinstance(answered, Answered)
    found: list[dict[str, Any]] = answered.response.to_json()["cards"]
    assert set(answered.conclusions) == {each["uuid"] for each in found if "unreadOrders" not in each["extension"][KEY]}
    return found


def filled(value: Any) -> Any:
    """Return a JSON value without null and empty parts."""
    if isinstance(value, dict):
        return {name: kept for name, each in value.items() if (kept := filled(each)) not in (None, "", [], {})}
    return [filled(each) for each in value] if isinstance(value, list) else value


def nothing_empty(value: Any, inside: str = "") -> Iterator[str]:
    """Yield where a response holds null or something empty."""
    if value in (None, "", [], {}) and inside != "/cards":
        yield inside
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from nothing_empty(each, f"{inside}/{name}")
    elif isinstance(value, list):
        for place, each in enumerate(value):
            yield from nothing_empty(each, f"{inside}/{place}")


def check_form(cards: Sequence[dict[str, Any]]) -> None:
    """Hold cards to what is asked of every card."""
    assert read_response({"cards": list(cards)}).to_json() == {"cards": list(cards)}
    assert list(nothing_empty({"cards": list(cards)})) == []
    assert len({each["uuid"] for each in cards}) == len(cards)
    for card in cards:
        assert 0 < len(card["summary"]) < 140
        assert not re.search(r"[\x00-\x1f\x7f]", card["summary"])
        assert card["detail"].count("Not medical advice") == 1
        assert card["detail"].endswith(f"_{NOT_ADVICE}_")
        assert [each["url"].rpartition("/")[0] for each in card["links"]] == [f"{PUBLIC}/api/sources", f"{PUBLIC}/api/proofs"]
        assert card["links"][1]["url"].endswith(card["uuid"])
        assert card["source"]["label"]
        for reason in card.get("overrideReasons", ()):
            assert reason["display"]


def has_rows(answer: CaseAnswer) -> bool:
    """Return whether rows carry the verdict on repeat imaging, or are raised and could carry another."""
    judged = answer.advice.judged["repeatDvtImaging"]
    return bool(judged.rows or judged.could_be)


def check_view(cards: Sequence[dict[str, Any]], report: dict[str, Any], expected: bool) -> None:
    """Hold the cards of an opened chart to the report that the command line prints; a verdict has one when it is `expected`."""
    flags = [each for each in cards if "redFlag" in each["extension"][KEY]]
    assert [each["extension"][KEY]["redFlag"] for each in flags] == filled(report["redFlags"])
    assert [each["summary"].lower() for each in flags] == [row["label"].lower() for row in report["redFlags"]]
    assert {each["indicator"] for each in flags} <= {"critical"}
    verdict = report["repeatDvtImaging"]
    judged = [each for each in cards if "repeatDvtImaging" in each["extension"][KEY]]
    assert len(judged) == expected and (expected or not verdict["rule"])
    for card in judged:
        assert card["extension"][KEY]["repeatDvtImaging"] == filled(verdict)
        assert verdict["label"][:20] in card["summary"]
        assert (card["indicator"] == "critical") == (verdict["verdict"] == "emergency")
    listed = [each for each in cards if "nextTests" in each["extension"][KEY]]
    assert len(listed) == bool(report["nextTests"])
    for card in listed:
        assert card["extension"][KEY]["nextTests"] == filled(report["nextTests"])
        assert card["selectionBehavior"] == "any"
        requests = [action["resource"] for each in card["suggestions"] for action in each["actions"]]
        assert [each["code"]["coding"][0]["code"] for each in requests] == [row["test"].removeprefix(LC) for row in report["nextTests"]]
        assert [each["label"] for each in card["suggestions"]] == [f"Order {row['label']}" for row in report["nextTests"]]
        entries = [{"fullUrl": f"urn:uuid:{each['id']}", "resource": each} for each in requests]
        known = {reference for each in requests for reference in references_of(each)}
        assert problems_of({"resourceType": "Bundle", "type": "collection", "entry": entries}, known) == []
    assert len(flags) + len(judged) + len(listed) == len(cards)
    assert cards == [*flags, *judged, *listed]


# --- the open chart -----------------------------------------------------------------------------------------------------


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], knowledge: Program) -> Command:
    return command_for(monkeypatch, capsys, knowledge)


def reported(command: Command, *files: Path) -> dict[str, Any]:
    """Return what the command line prints of the patient."""
    cases = command("assess", *files, "--as-of", AS_OF, "--base", SERVER, "--json").report["cases"]
    found: dict[str, Any] = next(each for each in cases if each["case"].endswith(PATIENT))
    return found


def test_the_shipped_patient_gets_the_cards_of_the_command_line(clinic: Clinic, command: Command) -> None:
    report = reported(command, BUNDLE)
    cards = cards_of(clinic, call_document())
    check_form(cards)
    check_view(cards, report, expected=True)
    assert [each["extension"][KEY]["knowledge"] for each in cards] == [clinic.program.digest] * len(cards)
    assert len(cards) == 2


@pytest.mark.parametrize("path", VIGNETTES, ids=lambda path: path.parent.name)
def test_cards_say_what_the_report_says(clinic: Clinic, path: Path) -> None:
    program = clinic.program
    for answer in assess(load_records([path], program), program).answers:
        cards = [each.card.to_json() for each in writer_of(clinic, answer).view("Patient/x")]
        check_form(cards)
        check_view(cards, case_document(program, answer), has_rows(answer))


def writer_of(clinic: Clinic, answer: CaseAnswer) -> CardWriter:
    return CardWriter(clinic, answer, Place(PUBLIC, "call", b"key"))


def test_there_are_enough_vignettes_and_kinds_of_cards(clinic: Clinic) -> None:
    assert len(VIGNETTES) >= 300
    program = clinic.program
    answers = [each for path in VIGNETTES[::3] for each in assess(load_records([path], program), program).answers]
    made = [each.card for answer in answers for each in writer_of(clinic, answer).view("Patient/x")]
    assert {each.indicator for each in made} == {"critical", "info", "warning"}
    assert sum(each.indicator == "critical" for each in made) >= 15
    assert any(not list(writer_of(clinic, answer).view("Patient/x")) for answer in answers)


@pytest.mark.parametrize("path", VIGNETTES[::20], ids=lambda path: path.parent.name)
def test_a_vignette_sent_as_fhir_gets_the_cards_of_the_same_files(clinic: Clinic, path: Path) -> None:
    """The same resources, as a Bundle to the command line and as prefetched data to the hook."""
    program = clinic.program
    records = load_records([path], program)
    for case in records.cases:
        text, _ = records_bundle([case], program, {case.iri: case.as_of or parse_moment(AS_OF)})
        entries = json.loads(text)["entry"]
        patient = next(each["resource"]["id"] for each in entries if each["resource"]["resourceType"] == "Patient")
        as_of = case.as_of.text if case.as_of else AS_OF
        bare = [{"resource": each["resource"]} if each["resource"]["resourceType"] == "Patient" else each for each in entries]
        whole = json.dumps({"resourceType": "Bundle", "type": "collection", "entry": bare}).encode()
        read = read_all([Document("x", whole, "fhir")], program, base=SERVER)
        report = assess(read, program, as_of=datetime.fromisoformat(as_of))
        cards = cards_of(clinic, call_document(prefetch=prefetched(entries, patient), patient=patient), as_of)
        check_form(cards)
        answer = next(each for each in report.answers if each.state.case.iri == f"{SERVER}/Patient/{patient}")
        check_view(cards, case_document(program, answer), has_rows(answer))


def test_a_chart_without_cramps_gets_no_card(clinic: Clinic) -> None:
    chart = prefetched([{"resource": {"resourceType": "Patient", "id": "p", "birthDate": "1960"}}], "p")
    assert cards_of(clinic, call_document(prefetch=chart, patient="p")) == []


def test_the_same_call_gives_the_same_bytes_and_another_key_other_names(clinic: Clinic) -> None:
    one, two = (answer_hook(Call("patient-view", bytes_of(call_document()), moment(), PUBLIC, b"key"), clinic) for _ in range(2))
    other = answer_hook(Call("patient-view", bytes_of(call_document()), moment(), PUBLIC, b"other"), clinic)
    assert isinstance(one, Answered) and isinstance(two, Answered) and isinstance(other, Answered)
    assert json.dumps(one.response.to_json()) == json.dumps(two.response.to_json())
    assert not {each.uuid for each in one.response.cards} & {each.uuid for each in other.response.cards}


def test_data_that_is_not_needed_and_not_sent_is_named(clinic: Clinic) -> None:
    chart = prefetched(example_entries())
    del chart["allergies"]
    cards = cards_of(clinic, call_document(prefetch=chart))
    assert all("Not sent by the record system: allergies." in each["detail"] for each in cards)
    assert not any("Not sent" in each["detail"] for each in cards_of(clinic, call_document()))


# --- draft orders -------------------------------------------------------------------------------------------------------


def warned(cards: Sequence[dict[str, Any]]) -> list[str]:
    for card in cards:
        check_form([card])
        assert card["indicator"] == "warning"
        assert card["selectionBehavior"] == "at-most-one"
        assert card["overrideReasons"]
        (suggestion,) = card["suggestions"]
        (action,) = suggestion["actions"]
        assert action["type"] == "delete"
        assert action["resourceId"] == card["extension"][KEY]["order"]
    return [each["suggestions"][0]["actions"][0]["resourceId"] for each in cards]


@pytest.mark.parametrize("hook", ["order-sign", "order-select"])
def test_a_repeat_scan_that_is_not_warranted_is_warned_of(clinic: Clinic, hook: Hook) -> None:
    orders = drafts(draft(SCAN), draft("ArterialDuplex", "arteries"), draft("VenousRefluxDuplex", "reflux"))
    selections = (
        {"selections": ["ServiceRequest/scan", "ServiceRequest/arteries", "ServiceRequest/reflux"]} if hook == "order-select" else {}
    )
    cards = cards_of(clinic, call_document(hook, UNWARRANTED, draftOrders=orders, **selections))
    assert warned(cards) == ["ServiceRequest/scan"]
    (card,) = cards
    row = card["extension"][KEY]["repeatDvtImaging"]
    assert row["verdict"] == "not-warranted"
    assert "Because: " in card["detail"]
    assert "Reopened by: " in card["detail"]
    reopened = [each["label"] for each in row["reopensIf"]]
    assert reopened and all(label in card["detail"] for label in reopened)
    assert {each["code"] for each in card["overrideReasons"]} == {each.code for each in override_reasons(clinic.program)}


def test_the_warning_says_what_the_command_line_says(clinic: Clinic, tmp_path: Path, command: Command) -> None:
    (tmp_path / "sign.json").write_bytes(bytes_of(NO_SIGN))
    row = reported(command, BUNDLE, tmp_path / "sign.json")["repeatDvtImaging"]
    (card,) = cards_of(clinic, call_document("order-sign", UNWARRANTED, draftOrders=drafts(draft(SCAN))))
    assert card["extension"][KEY]["repeatDvtImaging"] == filled(row)


UNTOUCHED = ["ArterialDuplex", "VenousRefluxDuplex", "LumbarSpineMri", "CreatineKinaseMeasurement", "NoSuchCode"]


@pytest.mark.parametrize("code", UNTOUCHED)
def test_another_order_is_not_touched(clinic: Clinic, code: str) -> None:
    assert cards_of(clinic, call_document("order-sign", UNWARRANTED, draftOrders=drafts(draft(code)))) == []


def test_a_scan_ordered_together_with_another_is_not_touched(clinic: Clinic) -> None:
    call = Call("order-sign", bytes_of(call_document("order-sign", UNWARRANTED, draftOrders=drafts())), moment())
    answer = case_of_call(call, clinic)
    scan, arteries = (Order("x", "y", (LC + name,)) for name in (SCAN, "ArterialDuplex"))
    both = Order("x", "y", (*scan.tests, *arteries.tests))
    found = [each.order for each in unwarranted_orders(clinic.program, answer, [scan, arteries, both])]
    assert found == [scan]


def test_a_repeat_that_is_not_decided_is_not_warned_of(clinic: Clinic) -> None:
    assert cards_of(clinic, call_document("order-sign", draftOrders=drafts(draft(SCAN)))) == []


@pytest.mark.parametrize("status", ["completed", "revoked", "entered-in-error"])
def test_an_order_that_is_not_open_is_not_warned_of(clinic: Clinic, status: str) -> None:
    assert cards_of(clinic, call_document("order-sign", UNWARRANTED, draftOrders=drafts(draft(SCAN, status=status)))) == []


def test_an_order_for_another_patient_is_not_warned_of(clinic: Clinic) -> None:
    neighbour = {"resource": {"resourceType": "Patient", "id": "neighbour", "birthDate": "1988"}}
    orders = drafts(draft(SCAN, subject={"reference": "Patient/neighbour"}), neighbour)
    assert cards_of(clinic, call_document("order-sign", UNWARRANTED, draftOrders=orders)) == []


def test_only_the_orders_just_selected_are_spoken_of(clinic: Clinic) -> None:
    orders = drafts(draft(SCAN, "one"), draft(SCAN, "two"))
    chosen = cards_of(clinic, call_document("order-select", UNWARRANTED, draftOrders=orders, selections=["ServiceRequest/two"]))
    assert warned(chosen) == ["ServiceRequest/two"]
    assert cards_of(clinic, call_document("order-select", UNWARRANTED, draftOrders=orders, selections=[])) == []
    both = cards_of(clinic, call_document("order-sign", UNWARRANTED, draftOrders=orders))
    assert warned(both) == ["ServiceRequest/one", "ServiceRequest/two"]
    assert len({each["uuid"] for each in both}) == 2


def test_an_order_that_cannot_be_named_is_warned_of_without_a_suggestion(clinic: Clinic) -> None:
    nameless = [draft(SCAN), draft(SCAN)]
    for each in nameless:
        del each["resource"]["id"]
    cards = cards_of(clinic, call_document("order-sign", UNWARRANTED, draftOrders=drafts(*nameless)))
    check_form(cards)
    assert [(each["indicator"], "suggestions" in each, bool(each["overrideReasons"])) for each in cards] == [("warning", False, True)] * 2


UNREAD: dict[str, tuple[dict[str, Any], str, str]] = {
    "doNotPerform in words": ({"doNotPerform": "perhaps"}, "doNotPerform is neither true nor false", "write true or false"),
    "doNotPerform absent for a reason": ({"_doNotPerform": {"extension": []}}, "doNotPerform is neither true nor false", "true or false"),
    "no status": ({"status": None}, "its status is not known", "draft"),
    "a status of no list": ({"status": "drafted"}, "its status is not known", "draft"),
    "a modifier": ({"modifierExtension": [{"url": "x"}]}, "modifierExtension may change what it means", "send it without"),
    "words alone": ({"code": {"text": "scan of the leg veins"}}, "its code has no system and code", "send a coding"),
    "a code without system": ({"code": {"coding": [{"code": SCAN}]}}, "its code has no system and code", "send a coding"),
    "two codes at odds": (
        {"code": {"coding": [{"system": LC, "code": SCAN}, {"system": LC, "code": "ArterialDuplex"}]}},
        "its codings contradict each other",
        "mean the same",
    ),
    "nobody's": ({"subject": None}, "its subject is no patient of the call", "whose chart is open"),
    "no type": ({"resourceType": None}, "it has no resourceType", "state the resourceType"),
}


def altered(entry: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    resource = {name: value for name, value in {**entry["resource"], **changes}.items() if value is not None}
    return {**entry, "resource": resource}


@pytest.mark.parametrize("name", UNREAD)
def test_a_draft_that_cannot_be_told_is_named_with_its_repair(clinic: Clinic, name: str) -> None:
    """Beside it the others are judged as ever."""
    changes, why, repair = UNREAD[name]
    orders = drafts(altered(draft(SCAN, "odd"), changes), draft(SCAN, "again"))
    first, card = cards_of(clinic, call_document("order-sign", UNWARRANTED, draftOrders=orders))
    assert warned([first]) == ["ServiceRequest/again"]
    assert read_response({"cards": [card]}).to_json() == {"cards": [card]}
    assert (card["indicator"], card["source"], "suggestions" in card) == ("info", {"label": "Legcramps", "url": f"{PUBLIC}/"}, False)
    (row,) = card["extension"][KEY]["unreadOrders"]
    assert row["text"] == why and repair in row["repair"]
    assert row["order"].endswith("odd")
    assert card["detail"].endswith(f"_{NOT_ADVICE}_") and "draft orders" in card["detail"]


def test_a_draft_that_is_clearly_of_something_else_is_not_named(clinic: Clinic) -> None:
    others = [
        altered(draft(SCAN), {"doNotPerform": True, "code": {"text": "a scan"}}),
        altered(draft(SCAN), {"status": "revoked", "modifierExtension": [{"url": "x"}]}),
        altered(draft("718-7", system="http://loinc.org"), {"doNotPerform": "perhaps"}),
        altered(draft(SCAN), {"resourceType": "MedicationRequest", "doNotPerform": "perhaps"}),
    ]
    for each in others:
        assert cards_of(clinic, call_document("order-sign", UNWARRANTED, draftOrders=drafts(each))) == []


def test_of_drafts_that_cannot_be_told_those_just_selected_are_named(clinic: Clinic) -> None:
    orders = drafts(*(draft(SCAN, name, doNotPerform="perhaps") for name in ("one", "two")))
    (card,) = cards_of(clinic, call_document("order-select", UNWARRANTED, draftOrders=orders, selections=["ServiceRequest/two"]))
    assert [each["order"] for each in card["extension"][KEY]["unreadOrders"]] == ["ServiceRequest/two"]
    (both,) = cards_of(clinic, call_document("order-sign", UNWARRANTED, draftOrders=orders))
    assert both["summary"] == "Draft orders that could not be read: 2"


@pytest.mark.parametrize(
    "address", ["urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0", "https://elsewhere.example.org/fhir/Patient/cramps-67"]
)
@pytest.mark.parametrize("reference", [f"Patient/{PATIENT}", ""])
def test_a_patient_in_a_bundle_is_known_by_its_id(clinic: Clinic, address: str, reference: str) -> None:
    entry = {"fullUrl": address, "resource": UNWARRANTED["patient"]}
    found = {"resourceType": "Bundle", "type": "searchset", "entry": [entry]}
    subject = {"reference": reference or address}
    chart = json.loads(json.dumps(UNWARRANTED).replace(json.dumps(f"Patient/{PATIENT}"), json.dumps(subject["reference"]))) | {
        "patient": found
    }
    call = call_document("order-sign", chart, draftOrders=drafts(draft(SCAN, subject=subject)))
    assert warned(cards_of(clinic, call)) == ["ServiceRequest/scan"]


@pytest.mark.parametrize(
    ("patients", "why"),
    [
        ([("urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0", "other")], "no Patient that was sent has"),
        ([("urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0", "")], "no Patient that was sent has"),
        ([], "no Patient was sent with"),
        ([("https://a.example/Patient/cramps-67", PATIENT), ("https://b.example/Patient/cramps-67", PATIENT)], "several patients have"),
    ],
)
def test_a_call_without_the_patient_is_told_why_and_how_to_repair_it(clinic: Clinic, patients: list[tuple[str, str]], why: str) -> None:
    entries = [{"fullUrl": url, "resource": {"resourceType": "Patient", **({"id": name} if name else {})}} for url, name in patients]
    chart = UNWARRANTED | {"patient": {"resourceType": "Bundle", "type": "searchset", "entry": entries}}
    with pytest.raises(Refusal) as refused:
        cards_of(clinic, call_document(prefetch=chart))
    (issue,) = refused.value.issues
    assert (refused.value.status, issue.element) == (412, "prefetch.patient")
    assert issue.text == f"{why} the id that context.patientId gives"
    assert "alone or in a Bundle" in issue.repair


def test_a_patient_may_come_in_a_bundle(clinic: Clinic) -> None:
    found = {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": UNWARRANTED["patient"]}]}
    call = call_document("order-sign", UNWARRANTED | {"patient": found}, draftOrders=drafts(draft(SCAN)))
    assert warned(cards_of(clinic, call)) == ["ServiceRequest/scan"]


def test_an_order_with_an_address_of_its_own_is_taken_back_by_its_reference(clinic: Clinic) -> None:
    addressed = {"fullUrl": "urn:uuid:29fed57f-4547-50ce-9a8b-27f302122674", **draft(SCAN)}
    assert warned(cards_of(clinic, call_document("order-sign", UNWARRANTED, draftOrders=drafts(addressed)))) == ["ServiceRequest/scan"]


def test_drafts_are_no_facts(clinic: Clinic) -> None:
    report = {
        "resource": {
            "resourceType": "DiagnosticReport",
            "id": "d",
            "status": "final",
            "code": {"coding": [{"system": LC, "code": SCAN}]},
            "subject": {"reference": f"Patient/{PATIENT}"},
            "effectiveDateTime": "2026-11-19",
            "conclusionCode": [{"coding": [{"system": LC, "code": "_Result_positive"}]}],
        }
    }
    cards = cards_of(clinic, call_document("order-sign", UNWARRANTED, draftOrders=drafts(draft(SCAN), report)))
    assert warned(cards) == ["ServiceRequest/scan"]


def test_a_reason_to_override_is_added_in_the_ontology_alone(clinic: Clinic) -> None:
    words = {LC + "_OverrideReason_moved": "the patient has moved"}
    program = replace(clinic.program, labels=clinic.program.labels | words)
    assert "the patient has moved" in [each.display for each in override_reasons(program)]
    assert len(override_reasons(clinic.program)) >= 5


# --- Markdown -----------------------------------------------------------------------------------------------------------

PAYLOADS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
    "![x](https://evil.example/p.png)",
    "`code` *bold* _it_ ~~no~~ | a |",
    "line\n\n# heading\n- item",
    "<https://evil.example>",
    "@someone #1",
    "\u202etxt.exe",
    "&lt;b&gt;",
]


@pytest.mark.parametrize("text", PAYLOADS)
def test_words_of_a_record_stay_words(clinic: Clinic, text: str) -> None:
    """A label from outside, in every place where cards quote one, forms no markup."""
    program = clinic.program
    answer = assess(load_records([ROOT / "docs/examples/patient.ttl"], program), program).answers[0]
    writer = CardWriter(clinic, answer, Place(PUBLIC, "call", b"key"), [text])
    for test in writer.document["nextTests"]:
        test["label"] = text
        test["because"] = [{**each, "text": text} for each in test["because"]]
    for card in (each.card for each in writer.view("Patient/x")):
        assert not re.search(r"<\w|(?<!\\)\]\(|(?<!\\)`|(?<!\\)!\[|^#|\n- ", card.detail), card.detail
        assert len(card.summary) < 140
        assert not re.search(r"[\x00-\x1f\u202a-\u202e\u2066-\u2069]", card.summary)
