"""Turn the medication and diagnosis records of all cases into facts, as `reasoner.abstraction.exposures` does for one."""

from __future__ import annotations

import numpy as np

from reasoner.cohort.asked import Asked
from reasoner.cohort.batch import Batch
from reasoner.cohort.clock import Clock
from reasoner.cohort.lexicon import KINDS, Flags, Ids, Lexicon
from reasoner.cohort.planes import Facts, Planes, Space, among, anywhere
from reasoner.program.model import Program
from reasoner.terms import RecordKind, Role, lc

__all__ = ["diagnosis_planes", "exposure_planes", "uses"]

_STATUSES = ("", "active", "stopped", "refuted", "entered_in_error", "not_done")
_RESPONSES = ("", "relief", "no_relief")
_PRESENCES = ("", "present", "absent", "unknown")
_FINDING, _MEDICATION, _DIAGNOSIS = (KINDS.index(kind) for kind in (RecordKind.FINDING, RecordKind.MEDICATION, RecordKind.DIAGNOSIS))
_NEVER = 1 << 62


def _status(batch: Batch, lexicon: Lexicon, rows: Ids) -> Ids:
    return lexicon.words(lc("recordStatus"), batch.stated[lc("recordStatus")][rows], _STATUSES)


def _is(status: Ids, *words: str) -> Flags:
    return np.isin(status, [_STATUSES.index(word) for word in words])


def exposure_planes(batch: Batch, asked: Asked, lexicon: Lexicon, clock: Clock, closures: Planes, space: Space) -> Facts:
    """Return the facts about drugs as planes; `closures` are the standing closure statements by class."""
    program = asked.program
    rows = np.flatnonzero(batch.kind == _MEDICATION)
    case, drug, status = batch.case[rows], batch.term[rows], _status(batch, lexicon, rows)
    started, ended = (lexicon.moments(lc(name), batch.stated[lc(name)][rows]) for name in ("started", "ended"))
    response = lexicon.words(lc("responseToStopping"), batch.stated[lc("responseToStopping")][rows], _RESPONSES)
    over, holds = _over_and_holding(started, ended, clock.high[case])
    current = _is(status, "", "active")
    active, past = current & holds, _is(status, "stopped") | (current & over)
    denied = past | (_is(status, "not_done") & holds)
    onset, onset_low, onset_high = _onset(batch, program, lexicon)
    real = _is(status, "", "active", "stopped") & started[0] & onset[case]
    before = real & (started[2] < onset_low[case])
    perhaps = among(space, drug, case, ~(started[0] & (started[1] > onset_high[case])))
    found = {
        (Role.TAKES, True): among(space, drug, case, active),
        (Role.TAKEN, True): among(space, drug, case, past),
        (Role.STOPPED_WITH_RELIEF, True): among(space, drug, case, past & (response == _RESPONSES.index("relief"))),
        (Role.STOPPED_WITHOUT_RELIEF, True): among(space, drug, case, past & (response == _RESPONSES.index("no_relief"))),
        (Role.TOOK_BEFORE_ONSET, True): among(space, drug, case, before),
    }
    taken = found[Role.TAKES, True]
    not_taken, later = among(space, drug, case, denied), among(space, drug, case, real & ~before)
    found[Role.TAKES, False] = Planes(space, ((each, plane & (space.every ^ taken[each])) for each, plane in not_taken.items()))
    found[Role.TOOK_BEFORE_ONSET, False] = Planes(space, ((each, plane & (space.every ^ perhaps[each])) for each, plane in later.items()))
    terms = tuple(program.sorts)
    facts: Facts = {(role, terms[each], present): plane for (role, present), planes in found.items() for each, plane in planes.items()}
    for term, plane in _closed(asked, terms, taken, closures, space).items():
        key = (Role.TAKES, term, False)
        facts[key] = facts[key] | plane if key in facts else plane
    return {key: plane for key, plane in facts.items() if anywhere(plane)}


def _over_and_holding(started: tuple[Flags, Ids, Ids], ended: tuple[Flags, Ids, Ids], as_of: Ids) -> tuple[Flags, Flags]:
    """Return which uses of drugs are over, and which have begun and are not."""
    over = ended[0] & (ended[2] <= as_of)
    return over, ~over & (~started[0] | (started[1] <= as_of))


