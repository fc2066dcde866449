"""Write FHIR as JSON: numbers with the digits they were given, nothing empty, and names that are the same for the same content."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_URL, uuid5

__all__ = ["Element", "bundle", "entry", "fhir_text", "full", "identity"]

Element = dict[str, Any]


def full(**elements: Any) -> Element:
    """Return an element without its empty parts: FHIR knows no null, no empty text, list or object; `class_` is `class`."""
    return {name.rstrip("_"): value for name, value in elements.items() if value is not None and value not in ("", [], {}, ())}


def identity(*parts: str) -> str:
    """Return a UUID that is the same for the same parts."""
    return str(uuid5(NAMESPACE_URL, "\n".join(parts)))


def entry(resource: Element, url: str = "") -> Element:
    """Return a Bundle entry; without an address of its own the resource is named by its id, a UUID."""
    return {"fullUrl": url or f"urn:uuid:{resource['id']}", "resource": resource}


def bundle(entries: Iterable[Element], name: str, timestamp: str = "") -> Element:
    """Return a Bundle of type collection."""
    return full(resourceType="Bundle", id=name, type="collection", timestamp=timestamp, entry=list(entries))


def fhir_text(resource: Mapping[str, Any]) -> bytes:
    """Return a resource as JSON text."""
    return (_json(resource, "\n") + "\n").encode()


def _json(value: object, indent: str) -> str:
    """Return a value as JSON; the library would make a binary number of a decimal one."""
    deeper = indent + "  "
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Mapping):
        members = f",{deeper}".join(f"{json.dumps(name)}: {_json(each, deeper)}" for name, each in value.items())
        return f"{{{deeper}{members}{indent}}}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        items = f",{deeper}".join(_json(each, deeper) for each in value)
        return f"[{deeper}{items}{indent}]"
    return json.dumps(value, ensure_ascii=False)
