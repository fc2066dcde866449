"""Answer "what if": change record facts, abstract anew, and say which verdicts differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from reasoner.errors import UsageError
from reasoner.forgetting import forget
from reasoner.literals import TEXT_TESTS, plain_number
from reasoner.moments import DAY, Moment
from reasoner.namespaces import XSD, curie
from reasoner.naming import one_term
from reasoner.program.model import Indicator, Program
from reasoner.record import (
    STANDING,
    Case,
    ClosureStatement,
    DiagnosisRecord,
    ExaminationRecord,
    FindingRecord,
    MeasurementRecord,
    MedicationRecord,
)

__all__ = [
    "ABSENT",
    "PRESENCES",
    "UNKNOWN",
    "USES",
    "WORDS",
    "Change",
    "Difference",
    "apply_changes",
    "differences",
    "is_changed",
    "parse_change",
]

ABSENT = "absent"
"""The word that denies a finding."""

UNKNOWN = "unknown"
"""The word that takes away what the records say of anything."""

PRESENCES = ("present", ABSENT, UNKNOWN, "new", "old")
"""What a finding can be set to; new begins at the as-of instant, old began long before it."""

USES = {
    "taken": ("active", ""),
    "stopped": ("stopped", ""),
    "relief": ("stopped", "relief"),
    "no-relief": ("stopped", "no_relief"),
    "before-onset": ("active", ""),
}
"""What a drug can be set to, with the status of the record and the response to stopping."""

WORDS = {"relative": ("low", "normal", "high"), "attribute": ("yes", "no"), "closed": ("closed",), "on_record": ("done",)}
"""What an indicator that is no number can be set to, by its form."""

_NODE = "urn:legcramps:whatif:"
_LONG = 3653 * DAY


@dataclass(frozen=True, slots=True)
class Change:
    """A term set to a value: a number or word for an indicator, the presence of a finding or diagnosis, the use of a drug."""

    term: str
    value: str


@dataclass(frozen=True, slots=True)
class Difference:
    """A verdict before and after; an empty side means that it was not or is no longer given."""

    what: str
    before: str
    after: str


def parse_change(text: str, program: Program) -> Change:
    """Read `TERM=VALUE`, the term as `reasoner.naming` finds it; raise UsageError with near matches."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip() or not value.strip():
        raise UsageError(f"“{text}” sets nothing", repair="write TERM=VALUE, the term by IRI, CURIE, local name, label or abbreviation")
    term, value = _term(name.strip(), program), value.strip()
    indicator = program.indicator.get(term)
    if indicator is not None and indicator.form not in WORDS:
        if value == UNKNOWN or (TEXT_TESTS[XSD + "decimal"](value) and plain_number(value) is not None):
            return Change(term, value)
        repair = f"give a decimal number in the indicator's canonical unit, or {UNKNOWN}"
        raise UsageError(f"{value} is no number", where=curie(term), repair=repair)
    allowed = WORDS[indicator.form] if indicator is not None else tuple(USES) if program.sorts[term] == "Drug" else PRESENCES
    if program.sorts.get(term) == "Condition":
        allowed = PRESENCES[:3]
    allowed = tuple(dict.fromkeys((*allowed, UNKNOWN)))
    if value not in allowed:
        raise UsageError(f"{value} is no value of {curie(term)}", repair=f"use one of {', '.join(allowed)}")
    return Change(term, value)


def _term(name: str, program: Program) -> str:
    settable = [iri for iri, each in program.indicator.items() if each.form not in ("difference", "count")]
    settable += [term for term, sort in program.sorts.items() if sort in ("Finding", "Drug", "Condition")]
    what, otherwise = f"Nothing that can be set is called {name}", "name a finding, drug, condition or indicator"
    return one_term(name, program, dict.fromkeys(settable), what, otherwise)


def apply_changes(case: Case, changes: Iterable[Change], program: Program, as_of: Moment) -> Case:
    """Return the case with the records about each changed term replaced by one that says the new value at `as_of`.

    What becomes unknown is taken away first, so that it takes nothing from what other changes say.
    """
    for change in sorted(changes, key=lambda each: each.value != UNKNOWN):
        if change.value == UNKNOWN:
            case = forget(case, change.term, program, as_of)
        elif change.term in program.indicator:
            case = _set_indicator(case, program.indicator[change.term], change.value, as_of)
        elif program.sorts[change.term] == "Drug":
            case = _set_drug(case, change, program, as_of)
        elif program.sorts[change.term] == "Condition":
            case = _set_diagnosis(case, change, program)
        else:
            case = _set_finding(case, change, program, as_of)
    return case


def is_changed(node: str) -> bool:
    """Return whether a record stands for a change rather than in the case."""
    return node.startswith(_NODE)


def _gives_way(node: str, term: str) -> bool:
    """Return whether a record gives way to a change of `term`: those of the file do, those of other changes do not."""
    return not is_changed(node) or node == _node(term)


def _node(term: str) -> str:
    return f"{_NODE}{curie(term)}"


