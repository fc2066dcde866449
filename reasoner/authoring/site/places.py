"""Give every term of the ontology its one place in the site: a page and an anchor, found from what the term is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import quote

from reasoner.authoring.descriptions import project_terms
from reasoner.authoring.site.elements import Element, element, link, slug
from reasoner.knowledge import Graph
from reasoner.namespaces import LC, OWL, RDF, RDFS, curie
from reasoner.terms import lc

__all__ = ["KINDS", "Kind", "Places", "own_terms"]

_SORTS = {"Finding": "findings", "Drug": "drugs", "Condition": "conditions", "Investigation": "investigations"}
_TYPES = {
    "Citation": "sources",
    "Sentence": "sentences",
    "Disagreement": "disagreements",
    "Position": "disagreements",
    "WeightedItem": "indicators",
    "UsableResult": "results",
    "Expectation": "results",
}
_ABOUT = tuple(map(lc, ("aboutCondition", "restates")))


@dataclass(frozen=True)
class Kind:
    """A page of the reference: its name, its title and what stands on it."""

    page: str
    title: str
    summary: str

    @property
    def count(self) -> str:
        """Return what stands on the page, as it is counted."""
        return f"{self.title.lower()}{'' if self.title.endswith('s') else ' terms'}"


KINDS = (
    Kind(
        "conditions", "Conditions", "What the differential weighs, each with a page of its own, and what else can be a recorded diagnosis."
    ),
    Kind("findings", "Findings", "Symptoms, signs, habits, risks and history that a record can hold."),
    Kind("drugs", "Drugs", "Classes and ingredients."),
    Kind("investigations", "Investigations", "Tests and imaging."),
    Kind("indicators", "Indicators", "Numbers and truth values that a case has at most once, with unit, validity and items."),
    Kind("case-classes", "Case classes", "Classes of cases with a definition, from which all advice is built."),
    Kind("results", "Usable results", "What each test can show, by which it is judged whether the test can matter."),
    Kind("vocabulary", "Vocabulary", "The classes, properties and values in which everything else is written."),
)
"""The pages of the reference that hold terms and nothing else, in order."""


def own_terms(graph: Graph) -> list[str]:
    """Return the terms of the project that the ontology describes, sorted by label."""
    return sorted(project_terms(graph), key=lambda term: (graph.label(term).lower(), term))


class Places:
    """Where each term stands: `terms` by page, and links that lead there."""

    def __init__(self, graph: Graph, guidelines: Mapping[str, str]) -> None:
        """`guidelines` gives the page of each term that a guideline's file describes."""
        self.graph = graph
        self._guidelines = guidelines
        self.page = {term: self._find(term) for term in own_terms(graph)}

    @cached_property
    def terms(self) -> dict[str, list[str]]:
        """Return the terms of each page, by label."""
        found: dict[str, list[str]] = {}
        for term, page in self.page.items():
            found.setdefault(page, []).append(term)
        return found

    def of(self, page: str, kind: str = "") -> list[str]:
        """Return the terms of a page, those of one type if it is named."""
        return [term for term in self.terms.get(page, []) if not kind or lc(kind) in self.graph.iris(term, RDF + "type")]

    @staticmethod
    def anchor(term: str) -> str:
        """Return the anchor of a term."""
        return quote(term.rpartition("/")[2], safe="")

    def href(self, term: str) -> str:
        """Return the address of a term within the site, or nothing."""
        return f"{self.page[term]}.html#{quote(self.anchor(term))}" if term in self.page else ""

    def name(self, term: str) -> Element:
        """Return the label of a term as a link to it, or the abbreviation of what is none of the project's."""
        return link(self.href(term), self.graph.label(term)) if term in self.page else element("code", curie(term))

    def names(self, terms: Iterable[str]) -> Element:
        """Return a list of terms by label."""
        ordered = sorted(set(terms), key=lambda term: (self.graph.label(term).lower(), term))
        return element("ul", [element("li", self.name(term)) for term in ordered])

    def _find(self, term: str) -> str:
        types = self.graph.iris(term, RDF + "type")
        for kind in types:
            if kind.startswith(LC) and kind.removeprefix(LC) in _TYPES:
                return _TYPES[kind.removeprefix(LC)]
        about = [self.graph.iri(term, predicate) or "" for predicate in _ABOUT] + self._weighed(term)
        pages = [condition_page(self.graph, each) for each in (term, *about) if each and self.graph.flag(each, lc("inDifferential"))]
        if pages:
            return pages[0]
        if lc("Case") in self.graph.iris(term, RDFS + "subClassOf"):
            return "case-classes"
        if term in self._guidelines:
            return self._guidelines[term]
        if self.graph.nodes(term, lc("indicatorForm")):
            return "indicators"
        above = self.graph.above(term, RDFS + "subClassOf") - {term} if OWL + "Class" in types else set()
        return next((page for sort, page in _SORTS.items() if lc(sort) in above), "vocabulary")

    def _weighed(self, group: str) -> list[str]:
        """Return the conditions whose criteria belong to a group of facts told in several ways."""
        members = self.graph.subjects(lc("restates"), group)
        return [self.graph.iri(member, lc("aboutCondition")) or "" for member in members]


def condition_page(graph: Graph, condition: str) -> str:
    """Return the name of a condition's page."""
    return f"condition-{slug(graph.label(condition))}"
