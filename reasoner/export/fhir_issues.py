"""Write as DetectedIssue an order of a test that is not warranted, and a past repeat that was not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from reasoner.advice import CERTAIN
from reasoner.answer import CaseAnswer
from reasoner.explanation import Reason
from reasoner.export.fhir_dates import date_time, dated
from reasoner.export.fhir_json import Element, full
from reasoner.export.fhir_terms import Coder
from reasoner.fhir.orders import Order
from reasoner.program.model import Program, Recommendation
from reasoner.repeats import unwarranted_repeats
from reasoner.report.orders import unwarranted_orders

__all__ = ["issues"]

_IRI = re.compile(r"(?:https?://|urn:)[^\s<>\"{}|\\^`]+")


def issues(program: Program, answer: CaseAnswer, orders: Iterable[Order], coder: Coder) -> Iterator[Element]:
    """Yield the issues of a case; their `id` says what they are about and is to be made an id."""
    for each in unwarranted_orders(program, answer, orders):
        issue = _issue(program, coder, each.rows, each.reasons, each.standing)
        yield issue | _about(answer, each.order.node, f"order\n{each.order.node}\n{each.rows[0].iri}", "ordered now")
    for repeat in unwarranted_repeats(answer.state.case, program, answer.as_of):
        rows = tuple(row.recommendation for row in repeat.judged.rows)
        reasons = [reason for row in rows for reason in repeat.answer.reasons.rows[row.iri]]
        issue = _issue(program, coder, rows, reasons, repeat.judged.certainty)
        issue |= dated("identified", repeat.record.performed)
        yield issue | _about(answer, repeat.record.node, f"repeat\n{repeat.record.node}", "")


def _about(answer: CaseAnswer, node: str, name: str, when: str) -> Element:
    found = full(id=name, patient={"reference": answer.state.case.iri}, implicated=[{"reference": node}] if _IRI.fullmatch(node) else [])
    return found | ({"identifiedDateTime": date_time(answer.as_of)} if when else {})


def _issue(program: Program, coder: Coder, rows: Sequence[Recommendation], reasons: Iterable[Reason], standing: str) -> Element:
    facts = [reason for reason in reasons if reason.kind == "fact"]
    records = [source for source in dict.fromkeys(reason.source for reason in facts) if _IRI.fullmatch(source)]
    about = rows[0].verdict or rows[0].iri
    words = "; ".join(dict.fromkeys(reason.text for reason in facts))
    return full(
        resourceType="DetectedIssue",
        status="final" if standing == CERTAIN else "preliminary",
        code={"coding": [coder.own(about)], "text": program.label(about)},
        evidence=[{"detail": [{"reference": record} for record in records]}] if records else [],
        detail=f"{rows[0].statement or program.label(rows[0].iri)} ({words})",
        reference=next((sentence for row in rows for sentence in row.sentences), ""),
    )
