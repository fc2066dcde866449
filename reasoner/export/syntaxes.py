"""Serialise quads in the syntaxes of RDF: the same bytes for the same statements."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

import pyoxigraph
from pyoxigraph import Literal, Quad, RdfFormat

from reasoner.namespaces import PREFIXES

__all__ = ["GRAPH_SYNTAXES", "RDF_SYNTAXES", "written"]

RDF_SYNTAXES = {
    "turtle": RdfFormat.TURTLE,
    "trig": RdfFormat.TRIG,
    "ntriples": RdfFormat.N_TRIPLES,
    "nquads": RdfFormat.N_QUADS,
    "jsonld": RdfFormat.JSON_LD,
    "rdfxml": RdfFormat.RDF_XML,
}
"""The syntaxes by the name that `convert --to` gives them."""

GRAPH_SYNTAXES = ("nquads", "trig")
"""Those that keep graphs apart; the others hold one graph."""

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LOCAL_NAME = re.compile(r"[A-Za-z_][\w.-]*\Z")


def written(quads: Iterable[Quad], syntax: str, left: Counter[str]) -> bytes:
    """Return quads in one of RDF_SYNTAXES, each once; statements that the syntax cannot hold are counted in `left`."""
    if syntax not in GRAPH_SYNTAXES:
        quads = (Quad(quad.subject, quad.predicate, quad.object) for quad in quads)
    kept = sorted(set(quads), key=lambda quad: (str(quad.graph_name), str(quad)))
    if syntax == "rdfxml":
        fit = [quad for quad in kept if _fits_xml(quad)]
        if len(fit) < len(kept):
            left["RDF/XML cannot hold the characters of the text or the name of the property"] += len(kept) - len(fit)
        kept = fit
    prefixes = {} if syntax == "jsonld" else PREFIXES
    return pyoxigraph.serialize(kept, format=RDF_SYNTAXES[syntax], prefixes=prefixes) or b""


def _fits_xml(quad: Quad) -> bool:
    text = quad.object.value if isinstance(quad.object, Literal) else ""
    return not _NOT_XML.search(text) and bool(_LOCAL_NAME.search(quad.predicate.value))
