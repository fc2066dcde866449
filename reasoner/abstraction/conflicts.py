"""Find the facts and values that contradict each other, name them, and give each single reading of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from reasoner.abstraction.state import Conflict, Fact, IndicatorState
from reasoner.program.cuts import leaf_masks
from reasoner.program.model import Program

__all__ = ["fact_conflicts", "indicator_conflicts", "part", "readings_of"]


def part(stated: list[Fact], program: Program) -> tuple[list[Fact], list[Fact]]:
    """Part the facts into those that hold together and those that contradict one another."""
    holds = fails = 0
    effects = program.fact_effects
    for fact in stated:
        effect = effects[fact[:3]]
        holds |= effect.holds
        fails |= effect.fails
    bad = holds & fails
    opposed = _opposed(stated, program)
    if not bad and not opposed:
        return stated, []
    kept: list[Fact] = []
    clashing: list[Fact] = []
    for fact in stated:
        (clashing if effects[fact[:3]].own & bad or fact in opposed else kept).append(fact)
    rest, more = part(kept, program)
    return rest, clashing + more


def _opposed(stated: list[Fact], program: Program) -> set[Fact]:
    """Return the facts that contradict each other by hierarchy and subroles, whether or not a class asks for their terms."""
    terms = {term for _, term, present, _ in stated if not present}
    doubtful = [fact for fact in stated if fact.present and not terms.isdisjoint(program.parents[fact.term])]
    denied = {(fact.role, fact.term): fact for fact in stated if not fact.present} if doubtful else {}
    found: set[Fact] = set()
    for fact in doubtful:
        for role in program.role_parents.get(fact.role, ()):
            for term in program.parents[fact.term]:
                if (role, term) in denied:
                    found |= {fact, denied[role, term]}
    return found


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


def indicator_conflicts(indicators: Mapping[str, IndicatorState], program: Program) -> list[Conflict]:
    """Return one conflict per indicator whose values contradict each other."""
    return [
        Conflict(iri, f"{program.labels.get(iri, iri)}: {state.reason}", state.sources, "repeat the test")
        for iri, state in sorted((iri, state) for iri, state in indicators.items() if state.status == "conflicting")
    ]


def readings_of(
    clashing: Iterable[Fact], indicators: Mapping[str, IndicatorState], program: Program, true: int, false: int
) -> Iterator[tuple[int, int]]:
    """Yield the leaf masks under each single reading of the conflicting records."""
    for fact in clashing:
        if fact.present:
            effect = program.fact_effects[fact[:3]]
            yield (true | effect.holds) & ~effect.fails, (false | effect.fails) & ~effect.holds
    for iri, state in indicators.items():
        for low, high in state.choices:
            holds, fails = leaf_masks(program.indicator[iri], low, high)
            yield true | holds, false | fails
