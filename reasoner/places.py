"""Say where in the documents of a call a node is described, as far as their format has lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property

from reasoner.documents import FHIR_FORMATS, Document

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


def places_in(documents: Iterable[Document], base: str = "") -> Place:
    """Return what gives the place of a node in RDF, in FHIR Turtle and in bulk exports; lines are looked for when first asked for.

    A FHIR resource goes by the IRI that its reading under `base` gave it; what it says in parts has its place.
    """
    return _Places(tuple(documents), base).of


class _Places:
    def __init__(self, documents: Sequence[Document], base: str) -> None:
        self._documents = documents
        self._base = base

    @cached_property
    def _nodes(self) -> Mapping[str, str]:
        return _described(each for each in self._documents if each.format not in FHIR_FORMATS)

    @cached_property
    def _by_iri(self) -> Mapping[str, str]:
        return _resources([each for each in self._documents if each.format in FHIR_FORMATS], self._base)

    def of(self, node: str) -> str:
        """Return the place of a node."""
        return self._nodes.get(node) or self._by_iri.get(node) or self._by_iri.get(node.partition("#")[0], "")


def _described(documents: Iterable[Document]) -> dict[str, str]:
    """Return the places of nodes of RDF; of several documents that describe one the first counts."""
    from reasoner.validation import subject_lines

    found: dict[str, str] = {}
    for document in documents:
        for node, line in subject_lines(document).items():
            found.setdefault(node, f"{document.name}:{line}")
    return found


def _resources(documents: Sequence[Document], base: str) -> dict[str, str]:
    """Return the places of FHIR resources by IRI; those of a JSON document have none."""
    if all(each.format == "fhir" for each in documents):
        return {}
    from reasoner.fhir.elements import string
    from reasoner.fhir.places import placed_entries
    from reasoner.fhir.sources import Source
    from reasoner.fhir.turtle import relative_base
    from reasoner.validation import subject_lines

    stem = relative_base(base)
    written = {each.name: subject_lines(each, stem) for each in documents}
    found: dict[str, str] = {}
    for entry, source, number in placed_entries([Source(each.name, each.text, FHIR_FORMATS[each.format]) for each in documents], base):
        holder = entry.home or entry
        names = holder.node, f"{stem}{holder.kind}/{string(holder.resource, 'id')}"
        line = number or next((written[source.name][name] for name in names if name in written[source.name]), 0)
        if line:
            found[entry.node] = f"{source.name}:{line}"
    return found
