"""Judge recommendations and decisions: certain, presumed, possible, ruled out or silent.

A recommendation is certain when Applicable is entailed and ruled out when it is refuted: nothing unknown changes
either. Else it is raised when Eligible is entailed, or open with its trigger entailed; presumed when Eligible is
entailed and no overrider is raised; possible when raised and not presumed; silent otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from reasoner.abstraction.state import CaseState
from reasoner.entailment import ENTAILED, OPEN, REFUTED, Statuses, entail_alternatives
from reasoner.program.model import Decision, Program, Recommendation, Verdict

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
    eligible, raised = _eligibility(program, statuses)
    for alternative in entail_alternatives(program, state):
        raised |= {index for index in _eligibility(program, alternative)[1] if program.recommendations[index].red_flag}
    advised = {each.recommendation.iri: each for index in sorted(raised) if (each := _judge(index, program, statuses, eligible, raised))}
    judged = {decision.key: _decide(decision, program, advised, raised, statuses) for decision in program.decisions}
    scope = judged.get(SCOPE_KEY)
    if scope is not None and scope.verdict.word != IN_SCOPE:
        advised = {iri: _capped(each) for iri, each in advised.items()}
    return Advice(advised, judged)


def _eligibility(program: Program, statuses: Statuses) -> tuple[dict[int, str], set[int]]:
    """Return which recommendations differ in eligibility from refuted, and which are raised, by index.

    A recommendation is raised when Eligible is entailed, or open with the trigger entailed.
    """
    eligible: dict[int, str] = {}
    raised: set[int] = set()
    for index in _not_refuted(program, statuses):
        each = program.watched[index]
        status = statuses.literal(each.eligible)
        if status != REFUTED:
            eligible[index] = status
            if status == ENTAILED or statuses.literal(each.trigger) == ENTAILED:
                raised.add(index)
    return eligible, raised


def _not_refuted(program: Program, statuses: Statuses) -> list[int]:
    """Return the recommendations, by index, that may be eligible."""
    bits, watching = program.watched_bits
    bits &= ~statuses.refuted
    found = list(program.watched_negatives)
    while bits:
        low = bits & -bits
        bits ^= low
        found.extend(watching[low.bit_length() - 1])
    return found


def _judge(index: int, program: Program, statuses: Statuses, eligible: dict[int, str], raised: set[int]) -> Advised | None:
    """Return the standing of a raised recommendation; None for one raised by a conflict only and refuted without it."""
    watched = program.watched[index]
    each, own = program.recommendations[index], eligible.get(index, REFUTED)
    applicable = statuses.literal(watched.applicable)
    if applicable == ENTAILED:
        return Advised(each, CERTAIN, own)
    if applicable == REFUTED:
        by = tuple(program.recommendations[other].iri for other in watched.overriders if eligible.get(other) == ENTAILED)
        return Advised(each, RULED_OUT, own, by=by) if own != REFUTED else None
    standing = tuple(program.recommendations[other].iri for other in watched.overriders if other in raised)
    if own == ENTAILED and not standing:
        silent = tuple(program.recommendations[other].iri for other in watched.overriders if eligible.get(other) == OPEN)
        return Advised(each, PRESUMED, own, presumes=silent)
    return Advised(each, POSSIBLE, own, by=standing)


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
        rows = [index for index, each in enumerate(program.recommendations) if each.verdict == verdict.iri]
        above = {
            other for row in rows if statuses.literal(program.watched[row].eligible) != REFUTED for other in program.watched[row].overriders
        }
        if raised.isdisjoint(above.difference(rows)):
            return PRESUMED
    return SILENT
