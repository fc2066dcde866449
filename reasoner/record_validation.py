"""Say of records in RDF what the shapes find, and what shapes cannot see: unknown terms, records of no case or of several, documents without one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from reasoner.answering import no_case, shared_records
from reasoner.documents import Document, read_index
from reasoner.program.model import Program
from reasoner.reading import foreign_terms, read_cases, unread_nodes
from reasoner.record import Index, Problem
from reasoner.terms import lc
from reasoner.validation import ValidationReport, Violation, line_of, subject_lines, validate_document

__all__ = ["validate_records"]

_UNKNOWN_TERM, _UNLINKED = "unknown-term", "no-case"


def validate_records(document: Document, folder: Path, program: Program) -> ValidationReport:
    """Return what `validate_document` finds, and by the codes that `assess` uses what the reader does not understand.

    Raises what `validate_document` raises.
    """
    report = validate_document(document, folder, program)
    index, lines = read_index(document, folder), subject_lines(document)
    found = {_result(each, line_of(document, each.sources[0], lines)) for each in _not_understood(index, program)}
    if not read_cases(index, program):
        error = no_case(document.name)
        found.add(_result(Problem(error.code, f"{error.what}: {error.why}", lc("Case"), ("",), error.repair), document.name))
    return ValidationReport(tuple(sorted({*report.results, *found})), report.engine)


def _not_understood(index: Index, program: Program) -> Iterator[Problem]:
    yield from foreign_terms(index, program)
    cases = read_cases(index, program)
    for case in cases:
        yield from (problem for problem in case.problems if problem.code == _UNKNOWN_TERM)
    yield from unread_nodes(index, program, cases)
    yield from shared_records(index).values()


def _result(problem: Problem, where: str) -> Violation:
    severity = "Warning" if problem.code == _UNLINKED else "Violation"
    return Violation(where, problem.sources[0], problem.term, severity, problem.code, "", f"{problem.text}. {problem.repair}", "")
