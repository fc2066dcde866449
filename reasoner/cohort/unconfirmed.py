"""Read unconfirmed records that may bear on a red flag as if they were confirmed, as `reasoner.abstraction.unconfirmed` does for one case.

The readings of all cases are judged together, as a batch of their own, where all such records of a case name the same finding, drug
or condition, so that there is one reading of it. Results of tests, several readings and contradictions are left to the single case.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from reasoner.abstraction.unconfirmed import UNCONFIRMED, unconfirmed_problem
from reasoner.cohort.advising import raised_flags
from reasoner.cohort.batch import Batch
from reasoner.cohort.clock import Clock
from reasoner.cohort.indicators import indicator_planes
from reasoner.cohort.known import Known
from reasoner.cohort.lexicon import KINDS, Flags, Ids, Lexicon
from reasoner.cohort.memory import Memory
from reasoner.cohort.planes import Plane, Space, anywhere
from reasoner.cohort.stating import findings_of, stated_facts
from reasoner.program.model import Program
from reasoner.record import Problem
from reasoner.terms import RecordKind, lc

__all__ = ["Doubts", "Readings", "doubts_of", "read_doubts"]

_STATUS, _PRESENCE, _SIDE = lc("recordStatus"), lc("presence"), lc("side")
_FINDING, _CLOSURE, *_TESTS = (
    KINDS.index(kind) for kind in (RecordKind.FINDING, RecordKind.CLOSURE, RecordKind.MEASUREMENT, RecordKind.EXAMINATION)
)


@dataclass(frozen=True, slots=True)
class Doubts:
    """The unconfirmed records that may bear on a red flag, by row; their cases, and those of them that have more than one reading."""

    rows: Ids
    cases: Flags
    several: Flags


def doubts_of(batch: Batch, program: Program, lexicon: Lexicon) -> Doubts:
    """Return the unconfirmed records of a batch that may bear on a red flag."""
    unsure = lexicon.words(_STATUS, batch.stated[_STATUS], ("", UNCONFIRMED)) == 1
    rows = np.flatnonzero(unsure & (batch.kind >= 0) & (batch.kind != _CLOSURE) & (batch.term >= 0))
    present = lexicon.words(_PRESENCE, batch.stated[_PRESENCE][rows], ("", "present")) == 1
    rows = rows[present | (batch.kind[rows] != _FINDING)]
    terms, place = np.unique(batch.term[rows], return_inverse=True)
    names = tuple(program.sorts)
    rows = rows[np.array([program.alarms.bears(names[term]) for term in terms.tolist()], dtype=bool)[place]]
    case = batch.case[rows]
    first = np.zeros(batch.size, dtype=np.int64)
    first[case[::-1]] = rows[::-1]
    unlike = np.isin(batch.kind[rows], _TESTS)
    for said in (batch.term, batch.stated[_SIDE]):
        unlike |= said[rows] != said[first[case]]
    cases, several = np.zeros((2, batch.size), dtype=bool)
    cases[case] = several[case[unlike]] = True
    return Doubts(rows, cases, several)


@dataclass(frozen=True, slots=True)
class Readings:
    """What is known of some cases, given by place, if their unconfirmed records count.

    `records` names each of these, with the place of its case among those cases. `alone` marks the cases of which that says too little,
    since what is then on record contradicts itself.
    """

    cases: Ids
    known: Known
    records: tuple[tuple[int, str], ...]
    alone: Flags

    def telling(self, known: Known, program: Program) -> Telling:
        """Return the readings that say more of red flags than what is `known` of all cases without them."""
        flags, before = raised_flags(program, self.known), raised_flags(program, known)
        more = {index: self._more(plane, before[index], known) for index, plane in flags.items()}
        for index in flags:
            eligible = program.watch.watched[index].eligible
            more[index] |= self._more(self.known.true(eligible), known.true(eligible), known)
        return Telling(self, {index: own & ~self.alone for index, own in more.items()}, flags)

    def _more(self, plane: Plane, before: Plane, known: Known) -> Flags:
        """Return the readings under which a plane holds that did not hold before."""
        return self.known.space.flags(plane) & ~known.space.flags(before)[self.cases]


@dataclass(frozen=True, slots=True)
class Telling:
    """The red flags, by index, that readings raise: `more` marks the readings that say more of each, `flags` those that raise it."""

    readings: Readings
    more: dict[int, Flags]
    flags: dict[int, Plane]

    def raised(self, space: Space) -> dict[int, Plane]:
        """Return where each red flag is raised, among all cases, by index."""
        told = np.logical_or.reduce([*self.more.values(), np.zeros(len(self.readings.cases), dtype=bool)])
        own = {index: self.readings.known.space.flags(plane) & told for index, plane in self.flags.items() if anywhere(plane)}
        return {index: space.pack(self.readings.cases[each]) for index, each in own.items()}

    def problems(self, program: Program) -> Iterator[tuple[int, Problem]]:
        """Yield what is to be said of the records of a reading, with the place of the case."""
        raised: dict[int, list[int]] = {}
        for index, own in self.more.items():
            for place in np.flatnonzero(own).tolist():
                raised.setdefault(place, []).append(index)
        records: dict[int, list[str]] = {}
        for place, record in self.readings.records:
            records.setdefault(place, []).append(record)
        for place, indices in raised.items():
            yield int(self.readings.cases[place]), unconfirmed_problem(indices, records[place], program)


def read_doubts(batch: Batch, doubts: Doubts, chosen: Flags, clock: Clock, memory: Memory) -> Readings:
    """Return what is known of the chosen cases if their unconfirmed records that may bear on a red flag count."""
    cases = np.flatnonzero(chosen)
    own, rows = batch.part(cases)
    counting = np.flatnonzero(np.isin(rows, doubts.rows))
    own.stated[_STATUS][counting] = -1
    space, clock = Space(own.size), clock.part(cases)
    known = Known(memory.asked, space, memory.diagrams)
    program, lexicon = memory.asked.program, memory.lexicon
    facts, spoken = stated_facts(own, memory.asked, lexicon, clock, space)
    known.enter_facts(facts)
    clashing = space.union(known.contradicted(facts).values())
    found, denied = (findings_of(facts, space, present=wanted) for wanted in (True, False))
    indicators = indicator_planes(own, program, lexicon, clock, memory.families, found, denied, spoken, space)
    known.enter_masks(indicators.masks)
    known.settle(memory.asked.alarms)
    names = own.names.take(pa.array(counting)).to_pylist()
    records = tuple(zip(own.case[counting].tolist(), names, strict=True))
    return Readings(cases, known, records, space.flags(clashing) | indicators.alone)
