"""Validate a record document with the reference SHACL engine, and say where each violation stands."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from reasoner.blank_nodes import renamed_quads
from reasoner.documents import FHIR_FORMATS, RDF_BASE, Document, index_of, parse_rdf
from reasoner.errors import UnsupportedInputError
from reasoner.namespaces import SH
from reasoner.program.model import Program
from reasoner.shapes import check_shapes

__all__ = ["ValidationReport", "Violation", "line_of", "subject_lines", "validate_document"]


@dataclass(frozen=True, slots=True, order=True)
class Violation:
    """A result of validation: `severity` is Violation, Warning or Info; `where` is file:line when the line is known."""

    where: str
    focus: str
    path: str
    severity: str
    component: str
    value: str
    message: str
    shape: str


@dataclass(frozen=True)
class ValidationReport:
    """All results, in order of place; the document conforms when none is a violation."""

    results: tuple[Violation, ...]
    engine: str

    @property
    def conforms(self) -> bool:
        """Return whether no result is a violation."""
        return all(result.severity != "Violation" for result in self.results)


def validate_document(document: Document, folder: Path, program: Program) -> ValidationReport:
    """Validate an RDF document against `shapes/record.ttl` of `folder`.

    pySHACL decides. Where a literal that is no number or date, or a triple as value, stops it, the compiled shapes
    decide alone, and `engine` says so. Raises SyntaxProblem for malformed text and UnsupportedInputError for FHIR, which has no shapes here.
    """
    if document.format in FHIR_FORMATS:
        raise UnsupportedInputError(
            "FHIR is not validated by shapes", where=document.name, repair="use `legcramps assess`, which names what it did not understand"
        )
    quads = renamed_quads(parse_rdf(document, folder))
    try:
        return ValidationReport(_by_pyshacl(document, quads, folder), "pySHACL")
    except (ArithmeticError, ValueError, TypeError) as error:
        found = check_shapes(program.shape_table, index_of(quads))
        lines = subject_lines(document)
        results = [
            Violation(
                line_of(document, _node(each.focus), lines),
                _node(each.focus),
                each.path or "",
                each.severity.removeprefix(SH),
                each.component.removeprefix(SH),
                "" if each.value is None else str(each.value),
                each.message,
                each.shape,
            )
            for each in found
        ]
        return ValidationReport(tuple(sorted(results)), f"compiled shapes (pySHACL stopped: {type(error).__name__})")


def _by_pyshacl(document: Document, quads: list[Any], folder: Path) -> tuple[Violation, ...]:
    import rdflib
    from pyshacl import validate

    logging.getLogger("rdflib.term").addFilter(_silent)
    data = rdflib.Graph()
    for quad in quads:
        data.add((_to_rdflib(quad.subject), _to_rdflib(quad.predicate), _to_rdflib(quad.object)))
    shapes = rdflib.Graph().parse(folder / "shapes" / "record.ttl", format="turtle")
    vocabulary = rdflib.Graph().parse(folder / "ontology" / "record.ttl", format="turtle")
    _, results, _ = validate(data, shacl_graph=shapes, ont_graph=vocabulary, inference="none", advanced=False, js=False)
    found = []
    lines = subject_lines(document)
    for result in results.subjects(rdflib.RDF.type, rdflib.URIRef(SH + "ValidationResult")):
        one = {name: next(iter(results.objects(result, rdflib.URIRef(SH + name))), None) for name in _PARTS}
        text = {name: "" if node is None else str(node) for name, node in one.items()}
        focus = one["focusNode"]
        focus_text = f"_:{focus}" if isinstance(focus, rdflib.BNode) else text["focusNode"]
        found.append(
            Violation(
                line_of(document, focus_text, lines),
                focus_text,
                text["resultPath"],
                text["resultSeverity"].removeprefix(SH),
                text["sourceConstraintComponent"].removeprefix(SH),
                text["value"],
                text["resultMessage"],
                text["sourceShape"],
            )
        )
    return tuple(sorted(found))


def _silent(_record: logging.LogRecord) -> bool:
    """Drop rdflib's own remarks on ill-typed literals: the report names them."""
    return False


def _to_rdflib(term: Any) -> Any:
    """Return a term for rdflib with its lexical form untouched."""
    import pyoxigraph
    import rdflib

    if isinstance(term, pyoxigraph.NamedNode):
        return rdflib.URIRef(term.value)
    if isinstance(term, pyoxigraph.BlankNode):
        return rdflib.BNode(term.value)
    if not isinstance(term, pyoxigraph.Literal):
        raise TypeError("rdflib has no triples as values")
    if term.language:
        return rdflib.Literal(term.value, lang=term.language)
    return rdflib.Literal(term.value, datatype=rdflib.URIRef(term.datatype.value), normalize=False)


_PARTS = ("focusNode", "resultPath", "resultSeverity", "sourceConstraintComponent", "value", "resultMessage", "sourceShape")


def _node(term: object) -> str:
    return str(getattr(term, "value", term)) if not str(term).startswith("_:") else str(term)


_PREFIX = re.compile(r"^\s*@?prefix\s+([\w.-]*):\s*<([^<>]*)>", re.IGNORECASE | re.MULTILINE)
_BASE = re.compile(r"^\s*@?base\s+<([^<>]*)>", re.IGNORECASE | re.MULTILINE)
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_FIRST = re.compile(r"^([ \t]*)(?:<([^<>\s]*)>|([\w.-]*):([^\s;,]*))", re.MULTILINE)


def subject_lines(document: Document, base: str = RDF_BASE) -> dict[str, int]:
    """Return the line that begins with an IRI, by that IRI; lines that are not indented go first, `base` is that of relative IRIs."""
    if document.format not in ("turtle", "trig", "n-triples", "n-quads", "fhir-turtle"):
        return {}
    text = document.text.decode("utf-8", "replace")
    stems = dict(_PREFIX.findall(text))
    stated = _BASE.search(text)
    base = urljoin(base, stated[1]) if stated else base
    subjects: dict[str, int] = {}
    indented: dict[str, int] = {}
    line, place = 1, 0
    for match in _FIRST.finditer(text):
        line, place = line + text.count("\n", place, match.start()), match.start()
        indent, iri, prefix, local = match.groups()
        node = iri if iri is not None else stems.get(prefix, "") + re.sub(r"\\(.)", r"\1", local)
        (indented if indent else subjects).setdefault(node if _ABSOLUTE.match(node) else urljoin(base, node), line)
    return indented | subjects


def line_of(document: Document, node: str, lines: Mapping[str, int]) -> str:
    """Return `file:line` of the line where `node` is described, or the file name when it is not known."""
    return f"{document.name}:{lines[node]}" if node in lines else document.name
