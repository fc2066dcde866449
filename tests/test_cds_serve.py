"""The running server: cards from its workers, a worker or the server killed, feedback that survives, callers from afar, silence."""

from __future__ import annotations

import json
import os
import signal
import time
import uuid
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path

import jwt
import pytest
from cds_documents import PATIENT, bytes_of, call_document
from conftest import Figure
from servers import AS_OF, Reply, Server, full_disk, is_alive, running, until
from test_cds_server import CARD, HOSTILE, VIEW, given
from test_cds_tokens import EC_KEY, ISSUER, KEYS, PUBLIC

JSON = {"content-type": "application/json"}
HOST = PUBLIC.removeprefix("https://")
READY = 30.0


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running("--as-of", AS_OF) as found:
        yield found


def post(server: Server, path: str, document: object, **headers: str) -> Reply:
    return server.ask("POST", path, document if isinstance(document, bytes) else bytes_of(document), JSON | headers)


def test_cards_come_from_a_worker_with_a_proof(server: Server) -> None:
    before = server.workers()
    reply = post(server, VIEW, call_document())
    assert reply.status == 200
    assert server.workers() > before
    for card in reply.document["cards"]:
        for link in card["links"]:
            address = link["url"].partition(f":{server.port}")[2]
            assert address.startswith("/api/")
            assert server.ask("GET", address).status == 200
    assert server.ask("GET", "/api/openapi.json").document["openapi"]
    assert server.query("ASK {}").status == 200
    assert b"/cds-services" in server.ask("GET", "/").body


def test_hostile_bodies_hurt_no_worker(server: Server) -> None:
    post(server, VIEW, call_document())
    workers = server.workers()
    for body in HOSTILE.values():
        assert post(server, VIEW, body).status in (400, 413)
    assert post(server, "/api/assess", b"(" * 1_000_000, **{"content-type": "text/turtle"}).status == 413
    assert server.ask("GET", "/cds-services", headers={"authorization": "Bearer " + "x" * 30_000}).status in (200, 400, 431)
    assert post(server, VIEW, call_document()).status == 200
    assert server.workers() == workers


def test_a_killed_worker_costs_its_own_call_alone(server: Server) -> None:
    sparql = server.workers()
    post(server, VIEW, call_document())
    for worker in server.workers() - sparql or server.workers():
        os.kill(worker, signal.SIGKILL)
    statuses: list[int] = []
    assert until(lambda: statuses.append(post(server, VIEW, call_document()).status) or statuses[-1] == 200, READY)
    assert set(statuses) <= {200, 503}


def test_another_name_of_the_server_is_not_answered(server: Server) -> None:
    assert server.ask("GET", "/cds-services", headers={"host": "evil.example"}).status == 421


# --- feedback -----------------------------------------------------------------------------------------------------------


def with_feedback(folder: Path, *, clients: bool = False) -> Path:
    path = folder / "access.toml"
    lines = ['feedback = "feedback.sqlite"']
    if clients:
        (folder / "keys.json").write_text(json.dumps({"keys": KEYS}))
        lines = [f'public = "{PUBLIC}"', *lines, "[[client]]", f'issuer = "{ISSUER}"', 'keys = "keys.json"']
    path.write_text("\n".join(lines))
    return path


def kept(server: Server) -> list[str]:
    """Return the comments of all feedback, page by page."""
    found: list[str] = []
    after = 0
    while rows := server.ask("GET", f"/api/feedback?after={after}").document["feedback"]:
        found += [each["comment"] for each in rows]
        after = rows[-1]["number"]
    return found


def send_until_killed(server: Server, start: int, patience: float) -> int:
    """Send feedback one by one until the server, killed meanwhile, answers no more; return how many were acknowledged."""
    pid, count, end = server.process.pid, 0, time.monotonic() + patience
    workers = server.workers()
    while True:
        if time.monotonic() > end and is_alive(pid):
            os.kill(pid, signal.SIGKILL)
        comment = {"overrideReason": {"userComment": str(start + count)}}
        try:
            assert post(server, f"{VIEW}/feedback", {"feedback": [given(**comment)]}).status == 200
        except (OSError, HTTPException):
            assert until(lambda: not any(map(is_alive, workers)))
            return count
        count += 1


