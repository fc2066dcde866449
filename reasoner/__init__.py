"""Reason over bilateral leg cramps: load knowledge and records, assess them, and say why.

The functions import what they need when they are called, so that importing the package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from pathlib import Path

    from reasoner.answering import Records
    from reasoner.program.model import Program
    from reasoner.report import Report

__all__ = ["assess", "load_knowledge", "load_records"]


def load_knowledge(folder: Path | str | None = None) -> Program:
    """Return the compiled knowledge of `folder`, of this checkout, or of the installed package.

    Raises KnowledgeError with file and line when ontology or shapes are unusable.
    """
    from reasoner.resources import load_knowledge as load

    return load(folder)


def load_records(paths: Iterable[Path | str], knowledge: Program) -> Records:
    """Read the cases of files in Turtle, TriG, N-Triples, N-Quads, JSON-LD, RDF/XML or FHIR JSON.

    Raises InputError, with place and repair, for a file that cannot be read; a bad record becomes a problem of its case.
    """
    from reasoner.answering import load_records as load

    return load(paths, knowledge)


def assess(records: Records, knowledge: Program, *, as_of: datetime | None = None) -> Report:
    """Answer every case at `as_of`, else at its own instant, else now."""
    from reasoner.answering import assess as answer

    return answer(records, knowledge, as_of=as_of)
