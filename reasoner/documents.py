"""Read documents from files or standard input: limits first, then the parser that their format names."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyoxigraph
from pyoxigraph import BlankNode, NamedNode

from reasoner.blank_nodes import renamed
from reasoner.errors import InputError, LimitError, SyntaxProblem, UnsupportedInputError
from reasoner.limits import check_brackets, check_xml, utf8
from reasoner.namespaces import declaration
from reasoner.record import Index, Term

__all__ = [
    "DEFAULT_MAX_SIZE",
    "FHIR_FORMATS",
    "RDF_BASE",
    "TABLE_FORMATS",
    "Document",
    "form_of_text",
    "format_of",
    "index_of",
    "parse_rdf",
    "read_document",
    "read_documents",
    "read_index",
]

DEFAULT_MAX_SIZE = 64 * 1024 * 1024
"""Bytes that one file may have."""

RDF_BASE = "http://localhost/"
"""What relative IRIs of an RDF document are resolved against, where it states no base of its own."""

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
    ".ndjson": "fhir-ndjson",
    ".csv": "csv",
    ".tsv": "tsv",
}
FHIR_FORMATS = {"fhir": "json", "fhir-ndjson": "ndjson", "fhir-turtle": "turtle"}
"""The formats of FHIR, with the form that the FHIR reader gives them."""

TABLE_FORMATS = ("csv", "tsv")
"""The formats of tables, which are read by a mapping."""

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
        if given not in {*_PARSERS, *FHIR_FORMATS, *TABLE_FORMATS}:
            known = ", ".join(sorted({*_PARSERS, *FHIR_FORMATS, *TABLE_FORMATS}))
            raise UnsupportedInputError(f"The format {given} is not read", repair=f"use one of {known}")
        return given
    suffix = Path(name).suffix.lower()
    if suffix not in FORMATS:
        raise UnsupportedInputError(
            "The format of the input is not known",
            where=name,
            why=f"the name ends in “{suffix}”",
            repair="name it by --input-format or use .ttl .trig .nt .nq .jsonld .rdf .json .ndjson .csv .tsv",
        )
    return FORMATS[suffix]


def read_documents(
    names: Iterable[Path | str], given: str | None = None, max_size: int = DEFAULT_MAX_SIZE
) -> tuple[list[Document], list[InputError]]:
    """Return the documents that `read_document` gives, each read once, and why the others could not be opened."""
    documents: list[Document] = []
    failures: list[InputError] = []
    for name in names:
        try:
            documents.append(read_document(str(name), given, max_size))
        except InputError as error:
            failures.append(error)
    return documents, failures


def read_document(name: str, given: str | None = None, max_size: int = DEFAULT_MAX_SIZE) -> Document:
    """Return the document `name`, or standard input for `-`; raise LimitError when it is larger than `max_size` bytes."""
    try:
        if name == "-":
            text = sys.stdin.buffer.read(max_size + 1)
        else:
            with Path(name).open("rb") as file:
                text = file.read(max_size + 1)
    except (AttributeError, OSError, ValueError) as error:  # standard input may be closed, a name may hold NUL
        why = getattr(error, "strerror", None) or str(error)
        raise InputError("The input cannot be read", where=name, why=why, repair="check the path") from error
    if len(text) > max_size:
        raise LimitError(
            "The input is too large",
            where=name,
            why=f"it has more than {max_size} bytes",
            repair="raise --max-size, or use `legcramps cohort`, which streams",
        )
    text = utf8(text, name)
    if not text.strip():
        raise InputError("The input is empty", where=name, repair="give a document that holds at least one case")
    return Document(name, text, _format(name, given, text))


def _format(name: str, given: str | None, text: bytes) -> str:
    """Return the format by choice, by the name's ending, or, where that leaves it open, by what the text looks like."""
    if given or name != "-":
        found = format_of(name, given)
        if found in ("turtle", "n-triples") and not given and _is_fhir(text):
            return "fhir-turtle"
        linked = found == "fhir" and not given and b'"resourceType"' not in text and b'"@context"' in text
        return "json-ld" if linked else found
    return form_of_text(text)


def form_of_text(text: bytes) -> str:
    """Return the format that the beginning of a text looks like, where no name tells it."""
    start = text.lstrip()
    if start[:1] in (b"{", b"[") and (b'"resourceType"' in text or b'"@' in text):
        return _fhir_form(start) if b'"resourceType"' in text else "json-ld"
    if start.startswith((b"<?xml", b"<rdf:RDF")):
        return "rdf-xml"
    return "fhir-turtle" if _is_fhir(text) else "turtle"


