"""The long table: it has a column for all that a record can state, and a row states exactly its triples."""

from __future__ import annotations

from pathlib import Path

import pyoxigraph
import pytest

from reasoner.cohort.long_table import ABOUT, CASE, COLUMNS, RECORD, arrow_schema, statements
from reasoner.namespaces import LC, RDF

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted(
    [*ROOT.glob("docs/examples/*.ttl"), *ROOT.glob("tests/cases/source-text/*/record.ttl"), *ROOT.glob("tests/cases/*/*/record.ttl")]
)[::12]


def _graph(path: Path) -> set[pyoxigraph.Triple]:
    return {quad.triple for quad in pyoxigraph.parse(path=str(path), format=pyoxigraph.RdfFormat.TURTLE)}


def _rows(graph: set[pyoxigraph.Triple]) -> list[dict[str, str | None]]:
    """Write a graph in which every value stands once and records are IRIs as rows; terms in full."""
    names = {column.property: column.name for column in COLUMNS if column.property} | dict.fromkeys(ABOUT.values(), "term")
    about: dict[str, dict[str, str | None]] = {}
    links = []
    for triple in graph:
        if triple.predicate.value == LC + "hasRecord":
            links.append((triple.subject.value, triple.object.value))
        else:
            about.setdefault(triple.subject.value, {})[names[triple.predicate.value]] = triple.object.value
    rows = []
    for case in {node for node, row in about.items() if row.get("kind") == LC + "Case"}:
        stated = {name: text for name, text in about[case].items() if name != "kind"} | {"case": case}
        rows += [stated | about[record] | {"record": record} for owner, record in links if owner == case] or [stated]
    return rows


def test_every_record_term_has_a_column() -> None:
    graph = _graph(ROOT / "ontology" / "record.ttl")
    owl = "http://www.w3.org/2002/07/owl#"
    kinds = {owl + "DatatypeProperty", owl + "ObjectProperty", owl + "AnnotationProperty"}
    stated = {triple.subject.value for triple in graph if triple.predicate.value == RDF + "type" and triple.object.value in kinds}
    ours = {column.property for column in COLUMNS} | set(ABOUT.values()) | {LC + "hasRecord"}
    assert stated == ours - {"", RDF + "type"}
    assert len(stated) >= 31


def test_every_word_list_is_named_by_its_stem() -> None:
    terms = {triple.subject.value for triple in _graph(ROOT / "ontology" / "record.ttl")}
    for column in RECORD:
        if column.form == "word":
            assert any(term.startswith(column.stem) for term in terms), column.name


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.parent.name)
def test_rows_state_the_graph(path: Path) -> None:
    graph = _graph(path)
    assert all(isinstance(triple.subject, pyoxigraph.NamedNode) for triple in graph)
    lines = "".join(line for row in _rows(graph) for line in statements(row))
    integers = {LC + "value", LC + "referenceLow", LC + "referenceHigh"}  # 5 and 5.0 are the same measurement; the table says decimal

    def plain(triple: pyoxigraph.Triple) -> tuple[str, str, str]:
        text = triple.object.value if triple.predicate.value in integers else str(triple.object)
        return (triple.subject.value, triple.predicate.value, text)

    found = {quad.triple for quad in pyoxigraph.parse(lines, format=pyoxigraph.RdfFormat.N_TRIPLES)}
    assert {plain(triple) for triple in found} == {plain(triple) for triple in graph}


def test_enough_documents_are_compared() -> None:
    assert len(DOCUMENTS) >= 10


def test_short_and_long_names_mean_the_same() -> None:
    short = {"case": "urn:c", "record": "urn:r", "kind": "FindingRecord", "term": "LegCramp", "presence": "present"}
    full = short | {"kind": LC + "FindingRecord", "term": LC + "LegCramp", "presence": LC + "_Presence_present"}
    assert list(statements(short)) == list(statements(full))


def test_partial_and_malformed_dates_keep_their_text() -> None:
    row = {"case": "urn:c", "birth_date": "1950", "record": "urn:r", "kind": "FindingRecord", "onset": "2026-13-45", "ended": "2026-09"}
    text = "".join(statements(row))
    assert '"1950"^^<http://www.w3.org/2001/XMLSchema#gYear>' in text
    assert '"2026-13-45"^^<http://www.w3.org/2001/XMLSchema#date>' in text
    assert '"2026-09"^^<http://www.w3.org/2001/XMLSchema#gYearMonth>' in text


def test_text_is_escaped() -> None:
    text = 'say "no"\\\n'
    row = {"case": "urn:c", "record": "urn:r", "kind": "MedicationRecord", "source_text": text}
    (found,) = (
        quad.object.value
        for quad in pyoxigraph.parse("".join(statements(row)), format=pyoxigraph.RdfFormat.N_TRIPLES)
        if "sourceText" in str(quad.predicate)
    )
    assert found == text


def test_schema_follows_the_columns() -> None:
    assert arrow_schema().names == [column.name for column in COLUMNS]
    assert [column.name for column in CASE] == ["case", "subject", "as_of", "birth_date", "stated_age"]
