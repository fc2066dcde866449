"""Derive the indicators of all cases: each distinct constellation of the records of a test is derived once, by the definition.

Tests whose values an indicator looks at together form a family. What the records of a family say of its indicators depends on
what they state, on their ages as far as a validity window, a day count or an order asks for them, and, for a limit that depends
on it, on the age of the patient: that is the key of a constellation. Its first case stands for all others. A constellation whose
values contradict each other or are not usable is left to the single case.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import Any

import numpy as np

from reasoner.abstraction import abstract_case
from reasoner.abstraction.chart import Chart
from reasoner.abstraction.context import ONE, Context, interval_state
from reasoner.abstraction.impossible import IMPOSSIBLE
from reasoner.abstraction.indicators import derive_indicators
from reasoner.abstraction.measured import select
from reasoner.abstraction.measurements import as_ends
from reasoner.abstraction.state import IndicatorState
from reasoner.cohort.ages import Ages
from reasoner.cohort.batch import Batch
from reasoner.cohort.clock import Clock
from reasoner.cohort.lexicon import KINDS, Flags, Ids, Lexicon
from reasoner.cohort.packing import distinct, packed
from reasoner.cohort.planes import Plane, Planes, Space, anywhere, grouped
from reasoner.cohort.rebuilt import Rebuilder
from reasoner.moments import DAY, Moment
from reasoner.program.effects import Effect, Masks, united
from reasoner.program.model import Indicator, Program
from reasoner.record import STANDING, Case, ExaminationRecord, MeasurementRecord, Problem, Record
from reasoner.terms import RecordKind, lc

__all__ = ["Families", "IndicatorPlanes", "indicator_planes"]

_MEASUREMENT, _EXAMINATION = (KINDS.index(kind) for kind in (RecordKind.MEASUREMENT, RecordKind.EXAMINATION))
_FINDING = KINDS.index(RecordKind.FINDING)
_PRESENCES = ("", "present", "absent")
_ATTRIBUTES = tuple(lc(name) for name in ("extent", "completeness", "result"))
_SAID = tuple(
    lc(name) for name in ("value", "unit", "comparator", "interpretation", "referenceLow", "referenceHigh", "side", "recordStatus")
)
_PERFORMED = lc("performedOn")
_WIDEST = 1 << 62
_NONE: Ids = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Family:
    """Tests that share indicators: the indicators, the ages at which one of them loses sight of a record, and what keys must hold.

    The age of the patient matters beside records of up to `age_days` days; all up to `age_from` years are alike.
    """

    tests: tuple[str, ...]
    indicators: tuple[Indicator, ...]
    windows: tuple[int, ...]
    by_day: bool
    age_days: int
    age_from: int
    sums: tuple[Indicator, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a constellation comes to; `alone` says that it must be left to the single case, `stated` which sums it states.

    `problems` are those of values that are not usable, with the place of the record among those of the constellation.
    """

    mask: Masks
    stated: tuple[str, ...]
    problems: tuple[tuple[int, Problem], ...]
    alone: bool


@dataclass(frozen=True, slots=True)
class IndicatorPlanes:
    """The planes of each mask, the cases that must be answered alone, and problems with the places of case and record."""

    masks: dict[Masks, Plane]
    alone: Flags
    problems: list[tuple[int, int, Problem]]


class Families:
    """The families of a program and the constellations met so far; a process keeps one for all its chunks."""

    def __init__(self, program: Program) -> None:
        self.families = _families(program)
        self.of_test = {test: number for number, family in enumerate(self.families) for test in family.tests}
        self.outcomes: dict[tuple[Any, ...], Outcome] = {}


