"""Know the instants of all cases: as-of, the last scan that divides new from old, and the edges of what is recent."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from reasoner.abstraction.measurements import are_limits
from reasoner.cohort.batch import Batch
from reasoner.cohort.lexicon import KINDS, Flags, Ids, Lexicon
from reasoner.cohort.packing import distinct, packed
from reasoner.cohort.single import Settings
from reasoner.moments import DAY
from reasoner.program.model import Program
from reasoner.record import STANDING
from reasoner.record_terms import DATES
from reasoner.terms import RecordKind, lc

__all__ = ["Clock", "Last", "clock_of", "last_examinations"]

_EXAMINATION, _FINDING = (KINDS.index(kind) for kind in (RecordKind.EXAMINATION, RecordKind.FINDING))
_SHORTEST_YEAR = 365
_LONG_AGO = -(1 << 61)


@dataclass(frozen=True, slots=True)
class Last:
    """Whether an examination of a kind is on record, whether all are dated, and when the last one was."""

    on_record: Flags
    dated: Flags
    low: Ids
    high: Ids


@dataclass(frozen=True, slots=True)
class Clock:
    """The instants of each case, in seconds; the dividing scan is `dated` where it is known when it was performed.

    `ahead` marks the cases with a finding that is dated after the as-of instant, and those that may say what cannot be.
    """

    low: Ids
    high: Ids
    scanned: Flags
    dated: Flags
    scan_low: Ids
    scan_high: Ids
    ahead: Flags

    def edge(self, days: int) -> Ids:
        """Return the last second that is not within the last `days` days."""
        return (self.low // DAY - days) * DAY - 1

    def part(self, cases: Ids) -> Clock:
        """Return the instants of some of the cases."""
        return Clock(*(getattr(self, each.name)[cases] for each in fields(self)))


def clock_of(batch: Batch, program: Program, lexicon: Lexicon, settings: Settings) -> Clock:
    """Return the instants of the cases of a batch."""
    stated, low, high = lexicon.moments(lc("asOf"), batch.about_case[lc("asOf")])
    given = settings.as_of
    low, high = (np.where(stated, found, now) for found, now in ((low, settings.now.low), (high, settings.now.high)))
    if given is not None:
        low, high = np.full_like(low, given.low), np.full_like(high, given.high)
    ahead = np.zeros(batch.size, dtype=bool)
    rows = np.flatnonzero(batch.kind == _FINDING)
    for name in (lc("onset"), lc("recordedOn")):
        dated, begun, _ = lexicon.moments(name, batch.stated[name][rows])
        ahead[batch.case[rows][dated & (begun > high[batch.case[rows]])]] = True
    ahead |= _impossible(batch, program, lexicon, low, high)
    if program.new_since is None:
        never = np.zeros(batch.size, dtype=bool)
        return Clock(low, high, never, never, low, low, ahead)
    last = last_examinations(batch, program, lexicon, high, program.new_since)
    return Clock(low, high, last.on_record, last.on_record & last.dated, last.low, last.high, ahead)


def _impossible(batch: Batch, program: Program, lexicon: Lexicon, low: Ids, high: Ids) -> Flags:
    """Return the cases that may say what `reasoner.abstraction.impossible` names: none of those is missing."""
    born, first, last = lexicon.moments(lc("birthDate"), batch.about_case[lc("birthDate")])
    ages = [each for each in program.indicators if each.form == "difference" and not (each.tests or each.minuend)]
    oldest = [int(limit) for each in ages if (limit := program.gauges.gauges[each.iri].highest) is not None]
    found = born & (last > low)
    if oldest:
        found |= born & (low // DAY - first // DAY > min(oldest) * _SHORTEST_YEAR)
    odd = np.zeros(len(batch.case), dtype=bool)
    birth = np.where(born, first, _LONG_AGO)[batch.case]
    for name in DATES:
        rows = np.flatnonzero(batch.stated[lc(name)] >= 0)
        stated, _, end = lexicon.moments(lc(name), batch.stated[lc(name)][rows])
        odd[rows[stated & (end < birth[rows])]] = True
    rows = np.flatnonzero(batch.stated[lc("ended")] >= 0)
    ended, _, end = lexicon.moments(lc("ended"), batch.stated[lc("ended")][rows])
    for name in ("onset", "started"):
        begun, begin, _ = lexicon.moments(lc(name), batch.stated[lc(name)][rows])
        odd[rows[ended & begun & (end < begin)]] = True
    rows = np.flatnonzero(batch.stated[lc("referenceHigh")] >= 0)
    limits = [(batch.stated[lc(name)][rows], [*lexicon.values[lc(name)], None]) for name in ("referenceLow", "referenceHigh")]
    first, back = distinct(packed([ids for ids, _ in limits]))
    pairs = zip(*([values[place] for place in ids[first].tolist()] for ids, values in limits), strict=True)
    odd[rows] |= np.array([not are_limits(*pair) for pair in pairs], dtype=bool)[back]
    found[batch.case[odd]] = True
    return found


def last_examinations(batch: Batch, program: Program, lexicon: Lexicon, as_of: Ids, test: str) -> Last:
    """Return the last examination by a test or one below it; `as_of` is the last second of each case."""
    terms = {name: place for place, name in enumerate(program.sorts)}
    wanted = np.zeros(len(terms) + 1, dtype=bool)
    wanted[[terms[name] for name in program.below.get(test, (test,)) if name in terms]] = True
    rows = np.flatnonzero((batch.kind == _EXAMINATION) & wanted[batch.term])
    status = lexicon.words(lc("recordStatus"), batch.stated[lc("recordStatus")][rows], STANDING)
    stated, low, high = lexicon.moments(lc("performedOn"), batch.stated[lc("performedOn")][rows])
    current = (status >= 0) & ~(stated & (low > as_of[batch.case[rows]]))
    rows, stated, low, high = rows[current], stated[current], low[current], high[current]
    case = batch.case[rows]
    found = np.zeros(batch.size, dtype=bool)
    found[case] = True
    dated = np.ones(batch.size, dtype=bool)
    dated[case[~stated]] = False
    latest = np.full(batch.size, _LONG_AGO, dtype=np.int64)
    np.maximum.at(latest, case, high)
    first = np.full(batch.size, _LONG_AGO, dtype=np.int64)
    leading = high == latest[case]
    np.maximum.at(first, case[leading], low[leading])
    return Last(found, dated, first, latest)
