"""Publishing: what was written stands in the store, value by value, or the command says so; what is read back answers alike."""

from __future__ import annotations

import json
import re
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyoxigraph
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from remote_stores import Asked, Behaviour, engine, fake_store, oxigraph_store, send
from servers import running

from reasoner import assess, load_records
from reasoner.answering import read_all
from reasoner.cli import main
from reasoner.documents import read_document
from reasoner.errors import ChangedDataError, InputError, LegcrampsError, RefusalError, RemoteError, UnfitAnswerError, UsageError
from reasoner.namespaces import XSD
from reasoner.program import Program
from reasoner.query import answered_store, bound_query, find_query, run_query
from reasoner.remote.access import Access
from reasoner.remote.parts import PARTS, STEM, graphs_of
from reasoner.remote.publishing import SKOLEM, publish_graph
from reasoner.remote.records import remote_records
from reasoner.remote.store import RemoteStore
from reasoner.remote.transport import Budget
from reasoner.remote.values import value_of
from reasoner.remote.whole import query_store

ROOT = Path(__file__).parent.parent
PATIENT = ROOT / "docs" / "examples" / "patient.ttl"
DERIVED = ("differential", "missing-facts", "next-tests", "red-flags", "repeat-imaging-not-warranted")
EX = "https://example.org/"


def access(url: str, *, update: str = "") -> RemoteStore:
    return RemoteStore(Access(url, update or url), Budget(120, 2**28))


def literal(text: str, datatype: str) -> pyoxigraph.Literal:
    return pyoxigraph.Literal(text, datatype=pyoxigraph.NamedNode(XSD + datatype))


def triple(value: pyoxigraph.NamedNode | pyoxigraph.BlankNode | pyoxigraph.Literal, subject: str = "s") -> pyoxigraph.Triple:
    return pyoxigraph.Triple(pyoxigraph.NamedNode(EX + subject), pyoxigraph.NamedNode(EX + "p"), value)


# --- values --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (literal("2.50", "decimal"), literal("2.5", "decimal")),
        (literal("2", "integer"), literal("2.0", "decimal")),
        (literal("true", "boolean"), literal("1", "boolean")),
        (literal("2026-11-20T10:00:00+01:00", "dateTime"), literal("2026-11-20T09:00:00Z", "dateTime")),
        (literal("1e3", "double"), literal("1000.0", "double")),
    ],
)
def test_two_writings_of_one_value_are_equal(one: pyoxigraph.Literal, other: pyoxigraph.Literal) -> None:
    assert one != other
    assert value_of(one) == value_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (literal("true", "boolean"), literal("1", "integer")),
        (literal("1", "string"), literal("1", "integer")),
        (literal("2.50", "decimal"), literal("2.51", "decimal")),
        (literal("9007199254740993", "integer"), literal("9007199254740992", "integer")),
        (literal("2026-11-20T10:00:00", "dateTime"), literal("2026-11-20T10:00:00Z", "dateTime")),
        (literal("2026-11-20", "date"), literal("2026-11-20Z", "date")),
        (literal("2026-13", "gYearMonth"), literal("2026-12", "gYearMonth")),
        (literal("x", "decimal"), literal("x", "integer")),
        (literal("1.0", "decimal"), literal("1.0", "double")),
        (pyoxigraph.Literal("x", language="en"), pyoxigraph.Literal("x")),
        (pyoxigraph.Literal("x", language="en"), pyoxigraph.Literal("X", language="en")),
    ],
)
def test_two_values_are_not_equal(one: pyoxigraph.Literal, other: pyoxigraph.Literal) -> None:
    assert value_of(one) != value_of(other)


@settings(max_examples=200, deadline=None)
@given(st.decimals(allow_nan=False, allow_infinity=False, places=3), st.integers(0, 4))
def test_zeros_at_the_end_change_no_value(number: object, zeros: int) -> None:
    assert value_of(literal(f"{number}", "decimal")) == value_of(literal(f"{number}{'0' * zeros}", "decimal"))


# --- a store that does not keep what it is given ---------------------------------------------------------------------------


def written(behave: Behaviour, triples: list[pyoxigraph.Triple]) -> object:
    with fake_store(behave) as fake:
        return publish_graph(access(fake.url), EX + "g", triples)


