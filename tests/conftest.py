"""Share the compiled knowledge among all tests, and record the figures that they measure.

A test that measures something takes the fixture `figure` and calls `figure(name, count, unit)`: the name says what was
measured ("cases compared with HermiT"), the count is a number or words such as "31 of 31", the unit is optional ("ms").
Figures of one test keep their order. `legcramps check --release` runs the tests marked `release` and every test that takes
the fixture, and prints each figure; what did not run is printed with its reason, so skip with `pytest.skip("not run: why")`.
A plain run prints the figures at its end. The environment variable `LEGCRAMPS_FIGURES` names the file that takes them, one
JSON object in each line: `test`, `name`, `count`, `unit`, `notRun`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from reasoner import load_knowledge
from reasoner.program import Program

ROOT = Path(__file__).parent.parent
FIGURES = "LEGCRAMPS_FIGURES"
FIGURE = "figure"
"""The name of the property of a test that is a figure it measured."""

Figure = Callable[..., None]


@pytest.fixture(scope="session")
def knowledge() -> Program:
    """Return the compiled knowledge of this checkout."""
    return load_knowledge(ROOT)


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the checkout's folder."""
    return ROOT


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Figure:
    """Return the function that records one measured figure of the test."""

    def record(name: str, count: object, unit: str = "") -> None:
        said = f"{count:,}" if isinstance(count, int) else f"{count:.3g}" if isinstance(count, float) else str(count)
        request.node.user_properties.append((FIGURE, {"name": name, "count": said, "unit": unit}))

    return record


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that record figures, before any are chosen by their marks."""
    for item in items:
        if "figure" in getattr(item, "fixturenames", ()):
            item.add_marker("figure")


class Keeper:
    """Keeps the figures that tests measured, and why a test or a whole file did not run."""

    def __init__(self) -> None:
        self.found: list[dict[str, str]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the figures of a test that ran, and why one was skipped."""
        if report.when == "call":
            for name, said in report.user_properties:
                if name == FIGURE:
                    self.keep(test=report.nodeid, **said)
        self.keep_skipped(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Keep why a file was skipped."""
        self.keep_skipped(report)

    def keep_skipped(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        """Keep the reason of a report that says skipped."""
        if report.skipped and isinstance(report.longrepr, tuple):
            why = report.longrepr[2].removeprefix("Skipped: ").removeprefix("not run: ")
            self.keep(test=report.nodeid, notRun=why)

    def keep(self, **said: str) -> None:
        """Keep what was found for the summary, and write it where the release run looks for it."""
        found = {"test": "", "name": "", "count": "", "unit": "", "notRun": ""} | said
        self.found.append(found)
        if path := os.environ.get(FIGURES):
            with Path(path).open("a", encoding="utf-8") as file:
                file.write(json.dumps(found, ensure_ascii=False) + "\n")

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the figures that were measured."""
        found = [each for each in self.found if each["name"]]
        if found:
            terminalreporter.section("figures")
        for each in found:
            terminalreporter.line(f"{each['name']}: {each['count']} {each['unit']}".rstrip())


def pytest_configure(config: pytest.Config) -> None:
    """Listen for figures and for what does not run, in the process that hears of every test."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Keeper())
