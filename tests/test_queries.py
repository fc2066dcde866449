"""The shipped queries: whole headers, golden answers, the same rows on two engines, and the reasoner's own verdicts."""

from __future__ import annotations

import csv
import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyoxigraph
import pytest
import rdflib
from hypothesis import given, settings
from hypothesis import strategies as st

from reasoner import assess, load_records, query_text
from reasoner.answer import CaseAnswer
from reasoner.documents import Document, read_document
from reasoner.entailment import ENTAILED, OPEN, REFUTED, entail_alternatives
from reasoner.errors import LegcrampsError, LimitError, SyntaxProblem, UsageError
from reasoner.explanation import View
from reasoner.inferred import asserted_graph, inferred_from, inferred_graph, knowledge_graph, record_vocabulary
from reasoner.namespaces import LC, LCG, PREFIXES, RDF, expand
from reasoner.program.model import Program
from reasoner.query import ENGINES, FORMS, Cell, Query, QueryResult, check_query, find_query, load_store, read_query, run_query, to_rdflib
from reasoner.report import Report

ROOT = Path(__file__).parent.parent
CASES = ROOT / "tests" / "cases"
FIXTURES = ROOT / "tests" / "competency"
FOLDERS = ("derive", "competency", "report")
QUERIES = [read_query(path) for folder in FOLDERS for path in sorted((ROOT / "queries" / folder).glob("*.rq"))]
DERIVED = ("differential", "missing-facts", "next-tests", "red-flags", "repeat-imaging-not-warranted")
STEMS = {**PREFIXES, "ex": "https://example.org/legcramps/"}
PARAMETER = re.compile(r"[?$](_\w+)")
Rows = Counter[tuple[str, ...]]


def triples_of(name: str, knowledge: Program) -> list[pyoxigraph.Triple]:
    """Return what one vignette asserts and what follows from it."""
    path = CASES / name / "record.ttl"
    answers = assess(load_records([path], knowledge), knowledge).answers
    asserted = asserted_graph(read_document(str(path)), record_vocabulary(ROOT), name.replace("/", "-"))
    return [*asserted, *(triple for answer in answers for triple in inferred_graph(knowledge, answer))]


def quads(triples: list[pyoxigraph.Triple]) -> list[pyoxigraph.Quad]:
    return [pyoxigraph.Quad(*triple) for triple in triples]


def to_store(triples: list[pyoxigraph.Triple]) -> pyoxigraph.Store:
    store = pyoxigraph.Store()
    store.bulk_extend(quads(triples))
    return store


def bag(result: QueryResult) -> Counter[tuple[Cell | None, ...]]:
    return Counter(result.rows)


def texts(result: QueryResult) -> Rows:
    return Counter(tuple("" if cell is None else cell.text for cell in row) for row in result.rows)


@pytest.fixture(scope="module")
def base(knowledge: Program) -> list[pyoxigraph.Triple]:
    return list(knowledge_graph(ROOT, knowledge))


@pytest.fixture(scope="module")
def engines(
    base: list[pyoxigraph.Triple], knowledge: Program
) -> Iterator[Callable[[tuple[str, ...]], tuple[pyoxigraph.Store, rdflib.Graph]]]:
    """Return a function that puts the named vignettes, and no others, beside the knowledge in both engines."""
    store = to_store(base)
    graph = to_rdflib(base)
    beside: list[pyoxigraph.Quad] = []
    beside_rdflib: list[Any] = []

    def turn_to(names: tuple[str, ...]) -> tuple[pyoxigraph.Store, rdflib.Graph]:
        for quad in beside:
            store.remove(quad)
        for triple in beside_rdflib:
            graph.remove(triple)
        triples = [triple for name in names for triple in triples_of(name, knowledge)]
        beside[:], beside_rdflib[:] = quads(triples), list(to_rdflib(triples))
        store.extend(beside)
        for triple in beside_rdflib:
            graph.add(triple)
        return store, graph

    yield turn_to


