"""Take bundles apart: every resource of the documents once, with the IRI that its records will carry.

| FHIR R4 | here |
|---|---|
| a single resource | one entry |
| Bundle of any type but history | its entries in order; a Bundle inside a Bundle is taken apart too |
| `request.method` DELETE | left out: the sender withdraws it |
| a document whose Composition is entered-in-error | nothing of it is read |
| `contained` | entries of their own, named by their container |
| `fullUrl` (http or urn), else base + type + id | the IRI of the entry |
| the same IRI twice, same content | read once |
| the same IRI twice, other content | the later `meta.lastUpdated` is read; without one, both are, of a Patient the first |
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from urllib.parse import quote

from reasoner.errors import UnsupportedInputError
from reasoner.fhir.elements import EMPTY, Element, child, children, string
from reasoner.fhir.releases import as_r4
from reasoner.fhir.versions import refuse_other_versions
from reasoner.moments import parse_moment
from reasoner.record import Problem

__all__ = ["Entry", "Gathering", "gather_entries"]

_IRI = re.compile(r"(?:https?://|urn:)[^\s<>\"{}|\\^`]+")
_ID = re.compile(r"[A-Za-z0-9\-.]*")


@dataclass(frozen=True, slots=True)
class Entry:
    """A resource with its type, its IRI, its full URL (empty when none is given) and the entry that contains it."""

    node: str
    kind: str
    resource: Element
    url: str
    home: Entry | None


@dataclass(frozen=True, slots=True)
class Gathering:
    """The entries of all documents in order, those left out by reason and type, and what was wrong with their identity."""

    entries: tuple[Entry, ...]
    left_out: Counter[tuple[str, str]]
    problems: tuple[Problem, ...]


def gather_entries(documents: Iterable[Element], base: str, before: int = 0) -> Gathering:
    """Return every resource of `documents` once; raise UnsupportedInputError for what is not FHIR R4.

    `before` resources were read earlier: one without an id is named by its place among all.
    """
    found: list[Entry] = []
    left_out: Counter[tuple[str, str]] = Counter()
    problems: list[Problem] = []
    for document in documents:
        for resource, url in _taken_apart(document, "", left_out, problems):
            found.extend(_with_contained(resource, url, base, before + len(found) + 1))
    for entry in found:
        refuse_other_versions(entry.resource, entry.node)
    return _once(found, left_out, problems)


def _taken_apart(resource: Element, url: str, left_out: Counter[tuple[str, str]], problems: list[Problem]) -> Iterator[tuple[Element, str]]:
    """Yield the resources of a bundle with their full URLs, or the resource itself; what a bundle withdraws is left out."""
    if string(resource, "resourceType") != "Bundle":
        yield resource, url
        return
    refuse_other_versions(resource, url or "Bundle")
    if string(resource, "type") == "history":
        raise UnsupportedInputError(
            "A history Bundle is not read",
            why="it holds several versions of one resource",
            repair="send the current versions, as a collection or a searchset",
        )
    members = resource.get("entry")
    entries = [entry if isinstance(entry, dict) else EMPTY for entry in members] if isinstance(members, list) else []
    withdrawn = _is_withdrawn(resource, entries)
    if withdrawn:
        problems.append(
            Problem(
                "withdrawn-document",
                "the document was entered in error, nothing of it is read",
                "",
                (url or "Bundle",),
                "send the right one",
            )
        )
    for entry in entries:
        held = child(entry, "resource")
        if withdrawn or string(entry, "request", "method") == "DELETE":
            reason = "withdrawn-document" if withdrawn else "deleted"
            left_out.update((reason, string(each, "resourceType")) for each in (held, *children(held, "contained")))
        else:
            yield from _taken_apart(held, string(entry, "fullUrl"), left_out, problems)


def _is_withdrawn(bundle: Element, entries: list[Element]) -> bool:
    """Return whether a document's Composition, its first entry, says that the document was entered in error."""
    first = child(entries[0], "resource") if entries else EMPTY
    is_document = string(bundle, "type") == "document" and string(first, "resourceType") == "Composition"
    return is_document and string(first, "status") == "entered-in-error"


def _with_contained(resource: Element, url: str, base: str, position: int) -> Iterator[Entry]:
    resource = as_r4(resource)
    kind = string(resource, "resourceType")
    name = _escaped(string(resource, "id")) or (url.rpartition(":")[2] if _IRI.fullmatch(url) else f"entry-{position}")
    node = url if _IRI.fullmatch(url) else f"{base}{kind or 'entry'}/{name}"
    if kind == "Patient" and not url.startswith("http"):
        node = f"{base}Patient/{name}"
    entry = Entry(node, kind, resource, url, None)
    yield entry
    for number, inner in enumerate(children(resource, "contained"), 1):
        local = _escaped(string(inner, "id")) or f"contained-{number}"
        yield Entry(f"{node}#{local}", string(inner, "resourceType"), as_r4(inner), "", entry)


def _escaped(name: str) -> str:
    """Return an id as an IRI may hold it; one that FHIR allows needs nothing."""
    return name if _ID.fullmatch(name) else quote(name, safe="")


def _once(found: list[Entry], left_out: Counter[tuple[str, str]], problems: list[Problem]) -> Gathering:
    """Leave out repeated resources, and of two versions the older one."""
    kept: dict[str, Entry] = {}
    for entry in found:
        other = kept.get(entry.node)
        if other is None:
            kept[entry.node] = entry
        elif other.kind == entry.kind and other.resource == entry.resource:
            left_out["duplicate", entry.kind] += 1
        else:
            latest = _latest(other, entry)
            problems.append(_two_versions(entry, latest is not None))
            if latest is None and entry.kind != "Patient":
                kept[f"{entry.node}#{len(kept) + 1}"] = replace(entry, node=f"{entry.node}#{len(kept) + 1}")
            else:
                left_out["older-version", entry.kind] += 1
                kept[entry.node] = latest or other
    return Gathering(tuple(kept.values()), left_out, tuple(problems))


def _latest(first: Entry, second: Entry) -> Entry | None:
    """Return the entry that was updated last, or None when that is not stated."""
    moments = [parse_moment(string(child(entry.resource, "meta"), "lastUpdated")) for entry in (first, second)]
    one, two = moments
    if one is None or two is None or first.kind != second.kind or one.low == two.low:
        return None
    return first if one.low > two.low else second


def _two_versions(entry: Entry, settled: bool) -> Problem:
    kept = "the first counts" if entry.kind == "Patient" else "both count"
    outcome = "the one updated last is read" if settled else f"which one is current is not stated, {kept}"
    return Problem(
        "two-versions", f"the resource is there twice with different content: {outcome}", "", (entry.node,), "send only the current version"
    )
