"""Draw patients from a plan, chunk by chunk, as columns: constant memory, and the same patients whatever is written of them.

A patient depends on the seed and on the number of the chunk alone, so that a longer cohort begins with the shorter one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from reasoner.cohort.synthetic.contradictions import Contradictions
from reasoner.cohort.synthetic.plan import Plan
from reasoner.cohort.synthetic.settings import Settings
from reasoner.cohort.synthetic.witnesses import ANY_AGE
from reasoner.program.model import Program

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["CHUNK", "Chunk", "Drawer", "instants_of"]

_SINGLE = ("diagnosis", "drug", "finding")
CHUNK = 4096
"""Patients that are drawn together."""

_HOURS = 9
_DAYS_OF_A_YEAR = 365.2425


@dataclass(frozen=True, slots=True)
class Chunk:
    """Patients in a row; `first` is the number of the first one.

    `instants` gives each patient's as-of instant by number. `patients` and `variants` are parallel: what each patient has,
    in the order of the record. `conditions` has two places for each patient, the second -1 where there is one condition;
    `confirmed` says whether the records that confirm the condition were drawn.
    """

    first: int
    count: int
    instants: NDArray[Any]
    births: tuple[str | None, ...]
    ages: tuple[str | None, ...]
    patients: NDArray[Any]
    variants: NDArray[Any]
    conditions: NDArray[Any]
    confirmed: NDArray[Any]


def instants_of(settings: Settings, last: datetime) -> tuple[datetime, ...]:
    """Return the as-of instants among which patients are spread, the last one first, at different hours."""
    apart, count = settings.count("instants_apart"), max(settings.count("instants"), 1)
    return tuple(last - timedelta(days=apart * place, hours=-(place % _HOURS)) for place in range(count))


class _Stream:
    """Uniform numbers from the raw bits of PCG64, which no version of NumPy changes."""

    def __init__(self, seed: int, chunk: int) -> None:
        import numpy

        self._bits = numpy.random.PCG64(numpy.random.SeedSequence([seed, chunk]))

    def uniform(self, *shape: int) -> NDArray[Any]:
        """Return numbers from zero to below one."""
        import numpy

        raw = self._bits.random_raw(int(numpy.prod(shape)))
        found: NDArray[Any] = ((raw >> numpy.uint64(11)) * 2.0**-53).reshape(shape)
        return found


class Drawer:
    """Draws chunks of patients from a plan."""

    def __init__(self, plan: Plan, program: Program, settings: Settings, instants: tuple[datetime, ...], seed: int) -> None:
        import numpy

        self._settings, self._instants, self._seed = settings, instants, seed
        self._limits = [int(value) for each in program.indicators if each.total for value, _ in each.cuts]
        self._shares = numpy.cumsum(plan.shares)
        self._nothing = len(plan.conditions) - 1
        self._chances = numpy.array([group.chances for group in plan.groups]).T.copy()
        members = [member for group in plan.groups for member in group.members]
        self._first = numpy.cumsum([0] + [len(group.members) for group in plan.groups])
        self._kept = numpy.array([group.kept for group in plan.groups])
        self._starts = numpy.cumsum([0] + [len(member.variants) for member in members])
        self._variants = numpy.array([number for member in members for number in member.variants], dtype=numpy.int64)
        self._ages = numpy.array([member.ages for member in members])
        subjects: dict[str, int] = {}
        self._subjects = numpy.array([subjects.setdefault(each.subject, len(subjects)) for each in plan.variants])
        self._single = numpy.array([group.role in _SINGLE for group in plan.groups])
        self._contradictions = Contradictions.of(program, plan.variants)
        self._confirming = numpy.full(len(plan.groups), -1)
        for place, group in enumerate(plan.groups):
            if group.role.startswith("confirms "):
                self._confirming[place] = plan.conditions.index(group.role.removeprefix("confirms "))

    def chunks(self, count: int) -> Iterator[Chunk]:
        """Yield `count` patients."""
        for number, first in enumerate(range(0, count, CHUNK)):
            chunk = self._chunk(number, first)
            yield chunk if first + CHUNK <= count else _shortened(chunk, count - first)

    def _chunk(self, number: int, first: int) -> Chunk:
        import numpy

        stream = _Stream(self._seed, number)
        conditions = self._conditions(stream)
        second = numpy.where(conditions[:, 1] < 0, conditions[:, 0], conditions[:, 1])
        chances = numpy.maximum(self._chances[conditions[:, 0]], self._chances[second])
        patients, groups = numpy.nonzero(stream.uniform(*chances.shape) < chances)
        sizes = self._first[groups + 1] - self._first[groups]
        members = self._first[groups] + (stream.uniform(len(groups)) * sizes).astype(numpy.int64)
        confirmed = numpy.zeros((CHUNK, 2), dtype=bool)
        for place in (0, 1):
            confirmed[patients[self._confirming[groups] == conditions[patients, place]], place] = True
        confirmed &= conditions >= 0
        instants = (numpy.arange(CHUNK) + first) % len(self._instants)
        births, ages = self._births(stream, instants, patients, members)
        patients, variants = self._records(stream, patients, groups, members)
        return Chunk(first, CHUNK, instants, births, ages, patients, variants, conditions, confirmed)

    def _conditions(self, stream: _Stream) -> NDArray[Any]:
        import numpy

        drawn = numpy.searchsorted(self._shares, stream.uniform(CHUNK, 2) * self._shares[-1], side="right")
        found: NDArray[Any] = numpy.minimum(drawn, self._nothing)
        alone = stream.uniform(CHUNK) >= self._settings.figure("coexisting")
        nothing = (found == self._nothing).any(axis=1) | (found[:, 0] == found[:, 1])
        found[alone | nothing, 1] = -1
        return found

    def _records(
        self, stream: _Stream, patients: NDArray[Any], groups: NDArray[Any], members: NDArray[Any]
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return patients and variants in parallel; most of those about a term that the patient already has are dropped.

        So are most single records that deny what another one states, as a patient who is asked does not contradict himself.
        """
        import numpy

        sizes = self._starts[members + 1] - self._starts[members]
        single = numpy.repeat(self._single[groups], sizes)
        patients, kept = numpy.repeat(patients, sizes), numpy.repeat(self._kept[groups], sizes)
        places = numpy.arange(sizes.sum()) - numpy.repeat(numpy.cumsum(sizes) - sizes, sizes)
        variants = self._variants[numpy.repeat(self._starts[members], sizes) + places]
        stays = stream.uniform(len(variants)) < kept
        subjects = self._subjects[variants]
        order = numpy.lexsort((numpy.arange(len(variants)), ~stays, subjects, patients))
        again = numpy.zeros(len(variants), dtype=bool)
        again[order[1:]] = (patients[order[1:]] == patients[order[:-1]]) & (subjects[order[1:]] == subjects[order[:-1]])
        stays &= ~again | (stream.uniform(len(variants)) < self._settings.figure("repeated"))
        patients, variants, single = patients[stays], variants[stays], single[stays]
        against = single & self._contradictions.among(patients, variants)
        stays = ~against | (stream.uniform(len(variants)) < self._settings.figure("contradictory"))
        return patients[stays], variants[stays]

    # --- age ---------------------------------------------------------------------------------------------------------

    def _births(
        self, stream: _Stream, instants: NDArray[Any], patients: NDArray[Any], members: NDArray[Any]
    ) -> tuple[tuple[str | None, ...], tuple[str | None, ...]]:
        """Return dates of birth and stated ages, each None where it is not on record."""
        import numpy

        figure = self._settings.figure
        low, high = numpy.full(CHUNK, figure("youngest")), numpy.full(CHUNK, figure("oldest"))
        asked = (self._ages[members] != ANY_AGE).any(axis=1)
        numpy.maximum.at(low, patients[asked], self._ages[members[asked], 0])
        numpy.minimum.at(high, patients[asked], self._ages[members[asked], 1])
        years = low + stream.uniform(CHUNK) * numpy.maximum(high - low, 0) + 0.5
        today = numpy.array([each.date().isoformat() for each in self._instants], dtype="datetime64[D]")[instants]
        born = today - (years * _DAYS_OF_A_YEAR).astype(numpy.int64)
        on_limit = stream.uniform(CHUNK) < figure("birthday_on_limit")
        limits = numpy.array(self._limits or [0])[(stream.uniform(CHUNK) * max(len(self._limits), 1)).astype(numpy.int64)]
        beside = (stream.uniform(CHUNK) * 3).astype(numpy.int64) - 1
        born = numpy.where(on_limit & (len(self._limits) > 0), _years_before(today, limits) + beside, born)
        return _as_recorded(born, years, stream.uniform(CHUNK), [figure(f"{name}") for name in _WAYS])


