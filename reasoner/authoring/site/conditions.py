"""Write the page of a condition: what settles it, what speaks for and against it with ratio and source, which tests bear on it."""

from __future__ import annotations

from collections.abc import Iterable

from reasoner.authoring.site.definitions import class_definition
from reasoner.authoring.site.elements import Content, Element, element, rows_table
from reasoner.authoring.site.places import Places
from reasoner.authoring.site.terms import more_of, term_section
from reasoner.knowledge import Graph
from reasoner.namespaces import OWL, RDF, SKOS
from reasoner.program.rows import Criterion
from reasoner.terms import lc

__all__ = ["condition_body", "ranked_conditions"]

_HEADS = ("Fact", "Weight in decibans", "Likelihood ratio or band", "Counts with", "Source", "Mark")


def ranked_conditions(graph: Graph) -> list[str]:
    """Return the conditions of the differential, by label."""
    found = [term for term in graph.out if graph.flag(term, lc("inDifferential"))]
    return sorted(found, key=lambda term: (graph.label(term).lower(), term))


def condition_body(places: Places, condition: str, criteria: Iterable[Criterion]) -> list[Element]:
    """Return the content of a condition's page; `criteria` are those of all conditions."""
    graph, page = places.graph, places.page[condition]
    criteria = [each for each in criteria if each.condition == condition]
    others = [term for term in places.of(page) if term != condition]
    return [
        element("h1", graph.label(condition), id=places.anchor(condition)),
        element("p", graph.text(condition, SKOS + "definition")),
        *_settled(places, condition),
        *_evidence(places, criteria, speaks_for=True),
        *_evidence(places, criteria, speaks_for=False),
        *_starts(places, condition),
        *_tests(places, condition, criteria),
        element("h2", "Everything on file"),
        term_section(places, condition, anchored=False),
        *more_of(places, others),
    ]


def _settled(places: Places, condition: str) -> Iterable[Element]:
    for words, name in (("Confirmed by", "confirmedBy"), ("Excluded by", "excludedBy")):
        classes = places.graph.iris(condition, lc(name))
        yield element("h2", words)
        if not classes:
            yield element("p", "Nothing on record can do so.")
        for each in classes:
            yield element("p", places.name(each))
            yield class_definition(places, each) or element("p", "It has no definition.")


def _evidence(places: Places, criteria: Iterable[Criterion], *, speaks_for: bool) -> Iterable[Element]:
    """Return the table of the facts that speak for, or against, strongest first."""
    found = []
    for each in criteria:
        for present, weight, low, high in (
            (True, each.present, each.present_low, each.present_high),
            (False, each.absent, each.absent_low, each.absent_high),
        ):
            if weight is not None and (float(weight) > 0) is speaks_for:
                found.append(
                    (
                        -abs(float(weight)),
                        places.graph.label(each.subject),
                        present,
                        _evidence_row(places, each, present, (weight, low, high)),
                    )
                )
    found.sort(key=lambda item: (item[0], item[1].lower(), not item[2]))
    yield element("h2", "Speaks for it" if speaks_for else "Speaks against it")
    yield (
        rows_table("What is not known adds nothing.", _HEADS, [row for *_, row in found]) if found else element("p", "Nothing is on file.")
    )


def _evidence_row(places: Places, each: Criterion, present: bool, weight: tuple[str, str | None, str | None]) -> tuple[Content, ...]:
    words = {"finding": ("present", "absent"), "drug": ("taken", "not taken"), "class": ("holds", "does not hold")}[each.kind]
    middle, low, high = weight
    span = f" ({float(low):+.1f} to {float(high):+.1f})" if low is not None and high is not None else ""
    return (
        [places.name(each.subject), f": {words[0] if present else words[1]}"],
        f"{float(middle):+.1f}{span}",
        _ratio(places, each.iri, present),
        places.name(each.group) if each.group else "",
        places.names(each.sources),
        each.mark,
    )


def _ratio(places: Places, criterion: str, present: bool) -> Content:
    """Return the published ratio with its interval, or the expert band."""
    graph = places.graph
    end = "Positive" if present else "Negative"
    ratio, low, high = (graph.text(criterion, lc(f"likelihoodRatio{end}{bound}")) for bound in ("", "Low", "High"))
    if ratio:
        return f"{ratio} ({low} to {high})" if low and high else f"{ratio} (no interval on file)"
    band = graph.iri(criterion, lc("pertinence" if present else "absencePertinence"))
    return [places.name(band), " (expert)"] if band else ""


def _starts(places: Places, condition: str) -> Iterable[Element]:
    graph = places.graph
    bands = [band for band in graph.subjects(lc("aboutCondition"), condition) if lc("StartingBand") in graph.iris(band, RDF + "type")]
    if bands:
        rows = [(places.name(graph.iri(band, lc("aboutCaseClass")) or band), graph.text(band, lc("decibans"))) for band in sorted(bands)]
        yield element("h2", "Where it starts")
        yield rows_table("Before any evidence, expert", ("Case", "Decibans"), rows)


def _tests(places: Places, condition: str, criteria: Iterable[Criterion]) -> Iterable[Element]:
    """Return the investigations that can settle the condition, and those that can only weigh."""
    graph = places.graph
    settling = _investigations(graph, [term for name in ("confirmedBy", "excludedBy") for term in graph.iris(condition, lc(name))])
    weighing = _investigations(graph, [each.subject for each in criteria]) - settling
    yield element("h2", "Tests")
    for words, found in (("Can help to confirm or exclude it:", settling), ("Can only add weight:", weighing)):
        yield element("p", words if found else f"{words} none.")
        if found:
            yield places.names(found)


def _investigations(graph: Graph, terms: Iterable[str]) -> set[str]:
    """Return the investigations whose values the definitions below some terms read."""
    seen: set[str] = set()
    stack = list(terms)
    found: set[str] = set()
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        found.update(graph.iris(node, lc("measuredBy")))
        if graph.nodes(node, lc("indicatorForm")):
            stack += [each for name in ("minuend", "subtrahend", "dependsOnIndicator") for each in graph.iris(node, lc(name))]
        elif node.startswith("_:") or graph.nodes(node, OWL + "equivalentClass"):
            below = (
                graph.out.get(node, {}) if node.startswith("_:") else {OWL + "equivalentClass": graph.nodes(node, OWL + "equivalentClass")}
            )
            stack += [each for nodes in below.values() for each in nodes if isinstance(each, str)]
    return found