# --- headers and fixtures ------------------------------------------------------------------------------------------------


def name(each: Query) -> str:
    return each.id


def test_no_folder_shrinks() -> None:
    counts = Counter(each.path.parent.name for each in QUERIES)
    assert counts["competency"] >= 32
    assert counts["report"] >= 4
    assert sorted(each.id for each in QUERIES if each.path.parent.name == "derive") == list(DERIVED)
    assert len({each.id.lower() for each in QUERIES}) == len(QUERIES)


@pytest.mark.parametrize("each", QUERIES, ids=name)
def test_header_is_whole(each: Query) -> None:
    assert each.summary
    assert each.description
    assert each.audience in ("researcher", "integrator", "knowledge engineer")
    body = "\n".join(line for line in each.text.splitlines() if not line.startswith("#"))
    assert {name for name, _ in each.parameters} == set(PARAMETER.findall(body))
    assert all(meaning for _, meaning in (*each.parameters, *each.returns))
    values = [each.summary, each.description, *(meaning for _, meaning in (*each.parameters, *each.returns))]
    assert not [text for text in values if re.search(r": | #|^[>|&*!%@`'\"{\[-]", text)], "no plain text in YAML"
    if each.path.parent.name == "competency":
        assert each.summary.endswith("?")
        assert each.path.name.startswith(f"cq-{each.id[2:]}-")
    else:
        assert each.path.stem == each.id


@pytest.mark.parametrize("each", QUERIES, ids=name)
def test_query_stays_in_the_default_graph(each: Query) -> None:
    assert not re.search(r"\b(GRAPH|FROM|SERVICE)\b", each.text)
    assert "WHERE {" in each.text


@pytest.mark.parametrize("each", QUERIES, ids=name)
def test_query_runs_on_the_empty_graph(each: Query) -> None:
    for engine in ENGINES:
        result = run_query(each.text, [], engine)
        assert list(result.variables) == [name for name, _ in each.returns]
        assert result.rows == ()


def test_every_query_has_a_fixture_and_every_fixture_a_query() -> None:
    assert sorted(path.name for path in FIXTURES.iterdir()) == sorted(each.id for each in QUERIES)
    for folder in FIXTURES.iterdir():
        assert sorted(path.name for path in folder.iterdir()) == ["expected.csv", "question.json"]


def question(each: Query) -> dict[str, Any]:
    found = json.loads((FIXTURES / each.id / "question.json").read_text(encoding="utf-8"))
    assert set(found) == {"checked", "cases", "bindings"}
    assert found["checked"].strip()
    return dict(found)


def abbreviated(cell: Cell | None) -> str:
    if cell is None or cell.kind != "iri":
        return "" if cell is None else cell.text
    prefix = max((name for name, stem in STEMS.items() if cell.text.startswith(stem)), key=lambda name: len(STEMS[name]), default="")
    return f"{prefix}:{cell.text.removeprefix(STEMS[prefix])}" if prefix else cell.text


@pytest.mark.release
@pytest.mark.parametrize("each", sorted(QUERIES, key=lambda each: question(each)["cases"]), ids=name)
def test_golden_answer_on_both_engines(each: Query, engines: Callable[[tuple[str, ...]], tuple[pyoxigraph.Store, rdflib.Graph]]) -> None:
    asked = question(each)
    header, *expected = csv.reader((FIXTURES / each.id / "expected.csv").read_text(encoding="utf-8").splitlines())
    assert expected, "an empty answer shows nothing"
    for engine, graphs in zip(ENGINES, engines(tuple(asked["cases"])), strict=True):
        result = run_query(each.text, graphs, engine, asked["bindings"])
        assert list(result.variables) == header
        assert Counter(tuple(map(abbreviated, row)) for row in result.rows) == Counter(map(tuple, expected)), engine


