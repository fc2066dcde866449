"""Give the reasons of a conclusion: the record facts, axioms and guideline sentences it rests on, and what is missing."""

from __future__ import annotations

from reasoner.abstraction.state import CaseState, IndicatorState
from reasoner.entailment import ENTAILED, OPEN, Statuses
from reasoner.program.model import Literal, Program, Recommendation
from reasoner.program.premises import Missing, Reason, role_phrase, sentence_id
from reasoner.supports import Supports, value_text
from reasoner.terms import by_label

__all__ = ["Missing", "Reason", "View", "sentence_id"]


class View:
    """Look at one answered case: its program, state and statuses; results are remembered."""

    def __init__(self, program: Program, state: CaseState, statuses: Statuses) -> None:
        self.program = program
        self.state = state
        self.statuses = statuses
        self._classes, self._premises = program.classes, program.premises
        self._supports = Supports(program, state, statuses)
        self._because: dict[str, tuple[Reason, ...]] = {}
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
        holds = self.statuses.literal(literal) == ENTAILED
        return self._supports[literal] if holds else self._supports.below(literal)

    def value_text(self, state: IndicatorState) -> str:
        """Return an indicator's value as a phrase."""
        return value_text(self.program, state)

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
        indicator = self.program.indicator[state.indicator]
        counted = indicator.form in ("relative", "on_record", "attribute", "closed") or indicator.datatype == "boolean"
        return not counted and state.low[0] in indicator.thresholds
