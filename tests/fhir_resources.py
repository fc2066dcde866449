"""Build small FHIR resources for tests."""

from __future__ import annotations

import json
from typing import Any

from reasoner.fhir import Counts
from reasoner.namespaces import LC

Json = dict[str, Any]
LOINC, SNOMED, RXNORM, ATC = (
    "http://loinc.org",
    "http://snomed.info/sct",
    "http://www.nlm.nih.gov/research/umls/rxnorm",
    "http://www.whocc.no/atc",
)
ICD, HPO, UCUM = "http://hl7.org/fhir/sid/icd-10-cm", "http://human-phenotype-ontology.org", "http://unitsofmeasure.org"
FHIR, HL7 = "http://hl7.org/fhir/", "http://terminology.hl7.org/CodeSystem/"
PATIENT: Json = {"resourceType": "Patient", "id": "p", "birthDate": "1959"}
ATORVASTATIN, TSH, POTASSIUM, CK = (RXNORM, "83367"), (LOINC, "3016-3"), (LOINC, "2823-3"), (LOINC, "2157-6")
SCAN = (LC, "CompressionUltrasound")


def concept(*codings: tuple[str, str], text: str = "") -> Json:
    return {"coding": [{"system": system, "code": code} for system, code in codings]} | ({"text": text} if text else {})


def resource(kind: str, ident: str = "x", **fields: Any) -> Json:
    return {"resourceType": kind, "id": ident, "subject": {"reference": "Patient/p"}} | fields


def observation(code: tuple[str, str], **fields: Any) -> Json:
    return resource("Observation", **({"status": "final", "code": concept(code), "effectiveDateTime": "2026-11-12"} | fields))


def order(drug: Json | None = None, **fields: Any) -> Json:
    drug = concept(ATORVASTATIN) if drug is None else drug
    return resource("MedicationRequest", **({"status": "active", "intent": "order", "medicationCodeableConcept": drug} | fields))


def condition(**fields: Any) -> Json:
    return resource("Condition", **({"code": concept((SNOMED, "40930008"))} | fields))


def bundle(*resources: Json, **fields: Any) -> bytes:
    return json.dumps(
        {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": each} for each in resources]} | fields
    ).encode()


def adds_up(counts: Counts) -> bool:
    return counts.entries == counts.patients + counts.definitions + counts.recorded + counts.left_out()


def lines(*resources: Json | str) -> bytes:
    return "\n".join(each if isinstance(each, str) else json.dumps(each) for each in resources).encode()
