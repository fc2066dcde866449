"""Work out, once per case, why each conclusion that the report lists is drawn."""

from __future__ import annotations

from collections.abc import Iterator

from reasoner.abstraction.state import CaseState, Unconfirmed
from reasoner.advice import LISTED, Advice, Advised
from reasoner.differential import Differential
from reasoner.entailment import ENTAILED, Statuses
from reasoner.explanation import Reason, View
from reasoner.frozen import frozen
from reasoner.program.model import Program

__all__ = ["Reasons", "find_reasons"]


@frozen()
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
    advised = {
        iri: view.recommended(each.recommendation, each.eligible != ENTAILED)
        for iri, each in advice.advised.items()
        if each.standing in LISTED
    }
    if state.unconfirmed:
        advised |= {iri: _of_red_flag(view, advice.advised[iri], found) for iri, found in advised.items()}
    rows = {row.recommendation.iri: view.recommended(row.recommendation) for judged in advice.judged.values() for row in judged.rows}
    settled = [each.condition for each in differential.weights if each.status in ("confirmed", "excluded")]
    conditions = {
        each.iri: tuple(reason for name in (*each.confirmed_by, *each.excluded_by) if statuses.holds(name) for reason in view.because(name))
        for each in settled
    }
    return Reasons(advised, rows, conditions)


def _of_red_flag(view: View, each: Advised, found: tuple[Reason, ...]) -> tuple[Reason, ...]:
    """Return the reasons that were found; of a red flag also those in the readings of unconfirmed records that raise it."""
    if not each.recommendation.red_flag:
        return found
    index = view.program.recommendations.index(each.recommendation)
    more = tuple(reason for reading in view.state.unconfirmed for reason in _reasons_in(view.program, reading, index))
    if more and not view.statuses.holds(each.recommendation.trigger):
        return tuple(dict.fromkeys(more))
    return tuple(dict.fromkeys((*found, *more)))


def _reasons_in(program: Program, reading: Unconfirmed, index: int) -> Iterator[Reason]:
    """Yield the reasons of a red flag, by index, that a reading raises; what is not confirmed is named as such."""
    certain = (index, True) in reading.raised
    if certain or (index, False) in reading.raised:
        view = View(program, reading.state, Statuses(program, reading.state.leaf_true, reading.state.leaf_false))
        for reason in view.recommended(program.recommendations[index], trigger=not certain):
            unsure = reason.kind == "fact" and reason.source in reading.records
            yield reason._replace(text=f"{reason.text} (not confirmed)") if unsure else reason