def uses(batch: Batch, program: Program, lexicon: Lexicon, clock: Clock) -> tuple[Ids, Ids]:
    """Return the places of records of drugs in use whose use is a finding, once for each such finding, and the places of the findings."""
    places = {term: place for place, term in enumerate(program.sorts)}
    found: list[tuple[Ids, Ids]] = [(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))]
    for drug, findings in program.use_findings.items():
        rows = np.flatnonzero((batch.kind == _MEDICATION) & (batch.term == places[drug]))
        started, ended = (lexicon.moments(lc(name), batch.stated[lc(name)][rows]) for name in ("started", "ended"))
        _, holds = _over_and_holding(started, ended, clock.high[batch.case[rows]])
        rows = rows[holds & _is(_status(batch, lexicon, rows), "", "active")]
        found += [(rows, np.full(len(rows), places[finding], dtype=np.int64)) for finding in findings]
    records, terms = (np.concatenate(each) for each in zip(*found, strict=True))
    return records, terms


def _onset(batch: Batch, program: Program, lexicon: Lexicon) -> tuple[Flags, Ids, Ids]:
    """Return the first onset of the presenting symptom, where every record of it has one."""
    presenting = np.array([term in program.presenting_kinds for term in program.sorts])
    rows = np.flatnonzero((batch.kind == _FINDING) & presenting[batch.term])
    presence = lexicon.words(lc("presence"), batch.stated[lc("presence")][rows], _PRESENCES)
    rows = rows[(presence == _PRESENCES.index("present")) & _is(_status(batch, lexicon, rows), "", "active", "stopped")]
    stated, low, high = lexicon.moments(lc("onset"), batch.stated[lc("onset")][rows])
    case = batch.case[rows]
    known = np.zeros(batch.size, dtype=bool)
    known[case] = True
    known[case[~stated]] = False
    first, last = np.full(batch.size, _NEVER), np.full(batch.size, _NEVER)
    np.minimum.at(first, case[stated], low[stated])
    leading = stated & (low == first[case])
    np.minimum.at(last, case[leading], high[leading])
    return known, first, last


def _closed(asked: Asked, terms: tuple[str, ...], taken: Planes, closures: Planes, space: Space) -> Planes:
    """Return those absences from closed drug lists that are asked for; no closure denies what is taken in any wider or narrower sense."""
    program, below = asked.program, asked.program.below_sets
    found, free = Planes(space), Planes(space)
    for number, plane in closures.items():
        if program.sorts[terms[number]] == "Drug":
            for term in asked.not_taken & below[terms[number]]:
                if term not in free:  # of what is taken, nothing is of a kind with it
                    akin = (each for drug, each in taken.items() if not below[term].isdisjoint(below[terms[drug]]))
                    free[term] = space.every ^ space.union(akin)
                found.add(term, plane & free[term])
    return found


def diagnosis_planes(batch: Batch, program: Program, lexicon: Lexicon, clock: Clock, space: Space) -> Facts:
    """Return the facts about recorded diagnoses as planes."""
    rows = np.flatnonzero(batch.kind == _DIAGNOSIS)
    case, condition, status = batch.case[rows], batch.term[rows], _status(batch, lexicon, rows)
    presence = lexicon.words(lc("presence"), batch.stated[lc("presence")][rows], _PRESENCES)
    ended, _, end = lexicon.moments(lc("ended"), batch.stated[lc("ended")][rows])
    over = _is(status, "stopped") | (ended & (end <= clock.high[case]))
    said = _is(status, "", "active", "stopped", "refuted") & (presence != _PRESENCES.index("unknown"))
    present = said & ~over & ~_is(status, "refuted") & (presence != _PRESENCES.index("absent"))
    terms = tuple(program.sorts)
    held = among(space, condition, case, present)
    facts: Facts = {(Role.RECORDED_DIAGNOSIS, terms[each], True): plane for each, plane in held.items()}
    for each, plane in among(space, condition, case, said & ~present).items():
        facts[Role.RECORDED_DIAGNOSIS, terms[each], False] = plane & (space.every ^ held[each])
    return {key: plane for key, plane in facts.items() if anywhere(plane)}
