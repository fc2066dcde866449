"""Read the ontology's Turtle files into one indexed graph that knows which file and line a term comes from."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyoxigraph

from reasoner.errors import KnowledgeError
from reasoner.namespaces import RDF, SKOS, curie, declaration

__all__ = ["Graph", "Node", "closure", "read_graph", "triples_of"]

Node = str | pyoxigraph.Literal
"""An IRI, a blank node written `_:id`, or a literal."""

_SUBJECT = re.compile(r"^([A-Za-z]+:[^\s;,.]+)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Graph:
    """A set of triples indexed by subject and by object, with the file of each subject.

    `out[subject][predicate]` and `into[object][predicate]` list nodes in file order; literals are not indexed by `into`.
    """

    out: dict[str, dict[str, list[Node]]]
    into: dict[str, dict[str, list[str]]]
    files: dict[str, Path]
    size: int

    def nodes(self, subject: str, predicate: str) -> list[Node]:
        """Return every object of the pair, in file order."""
        return self.out.get(subject, {}).get(predicate, [])

    def iris(self, subject: str, predicate: str) -> list[str]:
        """Return the objects of the pair that are IRIs or blank nodes, in file order."""
        return [node for node in self.nodes(subject, predicate) if isinstance(node, str)]

    def iri(self, subject: str, predicate: str) -> str | None:
        """Return the first IRI object of the pair, or None."""
        return next(iter(self.iris(subject, predicate)), None)

    def texts(self, subject: str, predicate: str) -> list[str]:
        """Return the lexical forms of the literal objects of the pair; an English one comes first."""
        found = [node for node in self.nodes(subject, predicate) if isinstance(node, pyoxigraph.Literal)]
        found.sort(key=lambda literal: literal.language not in (None, "en"))
        return [literal.value for literal in found]

    def text(self, subject: str, predicate: str, default: str = "") -> str:
        """Return the first lexical form of the pair, or `default`."""
        return next(iter(self.texts(subject, predicate)), default)

    def integer(self, subject: str, predicate: str) -> int | None:
        """Return the first lexical form of the pair as a whole number, or None; raise ValueError when it is none."""
        text = self.text(subject, predicate)
        return int(text) if text else None

    def flag(self, subject: str, predicate: str) -> bool:
        """Return whether the pair has the value true."""
        return "true" in self.texts(subject, predicate)

    def subjects(self, predicate: str, target: str) -> list[str]:
        """Return the subjects that point at `target` by `predicate`, in file order."""
        return self.into.get(target, {}).get(predicate, [])

    def instances(self, *classes: str) -> list[str]:
        """Return the named subjects typed with one of `classes`, sorted."""
        found = {subject for each in classes for subject in self.subjects(RDF + "type", each)}
        return sorted(subject for subject in found if not subject.startswith("_:"))

    def above(self, term: str, predicate: str) -> set[str]:
        """Return a term with everything that it leads to by a predicate, directly or not."""
        return _reached(term, lambda each: self.iris(each, predicate))

    def below(self, term: str, predicate: str) -> set[str]:
        """Return a term with everything that leads to it by a predicate, directly or not."""
        return _reached(term, lambda each: self.subjects(predicate, each))

    def items(self, head: str) -> list[Node]:
        """Return the members of the RDF list that starts at `head`; raise KnowledgeError on a broken list."""
        members: list[Node] = []
        seen: set[str] = set()
        while head != RDF + "nil":
            first, rest = self.nodes(head, RDF + "first"), self.iri(head, RDF + "rest")
            if len(first) != 1 or rest is None or head in seen:
                raise KnowledgeError("A list of class expressions is broken", where=self.place(head), repair="write it as ( … )")
            seen.add(head)
            members.append(first[0])
            head = rest
        return members

    def label(self, term: str) -> str:
        """Return the preferred label of `term`, or its abbreviation."""
        return self.text(term, SKOS + "prefLabel") or curie(term)

    def place(self, term: str) -> str:
        """Return `file:line` of the block that describes `term`, or its abbreviation when unknown."""
        path = self.files.get(term)
        if path is None:
            return curie(term)
        for match in _SUBJECT.finditer(path.read_text(encoding="utf-8")):
            if match.group(1) == curie(term):
                line = match.string.count("\n", 0, match.start()) + 1
                return f"{path.name}:{line}"
        return path.name


def _reached(start: str, step: Callable[[str], Iterable[str]]) -> set[str]:
    found, stack = {start}, [start]
    while stack:
        fresh = set(step(stack.pop())) - found
        found |= fresh
        stack += fresh
    return found


def read_graph(paths: Iterable[Path]) -> Graph:
    """Parse Turtle files strictly into a Graph; raise KnowledgeError with file and line on malformed text."""
    out: dict[str, dict[str, list[Node]]] = {}
    into: dict[str, dict[str, list[str]]] = {}
    files: dict[str, Path] = {}
    size = 0
    for path in paths:
        for subject, predicate, node in _triples(path):
            nodes = out.setdefault(subject, {}).setdefault(predicate, [])
            if node in nodes:
                continue
            size += 1
            nodes.append(node)
            files.setdefault(subject, path)
            if isinstance(node, str):
                into.setdefault(node, {}).setdefault(predicate, []).append(subject)
    return Graph(out, into, files, size)


def _triples(path: Path) -> Iterator[tuple[str, str, Node]]:
    try:
        for quad in pyoxigraph.parse(path=str(path), format=pyoxigraph.RdfFormat.TURTLE, rename_blank_nodes=True):
            yield _key(quad.subject), quad.predicate.value, _node(quad.object)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        raise KnowledgeError(
            "A knowledge file is not valid Turtle",
            where=f"{path.name}:{line}" if line else path.name,
            why=str(error),
            repair=declaration(str(error)) or "mend the line; `legcramps fmt` shows the expected form",
        ) from error
    except OSError as error:
        raise KnowledgeError(
            "A knowledge file cannot be read", where=path.name, why=str(error), repair="check the file and who may read it"
        ) from error


def _key(term: pyoxigraph.NamedNode | pyoxigraph.BlankNode | pyoxigraph.Triple) -> str:
    return term.value if isinstance(term, pyoxigraph.NamedNode) else str(term)


def _node(term: pyoxigraph.NamedNode | pyoxigraph.BlankNode | pyoxigraph.Literal | pyoxigraph.Triple) -> Node:
    return term if isinstance(term, pyoxigraph.Literal) else _key(term)


def triples_of(graph: Graph) -> Iterator[pyoxigraph.Triple]:
    """Yield the triples of a graph."""
    for subject, said in graph.out.items():
        for predicate, nodes in said.items():
            for node in nodes:
                yield pyoxigraph.Triple(
                    _term(subject), pyoxigraph.NamedNode(predicate), node if isinstance(node, pyoxigraph.Literal) else _term(node)
                )


def _term(key: str) -> pyoxigraph.NamedNode | pyoxigraph.BlankNode:
    return pyoxigraph.BlankNode(key.removeprefix("_:")) if key.startswith("_:") else pyoxigraph.NamedNode(key)


def closure(graph: Graph, predicate: str, terms: Iterable[str]) -> dict[str, frozenset[str]]:
    """Return for each term everything reachable by `predicate`, itself included; raise KnowledgeError on a cycle."""
    known: dict[str, frozenset[str]] = {}

    def climb(term: str, path: tuple[str, ...]) -> frozenset[str]:
        if term in path:
            raise KnowledgeError(
                "A hierarchy runs in a circle",
                where=graph.place(term),
                why=" → ".join(map(curie, (*path, term))),
                repair="remove one of the links",
            )
        if term not in known:
            parents = [parent for parent in graph.iris(term, predicate) if not parent.startswith("_:")]
            known[term] = frozenset({term}).union(*(climb(parent, (*path, term)) for parent in parents))
        return known[term]

    return {term: climb(term, ()) for term in terms}
