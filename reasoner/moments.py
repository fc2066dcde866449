"""Read whole and partial dates as intervals of seconds, and compare them three-valued."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from reasoner.literals import TEXT_TESTS
from reasoner.namespaces import XSD

__all__ = ["DAY", "Moment", "days_between", "from_datetime", "parse_moment", "read_instant"]

DAY = 86_400
_EPOCH = date(1970, 1, 1).toordinal()
_MIDNIGHT = re.compile(r"T24:00:00(?:[.]0+)?(?![.0-9])")


@dataclass(frozen=True, slots=True)
class Moment:
    """A stretch of time that contains an instant: first and last second since 1970 (UTC), and the text it was read from."""

    low: int
    high: int
    text: str

    @property
    def days(self) -> tuple[int, int]:
        """Return the first and the last day since 1970."""
        return self.low // DAY, self.high // DAY


@lru_cache(maxsize=8192)
def parse_moment(text: str) -> Moment | None:
    """Read `YYYY`, `YYYY-MM`, `YYYY-MM-DD` or an ISO 8601 dateTime; return None when the text is none of these.

    A date without an offset is taken in UTC, an instant with one is turned into UTC.
    """
    try:
        if "T" in text:
            instant = datetime.fromisoformat(text)
            return from_datetime(instant, text)
        if len(text) == 10 and text[4] == text[7] == "-":  # 2026-W47-5 is a date of ISO 8601, too, but none of these
            first = last = date.fromisoformat(text).toordinal()
        elif len(text) == 7:
            first = date.fromisoformat(text + "-01").toordinal()
            last = _next_month(int(text[:4]), int(text[5:])) - 1
        elif len(text) == 4:
            first, last = date(int(text), 1, 1).toordinal(), date(int(text), 12, 31).toordinal()
        else:
            return None
    except ValueError:
        return None
    return Moment((first - _EPOCH) * DAY, (last - _EPOCH) * DAY + DAY - 1, text)


def _next_month(year: int, month: int) -> int:
    return date(year + month // 12, month % 12 + 1, 1).toordinal() if (year, month) != (9999, 12) else date.max.toordinal() + 1


def from_datetime(instant: datetime, text: str | None = None) -> Moment:
    """Return the moment of one instant; a naive one is taken in UTC, which is written Z as in records."""
    aware = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    second = (aware.date().toordinal() - _EPOCH) * DAY + aware.hour * 3600 + aware.minute * 60 + aware.second
    offset = aware.utcoffset()
    second -= int(offset.total_seconds()) if offset else 0
    return Moment(second, second, text or aware.isoformat().replace("+00:00", "Z"))


def read_instant(text: str) -> datetime | None:
    """Read an xsd:dateTime, or an xsd:date as its first instant; return None for any other text, and for years that lie too far away.

    24:00:00 is the first instant of the next day (XML Schema 1.1 part 2, 3.3.7), which no record states.
    """
    if TEXT_TESTS[XSD + "date"](text):
        text = f"{text[:10]}T00:00:00{text[10:]}"
    ended, days = _MIDNIGHT.subn("T00:00:00", text)
    if not TEXT_TESTS[XSD + "dateTime"](ended) or not 1000 <= int(text[:4]) < 3000:
        return None
    return datetime.fromisoformat(ended) + timedelta(days)


def days_between(earlier: Moment, later: Moment) -> tuple[int, int]:
    """Return the least and the greatest number of whole days from `earlier` to `later`."""
    first, last = earlier.days
    return later.days[0] - last, later.days[1] - first
