"""Write the answer to a decision: its verdict, what it rests on and presumes, and what it could still be."""

from __future__ import annotations

from reasoner.abstraction.chart import Chart
from reasoner.advice import Judged
from reasoner.answer import CaseAnswer
from reasoner.entailment import OPEN
from reasoner.explanation import View
from reasoner.moments import DAY, Moment
from reasoner.program.model import Program, Recommendation
from reasoner.record import Case
from reasoner.report.parts import Document, date_after, missing_rows, reason_rows, sentence_ids

__all__ = ["judged_document", "rule_of", "window_of"]


def judged_document(view: View, judged: Judged, answer: CaseAnswer) -> Document:
    rows = [row.recommendation for row in judged.rows]
    reasons = [reason for row in judged.rows for reason in answer.reasons.rows[row.recommendation.iri]]
    undecided = [] if rows else _undecided(view, judged)
    raised = [row.recommendation for _, listed in judged.could_be for row in listed]
    names = [each.eligible for each in rows or raised or undecided]
    presumes = {iri for row in judged.rows for iri in row.presumes}
    window = window_of(view.program, judged, view.state.case, answer.as_of)
    return {
        "verdict": judged.verdict.word,
        "status": judged.verdict.word,
        "label": view.label(judged.verdict.iri),
        "rule": rule_of(judged),
        "certainty": judged.certainty,
        "because": reason_rows(reasons),
        "presumes": [{"recommendation": iri, "label": view.label(iri)} for iri in sorted(presumes)],
        "missing": missing_rows(view.missing(*names)) if names else [],
        "couldBe": [_could_be(view, judged, row) for row in undecided],
        "window": None if window is None else dict(zip(("from", "target", "until", "state"), window, strict=True)),
        "reopensIf": [{"class": name, "label": view.label(name)} for name in sorted({name for each in rows for name in each.reopened_by})],
        "sentences": sentence_ids(rows),
    }


def _undecided(view: View, judged: Judged) -> list[Recommendation]:
    """Return the rows that answers can lead to, by verdict: those raised, and those open on which the same unknowns bear.

    Where none is raised, these are all that are open.
    """
    raised = {row.recommendation.iri for _, listed in judged.could_be for row in listed}
    rows = [view.program.recommendation[iri] for iri in judged.decision.rows]
    asked = view.unknown_leaves(*(row.eligible for row in rows if row.iri in raised))
    found: dict[str | None, list[Recommendation]] = {}
    for row in rows:
        if row.iri in raised or (view.statuses.status(row.eligible) == OPEN and (not raised or asked & view.unknown_leaves(row.eligible))):
            found.setdefault(row.verdict, []).append(row)
    return [row for verdict in judged.decision.verdicts for row in found.get(verdict.iri, ())]


def _could_be(view: View, judged: Judged, row: Recommendation) -> Document:
    word = next(each.word for each in judged.decision.verdicts if each.iri == row.verdict)
    return {"verdict": word, "rule": row.rule, "if": missing_rows(view.missing(row.eligible))}


def rule_of(judged: Judged) -> str:
    """Return the names of the rows that a verdict rests on."""
    return "/".join(dict.fromkeys(row.recommendation.rule for row in judged.rows))


def window_of(program: Program, judged: Judged, case: Case, as_of: Moment) -> tuple[str, str, str, str] | None:
    """Return first, best and last day for the next test of a decision, and whether that is early, open or overdue."""
    for each in (*judged.rows, *(row for _, listed in judged.could_be for row in listed)):
        if each.recommendation.window is not None:
            since, first, target, last = each.recommendation.window
            _, record = Chart(case, as_of).last_examination(program.below.get(since, (since,)))
            if record is None or record.performed is None:
                return None
            elapsed = as_of.low // DAY - record.performed.high // DAY
            state = "early" if elapsed < first else "open" if elapsed <= last else "overdue"
            start = record.performed
            return date_after(start, first), date_after(start, target), date_after(start, last), state
    return None
