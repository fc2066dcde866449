"""The store on disk: updates by token alone, the protocol tests of the W3C, and nothing acknowledged is lost."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyoxigraph
import pytest
from knowledge_copies import copy_knowledge
from pyoxigraph import NamedNode
from servers import AS_OF, Server, canary, full_disk, running, until

from reasoner.errors import ForbiddenError, IncompleteError, LegcrampsError, UsageError
from reasoner.program.model import Program
from reasoner.query_text import screen_update
from reasoner.server.holdings import Inputs, keep
from reasoner.server.settings import Limits

ROOT = Path(__file__).parent.parent
RECORD = str(ROOT / "docs" / "examples" / "patient.ttl")
W3C = ROOT.parent / "shared" / "data" / "w3c-sparql11"
TOKEN = "test-token-0123456789"  # noqa: S105
BEARER = {"authorization": f"Bearer {TOKEN}"}
UPDATE = {"content-type": "application/sparql-update"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
TURTLE = {"content-type": "text/turtle"}


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("token") / "token"
    path.write_text(TOKEN + "\n", encoding="ascii")
    path.chmod(0o600)
    return str(path)


@pytest.fixture(scope="module")
def server(token: str) -> Iterator[Server]:
    """A throw-away server that takes updates."""
    with running(RECORD, "--as-of", AS_OF, "--update-token-file", token, "--workers", "2", "--deadline", "10") as found:
        yield found


def update(server: Server, text: str, **headers: str) -> int:
    return server.ask("POST", "/sparql", text.encode(), UPDATE | BEARER | headers).status


def holds(server: Server, text: str) -> bool:
    return bool(server.query(f"ASK {{ {text} }}").document["boolean"])


# --- updates ------------------------------------------------------------------------------------------------------------


def test_what_is_written_is_read_at_once(server: Server) -> None:
    for number in range(20):
        assert update(server, f"INSERT DATA {{ GRAPH <urn:once> {{ <urn:s> <urn:p> {number} }} }}") == 204
        assert holds(server, f"GRAPH <urn:once> {{ <urn:s> <urn:p> {number} }}")
    assert update(server, "DROP GRAPH <urn:once>") == 204
    assert not holds(server, "GRAPH <urn:once> { ?s ?p ?o }")


@pytest.mark.parametrize(
    "given", ["", "Bearer", "Bearer wrong-token-0123456789", "Basic dGVzdA==", f"Bearer {TOKEN}x", f"Bearer x{TOKEN}", "Bearer \xff"]
)
def test_nobody_changes_anything_without_the_token(server: Server, given: str) -> None:
    headers = {"authorization": given} if given else {}
    origin = {"origin": "https://evil.example"}
    answers = [
        server.ask("POST", "/sparql", b"CLEAR ALL", UPDATE | headers | origin),
        server.ask("POST", "/sparql", b"update=CLEAR+ALL", FORM | headers | origin),
        server.ask("PUT", "/store?graph=urn:x", b"<urn:a> <urn:b> 1 .", TURTLE | headers),
        server.ask("DELETE", "/store?default", None, headers),
    ]
    assert [answer.status for answer in answers] == [401] * 4
    assert len({answer.body for answer in answers}) == 1
    assert all(answer.headers["www-authenticate"].startswith("Bearer") for answer in answers)
    assert holds(server, "?s ?p ?o")


REACHING = [
    "LOAD <http://{address}/x>",
    "load silent <http://{address}/x> into graph <urn:x>",
    "INSERT {{ ?s ?p ?o }} WHERE {{ SERVICE <http://{address}/x> {{ ?s ?p ?o }} }}",
    "INSERT DATA {{ <urn:a> <urn:b> 1 }} ; \\u004COAD <http://{address}/x>",
    "DELETE {{ ?s ?p ?o }} WHERE {{ ?s ?p ?o FILTER EXISTS {{ service silent <http://{address}/x> {{ ?s ?p ?o }} }} }}",
    "LOAD <file:///etc/passwd>",
]


@pytest.mark.parametrize("text", REACHING)
def test_an_update_reaches_nobody(server: Server, text: str) -> None:
    with canary() as (address, calls):
        assert update(server, text.format(address=address)) == 403
    assert calls == []


def test_the_words_alone_are_harmless() -> None:
    text = "INSERT DATA { <urn:load> <urn:service> 'LOAD <x>', \"service\" }"
    assert screen_update(text) == text
    with pytest.raises(ForbiddenError):
        screen_update(text + " " * 70_000)


@pytest.mark.parametrize(
    ("text", "status"),
    [("INSERT DATA { <urn:a> }", 400), ("SELECT * { ?s ?p ?o }", 400), ("INSERT DATA { " + "(" * 100 + ")" * 100 + " }", 413)],
)
def test_a_bad_update_changes_nothing(server: Server, text: str, status: int) -> None:
    before = server.query("SELECT (COUNT(*) AS ?n) { ?s ?p ?o }").rows
    assert update(server, text) == status
    assert server.query("SELECT (COUNT(*) AS ?n) { ?s ?p ?o }").rows == before


def test_a_runaway_update_is_stopped_and_leaves_nothing(server: Server) -> None:
    text = "INSERT { GRAPH <urn:big> { ?a <urn:p> ?f } } WHERE { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"
    assert update(server, text) == 503
    assert update(server, "INSERT DATA { GRAPH <urn:after> { <urn:s> <urn:p> 1 } }") == 204
    assert holds(server, "GRAPH <urn:after> { ?s ?p ?o }")
    assert not holds(server, "GRAPH <urn:big> { ?s ?p ?o }")


@pytest.mark.parametrize("length", [0, 5])
def test_a_token_file_must_be_safe(tmp_path: Path, length: int) -> None:
    path = tmp_path / "token"
    path.write_text("x" * (length or 20), encoding="ascii")
    path.chmod(0o600 if length else 0o644)
    command = [sys.executable, "-m", "reasoner", "--knowledge", str(ROOT), "serve", "--port", "0", "--update-token-file", str(path)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (run.returncode, "token" in run.stderr) == (2, True)


def test_a_dataset_of_the_protocol_goes_into_every_operation() -> None:
    text = "DELETE { ?s ?p ?o } INSERT { ?s ?p 'WHERE {' } WHERE { ?s ?p ?o } ; INSERT DATA { <urn:a> <urn:b> 1 } ; INSERT { ?s ?p 1 } WHERE {}"
    found = screen_update(text, ["urn:g"], ["urn:n"])
    assert found.count("USING <urn:g> USING NAMED <urn:n> WHERE {") == 2
    assert found.replace("USING <urn:g> USING NAMED <urn:n> ", "") == text
    for refused in ("DELETE WHERE { ?s ?p ?o }", "WITH <urn:x> DELETE { ?s ?p ?o } WHERE { ?s ?p ?o }"):
        with pytest.raises(UsageError):
            screen_update(refused, ["urn:g"])
    with pytest.raises(LegcrampsError):
        screen_update(text, ["urn:g> WHERE {} ; DROP ALL ; INSERT { <x"])


# --- the graph store ----------------------------------------------------------------------------------------------------


def test_graphs_are_put_extended_and_deleted(server: Server) -> None:
    def change(method: str, body: str | None = None, target: str = "/store?graph=urn:mine", media: dict[str, str] = TURTLE) -> int:
        return server.ask(method, target, body, (media if body is not None else {}) | BEARER).status

    assert change("PUT", "<urn:a> <urn:b> 1, [] .") == 201
    assert change("POST", "<urn:a> <urn:b> 2 .") == 204
    assert server.query("SELECT ?o { GRAPH <urn:mine> { ?s ?p ?o } FILTER isLiteral(?o) } ORDER BY ?o").rows == [{"o": "1"}, {"o": "2"}]
    assert change("PUT", "<urn:a> <urn:b> 3 .") == 204
    assert server.query("SELECT ?o { GRAPH <urn:mine> { ?s ?p ?o } }").rows == [{"o": "3"}]
    assert change("PUT", "<urn:a> <urn:b>") == 400
    assert change("PUT", "<urn:a> <urn:b> " + "[ <urn:c> " * 300 + "1" + "]" * 300 + " .") == 413
    assert change("PUT", '<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>', media={"content-type": "application/rdf+xml"}) == 413
    assert change("PUT", "{}", media={"content-type": "application/ld+json"}) == 415
    assert change("PUT", "x", media={"content-type": "image/png"}) == 415
    assert change("PUT", "<urn:a> <urn:b> 3 .", "/store") == 400
    assert change("PUT", "<urn:a> <urn:b> 3 .", "/store?graph=urn:legcramps:graph:ontology") == 403
    assert change("DELETE") == 204
    assert change("DELETE") == 404
    assert server.ask("GET", "/store?default").status == 405


# --- the W3C ------------------------------------------------------------------------------------------------------------

MF = "http://www.w3.org/2001/sw/DataAccess/tests/test-manifest#"
HT = "http://www.w3.org/2011/http#"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"


class Step(NamedTuple):
    """One request of a test with what is expected."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes | None
    statuses: tuple[str, ...]
    form: str
    truth: str


