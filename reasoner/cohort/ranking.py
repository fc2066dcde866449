"""Rank the conditions of all cases at once, as `reasoner.differential` and `reasoner.program.scales` do for one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from reasoner.cohort.known import Known
from reasoner.cohort.lexicon import Flags, Ids
from reasoner.cohort.planes import Plane, anywhere
from reasoner.program.model import Literal, Program
from reasoner.program.scales import Scale, Weighed

__all__ = ["CONFIDENCES", "STATUSES", "Ranking", "rank"]

STATUSES = ("confirmed", "excluded", "likely", "possible", "unlikely")
CONFIDENCES = ("flat", "low", "moderate", "high")

_HEAVY = 1 << 40

Grid = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class Ranking:
    """The conditions of each case in order, by place in the program; status, rank and weights in the same order.

    Weights are whole numbers of `1 / scale` decibans. `confidence` says how far the leader leads.
    """

    order: Grid
    status: Grid
    rank: Grid
    weight: Grid
    low: Grid
    high: Grid
    scale: int
    confidence: Ids


def rank(program: Program, known: Known) -> Ranking:
    """Rank the conditions by weight of evidence; equal weights share a rank, excluded ones come last."""
    scales = program.scales.scales
    labels = sorted(range(len(scales)), key=lambda place: (scales[place].by_label, place))
    scale = program.scales.per_deciban
    weighings = [_Weighing(known, scales[place], scale) for place in labels]
    weight, low, high = (np.stack([getattr(each, name) for each in weighings], axis=1) for name in ("weight", "low", "high"))
    confirmed, excluded = (np.stack([getattr(each, name) for each in weighings], axis=1) for name in ("confirmed", "excluded"))
    likely, unlikely = (np.array([getattr(scales[place], name) for place in labels]) for name in ("likely_from", "unlikely_below"))
    band = np.where(weight >= likely, 2, np.where(weight < unlikely, 4, 3))
    status = np.where(confirmed, 0, np.where(excluded, 1, band))
    count = len(labels)
    key = np.sort((np.where(excluded, _HEAVY, 0) - weight) * count + np.arange(count), axis=1)  # so that equals stand in their order
    key, order = np.divmod(key, count)
    status, weight, low, high = (np.take_along_axis(each, order, axis=1) for each in (status, weight, low, high))
    places = np.arange(1, count + 1)
    fresh = np.ones_like(key, dtype=bool)
    fresh[:, 1:] = key[:, 1:] != key[:, :-1]
    ranks = np.maximum.accumulate(np.where(fresh, places, 0), axis=1)
    lead = weight[:, 0] - weight[:, 1] if count > 1 else np.zeros(len(key), np.int64)
    alone = (status != STATUSES.index("excluded")).sum(axis=1) < 2
    below = [lead < step for _, step in program.scales.steps]
    confidence = np.where(alone, 3, np.select(below, (0, 1, 2), 3))
    return Ranking(np.array(labels)[order], status, ranks, weight, low, high, scale, confidence)


class _Weighing:
    """The weight of one condition in every case."""

    def __init__(self, known: Known, scale: Scale, parts: int) -> None:
        self._known, self._space, self._parts = known, known.space, parts
        self.confirmed = self._any(scale.confirming)
        self.excluded = self._any(scale.excluding) & ~self.confirmed
        start = np.zeros(self._space.size, dtype=np.int64)
        for literal, _, band in scale.starts:
            start += self._flags(known.true(literal)) * band
        start += self.confirmed * scale.confirmed_parts
        self.weight, self.low, self.high = start, start.copy(), start.copy()
        groups: dict[tuple[str, bool], list[tuple[Weighed, Plane]]] = {}
        for each in scale.weighings:
            for one, plane in ((each.present, known.true(each.literal)), (each.absent, known.false(each.literal))):
                if one is None or not anywhere(plane):
                    continue
                if each.criterion.group is None:
                    self._add(one, plane)
                else:
                    groups.setdefault((each.criterion.group, one.parts > 0), []).append((one, plane))
        for members in groups.values():
            self._strongest(members)

    def _strongest(self, members: Sequence[tuple[Weighed, Plane]]) -> None:
        """Count of restated facts only the strongest, the first of those that are equally strong."""
        left = self._space.every
        for one, plane in sorted(members, key=lambda member: -abs(member[0].parts)):
            self._add(one, plane & left)
            left = left & (self._space.every ^ plane)

    def _add(self, one: Weighed, plane: Plane) -> None:
        flags = self._flags(plane)
        for total, parts in ((self.weight, one.parts), (self.low, self._whole(one.low)), (self.high, self._whole(one.high))):
            total += flags * parts

    def _flags(self, plane: Plane) -> Flags:
        return self._space.flags(plane)

    def _any(self, literals: Iterable[Literal]) -> Flags:
        return self._flags(self._space.union(self._known.true(literal) for literal in literals))

    def _whole(self, number: Decimal) -> int:
        return int(number * self._parts)
