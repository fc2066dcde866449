"""What contradicts itself in some cases of a cohort becomes unknown there and is named; all else, and every other case, stays as it was.

The answers follow from what the design says of contradictory records: present below what is absent, once the hierarchy is closed,
is a conflict of the two records, and neither fact counts; a red flag may rest on one reading of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pytest

from reasoner.cohort.batch import from_triples
from reasoner.cohort.clock import clock_of
from reasoner.cohort.contradictions import Contradictions, contradictions_of, readings_of
from reasoner.cohort.exposures import diagnosis_planes, exposure_planes
from reasoner.cohort.findings import closures_of, finding_planes
from reasoner.cohort.grouping import group
from reasoner.cohort.known import Known
from reasoner.cohort.memory import Memory
from reasoner.cohort.planes import Facts, Planes, Space
from reasoner.cohort.rebuilt import Rebuilder
from reasoner.cohort.single import Settings
from reasoner.cohort.triples import read_triples
from reasoner.moments import parse_moment
from reasoner.namespaces import LC
from reasoner.program import Program

TYPE = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"
NOW = "2026-11-20T09:00:00Z"
SAID: Mapping[str, tuple[str, ...]] = {
    "agreeing": ("drug Atorvastatin active", "finding LegCramp present", "diagnosis Hypothyroidism active"),
    "drugs": ("drug Atorvastatin active", "drug Statin not_done", "finding LegCramp present"),
    "findings": ("finding NocturnalLegCramp present", "finding LegCramp absent", "drug Atorvastatin active"),
    "two": (
        "finding NocturnalLegCramp present",
        "finding LegCramp absent",
        "drug Atorvastatin active",
        "drug Statin not_done",
        "diagnosis Hypothyroidism active",
    ),
}
CLASHES = {"drugs": {("takes", "Atorvastatin", True), ("takes", "Statin", False)}}
CLASHES["findings"] = {("hasFinding", "NocturnalLegCramp", True), ("hasFinding", "LegCramp", False)}
CLASHES["two"] = CLASHES["drugs"] | CLASHES["findings"]
PLACES = {name: place for place, name in enumerate(SAID)}
ABOUT = {"drug": ("MedicationRecord", "ofDrug"), "finding": ("FindingRecord", "ofFinding"), "diagnosis": ("DiagnosisRecord", "ofCondition")}


def lines_of(name: str, records: tuple[str, ...]) -> str:
    case, date = f"<https://example.org/x/{name}>", "<http://www.w3.org/2001/XMLSchema#dateTime>"
    lines = [f"{case} {TYPE} <{LC}Case>", f'{case} <{LC}asOf> "{NOW}"^^{date}']
    for number, said in enumerate(records):
        sort, term, word = said.split()
        record, (kind, about) = f"<https://example.org/x/{name}/{number}>", ABOUT[sort]
        value = f"<{LC}presence> <{LC}_Presence_{word}>" if sort == "finding" else f"<{LC}recordStatus> <{LC}_RecordStatus_{word}>"
        lines += [f"{case} <{LC}hasRecord> {record}", f"{record} {TYPE} <{LC}{kind}>", f"{record} <{LC}{about}> <{LC}{term}>"]
        lines.append(f"{record} {value}")
    return "".join(f"{line} .\n" for line in lines)


@dataclass(frozen=True)
class Parted:
    """What the cases state, before and after their contradictions were taken out."""

    program: Program
    known: Known
    space: Space
    before: Facts
    facts: Facts
    spoken: Planes
    contradictions: Contradictions

    def of(self, name: str, facts: Facts) -> set[tuple[str, str, bool]]:
        """Return the facts of a case, by local names."""
        place = PLACES[name]
        return {
            (role.removeprefix(LC), term.removeprefix(LC), present)
            for (role, term, present), plane in facts.items()
            if self.space.flags(plane)[place]
        }


@pytest.fixture(scope="module")
def parted(knowledge: Program) -> Parted:
    moment = parse_moment(NOW)
    assert moment is not None
    settings = Settings(None, moment)
    memory = Memory.of(knowledge, settings)
    triples = read_triples("".join(lines_of(*each) for each in SAID.items()).encode())
    batch, _ = from_triples(triples, group(triples, first=True, last=True), knowledge, memory.lexicon, memory.remarks)
    assert [name.rpartition("/")[2] for name in batch.cases.to_pylist()] == list(SAID) and not batch.irregular.any()
    space, clock = Space(batch.size), clock_of(batch, knowledge, memory.lexicon, settings)
    closures, standing = closures_of(batch, knowledge, memory.lexicon, clock, space)
    facts, spoken = finding_planes(batch, knowledge, memory.lexicon, clock, closures, space)
    facts |= exposure_planes(batch, memory.asked, memory.lexicon, clock, standing, space)
    facts |= diagnosis_planes(batch, knowledge, memory.lexicon, clock, space)
    known, before = Known(memory.asked, space, memory.diagrams), {key: plane.copy() for key, plane in facts.items()}
    known.enter_facts(facts)
    rebuilder = Rebuilder(batch, knowledge, memory.lexicon)
    found = contradictions_of(known.contradicted(facts), rebuilder, memory.asked, settings, clock, space, facts, spoken)
    known.forget(found.plane)
    known.enter_facts({key: plane & found.plane for key, plane in facts.items()})
    return Parted(knowledge, known, space, before, facts, spoken, found)


def test_the_cases_that_contradict_themselves_are_found(parted: Parted) -> None:
    assert set(parted.contradictions.clashing) == {PLACES[name] for name in CLASHES}
    assert parted.space.cases(parted.contradictions.plane).tolist() == sorted(PLACES[name] for name in CLASHES)


def test_a_fact_that_another_contradicts_is_set_apart_with_it(parted: Parted) -> None:
    for name, clash in CLASHES.items():
        apart = parted.contradictions.clashing[PLACES[name]]
        roles = {"takes", "hasFinding"}  # a present finding is new as well, as there was no scan
        assert {
            (fact.role.removeprefix(LC), fact.term.removeprefix(LC), fact.present) for fact in apart if fact.role[len(LC) :] in roles
        } == clash
        assert clash <= parted.of(name, parted.before)
        assert not clash & parted.of(name, parted.facts)


def test_what_nothing_contradicts_is_kept(parted: Parted) -> None:
    assert parted.of("agreeing", parted.facts) == parted.of("agreeing", parted.before)
    assert ("hasFinding", "LegCramp", True) in parted.of("drugs", parted.facts)
    assert ("takes", "Atorvastatin", True) in parted.of("findings", parted.facts)
    assert ("hasRecordedDiagnosis", "Hypothyroidism", True) in parted.of("two", parted.facts)
    spoken = {term.removeprefix(LC): parted.space.cases(plane).tolist() for term, plane in parted.spoken.items()}
    assert spoken["LegCramp"] == [PLACES["agreeing"], PLACES["drugs"]]
    assert spoken.get("NocturnalLegCramp", []) == []


def test_each_contradiction_is_one_conflict_that_names_its_records(parted: Parted) -> None:
    conflicts = parted.contradictions.conflicts(parted.program)
    found = {name: sorted(tuple(each.sources) for each in conflicts[place]) for name, place in PLACES.items() if place in conflicts}
    records = {name: [f"https://example.org/x/{name}/{number}" for number in range(4)] for name in CLASHES}
    assert found == {
        "drugs": [(records["drugs"][0], records["drugs"][1])],
        "findings": [(records["findings"][0], records["findings"][1])],
        "two": [(records["two"][0], records["two"][1]), (records["two"][2], records["two"][3])],
    }


def test_each_present_fact_gives_a_reading_in_which_it_alone_holds(parted: Parted) -> None:
    program = parted.program
    readings = list(readings_of(parted.contradictions, parted.known, program))
    present = {place: [fact for fact in facts if fact.present] for place, facts in parted.contradictions.clashing.items()}
    assert sorted(case for case, _ in readings) == sorted(place for place, facts in present.items() for _ in facts)
    bit = program.leaf_bit[f"{LC}hasFinding", f"{LC}LegCramp"]
    [known] = parted.known.leaves(np.array([PLACES["findings"]]))
    assert not (known[0] | known[1]) >> bit & 1
    of_findings = [masks for case, masks in readings if case == PLACES["findings"]]
    assert any(true >> bit & 1 for true, _ in of_findings)  # a nocturnal cramp is a cramp
    assert all(not true & false for _, (true, false) in readings)


def test_nothing_is_taken_out_where_nothing_contradicts_itself(parted: Parted) -> None:
    none = contradictions_of(Planes(parted.space), None, None, None, None, parted.space, {}, Planes(parted.space))  # type: ignore[arg-type]
    assert none.clashing == {} and not none.plane.any() and none.conflicts(parted.program) == {}
