"""Check FHIR R4 that was written: by the models of fhir.resources, and by what those do not check.

The models are of R4B, whose resources used here are those of R4. They bind no code, so the codes that R4 requires for
status and intent stand here, as the specification lists them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any

from fhir.resources.R4B import get_fhir_model_class

__all__ = ["REQUIRED", "problems_of", "references_of", "resources_of"]

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_RESTFUL = re.compile(r"https?://\S+/([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})")
_EVENT = {"preparation", "in-progress", "not-done", "on-hold", "stopped", "completed", "entered-in-error", "unknown"}
_REQUEST = {"draft", "active", "on-hold", "revoked", "completed", "entered-in-error", "unknown"}
_PUBLICATION = {"draft", "active", "retired", "unknown"}
_INTENT = {"proposal", "plan", "directive", "order", "original-order", "reflex-order", "filler-order", "instance-order", "option"}
_OBSERVATION = {"registered", "preliminary", "final", "amended", "corrected", "cancelled", "entered-in-error", "unknown"}
_PRIORITY = {"routine", "urgent", "asap", "stat"}
REQUIRED: dict[tuple[str, str], set[str]] = {
    ("ActivityDefinition", "status"): _PUBLICATION,
    ("ActivityDefinition", "intent"): _INTENT,
    ("ActivityDefinition", "priority"): _PRIORITY,
    ("Bundle", "type"): {"collection"},
    ("ClinicalImpression", "status"): {"in-progress", "completed", "entered-in-error"},
    ("DetectedIssue", "status"): _OBSERVATION,
    ("DetectedIssue", "severity"): {"high", "moderate", "low"},
    ("DiagnosticReport", "status"): _OBSERVATION | {"partial", "appended"},
    ("GuidanceResponse", "status"): {"success", "data-requested", "data-required", "in-progress", "failure", "entered-in-error"},
    ("Library", "status"): _PUBLICATION,
    ("MedicationRequest", "status"): {
        *("active", "on-hold", "cancelled", "completed", "entered-in-error", "stopped", "draft", "unknown"),
    },
    ("MedicationRequest", "intent"): _INTENT - {"directive"},
    ("MedicationStatement", "status"): {
        *("active", "completed", "entered-in-error", "intended", "stopped", "on-hold", "unknown", "not-taken"),
    },
    ("Observation", "status"): _OBSERVATION,
    ("PlanDefinition", "status"): _PUBLICATION,
    ("Procedure", "status"): _EVENT,
    ("RequestGroup", "status"): _REQUEST,
    ("RequestGroup", "intent"): _INTENT,
    ("RequestGroup", "priority"): _PRIORITY,
    ("ServiceRequest", "status"): _REQUEST,
    ("ServiceRequest", "intent"): _INTENT,
    ("ServiceRequest", "priority"): _PRIORITY,
}
"""The codes that R4 allows, by resource and element."""

_CONCEPTS = {
    ("Condition", "clinicalStatus"): {"active", "recurrence", "relapse", "inactive", "remission", "resolved"},
    ("Condition", "verificationStatus"): {"unconfirmed", "provisional", "differential", "confirmed", "refuted", "entered-in-error"},
}


def resources_of(bundle: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the resources of a Bundle."""
    return [each["resource"] for each in bundle.get("entry", [])]


def problems_of(bundle: dict[str, Any], outside: Collection[str] = ()) -> list[str]:
    """Return everything that is wrong with a Bundle of type collection; it may refer to what is `outside`."""
    found = [*_empties(bundle, "Bundle"), *_codes(bundle)]
    get_fhir_model_class("Bundle").model_validate(bundle)
    urls = [each["fullUrl"] for each in bundle.get("entry", [])]
    found += [f"{url} twice" for url in sorted(urls) if urls.count(url) > 1]
    for url, resource in zip(urls, resources_of(bundle), strict=True):
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)
        found += _codes(resource)
        restful = _RESTFUL.fullmatch(url)
        if not _ID.fullmatch(resource["id"]) or (restful and restful.groups() != (resource["resourceType"], resource["id"])):
            found.append(f"{url} has the id {resource['id']}")
    contained = {f"#{each['id']}" for resource in resources_of(bundle) for each in resource.get("contained", ())}
    known = {*urls, *contained, *outside}
    return found + [f"{reference} leads nowhere" for reference in references_of(bundle) if reference not in known]


def references_of(value: Any) -> Iterator[str]:
    """Yield every literal reference below a value."""
    if isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield value["reference"]
        for each in value.values():
            yield from references_of(each)
    elif isinstance(value, list):
        for each in value:
            yield from references_of(each)


def _empties(value: Any, path: str) -> Iterator[str]:
    if value is None or value in ("", [], {}):
        yield f"{path} is empty"
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from _empties(each, f"{path}.{name}")
    elif isinstance(value, list):
        for place, each in enumerate(value):
            yield from _empties(each, f"{path}[{place}]")


def _codes(resource: dict[str, Any]) -> Iterator[str]:
    kind = resource["resourceType"]
    for (owner, name), allowed in REQUIRED.items():
        if owner == kind and name in resource and resource[name] not in allowed:
            yield f"{kind}.{name} is {resource[name]}"
        if owner == kind and name in ("status", "intent") and name not in resource and kind != "ActivityDefinition":
            yield f"{kind} has no {name}"
    for (owner, name), allowed in _CONCEPTS.items():
        if owner == kind and name in resource and not {each["code"] for each in resource[name]["coding"]} <= allowed:
            yield f"{kind}.{name} is {resource[name]}"
