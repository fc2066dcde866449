"""Read shapes and data for two SHACL engines, and bring their results into one form."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import rdflib
from pyoxigraph import BlankNode, Literal, NamedNode, RdfFormat, Triple, parse
from rdflib.namespace import RDF, SH

from reasoner.namespaces import PREFIXES, XSD
from reasoner.namespaces import SH as SHACL
from reasoner.shapes import ShapeTable, check_shapes, compile_shapes

ROOT = Path(__file__).parent.parent
NAMES = {"ex": "https://example.org/legcramps/", **PREFIXES}

Result = tuple[Any, ...]
"""Focus, path, value, component, severity and shape, as rdflib terms."""


def read(path: Path) -> list[Triple]:
    """Return the triples of a Turtle file."""
    return [quad.triple for quad in parse(path=str(path), format=RdfFormat.TURTLE, base_iri=path.as_uri())]


def turtle(text: str) -> list[Triple]:
    """Return the triples of a Turtle text that may use every usual prefix."""
    prefixes = "".join(f"@prefix {name}: <{iri}> ." for name, iri in NAMES.items())
    return [quad.triple for quad in parse(prefixes + text, format=RdfFormat.TURTLE)]


def to_rdflib(term: Any) -> Any:
    """Return the rdflib term that keeps the lexical form."""
    if isinstance(term, NamedNode):
        return rdflib.URIRef(term.value)
    if isinstance(term, BlankNode):
        return rdflib.BNode(term.value)
    if term.language:
        return rdflib.Literal(term.value, lang=term.language)
    datatype = None if term.datatype.value == XSD + "string" else rdflib.URIRef(term.datatype.value)
    return rdflib.Literal(term.value, datatype=datatype, normalize=False)


def graph_of(triples: Iterable[Triple]) -> rdflib.Graph:
    """Return the rdflib graph of the triples."""
    graph = rdflib.Graph()
    for triple in triples:
        graph.add((to_rdflib(triple.subject), to_rdflib(triple.predicate), to_rdflib(triple.object)))
    return graph


def index_of(triples: Iterable[Triple]) -> dict[Any, dict[str, list[Any]]]:
    """Return the index that compiled shapes are checked over."""
    index: dict[Any, dict[str, list[Any]]] = {}
    for triple in triples:
        index.setdefault(triple.subject, {}).setdefault(triple.predicate.value, []).append(triple.object)
    return index


def by_pyshacl(triples: Iterable[Triple], shapes: rdflib.Graph) -> Counter[Result]:
    """Return pySHACL's results, nested ones left out."""
    import pyshacl

    _, report, _ = pyshacl.validate(graph_of(triples), shacl_graph=shapes, inference="none")
    top = report.value(None, RDF.type, SH.ValidationReport)
    keys = (SH.focusNode, SH.resultPath, SH.value, SH.sourceConstraintComponent, SH.resultSeverity, SH.sourceShape)
    return Counter(
        tuple(path_text(report, node) if key == SH.resultPath else node for key in keys for node in [report.value(result, key)])
        for result in report.objects(top, SH.result)
    )


def by_table(triples: Iterable[Triple], table: ShapeTable) -> Counter[Result]:
    """Return the compiled table's results."""
    return Counter(
        (
            to_rdflib(found.focus),
            found.path and f"<{found.path}>",
            None if found.value is None else to_rdflib(found.value),
            *map(rdflib.URIRef, (found.component, found.severity, found.shape)),
        )
        for found in check_shapes(table, index_of(triples))
    )


def path_text(graph: rdflib.Graph, node: Any) -> str | None:
    """Return a property path as SPARQL writes it, or None."""
    if node is None or isinstance(node, rdflib.URIRef):
        return None if node is None else node.n3()
    if (node, RDF.first, None) in graph:
        return "/".join(path_text(graph, step) or "" for step in graph.items(node))
    for term, form in ((SH.inversePath, "^{}"), (SH.zeroOrMorePath, "({})*"), (SH.oneOrMorePath, "({})+"), (SH.zeroOrOnePath, "({})?")):
        if (inner := graph.value(node, term)) is not None:
            return form.format(path_text(graph, inner))
    return "(" + "|".join(path_text(graph, step) or "" for step in graph.items(graph.value(node, SH.alternativePath))) + ")"


def short(term: Any) -> str | None:
    """Return a term or a path as text, its IRIs abbreviated."""
    text = term.n3() if isinstance(term, rdflib.term.Node) else term
    return text and re.sub("<([^<>]*)>", lambda found: _abbreviated(found[1]), text)


def _abbreviated(iri: str) -> str:
    name, stem = max(NAMES.items(), key=lambda pair: len(pair[1]) * iri.startswith(pair[1]))
    return f"{name}:{iri.removeprefix(stem)}" if iri.startswith(stem) else f"<{iri}>"


def listed(results: Counter[Result]) -> list[dict[str, str | None]]:
    """Return results as the expected lists write them; a blank focus node is `_:`."""
    rows = [
        {
            "focus": "_:" if isinstance(focus, rdflib.BNode) else short(focus),
            "path": short(path),
            "severity": short(severity),
            "component": short(component),
            "shape": short(shape),
        }
        for focus, path, _, component, severity, shape in results.elements()
    ]
    return sorted(rows, key=lambda row: [str(row[key]) for key in ("focus", "path", "component", "shape", "severity")])


@cache
def shapes_of(folder: str) -> rdflib.Graph:
    """Return the shapes of one file as an rdflib graph."""
    return graph_of(read(ROOT / "shapes" / f"{folder}.ttl"))


@cache
def record_table() -> ShapeTable:
    """Return the compiled record shapes."""
    return compile_shapes(read(ROOT / "shapes/record.ttl"), read(ROOT / "ontology/record.ttl"))


def literal(text: str, datatype: str = "string") -> Literal:
    """Return a literal of an XML Schema datatype."""
    return Literal(text, datatype=NamedNode(XSD + datatype))


def sh(name: str) -> NamedNode:
    """Return a term of SHACL."""
    return NamedNode(SHACL + name)
