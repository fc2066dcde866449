"""Start stores for tests on loopback: one that lies as it is told, and real ones."""

from __future__ import annotations

import json
import re
import shutil
import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from urllib.request import urlopen

import pyoxigraph

JSON_TYPE = "application/sparql-results+json"


@dataclass
class Asked:
    """A request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    form: dict[str, list[str]]

    @property
    def query(self) -> str:
        """Return the query that was posted."""
        return self.form.get("query", [""])[0]


Behaviour = Callable[[Asked, socket.socket], None]


@dataclass
class Fake:
    """A store that does to each request what it is told; it keeps what it was asked."""

    behave: Behaviour
    port: int = 0
    asked: list[Asked] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Return its address."""
        return f"http://127.0.0.1:{self.port}/sparql"


@contextmanager
def fake_store(behave: Behaviour) -> Iterator[Fake]:
    """Run a fake for the time of a test."""
    fake = Fake(behave)

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                head = list(iter(lambda: self.rfile.readline().decode("latin-1").rstrip("\r\n"), ""))
                if not head:
                    return
                method, path, _ = head[0].split(" ", 2)
                headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
                body = self.rfile.read(int(headers.get("content-length", "0"))).decode()
                asked = Asked(method, path, headers, parse_qs(body))
                fake.asked.append(asked)
                fake.behave(asked, self.connection)

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True
        block_on_close = False

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Leave broken connections unsaid."""

    with Server(("127.0.0.1", 0), Handler) as server:
        fake.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield fake
        server.shutdown()


def send(body: bytes | str, kind: str = JSON_TYPE, status: str = "200 OK", *lines: str, length: int | None = None) -> Behaviour:
    """Return what answers with a body; `length` is what it claims to have."""
    raw = body.encode() if isinstance(body, str) else body
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(raw) if length is None else length}", "Connection: close", *lines]
    if kind:
        head.append(f"Content-Type: {kind}")

    def behave(_: Asked, connection: socket.socket) -> None:
        connection.sendall("\r\n".join((*head, "", "")).encode("latin-1") + raw)

    return behave


def rows(values: Sequence[Sequence[dict[str, str]]], *names: str) -> str:
    """Return a result in JSON."""
    return json.dumps({"head": {"vars": list(names)}, "results": {"bindings": [dict(zip(names, row, strict=True)) for row in values]}})


def number(value: int) -> dict[str, str]:
    """Return a number as a term of a result."""
    return {"type": "typed-literal", "value": str(value), "datatype": "http://www.w3.org/2001/XMLSchema#integer"}


def table_of(values: Sequence[Sequence[dict[str, str]]], *names: str, cut: int = 10**9, counted: int | None = None) -> Behaviour:
    """Return what answers queries over fixed rows: their count, and pages of them; never more than `cut` rows at once."""

    def behave(asked: Asked, connection: socket.socket) -> None:
        if "COUNT(*)" in asked.query:
            send(rows([[number(len(values) if counted is None else counted)]], "legcrampsCount"))(asked, connection)
            return
        text = re.sub("#.*", "", asked.query)
        limit, offset = (re.search(rf"{word} (\d+)", text) for word in ("LIMIT", "OFFSET"))
        start = int(offset[1]) if offset else 0
        send(rows(values[start : start + min(cut, int(limit[1]) if limit else cut)], *names))(asked, connection)

    return behave


def engine(store: pyoxigraph.Store, twist: Callable[[str], str] = str) -> Behaviour:
    """Return what answers queries and updates over a store in memory, each text twisted first; no statement is lost but by the twist."""

    def behave(asked: Asked, connection: socket.socket) -> None:
        if "update" in asked.form:
            store.update(twist(asked.form["update"][0]))
            send("", "", "204 No Content")(asked, connection)
            return
        graphs = [pyoxigraph.NamedNode(iri) for iri in asked.form.get("default-graph-uri", [])]
        found = store.query(twist(asked.query), default_graph=graphs or None)
        assert not isinstance(found, pyoxigraph.QueryTriples)
        send(found.serialize(format=pyoxigraph.QueryResultsFormat.JSON) or b"")(asked, connection)

    return behave


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


OXIGRAPH = shutil.which("oxigraph", path=str(Path(sys.executable).parent)) or shutil.which("oxigraph")


@contextmanager
def oxigraph_store(*options: str) -> Iterator[str]:
    """Run the Oxigraph server in memory and give its address without a path."""
    assert OXIGRAPH, "the extra dev brings oxigraph"
    port = free_port()
    command = [OXIGRAPH, "serve", "--bind", f"127.0.0.1:{port}", *options]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(f"http://127.0.0.1:{port}/", server)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(20)


def wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    """Wait until a server answers."""
    for _ in range(600):
        assert server.poll() is None, "the server ended"
        with suppress(OSError), urlopen(url, timeout=5):
            return
        time.sleep(0.05)
    raise AssertionError("the server does not answer")
