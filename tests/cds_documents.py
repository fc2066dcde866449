"""Make calls of CDS Hooks from records, and read responses back, for tests."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from reasoner.export.fhir_terms import Coder
from reasoner.fhir.codes import Codes
from reasoner.moments import parse_moment
from reasoner.program import Program
from reasoner.server.cds.cards import Clinic
from reasoner.server.cds.prefetch import TEMPLATES
from reasoner.server.cds.response import Action, Card, Link, OverrideReason, Response, Source, Suggestion
from reasoner.server.cds.sources import load_sources

ROOT = Path(__file__).parent.parent
BUNDLE = ROOT / "docs" / "examples" / "bundle.json"
SERVER = "https://ehr.example.org/fhir"
PATIENT = "cramps-67"
AS_OF = "2026-11-20T09:00:00+00:00"
INSTANCE = "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"
KEYS = {each.query.partition("?")[0].partition("/")[0]: each.key for each in TEMPLATES}
LC = "https://w3id.org/legcramps/ontology/"


def clinic_of(program: Program) -> Clinic:
    return Clinic(program, Codes(program), Coder(program), load_sources(ROOT))


def moment(text: str = AS_OF) -> Any:
    return parse_moment(text)


def prefetched(entries: Iterable[Mapping[str, Any]], patient: str = PATIENT) -> dict[str, Any]:
    """Return the entries of one patient as a client prefetches them: a Bundle per key, null where there is nothing."""
    held: dict[str, Any] = {each.key: None for each in TEMPLATES}
    lists: dict[str, list[Any]] = {}
    for entry in entries:
        resource = entry["resource"]
        if resource["resourceType"] == "Patient":
            if resource["id"] == patient:
                held["patient"] = resource
        else:
            lists.setdefault(KEYS.get(resource["resourceType"], "observations"), []).append(entry)
    for key, found in lists.items():
        held[key] = {"resourceType": "Bundle", "type": "searchset", "total": len(found), "entry": found}
    return held


def example_entries() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(BUNDLE.read_text())["entry"]
    return found


def call_document(
    hook: str = "patient-view", prefetch: Mapping[str, Any] | None = None, patient: str = PATIENT, **context: Any
) -> dict[str, Any]:
    """Return a request."""
    return {
        "hook": hook,
        "hookInstance": INSTANCE,
        "fhirServer": SERVER,
        "context": {"userId": "Practitioner/p1", "patientId": patient, **context},
        "prefetch": prefetched(example_entries()) if prefetch is None else dict(prefetch),
    }


def draft(code: str, name: str = "scan", system: str = LC, **more: Any) -> dict[str, Any]:
    """Return a draft order as an entry."""
    resource = {
        "resourceType": "ServiceRequest",
        "id": name,
        "status": "draft",
        "intent": "order",
        "code": {"coding": [{"system": system, "code": code}]},
        "subject": {"reference": f"Patient/{PATIENT}"},
        **more,
    }
    return {"resource": resource}


def drafts(*entries: Mapping[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "collection", "entry": list(entries)}


def bytes_of(document: object) -> bytes:
    return json.dumps(document).encode()


def read_response(document: Any) -> Response:
    """Return a response from its JSON; raise ValueError for one that the specification forbids."""
    if "cards" not in document:
        raise ValueError("a response has cards")
    return Response(tuple(map(_card, document["cards"])))


def _card(card: Any) -> Card:
    return Card(
        card.get("summary", ""),
        card.get("indicator", ""),
        Source(card.get("source", {}).get("label", ""), card.get("source", {}).get("url", "")),
        card.get("uuid", ""),
        card.get("detail", ""),
        tuple(map(_suggestion, card.get("suggestions", ()))),
        card.get("selectionBehavior", ""),
        tuple(
            OverrideReason(each.get("system", ""), each.get("code", ""), each.get("display", ""))
            for each in card.get("overrideReasons", ())
        ),
        tuple(Link(each["label"], each["url"], each.get("type", "absolute"), each.get("appContext", "")) for each in card.get("links", ())),
        card.get("extension"),
    )


def _suggestion(given: Any) -> Suggestion:
    actions = tuple(
        Action(each.get("type", ""), each.get("description", ""), each.get("resource"), each.get("resourceId", ""))
        for each in given.get("actions", ())
    )
    return Suggestion(given.get("label", ""), given.get("uuid", ""), actions)
