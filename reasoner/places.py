"""Say where in the documents of a call a node is described, as far as their format has lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache

from reasoner.documents import Document

__all__ = ["Place", "nowhere", "placed", "places_in"]

Place = Callable[[str], str]
"""Gives the place of a node, as file:line; the empty text where it is not known."""


def nowhere(node: str) -> str:
    """Return the empty text: of no node the place is known."""
    return ""


def placed(text: str, places: Iterable[str]) -> str:
    """Return what a problem says after the places of its records, unless it begins with one itself."""
    found = [place for place in dict.fromkeys(places) if place and not text.startswith(f"{place}:")]
    return f"{', '.join(found)}: {text}" if found else text


def places_in(documents: Iterable[Document]) -> Place:
    """Return what gives the place of a node in RDF and in bulk exports; lines are looked for when they are first asked for."""
    read = tuple(documents)

    @cache
    def lines() -> tuple[tuple[str, Mapping[str, int]], ...]:
        from reasoner.validation import subject_lines

        return tuple((each.name, _export_lines(each) if each.format == "fhir-ndjson" else subject_lines(each)) for each in read)

    def place(node: str) -> str:
        names = node, "/".join(node.split("/")[-2:])
        return next((f"{document}:{found[name]}" for document, found in lines() for name in names if name in found), "")

    return place


def _export_lines(document: Document) -> dict[str, int]:
    """Return the line of each resource of a bulk export, by its type and id."""
    from reasoner.fhir.elements import string
    from reasoner.fhir.sources import BadLine, read_line

    found: dict[str, int] = {}
    for number, line in enumerate(document.text.split(b"\n"), 1):
        resource = read_line(line, "") if line.strip() else None
        if resource is not None and not isinstance(resource, BadLine):
            found.setdefault(f"{string(resource, 'resourceType')}/{string(resource, 'id')}", number)
    return found
