"""List the properties of the record vocabulary by what their values are and by the fields they state; write dates as its literals."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from pyoxigraph import Literal, NamedNode

from reasoner.moments import Moment
from reasoner.namespaces import XSD

__all__ = ["DATES", "NUMBERS", "TERMS", "TEXTS", "WORDS", "instant_literal", "moment_literal", "property_name"]

TERMS = {
    "ofFinding": ("Finding",),
    "ofTest": ("Investigation",),
    "ofDrug": ("Drug",),
    "ofCondition": ("Condition",),
    "closes": ("Finding", "Drug"),
}
"""Properties whose value is a term, with its sorts."""

WORDS = {
    "presence": "Presence",
    "side": "Side",
    "comparator": "Comparator",
    "interpretation": "Interpretation",
    "responseToStopping": "ResponseToStopping",
    "recordStatus": "RecordStatus",
    "extent": "Extent",
    "completeness": "Completeness",
    "result": "Result",
}
"""Properties whose value is a word of a list, with the list."""

NUMBERS = ("value", "referenceLow", "referenceHigh")
DATES = ("onset", "worsened", "ended", "started", "recordedOn", "performedOn")
TEXTS = ("sourceText", "dose", "unit")

_PROPERTIES = {
    "attributes": "result",
    "birth": "birthDate",
    "condition": "ofCondition",
    "drug": "ofDrug",
    "finding": "ofFinding",
    "high": "referenceHigh",
    "low": "referenceLow",
    "performed": "performedOn",
    "recorded": "recordedOn",
    "response": "responseToStopping",
    "status": "recordStatus",
    "test": "ofTest",
    "text": "sourceText",
}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DATES = (("date", r"[12]\d{3}-\d\d-\d\d"), ("gYearMonth", r"[12]\d{3}-\d\d"), ("gYear", r"[12]\d{3}"))
_INSTANT = re.compile(r"[12]\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-](0\d|1[0-3]):[0-5]\d|[+-]14:00)?", re.ASCII)


def property_name(field: str) -> str:
    """Return the property that states a field of a record or a case; of several, that of the result."""
    return _PROPERTIES.get(field, field)


def moment_literal(moment: Moment) -> Literal | None:
    """Return a date, whole or partial, or an instant; None for what the shapes let no record say: a period, an age, the year 1."""
    if "T" in moment.text and "/" not in moment.text:
        return instant_literal(moment)
    kind = next((name for name, form in _DATES if re.fullmatch(form, moment.text, re.ASCII)), None)
    return Literal(moment.text, datatype=NamedNode(XSD + kind)) if kind else None


def instant_literal(moment: Moment) -> Literal | None:
    """Return an xsd:dateTime: the text as it stands when it is one, else its first second in UTC; None as `moment_literal`."""
    text = moment.text if _INSTANT.fullmatch(moment.text) else (_EPOCH + timedelta(seconds=moment.low)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Literal(text, datatype=NamedNode(XSD + "dateTime")) if _INSTANT.fullmatch(text) else None