class Manifest:
    """The protocol tests of the W3C."""

    def __init__(self, path: Path) -> None:
        self.store = pyoxigraph.Store()
        self.store.load(path.read_bytes(), format=pyoxigraph.RdfFormat.TURTLE, base_iri=path.as_uri())
        self.tests = sorted(
            quad.subject.value.rpartition("#")[2]
            for quad in self.store.quads_for_pattern(None, NamedNode(RDF + "type"), NamedNode(MF + "ProtocolTest"), None)
        )  # type: ignore[union-attr]

    def values(self, node: Any, name: str) -> list[Any]:
        return [quad.object for quad in self.store.quads_for_pattern(node, NamedNode(name), None)]

    def items(self, node: Any) -> list[Any]:
        found = []
        while node.value != RDF + "nil":
            found += self.values(node, RDF + "first")
            node = self.values(node, RDF + "rest")[0]
        return found

    def steps(self, name: str) -> list[Step]:
        (node,) = [
            quad.subject
            for quad in self.store.quads_for_pattern(None, NamedNode(RDF + "type"), NamedNode(MF + "ProtocolTest"))
            if quad.subject.value.endswith(f"#{name}")
        ]  # type: ignore[union-attr]
        action = self.values(node, MF + "action")[0]
        return [self.step(request) for request in self.items(self.values(action, HT + "requests")[0])]

    def step(self, request: Any) -> Step:
        def text(node: Any, name: str) -> str:
            return next((each.value for each in self.values(node, name)), "")

        headers = {}
        for head in self.values(request, HT + "headers"):
            headers |= {text(each, HT + "fieldName").lower(): text(each, HT + "fieldValue") for each in self.items(head)}
        body = None
        for each in self.values(request, HT + "body"):
            body = text(each, "http://www.w3.org/2011/content#chars").encode(
                text(each, "http://www.w3.org/2011/content#characterEncoding") or "utf-8"
            )
        response = self.values(request, HT + "resp")[0]
        statuses = tuple(each.value.rpartition("StatusCode")[2] for each in self.values(response, MF + "expectedStatus"))
        return Step(
            text(request, HT + "methodName"),
            text(request, HT + "absolutePath"),
            headers,
            body,
            statuses,
            text(response, MF + "expectedFormat"),
            text(response, MF + "expectedBoolean"),
        )


