"""Refuse resources of FHIR versions other than R4 and R5 openly, naming the sign by which they are known.

| version | sign |
|---|---|
| any | `fhirVersion` that begins with neither 4 nor 5; `meta.profile` under `/STU3/`, `/DSTU2/` or `/fhir/3.0/` … of its publisher |
| DSTU2 | a resource type of that version, such as MedicationOrder |
| STU3 | `clinicalStatus` or `verificationStatus` as plain text; `context` where R4 has `encounter`; `taken`, `notDone`, `notGiven`, `assertedDate`, `requester.agent`, `comment`, `related` |

What R5 has in another form than R4 is brought into the form of R4 first, see `releases`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from reasoner.errors import UnsupportedInputError
from reasoner.fhir.elements import Element, child, string, strings

__all__ = ["refuse_other_versions"]

_PROFILE = re.compile(r"^https?://[^/]+(?:/fhir)?/(STU3|3\.0|DSTU2|1\.0|R6|6\.0)(?:\.\d+)?/", re.IGNORECASE)
_NAMES = {"stu3": "STU3", "3.0": "STU3", "dstu2": "DSTU2", "1.0": "DSTU2", "r6": "R6", "6.0": "R6"}
_RELEASES = {"0": "DSTU2", "1": "DSTU2", "3": "STU3", "6": "R6"}
_OLD_TYPES = {
    "DiagnosticOrder": "DSTU2",
    "MedicationOrder": "DSTU2",
    "ProcedureRequest": "STU3",
    "ReferralRequest": "STU3",
}
_STATED = ("AllergyIntolerance", "Condition")
_MET = ("Condition", "DiagnosticReport", "MedicationRequest", "Observation", "Procedure")


@dataclass(frozen=True, slots=True)
class _Mark:
    """An element that only another version has, in resources of `kinds`; `form` narrows it to text or object."""

    version: str
    kinds: tuple[str, ...]
    element: str
    form: type | None
    why: str


_MARKS = (
    _Mark("STU3", _STATED, "clinicalStatus", str, "clinicalStatus is plain text, in R4 it is a CodeableConcept"),
    _Mark("STU3", _STATED, "verificationStatus", str, "verificationStatus is plain text, in R4 it is a CodeableConcept"),
    _Mark("STU3", _STATED, "assertedDate", None, "R4 has recordedDate instead of assertedDate"),
    _Mark("STU3", _MET, "context", None, "R4 has encounter instead of context"),
    _Mark("STU3", ("MedicationStatement",), "taken", None, "R4 has no element taken"),
    _Mark("STU3", ("Procedure", "MedicationDispense"), "notDone", None, "R4 has no element notDone"),
    _Mark("STU3", ("MedicationAdministration",), "notGiven", None, "R4 has no element notGiven"),
    _Mark("STU3", ("Observation",), "related", None, "R4 has no element related"),
    _Mark("STU3", ("Observation",), "comment", str, "R4 has note instead of comment"),
    _Mark("STU3", ("DiagnosticReport",), "codedDiagnosis", None, "R4 has conclusionCode instead of codedDiagnosis"),
)
_MARKS_OF = {kind: tuple(mark for mark in _MARKS if kind in mark.kinds) for kind in {kind for mark in _MARKS for kind in mark.kinds}}


def refuse_other_versions(resource: Element, node: str) -> None:
    """Raise UnsupportedInputError when `resource` (at `node`) is of another version than R4 or R5, saying by which sign."""
    signs = _signs(resource)
    if signs:
        version, why = signs[0]
        raise UnsupportedInputError(
            f"The document is FHIR {version}, only R4 and R5 are read",
            where=node,
            why=why,
            repair="convert it to R4 with a version converter",
        )


def _signs(resource: Element) -> list[tuple[str, str]]:
    kind = string(resource, "resourceType")
    signs = []
    release = string(resource, "fhirVersion")
    if release and not release.startswith(("4", "5")):
        signs.append((_RELEASES.get(release[:1], release), f"fhirVersion is {release}"))
    for profile in strings(child(resource, "meta"), "profile"):
        found = _PROFILE.match(profile)
        if found:
            signs.append((_NAMES[found[1].lower()], f"meta.profile is {profile}"))
    if kind in _OLD_TYPES:
        signs.append((_OLD_TYPES[kind], f"R4 has no resource type {kind}"))
    for mark in _MARKS_OF.get(kind, ()):
        if mark.element in resource and (mark.form is None or isinstance(resource[mark.element], mark.form)):
            signs.append((mark.version, f"{kind}: {mark.why}"))
    if kind == "MedicationRequest" and child(resource, "requester", "agent"):
        signs.append(("STU3", "MedicationRequest: requester.agent is the form of STU3"))
    return signs
