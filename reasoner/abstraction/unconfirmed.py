"""Read records that nobody has confirmed as if somebody had: each alone and all together, where that raises a red flag.

Such a record settles nothing. A red flag that it would raise must not wait for its confirmation, though.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

from reasoner.abstraction.chart import Chart, last_scan
from reasoner.abstraction.conflicts import part
from reasoner.abstraction.exposures import diagnosis_facts, exposure_facts
from reasoner.abstraction.findings import finding_facts
from reasoner.abstraction.indicators import Derived, derive_moved
from reasoner.abstraction.state import CaseState, Unconfirmed
from reasoner.abstraction.stated import Stated, stated
from reasoner.moments import Moment
from reasoner.program.effects import united
from reasoner.program.model import Program
from reasoner.program.settle import settle
from reasoner.program.watch import find_raised
from reasoner.record import Case, DiagnosisRecord, ExaminationRecord, FindingRecord, MeasurementRecord, MedicationRecord, Problem

__all__ = ["UNCONFIRMED", "has_unconfirmed", "unconfirmed_problem", "unconfirmed_problems", "unconfirmed_readings"]

UNCONFIRMED = "unconfirmed"
"""The status of these records."""

_Unsure = FindingRecord | MeasurementRecord | MedicationRecord | ExaminationRecord | DiagnosisRecord
_Any = TypeVar("_Any", FindingRecord, MeasurementRecord, MedicationRecord, ExaminationRecord, DiagnosisRecord)


def has_unconfirmed(case: Case) -> bool:
    """Return whether a record of a case is not confirmed."""
    for records in (case.findings, case.measurements, case.medications, case.examinations, case.diagnoses):
        for record in records:
            if record.status == UNCONFIRMED:
                return True
    return False


def unconfirmed_readings(state: CaseState, derived: Derived, program: Program, as_of: Moment) -> tuple[Unconfirmed, ...]:
    """Return the readings of unconfirmed records that raise a red flag; `state` and `derived` are those of the case without them."""
    groups = _groups(state.case, program)
    if not groups:
        return ()
    reader = _Reader(state, derived, program, as_of)
    alike: dict[tuple[int, int], tuple[CaseState, list[_Unsure]]] = {}
    for records in groups:
        reading = reader.read(records)
        alike.setdefault((reading.leaf_true, reading.leaf_false), (reading, []))[1].extend(records)
    found = [told for reading, records in alike.values() for told in reader.telling(records, reading)]
    if len(groups) > 1:
        together = tuple(record for records in groups for record in records)
        found += reader.telling(together, reader.read(together), frozenset().union(*(each.raised for each in found)))
    return tuple(found)


def unconfirmed_problems(readings: Iterable[Unconfirmed], program: Program) -> Iterator[Problem]:
    """Yield a problem for each reading, which says what its records would raise."""
    for each in readings:
        yield unconfirmed_problem({index for index, _ in each.raised}, each.records, program)


def unconfirmed_problem(raised: Iterable[int], records: Iterable[str], program: Program) -> Problem:
    """Return the problem of unconfirmed records that would raise red flags, given by index."""
    flags = [program.recommendations[index].iri for index in sorted(raised)]
    names = " and ".join(map(program.label, flags))
    text = f"not confirmed, yet if it is true it raises “{names}”: shown as possible, and counted for nothing else"
    return Problem("unconfirmed-alarm", text, flags[0], tuple(sorted(records)), "confirm it at once, or repeat the test")


def _groups(case: Case, program: Program) -> list[tuple[_Unsure, ...]]:
    """Return the unconfirmed records that may bear on a red flag: results of tests one by one, others by term and side."""
    bears = program.alarms.bears
    said: dict[tuple[str, ...], list[_Unsure]] = {}
    for finding in case.findings:
        if finding.status == UNCONFIRMED and finding.presence == "present" and bears(finding.finding):
            said.setdefault((finding.finding, finding.side), []).append(finding)
    for use in case.medications:
        if use.status == UNCONFIRMED and use.drug is not None and bears(use.drug):
            said.setdefault((use.drug,), []).append(use)
    for diagnosis in case.diagnoses:
        if diagnosis.status == UNCONFIRMED and bears(diagnosis.condition):
            said.setdefault((diagnosis.condition,), []).append(diagnosis)
    return [*map(tuple, said.values()), *((each,) for each in case.tests if each.status == UNCONFIRMED and bears(each.test))]


@dataclass(frozen=True)
class _Reader:
    state: CaseState
    derived: Derived
    program: Program
    as_of: Moment

    @cached_property
    def known(self) -> frozenset[tuple[int, bool]]:
        """Return the red flags raised in the state itself."""
        return self.raised(self.state)

    def read(self, records: Sequence[_Unsure]) -> CaseState:
        """Return the state in which some unconfirmed records count; what is confirmed and contradicts them does not."""
        program, as_of = self.program, self.as_of
        nodes = {record.node for record in records}
        measured = tuple(replace(each, status="") for each in records if isinstance(each, MeasurementRecord))
        examined = tuple(replace(each, status="") for each in records if isinstance(each, ExaminationRecord))
        terms = {*(each.test for each in measured), *(each.test for each in examined)}
        if len(terms) < len(records) or not terms.isdisjoint(program.below.get(program.new_since or "", ())):
            case = _counting(self.state.case, nodes)
            facts = self._facts(case, nodes)
        else:
            case, facts = self.state.case, stated(self.state.facts, program)
        said = {fact.term for fact in facts.facts if not nodes.isdisjoint(fact.sources)}
        if terms:
            case = replace(case, measurements=measured, examinations=examined)
        changed = program.gauges.moved(terms | said, closing=False)
        derived = derive_moved(self.derived, changed, case, program, as_of, Chart(case, as_of), facts.facts)
        own, holds, fails = united(derived.effects.values(), facts.whole)
        true, false = program.tables.resting_masks
        true = true & ~own | holds
        return replace(
            self.state,
            facts=facts.facts,
            assertions=tuple((effect.holds, effect.fails) for effect in facts.effects),
            indicators=program.resting_states | derived.states,
            conflicts=(),
            leaf_true=true,
            leaf_false=(false & ~own | fails) & ~true,
            alternatives=(),
        )

    def _facts(self, case: Case, nodes: set[str]) -> Stated:
        program, as_of = self.program, self.as_of
        scan = last_scan(Chart(case, as_of), program)
        found = (*finding_facts(case, program, as_of, scan), *exposure_facts(case, program, as_of), *diagnosis_facts(case, as_of))
        said, clashing = part(stated(found, program), program)
        return stated((*said.facts, *(each for each in clashing if each.present and not nodes.isdisjoint(each.sources))), program)

    def raised(self, state: CaseState) -> frozenset[tuple[int, bool]]:
        """Return the red flags raised in a state, by index, each once as raised and once more if it holds for certain."""
        program, raising = self.program, self.program.watch.raising
        values, changed = settle(program.tables, (state.leaf_true, state.leaf_false))
        raised = [index for index in find_raised(program.watch, changed, values) if program.recommendations[index].red_flag]
        certain = ((index, True) for index in raised if values[raising[index][0][0]] == raising[index][0][1])
        return frozenset((*((index, False) for index in raised), *certain))

    def telling(
        self, records: Sequence[_Unsure], reading: CaseState, told: frozenset[tuple[int, bool]] = frozenset()
    ) -> Iterator[Unconfirmed]:
        """Yield a reading if it says more of red flags than the state without it, and than is `told`."""
        masks = (self.state.leaf_true, self.state.leaf_false), (reading.leaf_true, reading.leaf_false)
        if self.program.alarms.differ(*masks) and (more := self.raised(reading) - self.known - told):
            yield Unconfirmed(tuple(sorted(record.node for record in records)), more, reading)


def _counting(case: Case, nodes: set[str]) -> Case:
    """Return a case in which the unconfirmed records of some names count, and no others do."""
    return replace(
        case,
        findings=_confirmed(case.findings, nodes),
        measurements=_confirmed(case.measurements, nodes),
        medications=_confirmed(case.medications, nodes),
        examinations=_confirmed(case.examinations, nodes),
        diagnoses=_confirmed(case.diagnoses, nodes),
    )


def _confirmed(records: tuple[_Any, ...], nodes: set[str]) -> tuple[_Any, ...]:
    return tuple(
        replace(record, status="") if record.status == UNCONFIRMED else record
        for record in records
        if record.status != UNCONFIRMED or record.node in nodes
    )
