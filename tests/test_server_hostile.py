"""Hostile requests reach nothing, read nothing, and hurt nobody else: each ends in a refusal, and the next request is answered."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from servers import Server, canary, running, until
from test_queries import HARMLESS, HOSTILE

ROOT = Path(__file__).parent.parent
RECORD = str(ROOT / "docs" / "examples" / "patient.ttl")
DEADLINE = 2
SECRET = "canary-7f3a"  # noqa: S105
RUNAWAY = {
    "cross product": "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }",
    "paths": "SELECT (COUNT(*) AS ?n) { ?a (<urn:x>|!<urn:y>)* ?b . ?c (<urn:x>|!<urn:y>)* ?d }",
    "order by everything": "SELECT * { ?a ?b ?c . ?d ?e ?f } ORDER BY ?a ?f ?c ?d",
    "group concat": "SELECT (GROUP_CONCAT(CONCAT(STR(?a), STR(?d))) AS ?x) { ?a ?b ?c . ?d ?e ?f }",
    "regex": "SELECT * { ?a ?b ?c . ?d ?e ?f FILTER REGEX(CONCAT(STR(?c), STR(?f)), '^(a+)+$') }",
    "endless rows": "SELECT * { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }",
}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running(RECORD, "--as-of", "2026-11-20", "--deadline", str(DEADLINE), "--workers", "2") as found:
        yield found


@pytest.fixture(autouse=True)
def still_answers(server: Server) -> Iterator[None]:
    yield
    assert until(lambda: server.query("ASK { ?s ?p ?o }").status == 200)


# --- reaching out -------------------------------------------------------------------------------------------------------

ADDRESSES = {"name": "localhost", "decimal": "2130706433", "IPv6": "[::ffff:127.0.0.1]"}


@pytest.mark.parametrize("disguise", HOSTILE)
def test_a_query_reaches_nobody(server: Server, disguise: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret.ttl"
    secret.write_text(f"<urn:a> <urn:b> '{SECRET}' .\n", encoding="utf-8")
    with canary() as (address, calls):
        text = HOSTILE[disguise].replace("127.0.0.1:9", address).replace("file:///etc/passwd", secret.as_uri())
        for reply in (server.query(text), server.post(text)):
            assert reply.status == (400 if disguise == "escaped escape" else 403)
            assert reply.document["code"].startswith("LC-1")
            assert SECRET.encode() not in reply.body
    assert calls == []


@pytest.mark.parametrize("form", ADDRESSES)
def test_no_form_of_an_address_is_reached(server: Server, form: str) -> None:
    with canary() as (address, calls):
        url = f"http://{ADDRESSES[form]}:{address.rpartition(':')[2]}/"
        assert server.query(f"SELECT * {{ SERVICE <{url}> {{ ?s ?p ?o }} }}").status == 403
        assert server.query(f"ASK FROM <{url}> {{ ?s ?p ?o }}").status == 403
        assert server.query(f"ASK FROM NAMED <{url}> {{ GRAPH ?g {{ ?s ?p ?o }} }}").status == 403
        reply = server.query("ASK { ?s ?p ?o }", **{"default-graph-uri": url, "named-graph-uri": url})
        assert reply.document["boolean"] is False
    assert calls == []


@pytest.mark.parametrize("scheme", ["file", "data", "relative"])
def test_no_graph_is_fetched(server: Server, scheme: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret.ttl"
    secret.write_text(f"<urn:a> <urn:b> '{SECRET}' .\n", encoding="utf-8")
    url = {"file": secret.as_uri(), "data": f"data:text/turtle,<urn:a><urn:b>'{SECRET}'."}.get(scheme, "secret.ttl")
    for clause in ("FROM", "FROM NAMED"):
        reply = server.query(f"SELECT * {clause} <{url}> {{ ?s ?p ?o }}")
        assert reply.status in (400, 403)
        assert SECRET.encode() not in reply.body
    reply = server.query("SELECT * { ?s ?p ?o }", **{"default-graph-uri": url})
    assert SECRET.encode() not in reply.body
    assert reply.status == 400 or reply.rows == []


@pytest.mark.parametrize("text", HARMLESS)
def test_the_word_alone_is_harmless(server: Server, text: str) -> None:
    assert server.query(text).status == 200


# --- exhausting ---------------------------------------------------------------------------------------------------------


QUICK = ("cross product", "endless rows")


@pytest.mark.parametrize("kind", [kind if kind in QUICK else pytest.param(kind, marks=pytest.mark.release) for kind in RUNAWAY])
def test_a_runaway_query_is_stopped_while_others_are_answered(server: Server, kind: str) -> None:
    begun = time.monotonic()
    found = {}

    def run() -> None:
        found["reply"] = server.post(RUNAWAY[kind])

    thread = threading.Thread(target=run)
    thread.start()
    others = 0
    while thread.is_alive():
        assert server.query(f"ASK {{ <urn:{others}> ?p ?o }}").status == 200
        others += 1
        time.sleep(0.05)
    thread.join()
    reply = found["reply"]
    assert reply.status in (413, 503)
    assert reply.document["code"] in ("LC-1220", "LC-1400")
    assert time.monotonic() - begun < DEADLINE + 20
    assert others


def test_the_worker_of_a_stopped_query_is_gone(server: Server) -> None:
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(server.post(RUNAWAY["cross product"].replace("?n", "?stopped")).status))
    thread.start()
    before = server.workers()
    thread.join()
    assert found == [503]
    assert until(lambda: len(server.workers() & before) < len(before))


def test_a_client_that_hangs_up_stops_its_query(server: Server) -> None:
    before = server.workers()
    text = RUNAWAY["cross product"].replace("?n", "?left")
    with socket.create_connection(("127.0.0.1", server.port)) as link:
        link.sendall(f"GET /sparql?query={quote(text)} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        time.sleep(0.6)
    begun = time.monotonic()
    assert until(lambda: len(server.workers() & before) < len(before))
    assert time.monotonic() - begun < DEADLINE - 0.7


def test_a_worker_that_is_killed_costs_its_own_request_alone(server: Server) -> None:
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(server.post(RUNAWAY["cross product"].replace("?n", "?killed")).status))
    thread.start()
    time.sleep(1)
    for worker in server.workers():
        os.kill(worker, signal.SIGKILL)
    thread.join()
    assert found == [503]
    assert until(lambda: server.query("ASK { ?s ?p ?o }").status == 200)


@pytest.mark.parametrize("depth", [10, 30, 100, 1_000, 10_000, 100_000, 1_000_000])
def test_depth_is_no_weapon(server: Server, depth: int) -> None:
    for opened, closed in (("(", ")"), ("{", "}"), ("[ ?p ", "]"), ("!(", ")"), ("?a<(", ")")):
        inner = "1" if opened[-1] == "(" else "" if opened == "{" else "?o"
        nest = opened * depth + inner + closed * depth
        text = (
            f"SELECT * {{ FILTER({nest}) }}"
            if opened[-1] == "("
            else f"SELECT * {{ {nest} }}"
            if opened == "{"
            else f"SELECT * {{ ?s ?p {nest} }}"
        )
        assert server.post(text).status in (200, 400, 413)


def test_a_value_list_of_a_million_is_refused(server: Server) -> None:
    assert server.post("SELECT * { VALUES ?x { " + "1 " * 400_000 + "} }").status == 413
    assert server.post("SELECT * { VALUES ?x { " + "1 " * 1_000_000 + "} }").status == 413


@pytest.mark.parametrize(
    "text", ["<" * 16_000, '"' * 15_999, "\\" * 15_999, "a:" * 7_000, "'''" + "\\'" * 7_000, "#" * 16_000, "?" * 16_000, "<a" * 7_000]
)
def test_our_own_patterns_are_quick(server: Server, text: str) -> None:
    begun = time.monotonic()
    assert server.post(f"SELECT * {{ {text} }}").status in (400, 413, 503)
    assert time.monotonic() - begun < DEADLINE + 5


# --- requests that are no requests --------------------------------------------------------------------------------------


def said(server: Server, raw: bytes, *more: bytes) -> bytes:
    """Return what the server answers to bytes, as far as it answers."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as link:
        link.sendall(raw)
        for part in more:
            link.sendall(part)
        link.settimeout(1)
        found = b""
        try:
            while part := link.recv(65536):
                found += part
        except (TimeoutError, ConnectionError):
            pass
        return found


