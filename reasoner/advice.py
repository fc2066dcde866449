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
    raised = _raised(program, statuses)
    for alternative in entail_alternatives(program, state):
        raised |= {iri for iri in _raised(program, alternative) if program.recommendation[iri].red_flag}
    advised: dict[str, Advised] = {}
    for each, eligible, applicable, _ in program.watched:
        found = _judge(each, statuses.literal(applicable), statuses.literal(eligible), raised, program, statuses)
        if found is not None:
            advised[each.iri] = found
    judged = {decision.key: _decide(decision, program, advised, raised, statuses) for decision in program.decisions}
    scope = judged.get(SCOPE_KEY)
    if scope is not None and scope.verdict.word != IN_SCOPE:
        advised = {iri: _capped(each) for iri, each in advised.items()}
    return Advice(advised, judged)


def _raised(program: Program, statuses: Statuses) -> set[str]:
    """Return the recommendations whose Eligible is entailed, or open with the trigger entailed."""
    found = set()
    for each, eligible, _, trigger in program.watched:
        status = statuses.literal(eligible)
        if status == ENTAILED or (status == OPEN and statuses.literal(trigger) == ENTAILED):
            found.add(each.iri)
    return found


def _judge(each: Recommendation, applicable: str, eligible: str, raised: set[str], program: Program, statuses: Statuses) -> Advised | None:
    """Return the standing of a recommendation, or None for one that is silent or neither raised nor set aside."""
    if applicable == ENTAILED:
        return Advised(each, CERTAIN, eligible)
    if each.iri not in raised:
        return None
    if applicable == REFUTED:
        by = tuple(iri for iri in each.overriders if statuses.holds(program.recommendation[iri].eligible))
        return Advised(each, RULED_OUT, eligible, by=by)
    standing = tuple(iri for iri in each.overriders if iri in raised)
    if eligible == ENTAILED and not standing:
        silent = tuple(iri for iri in each.overriders if statuses.status(program.recommendation[iri].eligible) == OPEN)
        return Advised(each, PRESUMED, eligible, presumes=silent)
    return Advised(each, POSSIBLE, eligible, by=standing)


def _capped(each: Advised) -> Advised:
    return replace(each, standing=POSSIBLE) if each.recommendation.presupposes_scope and each.stands else each


def _decide(decision: Decision, program: Program, advised: dict[str, Advised], raised: set[str], statuses: Statuses) -> Judged:
    """Return the verdict whose rows, taken together, apply; else what remains, with what it could be."""
    rows_of = {
        verdict.iri: [advised[row] for row in decision.rows if row in advised and advised[row].recommendation.verdict == verdict.iri]
        for verdict in decision.verdicts
    }
    for certainty in (CERTAIN, PRESUMED):
        for verdict in decision.verdicts:
            if verdict.eligible in program.classes and _verdict_standing(verdict, decision, program, raised, statuses) == certainty:
                rows = rows_of[verdict.iri]
                return Judged(decision, verdict, certainty, tuple(row for row in rows if row.stands) or tuple(rows), ())
    could_be = tuple(
        (verdict, listed) for verdict in decision.verdicts if (listed := tuple(row for row in rows_of[verdict.iri] if row.listed))
    )
    remaining = next(verdict for verdict in decision.verdicts if verdict.iri == decision.remaining)
    return Judged(decision, remaining, CERTAIN if not could_be else PRESUMED, (), could_be)


def _verdict_standing(verdict: Verdict, decision: Decision, program: Program, raised: set[str], statuses: Statuses) -> str:
    """Return certain when the union of the rows applies, presumed when it is eligible and no row above it is raised."""
    applicable = statuses.status(verdict.applicable)
    if applicable == ENTAILED:
        return CERTAIN
    if applicable == OPEN and statuses.holds(verdict.eligible):
        rows = [program.recommendation[row] for row in decision.rows if program.recommendation[row].verdict == verdict.iri]
        own = {row.iri for row in rows}
        above = {iri for row in rows if statuses.status(row.eligible) != REFUTED for iri in row.overriders} - own
        if above.isdisjoint(raised):
            return PRESUMED
    return SILENT
