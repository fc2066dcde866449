"""Gather the triples of documents that are read whole, each with blank nodes of its own."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from pyoxigraph import BlankNode, NamedNode, Quad

from reasoner.cohort.triples import Triples, read_triples
from reasoner.documents import Document, parse_rdf, read_document
from reasoner.errors import InputError
from reasoner.namespaces import RDF
from reasoner.places import Place, places_in
from reasoner.record import Problem
from reasoner.terms import lc

__all__ = ["LARGEST", "Gathered", "caseless_problem", "gathered_triples", "unread_problem"]

LARGEST = 1 << 30
"""Bytes that a file which is read whole may have."""

_TYPE, _CASE, _HAS_RECORD = NamedNode(RDF + "type"), NamedNode(lc("Case")), NamedNode(lc("hasRecord"))


@dataclass(frozen=True, slots=True)
class Gathered:
    """The triples of documents, the places of their nodes, what is to be said of the files, and the cases that more than one describes.

    `unread` counts the files that cannot be read.
    """

    triples: Triples
    place: Place
    problems: tuple[Problem, ...]
    unread: int
    twice: tuple[str, ...]


def gathered_triples(paths: Iterable[str], elsewhere: Collection[tuple[str, str]] = ()) -> Gathered:
    """Return the triples of documents; the descriptions `elsewhere`, each named by file and case, are passed over."""
    lines: list[str] = []
    failures: list[InputError] = []
    documents: list[Document] = []
    described: set[str] = set()
    twice: set[str] = set()
    linked: set[str] = set()
    caseless: dict[str, set[str]] = {}
    for number, path in enumerate(paths):
        try:
            document = read_document(path, None, LARGEST)
            quads = _without(parse_rdf(document), {iri for place, iri in elsewhere if place == path})
        except InputError as error:
            failures.append(error)
            continue
        documents.append(document)
        lines += [f"{_apart(quad.subject, number)} {quad.predicate} {_apart(quad.object, number)} .\n" for quad in quads]
        cases = {
            node.value for quad in quads if quad.object == _CASE and quad.predicate == _TYPE and isinstance(node := quad.subject, NamedNode)
        }
        twice |= described & cases
        described |= cases
        linked.update(str(quad.object) for quad in quads if quad.predicate == _HAS_RECORD)
        if not cases:
            caseless[path] = {str(quad.subject) for quad in quads}
    told = (caseless_problem(path) for path, nodes in caseless.items() if nodes.isdisjoint(linked))
    problems = (*map(unread_problem, failures), *told)
    return Gathered(read_triples("".join(lines).encode()), _place_in(documents), problems, len(failures), tuple(sorted(twice)))


def _place_in(documents: Sequence[Document]) -> Place:
    """Return what gives the place of a node; for one without lines, and for blank nodes, which were renamed, it is where all were read."""
    where = documents[0].name if len(documents) == 1 else "documents"
    known = places_in(documents)
    return lambda node: known(node) or where


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


def caseless_problem(path: str) -> Problem:
    """Return a file that holds no case, nor records of one, as a problem."""
    return Problem(
        "file-without-case", f"{path}: no named node is typed lc:Case", "", (), "leave the file out, or type the patients' descriptions"
    )
