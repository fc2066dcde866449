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
| the same IRI twice, other content | the latest `meta.lastUpdated` is read; where one is not stated all are, and of a Patient what they do not state differently |
"""

from __future__ import annotations

import json
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
_ABOUT_THE_RESOURCE = ("meta", "text")


@dataclass(frozen=True, slots=True)
class Entry:
    """A resource with its type, its IRI, its full URL (empty when none is given), the entry that contains it and its document's number."""

    node: str
    kind: str
    resource: Element
    url: str
    home: Entry | None
    document: int


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
    for number, document in enumerate(documents):
        for resource, url in _taken_apart(document, "", left_out, problems):
            found.extend(_with_contained(resource, url, base, before + len(found) + 1, number))
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


def _with_contained(resource: Element, url: str, base: str, position: int, document: int) -> Iterator[Entry]:
    resource = as_r4(resource)
    kind = string(resource, "resourceType")
    name = _escaped(string(resource, "id")) or (url.rpartition(":")[2] if _IRI.fullmatch(url) else f"entry-{position}")
    node = url if _IRI.fullmatch(url) else f"{base}{kind or 'entry'}/{name}"
    entry = Entry(node, kind, resource, url, None, document)
    yield entry
    for number, inner in enumerate(children(resource, "contained"), 1):
        local = _escaped(string(inner, "id")) or f"contained-{number}"
        yield Entry(f"{node}#{local}", string(inner, "resourceType"), as_r4(inner), "", entry, document)


def _escaped(name: str) -> str:
    """Return an id as an IRI may hold it; one that FHIR allows needs nothing."""
    return name if _ID.fullmatch(name) else quote(name, safe="")


def _once(found: list[Entry], left_out: Counter[tuple[str, str]], problems: list[Problem]) -> Gathering:
    """Leave out repeated resources, and of several versions the older ones."""
    alike: dict[str, list[Entry]] = {}
    for entry in found:
        alike.setdefault(entry.node, []).append(entry)
    kept = [entry for group in alike.values() for entry in (group if len(group) == 1 else _settled(group, left_out, problems))]
    return Gathering(tuple(kept), left_out, tuple(problems))


def _settled(group: list[Entry], left_out: Counter[tuple[str, str]], problems: list[Problem]) -> list[Entry]:
    """Return what is read of resources of one IRI; nothing of it depends on their order."""
    by_content = {(entry.kind != "Patient", entry.kind, _content(entry.resource)): entry for entry in reversed(group)}
    versions = [by_content[content] for content in sorted(by_content)]
    repeated = Counter(entry.kind for entry in group) - Counter(entry.kind for entry in versions)
    left_out.update({("duplicate", kind): number for kind, number in repeated.items()})
    if len(versions) == 1:
        return versions
    latest = _latest(versions)
    if latest is not None:
        left_out["older-version", latest.kind] += len(versions) - 1
        problems.append(_several_versions(latest, "the one updated last is read"))
        return [latest]
    patients = [entry for entry in versions if entry.kind == "Patient"]
    kept, unknown = versions, list[str]()
    if len(patients) > 1:
        merged, unknown = _merged(patients)
        kept = [merged, *versions[len(patients) :]]
        left_out["two-versions", "Patient"] += len(patients) - 1
    outcome = f"what they state differently is unknown: {', '.join(unknown)}" if unknown else "all count"
    problems.append(_several_versions(versions[0], f"which one is current is not stated, {outcome}"))
    first, *others = kept
    return [first, *(replace(entry, node=f"{entry.node}#version-{number}") for number, entry in enumerate(others, 2))]


def _content(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=repr)


def _latest(versions: list[Entry]) -> Entry | None:
    """Return the entry that was updated last, or None when that is not stated of each or they are of several types."""
    moments = [parse_moment(string(child(entry.resource, "meta"), "lastUpdated")) for entry in versions]
    known = sorted((moment.low, place) for place, moment in enumerate(moments) if moment is not None)
    if len(known) < len(versions) or known[-1][0] == known[-2][0] or len({entry.kind for entry in versions}) > 1:
        return None
    return versions[known[-1][1]]


def _merged(versions: list[Entry]) -> tuple[Entry, list[str]]:
    """Return the Patient that states what no version states differently, and the elements that are unknown for that.

    Lists are joined: one more name or identifier contradicts no other.
    """
    lists, stated = set[str](), dict[str, dict[str, object]]()
    for entry in versions:
        for name, value in entry.resource.items():
            if isinstance(value, list):
                lists.add(name)
            values = value if isinstance(value, list) else [value]
            stated.setdefault(name, {}).update((_content(each), each) for each in values)
    unknown = sorted(name for name, values in stated.items() if name not in lists and len(values) > 1)
    resource = {
        name: list(values.values()) if name in lists else next(iter(values.values()))
        for name, values in stated.items()
        if name not in unknown
    }
    return replace(versions[0], resource=resource), [name for name in unknown if name not in _ABOUT_THE_RESOURCE]


def _several_versions(entry: Entry, outcome: str) -> Problem:
    text = f"the resource is there more than once with different content: {outcome}"
    return Problem("two-versions", text, "", (entry.node,), "send only the current version")
