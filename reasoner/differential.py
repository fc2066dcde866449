"""Rank the conditions by weight of evidence, in decibans, apart from whether each is confirmed or excluded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import cached_property
from operator import attrgetter
from typing import NamedTuple

from reasoner.entailment import OPEN, Statuses
from reasoner.frozen import frozen
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


@frozen(slots=False)
class Differential:
    """The conditions by weight, those that are excluded last, and how far the leader leads: flat, low, moderate or high."""

    weights: tuple[Weight, ...]
    confidence: str

    @cached_property
    def ranked(self) -> tuple[Ranked, ...]:
        """Return the conditions with their ranks; equal weights share one."""
        ranked: list[Ranked] = []
        rank, last = 0, None
        for each in self.weights:
            if each.order[:2] != last:
                rank, last = len(ranked) + 1, each.order[:2]
            ranked.append(Ranked(each.condition, each.status, rank, *each.decibans(), each.weighed))
        return tuple(ranked)


def rank_conditions(program: Program, statuses: Statuses) -> Differential:
    """Rank the conditions of the program's differential."""
    scales = program.scales
    found = list(scales.resting)
    known: defaultdict[int, list[int]] = defaultdict(list)
    for bit in scales.concerned.keys() & statuses.changed:
        for index, places in scales.concerned[bit]:
            known[index] += places
    for index, some in known.items():
        scale = scales.scales[index]
        found[index] = weigh(scale, statuses.values, sorted({*some, *scale.rested}))
    found.sort(key=attrgetter("order"))
    return Differential(tuple(found), _confidence(found, scales.steps))


def open_criteria(ranked: Ranked, statuses: Statuses) -> list[Criterion]:
    """Return the criteria of a condition that are still unknown."""
    rows = statuses.program.scales.criteria.get(ranked.condition.iri, ())
    return [each.criterion for each in rows if statuses.literal(each.literal) == OPEN]


def _confidence(weights: Sequence[Weight], steps: Iterable[tuple[str, int]]) -> str:
    leaders = [each.parts for each in weights[:2] if each.status != "excluded"]
    if len(leaders) < 2:
        return "high"
    lead = leaders[0] - leaders[1]
    return next((word for word, step in steps if lead < step), "high")
