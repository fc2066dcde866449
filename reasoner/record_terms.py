"""List the properties of the record vocabulary by what their values are, and write dates as its literals."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from pyoxigraph import Literal, NamedNode

from reasoner.moments import Moment
from reasoner.namespaces import XSD

__all__ = ["DATES", "NUMBERS", "TERMS", "TEXTS", "WORDS", "instant_literal", "moment_literal"]

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

_DATATYPES = {4: "gYear", 7: "gYearMonth", 10: "date"}
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?")


def moment_literal(moment: Moment) -> Literal | None:
    """Return a date, whole or partial, or an instant; None for a period or an age, which the vocabulary cannot say."""
    if "T" in moment.text and "/" not in moment.text:
        return instant_literal(moment)
    kind = _DATATYPES.get(len(moment.text)) if re.fullmatch(r"[\d-]+", moment.text) else None
    return Literal(moment.text, datatype=NamedNode(XSD + kind)) if kind else None


def instant_literal(moment: Moment) -> Literal:
    """Return an xsd:dateTime: the text as it stands when it is one, else its first second in UTC."""
    text = moment.text if _INSTANT.fullmatch(moment.text) else datetime.fromtimestamp(moment.low, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Literal(text, datatype=NamedNode(XSD + "dateTime"))
