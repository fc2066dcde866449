"""Judge recommendations and decisions in all cases at once, as `reasoner.advice` judges them in one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reasoner.advice import CERTAIN, IN_SCOPE, POSSIBLE, PRESUMED, SCOPE_KEY
from reasoner.cohort.known import Known
from reasoner.cohort.planes import Plane, Space, anywhere
from reasoner.program.model import Decision, Program, Verdict
from reasoner.program.watch import Watched

__all__ = ["Advising", "Judging", "advise", "raised_flags"]


@dataclass(frozen=True)
class Judging:
    """A decision: where each verdict is reached with which certainty, and the rows it rests on and could rest on.

    `rows` and `could_be` are in the order of the single case; `could_be` holds only where no verdict is reached.
    """

    decision: Decision
    verdicts: tuple[tuple[Verdict, str, Plane], ...]
    rows: tuple[tuple[int, Verdict, Plane], ...]
    could_be: tuple[tuple[int, Plane], ...]


@dataclass(frozen=True)
class Advising:
    """The standing of every recommendation as planes, by index, and every decision."""

    certain: list[Plane]
    presumed: list[Plane]
    possible: list[Plane]
    judged: tuple[Judging, ...]

    def standing(self, index: int, word: str) -> Plane:
        """Return where a recommendation is certain, presumed or possible."""
        return {CERTAIN: self.certain, PRESUMED: self.presumed, POSSIBLE: self.possible}[word][index]

    def rests(self, index: int, space: Space) -> Plane:
        """Return where a recommendation carries the verdict of a decision."""
        return space.union(plane for judging in self.judged for row, _, plane in judging.rows if row == index)


class _Standings:
    def __init__(self, program: Program, known: Known, also: Mapping[int, Plane]) -> None:
        self.program, self.known, self.space = program, known, known.space
        watch, every = program.watch, known.space.every
        self.raised = [_raised(known, each) for each in watch.watched]
        for index, plane in also.items():
            self.raised[index] = self.raised[index] | plane
        overridden = [self.space.union(self.raised[index] for _, index, _ in group) for group in watch.groups]
        self.certain: list[Plane] = []
        self.presumed: list[Plane] = []
        self.possible: list[Plane] = []
        self.advised: list[Plane] = []
        for each, raised in zip(watch.watched, self.raised, strict=True):
            undecided = raised & known.open(each.applicable)
            free = known.true(each.eligible) & (every ^ overridden[each.group])
            self.certain.append(raised & known.true(each.applicable))
            self.presumed.append(undecided & free)
            self.possible.append(undecided & (every ^ free))
            self.advised.append(raised & (every ^ known.false(each.eligible)))
        for index, plane in also.items():
            self.possible[index] = self.possible[index] | (plane & known.false(watch.watched[index].applicable))
            self.advised[index] = self.advised[index] | plane

    def stands(self, index: int) -> Plane:
        return self.certain[index] | self.presumed[index]

    def listed(self, index: int) -> Plane:
        return self.stands(index) | self.possible[index]

    def judge(self, decision: Decision) -> Judging:
        """Judge one decision."""
        every, union = self.space.every, self.space.union
        places = {each.iri: place for place, each in enumerate(self.program.recommendations)}
        rows_of: dict[str | None, list[int]] = {}
        for row in decision.rows:
            rows_of.setdefault(self.program.recommendations[places[row]].verdict, []).append(places[row])
        left = every
        found: list[tuple[Verdict, str, Plane]] = []
        rows: list[tuple[int, Verdict, Plane]] = []
        for certainty in (CERTAIN, PRESUMED):
            for verdict in decision.verdicts:
                own = rows_of.get(verdict.iri)
                if not own:
                    continue
                reached = left & union(self.advised[row] for row in own) & self._verdict(verdict, certainty)
                if anywhere(reached):
                    left = left & (every ^ reached)
                    found.append((verdict, certainty, reached))
                    standing = union(self.stands(row) for row in own)
                    rows += [(row, verdict, reached & (self.stands(row) | (self.advised[row] & (every ^ standing)))) for row in own]
        could_be = [(row, left & self.listed(row)) for verdict in decision.verdicts for row in rows_of.get(verdict.iri, ())]
        open_to = union(
            every ^ self.known.false(self.program.classes[each.applicable]) for each in decision.verdicts if each.iri in rows_of
        )
        remaining = next(verdict for verdict in decision.verdicts if verdict.iri == decision.remaining)
        found += [(remaining, CERTAIN, left & (every ^ open_to)), (remaining, PRESUMED, left & open_to)]
        return Judging(decision, tuple(found), tuple(rows), tuple(each for each in could_be if anywhere(each[1])))

    def _verdict(self, verdict: Verdict, certainty: str) -> Plane:
        known, classes = self.known, self.program.classes
        if certainty == CERTAIN:
            return known.true(classes[verdict.applicable])
        rows, watched = self.program.watch.rows[verdict.iri], self.program.watch.watched
        blocked = self.space.union(
            (self.space.every ^ known.false(watched[row].eligible)) & self.raised[other]
            for row in rows
            for other in set(watched[row].overriders).difference(rows)
        )
        return known.open(classes[verdict.applicable]) & known.true(classes[verdict.eligible]) & (self.space.every ^ blocked)


def raised_flags(program: Program, known: Known) -> dict[int, Plane]:
    """Return where each red flag is raised, by index."""
    watched = program.watch.watched
    flags = [index for index, each in enumerate(program.recommendations) if each.red_flag]
    return {index: _raised(known, watched[index]) for index in flags}


def _raised(known: Known, each: Watched) -> Plane:
    return known.true(each.eligible) | (known.open(each.eligible) & known.true(each.trigger))


def advise(program: Program, known: Known, also: Mapping[int, Plane]) -> Advising:
    """Judge every recommendation and decision; `also` says where red flags are raised under a reading of doubtful records."""
    standings = _Standings(program, known, also)
    judged = tuple(standings.judge(decision) for decision in program.decisions)
    every = known.space.every
    for judging in judged:
        if judging.decision.key == SCOPE_KEY:
            inside = known.space.union(plane for verdict, _, plane in judging.verdicts if verdict.word == IN_SCOPE)
            _cap(standings, every ^ inside, (index for index, each in enumerate(program.recommendations) if each.presupposes_scope))
    return Advising(standings.certain, standings.presumed, standings.possible, judged)


def _cap(standings: _Standings, outside: Plane, indices: Iterable[int]) -> None:
    """Let recommendations that presuppose the scope be possible at most outside it."""
    inside = standings.space.every ^ outside
    for index in indices:
        standings.possible[index] = standings.possible[index] | (standings.stands(index) & outside)
        standings.certain[index] = standings.certain[index] & inside
        standings.presumed[index] = standings.presumed[index] & inside