def test_an_honest_store_holds_what_was_written_blank_nodes_named() -> None:
    store = pyoxigraph.Store()
    blank = pyoxigraph.BlankNode("b1")
    triples = [triple(literal("2.50", "decimal")), triple(blank), pyoxigraph.Triple(blank, pyoxigraph.NamedNode(EX + "p"), blank)] * 2
    with fake_store(engine(store)) as fake:
        done = publish_graph(access(fake.url), EX + "g", triples)
    assert (done.triples, done.blocks, done.named) == (3, 1, 1)
    assert done.changed == (('"2.50"^^xsd:decimal', '"2.5"^^xsd:decimal'),)
    assert {quad.object for quad in store if quad.subject == pyoxigraph.NamedNode(SKOLEM + "b1")} == {pyoxigraph.NamedNode(SKOLEM + "b1")}
    assert {quad.graph_name for quad in store} == {pyoxigraph.NamedNode(EX + "g")}
    assert not any("_:" in asked.form.get("update", [""])[0] for asked in fake.asked)


LIES: dict[str, Callable[[str], str]] = {
    "loses a statement": lambda text: text.replace(f"<{EX}s> <{EX}p> <{EX}o> .\n", ""),
    "turns true into a number": lambda text: re.sub(r'"true"\^\^<[^>]*>', '"1"^^<http://www.w3.org/2001/XMLSchema#integer>', text),
    "rounds": lambda text: text.replace("2.51", "2.5"),
    "adds a statement": lambda text: text.replace(
        "INSERT DATA { GRAPH <https://example.org/g> {", "INSERT DATA { GRAPH <https://example.org/g> { <urn:a> <urn:b> 1 ."
    ),
    "writes elsewhere": lambda text: text.replace(
        "INSERT DATA { GRAPH <https://example.org/g>", "INSERT DATA { GRAPH <https://example.org/h>"
    ),
    "does nothing": lambda text: "INSERT DATA { }" if text.startswith("INSERT") else text,
    "strips languages": lambda text: text.replace('"@en', '"'),
}


@pytest.mark.parametrize("name", LIES)
def test_a_store_that_does_not_keep_what_it_is_given_is_found_out(name: str) -> None:
    values = [
        pyoxigraph.NamedNode(EX + "o"),
        literal("true", "boolean"),
        literal("2.51", "decimal"),
        pyoxigraph.Literal("x", language="en"),
    ]
    triples = [triple(value) for value in values]
    assert getattr(written(engine(pyoxigraph.Store()), triples), "changed", None) == ()
    with pytest.raises(ChangedDataError) as caught:
        written(engine(pyoxigraph.Store(), LIES[name]), triples)
    assert caught.value.exit_code == 3
    assert "2.51" not in str(caught.value)


def test_a_graph_that_holds_something_is_replaced_only_when_that_is_wished() -> None:
    store = pyoxigraph.Store()
    store.add(pyoxigraph.Quad(*triple(literal("old", "string")), pyoxigraph.NamedNode(EX + "g")))
    store.add(pyoxigraph.Quad(*triple(literal("old", "string")), pyoxigraph.NamedNode(EX + "h")))
    with fake_store(engine(store)) as fake:
        with pytest.raises(UsageError, match="not empty"):
            publish_graph(access(fake.url), EX + "g", [triple(literal("new", "string"))])
        assert len(store) == 2
        publish_graph(access(fake.url), EX + "g", [triple(literal("new", "string"))], replace=True)
    assert sorted((quad.graph_name.value, quad.object.value) for quad in store) == [(EX + "g", "new"), (EX + "h", "old")]


def test_an_upload_goes_in_blocks_and_says_where_it_stopped() -> None:
    triples = [triple(literal(str(index), "integer")) for index in range(2500)]
    updates = 0

    def behave(asked: Asked, connection: socket.socket) -> None:
        nonlocal updates
        updates += "update" in asked.form
        (send("<secret>", "text/plain", "503 Service Unavailable") if updates == 3 else engine(store))(asked, connection)

    store = pyoxigraph.Store()
    with fake_store(behave) as fake, pytest.raises(RefusalError, match=r"2 of 3 blocks are written.*--replace"):
        publish_graph(access(fake.url), EX + "g", triples)
    assert len(store) == 2000
    assert all(asked.form["update"][0].count("\n") <= 1002 for asked in fake.asked if "update" in asked.form)


def test_an_update_is_never_quoted() -> None:
    def behave(asked: Asked, connection: socket.socket) -> None:
        refusal = send("error near 'name of a patient'", "text/plain", "400 Bad Request")
        (refusal if "update" in asked.form else engine(pyoxigraph.Store()))(asked, connection)

    with fake_store(behave) as fake, pytest.raises(RefusalError) as caught:
        publish_graph(access(fake.url), EX + "g", [triple(literal("name of a patient", "string"))])
    assert "patient" not in str(caught.value)
    with pytest.raises(UsageError, match="no name of a graph"):
        publish_graph(access("http://127.0.0.1:9/"), "no iri> } ; DROP ALL #", [])


