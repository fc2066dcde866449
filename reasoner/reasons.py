"""Work out, once per case, why each conclusion that the report lists is drawn."""

from __future__ import annotations

from dataclasses import dataclass

from reasoner.abstraction.state import CaseState
from reasoner.advice import Advice
from reasoner.differential import Differential
from reasoner.entailment import ENTAILED, Statuses
from reasoner.explanation import Reason, View
from reasoner.program.model import Program

__all__ = ["Reasons", "find_reasons"]


@dataclass(frozen=True, slots=True)
class Reasons:
    """The reasons of recommendations, of the rows that carry a verdict, and of confirmed and excluded conditions, by IRI.

    A listed recommendation whose Eligible is open rests on its trigger; a row always rests on its inclusion.
    """

    advised: dict[str, tuple[Reason, ...]]
    rows: dict[str, tuple[Reason, ...]]
    conditions: dict[str, tuple[Reason, ...]]


def find_reasons(program: Program, state: CaseState, statuses: Statuses, advice: Advice, differential: Differential) -> Reasons:
    """Return the reasons of everything listed."""
    view = View(program, state, statuses)
    listed = [each for each in advice.advised.values() if each.listed]
    rows = [row.recommendation for judged in advice.judged.values() for row in judged.rows]
    settled = [each.condition for each in differential.ranked if each.status in ("confirmed", "excluded")]
    return Reasons(
        {each.recommendation.iri: view.recommended(each.recommendation, trigger=each.eligible != ENTAILED) for each in listed},
        {each.iri: view.recommended(each) for each in rows},
        {
            each.iri: tuple(
                reason for name in (*each.confirmed_by, *each.excluded_by) if statuses.holds(name) for reason in view.because(name)
            )
            for each in settled
        },
    )
