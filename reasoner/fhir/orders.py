"""Read which tests are ordered: an order is no fact about the patient, but advice may speak to it.

| ServiceRequest (R4, R5) | order |
|---|---|
| `status` draft, active or on-hold, `doNotPerform` false or missing | an open order; any other is none |
| `doNotPerform` that is neither true nor false | no order, and a problem of the patient |
| `code`, in R5 its `concept` | the tests that it means |
| `subject` | the patient |
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reasoner.fhir.codes import Codes
from reasoner.fhir.context import Context
from reasoner.fhir.elements import Element, child, flag, string
from reasoner.fhir.entries import Entry, gather_entries
from reasoner.fhir.notes import Notes
from reasoner.fhir.references import Index
from reasoner.fhir.sources import BadLine, Source, resources_in
from reasoner.program.model import Program
from reasoner.record import Record
from reasoner.terms import lc

__all__ = ["Order", "is_clear", "note_unclear", "orders_in", "read_orders"]

_OPEN = ("active", "draft", "on-hold")


@dataclass(frozen=True, slots=True)
class Order:
    """An open order: its IRI, the IRI of the patient's case, and the tests ordered."""

    node: str
    patient: str
    tests: tuple[str, ...]


def is_clear(resource: Element) -> bool:
    """Return whether a ServiceRequest says if it orders or forbids; `doNotPerform` that is no truth value leaves that open."""
    return flag(resource, "doNotPerform") is not None


def note_unclear(entry: Entry, context: Context, notes: Notes) -> list[Record]:
    """Note that an order is not clear, and return no record, as of any order."""
    notes.report_malformed(entry.resource, "doNotPerform", lc("recordStatus"), "write true or false; until then it counts as no order")
    return []


def read_orders(sources: Iterable[Source], program: Program, base: str) -> tuple[Order, ...]:
    """Return the open orders of tests in inputs that refer to each other; raise as `read_sources` does."""
    address = base if base.endswith("/") else base + "/"
    held = (each for source in sources for each in resources_in(source, address))
    return orders_in((each for each in held if not isinstance(each, BadLine)), Codes(program), address)


def orders_in(resources: Iterable[Element], codes: Codes, base: str) -> tuple[Order, ...]:
    """Return the open orders of tests in resources and Bundles that refer to each other; raise as `read_sources` does."""
    entries = gather_entries(resources, base).entries
    index, found = Index(entries, base), []
    for entry in entries:
        resource = entry.resource
        if entry.kind == "ServiceRequest" and string(resource, "status") in _OPEN and flag(resource, "doNotPerform") is False:
            patient = index.find(child(resource, "subject"), entry)
            concept = child(resource, "code", "concept") or child(resource, "code")
            tests = codes.mean(concept, ("Investigation",)).terms
            if patient is not None and tests:
                found.append(Order(entry.node, patient.node, tests))
    return tuple(found)
