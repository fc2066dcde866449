"""Rank the conditions by weight of evidence, in decibans, apart from whether each is confirmed or excluded."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from operator import itemgetter
from typing import NamedTuple

from reasoner.entailment import OPEN, Statuses
from reasoner.program.model import Condition, Criterion, Program
from reasoner.program.scales import Weighed, Weight, weigh

__all__ = ["Differential", "Ranked", "Weighed", "open_criteria", "rank_conditions"]


class Ranked(NamedTuple):
    """A condition with status, rank and weight in decibans; `weighed` are the criteria that count."""

    condition: Condition
    status: str
    rank: int
    weight: Decimal
    low: Decimal
    high: Decimal
    weighed: tuple[Weighed, ...]


@dataclass(frozen=True, slots=True)
class Differential:
    """The ranked conditions and how far the leader leads: flat, low, moderate or high."""

    ranked: tuple[Ranked, ...]
    confidence: str


def rank_conditions(program: Program, statuses: Statuses) -> Differential:
    """Rank the conditions of the program's differential; equal weights share a rank, excluded ones come last."""
    scales = program.scales
    found = list(scales.resting)
    moved = scales.concerned.keys() & statuses.changed
    for index in {index for bit in moved for index in scales.concerned[bit]}:
        found[index] = weigh(scales.scales[index], statuses.values)
    rows = [(each.excluded, -each.weight, scale.label, scale, each) for scale, each in zip(scales.scales, found, strict=True)]
    rows.sort(key=itemgetter(0, 1, 2))
    ranked: list[Ranked] = []
    last: tuple[bool, Decimal] | None = None
    for excluded, falling, _, scale, each in rows:
        rank = ranked[-1].rank if last == (excluded, falling) else len(ranked) + 1
        last = (excluded, falling)
        ranked.append(Ranked(scale.condition, _status(each, program), rank, each.weight, each.low, each.high, each.weighed))
    return Differential(tuple(ranked), _confidence(ranked, program))


def _status(found: Weight, program: Program) -> str:
    return "confirmed" if found.confirmed else "excluded" if found.excluded else _band(found.weight, program)


def open_criteria(ranked: Ranked, statuses: Statuses) -> list[Criterion]:
    """Return the criteria of a condition that are still unknown."""
    rows = statuses.program.scales.criteria.get(ranked.condition.iri, ())
    return [each.criterion for each in rows if statuses.literal(each.literal) == OPEN]


def _band(weight: Decimal, program: Program) -> str:
    if weight >= program.settings["likely_from"]:
        return "likely"
    return "unlikely" if weight < program.settings["unlikely_below"] else "possible"


def _confidence(ranked: list[Ranked], program: Program) -> str:
    candidates = [each for each in ranked if each.status != "excluded"]
    if len(candidates) < 2:
        return "high"
    lead = candidates[0].weight - candidates[1].weight
    for word, step in (("flat", "flat_step"), ("low", "low_step"), ("moderate", "moderate_step")):
        if lead < program.settings[step]:
            return word
    return "high"
