"""Gather the triples of documents that are read whole, each with blank nodes of its own."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from pyoxigraph import BlankNode, NamedNode, Quad

from reasoner.cohort.triples import Triples, read_triples
from reasoner.documents import parse_rdf, read_document
from reasoner.errors import InputError
from reasoner.namespaces import RDF
from reasoner.record import Problem
from reasoner.terms import lc

__all__ = ["LARGEST", "Gathered", "gathered_triples", "unread_problem"]

LARGEST = 1 << 30
"""Bytes that a file which is read whole may have."""

_TYPE, _CASE, _HAS_RECORD = NamedNode(RDF + "type"), NamedNode(lc("Case")), NamedNode(lc("hasRecord"))


@dataclass(frozen=True, slots=True)
class Gathered:
    """The triples of documents, the name for them, the files that cannot be read, and the cases that more than one describes."""

    triples: Triples
    name: str
    problems: tuple[Problem, ...]
    twice: tuple[str, ...]


def gathered_triples(paths: Iterable[str], elsewhere: Collection[tuple[str, str]] = ()) -> Gathered:
    """Return the triples of documents; the descriptions `elsewhere`, each named by file and case, are passed over."""
    lines: list[str] = []
    problems: list[Problem] = []
    described: set[str] = set()
    twice: set[str] = set()
    names = []
    for number, path in enumerate(paths):
        names.append(path)
        try:
            quads = _without(parse_rdf(read_document(path, None, LARGEST)), {iri for place, iri in elsewhere if place == path})
        except InputError as error:
            problems.append(unread_problem(error))
            continue
        lines += [f"{_apart(quad.subject, number)} {quad.predicate} {_apart(quad.object, number)} .\n" for quad in quads]
        cases = {
            node.value for quad in quads if quad.object == _CASE and quad.predicate == _TYPE and isinstance(node := quad.subject, NamedNode)
        }
        twice |= described & cases
        described |= cases
    name = names[0] if len(names) == 1 else "documents"
    return Gathered(read_triples("".join(lines).encode()), name, tuple(problems), tuple(sorted(twice)))


def _without(quads: Iterable[Quad], cases: Collection[str]) -> list[Quad]:
    """Return the quads that are neither about some cases nor about records of theirs alone."""
    kept = list(quads)
    if not cases:
        return kept
    gone = {str(NamedNode(iri)) for iri in cases}
    links = [(str(quad.subject) in gone, str(quad.object)) for quad in kept if quad.predicate == _HAS_RECORD]
    gone |= {record for own, record in links if own} - {record for own, record in links if not own}
    return [quad for quad in kept if str(quad.subject) not in gone]


def _apart(term: object, number: int) -> str:
    return f"_:d{number}x{term.value}" if isinstance(term, BlankNode) else str(term)


def unread_problem(error: InputError) -> Problem:
    """Return a file that cannot be read as a problem."""
    return Problem("unreadable-file", f"{error.what} ({error.where}): {error.why}", "", (), error.repair or "check the file")
