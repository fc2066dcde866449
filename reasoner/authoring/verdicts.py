"""Read off an answered case what two versions are compared by: decisions, advice, conditions, what leads; with proofs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from reasoner.answer import CaseAnswer
from reasoner.authoring.versions import Version
from reasoner.differential import Ranked
from reasoner.explanation import View
from reasoner.proof_axioms import Axioms
from reasoner.proof_data import Explained, Proof
from reasoner.proof_formats import Words
from reasoner.proofs import Prover

__all__ = ["CONDITION", "DECISION", "KINDS", "LEAD", "RECOMMENDATION", "RED_FLAG", "TEST", "Item", "Side", "Verdict"]

DECISION = "decision"
RED_FLAG = "red flag"
RECOMMENDATION = "recommendation"
CONDITION = "condition"
LEAD = "leading cause"
TEST = "next test"
KINDS = (DECISION, RED_FLAG, RECOMMENDATION, TEST, LEAD, CONDITION)
"""The kinds of verdicts in the order in which they are shown."""


@dataclass(frozen=True, slots=True)
class Item:
    """What a verdict is about: a decision, a recommendation or a condition by its IRI; the lead is about no term."""

    kind: str
    term: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said of an item: the key by which versions are compared, and the words."""

    key: str
    words: str


@dataclass(frozen=True)
class Side:
    """One version's answer to a case."""

    version: Version
    axioms: Axioms
    answer: CaseAnswer

    @cached_property
    def view(self) -> View:
        """Return the answer to look at."""
        return View(self.version.program, self.answer.state, self.answer.statuses)

    @cached_property
    def ranked(self) -> Mapping[str, Ranked]:
        """Return the ranked conditions by IRI."""
        return {each.condition.iri: each for each in self.answer.differential.ranked}

    def verdicts(self, other: Version) -> dict[Item, Verdict]:
        """Return the verdicts; a condition that `other` does not have counts only where the records bear on it."""
        said = {Item(DECISION, each.decision.iri): f"{each.verdict.word} ({each.certainty})" for each in self.answer.advice.judged.values()}
        for advised in self.answer.advice.advised.values():
            each = advised.recommendation
            if advised.listed and each.decision is None:
                said[Item(RED_FLAG if each.red_flag else RECOMMENDATION, each.iri)] = advised.standing
        known = {each.iri for each in other.program.conditions}
        for iri, ranked in self.ranked.items():
            if iri in known or _borne(ranked):
                said[Item(CONDITION, iri)] = f"{ranked.status} ({ranked.weight:+.1f})"
        found = {item: Verdict(word, word) for item, word in said.items()}
        if self.leads:
            found[Item(LEAD, "")] = Verdict(" ".join(sorted(self.leads)), ", ".join(sorted(map(self.label, self.leads))))
        return found

    @property
    def leads(self) -> frozenset[str]:
        """Return the conditions of the first rank on which the records bear."""
        return frozenset(iri for iri, each in self.ranked.items() if each.rank == 1 and _borne(each))

    def label(self, term: str) -> str:
        """Return the label of a term."""
        return self.view.label(term)

    def basis(self, item: Item) -> str:
        """Return what a verdict rests on: its proof, or the weights of a condition that nothing settles."""
        if item.kind == LEAD:
            return "\n".join(self.weights(iri) for iri in sorted(self.leads, key=self.label))
        ranked = self.ranked.get(item.term)
        if item.kind == CONDITION and (ranked is None or ranked.status not in ("confirmed", "excluded")):
            return self.weights(item.term) if ranked else "the version does not have the condition"
        if item.kind == TEST:
            advised = [each.recommendation for each in self.answer.advice.advised.values() if each.listed]
            own = [Item(RECOMMENDATION, each.iri) for each in advised if each.investigation == item.term]
            return "\n".join(map(self.basis, own)) or "nothing leads to the test"
        proof = self._proof(item, ranked)
        if proof is None:
            return "the version does not have it"
        return Words(self.axioms, self.view).write(Explained(item.term, (proof,)), "text").rstrip("\n")

    def weights(self, condition: str) -> str:
        """Return the status and weight of a condition and the criteria that count, one in each line."""
        each = self.ranked[condition]
        lines = [f"  - {'' if one.present else 'not: '}{self.label(one.criterion.subject)} ({one.weight:+.1f})" for one in each.weighed]
        return "\n".join([f"{self.label(condition)}: {each.status} ({each.weight:+.1f})", *lines])

    def _proof(self, item: Item, ranked: Ranked | None) -> Proof | None:
        prover = Prover(self.axioms, self.view, self.answer)
        if ranked is not None:
            return prover.condition(ranked.condition, ranked.status)
        for judged in self.answer.advice.judged.values():
            if judged.decision.iri == item.term:
                return prover.decision(judged)
        each = self.version.program.recommendation.get(item.term)
        return prover.recommendation(each) if each else None


def _borne(each: Ranked) -> bool:
    """Return whether the records say anything about a condition."""
    return bool(each.weighed) or each.status in ("confirmed", "excluded")
