"""Assemble the answer to a case as the documented JSON object (README, section "What `assess --json` prints")."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import partial

from reasoner.answer import CaseAnswer
from reasoner.explanation import View
from reasoner.places import Place, nowhere
from reasoner.program.model import Program
from reasoner.record import Problem
from reasoner.report.advice import actions, deferred, next_tests, not_warranted, questions, red_flags
from reasoner.report.decisions import judged_document
from reasoner.report.evidence import disagreements, medication_review, ranked_row
from reasoner.report.parts import Document, conflict_row, problem_row
from reasoner.report.relevance import relevance_document
from reasoner.report.state import indicator_row, notes, shown_indicators

__all__ = ["CaseAnswer", "Report", "case_document"]


@dataclass(frozen=True)
class Report:
    """The answers to all cases of a call, with the problems that belong to no case; `place` says where a node is described."""

    program: Program
    answers: tuple[CaseAnswer, ...]
    problems: tuple[Problem, ...] = ()
    broken: bool = False
    place: Place = field(default=nowhere, repr=False, compare=False)

    def to_document(self) -> Document:
        """Return the report as plain JSON types."""
        knowledge = {"version": self.program.version, "hash": self.program.digest}
        cases = [case_document(self.program, answer) for answer in self.answers]
        found = {"knowledge": knowledge, "cases": cases, "dataProblems": [problem_row(each) for each in self.problems]}
        for row in (row for part in (*cases, found) for key in ("conflicts", "dataProblems") for row in part.get(key, ())):
            row["where"] = sorted({place for source in row["sources"] if (place := self.place(source))})
        return found

    def to_json(self) -> Document:
        """Return the report as plain JSON types (an alias that reads well in tests and notebooks)."""
        return self.to_document()

    def dumps(self) -> str:
        """Return the report as JSON text, the same for the same input."""
        return json.dumps(self.to_document(), ensure_ascii=False, indent=1)


def case_document(program: Program, answer: CaseAnswer, keys: Collection[str] | None = None) -> Document:
    """Return the JSON object of one case, or no more of it than the case and `keys`."""
    state = answer.state
    view = View(program, state, answer.statuses)
    advised = list(answer.advice.advised.values())
    writers: dict[str, Callable[[], object]] = {
        "case": lambda: state.case.iri,
        "subject": lambda: state.case.subject,
        "asOf": lambda: answer.as_of.text,
        "indicators": lambda: [indicator_row(view, each) for each in shown_indicators(view)],
        "redFlags": lambda: red_flags(view, advised, answer),
        "questions": lambda: questions(view, advised),
        "differential": lambda: [ranked_row(view, each, answer) for each in answer.differential.ranked],
        "differentialConfidence": lambda: answer.differential.confidence,
        "nextTests": lambda: next_tests(view, advised, answer),
        "deferred": lambda: deferred(view, advised),
        "notWarranted": lambda: not_warranted(view, advised, answer),
        "actions": lambda: actions(view, advised, answer),
        "medicationReview": lambda: medication_review(view, answer),
        "disagreements": lambda: disagreements(view, answer),
        "conflicts": lambda: [conflict_row(view, each.term, each.text, each.sources, each.repair) for each in state.conflicts],
        "dataProblems": lambda: [problem_row(each) for each in state.problems],
        "notes": lambda: notes(view),
    }
    if answer.relevances is not None:
        writers["relevance"] = partial(relevance_document, view, answer.relevances)
    for key, judged in answer.advice.judged.items():
        writers[key] = partial(judged_document, view, judged, answer)
    return {key: write() for key, write in writers.items() if keys is None or key in keys or key == "case"}
