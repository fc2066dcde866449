"""Remote stores: whatever a store does, the answer is whole or an error of one family, in time, and secrets stay at home."""

from __future__ import annotations

import gzip
import json
import re
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from remote_stores import JSON_TYPE, Asked, Behaviour, fake_store, free_port, number, oxigraph_store, rows, send, table_of

from reasoner.cli import main
from reasoner.errors import (
    DeadlineError,
    LegcrampsError,
    OversizeError,
    RedirectError,
    RefusalError,
    RemoteError,
    ShortAnswerError,
    UnfitAnswerError,
    UnreachableError,
    UsageError,
)
from reasoner.query_results import Cell, QueryResult
from reasoner.remote.access import Access, Credentials, read_credentials
from reasoner.remote.store import RemoteStore
from reasoner.remote.transport import Budget
from reasoner.remote.whole import query_store

QUERY = "SELECT ?n WHERE { ?s ?p ?n }"
ONE = [[{"type": "literal", "value": "1"}]]
GOOD = rows(ONE, "n")
SECRET = Credentials("anna", "s3cret-word")
BEARER = Credentials(token="s3cret-word")  # noqa: S106 - none
NOBODY = Credentials()
PATIENCE = 20.0
"""Seconds after which a store that hangs gives a good answer after all: a client without a deadline would take it."""


def store(url: str, seconds: float = 15, max_bytes: int = 2**20, credentials: Credentials = NOBODY) -> RemoteStore:
    return RemoteStore(Access(url, credentials=credentials), Budget(seconds, max_bytes))


# --- what a store may do instead of answering ----------------------------------------------------------------------------


