"""Prove what is concluded about a case: standings, statuses, verdicts and conditions, one proof or one per minimal reason."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from reasoner.accounts import Accountant
from reasoner.advice import Advised, Judged
from reasoner.differential import Ranked
from reasoner.entailment import ENTAILED, OPEN, REFUTED
from reasoner.errors import UsageError
from reasoner.explanation import Missing, View
from reasoner.justification import BOUND, minimal_reasons
from reasoner.naming import find_terms, unknown_name
from reasoner.program.model import Condition, Criterion, Recommendation
from reasoner.program.premises import sentence_id
from reasoner.proof_axioms import Axioms
from reasoner.proof_data import Cited, Conclusion, Explained, Model, Premise, Proof, Step
from reasoner.proof_models import Models
from reasoner.proof_search import Search, search_case, search_readings, search_some, value_premise
from reasoner.report import CaseAnswer
from reasoner.report.evidence import reviews_of
from reasoner.terms import ROLES, Role

__all__ = ["Prover"]


class Prover:
    """Proves the conclusions of one answered case; steps are shared between its proofs."""

    def __init__(self, axioms: Axioms, view: View, answer: CaseAnswer) -> None:
        self.axioms = axioms
        self.view = view
        self.answer = answer
        self.program = view.program
        self.search = search_case(axioms, view)
        self.models = Models(self.search)
        self._refutations: dict[tuple[str, ...], list[Step]] = {}
        self._groups: dict[tuple[str, ...], tuple[frozenset[Cited], frozenset[Cited]]] = {}

    def listed(self) -> list[Proof]:
        """Return one proof of every conclusion that the report states: advice, verdicts, conditions settled."""
        proofs = [self.recommendation(each.recommendation) for each in self.answer.advice.advised.values()]
        proofs += [self.decision(judged) for judged in self.answer.advice.judged.values()]
        ranked = [each for each in self.answer.differential.ranked if each.status in ("confirmed", "excluded")]
        return proofs + [self.condition(each.condition, each.status) for each in ranked]

    def resting_on(self, sentence: str) -> list[Proof]:
        """Return the proofs of the report's conclusions that cite a sentence of the source text; raise UsageError for none such."""
        if not self.axioms.is_sentence(sentence):
            raise UsageError(
                "No sentence of the source text has that number",
                where=sentence_id(sentence),
                why="the guideline cites none by it",
                repair="see `legcramps check --coverage` for the sentences there are",
            )
        return [proof for proof in self.listed() if any(kind == "sentence" and iri == sentence for kind, iri, _ in proof.cited)]

    def explain(self, name: str, every: bool = False, bound: int = BOUND) -> Explained:
        """Return one proof per conclusion that `name` stands for, or one per minimal reason, with the accounts of what is no deduction.

        Raise UsageError as `named` does; only the words that a record has for a drug may stand for an account alone.
        """
        terms = find_terms(name, self.program, self._explained)
        accountant = Accountant(self.axioms, self.view, self.answer)
        told = [account for term in terms for account in accountant.accounts(term)]
        accounts = tuple(told if terms else accountant.unclassified(name))
        proofs = [] if accounts and not terms else self.named(name)
        if not every:
            return Explained(name, tuple(proofs), accounts=accounts)
        found = [self.reasons(proof, bound) for proof in proofs]
        return Explained(name, tuple(proof for each, _ in found for proof in each), all(complete for _, complete in found), bound, accounts)

    def named(self, name: str) -> list[Proof]:
        """Return one proof per conclusion that `name` stands for; raise UsageError, with near matches, when nothing bears it.

        It may be a case class, recommendation, red flag, investigation, condition, finding, drug, indicator, criterion, rule or
        decision, written as `reasoner.naming` finds it. What is open is shown to be so by two cases that agree with the records and differ in it.
        """
        terms = find_terms(name, self.program, self._explained)
        if not terms:
            otherwise = "name a class, recommendation, rule, test, condition, finding, drug or indicator"
            raise unknown_name(name, self.program, self._explained, f"Nothing is called {name}", otherwise)
        return [proof for term in terms for proof in self._about(term)]

    def _about(self, term: str) -> list[Proof]:
        """Return the proofs of what is concluded about a term."""
        program = self.program
        judged = [each for each in self.answer.advice.judged.values() if each.decision.iri == term]
        if judged:
            return list(map(self.decision, judged))
        if term in program.recommendation:
            return [self.recommendation(program.recommendation[term])]
        if term in program.classes:
            return [self.status(term)]
        if term in program.indicator:
            return [self.status(band) for band in program.indicator[term].bands if self.view.statuses.holds(band)]
        if program.sorts.get(term) == "Investigation":
            advised = self.answer.advice.advised
            return [self.recommendation(each) for each in program.recommendations if each.investigation == term and each.iri in advised]
        found = [proof for each in self.answer.differential.ranked if each.condition.iri == term for proof in self._ranked(each)]
        found += [self._criterion(each) for each in program.criteria if each.iri == term]
        found += [self.role(role, term) for role in ROLES if f"{role} {term}" in program.assertions]
        advised = self.answer.advice.advised
        return found + [self.recommendation(each) for each in reviews_of(program, term)[1] if each.iri in advised]

    def _ranked(self, ranked: Ranked) -> list[Proof]:
        """Return why a condition is confirmed, excluded or neither, and why what weighs for and against it holds."""
        condition, status = ranked.condition, ranked.status
        if status in ("confirmed", "excluded"):
            found = [self.condition(condition, status)]
        else:
            found = [self.status(name) for name in (*condition.confirmed_by, *condition.excluded_by)]
        return found + [self._criterion(each.criterion) for each in ranked.weighed]

    def _criterion(self, criterion: Criterion) -> Proof:
        """Return the proof of what a criterion is about."""
        if criterion.kind == "class":
            return self.status(criterion.subject)
        return self.role(Role.FINDING if criterion.kind == "finding" else Role.TAKES, criterion.subject)

    @cached_property
    def _explained(self) -> dict[str, None]:
        """Return all that can be explained."""
        program = self.program
        others = [each.iri for each in program.decisions] + [each.iri for each in program.criteria]
        return dict.fromkeys((*program.recommendation, *program.classes, *program.indicator, *program.sorts, *others))

    # --- conclusions ------------------------------------------------------------------------------------------------

    def status(self, name: str) -> Proof:
        """Return the proof that a case class is entailed, refuted or open."""
        status = self.view.statuses.status(name)
        if status != OPEN:
            return self._proof(Conclusion("class", name, status), [self.search.derive(name, status == ENTAILED)])
        models = tuple(self.models.find(name, holds) for holds in (True, False))
        return self._proof(Conclusion("class", name, OPEN), [], models, missing=self.view.missing(name))

    def role(self, role: str, term: str) -> Proof:
        """Return the proof that the case stands in a role to a term, that it does not, or that nobody knows."""
        for holds, word in ((True, "present"), (False, "absent")):
            step = self.search.role(role, term, holds)
            if step is not None:
                return self._proof(Conclusion("role", term, word, role=role), [step])
        missing = Missing(term, self.view.role_phrase(role, term))
        return self._proof(Conclusion("role", term, "unknown", role=role), [], self.models.find_role(role, term), missing=(missing,))

    def recommendation(self, each: Recommendation) -> Proof:
        """Return the proof of the standing of a recommendation; of one not raised, why it is ruled out or open."""
        advised = self.answer.advice.advised.get(each.iri)
        if advised is None:
            if self.view.statuses.status(each.applicable) == REFUTED:
                return self._proof(Conclusion("recommendation", each.iri, "ruled-out"), [self.search.derive(each.applicable, False)])
            return self.status(each.eligible)
        if advised.standing == "possible":
            return self._possible(advised)
        if advised.standing == "presumed":
            steps = [self.search.derive(each.eligible), *self._refuted(each.overriders)]
            return self._proof(Conclusion("recommendation", each.iri, "presumed", presumes=tuple(sorted(advised.presumes))), steps)
        return self._proof(
            Conclusion("recommendation", each.iri, advised.standing), [self.search.derive(each.applicable, advised.standing == "certain")]
        )

    def _refuted(self, iris: Iterable[str]) -> list[Step]:
        """Return the steps that refute the eligibility of those recommendations that are not eligible for certain."""
        key = tuple(iris)
        if key not in self._refutations:
            names = sorted(self.program.recommendation[iri].eligible for iri in key)
            self._refutations[key] = [self.search.derive(name, False) for name in names if self.view.statuses.status(name) == REFUTED]
        return self._refutations[key]

    def _possible(self, advised: Advised) -> Proof:
        each = advised.recommendation
        remarks = [f"raised against it: {self.view.label(iri)}" for iri in advised.by]
        conclusion, missing = Conclusion("recommendation", each.iri, "possible"), self.view.missing(each.eligible)
        return self._proof(conclusion, [self._raised(each)], remarks=remarks, missing=missing)

    def _raised(self, each: Recommendation) -> Step:
        """Return the step that raises a recommendation: its eligibility or its trigger, if need be under one reading of a conflict."""
        for search in (self.search, *self._readings):
            for name in (each.eligible, each.trigger):
                if search.statuses.status(name) == ENTAILED:
                    return search.derive(name)
        raise AssertionError(each.iri)

    def decision(self, judged: Judged) -> Proof:
        """Return the proof of a verdict: its rows apply, or are eligible with what is presumed, or some are still possible."""
        about, verdict = judged.decision.iri, judged.verdict
        if not judged.rows:
            rows = [row.recommendation for _, listed in judged.could_be for row in listed]
            conclusion = Conclusion("decision", about, verdict.iri, judged.certainty, could_be=tuple(row.iri for row in rows))
            names = [each.applicable for each in judged.decision.verdicts if each.applicable in self.program.classes]
            if judged.certainty == "certain":
                return self._proof(conclusion, [self.search.derive(name, False) for name in sorted(names)])
            models = [self.models.find(name, False) for name in names]
            return self._proof(conclusion, [self._raised(row) for row in rows], tuple(dict.fromkeys(models)))
        if judged.certainty == "certain":
            return self._proof(Conclusion("decision", about, verdict.iri, "certain"), [self.search.derive(verdict.applicable)])
        status = self.view.statuses.status
        rows = [each for each in self.program.recommendations if each.verdict == verdict.iri]
        dead = [row for row in rows if status(row.eligible) == REFUTED]
        own = {row.iri for row in rows}
        above = {iri for row in rows if row not in dead for iri in row.overriders} - own
        presumes = tuple(sorted(iri for iri in above if status(self.program.recommendation[iri].eligible) != REFUTED))
        steps = [self.search.derive(verdict.eligible), *self._refuted([*(row.iri for row in dead), *above])]
        return self._proof(Conclusion("decision", about, verdict.iri, "presumed", presumes), steps)

    def condition(self, condition: Condition, status: str) -> Proof:
        """Return the proof that a condition is confirmed or excluded."""
        names = condition.confirmed_by if status == "confirmed" else condition.excluded_by
        name = next(name for name in names if self.view.statuses.holds(name))
        return self._proof(Conclusion("condition", condition.iri, status), [self.search.derive(name)])

    @cached_property
    def _readings(self) -> tuple[Search, ...]:
        return tuple(search_readings(self.search, self.view)) if self.view.state.alternatives else ()

    # --- all minimal reasons ------------------------------------------------------------------------------------------

    def reasons(self, proof: Proof, bound: int = BOUND) -> tuple[list[Proof], bool]:
        """Return one proof per minimal reason of the first step of `proof`, and whether these are all."""
        if not proof.premises:
            return [proof], True
        head, *others = proof.premises
        if proof.conclusion.kind == "role":
            return self._single_facts(proof, head), True
        if head.statement[0] != "class" or any(step.premise and step.premise.kind == "reading" for step in proof.steps()):
            return [proof], False
        name = str(head.statement[1])
        found = minimal_reasons(self.view, name, bound)
        proofs = []
        for reason in found.reasons:
            texts = {premise.text for premise in reason}
            search = search_some(self.search, lambda premise, texts=texts: self.text(premise) in texts)  # type: ignore[misc]
            step = search.derive(name, head.holds)
            proofs.append(self._proof(proof.conclusion, [step, *others], proof.models, proof.remarks, proof.missing))
        return proofs, found.complete

    def _single_facts(self, proof: Proof, head: Step) -> list[Proof]:
        """Return one proof of a role per fact that gives it: each does so alone, by hierarchy and constraints."""
        searches = [search_some(self.search, lambda premise, fact=fact: premise == fact) for fact in self.given() if fact.kind == "role"]  # type: ignore[misc]
        steps = [search.role(head.statement[1], head.statement[2], head.holds) for search in searches]
        return [self._proof(proof.conclusion, [step]) for step in steps if step is not None]

    def text(self, premise: Premise) -> str:
        """Return the words of a premise, as `minimal_reasons` gives them."""
        if premise.statement[0] == "some":
            return f"{self.view.role_phrase(premise.statement[1], premise.statement[2])}: {'present' if premise.holds else 'absent'}"
        return self.view.value_text(self.view.state.indicators[premise.statement[1]])

    # --- citations ----------------------------------------------------------------------------------------------------

    def _proof(
        self,
        conclusion: Conclusion,
        steps: list[Step],
        models: tuple[Model, ...] = (),
        remarks: Iterable[str] = (),
        missing: tuple[Missing, ...] = (),
    ) -> Proof:
        bare = Proof(self.view.state.case.iri, conclusion, tuple(steps), ())
        names = {conclusion.about} if conclusion.kind in ("class", "recommendation") else set()
        for step in bare.steps():
            if step.statement[0] in ("class", "part"):
                names.add(step.statement[1])
            elif step.axiom is not None:
                names.update(step.axiom)
        cited = self._cited(names, (*conclusion.presumes, *conclusion.could_be))
        return Proof(bare.case, conclusion, bare.premises, cited, self.given() if models else (), models, tuple(remarks), missing)

    def _cited(self, names: Iterable[str], group: tuple[str, ...]) -> tuple[Cited, ...]:
        """Return what classes and recommendations are cited by, those of a `group` too, then their sentences."""
        own, sentences = map(set, self._group(group))
        for cited, said in map(self.axioms.citation, names):
            own.add(cited)
            if said:
                sentences.update(said)
        return (*sorted(own), *sorted(sentences))

    def _group(self, names: tuple[str, ...]) -> tuple[frozenset[Cited], frozenset[Cited]]:
        """Return the citations of some recommendations and those of their sentences; proofs of one report share them."""
        if names not in self._groups:
            found = [self.axioms.citation(iri) for iri in names]
            self._groups[names] = frozenset(own for own, _ in found), frozenset(each for _, said in found for each in said)
        return self._groups[names]

    def given(self) -> tuple[Premise, ...]:
        """Return everything that the case state knows, as premises."""
        return self._given

    @cached_property
    def _given(self) -> tuple[Premise, ...]:
        roles = [step.premise for step, _, _ in self.search.roles if step.premise]
        values = [value_premise(state) for state in self.view.state.indicators.values() if state.settled]
        return (*roles, *values)
