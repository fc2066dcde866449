"""Know the ages of all patients, as `reasoner.abstraction.calculated` derives them for one."""

from __future__ import annotations

from typing import Any

import numpy as np

from reasoner.cohort.batch import Batch
from reasoner.cohort.clock import Clock
from reasoner.cohort.lexicon import Ids, Lexicon
from reasoner.moments import Moment
from reasoner.program.model import Program
from reasoner.terms import lc

__all__ = ["Ages"]

_BIRTH, _AGE = lc("birthDate"), lc("statedAge")


class Ages:
    """The least and greatest age of each case; −1 where it is not known or not possible."""

    def __init__(self, batch: Batch, program: Program, lexicon: Lexicon, clock: Clock) -> None:
        self._births, self._stated, self._lexicon = batch.about_case[_BIRTH], batch.about_case[_AGE], lexicon
        self.indicators = [each for each in program.indicators if each.form == "difference" and not (each.tests or each.minuend)]
        born, low, high = lexicon.moments(_BIRTH, self._births)
        ages = np.array([*(-1 if value is None else int(value) for value in lexicon.values[_AGE]), -1], dtype=np.int64)[self._stated]
        youngest, oldest = (np.where(born, _years(each, clock.low), ages) for each in (high, low))
        highest = [int(limit) for each in self.indicators if (limit := program.gauges.gauges[each.iri].highest) is not None]
        impossible = born & ((youngest < 0) | (oldest > min(highest, default=1 << 60)))
        self.low: Ids = np.where(impossible, -1, youngest)
        self.high: Ids = np.where(impossible, -1, oldest)

    def birth(self, case: int) -> Moment | None:
        """Return the date of birth of a case."""
        found: Moment | None = _value(self._lexicon, _BIRTH, int(self._births[case]))
        return found

    def stated(self, case: int) -> int | None:
        """Return the stated age of a case."""
        found = _value(self._lexicon, _AGE, int(self._stated[case]))
        return None if found is None else int(found)


def _value(lexicon: Lexicon, name: str, number: int) -> Any:
    return lexicon.values[name][number] if number >= 0 else None


def _years(birth: Ids, instant: Ids) -> Ids:
    """Return the whole years from one second to another."""
    (born_year, born_day), (year, day) = (_parts(each) for each in (birth, instant))
    return year - born_year - (day < born_day)


def _parts(seconds: Ids) -> tuple[Ids, Ids]:
    """Return the year, and a number for month and day that orders the days of a year."""
    days = np.clip(seconds, -(1 << 36), 1 << 38).astype("datetime64[s]").astype("datetime64[D]")
    months = days.astype("datetime64[M]")
    years = months.astype("datetime64[Y]")
    month = (months - years.astype("datetime64[M]")).astype(np.int64)
    day = (days - months.astype("datetime64[D]")).astype(np.int64)
    return years.astype(np.int64) + 1970, month * 32 + day
