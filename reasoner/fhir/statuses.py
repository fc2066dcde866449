"""Say how a resource stands: its status elements together, the strongest deciding.

What each code means is data of the ontology (`Program.value_codes`); this table says which elements speak and by which
code system R4 binds them. A code weighs in this order: active < stopped < not done < planned < unconfirmed < refuted <
entered in error. So a completed order with intent `plan` is planned, a provisional diagnosis that is resolved stays
unconfirmed, and what was entered in error stays so.

An element that R4 requires and that is missing makes the record unconfirmed, as does a code without a meaning and a value that is
no code; all are problems. An element that R4 leaves open says nothing when it is missing. R4 says of a Condition without abatement that
it should be assumed to be still valid, and of one that is abated that it is no longer active (con-4); hence a missing
clinicalStatus means stopped if there is an abatement and else active, and a missing verificationStatus means as stated.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reasoner.fhir.codes import Codes, Coding, codings
from reasoner.fhir.elements import Element, children, string
from reasoner.fhir.notes import Notes
from reasoner.terms import lc

__all__ = ["BINDINGS", "STANDINGS", "Binding", "standing", "strongest"]

STANDINGS = ("active", "stopped", "not_done", "planned", "unconfirmed", "refuted", "entered_in_error")
"""The words of the record statuses, the stronger later."""

_FHIR = "http://hl7.org/fhir/"
_HL7 = "http://terminology.hl7.org/CodeSystem/"


@dataclass(frozen=True, slots=True)
class Binding:
    """An element that says how a resource stands, the code system of its codes, and whether FHIR requires it.

    One of R5 alone speaks only in resources that have it.
    """

    element: str
    system: str
    required: bool = True
    only_r5: bool = False


BINDINGS: dict[str, tuple[Binding, ...]] = {
    "AllergyIntolerance": (
        Binding("clinicalStatus", _HL7 + "allergyintolerance-clinical", required=False),
        Binding("verificationStatus", _HL7 + "allergyintolerance-verification", required=False),
    ),
    "Condition": (
        Binding("clinicalStatus", _HL7 + "condition-clinical", required=False),
        Binding("verificationStatus", _HL7 + "condition-ver-status", required=False),
    ),
    "DiagnosticReport": (Binding("status", _FHIR + "diagnostic-report-status"),),
    "MedicationAdministration": (Binding("status", _HL7 + "medication-admin-status"),),
    "MedicationDispense": (Binding("status", _HL7 + "medicationdispense-status"),),
    "MedicationRequest": (
        Binding("status", _FHIR + "CodeSystem/medicationrequest-status"),
        Binding("intent", _FHIR + "CodeSystem/medicationrequest-intent"),
    ),
    "MedicationStatement": (
        Binding("status", _FHIR + "CodeSystem/medication-statement-status"),
        Binding("adherence", _FHIR + "CodeSystem/medication-statement-adherence", only_r5=True),
    ),
    "Observation": (Binding("status", _FHIR + "observation-status"),),
    "Procedure": (Binding("status", _FHIR + "event-status"),),
}


def strongest(words: Iterable[str]) -> str:
    """Return the strongest of several statuses, active when there is none."""
    return max(words, key=STANDINGS.index, default="active")


def standing(resource: Element, kind: str, codes: Codes, notes: Notes, more: Iterable[str] = ()) -> str:
    """Return the record status of a resource, `more` being what other elements of it say."""
    return strongest([*more, *(word for binding in BINDINGS[kind] if (word := _word(resource, binding, codes, notes)))])


def _word(resource: Element, binding: Binding, codes: Codes, notes: Notes) -> str:
    """Return what one element says, or the empty string when it may be missing and is."""
    if binding.only_r5 and binding.element not in resource:
        return ""
    plain = string(resource, binding.element)
    given = (
        [Coding(binding.system, plain, "")]
        if plain
        else [coding for concept in children(resource, binding.element) for coding in codings(concept)]
    )
    if not given and not children(resource, binding.element):
        if resource.get(binding.element) is not None:
            notes.report_malformed(
                resource, binding.element, lc("recordStatus"), "use a code of FHIR; until then the record counts as unconfirmed"
            )
            return "unconfirmed"
        if binding.required:
            notes.report(
                "no-status",
                f"{binding.element} is missing",
                lc("recordStatus"),
                f"state {binding.element}; until then the record counts as unconfirmed",
            )
        return "unconfirmed" if binding.required else ""
    found = [word for coding in given if (word := codes.word(coding, "RecordStatus"))]
    if not found:
        name = ", ".join(coding.code for coding in given) or "without a code"
        notes.report(
            "unknown-status",
            f"{binding.element} “{name}” is no code of R4 or R5",
            lc("recordStatus"),
            "use a code of FHIR; until then the record counts as unconfirmed",
        )
    return strongest(found) if found else "unconfirmed"
