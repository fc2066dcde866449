"""Write what is advised: red flags, questions, next tests, what is deferred or not warranted, and actions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from reasoner.advice import CERTAIN, POSSIBLE, STANDINGS, Advice, Advised
from reasoner.answer import CaseAnswer
from reasoner.entailment import ENTAILED, OPEN, REFUTED
from reasoner.explanation import Reason, View
from reasoner.program.model import Program, Recommendation
from reasoner.report.parts import Document, code_rows, date_after, missing_rows, reason_rows, sentence_ids
from reasoner.terms import by_label

if TYPE_CHECKING:
    from reasoner.relevance import Relevances

__all__ = [
    "actions",
    "deferred",
    "listed_flags",
    "next_tests",
    "not_warranted",
    "questions",
    "ranked_tests",
    "red_flags",
    "unwarranted_tests",
]


def listed_flags(program: Program, advised: Iterable[Advised]) -> list[Advised]:
    """Return the red flags that are listed, in their order."""
    flags = [each for each in advised if each.recommendation.red_flag and each.listed]
    flags.sort(
        key=lambda each: (each.recommendation.urgency_rank, each.standing != CERTAIN, by_label(program.label(each.recommendation.iri))),
    )
    return flags


def red_flags(view: View, advised: Iterable[Advised], answer: CaseAnswer) -> list[Document]:
    return [
        {
            "id": flag.recommendation.iri,
            "label": view.label(flag.recommendation.iri),
            "urgency": flag.recommendation.urgency,
            "action": flag.recommendation.action_text,
            "certainty": "certain" if flag.standing == "certain" else "possible",
            "because": reason_rows(answer.reasons.advised[flag.recommendation.iri]),
            "missing": missing_rows(view.missing(flag.recommendation.eligible)),
            "sentences": sentence_ids([flag.recommendation]),
        }
        for flag in listed_flags(view.program, advised)
    ]


def questions(view: View, advised: Iterable[Advised]) -> list[Document]:
    """Return what to ask: the unknowns of silent recommendations, those of red flags first."""
    asked: dict[tuple[str, str], list[Recommendation]] = {}
    raised = {each.recommendation.iri for each in advised}
    for recommendation in view.program.recommendations:
        if recommendation.iri not in raised and view.statuses.status(recommendation.eligible) == OPEN:
            for missing in view.missing(recommendation.eligible):
                asked.setdefault((missing.term, missing.label), []).append(recommendation)
    rows = []
    for (term, label), wanted in asked.items():
        flags = sum(each.red_flag for each in wanted)
        rows.append(
            (
                (-(flags > 0), min(each.urgency_rank for each in wanted), -len(wanted)),
                by_label(label, term),
                sorted({each.iri for each in wanted}),
            )
        )
    rows.sort()
    document: list[Document] = []
    for index, (key, (_, label, term), wanted_iris) in enumerate(rows):
        rank = document[-1]["rank"] if index and rows[index - 1][0] == key else index + 1
        document.append({"term": term, "label": label, "rank": rank, "for": wanted_iris})
    return document


def _test_key(each: Advised, relevances: Relevances | None) -> tuple[int, ...]:
    """Return what orders tests; what their results settle counts before the guideline's order, where it was judged."""
    recommendation = each.recommendation
    first = recommendation.urgency_rank, STANDINGS.index(each.standing), recommendation.step_rank
    judged = relevances.tests.get(recommendation.investigation or "") if relevances is not None else None
    return (*first, *(judged.order if judged is not None else ()), recommendation.order)


def ranked_tests(
    program: Program, advised: Iterable[Advised], advice: Advice, relevances: Relevances | None = None
) -> list[tuple[int, str, list[Advised]]]:
    """Return the tests to do with their ranks and the recommendations that ask for them, the leading one first."""

    def key(each: Advised) -> tuple[int, ...]:
        return _test_key(each, relevances)

    groups: dict[str, list[Advised]] = {}
    for each in advised:
        recommendation = each.recommendation
        if (
            recommendation.investigation
            and recommendation.direction == "for"
            and each.listed
            and not recommendation.red_flag
            and _row_stands(each, advice)
        ):
            groups.setdefault(recommendation.investigation, []).append(each)
    ordered = sorted(
        ((sorted(group, key=key), test) for test, group in groups.items()),
        key=lambda pair: (key(pair[0][0]), by_label(program.label(pair[1]))),
    )
    ranked: list[tuple[int, str, list[Advised]]] = []
    for place, (group, test) in enumerate(ordered, 1):
        shared = ranked and key(ranked[-1][2][0]) == key(group[0])
        ranked.append((ranked[-1][0] if shared else place, test, group))
    return ranked


def next_tests(view: View, advised: Iterable[Advised], answer: CaseAnswer) -> list[Document]:
    ranked = ranked_tests(view.program, advised, answer.advice, answer.relevances)
    return [_next_test(view, test, rank, group, answer) for rank, test, group in ranked]


def _row_stands(each: Advised, advice: Advice) -> bool:
    """Return whether a recommendation that is a row of a decision carries its verdict; others always do."""
    if each.recommendation.decision is None:
        return True
    return any(each.recommendation.iri == row.recommendation.iri for judged in advice.judged.values() for row in judged.rows)


