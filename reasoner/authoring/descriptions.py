"""Describe terms so that two versions can be compared: what a term means apart from how it is worded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pyoxigraph

from reasoner.knowledge import Graph, Node
from reasoner.namespaces import LC, LCG, LCS, OWL, PREFIXES, RDF, SKOS, curie
from reasoner.terms import lc

__all__ = ["Description", "describe", "project_terms"]

_OWN = (LC, LCG, LCS)
_DOCUMENTING = frozenset(
    (
        *(PREFIXES["dcterms"] + name for name in ("date", "identifier", "isReplacedBy", "issued", "source")),
        *(lc(name) for name in ("citesSentence", "locator", "verification")),
        SKOS + "broadMatch",
        SKOS + "closeMatch",
    )
)
"""Predicates that say where a statement comes from, or are for people only: they change no inference."""

_UNORDERED = frozenset(OWL + name for name in ("intersectionOf", "unionOf", "withRestrictions", "oneOf"))
_DEPRECATED = OWL + "deprecated"


@dataclass(frozen=True)
class Description:
    """What is said of a term: `meaning` by predicate, `text` for people, and whether it is deprecated."""

    meaning: dict[str, tuple[str, ...]]
    text: dict[str, tuple[str, ...]]
    deprecated: bool


def project_terms(graph: Graph) -> list[str]:
    """Return the terms of the project to which a graph gives a type, sorted; modules and blank nodes are none."""
    return sorted(term for term, said in graph.out.items() if term.startswith(_OWN) and RDF + "type" in said)


def describe(graph: Graph, term: str) -> Description:
    """Return the description of a term; the order of statements, of parts and the names of blank nodes do not matter."""
    meaning: dict[str, tuple[str, ...]] = {}
    text: dict[str, tuple[str, ...]] = {}
    for predicate, nodes in graph.out.get(term, {}).items():
        for said, target in ((_words(nodes), text), ([node for node in nodes if not _worded(node)], meaning)):
            if said:
                place = text if predicate in _DOCUMENTING else target
                place[predicate] = tuple(sorted(_written(graph, node, predicate) for node in said))
    deprecated = meaning.pop(_DEPRECATED, ()) != ()
    return Description(meaning, text, deprecated)


def _worded(node: Node) -> bool:
    """Return whether a node is text in some language."""
    return isinstance(node, pyoxigraph.Literal) and node.language is not None


def _words(nodes: Iterable[Node]) -> list[Node]:
    return [node for node in nodes if _worded(node)]


def _written(graph: Graph, node: Node, predicate: str = "") -> str:
    """Return a node as text, a blank one with everything below it."""
    if isinstance(node, pyoxigraph.Literal):
        return str(node)
    if not node.startswith("_:"):
        return curie(node)
    if graph.nodes(node, RDF + "first"):
        items = [_written(graph, item) for item in graph.items(node)]
        return f"( {' '.join(sorted(items) if predicate in _UNORDERED else items)} )"
    inner = [f"{curie(each)} {_written(graph, value, each)}" for each, values in graph.out.get(node, {}).items() for value in values]
    return f"[ {' ; '.join(sorted(inner))} ]"