def test_readme_lists_every_query() -> None:
    lines = (ROOT / "queries" / "README.md").read_text(encoding="utf-8").splitlines()
    table = {line for line in lines if line.startswith("| [")}
    parameters = {each.id: ", ".join(f"`{name}`" for name, _ in each.parameters) or "none" for each in QUERIES}
    assert table == {
        f"| [{each.id}]({each.path.parent.name}/{each.path.name}) | {each.summary} | {parameters[each.id]} |" for each in QUERIES
    }


# --- the derive queries give the reasoner's verdicts ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def answers(knowledge: Program) -> list[CaseAnswer]:
    paths = sorted(CASES.glob("*/*/record.ttl"))
    return [answer for path in paths for answer in assess(load_records([path], knowledge), knowledge).answers]


def expected_rows(knowledge: Program, answers: list[CaseAnswer]) -> dict[str, Rows]:
    """Return what each derive query must yield, from the report and the advice behind it."""
    found: dict[str, Rows] = {query_id: Counter() for query_id in DERIVED}
    documents = Report(knowledge, tuple(answers)).to_document()["cases"]
    for answer, document in zip(answers, documents, strict=True):
        case = document["case"]
        found["red-flags"].update((case, flag["id"], flag["urgency"], flag["certainty"]) for flag in document["redFlags"])
        found["next-tests"].update((case, test["test"], test["certainty"], test["step"]) for test in document["nextTests"])
        for row in document["differential"]:
            found["differential"][case, row["condition"], row["status"], plain(Decimal(str(row["weight"])))] += 1
        found["repeat-imaging-not-warranted"].update(unwarranted(case, answer))
        missing = set(missing_facts(case, answer, knowledge))
        found["missing-facts"].update(missing)
        assert {(flag["id"], each["term"]) for flag in document["redFlags"] for each in flag["missing"]} == {
            (iri, term) for _, iri, term in missing if knowledge.recommendation[iri].red_flag
        }
        tests = {row[1] for row in found["repeat-imaging-not-warranted"] if row[0] == case}
        assert tests == {row["test"] for row in document["notWarranted"]}
    return found


def plain(number: Decimal) -> str:
    return str(int(number)) if number == number.to_integral_value() else str(number)


def unwarranted(case: str, answer: CaseAnswer) -> Iterator[tuple[str, ...]]:
    for judged in answer.advice.judged.values():
        if judged.verdict.not_warranted and judged.decision.investigation:
            for row in judged.rows:
                yield case, judged.decision.investigation, row.recommendation.rule, row.recommendation.iri, judged.certainty
    for each in answer.advice.advised.values():
        recommendation = each.recommendation
        if recommendation.direction == "against" and recommendation.investigation and each.stands and recommendation.decision is None:
            yield case, recommendation.investigation, recommendation.rule, recommendation.iri, each.standing


def missing_facts(case: str, answer: CaseAnswer, knowledge: Program) -> Iterator[tuple[str, ...]]:
    view = View(knowledge, answer.state, answer.statuses)
    rows = {judged.decision.iri: [row.recommendation.iri for row in judged.rows] for judged in answer.advice.judged.values()}
    for iri, each in answer.advice.advised.items():
        carrying = rows.get(each.recommendation.decision or "", [])
        if each.listed and each.eligible == OPEN and (not carrying or iri in carrying):
            for missing in view.missing(each.recommendation.eligible):
                yield case, iri, missing.term


def shortened(query_id: str, rows: Rows) -> Rows:
    """Leave the role out of missing facts: the report tells roles by their words."""
    return Counter({row[:3] for row in rows}) if query_id == "missing-facts" else rows


def sample(answers: list[CaseAnswer], count: int) -> list[CaseAnswer]:
    """Return a seeded choice of answers, with two whose records contradict each other and four with alarming unconfirmed ones."""
    doubtful = [answer for answer in answers if answer.state.alternatives and not answer.state.unconfirmed][:2]
    doubtful += [answer for answer in answers if answer.state.unconfirmed][:4]
    chosen = [*random.Random(20261120).sample(answers, count), *doubtful]
    return list({answer.state.case.iri: answer for answer in chosen}.values())