def w3c_tests() -> list[str]:
    return Manifest(W3C / "protocol" / "manifest.ttl").tests if W3C.is_dir() else []


MEDIA = {
    "boolean": ("application/sparql-results+json", "application/sparql-results+xml"),
    "tabular": ("application/sparql-results+json", "application/sparql-results+xml", "text/csv", "text/tab-separated-values"),
    "RDF": ("text/turtle", "application/n-triples", "application/rdf+xml", "application/ld+json"),
}


@pytest.mark.skipif(not W3C.is_dir(), reason="not run: the test suite of the W3C is not at hand")
def test_the_suite_is_whole() -> None:
    assert len(w3c_tests()) == 34


@pytest.mark.parametrize("name", w3c_tests())
def test_the_protocol_is_kept(server: Server, name: str) -> None:
    for number in (1, 2, 3):
        data = (W3C / "protocol" / f"data{number}.nt").read_text(encoding="utf-8")
        graph = f"http://kasei.us/2009/09/sparql/data/data{number}.rdf"
        assert server.ask("PUT", f"/store?graph={graph}", data, {"content-type": "application/n-triples"} | BEARER).status < 300
    steps = Manifest(W3C / "protocol" / "manifest.ttl").steps(name)
    assert steps
    for step in steps:
        reply = server.ask(step.method, step.target, step.body, step.headers | BEARER)
        assert f"{reply.status // 100}xx" in step.statuses, reply
        if step.form:
            assert reply.headers["content-type"].partition(";")[0] in MEDIA[step.form]
        if step.truth:
            assert reply.document["boolean"] is (step.truth == "true")


