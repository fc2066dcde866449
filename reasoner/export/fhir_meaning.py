"""Say what a record means at an instant, so that two records can be compared whatever words they use.

A use or a finding that has ended is stopped; what is planned, unconfirmed or not done is no fact about a finding or a
diagnosis, and what is planned, refuted or unconfirmed is no fact about a use; a test result is usable or not.
"""

from __future__ import annotations

from reasoner.moments import Moment
from reasoner.record import (
    STANDING,
    DiagnosisRecord,
    ExaminationRecord,
    FindingRecord,
    MeasurementRecord,
    MedicationRecord,
    Record,
    field_names,
)

__all__ = ["meaning", "says_nothing"]

_NO_FACT, _UNUSABLE = "no fact", "unusable"
_UNSETTLED = ("not_done", "planned", "unconfirmed")
_NOT_TAKEN = ("planned", "refuted", "unconfirmed")


def meaning(record: Record, as_of: Moment) -> dict[str, object]:
    """Return the fields of a record as they count at `as_of`: dates as intervals, status as what follows from it."""
    found: dict[str, object] = {}
    for name in field_names(record):
        value = getattr(record, name)
        if name != "node":
            found[name] = (value.low, value.high) if isinstance(value, Moment) else value
    if isinstance(record, ExaminationRecord):
        found["attributes"] = frozenset(record.attributes)
    found["status"] = _status(record, as_of)
    if isinstance(record, FindingRecord | DiagnosisRecord) and found["status"] == "refuted":
        found |= {"presence": "absent", "status": "active"}
    if isinstance(record, DiagnosisRecord):
        found["presence"] = found["presence"] or "present"
    return found


def _status(record: Record, as_of: Moment) -> str:
    status = record.status or "active"
    if isinstance(record, MeasurementRecord | ExaminationRecord):
        return status if status == "active" else _UNUSABLE
    if isinstance(record, FindingRecord | DiagnosisRecord):
        if status in _UNSETTLED:
            return _NO_FACT
        if record.presence == "absent" and status == "active":
            return "refuted"
    if isinstance(record, MedicationRecord) and status in _NOT_TAKEN:
        return _NO_FACT
    ended = getattr(record, "ended", None)
    return "stopped" if status == "active" and ended is not None and ended.high <= as_of.high else status


def says_nothing(record: Record) -> bool:
    """Return whether nothing follows from a record: of no presence, no usable result, not done, or entered in error."""
    if isinstance(record, MeasurementRecord | ExaminationRecord):
        return record.status not in STANDING
    presence = getattr(record, "presence", "present")
    return presence not in ("", "absent", "present") or record.status not in ("", "active", "stopped", "refuted")
