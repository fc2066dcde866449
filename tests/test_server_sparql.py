"""The SPARQL endpoint speaks the protocol, answers as the command line does, and says when an answer is not whole."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pyoxigraph
import pytest
from servers import AS_OF, Server, running

from reasoner.namespaces import PREFIXES, SH
from reasoner.query import answered_store, run_query
from reasoner.query_results import Cell, literal_cell
from reasoner.resources import load_knowledge

ROOT = Path(__file__).parent.parent
RECORDS = [str(ROOT / "docs" / "examples" / name) for name in ("patient.ttl", "bundle.json")]
RECORDS.append(str(ROOT / "tests" / "cases" / "conditions" / "acute-compartment-syndrome-typical" / "record.ttl"))
DERIVED = sorted((ROOT / "queries" / "derive").glob("*.rq"))
ROWS = 500
SD = "http://www.w3.org/ns/sparql-service-description#"
ASSERTED, INFERRED = "urn:legcramps:graph:asserted", "urn:legcramps:graph:inferred"
FORM = {"content-type": "application/x-www-form-urlencoded"}
DIRECT = {"content-type": "application/sparql-query"}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running(*RECORDS, "--as-of", AS_OF, "--deadline", "20", "--max-rows", str(ROWS), "--workers", "2") as found:
        yield found


# --- answers ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", DERIVED, ids=lambda path: path.stem)
def test_a_shipped_query_answers_as_the_command_line_does(server: Server, path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    store, _, _ = answered_store(RECORDS, load_knowledge(ROOT), ROOT, as_of=datetime.fromisoformat(AS_OF))
    wanted = run_query(text, store)
    found = server.query(text)
    assert "legcramps-truncated" not in found.headers
    rows = Counter(tuple(sorted(row.items())) for row in cells(found.document))
    assert rows == Counter(
        tuple(sorted((name, cell) for name, cell in zip(wanted.variables, row, strict=True) if cell)) for row in wanted.rows
    )
    assert rows


def cells(document: Any) -> list[dict[str, Cell]]:
    """Return the rows of a result in JSON as cells, numbers in canonical form."""
    return [
        {
            name: literal_cell(cell["value"], cell.get("datatype", ""), cell.get("xml:lang", ""))
            if cell["type"] == "literal"
            else Cell("iri" if cell["type"] == "uri" else "blank", cell["value"])
            for name, cell in row.items()
        }
        for row in document["results"]["bindings"]
    ]


def test_there_are_enough_shipped_queries() -> None:
    assert len(DERIVED) >= 5


def test_the_graphs_are_kept_apart_and_the_default_graph_counts_nothing_twice(server: Server) -> None:
    sizes = {row["g"]: int(row["n"]) for row in server.query("SELECT ?g (COUNT(*) AS ?n) { GRAPH ?g { ?s ?p ?o } } GROUP BY ?g").rows}
    stem = "urn:legcramps:graph:"
    assert set(sizes) == {stem + name for name in ("ontology", "guideline", "asserted", "inferred", "proofs", "examples")}
    assert all(sizes.values())
    distinct = (
        "SELECT (COUNT(*) AS ?n) { { SELECT DISTINCT ?s ?p ?o { GRAPH ?g { ?s ?p ?o } FILTER (?g != <urn:legcramps:graph:proofs>) } } }"
    )
    whole = server.query("SELECT (COUNT(*) AS ?n) { ?s ?p ?o }").rows
    assert whole == server.query(distinct).rows
    assert int(whole[0]["n"]) < sum(sizes.values()) - sizes[stem + "proofs"], "the graphs say nothing twice, so this shows nothing"


@pytest.mark.parametrize("by", ["protocol", "clause"])
def test_several_graphs_as_one_count_nothing_twice(server: Server, by: str) -> None:
    pattern = "{ ?s ?p ?o FILTER (!isBlank(?s) && !isBlank(?o)) }"
    distinct = (
        f"SELECT (COUNT(*) AS ?n) {{ {{ SELECT DISTINCT ?s ?p ?o {{ GRAPH ?g {pattern} FILTER (?g IN (<{ASSERTED}>, <{INFERRED}>)) }} }} }}"
    )
    if by == "protocol":
        given = urlencode(
            [("query", f"SELECT (COUNT(*) AS ?n) {pattern}"), ("default-graph-uri", ASSERTED), ("default-graph-uri", INFERRED)]
        )
        found = server.ask("GET", f"/sparql?{given}")
    else:
        found = server.query(f"SELECT (COUNT(*) AS ?n) FROM <{ASSERTED}> FROM <{INFERRED}> {pattern}")
    assert found.rows == server.query(distinct).rows


def test_the_dataset_of_the_protocol_goes_before_that_of_the_query(server: Server) -> None:
    asked = "SELECT ?g (COUNT(*) AS ?n) FROM <urn:legcramps:graph:ontology> { GRAPH ?g { ?s ?p ?o } } GROUP BY ?g"
    assert server.query(asked).rows == []
    assert [row["g"] for row in server.query(asked, **{"named-graph-uri": ASSERTED}).rows] == [ASSERTED]


def test_a_graph_that_is_not_there_is_said(server: Server) -> None:
    assert server.query("ASK { ?s ?p ?o }", **{"default-graph-uri": "http://example.org/none"}).headers["legcramps-unknown-graphs"] == "1"
    assert server.query("ASK FROM <http://example.org/none> { ?s ?p ?o }").status == 403


# --- forms --------------------------------------------------------------------------------------------------------------

JSON, XML = "application/sparql-results+json", "application/sparql-results+xml"
CSV, TSV = "text/csv; charset=utf-8", "text/tab-separated-values; charset=utf-8"
TURTLE = "text/turtle; charset=utf-8"
SELECT, ASK, CONSTRUCT = "SELECT ?s { ?s ?p ?o } LIMIT 1", "ASK {}", "CONSTRUCT WHERE { ?s ?p ?o } LIMIT 1"
CHOICES = [
    (SELECT, "", JSON),
    (SELECT, "*/*", JSON),
    (SELECT, "text/csv", CSV),
    (SELECT, "text/*", CSV),
    (SELECT, "text/*;q=0.5, text/tab-separated-values", TSV),
    (SELECT, "application/sparql-results+xml;q=0.9, application/sparql-results+json;q=0.8", XML),
    (SELECT, "application/json", JSON),
    (SELECT, "application/xml, text/csv;q=0.1", XML),
    (SELECT, "application/sparql-results+json;q=0, */*;q=0.1", XML),
    (SELECT, "TEXT/CSV", CSV),
    (SELECT, "text/html, */*;q=0.1", JSON),
    (SELECT, "nonsense", JSON),
    (SELECT, "text/turtle", None),
    (SELECT, "image/png", None),
    (SELECT, "text/csv;q=0", None),
    (ASK, "", JSON),
    (ASK, "application/sparql-results+xml", XML),
    (ASK, "text/turtle", None),
    (CONSTRUCT, "", TURTLE),
    (CONSTRUCT, "*/*", TURTLE),
    (CONSTRUCT, "application/n-triples", "application/n-triples"),
    (CONSTRUCT, "application/ld+json", "application/ld+json"),
    (CONSTRUCT, "application/rdf+xml", "application/rdf+xml"),
    (CONSTRUCT, "application/trig", "application/trig"),
    (CONSTRUCT, "text/plain", "application/n-triples"),
    (CONSTRUCT, "application/rdf+xml;q=0.3, text/turtle;q=0.4", TURTLE),
    (CONSTRUCT, "application/sparql-results+json", None),
]


@pytest.mark.parametrize(("query", "accept", "media"), CHOICES)
def test_the_form_is_what_is_accepted(server: Server, query: str, accept: str, media: str | None) -> None:
    reply = server.query(query, accept)
    assert (reply.status, reply.headers["content-type"]) == ((200, media) if media else (406, "application/problem+json"))
    assert reply.headers["vary"] == "accept"
    if media is None:
        assert "/" in reply.document["repair"]


def test_the_forms_say_the_same(server: Server) -> None:
    text = "SELECT ?s ?o { ?s <http://www.w3.org/2004/02/skos/core#prefLabel> ?o } ORDER BY ?s ?o LIMIT 50"
    wanted = server.query(text).rows
    assert len(wanted) == 50
    rows = list(csv.reader(server.query(text, "text/csv").body.decode().splitlines()))
    assert [dict(zip(rows[0], row, strict=True)) for row in rows[1:]] == wanted
    for accept, form in ((XML, pyoxigraph.QueryResultsFormat.XML), ("text/tab-separated-values", pyoxigraph.QueryResultsFormat.TSV)):
        found: Any = pyoxigraph.parse_query_results(server.query(text, accept).body, format=form)
        assert [{"s": row["s"].value, "o": row["o"].value} for row in found] == wanted
    label = "?s <http://www.w3.org/2004/02/skos/core#prefLabel> ?o"
    graph = f"CONSTRUCT {{ ?s <urn:p> ?o }} {{ SELECT ?s ?o {{ {label} }} ORDER BY ?s ?o LIMIT 50 }}"
    graphs = []
    for accept, syntax in (
        ("text/turtle", pyoxigraph.RdfFormat.TURTLE),
        ("application/n-triples", pyoxigraph.RdfFormat.N_TRIPLES),
        ("application/ld+json", pyoxigraph.RdfFormat.JSON_LD),
        ("application/rdf+xml", pyoxigraph.RdfFormat.RDF_XML),
        ("application/trig", pyoxigraph.RdfFormat.TRIG),
    ):
        reply = server.query(graph, accept)
        graphs.append({str(quad.triple) for quad in pyoxigraph.parse(reply.body, format=syntax)})
    assert len(graphs[0]) > 20
    assert all(each == graphs[0] for each in graphs)


def test_a_form_can_be_named_in_the_url(server: Server) -> None:
    assert server.query(SELECT, "text/turtle", format="csv").headers["content-type"] == CSV
    assert server.query(SELECT, format="turtle").status == 406
    assert server.query(SELECT, format="html").status == 400


# --- requests -----------------------------------------------------------------------------------------------------------

ODD = [
    ("POST", "/sparql", urlencode({"query": ASK}), FORM, 200),
    ("POST", "/sparql/", urlencode({"query": ASK}), FORM, 200),
    ("POST", "/sparql", ASK, DIRECT, 200),
    ("POST", "/sparql", ASK, {"content-type": "application/sparql-query; charset=UTF-8"}, 200),
    ("POST", "/sparql", ASK.encode("utf-16"), {"content-type": "application/sparql-query; charset=UTF-16"}, 415),
    ("POST", "/sparql", b"ASK { ?s ?p '\xff' }", DIRECT, 400),
    ("POST", "/sparql", urlencode({"query": ASK}), {}, 415),
    ("POST", "/sparql", ASK, {"content-type": "text/plain"}, 415),
    ("POST", "/sparql", urlencode([("query", ASK), ("query", ASK)]), FORM, 400),
    ("POST", "/sparql?" + urlencode({"query": ASK}), ASK, DIRECT, 400),
    ("POST", "/sparql", "", FORM, 400),
    ("POST", "/sparql", urlencode({"update": "CLEAR ALL"}), FORM, 403),
    ("POST", "/sparql", "CLEAR ALL", {"content-type": "application/sparql-update"}, 403),
    ("GET", "/sparql?" + urlencode({"update": "CLEAR ALL"}), None, {}, 400),
    ("GET", "/sparql?" + urlencode([("query", ASK), ("query", ASK)]), None, {}, 400),
    ("GET", "/sparql?query=%FF", None, {}, 400),
    ("GET", "/sparql?query=", None, {}, 400),
    ("GET", "/sparql?" + "a=b&" * 200, None, {}, 400),
    ("GET", "/sparql?" + urlencode({"query": "CLEAR ALL"}), None, {}, 400),
    ("GET", "/sparql?" + urlencode({"query": ASK, "default-graph-uri": "no iri"}), None, {}, 400),
    ("PUT", "/sparql", ASK, DIRECT, 405),
    ("DELETE", "/sparql", None, {}, 405),
    ("GET", "/nothing", None, {}, 404),
]


@pytest.mark.parametrize(("method", "target", "body", "headers", "status"), ODD)
def test_a_request_gets_the_status_that_it_deserves(
    server: Server, method: str, target: str, body: Any, headers: dict[str, str], status: int
) -> None:
    reply = server.ask(method, target, body, headers)
    assert reply.status == status
    if status == 405:
        assert reply.headers["allow"] == "GET, HEAD, POST, OPTIONS"


def test_a_percent_escape_is_resolved_once(server: Server) -> None:
    text = 'SELECT ("a%20b+c" AS ?x) {}'
    assert server.query(text).rows == server.post(text).rows == [{"x": "a%20b+c"}]


def test_head_and_options(server: Server) -> None:
    reply = server.ask("HEAD", f"/sparql?{urlencode({'query': SELECT})}")
    assert (reply.status, reply.headers["content-type"], reply.body) == (200, JSON, b"")
    options = server.ask("OPTIONS", "/sparql")
    assert (options.status, options.headers["allow"]) == (204, "GET, HEAD, POST, OPTIONS")
    assert "application/sparql-query" in options.headers["accept-post"]


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("SELECT * {\n ?s ?p }", 2, 9),
        ("SELECT ?x\n{ ?x ?y ?z .\n  FILTER(?x = ) }", 3, None),
        ("nonsense", 1, 9),
        ("# FROM\nSELECT * {\n ?s ?p }", 3, None),
    ],
)
def test_a_malformed_query_is_told_where(server: Server, text: str, line: int, column: int | None) -> None:
    reply = server.query(text)
    assert (reply.status, reply.headers["content-type"], reply.document["code"]) == (400, "application/problem+json", "LC-1210")
    assert reply.document["line"] == line
    assert column is None or reply.document["column"] == column


# --- answers that are not whole -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("extra", [0, 1])
def test_an_answer_over_the_limit_is_cut_and_says_so_or_refused(server: Server, extra: int) -> None:
    text = f"SELECT ?s ?p ?o {{ ?s ?p ?o }} LIMIT {ROWS + extra}"
    for accept in (JSON, XML):
        reply = server.query(text, accept)
        form = pyoxigraph.QueryResultsFormat.JSON if accept == JSON else pyoxigraph.QueryResultsFormat.XML
        results: Any = pyoxigraph.parse_query_results(reply.body, format=form)
        assert len(list(results)) == ROWS
        assert (b"urn:legcramps:truncated" in reply.body) is bool(extra)
        assert reply.headers.get("legcramps-truncated") == (f"rows={ROWS}" if extra else None)
    for accept in ("text/csv", "text/tab-separated-values"):
        reply = server.query(text, accept)
        assert reply.status == (413 if extra else 200)
    distinct = f"CONSTRUCT {{ ?s ?p ?o }} {{ SELECT DISTINCT ?s ?p ?o {{ ?s ?p ?o }} LIMIT {ROWS + extra} }}"
    reply = server.query(distinct)
    assert reply.status == (413 if extra else 200)


def test_rows_are_counted_whatever_they_hold(server: Server) -> None:
    tricky = r'"},{ <result> \n \" , \r\n"'
    text = f"SELECT ?x ?n {{ {{ SELECT ?n {{ ?n ?p ?o }} LIMIT {ROWS} }} BIND ({tricky} AS ?x) }}"
    for accept in (JSON, XML, "text/csv", "text/tab-separated-values"):
        reply = server.query(text, accept)
        assert (reply.status, "legcramps-truncated" in reply.headers) == (200, False), accept


# --- the description ----------------------------------------------------------------------------------------------------


def test_the_endpoint_describes_itself(server: Server) -> None:
    reply = server.ask("GET", "/sparql")
    assert (reply.status, reply.headers["content-type"]) == (200, TURTLE)
    store = pyoxigraph.Store()
    store.load(reply.body, format=pyoxigraph.RdfFormat.TURTLE)

    def objects(name: str) -> list[str]:
        return [quad.object.value for quad in store.quads_for_pattern(None, pyoxigraph.NamedNode(name), None)]

    assert objects(SD + "endpoint") == [f"http://127.0.0.1:{server.port}/sparql"]
    assert set(objects(SH + "namespace")) == set(PREFIXES.values())
    assert set(objects(SD + "name")) >= {ASSERTED, INFERRED}
    sizes: Any = store.query(f"SELECT ?g ?n {{ ?g a <{SD}Graph> ; <http://rdfs.org/ns/void#triples> ?n }}")
    for row in sizes:
        counted = server.query(f"SELECT (COUNT(*) AS ?n) {{ GRAPH <{row['g'].value}> {{ ?s ?p ?o }} }}").rows
        assert counted == [{"n": row["n"].value}]
    assert len(reply.body) < 16_384, "some clients read no more"


def test_the_shipped_queries_are_at_hand_where_editors_look_for_them(server: Server) -> None:
    text = f"SELECT ?query ?comment {{ ?each a <{SH}SPARQLExecutable> ; <{SH}select> ?query ; <http://www.w3.org/2000/01/rdf-schema#comment> ?comment }}"
    examples = [row["query"] for row in server.query(text).rows]
    assert len(examples) >= 35
    assert all(server.query(example).status == 200 for example in examples)
    prefixes = server.query(f"SELECT ?stem {{ ?each <{SH}namespace> ?stem }}").rows
    assert {row["stem"] for row in prefixes} == set(PREFIXES.values())


def test_the_description_is_written_in_what_is_accepted(server: Server) -> None:
    assert server.ask("GET", "/sparql", headers={"accept": "application/rdf+xml"}).headers["content-type"] == "application/rdf+xml"
    assert server.ask("GET", "/sparql", headers={"accept": "image/png"}).status == 406
    assert server.ask("GET", "/sparql", headers={"accept": "text/html"}).headers["location"] == "/"


def test_the_page_and_the_health_report(server: Server) -> None:
    page = server.ask("GET", "/")
    assert b"Not medical advice" in page.body
    assert b"<script" not in page.body
    health = server.ask("GET", "/health").document
    assert health["status"] == "ok"
    assert health["knowledge"]["hash"] == load_knowledge(ROOT).digest
    assert json.dumps(health)
