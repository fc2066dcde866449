"""Define what a case and its records are, and read them from an indexed RDF document."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TypeVar

import pyoxigraph

from reasoner.errors import shortened
from reasoner.moments import Moment, parse_moment
from reasoner.namespaces import LC, RDF, curie
from reasoner.program.model import Program
from reasoner.terms import RecordKind, lc

__all__ = [
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
    "read_cases",
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


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class ExaminationRecord:
    """An examination; `attributes` maps record properties (extent, completeness, result) to value IRIs."""

    node: str
    test: str
    attributes: tuple[tuple[str, str], ...]
    side: str
    performed: Moment | None
    status: str


@dataclass(frozen=True, slots=True)
class DiagnosisRecord:
    """A diagnosis that someone stated, refuted or resolved."""

    node: str
    condition: str
    presence: str
    onset: Moment | None
    ended: Moment | None
    recorded: Moment | None
    status: str


@dataclass(frozen=True, slots=True)
class ClosureStatement:
    """A dated statement that nothing below `closes` is present beyond what is recorded."""

    node: str
    closes: str
    recorded: Moment | None
    status: str


Record = FindingRecord | MeasurementRecord | MedicationRecord | ExaminationRecord | DiagnosisRecord | ClosureStatement


@dataclass(frozen=True, slots=True)
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


_TYPE = RDF + "type"
_CASE = lc("Case")
_HAS_RECORD = lc("hasRecord")
_ATTRIBUTES = (lc("extent"), lc("completeness"), lc("result"))


class _Reader:
    """Read the properties of one node; every reading problem is noted, none raised."""

    def __init__(self, index: Index, program: Program) -> None:
        self.index = index
        self.program = program
        self.problems: list[Problem] = []
        self.properties: Mapping[str, list[Term]] = {}
        self.node = ""

    def at(self, node: pyoxigraph.NamedNode | pyoxigraph.BlankNode) -> _Reader:
        """Turn to `node`."""
        self.properties = self.index.get(node, {})
        self.node = node.value if isinstance(node, pyoxigraph.NamedNode) else str(node)
        return self

    def note(self, code: str, text: str, term: str, repair: str) -> None:
        """Note a problem of the current node."""
        self.problems.append(Problem(code, text, term, (self.node,), repair))

    def iri(self, name: str) -> str:
        """Return the first IRI of a property, or the empty string."""
        for value in self.properties.get(name, ()):
            if isinstance(value, pyoxigraph.NamedNode):
                return value.value
        return ""

    def word(self, name: str, stem: str) -> str:
        """Return the word at the end of a value-list term, or the empty string."""
        iri = self.iri(name)
        return iri[len(stem) :] if iri.startswith(stem) else ""

    def text(self, name: str) -> str:
        """Return the first literal's text, or the empty string."""
        for value in self.properties.get(name, ()):
            if isinstance(value, pyoxigraph.Literal):
                return value.value
        return ""

    def moment(self, name: str) -> Moment | None:
        """Return a date, or None; a malformed one is noted."""
        text = self.text(name)
        if not text:
            return None
        found = parse_moment(text)
        if found is None:
            self.note("malformed-date", f"“{shortened(text)}” is no date", name, "write YYYY-MM-DD, YYYY-MM, YYYY or a dateTime")
        return found

    def number(self, name: str) -> Decimal | None:
        """Return a finite decimal, or None; a malformed one is noted."""
        text = self.text(name)
        if not text:
            return None
        try:
            number = Decimal(text)
        except InvalidOperation:
            number = Decimal("NaN")
        if not number.is_finite() or abs(number.adjusted()) > _MAGNITUDE:
            self.note("malformed-number", f"“{shortened(text)}” is no number", name, "write a plain decimal number")
            return None
        return number

    def term(self, name: str, sort: str) -> str | None:
        """Return a declared term of `sort`, or None; an unknown one is noted with near matches."""
        iri = self.iri(name)
        if not iri:
            self.note("no-term", f"the record names no {sort.lower()}", name, f"state {curie(name)}")
            return None
        if self.program.sorts.get(iri) == sort:
            return iri
        hint = _near(iri, [term for term, found in self.program.sorts.items() if found == sort]) or f"use a {sort.lower()} of the ontology"
        self.note("unknown-term", f"{shortened(curie(iri))} is no {sort.lower()} of the ontology", iri, hint)
        return None


