"""Define the records of a synthetic cohort before they have a patient: their dates count back from the as-of instant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from reasoner.cohort.synthetic.settings import Settings

__all__ = ["Ago", "Dice", "Draft", "Variant"]


@dataclass(frozen=True, slots=True)
class Ago:
    """A date so many days before the as-of instant, written as a day, month, year or instant."""

    days: int
    form: str = "day"

    def text(self, as_of: datetime) -> str:
        """Return the date as written in a record that is judged at `as_of`."""
        day = (as_of - timedelta(days=self.days)).date().isoformat()
        return {"day": day, "month": day[:7], "year": day[:4], "instant": day + "T05:30:00Z"}[self.form]


@dataclass(frozen=True, slots=True)
class Draft:
    """A record as columns of the long table, short names throughout; what is not stated is left out."""

    values: tuple[tuple[str, str | Ago], ...]

    @staticmethod
    def of(kind: str, **values: str | Ago | None) -> Draft:
        """Return a record of a kind; None and the empty text are not stated."""
        return Draft((("kind", kind), *((name, value) for name, value in values.items() if value)))

    def row(self, as_of: datetime) -> dict[str, str | None]:
        """Return the columns of the record at `as_of`."""
        return {name: value.text(as_of) if isinstance(value, Ago) else value for name, value in self.values}

    def get(self, name: str) -> str | Ago | None:
        """Return what a column states."""
        return next((value for column, value in self.values if column == name), None)

    def replaced(self, **changes: str | Ago | None) -> Draft:
        """Return the record with other values; None removes one."""
        kept = {**dict(self.values), **changes}
        return Draft(tuple((name, value) for name, value in kept.items() if value is not None))


@dataclass(frozen=True, slots=True)
class Variant:
    """Records that come together about one term; `whole` says that none of them is broken on purpose."""

    subject: str
    drafts: tuple[Draft, ...]
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Dice:
    """Seeded choices by the figures of the settings."""

    random: Random
    settings: Settings

    def happens(self, name: str) -> bool:
        """Decide by the probability that a setting states."""
        return self.random.random() < self.settings.figure(name)

    def one_of(self, choices: Sequence[str]) -> str:
        """Return one of several texts."""
        return choices[int(self.random.random() * len(choices))]

    def weighted(self, choices: Mapping[str, float]) -> str:
        """Return one of several texts by their probabilities; the empty text when none of them happens."""
        rest = self.random.random()
        for text, chance in choices.items():
            rest -= chance
            if rest < 0:
                return text
        return ""

    def ago(self, windows: Sequence[int] = (), least: int = 0) -> Ago | None:
        """Return a date, or None when it is not on record; some lie on the last day of a window, the day before or after."""
        if self.happens("undated"):
            return None
        longest = self.settings.count("longest_ago")
        days = int(least + (longest - least + 1) ** self.random.random()) - 1
        if windows and self.random.random() < 0.25:
            days = windows[int(self.random.random() * len(windows))] + int(self.random.random() * 3) - 1
        if self.happens("partial_date"):
            return Ago(max(days, least), self.one_of(("month", "year")))
        return Ago(max(days, least), "instant" if self.random.random() < 0.25 else "day")
