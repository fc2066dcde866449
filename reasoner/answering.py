"""Answer cases: validate, abstract, entail, advise and rank, one case after another, none stopped by its neighbour."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pyoxigraph

from reasoner.abstraction import abstract_case
from reasoner.advice import advise
from reasoner.differential import rank_conditions
from reasoner.documents import DEFAULT_MAX_SIZE, Document, index_of, parse_rdf, read_document
from reasoner.entailment import entail
from reasoner.errors import InputError
from reasoner.moments import Moment, from_datetime, parse_moment
from reasoner.namespaces import SH, curie
from reasoner.program.model import Program
from reasoner.record import Case, Problem, read_cases
from reasoner.report import CaseAnswer, Report
from reasoner.shapes import ShapeViolation, check_shapes

__all__ = ["Records", "answer_case", "assess", "load_records", "read_records"]

_VIOLATION = SH + "Violation"


@dataclass(frozen=True)
class Records:
    """The cases of one or several documents, with the problems that belong to none of them."""

    cases: tuple[Case, ...]
    problems: tuple[Problem, ...] = ()
    broken: bool = False


def load_records(
    paths: Iterable[Path | str],
    program: Program,
    *,
    input_format: str | None = None,
    max_size: int = DEFAULT_MAX_SIZE,
    base: str = "http://localhost/fhir/",
) -> Records:
    """Read the cases of files (or `-`); raise InputError when one cannot be read at all or is malformed."""
    found = [read_records(read_document(str(path), input_format, max_size), program, base) for path in paths]
    cases = sorted((case for records in found for case in records.cases), key=lambda case: case.iri)
    return Records(
        tuple(cases), tuple(problem for records in found for problem in records.problems), any(records.broken for records in found)
    )


def read_records(document: Document, program: Program, base: str = "http://localhost/fhir/") -> Records:
    """Read the cases of one document; records that break a shape are left out and named as problems of their case."""
    if document.format == "fhir":
        from reasoner.fhir import read_fhir

        reading = read_fhir(document.text, program, base)
        return Records(reading.cases, reading.problems)
    index = index_of(parse_rdf(document))
    violations = check_shapes(program.shape_table, index)
    refused = {_node(violation.focus): violation for violation in violations if violation.severity == _VIOLATION}
    cases = read_cases(index, program, refused)
    if not cases:
        raise InputError(
            "The document holds no case",
            where=document.name,
            why="no node is typed lc:Case",
            repair="type the patient's description as lc:Case",
        )
    problems = [_shape_problem(violation) for violation in violations]
    kept = []
    for case in cases:
        own = {_node(target) for values in index[pyoxigraph.NamedNode(case.iri)].values() for target in values}
        mine = tuple(problem for problem in problems if problem.sources[0] in own or problem.sources[0] == case.iri)
        kept.append(replace(case, problems=(*case.problems, *mine)) if mine else case)
    owned = {problem for case in kept for problem in case.problems}
    return Records(tuple(kept), tuple(problem for problem in problems if problem not in owned), bool(refused))


def _node(term: object) -> str:
    return term.value if isinstance(term, pyoxigraph.NamedNode) else str(term)


def _shape_problem(violation: ShapeViolation) -> Problem:
    where = curie(violation.path) if violation.path else "the record"
    value = f" ({violation.value})" if violation.value is not None else ""
    component = violation.component.removeprefix(SH)
    return Problem(
        f"shape-{component}",
        f"{where}{value} breaks {curie(violation.shape)}",
        violation.path or violation.shape,
        (_node(violation.focus),),
        violation.message,
    )


def assess(records: Records, program: Program, *, as_of: datetime | None = None) -> Report:
    """Answer every case of `records` at `as_of`, else at its own instant, else now."""
    answers = []
    for case in records.cases:
        moment = from_datetime(as_of) if as_of else case.as_of
        answers.append(answer_case(case, program, moment or _now()))
    return Report(program, tuple(answers), records.problems, records.broken)


def _now() -> Moment:
    text = datetime.now(UTC).isoformat(timespec="seconds")
    return parse_moment(text) or from_datetime(datetime.now(UTC))


def answer_case(case: Case, program: Program, as_of: Moment) -> CaseAnswer:
    """Answer one case at one instant."""
    state = abstract_case(case, program, as_of)
    statuses = entail(program, state)
    return CaseAnswer(state, statuses, advise(program, state, statuses), rank_conditions(program, statuses), as_of)


def undated(records: Records) -> Sequence[str]:
    """Return the cases that state no instant of their own."""
    return [case.iri for case in records.cases if case.as_of is None]
