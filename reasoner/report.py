"""Assemble the answer to a case as the documented JSON object (README, section "What `assess --json` prints")."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from reasoner.abstraction.exposures import is_active, is_past
from reasoner.abstraction.state import CaseState, IndicatorState
from reasoner.advice import STANDINGS, Advice, Advised, Judged
from reasoner.differential import Differential, Ranked, Weighed, open_criteria
from reasoner.entailment import ENTAILED, OPEN, REFUTED, Statuses
from reasoner.explanation import Missing, Reason, View, sentence_id
from reasoner.moments import DAY, Moment
from reasoner.program.model import Program, Recommendation
from reasoner.record import MedicationRecord, Problem

__all__ = ["CaseAnswer", "Report", "case_document"]

Document = dict[str, Any]


@dataclass(frozen=True)
class CaseAnswer:
    """One answered case."""

    state: CaseState
    statuses: Statuses
    advice: Advice
    differential: Differential
    as_of: Moment


@dataclass(frozen=True)
class Report:
    """The answers to all cases of a call, with the problems that belong to no case."""

    program: Program
    answers: tuple[CaseAnswer, ...]
    problems: tuple[Problem, ...] = ()
    broken: bool = False

    def to_document(self) -> Document:
        """Return the report as plain JSON types."""
        knowledge = {"version": self.program.version, "hash": self.program.digest}
        cases = [case_document(self.program, answer) for answer in self.answers]
        return {"knowledge": knowledge, "cases": cases, "dataProblems": [_problem(each) for each in self.problems]}

    def to_json(self) -> Document:
        """Return the report as plain JSON types (an alias that reads well in tests and notebooks)."""
        return self.to_document()

    def dumps(self) -> str:
        """Return the report as JSON text, the same for the same input."""
        return json.dumps(self.to_document(), ensure_ascii=False, indent=1)


def case_document(program: Program, answer: CaseAnswer) -> Document:
    """Return the JSON object of one case."""
    state = answer.state
    view = View(program, state, answer.statuses)
    advised = list(answer.advice.advised.values())
    document: Document = {
        "case": state.case.iri,
        "subject": state.case.subject,
        "asOf": answer.as_of.text,
        "indicators": [_indicator(view, each) for each in _shown(view)],
        "redFlags": _red_flags(view, advised),
        "questions": _questions(view, advised),
        "differential": [_ranked(view, each) for each in answer.differential.ranked],
        "differentialConfidence": answer.differential.confidence,
        "nextTests": _next_tests(view, advised, answer.advice),
        "deferred": _deferred(view, advised, answer.advice),
        "notWarranted": _not_warranted(view, advised, answer.advice),
        "actions": _actions(view, advised, answer),
        "medicationReview": _medication_review(view, answer),
        "disagreements": _disagreements(view, answer),
        "conflicts": [_conflict(view, each.term, each.text, each.sources, each.repair) for each in state.conflicts],
        "dataProblems": [_problem(each) for each in state.problems],
        "notes": _notes(view),
    }
    for key, judged in answer.advice.judged.items():
        document[key] = _judged(view, judged, answer)
    return document


def _reasons(reasons: Iterable[Reason]) -> list[Document]:
    return [{"text": each.text, each.kind: each.iri, "source": each.source} for each in dict.fromkeys(reasons)]


def _missing(missing: Iterable[Missing]) -> list[Document]:
    return [{"term": each.term, "label": each.label} for each in missing]


def _sentences(recommendations: Iterable[Recommendation]) -> list[str]:
    return sorted({sentence_id(sentence) for each in recommendations for sentence in each.sentences}, key=lambda each: (len(each), each))


def _codes(view: View, term: str) -> list[Document]:
    return [{"system": system, "code": code, "match": match} for system, code, match in view.program.term_codes.get(term, ())]


def _problem(each: Problem) -> Document:
    return {"code": each.code, "text": each.text, "term": each.term, "sources": list(each.sources), "repair": each.repair}


def _conflict(view: View, term: str, text: str, sources: Sequence[str], repair: str) -> Document:
    return {"code": "conflict", "text": text, "term": term, "sources": list(sources), "repair": repair}


# --- indicators ---------------------------------------------------------------------------------------------------


def _shown(view: View) -> list[IndicatorState]:
    """Return the indicators worth showing: those that records touch, without bookkeeping and idle sums."""
    hidden = ("on_record", "closed", "count")
    states = [
        state
        for iri, state in view.state.indicators.items()
        if view.program.indicator[iri].form not in hidden and (state.sources or state.status != "bounded")
    ]
    return sorted((state for state in states if state.sources), key=lambda state: (view.label(state.indicator), state.indicator))


def _indicator(view: View, state: IndicatorState) -> Document:
    indicator = view.program.indicator[state.indicator]
    pure = indicator.form in ("quotient", "ratio", "relative")
    known = state.status == "known" and state.low is not None
    return {
        "indicator": state.indicator,
        "label": view.label(state.indicator),
        "status": state.status,
        "value": _number(state.low[0], indicator.places, indicator.datatype) if known and state.low else None,
        "low": None if known or state.low is None else str(state.low[0]),
        "high": None if known or state.high is None else str(state.high[0]),
        "unit": "1" if pure else indicator.unit,
        "bands": sorted(band for band in indicator.bands if band in view.program.classes and view.statuses.holds(band)),
        "boundary": view.is_boundary(state),
        "rule": state.rule,
        "from": list(state.sources),
        "reason": state.reason,
    }


def _number(value: Decimal, places: int | None, datatype: str) -> str:
    if datatype == "boolean":
        return "true" if value else "false"
    return f"{value:.{places}f}" if places is not None else f"{value:f}"


# --- advice ---------------------------------------------------------------------------------------------------------


def _red_flags(view: View, advised: Iterable[Advised]) -> list[Document]:
    flags = [each for each in advised if each.recommendation.red_flag and each.listed]
    flags.sort(key=lambda each: (each.recommendation.urgency_rank, each.standing != "certain", view.label(each.recommendation.iri)))
    return [
        {
            "id": flag.recommendation.iri,
            "label": view.label(flag.recommendation.iri),
            "urgency": flag.recommendation.urgency,
            "action": flag.recommendation.action_text,
            "certainty": "certain" if flag.standing == "certain" else "possible",
            "because": _reasons(view.recommended(flag.recommendation, trigger=flag.eligible != ENTAILED)),
            "missing": _missing(view.missing(flag.recommendation.eligible)),
            "sentences": _sentences([flag.recommendation]),
        }
        for flag in flags
    ]


def _questions(view: View, advised: Iterable[Advised]) -> list[Document]:
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
            ((-(flags > 0), min(each.urgency_rank for each in wanted), -len(wanted)), label, term, sorted({each.iri for each in wanted}))
        )
    rows.sort()
    document: list[Document] = []
    for index, (key, label, term, wanted_iris) in enumerate(rows):
        rank = document[-1]["rank"] if index and rows[index - 1][0] == key else index + 1
        document.append({"term": term, "label": label, "rank": rank, "for": wanted_iris})
    return document


def _test_key(view: View, each: Advised) -> tuple[int, int, int, int]:
    recommendation = each.recommendation
    return recommendation.urgency_rank, STANDINGS.index(each.standing), recommendation.step_rank, recommendation.order


def _next_tests(view: View, advised: Iterable[Advised], advice: Advice) -> list[Document]:
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
        ((sorted(group, key=lambda each: _test_key(view, each)), test) for test, group in groups.items()),
        key=lambda pair: (_test_key(view, pair[0][0]), view.label(pair[1])),
    )
    document: list[Document] = []
    keys: list[tuple[int, int, int, int]] = []
    for group, test in ordered:
        first = group[0]
        keys.append(_test_key(view, first))
        rank = document[-1]["rank"] if len(keys) > 1 and keys[-2] == keys[-1] else len(keys)
        document.append(_next_test(view, test, rank, first, group))
    return document


def _row_stands(each: Advised, advice: Advice) -> bool:
    """Return whether a recommendation that is a row of a decision carries its verdict; others always do."""
    if each.recommendation.decision is None:
        return True
    return any(each.recommendation.iri == row.recommendation.iri for judged in advice.judged.values() for row in judged.rows)


def _next_test(view: View, test: str, rank: int, first: Advised, group: list[Advised]) -> Document:
    best = [each for each in group if each.standing == first.standing]
    reasons = [reason for each in best for reason in view.recommended(each.recommendation, trigger=each.eligible != ENTAILED)]
    return {
        "test": test,
        "label": view.label(test),
        "rank": rank,
        "step": first.recommendation.step,
        "urgency": first.recommendation.urgency,
        "certainty": first.standing,
        "because": _reasons(reasons),
        "presumes": _presumes(view, first),
        "missing": _missing(view.missing(*(each.recommendation.eligible for each in group))),
        "checks": _checks(view, first),
        "codes": _codes(view, test),
        "sentences": _sentences(each.recommendation for each in group),
        "decisionRelevant": None,
    }


def _presumes(view: View, each: Advised) -> list[Document]:
    return [{"recommendation": iri, "label": view.label(iri)} for iri in each.presumes]


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


def _deferred(view: View, advised: Iterable[Advised], advice: Advice) -> list[Document]:
    rows = []
    for each in advised:
        sweeping = [iri for iri in each.by if view.program.recommendation[iri].overrides_routine]
        if each.standing == "ruled-out" and sweeping:
            rows.append({"id": each.recommendation.iri, "label": view.label(each.recommendation.iri), "by": sweeping[0]})
    return sorted(rows, key=lambda row: (row["label"], row["id"]))


def _not_warranted(view: View, advised: Iterable[Advised], advice: Advice) -> list[Document]:
    rows: list[Document] = []
    for judged in advice.judged.values():
        if judged.verdict.not_warranted and judged.decision.investigation:
            reasons = [reason for row in judged.rows for reason in view.recommended(row.recommendation)]
            rows.append(_unwarranted(view, judged.decision.investigation, reasons, [row.recommendation for row in judged.rows]))
    for each in advised:
        recommendation = each.recommendation
        if recommendation.direction == "against" and recommendation.investigation and each.stands and recommendation.decision is None:
            rows.append(_unwarranted(view, recommendation.investigation, view.recommended(recommendation), [recommendation]))
    return sorted(rows, key=lambda row: (row["label"], row["test"]))


def _unwarranted(view: View, test: str, reasons: Iterable[Reason], recommendations: Iterable[Recommendation]) -> Document:
    return {"test": test, "label": view.label(test), "because": _reasons(reasons), "sentences": _sentences(recommendations)}


def _actions(view: View, advised: Iterable[Advised], answer: CaseAnswer) -> list[Document]:
    listed = [
        each
        for each in advised
        if each.recommendation.action and each.listed and not each.recommendation.red_flag and each.recommendation.decision is None
    ]
    listed.sort(key=lambda each: (*_test_key(view, each), view.label(each.recommendation.iri)))
    return [_action(view, each, answer) for each in listed]


def _action(view: View, each: Advised, answer: CaseAnswer) -> Document:
    recommendation = each.recommendation
    blocking = [name for name in recommendation.exclusions if view.statuses.status(name) != REFUTED]
    return {
        "id": recommendation.iri,
        "label": view.label(recommendation.action or recommendation.iri),
        "kind": recommendation.action_kind,
        "direction": recommendation.direction,
        "urgency": recommendation.urgency,
        "strength": recommendation.strength,
        "evidence": recommendation.evidence or recommendation.certainty,
        "until": _date(answer.as_of, recommendation.review_days) if recommendation.review_days else "",
        "certainty": each.standing,
        "because": _reasons(view.recommended(recommendation, trigger=each.eligible != ENTAILED)),
        "presumes": _presumes(view, each),
        "blockedBy": [{"class": name, "label": view.label(name)} for name in blocking],
        "missing": _missing(view.missing(recommendation.eligible)),
        "sentences": _sentences([recommendation]),
    }


def _date(moment: Moment, days: int) -> str:
    from datetime import date

    return date.fromordinal(date(1970, 1, 1).toordinal() + moment.low // DAY + days).isoformat()


# --- decisions ------------------------------------------------------------------------------------------------------


def _judged(view: View, judged: Judged, answer: CaseAnswer) -> Document:
    rows = [row.recommendation for row in judged.rows]
    open_rows = [row for _, listed in judged.could_be for row in listed]
    reasons = [reason for row in judged.rows for reason in view.recommended(row.recommendation)]
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
        "because": _reasons(reasons),
        "presumes": [{"recommendation": iri, "label": view.label(iri)} for iri in sorted(presumes)],
        "missing": _missing(view.missing(*names)) if names else [],
        "couldBe": [_could_be(view, row) for row in open_rows],
        "window": _window(view, [*rows, *(row.recommendation for row in open_rows)], answer),
        "reopensIf": [{"class": name, "label": view.label(name)} for name in sorted({name for each in rows for name in each.reopened_by})],
        "sentences": _sentences(rows),
    }


def _could_be(view: View, row: Advised) -> Document:
    verdict = row.recommendation.verdict or ""
    word = next((each.word for decision in view.program.decisions for each in decision.verdicts if each.iri == verdict), "")
    return {"verdict": word, "rule": row.recommendation.rule, "if": _missing(view.missing(row.recommendation.eligible))}


def _window(view: View, rows: Iterable[Recommendation], answer: CaseAnswer) -> Document | None:
    from reasoner.abstraction.context import last_examination

    for each in rows:
        if each.window is not None:
            since, first, target, last = each.window
            _, record = last_examination(view.state.case, view.program, since, answer.as_of)
            if record is None or record.performed is None:
                return None
            elapsed = answer.as_of.low // DAY - record.performed.high // DAY
            state = "early" if elapsed < first else "open" if elapsed <= last else "overdue"
            start = record.performed
            return {"from": _date(start, first), "target": _date(start, target), "until": _date(start, last), "state": state}
    return None


# --- conditions and drugs ---------------------------------------------------------------------------------------------


def _ranked(view: View, each: Ranked) -> Document:
    condition = each.condition
    settled = [name for name in (*condition.confirmed_by, *condition.excluded_by) if view.statuses.holds(name)]
    because = [reason for name in settled for reason in view.because(name)] if each.status in ("confirmed", "excluded") else []
    return {
        "condition": condition.iri,
        "label": view.label(condition.iri),
        "rank": each.rank,
        "status": each.status,
        "weight": float(each.weight),
        "weightLow": float(each.low),
        "weightHigh": float(each.high),
        "because": _reasons(because),
        "for": [_weighed(view, one) for one in each.weighed if one.weight > 0],
        "against": [_weighed(view, one) for one in each.weighed if one.weight < 0],
        "missing": _missing(
            sorted(
                {Missing(one.subject, view.label(one.subject)) for one in open_criteria(each, view.statuses)},
                key=lambda one: (one.label, one.term),
            )
        ),
        "codes": [{"system": system, "code": code, "match": match} for system, code, match in condition.codes],
    }


def _weighed(view: View, each: Weighed) -> Document:
    criterion = each.criterion
    sources = [view.label(source) for source in criterion.sources]
    return {
        "text": view.label(criterion.subject) + ("" if each.present else " absent"),
        "axiom": criterion.iri,
        "source": ", ".join(sources),
        "weight": float(each.weight),
        "published": criterion.published,
        "mark": criterion.mark,
    }


def _medication_review(view: View, answer: CaseAnswer) -> list[Document]:
    reviews = [each for each in view.program.recommendations if each.reviews]
    rows = [
        _reviewed(view, record, reviews, answer)
        for record in view.state.case.medications
        if record.status not in ("entered_in_error", "not_done", "planned")
    ]
    states = ("active", "unclassified", "past")
    return sorted(rows, key=lambda row: (states.index(row["state"]), -row["weight"], row["label"], row["because"][0]["source"]))


def _reviewed(view: View, record: MedicationRecord, reviews: Iterable[Recommendation], answer: CaseAnswer) -> Document:
    program = view.program
    above = program.parents.get(record.drug or "", ())
    matching = [each for each in reviews if each.reviews in above]
    narrow = [
        each
        for each in matching
        if not any(other.reviews != each.reviews and each.reviews in program.parents.get(other.reviews or "", ()) for other in matching)
    ]
    active = record.drug is not None and is_active(record, answer.as_of)
    past = record.drug is not None and is_past(record, answer.as_of)
    words = f"{view.label(record.drug) if record.drug else record.text} is {'taken' if active else 'no longer taken' if past else 'on file, use unclear'}"
    reasons = [Reason(words, "fact", record.drug or record.text, record.node)]
    reasons += [Reason(each.statement, "recommendation", each.iri, sentence_id(sentence)) for each in narrow for sentence in each.sentences]
    return {
        "drug": record.drug or record.text,
        "label": view.label(record.drug) if record.drug else record.text,
        "classes": sorted({each.reviews for each in matching if each.reviews}),
        "state": "active" if active else "past" if past else "unclassified",
        "weight": float(max((_drug_weight(view, name) for name in above), default=Decimal(0))),
        "because": _reasons(reasons),
        "caution": " ".join(
            dict.fromkeys(
                [
                    *(program.cautions[name] for name in above if name in program.cautions),
                    *(each.caution for each in narrow if each.caution),
                ]
            )
        ),
        "sentences": _sentences(matching),
    }


def _drug_weight(view: View, name: str) -> Decimal:
    weights = [Decimal(each.present) for each in view.program.criteria if each.kind == "drug" and each.subject == name and each.present]
    return max(weights, default=Decimal(0))


def _disagreements(view: View, answer: CaseAnswer) -> list[Document]:
    touched = {name for name in view.program.classes if view.statuses.holds(name)}
    touched |= {above for fact in view.state.facts if fact.present for above in view.program.parents.get(fact.term, ())}
    touched |= {iri for iri, each in answer.advice.advised.items() if each.listed}
    touched |= {
        each.recommendation.investigation for each in answer.advice.advised.values() if each.listed and each.recommendation.investigation
    }
    touched |= {judged.verdict.iri for judged in answer.advice.judged.values()}
    touched |= {iri for iri, state in view.state.indicators.items() if state.sources}
    return [
        {
            "topic": each.topic,
            "positions": [{"text": text, "source": source} for text, source in each.positions],
            "chosen": each.chosen,
            "because": each.because,
        }
        for each in view.program.disagreements
        if touched & set(each.concerns)
    ]


def _notes(view: View) -> list[str]:
    notes = []
    for state in view.state.indicators.values():
        if state.rule.startswith("the declared default") or state.rule.startswith("declared plausible"):
            notes.append(f"{view.label(state.indicator)}: judged by {state.rule}, which is not verified")
    return sorted(notes)