def reset(_: Asked, connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def hang(asked: Asked, connection: socket.socket) -> None:
    time.sleep(PATIENCE)
    send(GOOD)(asked, connection)


def drip(text: bytes) -> Behaviour:
    def behave(_: Asked, connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        for index in range(len(text)):
            connection.sendall(text[index : index + 1])
            time.sleep(PATIENCE / len(text))

    return behave


def drip_body(asked: Asked, connection: socket.socket) -> None:
    connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Type: {JSON_TYPE}\r\nContent-Length: {len(GOOD)}\r\n\r\n".encode())
    for letter in GOOD:
        connection.sendall(letter.encode())
        time.sleep(PATIENCE / len(GOOD))


def stream(head: str, piece: bytes, times: int) -> Behaviour:
    def behave(_: Asked, connection: socket.socket) -> None:
        connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Type: {JSON_TYPE}\r\n{head}\r\n".encode())
        for _ in range(times):
            connection.sendall(piece)

    return behave


def chunks_without_end(asked: Asked, connection: socket.socket) -> None:
    connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Type: {JSON_TYPE}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
    connection.sendall(f"{len(GOOD):x}\r\n{GOOD}\r\n".encode())


def redirect(status: str, target: str) -> Behaviour:
    return send("", "", status, f"Location: {target}")


def term(value: Any) -> str:
    return json.dumps({"head": {"vars": ["n"]}, "results": {"bindings": [{"n": value}]}})


PACKED = "Content-Encoding: gzip"
FAULTS: dict[str, tuple[Behaviour, type[RemoteError]]] = {
    "reset": (reset, UnreachableError),
    "closed": (lambda _, connection: connection.close(), UnreachableError),
    "hang": (hang, DeadlineError),
    "drip-feed of headers": (drip(f"Content-Type: {JSON_TYPE}\r\nContent-Length: {len(GOOD)}\r\n\r\n{GOOD}".encode()), DeadlineError),
    "drip-feed of the body": (drip_body, DeadlineError),
    "no HTTP": (lambda _, connection: connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n"), UnfitAnswerError),
    "HTML with 200": (send("<html><form>log in</form></html>", "text/html"), UnfitAnswerError),
    "JSON of no type": (send(GOOD, ""), UnfitAnswerError),
    "wrong type": (send(GOOD, "text/plain"), UnfitAnswerError),
    "XML": (send("<sparql/>", "application/sparql-results+xml"), UnfitAnswerError),
    "truncated JSON": (send(GOOD[:-9]), UnfitAnswerError),
    "truncated body": (send(GOOD[:-9], length=len(GOOD)), UnfitAnswerError),
    "whole JSON in a truncated body": (send(GOOD, length=len(GOOD) + 9), UnfitAnswerError),
    "chunks without end": (chunks_without_end, UnfitAnswerError),
    "array": (send("[]"), UnfitAnswerError),
    "empty": (send(""), UnfitAnswerError),
    "no rows": (send('{"head": {"vars": ["n"]}}'), UnfitAnswerError),
    "no head": (send('{"results": {"bindings": []}}'), UnfitAnswerError),
    "another variable": (send(rows(ONE, "m")), UnfitAnswerError),
    "unsaid variable": (
        send('{"head": {"vars": ["n"]}, "results": {"bindings": [{"m": {"type": "literal", "value": ""}}]}}'),
        UnfitAnswerError,
    ),
    "row that is a list": (send('{"head": {"vars": ["n"]}, "results": {"bindings": [[]]}}'), UnfitAnswerError),
    "answer to ASK": (send('{"head": {}, "boolean": true}'), UnfitAnswerError),
    "unknown kind of term": (send(term({"type": "triple", "value": "x"})), UnfitAnswerError),
    "term that is a text": (send(term("1")), UnfitAnswerError),
    "value that is a number": (send(term({"type": "literal", "value": 1})), UnfitAnswerError),
    "malformed IRI": (send(term({"type": "uri", "value": "no iri"})), UnfitAnswerError),
    "malformed datatype": (send(term({"type": "literal", "value": "1", "datatype": "x y"})), UnfitAnswerError),
    "malformed language": (send(term({"type": "literal", "value": "1", "xml:lang": "e n"})), UnfitAnswerError),
    "deep nesting": (send("[" * 100_000), UnfitAnswerError),
    "deep nesting in a result": (
        send(term({"type": "literal", "value": "x"})[:-1] + ', "x": ' + "[" * 5000 + "]" * 5000 + "}"),
        UnfitAnswerError,
    ),
    "charset that is named": (send(GOOD.encode("utf-16"), f"{JSON_TYPE}; charset=utf-16"), UnfitAnswerError),
    "charset that is another": (send(GOOD, f"{JSON_TYPE}; charset=iso-8859-1"), UnfitAnswerError),
    "charset that is not": (send(term({"type": "literal", "value": "é"}).encode().replace(b"\\u00e9", b"\xe9")), UnfitAnswerError),
    "204": (send("", "", "204 No Content"), UnfitAnswerError),
    "301 loop": (redirect("301 Moved Permanently", "/sparql"), RedirectError),
    "303 loses the question": (redirect("303 See Other", "/result"), RefusalError),
    "302 to nowhere": (send("", "", "302 Found"), RedirectError),
    "302 to a file": (redirect("302 Found", "file:///etc/passwd"), RedirectError),
    "400": (send("bad query", "text/plain", "400 Bad Request"), RefusalError),
    "401": (send("", "text/plain", "401 Unauthorized", 'WWW-Authenticate: Basic realm="x"'), RefusalError),
    "401 of an odd scheme": (send("", "text/plain", "401 Unauthorized", "WWW-Authenticate: Negotiate"), RefusalError),
    "403": (send("", "text/plain", "403 Forbidden"), RefusalError),
    "404": (send(GOOD, JSON_TYPE, "404 Not Found"), RefusalError),
    "429": (send("", "text/plain", "429 Too Many Requests", "Retry-After: 7"), RefusalError),
    "500": (send(GOOD, JSON_TYPE, "500 Internal Server Error"), RefusalError),
    "503": (send("", "text/plain", "503 Service Unavailable"), RefusalError),
    "200 MB that are declared": (stream("Content-Length: 200000000\r\n", b" " * 2**20, 190), OversizeError),
    "200 MB that are not": (stream("", b" " * 2**20, 190), OversizeError),
    "gzip bomb": (send(gzip.compress(b" " * 2**26, 1), JSON_TYPE, "200 OK", PACKED), OversizeError),
    "gzip that is none": (send(GOOD, JSON_TYPE, "200 OK", PACKED), UnfitAnswerError),
    "gzip cut off": (send(gzip.compress(GOOD.encode())[:-6], JSON_TYPE, "200 OK", PACKED), UnfitAnswerError),
    "unknown packing": (send(GOOD, JSON_TYPE, "200 OK", "Content-Encoding: br"), UnfitAnswerError),
    "fewer rows than counted": (table_of(ONE, "n", counted=3), ShortAnswerError),
    "more rows than counted": (table_of(ONE * 3, "n", counted=2), ShortAnswerError),
    "count that is none": (table_of([*ONE], "n", counted=-1), UnfitAnswerError),
    "pages that end": (table_of(ONE * 4, "n", cut=3, counted=9), ShortAnswerError),
}


def test_the_list_of_faults_does_not_shrink() -> None:
    assert len(FAULTS) >= 54


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_an_error_of_the_one_family(name: str) -> None:
    behave, kind = FAULTS[name]
    with fake_store(behave) as fake:
        with pytest.raises(RemoteError) as caught:
            query_store(store(fake.url, 0.6 if kind is DeadlineError else 15, credentials=SECRET), QUERY)
        assert type(caught.value) is kind, str(caught.value)
        assert caught.value.exit_code == 3
        assert fake.url in caught.value.where
        late = kind is ShortAnswerError or name.startswith("count")
        assert late or not any("COUNT" in asked.query for asked in fake.asked), "the first answer was taken"
        assert SECRET.password not in str(caught.value)


def test_a_store_that_is_not_there_is_an_error_of_the_family() -> None:
    with pytest.raises(UnreachableError):
        query_store(store(f"http://127.0.0.1:{free_port()}/sparql"), QUERY)
    with pytest.raises(UnreachableError):
        query_store(store("http://nowhere.invalid/sparql"), QUERY)
    with fake_store(send(GOOD)) as plain, pytest.raises(DeadlineError):  # it waits for a line that TLS does not send
        query_store(store(plain.url.replace("http:", "https:"), 0.6), QUERY)


def test_the_command_ends_with_three_and_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with fake_store(table_of(ONE * 4, "n", cut=3, counted=9)) as fake:
        assert main(["query", QUERY, "--endpoint", fake.url]) == 3
    printed = capsys.readouterr()
    assert printed.out == ""
    assert re.search(r"9 are counted.*\[LC-1417\]$", printed.err.strip())


# --- what a store may do and still be understood -------------------------------------------------------------------------


def test_odd_but_honest_answers_are_understood() -> None:
    old = {"type": "typed-literal", "value": "2.50", "datatype": "http://www.w3.org/2001/XMLSchema#decimal"}
    with fake_store(table_of([[old]], "n")) as fake:
        assert query_store(store(fake.url), QUERY).rows == ((Cell("literal", "2.5", old["datatype"]),),)
    packed = send(gzip.compress(rows([[number(1)]], "legcrampsCount").encode()), f"{JSON_TYPE};charset=UTF-8", "200 OK", PACKED)
    with fake_store(packed) as fake:
        assert query_store(store(fake.url), "SELECT ?legcrampsCount { }").rows[0][0] is not None
    with fake_store(send('{"head": {"link": []}, "boolean": false}', "application/json")) as fake:
        assert query_store(store(fake.url), "ASK { }") == QueryResult((), (), False)


def test_a_redirect_within_the_origin_keeps_the_question() -> None:
    def behave(asked: Asked, connection: socket.socket) -> None:
        (redirect("301 Moved Permanently", "/moved") if asked.path == "/sparql" else table_of(ONE, "n"))(asked, connection)

    with fake_store(behave) as fake:
        assert len(query_store(store(fake.url), QUERY).rows) == 1
    assert {(asked.method, bool(asked.query)) for asked in fake.asked} == {("POST", True)}


def test_a_question_stands_in_no_address() -> None:
    with fake_store(table_of(ONE, "n")) as fake:
        query_store(store(fake.url), QUERY)
    assert {asked.path for asked in fake.asked} == {"/sparql"}


@pytest.mark.parametrize(("ordered", "own"), [("", ""), ("ORDER BY DESC(?n)", ""), ("", "LIMIT 9 OFFSET 2"), ("", "OFFSET 2")])
def test_a_silent_cut_is_healed_by_pages(ordered: str, own: str) -> None:
    values = [[{"type": "literal", "value": str(index)}] for index in range(11)]
    offset = 2 if own else 0
    count = 9 if own else 11

    def behave(asked: Asked, connection: socket.socket) -> None:
        table_of(values, "n", cut=4, counted=count)(asked, connection)

    with fake_store(behave) as fake:
        found = query_store(store(fake.url), f"# LIMIT 1 ORDER BY\nSELECT ?n WHERE {{ ?s ?p ?n . # LIMIT 1\n}} {ordered} {own}")
    assert [row[0].text for row in found.rows if row[0]] == [str(index) for index in range(offset, offset + count)]
    pages = [asked.query for asked in fake.asked][2:]
    assert all(re.search(r"ORDER BY (DESC\(\?n\) +)?\?n\s+LIMIT", page) for page in pages)


def test_pages_that_shift_are_found_out() -> None:
    seen = 0

    def behave(asked: Asked, connection: socket.socket) -> None:
        nonlocal seen
        seen += "LIMIT" in asked.query
        values = [[{"type": "literal", "value": str(index + seen)}] for index in range(11)]
        table_of(values, "n", cut=4)(asked, connection)

    with fake_store(behave) as fake, pytest.raises(ShortAnswerError):
        query_store(store(fake.url), QUERY)


def test_blank_nodes_of_two_pages_are_not_taken_for_one() -> None:
    values = [[{"type": "bnode", "value": f"b{index % 3}"}] for index in range(11)]
    with fake_store(table_of(values, "n", cut=4)) as fake, pytest.raises(ShortAnswerError, match="blank nodes"):
        query_store(store(fake.url), QUERY)
    with fake_store(table_of([[{"type": "bnode", "value": name}] for name in ("nodeID://b1", "r0", "nodeID://b1")], "n")) as fake:
        one, two, three = (row[0] for row in query_store(store(fake.url), QUERY).rows)
    assert one == three != two


# --- secrets -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"])
@pytest.mark.parametrize("credentials", [SECRET, BEARER, NOBODY])
def test_nothing_goes_to_another_origin(status: str, credentials: Credentials) -> None:
    with fake_store(send(GOOD)) as canary:

        def behave(asked: Asked, connection: socket.socket) -> None:
            known = not credentials.user or "authorization" in asked.headers
            challenge = send("", "", "401 Unauthorized", 'WWW-Authenticate: Basic realm="r"')
            (redirect(status, canary.url) if known else challenge)(asked, connection)

        with fake_store(behave) as fake, pytest.raises(RedirectError, match="another origin"):
            query_store(store(fake.url, credentials=credentials), QUERY)
    assert canary.asked == []
    assert len(fake.asked) == (2 if credentials.user else 1)


def test_no_credentials_are_sent_before_they_are_asked_for() -> None:
    with fake_store(table_of(ONE, "n")) as fake:
        query_store(store(fake.url, credentials=SECRET), QUERY)
    assert not any("authorization" in asked.headers for asked in fake.asked)


def test_a_digest_that_went_stale_is_renewed_and_a_wrong_one_is_not_repeated_for_ever() -> None:
    def challenge(nonce: int, *more: str) -> Behaviour:
        return send(
            "", "", "401 Unauthorized", f'WWW-Authenticate: Digest realm="r", nonce="n{nonce}", qop="auth", algorithm=MD5{"".join(more)}'
        )

    def behave(asked: Asked, connection: socket.socket) -> None:
        fresh = 'nonce="n2"' in asked.headers.get("authorization", "")
        stale = 'nonce="n1"' in asked.headers.get("authorization", "")
        (table_of(ONE, "n") if fresh else challenge(2, ", stale=true") if stale else challenge(1))(asked, connection)

    with fake_store(behave) as fake:
        assert len(query_store(store(fake.url, credentials=SECRET), QUERY).rows) == 1
    assert SECRET.password not in str([asked.headers for asked in fake.asked])
    with fake_store(lambda asked, connection: challenge(len(fake.asked))(asked, connection)) as fake:
        with pytest.raises(RefusalError) as caught:
            query_store(store(fake.url, credentials=SECRET), QUERY)
        assert len(fake.asked) <= 8
        assert SECRET.password not in str(caught.value)


def test_secrets_do_not_travel_in_the_clear() -> None:
    with pytest.raises(UsageError, match="in the clear"):
        Access("http://store.example.org/sparql", credentials=BEARER)
    assert not Access("http://store.example.org/sparql", credentials=SECRET).is_private
    assert Access("https://store.example.org/sparql", credentials=BEARER).is_private
    assert Access("http://[::1]:7878/query", credentials=BEARER).is_private
    assert "s3cret" not in repr(store("http://localhost/", credentials=SECRET))


@pytest.mark.parametrize(
    "url",
    [
        "store",
        "ftp://h/",
        "file:///etc/passwd",
        "http://",
        "http://h/#x",
        "http://h:0/",
        "http://h:99999/",
        "http://h/a b",
        "http://h/\n",
        "http://[::1/",
        "http://anna:s3cret-word@h/",
        "http://anna@h/",
        f"http://h/{'x' * 3000}",
    ],
)
def test_addresses_that_are_none_are_refused(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        Access(url)
    assert "s3cret" not in str(caught.value)
    with pytest.raises(UsageError):
        Access("http://h/sparql", url)


def test_updates_go_to_the_same_origin() -> None:
    assert Access("http://h:80/query", "http://h/update").update_url
    for other in ("https://h/update", "http://h:81/update", "http://g/update"):
        with pytest.raises(UsageError, match="two origins"):
            Access("http://h/query", other)


def test_credentials_come_from_the_environment_or_a_private_file(tmp_path: Path) -> None:
    url = "https://store.example.org/sparql"
    assert read_credentials(None, url, {}) == Credentials()
    assert read_credentials(None, url, {"LEGCRAMPS_REMOTE_USER": "anna", "LEGCRAMPS_REMOTE_PASSWORD": "s3cret-word"}) == SECRET
    file = tmp_path / "store.toml"
    file.write_text('user = "anna"\npassword = "s3cret-word"\norigin = "https://store.example.org"\n', encoding="utf-8")
    file.chmod(0o600)
    assert read_credentials(file, url, {}) == SECRET
    with pytest.raises(UsageError, match="another origin"):
        read_credentials(file, "https://other.example.org/sparql", {})
    for mode, text in ((0o644, ""), (0o600, "s3cret-word"), (0o600, 'user = "anna"'), (0o600, 'pass = "x"'), (0o600, 'token = "a\\nb"')):
        file.write_text(text, encoding="utf-8")
        file.chmod(mode)
        with pytest.raises(LegcrampsError) as caught:
            read_credentials(file, url, {})
        assert "s3cret" not in str(caught.value)
    with pytest.raises(LegcrampsError):
        read_credentials(tmp_path / "missing.toml", url, {})


# --- a real store --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def oxigraph() -> Iterator[str]:
    with oxigraph_store() as url:
        yield url


def test_a_real_store_is_asked_by_the_command(oxigraph: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = 'SELECT ?a ?b WHERE { VALUES ?a { 1 2.50 "x"@EN <urn:x> } OPTIONAL { BIND (3 AS ?b) } } ORDER BY ?a LIMIT 3 OFFSET 1'
    assert main(["query", text, "--endpoint", f"{oxigraph}/query", "--format", "csv"]) == 0
    assert capsys.readouterr().out.split() == ["a,b", "1,3", "2.5,3", "x,3"]


def test_what_reaches_outside_is_refused_before_it_is_sent() -> None:
    with fake_store(send(GOOD)) as fake:
        for text in (
            "SELECT * { SERVICE <http://h/> { ?s ?p ?o } }",
            "SELECT * FROM <http://h/> { ?s ?p ?o }",
            "DROP ALL",
            "CONSTRUCT WHERE { ?s ?p ?o }",
        ):
            with pytest.raises(LegcrampsError) as caught:
                query_store(store(fake.url), text)
            assert caught.value.exit_code == 2
    assert fake.asked == []


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("SELECT * { ?s ?p ?o }", None),
        ("SELECT DISTINCT ?b $a WHERE { ?a ?p ?b }", ("b", "a")),
        (
            "PREFIX as: <urn:as> SELECT (COUNT(?x) AS ?n) ?g (CONCAT('AS ?z', STR(?y)) as $m) { ?x as:p ?y , ?g } GROUP BY ?g ?y",
            ("n", "g", "m"),
        ),
    ],
)
def test_an_answer_must_have_the_columns_of_the_query(text: str, columns: tuple[str, ...] | None) -> None:
    def behave(asked: Asked, connection: socket.socket) -> None:
        names = ["legcrampsCount"] if "COUNT(*)" in asked.query else sorted(columns or ("o", "s", "p"), reverse=True)
        send(rows([[number(1)] * len(names)], *names))(asked, connection)

    with fake_store(behave) as fake:
        assert query_store(store(fake.url), text).variables == (columns or ("s", "p", "o"))
    with fake_store(send(rows([[number(1)]], "other"))) as fake, pytest.raises(UnfitAnswerError):
        query_store(store(fake.url), text)


@pytest.mark.parametrize(
    "words",
    [
        ["query", QUERY, "--graph", "urn:g"],
        ["query", QUERY, "x.ttl", "--endpoint", "http://127.0.0.1:9/"],
        ["query", QUERY, "--cohort", "x", "--endpoint", "http://127.0.0.1:9/"],
        ["query", QUERY, "--as-of", "2026-11-20", "--endpoint", "http://127.0.0.1:9/"],
        ["assess", "x.ttl", "--graph", "urn:g"],
        ["assess", "x.ttl", "--case", "urn:c"],
        ["assess", "--mapping", "x", "--from-endpoint", "http://127.0.0.1:9/"],
        ["assess"],
        ["publish", "--endpoint", "http://anna:s3cret-word@h/"],
    ],
    ids=" ".join,
)
def test_arguments_that_would_be_idle_are_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert "s3cret" not in capsys.readouterr().err
