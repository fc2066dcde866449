"""Define what a case and its records are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal

import pyoxigraph

from reasoner.frozen import frozen
from reasoner.moments import Moment

__all__ = [
    "STANDING",
    "SUBJECTS",
    "Case",
    "ClosureStatement",
    "DiagnosisRecord",
    "ExaminationRecord",
    "FindingRecord",
    "Index",
    "MeasurementRecord",
    "MedicationRecord",
    "Problem",
    "Record",
    "Term",
    "field_names",
    "record_order",
    "subject_of",
]

Term = pyoxigraph.NamedNode | pyoxigraph.BlankNode | pyoxigraph.Literal | pyoxigraph.Triple
Index = Mapping[pyoxigraph.NamedNode | pyoxigraph.BlankNode, Mapping[str, list[Term]]]
"""A document: subject → predicate IRI → objects, in document order."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in the data that could not be used as it stands; `sources` are record IRIs."""

    code: str
    text: str
    term: str
    sources: tuple[str, ...]
    repair: str


STANDING = ("", "active")
"""The statuses of a record that counts as it stands: none is stated, or that it is active."""


@frozen()
class FindingRecord:
    """A finding with its presence, side and course."""

    node: str
    finding: str
    presence: str
    side: str
    onset: Moment | None
    worsened: Moment | None
    ended: Moment | None
    recorded: Moment | None
    status: str


@frozen()
class MeasurementRecord:
    """The value or interpretation of a test; `value` keeps its decimal digits, limits are in the unit of the value."""

    node: str
    test: str
    value: Decimal | None
    unit: str | None
    comparator: str
    interpretation: str
    low: Decimal | None
    high: Decimal | None
    side: str
    performed: Moment | None
    status: str


@frozen()
class MedicationRecord:
    """The use of a drug: `drug` is None when only words are on file."""

    node: str
    drug: str | None
    text: str
    dose: str
    started: Moment | None
    ended: Moment | None
    response: str
    status: str


@frozen()
class ExaminationRecord:
    """An examination; `attributes` maps record properties (extent, completeness, result) to value IRIs."""

    node: str
    test: str
    attributes: tuple[tuple[str, str], ...]
    side: str
    performed: Moment | None
    status: str


@frozen()
class DiagnosisRecord:
    """A diagnosis that someone stated, refuted or resolved."""

    node: str
    condition: str
    presence: str
    onset: Moment | None
    ended: Moment | None
    recorded: Moment | None
    status: str


@frozen()
class ClosureStatement:
    """A dated statement that nothing below `closes` is present beyond what is recorded."""

    node: str
    closes: str
    recorded: Moment | None
    status: str


Record = FindingRecord | MeasurementRecord | MedicationRecord | ExaminationRecord | DiagnosisRecord | ClosureStatement


SUBJECTS: Mapping[type[Record], str] = {
    FindingRecord: "finding",
    MeasurementRecord: "test",
    MedicationRecord: "drug",
    ExaminationRecord: "test",
    DiagnosisRecord: "condition",
    ClosureStatement: "closes",
}
"""The field that holds what a record is about, by the kind of the record."""


def subject_of(record: Record) -> str | None:
    """Return the term that a record is about; None for a drug of which only words are on file."""
    found: str | None = getattr(record, SUBJECTS[type(record)])
    return found


def record_order(record: Record) -> tuple[str, str]:
    """Return what records are ordered by: what they are about; their names decide only between those that are about the same."""
    return getattr(record, SUBJECTS[type(record)]) or "", record.node


def field_names(record: Record | type[Record]) -> tuple[str, ...]:
    """Return the names of the fields of a record, or of a kind of record, in their order."""
    return tuple(each.name for each in fields(record))


@frozen()
class Case:
    """One patient at one instant; `as_of` is None until the caller settles it."""

    iri: str
    subject: str
    as_of: Moment | None
    birth: Moment | None
    stated_age: int | None
    findings: tuple[FindingRecord, ...] = ()
    measurements: tuple[MeasurementRecord, ...] = ()
    medications: tuple[MedicationRecord, ...] = ()
    examinations: tuple[ExaminationRecord, ...] = ()
    diagnoses: tuple[DiagnosisRecord, ...] = ()
    closures: tuple[ClosureStatement, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def tests(self) -> tuple[MeasurementRecord | ExaminationRecord, ...]:
        """Return measurements and examinations alike."""
        return (*self.measurements, *self.examinations)
