"""Know which bits raise a recommendation, so that only those of a changed bit are looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reasoner.program.rows import FALSE, TRUE, UNKNOWN, Literal, Recommendation

__all__ = ["Watch", "Watched", "load_watch"]


@dataclass(frozen=True, slots=True)
class Watched:
    """Where to look for the standing of a recommendation; `overriders` are indices of recommendations."""

    eligible: Literal
    applicable: Literal
    trigger: Literal
    overriders: tuple[int, ...]

    def is_raised(self, values: Sequence[int]) -> bool:
        """Return whether Eligible holds, or is open while the trigger holds; `values` are those of all bits."""
        bit, sign = self.eligible
        value = values[bit]
        if value == (TRUE if sign else FALSE):
            return True
        bit, sign = self.trigger
        return value == UNKNOWN and values[bit] == (TRUE if sign else FALSE)


@dataclass(frozen=True, slots=True)
class Watch:
    """The recommendations as they are watched, in their order.

    `concerned` gives per bit the recommendations whose Eligible or trigger stands on it, `raised` those raised at rest,
    `rows` per verdict the recommendations that give it; all by index.
    """

    watched: tuple[Watched, ...]
    concerned: Mapping[int, tuple[int, ...]]
    raised: frozenset[int]
    rows: Mapping[str, tuple[int, ...]]


def load_watch(recommendations: Sequence[Recommendation], classes: Mapping[str, Literal], resting: Sequence[int]) -> Watch:
    """Prepare the recommendations; `resting` holds the value of every bit at rest."""
    index = {each.iri: place for place, each in enumerate(recommendations)}
    watched = tuple(
        Watched(classes[each.eligible], classes[each.applicable], classes[each.trigger], tuple(index[name] for name in each.overriders))
        for each in recommendations
    )
    concerned: dict[int, list[int]] = {}
    rows: dict[str, list[int]] = {}
    for place, (each, own) in enumerate(zip(recommendations, watched, strict=True)):
        for bit in {own.eligible[0], own.trigger[0]}:
            concerned.setdefault(bit, []).append(place)
        if each.verdict is not None:
            rows.setdefault(each.verdict, []).append(place)
    return Watch(
        watched,
        {bit: tuple(places) for bit, places in concerned.items()},
        frozenset(place for place, each in enumerate(watched) if each.is_raised(resting)),
        {verdict: tuple(places) for verdict, places in rows.items()},
    )