def _near(iri: str, terms: Iterable[str]) -> str:
    """Ask for the terms whose local names are nearly that of `iri`; return the empty string when there are none."""
    name = iri.removeprefix(LC)
    if len(name) > _LONGEST_NAME:
        return ""
    near = difflib.get_close_matches(name, [term.removeprefix(LC) for term in terms], 3, _NEARNESS)
    return f"did you mean {' or '.join(f'lc:{each}' for each in near)}?" if near else ""


_MAGNITUDE = 30
_LONGEST_NAME = 100
_NEARNESS = 0.75
_STATUS = LC + "_RecordStatus_"


def _finding(read: _Reader) -> FindingRecord | None:
    finding = read.term(lc("ofFinding"), "Finding")
    if finding is None:
        return None
    return FindingRecord(
        read.node,
        finding,
        read.word(lc("presence"), LC + "_Presence_"),
        read.word(lc("side"), LC + "_Side_"),
        read.moment(lc("onset")),
        read.moment(lc("worsened")),
        read.moment(lc("ended")),
        read.moment(lc("recordedOn")),
        read.word(lc("recordStatus"), _STATUS),
    )


def _measurement(read: _Reader) -> MeasurementRecord | None:
    test = read.term(lc("ofTest"), "Investigation")
    if test is None:
        return None
    return MeasurementRecord(
        read.node,
        test,
        read.number(lc("value")),
        read.text(lc("unit")) or None,
        read.word(lc("comparator"), LC + "_Comparator_"),
        read.word(lc("interpretation"), LC + "_Interpretation_"),
        read.number(lc("referenceLow")),
        read.number(lc("referenceHigh")),
        read.word(lc("side"), LC + "_Side_"),
        read.moment(lc("performedOn")),
        read.word(lc("recordStatus"), _STATUS),
    )


def _medication(read: _Reader) -> MedicationRecord | None:
    text = read.text(lc("sourceText"))
    drug = read.term(lc("ofDrug"), "Drug") if read.iri(lc("ofDrug")) or not text else None
    if drug is None and not text:
        return None
    return MedicationRecord(
        read.node,
        drug,
        text,
        read.text(lc("dose")),
        read.moment(lc("started")),
        read.moment(lc("ended")),
        read.word(lc("responseToStopping"), LC + "_ResponseToStopping_"),
        read.word(lc("recordStatus"), _STATUS),
    )


def _examination(read: _Reader) -> ExaminationRecord | None:
    test = read.term(lc("ofTest"), "Investigation")
    if test is None:
        return None
    return ExaminationRecord(
        read.node,
        test,
        tuple((name, value) for name in _ATTRIBUTES if (value := read.iri(name))),
        read.word(lc("side"), LC + "_Side_"),
        read.moment(lc("performedOn")),
        read.word(lc("recordStatus"), _STATUS),
    )


def _diagnosis(read: _Reader) -> DiagnosisRecord | None:
    condition = read.term(lc("ofCondition"), "Condition")
    if condition is None:
        return None
    return DiagnosisRecord(
        read.node,
        condition,
        read.word(lc("presence"), LC + "_Presence_"),
        read.moment(lc("onset")),
        read.moment(lc("ended")),
        read.moment(lc("recordedOn")),
        read.word(lc("recordStatus"), _STATUS),
    )


def _closure(read: _Reader) -> ClosureStatement | None:
    iri = read.iri(lc("closes"))
    sort = read.program.sorts.get(iri, "")
    closes = read.term(lc("closes"), sort if sort in ("Finding", "Drug") else "Finding")
    if closes is None:
        return None
    return ClosureStatement(read.node, closes, read.moment(lc("recordedOn")), read.word(lc("recordStatus"), _STATUS))


