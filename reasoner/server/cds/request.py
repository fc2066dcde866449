"""Read a CDS Hooks 2.0 request, or say everything that is wrong with it at once.

The specification wants ids in `context` bare (`123`, not `Patient/123`), a resource or null under every prefetch key, and
an address of the FHIR server wherever a token for it is sent. Faults name the element and never quote its value: a
request holds patients' data, and a fault may end in a log.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from reasoner.errors import InputError
from reasoner.fhir.document import parse_document
from reasoner.fhir.elements import EMPTY, Element, child, string, strings
from reasoner.server.cds.refusal import Issue, Refusal

__all__ = ["ORDER_SELECT", "ORDER_SIGN", "PATIENT_VIEW", "Hook", "HookRequest", "read_request"]

Hook = Literal["patient-view", "order-select", "order-sign"]
PATIENT_VIEW: Hook = "patient-view"
ORDER_SELECT: Hook = "order-select"
ORDER_SIGN: Hook = "order-sign"

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_ADDRESS = re.compile(r"https?://[^\s<>\"{}|\\^`@?#]+")
_AUTHORIZATION = ("access_token", "scope", "subject", "token_type")


@dataclass(frozen=True, slots=True)
class HookRequest:
    """A well-formed request; `prefetch` holds a resource, or None where the client has no data."""

    hook: Hook
    instance: str
    patient: str
    server: str
    token: str
    prefetch: Mapping[str, Element | None]
    drafts: Element
    selections: tuple[str, ...]


def read_request(text: bytes, hook: Hook) -> HookRequest:
    """Return the request in `text`, which calls a service of `hook`; raise Refusal (400) with all faults."""
    try:
        document = parse_document(text)
    except InputError as error:
        raise Refusal(400, [Issue(error.where, error.what, error.repair, "structure")]) from None  # why it fails may quote the text
    issues = [*_of_call(document, hook), *_of_context(document, hook), *_of_prefetch(document)]
    if issues:
        raise Refusal(400, issues)
    context, held = child(document, "context"), child(document, "prefetch")
    return HookRequest(
        hook,
        string(document, "hookInstance"),
        string(context, "patientId"),
        string(document, "fhirServer").rstrip("/"),
        string(document, "fhirAuthorization", "access_token"),
        {key: value if isinstance(value, dict) else None for key, value in held.items()},
        child(context, "draftOrders"),
        strings(context, "selections"),
    )


def _of_call(document: Element, hook: Hook) -> Iterator[Issue]:
    if string(document, "hook") != hook:
        yield Issue("hook", f"the service answers the hook {hook}", "call the service of the hook, as discovery lists them")
    if not _UUID.fullmatch(string(document, "hookInstance")):
        yield Issue("hookInstance", "it is no UUID", "send a UUID")
    server = document.get("fhirServer")
    if server is not None and not (isinstance(server, str) and _ADDRESS.fullmatch(server)):
        yield Issue("fhirServer", "it is no http or https address", "send the base address of the FHIR server")
    if "fhirAuthorization" in document:
        granted = child(document, "fhirAuthorization")
        if server is None:
            yield Issue(
                "fhirServer", "it is required where fhirAuthorization is sent", "send the base address of the FHIR server", "required"
            )
        for name in _AUTHORIZATION:
            if not string(granted, name):
                yield Issue(f"fhirAuthorization.{name}", "it is required", "send a text", "required")
        expires = granted.get("expires_in")
        if not isinstance(expires, int) or isinstance(expires, bool):
            yield Issue("fhirAuthorization.expires_in", "it is no whole number", "send seconds", "required")


def _of_context(document: Element, hook: Hook) -> Iterator[Issue]:
    context = document.get("context")
    if not isinstance(context, dict):
        yield Issue("context", "it is required", "send the context of the hook", "required")
        return
    if not string(context, "userId"):
        yield Issue("context.userId", "it is required", "send the user as Type/id", "required")
    for name, required in (("patientId", True), ("encounterId", False)):
        value = context.get(name)
        if (required or name in context) and not (isinstance(value, str) and _ID.fullmatch(value)):
            yield Issue(f"context.{name}", "it is no bare id", "send the id without its type")
    if hook != PATIENT_VIEW and string(child(context, "draftOrders"), "resourceType") != "Bundle":
        yield Issue("context.draftOrders", "it is no Bundle", "send the unsigned orders in a Bundle", "required")
    chosen = context.get("selections")
    if hook == ORDER_SELECT and not (isinstance(chosen, list) and all(isinstance(each, str) for each in chosen)):
        yield Issue("context.selections", "it is no list of references", "send the orders just selected as Type/id", "required")


def _of_prefetch(document: Element) -> Iterator[Issue]:
    held = document.get("prefetch", EMPTY)
    if not isinstance(held, dict):
        yield Issue("prefetch", "it is no object", "send a resource or null under each key, or leave it out")
        return
    for place, value in enumerate(held.values()):
        if value is not None and not (isinstance(value, dict) and string(value, "resourceType")):
            yield Issue(f"prefetch[{place}].value", "it is no FHIR resource", "send a resource with a resourceType, or null")
