"""Read Observation: measurements, results of examinations, and findings that are present or absent.

| Observation (R4), and each of its `component` | record |
|---|---|
| `code` that means a test with a number, `valueQuantity` or `valueInteger` | lc:MeasurementRecord with lc:value, lc:unit, lc:comparator, lc:referenceLow, lc:referenceHigh |
| the same, `interpretation` or `valueCodeableConcept` low, normal or high | lc:interpretation; alone it is a record too |
| `code` that means an examination, coded positive, negative or inconclusive | lc:ExaminationRecord with lc:result |
| `code` that means a finding or condition, `valueBoolean` or coded yes, no, present, absent | lc:FindingRecord, lc:DiagnosisRecord with lc:presence |
| `code` ASSERTION, `valueCodeableConcept` that means a finding or condition | the same, present |
| `status` | lc:recordStatus; cancelled makes no record |
| `effective[x]` | lc:performedOn, or lc:recordedOn of a finding |
| `bodySite` that is a side | lc:side |
| `dataAbsentReason` without a value or beside one; a value in words or of another type | no record, a problem |
| `focus` on anything but the patient, such as a fetus or a donor | no record, a problem |

A finding that is named without saying whether it is there is no record: some profiles say so in a component, and it
may say absent. A panel that only groups other results is no record and no problem.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reasoner.fhir.codes import wording
from reasoner.fhir.context import Context, Statement, named, read_side, stated, within
from reasoner.fhir.dates import performed
from reasoner.fhir.elements import EMPTY, Element, child, children, choice, number
from reasoner.fhir.entries import Entry
from reasoner.fhir.notes import Notes
from reasoner.fhir.quantities import Amount, read_amount, read_limits
from reasoner.fhir.references import reference_words
from reasoner.fhir.statuses import standing
from reasoner.moments import Moment
from reasoner.record import ExaminationRecord, MeasurementRecord, Record
from reasoner.terms import lc

__all__ = ["read_observation"]

_OF_RESULT = {"positive": "present", "negative": "absent"}
_SORTS = ("Condition", "Finding", "Investigation")


@dataclass(frozen=True, slots=True)
class _Part:
    """An Observation or one of its components, with what the whole says about all its parts."""

    node: str
    holder: Element
    side: str
    when: Moment | None
    status: str
    presence: frozenset[str]
    groups: bool


def read_observation(entry: Entry, context: Context, notes: Notes) -> list[Record]:
    """Return the records of an Observation and of its components."""
    resource = entry.resource
    status = standing(resource, "Observation", context.codes, notes)
    if status == "not_done":
        notes.report(
            "not-performed", f"“{wording(child(resource, 'code'))}” was not performed", lc("recordStatus"), "nothing, if that is so"
        )
        return []
    if _is_of_another(entry, context, notes):
        return []
    components = children(resource, "component")
    when = performed(resource, "effective", notes)
    presence = frozenset() if choice(resource, "value")[0] else _presences(components, context)
    site = Notes(entry.node)
    side = read_side(resource, context, site)
    whole = _Part(entry.node, resource, side, when, status, presence, bool(components or children(resource, "hasMember")))
    records = _read_part(whole, context, notes)
    for place, component in enumerate(components, 1):
        if not (records and presence and _presences([component], context)):
            part = _Part(within(entry.node, f"component-{place}"), component, side, when, status, frozenset(), False)
            records += _read_part(part, context, notes)
    if records:
        notes.unknown += site.unknown
        notes.texts += site.texts
    return records


def _is_of_another(entry: Entry, context: Context, notes: Notes) -> bool:
    """Return whether an Observation looks at something or someone else than its subject, which is noted."""
    subject = context.index.find(child(entry.resource, "subject"), entry)
    others = [each for each in children(entry.resource, "focus") if subject is None or context.index.find(each, entry) is not subject]
    if others:
        notes.report(
            "other-focus",
            f"the observation is about “{reference_words(others[0])}”, not about the patient",
            "",
            "nothing, if that is so; else leave out focus",
        )
    return bool(others)


def _presences(components: Iterable[Element], context: Context) -> frozenset[str]:
    return context.codes.words((child(each, "valueCodeableConcept") for each in components), "Presence")


def _one(words: frozenset[str], what: str, notes: Notes) -> str:
    """Return the only word, or the empty string; several are noted."""
    if len(words) > 1:
        notes.report(
            "contradictory-codes", f"the codes contradict each other: {', '.join(sorted(words))}", lc(what), "leave only one of them"
        )
        return ""
    return next(iter(words), "")


def _read_part(part: _Part, context: Context, notes: Notes) -> list[Record]:
    codes = context.codes
    concept = child(part.holder, "code")
    own = codes.words([concept], "Presence")
    if "absent" in own:
        notes.report_none_known(concept)
        return []
    meaning = codes.mean(concept, _SORTS)
    if "present" in own:
        concept = child(part.holder, "valueCodeableConcept")
        meaning = codes.mean(concept, ("Condition", "Finding"))
    if not meaning.terms:
        notes.report_concept(concept, meaning, "ofTest")
        return []
    pairs = named(part.node, meaning.terms, codes.sorts)
    records = [
        record for node, term in pairs if codes.sorts[term] == "Investigation" and (record := _tested(node, term, part, context, notes))
    ]
    others = [(node, term) for node, term in pairs if codes.sorts[term] != "Investigation"]
    presence = "" if not others else "present" if own else _presence(part, context, notes)
    if presence:
        records += stated(others, codes.sorts, Statement(presence, part.side, None, None, part.when, part.status))
    return records


def _presence(part: _Part, context: Context, notes: Notes) -> str:
    """Return whether the finding that an Observation names is present or absent; when it does not say, that is noted."""
    kind, value = choice(part.holder, "value")
    if kind == "Boolean" and isinstance(value, bool):
        return "present" if value else "absent"
    if not kind and part.presence:
        return _one(part.presence, "presence", notes)
    concepts = children(part.holder, "valueCodeableConcept") if kind else children(part.holder, "interpretation")
    found = context.codes.words(concepts, "Presence") | {
        _OF_RESULT[word] for word in context.codes.words(concepts, "Result") if word in _OF_RESULT
    }
    presence = _one(found, "presence", notes)
    if not found:
        name = wording(child(part.holder, "code"))
        notes.report(
            "no-presence", f"“{name}” is named, but not whether it is there", lc("presence"), "state valueBoolean, or a coded yes or no"
        )
    return presence


def _tested(node: str, test: str, part: _Part, context: Context, notes: Notes) -> Record | None:
    """Return the measurement or the examination that a part reports of `test`, or None with the reason noted."""
    codes, holder = context.codes, part.holder
    if choice(holder, "value")[0] and "dataAbsentReason" in holder:
        reason = wording(child(holder, "dataAbsentReason"))
        notes.report(
            "contradictory-value",
            f"{codes.label(test)} has a value and a reason for having none: {reason}",
            lc("value"),
            "leave one of them",
        )
        return None
    amount, quantity = _amount(test, holder, context, notes)
    answers = [*children(holder, "valueCodeableConcept"), *children(holder, "interpretation")]
    place = _one(codes.words(answers, "Interpretation"), "interpretation", notes)
    result = _one(codes.words(answers, "Result"), "result", notes)
    _check_answer(test, holder, bool(place and codes.is_measured(test)) or bool(result and codes.is_examined(test)), context, notes)
    if codes.is_measured(test) and (amount or (place and not result)):
        low, high = read_limits(holder, quantity, codes, notes) if amount else (None, None)
        value, unit, comparator = (amount.value, amount.unit, amount.comparator) if amount else (None, None, "")
        return MeasurementRecord(node, test, value, unit, comparator, place, low, high, part.side, part.when, part.status)
    if codes.is_examined(test) and not amount and (result or not (part.groups or "dataAbsentReason" in holder)):
        attributes = ((lc("result"), lc(f"_Result_{result}")),) if result else ()
        return ExaminationRecord(node, test, attributes, part.side, part.when, part.status)
    if not choice(holder, "value")[0] and ("dataAbsentReason" in holder or not part.groups):
        reason = wording(child(holder, "dataAbsentReason")) or "no reason is given"
        notes.report("no-value", f"{codes.label(test)} has no value: {reason}", lc("value"), "send the result when there is one")
    return None


def _amount(test: str, holder: Element, context: Context, notes: Notes) -> tuple[Amount | None, Element]:
    """Return the number of a part and the quantity it stands in."""
    kind, _ = choice(holder, "value")
    if not context.codes.is_measured(test):
        return None, EMPTY
    if kind == "Quantity":
        quantity = child(holder, "valueQuantity")
        return read_amount(quantity, test, context.codes, notes), quantity
    count = number(holder, "valueInteger")
    return (Amount(count, None, "") if count is not None else None), EMPTY


def _check_answer(test: str, holder: Element, answered: bool, context: Context, notes: Notes) -> None:
    """Note a value that is of another type than the test gives, or coded without a meaning for it."""
    kind, value = choice(holder, "value")
    numeric = kind == "Quantity" or number(holder, "valueInteger") is not None
    if (numeric and context.codes.is_measured(test)) or (kind in ("", "CodeableConcept") and answered):
        return
    unused = context.codes.words(children(holder, "interpretation"), "Interpretation") if not kind else frozenset((kind,))
    if not unused:
        return
    words = value if isinstance(value, str) else wording(child(holder, f"value{kind}" if kind else "interpretation")) or kind
    text = f"{context.codes.label(test)}: the value “{words}” is no number and no result that is understood"
    notes.report("value-not-understood", text, lc("value"), "state a quantity with a UCUM code, or a coded result")
