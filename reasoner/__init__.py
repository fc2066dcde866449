"""Reason over bilateral leg cramps: load knowledge and records, assess them, and say why.

The functions import what they need when they are called, so that importing the package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from reasoner.answering import Records
    from reasoner.program.model import Program
    from reasoner.query import QueryResult
    from reasoner.report import Report
    from reasoner.validation import ValidationReport

__all__ = ["assess", "load_knowledge", "load_records", "run_query", "validate"]


def load_knowledge(folder: Path | str | None = None) -> Program:
    """Return the compiled knowledge of `folder`, of this checkout, or of the installed package.

    Raises KnowledgeError with file and line when ontology or shapes are unusable.
    """
    from reasoner.resources import load_knowledge as load

    return load(folder)


def load_records(paths: Iterable[Path | str], knowledge: Program, *, mapping: Path | str | None = None) -> Records:
    """Read the cases of files in an RDF syntax or in FHIR, or of tables in CSV or TSV, whose columns `mapping` explains.

    Raises InputError, with place and repair, for a file that cannot be read; a bad record becomes a problem of its case.
    """
    from reasoner.answering import load_records as load

    return load(paths, knowledge, mapping=mapping)


def validate(path: Path | str, knowledge: Program, *, folder: Path | str | None = None) -> ValidationReport:
    """Check a record document in an RDF syntax against the record shapes of `folder`, of this checkout, or of the package.

    What the reader does not understand is named beside the results of the shapes.

    Raises InputError for a file that cannot be read, UnsupportedInputError for FHIR and tables, which have no shapes.
    """
    from reasoner.documents import read_document
    from reasoner.record_validation import validate_records
    from reasoner.resources import knowledge_folder

    return validate_records(read_document(str(path)), knowledge_folder(folder), knowledge)


def assess(records: Records, knowledge: Program, *, as_of: datetime | None = None) -> Report:
    """Answer every case at `as_of`, else at its own instant, else now."""
    from reasoner.answering import assess as answer

    return answer(records, knowledge, as_of=as_of)


def run_query(
    query: str,
    knowledge: Program,
    paths: Iterable[Path | str] = (),
    *,
    bindings: Mapping[str, str | Sequence[str]] | None = None,
    as_of: datetime | None = None,
    mapping: Path | str | None = None,
    engine: str = "pyoxigraph",
    folder: Path | str | None = None,
) -> QueryResult:
    """Ask SPARQL, as text or by the id of a shipped query, over knowledge, the records of files and what follows from them.

    Of a case that is left out nothing follows here; `load_records` and `assess` on the same files say which and why.
    `bindings` gives parameters a value or several. Raises InputError for a file that cannot be read, SyntaxProblem,
    LimitError or UsageError for a query that is malformed, too large or reaches outside its graph.
    """
    from reasoner.query import answered_store
    from reasoner.query import run_query as run

    store, _, _ = answered_store(paths, knowledge, folder, mapping=mapping, as_of=as_of)
    return run(query, store, engine, bindings, folder=folder)
