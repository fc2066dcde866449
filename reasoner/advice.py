"""Judge recommendations and decisions: certain, presumed, possible, ruled out or silent.

A recommendation is certain when Applicable is entailed and ruled out when it is refuted: nothing unknown changes
either. Else it is raised when Eligible is entailed, or open with its trigger entailed; presumed when Eligible is
entailed and no overrider is raised; possible when raised and not presumed; silent otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from reasoner.abstraction.state import CaseState
from reasoner.entailment import ENTAILED, OPEN, REFUTED, Statuses, entail_alternatives
from reasoner.program.model import Decision, Program, Recommendation, Verdict
from reasoner.program.watch import Watched

__all__ = ["Advice", "Advised", "Judged", "advise"]

CERTAIN = "certain"
PRESUMED = "presumed"
POSSIBLE = "possible"
RULED_OUT = "ruled-out"
SILENT = "silent"
STANDINGS = (CERTAIN, PRESUMED, POSSIBLE, SILENT, RULED_OUT)

SCOPE_KEY = "scope"
IN_SCOPE = "in-scope"


@dataclass(frozen=True, slots=True)
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
        return self.standing in (CERTAIN, PRESUMED, POSSIBLE)


@dataclass(frozen=True, slots=True)
class Judged:
    """A decision with its verdict, the rows it rests on, and the verdicts that are still possible with their rows."""

    decision: Decision
    verdict: Verdict
    certainty: str
    rows: tuple[Advised, ...]
    could_be: tuple[tuple[Verdict, tuple[Advised, ...]], ...]


@dataclass(frozen=True)
class Advice:
    """Everything advised in one case, by recommendation IRI and by decision key; what is not raised is not in it."""

    advised: dict[str, Advised]
    judged: dict[str, Judged]


def advise(program: Program, state: CaseState, statuses: Statuses) -> Advice:
    """Judge every recommendation and decision in one pass over the statuses."""
    raised = _raised(program, statuses)
    for alternative in entail_alternatives(program, state):
        raised |= {index for index in _raised(program, alternative) if program.recommendations[index].red_flag}
    advised = {each.recommendation.iri: each for index in sorted(raised) if (each := _judge(index, program, statuses, raised))}
    judged = {decision.key: _decide(decision, program, advised, raised, statuses) for decision in program.decisions}
    scope = judged.get(SCOPE_KEY)
    if scope is not None and scope.verdict.word != IN_SCOPE:
        advised = {iri: _capped(each) for iri, each in advised.items()}
    return Advice(advised, judged)


def _raised(program: Program, statuses: Statuses) -> set[int]:
    """Return the recommendations, by index, whose Eligible is entailed, or open with the trigger entailed."""
    watch, values = program.watch, statuses.values
    due = set(watch.raised)
    for bit in statuses.changed:
        if bit in watch.concerned:
            due.update(watch.concerned[bit])
    return {index for index in due if watch.watched[index].is_raised(values)}


def _judge(index: int, program: Program, statuses: Statuses, raised: set[int]) -> Advised | None:
    """Return the standing of a raised recommendation; None for one raised by a conflict only and refuted without it."""
    watched = program.watch.watched[index]
    each, own = program.recommendations[index], statuses.literal(watched.eligible)
    applicable = statuses.literal(watched.applicable)
    if applicable == ENTAILED:
        return Advised(each, CERTAIN, own)
    if applicable == REFUTED:
        return Advised(each, RULED_OUT, own, by=_overriders(watched, ENTAILED, program, statuses)) if own != REFUTED else None
    if own == ENTAILED and raised.isdisjoint(watched.overriders):
        return Advised(each, PRESUMED, own, presumes=_overriders(watched, OPEN, program, statuses))
    return Advised(each, POSSIBLE, own, by=tuple(program.recommendations[other].iri for other in watched.overriders if other in raised))


def _overriders(watched: Watched, status: str, program: Program, statuses: Statuses) -> tuple[str, ...]:
    """Return the overriders whose Eligible has the given status."""
    rows = program.watch.watched
    return tuple(program.recommendations[other].iri for other in watched.overriders if statuses.literal(rows[other].eligible) == status)


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
                return Judged(decision, verdict, certainty, tuple(row for row in rows if row.stands) or tuple(rows), ())
    listed = {iri: tuple(row for row in rows if row.listed) for iri, rows in rows_of.items()}
    could_be = tuple((verdict, listed[verdict.iri]) for verdict in decision.verdicts if listed.get(verdict.iri))
    remaining = next(verdict for verdict in decision.verdicts if verdict.iri == decision.remaining)
    return Judged(decision, remaining, CERTAIN if not could_be else PRESUMED, (), could_be)


def _verdict_standing(verdict: Verdict, program: Program, raised: set[int], statuses: Statuses) -> str:
    """Return certain when the union of the rows applies, presumed when it is eligible and no row above it is raised."""
    applicable = statuses.status(verdict.applicable)
    if applicable == ENTAILED:
        return CERTAIN
    if applicable == OPEN and statuses.holds(verdict.eligible):
        rows, watched = program.watch.rows[verdict.iri], program.watch.watched
        above = {other for row in rows if statuses.literal(watched[row].eligible) != REFUTED for other in watched[row].overriders}
        if raised.isdisjoint(above.difference(rows)):
            return PRESUMED
    return SILENT
