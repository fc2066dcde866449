"""Draw the class tree below a class, and write the same tree as nested lists."""

from __future__ import annotations

from collections.abc import Iterator

from reasoner.authoring.site.drawing import canvas
from reasoner.authoring.site.elements import Element, element
from reasoner.authoring.site.places import Places
from reasoner.namespaces import RDFS

__all__ = ["tree_drawing", "tree_list"]

_ROW = 21
_STEP = 20
_CHARACTER = 8


def tree_drawing(places: Places, root: str) -> Element:
    """Return the tree as a drawing: one row per class, joined to the class above it."""
    rows = list(_rows(places, root, 0, (root,)))
    parts = []
    last: dict[int, int] = {}
    for number, (term, depth) in enumerate(rows):
        x, y = depth * _STEP + 4, number * _ROW + 15
        if depth:
            above = last[depth] * _ROW + 11 if depth in last else last[depth - 1] * _ROW + 20
            corner = (depth - 1) * _STEP + 10
            parts.append(element("path", d=f"M{corner} {above} V{y - 4} H{x - 2}", class_="line"))
        last = {each: row for each, row in last.items() if each < depth} | {depth: number}
        parts.append(element("a", element("text", places.graph.label(term), x=x, y=y), href=places.href(term)))
    width = max(depth * _STEP + 12 + len(places.graph.label(term)) * _CHARACTER for term, depth in rows)
    return canvas(round(width), len(rows) * _ROW + 8, f"Class tree below {places.graph.label(root)}", parts)


def tree_list(places: Places, root: str, trail: tuple[str, ...] = ()) -> Element:
    """Return the tree as nested lists."""
    below = [tree_list(places, each, (*trail, root)) for each in _below(places, root) if each not in trail]
    item = element("li", places.name(root), element("ul", below) if below else None)
    return item if trail else element("ul", item)


def _rows(places: Places, term: str, depth: int, trail: tuple[str, ...]) -> Iterator[tuple[str, int]]:
    yield term, depth
    for each in _below(places, term):
        if each not in trail:
            yield from _rows(places, each, depth + 1, (*trail, each))


def _below(places: Places, term: str) -> list[str]:
    found = [each for each in places.graph.subjects(RDFS + "subClassOf", term) if each in places.page]
    return sorted(set(found), key=lambda each: (places.graph.label(each).lower(), each))
