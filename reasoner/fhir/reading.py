"""Read FHIR R4 JSON into cases: one case per patient, one record per statement, one problem per thing not read.

| resource | read as |
|---|---|
| Patient | case: its IRI, lc:birthDate; `deceased[x]` and `link` are problems |
| Condition, AllergyIntolerance | see `conditions` |
| Observation | see `observations` |
| MedicationRequest, -Statement, -Administration, -Dispense | see `medications` |
| Medication, Substance | definitions that others refer to |
| DiagnosticReport, Procedure | see `examinations` |
| ServiceRequest | counted, nothing else: an order is no fact about the patient |
| any other type | counted in one problem |

A resource with a `modifierExtension` or `implicitRules` is not read: R4 forbids to process what one does not understand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from reasoner.fhir.codes import Codes
from reasoner.fhir.conditions import read_allergy, read_condition
from reasoner.fhir.context import Context
from reasoner.fhir.dates import moment
from reasoner.fhir.document import parse_document
from reasoner.fhir.elements import child, children, choice, string
from reasoner.fhir.entries import Entry, gather_entries
from reasoner.fhir.examinations import joined, read_procedure, read_report, reported_together
from reasoner.fhir.medications import read_medication_use
from reasoner.fhir.notes import Notes, gathered_problems
from reasoner.fhir.observations import read_observation
from reasoner.fhir.references import Index, reference_words
from reasoner.moments import Moment
from reasoner.program.model import Program
from reasoner.record import Case, DiagnosisRecord, ExaminationRecord, FindingRecord, MeasurementRecord, MedicationRecord, Problem, Record
from reasoner.terms import lc

__all__ = ["BASE", "Counts", "FhirReading", "read_documents", "read_fhir"]

BASE = "http://localhost/fhir/"
_DEFINITIONS = ("Medication", "Substance")
_SILENT = ("ServiceRequest",)
_READERS: dict[str, Callable[[Entry, Context, Notes], list[Record]]] = {
    "AllergyIntolerance": read_allergy,
    "Condition": read_condition,
    "DiagnosticReport": read_report,
    "MedicationAdministration": read_medication_use,
    "MedicationDispense": read_medication_use,
    "MedicationRequest": read_medication_use,
    "MedicationStatement": read_medication_use,
    "Observation": read_observation,
    "Procedure": read_procedure,
}


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the resources; `entries` is the sum of the seven that follow it.

    `recorded` made a record, `reported` a problem and no record, `grouping` neither (panels, reports and allergies that
    say nothing of their own). `records` and `problems` count the outcome, over all cases.
    """

    entries: int
    patients: int
    definitions: int
    recorded: int
    reported: int
    grouping: int
    ignored: int
    duplicates: int
    records: int
    problems: int


@dataclass(frozen=True, slots=True)
class FhirReading:
    """The cases by IRI, the problems that belong to no case, and the counts."""

    cases: tuple[Case, ...]
    problems: tuple[Problem, ...]
    counts: Counts


def read_fhir(text: bytes, program: Program, base: str = BASE, as_of: Moment | None = None) -> FhirReading:
    """Return the cases of one FHIR R4 JSON document, a Bundle or a single resource.

    Raise SyntaxProblem when it is malformed, LimitError when it is nested too deep, and UnsupportedInputError when it is
    no FHIR or of another version than R4.
    """
    return read_documents((text,), program, base, as_of)


def read_documents(texts: Iterable[bytes], program: Program, base: str = BASE, as_of: Moment | None = None) -> FhirReading:
    """Return the cases of several documents that refer to each other; raise as `read_fhir` does."""
    address = base if base.endswith("/") else base + "/"
    gathering = gather_entries(map(parse_document, texts), address)
    index = Index(gathering.entries, address)
    codes = Codes(program)
    patients = {entry.node: Notes(entry.node) for entry in gathering.entries if entry.kind == "Patient"}
    births = {
        entry.node: moment(string(entry.resource, "birthDate"), "birthDate", patients[entry.node])
        for entry in gathering.entries
        if entry.kind == "Patient"
    }
    sorted_out = _SortedOut(Counter(), Counter(), {}, {node: [notes] for node, notes in patients.items()}, {node: [] for node in patients})
    for entry in gathering.entries:
        _sort_out(entry, index, codes, births, sorted_out)
    pairs = reported_together(gathering.entries, index)
    cases = [_case(node, as_of, Context(codes, index, birth), pairs, sorted_out) for node, birth in sorted(births.items())]
    problems = (*gathering.problems, *_strays(sorted_out.strays), *_ignored(sorted_out.ignored))
    return FhirReading(tuple(cases), problems, _counts(gathering.total, gathering.duplicates, sorted_out, cases, problems))


@dataclass(frozen=True, slots=True)
class _SortedOut:
    """What became of the entries so far: outcomes and ignored types counted, strays by reference, notes and records by patient."""

    outcomes: Counter[str]
    ignored: Counter[str]
    strays: dict[str, list[str]]
    notes: dict[str, list[Notes]]
    records: dict[str, list[Record]]


