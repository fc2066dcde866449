"""Give the reasons of a conclusion: the record facts, axioms and guideline sentences it rests on, and what is missing."""

from __future__ import annotations

from collections.abc import Iterable
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
    """The record premises of literals that hold, found when first asked for.

    What holds by all its inputs rests on all of them, what holds by one of them on the one with the fewest premises.
    """

    def __init__(self, view: View) -> None:
        super().__init__()
        self._view = view
        self._inputs = view.program.premises.inputs
        self._first_gate = view.program.tables.leaf_count

    def __missing__(self, literal: Literal) -> tuple[Reason, ...]:
        bit, sign = literal
        if bit < self._first_gate:
            found = self._view.leaf_reasons(bit, sign)
        else:
            parts, every = self._inputs[literal]
            if not every:
                parts = self._one_of(parts)
            if len(parts) == 1:
                found = self[parts[0]]
            elif parts:
                found = tuple(dict.fromkeys(chain.from_iterable(map(self.__getitem__, parts))))
            else:
                found = self._view.diagram_reasons(bit)
        self[literal] = found
        return found

    def _one_of(self, parts: Iterable[Literal]) -> tuple[Literal, ...]:
        """Return the input by which a gate holds; nothing when only its diagram shows that it does."""
        known = self._view.statuses.entailed(parts)
        return tuple(known) if len(known) < 2 else (min(known, key=lambda part: len(self[part])),)


class View:
    """Look at one answered case: its program, state and statuses; results are remembered."""

    def __init__(self, program: Program, state: CaseState, statuses: Statuses) -> None:
        self.program = program
        self.state = state
        self.statuses = statuses
        self._premises = program.premises
        self._classes, self._leaves, self._indicator = program.classes, program.leaves, program.indicator
        self._supports = _Supports(self)
        self._because: dict[str, tuple[Reason, ...]] = {}
        self._measured: dict[str, tuple[Reason, ...]] = {}
        self._missing: dict[int, frozenset[int]] = {}

    def label(self, term: str) -> str:
        """Return the label of a term."""
        return self.program.label(term)

    def leaf_term(self, bit: int) -> Missing:
        """Return what a leaf is about."""
        return self._premises.leaves[bit]

    def role_phrase(self, role: str, term: str) -> str:
        """Return the words for a role with a filler, such as "new" before a finding."""
        return role_phrase(self.program.labels, role, term)

    def because(self, name: str, positive: bool = True) -> tuple[Reason, ...]:
        """Return one set of premises for the entailment (or refutation) of the case class `name`."""
        bit, sign = self._classes[name]
        if not positive:
            return self._premises.denials[name] + self.support((bit, not sign))
        found = self._because.get(name)
        if found is None:
            found = self._because[name] = self._premises.classes[name] + self.support((bit, sign))
        return found

    def support(self, literal: Literal) -> tuple[Reason, ...]:
        """Return record premises that make a literal hold; of an open one, what is known below it."""
        found = self._supports.get(literal)
        if found is not None:
            return found
        return self._supports[literal] if self._holds(literal) else self._known_below(literal)

    def _known_below(self, literal: Literal) -> tuple[Reason, ...]:
        bit, sign = literal
        return self.leaf_reasons(bit, sign) if bit < self.program.tables.leaf_count else self.diagram_reasons(bit)

    def _holds(self, literal: Literal) -> bool:
        return self.statuses.literal(literal) == ENTAILED

    def diagram_reasons(self, bit: int) -> tuple[Reason, ...]:
        """Return the premises of every known leaf that the diagram of a gate looks at."""
        known = [(leaf, sign) for leaf in sorted(self.leaves_below(bit)) for sign in (True, False) if self._holds((leaf, sign))]
        return tuple(dict.fromkeys(chain.from_iterable(map(self._supports.__getitem__, known))))

    def leaves_below(self, bit: int) -> frozenset[int]:
        """Return the leaves of the expansion of a bit."""
        if bit < self.program.tables.leaf_count:
            return frozenset({bit})
        gate = self.program.gates[bit - self.program.tables.leaf_count]
        return frozenset().union(*(self.leaves_below(part) for part in (*gate.positive, *gate.negative)))

    def leaf_reasons(self, bit: int, sign: bool) -> tuple[Reason, ...]:
        """Return what is on record of a leaf: the value of its indicator, or the fact that makes it hold (or fail)."""
        subject = self._leaves[bit][0]
        if subject in self._indicator:
            measured = self._measured.get(subject)
            if measured is None:
                measured = self._measured[subject] = self._value(subject)
            return measured
        place = 0 if sign else 1
        for fact, settled in zip(self.state.facts, self.state.assertions, strict=True):
            if settled[place] >> bit & 1:
                _, term, present, sources = fact
                text = self._premises.facts[bit, sign, term, present]
                return (Reason(text, "fact", self._premises.leaves[bit].term, sources[0] if sources else ""),)
        return ()

    def _value(self, indicator: str) -> tuple[Reason, ...]:
        state = self.state.indicators.get(indicator)
        if state is None or not state.settled:
            return self._premises.totals[indicator]
        text = self.value_text(state)
        return tuple([Reason(text, "fact", indicator, source) for source in dict.fromkeys(state.sources or ("",))])

    def value_text(self, state: IndicatorState) -> str:
        """Return an indicator's value as a phrase."""
        indicator = self._indicator[state.indicator]
        if indicator.datatype == "boolean":
            return f"{self.label(state.indicator)}: {'yes' if state.low and state.low[0] == 1 else 'no'}"
        if indicator.form == "relative" and state.status == "known" and state.low:
            return f"{self.label(state.indicator)}: {_POSITIONS[int(state.low[0])]}"
        return f"{self.label(state.indicator)}: {self.interval_text(state)}"

    def interval_text(self, state: IndicatorState) -> str:
        """Return the value of an indicator, or the interval that it lies in, with the unit where labels do not say it."""
        indicator = self._indicator[state.indicator]
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
        return self._premises.statements[each.iri] + self.because(each.trigger if trigger else each.inclusion)

    def is_boundary(self, state: IndicatorState) -> bool:
        """Return whether a known value lies exactly on a threshold."""
        if state.status != "known" or state.low is None:
            return False
        indicator = self._indicator[state.indicator]
        counted = indicator.form in ("relative", "on_record", "attribute", "closed") or indicator.datatype == "boolean"
        return not counted and state.low[0] in indicator.thresholds
