"""Read MedicationRequest, MedicationStatement, MedicationAdministration and MedicationDispense, and the Medication they name.

| FHIR R4 | lc:MedicationRecord |
|---|---|
| `medicationCodeableConcept`; `medicationReference` → Medication `code` and active `ingredient` | lc:ofDrug, one record per ingredient; lc:sourceText where no code is understood |
| MedicationRequest `status`, `intent`, `doNotPerform` | lc:recordStatus, see `statuses`; cancelled or doNotPerform → refuted: no use, and no denial of one |
| MedicationStatement `status`, in R5 `adherence` | lc:recordStatus; not taken → not done, which denies the use |
| MedicationAdministration `status` | in-progress → active; a single dose given says nothing about use today: unconfirmed |
| MedicationDispense `status` | handed over is not taken: unconfirmed |
| MedicationRequest dosages' `timing.repeat.boundsPeriod`, from the first start to the last end; else `authoredOn` | lc:started, lc:ended; no end while one dosage has none |
| MedicationStatement, MedicationAdministration `effectivePeriod` | lc:started, lc:ended |
| MedicationAdministration `effectiveDateTime`, MedicationDispense `whenHandedOver` | lc:started |
| first dosage: `text`, else its dose quantity | lc:dose |

A MedicationStatement with a single `effectiveDateTime` was true at that time; when the use began is not stated. A
medicine in words, or of unknown code, is a record without lc:ofDrug: abstraction reports it by its words.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reasoner.fhir.codes import Coding, codings, wording
from reasoner.fhir.context import Context, named
from reasoner.fhir.dates import begin, end, moment
from reasoner.fhir.elements import EMPTY, Element, child, children, choice, flag, number, string
from reasoner.fhir.entries import Entry
from reasoner.fhir.notes import Notes
from reasoner.fhir.references import reference_words
from reasoner.fhir.statuses import standing
from reasoner.moments import Moment
from reasoner.record import MedicationRecord, Record
from reasoner.terms import lc

__all__ = ["read_medication_use"]

_DOSAGES = {"MedicationAdministration": "dosage", "MedicationStatement": "dosage"}
_MEDICATION_STATUS = "http://hl7.org/fhir/CodeSystem/medication-status"


def read_medication_use(entry: Entry, context: Context, notes: Notes) -> list[Record]:
    """Return one record per drug of an order, statement, administration or dispense."""
    drugs, words = _drugs(entry, context, notes)
    if not drugs and not words:
        return []
    resource = entry.resource
    status = standing(resource, entry.kind, context.codes, notes, _forbidden(resource, notes))
    started, ended = _course(entry, notes)
    dose = _dose(child(resource, _DOSAGES.get(entry.kind, "dosageInstruction")))
    named_drugs: list[tuple[str, str | None]] = [*named(entry.node, drugs, context.codes.sorts)] if drugs else [(entry.node, None)]
    return [MedicationRecord(node, drug, "" if drug else words, dose, started, ended, "", status) for node, drug in named_drugs]


def _forbidden(resource: Element, notes: Notes) -> list[str]:
    """Return what `doNotPerform` says of the status; one that is neither true nor false leaves open whether the drug is to be taken."""
    forbids = flag(resource, "doNotPerform")
    if forbids is None:
        notes.report_malformed(
            resource, "doNotPerform", lc("recordStatus"), "write true or false; until then the record counts as unconfirmed"
        )
        return ["unconfirmed"]
    return ["refuted"] if forbids else []


def _drugs(entry: Entry, context: Context, notes: Notes) -> tuple[tuple[str, ...], str]:
    """Return the drugs that a resource names and the words it uses; without either, the reason is noted."""
    concept = child(entry.resource, "medicationCodeableConcept")
    reference = child(entry.resource, "medicationReference")
    if not reference:
        return _meant(concept, context, notes)
    medication = context.index.find(reference, entry)
    if medication is None or medication.kind != "Medication":
        words = string(reference, "display") or reference_words(reference)
        notes.report(
            "unresolved-reference",
            f"the medicine “{reference_words(reference)}” is not in the document",
            lc("ofDrug"),
            "send the Medication along",
        )
        return (), words
    if "status" in medication.resource and not string(medication.resource, "status"):
        notes.report_malformed(medication.resource, "status", lc("ofDrug"), "write a code of FHIR; until then the drug is not known")
        return (), wording(child(medication.resource, "code")) or reference_words(reference)
    stands = context.codes.word(Coding(_MEDICATION_STATUS, string(medication.resource, "status"), ""), "RecordStatus")
    if stands == "entered_in_error":
        notes.report("withdrawn-medication", "the Medication was entered in error", lc("ofDrug"), "name the right Medication")
        return (), wording(child(medication.resource, "code")) or reference_words(reference)
    return _defined(medication, context, notes)


def _defined(medication: Entry, context: Context, notes: Notes) -> tuple[tuple[str, ...], str]:
    """Return the drugs of a Medication: those of its code and of its active ingredients."""
    concept = child(medication.resource, "code")
    inner = [_ingredient(each, medication, context) for each in children(medication.resource, "ingredient") if _is_active(each, notes)]
    found = [term for each in inner for term in context.codes.mean(each, ("Drug",)).terms]
    whole = context.codes.mean(concept, ("Drug",))
    drugs = context.codes.narrowest((*whole.terms, *found))
    for each in inner if drugs else (concept, *inner):
        if codings(each) and not context.codes.mean(each, ("Drug",)).terms:
            notes.report_concept(each, context.codes.mean(each, ("Drug",)), "ofDrug")
    if drugs:
        return drugs, ""
    words = wording(concept) or " + ".join(filter(None, map(wording, inner)))
    return (), words or _meant(concept, context, notes)[1]


def _is_active(ingredient: Element, notes: Notes) -> bool:
    """Return whether an ingredient acts: it does unless it is said not to; where nobody knows, it is left out and noted."""
    if "isActive" not in ingredient:
        return True
    active = flag(ingredient, "isActive")
    if active is None:
        notes.report_malformed(ingredient, "isActive", lc("ofDrug"), "write true or false; until then the ingredient is not read")
    return bool(active)


def _ingredient(ingredient: Element, medication: Entry, context: Context) -> Element:
    kind, item = choice(ingredient, "item")
    given = item if isinstance(item, dict) else EMPTY
    if kind != "Reference":
        return given
    target = context.index.find(given, medication)
    return child(target.resource, "code") if target is not None and target.kind in ("Medication", "Substance") else EMPTY


def _meant(concept: Element, context: Context, notes: Notes) -> tuple[tuple[str, ...], str]:
    if "absent" in context.codes.words([concept], "Presence"):
        notes.report_none_known(concept)
        return (), ""
    meaning = context.codes.mean(concept, ("Drug",))
    words = wording(concept)
    if not meaning.terms and (codings(concept) or not words):
        notes.report_concept(concept, meaning, "ofDrug")
    return meaning.terms, words


def _course(entry: Entry, notes: Notes) -> tuple[Moment | None, Moment | None]:
    """Return when the use began and ended, as far as the resource says so."""
    resource = entry.resource
    if entry.kind == "MedicationRequest":
        bounds = [child(each, "timing", "repeat") for each in children(resource, "dosageInstruction")]
        starts = [begin(each, "bounds", "started", notes) for each in bounds if "boundsPeriod" in each]
        ends = [end(each, "bounds", "ended", notes) if "boundsPeriod" in each else None for each in bounds]
        started = min((each for each in starts if each is not None), key=lambda each: each.low, default=None)
        known = [each for each in ends if each is not None]
        ended = max(known, key=lambda each: each.high) if known and len(known) == len(ends) else None
        return started or moment(string(resource, "authoredOn"), "started", notes), ended
    if entry.kind == "MedicationDispense":
        return moment(string(resource, "whenHandedOver"), "started", notes), None
    kind, _ = choice(resource, "effective")
    if kind == "Period":
        return begin(resource, "effective", "started", notes), end(resource, "effective", "ended", notes)
    return begin(resource, "effective", "started", notes) if entry.kind == "MedicationAdministration" else None, None


def _dose(dosage: Element) -> str:
    return string(dosage, "text") or next(_doses([child(dosage, "doseAndRate", "doseQuantity"), child(dosage, "dose")]), "")


def _doses(quantities: Iterable[Element]) -> Iterator[str]:
    for quantity in quantities:
        value = number(quantity, "value")
        if value is not None:
            yield f"{value} {string(quantity, 'unit') or string(quantity, 'code')}".strip()
