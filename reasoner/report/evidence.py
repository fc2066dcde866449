"""Write the differential, the review of medication, and the points on which sources differ."""

from __future__ import annotations

from decimal import Decimal

from reasoner.abstraction.exposures import is_active, is_past
from reasoner.answer import CaseAnswer
from reasoner.differential import Ranked, Weighed, open_criteria
from reasoner.explanation import Missing, Reason, View, sentence_id
from reasoner.program.model import Program, Recommendation
from reasoner.record import MedicationRecord
from reasoner.report.parts import Document, missing_rows, reason_rows, sentence_ids
from reasoner.terms import by_label

__all__ = ["disagreements", "medication_review", "ranked_row", "reviews_of"]


def ranked_row(view: View, each: Ranked, answer: CaseAnswer) -> Document:
    condition = each.condition
    confirming = Decimal(condition.confirmed_weight) if each.status == "confirmed" else Decimal(0)
    return {
        "condition": condition.iri,
        "label": view.label(condition.iri),
        "rank": each.rank,
        "status": each.status,
        "weight": float(each.weight),
        "weightLow": float(each.low),
        "weightHigh": float(each.high),
        "startingWeight": float(each.weight - confirming - sum(one.weight for one in each.weighed)),
        "confirmedWeight": float(confirming),
        "because": reason_rows(answer.reasons.conditions.get(condition.iri, ())),
        "for": [_weighed(view, one) for one in each.weighed if one.weight > 0],
        "against": [_weighed(view, one) for one in each.weighed if one.weight < 0],
        "missing": missing_rows(
            sorted(
                {Missing(one.subject, view.label(one.subject)) for one in open_criteria(each, view.statuses)},
                key=lambda one: by_label(one.label, one.term),
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


def medication_review(view: View, answer: CaseAnswer) -> list[Document]:
    rows = [
        _reviewed(view, record, answer)
        for record in view.state.case.medications
        if record.status not in ("entered_in_error", "not_done", "planned", "refuted")
    ]
    states = ("active", "unclassified", "past")
    return sorted(rows, key=lambda row: (states.index(row["state"]), -row["weight"], by_label(row["label"]), row["because"][0]["source"]))


def reviews_of(program: Program, drug: str) -> tuple[list[Recommendation], list[Recommendation]]:
    """Return the recommendations that review a drug, and those among them that no review of a narrower class replaces."""
    above = program.parents.get(drug, ())
    matching = [each for each in program.recommendations if each.reviews and each.reviews in above]
    narrow = [
        each
        for each in matching
        if not any(other.reviews != each.reviews and each.reviews in program.parents.get(other.reviews or "", ()) for other in matching)
    ]
    return matching, narrow


def _reviewed(view: View, record: MedicationRecord, answer: CaseAnswer) -> Document:
    program = view.program
    above = program.parents.get(record.drug or "", ())
    matching, narrow = reviews_of(program, record.drug or "")
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
        "because": reason_rows(reasons),
        "caution": " ".join(
            dict.fromkeys(
                [
                    *(program.cautions[name] for name in above if name in program.cautions),
                    *(each.caution for each in narrow if each.caution),
                ]
            )
        ),
        "sentences": sentence_ids(matching),
    }


def _drug_weight(view: View, name: str) -> Decimal:
    weights = [Decimal(each.present) for each in view.program.criteria if each.kind == "drug" and each.subject == name and each.present]
    return max(weights, default=Decimal(0))


def disagreements(view: View, answer: CaseAnswer) -> list[Document]:
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