_READERS = {
    RecordKind.FINDING: (_finding, FindingRecord),
    RecordKind.MEASUREMENT: (_measurement, MeasurementRecord),
    RecordKind.MEDICATION: (_medication, MedicationRecord),
    RecordKind.EXAMINATION: (_examination, ExaminationRecord),
    RecordKind.DIAGNOSIS: (_diagnosis, DiagnosisRecord),
    RecordKind.CLOSURE: (_closure, ClosureStatement),
}


def read_cases(index: Index, program: Program, refused: Iterable[str] = ()) -> tuple[Case, ...]:
    """Return the cases of a document, sorted by IRI; cases and records in `refused` (node texts) are left out.

    A record without a known kind or term becomes a problem of its case, never an exception.
    """
    barred = frozenset(refused)
    cases = [
        _case(node, index, program, barred)
        for node, properties in index.items()
        if isinstance(node, pyoxigraph.NamedNode)
        and node.value not in barred
        and any(isinstance(kind, pyoxigraph.NamedNode) and kind.value == _CASE for kind in properties.get(_TYPE, ()))
    ]
    return tuple(sorted(cases, key=lambda case: case.iri))


def _case(node: pyoxigraph.NamedNode, index: Index, program: Program, barred: frozenset[str]) -> Case:
    read = _Reader(index, program).at(node)
    _foreign_terms(read)
    as_of, birth, age = read.moment(lc("asOf")), read.moment(lc("birthDate")), read.number(lc("statedAge"))
    subject = read.iri(lc("hasSubject")) or node.value
    records: list[Record] = []
    for target in index[node].get(_HAS_RECORD, ()):
        if isinstance(target, pyoxigraph.NamedNode | pyoxigraph.BlankNode):
            read.at(target)
            if read.node not in barred:
                found = _record(read)
                if found is not None:
                    records.append(found)
    return Case(
        iri=node.value,
        subject=subject,
        as_of=as_of,
        birth=birth,
        stated_age=int(age) if age is not None else None,
        findings=_of(records, FindingRecord),
        measurements=_of(records, MeasurementRecord),
        medications=_of(records, MedicationRecord),
        examinations=_of(records, ExaminationRecord),
        diagnoses=_of(records, DiagnosisRecord),
        closures=_of(records, ClosureStatement),
        problems=tuple(read.problems),
    )


def _record(read: _Reader) -> Record | None:
    if not read.properties:
        read.note(
            "missing-record",
            "the case points at a record that the document does not hold",
            lc("hasRecord"),
            "add the record or remove the link",
        )
        return None
    for kind in read.properties.get(_TYPE, ()):
        if isinstance(kind, pyoxigraph.NamedNode) and kind.value in _READERS:
            _foreign_terms(read)
            return _READERS[kind.value][0](read)
    read.note("unknown-kind", "the record has no known kind", _TYPE, f"type it as one of {', '.join(map(curie, sorted(_READERS)))}")
    return None


def _foreign_terms(read: _Reader) -> None:
    """Note properties of our own namespace that the vocabulary does not have."""
    for name in read.properties:
        if name.startswith(LC) and name not in read.program.labels:
            properties = [term for term in read.program.labels if term.startswith(LC) and term[len(LC)].islower()]
            text = f"{shortened(curie(name))} is no property of the vocabulary"
            read.note("unknown-term", text, name, _near(name, properties) or "see ontology/record.ttl")


_Kind = TypeVar("_Kind", FindingRecord, MeasurementRecord, MedicationRecord, ExaminationRecord, DiagnosisRecord, ClosureStatement)


def _of(records: Iterable[Record], kind: type[_Kind]) -> tuple[_Kind, ...]:
    return tuple(sorted((record for record in records if isinstance(record, kind)), key=_place))


_ABOUT: Mapping[type[Record], str] = {
    FindingRecord: "finding",
    MeasurementRecord: "test",
    MedicationRecord: "drug",
    ExaminationRecord: "test",
    DiagnosisRecord: "condition",
    ClosureStatement: "closes",
}


def _place(record: Record) -> tuple[str, str]:
    """Order records by what they are about; their names decide only between those that are about the same."""
    return getattr(record, _ABOUT[type(record)]) or "", record.node
