"""Weigh the evidence about one condition, in decibans, and know which bits can move which condition."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from reasoner.frozen import frozen
from reasoner.program.rows import FALSE, TRUE, UNKNOWN, Condition, Criterion, Literal
from reasoner.terms import Role, by_label

__all__ = ["Scale", "Scales", "Weighed", "Weighing", "Weight", "load_scales", "weigh", "weighings_of"]

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Weighed:
    """A criterion that counts, with its weight and the interval of it in decibans."""

    criterion: Criterion
    present: bool
    weight: Decimal
    low: Decimal
    high: Decimal


class Weighing(NamedTuple):
    """A criterion with the literal of what it is about and what its presence and its absence contribute."""

    criterion: Criterion
    literal: Literal
    present: Weighed | None
    absent: Weighed | None


_Row = tuple[int, tuple[Weighed | None, Weighed | None, Weighed | None]]
"""A bit, and what counts when it is open, when it holds and when it fails."""


@dataclass(frozen=True, slots=True)
class Scale:
    """A condition with the literals that confirm and exclude it, its starting bands and its criteria.

    `rows` gives per weighing the bit that decides it and what counts by the value of that bit; `rested` those of the
    weighings, by place, of which the resting state knows whether they are present.
    """

    condition: Condition
    by_label: tuple[str, str, str]
    confirming: tuple[Literal, ...]
    excluding: tuple[Literal, ...]
    confirmed_weight: Decimal
    starts: tuple[tuple[Literal, Decimal], ...]
    weighings: tuple[Weighing, ...]
    rows: tuple[_Row, ...]
    rested: tuple[int, ...]
    likely_from: Decimal
    unlikely_below: Decimal


@frozen()
class Weight:
    """What the evidence about a condition adds up to; `weighed` are the criteria that count, `order` sorts a differential."""

    order: tuple[bool, Decimal, tuple[str, str, str]]
    status: str
    weight: Decimal
    low: Decimal
    high: Decimal
    weighed: tuple[Weighed, ...]
    condition: Condition


@dataclass(frozen=True, slots=True)
class Scales:
    """All conditions; `resting` holds their weights at rest.

    `concerned` gives per bit the conditions that it can move, by index, with the places of the weighings that are about it.
    """

    scales: tuple[Scale, ...]
    concerned: Mapping[int, tuple[tuple[int, tuple[int, ...]], ...]]
    resting: tuple[Weight, ...]
    criteria: Mapping[str, tuple[Weighing, ...]]


def weighings_of(
    criteria: Iterable[Criterion], classes: Mapping[str, Literal], leaf_bit: Mapping[tuple[str, str], int]
) -> dict[str, tuple[Weighing, ...]]:
    """Return by condition the criteria about it, each with the literal that decides it and what it adds."""
    found: dict[str, list[Weighing]] = {}
    for each in criteria:
        role = Role.FINDING if each.kind == "finding" else Role.TAKES
        literal = classes[each.subject] if each.kind == "class" else (leaf_bit[role, each.subject], True)
        present = _contribution(each, True, each.present, each.present_low, each.present_high)
        absent = _contribution(each, False, each.absent, each.absent_low, each.absent_high)
        found.setdefault(each.condition, []).append(Weighing(each, literal, present, absent))
    return {condition: tuple(rows) for condition, rows in found.items()}


def load_scales(
    conditions: Iterable[Condition],
    criteria: Mapping[str, tuple[Weighing, ...]],
    classes: Mapping[str, Literal],
    labels: Mapping[str, str],
    settings: Mapping[str, Decimal],
    resting: Sequence[int],
) -> Scales:
    """Prepare the conditions; `settings` hold the limits of likely and unlikely, `resting` the value of every bit at rest."""
    scales = tuple(
        Scale(
            each,
            by_label(labels.get(each.iri, each.iri)),
            tuple(classes[name] for name in each.confirmed_by),
            tuple(classes[name] for name in each.excluded_by),
            Decimal(each.confirmed_weight),
            tuple((classes[name], Decimal(weight)) for name, weight in each.starts),
            (weighings := criteria.get(each.iri, ())),
            tuple(map(_row, weighings)),
            tuple(place for place, one in enumerate(weighings) if resting[one.literal[0]] != UNKNOWN),
            settings["likely_from"],
            settings["unlikely_below"],
        )
        for each in conditions
    )
    return Scales(scales, _concerned(scales), tuple(weigh(scale, resting, scale.rested) for scale in scales), criteria)


def _row(weighing: Weighing) -> _Row:
    _, (bit, sign), present, absent = weighing
    return bit, (None, present, absent) if sign else (None, absent, present)


def _concerned(scales: Iterable[Scale]) -> dict[int, tuple[tuple[int, tuple[int, ...]], ...]]:
    """Return per bit the conditions that it can move, by index, with the places of the weighings that are about it."""
    concerned: dict[int, dict[int, list[int]]] = {}
    for index, scale in enumerate(scales):
        for bit, _ in (*scale.confirming, *scale.excluding, *(start[0] for start in scale.starts)):
            concerned.setdefault(bit, {}).setdefault(index, [])
        for place, one in enumerate(scale.weighings):
            concerned.setdefault(one.literal[0], {}).setdefault(index, []).append(place)
    return {bit: tuple((index, tuple(places)) for index, places in each.items()) for bit, each in concerned.items()}


def _contribution(criterion: Criterion, present: bool, weight: str | None, low: str | None, high: str | None) -> Weighed | None:
    if weight is None:
        return None
    return Weighed(criterion, present, Decimal(weight), Decimal(low or weight), Decimal(high or weight))


def weigh(scale: Scale, values: Sequence[int], places: Iterable[int]) -> Weight:
    """Return what the evidence adds up to when the bits have these values; only weighings at `places`, in order, are known."""
    confirmed = _any_holds(scale.confirming, values)
    start = _ZERO
    for (bit, sign), band in scale.starts:
        if values[bit] == (TRUE if sign else FALSE):
            start += band
    if confirmed:
        start += scale.confirmed_weight
    weighed: list[Weighed] = []
    rows = scale.rows
    for place in places:
        bit, counting = rows[place]
        counted = counting[values[bit]]
        if counted is not None:
            weighed.append(counted)
    weight = low = high = start
    kept = _strongest(weighed) if weighed else ()
    for one in kept:
        weight += one.weight
        low += one.low
        high += one.high
    excluded = not confirmed and _any_holds(scale.excluding, values)
    status = "confirmed" if confirmed else "excluded" if excluded else _band(weight, scale)
    return Weight((excluded, -weight, scale.by_label), status, weight, low, high, kept, scale.condition)


def _band(weight: Decimal, scale: Scale) -> str:
    if weight >= scale.likely_from:
        return "likely"
    return "unlikely" if weight < scale.unlikely_below else "possible"


def _any_holds(literals: tuple[Literal, ...], values: Sequence[int]) -> bool:
    for bit, sign in literals:  # noqa: SIM110 - a generator would cost more than what it asks
        if values[bit] == (TRUE if sign else FALSE):
            return True
    return False


def _strongest(weighed: list[Weighed]) -> tuple[Weighed, ...]:
    """Keep of each group of restated facts only the strongest for and the strongest against; the weightiest come first."""
    kept: list[Weighed] = []
    groups: dict[tuple[str, bool], Weighed] = {}
    for each in weighed:
        group = each.criterion.group
        if group is None:
            kept.append(each)
        else:
            key = (group, each.weight > 0)
            if key not in groups or abs(each.weight) > abs(groups[key].weight):
                groups[key] = each
    return tuple(sorted((*kept, *groups.values()), key=lambda each: (-abs(each.weight), each.criterion.iri)))