def assert_derived(graphs: Any, engine: str, expected: dict[str, Rows]) -> None:
    for query_id in DERIVED:
        found = shortened(query_id, texts(run_query(query_id, graphs, engine, folder=ROOT)))
        assert not found - expected[query_id], query_id
        assert not expected[query_id] - found, query_id


@pytest.mark.parametrize("engine", ENGINES)
def test_derive_queries_give_the_report(engine: str, knowledge: Program, base: list[pyoxigraph.Triple], answers: list[CaseAnswer]) -> None:
    chosen = sample(answers, 12 if engine == "rdflib" else 40)
    triples = [*base, *(triple for answer in chosen for triple in inferred_graph(knowledge, answer))]
    assert_derived(to_rdflib(triples) if engine == "rdflib" else to_store(triples), engine, expected_rows(knowledge, chosen))


@pytest.mark.release
def test_derive_queries_give_the_report_on_every_vignette(
    knowledge: Program, base: list[pyoxigraph.Triple], answers: list[CaseAnswer]
) -> None:
    assert len(answers) >= 300
    store = to_store(base)
    for answer in answers:
        store.extend(quads(list(inferred_graph(knowledge, answer))))
    expected = expected_rows(knowledge, answers)
    assert all(expected.values())
    assert_derived(store, "pyoxigraph", expected)


def test_queries_of_one_case_leave_the_others_out(knowledge: Program, base: list[pyoxigraph.Triple], answers: list[CaseAnswer]) -> None:
    store = to_store(base)
    for answer in answers[:3]:
        store.extend(quads(list(inferred_graph(knowledge, answer))))
    case = answers[1].state.case.iri
    for query_id in DERIVED:
        everything = texts(run_query(query_id, store, folder=ROOT))
        assert texts(run_query(query_id, store, bindings={"case": case}, folder=ROOT)) == Counter(
            {row: count for row, count in everything.items() if row[0] == case}
        )


# --- the inferred graph --------------------------------------------------------------------------------------------------


def test_every_class_role_and_indicator_has_one_status(knowledge: Program, answers: list[CaseAnswer]) -> None:
    answer = answers[0]
    case = answer.state.case.iri
    found: dict[str, list[str]] = {}
    for triple in inferred_graph(knowledge, answer):
        if isinstance(triple.subject, pyoxigraph.NamedNode) and isinstance(triple.object, pyoxigraph.NamedNode):
            assert triple.subject.value == case
            found.setdefault(triple.predicate.value, []).append(triple.object.value)
    classes = [*found[RDF + "type"], *found[LC + "hasRefutedClass"], *found[LC + "hasOpenClass"]]
    assert Counter(classes) == Counter([*knowledge.classes, LC + "Case"])
    indicators = [
        iri for status in ("Known", "Bounded", "Conflicting", "Unusable", "Unknown") for iri in found.get(f"{LC}has{status}Indicator", [])
    ]
    assert sorted(indicators) == sorted(knowledge.indicator)
    for noun in ("NewFinding", "Exposure", "Diagnosis"):
        terms = [iri for presence in ("Present", "Absent", "Unknown") for iri in found.get(f"{LC}has{presence}{noun}", [])]
        assert len(terms) == len(set(terms))
    findings = [iri for presence in ("Present", "Absent", "Unknown") for iri in found[f"{LC}has{presence}Finding"]]
    assert len(findings) == len(set(findings))
    assert set(findings) >= {term for term, sort in knowledge.sorts.items() if sort == "Finding" and term != LC + "Finding"}


def test_a_taken_drug_is_each_of_its_classes(knowledge: Program, answers: list[CaseAnswer]) -> None:
    answer = next(answer for answer in answers if answer.state.case.iri.endswith("/medication-review-every-class"))
    present = {triple.object.value for triple in inferred_graph(knowledge, answer) if triple.predicate.value == LC + "hasPresentExposure"}
    assert set(map(expand, ("lc:Furosemide", "lc:LoopDiuretic", "lc:Diuretic", "lc:Drug"))) <= present


