"""Turn medication and diagnosis records into facts: what is taken, was taken, and was diagnosed."""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter

from reasoner.abstraction.state import Fact
from reasoner.moments import Moment
from reasoner.program.model import Program
from reasoner.record import STANDING, Case, DiagnosisRecord, MedicationRecord
from reasoner.terms import Role

__all__ = ["diagnosis_facts", "exposure_facts", "first_onset", "is_active", "is_past"]

_BEGINNING = attrgetter("low", "high", "text")

_REAL = ("", "active", "stopped")


def is_active(record: MedicationRecord, as_of: Moment) -> bool:
    """Return whether a drug is taken at the as-of instant: a real use that has begun and not ended."""
    return record.status in STANDING and _holds(record, as_of)


def is_past(record: MedicationRecord, as_of: Moment) -> bool:
    """Return whether a drug was really taken and is no longer."""
    return record.status == "stopped" or (record.status in STANDING and _is_over(record, as_of))


def _denies(record: MedicationRecord, as_of: Moment) -> bool:
    """Return whether a record says that a drug is not taken at the as-of instant: for a period, of that period alone."""
    return is_past(record, as_of) or (record.status == "not_done" and _holds(record, as_of))


def _holds(record: MedicationRecord, as_of: Moment) -> bool:
    begun = record.started is None or record.started.low <= as_of.high
    return begun and not _is_over(record, as_of)


def _is_over(record: MedicationRecord | DiagnosisRecord, as_of: Moment) -> bool:
    return record.ended is not None and record.ended.high <= as_of.high


def exposure_facts(case: Case, program: Program, as_of: Moment) -> list[Fact]:
    """Return the facts about drugs: taken, once taken, taken before onset, stopped with or without relief."""
    if not case.medications:
        return _closed(case, program, ())
    facts: list[Fact] = []
    active = {record.drug for record in case.medications if record.drug and is_active(record, as_of)}
    onset = first_onset(case, program)
    for record in case.medications:
        drug, source = record.drug, (record.node,)
        if drug is None or record.status == "entered_in_error":
            continue
        if is_active(record, as_of):
            facts.append(Fact(Role.TAKES, drug, True, source))
        elif is_past(record, as_of):
            facts.append(Fact(Role.TAKEN, drug, True, source))
            facts += _stopped(record, drug)
        if drug not in active and _denies(record, as_of):
            facts.append(Fact(Role.TAKES, drug, False, source))
        if record.status in _REAL and record.started is not None and onset is not None:
            if record.started.high < onset.low:
                facts.append(Fact(Role.TOOK_BEFORE_ONSET, drug, True, source))
            elif all(each.started and each.started.low > onset.high for each in case.medications if each.drug == drug):
                facts.append(Fact(Role.TOOK_BEFORE_ONSET, drug, False, source))
    return facts + _closed(case, program, active)


def _stopped(record: MedicationRecord, drug: str) -> list[Fact]:
    if record.response == "relief":
        return [Fact(Role.STOPPED_WITH_RELIEF, drug, True, (record.node,))]
    if record.response == "no_relief":
        return [Fact(Role.STOPPED_WITHOUT_RELIEF, drug, True, (record.node,))]
    return []


def first_onset(case: Case, program: Program) -> Moment | None:
    """Return the first onset of the presenting symptom, or None when any of its records lacks one."""
    presenting = program.presenting_kinds
    found = [record for record in case.findings if record.finding in presenting and record.presence == "present" and record.status in _REAL]
    onsets = [record.onset for record in found if record.onset is not None]
    return min(onsets, key=_BEGINNING) if onsets and len(onsets) == len(found) else None


def _closed(case: Case, program: Program, active: Iterable[str]) -> list[Fact]:
    """Return absences from closed drug lists: below the class and neither taken nor above or below a taken one."""
    closures = [each for each in case.closures if program.sorts.get(each.closes) == "Drug" and each.status in STANDING]
    if not closures:
        return []
    touched = {term for drug in active for term in (*program.parents[drug], *program.below[drug])}
    facts = []
    for closure in closures:
        closed = [term for term in program.below[closure.closes] if touched.isdisjoint(program.below[term])]
        facts += [Fact(Role.TAKES, term, False, (closure.node,)) for term in closed]
    return facts


def diagnosis_facts(case: Case, as_of: Moment) -> list[Fact]:
    """Return the facts about recorded diagnoses; an unconfirmed one says nothing."""
    facts: list[Fact] = []
    if not case.diagnoses:
        return facts
    for record in case.diagnoses:
        over = record.status == "stopped" or _is_over(record, as_of)
        if record.status in ("", "active", "stopped", "refuted") and record.presence != "unknown":
            present = not over and record.status != "refuted" and record.presence != "absent"
            facts.append(Fact(Role.RECORDED_DIAGNOSIS, record.condition, present, (record.node,)))
    held = {fact.term for fact in facts if fact.present}
    return [fact for fact in facts if fact.present or fact.term not in held]
