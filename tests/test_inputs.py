"""What is said decides, not how: syntax, order, names, units and company of a record leave the answer as it is."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import rdflib
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyoxigraph import NamedNode, Quad, RdfFormat, parse
from record_documents import (
    CRAMPS,
    PREFIXES,
    SYNTAXES,
    Command,
    case,
    command_for,
    duplicated,
    essence,
    renamed,
    report_of,
    shuffled,
    triples_of,
    written,
)

from reasoner import load_records
from reasoner.abstraction import abstract_case
from reasoner.answering import answer_case
from reasoner.documents import Document, parse_rdf
from reasoner.inferred import knowledge_graph
from reasoner.jsonld import CONTEXT
from reasoner.moments import parse_moment
from reasoner.namespaces import LC, OWL, RDF, XSD
from reasoner.program import Program
from reasoner.record import Case, ExaminationRecord, FindingRecord, MeasurementRecord

ROOT = Path(__file__).parent.parent
ANNA = ROOT / "docs" / "examples" / "patient.ttl"
VIGNETTES = sorted((ROOT / "tests" / "cases").glob("*/*/record.ttl"))
CLEAN = [path for path in VIGNETTES if path.parent.name not in ("drug-not-understood", "magnesium-without-unit", "value-not-a-number")]
AS_OF = parse_moment("2026-11-20T09:00:00Z")
DAY = parse_moment("2026-11-18")
vignettes = st.sampled_from(CLEAN)
seeds = st.integers(0, 2**32)
few = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], knowledge: Program) -> Command:
    """Return the command line as a function."""
    return command_for(monkeypatch, capsys, knowledge)


class Held:
    """Knowledge that prints short when a law fails; `dependencies` gives the leaves of each case class."""

    def __init__(self, program: Program, dependencies: dict[str, frozenset[str]]) -> None:
        self.program = program
        self.dependencies = dependencies


@pytest.fixture(scope="module")
def held(knowledge: Program, root: Path) -> Held:
    """Return the knowledge of this checkout."""
    found: dict[str, set[str]] = {name: set() for name in knowledge.classes}
    for triple in knowledge_graph(root, knowledge):
        if triple.predicate == NamedNode(LC + "dependsOn"):
            found[triple.subject.value].add(triple.object.value)  # type: ignore[union-attr]
    return Held(knowledge, {name: frozenset(terms) for name, terms in found.items()})


@cache
def read(path: Path) -> tuple[Quad, ...]:
    return tuple(triples_of(path))


# --- syntaxes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("blank", [False, True], ids=["named", "blank"])
def test_every_syntax_gives_the_same_bytes(command: Command, tmp_path: Path, syntax: str, blank: bool) -> None:
    triples = renamed(triples_of(ANNA), 1, blank=True) if blank else triples_of(ANNA)
    reference = tmp_path / "reference.ttl"
    reference.write_bytes(written(triples).text)
    path = tmp_path / f"record{SYNTAXES[syntax][1]}"
    path.write_bytes(written(shuffled(triples, 2), syntax).text)
    first, other = command("assess", reference, "--json"), command("assess", path, "--json")
    assert first.code == other.code == 0, other.err
    assert first.out == other.out


@few
@given(path=vignettes, syntax=st.sampled_from(sorted(SYNTAXES)), seed=seeds, blank=st.booleans())
def test_neither_syntax_nor_order_changes_a_byte(held: Held, path: Path, syntax: str, seed: int, blank: bool) -> None:
    triples = renamed(read(path), 1, blank=True) if blank else list(read(path))
    assert report_of(written(shuffled(triples, seed), syntax), held.program) == report_of(written(triples), held.program)


def test_labels_of_blank_nodes_say_nothing(knowledge: Program) -> None:
    triples = read(ANNA)
    reports = {report_of(written(renamed(triples, seed, blank=True)), knowledge) for seed in range(5)}
    assert len(reports) == 1


def test_two_cases_never_share_an_unnamed_record(knowledge: Program) -> None:
    text = PREFIXES + "".join(
        f"ex:{name} a lc:Case ; lc:asOf '2026-11-20T09:00:00Z'^^xsd:dateTime ; lc:hasRecord [ {CRAMPS} ] .\n" for name in "ab"
    )
    report = json.loads(report_of(Document("two", text.encode(), "turtle"), knowledge))
    first, second = (essence(answer, without=("case", "subject")) for answer in report["cases"])
    assert first == second
    assert report["dataProblems"] == []


@pytest.mark.parametrize("seed", ["1", "2"])
def test_the_hash_seed_of_the_process_changes_no_byte(command: Command, tmp_path: Path, seed: str) -> None:
    path = tmp_path / "record.nt"
    path.write_bytes(written(shuffled(renamed(triples_of(ANNA), 3, blank=True), 4), "n-triples").text)
    run = subprocess.run(
        [sys.executable, "-m", "reasoner", "assess", str(path), "--json"],
        env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=True,
    )
    assert run.stdout.decode() == command("assess", path, "--json").out
    assert run.stderr == b""


# --- where documents come from ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("syntax", ["json-ld", "n-triples", "rdf-xml", "turtle"])
def test_standard_input_is_read_as_what_it_looks_like(command: Command, syntax: str) -> None:
    run = command("assess", "-", "--json", stdin=written(triples_of(ANNA), syntax).text)
    assert run.out == command("assess", ANNA, "--json").out


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_the_input_format_overrides_the_name(command: Command, tmp_path: Path, syntax: str) -> None:
    path = tmp_path / "record.txt"
    path.write_bytes(written(triples_of(ANNA), syntax).text)
    run = command("assess", path, "--input-format", syntax, "--json")
    assert run.code == 0
    assert run.out == command("assess", ANNA, "--json").out
    assert command("assess", "-", "--input-format", syntax, "--json", stdin=path.read_bytes()).out == run.out


def test_a_fhir_bundle_is_read_from_a_file_and_from_standard_input(command: Command) -> None:
    bundle = ROOT / "docs" / "examples" / "bundle.json"
    run = command("assess", bundle, "--as-of", "2026-11-20T09:00:00Z", "--json")
    assert run.code == 0
    assert command("assess", "-", "--as-of", "2026-11-20T09:00:00Z", "--json", stdin=bundle.read_bytes()).out == run.out


def test_cases_of_one_file_are_answered_as_if_alone(command: Command, tmp_path: Path) -> None:
    paths = VIGNETTES[:3]
    together = tmp_path / "together.nt"
    together.write_bytes(b"".join(written(triples_of(path), "n-triples").text for path in paths))
    alone = [command("assess", path, "--json").report["cases"][0] for path in paths]
    expected = sorted(alone, key=lambda answer: str(answer["case"]))
    assert command("assess", together, "--json").report["cases"] == expected
    assert command("assess", *paths, "--json").report["cases"] == expected
    assert command("assess", *reversed(paths), "--json").out == command("assess", *paths, "--json").out


def test_a_document_given_twice_is_answered_once(command: Command, tmp_path: Path) -> None:
    again = tmp_path / "again.nq"
    again.write_bytes(written(triples_of(ANNA), "n-quads").text)
    assert command("assess", ANNA, again, ANNA, "--json").out == command("assess", ANNA, "--json").out


def test_a_case_that_two_documents_describe_differently_is_not_answered(command: Command, tmp_path: Path) -> None:
    (tmp_path / "one.ttl").write_text(PREFIXES + case("a") + case("b"))
    (tmp_path / "two.ttl").write_text(PREFIXES + case("a", cramps=CRAMPS.replace("_present", "_absent")))
    run = command("assess", tmp_path / "one.ttl", tmp_path / "two.ttl", "--json")
    assert (run.code, run.cases) == (1, ["b"])
    assert "one.ttl and " in run.problems["case-described-twice"]


def test_rdf_and_fhir_are_answered_side_by_side(command: Command) -> None:
    bundle, as_of = ROOT / "docs" / "examples" / "bundle.json", ("--as-of", "2026-11-20T09:00:00Z", "--json")
    run = command("assess", ANNA, bundle, *as_of)
    assert run.code == 0
    assert sorted(run.cases) == sorted(command("assess", ANNA, *as_of).cases + command("assess", bundle, *as_of).cases)


# --- JSON-LD ---------------------------------------------------------------------------------------------------------


def inlined(text: str) -> str:
    """Return a JSON-LD document with the shipped context in it, as any other processor would load it."""
    context = json.loads((ROOT / "ontology" / "context.jsonld").read_text())["@context"]
    document = json.loads(text)
    return json.dumps({**document, "@context": [context if each == CONTEXT else each for each in document["@context"]]})


def test_the_json_ld_example_is_the_turtle_example(command: Command) -> None:
    run = command("assess", ROOT / "docs" / "examples" / "patient.jsonld", "--json")
    assert run.code == 0, run.err
    assert run.out == command("assess", ANNA, "--json").out


def test_the_json_ld_example_has_the_triples_of_the_turtle_example() -> None:
    path = ROOT / "docs" / "examples" / "patient.jsonld"
    assert {quad.triple for quad in parse_rdf(Document(path.name, path.read_bytes(), "json-ld"))} == {quad.triple for quad in read(ANNA)}


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")
def test_another_processor_reads_the_same_from_the_example() -> None:
    text = inlined((ROOT / "docs" / "examples" / "patient.jsonld").read_text())
    other, turtle = rdflib.Graph().parse(data=text, format="json-ld"), rdflib.Graph().parse(ANNA)
    assert {(str(s), str(p), str(o).rstrip("0")) for s, p, o in other} == {(str(s), str(p), str(o).rstrip("0")) for s, p, o in turtle}


def vocabulary() -> list[tuple[str, str]]:
    """Return every term of the record vocabulary but the sorts of its value lists, with its kind."""
    quads = list(parse(path=str(ROOT / "ontology" / "record.ttl"), format=RdfFormat.TURTLE))
    kinds = {quad.subject.value: quad.object.value for quad in quads if quad.predicate.value == RDF + "type"}
    lists = {kind for kind in kinds.values() if kind.startswith(LC)}
    return [(term.removeprefix(LC), kind.removeprefix(OWL)) for term, kind in kinds.items() if term.startswith(LC) and term not in lists]


@pytest.mark.parametrize(("term", "kind"), [("Case", "Class"), *vocabulary()], ids=lambda each: each)
def test_the_context_names_every_term_of_the_vocabulary(term: str, kind: str) -> None:
    document: dict[str, Any] = {"@context": CONTEXT, "id": "https://example.org/x"}
    if kind == "Class":
        document["type"] = term
    elif kind.startswith(LC):
        sort = kind.removeprefix(LC)
        document[sort[0].lower() + sort[1:]] = term.removeprefix(f"_{sort}_")
    else:
        document[term] = "https://example.org/y"
        assert term in json.loads((ROOT / "ontology" / "context.jsonld").read_text())["@context"]
    [quad] = parse_rdf(Document("context", json.dumps(document).encode(), "json-ld"))
    assert LC + term in (quad.predicate.value, getattr(quad.object, "value", ""))


@pytest.mark.parametrize(
    ("written_as", "digits"),
    [
        ("0.90400", "0.90400"),
        ("1e2", "100"),
        ("-1.5E-3", "-0.0015"),
        ("2", "2"),
        ('"2.50"', "2.50"),
        ("12345678901234567890", "12345678901234567890"),
    ],
)
def test_a_json_number_keeps_its_digits(written_as: str, digits: str) -> None:
    text = f'{{"@context": "{CONTEXT}", "id": "https://example.org/x", "value": {written_as}}}'
    [quad] = parse_rdf(Document("number", text.encode(), "json-ld"))
    assert (quad.object.value, quad.object.datatype.value) == (digits, XSD + "decimal")  # type: ignore[union-attr]


def test_a_json_number_under_an_inline_context_is_a_decimal_too() -> None:
    text = '{"@context": {"@version": 1.1, "v": "https://example.org/v"}, "@id": "https://example.org/x", "v": [0.10, 3, {"@value": 2.50}]}'
    found = {
        (quad.object.value, quad.object.datatype.value.removeprefix(XSD)) for quad in parse_rdf(Document("n", text.encode(), "json-ld"))
    }  # type: ignore[union-attr]
    assert found == {("0.10", "decimal"), ("3", "integer"), ("2.50", "decimal")}


def test_json_ld_may_come_with_the_ending_of_json(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "patient.json"
    path.write_bytes((ROOT / "docs" / "examples" / "patient.jsonld").read_bytes())
    assert command("assess", path, "--json").out == command("assess", ANNA, "--json").out


# --- laws ------------------------------------------------------------------------------------------------------------


@few
@given(path=vignettes, seed=seeds)
def test_the_names_of_records_decide_nothing(held: Held, path: Path, seed: int) -> None:
    other = json.loads(report_of(written(renamed(read(path), seed)), held.program))
    assert essence(other) == essence(json.loads(report_of(written(read(path)), held.program)))


@few
@given(path=st.sampled_from([path for path in CLEAN if path.parent.name != "no-record"]), seed=seeds)
def test_a_record_that_stands_twice_counts_once(held: Held, path: Path, seed: int) -> None:
    twice = json.loads(report_of(written(duplicated(read(path), seed)), held.program))
    once = json.loads(report_of(written(read(path)), held.program))
    assert essence(twice, without=("because",)) == essence(once, without=("because",))


def measured(test: str, value: Decimal | None, unit: str, node: str, *, interpretation: str = "", **limits: Decimal) -> MeasurementRecord:
    """Return a measurement of DAY."""
    low, high = limits.get("low"), limits.get("high")
    return MeasurementRecord(node, LC + test, value, unit, "", interpretation, low, high, "", DAY, "")


def known(knowledge: Program, *, measurements: tuple[MeasurementRecord, ...] = (), examinations: tuple[ExaminationRecord, ...] = ()) -> Any:
    """Return what abstraction makes of the records, the names of sources left out."""
    assert AS_OF is not None
    patient = Case("https://example.org/a", "https://example.org/a", AS_OF, None, 60, measurements=measurements, examinations=examinations)
    state = abstract_case(patient, knowledge, AS_OF)
    indicators = {iri: (each.status, each.low, each.high, frozenset(each.choices)) for iri, each in state.indicators.items()}
    return indicators, state.leaf_true, state.leaf_false


@pytest.mark.parametrize(
    ("test", "unit", "said"),
    [
        (
            "CreatineKinaseMeasurement",
            "U/L",
            ({"value": Decimal(150), "high": Decimal(200)}, {"value": Decimal(9000), "high": Decimal(200)}),
        ),
        ("CreatineKinaseMeasurement", "U/L", ({"value": None, "interpretation": "high"}, {"value": None, "interpretation": "normal"})),
        ("DDimerMeasurement", "mg/L{FEU}", ({"value": Decimal("0.3")}, {"value": Decimal("0.9")})),
        ("DDimerMeasurement", "mg/L{FEU}", ({"value": Decimal("0.3")}, {"value": None, "interpretation": "high"})),
        ("ThyroidStimulatingHormoneMeasurement", "m[IU]/L", ({"value": Decimal("2.0")}, {"value": Decimal("9.5")})),
        ("ThyroidStimulatingHormoneMeasurement", "m[IU]/L", ({"value": Decimal("2.0")}, {"value": Decimal("2.5")})),
        ("SerumMagnesiumMeasurement", "mmol/L", ({"value": Decimal("0.3")}, {"value": Decimal("0.8")})),
    ],
)
def test_of_two_results_of_one_day_no_name_decides(knowledge: Program, test: str, unit: str, said: tuple[dict[str, Any], ...]) -> None:
    orders = [
        [measured(test, unit=unit, node=f"https://example.org/{node}", **each) for node, each in zip(nodes, said, strict=True)]
        for nodes in ("ab", "ba")
    ]
    first, second = (known(knowledge, measurements=tuple(sorted(records, key=lambda each: each.node))) for records in orders)
    assert first == second


@pytest.mark.parametrize(
    ("attribute", "values"),
    [
        ("result", ("_Result_positive", "_Result_negative")),
        ("extent", ("_Extent_whole_leg", "_Extent_proximal_only")),
        ("result", ("_Result_positive", "")),
    ],
)
def test_of_two_scans_of_one_day_no_name_decides(knowledge: Program, attribute: str, values: tuple[str, str]) -> None:
    scans = []
    for nodes in ("ab", "ba"):
        stated = [(LC + attribute, LC + value) if value else (LC + "completeness", LC + "_Completeness_complete") for value in values]
        records = [
            ExaminationRecord(node, LC + "CompressionUltrasound", (said,), "", DAY, "") for node, said in zip(nodes, stated, strict=True)
        ]
        scans.append(known(knowledge, examinations=tuple(sorted(records, key=lambda each: each.node))))
    assert scans[0] == scans[1]


def test_scans_of_one_day_that_contradict_each_other_are_a_conflict(command: Command, tmp_path: Path) -> None:
    scan = "a lc:ExaminationRecord ; lc:ofTest lc:CompressionUltrasound ; lc:performedOn '2026-11-14'^^xsd:date ; lc:extent lc:_Extent_whole_leg ; lc:result lc:_Result_"
    (tmp_path / "scans.ttl").write_text(PREFIXES + case("a", cramps=CRAMPS, first=scan + "positive", second=scan + "negative"))
    [answer] = command("assess", tmp_path / "scans.ttl", "--json").report["cases"]
    assert answer["repeatDvtImaging"]["verdict"] == "indeterminate"
    assert answer["conflicts"][0]["sources"] == ["https://example.org/x/a-first", "https://example.org/x/a-second"]


@few
@given(value=st.decimals("0.20", "1.60", places=3), low=st.decimals("0.60", "0.80", places=2), high=st.decimals("0.90", "1.20", places=2))
def test_the_unit_of_magnesium_changes_no_band(held: Held, value: Decimal, low: Decimal, high: Decimal) -> None:
    units = {"mmol/L": Decimal(1), "mg/dL": Decimal("2.4305"), "meq/L": Decimal(2), "mg/L": Decimal("24.305")}
    found = [
        known(
            held.program,
            measurements=(measured("SerumMagnesiumMeasurement", value * factor, unit, "a", low=low * factor, high=high * factor),),
        )
        for unit, factor in units.items()
    ]
    assert all(each == found[0] for each in found)


@pytest.mark.parametrize("value", ["0.4", "0.399", "0.401", "0.5", "0.7", "0.75", "1"])
def test_the_unit_of_magnesium_changes_no_answer(command: Command, tmp_path: Path, value: str) -> None:
    answers = []
    for unit, factor in (("mmol/L", "1"), ("mg/dL", "2.4305"), ("meq/L", "2")):
        said = f'a lc:MeasurementRecord ; lc:ofTest lc:SerumMagnesiumMeasurement ; lc:performedOn "2026-11-18"^^xsd:date ; lc:unit "{unit}" ; lc:value {Decimal(value) * Decimal(factor)}'
        (tmp_path / "record.ttl").write_text(PREFIXES + case("a", cramps=CRAMPS, magnesium=said))
        answers.append(command("assess", tmp_path / "record.ttl", "--json").out)
    assert answers[0] == answers[1] == answers[2]


@few
@given(path=vignettes, seed=seeds, presence=st.sampled_from(["absent", "present"]))
def test_a_finding_of_another_family_changes_nothing(held: Held, path: Path, seed: int, presence: str) -> None:
    knowledge = held.program
    [patient] = load_records([path], knowledge).cases or [None]
    if patient is None or patient.as_of is None:
        return
    spoken = {record.finding for record in patient.findings} | {record.closes for record in patient.closures}
    about = {near for term in spoken for near in (*knowledge.parents[term], *knowledge.below[term])} - {LC + "Finding"}
    strange = [
        term
        for term, sort in sorted(knowledge.sorts.items())
        if sort == "Finding" and about.isdisjoint(_family(term, knowledge)) and _family(term, knowledge)
    ]
    finding = random.Random(seed).choice(strange)
    more = FindingRecord("https://example.org/more", finding, presence, "", None, None, None, None, "")
    before = answer_case(patient, knowledge, patient.as_of)
    after = answer_case(_with(patient, more), knowledge, patient.as_of)
    touched = set(_family(finding, knowledge))
    for each in knowledge.indicators:
        read_by = {term for terms, _ in each.items for term in terms} | ({each.finding} if each.finding else set())
        touched |= {each.iri} if read_by & touched else set()
    touched |= {each.iri for each in knowledge.indicators if {each.minuend, each.subtrahend, each.depends} & touched}
    untouched = {name for name, terms in held.dependencies.items() if terms.isdisjoint(touched)}
    assert untouched
    assert {name: before.statuses.status(name) for name in untouched} == {name: after.statuses.status(name) for name in untouched}
    assert _standings(before, untouched) == _standings(after, untouched)


def _family(finding: str, knowledge: Program) -> frozenset[str]:
    """Return every finding that shares an ancestor with `finding`, the class of all findings left out."""
    return frozenset(term for above in knowledge.parents[finding] if above != LC + "Finding" for term in knowledge.below[above])


def _with(patient: Case, more: FindingRecord) -> Case:
    return replace(patient, findings=tuple(sorted((*patient.findings, more), key=lambda record: (record.finding, record.node))))


def _standings(answer: Any, untouched: set[str]) -> dict[str, str]:
    """Return the standing of every recommendation whose classes, and those of its overriders, are untouched."""
    program = answer.statuses.program
    return {
        iri: each.standing
        for iri, each in answer.advice.advised.items()
        if all(
            {program.recommendation[name].eligible, program.recommendation[name].applicable, program.recommendation[name].trigger}
            <= untouched
            for name in (iri, *each.recommendation.overriders)
        )
    }
