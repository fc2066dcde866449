"""Look into JSON objects without trusting their shape: what is not of the expected type counts as missing."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

__all__ = ["EMPTY", "Element", "child", "children", "choice", "flag", "number", "string", "strings"]

Element = Mapping[str, object]
EMPTY: Element = {}


def child(element: Element, *path: str) -> Element:
    """Return the object at the end of `path`, or an empty one; a list stands for its first object."""
    for name in path:
        found = element.get(name)
        if isinstance(found, list):
            found = next((member for member in found if isinstance(member, dict)), EMPTY)
        element = found if isinstance(found, dict) else EMPTY
    return element


def children(element: Element, name: str) -> tuple[Element, ...]:
    """Return the objects under `name`: those of a list, or the single one."""
    found = element.get(name)
    if isinstance(found, dict):
        return (found,)
    return tuple([member for member in found if isinstance(member, dict)]) if isinstance(found, list) else ()


def string(element: Element, name: str, *path: str) -> str:
    """Return the text at the end of a path of names, or the empty string."""
    if path:
        element, name = child(element, name, *path[:-1]), path[-1]
    found = element.get(name)
    return found.strip() if isinstance(found, str) else ""


def strings(element: Element, name: str) -> tuple[str, ...]:
    """Return the texts of the list under `name`."""
    found = element.get(name)
    return tuple(each for each in found if isinstance(each, str)) if isinstance(found, list) else ()


def number(element: Element, name: str) -> Decimal | None:
    """Return the number under `name`; a text that looks like one is none."""
    found = element.get(name)
    if isinstance(found, Decimal):
        return found
    return Decimal(found) if isinstance(found, int) and not isinstance(found, bool) else None


def flag(element: Element, name: str) -> bool | None:
    """Return whether the value under `name` is true; a missing one is false, and one that is no truth value is None."""
    found = element.get(name, None if f"_{name}" in element else False)
    return found if isinstance(found, bool) else None


def choice(element: Element, stem: str) -> tuple[str, object]:
    """Return the type and the value of an element of several types, such as `onset` in `onsetPeriod`; else ("", None)."""
    size = len(stem)
    for name, value in element.items():
        if name.startswith(stem) and name[size : size + 1].isupper():
            return name[size:], value
    return "", None