def _sort_out(entry: Entry, index: Index, codes: Codes, births: dict[str, Moment | None], found: _SortedOut) -> None:
    """Read one entry into `found`."""
    if entry.kind == "Patient":
        found.outcomes["patients"] += 1
        _check_patient(entry, found.notes[entry.node][0])
    elif entry.kind in _DEFINITIONS:
        found.outcomes["definitions"] += 1
    elif entry.kind not in _READERS:
        found.outcomes["ignored"] += 1
        found.ignored[entry.kind or "entry without a resource"] += 1
    else:
        patient = _patient(entry, index)
        if patient is None:
            found.outcomes["reported"] += 1
            found.strays.setdefault(_subject_words(entry), []).append(entry.node)
            return
        notes = Notes(entry.node)
        records = _read(entry, Context(codes, index, births[patient]), notes)
        found.outcomes["recorded" if records else "reported" if notes else "grouping"] += 1
        found.notes[patient].append(notes)
        found.records[patient].extend(records)


def _read(entry: Entry, context: Context, notes: Notes) -> list[Record]:
    for name in ("implicitRules", "modifierExtension"):
        if name in entry.resource:
            what = string(entry.resource, name) or string(entry.resource, name, "url")
            notes.report(
                "modified-meaning",
                f"{name} {what} may change what the resource means, it is not read",
                "",
                "send the resource without it, or as what it means",
            )
            return []
    return _READERS[entry.kind](entry, context, notes)


def _patient(entry: Entry, index: Index) -> str | None:
    """Return the IRI of the patient that an entry, or the entry that contains it, is about."""
    for each in (entry, entry.home):
        if each is not None:
            reference = child(each.resource, "patient") or child(each.resource, "subject")
            target = index.find(reference, each) if reference else None
            if target is not None and target.kind == "Patient":
                return target.node
            if reference:
                return None
    return None


def _subject_words(entry: Entry) -> str:
    reference = child(entry.resource, "patient") or child(entry.resource, "subject")
    return reference_words(reference)


def _check_patient(entry: Entry, notes: Notes) -> None:
    kind, value = choice(entry.resource, "deceased")
    if kind and value is not False:
        notes.report(
            "deceased",
            f"the patient is recorded as dead{f' since {value}' if isinstance(value, str) else ''}",
            "",
            "check that the record is meant to be assessed",
        )
    for link in children(entry.resource, "link"):
        other = reference_words(child(link, "other"))
        notes.report(
            "linked-patient",
            f"the patient is linked ({string(link, 'type')}) to {other}, whose records are not joined",
            "",
            "send the records under one patient",
        )


_Kind = TypeVar("_Kind", DiagnosisRecord, ExaminationRecord, FindingRecord, MeasurementRecord, MedicationRecord)


def _of(records: Iterable[Record], kind: type[_Kind]) -> tuple[_Kind, ...]:
    return tuple(sorted((record for record in records if isinstance(record, kind)), key=lambda record: record.node))


def _case(node: str, as_of: Moment | None, context: Context, pairs: list[tuple[str, str]], found: _SortedOut) -> Case:
    records, into = joined(found.records[node], pairs, context)
    examinations = _of(records, ExaminationRecord)
    settled = {each.node for each in examinations if lc("result") in dict(each.attributes)}
    settled |= {led for led, leading in into.items() if leading in settled}
    problems = gathered_problems(found.notes[node])
    return Case(
        iri=node,
        subject=node,
        as_of=as_of,
        birth=context.birth,
        stated_age=None,
        findings=_of(records, FindingRecord),
        measurements=_of(records, MeasurementRecord),
        medications=_of(records, MedicationRecord),
        examinations=examinations,
        diagnoses=_of(records, DiagnosisRecord),
        problems=tuple(each for each in problems if each.code != "result-in-words" or settled.isdisjoint(each.sources)),
    )


def _strays(strays: dict[str, list[str]]) -> list[Problem]:
    found = []
    for words, nodes in sorted(strays.items()):
        who = f"“{words}” is no patient of the document" if words else "no patient is named"
        text = f"{who}; resources left out for that: {len(nodes)}"
        found.append(Problem("no-patient", text, "", tuple(sorted(nodes)), "send the Patient along, and refer to it"))
    return found


def _ignored(ignored: Counter[str]) -> list[Problem]:
    counted = [f"{number} {kind}" for kind, number in sorted(ignored.items()) if kind not in _SILENT]
    if not counted:
        return []
    return [
        Problem(
            "ignored-resources",
            f"resources of other types are not read: {', '.join(counted)}",
            "",
            (),
            "nothing, they say nothing that is asked here",
        )
    ]


def _counts(total: int, duplicates: int, found: _SortedOut, cases: list[Case], problems: tuple[Problem, ...]) -> Counts:
    kept = [
        record for case in cases for record in (*case.findings, *case.measurements, *case.medications, *case.examinations, *case.diagnoses)
    ]
    outcomes = {name: found.outcomes[name] for name in ("patients", "definitions", "recorded", "reported", "grouping", "ignored")}
    return Counts(
        entries=total,
        **outcomes,
        duplicates=duplicates,
        records=len(kept),
        problems=len(problems) + sum(len(case.problems) for case in cases),
    )
