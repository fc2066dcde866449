"""Golden vignettes: each directory of tests/cases holds a record of one case, each of tests/matrix of many, and what the report must say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from compare import differences

from reasoner import load_records
from reasoner.answering import answer_case
from reasoner.authoring.example_checks import observe, read_expectations, unstated_faults, vignette_folders
from reasoner.program import Program
from reasoner.report import case_document

CASES = Path(__file__).parent / "cases"
DIRECTORIES = vignette_folders(CASES.parent)
FLOORS = {
    "boundaries": 100,
    "coexisting": 5,
    "conditions": 71,
    "data": 37,
    "dvt": 62,
    "magnesium-gate": 10,
    "matrix": 20,
    "mutation": 2,
    "red-flags": 60,
    "scope": 10,
    "source-text": 3,
}
KINDS = {
    "typical": {"excluded", "unlikely"},
    "mimic": {"confirmed"},
    "early": {"confirmed", "excluded"},
}
"""Three vignettes of a condition, `conditions/CONDITION-KIND`, and what the condition cannot be in each."""
ELSEWHERE = {
    "chronic-exertional-compartment-syndrome-early": "conditions/chronic-exertional-compartment-syndrome-before-pressures",
    "deep-vein-thrombosis-early": "dvt/d1-no-scan-on-record",
    "deep-vein-thrombosis-mimic": "dvt/d1-old-swelling-unchanged",
    "lumbar-radiculopathy-early": "conditions/lumbar-radiculopathy-weak-evidence",
    "lumbar-radiculopathy-mimic": "conditions/lumbar-radiculopathy-unlikely",
    "vitamin-d-deficiency-mimic": "conditions/vitamin-d-deficiency-excluded",
}
REPORT: dict[str, object] = {
    "scope": {"status": "in-scope"},
    "nextTests": [
        {"test": "https://w3id.org/legcramps/ontology/LumbarSpineMri", "rank": 1, "certainty": "presumed"},
        {"test": "lc:NerveConductionStudy", "rank": 2, "certainty": "possible", "label": "nerve conduction"},
    ],
    "redFlags": [],
}


def name(directory: Path) -> str:
    return directory.relative_to(CASES.parent).as_posix()


@pytest.mark.parametrize("group", FLOORS)
def test_no_group_shrinks(group: str) -> None:
    assert sum(directory.parent.name == group for directory in DIRECTORIES) >= FLOORS[group]


def test_no_group_lacks_a_floor() -> None:
    assert {directory.parent.name for directory in DIRECTORIES} == set(FLOORS)
    assert len(DIRECTORIES) >= 60


@pytest.mark.parametrize("directory", DIRECTORIES, ids=name)
def test_pair_is_complete(directory: Path) -> None:
    assert sorted(path.name for path in directory.iterdir()) == ["expected.json", "record.ttl"]
    written = json.loads((directory / "expected.json").read_text(encoding="utf-8"))
    assert written["about"].strip()
    if "cases" in written:
        assert set(written) == {"about", "cases"}
    for expectation in read_expectations(directory):
        assert set(expectation) - {"about", "case"}, "the expectation expects nothing"
        if "cases" not in written:
            assert expectation["case"] == f"https://example.org/legcramps/{directory.name}"


def test_case_names_are_unique() -> None:
    names = [str(expectation["case"]) for directory in DIRECTORIES for expectation in read_expectations(directory)]
    assert len(names) == len(set(names))
    assert len(names) >= 331


@pytest.mark.parametrize("directory", DIRECTORIES, ids=name)
def test_report(directory: Path, knowledge: Any) -> None:
    found = {case.iri: case for case in load_records([directory / "record.ttl"], knowledge).cases}
    expectations = {str(expected["case"]): expected for expected in read_expectations(directory)}
    assert found.keys() == expectations.keys()
    lines = [
        f"{case.rpartition('/')[2]}: {line}"
        for case, expected in expectations.items()
        for line in differences(expected, observe(found[case], knowledge, expected))
    ]
    assert not lines, "\n".join(lines)
    unstated = [each.text for case, expected in expectations.items() for each in unstated_faults(found[case], knowledge, expected)]
    assert not unstated, "\n".join(unstated)


def reports(directory: Path, knowledge: Program) -> Iterator[dict[str, Any]]:
    for case in load_records([directory / "record.ttl"], knowledge).cases:
        yield case_document(knowledge, answer_case(case, knowledge, case.as_of))


def items(document: object, key: str) -> Iterator[Any]:
    """Yield every value of a key, however deep it stands."""
    for name, value in document.items() if isinstance(document, dict) else (("", each) for each in document):
        if name == key:
            yield value
        if isinstance(value, dict | list):
            yield from items(value, key)


def test_every_line_says_why_and_stands_in_its_place(knowledge: Program) -> None:
    held_back = ties = 0
    for directory in [CASES / "red-flags/possible-hyperkalaemia", CASES / "conditions/acute-compartment-syndrome-mimic", *DIRECTORIES[::8]]:
        for report in reports(directory, knowledge):
            where = f"{name(directory)}: {report['case']}"
            assert all(reason["source"] for reasons in items(report, "because") if isinstance(reasons, list) for reason in reasons), where
            assert all(nodes == sorted(nodes) for key in ("from", "sources") for nodes in items(report, key) if isinstance(nodes, list)), (
                where
            )
            for line in (*report["nextTests"], *report["actions"]):
                if line["certainty"] == "possible" and report["scope"]["status"] == "in-scope":
                    assert line["blockedBy"] or line["missing"], (where, line["label"])
                    held_back += bool(line["blockedBy"] and not line["missing"])
            for one, two in zip(report["questions"], report["questions"][1:], strict=False):
                if one["rank"] == two["rank"]:
                    ties += 1
                    assert one["label"].casefold() <= two["label"].casefold(), where
    assert held_back >= 10 and ties >= 200


def test_what_is_raised_against_a_test_is_named_as_it_is_of_an_action(knowledge: Program) -> None:
    (report,) = reports(CASES / "conditions/acute-compartment-syndrome-mimic", knowledge)
    flag = "https://w3id.org/legcramps/guideline/Eligible_RedFlag_acute_compartment_syndrome"
    against = [{"class": flag, "label": "suspected acute compartment syndrome"}]
    assert [row["blockedBy"] for row in report["nextTests"]] == [[], *[against] * (len(report["nextTests"]) - 1)]
    assert len(report["nextTests"]) > 10


def test_knowledge_without_a_sentence_gives_its_citation_as_source(knowledge: Program) -> None:
    (report,) = reports(CASES / "boundaries/chemistry-thresholds-below", knowledge)
    (row,) = (each for each in report["nextTests"] if each["test"].endswith("/CalciumMeasurement"))
    citation = "https://w3id.org/legcramps/guideline/_Citation_sps"
    sources = [(key, each["source"]) for each in row["because"] for key in each if key not in ("text", "source")]
    record = "https://example.org/legcramps/chemistry-thresholds-below/magnesium"
    assert sources == [("recommendation", citation), ("axiom", citation), ("fact", record)]


@pytest.mark.parametrize("kind", KINDS)
def test_every_condition_is_met_in_three_ways(kind: str, knowledge: Any) -> None:
    """Each condition has a typical case; the first seventeen also one that imitates it, and one in which little is known yet."""
    lacking, wrong = [], []
    for condition in (each.iri for each in knowledge.conditions):
        wanted = re.sub(r"(?<!^)(?=[A-Z])", "-", condition.rpartition("/")[2]).lower() + f"-{kind}"
        directory = CASES / ELSEWHERE.get(wanted, f"conditions/{wanted}")
        if not directory.is_dir():
            lacking.append(name(directory))
            continue
        (case,) = load_records([directory / "record.ttl"], knowledge).cases
        ranked = observe(case, knowledge, {"differential": []})["differential"]
        (status,) = (each["status"] for each in ranked if each["condition"] == condition)
        wrong += [f"{condition} is {status} in {name(directory)}"] if status in KINDS[kind] else []
    assert not wrong, "\n".join(wrong)
    assert not lacking or kind != "typical", lacking
    assert len(knowledge.conditions) - len(lacking) >= 17, lacking


@pytest.mark.parametrize(
    "expectation",
    [
        {"about": "the keys given, nothing else", "scope": {"status": "in-scope"}},
        {"nextTests": [{"test": "lc:NerveConductionStudy", "rank": 5}, {"test": "lc:LumbarSpineMri", "rank": 4}]},
        {"nextTests": [{"labelContains": "Conduction"}], "absent": {"redFlags": [{}]}},
        {"absent": {"nextTests": [{"test": "lc:LumbarSpineMri", "certainty": "possible"}]}},
    ],
)
def test_comparison_accepts(expectation: dict[str, object]) -> None:
    assert differences(expectation, REPORT) == []


@pytest.mark.parametrize(
    "expectation",
    [
        {"scope": {"status": "undetermined"}},
        {"scope": {"status": "in-scope", "missing": []}},
        {"unknownKey": []},
        {"redFlags": [{}]},
        {"nextTests": [{"test": "lc:LumbarSpineMri", "certainty": "possible"}]},
        {"nextTests": [{"test": "lc:LumbarSpineMri", "rank": 2}, {"test": "lc:NerveConductionStudy", "rank": 1}]},
        {"nextTests": [{"test": "lc:LumbarSpineMri", "rank": 1}, {"test": "lc:NerveConductionStudy", "rank": 1}]},
        {"nextTests": [{"labelContains": "tibial"}]},
        {"absent": {"nextTests": [{"test": "lc:LumbarSpineMri"}]}},
        {"absent": {"unknownKey": [{}]}},
    ],
)
def test_comparison_refuses(expectation: dict[str, object]) -> None:
    assert len(differences(expectation, REPORT)) == 1


def test_a_slip_of_the_record_is_unstated_until_it_is_stated(tmp_path: Path, knowledge: Any) -> None:
    text = (CASES / "source-text" / "bilateral-cramps-stable" / "record.ttl").read_text(encoding="utf-8")
    (tmp_path / "record.ttl").write_text(text.replace("lc:ElectrolytePanel", "lc:ElectrolytePannel"), encoding="utf-8")
    (case,) = load_records([tmp_path / "record.ttl"], knowledge).cases
    assert "unknown-term" in {getattr(each, "code", "") for each in unstated_faults(case, knowledge, {"scope": {}})}
    assert not unstated_faults(case, knowledge, {"dataProblems": []})
