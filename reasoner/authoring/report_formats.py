"""Write the report of a check for machines that show it elsewhere: SARIF, JUnit and Markdown.

SARIF 2.1.0 (OASIS) for code scanning and editors, JUnit XML for build servers, Markdown for a pull request. A stage
that did not run is told apart from a clean one in each of them.
"""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from reasoner.authoring.results import CheckFinding, CheckReport, Related, Severity, StageResult, render_report, split_place
from reasoner.markdown import plain
from reasoner.version import installed_version

__all__ = ["write_report"]

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {Severity.VIOLATION: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_report(report: CheckReport, form: str, *, notes: bool = False) -> str:
    """Return the report as text, json, sarif, junit or markdown; `notes` lists notes in the forms for people, the others always hold them."""
    writers = {"json": lambda: report.dumps() + "\n", "sarif": lambda: _sarif(report), "junit": lambda: _junit(report)}
    writers |= {"markdown": lambda: _markdown(report, notes), "text": lambda: render_report(report, notes=notes)}
    return writers[form]()


# --- SARIF -------------------------------------------------------------------------------------------------------------


def _sarif(report: CheckReport) -> str:
    rules = _rules(report)
    numbers = {rule["id"]: number for number, rule in enumerate(rules)}
    driver = {"name": "legcramps check", "version": installed_version() or "0", "rules": rules}
    skipped = [
        {"level": "note", "message": {"text": f"The stage {stage.name} was not run: {stage.not_run}"}, "descriptor": {"id": stage.name}}
        for stage in report.stages
        if stage.not_run
    ]
    run = {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": skipped}],
        "columnKind": "unicodeCodePoints",
        "results": [_sarif_result(finding, numbers) for finding in report.findings],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, ensure_ascii=False, indent=1) + "\n"


def _rules(report: CheckReport) -> list[dict[str, Any]]:
    """Return one rule per code, by code, named after its check, or after the stage of several; the first finding gives the repair."""
    first: dict[str, CheckFinding] = {}
    names: dict[str, set[str]] = {}
    stages: dict[str, str] = {}
    for stage in report.stages:
        for finding in stage.findings:
            first.setdefault(finding.code, finding)
            stages.setdefault(finding.code, stage.name)
            names.setdefault(finding.code, set()).add(finding.check)
    return [
        {
            "id": code,
            "shortDescription": {"text": stages[code] if len(names[code]) > 1 else first[code].check},
            "help": {"text": first[code].repair or first[code].what},
            "defaultConfiguration": {"level": _LEVELS[first[code].severity]},
        }
        for code in sorted(first)
    ]


def _sarif_result(finding: CheckFinding, numbers: dict[str, int]) -> dict[str, Any]:
    text = ". ".join(
        each.rstrip(".") for each in (finding.what, finding.why, f"Repair: {finding.repair}" if finding.repair else "") if each
    )
    result = {
        "ruleId": finding.code,
        "ruleIndex": numbers[finding.code],
        "level": _LEVELS[finding.severity],
        "message": {"text": f"{text}."},
        "locations": [_location(finding.where)] if finding.where else [],
    }
    if finding.related:
        result["relatedLocations"] = [{"id": number, **_location(each.where, each.text)} for number, each in enumerate(finding.related)]
    return result


def _location(where: str, text: str = "") -> dict[str, Any]:
    """Return a place as a file with its line, or as a name where it is no file."""
    name, line = split_place(where)
    message = {"message": {"text": text}} if text else {}
    if not line and not re.fullmatch(r"[\w./-]*[./][\w./-]*", name):
        return {"logicalLocations": [{"fullyQualifiedName": name}], **message}
    region = {"region": {"startLine": line}} if line else {}
    return {"physicalLocation": {"artifactLocation": {"uri": quote(name)}, **region}, **message}


# --- JUnit -------------------------------------------------------------------------------------------------------------


def _junit(report: CheckReport) -> str:
    suites = [_suite(stage) for stage in report.stages]
    root = ElementTree.Element("testsuites", {"name": "legcramps check", **_totals(suites, report.stages)})
    root.extend(suites)
    ElementTree.indent(root, " ")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'


def _totals(suites: list[ElementTree.Element], stages: tuple[StageResult, ...]) -> dict[str, str]:
    counted = {name: str(sum(int(suite.get(name, "0")) for suite in suites)) for name in ("tests", "failures", "errors", "skipped")}
    return {**counted, "time": f"{sum(stage.seconds for stage in stages):.3f}"}


def _suite(stage: StageResult) -> ElementTree.Element:
    """Return a stage: each violation is a failed case, a stage without any is one case that passes or was skipped."""
    grave = [finding for finding in stage.findings if finding.severity is Severity.VIOLATION]
    light = [finding for finding in stage.findings if finding.severity is not Severity.VIOLATION]
    counts = {"tests": max(len(grave), 1), "failures": len(grave), "errors": 0, "skipped": int(bool(stage.not_run and not grave))}
    suite = ElementTree.Element("testsuite", {"name": stage.name, **{name: str(count) for name, count in counts.items()}})
    suite.set("time", f"{stage.seconds:.3f}")
    for finding in grave:
        case = ElementTree.SubElement(
            suite, "testcase", {"classname": stage.name, "name": _xml(f"{finding.what} [{finding.code}]"), "time": "0"}
        )
        failure = ElementTree.SubElement(case, "failure", {"type": finding.code, "message": _xml(finding.what)})
        failure.text = _xml("\n".join([finding.line(), *map(_related_line, finding.related)]))
    if not grave:
        case = ElementTree.SubElement(suite, "testcase", {"classname": stage.name, "name": stage.name, "time": f"{stage.seconds:.3f}"})
        if stage.not_run:
            ElementTree.SubElement(case, "skipped", {"message": _xml(stage.not_run)})
    said = [*(figure.line() for figure in stage.figures), *(finding.line() for finding in light)]
    if said:
        ElementTree.SubElement(suite, "system-out").text = _xml("\n".join(said))
    return suite


def _related_line(related: Related) -> str:
    return f"{related.where}: {related.text}"


def _xml(text: str) -> str:
    """Return the text without what XML 1.0 cannot hold."""
    return _NOT_XML.sub("\ufffd", text)


# --- Markdown ----------------------------------------------------------------------------------------------------------


def _markdown(report: CheckReport, notes: bool) -> str:
    lines = [f"## Check: {'clean' if report.clean else 'violations'}", "", "| Stage | Result | Seconds |", "|---|---|---:|"]
    lines += [f"| {plain(stage.name)} | {plain(_state(stage))} | {stage.seconds:.1f} |" for stage in report.stages]
    figures = [figure for stage in report.stages for figure in stage.figures]
    lines += ["", "### Figures", "", *(f"- {plain(figure.line())}" for figure in figures)] if figures else []
    for severity in Severity if notes else (Severity.VIOLATION, Severity.WARNING):
        found = [finding for finding in report.findings if finding.severity is severity]
        if found:
            lines += ["", f"### {severity.value} ({len(found)})", ""]
            lines += [line for finding in found for line in _item(finding)]
    return "\n".join(lines) + "\n"


def _state(stage: StageResult) -> str:
    return f"not run: {stage.not_run}" if stage.not_run else stage.summary()


def _item(finding: CheckFinding) -> Iterator[str]:
    place = f"{plain(finding.where)}: " if finding.where else ""
    why = f": {plain(finding.why)}" if finding.why else ""
    repair = f" **Repair:** {plain(finding.repair)}" if finding.repair else ""
    yield f"- {place}**{plain(finding.what.rstrip('.'))}**{why}.{repair} ({plain(finding.code)})"
    for each in finding.related:
        yield f"  - {plain(each.where)}: {plain(each.text)}"
