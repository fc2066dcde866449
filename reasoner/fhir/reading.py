"""Read FHIR resources in the form of R4 into cases: one case per patient, one record per statement, one problem per thing not read.

| resource | read as |
|---|---|
| Patient | case: its IRI, lc:birthDate; `deceased[x]` and `link` are problems |
| Condition, AllergyIntolerance | see `conditions` |
| Observation | see `observations` |
| MedicationRequest, -Statement, -Administration, -Dispense | see `medications` |
| Medication, Substance | definitions that others refer to |
| DiagnosticReport, Procedure | see `examinations` |
| ServiceRequest | counted, nothing else: an order is no fact about the patient; one that is unclear is a problem |
| any other type | counted in one problem |

A resource with a `modifierExtension` or `implicitRules` is not read: R4 forbids to process what one does not understand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from reasoner.fhir.accounts import Counts, counted
from reasoner.fhir.codes import Codes
from reasoner.fhir.conditions import read_allergy, read_condition
from reasoner.fhir.context import Context
from reasoner.fhir.dates import moment
from reasoner.fhir.elements import Element, child, children, choice, flag, string
from reasoner.fhir.entries import Entry, gather_entries
from reasoner.fhir.examinations import Link, joined, read_procedure, read_report, reported_together
from reasoner.fhir.medications import read_medication_use
from reasoner.fhir.notes import Notes, UnknownCode, gathered_problems, unknown_codes
from reasoner.fhir.observations import read_observation
from reasoner.fhir.orders import is_clear, note_unclear
from reasoner.fhir.references import Index, reference_words
from reasoner.fhir.releases import CLASH
from reasoner.fhir.sources import BadLine, BadLines, Source, resources_in
from reasoner.moments import Moment
from reasoner.program.model import Program
from reasoner.record import Case, DiagnosisRecord, ExaminationRecord, FindingRecord, MeasurementRecord, MedicationRecord, Problem, Record
from reasoner.terms import lc

__all__ = [
    "BASE",
    "DEFINITIONS",
    "FhirReading",
    "is_read",
    "other_types",
    "read_documents",
    "read_fhir",
    "read_resources",
    "read_sources",
    "subject_of",
    "unread",
]

BASE = "http://localhost/fhir/"
DEFINITIONS = ("Medication", "Substance")
"""The types that others refer to, and that say nothing of a patient."""

_SILENT = ("ServiceRequest",)
_INTOLERANCES = ("AllergyIntolerance",)
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
    "ServiceRequest": note_unclear,
}


@dataclass(frozen=True, slots=True)
class FhirReading:
    """The cases by IRI, the problems that belong to no case, the counts, and the codes that mean no term."""

    cases: tuple[Case, ...]
    problems: tuple[Problem, ...]
    counts: Counts
    unknown: tuple[UnknownCode, ...] = ()


def read_fhir(text: bytes, program: Program, base: str = BASE, as_of: Moment | None = None) -> FhirReading:
    """Return the cases of one FHIR R4 JSON document, a Bundle or a single resource.

    Raise SyntaxProblem when it is malformed, LimitError when it is nested too deep, and UnsupportedInputError when it is
    no FHIR or of another version than R4.
    """
    return read_sources((Source("", text),), program, base, as_of)


def read_documents(texts: Iterable[bytes], program: Program, base: str = BASE, as_of: Moment | None = None) -> FhirReading:
    """Return the cases of several JSON documents that refer to each other; raise as `read_fhir` does."""
    return read_sources((Source("", text) for text in texts), program, base, as_of)


def read_sources(sources: Iterable[Source], program: Program, base: str = BASE, as_of: Moment | None = None) -> FhirReading:
    """Return the cases of several inputs that refer to each other; raise as `read_fhir` does, naming the input."""
    bad = BadLines()
    address = base if base.endswith("/") else base + "/"
    return read_resources(_good(sources, address, bad), Codes(program), address, as_of, bad=bad)


def _good(sources: Iterable[Source], base: str, bad: BadLines) -> Iterator[Element]:
    """Yield the resources of all inputs; lines that hold none are added to `bad`."""
    for source in sources:
        for held in resources_in(source, base):
            if isinstance(held, BadLine):
                bad.add(held)
            else:
                yield held


def read_resources(
    resources: Iterable[Element],
    codes: Codes,
    base: str = BASE,
    as_of: Moment | None = None,
    *,
    bad: BadLines | None = None,
    before: int = 0,
) -> FhirReading:
    """Return the cases of parsed resources and Bundles; `before` is the number of those read earlier.

    `bad` are the lines that held none, complete once the resources are taken.
    """
    address = base if base.endswith("/") else base + "/"
    gathering = gather_entries(resources, address, before)
    index = Index(gathering.entries, address)
    patients = {entry.node: Notes(entry.node) for entry in gathering.entries if entry.kind == "Patient"}
    births = {
        entry.node: moment(string(entry.resource, "birthDate"), "birthDate", patients[entry.node])
        for entry in gathering.entries
        if entry.kind == "Patient"
    }
    found = _SortedOut(
        Counter(), gathering.left_out, {}, [], {node: [notes] for node, notes in patients.items()}, {node: [] for node in patients}
    )
    for entry in gathering.entries:
        _sort_out(entry, index, codes, births, found)
    if bad is not None:
        found.unused["malformed-line", ""] = bad.total
    links = reported_together(gathering.entries, index)
    cases = [_case(node, as_of, Context(codes, index, birth), links, found) for node, birth in sorted(births.items())]
    problems = (
        *gathering.problems,
        *(bad.problems() if bad else ()),
        *_strays(found.strays),
        *_untyped(found.untyped),
        *other_types(found.unused),
    )
    unknown = unknown_codes(notes for each in found.notes.values() for notes in each)
    return FhirReading(tuple(cases), problems, _counts(found, cases, problems), unknown)


@dataclass(frozen=True, slots=True)
class _SortedOut:
    """What became of the entries so far: those used by role, the others by reason and type, notes and records by patient.

    `untyped` are resources that say something, but not of which type they are.
    """

    used: Counter[str]
    unused: Counter[tuple[str, str]]
    strays: dict[str, list[str]]
    untyped: list[str]
    notes: dict[str, list[Notes]]
    records: dict[str, list[Record]]


def _sort_out(entry: Entry, index: Index, codes: Codes, births: dict[str, Moment | None], found: _SortedOut) -> None:
    """Read one entry into `found`."""
    if entry.kind == "Patient":
        found.used["patients"] += 1
        _check_patient(entry, found.notes[entry.node][0])
    elif entry.kind in DEFINITIONS:
        found.used["definitions"] += 1
    elif not entry.kind and entry.resource:
        found.unused["no-type", ""] += 1
        found.untyped.append(entry.node)
    elif not is_read(entry.kind, entry.resource):
        found.unused[unread(entry.kind)] += 1
    else:
        patient = _patient(entry, index)
        if patient is None:
            found.unused["no-patient", entry.kind] += 1
            found.strays.setdefault(reference_words(subject_of(entry)), []).append(entry.node)
            return
        notes = Notes(entry.node)
        records = _read(entry, Context(codes, index, births[patient]), notes)
        if any(not isinstance(record, MedicationRecord) or record.drug for record in records):
            found.used["recorded"] += 1
        else:
            found.unused[_reason(entry, notes, bool(records)), entry.kind] += 1
        found.notes[patient].append(notes)
        found.records[patient].extend(records)


def unread(kind: str) -> tuple[str, str]:
    """Return the reason why nothing is read of a type, and how that type is named."""
    return "no-fact" if kind in _SILENT else "other-type", kind or "entry without a resource"


def _reason(entry: Entry, notes: Notes, in_words: bool) -> str:
    """Return why an entry is left unused: it made no record, or one in words only."""
    if notes.problems:
        return notes.problems[0].code
    if notes:
        return "unknown-code" if notes.unknown else "not-understood"
    if in_words:
        return "not-understood"
    return "no-fact" if entry.kind in _INTOLERANCES else "groups-others"


def _read(entry: Entry, context: Context, notes: Notes) -> list[Record]:
    if CLASH in entry.resource:
        notes.report(
            "contradictory-releases",
            f"{string(entry.resource, CLASH)} is there in the forms of R4 and R5",
            "",
            "state it once",
        )
        return []
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
            reference = subject_of(each)
            target = index.find(reference, each) if reference else None
            if target is not None and target.kind == "Patient":
                return target.node
            if reference:
                return None
    return None


def subject_of(entry: Entry) -> Element:
    """Return the reference that says whom a resource is about."""
    return child(entry.resource, "patient") or child(entry.resource, "subject")


def is_read(kind: str, resource: Element) -> bool:
    """Return whether a resource of a type is read for what it says of a patient; of orders those that are not clear are."""
    return kind in _READERS and not (kind in _SILENT and is_clear(resource))


def _check_patient(entry: Entry, notes: Notes) -> None:
    kind, value = choice(entry.resource, "deceased")
    if kind == "Boolean" and not isinstance(value, bool):
        notes.report_malformed(entry.resource, "deceasedBoolean", "", "write true or false")
    elif kind and value is not False:
        notes.report(
            "deceased",
            f"the patient is recorded as dead{f' since {value}' if isinstance(value, str) else ''}",
            "",
            "check that the record is meant to be assessed",
        )
    if "active" in entry.resource and flag(entry.resource, "active") is None:
        notes.report_malformed(entry.resource, "active", "", "write true or false")
    if entry.resource.get("active") is False:
        notes.report("inactive-patient", "the patient's record is marked as no longer in use", "", "send the record that is in use")
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


def _case(node: str, as_of: Moment | None, context: Context, links: Mapping[str, list[Link]], found: _SortedOut) -> Case:
    records, into = joined(found.records[node], links, context)
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


def _untyped(nodes: list[str]) -> list[Problem]:
    if not nodes:
        return []
    text = f"resources without a resourceType are not read: {len(nodes)}"
    return [Problem("no-type", text, "", tuple(sorted(nodes)), "state the resourceType of each")]


def other_types(unused: Mapping[tuple[str, str], int]) -> list[Problem]:
    """Return a problem that counts the resources of types that are not read."""
    counted_types = [f"{number} {kind}" for (reason, kind), number in sorted(unused.items()) if reason == "other-type"]
    if not counted_types:
        return []
    return [
        Problem(
            "ignored-resources",
            f"resources of other types are not read: {', '.join(counted_types)}",
            "",
            (),
            "nothing, they say nothing that is asked here",
        )
    ]


def _counts(found: _SortedOut, cases: list[Case], problems: tuple[Problem, ...]) -> Counts:
    kept = sum(
        len(case.findings) + len(case.measurements) + len(case.medications) + len(case.examinations) + len(case.diagnoses) for case in cases
    )
    return Counts(
        entries=found.used.total() + found.unused.total(),
        patients=found.used["patients"],
        definitions=found.used["definitions"],
        recorded=found.used["recorded"],
        unused=counted(found.unused),
        records=kept,
        problems=len(problems) + sum(len(case.problems) for case in cases),
    )