def test_inferred_terms_are_declared(knowledge: Program, base: list[pyoxigraph.Triple], answers: list[CaseAnswer]) -> None:
    declared = {triple.subject.value for triple in base if isinstance(triple.subject, pyoxigraph.NamedNode)}
    used = {triple.predicate.value for answer in answers[::10] for triple in inferred_graph(knowledge, answer)} | {
        triple.predicate.value for triple in base
    }
    assert {iri for iri in used if iri.startswith((LC, LCG))} <= declared


def test_raised_recommendations_have_their_trigger_entailed(knowledge: Program, answers: list[CaseAnswer]) -> None:
    for answer in answers:
        for statuses in (answer.statuses, *entail_alternatives(knowledge, answer.state)):
            assert not [
                each.iri for each in knowledge.recommendations if statuses.holds(each.eligible) and not statuses.holds(each.trigger)
            ]


def test_other_statuses_give_other_answers(knowledge: Program, base: list[pyoxigraph.Triple], answers: list[CaseAnswer]) -> None:
    answer = next(answer for answer in answers if answer.state.case.iri.endswith("/bilateral-cramps-stable"))
    flag = next(each for each in knowledge.recommendations if each.red_flag)
    own = {name: answer.statuses.status(name) for name in knowledge.classes}
    assert set(inferred_from(knowledge, answer, own)) == set(inferred_graph(knowledge, answer))
    raised = own | {flag.trigger: ENTAILED, flag.eligible: OPEN, flag.applicable: OPEN}
    certain = raised | {flag.eligible: ENTAILED, flag.applicable: ENTAILED}
    refuted = raised | {flag.eligible: REFUTED, flag.applicable: REFUTED}
    expected = (((), own, ()), (("possible",), raised, ()), (("certain",), certain, ()), ((), refuted, ()), (("possible",), own, (raised,)))
    for certainties, statuses, readings in expected:
        found = run_query("red-flags", [*base, *inferred_from(knowledge, answer, statuses, readings)], folder=ROOT)
        assert tuple(row[3] for row in texts(found)) == certainties


def test_a_record_cannot_say_what_only_the_reasoner_may(knowledge: Program) -> None:
    text = f"""
        @prefix lc: <{LC}> . @prefix lcg: <{LCG}> . @prefix ex: <https://example.org/> . @prefix skos: <http://www.w3.org/2004/02/skos/core#> .
        ex:case a lc:Case , lc:PregnancyPresent , lcg:Applicable_RedFlag_acidosis ; lc:hasRecord [ a lc:FindingRecord ; lc:ofFinding lc:LegCramp ] ;
            lc:hasRefutedClass lc:PregnancyPresent ; lc:ankleBrachialIndex 0.5 ; lc:statedAge 58 ; ex:note "kept" .
        ex:flag a lc:RedFlag ; lc:isRaisedBy lc:Case . lc:LegCramp skos:prefLabel "else" .
    """
    found = list(asserted_graph(Document("x", text.encode(), "turtle"), record_vocabulary(ROOT), "a"))
    assert {triple.predicate.value.rpartition("/")[2].rpartition("#")[2] for triple in found} == {
        "type",
        "hasRecord",
        "ofFinding",
        "statedAge",
        "note",
    }
    assert {triple.object.value for triple in found if triple.predicate.value == RDF + "type"} == {LC + "Case", LC + "FindingRecord"}
    blank = {triple.object.value for triple in found if isinstance(triple.object, pyoxigraph.BlankNode)}
    assert all(value.startswith("a-") for value in blank)
    assert blank


