"""Start stores for tests on loopback: one that lies as it is told, and real ones."""

from __future__ import annotations

import json
import os
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
import pytest

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


def engine(store: pyoxigraph.Store, twist: Callable[[str], str] = str, cut: int = 10**9) -> Behaviour:
    """Return what answers queries and updates over a store in memory, each text twisted first, rows cut without a word."""

    def behave(asked: Asked, connection: socket.socket) -> None:
        if "update" in asked.form:
            store.update(twist(asked.form["update"][0]))
            send("", "", "204 No Content")(asked, connection)
            return
        graphs = [pyoxigraph.NamedNode(iri) for iri in asked.form.get("default-graph-uri", [])]
        found = store.query(twist(asked.query), default_graph=graphs or None)
        assert not isinstance(found, pyoxigraph.QueryTriples)
        document = json.loads(found.serialize(format=pyoxigraph.QueryResultsFormat.JSON) or b"")
        if "results" in document:
            document["results"]["bindings"] = document["results"]["bindings"][:cut]
        send(json.dumps(document))(asked, connection)

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


# --- Virtuoso, unpacked from the packages of Debian ------------------------------------------------------------------------

VIRTUOSO = "virtuoso-opensource-7-bin"
LIBRARIES = {
    "libpcre.so.3": "libpcre3",
    "libminizip.so.1": "libminizip1",
    "libldap-2.5.so.0": "libldap-2.5-0",
    "liblber-2.5.so.0": "libldap-2.5-0",
    "libsasl2.so.2": "libsasl2-2",
    "libreadline.so.8": "libreadline8",
    "libssl.so.3": "libssl3",
    "libcrypto.so.3": "libssl3",
}
INI = """[Database]
DatabaseFile = virtuoso.db
ErrorLogFile = virtuoso.log
LockFile = virtuoso.lck
TransactionFile = virtuoso.trx
xa_persistent_file = virtuoso.pxa
[TempDatabase]
DatabaseFile = virtuoso-temp.db
TransactionFile = virtuoso-temp.trx
[Parameters]
ServerPort = 127.0.0.1:{sql}
NumberOfBuffers = 20000
MaxDirtyBuffers = 10000
DirsAllowed = .
[HTTPServer]
ServerPort = 127.0.0.1:{http}
ServerRoot = .
[SPARQL]
ResultSetMaxRows = 10000
"""


def unpacked_virtuoso() -> tuple[Path, dict[str, str]] | str:
    """Return the server and the environment in which it finds its libraries, from a cache that is filled first; or why not."""
    if not all(map(shutil.which, ("apt-get", "dpkg", "ldd"))):
        return "no Debian here, so no packages of it"
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "legcramps-tests" / VIRTUOSO
    root = cache / "root"
    folders = [str(found) for found in (root / "usr" / "lib", root / "lib") for found in (found, *found.glob("*-linux-gnu*"))]
    server, environment = root / "usr" / "bin" / "virtuoso-t", {**os.environ, "LD_LIBRARY_PATH": ":".join(folders)}
    try:
        cache.mkdir(parents=True, exist_ok=True)
        if not server.is_file():
            unpack(VIRTUOSO, cache, root)
        for _ in range(2):
            said = subprocess.run(["ldd", str(server)], env=environment, capture_output=True, text=True, check=True, timeout=60).stdout
            missing = {line.split()[0] for line in said.splitlines() if "not found" in line}
            for package in sorted({LIBRARIES.get(name, name) for name in missing}):
                unpack(package, cache, root)
            folders += [str(found) for top in (root / "usr" / "lib", root / "lib") for found in top.glob("*-linux-gnu*")]
            environment["LD_LIBRARY_PATH"] = ":".join(folders)
    except (OSError, subprocess.SubprocessError) as error:
        return f"the packages of Virtuoso cannot be had ({error})"
    return f"{server.name} lacks {', '.join(sorted(missing))}" if missing else (server, environment)


def unpack(package: str, cache: Path, root: Path) -> None:
    """Fetch a package of Debian and unpack it, without installing anything."""
    subprocess.run(["apt-get", "download", package], cwd=cache, capture_output=True, check=True, timeout=300)
    for file in cache.glob(f"{package}_*.deb"):
        subprocess.run(["dpkg", "-x", str(file), str(root)], capture_output=True, check=True, timeout=60)


@contextmanager
def virtuoso_store(folder: Path) -> Iterator[str]:
    """Run an empty Virtuoso in a folder and give its address without a path; skip the test when it cannot be had."""
    found = unpacked_virtuoso()
    if isinstance(found, str):
        pytest.skip(f"not run: {found}")
    server, environment = found
    port = free_port()
    (folder / "virtuoso.ini").write_text(INI.format(sql=free_port(), http=port), encoding="utf-8")
    command = [str(server), "+configfile", "virtuoso.ini", "+foreground"]
    with (folder / "said.txt").open("wb") as said:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=said, stderr=said)
    try:
        wait_for(f"http://127.0.0.1:{port}/sparql?query=ASK%7B%7D", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(60)
