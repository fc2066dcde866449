"""Judge recommendations and decisions: certain, presumed, possible, ruled out or silent.

A recommendation is certain when Applicable is entailed and ruled out when it is refuted: nothing unknown changes
either. Else it is raised when Eligible is entailed, or open with its trigger entailed; presumed when Eligible is
entailed and no overrider is raised; possible when raised and not presumed; silent otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reasoner.abstraction.state import CaseState
from reasoner.entailment import ENTAILED, OPEN, REFUTED, Statuses, entail_alternatives
from reasoner.frozen import frozen
from reasoner.program.model import UNKNOWN, Decision, Program, Recommendation, Verdict
from reasoner.program.watch import Watch, Watched, find_raised

__all__ = ["CERTAIN", "IN_SCOPE", "LISTED", "POSSIBLE", "PRESUMED", "SCOPE_KEY", "STANDINGS", "Advice", "Advised", "Judged", "advise"]

CERTAIN = "certain"
PRESUMED = "presumed"
POSSIBLE = "possible"
RULED_OUT = "ruled-out"
SILENT = "silent"
STANDINGS = (CERTAIN, PRESUMED, POSSIBLE, SILENT, RULED_OUT)
LISTED = (CERTAIN, PRESUMED, POSSIBLE)

SCOPE_KEY = "scope"
IN_SCOPE = "in-scope"


@frozen()
class Advised:
    """A raised recommendation with its standing; `presumes` are silent overriders, `by` are those that set it aside."""

    recommendation: Recommendation
    standing: str
    eligible: str
    presumes: tuple[str, ...] = ()
    by: tuple[str, ...] = ()

    @property
    def stands(self) -> bool:
        """Return whether it is certain or presumed."""
        return self.standing in (CERTAIN, PRESUMED)

    @property
    def listed(self) -> bool:
        """Return whether it is certain, presumed or possible."""
        return self.standing in LISTED


@frozen()
class Judged:
    """A decision with its verdict, the rows it rests on, and the verdicts that are still possible with their rows."""

    decision: Decision
    verdict: Verdict
    certainty: str
    rows: tuple[Advised, ...]
    could_be: tuple[tuple[Verdict, tuple[Advised, ...]], ...]


@frozen()
class Advice:
    """Everything advised in one case, by recommendation IRI and by decision key; what is not raised is not in it."""

    advised: dict[str, Advised]
    judged: dict[str, Judged]


def advise(program: Program, state: CaseState, statuses: Statuses) -> Advice:
    """Judge every recommendation and decision in one pass over the statuses."""
    watch = program.watch
    raised = find_raised(watch, statuses.changed, statuses.values)
    for alternative in entail_alternatives(program, state):
        also = find_raised(watch, alternative.changed, alternative.values)
        raised |= {index for index in also if program.recommendations[index].red_flag}
    overriders = _Overriders(watch, statuses.values, raised)
    advised: dict[str, Advised] = {}
    for index in sorted(raised):
        each = program.recommendations[index]
        standing = _judge(each, watch.watched[index], statuses, overriders)
        if standing is not None:
            advised[each.iri] = standing
    judged = {decision.key: _decide(decision, program, advised, raised, statuses) for decision in program.decisions}
    scope = judged.get(SCOPE_KEY)
    if scope is not None and scope.verdict.word != IN_SCOPE:
        advised = {iri: _capped(each) for iri, each in advised.items()}
    return Advice(advised, judged)


def _judge(each: Recommendation, watched: Watched, statuses: Statuses, overriders: _Overriders) -> Advised | None:
    """Return the standing of a raised recommendation; a red flag that a reading of doubtful records raises is possible even if it is refuted."""
    own, applicable = statuses.literal(watched.eligible), statuses.literal(watched.applicable)
    if applicable == ENTAILED:
        return Advised(each, CERTAIN, own)
    if applicable == REFUTED:
        if each.red_flag:
            return Advised(each, POSSIBLE, own)
        return Advised(each, RULED_OUT, own, (), overriders.entailed(watched.group)) if own != REFUTED else None
    open_, standing = overriders[watched.group]
    if own == ENTAILED and not standing:
        return Advised(each, PRESUMED, own, open_)
    return Advised(each, POSSIBLE, own, (), standing)


class _Overriders(dict[int, tuple[tuple[str, ...], tuple[str, ...]]]):
    """By group, the overriders whose Eligible is open, if none is raised, and those that are raised; those of one group share the answer."""

    __slots__ = ("_groups", "_members", "_raised", "_values")

    def __init__(self, watch: Watch, values: Sequence[int], raised: set[int]) -> None:
        super().__init__()
        self._groups, self._members = watch.groups, watch.members
        self._values = values
        self._raised = raised

    def __missing__(self, group: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Look at a group that was not asked for before."""
        values, raised, every = self._values, self._raised, self._groups[group]
        open_: tuple[str, ...] = ()
        standing: tuple[str, ...] = ()
        if raised.isdisjoint(self._members[group]):
            open_ = tuple([name for name, _, (bit, _) in every if values[bit] == UNKNOWN])
        else:
            standing = tuple([name for name, index, _ in every if index in raised])
        found = self[group] = open_, standing
        return found

    def entailed(self, group: int) -> tuple[str, ...]:
        """Return those whose Eligible is entailed."""
        values = self._values
        return tuple(name for name, _, (bit, serving) in self._groups[group] if values[bit] == serving)


def _capped(each: Advised) -> Advised:
    return replace(each, standing=POSSIBLE) if each.recommendation.presupposes_scope and each.stands else each


def _decide(decision: Decision, program: Program, advised: dict[str, Advised], raised: set[int], statuses: Statuses) -> Judged:
    """Return the verdict whose rows, taken together, apply; else what remains, with what it could be."""
    rows_of: dict[str | None, list[Advised]] = {}
    for row in decision.rows:
        if row in advised:
            rows_of.setdefault(advised[row].recommendation.verdict, []).append(advised[row])
    standings = {
        verdict.iri: _verdict_standing(verdict, program, raised, statuses) for verdict in decision.verdicts if verdict.iri in rows_of
    }
    for certainty in (CERTAIN, PRESUMED):
        for verdict in decision.verdicts:
            if standings.get(verdict.iri) == certainty:
                rows = rows_of[verdict.iri]
                return Judged(decision, verdict, certainty, tuple([row for row in rows if row.stands]) or tuple(rows), ())
    listed = {iri: tuple([row for row in rows if row.listed]) for iri, rows in rows_of.items()}
    could_be = tuple([(verdict, listed[verdict.iri]) for verdict in decision.verdicts if listed.get(verdict.iri)])
    remaining = next(verdict for verdict in decision.verdicts if verdict.iri == decision.remaining)
    closed = all(statuses.status(each.applicable) == REFUTED for each in decision.verdicts if each.iri in program.watch.rows)
    return Judged(decision, remaining, CERTAIN if closed else PRESUMED, (), could_be)


def _verdict_standing(verdict: Verdict, program: Program, raised: set[int], statuses: Statuses) -> str:
    """Return certain when the union of the rows applies, presumed when it is eligible and no row above it is raised."""
    applicable = statuses.status(verdict.applicable)
    if applicable == ENTAILED:
        return CERTAIN
    if applicable == OPEN and statuses.holds(verdict.eligible):
        rows, watched = program.watch.rows[verdict.iri], program.watch.watched
        others = raised.difference(rows)
        for row in rows:
            if not others.isdisjoint(watched[row].overriders) and statuses.literal(watched[row].eligible) != REFUTED:
                return SILENT
        return PRESUMED
    return SILENT
