"""Find the resource that a reference points at, within the documents at hand.

| reference | found by |
|---|---|
| `urn:uuid:…`, `urn:oid:…`, absolute URL | full URL |
| `Type/id` | full URL under the server of the referring entry, else type and id when only one resource has them, in the same document or at all |
| `#id`, `#` | contained resource, container |
| `Type?identifier=system|value`, or `identifier` alone | the only resource of that type with that identifier |
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TypeVar
from urllib.parse import unquote

from reasoner.fhir.elements import Element, child, children, string
from reasoner.fhir.entries import Entry

__all__ = ["Index", "entry_names", "reference_keys", "reference_words"]

_RELATIVE = re.compile(r"(?P<root>.*/)?(?P<kind>[A-Z][A-Za-z]+)/(?P<id>[A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?")
_ANYWHERE = "any server: "
_Key = TypeVar("_Key", tuple[str, str], tuple[int, str, str])


class Index:
    """The entries of a reading by full URL, by type and id, by identifier and by node; None where several could be meant."""

    def __init__(self, entries: Iterable[Entry], base: str) -> None:
        self._base = base
        self._by_url: dict[str, Entry] = {}
        self._by_node: dict[str, Entry] = {}
        self._by_id: dict[tuple[str, str], Entry | None] = {}
        self._nearby: dict[tuple[int, str, str], Entry | None] = {}
        self._unplaced: dict[tuple[str, str], Entry | None] = {}
        self._by_identifier: dict[tuple[str, str], Entry | None] = {}
        for entry in entries:
            self._add(entry)

    def _add(self, entry: Entry) -> None:
        self._by_node.setdefault(entry.node, entry)
        if entry.url:
            self._by_url.setdefault(entry.url, entry)
        name = string(entry.resource, "id")
        if entry.home is None and name:
            _note(self._by_id, (entry.kind, name), entry)
            _note(self._nearby, (entry.document, entry.kind, name), entry)
            if not entry.url:
                _note(self._unplaced, (entry.kind, name), entry)
        for identifier in children(entry.resource, "identifier"):
            key = (entry.kind, f"{string(identifier, 'system')}|{string(identifier, 'value')}")
            self._by_identifier[key] = None if key in self._by_identifier else entry

    def find(self, reference: Element, source: Entry) -> Entry | None:
        """Return the entry that `reference`, standing in `source`, points at, or None when none or several could be meant."""
        address = string(reference, "reference")
        if not address:
            return self._by_logical(reference)
        if address.startswith("#"):
            home = source.home or source
            return home if address == "#" else self._by_node.get(f"{home.node}{address}")
        kind, question, condition = address.partition("?")
        if question:
            return self._by_condition(kind, condition)
        if address in self._by_url:
            return self._by_url[address]
        parts = _RELATIVE.fullmatch(address)
        if parts is None:
            return None
        root = parts["root"] or _root(source)
        found = self._by_url.get(f"{root}{parts['kind']}/{parts['id']}")
        return found or self._by_type(parts["kind"], parts["id"], source.document, parts["root"] in (None, self._base))

    def _by_type(self, kind: str, name: str, document: int, anywhere: bool) -> Entry | None:
        """Return the only resource of that type and id, in the document or at all; one at a named server only if it has no full URL of its own."""
        if not anywhere:
            return self._unplaced.get((kind, name))
        near = (document, kind, name)
        return self._nearby[near] if near in self._nearby else self._by_id.get((kind, name))

    def _by_condition(self, kind: str, condition: str) -> Entry | None:
        name, _, value = condition.partition("=")
        return self._only(kind, unquote(value)) if name == "identifier" and "&" not in value else None

    def _by_logical(self, reference: Element) -> Entry | None:
        identifier = child(reference, "identifier")
        if not string(identifier, "value"):
            return None
        return self._only(string(reference, "type") or "Patient", f"{string(identifier, 'system')}|{string(identifier, 'value')}")

    def _only(self, kind: str, identifier: str) -> Entry | None:
        return self._by_identifier.get((kind, identifier))


def _note(table: dict[_Key, Entry | None], key: _Key, entry: Entry) -> None:
    """Enter `entry`, or None where another one goes by that key."""
    other = table.setdefault(key, entry)
    if other is not None and other.url != entry.url:
        table[key] = None


def _root(entry: Entry) -> str:
    """Return the server address under which `entry` stands, or the empty string."""
    parts = _RELATIVE.fullmatch((entry.home or entry).url)
    return (parts["root"] or "") if parts else ""


def entry_names(entry: Entry) -> tuple[str, ...]:
    """Return the keys by which references to an entry name it."""
    name = string(entry.resource, "id")
    names = [entry.url] if entry.url else []
    if name:
        names += [f"{entry.kind}/{name}"] if entry.url else [f"{entry.kind}/{name}", f"{_ANYWHERE}{entry.kind}/{name}"]
    for identifier in children(entry.resource, "identifier"):
        names.append(f"{entry.kind}?{string(identifier, 'system')}|{string(identifier, 'value')}")
    return tuple(names)


def reference_keys(reference: Element) -> tuple[str, ...]:
    """Return the keys that a reference to another resource may mean, the likeliest first; none for one that means nothing."""
    address = string(reference, "reference")
    if not address:
        identifier = child(reference, "identifier")
        kind = string(reference, "type") or "Patient"
        return (f"{kind}?{string(identifier, 'system')}|{string(identifier, 'value')}",) if string(identifier, "value") else ()
    kind, question, condition = address.partition("?")
    if question:
        name, _, value = condition.partition("=")
        return (f"{kind}?{unquote(value)}",) if name == "identifier" and "&" not in value else ()
    parts = _RELATIVE.fullmatch(address)
    if parts is None:
        return (address,)
    local = f"{parts['kind']}/{parts['id']}"
    return (f"{parts['root']}{local}", f"{_ANYWHERE}{local}") if parts["root"] else (local,)


def reference_words(reference: Element) -> str:
    """Return how a reference names its target, for a person to read."""
    return string(reference, "reference") or string(reference, "display") or string(child(reference, "identifier"), "value")
