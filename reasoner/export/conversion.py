"""Turn documents into another form: an RDF syntax, FHIR or tables; count what was given, written and left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from reasoner.answering import Records, assess
from reasoner.documents import FHIR_FORMATS, Document
from reasoner.errors import InputError, UsageError
from reasoner.export.fhir_assessment import assessment_bundle
from reasoner.export.fhir_bundle import records_bundle
from reasoner.export.fhir_guideline import guideline_bundle
from reasoner.export.graphs import ASSERTED, GRAPHS, asserted, named_graphs
from reasoner.export.syntaxes import GRAPH_SYNTAXES, RDF_SYNTAXES, written
from reasoner.export.tally import Tally
from reasoner.export.unread import unread_records
from reasoner.fhir import BASE, Source
from reasoner.fhir.orders import read_orders
from reasoner.program.model import Program
from reasoner.report import Report
from reasoner.table_files import csv_text, parquet_bytes
from reasoner.tables import TABLES, Row, Table, rows_of, table_named

__all__ = ["GUIDELINE", "TARGETS", "Conversion", "Request", "convert", "convert_guideline", "needs_answers"]

_TABLE_FORMS: dict[str, Callable[[Table, Iterable[Row]], bytes]] = {
    "csv": lambda table, rows: csv_text(table, rows).encode(),
    "parquet": parquet_bytes,
}
GUIDELINE = "fhir-guideline"
TARGETS = (*RDF_SYNTAXES, "fhir", "fhir-assessment", GUIDELINE, *_TABLE_FORMS)
"""What documents can be turned into; the guidelines need none."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is wanted: the target, for RDF the graphs (empty: those usual for it), for tables one table by name (empty: all)."""

    target: str
    graphs: tuple[str, ...] = ()
    table: str = ""
    as_of: datetime | None = None
    base: str = BASE

    @property
    def parts(self) -> tuple[str, ...]:
        """Return the graphs that an RDF document is to hold."""
        return self.graphs or (GRAPHS if self.target in GRAPH_SYNTAXES else (ASSERTED,))


@dataclass(frozen=True, slots=True)
class Conversion:
    """The files by name, or the one text under the empty name, with the counts."""

    files: dict[str, bytes]
    tallies: tuple[Tally, ...]


def needs_answers(request: Request) -> bool:
    """Return whether the cases must be assessed, so that the as-of instant counts."""
    return request.target not in RDF_SYNTAXES or set(request.parts) != {ASSERTED}


def convert(documents: Sequence[Document], records: Records, program: Program, folder: Path, request: Request) -> Conversion:
    """Return `records`, which were read from `documents`, in the form that is requested; `folder` holds the knowledge.

    Raises UsageError for a table that does not exist, MissingExtraError for Parquet without pyarrow.
    """
    if request.target == "fhir":
        return _fhir(assess(records, program, as_of=request.as_of), unread_records(documents, records, folder))
    if request.target == "fhir-assessment":
        return _assessment(assess(records, program, as_of=request.as_of), documents, request)
    if request.target in _TABLE_FORMS:
        return _tables(assess(records, program, as_of=request.as_of), request)
    return _rdf(documents, records, program, folder, request)


def convert_guideline(program: Program, folder: Path) -> Conversion:
    """Return the guidelines of the knowledge folder as FHIR."""
    text, tallies = guideline_bundle(program, folder)
    return Conversion({"": text}, tuple(tallies))


def _rdf(documents: Iterable[Document], records: Records, program: Program, folder: Path, request: Request) -> Conversion:
    triples, tallies = asserted(documents, records, program, folder)
    answers = assess(records, program, as_of=request.as_of).answers if needs_answers(request) else ()
    found = named_graphs(triples, answers, program, folder, request.parts)
    if not needs_answers(request):
        del found[""]  # provenance of an act that did not happen
    left: Counter[str] = Counter()
    text = written((quad for quads in found.values() for quad in quads), request.target, left)
    counted = [Tally.of(f"statements, {name or 'provenance'}", len(quads)) for name, quads in found.items()]
    lost = [Tally.of("statements of all graphs", sum(map(len, found.values())) - left.total(), left)] if left else []
    return Conversion({"": text}, (*tallies, *counted, *lost))


def _fhir(report: Report, unread: Counter[str]) -> Conversion:
    cases = [answer.state.case for answer in report.answers]
    text, tallies = records_bundle(cases, report.program, {answer.state.case.iri: answer.as_of for answer in report.answers}, unread)
    return Conversion({"": text}, tuple(tallies))


def _assessment(report: Report, documents: Iterable[Document], request: Request) -> Conversion:
    sources = [Source(each.name, each.text, FHIR_FORMATS[each.format]) for each in documents if each.format in FHIR_FORMATS]
    try:
        orders = read_orders(sources, report.program, request.base)
    except InputError:
        orders = ()  # the failures of the records name the document
    text, tallies = assessment_bundle(report.program, report.answers, orders)
    return Conversion({"": text}, tuple(tallies))


def _tables(report: Report, request: Request) -> Conversion:
    names = [table.name for table in TABLES]
    if request.table and request.table not in names:
        raise UsageError(f"There is no table {request.table}", repair=f"use one of {', '.join(names)}")
    document, form = report.to_document(), _TABLE_FORMS[request.target]
    files, tallies = {}, []
    for table in (table_named(request.table),) if request.table else TABLES:
        rows = list(rows_of(table, document))
        files["" if request.table else f"{table.name}.{request.target}"] = form(table, rows)
        tallies.append(Tally.of(f"rows of {table.name}", len(rows)))
    return Conversion(files, tuple(tallies))