def _set_indicator(case: Case, indicator: Indicator, value: str, as_of: Moment) -> Case:
    if indicator.form == "closed":
        return replace(case, closures=(*case.closures, ClosureStatement(_node(indicator.iri), indicator.closes or "", as_of, "active")))
    if indicator.form == "on_record":
        done = ExaminationRecord(_node(indicator.iri), indicator.tests[0], (), "", as_of, "active")
        return replace(case, examinations=(*case.examinations, done))
    if indicator.form == "attribute":
        return _set_attribute(case, indicator, value, as_of)
    kept = tuple(each for each in case.measurements if each.test not in indicator.tests or not _gives_way(each.node, indicator.iri))
    word = value if indicator.form == "relative" else ""
    number, unit = (None, None) if word else (Decimal(value), indicator.unit)
    limit = Decimal(1) if indicator.form == "quotient" else None
    record = MeasurementRecord(_node(indicator.iri), indicator.tests[0], number, unit, "", word, None, limit, "both", as_of, "active")
    return replace(case, measurements=(*kept, record))


def _set_attribute(case: Case, indicator: Indicator, value: str, as_of: Moment) -> Case:
    """Complete the latest examination by an attribute, or add one that states it."""
    stated = indicator.attribute or "", (indicator.true_values if value == "yes" else indicator.false_values)[0]
    dated = [each for each in case.examinations if each.test in indicator.tests and each.status in STANDING]
    last = max(dated, key=lambda each: (each.performed.high if each.performed else 0, each.node), default=None)
    if last is None:
        record = ExaminationRecord(_node(indicator.iri), indicator.tests[0], (stated,), "", as_of, "active")
        return replace(case, examinations=(*case.examinations, record))
    attributes = (*((name, held) for name, held in last.attributes if name != stated[0]), stated)
    return replace(case, examinations=tuple(replace(each, attributes=attributes) if each is last else each for each in case.examinations))


def _set_drug(case: Case, change: Change, program: Program, as_of: Moment) -> Case:
    below = program.below[change.term]
    kept = tuple(record for record in case.medications if record.drug not in below or not _gives_way(record.node, change.term))
    status, response = USES[change.value]
    begun = _before(as_of) if change.value == "before-onset" else None
    record = MedicationRecord(_node(change.term), change.term, "", "", begun, None, response, status)
    return replace(case, medications=(*kept, record))


def _before(as_of: Moment) -> Moment:
    """Return an instant long before the as-of instant."""
    return Moment(as_of.low - _LONG, as_of.low - _LONG, "")


def _set_diagnosis(case: Case, change: Change, program: Program) -> Case:
    below, above = program.below[change.term], program.parents[change.term]
    denied = above if change.value == "present" else ()
    kept = tuple(
        each
        for each in case.diagnoses
        if not (each.condition in below or (each.condition in denied and each.presence == "absent"))
        or not _gives_way(each.node, change.term)
    )
    record = DiagnosisRecord(_node(change.term), change.term, change.value, None, None, None, "active")
    return replace(case, diagnoses=(*kept, record))


def _opposes(record: FindingRecord, change: Change, program: Program) -> bool:
    """Return whether a record must give way: it is at or below the term, denies it from above, or asserts it by its side."""
    below = program.below[change.term]
    if record.finding in below:
        return True
    if change.value == ABSENT:
        return bool(record.side) and any(kind in below for _, kind in program.side_patterns.get(record.finding, ()))
    return record.presence == "absent" and record.finding in program.parents[change.term]


def _set_finding(case: Case, change: Change, program: Program, as_of: Moment) -> Case:
    kept = tuple(each for each in case.findings if not (_opposes(each, change, program) and _gives_way(each.node, change.term)))
    onset = as_of if change.value == "new" else _before(as_of) if change.value == "old" else None
    presence = "absent" if change.value == "absent" else "present"
    record = FindingRecord(_node(change.term), change.term, presence, "", onset, None, None, None, "active")
    return replace(case, findings=(*kept, record))


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """Return what differs between two case documents.

    Compared are decisions, red flags, tests, what is deferred, actions, drugs, the differential, what is asked, and what cannot be used.
    """
    found = []
    for key in sorted(set(before) & set(after)):
        if isinstance(before[key], dict) and "verdict" in before[key]:
            one, other = (f"{each[key]['label']} ({each[key]['certainty']})" for each in (before, after))
            found.append(Difference(key, one, other))
    for key, name, words in _LISTS:
        one_rows, other_rows = ({row[name]: row for row in each[key]} for each in (before, after))
        for iri in sorted({*one_rows, *other_rows}):
            row = one_rows.get(iri) or other_rows[iri]
            one, other = (_said(rows[iri], words) if iri in rows else "" for rows in (one_rows, other_rows))
            found.append(Difference(f"{key}: {row['label']}", one, other))
    for key in ("conflicts", "dataProblems"):
        ones, others = ({f"{row['text']}. {row['repair']}" for row in each[key]} for each in (before, after))
        found += [Difference(key, text if text in ones else "", text if text in others else "") for text in sorted(ones ^ others)]
    return [each for each in found if each.before != each.after]


def _said(row: Mapping[str, Any], words: Iterable[str]) -> str:
    return ", ".join(str(row[word]) for word in words) or "given"


_LISTS = (
    ("redFlags", "id", ("certainty",)),
    ("nextTests", "test", ("rank", "step", "certainty")),
    ("deferred", "id", ("byLabel",)),
    ("notWarranted", "test", ("label",)),
    ("actions", "id", ("certainty",)),
    ("medicationReview", "drug", ("state", "weight")),
    ("differential", "condition", ("rank", "status", "weight")),
    ("questions", "label", ()),
)
