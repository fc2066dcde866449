"""Nothing that identifies a patient, and no token, gets into logs, errors, headers, command lines or files, whatever goes wrong."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from servers import Reply, Server, running, until

MARK = "Mxq7Zz"
TOKEN = f"{MARK}-token-0123456789"
BEARER = {"authorization": f"Bearer {TOKEN}"}
UPDATE = {"content-type": "application/sparql-update"}
RUNAWAY = f"SELECT (COUNT(*) AS ?{MARK}) {{ ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }}"
ROOT = Path(__file__).parent.parent

BAD_QUERIES = [
    f"SELECT * {{ ?s ?p '{MARK}' . ?x }}",
    f"SELECT * {{ <{MARK} x> ?p ?o }}",
    f"SELECT * {{ {MARK}:x ?p ?o }}",
    f"SELECT * {{ ?s ?p '{MARK}' SERVICE <http://{MARK}.example/> {{}} }}",
    f"PREFIX {MARK}service: <urn:x> SELECT * {{ {MARK}service:x ?p ?o }}",
    f"SELECT * FROM <http://{MARK}.example/> {{ ?s ?p ?o }}",
    f"# FROM\nSELECT * {{ ?s ?p '{MARK}' ; }} {MARK}",
    f"SELECT * {{ ?s ?p '{MARK}\\uD800' }}",
    f"SELECT * {{ ?s ?p '{MARK}' }} " + "(" * 100,
    f"SELECT ?{MARK} ?{MARK} {{ BIND (1 AS ?x) BIND (2 AS ?x) }}",
    MARK * 4000,
]


def record(folder: Path) -> str:
    """Return the example record, told of a patient with marked names."""
    text = (ROOT / "docs" / "examples" / "patient.ttl").read_text(encoding="utf-8")
    path = folder / "record.ttl"
    path.write_text(text.replace("/anna", f"/{MARK}") + f'\nex:{MARK} <urn:says> "{MARK}" .\n', encoding="utf-8")
    return str(path)


def clean(reply: Reply) -> None:
    """Look for the mark in what is no answer."""
    assert reply.status >= 400
    assert MARK not in reply.body.decode("utf-8", "replace")
    assert MARK not in str(reply.headers)


def test_the_marks_are_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs, temporary, token, log = (tmp_path / name for name in ("inputs", "temporary", "token", "log"))
    inputs.mkdir()
    temporary.mkdir()
    token.write_text(TOKEN, encoding="ascii")
    token.chmod(0o600)
    monkeypatch.setenv("TMPDIR", str(temporary))
    arguments = [record(inputs), "--as-of", "2026-11-20T09:00:00Z", "--deadline", "2", "--workers", "1"]
    with running(*arguments, errors=log) as server:
        assert MARK in server.query("SELECT * { ?s a <https://w3id.org/legcramps/ontology/Case> }").body.decode(), "nobody is marked"
        failing(server)
        assert server.ask("POST", "/sparql", f"INSERT DATA {{ <urn:{MARK}> <urn:b> 1 }}", UPDATE | BEARER).status == 403
        assert MARK not in str(server.ask("GET", "/health"))
        assert MARK not in server.ask("GET", "/").body.decode()
        everywhere = b"".join(Path(f"/proc/{each}/cmdline").read_bytes() for each in (*server.workers(), server.process.pid))
        assert TOKEN.encode() not in everywhere
        assert not [path for path in temporary.rglob("*") if path.is_file() and MARK.encode() in path.read_bytes()]
    assert "serving" in log.read_text(encoding="utf-8")
    assert MARK not in log.read_text(encoding="utf-8")


def failing(server: Server) -> None:
    """Make everything go wrong that can."""
    for text in BAD_QUERIES:
        clean(server.query(text))
        clean(server.post(text))
    for method, target, headers in (
        ("GET", f"/{MARK}", {}),
        ("PUT", f"/sparql?{MARK}", {}),
        ("GET", f"/sparql?format={MARK}", {}),
        ("GET", f"/sparql?query=ASK+{{}}&default-graph-uri={MARK}", {}),
        ("GET", "/health", {"host": f"{MARK}.example"}),
        ("GET", "/sparql?query=ASK+{}", {"accept": f"{MARK}/x"}),
        ("POST", f"/sparql?{MARK}", {"content-type": f"{MARK}/x"}),
        ("POST", "/sparql", {"content-type": "application/sparql-query", "content-length": "99999999"}),
        ("POST", "/sparql", UPDATE | BEARER),
        ("PUT", f"/store?graph=urn:{MARK}", BEARER),
        ("POST", "/cds-services/x", {"content-type": "application/json"} | BEARER),
        ("POST", "/api/assess", {"content-type": "application/json"} | BEARER),
    ):
        clean(server.ask(method, target, f'{{"{MARK}": ' if method == "POST" else None, headers))
    clean(server.post(RUNAWAY))
    crash(server)


def crash(server: Server) -> None:
    """Kill a worker while it works."""
    import threading

    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(server.post(RUNAWAY.replace("?a ", "?aa "))))
    thread.start()
    assert until(lambda: bool(server.workers()))
    for worker in server.workers():
        os.kill(worker, signal.SIGSEGV)
    thread.join()
    clean(found[0])
    assert until(lambda: server.query("ASK {}").status == 200)


def test_with_a_store_and_a_traceback_neither(tmp_path: Path) -> None:
    token, log, store = tmp_path / "token", tmp_path / "log", tmp_path / "store"
    token.write_text(TOKEN, encoding="ascii")
    token.chmod(0o600)
    with running(
        "--store", str(store), "--update-token-file", str(token), "--workers", "1", errors=log, options=("--traceback",)
    ) as server:
        for text in (
            f"INSERT DATA {{ <urn:{MARK}> }}",
            f"LOAD <http://{MARK}.example/>",
            f"INSERT DATA {{ {MARK}:x <urn:p> 1 }}",
            f"DELETE WHERE {{ <{MARK} x> ?p ?o }}",
        ):
            clean(server.ask("POST", "/sparql?using-graph-uri=urn:x" if "WHERE" in text else "/sparql", text, UPDATE | BEARER))
        for body, media in (
            (f"<urn:a> <urn:{MARK}> {MARK}", "text/turtle"),
            (f"<x>{MARK}<y></x>", "application/rdf+xml"),
            (f"{{{MARK}", "application/ld+json"),
        ):
            clean(server.ask("PUT", f"/store?graph=urn:{MARK}", body, {"content-type": media} | BEARER))
        clean(server.ask("PUT", f"/store?graph={MARK}", "", {"content-type": "text/turtle"} | BEARER))
        assert server.ask("POST", "/sparql", f"INSERT DATA {{ <urn:{MARK}> <urn:b> 1 }}", UPDATE | BEARER).status == 204
    assert MARK not in log.read_text(encoding="utf-8")
    assert all(path.stat().st_mode & 0o077 == 0 for path in (store, store / "db") if path == store)
