"""Read quantities and reference ranges: exact numbers, UCUM units, comparators, and no limit that cannot be one.

| FHIR | record |
|---|---|
| `system` http://unitsofmeasure.org and `code` | the code as unit, whether valid or not: abstraction reports one it cannot convert |
| else `unit` or a `code` without a system, spelled as a unit that the test accepts | that text as unit |
| micro as µ, μ or mc | as UCUM's u; nothing else is respelled: U is no [IU], mEq no meq |
| else | the value without a unit, and a problem that quotes the text |
| `comparator` < <= >= > | a bound; any other makes the value unusable |
| `referenceRange` | the first without a type or of type normal; of several, one that is not restricted to a group |
| `high` = 0, or `low` > `high`, or another unit than the value | no limits, and a problem |
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from reasoner.fhir.codes import Codes, Coding
from reasoner.fhir.elements import Element, child, children, number, string
from reasoner.fhir.notes import Notes
from reasoner.terms import lc

__all__ = ["Amount", "read_amount", "read_limits"]

_UCUM = "http://unitsofmeasure.org"
_COMPARATORS = "http://hl7.org/fhir/quantity-comparator"


@dataclass(frozen=True, slots=True)
class Amount:
    """A number with its unit (None when none is known) and the word of its comparator."""

    value: Decimal
    unit: str | None
    comparator: str


def read_amount(quantity: Element, test: str, codes: Codes, notes: Notes) -> Amount | None:
    """Return a Quantity as an amount of `test`, or None when it bounds nothing; either way nothing goes unsaid."""
    value = number(quantity, "value")
    if value is None:
        raw = quantity.get("value")
        why = "has no value" if raw is None else f"has the value “{raw}”, which is no number"
        notes.report("no-value", f"the quantity {why}", lc("value"), "state a JSON number of ordinary size")
        return None
    sign = string(quantity, "comparator")
    comparator = codes.word(Coding(_COMPARATORS, sign, ""), "Comparator") if sign else ""
    if not sign and quantity.get("comparator") is not None:
        notes.report_malformed(quantity, "comparator", lc("comparator"), "use <, <=, >= or >; until then the value is not used")
        return None
    if sign and not comparator:
        notes.report(
            "unknown-comparator",
            f"the comparator “{sign}” is no comparator of R4, the value is not used",
            lc("comparator"),
            "use <, <=, >= or >",
        )
        return None
    return Amount(value, _unit(quantity, test, codes, notes), comparator)


def _unit(quantity: Element, test: str, codes: Codes, notes: Notes) -> str | None:
    code, text, system = string(quantity, "code"), string(quantity, "unit"), string(quantity, "system")
    if code and system == _UCUM:
        return code
    for words in (text, "" if system else code):
        if words and codes.accepts_unit(test, words):
            return words
    if text or code:
        notes.report(
            "unknown-unit",
            f"“{text or code}” is not declared as UCUM and is no unit of {codes.label(test)}",
            lc("unit"),
            f"state the unit as a code of {_UCUM}",
        )
    return None


def read_limits(holder: Element, quantity: Element, codes: Codes, notes: Notes) -> tuple[Decimal | None, Decimal | None]:
    """Return the lower and upper limit that go with the value `quantity`; unusable ones are noted and left out."""
    chosen = _chosen(holder, codes, notes)
    if chosen is None:
        return None, None
    low, high = (number(child(chosen, end), "value") for end in ("low", "high"))
    if low is None and high is None:
        words = string(chosen, "text")
        if words:
            notes.report(
                "range-in-words",
                f"the reference range “{words}” is given in words only",
                lc("referenceHigh"),
                "state low and high as quantities",
            )
        return None, None
    if high is not None and (high == 0 or (low is not None and low > high)):
        notes.report(
            "unusable-range",
            f"the reference range {'' if low is None else low}–{high} is no interval",
            lc("referenceHigh"),
            "state the interval of the laboratory",
        )
        return None, None
    others = [end for end in ("low", "high") if not _same_unit(quantity, child(chosen, end))]
    if others:
        other = string(child(chosen, others[0]), "unit") or string(child(chosen, others[0]), "code")
        notes.report(
            "unusable-range", f"the reference range is in {other}, the value in another unit", lc("referenceHigh"), "state both in one unit"
        )
        return None, None
    return low, high


def _chosen(holder: Element, codes: Codes, notes: Notes) -> Element | None:
    ranges = [
        each
        for each in children(holder, "referenceRange")
        if not child(each, "type", "coding") or "normal" in codes.words(children(each, "type"), "Interpretation")
    ]
    if len(ranges) > 1:
        ranges = [each for each in ranges if "appliesTo" not in each and "age" not in each]
        if not ranges:
            notes.report(
                "several-ranges",
                "every reference range is for another group of people",
                lc("referenceHigh"),
                "send the range that applies to this patient",
            )
    return ranges[0] if ranges else None


def _same_unit(quantity: Element, limit: Element) -> bool:
    """Return whether a limit is in the unit of the value, in code or text; one of them without a unit is."""
    own, other = ({string(each, name) for name in ("unit", "code")} - {""} for each in (quantity, limit))
    return not own or not other or not own.isdisjoint(other)
