"""Find the record premises of what holds: the facts and values from which its gates, one by one, follow."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from reasoner.abstraction.state import CaseState, IndicatorState
from reasoner.entailment import ENTAILED, Statuses
from reasoner.program.model import Literal, Program
from reasoner.program.premises import Reason

__all__ = ["Supports", "interval_text", "leaves_below", "value_text"]

_POSITIONS = {-1: "below", 0: "inside", 1: "above"}
_BARE = ("1", "a", "d")  # units that the labels of ratios, ages and day counts already say


class Supports(dict[Literal, tuple[Reason, ...]]):
    """The record premises of the literals that hold in one answered case, found when first asked for.

    What holds by all its inputs rests on all of them, what holds by one of them on the one with the fewest premises.
    """

    __slots__ = ("_indicator", "_leaf_count", "_leaves", "_measured", "_premises", "_program", "_state", "_statuses")

    def __init__(self, program: Program, state: CaseState, statuses: Statuses) -> None:
        super().__init__()
        self._program, self._state, self._statuses = program, state, statuses
        self._premises, self._leaf_count = program.premises, program.tables.leaf_count
        self._leaves, self._indicator = program.leaves, program.indicator
        self._measured: dict[str, tuple[Reason, ...]] = {}

    def __missing__(self, literal: Literal) -> tuple[Reason, ...]:
        if literal[0] < self._leaf_count:
            found = self._of_leaf(literal)
        else:
            parts, every = self._premises.inputs[literal]
            if not every:
                parts = self._one_of(parts)
            if len(parts) == 1:
                found = self[parts[0]]
            elif parts:
                found = self._of_all(parts)
            else:
                found = self.below(literal)
        self[literal] = found
        return found

    def below(self, literal: Literal) -> tuple[Reason, ...]:
        """Return what is known below a literal, whether or not it holds by that: the premises of every known leaf of its diagram."""
        bit = literal[0]
        if bit < self._leaf_count:
            return self._of_leaf(literal)
        literals = ((leaf, sign) for leaf in sorted(leaves_below(self._program, bit)) for sign in (True, False))
        return self._of_all(each for each in literals if self._statuses.literal(each) == ENTAILED)

    def _of_all(self, literals: Iterable[Literal]) -> tuple[Reason, ...]:
        return tuple(dict.fromkeys(chain.from_iterable(map(self.__getitem__, literals))))

    def _one_of(self, parts: Iterable[Literal]) -> tuple[Literal, ...]:
        """Return the input by which a gate holds; nothing when only its diagram shows that it does."""
        known = self._statuses.entailed(parts)
        return tuple(known) if len(known) < 2 else (min(known, key=lambda part: len(self[part])),)

    def _of_leaf(self, literal: Literal) -> tuple[Reason, ...]:
        """Return what is on record of a leaf: the value of its indicator, or the fact that makes it hold (or fail)."""
        bit, sign = literal
        subject = self._leaves[bit][0]
        if subject in self._indicator:
            measured = self._measured.get(subject)
            if measured is None:
                measured = self._measured[subject] = self._of_value(subject)
            return measured
        place = 0 if sign else 1
        for fact, settled in zip(self._state.facts, self._state.assertions, strict=True):
            if settled[place] >> bit & 1:
                _, term, present, sources = fact
                text = self._premises.facts[bit, sign, term, present]
                return (Reason(text, "fact", self._premises.leaves[bit].term, sources[0] if sources else ""),)
        return ()

    def _of_value(self, indicator: str) -> tuple[Reason, ...]:
        state = self._state.indicators.get(indicator)
        if state is None or not state.settled:
            return self._premises.totals[indicator]
        text = value_text(self._program, state)
        if len(state.sources) < 2:  # as of most values, of which there is nothing to leave out
            return (Reason(text, "fact", indicator, state.sources[0] if state.sources else ""),)
        return tuple([Reason(text, "fact", indicator, source) for source in dict.fromkeys(state.sources)])


def leaves_below(program: Program, bit: int) -> frozenset[int]:
    """Return the leaves of the expansion of a bit."""
    if bit < program.tables.leaf_count:
        return frozenset({bit})
    gate = program.gates[bit - program.tables.leaf_count]
    return frozenset().union(*(leaves_below(program, part) for part in (*gate.positive, *gate.negative)))


def value_text(program: Program, state: IndicatorState) -> str:
    """Return an indicator's value as a phrase."""
    indicator, label = program.indicator[state.indicator], program.label(state.indicator)
    if indicator.datatype == "boolean":
        return f"{label}: {'yes' if state.low and state.low[0] == 1 else 'no'}"
    if indicator.form == "relative" and state.status == "known" and state.low:
        return f"{label}: {_POSITIONS[int(state.low[0])]}"
    return f"{label}: {interval_text(program, state)}"


def interval_text(program: Program, state: IndicatorState) -> str:
    """Return the value of an indicator, or the interval that it lies in, with the unit where labels do not say it."""
    indicator = program.indicator[state.indicator]
    unit = "" if indicator.unit in _BARE or indicator.form in ("quotient", "ratio", "relative") else f" {indicator.unit}"
    if state.status == "known" and state.low:
        return f"{state.low[0]}{unit}"
    low = "" if state.low is None else f"{'above' if state.low[1] else 'at least'} {state.low[0]}"
    high = "" if state.high is None else f"{'at most' if state.high[1] else 'below'} {state.high[0]}"
    return f"{' and '.join(filter(None, (low, high)))}{unit}"
