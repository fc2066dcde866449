"""Say of a reading what was used, what was not and why, and whether the documents break FHIR itself.

A document that holds things which are not asked about, or codes that the ontology does not know, is no bad document.
It breaks FHIR where a problem is of one of the codes in `VIOLATIONS`: what is malformed, lacks what FHIR requires, or
contradicts itself. Documents without any Patient hold no case, so they do not conform either.
"""

from __future__ import annotations

from dataclasses import dataclass

from reasoner.errors import InputError
from reasoner.fhir.accounts import Counts
from reasoner.fhir.notes import UnknownCode
from reasoner.fhir.reading import FhirReading
from reasoner.record import Problem
from reasoner.terms import lc

__all__ = ["VIOLATIONS", "FhirVerdict", "judge", "no_patient"]

VIOLATIONS = (
    InputError.code,
    "contradictory-codes",
    "contradictory-releases",
    "contradictory-status",
    "malformed-date",
    "malformed-element",
    "malformed-line",
    "no-status",
    "no-type",
    "two-versions",
    "unknown-comparator",
    "unknown-status",
)
"""The codes of problems that FHIR forbids, and of documents that nothing can be answered of."""


@dataclass(frozen=True, slots=True)
class FhirVerdict:
    """What became of the resources, the unknown codes by how often they occur, and all problems."""

    counts: Counts
    unknown: tuple[UnknownCode, ...]
    problems: tuple[Problem, ...]

    @property
    def conforms(self) -> bool:
        """Return whether no problem is of a kind that FHIR forbids."""
        return all(problem.code not in VIOLATIONS for problem in self.problems)


def judge(reading: FhirReading) -> FhirVerdict:
    """Return the verdict on a reading; the problems of its cases come before those of none, each sorted."""
    of_cases = sorted(
        (problem for case in reading.cases for problem in case.problems), key=lambda each: (each.code, each.sources, each.text)
    )
    none = () if reading.cases else (_without_patient(),)
    return FhirVerdict(reading.counts, reading.unknown, (*none, *of_cases, *reading.problems))


def no_patient(name: str) -> InputError:
    """Return the error of FHIR documents that hold no case."""
    return InputError(
        "The documents hold no case",
        where=name,
        why="no resource is a Patient",
        repair="send the Patient along with the resources that refer to it",
    )


def _without_patient() -> Problem:
    error = no_patient("")
    return Problem(error.code, f"{error.what}: {error.why}", lc("Case"), (), error.repair)
