"""Abstract a record into a case state: facts and indicators, each present, absent or unknown, with conflicts named."""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter
from typing import NamedTuple

from reasoner.abstraction.chart import Chart
from reasoner.abstraction.conflicts import fact_conflicts, indicator_conflicts, part, readings_of
from reasoner.abstraction.exposures import diagnosis_facts, exposure_facts
from reasoner.abstraction.findings import finding_facts
from reasoner.abstraction.indicators import Derived, derive_indicators, derived_from_tests
from reasoner.abstraction.measurements import Reading
from reasoner.abstraction.state import CaseState, Conflict, Fact, IndicatorState
from reasoner.errors import shortened
from reasoner.moments import Moment
from reasoner.program.model import Program
from reasoner.record import Case, Problem
from reasoner.terms import lc

__all__ = ["CaseState", "Conflict", "Fact", "IndicatorState", "Parts", "abstract_case", "parts_of"]

_MASKS = attrgetter("holds", "fails")


class Parts(NamedTuple):
    """What follows from some of the records of a case alone, so that cases with the same ones can take it over."""

    case: Case
    chart: Chart
    scan: tuple[bool, Moment | None]
    findings: list[Fact]
    derived: Derived

    def have_tests_of(self, case: Case) -> bool:
        """Return whether a case has the very records of tests."""
        return case.measurements is self.case.measurements and case.examinations is self.case.examinations

    def have_findings_of(self, case: Case, scan: tuple[bool, Moment | None]) -> bool:
        """Return whether a case has the very records and closures of findings, divided by the same scan."""
        return case.findings is self.case.findings and case.closures is self.case.closures and scan == self.scan


def parts_of(case: Case, program: Program, as_of: Moment) -> Parts:
    """Return what changed copies of `case` may take over at `as_of`."""
    chart = Chart(case, as_of)
    scan = _last_scan(chart, program)
    return Parts(case, chart, scan, finding_facts(case, program, as_of, scan), derived_from_tests(case, program, as_of, chart))


def abstract_case(case: Case, program: Program, as_of: Moment, parts: Parts | None = None) -> CaseState:
    """Return what the records of `case` say at `as_of`; contradictory records become unknown and are named.

    Of the `parts` of another case at the same instant that is taken over of which the records are the same.
    """
    known: Derived = {}
    if parts is not None and parts.have_tests_of(case):
        chart, scan, known = parts.chart, parts.scan, parts.derived
    else:
        chart = Chart(case, as_of)
        scan = _last_scan(chart, program)
    found = parts.findings if parts is not None and parts.have_findings_of(case, scan) else finding_facts(case, program, as_of, scan)
    stated = [*found, *exposure_facts(case, program, as_of), *diagnosis_facts(case, as_of)]
    facts, clashing = part(stated, program)
    derived, unread = derive_indicators(case, program, as_of, chart, facts, known)
    changes: dict[int, int] = {}
    own = holds = fails = 0
    effects = [program.fact_effects[fact[:3]] for fact in facts]
    for effect in (*effects, *map(program.value_effects.of, derived.values())):
        if effect.own:
            changes |= effect.leaves
            own |= effect.own
            holds |= effect.holds
            fails |= effect.fails
    true, false = program.tables.resting_masks
    true, false = true & ~own | holds, false & ~own | fails
    return CaseState(
        case=case,
        facts=tuple(facts),
        assertions=tuple(map(_MASKS, effects)),
        indicators=program.resting_states | derived,
        conflicts=(*fact_conflicts(clashing, program), *indicator_conflicts(derived, program)),
        problems=(*case.problems, *_problems(case, program, as_of, unread)),
        leaf_true=true,
        leaf_false=false,
        alternatives=tuple(readings_of(clashing, derived, program, true, false)),
    ).with_changes(changes)


def _last_scan(chart: Chart, program: Program) -> tuple[bool, Moment | None]:
    """Return whether the scan that divides new from old is on record, and when it was last performed."""
    if program.new_since is None:
        return False, None
    on_record, record = chart.last_examination(program.below.get(program.new_since, (program.new_since,)))
    return on_record, record.performed if record else None


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
                    f"the drug “{shortened(medication.text)}” is not understood",
                    lc("ofDrug"),
                    (medication.node,),
                    "give it a code or a term of the ontology",
                )
            )
    return found
