"""Partial comparison of an expected report with an actual one.

A mapping is compared by the keys given. A list holds when every expected item matches some actual item, and items that
carry ``rank`` must stand in the same relative order (equal ranks expect a tie). Besides the keys of the report there are:

``about``      why the expectation holds; not compared
``absent``     per list, items that nothing in the actual list may match; ``{}`` matches anything, so it means "empty"
``<key>Contains``  the text under ``<key>`` contains this one, whatever the case of the letters

``lc:`` and ``lcg:`` names stand for their IRIs on both sides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

__all__ = ["differences"]

PREFIXES = {
    "lc:": "https://w3id.org/legcramps/ontology/",
    "lcg:": "https://w3id.org/legcramps/guideline/",
}
SUBSTRING = "Contains"
MISSING = object()


def differences(expected: Mapping[str, object], actual: Mapping[str, object]) -> list[str]:
    """Say where ``actual`` breaks an expectation, one line each; an empty list means that it holds."""
    return _compare(expected, actual, "")


def _compare(expected: object, actual: object, path: str) -> list[str]:
    if actual is MISSING:
        return [f"{path}: expected {expected!r}, found no such key"]
    if isinstance(expected, Mapping):
        if not isinstance(actual, Mapping):
            return [f"{path}: expected an object, got {actual!r}"]
        return [line for key in expected for line in _compare_key(str(key), expected[key], actual, path)]
    if isinstance(expected, list):
        if not isinstance(actual, list):
            return [f"{path}: expected a list, got {actual!r}"]
        return _compare_lists(expected, actual, path)
    return [] if _same(expected, actual) else [f"{path}: expected {expected!r}, got {actual!r}"]


def _compare_key(key: str, expected: object, actual: Mapping[str, object], path: str) -> list[str]:
    if key in ("about", "rank"):
        return []
    if key == "absent":
        return _compare_absent(expected, actual, path)
    if key.endswith(SUBSTRING) and key not in actual:
        text = str(actual.get(key.removesuffix(SUBSTRING), ""))
        return [] if str(expected).lower() in text.lower() else [f"{path}.{key}: {expected!r} is not part of {text!r}"]
    return _compare(expected, actual.get(key, MISSING), f"{path}.{key}".lstrip("."))


def _compare_absent(unwanted: object, actual: Mapping[str, object], path: str) -> list[str]:
    if not isinstance(unwanted, Mapping):
        return [f"{path}.absent: expected an object of lists, got {unwanted!r}"]
    lines = []
    for key, items in unwanted.items():
        present = actual.get(key, MISSING)
        if not isinstance(present, list):
            lines.append(f"{path}.absent.{key}: there is no such list".lstrip("."))
            continue
        for item in items:
            lines += [f"{path}.{key}: unwanted {found!r}".lstrip(".") for found in _matches(item, present)]
    return lines


def _compare_lists(expected: Sequence[object], actual: Sequence[object], path: str) -> list[str]:
    lines = []
    ranked = []
    for item in expected:
        found = _matches(item, actual)
        if not found:
            lines.append(f"{path}: nothing matches {item!r}{_nearest(item, actual)}")
        elif isinstance(item, Mapping) and "rank" in item:
            ranked.append((item, found[0]))
    for (first, found_first), (second, found_second) in combinations(ranked, 2):
        wanted, got = _order(first, second), _order(found_first, found_second)
        if wanted != got:
            words = {-1: "before", 0: "level with", 1: "after", None: "in no known order to"}
            lines.append(f"{path}: expected {first!r} {words[wanted]} {second!r}, it is {words[got]} it")
    return lines


def _matches(item: object, actual: Sequence[object]) -> list[object]:
    return [found for found in actual if not _compare(item, found, "")]


def _nearest(item: object, actual: Sequence[object]) -> str:
    trials = [_compare(item, found, "") for found in actual]
    best = min((trial for trial in trials if trial), key=len, default=[])
    return f"; the nearest differs in {'; '.join(best)}" if best and isinstance(item, Mapping) else ""


def _order(first: object, second: object) -> int | None:
    ranks = [item.get("rank") if isinstance(item, Mapping) else None for item in (first, second)]
    left, right = (rank if isinstance(rank, int) else None for rank in ranks)
    return None if left is None or right is None else (left > right) - (left < right)


def _same(expected: object, actual: object) -> bool:
    if isinstance(expected, str) and isinstance(actual, str):
        return _expand(expected) == _expand(actual)
    if isinstance(expected, bool) or isinstance(actual, bool):
        return expected is actual
    return expected == actual


def _expand(name: str) -> str:
    for prefix, namespace in PREFIXES.items():
        if name.startswith(prefix):
            return namespace + name.removeprefix(prefix)
    return name
