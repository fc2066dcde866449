"""Load the server: point queries, the same with runaway queries among them, and more than it can take; beside rdflib-endpoint."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from benchmarks.timing import Measurement, Ratio

__all__ = ["Load", "load", "load_raw", "measure", "percentile", "point_queries", "processor_time", "resident", "serving"]

_GROUP = "SPARQL over HTTP"
_PEER = "rdflib-endpoint"
_READY = 60
RUNAWAY = (
    "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }",
    "SELECT * { ?a ?b ?c . ?d ?e ?f } ORDER BY ?a ?f",
    "SELECT (GROUP_CONCAT(?c) AS ?x) { ?a ?b ?c . ?d ?e ?f }",
    "SELECT (COUNT(*) AS ?n) { ?a (<urn:a>|!<urn:b>)* ?b . ?c ?d ?e }",
    "SELECT * { ?a ?b ?c . ?d ?e ?f FILTER REGEX(CONCAT(STR(?c), STR(?f)), '^(a+)+$') }",
)


@dataclass(frozen=True, slots=True)
class Load:
    """What came of one kind of request: latencies in seconds by status; `processor` is what all of the load took of the server."""

    seconds: float
    latencies: dict[int, list[float]]
    processor: float = 0.0

    @property
    def rate(self) -> float:
        """Return how many requests were answered well in a second."""
        return len(self.latencies.get(200, [])) / self.seconds

    @property
    def thrift(self) -> float:
        """Return how many requests were answered well per second of processor time of the server."""
        return len(self.latencies.get(200, [])) / self.processor


def percentile(values: list[float], share: float) -> float:
    """Return the value below which a share of the values lies."""
    return sorted(values)[min(int(len(values) * share), len(values) - 1)] if values else float("nan")


def point_queries(root: Path, count: int = 200) -> list[str]:
    """Return queries for the label of one term each."""
    terms = re.findall(r"^(lc:\w+)$", (root / "ontology" / "findings.ttl").read_text(encoding="utf-8"), re.MULTILINE)[:count]
    head = "PREFIX lc: <https://w3id.org/legcramps/ontology/> PREFIX skos: <http://www.w3.org/2004/02/skos/core#>"
    return [f"{head} SELECT ?label WHERE {{ {term} skos:prefLabel ?label }}" for term in terms]


def _request(path: str, text: str) -> str:
    return f"GET {path}?query={quote(text)} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/sparql-results+json\r\n\r\n"


@contextmanager
def serving(root: Path, *arguments: str) -> Iterator[tuple[int, int]]:
    """Serve the example patient; yield the port and the process id."""
    command = [sys.executable, "-m", "reasoner", "--knowledge", str(root), "serve", "--port", "0", *arguments]
    command += [str(root / "docs" / "examples" / "patient.ttl"), "--as-of", "2026-11-20T09:00:00Z"]
    with subprocess.Popen(command, cwd=root, stderr=subprocess.PIPE, text=True) as process:
        try:
            said = process.stderr.readline() if process.stderr else ""
            found = re.search(r":(\d+)/", said)
            if not found:
                raise RuntimeError(f"the server did not come up: {said}")
            yield int(found[1]), process.pid
        finally:
            process.terminate()


def load(
    root: Path, server: tuple[int, int], clients: int, seconds: float, kinds: dict[str, tuple[float, list[str]]], path: str = "/sparql"
) -> dict[str, Load]:
    """Load a server with kinds of queries, each with its share of all."""
    asked = {name: (share, [_request(path, text) for text in texts]) for name, (share, texts) in kinds.items()}
    return load_raw(root, server, clients, seconds, asked)


def load_raw(
    root: Path, server: tuple[int, int], clients: int, seconds: float, kinds: dict[str, tuple[float, list[str]]]
) -> dict[str, Load]:
    """Load a server from a process of its own with kinds of whole HTTP requests, each with its share of all."""
    port, pid = server
    began = processor_time(pid)
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "load.json"
        asked = [{"name": name, "share": share, "requests": requests} for name, (share, requests) in kinds.items()]
        told = {"output": str(output), "port": port, "clients": clients, "seconds": seconds, "kinds": asked}
        subprocess.run([sys.executable, "-m", "benchmarks.load"], cwd=root, input=json.dumps(told), text=True, check=True)
        found: dict[str, Any] = json.loads(output.read_text(encoding="utf-8"))
    used = processor_time(pid) - began
    return {name: Load(seconds, {int(status): values for status, values in found[name].items()}, used) for name in kinds}


def processor_time(pid: int) -> float:
    """Return the processor time, in seconds, of a process and of all that it started."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    own = sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    threads = Path(f"/proc/{pid}/task").iterdir()
    return own + sum(processor_time(int(each)) for thread in threads for each in (thread / "children").read_text(encoding="utf-8").split())


