"""Write the answer to a decision: its verdict, what it rests on and presumes, and what it could still be."""

from __future__ import annotations

from collections.abc import Iterable

from reasoner.abstraction.chart import Chart
from reasoner.advice import Advised, Judged
from reasoner.answer import CaseAnswer
from reasoner.entailment import OPEN
from reasoner.explanation import View
from reasoner.moments import DAY
from reasoner.program.model import Recommendation
from reasoner.report.parts import Document, date_after, missing_rows, reason_rows, sentence_ids

__all__ = ["judged_document"]


def judged_document(view: View, judged: Judged, answer: CaseAnswer) -> Document:
    rows = [row.recommendation for row in judged.rows]
    open_rows = [row for _, listed in judged.could_be for row in listed]
    reasons = [reason for row in judged.rows for reason in answer.reasons.rows[row.recommendation.iri]]
    names = [recommendation.eligible for recommendation in rows] or [row.recommendation.eligible for row in open_rows]
    names = names or [
        view.program.recommendation[iri].eligible
        for iri in judged.decision.rows
        if view.statuses.status(view.program.recommendation[iri].eligible) == OPEN
    ]
    presumes = {iri for row in judged.rows for iri in row.presumes}
    return {
        "verdict": judged.verdict.word,
        "status": judged.verdict.word,
        "label": view.label(judged.verdict.iri),
        "rule": "/".join(dict.fromkeys(recommendation.rule for recommendation in rows)),
        "certainty": judged.certainty,
        "because": reason_rows(reasons),
        "presumes": [{"recommendation": iri, "label": view.label(iri)} for iri in sorted(presumes)],
        "missing": missing_rows(view.missing(*names)) if names else [],
        "couldBe": [_could_be(view, row) for row in open_rows],
        "window": _window(view, [*rows, *(row.recommendation for row in open_rows)], answer),
        "reopensIf": [{"class": name, "label": view.label(name)} for name in sorted({name for each in rows for name in each.reopened_by})],
        "sentences": sentence_ids(rows),
    }


def _could_be(view: View, row: Advised) -> Document:
    verdict = row.recommendation.verdict or ""
    word = next((each.word for decision in view.program.decisions for each in decision.verdicts if each.iri == verdict), "")
    return {"verdict": word, "rule": row.recommendation.rule, "if": missing_rows(view.missing(row.recommendation.eligible))}


def _window(view: View, rows: Iterable[Recommendation], answer: CaseAnswer) -> Document | None:
    for each in rows:
        if each.window is not None:
            since, first, target, last = each.window
            _, record = Chart(view.state.case, answer.as_of).last_examination(view.program.below.get(since, (since,)))
            if record is None or record.performed is None:
                return None
            elapsed = answer.as_of.low // DAY - record.performed.high // DAY
            state = "early" if elapsed < first else "open" if elapsed <= last else "overdue"
            start = record.performed
            return {"from": date_after(start, first), "target": date_after(start, target), "until": date_after(start, last), "state": state}
    return None