def _is_fhir(text: bytes) -> bool:
    """Return whether a Turtle document marks the root of a FHIR resource."""
    return b"http://hl7.org/fhir/" in text and b"treeRoot" in text and b"nodeRole" in text


def _fhir_form(text: bytes) -> str:
    """Return the format of FHIR JSON: several lines that begin an object each are a bulk export."""
    lines = text.split(b"\n", 2)
    return "fhir-ndjson" if len(lines) > 1 and lines[0].rstrip().endswith(b"}") and lines[1].startswith(b"{") else "fhir"


def parse_rdf(document: Document, folder: Path | str | None = None) -> Iterator[pyoxigraph.Quad]:
    """Yield the quads of a document, lexical forms kept; `folder` is the knowledge folder, which holds the JSON-LD context.

    Raises SyntaxProblem with line and column, LimitError, or UnsupportedInputError for a JSON-LD context that is not at hand.
    """
    try:
        yield from _quads(document, folder)
    except (SyntaxError, ValueError) as error:
        raise _malformed(document, error) from error


def read_index(document: Document, folder: Path | str | None = None) -> Index:
    """Return the index of a document's triples; raises what `parse_rdf` raises."""
    try:
        return index_of(_quads(document, folder))
    except (SyntaxError, ValueError) as error:
        raise _malformed(document, error) from error


def _quads(document: Document, folder: Path | str | None) -> Iterator[pyoxigraph.Quad]:
    if document.format in TABLE_FORMATS:
        raise UnsupportedInputError(
            "A table is no RDF", where=document.name, repair="turn it into RDF: legcramps convert TABLE --mapping FILE --to turtle"
        )
    text, form = _checked(document, folder), _PARSERS[document.format]
    return pyoxigraph.parse(text, format=form, base_iri=RDF_BASE, without_named_graphs=False)


def _malformed(document: Document, error: SyntaxError | ValueError) -> SyntaxProblem:
    """Return what the parser says of a document as a problem with its place and its repair."""
    line = getattr(error, "lineno", None) if document.format != "json-ld" else None
    why = str(getattr(error, "msg", error))
    return SyntaxProblem(
        "The document is malformed",
        where=f"{document.name}:{line}" if line else document.name,
        why=_POSITION.sub("", why)[:_LONGEST_REASON] if document.format == "json-ld" else why[:_LONGEST_REASON],
        repair=declaration(why) or f"mend it, or name its format by --input-format (read as {document.format})",
    )


_LONGEST_REASON = 300
_POSITION = re.compile(r"^Parser error at line \d+ [^:]*: ")


def _checked(document: Document, folder: Path | str | None) -> bytes:
    """Return the text that the parser may see: within the limits, and JSON-LD with its context in it."""
    if document.format == "json-ld":
        from reasoner.jsonld import prepare
        from reasoner.resources import knowledge_folder

        return prepare(document.text, document.name, knowledge_folder(folder))
    if document.format == "rdf-xml":
        check_xml(document.text, document.name)
    else:
        check_brackets(document.text, document.name)
    return document.text


def index_of(quads: Iterable[pyoxigraph.Quad]) -> Index:
    """Return the document's triples by subject and predicate; several objects of one pair stand in order, each once.

    Blank nodes get names that depend on what is said of them, not on the syntax or the order in which it is said.
    """
    index: dict[NamedNode | BlankNode, dict[str, list[Term]]] = {}
    several: dict[int, list[Term]] = {}
    blank = False
    last: object = None
    properties: dict[str, list[Term]] = {}
    for quad in quads:
        subject, value = quad.subject, quad.object
        if subject != last:
            last = subject
            if type(subject) is BlankNode:
                blank = True
            elif type(subject) is not NamedNode:
                continue
            properties = index.setdefault(subject, {})
        if type(value) is BlankNode:
            blank = True
        name = quad.predicate.value
        values = properties.get(name)
        if values is None:
            properties[name] = [value]
        else:
            values.append(value)
            several[id(values)] = values
    if blank:
        index = renamed(index)
        several = {id(values): values for properties in index.values() for values in properties.values() if len(values) > 1}
    for values in several.values():
        by_text = {f"<{value.value}>" if type(value) is NamedNode else str(value): value for value in values}
        values[:] = [by_text[text] for text in sorted(by_text)]
    return index