def resident(pid: int) -> float:
    """Return the memory of a process and its children in MiB, what they share counted once."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8")
        own = next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")) / 1024
        threads = Path(f"/proc/{pid}/task").iterdir()
        children = [int(each) for thread in threads for each in (thread / "children").read_text(encoding="utf-8").split()]
    except (OSError, StopIteration):
        return 0.0
    return own + sum(map(resident, children))


def measure(root: Path, quick: bool) -> tuple[list[Measurement], list[Ratio], list[str]]:
    """Measure the server, and rdflib-endpoint in the same run where its command is installed."""
    seconds = 5.0 if quick else 60.0
    points = point_queries(root)
    found, ratios, notes = [], [], []
    with serving(root, "--deadline", "5") as server:
        load(root, server, 16, 2, {"normal": (1, points)})
        before = resident(server[1])
        alone = load(root, server, 16, seconds, {"normal": (1, points)})["normal"]
        many = load(root, server, 64, seconds, {"normal": (1, points)})["normal"]
        mixed = load(root, server, 16, 2 * seconds, {"normal": (0.95, points), "runaway": (0.05, list(RUNAWAY))})
        again = load(root, server, 16, seconds, {"normal": (1, points)})["normal"]
        flooded = load(root, server, 256, seconds, {"normal": (1, points)})["normal"]
        time.sleep(6)
        after = resident(server[1])
    found += [_measured("16 clients", alone), _measured("64 clients", many), _measured("16 clients, 5 % runaway queries", mixed["normal"])]
    found += [_measured("16 clients, afterwards", again), _measured("256 clients", flooded)]
    calm = max(percentile(alone.latencies[200], 0.99), percentile(again.latencies[200], 0.99))
    ratios.append(Ratio("point queries, 16 clients: answers per second", alone.rate, 3000.0, above=True))
    ratios.append(Ratio("point queries, 16 clients: 99th percentile, ms", 1000 * percentile(alone.latencies[200], 0.99), 15.0))
    ratios.append(
        Ratio("with 5 % runaway queries ÷ without, 99th percentile", percentile(mixed["normal"].latencies[200], 0.99) / calm, 2.0)
    )
    ratios.append(Ratio("memory after ÷ before", after / before, 1.05))
    refused = flooded.latencies.get(503, [])
    if refused:
        ratios.append(Ratio("256 clients: 503, 99th percentile, ms", 1000 * percentile(refused, 0.99), 50.0))
    if (peer := _peer(root, min(seconds, 20.0), points)) is None:
        notes.append(f"{_PEER}: its command is not installed")
    else:
        found.append(_measured(f"{_PEER}, 16 clients", peer))
        ratios.append(Ratio(f"answers per second ÷ {_PEER}", alone.rate / peer.rate, above=True))
        ratios.append(Ratio(f"answers per second of processor time ÷ {_PEER}", alone.thrift / peer.thrift, above=True))
    return found, ratios, notes


def _measured(task: str, found: Load) -> Measurement:
    good = found.latencies.get(200, [])
    others = ", ".join(f"{status}: {len(values)}" for status, values in sorted(found.latencies.items()) if status != 200)
    note = f"{found.rate:.0f} per second, 99th percentile {1000 * percentile(good, 0.99):.1f} ms{f'; {others}' if others else ''}"
    count = sum(map(len, found.latencies.values()))
    return Measurement(
        _GROUP, task, 1, (percentile(good, 0.5), percentile(good, 0.99)), note=note, processor=found.processor / max(count, 1)
    )


def _peer(root: Path, seconds: float, points: list[str]) -> Load | None:
    """Return what rdflib-endpoint does with the same graph, or None where its command is not on the path."""
    command = shutil.which(_PEER)
    if command is None:
        return None
    from reasoner.export.dataset import knowledge_quads
    from reasoner.export.syntaxes import written
    from reasoner.resources import load_knowledge

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        graph = Path(folder) / "knowledge.nt"
        from collections import Counter

        graph.write_bytes(written(knowledge_quads(root, load_knowledge(root)), "ntriples", Counter()))
        arguments = [command, "serve", "--host", "127.0.0.1", "--port", str(port), str(graph)]
        with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ) as process:
            try:
                _await(port)
                return load(root, (port, process.pid), 16, seconds, {"normal": (1, points)}, path="/")["normal"]
            finally:
                process.terminate()


def _await(port: int) -> None:
    end = time.monotonic() + _READY
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise RuntimeError(f"{_PEER} did not come up")