# --- graphs whose union is a set --------------------------------------------------------------------------------------------


def test_the_published_graphs_share_no_statement(knowledge: Program) -> None:
    documents = [read_document(str(PATIENT))]
    graphs = graphs_of(PARTS, documents, read_all(documents, knowledge), knowledge, ROOT)
    assert tuple(graphs) == PARTS
    counts = Counter(each for triples in graphs.values() for each in triples)
    assert counts.total() == len(counts) > 35_000
    with pytest.raises(UsageError, match="nothing to publish"):
        graphs_of(["inferred"], [], None, knowledge, ROOT)


def test_a_union_that_counts_twice_is_refused() -> None:
    store = pyoxigraph.Store()
    for graph in "gh":
        store.add(pyoxigraph.Quad(*triple(literal("1", "integer")), pyoxigraph.NamedNode(EX + graph)))
    with fake_store(engine(store)) as fake:
        asked = RemoteStore(Access(fake.url), Budget(30, 2**20), (EX + "g", EX + "h"))
        with pytest.raises(UnfitAnswerError, match="more than once"):
            query_store(asked, "SELECT (SUM(?o) AS ?n) WHERE { ?s ?p ?o }")
        store.remove(pyoxigraph.Quad(*triple(literal("1", "integer")), pyoxigraph.NamedNode(EX + "h")))
        assert query_store(asked, "SELECT (SUM(?o) AS ?n) WHERE { ?s ?p ?o }").rows


# --- a real store ----------------------------------------------------------------------------------------------------------

VIGNETTES = [min(group.glob("*/record.ttl")) for group in sorted((ROOT / "tests" / "cases").iterdir()) if any(group.glob("*/record.ttl"))]


@pytest.fixture(scope="module")
def oxigraph() -> Iterator[str]:
    with oxigraph_store() as url:
        yield url


@pytest.fixture(scope="module")
def published(oxigraph: str) -> tuple[str, ...]:
    """Publish vignettes by the command and return the names of the graphs."""
    address = ["--endpoint", f"{oxigraph}/query", "--update-endpoint", f"{oxigraph}/update"]
    assert len(VIGNETTES) >= 4
    assert main(["publish", *map(str, (PATIENT, *VIGNETTES)), *address]) == 0
    return tuple(STEM + part for part in PARTS[:4])


@pytest.mark.parametrize("name", DERIVED)
def test_derive_queries_say_of_a_remote_store_what_the_command_says(
    name: str, oxigraph: str, published: tuple[str, ...], knowledge: Program, local: pyoxigraph.Store
) -> None:
    remote = query_store(RemoteStore(Access(f"{oxigraph}/query"), Budget(60, 2**26), published), find_query(ROOT, name).text)
    here = run_query(name, local, folder=ROOT)
    assert remote.variables == here.variables
    assert Counter(remote.rows) == Counter(here.rows)
    assert here.rows


@pytest.fixture(scope="module")
def local(knowledge: Program) -> pyoxigraph.Store:
    return answered_store([PATIENT, *VIGNETTES], knowledge, ROOT)[0]


def test_a_bound_query_is_asked_by_the_command(
    oxigraph: str, published: tuple[str, ...], knowledge: Program, local: pyoxigraph.Store, capsys: pytest.CaptureFixture[str]
) -> None:
    graphs = [word for graph in published for word in ("--graph", graph)]
    bound = ["CQ10", "--bind", "indicator=lc:estimatedGfr", "--format", "csv"]
    assert main(["query", *bound, "--endpoint", f"{oxigraph}/query", *graphs]) == 0
    text = bound_query("CQ10", {"indicator": "lc:estimatedGfr"}, folder=ROOT)
    assert sorted(capsys.readouterr().out.splitlines()) == sorted(run_query(text, local).write("csv").splitlines())


def by_value(document: Any) -> Any:
    """Return a report with its numbers in one form, and without lines: the store keeps neither zeros at the end nor places."""
    if isinstance(document, dict):
        return {key: by_value(value) for key, value in document.items() if key != "where"}
    if isinstance(document, list):
        return [by_value(each) for each in document]
    return re.sub(r"[0-9]+\.[0-9]+", lambda number: number[0].rstrip("0").rstrip("."), document) if isinstance(document, str) else document


