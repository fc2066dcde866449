"""Be the one process that writes to a store on disk: what it says is done is on the disk, and a view of it is made for readers.

A view is a snapshot that shares its files with the store. Nobody writes to it, so that any number of workers can read it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyoxigraph
from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad, RdfFormat

from reasoner.errors import ForbiddenError, LegcrampsError, SyntaxProblem, UnsupportedInputError, UsageError
from reasoner.export.dataset import ASSERTED, GRAPHS, PROOFS, records_digest
from reasoner.export.syntaxes import RDF_SYNTAXES
from reasoner.namespaces import OWL
from reasoner.query_text import screen_update
from reasoner.server.description import EXAMPLES
from reasoner.server.wire import pack, receive

__all__ = ["Writer", "main"]

_GRACE = 2.0
_ABOUT = NamedNode("urn:legcramps:graph:about")
_STATE = NamedNode(OWL + "versionInfo")


class Writer:
    """What is done to a store; each method takes the header and the body of a message and returns those of the reply."""

    def __init__(self, folder: Path) -> None:
        self.store = pyoxigraph.Store(folder)

    def state(self, _: Mapping[str, Any], __: bytes) -> tuple[dict[str, object], bytes]:
        """Return what the derived graphs were derived from, what the records are now, and how large each graph is."""
        digest = records_digest(quad.triple for quad in self._of(ASSERTED))
        marks = [quad.object.value for quad in self._of(_ABOUT) if isinstance(quad.object, Literal)]
        sizes = {graph.value: sum(1 for _ in self._of(graph)) for graph in self.store.named_graphs() if isinstance(graph, NamedNode)}
        sizes[""] = sum(1 for _ in self._of(DefaultGraph()))
        sizes.pop(_ABOUT.value, None)
        return {"mark": (marks or [""])[0], "records": digest, "sizes": sizes}, b""

    def records(self, _: Mapping[str, Any], __: bytes) -> tuple[dict[str, object], bytes]:
        """Return the asserted graph."""
        return {}, pyoxigraph.serialize((quad.triple for quad in self._of(ASSERTED)), format=RdfFormat.N_TRIPLES) or b""

    def replace(self, header: Mapping[str, Any], body: bytes) -> tuple[dict[str, object], bytes]:
        """Put other quads in the place of our graphs; what else is in the store stays. The mark is written last."""
        self.store.clear_graph(_ABOUT)
        for graph in (*GRAPHS, EXAMPLES):
            for quad in self._of(graph) if graph != PROOFS else ():
                self.store.remove(Quad(quad.subject, quad.predicate, quad.object))
            self.store.clear_graph(graph)
        self.store.bulk_load(body, format=RdfFormat.N_QUADS)
        mark = f"{header['knowledge']} {records_digest(quad.triple for quad in self._of(ASSERTED))}"
        self.store.add(Quad(_ABOUT, _STATE, Literal(mark), _ABOUT))
        return {}, b""

    def update(self, header: Mapping[str, Any], body: bytes) -> tuple[dict[str, object], bytes]:
        """Run a SPARQL update."""
        text = screen_update(body.decode(), header["default"], header["named"])
        try:
            self.store.update(text, base_iri=header["base"])
        except SyntaxError as error:
            raise SyntaxProblem("The update is malformed", why=str(error), repair="mend the update") from error
        return {"status": 204}, b""

    def graph(self, header: Mapping[str, Any], body: bytes) -> tuple[dict[str, object], bytes]:
        """Replace, extend or delete a graph."""
        name = _named(header["graph"])
        there = isinstance(name, DefaultGraph) or self.store.contains_named_graph(name)
        if header["method"] == "DELETE":
            if not there:
                return {"status": 404}, b""
            self.store.clear_graph(name) if isinstance(name, DefaultGraph) else self.store.remove_graph(name)
            return {"status": 204}, b""
        triples = (quad.triple for quad in _parsed(body, header["form"]))
        data = (pyoxigraph.serialize(triples, format=RdfFormat.N_TRIPLES) or b"").decode()
        place = "" if isinstance(name, DefaultGraph) else f"GRAPH {name}"
        steps = [f"CLEAR SILENT {place or 'DEFAULT'}"] if header["method"] == "PUT" else []
        steps += [f"CREATE SILENT {place}"] if place else []
        self.store.update(" ; ".join((*steps, f"INSERT DATA {{ {place} {{ {data} }} }}" if place else f"INSERT DATA {{ {data} }}")))
        return {"status": 204 if there else 201}, b""

    def _of(self, graph: Any) -> Iterator[Quad]:
        return self.store.quads_for_pattern(None, None, None, graph)


def _named(name: str) -> NamedNode | DefaultGraph:
    try:
        found = NamedNode(name) if name else DefaultGraph()
    except ValueError as error:
        raise UsageError("The graph is named by no IRI", repair="give an absolute IRI") from error
    if found in (*GRAPHS, EXAMPLES, _ABOUT) and found != ASSERTED:
        raise ForbiddenError("The graph is derived", why="it follows from knowledge and records", repair="change the asserted graph")
    return found


def _parsed(body: bytes, form: str) -> list[Quad]:
    """Parse an RDF document of one graph within the limits that all documents keep."""
    from reasoner.limits import check_brackets, check_xml, utf8

    text = utf8(body, "the body")
    if form == "rdfxml":
        check_xml(text, "the body")
    elif form == "jsonld":
        raise UnsupportedInputError("JSON-LD is not taken", repair="send Turtle, N-Triples, TriG or RDF/XML")
    else:
        check_brackets(text, "the body")
    try:
        return list(pyoxigraph.parse(text, format=RDF_SYNTAXES[form], base_iri="http://localhost/", rename_blank_nodes=True))
    except (SyntaxError, ValueError) as error:
        raise SyntaxProblem("The document is malformed", why=f"line {getattr(error, 'lineno', '?')}", repair="mend it") from error


_CHANGES = ("replace", "update", "graph")


def main() -> None:
    """Do what comes through the socket whose number is the first argument."""
    link = socket.socket(fileno=int(sys.argv[1]))
    incoming = link.makefile("rb", buffering=1 << 16)
    told = receive(incoming)
    if told is None:
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        writer = Writer(Path(told.header["folder"]))
    except OSError as error:
        link.sendall(pack({"failed": str(error)}))
        return
    link.sendall(pack({"ready": True}))
    while (asked := receive(incoming)) is not None:
        signal.setitimer(signal.ITIMER_REAL, asked.header["deadline"] + _GRACE)
        reply = _done(writer, asked.header, asked.body)
        signal.setitimer(signal.ITIMER_REAL, 0)
        link.sendall(reply)


def _done(writer: Writer, header: Mapping[str, Any], body: bytes) -> bytes:
    """Do one thing; a change is on the disk, and in the view that is asked for, before it is called done."""
    try:
        said, found = getattr(writer, header["do"])(header, body) if header["do"] != "view" else ({}, b"")
        if header["do"] in _CHANGES:
            writer.store.flush()
        if header["view"]:
            writer.store.backup(header["view"])
        return pack({"status": 200, **said}, found)
    except LegcrampsError as error:
        return pack({"error": type(error).__name__, "what": error.what, "why": error.why, "repair": error.repair})
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else "the disk is full or the files are damaged"
        return pack({"error": "OSError", "what": "The store cannot be written", "why": why, "repair": "free space, or restore it"})
    except Exception as error:
        with contextlib.suppress(Exception):
            writer.store.flush()
        return pack({"error": "LegcrampsError", "what": "Internal error", "why": type(error).__name__, "repair": "report it"})


if __name__ == "__main__":
    main()
