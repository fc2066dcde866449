"""Make cohorts, answer them, and say what single answers would have put into the tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet
from pyoxigraph import BlankNode, Literal, NamedNode, Quad, RdfFormat, parse

from reasoner import assess
from reasoner.answering import Records, read_records
from reasoner.cohort import answer_cohort
from reasoner.cohort.long_table import ABOUT, CASE, COLUMNS, RECORD, arrow_schema
from reasoner.cohort.output import NAMES, columns_of
from reasoner.documents import Document
from reasoner.namespaces import LC, RDF
from reasoner.program import Program
from reasoner.tables import rows_of, table_named

__all__ = ["VIGNETTES", "Tables", "answered", "answers", "expected", "lines_of", "long_rows", "tables", "write_rows"]

VIGNETTES = sorted((Path(__file__).parent / "cases").glob("*/*/record.ttl"))
PLACE = re.compile(r"^\S+?(:[0-9]+)?: (?=.* breaks )", re.DOTALL)

Tables = dict[str, dict[str, list[dict[str, Any]]]]
"""The rows of each table by case."""


def lines_of(paths: Iterable[Path] = VIGNETTES) -> list[str]:
    """Return the triples of documents as N-Triples lines, blank nodes kept apart."""
    found = []
    for number, path in enumerate(paths):
        for quad in parse(path=str(path), format=RdfFormat.TURTLE, base_iri="http://localhost/"):
            subject, value = (
                f"_:d{number}{term.value}" if isinstance(term, BlankNode) else str(term) for term in (quad.subject, quad.object)
            )
            found.append(f"{subject} {quad.predicate} {value} .\n")
    return found


def long_rows(quads: Iterable[Quad]) -> list[dict[str, str | None]]:
    """Return the rows of the long table that state these triples; two values of one property are refused."""
    index: dict[Any, dict[str, Any]] = {}
    links: list[tuple[Any, Any]] = []
    for quad in quads:
        if quad.predicate.value == LC + "hasRecord":
            links.append((quad.subject, quad.object))
            index.setdefault(quad.subject, {})
        else:
            properties = index.setdefault(quad.subject, {})
            assert quad.predicate.value not in properties
            properties[quad.predicate.value] = quad.object
    held: dict[Any, list[Any]] = {}
    for case, record in links:
        held.setdefault(case, []).append(record)
    cases = [node for node, properties in index.items() if properties.get(RDF + "type") == NamedNode(LC + "Case")]
    return [_row(index, case, record) for case in cases for record in held.get(case) or [None]]


def _row(index: Mapping[Any, Mapping[str, Any]], case: Any, record: Any) -> dict[str, str | None]:
    row: dict[str, str | None] = dict.fromkeys((column.name for column in COLUMNS), None)
    row["case"] = case.value
    for column in CASE[1:]:
        row[column.name] = _text(index[case].get(column.property))
    if record is not None:
        row["record"] = record.value
        properties = index[record]
        about = {ABOUT[kind.value] for kind in [properties[RDF + "type"]]}
        for column in RECORD[1:]:
            names = about if column.form == "term" else {column.property}
            row[column.name] = next((_text(properties[name]) for name in names if name in properties), None)
    return row


def _text(term: Any) -> str | None:
    return term.value if isinstance(term, NamedNode | Literal) else None


def write_rows(path: Path, rows: Iterable[Mapping[str, str | None]], group: int = 1 << 20) -> Path:
    """Write rows of the long table as Parquet."""
    parquet.write_table(pa.Table.from_pylist(list(rows), schema=arrow_schema()), path, row_group_size=group)
    return path


def tables(folder: Path, cases: Iterable[str] | None = None) -> Tables:
    """Return what a cohort wrote, of some cases or of all, the places of lines in files left out.

    Problems of cases that are not answered stand with those of no case, as in a report.
    """
    chosen = None if cases is None else [("case", "in", list(cases))]
    found: Tables = {}
    for name in NAMES:
        by_case = found.setdefault(name, {})
        for row in parquet.read_table(folder / name, filters=chosen).to_pylist():
            case = row["case"] if name != "problems" or row["case"] in found["cases"] else ""
            by_case.setdefault(case, []).append(_placeless({**row, "case": case}))
    for rows in found["problems"].values():
        rows.sort(key=repr)
    return found


def expected(records: Records, knowledge: Program, as_of: datetime | None = None) -> Tables:
    """Return what the tables must hold, by the single answers."""
    report = assess(records, knowledge, as_of=as_of).to_document()
    found: Tables = {}
    for name in NAMES:
        by_case = found.setdefault(name, {})
        kept = [column.name for column in columns_of(name)]
        for row in rows_of(table_named(name), report):
            by_case.setdefault(str(row["case"]), []).append(_placeless({column: row[column] for column in kept}))
    for rows in found["problems"].values():
        rows.sort(key=repr)
    return found


def _placeless(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "text": PLACE.sub("", row["text"])} if "text" in row else row


def answers(text: str | bytes, knowledge: Program, name: str = "all") -> Tables:
    """Return what the tables must hold for one N-Triples document."""
    data = text.encode() if isinstance(text, str) else text
    return expected(read_records(Document(name, data, "n-triples"), knowledge), knowledge)


def answered(folder: Path, inputs: Iterable[Path], knowledge: Program, **options: Any) -> Tables:
    """Answer a cohort into a folder and return its tables."""
    answer_cohort(inputs, folder, knowledge, **options)
    return tables(folder)
