"""Read documents from files or standard input: limits first, then the parser that their format names."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyoxigraph

from reasoner.errors import InputError, LimitError, SyntaxProblem, UnsupportedInputError
from reasoner.record import Index, Term

__all__ = ["DEFAULT_MAX_SIZE", "Document", "format_of", "index_of", "parse_rdf", "read_document"]

DEFAULT_MAX_SIZE = 64 * 1024 * 1024
"""Bytes that one file may have."""

MAX_NESTING = 256
"""Brackets that may be open at once; deeper nesting has crashed parsers."""

FORMATS = {
    ".ttl": "turtle",
    ".trig": "trig",
    ".nt": "n-triples",
    ".nq": "n-quads",
    ".jsonld": "json-ld",
    ".rdf": "rdf-xml",
    ".owl": "rdf-xml",
    ".xml": "rdf-xml",
    ".json": "fhir",
}
_PARSERS = {
    "turtle": pyoxigraph.RdfFormat.TURTLE,
    "trig": pyoxigraph.RdfFormat.TRIG,
    "n-triples": pyoxigraph.RdfFormat.N_TRIPLES,
    "n-quads": pyoxigraph.RdfFormat.N_QUADS,
    "json-ld": pyoxigraph.RdfFormat.JSON_LD,
    "rdf-xml": pyoxigraph.RdfFormat.RDF_XML,
}


@dataclass(frozen=True)
class Document:
    """The bytes of one input, its display name and its format."""

    name: str
    text: bytes
    format: str


def format_of(name: str, given: str | None = None) -> str:
    """Return the input format that a file name or an explicit choice means; raise UnsupportedInputError otherwise."""
    if given:
        if given not in {*_PARSERS, "fhir"}:
            raise UnsupportedInputError(f"The format {given} is not read", repair=f"use one of {', '.join(sorted({*_PARSERS, 'fhir'}))}")
        return given
    suffix = Path(name).suffix.lower()
    if suffix not in FORMATS:
        raise UnsupportedInputError(
            "The format of the input is not known",
            where=name,
            why=f"the name ends in “{suffix}”",
            repair="name it by --input-format or use .ttl .trig .nt .nq .jsonld .rdf .json",
        )
    return FORMATS[suffix]


def read_document(name: str, given: str | None = None, max_size: int = DEFAULT_MAX_SIZE) -> Document:
    """Return the document `name`, or standard input for `-`; raise LimitError when it is larger than `max_size` bytes."""
    try:
        if name == "-":
            text = sys.stdin.buffer.read(max_size + 1)
        else:
            with Path(name).open("rb") as file:
                text = file.read(max_size + 1)
    except OSError as error:
        raise InputError("The input cannot be read", where=name, why=error.strerror or str(error), repair="check the path") from error
    if len(text) > max_size:
        raise LimitError(
            "The input is too large",
            where=name,
            why=f"it has more than {max_size} bytes",
            repair="raise --max-size, or use `legcramps cohort`, which streams",
        )
    if not text.strip():
        raise InputError("The input is empty", where=name, repair="give a document that holds at least one case")
    return Document(name, text, format_of(name, given) if name != "-" or given else _guess(text))


def _guess(text: bytes) -> str:
    return "fhir" if text.lstrip()[:1] == b"{" and b'"resourceType"' in text else "turtle"


def parse_rdf(document: Document) -> Iterator[pyoxigraph.Quad]:
    """Yield the quads of a document, lexical forms kept; raise SyntaxProblem with line and column, or LimitError."""
    _check_nesting(document)
    if document.format == "rdf-xml" and b"<!" in document.text and (b"<!DOCTYPE" in document.text or b"<!ENTITY" in document.text):
        raise LimitError(
            "RDF/XML with a document type is not read",
            where=document.name,
            why="entities can expand without bound or read other files",
            repair="write namespaces and values out in full",
        )
    try:
        yield from pyoxigraph.parse(
            document.text, format=_PARSERS[document.format], base_iri="http://localhost/", without_named_graphs=False
        )
    except SyntaxError as error:
        line = f":{error.lineno}" if error.lineno else ""
        raise SyntaxProblem(
            "The document is malformed",
            where=f"{document.name}{line}",
            why=str(error.msg),
            repair=f"mend it, or name its format by --input-format (read as {document.format})",
        ) from error
    except ValueError as error:
        raise SyntaxProblem(
            "The document is malformed", where=document.name, why=str(error), repair="mend it, or name its format by --input-format"
        ) from error


_OPEN = bytes(set(range(256)) - set(b"[({])}"))
_DEPTH = {ord("["): 1, ord("("): 1, ord("{"): 1, ord("]"): -1, ord(")"): -1, ord("}"): -1}


def _check_nesting(document: Document) -> None:
    """Refuse brackets nested deeper than any record needs; a cheap count first, an exact walk only when it could matter."""
    brackets = document.text.translate(None, _OPEN)
    if len(brackets) <= MAX_NESTING:
        return
    depth = 0
    for byte in brackets:
        depth = max(depth + _DEPTH[byte], 0)
        if depth > MAX_NESTING:
            raise LimitError(
                "The document nests too deeply",
                where=document.name,
                why=f"more than {MAX_NESTING} brackets are open at once",
                repair="write nested nodes as named ones",
            )


def index_of(quads: Iterator[pyoxigraph.Quad]) -> Index:
    """Return the document's triples by subject and predicate."""
    index: dict[pyoxigraph.NamedNode | pyoxigraph.BlankNode, dict[str, list[Term]]] = {}
    for quad in quads:
        subject = quad.subject
        if isinstance(subject, pyoxigraph.NamedNode | pyoxigraph.BlankNode):
            properties = index.get(subject)
            if properties is None:
                properties = index[subject] = {}
            values = properties.setdefault(quad.predicate.value, [])
            if quad.object not in values:
                values.append(quad.object)
    return index
