"""Describe the CDS Hooks services: one per hook, with what each asks the client to prefetch."""

from __future__ import annotations

from dataclasses import dataclass

from reasoner.export.fhir_json import Element
from reasoner.server.cds.prefetch import TEMPLATES
from reasoner.server.cds.request import ORDER_SELECT, ORDER_SIGN, PATIENT_VIEW, Hook

__all__ = ["SERVICES", "Service", "discovery", "service_named"]


@dataclass(frozen=True, slots=True)
class Service:
    """A service, called by its id, that answers one hook."""

    id: str
    hook: Hook
    title: str
    description: str

    def to_json(self) -> Element:
        """Return the JSON form."""
        return {
            "hook": self.hook,
            "id": self.id,
            "title": self.title,
            "description": self.description,
            "usageRequirements": "null under a prefetch key says that the client has no such data; a key that is left out is fetched or refused",
            "prefetch": {each.key: each.query for each in TEMPLATES},
        }


_ORDERS = "Warns of a draft order of a test that the record does not warrant, says what would re-open it, and offers to take it back."
SERVICES = (
    Service(
        "legcramps-patient-view",
        PATIENT_VIEW,
        "Legcramps: chart",
        "Red flags, whether a test is to be repeated, and the next tests, each with its reason, source and proof.",
    ),
    Service("legcramps-order-select", ORDER_SELECT, "Legcramps: orders as they are chosen", _ORDERS),
    Service("legcramps-order-sign", ORDER_SIGN, "Legcramps: orders before they are signed", _ORDERS),
)


def service_named(name: str) -> Service | None:
    """Return the service with an id, or None."""
    return next((each for each in SERVICES if each.id == name), None)


def discovery() -> Element:
    """Return the answer to discovery."""
    return {"services": [each.to_json() for each in SERVICES]}
