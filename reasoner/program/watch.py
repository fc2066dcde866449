"""Know which bits raise a recommendation and which recommendations override it, so that only what moved is looked at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reasoner.program.rows import FALSE, TRUE, UNKNOWN, Literal, Part, Recommendation

__all__ = ["Overrider", "Watch", "Watched", "find_raised", "load_watch", "those_raised"]

Overrider = tuple[str, int, Part]
"""The IRI and the index of an overriding recommendation, and its Eligible: the bit, and the value by which it holds."""


@dataclass(frozen=True, slots=True)
class Watched:
    """Where to look for the standing of a recommendation.

    `overriders` are indices of recommendations, `group` is the place of the same ones among all groups of overriders.
    """

    eligible: Literal
    applicable: Literal
    trigger: Literal
    overriders: tuple[int, ...]
    group: int

    def is_raised(self, values: Sequence[int]) -> bool:
        """Return whether Eligible holds, or is open while the trigger holds; `values` are those of all bits."""
        return bool(those_raised((0,), ((_part(self.eligible), _part(self.trigger)),), values))


@dataclass(frozen=True, slots=True)
class Watch:
    """The recommendations as they are watched, in their order.

    `raising` gives per recommendation the parts that raise it: its Eligible, and its trigger while Eligible is open.
    `concerned` gives per bit and value of it the recommendations that this can raise: an Eligible that holds, a trigger that
    holds, and an Eligible that is open where the trigger holds at rest. `raised` are those raised at rest, `rows` per verdict
    the recommendations that give it; all by index. `groups` holds each set of overriders once, `members` the
    same by index.
    """

    watched: tuple[Watched, ...]
    raising: tuple[tuple[Part, Part], ...]
    concerned: Mapping[int, tuple[tuple[int, ...], ...]]
    raised: frozenset[int]
    rows: Mapping[str, tuple[int, ...]]
    groups: tuple[tuple[Overrider, ...], ...]
    members: tuple[frozenset[int], ...]


def load_watch(recommendations: Sequence[Recommendation], classes: Mapping[str, Literal], resting: Sequence[int]) -> Watch:
    """Prepare the recommendations; `resting` holds the value of every bit at rest."""
    index = {each.iri: place for place, each in enumerate(recommendations)}
    groups = {names: place for place, names in enumerate(dict.fromkeys(each.overriders for each in recommendations))}
    eligible = {each.iri: _part(classes[each.eligible]) for each in recommendations}
    raising = tuple((eligible[each.iri], _part(classes[each.trigger])) for each in recommendations)
    concerned: dict[int, tuple[set[int], ...]] = {}
    rows: dict[str, list[int]] = {}
    for place, each in enumerate(recommendations):
        eligible_part, trigger = raising[place]
        held = resting[trigger[0]] == trigger[1]
        for at, value in (eligible_part, trigger, *([(eligible_part[0], UNKNOWN)] if held else [])):
            concerned.setdefault(at, (set(), set(), set()))[value].add(place)
        if each.verdict is not None:
            rows.setdefault(each.verdict, []).append(place)
    return Watch(
        tuple(
            Watched(
                classes[each.eligible],
                classes[each.applicable],
                classes[each.trigger],
                tuple(index[name] for name in each.overriders),
                groups[each.overriders],
            )
            for each in recommendations
        ),
        raising,
        {bit: tuple(tuple(sorted(places)) for places in by_value) for bit, by_value in concerned.items()},
        frozenset(those_raised(range(len(raising)), raising, resting)),
        {verdict: tuple(places) for verdict, places in rows.items()},
        tuple(tuple((name, index[name], eligible[name]) for name in names) for names in groups),
        tuple(frozenset(index[name] for name in names) for names in groups),
    )


def _part(literal: Literal) -> Part:
    bit, sign = literal
    return bit, TRUE if sign else FALSE


def find_raised(watch: Watch, changed: Sequence[int], values: Sequence[int]) -> set[int]:
    """Return the recommendations, by index, whose Eligible is entailed, or open with the trigger entailed.

    `changed` holds the bits whose value differs from the resting state, `values` those of all bits.
    """
    concerned, raising = watch.concerned, watch.raising
    moved = concerned.keys() & changed
    return those_raised(watch.raised.union(*[concerned[bit][values[bit]] for bit in moved]), raising, values)


def those_raised(due: Iterable[int], raising: Sequence[tuple[Part, Part]], values: Sequence[int]) -> set[int]:
    """Return those of the recommendations in `due`, by index, that are raised; `raising` is as in `Watch`."""
    found = set()
    for index in due:
        (bit, serving), trigger = raising[index]
        value = values[bit]
        if value == serving:
            found.add(index)
        elif value == UNKNOWN:
            bit, serving = trigger
            if values[bit] == serving:
                found.add(index)
    return found