_WAYS = ("age_missing", "age_only", "birth_year_only", "birth_month_only")


def _years_before(days: NDArray[Any], years: NDArray[Any]) -> NDArray[Any]:
    import numpy

    months = days.astype("datetime64[M]")
    found: NDArray[Any] = (months - 12 * years).astype("datetime64[D]") + (days - months.astype("datetime64[D]")).astype(numpy.int64)
    return found


def _as_recorded(
    born: NDArray[Any], years: NDArray[Any], draws: NDArray[Any], chances: list[float]
) -> tuple[tuple[str | None, ...], tuple[str | None, ...]]:
    import numpy

    texts = numpy.datetime_as_string(born).tolist()
    missing, age, year, month = numpy.cumsum(chances).tolist()
    births: list[str | None] = []
    ages: list[str | None] = []
    for text, old, draw in zip(texts, years.astype(int).tolist(), draws.tolist(), strict=True):
        births.append(None if draw < age else text[:4] if draw < year else text[:7] if draw < month else text)
        ages.append(str(old) if missing <= draw < age else None)
    return tuple(births), tuple(ages)


def _shortened(chunk: Chunk, count: int) -> Chunk:
    stays = chunk.patients < count
    return Chunk(
        chunk.first,
        count,
        chunk.instants[:count],
        chunk.births[:count],
        chunk.ages[:count],
        chunk.patients[stays],
        chunk.variants[stays],
        chunk.conditions[:count],
        chunk.confirmed[:count],
    )
