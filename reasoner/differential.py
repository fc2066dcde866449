"""Rank the conditions by weight of evidence, in decibans, apart from whether each is confirmed or excluded."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from reasoner.entailment import ENTAILED, OPEN, Statuses
from reasoner.program.model import Condition, Criterion, Program, Weighed

__all__ = ["Differential", "Ranked", "Weighed", "open_criteria", "rank_conditions"]

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Ranked:
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
    found = [_weigh(condition, program, statuses) for condition in program.conditions]
    found.sort(key=lambda each: (each.status == "excluded", -each.weight, program.labels.get(each.condition.iri, each.condition.iri)))
    ranked: list[Ranked] = []
    for index, each in enumerate(found):
        same = ranked and ranked[-1].weight == each.weight and (ranked[-1].status == "excluded") == (each.status == "excluded")
        rank = ranked[-1].rank if same else index + 1
        ranked.append(Ranked(each.condition, each.status, rank, each.weight, each.low, each.high, each.weighed))
    return Differential(tuple(ranked), _confidence(ranked, program))


def open_criteria(ranked: Ranked, statuses: Statuses) -> list[Criterion]:
    """Return the criteria of a condition that are still unknown."""
    rows = statuses.program.criteria_of.get(ranked.condition.iri, ())
    return [each.criterion for each in rows if statuses.literal(each.literal) == OPEN]


def _weigh(condition: Condition, program: Program, statuses: Statuses) -> Ranked:
    confirmed = any(statuses.holds(name) for name in condition.confirmed_by)
    excluded = not confirmed and any(statuses.holds(name) for name in condition.excluded_by)
    start = sum((Decimal(weight) for name, weight in condition.starts if statuses.holds(name)), _ZERO)
    if confirmed:
        start += Decimal(condition.confirmed_weight)
    known = statuses.entailed | statuses.refuted
    weighed = []
    for each in program.criteria_of.get(condition.iri, ()):
        if known & each.mask:
            found = each.present if statuses.literal(each.literal) == ENTAILED else each.absent
            if found is not None:
                weighed.append(found)
    counted = _strongest(weighed)
    weight = start + sum((each.weight for each in counted), _ZERO)
    low = start + sum((each.low for each in counted), _ZERO)
    high = start + sum((each.high for each in counted), _ZERO)
    status = "confirmed" if confirmed else "excluded" if excluded else _band(weight, program)
    return Ranked(condition, status, 0, weight, low, high, counted)


def _strongest(weighed: list[Weighed]) -> tuple[Weighed, ...]:
    """Keep of each group of restated facts only the strongest for and the strongest against."""
    if not weighed:
        return ()
    kept: list[Weighed] = []
    groups: dict[tuple[str, bool], Weighed] = {}
    for each in weighed:
        if each.criterion.group is None:
            kept.append(each)
        else:
            key = (each.criterion.group, each.weight > 0)
            if key not in groups or abs(each.weight) > abs(groups[key].weight):
                groups[key] = each
    return tuple(sorted((*kept, *groups.values()), key=lambda each: (-abs(each.weight), each.criterion.iri)))


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
