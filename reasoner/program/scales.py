"""Weigh the evidence about one condition, in decibans, and know which bits can move which condition.

Sums are made in whole parts of a deciban, so fine that every weight is a whole number of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from operator import attrgetter
from typing import NamedTuple

from reasoner.frozen import frozen
from reasoner.program.rows import FALSE, TRUE, UNKNOWN, Condition, Criterion, Literal
from reasoner.terms import Role, by_label

__all__ = ["Scale", "Scales", "Weighed", "Weighing", "Weight", "load_scales", "parts_per_deciban", "weigh", "weighings_of"]

_ZERO = Decimal(0)

_ORDER = attrgetter("order")

_STEPS = (("flat", "flat_step"), ("low", "low_step"), ("moderate", "moderate_step"))
"""The confidences and the settings that say below which lead each is the right word."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """A criterion that counts, with its weight and the interval of it in decibans, and the weight in parts of a deciban.

    `order` sorts criteria: the weightiest first.
    """

    criterion: Criterion
    present: bool
    weight: Decimal
    low: Decimal
    high: Decimal
    parts: int
    order: tuple[int, str]


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
    weighings, by place, of which the resting state knows whether they are present. Limits and
    `confirmed_parts` are in parts of a deciban, as are the second figures of `starts`.
    """

    condition: Condition
    by_label: tuple[str, str, str]
    confirming: tuple[Literal, ...]
    excluding: tuple[Literal, ...]
    confirmed_weight: Decimal
    confirmed_parts: int
    starts: tuple[tuple[Literal, Decimal, int], ...]
    weighings: tuple[Weighing, ...]
    rows: tuple[_Row, ...]
    rested: tuple[int, ...]
    likely_from: int
    unlikely_below: int


@frozen()
class Weight:
    """What the evidence about a condition adds up to, in parts of a deciban.

    `starts` are the weights it starts from and `weighed` the criteria that count; `order` sorts a differential.
    """

    order: tuple[bool, int, tuple[str, str, str]]
    status: str
    parts: int
    starts: tuple[Decimal, ...]
    weighed: tuple[Weighed, ...]
    condition: Condition

    def decibans(self) -> tuple[Decimal, Decimal, Decimal]:
        """Return the weight, and the interval it lies in by those of its criteria."""
        start = sum(self.starts, _ZERO)
        kept = self.weighed
        return sum([one.weight for one in kept], start), sum([one.low for one in kept], start), sum([one.high for one in kept], start)


@dataclass(frozen=True, slots=True)
class Scales:
    """All conditions; `resting` holds their weights at rest.

    `per_deciban` says of how many parts a deciban is made, `steps` by how many of them a leader must lead for each confidence.
    `concerned` gives per bit the conditions that it can move, by index, with the places of the weighings that are about it.
    """

    scales: tuple[Scale, ...]
    concerned: Mapping[int, tuple[tuple[int, tuple[int, ...]], ...]]
    resting: tuple[Weight, ...]
    criteria: Mapping[str, tuple[Weighing, ...]]
    per_deciban: int
    steps: tuple[tuple[str, int], ...]


def parts_per_deciban(criteria: Iterable[Criterion], conditions: Iterable[Condition], settings: Mapping[str, Decimal]) -> int:
    """Return how many parts of a deciban make every weight and every setting whole."""
    texts = [text for each in criteria for text in (each.present, each.present_low, each.present_high)]
    texts += [text for each in criteria for text in (each.absent, each.absent_low, each.absent_high)]
    texts += [text for each in conditions for text in (each.confirmed_weight, *(weight for _, weight in each.starts))]
    numbers = [*(Decimal(text) for text in texts if text is not None), *settings.values()]
    finest: int = 10 ** max(0, *(-int(number.as_tuple().exponent) for number in numbers))
    return finest