def kill_again_and_again(folder: Path, times: int, patience: float) -> tuple[int, int]:
    """Return how many acknowledgements were given, and how many of them are missing after all."""
    access, acknowledged = with_feedback(folder), 0
    for _ in range(times):
        with running("--as-of", AS_OF, "--access", str(access)) as server:
            found = kept(server)
            assert found[:acknowledged] == [str(each) for each in range(acknowledged)]
            assert len(found) - acknowledged in (0, 1)
            acknowledged = len(found)
            acknowledged += send_until_killed(server, acknowledged, patience)
    with running("--as-of", AS_OF, "--access", str(access)) as server:
        found = kept(server)
    return acknowledged, acknowledged - len(set(found) & {str(each) for each in range(acknowledged)})


def test_acknowledged_feedback_survives_a_kill(tmp_path: Path) -> None:
    acknowledged, missing = kill_again_and_again(tmp_path, 1, 0.3)
    assert acknowledged > 0
    assert missing == 0


def test_a_full_disk_costs_feedback_alone_and_no_longer_than_it_is_full(tmp_path: Path) -> None:
    def send(server: Server, text: str) -> int:
        return post(server, f"{VIEW}/feedback", {"feedback": [given(overrideReason={"userComment": text})]}).status

    with running("--as-of", AS_OF, "--access", str(with_feedback(tmp_path))) as server:
        assert send(server, "before") == 200
        with full_disk(server):
            assert send(server, "lost") == 507
            assert kept(server) == ["before"]
        assert send(server, "after") == 200
        assert kept(server) == ["before", "after"]


@pytest.mark.release
def test_acknowledged_feedback_survives_many_kills(tmp_path: Path, figure: Figure) -> None:
    acknowledged, missing = kill_again_and_again(tmp_path, 50, 0.2)
    figure("kills of the server", 50)
    figure("feedback acknowledged", acknowledged)
    figure("acknowledged and lost", missing)
    assert missing == 0


# --- callers from afar ----------------------------------------------------------------------------------------------------


def signed(path: str) -> dict[str, str]:
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": f"{PUBLIC}{path}", "iat": now, "exp": now + 60, "jti": str(uuid.uuid4())}
    return {"host": HOST, "authorization": f"Bearer {jwt.encode(claims, EC_KEY, 'ES384', headers={'kid': 'ec'})}"}


def test_listed_callers_are_answered_and_others_not_and_nothing_is_said(tmp_path: Path) -> None:
    said = tmp_path / "stderr"
    with running("--as-of", AS_OF, "--access", str(with_feedback(tmp_path, clients=True)), errors=said) as server:
        assert server.ask("GET", "/cds-services").status == 401
        assert server.ask("GET", "/cds-services", headers={"host": HOST}).status == 401
        sent = signed("/cds-services")
        assert [server.ask("GET", "/cds-services", headers=sent).status for _ in range(2)] == [200, 401]
        reply = post(server, VIEW, call_document(), **signed(VIEW))
        assert reply.status == 200
        proof = reply.document["cards"][0]["links"][1]["url"]
        assert proof.startswith(f"{PUBLIC}/api/proofs/")
        assert server.ask("GET", proof.removeprefix(PUBLIC)).status == 200
        assert post(server, f"{VIEW}/feedback", {"feedback": [given()]}, **signed(f"{VIEW}/feedback")).status == 200
        found = server.ask("GET", "/api/feedback", headers=signed("/api/feedback")).document["feedback"]
        assert [(each["card"], each["client"]) for each in found] == [(CARD, ISSUER)]
        for document in (call_document(), call_document(prefetch={}), {"hook": PATIENT}, []):
            assert post(server, VIEW, document, **signed(VIEW)).status in (200, 400, 412)
            assert post(server, VIEW, document, host=HOST, authorization="Bearer bearer-mark").status == 401
    text = said.read_text()
    assert text.startswith("legcramps: serving ")
    assert text.count("\n") == 1
    assert not [mark for mark in (PATIENT, "Walker", "C-1067", "bearer-mark", ISSUER) if mark in text]