def test_a_store_holds_knowledge_records_and_inferences(knowledge: Program) -> None:
    path = CASES / "source-text" / "bilateral-cramps-stable" / "record.ttl"
    report = assess(load_records([path], knowledge), knowledge)
    store = load_store(knowledge, ROOT, [read_document(str(path)), Document("x.json", b"{}", "fhir")], report.answers)
    ask = f"PREFIX lc: <{LC}> ASK WHERE {{ ?case lc:hasRecord ?record ; lc:hasPresentFinding lc:LegCramp . lc:LegCramp a ?kind }}"
    assert run_query(ask, store) == QueryResult((), (), True)
    assert run_query(ask, to_rdflib(store), "rdflib").write() == "yes\n"


# --- what is refused -----------------------------------------------------------------------------------------------------

ELSEWHERE = "<http://127.0.0.1:9/> { ?s ?p ?o }"
HOSTILE = {
    "plain": f"SELECT * WHERE {{ SERVICE {ELSEWHERE} }}",
    "silent": f"SELECT * WHERE {{ SERVICE SILENT {ELSEWHERE} }}",
    "variable": "SELECT * WHERE { VALUES ?u { <http://127.0.0.1:9/> } SERVICE ?u { ?s ?p ?o } }",
    "filter exists": f"SELECT * WHERE {{ ?a ?b ?c FILTER EXISTS {{ SERVICE {ELSEWHERE} }} }}",
    "bind exists": f"SELECT * WHERE {{ BIND (EXISTS {{ SERVICE {ELSEWHERE} }} AS ?x) }}",
    "sub-query": f"SELECT * WHERE {{ {{ SELECT * WHERE {{ SERVICE {ELSEWHERE} }} }} }}",
    "escaped": f"SELECT * WHERE {{ \\u0053ERVICE {ELSEWHERE} }}",
    "escaped long": f"SELECT * WHERE {{ \\U00000053ERVICE {ELSEWHERE} }}",
    "escaped escape": f"SELECT * WHERE {{ \\u005Cu0053ERVICE {ELSEWHERE} }}",
    "small letters": f"SELECT * WHERE {{ service {ELSEWHERE} }}",
    "after a carriage return in a comment": f"SELECT * WHERE {{ ?a ?b ?c . # \rSERVICE {ELSEWHERE} }}",
    "after a full stop": f"SELECT * WHERE {{ ?a ?b ?c.SERVICE {ELSEWHERE} }}",
    "joined to its address": "PREFIX : <http://127.0.0.1:9/> SELECT * WHERE { SERVICE:x { ?s ?p ?o } }",
    "joined to silent": f"SELECT * WHERE {{ SERVICESILENT{ELSEWHERE} }}",
    "from": "SELECT * FROM <file:///etc/passwd> WHERE { ?s ?p ?o }",
    "from named": "SELECT * FROM NAMED <file:///etc/passwd> WHERE { GRAPH ?g { ?s ?p ?o } }",
    "describe from": "DESCRIBE ?s FROM <file:///etc/passwd> WHERE { ?s ?p ?o }",
    "load": "LOAD <file:///etc/passwd> ; INSERT { ?s ?p ?o } WHERE { ?s ?p ?o }",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("engine", ENGINES)
def test_a_query_that_reaches_outside_is_refused(text: str, engine: str) -> None:
    with pytest.raises(UsageError) as refused:
        run_query(text, [], engine)
    assert refused.value.repair


@pytest.mark.parametrize(
    "disguise", ["plain", "silent", "variable", "filter exists", "bind exists", "sub-query", "from", "from named", "joined to its address"]
)
def test_the_parse_tree_alone_refuses(disguise: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query_text, "_check_tokens", lambda text, refused: None)
    with pytest.raises(UsageError, match="reaches outside"):
        check_query(HOSTILE[disguise])


HARMLESS = [
    'SELECT * WHERE { ?s ?p "SERVICE <http://127.0.0.1:9/> { }" }',
    "SELECT * WHERE { ?s ?p '''FROM 'x' SERVICE''' }",
    "# SERVICE <http://127.0.0.1:9/>\nSELECT * WHERE { ?s ?p ?o # FROM\n }",
    "SELECT * WHERE { ?service ?from ?load }",
    "PREFIX ex: <http://service/FROM#> SELECT * WHERE { ?s ex:service <http://service/SERVICE#FROM> }",
    'SELECT * WHERE { ?s ?p "\\\\u0053" }',
]


@pytest.mark.parametrize("text", HARMLESS)
@pytest.mark.parametrize("engine", ENGINES)
def test_the_word_alone_is_harmless(text: str, engine: str) -> None:
    assert run_query(text, [], engine).rows == ()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("SELECT * WHERE { ?s ?p ?o . " + "?s ?p ?o . " * 2000 + "}", LimitError),
        ("SELECT * WHERE " + "{" * 33 + "}" * 33, LimitError),
        ("SELECT * WHERE { FILTER(" + "(" * 100 + "1" + ")" * 100 + ") }", LimitError),
        ("SELECT * WHERE { ?s ?p }", SyntaxProblem),
        ("INSERT DATA { <a:a> <a:b> <a:c> }", SyntaxProblem),
        ("SELECT * WHERE { ?s ?p '\\uD800' }", UsageError),
        ("no-such-query", UsageError),
    ],
)
@pytest.mark.parametrize("engine", ENGINES)
def test_a_query_that_cannot_be_run_says_what_to_do(text: str, kind: type[LegcrampsError], engine: str) -> None:
    with pytest.raises(kind) as refused:
        run_query(text, [], engine, folder=ROOT)
    assert refused.value.repair