def weighings_of(
    criteria: Iterable[Criterion], classes: Mapping[str, Literal], leaf_bit: Mapping[tuple[str, str], int], per_deciban: int
) -> dict[str, tuple[Weighing, ...]]:
    """Return by condition the criteria about it, each with the literal that decides it and what it adds."""
    found: dict[str, list[Weighing]] = {}
    for each in criteria:
        role = Role.FINDING if each.kind == "finding" else Role.TAKES
        literal = classes[each.subject] if each.kind == "class" else (leaf_bit[role, each.subject], True)
        present = _contribution(each, True, each.present, each.present_low, each.present_high, per_deciban)
        absent = _contribution(each, False, each.absent, each.absent_low, each.absent_high, per_deciban)
        found.setdefault(each.condition, []).append(Weighing(each, literal, present, absent))
    return {condition: tuple(rows) for condition, rows in found.items()}


def load_scales(
    conditions: Iterable[Condition],
    criteria: Mapping[str, tuple[Weighing, ...]],
    classes: Mapping[str, Literal],
    labels: Mapping[str, str],
    settings: Mapping[str, Decimal],
    resting: Sequence[int],
    per_deciban: int,
) -> Scales:
    """Prepare the conditions.

    `settings` hold the limits of likely and unlikely and the steps of confidence in decibans, which are made of `per_deciban` parts,
    `resting` the value of every bit at rest.
    """
    limits = {name: int(value * per_deciban) for name, value in settings.items()}

    def scale_of(each: Condition) -> Scale:
        confirmed, weighings = Decimal(each.confirmed_weight), criteria.get(each.iri, ())
        starts = ((classes[name], Decimal(weight)) for name, weight in each.starts)
        return Scale(
            condition=each,
            by_label=by_label(labels.get(each.iri, each.iri)),
            confirming=tuple(classes[name] for name in each.confirmed_by),
            excluding=tuple(classes[name] for name in each.excluded_by),
            confirmed_weight=confirmed,
            confirmed_parts=int(confirmed * per_deciban),
            starts=tuple((literal, start, int(start * per_deciban)) for literal, start in starts),
            weighings=weighings,
            rows=tuple(map(_row, weighings)),
            rested=tuple(place for place, one in enumerate(weighings) if resting[one.literal[0]] != UNKNOWN),
            likely_from=limits["likely_from"],
            unlikely_below=limits["unlikely_below"],
        )

    scales = tuple(map(scale_of, conditions))
    weights = tuple(weigh(scale, resting, scale.rested) for scale in scales)
    return Scales(scales, _concerned(scales), weights, criteria, per_deciban, tuple((word, limits[step]) for word, step in _STEPS))


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


def _contribution(
    criterion: Criterion, present: bool, weight: str | None, low: str | None, high: str | None, per_deciban: int
) -> Weighed | None:
    if weight is None:
        return None
    whole = int(Decimal(weight) * per_deciban)
    ends = Decimal(low or weight), Decimal(high or weight)
    return Weighed(criterion, present, Decimal(weight), *ends, whole, (-abs(whole), criterion.iri))


def weigh(scale: Scale, values: Sequence[int], places: Iterable[int]) -> Weight:
    """Return what the evidence adds up to when the bits have these values; only weighings at `places`, in order, are known."""
    confirmed = _any_holds(scale.confirming, values)
    parts, starts = 0, []
    for (bit, sign), band, start in scale.starts:
        if values[bit] == (TRUE if sign else FALSE):
            parts += start
            starts.append(band)
    if confirmed:
        parts += scale.confirmed_parts
        starts.append(scale.confirmed_weight)
    weighed: list[Weighed] = []
    rows = scale.rows
    for place in places:
        bit, counting = rows[place]
        counted = counting[values[bit]]
        if counted is not None:
            weighed.append(counted)
    kept = _strongest(weighed) if len(weighed) > 1 else tuple(weighed)
    for one in kept:
        parts += one.parts
    excluded = not confirmed and _any_holds(scale.excluding, values)
    status = "confirmed" if confirmed else "excluded" if excluded else _band(parts, scale)
    return Weight((excluded, -parts, scale.by_label), status, parts, tuple(starts), kept, scale.condition)


def _band(parts: int, scale: Scale) -> str:
    if parts >= scale.likely_from:
        return "likely"
    return "unlikely" if parts < scale.unlikely_below else "possible"


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
            key = (group, each.parts > 0)
            if key not in groups or abs(each.parts) > abs(groups[key].parts):
                groups[key] = each
    return tuple(sorted((*kept, *groups.values()), key=_ORDER))
