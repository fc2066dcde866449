"""Say where a recommendation stands: its guideline, the sentences it carries out, and the publications behind it, from the ontology."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from reasoner.export.fhir_json import Element, full
from reasoner.knowledge import Graph, read_graph
from reasoner.namespaces import LCG, PREFIXES, SKOS
from reasoner.program.premises import sentence_id
from reasoner.terms import lc

__all__ = ["Cited", "Sources", "load_sources"]

_SOURCE = PREFIXES["dcterms"] + "source"
_IDENTIFIER = PREFIXES["dcterms"] + "identifier"


@dataclass(frozen=True, slots=True)
class Cited:
    """What a recommendation states and rests on: sentences as (id, statement), publications as (label, identifiers)."""

    name: str
    label: str
    statement: str
    guideline: str
    sentences: tuple[tuple[str, str], ...]
    publications: tuple[tuple[str, tuple[str, ...]], ...]

    def to_json(self) -> Element:
        """Return the JSON form."""
        return full(
            id=LCG + self.name,
            label=self.label,
            statement=self.statement,
            guideline=self.guideline,
            sentences=[full(id=each, statement=statement) for each, statement in self.sentences],
            publications=[full(label=label, identifiers=list(known)) for label, known in self.publications],
        )


@dataclass(frozen=True)
class Sources:
    """What each recommendation rests on, by its IRI."""

    cited: Mapping[str, Cited]

    def named(self, name: str) -> Cited | None:
        """Return what the recommendation with a local name rests on, or None."""
        return self.cited.get(LCG + name)


def load_sources(folder: Path) -> Sources:
    """Read the sources of every recommendation below a knowledge folder; raise KnowledgeError for malformed Turtle."""
    graph = read_graph(sorted((folder / "ontology" / "guidelines").glob("*.ttl")))
    return Sources({iri: _cited(graph, iri) for iri in graph.instances(lc("Recommendation"), lc("RedFlag"))})


def _cited(graph: Graph, iri: str) -> Cited:
    sentences = sorted(graph.iris(iri, lc("citesSentence")))
    return Cited(
        iri.removeprefix(LCG),
        graph.label(iri),
        graph.text(iri, lc("statement")),
        graph.label(graph.iri(iri, lc("isPartOfGuideline")) or iri),
        tuple((sentence_id(each), graph.text(each, lc("statement")) or graph.text(each, SKOS + "definition")) for each in sentences),
        tuple((graph.label(each), tuple(graph.texts(each, _IDENTIFIER))) for each in graph.iris(iri, _SOURCE)),
    )
