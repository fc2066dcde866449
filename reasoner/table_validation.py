"""Say of a table what its mapping does not read: each cell, row and record that is left out, with its place."""

from __future__ import annotations

from pathlib import Path

from reasoner.answering import read_all
from reasoner.documents import Document
from reasoner.program.model import Program
from reasoner.record import Problem
from reasoner.validation import ValidationReport, Violation

__all__ = ["validate_table"]

_INFORMS = ("unmapped-columns",)


def validate_table(document: Document, mapping: Path | str | None, program: Program) -> ValidationReport:
    """Return what was not read of a table; raise InputError as `read_table` does, or when there is no mapping."""
    records = read_all([document], program, mapping=mapping)
    problems = [*records.problems, *(problem for case in records.cases for problem in case.problems)]
    return ValidationReport(tuple(sorted(map(_violation, problems))), f"the mapping {mapping}")


def _violation(problem: Problem) -> Violation:
    where, _, why = problem.text.partition(": ")
    severity = "Info" if problem.code in _INFORMS else "Violation"
    focus = next(iter(problem.sources), "")
    return Violation(where, focus, problem.term, severity, problem.code, "", f"{why}. {problem.repair}", "")
