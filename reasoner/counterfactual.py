"""Answer "what if": change record facts, abstract anew, and say which verdicts differ."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from reasoner.errors import UsageError
from reasoner.moments import Moment
from reasoner.namespaces import LC, curie, expand
from reasoner.program.model import Indicator, Program
from reasoner.record import Case, FindingRecord, MeasurementRecord, MedicationRecord

__all__ = ["Change", "Difference", "apply_changes", "differences", "parse_change"]

_PRESENCES = ("present", "absent", "unknown")
_USES = {"taken": "active", "stopped": "stopped"}
_NODE = "urn:legcramps:whatif:"


@dataclass(frozen=True, slots=True)
class Change:
    """A term set to a value: a number for an indicator, present/absent/unknown for a finding, taken/stopped for a drug."""

    term: str
    value: str


@dataclass(frozen=True, slots=True)
class Difference:
    """A verdict before and after; an empty side means that it was not or is no longer given."""

    what: str
    before: str
    after: str


def parse_change(text: str, program: Program) -> Change:
    """Read `TERM=VALUE`, the term by CURIE, local name, label or abbreviation; raise UsageError with near matches."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip() or not value.strip():
        raise UsageError(f"“{text}” sets nothing", repair="write TERM=VALUE, such as lc:ankleBrachialIndex=0.95")
    term, value = _term(name.strip(), program), value.strip()
    if term in program.indicator:
        try:
            if Decimal(value).is_finite():
                return Change(term, value)
        except InvalidOperation:
            pass
        raise UsageError(f"{value} is no number", where=curie(term), repair="give a decimal number in the indicator's canonical unit")
    allowed = tuple(_USES) if program.sorts[term] == "Drug" else _PRESENCES
    if value not in allowed:
        raise UsageError(f"{value} is no value of {curie(term)}", repair=f"use one of {', '.join(allowed)}")
    return Change(term, value)


def _term(name: str, program: Program) -> str:
    settable = {
        iri: program.labels.get(iri, "") for iri in program.indicator if program.indicator[iri].form in ("select", "quotient", "ratio")
    }
    settable |= {term: program.labels.get(term, "") for term, sort in program.sorts.items() if sort in ("Finding", "Drug")}
    for candidate in (expand(name), LC + name, *program.abbreviations.get(name.lower(), ())):
        if candidate in settable:
            return candidate
    by_label = [iri for iri, label in settable.items() if label.lower() == name.lower()]
    if by_label:
        return by_label[0]
    near = difflib.get_close_matches(name, [*map(curie, settable), *settable.values()], 3, 0.5)
    raise UsageError(
        f"Nothing that can be set is called {name}",
        repair=f"did you mean {' or '.join(near)}?" if near else "name a finding, drug or indicator",
    )


def apply_changes(case: Case, changes: Iterable[Change], program: Program, as_of: Moment) -> Case:
    """Return the case with the records about each changed term replaced by one that says the new value at `as_of`."""
    for change in changes:
        if change.term in program.indicator:
            case = _set_value(case, program.indicator[change.term], change.value, as_of)
        elif program.sorts[change.term] == "Drug":
            case = _set_drug(case, change, program)
        else:
            case = _set_finding(case, change, program)
    return case


def _set_value(case: Case, indicator: Indicator, value: str, as_of: Moment) -> Case:
    kept = tuple(record for record in case.measurements if record.test not in indicator.tests)
    limit = Decimal(1) if indicator.form == "quotient" else None
    record = MeasurementRecord(
        f"{_NODE}{curie(indicator.iri)}", indicator.tests[0], Decimal(value), indicator.unit, "", "", None, limit, "both", as_of, "active"
    )
    return replace(case, measurements=(*kept, record))


def _set_drug(case: Case, change: Change, program: Program) -> Case:
    below = program.below[change.term]
    kept = tuple(record for record in case.medications if record.drug not in below)
    record = MedicationRecord(f"{_NODE}{curie(change.term)}", change.term, "", "", None, None, "", _USES[change.value])
    return replace(case, medications=(*kept, record))


def _set_finding(case: Case, change: Change, program: Program) -> Case:
    related = {*program.below[change.term], *(program.parents[change.term] if change.value == "absent" else ())}
    kept = tuple(record for record in case.findings if record.finding not in related)
    if change.value == "unknown":
        return replace(case, findings=kept)
    record = FindingRecord(f"{_NODE}{curie(change.term)}", change.term, change.value, "", None, None, None, None, "active")
    return replace(case, findings=(*kept, record))


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """Return what differs between two case documents: decisions, red flags, next tests, actions and the differential."""
    found = []
    for key in sorted(set(before) & set(after)):
        if isinstance(before[key], dict) and "verdict" in before[key]:
            one, other = (f"{each[key]['label']} ({each[key]['certainty']})" for each in (before, after))
            found.append(Difference(key, one, other))
    for key, name, words in _LISTS:
        one_rows, other_rows = ({row[name]: row for row in each[key]} for each in (before, after))
        for iri in sorted({*one_rows, *other_rows}):
            row = one_rows.get(iri) or other_rows[iri]
            one, other = (", ".join(str(rows[iri][word]) for word in words) if iri in rows else "" for rows in (one_rows, other_rows))
            found.append(Difference(f"{key}: {row['label']}", one, other))
    return [each for each in found if each.before != each.after]


_LISTS = (
    ("redFlags", "id", ("certainty",)),
    ("nextTests", "test", ("rank", "step", "certainty")),
    ("notWarranted", "test", ("label",)),
    ("actions", "id", ("certainty",)),
    ("differential", "condition", ("rank", "status", "weight")),
)
