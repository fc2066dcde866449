"""Abstract a record into a case state: facts and indicators, each present, absent or unknown, with conflicts named."""

from __future__ import annotations

from collections.abc import Iterable

from reasoner.abstraction.exposures import diagnosis_facts, exposure_facts
from reasoner.abstraction.findings import finding_facts
from reasoner.abstraction.indicators import derive_indicators, last_examination
from reasoner.abstraction.measurements import Reading
from reasoner.abstraction.state import CaseState, Conflict, Fact, IndicatorState
from reasoner.moments import Moment
from reasoner.program.cuts import leaf_masks
from reasoner.program.model import Program
from reasoner.record import Case, Problem
from reasoner.terms import lc

__all__ = ["CaseState", "Conflict", "Fact", "IndicatorState", "abstract_case"]


def abstract_case(case: Case, program: Program, as_of: Moment) -> CaseState:
    """Return what the records of `case` say at `as_of`; contradictory records become unknown and are named."""
    scan = _last_scan(case, program, as_of)
    stated = [*finding_facts(case, program, as_of, scan), *exposure_facts(case, program, as_of), *diagnosis_facts(case, as_of)]
    facts, clashing = _without_conflicts(stated, program)
    derived, unread = derive_indicators(case, program, as_of, facts)
    assertions = tuple(_assertion(fact, program) for fact in facts)
    true, false = _masks(assertions, derived, program)
    indicators = program.resting_states | derived
    conflicts = [*_fact_conflicts(clashing, program), *_indicator_conflicts(derived, program)]
    return CaseState(
        case=case,
        facts=tuple(facts),
        assertions=assertions,
        indicators=indicators,
        conflicts=tuple(conflicts),
        problems=(*case.problems, *_problems(case, program, as_of, unread)),
        leaf_true=true,
        leaf_false=false,
        alternatives=tuple(_alternatives(clashing, derived, program, true, false)),
    )


def _last_scan(case: Case, program: Program, as_of: Moment) -> tuple[bool, Moment | None]:
    if program.new_since is None:
        return False, None
    on_record, record = last_examination(case, program, program.new_since, as_of)
    return on_record, record.performed if record else None


def _assertion(fact: Fact, program: Program) -> tuple[int, int]:
    masks = program.assertions.get(f"{fact.role} {fact.term}")
    if masks is None:
        return 0, 0
    return (masks[0], masks[1]) if fact.present else (masks[2], masks[3])


def _without_conflicts(stated: list[Fact], program: Program) -> tuple[list[Fact], list[Fact]]:
    """Part the facts into those that hold together and those that contradict one another."""
    true = false = 0
    for fact in stated:
        holds, fails = _assertion(fact, program)
        true, false = true | holds, false | fails
    bad = true & false
    opposed = _opposed(stated, program)
    if not bad and not opposed:
        return stated, []
    kept: list[Fact] = []
    clashing: list[Fact] = []
    for fact in stated:
        holds, fails = _assertion(fact, program)
        (clashing if (holds | fails) & bad or fact in opposed else kept).append(fact)
    rest, more = _without_conflicts(kept, program)
    return rest, clashing + more


def _opposed(stated: list[Fact], program: Program) -> set[Fact]:
    """Return the facts that contradict each other by hierarchy and subroles, whether or not a class asks for their terms."""
    denied = {(fact.role, fact.term): fact for fact in stated if not fact.present}
    if not denied:
        return set()
    found: set[Fact] = set()
    for fact in stated:
        if fact.present:
            for role in program.role_parents.get(fact.role, ()):
                for term in program.parents[fact.term]:
                    if (role, term) in denied:
                        found |= {fact, denied[role, term]}
    return found


def _masks(assertions: Iterable[tuple[int, int]], derived: dict[str, IndicatorState], program: Program) -> tuple[int, int]:
    """Return the leaf masks: the facts, the indicators that differ from the resting state, and the rest as it rests."""
    true, false = program.tables.resting.leaf_true, program.tables.resting.leaf_false
    for iri, state in derived.items():
        indicator = program.indicator[iri]
        own = (1 << len(indicator.cuts) + 1) - 1 << indicator.first_bit
        holds, fails = leaf_masks(indicator, state.low, state.high) if state.settled else (own & program.total_bits, 0)
        true, false = true & ~own | holds, false & ~own | fails
    for holds, fails in assertions:
        true |= holds
        false |= fails
    return true, false


def _fact_conflicts(clashing: list[Fact], program: Program) -> list[Conflict]:
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


def _indicator_conflicts(indicators: dict[str, IndicatorState], program: Program) -> list[Conflict]:
    return [
        Conflict(iri, f"{program.labels.get(iri, iri)}: {state.reason}", state.sources, "repeat the test")
        for iri, state in sorted(indicators.items())
        if state.status == "conflicting"
    ]


def _alternatives(
    clashing: list[Fact], indicators: dict[str, IndicatorState], program: Program, true: int, false: int
) -> Iterable[tuple[int, int]]:
    """Yield the leaf masks under each single reading of the conflicting records."""
    for fact in clashing:
        if fact.present:
            holds, fails = _assertion(fact, program)
            yield (true | holds) & ~fails, (false | fails) & ~holds
    for iri, state in indicators.items():
        for low, high in state.choices:
            holds, fails = leaf_masks(program.indicator[iri], low, high)
            yield true | holds, false | fails


def _problems(case: Case, program: Program, as_of: Moment, unread: Iterable[tuple[str, Reading]]) -> list[Problem]:
    found = []
    for iri, reading in unread:
        found.append(
            Problem(
                "unusable-value",
                f"{program.labels.get(iri, iri)}: {reading.reason or 'neither interpretation nor limits are on record'}",
                iri,
                (reading.record.node,),
                "correct the record, or state unit and reference interval",
            )
        )
    for record in case.tests:
        if record.performed is not None and record.performed.low > as_of.high:
            found.append(
                Problem(
                    "future-date",
                    f"the record is dated {record.performed.text}, after the as-of instant",
                    record.test,
                    (record.node,),
                    "correct the date",
                )
            )
    for finding in case.findings:
        for moment in (finding.onset, finding.recorded):
            if moment is not None and moment.low > as_of.high:
                found.append(
                    Problem(
                        "future-date",
                        f"the record is dated {moment.text}, after the as-of instant",
                        finding.finding,
                        (finding.node,),
                        "correct the date",
                    )
                )
    for medication in case.medications:
        if medication.drug is None:
            found.append(
                Problem(
                    "not-understood",
                    f"the drug “{medication.text}” is not understood",
                    lc("ofDrug"),
                    (medication.node,),
                    "give it a code or a term of the ontology",
                )
            )
    return found
