"""Prove the verdict that each set of changes gives, from the changed records."""

from __future__ import annotations

from reasoner.answering import answer_case
from reasoner.changes import Changes, ChangeSet
from reasoner.counterfactual import Change, apply_changes
from reasoner.explanation import View
from reasoner.moments import Moment
from reasoner.proof_axioms import Axioms
from reasoner.proof_data import Premise, Proof
from reasoner.proofs import Prover
from reasoner.record import Case

__all__ = ["ChangedProof", "prove_changes"]

ChangedProof = tuple[Proof, tuple[Premise, ...]]
"""A proof, and everything that is known of the changed case."""


def prove_changes(axioms: Axioms, case: Case, found: Changes, as_of: Moment) -> list[ChangedProof]:
    """Return one proof per set of changes, in their order."""
    return [_prove(axioms, case, each, found.goal, as_of) for each in found.sets]


def _prove(axioms: Axioms, case: Case, chosen: ChangeSet, goal: str, as_of: Moment) -> ChangedProof:
    program = axioms.program
    changes = [Change(each.term, each.value) for each in chosen.changes]
    answer = answer_case(apply_changes(case, changes, program, as_of), program, as_of)
    prover = Prover(axioms, View(program, answer.state, answer.statuses), answer)
    (proof,) = prover.named(goal)
    return proof, prover.given()
