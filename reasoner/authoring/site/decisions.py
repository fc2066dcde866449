"""Draw a decision as a ladder: the rows of one rule in a box, each box above those that it sets aside."""

from __future__ import annotations

from dataclasses import dataclass

from reasoner.authoring.site.drawing import LINE, Box, arrow, boxed, canvas, wrapped
from reasoner.authoring.site.elements import Content, Element, element
from reasoner.authoring.site.places import Places
from reasoner.knowledge import Graph
from reasoner.namespaces import SKOS
from reasoner.terms import lc

__all__ = ["decision_parts", "order_of", "recommendations"]

_WIDTH = 178
_GAP = 14


@dataclass(frozen=True)
class _Rule:
    """The rows that share a rule's id and verdict."""

    id: str
    verdict: str
    rows: tuple[str, ...]


def recommendations(graph: Graph) -> list[str]:
    """Return the recommendations, red flags included, in the guidelines' order."""
    found = graph.instances(lc("Recommendation"), lc("RedFlag"))
    return sorted(found, key=lambda term: (order_of(graph, term), graph.label(term).lower(), term))


def order_of(graph: Graph, term: str) -> float:
    """Return the place of a term in its order; the last for one that states none."""
    text = graph.text(term, lc("presentationOrder"))
    return float(text) if text else float("inf")


def decision_parts(places: Places, decision: str) -> list[Element]:
    """Return what there is to show of a decision: its question, the ladder, and the same in words."""
    graph = places.graph
    rules = _rules(graph, decision)
    parts = [element("h2", "Decision: ", places.name(decision)), element("p", graph.text(decision, SKOS + "definition"))]
    if not rules:
        return parts
    below = _below(graph, rules)
    layers = _layers(rules, below)
    parts.append(_ladder(places, decision, layers, below))
    parts.append(element("ol", [element("li", _in_words(places, rule, below)) for layer in layers for rule in layer]))
    remaining = graph.iri(decision, lc("remainingVerdict"))
    if remaining:
        parts.append(element("p", "When no row can be shown to apply: ", places.name(remaining), "."))
    return parts


def _rules(graph: Graph, decision: str) -> list[_Rule]:
    """Return the rules of a decision in the order of their first rows."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in recommendations(graph):
        if graph.iri(row, lc("rowOf")) == decision:
            key = graph.text(row, lc("ruleId")) or graph.label(row), graph.iri(row, lc("yieldsVerdict")) or ""
            found.setdefault(key, []).append(row)
    return [_Rule(name, verdict, tuple(rows)) for (name, verdict), rows in found.items()]


def _below(graph: Graph, rules: list[_Rule]) -> dict[_Rule, list[_Rule]]:
    """Return for each rule those that it sets aside, without those that one of them sets aside as well."""
    rule_of = {row: rule for rule in rules for row in rule.rows}
    direct = {
        rule: {rule_of[each] for row in rule.rows for each in graph.iris(row, lc("overrides")) if each in rule_of} - {rule}
        for rule in rules
    }
    return {
        rule: [each for each in rules if each in direct[rule] and not any(each in direct[way] for way in direct[rule])] for rule in rules
    }


def _layers(rules: list[_Rule], below: dict[_Rule, list[_Rule]]) -> list[list[_Rule]]:
    """Return the rules in layers: each stands below all that set it aside."""
    depth = dict.fromkeys(rules, 0)
    for _ in rules:
        for rule in rules:
            for each in below[rule]:
                depth[each] = max(depth[each], depth[rule] + 1)
    return [[rule for rule in rules if depth[rule] == level] for level in sorted(set(depth.values()))]


def _ladder(places: Places, decision: str, layers: list[list[_Rule]], below: dict[_Rule, list[_Rule]]) -> Element:
    width = max(len(layer) for layer in layers) * (_WIDTH + _GAP) + _GAP
    boxes: dict[_Rule, tuple[Box, float]] = {}
    y = float(_GAP)
    for layer in layers:
        left = (width - len(layer) * (_WIDTH + _GAP) + _GAP) / 2
        placed = [_rung(places, rule, left + number * (_WIDTH + _GAP), y) for number, rule in enumerate(layer)]
        height = max(box.height for box in placed)
        boxes |= {rule: (box, height) for rule, box in zip(layer, placed, strict=True)}
        y += height + 2 * LINE
    parts: list[Content] = []
    for rule, (box, height) in boxes.items():
        for each in below[rule]:
            other = boxes[each][0]
            parts += arrow((box.x + _WIDTH / 2, box.y + height), (other.x + _WIDTH / 2, other.y))
    parts += [boxed(box, height) for box, height in boxes.values()]
    return canvas(width, y, f"{places.graph.label(decision)}: a rule sets aside the rules below it", parts)


def _rung(places: Places, rule: _Rule, x: float, y: float) -> Box:
    graph = places.graph
    quiet = wrapped(f"→ {graph.label(rule.verdict)}" if rule.verdict else "", _WIDTH - 16, 2)
    more = f" and {len(rule.rows) - 1} more" if len(rule.rows) > 1 else ""
    words = wrapped(f"{graph.label(rule.rows[0])}{more}", _WIDTH - 16, 4)
    return Box(x, y, _WIDTH, tuple(quiet), tuple(words), places.href(rule.rows[0]), graph.label(rule.rows[0]))


def _in_words(places: Places, rule: _Rule, below: dict[_Rule, list[_Rule]]) -> list[Content]:
    """Return a rule in words: its rows with their cases, the verdict, and which rules come after it."""
    graph = places.graph
    rows = []
    for row in rule.rows:
        inclusion = graph.iri(row, lc("hasInclusion"))
        rows.append(element("li", places.name(row), [": if ", places.name(inclusion)] if inclusion else None))
    verdict: list[Content] = [f"{rule.id} gives ", places.name(rule.verdict), "."] if rule.verdict else [f"{rule.id}."]
    further = " and what they set aside" if any(below[each] for each in below[rule]) else ""
    after = f" Sets aside {', '.join(each.id for each in below[rule])}{further}." if below[rule] else ""
    return [*verdict, after, element("ul", rows)]