def test_cases_of_a_remote_store_are_answered_as_those_of_the_files(
    oxigraph: str, published: tuple[str, ...], knowledge: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    address = ["--from-endpoint", f"{oxigraph}/query", "--json"]
    files = assess(load_records([PATIENT, *VIGNETTES], knowledge), knowledge).to_document()
    for graphs in (published, published[2:3]):
        assert main(["assess", *address, *(word for graph in graphs for word in ("--graph", graph))]) == 0
        assert by_value(json.loads(capsys.readouterr().out)) == by_value(files)
    anna = "https://example.org/legcramps/anna"
    assert main(["assess", *address, "--graph", published[2], "--case", anna]) == 0
    assert by_value(json.loads(capsys.readouterr().out)["cases"]) == by_value([case for case in files["cases"] if case["case"] == anna])
    assert main(["assess", *address, "--graph", published[2], "--case", anna + "x"]) == 2
    assert main(["assess", *address, "--graph", EX + "none"]) == 2
    assert main(["assess", str(PATIENT), *address]) == 2


def test_a_second_upload_is_refused_and_loses_nothing(oxigraph: str, published: tuple[str, ...]) -> None:
    address = ["--endpoint", f"{oxigraph}/query", "--update-endpoint", f"{oxigraph}/update"]
    assert main(["publish", *address]) == 2
    store = RemoteStore(Access(f"{oxigraph}/query"), Budget(60, 2**26), published[:2])
    assert len(query_store(store, "SELECT ?s WHERE { ?s a <https://w3id.org/legcramps/ontology/Recommendation> }").rows) > 100


def test_records_without_names_are_read_like_those_of_a_file(knowledge: Program, tmp_path: Path) -> None:
    text = PATIENT.read_text(encoding="utf-8")
    file = tmp_path / "blank.ttl"
    file.write_text(re.sub(r"\bex:(?=[a-z])", "_:", text), encoding="utf-8")
    store = pyoxigraph.Store()
    store.load(path=str(file), format=pyoxigraph.RdfFormat.TURTLE)
    assert any(isinstance(quad.subject, pyoxigraph.BlankNode) for quad in store)
    with fake_store(engine(store)) as fake:
        records = remote_records(RemoteStore(Access(fake.url), Budget(30, 2**24)), knowledge, ROOT)
    assert assess(records, knowledge).to_document() == assess(load_records([file], knowledge), knowledge).to_document()


def test_a_shared_nameless_record_is_told_from_two(knowledge: Program) -> None:
    lc = "https://w3id.org/legcramps/ontology/"
    store = pyoxigraph.Store()
    many = " ".join(f"<{EX}c{index}> a <{lc}Case> ; <{lc}hasRecord> _:r{index % 60} ." for index in range(61))
    records = " ".join(f"_:r{index} a <{lc}FindingRecord> ; <{lc}ofFinding> <{lc}LegCramp> ." for index in range(60))
    store.load(f"{many} {records}", format=pyoxigraph.RdfFormat.TURTLE)
    with fake_store(engine(store)) as fake, pytest.raises(RemoteError, match="told apart"):
        remote_records(RemoteStore(Access(fake.url), Budget(30, 2**24)), knowledge, ROOT)
    with fake_store(engine(pyoxigraph.Store())) as fake, pytest.raises(InputError, match="holds no case"):
        remote_records(RemoteStore(Access(fake.url), Budget(30, 2**24)), knowledge, ROOT)


def test_records_that_break_a_shape_are_not_published(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "broken.ttl"
    file.write_text(PATIENT.read_text(encoding="utf-8").replace("^^xsd:date ", "^^xsd:string "), encoding="utf-8")
    with fake_store(send("")) as fake:
        for name in (str(file), str(tmp_path / "missing.ttl")):
            assert main(["publish", name, "--endpoint", fake.url]) == 2
    assert fake.asked == []
    assert issubclass(RemoteError, LegcrampsError)
    assert capsys.readouterr().out == ""


# --- what a store can do -----------------------------------------------------------------------------------------------------


def probed(*arguments: str, capsys: pytest.CaptureFixture[str]) -> dict[str, tuple[str, str]]:
    assert main(["probe", *arguments, "--json"]) == 0
    return {each["what"]: (each["can"], each["seen"]) for each in json.loads(capsys.readouterr().out)["findings"]}


def test_a_probe_says_what_a_real_store_can_do_and_leaves_nothing_behind(oxigraph: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = probed(f"{oxigraph}/query", "--update-endpoint", f"{oxigraph}/update", capsys=capsys)
    partly = {"keeps decimals", "keeps integers"}
    no = {"unions of graphs are sets"}
    assert {what for what, (can, _) in found.items() if can == "partly"} == partly
    assert {what for what, (can, _) in found.items() if can == "no"} == no
    assert {what for what, (can, _) in found.items() if can == "not tried"} == {"stops a runaway query", "12000 rows in pages"}
    assert found["version"][1].startswith("Oxigraph/")
    assert len(found) >= 24
    store = RemoteStore(Access(f"{oxigraph}/query"), Budget(60, 2**26))
    assert not store.ask(f"ASK {{ GRAPH ?g {{ ?s ?p ?o }} FILTER (STRSTARTS(STR(?g), '{STEM}probe')) }}")
    unwritten = probed(f"{oxigraph}/query", capsys=capsys)
    assert list(unwritten) == list(found)
    assert {can for can, _ in list(unwritten.values())[-12:]} == {"not tried"}


def test_a_probe_names_what_a_store_cannot(capsys: pytest.CaptureFixture[str]) -> None:
    def behave(asked: Asked, connection: socket.socket) -> None:
        refused = any(word in asked.query for word in ("SUM", "EXISTS"))
        (send("no", "text/plain", "501 Not Implemented") if refused else cut if "?d" in asked.query else engine(store))(asked, connection)

    store = pyoxigraph.Store()
    cut = send(json.dumps({"head": {"vars": list("abcd")}, "results": {"bindings": [{}] * 9}}))
    with fake_store(behave) as fake:
        found = probed(fake.url, "--update-endpoint", fake.url, capsys=capsys)
        assert main(["probe", fake.url]) == 0
        assert "no        aggregates" in capsys.readouterr().out
    assert found["aggregates"] == ("no", "status 501 Not Implemented: no")
    assert found["12000 rows at once"] == ("partly", "cut at 9 rows")
    assert found["12000 rows in pages"][0] == "no"
    assert found["keeps days"] == ("yes", "")
    assert len(store) == 0
    with fake_store(send("<html>", "text/html")) as fake:
        assert main(["probe", fake.url]) == 3


def test_our_own_server_is_a_remote_store_like_others(tmp_path: Path, knowledge: Program, capsys: pytest.CaptureFixture[str]) -> None:
    token = tmp_path / "token.toml"
    (tmp_path / "token").write_text("t" * 40, encoding="utf-8")
    token.write_text(f'token = "{"t" * 40}"', encoding="utf-8")
    for file in (token, tmp_path / "token"):
        file.chmod(0o600)
    with running(str(PATIENT), "--max-rows", "70", "--update-token-file", str(tmp_path / "token")) as server:
        address = f"http://127.0.0.1:{server.port}/sparql"
        for name in ("next-tests", "CQ12"):
            found = query_store(RemoteStore(Access(address), Budget(60, 2**26)), find_query(ROOT, name).text)
            assert Counter(found.rows) == Counter(run_query(name, answered_store([PATIENT], knowledge, ROOT)[0], folder=ROOT).rows)
        assert len(found.rows) > 70
        assert main(["assess", "--from-endpoint", address, "--json"]) == 0
        assert by_value(json.loads(capsys.readouterr().out)) == by_value(
            assess(load_records([PATIENT], knowledge), knowledge).to_document()
        )
        assert main(["publish", str(PATIENT), "--part", "asserted", "--stem", "urn:x:", "--endpoint", address]) == 3
        assert (
            main(["publish", str(PATIENT), "--part", "asserted", "--stem", "urn:x:", "--endpoint", address, "--credentials", str(token)])
            == 0
        )
    assert "t" * 40 not in "".join(capsys.readouterr())


@pytest.mark.parametrize("name", ["CQ01", "CQ05", "CQ06", "CQ11", "CQ19", "evidence-overview", "open-point-counts"])
def test_a_query_read_in_pages_gives_the_rows_of_the_whole(name: str, local: pyoxigraph.Store) -> None:
    text = find_query(ROOT, name).text
    cut = 1 + len(run_query(text, local).rows) // 4
    with fake_store(engine(local, cut=cut)) as fake:
        found = query_store(RemoteStore(Access(fake.url), Budget(60, 2**26)), text)
    assert len(fake.asked) >= 4
    assert Counter(found.rows) == Counter(run_query(text, local).rows)
