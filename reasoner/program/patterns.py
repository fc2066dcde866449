"""Compile what a test may show: its usable results as record patterns, and the cases in which one is not expected."""

from __future__ import annotations

from dataclasses import dataclass

import pyoxigraph

from reasoner.errors import GuidelineError
from reasoner.knowledge import Graph
from reasoner.namespaces import RDF, curie
from reasoner.terms import RecordKind, lc

__all__ = ["Expectation", "RecordPattern", "UsableResult", "compile_results"]

_KINDS = (RecordKind.MEASUREMENT, RecordKind.EXAMINATION, RecordKind.FINDING, RecordKind.MEDICATION)
_READ = (
    "closes",
    "completeness",
    "extent",
    "interpretation",
    "ofDrug",
    "ofFinding",
    "ofTest",
    "presence",
    "recordStatus",
    "referenceHigh",
    "referenceLow",
    "result",
    "side",
    "unit",
    "value",
)


@dataclass(frozen=True, slots=True)
class RecordPattern:
    """A record without patient and date: its kind, and its properties as (IRI, IRI or text)."""

    kind: str
    properties: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Expectation:
    """A statement that a result is not expected in a case class, unless a case class in `unless` is entailed."""

    iri: str
    case_class: str
    unless: tuple[str, ...]
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UsableResult:
    """A result of an investigation: the records that it leaves, and where a guideline does not expect it."""

    iri: str
    investigation: str
    records: tuple[RecordPattern, ...]
    not_expected: tuple[Expectation, ...]


def compile_results(graph: Graph) -> tuple[UsableResult, ...]:
    """Compile every usable result; raise GuidelineError for one without investigation or record kind."""
    return tuple(_result(graph, iri) for iri in graph.instances(lc("UsableResult")))


def _result(graph: Graph, iri: str) -> UsableResult:
    investigation = graph.iri(iri, lc("resultOf"))
    if investigation is None:
        raise GuidelineError(f"{curie(iri)} is the result of nothing", where=graph.place(iri), repair="name the test by lc:resultOf")
    records = tuple(_pattern(graph, each) for each in (iri, *sorted(graph.iris(iri, lc("comesWith")))))
    expectations = tuple(_expectation(graph, each) for each in sorted(graph.subjects(lc("aboutResult"), iri)))
    return UsableResult(iri, investigation, records, expectations)


def _pattern(graph: Graph, iri: str) -> RecordPattern:
    kinds = [kind for kind in graph.iris(iri, RDF + "type") if kind in _KINDS]
    if not kinds and graph.iris(iri, lc("closes")):
        kinds = [RecordKind.CLOSURE]
    if len(kinds) != 1:
        raise GuidelineError(
            f"{curie(iri)} is no record pattern", where=graph.place(iri), why=f"it has {len(kinds)} record kinds", repair="type it as one"
        )
    properties: list[tuple[str, str]] = []
    for name in map(lc, _READ):
        properties += sorted((name, node.value if isinstance(node, pyoxigraph.Literal) else str(node)) for node in graph.nodes(iri, name))
    return RecordPattern(kinds[0], tuple(properties))


def _expectation(graph: Graph, iri: str) -> Expectation:
    classes, sentences = graph.iris(iri, lc("notExpectedIn")), graph.iris(iri, lc("citesSentence"))
    if len(classes) != 1 or not sentences:
        raise GuidelineError(
            f"The expectation {curie(iri)} is not whole",
            where=graph.place(iri),
            why=f"it names {len(classes)} classes and {len(sentences)} sentences",
            repair="give it one lc:notExpectedIn and at least one lc:citesSentence",
        )
    return Expectation(iri, classes[0], tuple(sorted(graph.iris(iri, lc("expectedAgainIn")))), tuple(sorted(sentences)))
