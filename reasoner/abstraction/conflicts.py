"""Find the facts and values that contradict each other, name them, and give each single reading of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from operator import attrgetter

from reasoner.abstraction.state import Conflict, Fact, IndicatorState
from reasoner.abstraction.stated import Stated, stated
from reasoner.program.cuts import leaf_masks
from reasoner.program.model import Program

__all__ = ["fact_conflicts", "indicator_conflicts", "part", "readings_of"]


def part(said: Stated, program: Program) -> tuple[Stated, list[Fact]]:
    """Part facts into those that hold together and those that contradict one another."""
    clashing: list[Fact] = []
    while said.clashes(program):
        _, holds, fails = said.whole
        torn, opposed = holds & fails, _opposed(said, program)
        kept: list[Fact] = []
        for fact, effect in zip(said.facts, said.effects, strict=True):
            (clashing if effect.own & torn or (opposed and fact in opposed) else kept).append(fact)
        said = stated(kept, program)
    return said, clashing


def _opposed(said: Stated, program: Program) -> set[Fact]:
    """Return the facts that contradict each other by hierarchy and subroles, whether or not a class asks for their terms."""
    kinds, wider = program.kinds, program.role_parents
    met: dict[str, int] = {}
    found: set[Fact] = set()
    for fact in said.facts:
        if fact.present:
            for role in wider.get(fact.role, ()):
                if both := kinds.above[fact.term] & said.denied.get(role, 0):
                    met[role] = met.get(role, 0) | both
                    found.add(fact)
    return found.union(fact for fact in said.facts if not fact.present and kinds.bit[fact.term] & met.get(fact.role, 0)) if met else found


def fact_conflicts(clashing: list[Fact], program: Program) -> list[Conflict]:
    """Return one conflict per term that is both stated and denied; the others are named with it."""
    found: dict[tuple[str, ...], list[Fact]] = {}
    for fact in clashing:
        found.setdefault(_root(fact, clashing, program), []).append(fact)
    conflicts = []
    for group in found.values():
        terms = sorted({fact.term for fact in group}, key=lambda term: program.labels.get(term, term))
        sources = tuple(sorted({source for fact in group for source in fact.sources}))
        names = " and ".join(program.labels.get(term, term) for term in terms)
        conflicts.append(
            Conflict(
                terms[0],
                f"the records contradict each other about {names}",
                sources,
                "ask again, then correct or withdraw one of the records",
            )
        )
    return conflicts


def _root(fact: Fact, clashing: list[Fact], program: Program) -> tuple[str, ...]:
    related = {other.term for other in clashing if other.term in program.parents[fact.term] or fact.term in program.parents[other.term]}
    tops = [term for term in related if not any(above in related and above != term for above in program.parents[term])]
    return tuple(sorted(tops))


def indicator_conflicts(torn: Iterable[IndicatorState], program: Program) -> list[Conflict]:
    """Return one conflict per indicator of some whose values contradict each other."""
    return [
        Conflict(
            state.indicator, f"{program.labels.get(state.indicator, state.indicator)}: {state.reason}", state.sources, "repeat the test"
        )
        for state in sorted(torn, key=attrgetter("indicator"))
    ]


def readings_of(
    clashing: Iterable[Fact], torn: Iterable[IndicatorState], program: Program, true: int, false: int
) -> Iterator[tuple[int, int]]:
    """Yield the leaf masks under each single reading of the conflicting records: facts, and indicators whose values contradict each other."""
    for fact in clashing:
        if fact.present:
            effect = program.fact_effects[fact[:3]]
            yield (true | effect.holds) & ~effect.fails, (false | effect.fails) & ~effect.holds
    for state in torn:
        for low, high in state.choices:
            holds, fails = leaf_masks(program.indicator[state.indicator], low, high)
            yield true | holds, false | fails
