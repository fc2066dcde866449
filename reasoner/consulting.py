"""Answer questions about one answered case: prove a conclusion, change facts, list what would change a verdict."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from reasoner.answer import CaseAnswer
from reasoner.answering import answer_case
from reasoner.changes import Changes, changes_of, read_goal
from reasoner.counterfactual import Change, Difference, apply_changes, differences, parse_change
from reasoner.errors import InputError, UsageError
from reasoner.explanation import View
from reasoner.namespaces import curie
from reasoner.program.model import Program
from reasoner.program.premises import sentence_iri
from reasoner.proof_data import Explained
from reasoner.proofs import Prover
from reasoner.report import Report, case_document
from reasoner.report.parts import reason_rows

__all__ = ["Supposed", "changes_document", "explain", "list_changes", "one_answer", "suppose"]


@dataclass(frozen=True, slots=True)
class Supposed:
    """What facts were changed, and which verdicts differ for it."""

    case: str
    set: tuple[Change, ...]
    differences: tuple[Difference, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)


def one_answer(report: Report, case: str | None = None) -> CaseAnswer:
    """Return the answer to the one case of a report, or to `case` among several; raise InputError or UsageError otherwise."""
    if not report.answers and report.problems:
        problem = report.problems[0]
        raise InputError("The case cannot be answered", why=problem.text, repair=problem.repair)
    answers = [answer for answer in report.answers if case in (None, answer.state.case.iri)]
    if len(answers) != 1:
        names = ", ".join(answer.state.case.iri for answer in report.answers)
        raise UsageError("One case must be chosen", why=f"the document holds {names}", repair="name one by --case")
    return answers[0]


def explain(prover: Prover, conclusion: str, *, every: bool = False) -> Explained:
    """Return the proofs of a conclusion, or of all that rest on a sentence such as S7; raise UsageError for an unknown name."""
    sentence = sentence_iri(conclusion)
    if sentence is not None:
        return Explained(conclusion, tuple(prover.resting_on(sentence)))
    return prover.explain(conclusion, every=every)


def suppose(program: Program, answer: CaseAnswer, texts: Iterable[str]) -> Supposed:
    """Return which verdicts differ when facts are changed as `texts` say (`TERM=VALUE`); raise UsageError for one that says nothing."""
    changes = tuple(dict.fromkeys(parse_change(text, program) for text in texts))
    values = {change.term: change.value for change in changes}
    for change in changes:
        if values[change.term] != change.value:
            raise UsageError(
                f"{curie(change.term)} is set to two values", why=f"{change.value} and {values[change.term]}", repair="give it one value"
            )
    changed = answer_case(apply_changes(answer.state.case, changes, program, answer.as_of), program, answer.as_of)
    found = differences(case_document(program, answer), case_document(program, changed))
    return Supposed(answer.state.case.iri, changes, tuple(found))


def list_changes(program: Program, answer: CaseAnswer, goal: str) -> Changes:
    """Return the smallest changes of facts that reach a goal (`NAME` or `NAME=VERDICT`); raise UsageError for one that is none."""
    name, wanted = read_goal(program, goal)
    return changes_of(View(program, answer.state, answer.statuses), name, answer.as_of, wanted)


def changes_document(answer: CaseAnswer, found: Changes) -> dict[str, Any]:
    """Return the JSON form of changes that reach a goal; `because` holds what the report of the changed case would."""
    sets = [{**asdict(each), "because": reason_rows(each.because)} for each in found.sets]
    return {"case": answer.state.case.iri, **asdict(found), "sets": sets}