def _families(program: Program) -> tuple[Family, ...]:
    leader: dict[str, str] = {}

    def find(test: str) -> str:
        while leader.setdefault(test, test) != test:
            test = leader[test]
        return test

    tests_of = {each.iri: _tests(each, program) for each in program.indicators}
    for each in program.indicators:
        for other in tests_of[each.iri][1:]:
            if each.form != "on_record":  # one record is enough, whatever the others say
                leader[find(other)] = find(tests_of[each.iri][0])
    tests: dict[str, set[str]] = {}
    groups: dict[str, dict[str, Indicator]] = {}
    for each in program.indicators:
        for test in tests_of[each.iri]:
            tests.setdefault(find(test), set()).add(test)
            groups.setdefault(find(test), {})[each.iri] = each
    return tuple(_family(sorted(tests[root]), list(found.values())) for root, found in groups.items())


def _tests(indicator: Indicator, program: Program) -> list[str]:
    """Return the tests whose records an indicator looks at."""
    operands = [program.indicator[iri] for iri in (indicator.minuend, indicator.subtrahend) if iri]
    tests = [test for each in (indicator, *operands) for test in each.tests]
    return sorted({below for test in tests for below in program.below.get(test, (test,))})


def _family(tests: list[str], found: list[Indicator]) -> Family:
    names = {each.iri for each in found}
    aging = [each for each in found if each.depends is not None and each.depends not in names]
    return Family(
        tuple(tests),
        tuple(found),
        tuple(sorted({each.valid_days for each in found if each.valid_days is not None})),
        any(each.form == "difference" and each.tests for each in found),
        max((_WIDEST if each.valid_days is None or each.lasting else each.valid_days for each in aging), default=-_WIDEST),
        min((int(Decimal(each.limit_from or "0")) for each in aging), default=0),
        tuple(each for each in found if each.form == "weighted_sum"),
    )


def indicator_planes(
    batch: Batch,
    program: Program,
    lexicon: Lexicon,
    clock: Clock,
    families: Families,
    stated: Planes,
    denied: Planes,
    spoken: Planes,
    space: Space,
) -> IndicatorPlanes:
    """Return what is known of the indicators; `stated` and `denied` are the findings known present and absent, `spoken` those named."""
    derivation = _Derivation(batch, program, lexicon, clock, families, space)
    derivation.measure()
    derivation.sum_up(stated, denied)
    derivation.look_at_findings(spoken)
    derivation.look_at_ages()
    return IndicatorPlanes(derivation.masks, derivation.alone, derivation.remarks)


