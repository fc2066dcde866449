"""Give the reasons of a conclusion: the record facts, axioms and guideline sentences it rests on, and what is missing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reasoner.abstraction.state import CaseState, IndicatorState
from reasoner.entailment import ENTAILED, OPEN, Statuses
from reasoner.namespaces import LCG, curie
from reasoner.program.model import Literal, Program, Recommendation
from reasoner.terms import Role

__all__ = ["Missing", "Reason", "View", "sentence_id"]

_PHRASES = {
    Role.FINDING: ("", ""),
    Role.NEW_FINDING: ("new ", ""),
    Role.RECENT_FINDING: ("recent ", ""),
    Role.TAKES: ("", " is taken"),
    Role.TAKEN: ("", " was taken"),
    Role.TOOK_BEFORE_ONSET: ("", " was taken before onset"),
    Role.STOPPED_WITH_RELIEF: ("", " was stopped with relief"),
    Role.STOPPED_WITHOUT_RELIEF: ("", " was stopped without relief"),
    Role.RECORDED_DIAGNOSIS: ("recorded diagnosis of ", ""),
}


_POSITIONS = {-1: "below", 0: "inside", 1: "above"}
_BARE = ("1", "a", "d")  # units that the labels of ratios, ages and day counts already say


@dataclass(frozen=True, slots=True)
class Reason:
    """A premise: `kind` is fact, axiom or recommendation; `source` is a record IRI or a sentence id."""

    text: str
    kind: str
    iri: str
    source: str


@dataclass(frozen=True, slots=True)
class Missing:
    """A finding, drug or indicator that is unknown and would be needed."""

    term: str
    label: str


def sentence_id(iri: str) -> str:
    """Return the short id of a sentence, such as S7."""
    local = iri.removeprefix(LCG + "_Sentence_")
    return f"S{int(local[1:])}" if local[1:].isdigit() else curie(iri)


class View:
    """Look at one answered case: its program, state and statuses; results are remembered."""

    def __init__(self, program: Program, state: CaseState, statuses: Statuses) -> None:
        self.program = program
        self.state = state
        self.statuses = statuses
        self._names: dict[int, str] = {}
        self._reasons: dict[Literal, tuple[Reason, ...]] = {}
        self._missing: dict[int, frozenset[int]] = {}

    def label(self, term: str) -> str:
        """Return the label of a term."""
        return self.program.label(term)

    def leaf_term(self, bit: int) -> Missing:
        """Return what a leaf is about."""
        subject, detail = self.program.leaves[bit]
        if (subject, detail) not in self.program.leaf_bit or detail == "" or not detail.startswith("http"):
            return Missing(subject, self.label(subject))
        return Missing(detail, self.role_phrase(subject, detail))

    def role_phrase(self, role: str, term: str) -> str:
        """Return the words for a role with a filler, such as "new" before a finding."""
        before, after = _PHRASES.get(role, ("", ""))
        return f"{before}{self.label(term)}{after}"

    def because(self, name: str, positive: bool = True) -> tuple[Reason, ...]:
        """Return one set of premises for the entailment (or refutation) of the case class `name`."""
        bit, sign = self.program.classes[name]
        found = list(self.support((bit, sign == positive)))
        axiom = Reason(self.label(name) if positive else f"not: {self.label(name)}", "axiom", name, "")
        return (axiom, *found)

    def support(self, literal: Literal) -> tuple[Reason, ...]:
        """Return record premises that make a known literal hold; nothing for an open one."""
        if literal not in self._reasons:
            self._reasons[literal] = ()
            self._reasons[literal] = tuple(dict.fromkeys(self._find(literal)))
        return self._reasons[literal]

    def _find(self, literal: Literal) -> Iterable[Reason]:
        bit, sign = literal
        tables = self.program.tables
        if bit < tables.leaf_count:
            return self._leaf(bit, sign)
        parts = self.supporting_parts(literal)
        return self._diagram(bit) if parts is None else [reason for part in parts for reason in self.support(part)]

    def supporting_parts(self, literal: Literal) -> list[Literal] | None:
        """Return the inputs by which the gate of a literal holds, or None when only its diagram shows that it does."""
        bit, sign = literal
        gate = self.program.gates[bit - self.program.tables.leaf_count]
        parts = [(part, sign) for part in gate.positive] + [(part, not sign) for part in gate.negative]
        known = [part for part in parts if self._holds(part)]
        if gate.every == sign:
            return parts if len(known) == len(parts) else None
        return [min(known, key=lambda part: len(self.support(part)))] if known else None

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

    def _leaf(self, bit: int, sign: bool) -> Iterable[Reason]:
        subject, _ = self.program.leaves[bit]
        indicator = self.program.indicator.get(subject)
        if indicator is not None:
            state = self.state.indicators.get(subject)
            if state is None or not state.settled:
                return [Reason(f"every case has {self.label(subject)}", "axiom", subject, "")]
            text = self.value_text(state)
            return [Reason(text, "fact", subject, source) for source in state.sources or ("",)]
        term = self.leaf_term(bit)
        for fact, (holds, fails) in zip(self.state.facts, self.state.assertions, strict=True):
            if (holds if sign else fails) >> bit & 1:
                text = f"{term.label}: {'present' if sign else 'absent'}"
                if fact.term != term.term:
                    text += f" ({self.label(fact.term)} {'present' if fact.present else 'absent'})"
                return [Reason(text, "fact", term.term, fact.sources[0] if fact.sources else "")]
        return []

    def value_text(self, state: IndicatorState) -> str:
        """Return an indicator's value as a phrase."""
        indicator = self.program.indicator[state.indicator]
        if indicator.datatype == "boolean":
            return f"{self.label(state.indicator)}: {'yes' if state.low and state.low[0] == 1 else 'no'}"
        if indicator.form == "relative" and state.status == "known" and state.low:
            return f"{self.label(state.indicator)}: {_POSITIONS[int(state.low[0])]}"
        unit = "" if indicator.unit in _BARE or indicator.form in ("quotient", "ratio", "relative") else f" {indicator.unit}"
        if state.status == "known" and state.low:
            return f"{self.label(state.indicator)}: {state.low[0]}{unit}"
        low = "" if state.low is None else f"{'above' if state.low[1] else 'at least'} {state.low[0]}"
        high = "" if state.high is None else f"{'at most' if state.high[1] else 'below'} {state.high[0]}"
        return f"{self.label(state.indicator)}: {' and '.join(filter(None, (low, high)))}{unit}"

    def missing(self, *names: str) -> tuple[Missing, ...]:
        """Return the unknown leaves that keep the case classes `names` open, one entry per term, by label."""
        leaves = frozenset().union(*(self._open_below(self.program.classes[name][0]) for name in names))
        found: dict[str, Missing] = {}
        for bit in sorted(leaves):
            term = self.leaf_term(bit)
            found.setdefault(f"{term.term} {term.label}", term)
        return tuple(sorted(found.values(), key=lambda each: (each.label, each.term)))

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
        ids = [sentence_id(sentence) for sentence in each.sentences] or [""]
        said = [Reason(each.statement or self.label(each.iri), "recommendation", each.iri, ids[0])]
        said += [Reason(each.statement or self.label(each.iri), "recommendation", each.iri, extra) for extra in ids[1:]]
        return (*said, *self.because(each.trigger if trigger else each.inclusion))

    def is_boundary(self, state: IndicatorState) -> bool:
        """Return whether a known value lies exactly on a threshold."""
        if state.status != "known" or state.low is None:
            return False
        indicator = self.program.indicator[state.indicator]
        counted = indicator.form in ("relative", "on_record", "attribute", "closed") or indicator.datatype == "boolean"
        return not counted and state.low[0] in indicator.thresholds
