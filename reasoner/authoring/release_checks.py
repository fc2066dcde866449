"""Run the tests of a release, and tell the figures that they measured and what did not run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from reasoner.authoring.results import CheckFinding, Figure, NotRun, Severity
from reasoner.authoring.workspace import Workspace

__all__ = ["run_release_tests"]

_FIGURES = "LEGCRAMPS_FIGURES"
"""The environment variable that names the file of figures; tests/conftest.py writes it."""

_WIDE = "1000"
"""Columns of the lines in which pytest says why a test failed: it cuts off what is beyond."""

_NO_TESTS = 5


def run_release_tests(workspace: Workspace) -> Iterator[CheckFinding | Figure]:
    """Yield every figure that the tests measure, then every failure; raise NotRun where there are no such tests."""
    if not (workspace.folder / "tests" / "conftest.py").is_file():
        raise NotRun("tests/ is not here")
    command = [sys.executable, "-m", "pytest", "-q", "-m", "release or figure", "--no-header", "-p", "no:cacheprovider"]
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "figures.jsonl"
        surroundings = os.environ | {_FIGURES: str(path), "COLUMNS": _WIDE}
        done = subprocess.run(command, cwd=workspace.folder, capture_output=True, text=True, check=False, env=surroundings)  # noqa: S603
        yield from _figures(path)
    if done.returncode == _NO_TESTS:
        raise NotRun("no test is marked release")
    if done.returncode:
        yield from _failures(done)


def _figures(path: Path) -> Iterator[Figure]:
    """Yield what the tests wrote down, a reason for not running once."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    for said in map(json.loads, dict.fromkeys(lines)):
        yield Figure(said["test"], said["name"], said["count"], said["unit"], said["notRun"])


def _failures(done: subprocess.CompletedProcess[str]) -> Iterator[CheckFinding]:
    """Yield one violation per failed test, or one for a run that ended before it could say."""
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    failed = [line.partition(" ")[2] for line in lines if line.startswith(("FAILED ", "ERROR "))]
    if done.returncode < 0 or not failed:
        reason = f"pytest ended with {done.returncode}: {' | '.join(lines[-3:] or done.stderr.strip().splitlines()[-3:])}"
        yield _violation("The tests of the release did not end", "tests/", reason, "pytest -m 'release or figure'")
    for each in failed:
        test, _, why = each.partition(" - ")
        yield _violation(f"{test} fails", test.partition("::")[0], why, f"pytest -m 'release or figure' {test}")


def _violation(what: str, where: str, why: str, repair: str) -> CheckFinding:
    return CheckFinding("release-tests", Severity.VIOLATION, what, where, why, repair, "LC-2130")