class _Derivation:
    def __init__(self, batch: Batch, program: Program, lexicon: Lexicon, clock: Clock, families: Families, space: Space) -> None:
        self.batch, self.program, self.lexicon, self.clock, self.families, self.space = batch, program, lexicon, clock, families, space
        self.ages = Ages(batch, program, lexicon, clock)
        self.masks: dict[Masks, Plane] = {}
        self.alone = np.zeros(batch.size, dtype=bool)
        self.stated = Planes(space)
        self.rebuilder = Rebuilder(batch, program, lexicon)
        self.remarks: list[tuple[int, int, Problem]] = []

    def add(self, mask: Masks, plane: Plane) -> None:
        """Let a mask hold in the cases of a plane."""
        if mask[0] and anywhere(plane):
            self.masks[mask] = self.masks[mask] | plane if mask in self.masks else plane

    # --- tests ---------------------------------------------------------------------------------------------------------

    def measure(self) -> None:
        """Derive the indicators of tests."""
        families = np.full(len(self.program.sorts) + 1, -1, dtype=np.int64)
        for place, name in enumerate(self.program.sorts):
            families[place] = self.families.of_test.get(name, -1)
        batch = self.batch
        rows = np.flatnonzero(((batch.kind == _MEASUREMENT) | (batch.kind == _EXAMINATION)) & (families[batch.term] >= 0))
        number = families[batch.term[rows]]
        order = np.argsort(batch.case[rows] * (len(self.families.families) + 1) + number, kind="stable")
        rows, number = rows[order], number[order]
        case = batch.case[rows]
        stated, low, high = self.lexicon.moments(_PERFORMED, batch.stated[_PERFORMED][rows])
        ahead = stated & (low > self.clock.high[case])
        self.alone[case[ahead]] = True
        today = self.clock.low[case] // DAY
        first, last = (np.where(stated, today - found // DAY, -1) for found in (high, low))
        windows = np.full((len(self.families.families), 1 + max(len(each.windows) for each in self.families.families)), _WIDEST)
        for place, family in enumerate(self.families.families):
            windows[place, : len(family.windows)] = family.windows
        bucket = np.where(stated, (first[:, None] > windows[number]).sum(axis=1), -1)
        by_day = np.array([each.by_day for each in self.families.families])[number]
        self.rows, self.number = rows, number
        self.times = np.stack([np.where(by_day, first, bucket), np.where(by_day, last, stated - 1)], axis=1)
        self.times[ahead, 1] = -2  # what comes of a record of the future is not that of a recent one
        self.days, self.low, self.high, self.dated = first, low, high, stated
        starts = np.flatnonzero(np.diff(case * len(self.families.families) + number, prepend=-1)) if len(rows) else np.zeros(0, np.int64)
        sizes = np.diff(np.append(starts, len(rows)))
        self._singles(starts[sizes == 1], said := self._keys())
        self._several(starts[sizes > 1], sizes[sizes > 1], said)

    def _keys(self) -> list[Ids]:
        """Return what of the records, whatever their dates, the constellations depend on."""
        batch, rows, case = self.batch, self.rows, self.batch.case[self.rows]
        age_days, age_from = (
            np.array(each)[self.number] for each in zip(*((of.age_days, of.age_from) for of in self.families.families), strict=True)
        )
        said = [batch.stated[name][rows] + 1 for name in (*_SAID, *_ATTRIBUTES)]
        ages = [
            np.where(self.days <= age_days, np.where(found < 0, found, np.maximum(found, age_from)), -2) + 2
            for found in (self.ages.low[case], self.ages.high[case])
        ]
        return [batch.term[rows], batch.kind[rows], *said, *ages]

    def _singles(self, places: Ids, said: Sequence[Ids]) -> None:
        """Derive the families of which a case has one record."""
        columns = [column[places] for column in [*said, self.times[:, 0] + 1, self.times[:, 1] + 1]]
        first, back = distinct(packed(columns))
        keys = [*zip(*(column[first].tolist() for column in columns), strict=True)]
        outcomes = self._outcomes(keys, [[place] for place in places[first].tolist()])
        remarked = np.array([bool(each.problems) for each in outcomes], dtype=bool)[back] if outcomes else np.zeros(0, dtype=bool)
        for place, number in zip(places[remarked].tolist(), back[remarked].tolist(), strict=True):
            self._note(outcomes[number], [place])
        self._enter(outcomes, back, places)

    def _several(self, starts: Ids, sizes: Ids, said: Sequence[Ids]) -> None:
        """Derive the families of which a case has several records."""
        group, offsets = np.repeat(np.arange(len(starts)), sizes), np.cumsum(sizes) - sizes
        places = np.arange(len(group)) + np.repeat(starts - offsets, sizes)
        columns = [column[places] for column in (*said, *self.times.T)] + self._distances(group, places)
        values, codes = np.stack(columns, axis=1), packed(columns)
        order = np.lexsort((codes, group))
        values, codes, places = values[order], codes[order], places[order]
        for size in np.unique(sizes).tolist():
            own = np.flatnonzero(sizes == size)
            at = offsets[own][:, None] + np.arange(size)
            first, back = distinct(packed(list(codes[at].T)))
            outcomes = self._outcomes([tuple(map(tuple, values[each].tolist())) for each in at[first]], places[at[first]].tolist())
            remarked = np.array([bool(each.problems) for each in outcomes])[back]
            for each in np.flatnonzero(remarked).tolist():
                self._note(outcomes[back[each]], places[at[each]].tolist())
            self._enter(outcomes, back, starts[own])

    def _distances(self, group: Ids, places: Ids) -> list[Ids]:
        """Return per record of a group its place in time, its days before the latest, and whether it may be as late; −1 undated."""
        dated = np.flatnonzero(self.dated[places])
        ids = self.batch.stated[_PERFORMED][self.rows[places]]
        order = dated[np.lexsort((ids[dated], self.low[places[dated]], self.high[places[dated]], group[dated]))]
        groups, moments = group[order], [each[order] for each in (ids, self.low[places], self.high[places])]
        begins = np.diff(groups, prepend=-1) != 0
        later = np.logical_or.reduce([np.diff(each, prepend=-1) != 0 for each in moments]) & ~begins
        count = np.cumsum(later)
        starts = np.flatnonzero(begins)
        sizes = np.diff(np.append(starts, len(order)))
        latest = np.repeat(starts + sizes - 1, sizes)
        _, low, high = moments
        rank, apart, touches = (np.full(len(places), missing, dtype=np.int64) for missing in (-1, -1, 0))
        rank[order] = count - np.repeat(count[starts], sizes)
        apart[order] = high[latest] // DAY - high // DAY
        touches[order] = high >= low[latest]
        return [rank, apart, touches]

    def _note(self, outcome: Outcome, places: list[int]) -> None:
        """Note the problems of a constellation as those of the records of one case."""
        for order, problem in outcome.problems:
            row = int(self.rows[places[order]])
            self.remarks.append((int(self.batch.case[row]), row, problem))

    def _enter(self, outcomes: list[Outcome], back: Ids, starts: Ids) -> None:
        """Enter what constellations come to; `starts` are the places of their first records."""
        case = self.batch.case[self.rows[starts]]
        masks: dict[Masks, int] = {}
        codes = np.array([masks.setdefault(each.mask, len(masks)) for each in outcomes], dtype=np.int64)
        names = list(masks)
        if len(back):
            for code, cases in grouped(codes[back], case):
                self.add(names[code], self.space.pack(cases))
            self.alone[case[np.array([each.alone for each in outcomes], dtype=bool)[back]]] = True
            stating = np.array([bool(each.stated) for each in outcomes], dtype=bool)[back]
            for place, cases in grouped(back[stating], case[stating]):
                for iri in outcomes[place].stated:
                    self.stated.add(iri, self.space.pack(cases))

    def _outcomes(self, keys: list[tuple[Any, ...]], places: list[list[int]]) -> list[Outcome]:
        """Return what constellations come to, given their keys and the places of their records; the records of new ones are built together."""
        known = self.families.outcomes
        new = {key: own for key, own in zip(keys, places, strict=True) if key not in known}
        rows = self.rows[[place for own in new.values() for place in own]] if new else _NONE
        records = iter(self.rebuilder.records(rows, [f"r{order}" for own in new.values() for order in range(len(own))]))
        for key, own in new.items():
            known[key] = self._derive(own, [*islice(records, len(own))])
        return [known[key] for key in keys]

    def _derive(self, places: list[int], records: list[Record]) -> Outcome:
        """Derive the indicators of a family from the records of one case, by the definition."""
        program, family = self.program, self.families.families[self.number[places[0]]]
        number = int(self.batch.case[self.rows[places[0]]])
        case = Case(
            iri="",
            subject="",
            as_of=None,
            birth=self.ages.birth(number),
            stated_age=self.ages.stated(number),
            measurements=tuple(each for each in records if isinstance(each, MeasurementRecord)),
            examinations=tuple(each for each in records if isinstance(each, ExaminationRecord)),
        )
        as_of = Moment(int(self.clock.low[number]), int(self.clock.high[number]), "")
        chart = Chart(case, as_of)
        derived, unread = derive_indicators(case, program, as_of, chart, ())
        stated = []
        for each in family.sums:
            state = select(each, Context(case, program, as_of, chart, (), {}, unread)) if chart.measurements(each) else None
            if state is not None and state.settled:
                stated.append(each.iri)
            else:
                derived.pop(each.iri, None)
        states = [state for each in family.indicators if (state := derived.get(each.iri)) is not None]
        effects = [program.value_effects.of(state) for state in states]
        alone = any(state.status == "conflicting" for state in states)
        problems: tuple[tuple[int, Problem], ...] = ()
        if unread and not alone:
            said = (each for each in abstract_case(case, program, as_of).problems if each.code not in IMPOSSIBLE)  # such cases stand alone
            problems = tuple((int(each.sources[0][1:]), each) for each in said)
        return Outcome(united(effects), tuple(stated), problems, alone)

    # --- other indicators ----------------------------------------------------------------------------------------------

    def sum_up(self, stated: Planes, denied: Planes) -> None:
        """Derive weighted sums from findings, where no record states the sum itself."""
        program, space = self.program, self.space
        for indicator in program.indicators:
            if indicator.form != "weighted_sum":
                continue
            low, high = np.zeros(space.size, dtype=np.int64), np.zeros(space.size, dtype=np.int64)
            for findings, points in indicator.items:
                present = space.union(stated.any_of(program.below[each]) for each in findings)
                absent = space.every.copy()
                for each in findings:
                    absent &= denied.any_of(program.parents[each])
                held, unknown = space.flags(present), space.flags(space.every ^ (present | absent))
                low += np.where(held, points, np.where(unknown, min(points, 0), 0))
                high += np.where(held, points, np.where(unknown, max(points, 0), 0))
            summed = space.cases(space.every ^ self.stated[indicator.iri])
            self._intervals(indicator, summed, low[summed], high[summed])

    def look_at_findings(self, spoken: Planes) -> None:
        """Derive what findings and closures put on record."""
        program, batch, space = self.program, self.batch, self.space
        presence = self.lexicon.words(lc("presence"), batch.stated[lc("presence")], _PRESENCES)
        terms = tuple(program.sorts)
        for indicator in program.indicators:
            if indicator.form == "on_record" and indicator.finding:
                wanted = set(program.below[indicator.finding])
                chosen = (batch.kind == _FINDING) & np.array([term in wanted for term in terms])[batch.term] & (presence > 0)
                tested = np.array([term in indicator.tests for term in terms])[batch.term] & (batch.kind >= 0) & (batch.kind != _FINDING)
                near = {*program.parents[indicator.finding], *wanted}
                touched = spoken.any_of(near) | space.pack(batch.case[tested])
                self.add(united([self._true(indicator)]), space.pack(batch.case[chosen]) & touched)
            elif indicator.form == "closed":
                above = set(program.parents.get(indicator.closes or "", ()))
                status = self.lexicon.words(lc("recordStatus"), batch.stated[lc("recordStatus")], STANDING)
                chosen = (batch.kind == KINDS.index(RecordKind.CLOSURE)) & np.array([term in above for term in terms])[batch.term]
                self.add(united([self._true(indicator)]), space.pack(batch.case[chosen & (status >= 0)]))

    def _true(self, indicator: Indicator) -> Effect:
        return self.program.value_effects.of(IndicatorState(indicator.iri, "known", *ONE))

    def look_at_ages(self) -> None:
        """Derive the age."""
        for indicator in self.ages.indicators:
            known = np.flatnonzero(self.ages.low >= 0)
            self._intervals(indicator, known, self.ages.low[known], self.ages.high[known])

    def _intervals(self, indicator: Indicator, case: Ids, low: Ids, high: Ids) -> None:
        if not len(case):
            return
        base, width = low.min(), int(high.max() - low.min()) + 1
        for code, cases in grouped((low - base) * width + high - base, case):
            ends = as_ends(Decimal(int(code // width + base)), Decimal(int(code % width + base)))
            effect = self.program.value_effects.of(interval_state(indicator, ends, ()))
            self.add(united([effect]), self.space.pack(cases))
