"""Abstract a record into a case state: facts and indicators, each present, absent or unknown, with conflicts named."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from operator import attrgetter
from typing import NamedTuple

from reasoner.abstraction.chart import Chart, last_scan
from reasoner.abstraction.conflicts import fact_conflicts, indicator_conflicts, part, readings_of
from reasoner.abstraction.exposures import diagnosis_facts, exposure_facts, first_onset
from reasoner.abstraction.findings import finding_facts
from reasoner.abstraction.impossible import impossible_problems
from reasoner.abstraction.indicators import Derived, derive, derive_moved
from reasoner.abstraction.measurements import Reading
from reasoner.abstraction.state import CaseState, Conflict, Fact, IndicatorState
from reasoner.abstraction.stated import Stated, stated
from reasoner.abstraction.unconfirmed import has_unconfirmed, unconfirmed_problems, unconfirmed_readings
from reasoner.errors import shortened
from reasoner.moments import Moment
from reasoner.program.effects import united
from reasoner.program.model import Program
from reasoner.record import Case, Problem
from reasoner.terms import Role, lc

__all__ = ["CaseState", "Conflict", "Fact", "IndicatorState", "Parts", "abstract_case", "parts_of"]

_MASKS = attrgetter("holds", "fails")


class Parts(NamedTuple):
    """What a case comes to, so that changed copies of it can take over what their changes do not move."""

    case: Case
    chart: Chart
    scan: tuple[bool, Moment | None]
    onset: Moment | None
    findings: Stated
    others: Stated
    facts: frozenset[Fact]
    derived: Derived

    def have_tests_of(self, case: Case) -> bool:
        """Return whether a case has the very records of tests."""
        return case.measurements is self.case.measurements and case.examinations is self.case.examinations

    def have_findings_of(self, case: Case, scan: tuple[bool, Moment | None], program: Program) -> bool:
        """Return whether a case has the very records and closures of findings, divided by the same scan, and no drug whose use is one."""
        own, stated = self.case, program.use_findings
        same = case.findings is own.findings and case.closures is own.closures and scan == self.scan
        if not same or case.medications is own.medications:
            return same
        return not any(use.drug in stated for use in (*case.medications, *own.medications))

    def have_others_of(self, case: Case, program: Program) -> bool:
        """Return whether a case has the very records of drugs and diagnoses, and the same first onset."""
        own = self.case
        same = case.medications is own.medications and case.closures is own.closures and case.diagnoses is own.diagnoses
        return same and first_onset(case, program) == self.onset

    def moved(self, case: Case, facts: Iterable[Fact], program: Program) -> set[str]:
        """Return the indicators that may be others in another case with the very records of tests and drugs, which comes to `facts`."""
        terms = {fact.term for fact in self.facts.symmetric_difference(_of_findings(facts))}
        here, before = ({id(record): record.finding for record in each.findings} for each in (case, self.case))
        terms |= {(here | before)[each] for each in here.keys() ^ before.keys()}
        return program.gauges.moved(terms, closing=case.closures is not self.case.closures)


def parts_of(case: Case, program: Program, as_of: Moment) -> Parts:
    """Return what changed copies of `case`, of the same age, may take over at `as_of`."""
    chart = Chart(case, as_of)
    scan = last_scan(chart, program)
    found, others = stated(finding_facts(case, program, as_of, scan), program), _others(case, program, as_of)
    said, _ = part(found.joined(others), program)
    derived = derive(case, program, as_of, chart, said.facts)
    return Parts(case, chart, scan, first_onset(case, program), found, others, frozenset(_of_findings(said.facts)), derived)


def _others(case: Case, program: Program, as_of: Moment) -> Stated:
    return stated((*exposure_facts(case, program, as_of), *diagnosis_facts(case, as_of)), program)


def _of_findings(facts: Iterable[Fact]) -> list[Fact]:
    return [fact for fact in facts if fact.role == Role.FINDING]


def abstract_case(case: Case, program: Program, as_of: Moment, parts: Parts | None = None) -> CaseState:
    """Return what the records of `case` say at `as_of`; contradictory records become unknown and are named.

    Of the `parts` of a case of which this one is a changed copy that is taken over which the changes do not move.
    """
    if parts is not None and parts.have_tests_of(case):
        chart, scan = parts.chart, parts.scan
    else:
        chart = Chart(case, as_of)
        scan = last_scan(chart, program)
    if parts is not None and parts.have_findings_of(case, scan, program):
        found = parts.findings
    else:
        found = stated(finding_facts(case, program, as_of, scan), program)
    others = parts.others if parts is not None and parts.have_others_of(case, program) else _others(case, program, as_of)
    said, clashing = part(found.joined(others), program)
    if parts is not None and parts.have_tests_of(case) and case.medications is parts.case.medications:
        derived = derive_moved(parts.derived, parts.moved(case, said.facts, program), case, program, as_of, chart, said.facts)
    else:
        derived = derive(case, program, as_of, chart, said.facts)
    states = derived.states
    own, holds, fails = united(derived.effects.values(), said.whole)
    torn = [state for state in states.values() if state.status == "conflicting"]
    true, false = program.tables.resting_masks
    true, false = true & ~own | holds, false & ~own | fails
    state = CaseState(
        case=case,
        facts=said.facts,
        assertions=tuple(map(_MASKS, said.effects)),
        indicators=program.resting_states | states,
        conflicts=(*fact_conflicts(clashing, program), *indicator_conflicts(torn, program)),
        problems=(*case.problems, *_problems(case, program, as_of, derived.unread), *impossible_problems(case, states.values())),
        leaf_true=true,
        leaf_false=false,
        alternatives=tuple(readings_of(clashing, torn, program, true, false)),
    ).with_effects((*said.effects, *derived.effects.values()))
    return _with_unconfirmed(state, derived, program, as_of) if has_unconfirmed(case) else state


def _with_unconfirmed(state: CaseState, derived: Derived, program: Program, as_of: Moment) -> CaseState:
    """Return a state with the readings of its unconfirmed records, and what is to be said of these."""
    readings = unconfirmed_readings(state, derived, program, as_of)
    if not readings:
        return state
    masks = ((each.state.leaf_true, each.state.leaf_false) for each in readings)
    problems = (*state.problems, *unconfirmed_problems(readings, program))
    found = replace(state, problems=problems, alternatives=(*state.alternatives, *masks), unconfirmed=readings)
    return found if state.effects is None else found.with_effects(state.effects)


def _problems(case: Case, program: Program, as_of: Moment, unread: Iterable[tuple[str, Reading]]) -> Iterator[Problem]:
    for iri, reading in unread:
        text = f"{program.labels.get(iri, iri)}: {reading.reason or 'neither interpretation nor limits are on record'}"
        repair = reading.repair or "state the interpretation of the report, or the reference interval of the laboratory"
        yield Problem("unusable-value", text, iri, (reading.record.node,), repair)
    now = as_of.high
    for record in case.tests:
        if record.performed is not None and record.performed.low > now:
            yield _later(record.node, record.test, record.performed)
    for finding in case.findings:
        for moment in (finding.onset, finding.recorded):
            if moment is not None and moment.low > now:
                yield _later(finding.node, finding.finding, moment)
    for medication in case.medications:
        if medication.drug is None:
            text = f"the drug “{shortened(medication.text)}” is not understood"
            yield Problem("not-understood", text, lc("ofDrug"), (medication.node,), "give it a code or a term of the ontology")


def _later(node: str, term: str, moment: Moment) -> Problem:
    """Return the problem of a record with a moment that lies after the as-of instant."""
    return Problem("future-date", f"the record is dated {moment.text}, after the as-of instant", term, (node,), "correct the date")
