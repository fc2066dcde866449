"""Know what a recorded finding can touch: the side patterns above it, and the fillers that classes ask for by its kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

__all__ = ["Asked", "Kinds", "load_kinds"]


@dataclass(frozen=True, slots=True)
class Asked:
    """The fillers that classes ask for by one role, each with its kinds (the leaves of the hierarchy below it).

    `by_kind` gives per kind the fillers that have it, by index.
    """

    fillers: tuple[tuple[str, frozenset[str]], ...]
    by_kind: Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Kinds:
    """What classes ask for by role; per finding the places, in the table of side patterns, of those at or above it."""

    asked: Mapping[str, Asked]
    patterned: Mapping[str, tuple[int, ...]]


def load_kinds(
    leaves: Iterable[tuple[str, str]], below: Mapping[str, tuple[str, ...]], indicators: Iterable[str], patterned: Iterable[str]
) -> Kinds:
    """Prepare the role leaves among `leaves` and the findings that have side patterns."""
    known = set(indicators)
    found: dict[str, list[tuple[str, frozenset[str]]]] = {}
    for role, filler in leaves:
        if filler in below and role not in known:
            kinds = frozenset(kind for kind in below[filler] if len(below[kind]) == 1)
            found.setdefault(role, []).append((filler, kinds))
    places: dict[str, list[int]] = {}
    for place, finding in enumerate(patterned):
        for term in below[finding]:
            places.setdefault(term, []).append(place)
    return Kinds({role: _asked(rows) for role, rows in found.items()}, {term: tuple(each) for term, each in places.items()})


def _asked(rows: list[tuple[str, frozenset[str]]]) -> Asked:
    by_kind: dict[str, list[int]] = {}
    for index, (_, kinds) in enumerate(rows):
        for kind in kinds:
            by_kind.setdefault(kind, []).append(index)
    return Asked(tuple(rows), {kind: tuple(indices) for kind, indices in by_kind.items()})
