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
    """The cases of one or several documents, the problems that belong to none of them, and the files that could not be read.

    `broken` says that a record or a case was left out because it breaks a shape.
    """

    cases: tuple[Case, ...]
    problems: tuple[Problem, ...] = ()
    broken: bool = False
    failures: tuple[InputError, ...] = ()


def load_records(
    paths: Iterable[Path | str],
    program: Program,
    *,
    input_format: str | None = None,
    max_size: int = DEFAULT_MAX_SIZE,
    base: str = "http://localhost/fhir/",
) -> Records:
    """Read the cases of files (or `-`); FHIR files of one call may refer to each other.

    A file that cannot be read becomes a failure beside the cases of the others; InputError is raised when none can be.
    """
    documents: list[Document] = []
    failures: list[InputError] = []
    found: list[Records] = []
    for path in paths:
        try:
            document = read_document(str(path), input_format, max_size)
            if document.format == "fhir":
                documents.append(document)
            else:
                found.append(read_records(document, program))
        except InputError as error:
            failures.append(error)
    if documents:
        try:
            found.append(_read_fhir(documents, program, base))
        except InputError as error:
            failures.append(error)
    if failures and not found:
        raise failures[0]
    cases = sorted((case for records in found for case in records.cases), key=lambda case: case.iri)
    problems = tuple(problem for records in found for problem in records.problems)
    return Records(tuple(cases), problems, any(records.broken for records in found), tuple(failures))


def _read_fhir(documents: Sequence[Document], program: Program, base: str) -> Records:
    from reasoner.fhir import read_documents

    reading = read_documents([document.text for document in documents], program, base)
    return Records(reading.cases, reading.problems)


def read_records(document: Document, program: Program) -> Records:
    """Read the cases of one RDF document; records and cases that break a shape are left out and named as problems."""
    index = index_of(parse_rdf(document))
    violations = check_shapes(program.shape_table, index)
    refused = {_node(violation.focus) for violation in violations if violation.severity == _VIOLATION}
    cases = read_cases(index, program, refused)
    if not cases and not refused:
        raise InputError(
            "The document holds no case",
            where=document.name,
            why="no named node is typed lc:Case",
            repair="give the patient's description an IRI and type it as lc:Case",
        )
    if not violations:
        return Records(cases)
    problems = [_shape_problem(violation, document) for violation in violations]
    kept = []
    for case in cases:
        if case.iri not in refused:
            own = {_node(target) for values in index[pyoxigraph.NamedNode(case.iri)].values() for target in values}
            mine = tuple(problem for problem in problems if problem.sources[0] in own or problem.sources[0] == case.iri)
            kept.append(replace(case, problems=(*case.problems, *mine)))
    owned = {problem for case in kept for problem in case.problems}
    return Records(tuple(kept), tuple(problem for problem in problems if problem not in owned), bool(refused))


def _node(term: object) -> str:
    return term.value if isinstance(term, pyoxigraph.NamedNode) else str(term)


def _shape_problem(violation: ShapeViolation, document: Document) -> Problem:
    from reasoner.validation import line_of

    where = curie(violation.path) if violation.path else "the record"
    value = f" ({violation.value})" if violation.value is not None else ""
    component = violation.component.removeprefix(SH)
    return Problem(
        f"shape-{component}",
        f"{line_of(document, _node(violation.focus))}: {where}{value} breaks {curie(violation.shape)}",
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
    return Report(program, tuple(answers), records.problems, records.broken or bool(records.failures))


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
