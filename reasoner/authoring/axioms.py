"""Write the logical part of a knowledge graph as N-Triples, lexical forms kept, annotations and individuals left out."""

from __future__ import annotations

from collections.abc import Iterator

from reasoner.knowledge import Graph, Node
from reasoner.namespaces import OWL, RDF, RDFS, XSD

__all__ = ["UNSUPPORTED", "axiom_lines"]

UNSUPPORTED = frozenset({XSD + "date"})
"""Datatypes outside the OWL 2 datatype map; ranges that name them are left out."""

_AXIOMS = frozenset(
    {
        OWL + "disjointWith",
        OWL + "equivalentClass",
        OWL + "equivalentProperty",
        OWL + "inverseOf",
        OWL + "propertyDisjointWith",
        RDFS + "domain",
        RDFS + "range",
        RDFS + "subClassOf",
        RDFS + "subPropertyOf",
    }
)


def axiom_lines(graph: Graph) -> Iterator[str]:
    """Yield one N-Triples line per triple that belongs to an axiom on classes or properties, in file order.

    Individuals and ranges outside the OWL 2 datatype map are left out.
    """
    for subject, properties in graph.out.items():
        for predicate, nodes in properties.items():
            for node in nodes:
                if _is_axiom(graph, subject, predicate, node):
                    yield f"{_term(subject)} <{predicate}> {_term(node)} ."


def _is_axiom(graph: Graph, subject: str, predicate: str, node: Node) -> bool:
    if predicate == RDFS + "range" and node in UNSUPPORTED:
        return False
    if predicate in _AXIOMS:
        return not _is_annotation(graph, subject)
    if predicate == RDF + "type":
        return isinstance(node, str) and (subject.startswith("_:") or node.startswith(OWL)) and node != OWL + "Ontology"
    return subject.startswith("_:")


def _is_annotation(graph: Graph, term: str) -> bool:
    return OWL + "AnnotationProperty" in graph.iris(term, RDF + "type")


def _term(node: Node) -> str:
    if isinstance(node, str):
        return node if node.startswith("_:") else f"<{node}>"
    return str(node)
