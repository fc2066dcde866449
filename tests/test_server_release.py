"""What takes minutes or other people's programs: memory over ten minutes of load, the W3C's runner, kills in numbers."""

from __future__ import annotations

import http.client
import http.server
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from servers import AS_OF, Server, running, until

from benchmarks.server import RUNAWAY, load, point_queries, resident

ROOT = Path(__file__).parent.parent
RECORD = str(ROOT / "docs" / "examples" / "patient.ttl")
W3C = ROOT.parent / "shared" / "data" / "w3c-sparql11"
TOKEN = "release-token-0123456789"  # noqa: S105


def under_load(seconds: float) -> tuple[float, float, dict[str, Any]]:
    """Return the memory of a server before and after a load with runaway queries in it, and what came of the load."""
    kinds = {"normal": (0.95, point_queries(ROOT)), "runaway": (0.05, list(RUNAWAY))}
    with running(RECORD, "--as-of", AS_OF, "--deadline", "2") as server:
        where = (server.port, server.process.pid)
        load(ROOT, where, 16, 4, kinds)
        assert until(lambda: idle(server), 60)
        before = resident(server.process.pid)
        found = load(ROOT, where, 16, seconds, kinds)
        assert until(lambda: idle(server), 60)
        return before, resident(server.process.pid), found


def idle(server: Server) -> bool:
    """Return whether the workers are those of the quick lane again, at rest."""
    time.sleep(2.5)
    return server.query("ASK {}").status == 200


def test_load_with_runaway_queries_fails_nobody_else() -> None:
    before, after, found = under_load(10)
    assert set(found["normal"].latencies) == {200}
    assert set(found["runaway"].latencies) <= {200, 413, 503}
    assert after < before * 2


@pytest.mark.release
def test_memory_is_flat_over_ten_minutes(figure: Any) -> None:
    before, after, found = under_load(600)
    count = {kind: sum(map(len, each.latencies.values())) for kind, each in found.items()}
    figure("requests over ten minutes, runaway ones among them", f"{sum(count.values()):,}, {count['runaway']:,}")
    figure("memory after ÷ before ten minutes of load", after / before)
    assert set(found["normal"].latencies) == {200}
    assert after < before * 1.05


@pytest.mark.release
def test_killed_workers_cost_one_request_each(figure: Any) -> None:
    failed = 0
    kills = 200
    with running(RECORD, "--as-of", AS_OF, "--workers", "2") as server:
        for _ in range(kills):
            os.kill(min(server.workers()), signal.SIGKILL)
            failed += sum(server.query("ASK {}").status != 200 for _ in range(3))
            assert until(lambda: len(server.workers()) == 2)
    figure("workers killed, and requests that failed", f"{kills}, {failed}")
    assert failed <= kills


@contextmanager
def with_token(port: int) -> Iterator[int]:
    """Pass requests on to a server with the token added, for a client that cannot send one; yield the port."""

    class Adding(http.server.BaseHTTPRequestHandler):
        def do(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection", "content-length")}
            link = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
            link.request(self.command, self.path, body, headers | {"Authorization": f"Bearer {TOKEN}", "Host": self.headers["host"]})
            reply = link.getresponse()
            answer = reply.read()
            self.send_response(reply.status)
            for name, value in reply.getheaders():
                if name.lower() not in ("connection", "transfer-encoding"):
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer)
            link.close()

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do

        def log_message(self, format: str, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Adding) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, daemon=True)
        thread.start()
        yield proxy.server_address[1]
        proxy.shutdown()


@pytest.mark.release
def test_the_runner_of_the_w3c_finds_nothing(tmp_path: Path, figure: Any) -> None:
    runner = shutil.which("rdf-test-suite")
    if runner is None or not W3C.is_dir():
        pytest.skip("not run: rdf-test-suite (npm) or the test suite of the W3C is not at hand")
    token = tmp_path / "token"
    token.write_text(TOKEN, encoding="ascii")
    token.chmod(0o600)
    with (
        running(RECORD, "--as-of", AS_OF, "--update-token-file", str(token), "--deadline", "60") as server,
        with_token(server.port) as port,
    ):
        endpoint = f"http://127.0.0.1:{port}/sparql"
        for suite, key in (("protocol", "protocolEndpoint"), ("service-description", "serviceDescriptionEndpoint")):
            url = f"http://www.w3.org/2009/sparql/docs/tests/data-sparql11/{suite}/manifest.ttl"
            engine = tmp_path / "engine.js"
            engine.write_text("module.exports = {};\n", encoding="utf-8")
            run = subprocess.run(
                [
                    runner,
                    engine.name,
                    url,
                    "-m",
                    f"{url.rpartition('/')[0]}/~{W3C / suite}/",
                    "-i",
                    f'{{"{key}": "{endpoint}"}}',
                    "-o",
                    "summary",
                    "-e",
                ],
                capture_output=True,
                text=True,
                timeout=600,
                check=False,
                cwd=tmp_path,
            )
            figure(
                f"tests of the W3C by rdf-test-suite, {suite}",
                run.stdout.strip().splitlines()[-1] if run.stdout.strip() else run.stderr[-200:],
            )
            passed = {"protocol": "34 / 34", "service-description": "3 / 3"}[suite] in run.stdout
            assert passed, run.stdout[-3000:] + run.stderr[-2000:]
