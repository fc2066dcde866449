"""Start the server as its users do, ask it over loopback, and end it."""

from __future__ import annotations

import http.client
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

ROOT = Path(__file__).parent.parent
AS_OF = "2026-11-20T09:00:00Z"
READY = 60
ANSWER = 60


class Reply(NamedTuple):
    """What a server answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.body)

    @property
    def rows(self) -> list[dict[str, str]]:
        """Return the rows of a result in JSON, each variable with its text."""
        return [{name: cell["value"] for name, cell in row.items()} for row in self.document["results"]["bindings"]]


class Server:
    """A running server."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self.port = port

    def ask(self, method: str, target: str, body: bytes | str | None = None, headers: Mapping[str, str] | None = None) -> Reply:
        """Send one request."""
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER)
        try:
            link.request(method, target, body, dict(headers or {}))
            reply = link.getresponse()
            return Reply(reply.status, {name.lower(): value for name, value in reply.getheaders()}, reply.read())
        finally:
            link.close()

    def query(self, text: str, accept: str = "", **more: str) -> Reply:
        """Send a query by GET."""
        return self.ask("GET", f"/sparql?{urlencode({'query': text, **more})}", headers={"accept": accept} if accept else {})

    def post(self, text: str, accept: str = "") -> Reply:
        """Send a query as the body of a POST."""
        given = {"content-type": "application/sparql-query"} | ({"accept": accept} if accept else {})
        return self.ask("POST", "/sparql", text.encode(), given)

    def workers(self) -> set[int]:
        """Return the process ids of the workers."""
        return children(self.process.pid)

    def stop(self) -> int:
        """End the server by SIGTERM and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(READY)


def children(parent: int) -> set[int]:
    """Return the processes whose parent is `parent`."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent and fields[0] != "Z":
            found.add(int(path.parent.name))
    return found


def is_alive(process: int) -> bool:
    """Return whether a process runs."""
    try:
        return Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@contextmanager
def full_disk(server: Server) -> Iterator[None]:
    """Let no file of the server and its workers grow meanwhile, as on a disk that is full."""

    def limit(size: int) -> None:
        for process in (server.process.pid, *server.workers()):
            resource.prlimit(process, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    limit(1)
    try:
        yield
    finally:
        limit(resource.RLIM_INFINITY)


@contextmanager
def running(*arguments: str, errors: Path | None = None, options: tuple[str, ...] = ()) -> Iterator[Server]:
    """Start `legcramps serve` with these arguments at a free port; what it says on stderr goes to `errors` if given."""
    command = [sys.executable, "-m", "reasoner", "--knowledge", str(ROOT), *options, "serve", "--port", "0", *arguments]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert process.stderr is not None
    said = ""
    try:
        while not (found := re.search(r"serving http://[^/]*:(\d+)/", said)):
            line = process.stderr.readline()
            assert line, f"the server did not come up: {said}"
            said += line
        server = Server(process, int(found[1]))
        yield server
    finally:
        process.terminate()
        try:
            process.wait(READY)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if errors is not None:
            errors.write_text(said + process.stderr.read(), encoding="utf-8")
        process.stderr.close()


def until(what: Any, seconds: float = 15) -> bool:
    """Return whether something becomes true in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.05)
    return False


@contextmanager
def canary() -> Iterator[tuple[str, list[str]]]:
    """Listen at a port of this machine that nobody has reason to call; yield its address and the list of who called."""
    calls: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.05)
        ended = threading.Event()

        def listen() -> None:
            while not ended.is_set():
                try:
                    link, _ = listening.accept()
                except TimeoutError:
                    continue
                with link:
                    calls.append(link.recv(1000).decode("latin-1"))
                    link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{listening.getsockname()[1]}", calls
        finally:
            time.sleep(0.1)
            ended.set()
            thread.join()
