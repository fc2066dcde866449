"""Say which leaves a fact and a value of an indicator settle, and what follows; each answer is worked out once and kept.

Only leaves whose value differs from the resting state are named, so that what a record leaves as it was costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reasoner.program.cuts import band_signature, leaf_values
from reasoner.program.masks import mask_of
from reasoner.program.rows import FALSE, SETTLED, TRUE, UNKNOWN, Indicator, IndicatorState
from reasoner.program.settle import GateTables, Impact, impact

__all__ = ["NOTHING", "Effect", "FactEffects", "Masks", "ValueEffects", "united"]

_NOWHERE: tuple[tuple[int, ...], ...] = ((), (), (), ())

Masks = tuple[int, int, int]
"""Leaves that are settled or opened, those of them that hold, and those that fail."""

NOTHING: Masks = (0, 0, 0)
"""The masks of no effect."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What becomes of some leaves: their mask, the masks of those that hold and that fail, and what follows for the gates."""

    own: int
    holds: int
    fails: int
    impact: Impact


def united(effects: Iterable[Effect], masks: Masks = NOTHING) -> Masks:
    """Return what some effects settle together, and with them what `masks` name."""
    own, holds, fails = masks
    for each in effects:
        if each.own:
            own |= each.own
            holds |= each.holds
            fails |= each.fails
    return own, holds, fails


def _effect(leaves: Mapping[int, int], tables: GateTables) -> Effect:
    holds, fails = ([bit for bit, value in leaves.items() if value == wanted] for wanted in (TRUE, FALSE))
    return Effect(mask_of(leaves), mask_of(holds), mask_of(fails), impact(tables, leaves))


class FactEffects(dict[tuple[str, str, bool], Effect]):
    """What a fact settles, by role, term and presence."""

    def __init__(self, fact_leaves: Mapping[str, tuple[tuple[int, ...], ...]], tables: GateTables) -> None:
        super().__init__()
        self._fact_leaves, self._tables = fact_leaves, tables

    def __missing__(self, key: tuple[str, str, bool]) -> Effect:
        """Work out what a fact settles that was not asked for before."""
        role, term, present = key
        found = self._fact_leaves.get(f"{role} {term}", _NOWHERE)
        holds, fails = found[:2] if present else found[2:]
        effect = self[key] = _effect(dict.fromkeys(holds, TRUE) | dict.fromkeys(fails, FALSE), self._tables)
        return effect


class ValueEffects:
    """What the state of an indicator settles or opens."""

    def __init__(self, indicators: Iterable[Indicator], tables: GateTables) -> None:
        self._known: dict[str, tuple[Indicator, dict[object, Effect]]] = {each.iri: (each, {}) for each in indicators}
        self._tables = tables

    def of(self, state: IndicatorState) -> Effect:
        """Return what becomes of the leaves, and what follows, when the indicator is in `state`."""
        low, high = state.low, state.high
        indicator, known = self._known[state.indicator]
        position: object = None
        if state.status in SETTLED:
            if indicator.datatype == "boolean":
                position = low is not None and bool(low[0]), high is None or bool(high[0])
            else:
                position = band_signature(indicator, low, high)
        effect = known.get(position)
        if effect is None:
            effect = known[position] = _effect(self._moved(indicator, state), self._tables)
        return effect

    def _moved(self, indicator: Indicator, state: IndicatorState) -> dict[int, int]:
        values = dict.fromkeys(range(indicator.first_bit, indicator.first_bit + len(indicator.cuts) + 1), UNKNOWN)
        if state.settled:
            values |= leaf_values(indicator, state.low, state.high)
        elif indicator.total:
            values[indicator.first_bit] = TRUE
        return {bit: value for bit, value in values.items() if value != self._tables.resting[bit]}
