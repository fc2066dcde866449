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
    """A recommendation with its standing; `presumes` are silent overriders, `by` are those that set it aside."""

    recommendation: Recommendation
    standing: str
    eligible: str
    raised: bool
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
    """Everything advised in one case, by recommendation IRI and by decision key."""

    advised: dict[str, Advised]
    judged: dict[str, Judged]


def advise(program: Program, state: CaseState, statuses: Statuses) -> Advice:
    """Judge every recommendation and decision in one pass over the statuses."""
    raised = {each.iri: _is_raised(each, statuses) for each in program.recommendations}
    for alternative in entail_alternatives(program, state):
        for each in program.recommendations:
            if each.red_flag and _is_raised(each, alternative):
                raised[each.iri] = True
    advised = {each.iri: _judge(each, program, statuses, raised) for each in program.recommendations}
    judged = {decision.key: _decide(decision, advised, statuses) for decision in program.decisions}
    scope = judged.get(SCOPE_KEY)
    if scope is not None and scope.verdict.word != IN_SCOPE:
        advised = {iri: _capped(each) for iri, each in advised.items()}
    return Advice(advised, judged)


def _is_raised(each: Recommendation, statuses: Statuses) -> bool:
    eligible = statuses.status(each.eligible)
    return eligible == ENTAILED or (eligible == OPEN and statuses.holds(each.trigger))


def _judge(each: Recommendation, program: Program, statuses: Statuses, raised: dict[str, bool]) -> Advised:
    eligible = statuses.status(each.eligible)
    applicable = statuses.status(each.applicable)
    if applicable == ENTAILED:
        return Advised(each, CERTAIN, eligible, True)
    if applicable == REFUTED:
        by = tuple(iri for iri in each.overriders if statuses.holds(program.recommendation[iri].eligible))
        return Advised(each, RULED_OUT, eligible, raised[each.iri], by=by)
    if not raised[each.iri]:
        return Advised(each, SILENT, eligible, False)
    standing = tuple(iri for iri in each.overriders if raised[iri])
    if eligible == ENTAILED and not standing:
        silent = tuple(iri for iri in each.overriders if statuses.status(program.recommendation[iri].eligible) == OPEN)
        return Advised(each, PRESUMED, eligible, True, presumes=silent)
    return Advised(each, POSSIBLE, eligible, True, by=standing)


def _capped(each: Advised) -> Advised:
    return replace(each, standing=POSSIBLE) if each.recommendation.presupposes_scope and each.stands else each


def _decide(decision: Decision, advised: dict[str, Advised], statuses: Statuses) -> Judged:
    """Return the verdict whose rows, taken together, apply; else what remains, with what it could be."""
    table = [advised[row] for row in decision.rows]
    by_verdict = {verdict.iri: tuple(row for row in table if row.recommendation.verdict == verdict.iri) for verdict in decision.verdicts}
    for certainty in (CERTAIN, PRESUMED):
        for verdict in decision.verdicts:
            rows = by_verdict[verdict.iri]
            if rows and _verdict_standing(verdict, rows, advised, statuses) == certainty:
                standing = tuple(row for row in rows if row.stands)
                return Judged(decision, verdict, certainty, standing or tuple(row for row in rows if row.eligible != REFUTED), ())
    could_be = tuple(
        (verdict, listed) for verdict in decision.verdicts if (listed := tuple(row for row in by_verdict[verdict.iri] if row.listed))
    )
    remaining = next(verdict for verdict in decision.verdicts if verdict.iri == decision.remaining)
    return Judged(decision, remaining, CERTAIN if not could_be else PRESUMED, (), could_be)


def _verdict_standing(verdict: Verdict, rows: Iterable[Advised], advised: dict[str, Advised], statuses: Statuses) -> str:
    if statuses.holds(verdict.applicable):
        return CERTAIN
    if statuses.status(verdict.applicable) == OPEN and statuses.holds(verdict.eligible):
        own = {row.recommendation.iri for row in rows}
        above = {iri for row in rows if row.eligible != REFUTED for iri in row.recommendation.overriders} - own
        if not any(advised[iri].raised and advised[iri].eligible != REFUTED for iri in above):
            return PRESUMED
    return SILENT
