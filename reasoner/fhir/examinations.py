"""Read DiagnosticReport and Procedure, and join the resources that report one examination.

| DiagnosticReport (R4) | record |
|---|---|
| `code` that means an examination | lc:ExaminationRecord |
| `conclusionCode` that is a result, an extent or a completeness | lc:result, lc:extent, lc:completeness |
| `conclusion` in words, where no code gives the result | a problem that quotes it |
| `code` that means a test with a number | lc:MeasurementRecord when `conclusionCode` is low, normal or high; else its `result` entries speak for it |
| `status`, `effective[x]` | lc:recordStatus, lc:performedOn; cancelled makes no record |

| Procedure (R4) | record |
|---|---|
| `code` that means an examination; `outcome` | lc:ExaminationRecord; its attributes |
| `code` that means a finding | lc:FindingRecord, present since it was done |
| `status`, `performed[x]`, `bodySite` | lc:recordStatus, lc:performedOn, lc:side; not-done makes no record |

A report, the observations that are its `result`, and the procedure that names it as `report` are one examination where
they are about the same test, agree in time and do not contradict each other: they become one record.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from reasoner.fhir.codes import codings, wording
from reasoner.fhir.context import Context, Statement, named, read_side, stated
from reasoner.fhir.dates import performed
from reasoner.fhir.elements import Element, child, children, string
from reasoner.fhir.entries import Entry
from reasoner.fhir.notes import Notes
from reasoner.fhir.references import Index
from reasoner.fhir.statuses import standing
from reasoner.moments import Moment
from reasoner.namespaces import LC
from reasoner.record import ExaminationRecord, MeasurementRecord, Record
from reasoner.terms import lc

__all__ = ["Link", "joined", "read_procedure", "read_report", "reported_together"]

_LISTS = (("Completeness", "completeness"), ("Extent", "extent"), ("Result", "result"))


class Link(NamedTuple):
    """A resource (by kind and IRI) that names another as reporting the same examination; reports sort before procedures."""

    kind: str
    leading: str
    led: str


_LINKS = {"DiagnosticReport": "result", "Procedure": "report"}


def read_report(entry: Entry, context: Context, notes: Notes) -> list[Record]:
    """Return the records of a DiagnosticReport; one that only groups results makes none."""
    resource, codes = entry.resource, context.codes
    tests = _meant(entry, ("Investigation",), notes, context)
    status = standing(resource, "DiagnosticReport", codes, notes) if tests else ""
    if not tests or _not_done(resource, status, notes):
        return []
    when = performed(resource, "effective", notes)
    conclusions = children(resource, "conclusionCode")
    places = codes.words(conclusions, "Interpretation")
    attributes = _attributes(conclusions, context, notes)
    records: list[Record] = []
    for node, test in named(entry.node, tests, codes.sorts):
        if codes.is_measured(test) and len(places) == 1:
            records.append(MeasurementRecord(node, test, None, None, "", next(iter(places)), None, None, "", when, status))
        elif codes.is_examined(test):
            _check_words(test, resource, attributes, context, notes)
            records.append(ExaminationRecord(node, test, attributes, "", when, status))
    if not records and not children(resource, "result"):
        notes.report("no-value", f"“{wording(child(resource, 'code'))}” reports no result", lc("value"), "send its results as Observations")
    return records


def read_procedure(entry: Entry, context: Context, notes: Notes) -> list[Record]:
    """Return the examination and finding records of a Procedure."""
    resource, codes = entry.resource, context.codes
    terms = _meant(entry, ("Finding", "Investigation"), notes, context)
    status = standing(resource, "Procedure", codes, notes) if terms else ""
    if not terms or _not_done(resource, status, notes):
        return []
    when = performed(resource, "performed", notes)
    side = read_side(resource, context, notes)
    attributes = _attributes(children(resource, "outcome"), context, notes)
    pairs = named(entry.node, terms, codes.sorts)
    records = stated(
        [pair for pair in pairs if codes.sorts[pair[1]] == "Finding"], codes.sorts, Statement("present", side, when, None, when, status)
    )
    return records + [
        ExaminationRecord(node, test, attributes, side, when, status) for node, test in pairs if codes.sorts[test] == "Investigation"
    ]


def _meant(entry: Entry, sorts: tuple[str, ...], notes: Notes, context: Context) -> tuple[str, ...]:
    concept = child(entry.resource, "code")
    meaning = context.codes.mean(concept, sorts)
    if not meaning.terms:
        notes.report_concept(concept, meaning, "ofTest")
    return meaning.terms


def _not_done(resource: Element, status: str, notes: Notes) -> bool:
    if status == "not_done":
        notes.report(
            "not-performed", f"“{wording(child(resource, 'code'))}” was not performed", lc("recordStatus"), "nothing, if that is so"
        )
    return status == "not_done"


def _attributes(concepts: Iterable[Element], context: Context, notes: Notes) -> tuple[tuple[str, str], ...]:
    """Return the attributes that coded conclusions give; a code without a meaning, and two that clash, are noted."""
    given = tuple(concepts)
    for concept in given:
        if codings(concept) and not any(context.codes.words([concept], values) for values in ("Interpretation", *dict(_LISTS))):
            notes.report_site(concept)
    found = []
    for values, name in _LISTS:
        words = context.codes.words(given, values)
        if len(words) > 1:
            notes.report(
                "contradictory-codes", f"the codes contradict each other: {', '.join(sorted(words))}", lc(name), "leave only one of them"
            )
        found += [(lc(name), f"{LC}_{values}_{word}") for word in words if len(words) == 1]
    return tuple(sorted(found))


def _check_words(test: str, resource: Element, attributes: tuple[tuple[str, str], ...], context: Context, notes: Notes) -> None:
    words = string(resource, "conclusion")
    if words and lc("result") not in dict(attributes):
        notes.report(
            "result-in-words",
            f"{context.codes.label(test)}: the conclusion “{words}” is not coded",
            lc("result"),
            "code the conclusion as positive, negative or inconclusive",
        )


def reported_together(entries: Iterable[Entry], index: Index) -> dict[str, list[Link]]:
    """Return the links between resources that may report one examination, by the IRI of the leading one."""
    links: dict[str, list[Link]] = {}
    for entry in entries:
        for reference in children(entry.resource, _LINKS.get(entry.kind, "")):
            target = index.find(reference, entry)
            if target is not None:
                links.setdefault(entry.node, []).append(Link(entry.kind, entry.node, target.node))
    return links


def joined(records: Iterable[Record], links: Mapping[str, Iterable[Link]], context: Context) -> tuple[list[Record], dict[str, str]]:
    """Return the records with every led examination joined to the one that leads it, and which IRI went into which."""
    by_node = {record.node: record for record in records}
    into: dict[str, str] = {}
    for link in sorted({link for node in by_node for link in links.get(node, ())}):
        first, second = by_node.get(link.leading), by_node.get(link.led)
        if isinstance(first, ExaminationRecord) and isinstance(second, ExaminationRecord) and first is not second:
            whole = _joined(first, second, context)
            if whole is not None:
                del by_node[link.led]
                by_node[link.leading] = whole
                into[link.led] = link.leading
    last: dict[str, str] = {}
    for led, leading in reversed(into.items()):  # one that went later is settled before those that went into it
        last[led] = last.get(leading, leading)
    return list(by_node.values()), last


def _joined(first: ExaminationRecord, second: ExaminationRecord, context: Context) -> ExaminationRecord | None:
    """Return two records of one examination as one, or None when they are about different ones."""
    tests = context.codes.narrowest((first.test, second.test))
    mine, theirs = dict(first.attributes), dict(second.attributes)
    clash = any(mine.get(name, value) != value for name, value in theirs.items())
    other_side = first.side and second.side and first.side != second.side
    if len(tests) != 1 or first.status != second.status or clash or other_side or _apart(first.performed, second.performed):
        return None
    moments = [each.performed for each in (first, second) if each.performed is not None]
    when = min(moments, key=lambda moment: moment.high - moment.low, default=None)
    return replace(first, test=tests[0], attributes=tuple(sorted((theirs | mine).items())), side=first.side or second.side, performed=when)


def _apart(first: Moment | None, second: Moment | None) -> bool:
    return first is not None and second is not None and (first.high < second.low or second.high < first.low)
