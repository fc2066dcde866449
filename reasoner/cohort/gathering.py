"""Gather the triples of documents that are read whole, each with blank nodes of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from pyoxigraph import BlankNode, NamedNode

from reasoner.cohort.triples import Triples, read_triples
from reasoner.documents import parse_rdf, read_document
from reasoner.errors import InputError
from reasoner.namespaces import RDF
from reasoner.record import Problem
from reasoner.terms import lc

__all__ = ["LARGEST", "gathered_triples", "unread_problem"]

LARGEST = 1 << 30
"""Bytes that a file which is read whole may have."""

_TYPE, _CASE = NamedNode(RDF + "type"), NamedNode(lc("Case"))


def gathered_triples(paths: Iterable[str]) -> tuple[Triples, str, list[Problem]]:
    """Return the triples of documents, the name for them, and problems: files that cannot be read, cases described in two files."""
    lines: list[str] = []
    problems: list[Problem] = []
    described: Counter[str] = Counter()
    names = []
    for number, path in enumerate(paths):
        names.append(path)
        own: list[str] = []
        cases: set[str] = set()
        try:
            for quad in parse_rdf(read_document(path, None, LARGEST)):
                subject, value = _apart(quad.subject, number), _apart(quad.object, number)
                own.append(f"{subject} {quad.predicate} {value} .\n")
                if quad.object == _CASE and quad.predicate == _TYPE and isinstance(quad.subject, NamedNode):
                    cases.add(quad.subject.value)
        except InputError as error:
            problems.append(unread_problem(error))
            continue
        lines += own
        described.update(cases)
    twice = sorted(iri for iri, count in described.items() if count > 1)
    repair = "describe each case in one document"
    problems += [Problem("case-described-twice", f"the case {iri} is described in two files", lc("Case"), (iri,), repair) for iri in twice]
    return read_triples("".join(lines).encode()), names[0] if len(names) == 1 else "documents", problems


def _apart(term: object, number: int) -> str:
    return f"_:d{number}x{term.value}" if isinstance(term, BlankNode) else str(term)


def unread_problem(error: InputError) -> Problem:
    """Return a file that cannot be read as a problem."""
    return Problem("unreadable-file", f"{error.what} ({error.where}): {error.why}", "", (), error.repair or "check the file")
