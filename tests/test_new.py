"""`legcramps new`: canonical Turtle in the right file, nothing guessed, what is open found by check, bad names refused."""

from __future__ import annotations

import io
import json
import shutil
import sys
from pathlib import Path

import pytest
from knowledge_copies import ROOT

from reasoner import load_records
from reasoner.authoring.check import run_check
from reasoner.authoring.format import format_turtle
from reasoner.authoring.outlines import FILL_IN, kebab, snake
from reasoner.authoring.results import CheckFinding
from reasoner.cli import main
from reasoner.knowledge import read_graph
from reasoner.namespaces import LCG, RDF, RDFS, SKOS, expand
from reasoner.program import Program
from reasoner.terms import lc

STAGES = ("strict-parse", "canonical-form", "closed-world", "imports")
RECALL = "lcg:_Citation_expert_recall"
GUIDELINE = "lcg:_Guideline_droracle_bilateral_leg_cramps_2026"


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy that is the current folder; nothing is asked."""
    for part in ("ontology", "shapes"):
        shutil.copytree(ROOT / part, tmp_path / part)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    return tmp_path


def findings(copy: Path) -> list[CheckFinding]:
    return [finding for finding in run_check(copy, only=STAGES).findings if finding.severity.value == "Violation"]


def described(copy: Path, name: str) -> dict[str, list[object]]:
    graph = read_graph(sorted((copy / "ontology").rglob("*.ttl")))
    return {predicate: list(nodes) for predicate, nodes in graph.out[expand(name)].items()}


@pytest.mark.parametrize(
    ("kind", "name", "parent", "file"),
    [
        ("finding", "CalfItch", "lc:LegSymptom", "findings.ttl"),
        ("drug", "NewStatin", "lc:Statin", "medications.ttl"),
        ("test", "CalfPhotograph", "lc:Investigation", "investigations.ttl"),
    ],
)
def test_a_term_is_added_at_the_end_of_its_file(
    kind: str, name: str, parent: str, file: str, copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (copy / "ontology" / file).read_text(encoding="utf-8")
    options = ["--parent", parent, "--source", RECALL, "--label", "a label", "--definition", "A thing that differs."]
    assert main(["new", kind, name, *options]) == 0
    assert capsys.readouterr().out.splitlines() == [f"ontology/{file}"]
    after = (copy / "ontology" / file).read_text(encoding="utf-8")
    assert after.startswith(before)
    assert format_turtle(after, file) == after
    found = described(copy, f"lc:{name}")
    assert found[RDFS + "subClassOf"] == [expand(parent)]
    assert [str(each) for each in found[SKOS + "prefLabel"]] == ['"a label"@en']
    left = findings(copy)
    assert {(each.code, each.where.partition(":")[0]) for each in left} == {("LC-2015", f"ontology/{file}")}
    assert any("skos:exactMatch" in each.why for each in left)
    if kind == "test":
        assert {"lc:CalfPhotographOnRecord", "lc:calfPhotographOnRecord"} <= {
            f"lc:{word}" for word in after.split() for word in [word.removeprefix("lc:")]
        }
        assert any("lc:validForDays" in each.why for each in left)


def test_a_condition_comes_with_its_module_and_a_vignette(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--parent", "lc:VascularCondition", "--source", RECALL, "--finding", "lc:CalfTenderness", "--pertinence", "weakly-positive"]
    options += ["--as-of", "2026-11-20T09:00:00Z"]
    assert main(["new", "condition", "CalfItchDisease", *options, "--definition", "A vascular condition that itches."]) == 0
    printed = capsys.readouterr()
    assert "--as-of" not in printed.err
    record = (copy / "tests/cases/conditions/calf-itch-disease-typical/record.ttl").read_text(encoding="utf-8")
    assert 'lc:asOf "2026-11-20T09:00:00Z"^^xsd:dateTime' in record
    assert printed.out.splitlines() == [
        "ontology/conditions/calf-itch-disease.ttl",
        "tests/cases/conditions/calf-itch-disease-typical/record.ttl",
        "tests/cases/conditions/calf-itch-disease-typical/expected.json",
        "ontology/legcramps.ttl",
        "ontology/catalog-v001.xml",
    ]
    expected = json.loads((copy / "tests/cases/conditions/calf-itch-disease-typical/expected.json").read_text(encoding="utf-8"))
    assert expected["case"] == "https://example.org/legcramps/calf-itch-disease-typical"
    criterion = described(copy, "lc:_Criterion_calf_itch_disease_calf_tenderness")
    assert criterion[lc("pertinence")] == [lc("_Pertinence_weakly_positive")]
    left = findings(copy)
    assert {each.code for each in left} == {"LC-2015"}
    assert {each.where.partition(":")[0] for each in left} == {
        "ontology/conditions/calf-itch-disease.ttl",
        "tests/cases/conditions/calf-itch-disease-typical/record.ttl",
        "tests/cases/conditions/calf-itch-disease-typical/expected.json",
    }


def test_a_recommendation_is_not_repeated_while_a_result_is_on_record(copy: Path) -> None:
    options = [
        "--guideline",
        GUIDELINE,
        "--inclusion",
        "lc:Adult",
        "--test",
        "lc:ArterialDuplex",
        "--urgency",
        "soon",
        "--step",
        "conditional",
    ]
    assert main(["new", "recommendation", "duplex_for_all", *options, "--source", RECALL]) == 0
    found = described(copy, "lcg:_Recommendation_duplex_for_all")
    assert found[RDF + "type"] == [lc("Recommendation")]
    assert found[lc("hasExclusion")] == [lc("ArterialDuplexOnRecord")]
    orders = [int(str(getattr(each, "value", 0))) for each in found[lc("presentationOrder")]]
    assert orders[0] > 40
    assert {each.code for each in findings(copy)} == {"LC-2015"}


def test_what_is_not_said_is_asked_for_and_not_guessed(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "condition", "CalfItchDisease", "--parent", "lc:VascularCondition"]) == 0
    assert "legcramps: no --as-of is given; the typical case is judged on the present day\n" in capsys.readouterr().err
    text = (copy / "ontology/conditions/calf-itch-disease.ttl").read_text(encoding="utf-8")
    assert "dcterms:source" not in text.replace(f"{FILL_IN} dcterms:source", "")
    assert "lc:verification lc:" not in text
    asked = [each.why for each in findings(copy)]
    assert sum("dcterms:source" in each for each in asked) == 2
    assert any("lc:DiagnosticCriterion" in each for each in asked)
    assert any("apart from every other vascular condition" in each for each in asked)


def test_what_the_author_will_write_has_its_prefix(copy: Path, knowledge: Program) -> None:
    assert main(["new", "condition", "CalfItchDisease", "--parent", "lc:VascularCondition"]) == 0
    module = (copy / "ontology/conditions/calf-itch-disease.ttl").read_text(encoding="utf-8")
    assert f"@prefix lcg: <{LCG}> ." in module
    record = copy / "tests/cases/conditions/calf-itch-disease-typical/record.ttl"
    text = record.read_text(encoding="utf-8")
    (example,) = [line for line in text.splitlines() if line.startswith("# ex:finding ")]
    case = "<https://example.org/legcramps/calf-itch-disease-typical>"
    filled = text.replace(example, example.removeprefix("# ").replace("lc:…", "lc:LegCramp"))
    record.write_text(filled + f"\n{case} lc:hasRecord ex:finding .\n", encoding="utf-8")
    (described_case,) = load_records([record], knowledge).cases
    assert [each.finding for each in described_case.findings] == [lc("LegCramp")]
    assert not described_case.problems


def test_a_missing_prefix_is_spelt_out(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = copy / "ontology/findings.ttl"
    path.write_text(path.read_text(encoding="utf-8").replace("@prefix lcg:", "@prefix other:"), encoding="utf-8")
    (finding,) = [each for each in run_check(copy, only=["strict-parse"]).findings if each.code == "LC-2011"]
    assert finding.repair == f"declare @prefix lcg: <{LCG}> . at the top"
    (copy / "record.ttl").write_text("@prefix lc: <https://w3id.org/legcramps/ontology/> .\nex:a a lc:Case .\n", encoding="utf-8")
    assert main(["--knowledge", str(ROOT), "assess", "record.ttl"]) == 2
    assert "declare @prefix ex: <…> . at the top" in capsys.readouterr().err


REFUSED = [
    ("lower case", ["finding", "calfItch"], "no name of a finding"),
    ("path", ["condition", "../../Evil"], "no name of a condition"),
    ("Turtle", ["drug", "A> a <b"], "no name of a drug"),
    ("camel case", ["recommendation", "CamelCase"], "no name of a recommendation"),
    ("empty", ["test", ""], "no name of a test"),
    ("taken", ["finding", "LegCramp"], "exists already"),
    ("taken but for case", ["finding", "LegcramP"], "exists already"),
    ("taken by a helper", ["test", "ArterialDuplex", "--parent", "lc:Investigation"], "exists already"),
    ("no parent", ["finding", "CalfItch"], "--parent names no Finding"),
    ("misspelt parent", ["finding", "CalfItch", "--parent", "lc:LegSympton"], "lc:LegSymptom"),
    ("parent of another kind", ["drug", "CalfCream", "--parent", "lc:LegSymptom"], "--parent names no Drug"),
    ("odd parent", ["finding", "CalfItch", "--parent", "lc:LegSymptom . lc:x a lc:y"], "--parent names no Finding"),
    ("no citation", ["finding", "CalfItch", "--parent", "lc:LegSymptom", "--source", "lcg:_Citation_mine"], "--source names no Citation"),
    (
        "odd band",
        ["condition", "Itch", "--parent", "lc:VascularCondition", "--finding", "lc:LegCramp", "--pertinence", "very"],
        "weakly-positive",
    ),
    ("no act", ["recommendation", "itch", "--guideline", GUIDELINE, "--inclusion", "lc:Adult"], "is about one act"),
    (
        "finding as inclusion",
        ["recommendation", "itch", "--guideline", GUIDELINE, "--inclusion", "lc:LegCramp", "--test", "lc:ArterialDuplex"],
        "names no Case",
    ),
]


@pytest.mark.parametrize(("arguments", "words"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_cannot_be_is_refused_and_nothing_is_written(
    arguments: list[str], words: str, copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    assert main(["new", *arguments]) == 2
    assert words in capsys.readouterr().err
    assert before == {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}


def test_a_condition_is_not_begun_twice(copy: Path) -> None:
    assert main(["new", "condition", "CalfItchDisease", "--parent", "lc:VascularCondition"]) == 0
    assert main(["new", "condition", "CalfItchDisease", "--parent", "lc:VascularCondition"]) == 2


def test_a_catalogue_that_cannot_take_the_module_is_refused_before_anything_is_written(copy: Path) -> None:
    (copy / "ontology" / "catalog-v001.xml").write_text("<catalog", encoding="utf-8")
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    assert main(["new", "condition", "CalfItchDisease", "--parent", "lc:VascularCondition"]) == 2
    assert before == {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}


def test_check_names_the_file_that_new_would_write(copy: Path) -> None:
    assert main(["new", "condition", "McItchDisease", "--parent", "lc:VascularCondition"]) == 0
    (copy / "ontology/conditions/mcitch-disease.ttl").rename(copy / "ontology/conditions/itch.ttl")
    path = copy / "ontology/conditions/itch.ttl"
    path.write_text(path.read_text(encoding="utf-8").replace("legcramps/mcitch-disease>", "legcramps/itch>"), encoding="utf-8")
    (finding,) = [each for each in run_check(copy, only=["imports"]).findings if each.code == "LC-2036"]
    assert finding.repair.startswith("rename the file to mcitch-disease.ttl")


def test_text_of_the_author_stays_text(copy: Path) -> None:
    odd = 'a "quoted" \\ label\n# FILL'
    assert main(["new", "finding", "CalfItch", "--parent", "lc:LegSymptom", "--source", RECALL, "--label", odd]) == 0
    (label,) = described(copy, "lc:CalfItch")[SKOS + "prefLabel"]
    assert getattr(label, "value", "") == odd


def test_at_a_terminal_what_is_missing_is_asked(copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal(f"calf itch\nA leg symptom of skin.\nlc:LegSymptom\n{RECALL}\n"))
    assert main(["new", "finding", "CalfItch"]) == 0
    assert capsys.readouterr().err.startswith("label: definition: parent: source: ")
    found = described(copy, "lc:CalfItch")
    assert [str(each) for each in found[SKOS + "definition"]] == ['"A leg symptom of skin."@en']


@pytest.mark.parametrize(
    ("name", "file", "individual"),
    [
        ("VitaminDDeficiency", "vitamin-d-deficiency", "vitamin_d_deficiency"),
        ("McArdleDisease", "mcardle-disease", "mcardle_disease"),
        ("PAD", "pad", "pad"),
    ],
)
def test_names_are_cut_into_words(name: str, file: str, individual: str) -> None:
    assert kebab(name) == file
    assert snake(name) == individual


def test_shipped_knowledge_leaves_nothing_to_be_filled_in() -> None:
    assert not [each for each in run_check(ROOT, only=["strict-parse"]).findings if each.code == "LC-2015"]
