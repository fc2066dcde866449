"""Write the section of a term: label, definition, everything that is stated of it, its codes, and where it is used."""

from __future__ import annotations

from collections.abc import Iterator

import pyoxigraph

from reasoner.authoring.site.definitions import class_definition
from reasoner.authoring.site.elements import Content, Element, element, external
from reasoner.authoring.site.places import Places
from reasoner.knowledge import Node
from reasoner.namespaces import OWL, PREFIXES, RDF, RDFS, SKOS, curie
from reasoner.program.evidence import code_stems, term_codes
from reasoner.terms import lc

__all__ = ["more_of", "term_section"]

_SHOWN = 60
"""How many users of a term are listed; more are counted."""

_WORDS = {
    RDF + "type": "is a",
    RDFS + "subClassOf": "kind of",
    RDFS + "subPropertyOf": "part of the role",
    RDFS + "domain": "said of",
    RDFS + "range": "leads to",
    RDFS + "comment": "comment",
    RDFS + "seeAlso": "see also",
    OWL + "disjointWith": "never together with",
    OWL + "deprecated": "given up",
    SKOS + "altLabel": "also called",
    SKOS + "example": "example",
    SKOS + "scopeNote": "note",
    SKOS + "editorialNote": "editorial note",
    SKOS + "notation": "mark",
    PREFIXES["dcterms"] + "source": "source",
    PREFIXES["dcterms"] + "identifier": "identifier",
    PREFIXES["dcterms"] + "date": "date",
    PREFIXES["dcterms"] + "issued": "issued",
    PREFIXES["dcterms"] + "isReplacedBy": "replaced by",
    PREFIXES["lcs"] + "exemptFrom": "exempt from",
}
_MATCHES = frozenset(SKOS + name for name in ("exactMatch", "closeMatch", "narrowMatch", "broadMatch"))
_APART = frozenset({SKOS + "prefLabel", SKOS + "definition", OWL + "equivalentClass", *_MATCHES})
_UNSAID = frozenset({OWL + "Class", OWL + "NamedIndividual"})
_LAST = (PREFIXES["dcterms"] + "source", lc("verification"))


def term_section(places: Places, term: str, *, anchored: bool = True) -> Element:
    """Return the section of a term; it carries the term's anchor unless another element of the page does."""
    graph = places.graph
    heading = element("h3", graph.label(term), " ", element("code", curie(term)))
    body = [element("p", _text(node)) for node in graph.nodes(term, SKOS + "definition")]
    gone = "deprecated" if graph.flag(term, OWL + "deprecated") else ""
    anchor = {"id": places.anchor(term)} if anchored else {}
    return element("section", heading, body, element("dl", list(_rows(places, term))), class_=f"term {gone}".strip(), **anchor)


def more_of(places: Places, terms: list[str]) -> list[Element]:
    """Return the sections of several terms."""
    return [term_section(places, term) for term in terms]


def _rows(places: Places, term: str) -> Iterator[Element]:
    stated = places.graph.out.get(term, {})
    for node in places.graph.nodes(term, SKOS + "prefLabel"):
        if isinstance(node, pyoxigraph.Literal) and node.language not in (None, "en"):
            yield from _row(f"label ({node.language})", _text(node))
    definition = class_definition(places, term)
    if definition is not None:
        yield from _row("defined as", definition)
    ordered = sorted(
        stated.keys() - _APART,
        key=lambda each: (_LAST.index(each) if each in _LAST else -1, list(_WORDS).index(each) if each in _WORDS else 99, each),
    )
    for predicate in ordered:
        nodes = [node for node in stated[predicate] if predicate != RDF + "type" or node not in _UNSAID]
        if nodes:
            yield from _row(_predicate(places, predicate), _values(places, nodes))
    codes = term_codes(places.graph, term, code_stems(places.graph))
    if codes:
        yield from _row(
            "codes",
            element(
                "ul",
                [element("li", f"{code} ", element("code", system), f" ({match.removesuffix('Match')})") for system, code, match in codes],
            ),
        )
    left = [node for match in sorted(_MATCHES) for node in stated.get(match, []) if not codes]
    if left:
        yield from _row("matches", _values(places, left))
    yield from _usage(places, term)


def _row(words: Content, value: Content) -> Iterator[Element]:
    yield element("dt", words)
    yield element("dd", value)


def _predicate(places: Places, predicate: str) -> Content:
    """Return the words of a predicate: a standard one's, or the label of one of the project's, which leads to it."""
    return _WORDS.get(predicate) or places.name(predicate)


def _values(places: Places, nodes: list[Node]) -> Content:
    values = [_value(places, node) for node in nodes]
    return values[0] if len(values) == 1 else element("ul", [element("li", value) for value in values])


def _value(places: Places, node: Node) -> Content:
    if isinstance(node, pyoxigraph.Literal):
        return _text(node)
    if not node.startswith("_:"):
        return places.name(node)
    inner = [(predicate, value) for predicate, values in places.graph.out.get(node, {}).items() for value in values]
    return element("ul", [element("li", _predicate(places, predicate), ": ", _value(places, value)) for predicate, value in inner])


def _text(node: Node) -> Content:
    """Return a literal as text, marked where it is in another language, a web address as a link."""
    if not isinstance(node, pyoxigraph.Literal):
        return curie(node)
    if node.language and node.language != "en":
        return element("span", node.value, lang=node.language)
    return external(node.value)


def _usage(places: Places, term: str) -> Iterator[Element]:
    """Yield what refers to a term: by which statement, or within which definitions."""
    found: dict[str, set[str]] = {}
    for predicate, subjects in places.graph.into.get(term, {}).items():
        for subject in subjects:
            owner, within = _owner(places, subject)
            if owner and owner != term:
                found.setdefault("" if within else predicate, set()).add(owner)
    for predicate in sorted(found):
        users = sorted(found[predicate], key=lambda each: (places.graph.label(each).lower(), each))
        rest = element("li", f"and {len(users) - _SHOWN} more") if len(users) > _SHOWN else None
        listed = element("ul", [element("li", places.name(each)) for each in users[:_SHOWN]], rest)
        words: Content = ("used as “", _predicate(places, predicate), "” by") if predicate else "used in the definition of"
        yield from _row(words, listed)


def _owner(places: Places, node: str) -> tuple[str, bool]:
    """Return the named term in whose description a node stands, and whether it stands below a blank node there."""
    within = False
    seen: set[str] = set()
    while node.startswith("_:") and node not in seen:
        seen.add(node)
        within = True
        above = [subject for subjects in places.graph.into.get(node, {}).values() for subject in subjects]
        node = above[0] if above else ""
    return (node, within) if node and not node.startswith("_:") else ("", within)
