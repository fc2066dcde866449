"""Bring resources of FHIR R5 into the form of R4, so that one table per resource serves both.

| R5 | form of R4 |
|---|---|
| `medication`, `item` of an ingredient, `code` of a Substance: a CodeableReference | `medicationCodeableConcept` or `medicationReference`, and so on |
| MedicationAdministration `occurence[x]` (spelled so), MedicationStatement as before | `effective[x]` |
| Procedure `occurrence[x]` | `performed[x]` |
| MedicationStatement `adherence.code` | `adherence`, which then says whether the medicine is taken: `status` says only that this was recorded |
| MedicationUsage, of drafts of R5 | MedicationStatement |
| Observation `referenceRange.normalValue` | no range with limits: left alone |

Names and forms that R4 has too stay as they are, so a draft of R5 that still has the form of R4 is read as R4. An element that
is there in both forms is a contradiction: the resource is not used.
"""

from __future__ import annotations

from collections.abc import Mapping

from reasoner.fhir.elements import Element, child, children, string

__all__ = ["CLASH", "as_r4"]

CLASH = "legcramps:clash"
"""The member that names an element which is there in the forms of both releases."""

_USES = ("MedicationAdministration", "MedicationDispense", "MedicationRequest", "MedicationStatement")
_RENAMED = {"MedicationAdministration": ("occurence", "effective"), "Procedure": ("occurrence", "performed")}
_REFERENCES: Mapping[str, str] = dict.fromkeys(_USES, "medication")
_STATEMENTS = ("recorded", "draft")


def as_r4(resource: Element) -> Element:
    """Return a resource of R5 in the form of R4, and any other as it is."""
    kind = string(resource, "resourceType")
    if kind == "MedicationUsage":
        kind, resource = "MedicationStatement", {**resource, "resourceType": "MedicationStatement"}
    if kind in _REFERENCES and isinstance(resource.get("medication"), dict):
        resource = _split(resource, "medication", "medication")
    if kind in _RENAMED:
        resource = _renamed(resource, *_RENAMED[kind])
    if kind == "MedicationStatement" and ("adherence" in resource or resource.get("status") in _STATEMENTS):
        resource = {**resource, "adherence": child(resource, "adherence", "code") or None}
    if kind == "Medication" and any(isinstance(each.get("item"), dict) for each in children(resource, "ingredient")):
        resource = {**resource, "ingredient": [_split(each, "item", "item") for each in children(resource, "ingredient")]}
    if kind == "Substance" and child(resource, "code", "concept"):
        resource = {**resource, "code": child(resource, "code", "concept")}
    return resource


def _split(holder: Element, name: str, stem: str) -> Element:
    """Return `holder` with a CodeableReference as the concept or the reference that it holds."""
    both = child(holder, name)
    if not both:
        return holder
    parts = {f"{stem}CodeableConcept": child(both, "concept"), f"{stem}Reference": child(both, "reference")}
    found = {key: value for key, value in parts.items() if value}
    rest = {key: value for key, value in holder.items() if key != name}
    clash = {CLASH: name} if any(key in rest for key in parts) else {}
    return {**rest, **found, **clash}


def _renamed(resource: Element, old: str, new: str) -> Element:
    """Return `resource` with an element of several types under another name."""
    names = {name: f"{new}{name[len(old) :]}" for name in resource if name.startswith(old) and name[len(old) : len(old) + 1].isupper()}
    if not names:
        return resource
    clash = {CLASH: old} if any(name.startswith(new) for name in resource) else {}
    return {**{names.get(name, name): value for name, value in resource.items()}, **clash}