# --- parameters ----------------------------------------------------------------------------------------------------------

ECHO = "# WHERE {\nSELECT ?s ?_given_string WHERE { ?s <urn:says> ?_given_string }"
ECHO_IRI = "SELECT ?_given_iri WHERE { ?s <urn:names> ?_given_iri }"


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.text(st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("\\\"'u0041U\n\r\t{}<>#?.;")), max_size=12))
def test_bound_text_is_that_text(text: str) -> None:
    node, says = pyoxigraph.NamedNode("urn:s"), pyoxigraph.NamedNode("urn:says")
    triples = [pyoxigraph.Triple(node, says, pyoxigraph.Literal(each)) for each in {text, text + "x", "decoy"}]
    for engine in ENGINES:
        assert run_query(ECHO, triples, engine, {"given": text}).rows == ((Cell("iri", "urn:s"), Cell("literal", text)),), engine


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.text(max_size=12))
def test_bound_iri_is_that_iri_or_refused(tail: str) -> None:
    iri = f"https://example.org/{tail}"
    try:
        node = pyoxigraph.NamedNode(iri)
    except ValueError:
        with pytest.raises(UsageError):
            run_query(ECHO_IRI, [], bindings={"_given_iri": iri})
        return
    triples = [
        pyoxigraph.Triple(pyoxigraph.NamedNode("urn:s"), pyoxigraph.NamedNode("urn:names"), each)
        for each in (node, pyoxigraph.NamedNode("urn:else"))
    ]
    for engine in ENGINES:
        assert run_query(ECHO_IRI, triples, engine, {"given": iri}).rows == ((Cell("iri", iri),),), engine


def test_bindings_take_terms_types_and_several_values() -> None:
    text = "SELECT ?_n_integer ?_l_string WHERE { ?_n_integer ?_l_string ?x }".replace("?_n_integer ?_l_string ?x", "BIND (1 AS ?x)")
    several = run_query(text, [], bindings={"n": ["1", "+02"], "?_l_string": pyoxigraph.Literal("a", language="en")})
    assert [tuple(map(str, row)) for row in several.rows] == [("1", "a"), ("2", "a")]
    assert several.rows[0][1] == Cell("literal", "a", "", "en")
    for bindings in ({"n": "one"}, {"unknown": "1"}, {"l": "\ud800"}):
        with pytest.raises(UsageError) as refused:
            run_query(text, [], bindings=bindings)
        assert refused.value.repair
    with pytest.raises(UsageError, match="no place"):
        run_query("SELECT ?_n_integer { BIND (1 AS ?x) }", [], bindings={"n": "1"})


