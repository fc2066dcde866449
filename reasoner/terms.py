"""Name the terms of the project's own vocabulary that the program reads: structure only, no medicine."""

from __future__ import annotations

from reasoner.namespaces import LC

__all__ = ["ROLES", "RecordKind", "Role", "by_label", "lc"]


def lc(name: str) -> str:
    """Return the IRI of a term of the project's vocabulary."""
    return LC + name


def by_label(label: str, term: str = "") -> tuple[str, str, str]:
    """Return the key that lists equals by label, whatever the case of its letters; the term parts those of one label."""
    return label.casefold(), label, term


class Role:
    """The roles that abstraction can assert, by IRI."""

    FINDING = lc("hasFinding")
    NEW_FINDING = lc("hasNewFinding")
    RECENT_FINDING = lc("hasRecentFinding")
    TAKEN = lc("hasTaken")
    TAKES = lc("takes")
    TOOK_BEFORE_ONSET = lc("tookBeforeOnset")
    STOPPED_WITH_RELIEF = lc("stoppedWithRelief")
    STOPPED_WITHOUT_RELIEF = lc("stoppedWithoutRelief")
    RECORDED_DIAGNOSIS = lc("hasRecordedDiagnosis")


ROLES = (
    Role.FINDING,
    Role.NEW_FINDING,
    Role.RECENT_FINDING,
    Role.TAKEN,
    Role.TAKES,
    Role.TOOK_BEFORE_ONSET,
    Role.STOPPED_WITH_RELIEF,
    Role.STOPPED_WITHOUT_RELIEF,
    Role.RECORDED_DIAGNOSIS,
)


class RecordKind:
    """The classes of records, by IRI."""

    FINDING = lc("FindingRecord")
    MEASUREMENT = lc("MeasurementRecord")
    MEDICATION = lc("MedicationRecord")
    EXAMINATION = lc("ExaminationRecord")
    DIAGNOSIS = lc("DiagnosisRecord")
    CLOSURE = lc("ClosureStatement")
