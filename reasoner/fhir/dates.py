"""Read the dates of FHIR as moments: whole or partial dates, instants, periods and ages.

| FHIR | moment |
|---|---|
| dateTime, date, instant | as written; a date without an offset is taken in UTC |
| Period, as time of a test | from its start to its end |
| Period, as onset | its start; as abatement its end |
| Timing | its first event |
| Age in whole years | the year of life after that birthday, when the birth date is known |
| Range, string, anything else | none; the words become a problem |
"""

from __future__ import annotations

from datetime import date

from reasoner.fhir.elements import EMPTY, Element, choice, number, string
from reasoner.fhir.notes import Notes
from reasoner.moments import DAY, Moment, parse_moment
from reasoner.terms import lc

__all__ = ["begin", "end", "moment", "performed"]

_EPOCH = date(1970, 1, 1).toordinal()
_OLDEST = 130
_LATEST_BIRTH = date(9800, 1, 1).toordinal() - _EPOCH


def moment(text: str, property_name: str, notes: Notes) -> Moment | None:
    """Return a date; a malformed one is noted under the record property `property_name`."""
    if not text:
        return None
    found = parse_moment(text)
    if found is None:
        notes.report(
            "malformed-date", f"“{text}” is no date", lc(property_name), "write YYYY-MM-DD, YYYY-MM, YYYY or a dateTime with an offset"
        )
    return found


def performed(resource: Element, stem: str, notes: Notes) -> Moment | None:
    """Return when something was done, from the element of several types named `stem`."""
    kind, value = choice(resource, stem)
    period = value if isinstance(value, dict) else EMPTY
    if kind == "Timing":
        events = period.get("event")
        first = events[0] if isinstance(events, list) and events else None
        return moment(first if isinstance(first, str) else "", "performedOn", notes)
    if kind == "Period":
        first_moment, last = (moment(string(period, name), "performedOn", notes) for name in ("start", "end"))
        if first_moment is None or last is None or last.high < first_moment.low:
            return first_moment or last
        return Moment(first_moment.low, last.high, f"{first_moment.text}/{last.text}")
    return _single(kind, value, "performedOn", notes, None)


def begin(resource: Element, stem: str, property_name: str, notes: Notes, birth: Moment | None = None) -> Moment | None:
    """Return when something began: a Period by its start."""
    kind, value = choice(resource, stem)
    if kind == "Period":
        return moment(string(value, "start") if isinstance(value, dict) else "", property_name, notes)
    return _single(kind, value, property_name, notes, birth)


def end(resource: Element, stem: str, property_name: str, notes: Notes, birth: Moment | None = None) -> Moment | None:
    """Return when something ended: a Period by its end."""
    kind, value = choice(resource, stem)
    if kind == "Period":
        return moment(string(value, "end") if isinstance(value, dict) else "", property_name, notes)
    return _single(kind, value, property_name, notes, birth)


def _single(kind: str, value: object, property_name: str, notes: Notes, birth: Moment | None) -> Moment | None:
    if kind in ("DateTime", "Date", "Instant") and isinstance(value, str):
        return moment(value, property_name, notes)
    if kind == "Age" and isinstance(value, dict) and birth is not None:
        found = _birthday(birth, value)
        if found is not None:
            return found
    if kind:
        words = value if isinstance(value, str) else kind
        notes.report("unread-date", f"“{words}” is no date that can be placed", lc(property_name), "state a date, whole or in part")
    return None


def _birthday(birth: Moment, age: Element) -> Moment | None:
    """Return the year of life that begins with the birthday of an age in whole years."""
    years = number(age, "value")
    if years is None or string(age, "code") != "a" or years != int(years) or not 0 <= years <= _OLDEST or string(age, "comparator"):
        return None
    if birth.days[1] > _LATEST_BIRTH:
        return None
    first, last = (_years_on(day, int(years) + later) for day, later in zip(birth.days, (0, 1), strict=True))
    return Moment(first * DAY, last * DAY - 1, f"aged {years}")


def _years_on(day: int, years: int) -> int:
    """Return the day since 1970 that lies `years` calendar years after `day`; 29 February becomes 1 March."""
    born = date.fromordinal(day + _EPOCH)
    try:
        return born.replace(year=born.year + years).toordinal() - _EPOCH
    except ValueError:
        return date(born.year + years, 3, 1).toordinal() - _EPOCH