def test_prefixes_of_the_project_are_expanded() -> None:
    triple = pyoxigraph.Triple(
        pyoxigraph.NamedNode("urn:s"), pyoxigraph.NamedNode("urn:names"), pyoxigraph.NamedNode(expand("lc:LegCramp"))
    )
    assert run_query(ECHO_IRI, [triple], bindings={"given": "lc:LegCramp"}).rows == ((Cell("iri", LC + "LegCramp"),),)


# --- results -------------------------------------------------------------------------------------------------------------

DATA = '<urn:a> <urn:p> "0.90"^^<http://www.w3.org/2001/XMLSchema#decimal> , "a, \\"b\\""@EN , _:x .\n<urn:b> <urn:p> true .'


def data() -> list[pyoxigraph.Triple]:
    return [quad.triple for quad in pyoxigraph.parse(DATA, format=pyoxigraph.RdfFormat.TURTLE)]


def test_both_engines_give_and_write_the_same() -> None:
    text = "SELECT ?s ?o ?none WHERE { ?s <urn:p> ?o FILTER (!isBlank(?o)) } ORDER BY ?s STR(?o)"
    first, second = (run_query(text, data(), engine) for engine in ENGINES)
    assert first == second
    assert [row[1] for row in first.rows if row[1]] == [
        Cell("literal", "0.9", "http://www.w3.org/2001/XMLSchema#decimal"),
        Cell("literal", 'a, "b"', "", "en"),
        Cell("literal", "true", "http://www.w3.org/2001/XMLSchema#boolean"),
    ]
    for form in FORMS:
        assert first.write(form) == second.write(form)
    assert first.write("csv").splitlines() == ["s,o,none", "urn:a,0.9,", 'urn:a,"a, ""b""",', "urn:b,true,"]
    assert json.loads(first.write("json"))["head"]["vars"] == ["s", "o", "none"]
    assert first.write("tsv").startswith("?s\t?o\t?none\n")
    assert first.write("xml").startswith("<?xml")
    assert first.write("table").splitlines()[:3] == ["s      o       none", "-----  ------  ----", "urn:a  0.9"]
    with pytest.raises(UsageError):
        first.write("parquet")


@pytest.mark.parametrize("engine", ENGINES)
def test_other_kinds_of_query_are_answered(engine: str) -> None:
    assert run_query("ASK WHERE { <urn:b> ?p true }", data(), engine).truth is True
    made = run_query("CONSTRUCT { ?o <urn:q> ?s } WHERE { ?s ?p ?o FILTER isBlank(?o) }", data(), engine)
    assert made.variables == ("subject", "predicate", "object")
    assert [[cell.kind for cell in row if cell] for row in made.rows] == [["blank", "iri", "iri"]]
    assert len(run_query("DESCRIBE <urn:b>", data(), engine).rows) == 1


def test_a_graph_of_rdflib_is_asked_by_pyoxigraph_too() -> None:
    assert bag(run_query("SELECT ?s WHERE { ?s ?p true }", to_rdflib(data()))) == Counter([(Cell("iri", "urn:b"),)])
    with pytest.raises(UsageError):
        run_query("ASK WHERE { }", data(), "sparql")


def test_queries_are_found_by_id_and_by_file_name() -> None:
    assert find_query(ROOT, "cq10") == find_query(ROOT, "CQ10") == find_query(ROOT, "cq-10-acts-waiting-for-a-value.rq")
    assert find_query(None, "H01").summary
    with pytest.raises(UsageError, match="CQ01"):
        find_query(ROOT, "nothing")


def test_a_query_without_header_is_named(tmp_path: Path) -> None:
    path = tmp_path / "bare.rq"
    path.write_text("ASK { }", encoding="utf-8")
    with pytest.raises(LegcrampsError, match=r"bare\.rq"):
        read_query(path)
