"""Write the answers of all cases into tables, in the order in which `reasoner.cohort.output` writes those of one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from reasoner.advice import CERTAIN, POSSIBLE, PRESUMED, STANDINGS
from reasoner.cohort.advising import Advising, Judging
from reasoner.cohort.batch import Batch
from reasoner.cohort.clock import Clock, Last
from reasoner.cohort.lexicon import SUBJECT, Ids, Lexicon
from reasoner.cohort.output import schema_of
from reasoner.cohort.packing import distinct, order_of
from reasoner.cohort.planes import Plane, Space, anywhere
from reasoner.cohort.ranking import CONFIDENCES, STATUSES, Ranking
from reasoner.moments import DAY
from reasoner.program.model import Program, Recommendation
from reasoner.terms import by_label, lc

__all__ = ["Answers", "compact", "encoded"]

_EPOCH = date(1970, 1, 1).toordinal()
_SMALL = 4096
_LISTED = (CERTAIN, PRESUMED, POSSIBLE)


def encoded(name: str) -> pa.Schema:
    """Return the schema of a table, its texts as dictionaries."""
    texts = pa.dictionary(pa.int32(), pa.string())
    return pa.schema([field.with_type(texts) if field.type == pa.string() else field for field in schema_of(name)])


def compact(table: pa.Table) -> pa.Table:
    """Return a table whose dictionaries hold what it uses and nothing else, small ones in order, so that equal tables have equal bytes."""
    return pa.table([_compact(column) if pa.types.is_dictionary(column.type) else column for column in table.columns], schema=table.schema)


def _compact(column: pa.ChunkedArray) -> pa.DictionaryArray:
    whole = column.unify_dictionaries().combine_chunks()
    if isinstance(whole, pa.ChunkedArray):
        whole = whole.chunk(0) if whole.num_chunks else pa.array([], whole.type)
    codes = whole.indices.to_numpy(zero_copy_only=False)
    used = np.flatnonzero(np.bincount(codes, minlength=len(whole.dictionary)) > 0) if len(codes) else np.zeros(0, np.int64)
    if len(used) <= _SMALL:
        texts = whole.dictionary.take(pa.array(used)).to_pylist()
        used = used[sorted(range(len(used)), key=texts.__getitem__)]
    if len(used) == len(whole.dictionary) and (used == np.arange(len(used))).all():
        return whole
    places = np.zeros(len(whole.dictionary) + 1, dtype=np.int32)
    places[used] = np.arange(len(used), dtype=np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(places[codes]), whole.dictionary.take(pa.array(used)))


class Answers:
    """The tables of the cases of a batch that are answered as columns; `chosen` are those cases."""

    def __init__(self, batch: Batch, program: Program, lexicon: Lexicon, clock: Clock, space: Space, chosen: Plane) -> None:
        self.batch, self.program, self.lexicon, self.clock, self.space, self.chosen = batch, program, lexicon, clock, space, chosen

    def tables(self, advising: Advising, ranking: Ranking, last: Callable[[str], Last], now: str, as_of: str | None) -> dict[str, pa.Table]:
        """Return every table but the problems, of which these cases have none."""
        return {
            "cases": self._cases(ranking, now, as_of),
            "verdicts": self._verdicts(advising, last),
            "red_flags": self._red_flags(advising),
            "next_tests": self._next_tests(advising),
            "not_warranted": self._not_warranted(advising),
            "differential": self._differential(ranking),
            "problems": encoded("problems").empty_table(),
        }

    def _table(self, name: str, case: Ids, *columns: Any) -> pa.Table:
        """Return a table of the case and of columns, each an array or a pair of places and texts."""
        arrays = [pa.DictionaryArray.from_arrays(pa.array(case, pa.int32()), self.batch.cases)]
        for column in columns:
            if isinstance(column, tuple):
                places, texts = column
                known = {text: number for number, text in enumerate(sorted(set(texts)))}
                numbers = np.array([known[text] for text in texts], dtype=np.int32)
                column = pa.DictionaryArray.from_arrays(pa.array(numbers[places]), pa.array(list(known), pa.string()))
            arrays.append(column)
        return pa.Table.from_arrays(arrays, schema=encoded(name))

    def _ordered(self, entries: Iterable[Plane]) -> tuple[Ids, Ids]:
        """Return the cases and entries in which planes hold, case by case, entries in their order."""
        found = [self.space.cases(plane & self.chosen) for plane in entries]
        places = np.repeat(np.arange(len(found)), [len(each) for each in found])
        cases = np.concatenate(found) if found else np.zeros(0, np.int64)
        order = order_of(cases)
        return cases[order], places[order]

    # --- the tables ----------------------------------------------------------------------------------------------------

    def _cases(self, ranking: Ranking, now: str, as_of: str | None) -> pa.Table:
        case = self.space.cases(self.chosen)
        stated = self.batch.about_case[SUBJECT][case]
        named = self.batch.subjects.take(pa.array(stated, mask=stated < 0))
        filled = pc.coalesce(named, self.batch.cases.take(pa.array(case))).dictionary_encode()
        moments = [each.text if each else now for each in self.lexicon.values[lc("asOf")]] + [now]
        places = self.batch.about_case[lc("asOf")][case]
        if as_of is not None:
            moments, places = [as_of], np.zeros_like(places)
        places = np.where(places < 0, len(moments) - 1, places)
        first, back = distinct(places)
        texts = [moments[place] for place in places[first].tolist()]
        ordered = sorted(set(texts))
        by_text = {text: number for number, text in enumerate(ordered)}
        numbers = np.array([by_text[text] for text in texts], dtype=np.int64)[back]
        return self._table("cases", case, filled, (numbers, ordered), (ranking.confidence[case], CONFIDENCES))

    def _verdicts(self, advising: Advising, last: Callable[[str], Last]) -> pa.Table:
        size, count = self.space.size, len(advising.judged)
        shape = (size, count)
        verdict, certainty = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        rule = np.zeros(shape, np.int64)
        window = np.full((size, count, 4), -1, np.int64)
        words: list[tuple[str, str]] = []
        rules = [""]
        for place, judging in enumerate(advising.judged):
            for each, sure, plane in judging.verdicts:
                cases = self.space.cases(plane)
                verdict[cases, place], certainty[cases, place] = len(words), int(sure == PRESUMED)
                words.append((each.word, self.program.label(each.iri)))
            rule[:, place] = self._rules(judging, rules)
            self._windows(judging, window[:, place], last)
        case = np.repeat(self.space.cases(self.chosen), count)
        which = np.tile(np.arange(count), len(case) // count if count else 0)
        rows = (case, which)
        windows = window[rows]
        first, back = distinct(windows[:, :3].ravel())
        days = windows[:, :3].ravel()[first]
        back = back.reshape(-1, 3)
        texts = ["" if day == -1 else date.fromordinal(_EPOCH + day).isoformat() for day in days.tolist()]
        states = np.maximum(windows[:, 3], 0)
        return self._table(
            "verdicts",
            case,
            (which, [judging.decision.key for judging in advising.judged]),
            (verdict[rows], [word for word, _ in words]),
            (verdict[rows], [label for _, label in words]),
            (rule[rows], rules),
            (certainty[rows], (CERTAIN, PRESUMED)),
            *((back[:, column], texts) for column in range(3)),
            (states, ("", "early", "open", "overdue")),
        )

    def _rules(self, judging: Judging, rules: list[str]) -> Ids:
        """Return per case the place of the names of the rows that carry the verdict, adding to `rules`."""
        codes = np.zeros(self.space.size, dtype=np.int64)
        bits: list[tuple[int, str]] = []
        places: dict[int, int] = {}
        for row, _, plane in judging.rows:
            bit = places.setdefault(row, len(places))
            if bit == len(bits):
                bits.append((bit, self.program.recommendations[row].rule))
            codes |= self.space.flags(plane).astype(np.int64) << bit
        first, back = distinct(codes)
        own = {row: place for place, row in enumerate(judging.decision.rows)}
        order = sorted(places, key=lambda row: own[self.program.recommendations[row].iri])
        found = []
        for code in codes[first].tolist():
            names = dict.fromkeys(self.program.recommendations[row].rule for row in order if code >> places[row] & 1)
            rules.append("/".join(names))
            found.append(len(rules) - 1)
        return np.array(found, dtype=np.int64)[back]

    def _windows(self, judging: Judging, window: Any, last: Callable[[str], Last]) -> None:
        """Enter first, best and last day, and the place of the state, of the first row that has a window."""
        free = np.ones(self.space.size, dtype=bool)
        for row, plane in (*((row, plane) for row, _, plane in judging.rows), *judging.could_be):
            declared = self.program.recommendations[row].window
            if declared is None:
                continue
            since, first, target, final = declared
            examined = last(since)
            case = np.flatnonzero(self.space.flags(plane) & free)
            free[case] = False
            case = case[examined.on_record[case] & examined.dated[case]]
            elapsed = self.clock.low[case] // DAY - examined.high[case] // DAY
            start = examined.low[case] // DAY
            window[case, 0], window[case, 1], window[case, 2] = start + first, start + target, start + final
            window[case, 3] = np.where(elapsed < first, 1, np.where(elapsed <= final, 2, 3))

    def _red_flags(self, advising: Advising) -> pa.Table:
        flags = [(index, each) for index, each in enumerate(self.program.recommendations) if each.red_flag]
        entries = [(each, index, word) for index, each in flags for word in (CERTAIN, POSSIBLE)]
        entries.sort(key=lambda entry: (entry[0].urgency_rank, entry[2] != CERTAIN, by_label(self.program.label(entry[0].iri))))
        planes = [
            advising.certain[index] if word == CERTAIN else advising.presumed[index] | advising.possible[index]
            for _, index, word in entries
        ]
        case, place = self._ordered(planes)
        each = [entry[0] for entry in entries]
        return self._table(
            "red_flags",
            case,
            (place, [one.iri for one in each]),
            (place, [self.program.label(one.iri) for one in each]),
            (place, [one.urgency for one in each]),
            (place, [one.action_text for one in each]),
            (place, ["certain" if word == CERTAIN else "possible" for _, _, word in entries]),
        )

    def _next_tests(self, advising: Advising) -> pa.Table:
        """Return each test once, by the recommendation that leads it."""
        entries: list[tuple[tuple[int, int, int, int], str, Recommendation, str, Plane]] = []
        for index, each in enumerate(self.program.recommendations):
            if each.investigation and each.direction == "for" and not each.red_flag:
                carries = self.space.every if each.decision is None else advising.rests(index, self.space)
                for word in _LISTED:
                    plane = advising.standing(index, word) & carries
                    if anywhere(plane):
                        key = (each.urgency_rank, STANDINGS.index(word), each.step_rank, each.order)
                        entries.append((key, each.investigation, each, word, plane))
        entries.sort(key=lambda entry: entry[0])
        taken: dict[str, Plane] = {}
        leading = []
        for key, test, each, word, plane in entries:
            led = plane & (self.space.every ^ taken.get(test, self.space.none))
            taken[test] = taken.get(test, self.space.none) | plane
            if anywhere(led):
                leading.append((key, test, each, word, led))
        leading.sort(key=lambda entry: (entry[0], by_label(self.program.label(entry[1]))))
        case, place = self._ordered(entry[4] for entry in leading)
        keys = {key: number for number, key in enumerate(dict.fromkeys(entry[0] for entry in leading))}
        ranks = _shared_ranks(case, np.array([keys[entry[0]] for entry in leading], dtype=np.int64)[place])
        return self._table(
            "next_tests",
            case,
            pa.array(ranks, pa.int64()),
            (place, [test for _, test, _, _, _ in leading]),
            (place, [self.program.label(test) for _, test, _, _, _ in leading]),
            (place, [each.step for _, _, each, _, _ in leading]),
            (place, [each.urgency for _, _, each, _, _ in leading]),
            (place, [word for _, _, _, word, _ in leading]),
        )

    def _not_warranted(self, advising: Advising) -> pa.Table:
        entries = [
            (judging.decision.investigation, plane)
            for judging in advising.judged
            for verdict, _, plane in judging.verdicts
            if verdict.not_warranted and judging.decision.investigation
        ]
        for index, each in enumerate(self.program.recommendations):
            if each.direction == "against" and each.investigation and each.decision is None:
                entries.append((each.investigation, advising.certain[index] | advising.presumed[index]))
        entries.sort(key=lambda entry: by_label(self.program.label(entry[0]), entry[0]))
        case, place = self._ordered(plane for _, plane in entries)
        return self._table(
            "not_warranted", case, (place, [test for test, _ in entries]), (place, [self.program.label(test) for test, _ in entries])
        )

    def _differential(self, ranking: Ranking) -> pa.Table:
        chosen = self.space.cases(self.chosen)
        conditions = [each.condition.iri for each in self.program.scales.scales]
        case = np.repeat(chosen, len(conditions))

        def flat(grid: Ids) -> Ids:
            return grid[chosen].reshape(-1)

        order = flat(ranking.order)
        return self._table(
            "differential",
            case,
            pa.array(flat(ranking.rank), pa.int64()),
            (order, conditions),
            (order, [self.program.label(iri) for iri in conditions]),
            (flat(ranking.status), STATUSES),
            *(pa.array(flat(grid) / ranking.scale, pa.float64()) for grid in (ranking.weight, ranking.low, ranking.high)),
        )


def _shared_ranks(case: Ids, keys: Ids) -> Ids:
    """Return the rank of each row among those of its case; neighbours with equal keys share one."""
    if not len(case):
        return case
    new_case = np.diff(case, prepend=-1) != 0
    starts = np.flatnonzero(new_case)
    place = np.arange(len(case)) - np.repeat(starts, np.diff(np.append(starts, len(case)))) + 1
    fresh = new_case | (np.diff(keys, prepend=-1) != 0)
    leaders = np.maximum.accumulate(np.where(fresh, np.arange(len(case)), 0))
    found: Ids = place[leaders]
    return found
