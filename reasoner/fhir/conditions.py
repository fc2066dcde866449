"""Read Condition and AllergyIntolerance.

| Condition (R4) | record |
|---|---|
| `code` that means a condition | lc:DiagnosisRecord, lc:ofCondition |
| `code` that means a finding | lc:FindingRecord, lc:ofFinding (a code may mean both) |
| `clinicalStatus`, `verificationStatus`, any `abatement[x]` | lc:recordStatus, see `statuses` |
| refuted | lc:presence absent, otherwise present |
| `onset[x]` | lc:onset |
| `abatement[x]` | lc:ended; abated yet `active` is a problem (con-4) and counts as stopped |
| `recordedDate` | lc:recordedOn |
| `bodySite` that is a side | lc:side of a finding |

An AllergyIntolerance says what must not be given, not what is taken: it is read only where its code means a finding.
"""

from __future__ import annotations

from reasoner.fhir.context import Context, Statement, named, read_side, stated
from reasoner.fhir.dates import begin, end, moment
from reasoner.fhir.elements import Element, child, choice, string
from reasoner.fhir.entries import Entry
from reasoner.fhir.notes import Notes
from reasoner.fhir.statuses import standing
from reasoner.record import Record
from reasoner.terms import lc

__all__ = ["read_allergy", "read_condition"]


def read_condition(entry: Entry, context: Context, notes: Notes) -> list[Record]:
    """Return the diagnosis and finding records of a Condition."""
    concept = child(entry.resource, "code")
    if "absent" in context.codes.words([concept], "Presence"):
        notes.report_none_known(concept)
        return []
    meaning = context.codes.mean(concept, ("Condition", "Finding"))
    if not meaning.terms:
        notes.report_concept(concept, meaning, "ofCondition")
        return []
    status = _standing(entry.resource, context, notes)
    return stated(
        named(entry.node, meaning.terms, context.codes.sorts), context.codes.sorts, _statement(entry.resource, status, context, notes)
    )


def read_allergy(entry: Entry, context: Context, notes: Notes) -> list[Record]:
    """Return the finding records of an AllergyIntolerance; one whose code means no finding makes none and is no problem."""
    meaning = context.codes.mean(child(entry.resource, "code"), ("Finding",))
    if not meaning.terms:
        return []
    status = standing(entry.resource, "AllergyIntolerance", context.codes, notes)
    return stated(
        named(entry.node, meaning.terms, context.codes.sorts), context.codes.sorts, _statement(entry.resource, status, context, notes)
    )


def _statement(resource: Element, status: str, context: Context, notes: Notes) -> Statement:
    return Statement(
        presence="absent" if status == "refuted" else "present",
        side=read_side(resource, context, notes),
        onset=begin(resource, "onset", "onset", notes, context.birth),
        ended=end(resource, "abatement", "ended", notes, context.birth),
        recorded=moment(string(resource, "recordedDate"), "recordedOn", notes),
        status=status,
    )


def _standing(resource: Element, context: Context, notes: Notes) -> str:
    """Return the status of a Condition: one with any abatement has ended, whatever its clinical status says."""
    kind, value = choice(resource, "abatement")
    abated = bool(kind) and value is not False
    unclear = kind == "Boolean" and not isinstance(value, bool)
    status = standing(resource, "Condition", context.codes, notes, ["unconfirmed"] if unclear else ["stopped"] if abated else [])
    clinical = context.codes.words([child(resource, "clinicalStatus")], "RecordStatus")
    if abated and not unclear and "active" in clinical:
        notes.report(
            "contradictory-status",
            "the condition has an abatement, yet its clinicalStatus says that it goes on",
            lc("recordStatus"),
            "correct one of the two; it counts as ended",
        )
    return status
