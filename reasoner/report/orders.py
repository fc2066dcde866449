"""Find the open orders of tests that are not warranted, with what speaks against each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from reasoner.answer import CaseAnswer
from reasoner.explanation import Reason
from reasoner.fhir.orders import Order
from reasoner.program.model import Program, Recommendation
from reasoner.report.advice import unwarranted_tests

__all__ = ["UnwarrantedOrder", "unwarranted_orders"]


@dataclass(frozen=True, slots=True)
class UnwarrantedOrder:
    """An order of a test not to do, the recommendations that say so with their standing, and the reasons."""

    order: Order
    test: str
    rows: tuple[Recommendation, ...]
    reasons: tuple[Reason, ...]
    standing: str


def unwarranted_orders(program: Program, answer: CaseAnswer, orders: Iterable[Order]) -> Iterator[UnwarrantedOrder]:
    """Yield the orders of nothing but tests at or below one that is not warranted; other orders are not touched."""
    advised = answer.advice.advised
    standings = {row.recommendation.iri: judged.certainty for judged in answer.advice.judged.values() for row in judged.rows}
    standings |= {iri: each.standing for iri, each in advised.items() if iri not in standings}
    unwarranted = unwarranted_tests(program, advised.values(), answer.advice)
    for order in orders:
        for test, rows, decided in unwarranted:
            if all(test in program.parents.get(each, ()) for each in order.tests):
                known = answer.reasons.rows if decided else answer.reasons.advised
                reasons = tuple(reason for row in rows for reason in known[row.iri])
                yield UnwarrantedOrder(order, test, rows, reasons, standings[rows[0].iri])
