"""Read which tests are ordered: an order is no fact about the patient, but advice may speak to it.

| ServiceRequest (R4, R5) | order |
|---|---|
| `status` draft, active or on-hold, `doNotPerform` false or missing | an open order |
| `status` completed, revoked or entered-in-error, `doNotPerform` true | none |
| any other `status`, `doNotPerform` that is neither true nor false, a `modifierExtension` | it cannot be told: no order, but unread |
| `code`, in R5 its `concept` | the tests that it means |
| a `code` without system and code, or one that contradicts itself | unread too; a code that means no test is an order of something else |
| `subject` | the patient; one that points at nothing leaves an order unread |
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from reasoner.fhir.codes import Codes, Meaning, codings
from reasoner.fhir.context import Context
from reasoner.fhir.elements import Element, child, flag, string
from reasoner.fhir.entries import Entry, gather_entries
from reasoner.fhir.notes import Notes
from reasoner.fhir.references import Index
from reasoner.fhir.releases import CLASH
from reasoner.fhir.sources import BadLine, Source, resources_in
from reasoner.program.model import Program
from reasoner.record import Record
from reasoner.terms import lc

__all__ = ["Order", "Orders", "Unread", "is_clear", "note_unclear", "orders_in", "read_orders"]

_OPEN = ("active", "draft", "on-hold")
_CLOSED = ("completed", "entered-in-error", "revoked")
_TRUTH = "write true or false"


@dataclass(frozen=True, slots=True)
class Order:
    """An open order: its IRI, the IRI of the patient's case, and the tests ordered."""

    node: str
    patient: str
    tests: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unread:
    """What may be an open order of a test and cannot be told to be one: its IRI, the patient's if known, why, and the repair."""

    node: str
    patient: str
    why: str
    repair: str


class Orders(NamedTuple):
    """The open orders of tests, and what may be one."""

    open: tuple[Order, ...]
    unread: tuple[Unread, ...]


def is_clear(resource: Element) -> bool:
    """Return whether a ServiceRequest says if it orders or forbids; `doNotPerform` that is no truth value leaves that open."""
    return flag(resource, "doNotPerform") is not None


def note_unclear(entry: Entry, context: Context, notes: Notes) -> list[Record]:
    """Note that an order is not clear, and return no record, as of any order."""
    notes.report_malformed(entry.resource, "doNotPerform", lc("recordStatus"), f"{_TRUTH}; until then it counts as no order")
    return []


def read_orders(sources: Iterable[Source], program: Program, base: str) -> tuple[Order, ...]:
    """Return the open orders of tests in inputs that refer to each other; raise as `read_sources` does."""
    address = base if base.endswith("/") else base + "/"
    held = (each for source in sources for each in resources_in(source, address))
    return orders_in((each for each in held if not isinstance(each, BadLine)), Codes(program), address).open


def orders_in(resources: Iterable[Element], codes: Codes, base: str) -> Orders:
    """Return the orders of tests in resources and Bundles that refer to each other; raise as `read_sources` does."""
    entries = gather_entries(resources, base).entries
    index = Index(entries, base)
    found = [held for entry in entries if (held := _order_of(entry, index, codes)) is not None]
    return Orders(tuple(each for each in found if isinstance(each, Order)), tuple(each for each in found if isinstance(each, Unread)))


def _order_of(entry: Entry, index: Index, codes: Codes) -> Order | Unread | None:
    """Return the order that a resource is or may be; None for one that orders no test."""
    resource = entry.resource
    if not entry.kind and resource:
        return Unread(entry.node, "", "it has no resourceType", "state the resourceType")
    if entry.kind != "ServiceRequest" or string(resource, "status") in _CLOSED or flag(resource, "doNotPerform") is True:
        return None
    concept = child(resource, "code", "concept") or child(resource, "code")
    tests = codes.mean(concept, ("Investigation",))
    if codings(concept) and not (tests.terms or tests.ambiguous):
        return None
    patient = index.find(child(resource, "subject"), entry)
    owner = patient.node if patient is not None else ""
    unclear = next(_unclear(resource), None) or _without(concept, tests, owner)
    return Unread(entry.node, owner, *unclear) if unclear else Order(entry.node, owner, tests.terms)


def _unclear(resource: Element) -> Iterator[tuple[str, str]]:
    """Yield why it cannot be told whether a resource is an open order, and the repair."""
    if CLASH in resource:
        yield f"{string(resource, CLASH)} is there in the forms of R4 and R5", "state it once"
    for name in ("implicitRules", "modifierExtension"):
        if name in resource:
            yield f"{name} may change what it means", "send it without, or as what it means"
    if not is_clear(resource):
        yield "doNotPerform is neither true nor false", _TRUTH
    if string(resource, "status") not in _OPEN:
        yield "its status is not known", f"state one of {', '.join(_OPEN)}"


def _without(concept: Element, tests: Meaning, owner: str) -> tuple[str, str] | None:
    """Return why an order does not say what is ordered, or for whom, and the repair; None when it does."""
    if tests.ambiguous:
        return "its codings contradict each other", "send those that mean the same"
    if not tests.terms:
        return "its code has no system and code", "send a coding with both; words are not matched"
    return None if owner else ("its subject is no patient of the call", "refer to the patient whose chart is open")
