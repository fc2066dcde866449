"""`legcramps check`: the shipped knowledge is clean, and every kind of fault is reported with its code, file and line."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import pyoxigraph
import pytest
import rdflib

from reasoner.authoring import check as checking
from reasoner.authoring.check import STAGES, run_check
from reasoner.authoring.doctor import examine
from reasoner.authoring.hygiene import HygieneQuery, hygiene_queries, run_hygiene
from reasoner.authoring.results import CheckFinding, CheckReport, Severity, render_report
from reasoner.authoring.vocabulary import near_matches
from reasoner.cli import main
from reasoner.errors import MissingExtraError, UsageError
from reasoner.namespaces import LC, PREFIXES

pytestmark = pytest.mark.release  # minutes on two cores

ROOT = Path(__file__).parent.parent
PARTS = ("ontology", "shapes", "queries")
QUERIES = {query.id: query for query in hygiene_queries(ROOT)}
ELSEWHERE = ("vignettes", "competency", "documents", "release-tests")
"""Stages whose material has tests of its own."""


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the knowledge whose programs are not kept."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for part in PARTS:
        shutil.copytree(ROOT / part, tmp_path / part)
    return tmp_path


def grave(report: CheckReport) -> list[str]:
    return [finding.line() for finding in report.findings if finding.severity is Severity.VIOLATION]


# --- the shipped knowledge ---------------------------------------------------------------------------------------------


SLOW = ("shapes", "classification", "safety-properties", "competency", "vignettes")


@pytest.fixture(scope="module")
def fast_check() -> tuple[CheckReport, float]:
    """Return the report of a fast check of this checkout, and the processor time it took."""
    began = time.process_time()
    return run_check(ROOT, fast=True), time.process_time() - began


@pytest.fixture(scope="module")
def fast_report(fast_check: tuple[CheckReport, float]) -> CheckReport:
    """Return the report of a fast check of this checkout."""
    return fast_check[0]


@pytest.mark.parametrize("stage", [name for name in STAGES if name not in (*SLOW, *ELSEWHERE)])
def test_shipped_knowledge_is_clean(stage: str, fast_report: CheckReport) -> None:
    (result,) = [each for each in fast_report.stages if each.name == stage]
    lines = grave(CheckReport((result,)))
    assert not lines, "\n".join(lines)
    assert not result.not_run


@pytest.mark.parametrize("stage", ["shapes", "classification", "safety-properties"])
def test_shipped_knowledge_is_clean_at_length(stage: str) -> None:
    report = run_check(ROOT, only=[stage])
    assert not grave(report), "\n".join(grave(report))
    assert not report.stages[0].not_run


def test_fast_check_says_what_it_left_out(fast_report: CheckReport) -> None:
    assert [stage.name for stage in fast_report.stages] == list(STAGES)
    assert {stage.name for stage in fast_report.stages if stage.not_run == "--fast"} == set(SLOW)


def test_fast_check_is_fast(fast_check: tuple[CheckReport, float]) -> None:
    assert fast_check[1] < 20  # seconds of the processor, whatever else the machine does


# --- each hygiene query can fail, and two engines read it alike ---------------------------------------------------------

HEAD = "".join(f"@prefix {name}: <{stem}> .\n" for name, stem in PREFIXES.items())
TOLD = "<https://w3id.org/legcramps/m> a owl:Ontology ; dcterms:identifier 'ontology/conditions/m.ttl' . "
FAULTS = {
    "H01": "lc:X a owl:Class .",
    "H02": "lc:X skos:prefLabel 'one'@en , 'two'@en .",
    "H03": "lc:X a owl:Class .",
    "H04": "lc:X skos:definition 'One.'@en , 'Two.'@en .",
    "H05": "lc:X skos:prefLabel 'Same'@en . lc:Y skos:prefLabel 'same'@en .",
    "H06": "lc:X skos:definition 'Same.'@en . lc:Y skos:definition 'same.'@en .",
    "H07": "lc:X skos:prefLabel 'cold foot'@en ; skos:definition 'A cold foot that is cold.'@en .",
    "H08": "lc:X skos:definition 'Two  blanks.'@en .",
    "H09": "lc:X a owl:Class ; rdfs:subClassOf lc:Undeclared .",
    "H10": "lc:X skos:altLabel 'Same'@en . lc:Y skos:prefLabel 'same'@en .",
    "H11": f"{TOLD} lc:X rdfs:isDefinedBy <https://w3id.org/legcramps/m> ; rdfs:seeAlso lcg:_Recommendation_r .",
    "H12": "lc:X lc:inDifferential true .",
    "H13": "lc:X owl:equivalentClass [ owl:intersectionOf ( lc:Y [ owl:someValuesFrom [ owl:withRestrictions ( [ xsd:minInclusive 1 ] ) ] ] ) ] .",
    "H14": "lc:X lc:likelihoodRatioPositive 2.0 .",
    "H15": "lc:X a lc:DiagnosticCriterion ; lc:aboutCondition lc:Y .",
    "H16": "lc:X rdfs:subClassOf lc:Finding ; skos:exactMatch <http://c/1> . lc:Y rdfs:subClassOf lc:Finding ; skos:exactMatch <http://c/1> .",
    "H17": "lc:X skos:exactMatch <http://c/1> ; skos:closeMatch <http://c/1> .",
    "H18": "lc:X rdfs:subClassOf lc:Drug ; skos:exactMatch <http://c/1> .",
    "H19": "lc:Y owl:deprecated true . lc:X rdfs:subClassOf lc:Y .",
    "H20": "lc:X owl:deprecated true .",
    "H21": "lc:X rdfs:subClassOf lc:Case ; owl:equivalentClass [ a owl:Class ] .",
    "H22": "lc:X rdfs:subClassOf lc:Finding .",
    "H23": "lc:X lc:indicatorForm lc:_Form_select .",
    "H24": "lc:X a lc:Citation .",
    "H25": "lc:X a owl:AnnotationProperty .",
    "H26": "lc:X a lc:Disagreement . lc:Y lc:positionOn lc:X .",
    "H27": "lc:X a lc:Sentence ; lc:statement 'Words.'@en .",
    "H28": "lc:X a lc:Sentence ; lc:notEncodedBecause 'Why.'@en . lc:Y lc:citesSentence lc:X .",
    "H29": "lc:X a lc:Recommendation .",
    "H30": "lc:X owl:imports lc:Y . lc:Y owl:imports lc:X .",
    "H31": "lc:X owl:imports lc:Y ; dcterms:identifier 'ontology/core.ttl' . lc:Y dcterms:identifier 'ontology/conditions/m.ttl' .",
    "H32": "lc:X rdfs:isDefinedBy lc:Y , lc:Z .",
    "H33": "<http://example.org/other> a owl:Class .",
    "H34": "lc:X lc:about [ lc:about lc:Y ] .",
    "H35": "lc:X rdfs:subClassOf lc:Y . lc:Y rdfs:subClassOf lc:X .",
    "H36": "lc:X rdfs:subClassOf lc:Y , lc:Z . lc:Y rdfs:subClassOf lc:Z .",
    "H37": f"{TOLD} lc:X a owl:Class ; rdfs:isDefinedBy <https://w3id.org/legcramps/m> .",
    "H38": "lc:X owl:equivalentClass lc:Y , lc:Z .",
    "H39": "lc:X rdfs:subClassOf lc:Case .",
    "H40": "lc:X a owl:Ontology ; dcterms:title 'Title'@en .",
    "H41": "lc:X owl:inverseOf lc:Y .",
    "H42": "lc:X skos:definition 'No language.' .",
    "H43": "lc:X skos:altLabel 'Same'@en . lc:Y skos:altLabel 'same'@en .",
    "H44": "lc:X dcterms:isReplacedBy lc:Y .",
    "H45": "lc:X owl:deprecated 'true' .",
    "H46": "lc:X rdfs:subClassOf lc:Finding ; lc:isGrouping true .",
}
SOURCED = (
    "lc:X rdfs:subClassOf lc:Finding ; dcterms:source lcg:_Citation_c . lc:Left rdfs:subClassOf lc:X ; lc:sidePattern lc:_SidePattern_left ."
    " lc:Group rdfs:subClassOf lc:Drug ; lc:isGrouping true . lc:Y rdfs:subClassOf lc:Group ; dcterms:source lcg:_Citation_c ."
    " lc:Mix rdfs:subClassOf lc:Drug ; lc:hasIngredient lc:Y . lc:closed lc:indicatorForm lc:_Form_closed ."
    " lc:number lc:indicatorForm lc:_Form_select ; dcterms:source lcg:_Citation_c ."
)
UNSOURCED = [
    ("dcterms:source lcg:_Citation_c . lc:Left", ". lc:Left", {"X", "Left"}),
    ("lc:isGrouping true", "lc:isGrouping false", {"Group"}),
    ("lc:hasIngredient", "rdfs:seeAlso", {"Mix"}),
    ("lc:_Form_closed", "lc:_Form_count", {"closed"}),
    ("lc:_Form_select ; dcterms:source", "lc:_Form_select ; rdfs:seeAlso", {"number"}),
    ("lc:sidePattern", "rdfs:seeAlso", {"Left"}),
    ("lc:Y rdfs:subClassOf lc:Group ; dcterms:source lcg:_Citation_c", "lc:Y rdfs:subClassOf lc:Drug", {"Group", "Y"}),
]


def test_every_hygiene_query_has_a_fault_that_it_finds() -> None:
    assert set(QUERIES) == set(FAULTS)
    assert len(QUERIES) >= 46


def test_terms_rest_on_a_source_or_say_that_they_only_group() -> None:
    for old, new, due in [("", "", set()), *UNSOURCED]:
        store = pyoxigraph.Store()
        assert old in SOURCED
        store.load((HEAD + SOURCED.replace(old, new, 1)).encode(), format=pyoxigraph.RdfFormat.TURTLE)
        assert {entity.removeprefix(LC) for entity, _, _ in run_hygiene(store, QUERIES["H46"])} == due


@pytest.mark.parametrize("query", QUERIES.values(), ids=lambda query: query.name)
def test_hygiene_query_finds_its_fault_on_both_engines(query: HygieneQuery) -> None:
    text = HEAD + FAULTS[query.id]
    store = pyoxigraph.Store()
    store.load(text.encode(), format=pyoxigraph.RdfFormat.TURTLE)
    rows = run_hygiene(store, query)
    due = "http://example.org/other" if query.id == "H33" else LC + "X"
    assert due in {entity for entity, _, _ in rows}
    theirs = rdflib.Graph().parse(data=text, format="turtle").query(query.text)
    assert {entity for entity, _, _ in rows} == {str(row[0]) for row in theirs}  # type: ignore[index]
    assert query.problem.endswith(".")
    assert query.solution.endswith(".")


# --- hostile edits -----------------------------------------------------------------------------------------------------


class Edit(NamedTuple):
    """A fault put into one file: what replaces what, the stage that reports it, its code, and words of the line it names."""

    name: str
    file: str
    old: str
    new: str
    stage: str
    code: str
    line: str
    words: str = ""


CONDITION = "ontology/conditions/vitamin-d-deficiency.ttl"
SOURCE = "ontology/guidelines/droracle-bilateral-leg-cramps-2026.ttl"
FLAGS = "ontology/guidelines/legcramps-red-flags-2026.ttl"
REPEAT = "ontology/guidelines/legcramps-repeat-dvt-imaging-2026.ttl"
SIGNS = "lc:VitaminDSignsPattern\n    a owl:Class ;"
LIMB = "lcg:_RedFlag_acute_limb_ischaemia\n    a lc:RedFlag ;"
EDITS = [
    Edit("syntax", CONDITION, "a owl:Class ;", "a owl:Class", "strict-parse", "LC-2011", ""),
    Edit(
        "ill-typed",
        CONDITION,
        "lc:inDifferential true",
        "lc:inDifferential 'yes'^^xsd:boolean",
        "strict-parse",
        "LC-2012",
        "inDifferential",
    ),
    Edit(
        "datatype",
        CONDITION,
        "lc:inDifferential true",
        "lc:inDifferential 'P1D'^^xsd:duration",
        "strict-parse",
        "LC-2013",
        "inDifferential",
    ),
    Edit("prefix", CONDITION, "@prefix owl:", "@prefix : <http://a/> .\n@prefix owl:", "strict-parse", "LC-2014", ""),
    Edit("to be filled in", CONDITION, SIGNS, "# FILL IN the code.\n" + SIGNS, "strict-parse", "LC-2015", "FILL IN", "the code"),
    Edit("form", CONDITION, SIGNS, SIGNS + "  ", "canonical-form", "LC-2010", "a owl:Class ;  ", "legcramps fmt"),
    Edit("misspelt", CONDITION, "lc:BonePain", "lc:BonePian", "closed-world", "LC-2020", "BonePian", "lc:BonePain"),
    Edit(
        "misspelt property",
        CONDITION,
        "lc:inDifferential",
        "lc:inDiferential",
        "closed-world",
        "LC-2020",
        "inDiferential",
        "lc:inDifferential",
    ),
    Edit("standard", CONDITION, "skos:scopeNote", "skos:scopeNotes", "closed-world", "LC-2021", "scopeNotes", "skos:scopeNote"),
    Edit("shape term", "shapes/style.ttl", "sh:maxLength", "sh:maxLenght", "closed-world", "LC-2021", "maxLenght", "sh:maxLength"),
    Edit(
        "query term",
        "queries/hygiene/h27-sentence-uncovered.rq",
        "lc:statement",
        "lc:statment",
        "closed-world",
        "LC-2020",
        "statment",
        "lc:statement",
    ),
    Edit("module", CONDITION, "legcramps/vitamin-d-deficiency>", "legcramps/vitamin-d>", "imports", "LC-2030", "legcramps/vitamin-d>"),
    Edit("catalogue", "ontology/catalog-v001.xml", 'uri="core.ttl"', 'uri="cor.ttl"', "imports", "LC-2031", "cor.ttl"),
    Edit("import", CONDITION, "legcramps/findings>", "legcramps/finding>", "imports", "LC-2032", "legcramps/finding>"),
    Edit("unimported", CONDITION, "lc:BonePain", "lc:MyopathySuspected", "imports", "LC-2034", "MyopathySuspected", "myopathy"),
    Edit("file name", CONDITION, "lc:VitaminDDeficiency\n", "lc:VitaminLack\n", "imports", "LC-2036", "lc:VitaminLack"),
    Edit("label", CONDITION, "skos:prefLabel", "skos:altLabel", "hygiene", "LC-H01", ""),
    Edit("doubled label", CONDITION, SIGNS, SIGNS + "\n    skos:prefLabel 'bone pain'@en ;", "hygiene", "LC-H05", "'bone pain'"),
    Edit(
        "circular definition",
        CONDITION,
        'skos:definition "A ',
        'skos:definition "Vitamin D deficiency that is a ',
        "hygiene",
        "LC-H07",
        "that is a",
    ),
    Edit("recommendation", CONDITION, SIGNS, SIGNS + "\n    rdfs:seeAlso lcg:_Sentence_s25 ;", "hygiene", "LC-H11", "rdfs:seeAlso"),
    Edit("no source", CONDITION, "    dcterms:source", "    dcterms:relation", "hygiene", "LC-H14", ""),
    Edit("unverified", CONDITION, "    lc:verification lc:_Verification_recall ;", "", "hygiene", "LC-H13", ""),
    Edit(
        "code",
        CONDITION,
        SIGNS,
        SIGNS + "\n    rdfs:subClassOf lc:Finding ; skos:exactMatch <http://nowhere/1> ;",
        "hygiene",
        "LC-H18",
        "nowhere",
    ),
    Edit("blank node", CONDITION, SIGNS, SIGNS + "\n    rdfs:seeAlso [ rdfs:label 'x' ] ;", "hygiene", "LC-H34", "rdfs:seeAlso"),
    Edit("outside profile", CONDITION, "owl:someValuesFrom", "owl:allValuesFrom", "case-profile", "LC-1310", ""),
    Edit("weightless", CONDITION, "lc:pertinence ", "rdfs:seeAlso ", "case-profile", "LC-1300", ""),
    Edit("flag excluded", FLAGS, LIMB, LIMB + "\n    lc:hasExclusion lc:Adult ;", "case-profile", "LC-1320", "_RedFlag_acute_limb"),
    Edit(
        "override circle",
        REPEAT,
        "lcg:_Recommendation_repeat_dvt_d5\n    a lc:Recommendation ;",
        "lcg:_Recommendation_repeat_dvt_d5\n    a lc:Recommendation ;\n    lc:overrides lcg:_Recommendation_repeat_dvt_d0 ;",
        "case-profile",
        "LC-1320",
        "_Recommendation_repeat_dvt_d",
    ),
]


def put(copy: Path, file: str, old: str, new: str) -> list[str]:
    """Put the first `old` of a file right, or wrong; return the lines of the new text."""
    path = copy / file
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{file} has no {old}"
    if "xsd:" in new and "@prefix xsd:" not in text:
        text = f"@prefix xsd: <{PREFIXES['xsd']}> .\n{text}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path.read_text(encoding="utf-8").split("\n")


def found(copy: Path, stages: Collection[str], code: str) -> list[CheckFinding]:
    report = run_check(copy, only=stages)
    return [finding for finding in report.findings if finding.code == code]


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.name)
def test_fault_is_reported_where_it_stands(edit: Edit, copy: Path) -> None:
    lines = put(copy, edit.file, edit.old, edit.new)
    findings = found(copy, [edit.stage], edit.code)
    assert findings, run_check(copy, only=[edit.stage]).dumps()
    places = [finding.where for finding in findings]
    here = [place for place in places if place.startswith(f"{edit.file}:")]
    assert here, places
    if edit.line:
        assert any(edit.line in lines[int(place.rpartition(":")[2]) - 1] for place in here), places
    assert all(finding.what and finding.repair for finding in findings)
    assert any(edit.words in finding.line() for finding in findings)


DESCRIBED = "skos:prefLabel '{0}'@en ; skos:definition 'A case that the test calls {0}.'@en"
NOT_OLD = "[ a owl:Class ; owl:intersectionOf ( lc:AcuteLimbIschaemiaPattern [ a owl:Class ; owl:complementOf lc:Age65Plus ] ) ]"
MIDDLE = "[ a owl:Class ; owl:intersectionOf ( lc:AcuteLimbIschaemiaPattern lc:Adult lc:Under60 ) ]"
NEVER = "[ a owl:Class ; owl:intersectionOf ( lc:Adult lc:Under18 ) ]"


def add_class(copy: Path, file: str, name: str, definition: str) -> None:
    text = f"\nlc:{name} a owl:Class ; rdfs:subClassOf lc:Case ; owl:equivalentClass {definition} ; {DESCRIBED.format(name)} .\n"
    with (copy / file).open("a", encoding="utf-8") as stream:
        stream.write(text)


def line_of(where: str, lines: list[str]) -> str:
    return lines[int(where.rpartition(":")[2]) - 1]


@pytest.mark.parametrize(("definition", "why"), [(NOT_OLD, "is absent"), (MIDDLE, "in two directions")], ids=["complement", "band"])
def test_red_flag_must_be_positive(definition: str, why: str, copy: Path) -> None:
    add_class(copy, FLAGS, "LimbInSome", definition)
    lines = put(copy, FLAGS, LIMB, LIMB + "\n    lc:hasTrigger lc:AcuteLimbIschaemiaSignPresent ;")
    lines = put(copy, FLAGS, "lc:hasInclusion lc:AcuteLimbIschaemiaPattern", "lc:hasInclusion lc:LimbInSome")
    (finding,) = found(copy, ["guideline-rules"], "LC-2080")
    assert "lc:LimbInSome" in line_of(finding.where, lines)
    assert why in finding.why


def test_rows_that_clash_name_a_case(copy: Path) -> None:
    put(copy, REPEAT, "lc:hasInclusion lc:WholeLegUltrasoundUnchanged", "lc:hasInclusion lc:Case")
    assert found(copy, ["case-profile"], "LC-1310") or found(copy, ["case-profile"], "LC-1300")
    put(copy, REPEAT, "lc:hasInclusion lc:Case", "lc:hasInclusion lc:Adult")
    findings = found(copy, ["guideline-rules"], "LC-2082")
    assert any("d5" in finding.what and "for example: " in finding.why and "age in years" in finding.why for finding in findings)
    assert all(finding.where.startswith(REPEAT) for finding in findings)


def test_trigger_that_is_narrower_names_a_case(copy: Path) -> None:
    lines = put(copy, SOURCE, "lc:hasTrigger lc:LegCrampPresent", "lc:hasTrigger lc:Age65Plus")
    (finding,) = found(copy, ["guideline-rules"], "LC-2083")
    assert "lc:Age65Plus" in line_of(finding.where, lines)
    assert "leg cramp" in finding.why


def test_recommendation_that_never_applies_is_reported(copy: Path) -> None:
    add_class(copy, SOURCE, "Impossible", NEVER)
    put(
        copy,
        SOURCE,
        "lc:hasInclusion lc:BilateralLegCrampPresent ;\n    lc:hasTrigger lc:LegCrampPresent ;",
        "lc:hasInclusion lc:Impossible ;",
    )
    assert len(found(copy, ["guideline-rules"], "LC-2085")) == 1
    (finding,) = found(copy, ["guideline-rules"], "LC-2087")
    assert finding.what == "No case can be in lc:Impossible"


def test_advice_for_and_against_one_act_is_reported(copy: Path) -> None:
    block = "lcg:_Recommendation_droracle_ankle_brachial_index_first_line\n    a lc:Recommendation ;"
    put(
        copy,
        SOURCE,
        block,
        block.replace("first_line", "never")
        + "\n    lc:direction lc:_Direction_against ;\n    lc:hasInclusion lc:Adult ;\n    lc:recommendsInvestigation lc:AnkleBrachialIndexMeasurement ;\n    lc:urgency lc:_Urgency_emergency ;\n.\n\n"
        + block,
    )
    findings = found(copy, ["guideline-rules"], "LC-2084")
    assert any("ankle_brachial_index_first_line" in finding.what for finding in findings)


def test_circle_of_case_classes_is_reported_once_with_its_way(copy: Path) -> None:
    add_class(copy, CONDITION, "Egg", "[ a owl:Class ; owl:intersectionOf ( lc:Adult lc:Hen ) ]")
    add_class(copy, CONDITION, "Hen", "[ a owl:Class ; owl:intersectionOf ( lc:Adult lc:Egg ) ]")
    (finding,) = found(copy, ["case-profile"], "LC-1310")
    assert "lc:Egg" in finding.why
    assert "lc:Hen" in finding.why
    assert finding.where.startswith(f"{CONDITION}:")


def test_every_fault_of_the_profile_is_reported(copy: Path) -> None:
    add_class(copy, CONDITION, "One", "[ a owl:Restriction ; owl:onProperty lc:hasFinding ; owl:allValuesFrom lc:BonePain ]")
    add_class(copy, "ontology/findings.ttl", "Two", "[ a owl:Restriction ; owl:onProperty lc:hasFinding ; owl:minCardinality 1 ]")
    report = run_check(copy, only=["case-profile"])
    assert {"lc:One", "lc:Two"} <= {name for finding in report.findings for name in ("lc:One", "lc:Two") if name in finding.what}


def test_guideline_rules_wait_for_the_profile(copy: Path) -> None:
    add_class(copy, CONDITION, "One", "[ a owl:Restriction ; owl:onProperty lc:hasFinding ; owl:allValuesFrom lc:BonePain ]")
    assert run_check(copy, only=["guideline-rules"]).stages[0].not_run == "the case profile has violations"


def test_malformed_file_stops_only_what_needs_it(copy: Path) -> None:
    put(copy, CONDITION, "a owl:Class ;", "a owl:Class")
    report = run_check(copy)
    assert {stage.name for stage in report.stages if stage.not_run == "a file is not valid Turtle"} >= {
        "closed-world",
        "hygiene",
        "guideline-rules",
    }
    assert [finding.code for finding in report.findings if finding.where.startswith(CONDITION)] == ["LC-2011"]


# --- exemptions and headers --------------------------------------------------------------------------------------------

REASON = "rdfs:comment 'Kept for a test.'@en ; dcterms:date '2026-11-22'^^xsd:date ;"


@pytest.mark.parametrize(
    ("exemption", "code"),
    [
        (f"lcs:exemptFrom 'H99' ; {REASON}", "LC-2050"),
        (f"lcs:exemptFrom 'H01' ; {REASON}", "LC-2051"),
        ("lcs:exemptFrom 'H42' ;", "LC-2052"),
    ],
    ids=["unknown", "unneeded", "unexplained"],
)
def test_exemption_is_judged(exemption: str, code: str, copy: Path) -> None:
    head = f"@prefix lcs: <{PREFIXES['lcs']}> .\n@prefix xsd: <{PREFIXES['xsd']}> .\n@prefix dcterms:"
    put(copy, CONDITION, "@prefix dcterms:", head)
    lines = put(copy, CONDITION, SIGNS, f"{SIGNS}\n    {exemption}")
    (finding,) = found(copy, ["hygiene"], code)
    assert "exemptFrom" in line_of(finding.where, lines)


def test_exemption_silences_its_query_alone(copy: Path) -> None:
    head = f"@prefix lcs: <{PREFIXES['lcs']}> .\n@prefix xsd: <{PREFIXES['xsd']}> .\n@prefix dcterms:"
    put(copy, CONDITION, "@prefix dcterms:", head)
    put(copy, CONDITION, SIGNS, f"{SIGNS}\n    lcs:exemptFrom 'H42' ; {REASON}\n    skos:example 'Untagged.' ; skos:altLabel ' blank'@en ;")
    report = run_check(copy, only=["hygiene", "imports", "closed-world", "strict-parse"])
    assert {finding.code for finding in report.findings if finding.where.startswith(CONDITION)} == {"LC-H08"}


def test_query_without_header_is_reported(copy: Path) -> None:
    put(copy, "queries/hygiene/h01-missing-label.rq", "#+ severity: Violation", "#+ severity: Grave")
    (finding,) = found(copy, ["hygiene"], "LC-1300")
    assert finding.where == "queries/hygiene/h01-missing-label.rq:1"


# --- shapes and HermiT -------------------------------------------------------------------------------------------------


def test_faults_of_shapes_and_knowledge_are_reported(copy: Path) -> None:
    style = "shapes/style.ttl"
    for path in [*copy.glob("shapes/[!s]*.ttl"), *copy.glob("ontology/guidelines/*.ttl"), *copy.glob("ontology/[!c]*.ttl")]:
        path.unlink()
    lines = put(copy, style, "sh:targetClass owl:Ontology", "sh:targetClass owl:Ontologie")
    with (copy / style).open("a", encoding="utf-8") as stream:
        stream.write("\nlcs:IdleShape a sh:NodeShape ; sh:minCount 'many' .\n")
    put(copy, CONDITION, SIGNS, SIGNS + "\n    skos:prefLabel 'A label with a full stop.'@en ;")
    report = run_check(copy, only=["shapes"])
    codes = {finding.code: finding for finding in report.findings if finding.severity is Severity.VIOLATION}
    assert {"LC-2040", "LC-2041", "LC-2043", "LC-2044"} <= set(codes)
    assert "owl:Ontologie" in line_of(codes["LC-2044"].where, lines)
    assert codes["LC-2040"].where.startswith(f"{CONDITION}:")
    assert "lcs:IdleShape" in codes["LC-2043"].what


def test_unsatisfiable_class_is_found_by_hermit(copy: Path) -> None:
    for path in copy.glob("ontology/guidelines/*.ttl"):
        path.unlink()
    add_class(copy, CONDITION, "Impossible", NEVER)
    (finding,) = found(copy, ["classification"], "LC-2071")
    assert finding.what == "lc:Impossible can have no member"
    assert finding.where.startswith(f"{CONDITION}:")


def test_classification_without_java_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> None:
        raise MissingExtraError("The extra dl is not installed")

    monkeypatch.setattr("reasoner.authoring.classification_checks.classify_ontology", missing)
    report = run_check(ROOT, only=["classification"])
    assert (report.stages[0].not_run, report.clean, report.whole) == ("extra dl is not installed", True, False)
    assert main(["--knowledge", str(ROOT), "check", "--only", "classification"]) == 3


# --- vignettes and competency questions --------------------------------------------------------------------------------


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a copy with one vignette and one competency question; its program is that of this checkout."""
    for part in PARTS:
        shutil.copytree(ROOT / part, tmp_path / part)
    for path in tmp_path.glob("queries/[!h]*/*.rq"):
        if path.stem != "cq-08-sentences-left-out":
            path.unlink()
    (tmp_path / "tests").mkdir()
    shutil.copy(ROOT / "tests" / "compare.py", tmp_path / "tests" / "compare.py")
    for part in ("cases/source-text/bilateral-cramps-stable", "competency/CQ08"):
        shutil.copytree(ROOT / "tests" / part, tmp_path / "tests" / part)
    return tmp_path