HEAD = b"POST /sparql HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/sparql-query\r\n"


def test_a_body_over_the_limit_is_refused_before_it_is_read(server: Server) -> None:
    assert b" 413 " in said(server, HEAD + b"Content-Length: 99999999999\r\n\r\n")[:20]
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    assert b" 413 " in said(server, HEAD + b"Transfer-Encoding: chunked\r\n\r\n", chunk * 17)[:20]


def test_ambiguous_and_malformed_requests_are_refused(server: Server) -> None:
    assert b" 200 " not in said(server, HEAD + b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\nASK {}")
    assert b" 200 " not in said(server, HEAD + b"Content-Length: 6\r\nContent-Length: 5\r\n\r\nASK {}")
    assert b" 400 " in said(server, b"\x00\xff\xfe\r\n\r\n")
    assert b" 200 " not in said(server, b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: 1\r\n" % n for n in range(10_000)))
    assert b" 200 OK" in said(server, b"GET /health HTTP/1.0\r\nHost: localhost\r\n\r\n")
    pipelined = said(server, b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n" * 3)
    assert pipelined.count(b" 200 OK") == 3


@pytest.mark.parametrize(
    "path", ["/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd", "/sparql/../../etc/passwd", "/%00", "/.git/config"]
)
def test_no_path_leads_to_a_file(server: Server, path: str) -> None:
    reply = server.ask("GET", path)
    assert reply.status == 404
    assert b"root:" not in reply.body


# --- browsers -----------------------------------------------------------------------------------------------------------


def test_no_other_origin_is_let_in(server: Server) -> None:
    for method in ("GET", "OPTIONS", "POST"):
        reply = server.ask(
            method,
            f"/sparql?{urlencode({'query': 'ASK {}'})}",
            headers={"origin": "https://evil.example", "access-control-request-method": "POST"},
        )
        assert not [name for name in reply.headers if name.startswith("access-control")]


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "localhost.", "127.0.0.1@evil.example"])
def test_the_server_answers_to_its_own_names_alone(server: Server, host: str) -> None:
    assert server.ask("GET", "/health", headers={"host": host}).status == 421


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "127.0.0.1", "[::1]:7878"])
def test_the_server_answers_to_its_own_names(server: Server, host: str) -> None:
    assert server.ask("GET", "/health", headers={"host": host}).status == 200


def test_nothing_that_is_asked_becomes_markup(server: Server) -> None:
    payload = "<script>alert(1)</script>"
    for target in (
        f"/sparql?query={quote(payload)}",
        f"/{quote(payload)}",
        f"/sparql?format={quote(payload)}",
        f"/sparql?{quote(payload)}=1",
    ):
        reply = server.ask("GET", target, headers={"accept": "text/html", "host": "127.0.0.1"})
        assert payload.encode() not in reply.body
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["content-security-policy"].startswith("default-src 'self'")
    answer = server.query(f"SELECT ('{payload}' AS ?{'script'}) {{}}", "application/sparql-results+xml")
    assert answer.headers["content-type"] == "application/sparql-results+xml"
    assert payload.encode() not in answer.body
