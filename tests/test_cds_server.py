"""The CDS Hooks interface over HTTP: discovery, calls, source and proof of a card, feedback that stays, pages that may call, silence."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cds_documents import AS_OF, LC, PATIENT, SERVER, bytes_of, call_document, clinic_of, draft, drafts, example_entries, moment, prefetched
from cds_server import PUBLIC, Server
from record_documents import command_for
from test_cds_cards import NO_SIGN, UNWARRANTED
from test_cds_requests import official

from reasoner.program import Program
from reasoner.server.access import Access
from reasoner.server.cds.answer import Answered, Call, answer_hook
from reasoner.server.desk import Desk, Issue, Memory
from reasoner.server.feedback import FeedbackStore, read_feedback
from reasoner.server.interface import Interface, create_interface
from reasoner.server.pool import OverloadedError
from reasoner.server.wire import Message

VIEW = "/cds-services/legcramps-patient-view"
SIGN = "/cds-services/legcramps-order-sign"
ORIGIN = "https://ehr.example.org"
OLD = {"resourceType": "Condition", "id": "Walker", "clinicalStatus": "active", "subject": {"reference": f"Patient/{PATIENT}"}}
CARD = "4e0a3a1e-3283-4575-ab82-028d55fe2719"


@pytest.fixture(scope="module")
def server(knowledge: Program) -> Server:
    return Server(knowledge, Access(origins=(ORIGIN,)))


def test_discovery_lists_the_services(server: Server) -> None:
    answer = server.ask("GET", "/cds-services")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert [each["hook"] for each in answer.json()["services"]] == ["patient-view", "order-select", "order-sign"]


def test_a_call_gets_the_cards_that_are_made_of_it(server: Server, knowledge: Program) -> None:
    document = call_document()
    answer = server.post(VIEW, document)
    made = answer_hook(Call("patient-view", answer.request.content, moment(), PUBLIC, b"other"), clinic_of(knowledge))
    assert isinstance(made, Answered)
    names = ("summary", "detail", "indicator", "source", "extension")
    assert [{name: card[name] for name in names} for card in answer.json()["cards"]] == [
        {name: card[name] for name in names} for card in made.response.to_json()["cards"]
    ]
    assert server.post(VIEW, document).content == answer.content


def test_an_order_that_is_not_warranted_is_warned_of(server: Server) -> None:
    answer = server.post(SIGN, call_document("order-sign", UNWARRANTED, draftOrders=drafts(draft("CompressionUltrasound"))))
    (card,) = answer.json()["cards"]
    assert card["suggestions"][0]["actions"] == [
        {"type": "delete", "description": card["suggestions"][0]["label"], "resourceId": "ServiceRequest/scan"}
    ]
    nothing = server.post(SIGN, call_document("order-sign", UNWARRANTED, draftOrders=drafts(draft("ArterialDuplex"))))
    assert nothing.json() == {"cards": []}


def test_orders_that_cannot_be_read_are_refused(server: Server) -> None:
    history = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": {"resourceType": "Bundle", "type": "history"}}]}
    answer = server.post(SIGN, call_document("order-sign", UNWARRANTED, draftOrders=history))
    assert (answer.status_code, answer.json()["issue"][0]["expression"]) == (400, ["context.draftOrders"])


def test_source_and_proof_of_every_card_can_be_read(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: Any, knowledge: Program
) -> None:
    chart = server.post(VIEW, call_document(prefetch=UNWARRANTED)).json()["cards"]
    assert len(chart) == 2
    for card in chart:
        source, proof = (server.ask("GET", link["url"]) for link in card["links"])
        assert source.status_code == proof.status_code == 200
        assert source.json()["statement"]
        assert proof.headers["content-type"].startswith("text/plain")
    command = command_for(monkeypatch, capsys, knowledge)
    judged = next(each for each in chart if "repeatDvtImaging" in each["extension"]["https://w3id.org/legcramps/answer"])
    whole = {"resourceType": "Bundle", "type": "collection", "entry": [*example_entries(), {"resource": NO_SIGN}]}
    out = command("explain", "-", "repeatDvtImaging", "--case", f"{SERVER}/Patient/{PATIENT}", "--as-of", AS_OF, stdin=bytes_of(whole)).out
    proof = server.ask("GET", judged["links"][1]["url"]).text
    assert proof.replace(SERVER, "http://localhost/fhir") == out.replace(SERVER, "http://localhost/fhir")


@pytest.mark.parametrize("path", ["/api/sources/nothing", f"/api/proofs/{CARD}", "/cds-services/nothing", "/api/nothing", "/nothing"])
def test_what_is_not_there_is_not_found(server: Server, path: str) -> None:
    answer = server.post(path, call_document()) if "services" in path else server.ask("GET", path)
    assert answer.status_code == 404
    assert answer.json()["status"] == 404


@pytest.mark.parametrize(
    ("document", "status", "element"),
    [
        (call_document("order-sign", draftOrders=drafts()), 400, "hook"),
        (call_document(prefetch={}), 412, "prefetch.patient"),
        (call_document(prefetch={key: value for key, value in UNWARRANTED.items() if key != "conditions"}), 412, "prefetch.conditions"),
        (call_document() | {"hookInstance": "x"}, 400, "hookInstance"),
        ([], 400, None),
        (call_document(prefetch=UNWARRANTED | {"conditions": OLD}), 400, "prefetch"),
    ],
)
def test_a_faulty_call_is_told_its_faults(server: Server, document: Any, status: int, element: str | None) -> None:
    answer = server.post(VIEW, document)
    assert answer.status_code == status
    assert answer.json()["resourceType"] == "OperationOutcome"
    if element:
        assert answer.json()["issue"][0]["expression"] == [element]


@pytest.mark.parametrize(("kind", "status"), [("good", 412), ("bad", 400)])
def test_an_official_request_is_understood_before_data_is_missed(server: Server, kind: str, status: int) -> None:
    """The good one sends its data under keys of another service: well-formed, and not enough."""
    answer = server.ask("POST", VIEW, content=official(f"cdshooks-request-patient-view-{kind}.json").read_bytes())
    assert answer.status_code == status
    assert answer.json()["resourceType"] == "OperationOutcome"


class Busy:
    """Workers that have no time."""

    async def ask(self, key: str, frame: bytes) -> Message:
        raise OverloadedError("The server is busy", repair="ask again in a moment")


def test_a_busy_server_says_so_and_when_to_come_again(knowledge: Program) -> None:
    busy = Server(knowledge)
    busy.desk = Desk(Busy(), busy.outside, PUBLIC, None)
    busy.app = create_interface(Interface(busy.desk, None, busy.access, True, busy.pool.consultant.sources, busy.store))
    for path, headers in ((VIEW, {}), ("/api/assess", {"content-type": "text/turtle"})):
        answer = busy.ask("POST", path, content=b"x", headers=headers)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


def test_a_body_that_does_not_come_is_not_waited_for(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reasoner.server.interface._SECONDS", 0.05)

    async def drip() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" "
            await asyncio.sleep(0.02)

    assert server.ask("POST", VIEW, content=drip()).status_code == 408


HOSTILE = {
    "deep": b"[" * 1_000_000,
    "deep objects": b'{"a":' * 100_000,
    "no text": b"\xff" * 1000,
    "long number": b'{"a": ' + b"9" * 5_000_000 + b"}",
    "many keys": b"{" + b",".join(b'"%d":1' % each for each in range(100_000)) + b"}",
    "nothing": b"",
    "null": b"null",
    "surrogate": b'{"hook": "\\ud800"}',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_bodies_hurt_nobody(server: Server, name: str) -> None:
    for path in (VIEW, f"{VIEW}/feedback"):
        answer = server.ask("POST", path, content=HOSTILE[name])
        assert answer.status_code in (400, 413)
    assert server.post(VIEW, call_document()).status_code == 200


def test_a_body_that_is_too_long_is_not_read(server: Server) -> None:
    asked = server.pool.asked
    assert server.ask("POST", VIEW, content=b" " * (8 * 1024 * 1024 + 1)).status_code == 413
    assert server.ask("POST", f"{VIEW}/feedback", content=b" " * (256 * 1024 + 1)).status_code == 413
    assert server.pool.asked == asked


def test_calls_at_once_get_each_its_own_cards(knowledge: Program) -> None:
    server = Server(knowledge)
    documents = [
        call_document(
            prefetch=prefetched([{"resource": {"resourceType": "Patient", "id": f"p{each}", "birthDate": "1960"}}], f"p{each}"),
            patient=f"p{each}",
        )
        for each in range(10)
    ]
    answers = server.ask_all([("POST", VIEW, {"json": each}) for each in [*documents, *[call_document()] * 10]], at_once=True)
    assert [len(each.json()["cards"]) for each in answers] == [0] * 10 + [2] * 10


def test_memory_is_bounded_in_bytes_and_time() -> None:
    memory = Memory(1000)
    for each in range(20):
        memory.keep(str(each), Issue({}, b"x" * 100, (), 0.0))
    assert [each for each in map(str, range(20)) if memory.find(each, 1.0)] == [str(each) for each in range(10, 20)]
    memory.keep("15", Issue({}, b"x" * 100, (), 50.0))
    assert memory.find("19", 3599.0)
    assert not memory.find("19", 3601.0)
    assert memory.find("15", 3601.0)
    memory.keep("big", Issue({}, b"x" * 1001, (), 1.0))
    assert not memory.find("big", 2.0)


# --- feedback -----------------------------------------------------------------------------------------------------------


def given(**more: Any) -> dict[str, Any]:
    return {"card": CARD, "outcome": "overridden", "outcomeTimestamp": "2026-11-20T09:00:00Z"} | more


REASON = {"reason": {"system": LC, "code": "_OverrideReason_judgement"}, "userComment": "the patient insists"}


def test_feedback_is_kept_and_found_again(knowledge: Program, tmp_path: Path) -> None:
    server = Server(knowledge, path=tmp_path / "feedback.sqlite")
    (card, *_) = server.post(VIEW, call_document()).json()["cards"]
    sent = [
        given(card=card["uuid"], overrideReason=REASON),
        given(outcome="accepted", acceptedSuggestions=[{"id": CARD}]),
        given(overrideReason={"userComment": "no reason"}),
        given(),
        given(),
    ]
    assert server.post(f"{VIEW}/feedback", {"feedback": sent}).status_code == 200
    assert server.post(f"{SIGN}/feedback", {"feedback": [given()]}).status_code == 200
    found = server.ask("GET", "/api/feedback").json()["feedback"]
    assert [each["number"] for each in found] == [1, 2, 3, 4, 5, 6]
    assert found[0] == {
        "number": 1,
        "card": card["uuid"],
        "outcome": "overridden",
        "at": "2026-11-20T09:00:00Z",
        "system": LC,
        "code": "_OverrideReason_judgement",
        "comment": "the patient insists",
        "service": "legcramps-patient-view",
        "about": ["repeatDvtImaging"],
    }
    assert [each["number"] for each in server.ask("GET", "/api/feedback?outcome=accepted").json()["feedback"]] == [2]
    assert [each["number"] for each in server.ask("GET", "/api/feedback?service=legcramps-order-sign").json()["feedback"]] == [6]
    assert [each["number"] for each in server.ask("GET", f"/api/feedback?card={card['uuid']}").json()["feedback"]] == [1]
    assert [each["number"] for each in server.ask("GET", "/api/feedback?after=4").json()["feedback"]] == [5, 6]


@pytest.mark.parametrize(
    "faulty",
    [
        {},
        {"feedback": []},
        {"feedback": {}},
        {"feedback": [1]},
        {"feedback": [given(card="x")]},
        {"feedback": [given(outcome="ignored")]},
        {"feedback": [given(outcome="accepted")]},
        {"feedback": [given(outcome="accepted", acceptedSuggestions=[{"id": "x"}])]},
        {"feedback": [given(outcomeTimestamp="yesterday")]},
        {"feedback": [given(outcomeTimestamp="2026-11-20T09:00:00")]},
        {"feedback": [given(overrideReason={"reason": {"code": "x"}})]},
        {"feedback": [given(overrideReason={"userComment": "x" * 10_001})]},
        {"feedback": [given()] * 1001},
        {"feedback": [given(), given(card="x")]},
    ],
)
def test_faulty_feedback_is_refused_whole(server: Server, faulty: Any) -> None:
    before = server.ask("GET", "/api/feedback").json()
    answer = server.post(f"{VIEW}/feedback", faulty)
    assert answer.status_code == 400
    assert answer.json()["issue"]
    assert server.ask("GET", "/api/feedback").json() == before


def test_feedback_cannot_be_changed_or_deleted(tmp_path: Path) -> None:
    path = tmp_path / "feedback.sqlite"
    store = FeedbackStore(path)
    store.add(read_feedback(bytes_of({"feedback": [given()]}), "s", "c"), "now")
    other = sqlite3.connect(path)
    for statement in ("UPDATE feedback SET outcome = 'accepted'", "DELETE FROM feedback", "REPLACE INTO feedback SELECT * FROM feedback"):
        with pytest.raises(sqlite3.DatabaseError), other:
            other.execute(statement)
    other.close()
    assert [each.outcome for _, each in store.find("c", {})] == ["overridden"]
    store.close()


def test_feedback_belongs_to_the_client_that_gave_it(tmp_path: Path) -> None:
    store = FeedbackStore(tmp_path / "f.sqlite")
    for client in ("a", "b", "a"):
        store.add(read_feedback(bytes_of({"feedback": [given()]}), "s", client), "now")
    assert [number for number, _ in store.find("a", {})] == [1, 3]
    assert [number for number, _ in store.find("b", {})] == [2]
    assert store.find("c", {}) == ()
    store.close()


def test_feedback_is_kept_in_the_order_of_many_writers(tmp_path: Path) -> None:
    store = FeedbackStore(tmp_path / "f.sqlite")
    rows = read_feedback(bytes_of({"feedback": [given()] * 5}), "s", "c")
    threads = [threading.Thread(target=store.add, args=(rows, "now")) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert [number for number, _ in store.find("c", {})] == list(range(1, 41))
    store.close()


def test_feedback_that_cannot_be_written_is_not_acknowledged(knowledge: Program, tmp_path: Path) -> None:
    """A full disk: the database may grow no more."""
    server = Server(knowledge, path=tmp_path / "f.sqlite")
    server.store._base.execute("PRAGMA max_page_count = 4")
    comment = {"overrideReason": {"userComment": "x" * 9000}}
    answers = [server.post(f"{VIEW}/feedback", {"feedback": [given(**comment)]}).status_code for _ in range(4)]
    assert answers[-1] == 507
    server.store._base.execute("PRAGMA max_page_count = 10000")
    assert server.post(f"{VIEW}/feedback", {"feedback": [given()]}).status_code == 200
    assert len(server.ask("GET", "/api/feedback").json()["feedback"]) == answers.count(200) + 1


# --- pages that may call ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "path"), [("GET", "/cds-services"), ("POST", VIEW), ("POST", f"{VIEW}/feedback")])
def test_listed_pages_may_call_and_others_not(server: Server, method: str, path: str) -> None:
    for origin, allowed in (
        (ORIGIN, ORIGIN),
        ("https://evil.example", None),
        ("null", None),
        (f"{ORIGIN}.evil.example", None),
        ("https://EHR.example.org", None),
    ):
        asked = {"origin": origin, "access-control-request-method": method, "access-control-request-headers": "authorization, content-type"}
        preflight = server.ask("OPTIONS", path, headers=asked)
        answer = server.ask(method, path, headers={"origin": origin}, content=b"{}")
        for each in (preflight, answer):
            assert each.headers.get("access-control-allow-origin") == allowed
            assert "access-control-allow-credentials" not in each.headers
            assert "origin" in each.headers["vary"].lower()
        assert (preflight.status_code == 200) == (allowed is not None)


def test_no_page_may_call_by_default(knowledge: Program) -> None:
    plain = Server(knowledge)
    answers = plain.ask_all(
        [
            (method, "/cds-services", {"headers": {"origin": ORIGIN, "access-control-request-method": "GET"}})
            for method in ("GET", "OPTIONS")
        ]
    )
    assert not any(name.startswith("access-control-allow-origin") for each in answers for name in each.headers)


# --- silence ------------------------------------------------------------------------------------------------------------

MARKS = ("Walker", "C-1067", PATIENT, "secret-access-token", "the patient insists", "bearer-mark")


def test_nothing_of_a_patient_reaches_a_log(server: Server, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    caplog.set_level(logging.DEBUG)
    granted = {"access_token": "secret-access-token", "token_type": "Bearer", "expires_in": 1, "scope": "x", "subject": "y"}
    sent = {"authorization": "Bearer bearer-mark"}
    calls = [
        call_document() | {"fhirAuthorization": granted},
        call_document(prefetch={}) | {"fhirAuthorization": granted},
        call_document() | {"hookInstance": PATIENT, "fhirAuthorization": granted},
        {"hook": PATIENT, "Walker": "C-1067"},
        call_document(prefetch=UNWARRANTED | {"conditions": OLD}),
    ]
    for document in calls:
        answer = server.post(VIEW, document, headers=sent)
        if answer.status_code != 200:
            assert not [mark for mark in MARKS if mark in answer.text]
    server.post(f"{VIEW}/feedback", {"feedback": [given(overrideReason=REASON)]}, headers=sent)
    server.post(f"{VIEW}/feedback", {"feedback": [given(card=PATIENT)]}, headers=sent)
    logged = "\n".join(
        record.getMessage() for record in caplog.records if record.name.partition(".")[0] not in ("httpx", "asyncio")
    ) + "".join(capfd.readouterr())
    assert not [mark for mark in MARKS if mark in logged]


def test_proofs_of_a_card_name_no_patient_in_their_address(server: Server) -> None:
    for card in server.post(VIEW, call_document()).json()["cards"]:
        assert not [mark for mark in MARKS if any(mark in link["url"] for link in card["links"])]
