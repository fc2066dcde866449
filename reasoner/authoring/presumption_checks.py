"""Find overriders of which one must be eligible though none is known to be: presumed away together, or setting aside unnamed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reasoner.authoring.known_states import KnownStates
from reasoner.program.guideline import Advice
from reasoner.program.model import Recommendation

__all__ = ["Clash", "find_clash", "find_nameless"]


@dataclass(frozen=True)
class Clash:
    """Overriders of which one must be eligible in a state, though none is known to be; `by` is what they bear on."""

    presumed: tuple[str, ...]
    by: tuple[str, ...]
    case: str


@dataclass(frozen=True)
class _Owner:
    """A recommendation or verdict that presumes, with its classes and those that override it."""

    iri: str
    eligible: str
    applicable: str
    overriders: frozenset[str]


def find_clash(states: KnownStates, advice: Advice) -> Clash | None:
    """Return a clash in some state in which at most two facts are unknown, or None when there is none."""
    owners, rules = list(_owners(advice)), {each.iri: each for each in advice.recommendations}
    above = sorted({iri for owner in owners for iri in owner.overriders})
    if not above:
        return None
    presumed, stands = {iri: states.choice() for iri in above}, {owner.iri: states.choice() for owner in owners}
    for iri in above:
        states.require([-presumed[iri], *(stands[owner.iri] for owner in owners if iri in owner.overriders)])
    for owner in owners:
        states.entailed(stands[owner.iri], [(owner.eligible, True, None)])
        states.possible(stands[owner.iri], (owner.applicable, True, None))
    silent = {iri: states.choice() for iri in above}
    for iri in above:
        states.possible(silent[iri], (rules[iri].eligible, False, None))
        states.possible(silent[iri], (rules[iri].trigger, False, None))
        states.require([-presumed[iri], silent[iri]])
        for owner in owners:
            if iri in owner.overriders and owner.iri in rules:
                states.require([-stands[owner.iri], silent[iri]])
    always = states.choice()
    states.entailed(always, [(rules[iri].eligible, True, presumed[iri]) for iri in above])
    return _smallest(states, always, presumed, stands, rules)


def _smallest(
    states: KnownStates, always: int, presumed: Mapping[str, int], stands: Mapping[str, int], rules: Mapping[str, Recommendation]
) -> Clash | None:
    """Return a clash from which no presumption can be left out, or None when there is none."""
    found, left_out = states.find((), [always]), [always]
    if found is None:
        return None
    for choice in [*presumed.values(), *stands.values()]:
        fewer = states.find((), [*left_out, -choice])
        if fewer is not None:
            left_out.append(-choice)
    own = tuple(iri for iri, choice in presumed.items() if -choice not in left_out)
    by = tuple(iri for iri, choice in stands.items() if -choice not in left_out)
    _, words = states.find([rules[iri].eligible for iri in own], left_out) or found
    return Clash(own, by, words)


def find_nameless(states: KnownStates, advice: Advice) -> Iterator[Clash]:
    """Yield each recommendation that is ruled out in some state by overriders of which none is known to be eligible.

    Rows of a decision are left out: its verdict says what it could be.
    """
    rules = {each.iri: each for each in advice.recommendations}
    unknown = {iri: states.choice() for iri in sorted({iri for each in rules.values() for iri in each.overriders})}
    for iri, choice in unknown.items():
        states.possible(choice, (rules[iri].eligible, False, None))
    for each in rules.values():
        if len(each.overriders) > 1 and each.decision is None:
            guard = states.choice()
            states.entailed(guard, [(each.eligible, True, None)])
            states.entailed(guard, [(each.applicable, False, None)])
            for iri in each.overriders:
                states.require([-guard, unknown[iri]])
            if states.find((), [guard]) is not None:
                yield _named(states, guard, each, rules)


def _named(states: KnownStates, guard: int, each: Recommendation, rules: Mapping[str, Recommendation]) -> Clash:
    """Return the overriders that set a recommendation aside together, as few as do."""
    own = list(each.overriders)
    for iri in each.overriders:
        fewer = [other for other in own if other != iri]
        only = states.choice()
        states.require([-only, guard])
        states.entailed(only, [(rules[other].eligible, True, None) for other in fewer])
        if states.find((), [only]) is not None:
            own = fewer
    last = states.choice()
    states.require([-last, guard])
    states.entailed(last, [(rules[iri].eligible, True, None) for iri in own])
    found = states.find([each.eligible, *(rules[iri].eligible for iri in own)], [last])
    return Clash(tuple(own), (each.iri,), found[1] if found else "")


def _owners(advice: Advice) -> Iterator[_Owner]:
    """Yield the recommendations and verdicts that others override."""
    for each in advice.recommendations:
        if each.overriders:
            yield _Owner(each.iri, each.eligible, each.applicable, frozenset(each.overriders))
    for verdict in (verdict for decision in advice.decisions for verdict in decision.verdicts):
        rows = [each for each in advice.recommendations if each.verdict == verdict.iri]
        above = {iri for row in rows for iri in row.overriders} - {row.iri for row in rows}
        if above:
            yield _Owner(verdict.iri, verdict.eligible, verdict.applicable, frozenset(above))
