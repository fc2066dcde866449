"""What every reader of a resource may look at, and what several of them share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reasoner.fhir.codes import Codes
from reasoner.fhir.elements import Element, children
from reasoner.fhir.notes import Notes
from reasoner.fhir.references import Index
from reasoner.moments import Moment
from reasoner.namespaces import LC
from reasoner.record import DiagnosisRecord, FindingRecord, Record

__all__ = ["Context", "Statement", "named", "read_side", "stated", "within"]


@dataclass(frozen=True, slots=True)
class Context:
    """The codes of the program, the resources at hand, and the birth of the patient."""

    codes: Codes
    index: Index
    birth: Moment | None


@dataclass(frozen=True, slots=True)
class Statement:
    """That findings or conditions are present or absent, with everything but the terms."""

    presence: str
    side: str
    onset: Moment | None
    ended: Moment | None
    recorded: Moment | None
    status: str


def named(node: str, terms: Iterable[str], sorts: dict[str, str]) -> list[tuple[str, str]]:
    """Return an IRI per term, by sort and name: that of the resource for the first, with the local name for the others."""
    ordered = sorted(terms, key=lambda term: (sorts[term], term))
    return [(within(node, term.removeprefix(LC)) if place else node, term) for place, term in enumerate(ordered)]


def within(node: str, name: str) -> str:
    """Return the IRI of a part of `node`."""
    return f"{node}{'-' if '#' in node else '#'}{name}"


def stated(pairs: Iterable[tuple[str, str]], sorts: dict[str, str], says: Statement) -> list[Record]:
    """Return the diagnosis or finding record that a statement makes of each (IRI, term)."""
    records: list[Record] = []
    for node, term in pairs:
        if sorts[term] == "Condition":
            records.append(DiagnosisRecord(node, term, says.presence, says.onset, says.ended, says.recorded, says.status))
        else:
            records.append(FindingRecord(node, term, says.presence, says.side, says.onset, None, says.ended, says.recorded, says.status))
    return records


def read_side(resource: Element, context: Context, notes: Notes) -> str:
    """Return the word of the side that `bodySite` states, or the empty string; sites of unknown code are noted."""
    sites = children(resource, "bodySite")
    found = context.codes.words(sites, "Side")
    for site in sites:
        if not context.codes.words([site], "Side"):
            notes.report_site(site)
    return "both" if len(found) > 1 else next(iter(found), "")
