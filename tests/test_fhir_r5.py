"""FHIR R5 in: what R5 writes in another form than R4 means what R4's form means."""

from __future__ import annotations

from typing import Any

import pytest
from fhir_resources import ATORVASTATIN, LOINC, PATIENT, SCAN, SNOMED, Json, adds_up, bundle, concept, condition, order, resource
from test_fhir import FHIR_CODES, codes, shared_data

from reasoner.fhir import FhirReading, Source, read_fhir, read_sources
from reasoner.moments import parse_moment
from reasoner.namespaces import LC
from reasoner.program import Program
from reasoner.record import Case

ADHERENCE = "http://hl7.org/fhir/CodeSystem/medication-statement-adherence"
PILL: Json = {"resourceType": "Medication", "id": "m", "code": concept(ATORVASTATIN)}


def reading(knowledge: Program, *resources: Json) -> FhirReading:
    found = read_fhir(bundle(PATIENT, *resources), knowledge)
    assert adds_up(found.counts)
    return found


def case(knowledge: Program, *resources: Json) -> Case:
    (found,) = reading(knowledge, *resources).cases
    return found


def statement(adherence: str | None, **fields: Any) -> Json:
    said = {} if adherence is None else {"adherence": {"code": concept((ADHERENCE, adherence))}}
    return resource("MedicationStatement", status="recorded", medication={"concept": concept(ATORVASTATIN)}, **said, **fields)


@pytest.mark.parametrize("kind", ["MedicationAdministration", "MedicationDispense", "MedicationRequest", "MedicationStatement"])
@pytest.mark.parametrize(
    "form", [{"concept": concept(ATORVASTATIN)}, {"reference": {"reference": "Medication/m"}}, {"reference": {"reference": "#m"}}]
)
def test_a_medicine_is_a_concept_or_a_reference(knowledge: Program, kind: str, form: Json) -> None:
    found = case(knowledge, resource(kind, status="completed", intent="order", contained=[PILL], medication=form), PILL)
    assert [record.drug for record in found.medications] == [LC + "Atorvastatin"]


@pytest.mark.parametrize(
    ("adherence", "status"),
    [
        ("taking", "active"),
        ("taking-not-as-directed", "active"),
        ("not-taking", "not_done"),
        ("stopped-as-directed", "stopped"),
        ("on-hold", "stopped"),
        ("unknown", "unconfirmed"),
        ("sometimes", "unconfirmed"),
    ],
)
def test_a_recorded_statement_stands_as_its_adherence_says(knowledge: Program, adherence: str, status: str) -> None:
    (record,) = case(knowledge, statement(adherence)).medications
    assert record.status == status


def test_a_recorded_statement_without_adherence_confirms_no_use(knowledge: Program) -> None:
    found = case(knowledge, statement(None))
    assert ([record.status for record in found.medications], codes(found)) == (["unconfirmed"], {"no-status"})
    withdrawn = case(knowledge, statement("taking") | {"status": "entered-in-error"})
    assert [record.status for record in withdrawn.medications] == ["entered_in_error"]


def test_a_usage_of_a_draft_is_a_statement(knowledge: Program) -> None:
    (record,) = case(knowledge, statement("taking") | {"resourceType": "MedicationUsage"}).medications
    assert record.status == "active"


def test_times_are_found_under_their_names(knowledge: Program) -> None:
    given = resource("MedicationAdministration", "a", status="in-progress", medication={"concept": concept(ATORVASTATIN)})
    done = resource("Procedure", "d", status="completed", code=concept(SCAN), occurrenceDateTime="2026-11-14")
    found = case(knowledge, given | {"occurencePeriod": {"start": "2026-01", "end": "2026-03"}}, done)
    assert [(record.started, record.ended) for record in found.medications] == [(parse_moment("2026-01"), parse_moment("2026-03"))]
    assert [record.performed for record in found.examinations] == [parse_moment("2026-11-14")]


def test_ingredients_are_codeable_references_too(knowledge: Program) -> None:
    substance = {"resourceType": "Substance", "id": "s", "code": {"concept": concept(("http://www.whocc.no/atc", "C08CA01"))}}
    items = [{"item": {"concept": concept(ATORVASTATIN)}}, {"item": {"reference": {"reference": "Substance/s"}}}]
    pill = {"resourceType": "Medication", "id": "m", "ingredient": items}
    found = case(
        knowledge,
        substance,
        pill,
        resource("MedicationRequest", status="ended", intent="order", medication={"reference": {"reference": "Medication/m"}}),
    )
    assert {(record.drug, record.status) for record in found.medications} == {
        (LC + "Atorvastatin", "stopped"),
        (LC + "Amlodipine", "stopped"),
    }


def test_an_element_in_the_forms_of_both_releases_is_a_contradiction(knowledge: Program) -> None:
    found = case(knowledge, order(medication={"concept": concept(("http://www.whocc.no/atc", "C08CA01"))}))
    assert (found.medications, codes(found)) == ((), {"contradictory-releases"})
    twice = resource("Procedure", status="completed", code=concept(SCAN), occurrenceDateTime="2026", performedDateTime="2025")
    assert codes(case(knowledge, twice)) == {"contradictory-releases"}


@pytest.mark.parametrize(("kind", "status"), [("Condition", "unknown"), ("DiagnosticReport", "modified")])
def test_statuses_that_r5_added_confirm_nothing(knowledge: Program, kind: str, status: str) -> None:
    assert status in " ".join(FHIR_CODES.values()).split()
    if kind == "Condition":
        found = case(knowledge, condition(clinicalStatus=concept(("http://terminology.hl7.org/CodeSystem/condition-clinical", status))))
        assert [record.status for record in found.diagnoses] == ["unconfirmed"]
    else:
        negative = [concept((SNOMED, "260385009"))]
        found = case(knowledge, resource(kind, status=status, code=concept(SCAN), conclusionCode=negative))
        assert [record.status for record in found.examinations] == ["unconfirmed"]


def test_a_profile_of_r5_is_read(knowledge: Program) -> None:
    patient = PATIENT | {"meta": {"profile": ["http://hl7.org/fhir/5.0/StructureDefinition/Patient"]}}
    assert len(read_fhir(bundle(patient, {"resourceType": "CapabilityStatement", "fhirVersion": "5.0.0"}), knowledge).cases) == 1


def test_public_files_of_r5_are_read_and_nothing_is_silent(knowledge: Program) -> None:
    data = shared_data()
    if data is None:
        pytest.skip("not run: the data of others is not at hand")
    files = sorted((data / "fhir-r5" / "json").glob("*.json"))
    assert len(files) == 9
    patients = bundle(*(PATIENT | {"id": name} for name in ("pat1", "f001")))
    found = read_sources([Source(file.name, file.read_bytes()) for file in files] + [Source("p.json", patients)], knowledge)
    assert adds_up(found.counts)
    assert found.counts.left_out("no-patient", "no-status", "contradictory-releases") == 0
    taken = {record.node.rpartition("/")[2]: record for each in found.cases for record in each.medications}
    assert {node: record.status for node, record in taken.items()} == {
        "medadmin0301": "active",
        "medrx0301": "stopped",
        "example001": "active",
    }
    assert taken["medadmin0301"].text.startswith("Vancomycin")
    assert {problem.term for each in found.cases for problem in each.problems} >= {f"{LOINC}#15074-8", f"{LOINC}#29463-7"}