def test_vignettes_are_answered(checkout: Path) -> None:
    case = "tests/cases/source-text/bilateral-cramps-stable"
    assert not run_check(checkout, only=["vignettes"]).findings
    put(checkout, f"{case}/expected.json", '"in-scope"', '"out-of-scope"')
    (finding,) = found(checkout, ["vignettes"], "LC-2110")
    assert finding.where == f"{case}/expected.json:1"
    assert "in-scope" in finding.why
    (checkout / case / "record.ttl").write_text("nothing", encoding="utf-8")
    assert "cannot be answered" in found(checkout, ["vignettes"], "LC-2110")[0].what


SLIPS = {
    "misspelt-test": ("lc:ofTest lc:ElectrolytePanel", "lc:ofTest lc:ElectrolytePannel", "ElectrolytePannel"),
    "date-without-datatype": ('lc:performedOn "2026-11-16"^^xsd:date', 'lc:performedOn "2026-11-16"', "performedOn"),
    "contradiction": ("lc:presence lc:_Presence_present", "lc:presence lc:_Presence_present , lc:_Presence_absent", "cramps"),
}


@pytest.mark.parametrize(("right", "wrong", "words"), SLIPS.values(), ids=SLIPS)
def test_slips_in_the_record_of_a_vignette_are_named(right: str, wrong: str, words: str, checkout: Path) -> None:
    case = "tests/cases/source-text/bilateral-cramps-stable"
    (checkout / case / "expected.json").write_text(
        json.dumps({"case": "https://example.org/legcramps/bilateral-cramps-stable", "asOf": "2026-11-20T09:00:00Z"}), encoding="utf-8"
    )
    assert not run_check(checkout, only=["vignettes"]).findings
    put(checkout, f"{case}/record.ttl", right, wrong)
    (finding,) = found(checkout, ["vignettes"], "LC-2110")
    assert finding.where == f"{case}/record.ttl"
    assert words in finding.why
    assert "expected.json" in finding.repair


