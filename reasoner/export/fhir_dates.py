"""Write moments as the dates of FHIR, the inverse of `reasoner.fhir.dates`."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from reasoner.export.fhir_json import Element, full
from reasoner.moments import Moment, parse_moment

__all__ = ["date_time", "dated", "instant", "period"]

_PARTIAL = re.compile(r"\d{4}(-\d\d(-\d\d)?)?")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_AGE = re.compile(r"aged (\d+)")
_UCUM = "http://unitsofmeasure.org"


def date_time(moment: Moment | None) -> str:
    """Return a dateTime, in UTC where no offset is stated; the empty text for what is none."""
    if moment is None:
        return ""
    text = moment.text
    if _PARTIAL.fullmatch(text) or _INSTANT.fullmatch(text):
        return text
    return instant(moment) if "T" in text and "/" not in text else ""


def instant(moment: Moment) -> str:
    """Return the first second of a moment as an instant."""
    return moment.text if _INSTANT.fullmatch(moment.text) else datetime.fromtimestamp(moment.low, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def period(start: Moment | None, end: Moment | None) -> Element:
    """Return a Period, empty when neither end is known."""
    return full(start=date_time(start), end=date_time(end))


def dated(stem: str, moment: Moment | None) -> Element:
    """Return a moment as the element of several types named `stem`: a dateTime, a Period or an Age; nothing for none."""
    if moment is None:
        return {}
    age = _AGE.fullmatch(moment.text)
    if age:
        return {f"{stem}Age": {"value": int(age[1]), "unit": "a", "system": _UCUM, "code": "a"}}
    first, slash, last = moment.text.partition("/")
    if slash:
        return full(**{f"{stem}Period": period(parse_moment(first), parse_moment(last))})
    return full(**{f"{stem}DateTime": date_time(moment)})