def _next_test(view: View, test: str, rank: int, group: list[Advised], answer: CaseAnswer) -> Document:
    first = group[0]
    best = [each for each in group if each.standing == first.standing]
    reasons = [reason for each in best for reason in answer.reasons.advised[each.recommendation.iri]]
    return {
        "test": test,
        "label": view.label(test),
        "rank": rank,
        "step": first.recommendation.step,
        "urgency": first.recommendation.urgency,
        "certainty": first.standing,
        "because": reason_rows(reasons),
        "presumes": presumption_rows(view, first),
        "blockedBy": _blocking_rows(view, first),
        "missing": missing_rows(view.missing(*(each.recommendation.eligible for each in group))),
        "checks": _checks(view, first),
        "codes": code_rows(view, test),
        "sentences": sentence_ids(each.recommendation for each in group),
        "decisionRelevant": answer.relevances.flag(test) if answer.relevances is not None else None,
    }


def presumption_rows(view: View, each: Advised) -> list[Document]:
    return [{"recommendation": iri, "label": view.label(iri)} for iri in each.presumes]


def _blocking_rows(view: View, each: Advised) -> list[Document]:
    """Return what must be settled first: exclusions that are not refuted, and the eligibility of overriders that are raised."""
    found = {name: view.label(name) for name in each.recommendation.exclusions if view.statuses.status(name) != REFUTED}
    found |= {view.program.recommendation[iri].eligible: view.label(iri) for iri in each.by if each.standing == POSSIBLE}
    return [{"class": name, "label": label} for name, label in found.items()]


def _checks(view: View, each: Advised) -> list[Document]:
    checks = []
    words = {REFUTED: "clear", OPEN: "open", ENTAILED: "blocking"}
    for name in each.recommendation.exclusions:
        checks.append({"text": view.label(name), "status": words[view.statuses.status(name)]})
    for iri in each.recommendation.overriders:
        other = view.program.recommendation[iri]
        if not other.overrides_routine:
            eligible = view.statuses.status(other.eligible)
            status = "presumed" if iri in each.presumes else words[eligible]
            checks.append({"text": view.label(iri), "status": status})
    return checks


def deferred(view: View, advised: Iterable[Advised]) -> list[Document]:
    rows = []
    for each in advised:
        sweeping = [iri for iri in each.by if view.program.recommendation[iri].overrides_routine]
        if each.standing == "ruled-out" and sweeping:
            by = sweeping[0]
            rows.append({"id": each.recommendation.iri, "label": view.label(each.recommendation.iri), "by": by, "byLabel": view.label(by)})
    return sorted(rows, key=lambda row: by_label(row["label"], row["id"]))


def unwarranted_tests(program: Program, advised: Iterable[Advised], advice: Advice) -> list[tuple[str, tuple[Recommendation, ...], bool]]:
    """Return the tests not to do with the recommendations that say so, and whether these are rows of a decision."""
    found = [
        (judged.decision.investigation, tuple(row.recommendation for row in judged.rows), True)
        for judged in advice.judged.values()
        if judged.verdict.not_warranted and judged.decision.investigation
    ]
    for each in advised:
        recommendation = each.recommendation
        if recommendation.direction == "against" and recommendation.investigation and each.stands and recommendation.decision is None:
            found.append((recommendation.investigation, (recommendation,), False))
    return sorted(found, key=lambda row: by_label(program.label(row[0]), row[0]))


def not_warranted(view: View, advised: Iterable[Advised], answer: CaseAnswer) -> list[Document]:
    rows = []
    for test, recommendations, decided in unwarranted_tests(view.program, advised, answer.advice):
        known = answer.reasons.rows if decided else answer.reasons.advised
        rows.append(_unwarranted(view, test, [reason for each in recommendations for reason in known[each.iri]], recommendations))
    return rows


def _unwarranted(view: View, test: str, reasons: Iterable[Reason], recommendations: Iterable[Recommendation]) -> Document:
    return {"test": test, "label": view.label(test), "because": reason_rows(reasons), "sentences": sentence_ids(recommendations)}


def actions(view: View, advised: Iterable[Advised], answer: CaseAnswer) -> list[Document]:
    listed = [
        each
        for each in advised
        if each.recommendation.action and each.listed and not each.recommendation.red_flag and each.recommendation.decision is None
    ]
    listed.sort(key=lambda each: (*_test_key(each, None), by_label(view.label(each.recommendation.iri))))
    return [_action(view, each, answer) for each in listed]


def _action(view: View, each: Advised, answer: CaseAnswer) -> Document:
    recommendation = each.recommendation
    return {
        "id": recommendation.iri,
        "label": view.label(recommendation.action or recommendation.iri),
        "kind": recommendation.action_kind,
        "direction": recommendation.direction,
        "urgency": recommendation.urgency,
        "strength": recommendation.strength,
        "evidence": recommendation.evidence or recommendation.certainty,
        "until": date_after(answer.as_of, recommendation.review_days) if recommendation.review_days else "",
        "certainty": each.standing,
        "because": reason_rows(answer.reasons.advised[recommendation.iri]),
        "presumes": presumption_rows(view, each),
        "blockedBy": _blocking_rows(view, each),
        "missing": missing_rows(view.missing(recommendation.eligible)),
        "sentences": sentence_ids([recommendation]),
    }
