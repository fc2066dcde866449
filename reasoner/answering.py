"""Answer cases: validate, abstract, entail, advise and rank, one case after another, none stopped by its neighbour."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pyoxigraph

from reasoner.abstraction import abstract_case
from reasoner.advice import advise
from reasoner.answer import CaseAnswer
from reasoner.differential import rank_conditions
from reasoner.documents import DEFAULT_MAX_SIZE, FHIR_FORMATS, TABLE_FORMATS, Document, read_documents, read_index
from reasoner.entailment import entail
from reasoner.errors import InputError, UnsupportedInputError, shortened
from reasoner.moments import Moment, from_datetime
from reasoner.namespaces import SH, curie
from reasoner.places import Place, nowhere, places_in
from reasoner.program.model import Program
from reasoner.reading import foreign_terms, read_cases, unread_nodes
from reasoner.reasons import find_reasons
from reasoner.record import Case, Index, Problem
from reasoner.report import Report
from reasoner.shapes import ShapeViolation, check_shapes
from reasoner.terms import lc

__all__ = [
    "Records",
    "answer_case",
    "assess",
    "is_refusal",
    "load_records",
    "no_case",
    "read_all",
    "read_records",
    "records_in",
    "shape_problem",
    "shared_records",
    "twice_described",
]

_VIOLATION = SH + "Violation"
_HAS_RECORD = lc("hasRecord")
_HAS_SUBJECT = lc("hasSubject")
_CASE = lc("Case")


@dataclass(frozen=True)
class Records:
    """The cases of one or several documents, the problems that belong to none of them, and the files that could not be read.

    `broken` says that a record or a case was left out because it breaks a shape, `place` where a node is described.
    """

    cases: tuple[Case, ...]
    problems: tuple[Problem, ...] = ()
    broken: bool = False
    failures: tuple[InputError, ...] = ()
    place: Place = field(default=nowhere, repr=False, compare=False)


def load_records(
    paths: Iterable[Path | str],
    program: Program,
    *,
    input_format: str | None = None,
    max_size: int = DEFAULT_MAX_SIZE,
    base: str = "http://localhost/fhir/",
    folder: Path | str | None = None,
    mapping: Path | str | None = None,
) -> Records:
    """Read the cases of files (or `-`); FHIR files of one call may refer to each other, `folder` holds the JSON-LD context.

    `mapping` says how the columns of a table become records (see `reasoner.table_mapping`).

    A file that cannot be read becomes a failure beside the cases of the others; InputError is raised when none can be.
    """
    documents, failures = read_documents(paths, input_format, max_size)
    return read_all(documents, program, base=base, folder=folder, mapping=mapping, failures=failures)


def read_all(
    documents: Iterable[Document],
    program: Program,
    *,
    base: str = "http://localhost/fhir/",
    folder: Path | str | None = None,
    mapping: Path | str | None = None,
    failures: Iterable[InputError] = (),
) -> Records:
    """Read the cases of documents as `load_records` does; `failures` are of files that could not even be opened."""
    failed, given = list(failures), tuple(documents)
    fhir: list[Document] = []
    found: dict[str, Records] = {}
    for document in given:
        if document.format in FHIR_FORMATS:
            fhir.append(document)
            continue
        try:
            if document.format in TABLE_FORMATS:
                found.setdefault(document.name, _read_table(document, program, mapping))
            else:
                found.setdefault(document.name, read_records(document, program, folder))
        except InputError as error:
            failed.append(error)
    if fhir:
        try:
            found[", ".join(document.name for document in fhir)] = _read_fhir(fhir, program, base, failed)
        except InputError as error:
            failed.append(error)
    if failed and not found:
        raise failed[0]
    cases, clashing = _one_of_each(found)
    problems = tuple(problem for records in found.values() for problem in records.problems)
    broken = bool(clashing) or any(records.broken for records in found.values())
    return Records(tuple(cases), (*problems, *clashing), broken, tuple(failed), places_in(given, base))


def _read_table(document: Document, program: Program, mapping: Path | str | None) -> Records:
    from reasoner.table_mapping import read_mapping
    from reasoner.table_reading import read_table

    if mapping is None:
        raise UnsupportedInputError(
            "A table is read by a mapping only",
            where=document.name,
            why="none is given",
            repair="name one by --mapping (docs/integrators.md)",
        )
    return read_table(document, read_mapping(mapping, program), program)


def _one_of_each(found: Mapping[str, Records]) -> tuple[list[Case], list[Problem]]:
    """Return the cases by IRI; one that two documents describe differently is not answered, it becomes a problem."""
    same: dict[str, list[tuple[str, Case]]] = {}
    for name, records in found.items():
        for case in records.cases:
            same.setdefault(case.iri, []).append((name, case))
    cases, problems = [], []
    for iri, described in sorted(same.items()):
        first = described[0][1]
        if all(replace(case, problems=first.problems) == first for _, case in described):
            cases.append(first)
        else:
            problems.append(twice_described(iri, [name for name, _ in described]))
    return cases, problems


def twice_described(iri: str, names: Iterable[str]) -> Problem:
    """Return the problem of a case that documents describe differently."""
    text = f"the case {iri} is described differently in {' and '.join(sorted(names))}"
    return Problem("case-described-twice", text, lc("Case"), (iri,), "describe each case in one document")


def _read_fhir(documents: Sequence[Document], program: Program, base: str, failures: list[InputError]) -> Records:
    from reasoner.fhir import Source, no_patient, read_together

    sources = [Source(each.name, each.text, FHIR_FORMATS[each.format]) for each in documents]
    reading = read_together(sources, program, base, failures)
    if not reading.cases:
        raise no_patient(", ".join(each.name for each in documents))
    return Records(reading.cases, reading.problems)


def read_records(document: Document, program: Program, folder: Path | str | None = None) -> Records:
    """Read the cases of one RDF document; records and cases that break a shape are left out and named as problems."""
    place = places_in([document])
    return records_in(read_index(document, folder), program, document.name, lambda node: place(node) or document.name)


def no_case(name: str, unknown: Iterable[Problem] = (), place: Place = nowhere) -> InputError:
    """Return the error of an RDF document that holds no case; of the terms in it that do not exist, one like lc:Case may be meant."""
    why, repair = "no named node is typed lc:Case", "give the patient's description an IRI and type it as lc:Case"
    meant = next((each for each in unknown if curie(_CASE) in each.repair), None)
    if meant is not None:
        name, why, repair = place(meant.sources[0]) or name, f"{why}; {meant.text}", meant.repair
    return InputError("The document holds no case", where=name, why=why, repair=repair)


def records_in(index: Index, program: Program, name: str, place: Callable[[str], str], *, whole: bool = True) -> Records:
    """Read the cases of an indexed document as `read_records` does; `place` says where a node is described.

    A part of a document, which is not `whole`, may hold no case.
    """
    violations = check_shapes(program.shape_table, index)
    shared = shared_records(index)
    refused = {_node(violation.focus) for violation in violations if is_refusal(violation)} | {*shared}
    cases = read_cases(index, program, refused)
    if whole and not cases and not refused:
        raise no_case(name, foreign_terms(index, program), place)
    unread = tuple(unread_nodes(index, program, cases))
    if not refused and not violations:
        return Records(cases, unread)
    problems = [*shared.values(), *_shape_problems(violations, place), *unread]
    about: dict[str, list[Problem]] = {}
    for problem in problems:
        about.setdefault(problem.sources[0], []).append(problem)
    kept = []
    for case in cases:
        if case.iri not in refused:
            own = [_node(target) for target in index[pyoxigraph.NamedNode(case.iri)].get(_HAS_RECORD, ())]
            mine = [problem for node in (case.iri, *own) for problem in about.get(node, ())]
            kept.append(replace(case, problems=(*case.problems, *mine)))
    owned = {problem for case in kept for problem in case.problems}
    return Records(tuple(kept), tuple(problem for problem in problems if problem not in owned), bool(refused))


def shared_records(index: Index) -> dict[str, Problem]:
    """Return a problem for each record that cases of different subjects point at: nobody knows whom it describes."""
    holders = [(node, properties) for node, properties in index.items() if _HAS_RECORD in properties]
    if len(holders) < 2:
        return {}
    subjects: dict[str, dict[str, str]] = {}
    for node, properties in holders:
        subject = _node(properties.get(_HAS_SUBJECT, [node])[0])
        for target in properties[_HAS_RECORD]:
            subjects.setdefault(_node(target), {})[subject] = _node(node)
    return {
        record: Problem(
            "shared-record",
            f"the record belongs to cases of different subjects: {', '.join(sorted(cases.values()))}",
            _HAS_RECORD,
            (record,),
            "give each case a record of its own, or both cases the same lc:hasSubject",
        )
        for record, cases in sorted(subjects.items())
        if len(cases) > 1
    }


def _node(term: object) -> str:
    return term.value if isinstance(term, pyoxigraph.NamedNode) else str(term)


def _shape_problems(violations: Iterable[ShapeViolation], place: Callable[[str], str]) -> list[Problem]:
    return [shape_problem(violation, place(_node(violation.focus))) for violation in violations]


def shape_problem(violation: ShapeViolation, place: str) -> Problem:
    """Return a result of the shapes as a problem; `place` is the file, with the line where it is known."""
    where = curie(violation.path) if violation.path else "the record"
    value = f" ({shortened(str(violation.value))})" if violation.value is not None else ""
    text = f"{place}: {where}{value} breaks {curie(violation.shape)}"
    component = violation.component.removeprefix(SH)
    return Problem(f"shape-{component}", text, violation.path or violation.shape, (_node(violation.focus),), violation.message)


def is_refusal(violation: ShapeViolation) -> bool:
    """Return whether a result of the shapes leaves its node out."""
    return violation.severity == _VIOLATION


def assess(records: Records, program: Program, *, as_of: datetime | None = None, relevance: bool = False) -> Report:
    """Answer every case of `records` at `as_of`, else at its own instant, else now; `relevance` judges which tests can matter."""
    answers = []
    for case in records.cases:
        moment = from_datetime(as_of) if as_of else case.as_of
        answer = answer_case(case, program, moment or _now())
        answers.append(_with_relevance(answer, program) if relevance else answer)
    return Report(program, tuple(answers), records.problems, records.broken or bool(records.failures), records.place)


def _now() -> Moment:
    return from_datetime(datetime.now(UTC).replace(microsecond=0))


def answer_case(case: Case, program: Program, as_of: Moment) -> CaseAnswer:
    """Answer one case at one instant."""
    state = abstract_case(case, program, as_of)
    statuses = entail(program, state)
    advice, differential = advise(program, state, statuses), rank_conditions(program, statuses)
    return CaseAnswer(state, statuses, advice, differential, as_of, find_reasons(program, state, statuses, advice, differential))


def _with_relevance(answer: CaseAnswer, program: Program) -> CaseAnswer:
    """Return the answer with what each result of each candidate test would change."""
    from reasoner.explanation import View
    from reasoner.relevance import judge_relevance

    view = View(program, answer.state, answer.statuses)
    return replace(answer, relevances=judge_relevance(view, answer.advice, answer.differential, answer.as_of))


def undated(records: Records) -> Sequence[str]:
    """Return the cases that state no instant of their own."""
    return [case.iri for case in records.cases if case.as_of is None]
