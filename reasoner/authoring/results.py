"""Say what a check found: which check, how grave, what, where, why, and how to repair it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass
from enum import StrEnum

from reasoner.errors import LegcrampsError

__all__ = ["CheckFinding", "CheckReport", "Figure", "NotRun", "Related", "Severity", "StageResult", "render_report", "split_place"]


class Severity(StrEnum):
    """How grave a finding is, in SHACL's words; only a violation fails the check."""

    VIOLATION = "Violation"
    WARNING = "Warning"
    INFO = "Info"


_ORDER = list(Severity)


@dataclass(frozen=True, slots=True)
class Related:
    """A statement that a finding rests on, and where it stands."""

    text: str
    where: str


@dataclass(frozen=True, slots=True)
class CheckFinding:
    """One thing that a check found; `where` is `file:line` as far as known, `code` is stable."""

    check: str
    severity: Severity
    what: str
    where: str
    why: str
    repair: str
    code: str
    related: tuple[Related, ...] = ()

    @staticmethod
    def of_error(check: str, error: LegcrampsError, where: str = "") -> CheckFinding:
        """Return the violation that an error of the package reports."""
        return CheckFinding(check, Severity.VIOLATION, error.what, where or error.where, error.why, error.repair, error.code)

    def line(self) -> str:
        """Return the finding as one line of text."""
        place = f"{self.where}: " if self.where else ""
        why = f": {self.why}" if self.why else ""
        repair = f" Repair: {self.repair}" if self.repair else ""
        return f"{place}{self.severity.value.lower()}: {self.what.rstrip('.')}{why}.{repair} [{self.check}; {self.code}]"

    def order(self) -> tuple[int, str, int, str, str]:
        """Return the key by which findings are listed: gravity, then place."""
        name, number = split_place(self.where)
        return _ORDER.index(self.severity), name, number, self.code, self.what


def split_place(where: str) -> tuple[str, int]:
    """Return the file and line of a place; the place itself and 0 when it names no line."""
    name, _, line = where.rpartition(":")
    return (name, int(line)) if name and line.isdecimal() and line.isascii() else (where, 0)


@dataclass(frozen=True, slots=True)
class Figure:
    """Something a check measured: the test or rule that did, what, how much; `not_run` says why there is no figure."""

    test: str
    name: str
    count: str
    unit: str = ""
    not_run: str = ""

    def line(self) -> str:
        """Return the figure as one line of text."""
        if self.not_run:
            return f"not run: {self.test}: {self.not_run}"
        return f"{self.name}: {self.count} {self.unit}".rstrip()


class NotRun(Exception):
    """A stage cannot run here; the message says why. It is `lacking` where the installation lacks what the stage needs."""

    def __init__(self, why: str, *, lacking: bool = False) -> None:
        super().__init__(why)
        self.lacking = lacking


@dataclass(frozen=True)
class StageResult:
    """What one stage found, measured and how long it took; `not_run` says why it did not run, or is empty.

    `lacking` says that it was asked for and that the installation lacks what it needs.
    """

    name: str
    seconds: float
    findings: tuple[CheckFinding, ...] = ()
    not_run: str = ""
    figures: tuple[Figure, ...] = ()
    lacking: bool = False

    def summary(self) -> str:
        """Return how many findings there are of each severity, in words."""
        return _summary(Counter(finding.severity for finding in self.findings))


@dataclass(frozen=True)
class CheckReport:
    """The stages of one check, in order."""

    stages: tuple[StageResult, ...]

    @property
    def findings(self) -> tuple[CheckFinding, ...]:
        """Return everything found, in the order of the stages."""
        return tuple(finding for stage in self.stages for finding in stage.findings)

    @property
    def clean(self) -> bool:
        """Return whether nothing found is a violation."""
        return all(finding.severity is not Severity.VIOLATION for finding in self.findings)

    @property
    def whole(self) -> bool:
        """Return whether no stage was left out for something that the installation lacks."""
        return not any(stage.lacking for stage in self.stages)

    def counts(self) -> dict[str, int]:
        """Return how many findings there are of each severity."""
        found = Counter(finding.severity for finding in self.findings)
        return {severity.value: found[severity] for severity in Severity}

    def dumps(self) -> str:
        """Return the report as one JSON object."""
        document = {"clean": self.clean, "counts": self.counts(), "stages": [asdict(stage) for stage in self.stages]}
        return json.dumps(document, ensure_ascii=False, indent=1)


def render_report(report: CheckReport, *, notes: bool = False) -> str:
    """Return the report as text: a line per stage, its figures and findings below it, and a summary; notes are listed on request."""
    lines = []
    for stage in report.stages:
        shown = [finding for finding in stage.findings if notes or finding.severity is not Severity.INFO]
        state = f"not run: {stage.not_run}" if stage.not_run else stage.summary()
        lines.append(f"{stage.name:<20} {stage.seconds:6.2f} s  {state}")
        lines += [f"  {figure.line()}" for figure in stage.figures]
        for finding in shown:
            lines.append(f"  {finding.line()}")
            lines += [f"    {each.where}: {each.text}" for each in finding.related]
    total = sum(stage.seconds for stage in report.stages)
    skipped = sum(bool(stage.not_run) for stage in report.stages)
    tail = f", {skipped} of {len(report.stages)} stages not run" if skipped else ""
    lines.append(f"{_summary(Counter(finding.severity for finding in report.findings))}{tail}, {total:.1f} s")
    return "\n".join(lines) + "\n"


def _summary(found: Counter[Severity]) -> str:
    words = {Severity.VIOLATION: ("violation", "violations"), Severity.WARNING: ("warning", "warnings"), Severity.INFO: ("note", "notes")}
    parts = [f"{found[severity]} {words[severity][found[severity] != 1]}" for severity in Severity if found[severity]]
    return ", ".join(parts) or "clean"
