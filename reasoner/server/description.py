"""Describe the endpoint in its own language: what it takes and gives, its graphs, our prefixes; and, to be asked for, the shipped queries.

The queries stand in a graph of the store, where editors look for them, because a description that is long stops some clients.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from pyoxigraph import BlankNode, Literal, NamedNode, Quad, Triple

from reasoner.export.dataset import GRAPHS
from reasoner.export.syntaxes import written
from reasoner.namespaces import PREFIXES, RDF, RDFS, SH, XSD
from reasoner.query import read_query
from reasoner.resources import query_files

__all__ = ["EXAMPLES", "Description", "example_quads"]

EXAMPLES = NamedNode("urn:legcramps:graph:examples")
"""The graph of the shipped queries and of our prefixes."""

_SD = "http://www.w3.org/ns/sparql-service-description#"
_VOID = "http://rdfs.org/ns/void#"
_FORMATS = "http://www.w3.org/ns/formats/"
_RESULTS = ("SPARQL_Results_JSON", "SPARQL_Results_XML", "SPARQL_Results_CSV", "SPARQL_Results_TSV")
_SYNTAXES = ("Turtle", "N-Triples", "JSON-LD", "RDF_XML", "TriG")
_SHIPPED = ("derive", "competency", "report")
_KEPT = 32
_TYPE = NamedNode(RDF + "type")
_SERVICE, _DATASET, _DEFAULT, _PREFIXES = (NamedNode(f"urn:legcramps:service{part}") for part in ("", ":dataset", ":default", ":prefixes"))


class Description:
    """The description of a service over graphs of known sizes."""

    def __init__(self, sizes: Counter[str]) -> None:
        self._triples = [*_graphs(sizes), *_prefixes()]
        self._written: dict[tuple[str, str], bytes] = {}

    def written(self, endpoint: str, form: str) -> bytes:
        """Return the description of the endpoint at a URL in one of the syntaxes of RDF."""
        if (endpoint, form) not in self._written:
            if len(self._written) >= _KEPT:
                self._written.clear()
            triples = (*_service(endpoint), *self._triples)
            self._written[endpoint, form] = written((Quad(*triple) for triple in triples), form, Counter())
        return self._written[endpoint, form]


def _service(endpoint: str) -> Iterator[Triple]:
    yield from _said(_SERVICE, _TYPE.value, NamedNode(_SD + "Service"))
    yield from _said(_SERVICE, _SD + "endpoint", NamedNode(endpoint))
    yield from _said(_SERVICE, _SD + "supportedLanguage", NamedNode(_SD + "SPARQL11Query"))
    yield from _said(_SERVICE, _SD + "resultFormat", *(NamedNode(_FORMATS + name) for name in (*_RESULTS, *_SYNTAXES)))
    yield from _said(_SERVICE, _SD + "defaultDataset", _DATASET)
    yield from _said(_DATASET, _VOID + "sparqlEndpoint", NamedNode(endpoint))


def _graphs(sizes: Counter[str]) -> Iterator[Triple]:
    yield from _said(_DATASET, _TYPE.value, NamedNode(_SD + "Dataset"), NamedNode(_VOID + "Dataset"))
    yield from _said(_DATASET, _VOID + "triples", _number(sizes.total()))
    yield from _said(_DATASET, _SD + "defaultGraph", _DEFAULT)
    yield from _said(_DEFAULT, _TYPE.value, NamedNode(_SD + "Graph"))
    for graph in GRAPHS:
        node = NamedNode(f"{graph.value}:named")
        yield from _said(_DATASET, _SD + "namedGraph", node)
        yield from _said(node, _TYPE.value, NamedNode(_SD + "NamedGraph"))
        yield from _said(node, _SD + "name", graph)
        yield from _said(node, _SD + "graph", graph)
        yield from _said(graph, _TYPE.value, NamedNode(_SD + "Graph"))
        yield from _said(graph, _VOID + "triples", _number(sizes[graph.value]))


def _prefixes() -> Iterator[Triple]:
    yield from _said(_DATASET, SH + "declare", *(BlankNode(f"p-{name}") for name in PREFIXES))
    yield from _said(_PREFIXES, SH + "declare", *(BlankNode(f"p-{name}") for name in PREFIXES))
    for name, stem in PREFIXES.items():
        yield from _said(BlankNode(f"p-{name}"), SH + "prefix", Literal(name))
        yield from _said(BlankNode(f"p-{name}"), SH + "namespace", Literal(stem, datatype=NamedNode(XSD + "anyURI")))


def example_quads(folder: Path) -> Iterator[Quad]:
    """Yield the shipped queries and our prefixes in a graph of their own."""
    for triple in (*_prefixes(), *_queries(folder)):
        yield Quad(triple.subject, triple.predicate, triple.object, EXAMPLES)


def _queries(folder: Path) -> Iterator[Triple]:
    """Yield the shipped queries that need no parameters, as examples that editors of SPARQL offer."""
    for path in query_files(folder):
        if path.parent.name in _SHIPPED:
            query = read_query(path)
            node = NamedNode(f"urn:legcramps:query:{query.id}")
            yield from _said(node, _TYPE.value, NamedNode(SH + "SPARQLExecutable"), NamedNode(SH + "SPARQLSelectExecutable"))
            yield from _said(node, RDFS + "comment", Literal(query.summary, language="en"))
            yield from _said(node, SH + "select", Literal(query.text))
            yield from _said(node, SH + "prefixes", _PREFIXES)


def _said(subject: NamedNode | BlankNode, name: str, *values: NamedNode | BlankNode | Literal) -> Iterable[Triple]:
    return (Triple(subject, NamedNode(name), value) for value in values)


def _number(count: int) -> Literal:
    return Literal(str(count), datatype=NamedNode(XSD + "integer"))
