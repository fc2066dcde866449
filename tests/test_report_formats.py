"""The report of a check in every form: what SARIF 2.1.0 and JUnit demand holds, nothing in a finding breaks the form."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reasoner.authoring.report_formats import write_report
from reasoner.authoring.results import CheckFinding, CheckReport, Figure, Related, Severity, StageResult, split_place
from reasoner.cli import main

ROOT = Path(__file__).parent.parent
LEVELS = {"Violation": "error", "Warning": "warning", "Info": "note"}
HOSTILE = "a|b <script>alert(1)</script> ]]> \x00\x1b[31m \ud800 & \"q\" 'p' [x](y) `c` *d* @someone\n# e"
RELATED = (Related("lc:A SubClassOf lc:B", "ontology/a b.ttl:3"), Related(HOSTILE, "ontology/c.ttl"))
GRAVE = CheckFinding(
    "classification", Severity.VIOLATION, "lc:A can have no member", "ontology/a.ttl:7", "so", "mend it", "LC-2071", RELATED
)
LIGHT = CheckFinding("h21-unused", Severity.WARNING, HOSTILE, "lc:A", HOSTILE, HOSTILE, "LC-H21")
NOTE = CheckFinding("h22-unused", Severity.INFO, "a note", "", "", "", "LC-H22")
REPORT = CheckReport(
    (
        StageResult("strict-parse", 0.25, figures=(Figure("test_x", "states compared", "10,000"),)),
        StageResult("hygiene", 1.5, (LIGHT, NOTE)),
        StageResult("classification", 2.0, (GRAVE, GRAVE)),
        StageResult("vignettes", 0.0, (), "--fast"),
    )
)


def sarif_of(report: CheckReport) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(write_report(report, "sarif"))
    return document


def hold_sarif(document: dict[str, Any], report: CheckReport) -> None:
    """Demand what the SARIF 2.1.0 schema demands of the objects that are used."""
    assert document["version"] == "2.1.0"
    assert document["$schema"].endswith("/sarif-schema-2.1.0.json")
    (run,) = document["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"]
    ids = [rule["id"] for rule in driver["rules"]]
    assert len(ids) == len(set(ids))
    assert all(rule["shortDescription"]["text"] and rule["help"]["text"] for rule in driver["rules"])
    assert all(rule["defaultConfiguration"]["level"] in LEVELS.values() for rule in driver["rules"])
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is True
    assert len(run["results"]) == len(report.findings)
    for result, finding in zip(run["results"], report.findings, strict=True):
        assert result["ruleId"] == ids[result["ruleIndex"]] == finding.code
        assert result["level"] == LEVELS[finding.severity.value]
        assert result["message"]["text"]
        hold_locations(result["locations"], [finding.where] if finding.where else [])
        hold_locations(result.get("relatedLocations", []), [each.where for each in finding.related])


def hold_locations(locations: list[dict[str, Any]], places: list[str]) -> None:
    assert len(locations) == len(places)
    assert len({location.get("id") for location in locations}) in (0, 1, len(locations))
    for location, place in zip(locations, places, strict=True):
        name, line = split_place(place)
        if "physicalLocation" not in location:
            assert [each["fullyQualifiedName"] for each in location["logicalLocations"]] == [name]
            continue
        physical = location["physicalLocation"]
        assert unquote(physical["artifactLocation"]["uri"]) == name
        assert re.fullmatch(r"[\w.~!$&'()*+,;=:@/%-]+", physical["artifactLocation"]["uri"], re.ASCII)
        assert physical.get("region", {}).get("startLine", 0) == line
        assert "region" not in physical or physical["region"]["startLine"] >= 1


def hold_junit(text: str, report: CheckReport) -> None:
    """Demand what build servers demand of a JUnit report: names, counts that are true, one outcome per case."""
    root = ElementTree.fromstring(text)  # noqa: S314
    assert root.tag == "testsuites"
    assert [suite.get("name") for suite in root] == [stage.name for stage in report.stages]
    for suite, stage in zip(root, report.stages, strict=True):
        cases = suite.findall("testcase")
        assert all(case.get("name") and case.get("classname") for case in cases)
        assert int(suite.get("tests", "")) == len(cases) >= 1
        assert int(suite.get("failures", "")) == len(suite.findall("testcase/failure"))
        assert int(suite.get("errors", "")) == 0
        assert int(suite.get("skipped", "")) == len(suite.findall("testcase/skipped"))
        assert float(suite.get("time", "")) == round(stage.seconds, 3)
        assert all(len(case) <= 1 for case in cases)
        grave = [finding for finding in stage.findings if finding.severity is Severity.VIOLATION]
        assert [failure.get("type") for failure in suite.iter("failure")] == [finding.code for finding in grave]
        assert bool(suite.findall("testcase/skipped")) == bool(stage.not_run and not grave)
        assert {child.tag for child in suite} <= {"testcase", "system-out"}
    for name in ("tests", "failures", "errors", "skipped"):
        assert int(root.get(name, "")) == sum(int(suite.get(name, "")) for suite in root)


def test_sarif_holds() -> None:
    document = sarif_of(REPORT)
    hold_sarif(document, REPORT)
    notifications = document["runs"][0]["invocations"][0]["toolExecutionNotifications"]
    assert [(each["descriptor"]["id"], each["level"]) for each in notifications] == [("vignettes", "note")]
    assert document["runs"][0]["results"][2]["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "ontology/a.ttl"},
        "region": {"startLine": 7},
    }


def test_junit_holds() -> None:
    text = write_report(REPORT, "junit")
    hold_junit(text, REPORT)
    suites = {suite.get("name"): suite for suite in ElementTree.fromstring(text)}  # noqa: S314
    assert [case.find("skipped") is not None for case in suites["vignettes"]] == [True]
    assert "ontology/a b.ttl:3: lc:A SubClassOf lc:B" in str(suites["classification"].findtext("testcase/failure"))
    assert suites["strict-parse"].findtext("system-out") == "states compared: 10,000"
    assert "LC-H21" in str(suites["hygiene"].findtext("system-out"))


def test_markdown_lets_nothing_through() -> None:
    text = write_report(REPORT, "markdown", notes=True)
    assert "<" not in text
    assert "@" not in text
    assert "| vignettes | not run: --fast | 0.0 |" in text
    assert "### Figures\n\n- states compared: 10,000\n" in text
    assert "### Violation (2)" in text
    assert "### Info (1)" in text
    assert "### Info" not in write_report(REPORT, "markdown")
    assert (
        "- ontology/a.ttl:7: **lc:A can have no member**: so. **Repair:** mend it (LC-2071)\n  - ontology/a b.ttl:3: lc:A SubClassOf lc:B\n"
        in text
    )
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {4}


PLACES = st.one_of(
    st.sampled_from(["", "ontology/a.ttl:1", "ontology/", "lc:A", "README.md", "x y.ttl:12", "https://e.org/a"]), st.text(max_size=12)
)
FINDINGS = st.builds(
    CheckFinding,
    st.sampled_from(["one", "two"]),
    st.sampled_from(list(Severity)),
    st.text(min_size=1, max_size=12),
    PLACES,
    st.text(max_size=12),
    st.text(max_size=12),
    st.sampled_from(["LC-1", "LC-2"]),
    st.lists(st.builds(Related, st.text(max_size=12), PLACES.filter(bool)), max_size=2).map(tuple),
)
STAGES = st.builds(
    StageResult,
    st.sampled_from(["a", "b"]),
    st.floats(0, 9).map(lambda each: round(each, 3)),
    st.lists(FINDINGS, max_size=3).map(tuple),
    st.sampled_from(["", "no"]),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(STAGES, max_size=3).map(lambda stages: CheckReport(tuple(stages))))
def test_any_report_keeps_the_form(report: CheckReport) -> None:
    hold_junit(write_report(report, "junit"), report)
    document = sarif_of(report)
    (run,) = document["runs"]
    assert [result["ruleId"] for result in run["results"]] == [finding.code for finding in report.findings]
    assert "<" not in write_report(report, "markdown", notes=True)


@pytest.mark.parametrize("form", ["text", "json", "sarif", "junit", "markdown"])
def test_command_writes_each_form(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--knowledge", str(ROOT), "check", "--only", "strict-parse", "--only", "release-tests", "--format", form]) == 0
    text = capsys.readouterr().out
    assert "needs --release" in text
    assert "strict-parse" in text or form == "sarif"


def test_coverage_has_two_forms(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--knowledge", str(ROOT), "check", "--coverage", "--format", "sarif"]) == 2
    assert "Coverage is printed as text or JSON" in capsys.readouterr().err
