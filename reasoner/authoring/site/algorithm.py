"""Draw the guidelines as an algorithm: the steps in order with their advice, and each decision; the same in words."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from reasoner.authoring.site.decisions import decision_parts, order_of, recommendations
from reasoner.authoring.site.drawing import Box, arrow, boxed, canvas, wrapped
from reasoner.authoring.site.elements import Content, Element, element
from reasoner.authoring.site.places import Places
from reasoner.namespaces import RDF
from reasoner.terms import lc

__all__ = ["algorithm_body"]

_COLUMNS = 2
_WIDTH = 330
_GAP = 14
_LANE = 30
_SHOWN = 6
_ACTS = (lc("recommendsInvestigation"), lc("recommendsAction"), lc("reviewsDrug"))


def algorithm_body(places: Places) -> list[Element]:
    """Return the content of the page: drawings, each with the same in words."""
    graph = places.graph
    steps = sorted(graph.instances(lc("Step")), key=lambda step: (order_of(graph, step), step))
    flags = [term for term in recommendations(graph) if lc("RedFlag") in graph.iris(term, RDF + "type")]
    advice = [term for term in recommendations(graph) if term not in flags]
    lanes = {graph.label(lc("RedFlag")): flags}
    lanes |= {graph.text(step, lc("word")): [term for term in advice if graph.iri(term, lc("step")) == step] for step in steps}
    rest = [term for term in advice if not graph.nodes(term, lc("step")) and not graph.nodes(term, lc("rowOf"))]
    decisions = sorted(graph.instances(lc("Decision")), key=lambda each: (graph.label(each).lower(), each))
    return [
        element("h1", "The guidelines as an algorithm"),
        element(
            "p",
            "From above to below: what comes first. A box names the case that it is for, and leads to the advice. Advice of an earlier step does not end the way, unless it sets the later one aside.",
        ),
        *_steps(places, {words: found for words, found in lanes.items() if found}),
        *(part for decision in decisions for part in decision_parts(places, decision)),
        element("h2", "The steps in words"),
        *(part for words, found in lanes.items() if found for part in (element("h3", words), _in_words(places, found))),
        element("h2", "Advice that belongs to no step"),
        _in_words(places, rest),
    ]


# --- steps -------------------------------------------------------------------------------------------------------------


def _steps(places: Places, lanes: Mapping[str, list[str]]) -> list[Element]:
    """Return one drawing per step, so that each can stand on a page, joined by arrows."""
    width = _COLUMNS * (_WIDTH + _GAP) + _GAP
    drawings = []
    for number, (words, found) in enumerate(lanes.items(), 1):
        boxes, height = _lane(places, found, _LANE)
        frame = element("rect", x=1, y=1, width=width - 2, height=height + _LANE - 2, rx=8, class_="lane")
        title = element("text", f"{number}. {words}", x=_GAP, y=20, font_weight="bold")
        bottom = height + _LANE
        onward = arrow((width / 2, bottom), (width / 2, bottom + _LANE)) if number < len(lanes) else []
        drawings.append(canvas(width, bottom + (_LANE if onward else 2), f"Step {number}: {words}", [frame, title, boxes, onward]))
    return drawings


def _lane(places: Places, found: list[str], top: float) -> tuple[list[Content], float]:
    """Return the boxes of a step in rows below `top`, and how high they are together."""
    parts: list[Content] = []
    y = top
    for start in range(0, len(found), _COLUMNS):
        row = [_box(places, term, _GAP + column * (_WIDTH + _GAP), y) for column, term in enumerate(found[start : start + _COLUMNS])]
        height = max(box.height for box in row)
        parts += [boxed(box, height) for box in row]
        y += height + _GAP
    return parts, y - top


def _box(places: Places, term: str, x: float, y: float) -> Box:
    graph = places.graph
    inclusion = graph.iri(term, lc("hasInclusion"))
    quiet = wrapped(graph.label(inclusion) if inclusion else "", _WIDTH - 16)
    return Box(x, y, _WIDTH, tuple(quiet), tuple(wrapped(graph.label(term), _WIDTH - 16)), places.href(term), graph.label(term))


def _in_words(places: Places, terms: Iterable[str]) -> Element:
    return element("ul", [element("li", _sentence(places, term)) for term in terms])


def _sentence(places: Places, term: str) -> list[Content]:
    """Return a recommendation in words: its case, the act that it is for or against, what must be known before, what sets it aside."""
    graph = places.graph
    inclusion = graph.iri(term, lc("hasInclusion"))
    words: list[Content] = ["If ", places.name(inclusion), ": "] if inclusion else []
    words.append(places.name(term))
    against = graph.iri(term, lc("direction")) == lc("_Direction_against")
    for act in (act for predicate in _ACTS for act in graph.iris(term, predicate)):
        words += [", against " if against else ", for ", places.name(act)]
    for predicate, before in ((lc("hasExclusion"), "; not when "), (lc("overrides"), "; sets aside ")):
        found = graph.iris(term, predicate)
        words += [before, *_joined(places, found)] if found else []
    by = graph.subjects(lc("overrides"), term)
    words += ["; set aside by ", *_joined(places, by)] if by else []
    if graph.flag(term, lc("overridesRoutine")):
        words.append("; sets all routine advice aside")
    return [*words, "."]


def _joined(places: Places, terms: Collection[str]) -> list[Content]:
    """Return terms as links, one after the other; many are counted, the term's own section lists them."""
    if len(set(terms)) > _SHOWN:
        return [f"{len(set(terms))} others"]
    named: list[Content] = []
    for term in sorted(terms, key=lambda each: (places.graph.label(each).lower(), each)):
        named += [", ", places.name(term)] if named else [places.name(term)]
    return named
