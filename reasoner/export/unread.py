"""Count the records of RDF documents that no case holds, so that a conversion of cases says what became of each record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from reasoner.answering import Records
from reasoner.documents import FHIR_FORMATS, TABLE_FORMATS, Document, read_index
from reasoner.errors import InputError
from reasoner.export.records import records_of
from reasoner.reading import stated_records

__all__ = ["unread_records"]


def unread_records(documents: Iterable[Document], records: Records, folder: Path) -> Counter[str]:
    """Return how many records of `documents` are in no case of `records`, by what kept them out: the code of a problem."""
    given = {pair for document in documents for pair in _stated(document, folder)}
    held = {(case.iri, record.node) for case in records.cases for record in records_of(case)}
    answered, why = {case.iri for case in records.cases}, _reasons(records)
    return Counter(_reason(case, node, why, answered) for case, node in given - held)


def _stated(document: Document, folder: Path) -> Iterator[tuple[str, str]]:
    """Yield each record of an RDF document with its case, none for a record that no case has."""
    if document.format in FHIR_FORMATS or document.format in TABLE_FORMATS:
        return
    try:
        yield from stated_records(read_index(document, folder))
    except InputError:
        return  # it is among the failures of the records


def _reasons(records: Records) -> dict[str, str]:
    """Return the code of the problem that keeps a node out: what the reader says last of it, else the first shape it breaks."""
    why: dict[str, str] = {}
    for problem in (*records.problems, *(each for case in records.cases for each in case.problems)):
        for node in problem.sources:
            if node not in why or not problem.code.startswith("shape-"):
                why[node] = problem.code
    return why


def _reason(case: str, node: str, why: dict[str, str], answered: set[str]) -> str:
    if not case:
        return "no case has it"
    if case not in answered:
        return f"its case is left out, {why[case]}" if case in why else "its case is left out"
    return why.get(node, "it is no record")