# --- durability ---------------------------------------------------------------------------------------------------------


def survived(store: Path, token: str, kills: int, figure: Any = None) -> None:
    """Kill the server at random points while it is written to, and count what it had acknowledged."""
    chance = random.Random(7)
    acknowledged = 0
    for _ in range(kills):
        with running("--store", str(store), "--update-token-file", token, "--workers", "1") as server:
            assert server.query("SELECT (COUNT(*) AS ?n) { GRAPH <urn:log> { ?s <urn:p> ?o } }").rows[0]["n"] >= str(0)
            kept = int(server.query("SELECT (COUNT(DISTINCT ?s) AS ?n) { GRAPH <urn:log> { ?s <urn:p> ?o } }").rows[0]["n"])
            torn = server.query("SELECT ?s { GRAPH <urn:log> { ?s <urn:p> ?o } } GROUP BY ?s HAVING (COUNT(*) != 50)").rows
            assert kept >= acknowledged, "acknowledged and lost"
            assert torn == []
            acknowledged = kept
            for _ in range(chance.randint(1, 8)):
                values = ", ".join(map(str, range(50)))
                assert update(server, f"INSERT DATA {{ GRAPH <urn:log> {{ <urn:batch:{acknowledged}> <urn:p> {values} }} }}") == 204
                acknowledged += 1
            tree = [server.process.pid, *server.workers()]
            server.process.kill()
            for each in tree:
                try:
                    os.kill(each, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            server.process.wait()
    with running("--store", str(store), "--workers", "1") as server:
        kept = int(server.query("SELECT (COUNT(DISTINCT ?s) AS ?n) { GRAPH <urn:log> { ?s <urn:p> ?o } }").rows[0]["n"])
        assert kept >= acknowledged > 0
    if figure is not None:
        figure("kills of the server while it was written to", kills)
        figure("acknowledged batches lost", f"0 of {acknowledged}")


def test_nothing_acknowledged_is_lost(tmp_path: Path, token: str) -> None:
    survived(tmp_path / "store", token, 1)


@pytest.mark.release
def test_nothing_acknowledged_is_lost_in_many_kills(tmp_path: Path, token: str, figure: Any) -> None:
    survived(tmp_path / "store", token, 200, figure)


def test_a_full_disk_costs_changes_alone_and_no_longer_than_it_is_full(tmp_path: Path, token: str) -> None:
    store = tmp_path / "store"
    written = "SELECT ?s (COUNT(*) AS ?n) { GRAPH <urn:log> { ?s <urn:p> ?o } } GROUP BY ?s ORDER BY ?s"

    def write(server: Server, number: int) -> tuple[int, str]:
        values = ", ".join(f"'{'x' * 100}{each}'" for each in range(50))
        reply = server.ask("POST", "/sparql", f"INSERT DATA {{ GRAPH <urn:log> {{ <urn:{number}> <urn:p> {values} }} }}", UPDATE | BEARER)
        return reply.status, reply.document["code"] if reply.body else ""

    with running("--store", str(store), "--update-token-file", token, "--workers", "1") as server:
        assert write(server, 1) == (204, "")
        with full_disk(server):
            assert [write(server, number) for number in (2, 3)] == [(503, IncompleteError.code)] * 2
            assert server.ask("PUT", "/store?graph=urn:log", "", TURTLE | BEARER).status == 503
            assert [row["s"] for row in server.query(written).rows] == ["urn:1"]
        assert write(server, 4) == (204, "")
        rows = server.query(written).rows
        assert all(row["n"] == "50" for row in rows)
        assert {"urn:1", "urn:4"} <= {row["s"] for row in rows}
        assert len(list((store / "views").iterdir())) <= 2
    with running("--store", str(store), "--workers", "1") as server:
        assert server.query(written).rows == rows


def test_a_store_keeps_its_records_and_has_one_server(tmp_path: Path, token: str) -> None:
    store = tmp_path / "store"
    inferred = "SELECT (COUNT(*) AS ?n) { GRAPH <urn:legcramps:graph:inferred> { ?s ?p ?o } }"
    with running(RECORD, "--as-of", AS_OF, "--store", str(store), "--workers", "1") as server:
        before = server.query(inferred).rows
        second = subprocess.run(
            [sys.executable, "-m", "reasoner", "--knowledge", str(ROOT), "serve", "--port", "0", "--store", str(store)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert second.returncode == 2
        assert "open in another process" in second.stderr
        assert str(store) in second.stderr
        assert server.query("ASK {}").status == 200
        assert server.stop() == 0
    with running("--store", str(store), "--workers", "1") as server:
        assert server.query(inferred).rows == before
        assert int(before[0]["n"]) > 1000
    other = subprocess.run(
        [
            sys.executable,
            "-m",
            "reasoner",
            "--knowledge",
            str(ROOT),
            "serve",
            "--port",
            "0",
            "--store",
            str(store),
            str(ROOT / "docs" / "examples" / "bundle.json"),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert other.returncode == 2
    assert "other records" in other.stderr


def test_sigterm_finishes_what_is_under_way(tmp_path: Path, token: str) -> None:
    import threading

    with running("--store", str(tmp_path / "store"), "--update-token-file", token, "--workers", "1") as server:
        found: list[int] = []
        text = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d <http://www.w3.org/2004/02/skos/core#prefLabel> ?f FILTER (STRLEN(?f) > 200) }"
        thread = threading.Thread(target=lambda: found.append(server.post(text).status))
        thread.start()
        assert until(lambda: bool(server.workers()))
        workers = server.workers()
        assert server.stop() == 0
        thread.join()
        assert found[0] in (200, 503)
        assert not any(Path(f"/proc/{worker}").exists() for worker in workers)
    assert not list((tmp_path / "store").glob("views"))


def test_a_shipped_query_that_has_changed_is_changed_in_the_store(tmp_path: Path, knowledge: Program) -> None:
    (tmp_path / "k").mkdir()
    folder, store = copy_knowledge(tmp_path / "k"), tmp_path / "store"
    comments = (
        "SELECT ?c { GRAPH ?g { ?q a <http://www.w3.org/ns/shacl#SPARQLExecutable> ; <http://www.w3.org/2000/01/rdf-schema#comment> ?c } }"
    )
    query = sorted((folder / "queries" / "derive").glob("*.rq"))[0]
    found = []
    for summary in ("As it was.", "As it has become."):
        query.write_text(re.sub(r"(?m)^(#\+ *summary:).*", rf"\1 {summary}", query.read_text(encoding="utf-8")), encoding="utf-8")
        keep(store, knowledge, folder, Inputs(), Limits())
        kept = pyoxigraph.Store.read_only(str(store / "db"))
        found.append({row["c"].value for row in kept.query(comments)})
        del kept
    assert [("As it was." in each, "As it has become." in each) for each in found] == [(True, False), (False, True)]


def damage(store: Path) -> None:
    """Turn bytes of every table round."""
    for table in (store / "db").glob("*.sst"):
        data = bytearray(table.read_bytes())
        for place in range(len(data) // 4, len(data) // 2):
            data[place] ^= 0xFF
        table.write_bytes(data)


def test_a_damaged_store_is_no_shorter_store(tmp_path: Path) -> None:
    store = tmp_path / "store"
    asked = ["?s ?p ?o", "?s a ?o", "<urn:legcramps:graph:asserted> ?p ?o", "GRAPH ?g { ?s ?p ?o }"]

    def answers(server: Server) -> list[Any]:
        replies = [server.query(f"SELECT (COUNT(*) AS ?n) {{ {text} }}") for text in asked]
        return [reply.rows if reply.status == 200 else reply.status for reply in replies]

    with running(RECORD, "--as-of", AS_OF, "--store", str(store), "--workers", "1") as server:
        before = answers(server)
        assert server.stop() == 0
    damage(store)
    try:
        with running("--store", str(store), "--workers", "1") as server:
            after = answers(server)
            assert after != before, "nothing was damaged that is read: this shows nothing"
            assert all(one == 503 or one == other for one, other in zip(after, before, strict=True))
    except AssertionError as error:
        if "did not come up" not in str(error):
            raise
        assert "restore" in str(error)
        assert "Traceback" not in str(error)