def test_competency_questions_are_asked(checkout: Path) -> None:
    assert not run_check(checkout, only=["competency"]).findings
    put(checkout, "tests/competency/CQ08/expected.csv", ",S5,", ",S6,")
    (finding,) = found(checkout, ["competency"], "LC-2100")
    assert "lacks lcg:_Sentence_s05, S6" in finding.why
    assert "has lcg:_Sentence_s05, S5" in finding.why
    (checkout / "tests/competency/CQ08").rename(checkout / "tests/competency/CQ99")
    names = [finding.what for finding in found(checkout, ["competency"], "LC-2100")]
    assert names == ["The query CQ08 has no fixture", "The fixture CQ99 belongs to no query"]


def test_knowledge_without_tests_says_what_did_not_run(copy: Path) -> None:
    report = run_check(copy, only=["competency", "vignettes", "documents", "release-tests"])
    assert [stage.not_run for stage in report.stages] == [
        "tests/competency is not here",
        "tests/cases is not here",
        "README.md is not here",
        "needs --release",
    ]
    assert report.whole


# --- the tests of a release --------------------------------------------------------------------------------------------

RELEASE_TEST = """
import os, signal, pytest
def test_plain(): assert False, "not chosen"
def test_measured(figure): figure("cases compared", 12345, "cases")
@pytest.mark.release
def test_absent(): pytest.skip("not run: nothing to compare with")
@pytest.mark.release
def test_failing(): assert 1 == int(os.environ.get("WANTED", "1"))
@pytest.mark.release
def test_dying(): "DIES" in os.environ and os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def released(copy: Path) -> Path:
    (copy / "tests").mkdir(exist_ok=True)
    for name in ("tests/conftest.py", "pyproject.toml"):
        shutil.copy(ROOT / name, copy / name)
    (copy / "tests" / "test_release.py").write_text(RELEASE_TEST, encoding="utf-8")
    return copy


def test_release_tells_figures_and_what_did_not_run(released: Path) -> None:
    report = run_check(released, only=["release-tests"], release=True)
    assert report.clean, grave(report)
    lines = render_report(report).splitlines()
    assert lines[1:3] == ["  cases compared: 12,345 cases", "  not run: tests/test_release.py::test_absent: nothing to compare with"]
    assert json.loads(report.dumps())["stages"][0]["figures"][0]["count"] == "12,345"


def test_release_names_the_test_that_fails(released: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANTED", "2")
    report = run_check(released, only=["release-tests"], release=True)
    (finding,) = report.findings
    assert (finding.what, finding.code) == ("tests/test_release.py::test_failing fails", "LC-2130")
    assert report.stages[0].figures


def test_release_that_dies_is_no_pass(released: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIES", "1")
    report = run_check(released, only=["release-tests"], release=True)
    (finding,) = report.findings
    assert finding.what == "The tests of the release did not end"
    assert report.stages[0].figures


# --- documents ---------------------------------------------------------------------------------------------------------


def test_documents_name_what_exists(copy: Path) -> None:
    for path in copy.rglob("*.md"):
        path.unlink()
    shutil.copy(ROOT / "pyproject.toml", copy)
    (copy / "CHANGELOG.md").write_text("# Changes\n\n## 0.1.0\n", encoding="utf-8")
    (copy / "README.md").write_text(
        "See `ontology/core.ttl`, `core.ttl`, `queries/hygiene/*.rq`, `ontology/<module>.ttl`, `H27` and [core](ontology/core.ttl).\n"
        "\nNot `ontology/cor.ttl`,\n`H99`,\n[gone](docs/gone.md),\nnor `legcramps cure`.\n\n"
        "```sh\n.venv/bin/legcramps check --fast && legcramps check --quickly\n```\n",
        encoding="utf-8",
    )
    report = run_check(copy, only=["documents"])
    assert [(finding.where, finding.code) for finding in report.findings] == [
        ("README.md:3", "LC-2120"),
        ("README.md:4", "LC-2120"),
        ("README.md:5", "LC-2120"),
        ("README.md:6", "LC-2121"),
    ]


def test_versions_must_agree(copy: Path) -> None:
    for name in ("pyproject.toml", "CHANGELOG.md", "README.md"):
        shutil.copy(ROOT / name, copy / name)
    lines = put(copy, "ontology/legcramps.ttl", 'owl:versionInfo "0', 'owl:versionInfo "9')
    put(copy, "CHANGELOG.md", "## 0", "## 9")
    places = [finding.where for finding in found(copy, ["documents"], "LC-2122")]
    assert places[0] == "CHANGELOG.md:1"
    assert "owl:versionInfo" in line_of(places[1], lines)


# --- report and command ------------------------------------------------------------------------------------------------


def test_command_prints_text_or_json_and_exits_1_on_violations(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--knowledge", str(copy), "check", "--only", "closed-world"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("clean, ")
    put(copy, CONDITION, "lc:BonePain", "lc:BonePian")
    assert main(["--knowledge", str(copy), "check", "--only", "closed-world"]) == 1
    text = capsys.readouterr().out
    assert "LC-2020" in text
    assert text.splitlines()[-1].startswith("1 violation, ")
    assert main(["--knowledge", str(copy), "check", "--only", "closed-world", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["counts"] == {"Violation": 1, "Warning": 0, "Info": 0}
    (finding,) = document["stages"][0]["findings"]
    assert set(finding) == {"check", "severity", "what", "where", "why", "repair", "code", "related"}


def test_unknown_stage_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError, match="no stage"):
        run_check(ROOT, only=["everything"])
    assert main(["check", "--only", "everything"]) == 2
    assert "strict-parse" in capsys.readouterr().err


def test_notes_are_counted_and_listed_on_request() -> None:
    note = CheckFinding("a", Severity.INFO, "Something", "a.ttl:1", "why", "repair", "LC-1")
    report = CheckReport((checking.StageResult("a", 0.1, (note,)),))
    assert report.clean
    assert "1 note" in render_report(report)
    assert "a.ttl:1" not in render_report(report)
    assert "a.ttl:1: info: Something: why. Repair: repair [a; LC-1]" in render_report(report, notes=True)


def test_near_matches_are_near() -> None:
    assert near_matches(LC + "hasFindign", [LC + "hasFinding", LC + "takes"]) == ["lc:hasFinding"]
    assert near_matches(LC + "Zzz", [LC + "hasFinding"]) == []


def test_doctor_finds_this_installation_well(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = {line.name: line for line in examine(ROOT)}
    assert lines["Python"].ok
    assert lines["knowledge"].ok
    assert lines["pyoxigraph"].needed
    assert main(["--knowledge", str(copy), "doctor"]) == 0
    printed = capsys.readouterr().out
    assert "stale" in printed
    assert "shared" not in printed.replace(str(copy), "")
    assert main(["--knowledge", str(copy / "nowhere"), "doctor"]) == 1
    assert "repair:" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["ontology/legcramps.ttl", "ontology/findings.ttl", "shapes/record.ttl"])
def test_doctor_names_the_line_of_a_broken_file(copy: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = copy / name
    path.write_text(path.read_text(encoding="utf-8") + "\nthis is no Turtle", encoding="utf-8")
    line = path.read_text(encoding="utf-8").count("\n") + 1
    assert main(["--knowledge", str(copy), "doctor"]) == 1
    [said] = [each for each in capsys.readouterr().out.splitlines() if each.startswith("missing knowledge")]
    assert f"({path.name}:{line})" in said and "repair: mend the line" in said


def test_doctor_reports_a_missing_need(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("reasoner.authoring.doctor._version", lambda name: "" if name in ("pyoxigraph", "duckdb") else "1.0")
    assert main(["doctor"]) == 1
    assert "missing pyoxigraph" in capsys.readouterr().out


def test_check_starts_without_the_libraries_of_later_stages() -> None:
    code = (
        "import sys, reasoner.authoring.check; print([n for n in ('rdflib', 'pyshacl', 'owlready2', 'pysat', 'jpype') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"
