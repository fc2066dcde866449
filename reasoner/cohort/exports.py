"""Read the FHIR files of a chunk into cases, some at a time: documents together, a bulk export patient by patient."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from reasoner.answering import Records, load_records
from reasoner.cohort.gathering import LARGEST
from reasoner.cohort.sources import Source
from reasoner.errors import InputError
from reasoner.fhir import FhirReading, no_patient, stream_exports
from reasoner.program.model import Program
from reasoner.record import Case, Problem

__all__ = ["fhir_records"]

_TOGETHER = 500
"""Cases and problems that are in memory at a time."""


def fhir_records(sources: Sequence[Source], program: Program) -> Iterator[Records]:
    """Yield the cases of files that may refer to each other, with the problems of none and the files that cannot be read."""
    paths = [each.path for each in sources]
    if sources[0].format != "fhir-ndjson":
        yield _whole(paths, program)
        return
    failures: list[InputError] = []
    while paths:
        readings = stream_exports(paths, program)
        try:
            first = next(readings)
        except InputError as error:
            if str(error.where) not in paths:  # such as a line about several patients
                yield _whole(paths, program)
                break
            failures.append(error)
            paths.remove(str(error.where))
        else:
            yield from _batches(first, readings)
            break
    yield Records((), failures=tuple(failures))


def _batches(first: FhirReading, readings: Iterable[FhirReading]) -> Iterator[Records]:
    cases: list[Case] = list(first.cases)
    problems: list[Problem] = list(first.problems)
    for reading in readings:
        cases += reading.cases
        problems += reading.problems
        if len(cases) + len(problems) >= _TOGETHER:
            yield Records(tuple(cases), tuple(problems))
            cases, problems = [], []
    yield Records(tuple(cases), tuple(problems))


def _whole(paths: Sequence[str], program: Program) -> Records:
    try:
        return load_records(paths, program, max_size=LARGEST)
    except InputError as error:  # the first of them, when none can be read
        if _lacks_patient(error):
            return Records(())
        return Records((), failures=tuple(_failures(paths, program)) or (error,))


def _failures(paths: Iterable[str], program: Program) -> Iterator[InputError]:
    for path in paths:
        try:
            load_records([path], program, max_size=LARGEST)
        except InputError as error:
            if not _lacks_patient(error):
                yield error


def _lacks_patient(error: InputError) -> bool:
    """Return whether documents could be read but are about nobody."""
    return str(error) == str(no_patient(str(error.where)))
