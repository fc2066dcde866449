"""Write the parts that many sections of the report share, as plain JSON values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from reasoner.explanation import Missing, Reason, View, sentence_id
from reasoner.moments import DAY, Moment
from reasoner.program.model import Recommendation
from reasoner.record import Problem

__all__ = ["Document", "code_rows", "conflict_row", "date_after", "missing_rows", "problem_row", "reason_rows", "sentence_ids"]

Document = dict[str, Any]


def reason_rows(reasons: Iterable[Reason]) -> list[Document]:
    return [{"text": each.text, each.kind: each.iri, "source": each.source} for each in dict.fromkeys(reasons)]


def missing_rows(missing: Iterable[Missing]) -> list[Document]:
    return [{"term": each.term, "label": each.label} for each in missing]


def sentence_ids(recommendations: Iterable[Recommendation]) -> list[str]:
    return sorted({sentence_id(sentence) for each in recommendations for sentence in each.sentences}, key=lambda each: (len(each), each))


def code_rows(view: View, term: str) -> list[Document]:
    return [{"system": system, "code": code, "match": match} for system, code, match in view.program.term_codes.get(term, ())]


def problem_row(each: Problem) -> Document:
    return {"code": each.code, "text": each.text, "term": each.term, "sources": list(each.sources), "repair": each.repair}


def conflict_row(view: View, term: str, text: str, sources: Sequence[str], repair: str) -> Document:
    return {"code": "conflict", "text": text, "term": term, "sources": list(sources), "repair": repair}


def date_after(moment: Moment, days: int) -> str:
    from datetime import date

    return date.fromordinal(date(1970, 1, 1).toordinal() + moment.low // DAY + days).isoformat()
