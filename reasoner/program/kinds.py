"""Know what a recorded finding can touch: the side patterns above it, the fillers that classes ask for, what lies above and below.

Sets of terms are masks, one bit for each term.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

__all__ = ["Asked", "Families", "Kinds", "Rows", "Spans", "load_kinds"]


@dataclass(frozen=True, slots=True)
class Asked:
    """The fillers that classes ask for by one role, each with its kinds (the leaves of the hierarchy below it); the same as masks."""

    fillers: tuple[tuple[str, frozenset[str]], ...]
    masks: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Kinds:
    """What classes ask for by role; per finding the places, among those that have side patterns, of those at or above it.

    `sided` are the findings that have side patterns, each with everything at or below it and its patterns.

    `bit`, `above` and `below` give the mask of each term, of it with all above it, and of it with all below it, `rows` all three by what is above.
    """

    asked: Mapping[str, Asked]
    sided: tuple[tuple[str, frozenset[str], tuple[tuple[str, str], ...]], ...]
    patterned: Mapping[str, tuple[int, ...]]
    bit: Mapping[str, int]
    above: Mapping[str, int]
    below: Mapping[str, int]
    rows: Rows

    def at_or_below(self, terms: Iterable[str]) -> int:
        """Return everything at or below some terms."""
        found, below = 0, self.below
        for term in terms:
            found |= below[term]
        return found


class Rows(dict[str, tuple[tuple[str, int, int, int], ...]]):
    """By a term those at or below it, sorted, each with its mask and those of all above and below it; each is worked out once and kept."""

    def __init__(
        self, members: Mapping[str, tuple[str, ...]], bit: Mapping[str, int], above: Mapping[str, int], below: Mapping[str, int]
    ) -> None:
        super().__init__()
        self._members, self._bit, self._above, self._below = members, bit, above, below

    def __missing__(self, term: str) -> tuple[tuple[str, int, int, int], ...]:
        """Work out a term that was not asked for before."""
        rows = self[term] = tuple((each, self._bit[each], self._above[each], self._below[each]) for each in self._members[term])
        return rows


class Families(dict[str, frozenset[str]]):
    """By a finding those whose sides a change of it may decide, with all their kinds; each is worked out once and kept.

    By a drug whose use is a finding, that finding and its own.
    """

    def __init__(
        self,
        parents: Mapping[str, tuple[str, ...]],
        below: Mapping[str, tuple[str, ...]],
        sides: Mapping[str, Iterable[tuple[str, str]]],
        uses: Mapping[str, tuple[str, ...]],
    ) -> None:
        super().__init__()
        self._parents, self._below, self._sides, self._uses = parents, below, sides, uses

    def __missing__(self, term: str) -> frozenset[str]:
        """Work out a finding that was not asked for before."""
        found: set[str] = set()
        for finding in self._uses.get(term, ()):
            found |= {finding, *self[finding]}
        for finding, kinds in self._sides.items():
            names = {finding, *(kind for _, kind in kinds)}
            near = term in self._parents[finding] or not names.isdisjoint(self._parents[term]) or not names.isdisjoint(self._below[term])
            if near:
                found |= names
        family = self[term] = frozenset(found)
        return family


class Spans(dict[tuple[str, bool], tuple[frozenset[str], frozenset[str]]]):
    """By a finding, and whether its family counts with it: everything at or below, and all above these; each is worked out once and kept."""

    def __init__(
        self,
        parents: Mapping[str, tuple[str, ...]],
        below: Mapping[str, tuple[str, ...]],
        families: Families,
        uses: Mapping[str, tuple[str, ...]],
    ) -> None:
        super().__init__()
        self._parents, self._below, self._families, self._uses = parents, below, families, uses

    def __missing__(self, key: tuple[str, bool]) -> tuple[frozenset[str], frozenset[str]]:
        """Work out a finding that was not asked for before."""
        term, whole = key
        own = (term, *self._uses.get(term, ()), *(self._families[term] if whole else ()))
        zone = frozenset(kind for each in own for kind in self._below[each])
        found = self[key] = zone, frozenset(above for kind in zone for above in self._parents[kind])
        return found


def load_kinds(
    leaves: Iterable[tuple[str, str]],
    parents: Mapping[str, tuple[str, ...]],
    below: Mapping[str, tuple[str, ...]],
    indicators: Iterable[str],
    side_patterns: Mapping[str, tuple[tuple[str, str], ...]],
) -> Kinds:
    """Prepare the role leaves among `leaves` and the findings that have side patterns."""
    known = set(indicators)
    found: dict[str, list[tuple[str, frozenset[str]]]] = {}
    for role, filler in leaves:
        if filler in below and role not in known:
            kinds = frozenset(kind for kind in below[filler] if len(below[kind]) == 1)
            found.setdefault(role, []).append((filler, kinds))
    places: dict[str, list[int]] = {}
    for place, finding in enumerate(side_patterns):
        for term in below[finding]:
            places.setdefault(term, []).append(place)
    bit = {term: 1 << place for place, term in enumerate(parents)}
    above = {term: _mask(each, bit) for term, each in parents.items()}
    lower = {term: _mask(each, bit) for term, each in below.items()}
    return Kinds(
        {role: Asked(tuple(rows), tuple((filler, _mask(kinds, bit)) for filler, kinds in rows)) for role, rows in found.items()},
        tuple((finding, frozenset(below[finding]), patterns) for finding, patterns in side_patterns.items()),
        {term: tuple(each) for term, each in places.items()},
        bit,
        above,
        lower,
        Rows(below, bit, above, lower),
    )


def _mask(terms: Iterable[str], bit: Mapping[str, int]) -> int:
    return sum(bit[term] for term in terms)
