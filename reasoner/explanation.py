"""Give the reasons of a conclusion: the record facts, axioms and guideline sentences it rests on, and what is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain

from reasoner.abstraction.state import CaseState, IndicatorState
from reasoner.entailment import ENTAILED, OPEN, Statuses
from reasoner.program.model import Literal, Program, Recommendation
from reasoner.program.premises import Missing, Reason, role_phrase, sentence_id
from reasoner.terms import by_label

__all__ = ["Missing", "Reason", "View", "sentence_id"]

_POSITIONS = {-1: "below", 0: "inside", 1: "above"}
_BARE = ("1", "a", "d")  # units that the labels of ratios, ages and day counts already say


class _Supports(dict[Literal, tuple[Reason, ...]]):
    """The record premises of literals, found when first asked for."""

    def __init__(self, find: Callable[[Literal], tuple[Reason, ...]]) -> None:
        super().__init__()
        self._find = find

    def __missing__(self, literal: Literal) -> tuple[Reason, ...]:
        found = self[literal] = self._find(literal)
        return found


class View:
    """Look at one answered case: its program, state and statuses; results are remembered."""

    def __init__(self, program: Program, state: CaseState, statuses: Statuses) -> None:
        self.program = program
        self.state = state
        self.statuses = statuses
        self._names: dict[int, str] = {}
        self._supports = _Supports(self._find)
        self._measured: dict[str, tuple[Reason, ...]] = {}
        self._missing: dict[int, frozenset[int]] = {}

    def label(self, term: str) -> str:
        """Return the label of a term."""
        return self.program.label(term)

    def leaf_term(self, bit: int) -> Missing:
        """Return what a leaf is about."""
        return self.program.premises.leaves[bit]

    def role_phrase(self, role: str, term: str) -> str:
        """Return the words for a role with a filler, such as "new" before a finding."""
        return role_phrase(self.program.labels, role, term)

    def because(self, name: str, positive: bool = True) -> tuple[Reason, ...]:
        """Return one set of premises for the entailment (or refutation) of the case class `name`."""
        bit, sign = self.program.classes[name]
        premises = self.program.premises
        axioms = premises.classes[name] if positive else premises.denials[name]
        return (*axioms, *self.support((bit, sign == positive)))

    def support(self, literal: Literal) -> tuple[Reason, ...]:
        """Return record premises that make a known literal hold; nothing for an open one."""
        return self._supports[literal]

    def _find(self, literal: Literal) -> tuple[Reason, ...]:
        bit, sign = literal
        if bit < self.program.tables.leaf_count:
            return self._leaf(bit, sign)
        parts = self.supporting_parts(literal)
        if parts is None:
            return tuple(dict.fromkeys(self._diagram(bit)))
        supports = self._supports
        if len(parts) == 1:
            return supports[parts[0]]
        return tuple(dict.fromkeys(chain.from_iterable([supports[part] for part in parts])))

    def supporting_parts(self, literal: Literal) -> list[Literal] | None:
        """Return the inputs by which the gate of a literal holds, or None when only its diagram shows that it does."""
        parts, every = self.program.premises.inputs[literal]
        known = self.statuses.entailed(parts)
        if every:
            return known if len(known) == len(parts) else None
        if len(known) > 1:
            return [min(known, key=lambda part: len(self.support(part)))]
        return known or None

    def _holds(self, literal: Literal) -> bool:
        return self.statuses.literal(literal) == ENTAILED

    def _diagram(self, bit: int) -> list[Reason]:
        """Return every known leaf that the diagram of a gate looks at."""
        return [
            reason
            for leaf in sorted(self.leaves_below(bit))
            for sign in (True, False)
            if self._holds((leaf, sign))
            for reason in self.support((leaf, sign))
        ]

    def leaves_below(self, bit: int) -> frozenset[int]:
        """Return the leaves of the expansion of a bit."""
        if bit < self.program.tables.leaf_count:
            return frozenset({bit})
        gate = self.program.gates[bit - self.program.tables.leaf_count]
        return frozenset().union(*(self.leaves_below(part) for part in (*gate.positive, *gate.negative)))

    def _leaf(self, bit: int, sign: bool) -> tuple[Reason, ...]:
        subject, _ = self.program.leaves[bit]
        if subject in self.program.indicator:
            if subject not in self._measured:
                self._measured[subject] = tuple(self._value(subject))
            return self._measured[subject]
        premises = self.program.premises
        mask, place = 1 << bit, 0 if sign else 1
        for (_, term, present, sources), settled in zip(self.state.facts, self.state.assertions, strict=True):
            if settled[place] & mask:
                text = premises.facts[bit, sign, term, present]
                return (Reason(text, "fact", premises.leaves[bit].term, sources[0] if sources else ""),)
        return ()

    def _value(self, indicator: str) -> Iterable[Reason]:
        state = self.state.indicators.get(indicator)
        if state is None or not state.settled:
            return self.program.premises.totals[indicator]
        text = self.value_text(state)
        return [Reason(text, "fact", indicator, source) for source in dict.fromkeys(state.sources or ("",))]

    def value_text(self, state: IndicatorState) -> str:
        """Return an indicator's value as a phrase."""
        indicator = self.program.indicator[state.indicator]
        if indicator.datatype == "boolean":
            return f"{self.label(state.indicator)}: {'yes' if state.low and state.low[0] == 1 else 'no'}"
        if indicator.form == "relative" and state.status == "known" and state.low:
            return f"{self.label(state.indicator)}: {_POSITIONS[int(state.low[0])]}"
        return f"{self.label(state.indicator)}: {self.interval_text(state)}"

    def interval_text(self, state: IndicatorState) -> str:
        """Return the value of an indicator, or the interval that it lies in, with the unit where labels do not say it."""
        indicator = self.program.indicator[state.indicator]
        unit = "" if indicator.unit in _BARE or indicator.form in ("quotient", "ratio", "relative") else f" {indicator.unit}"
        if state.status == "known" and state.low:
            return f"{state.low[0]}{unit}"
        low = "" if state.low is None else f"{'above' if state.low[1] else 'at least'} {state.low[0]}"
        high = "" if state.high is None else f"{'at most' if state.high[1] else 'below'} {state.high[0]}"
        return f"{' and '.join(filter(None, (low, high)))}{unit}"

    def unknown_leaves(self, *names: str) -> frozenset[int]:
        """Return the leaves that keep the case classes `names` open."""
        return frozenset().union(*(self._open_below(self.program.classes[name][0]) for name in names))

    def missing(self, *names: str) -> tuple[Missing, ...]:
        """Return the unknown leaves that keep the case classes `names` open, one entry per term, by label."""
        found: dict[str, Missing] = {}
        for bit in sorted(self.unknown_leaves(*names)):
            term = self.leaf_term(bit)
            found.setdefault(f"{term.term} {term.label}", term)
        return tuple(sorted(found.values(), key=lambda each: by_label(each.label, each.term)))

    def _open_below(self, bit: int) -> frozenset[int]:
        if self.statuses.literal((bit, True)) != OPEN:
            return frozenset()
        if bit < self.program.tables.leaf_count:
            return frozenset({bit})
        if bit not in self._missing:
            gate = self.program.gates[bit - self.program.tables.leaf_count]
            self._missing[bit] = frozenset().union(*(self._open_below(part) for part in (*gate.positive, *gate.negative)))
        return self._missing[bit]

    def recommended(self, each: Recommendation, trigger: bool = False) -> tuple[Reason, ...]:
        """Return the reasons of a recommendation: its statement with its sentences, and why its inclusion holds."""
        return (*self.program.premises.statements[each.iri], *self.because(each.trigger if trigger else each.inclusion))

    def is_boundary(self, state: IndicatorState) -> bool:
        """Return whether a known value lies exactly on a threshold."""
        if state.status != "known" or state.low is None:
            return False
        indicator = self.program.indicator[state.indicator]
        counted = indicator.form in ("relative", "on_record", "attribute", "closed") or indicator.datatype == "boolean"
        return not counted and state.low[0] in indicator.thresholds
