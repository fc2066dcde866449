"""Write a case and its records as FHIR R4 resources, the inverse of `reasoner.fhir`.

| record | resource |
|---|---|
| the case | Patient: `birthDate`, the subject as `identifier` |
| lc:FindingRecord, present, with onset or end, stopped, or planned | Condition |
| lc:FindingRecord, otherwise | Observation with `valueBoolean`; of unknown presence with `dataAbsentReason` |
| lc:DiagnosisRecord | Condition; absent: `verificationStatus` refuted |
| lc:MeasurementRecord | Observation with `valueQuantity`, `interpretation`, `referenceRange` |
| lc:ExaminationRecord | DiagnosticReport with `conclusionCode`; one that has a side, or is of a test that is measured: Procedure with `bodySite`, and the report it has |
| lc:MedicationRecord | MedicationStatement; refuted: MedicationRequest that is cancelled |
| lc:ClosureStatement | none: FHIR has no such statement; `denials` writes what it denies |

A status word becomes the code of R4 that the reader takes for it, or for one that counts alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from reasoner.export.fhir_dates import date_time, dated, period
from reasoner.export.fhir_json import Element, entry, full, identity
from reasoner.export.fhir_terms import Coder, hl7
from reasoner.moments import Moment
from reasoner.record import STANDING, Case, DiagnosisRecord, ExaminationRecord, FindingRecord, MeasurementRecord, MedicationRecord
from reasoner.terms import lc

__all__ = ["CaseWriter"]

_UCUM = "http://unitsofmeasure.org"
_IRI = re.compile(r"(?:https?://|urn:)[^\s<>\"{}|\\^`#]+")
_RESTFUL = re.compile(r"https?://\S+/(?P<kind>[A-Z][A-Za-z]+)/(?P<id>[A-Za-z0-9\-.]{1,64})")
_COMPARATORS = {"less_than": "<", "at_most": "<=", "at_least": ">=", "greater_than": ">"}
_ATTRIBUTES = {lc("completeness"): "Completeness", lc("extent"): "Extent", lc("result"): "Result"}

_OBSERVATION = {
    "active": "final",
    "entered_in_error": "entered-in-error",
    "not_done": "cancelled",
    "planned": "registered",
    "refuted": "cancelled",
    "stopped": "cancelled",
    "unconfirmed": "preliminary",
}
_REPORT = _OBSERVATION
_PROCEDURE = {
    "active": "completed",
    "entered_in_error": "entered-in-error",
    "not_done": "not-done",
    "planned": "preparation",
    "refuted": "not-done",
    "stopped": "not-done",
    "unconfirmed": "unknown",
}
_STATEMENT = {
    "active": "active",
    "entered_in_error": "entered-in-error",
    "not_done": "not-taken",
    "planned": "intended",
    "stopped": "stopped",
    "unconfirmed": "unknown",
}


class CaseWriter:
    """Writes one case; `nodes` tells which record each address stands for, `url` what the reader calls the case."""

    def __init__(self, case: Case, coder: Coder, as_of: Moment, taken: set[str]) -> None:
        self.case = case
        self.nodes: dict[str, str] = {}
        self._coder = coder
        self._as_of = as_of
        self._taken = taken
        self._id, self.url = self._name("Patient", case.iri)
        self._subject = {"reference": self.url}

    def entries(self) -> Iterator[Element]:
        """Yield the Patient and the resources of all records but closure statements."""
        case = self.case
        subject = [{"system": "urn:ietf:rfc:3986", "value": case.subject}] if case.subject != case.iri else []
        birth = case.birth.text if case.birth and len(case.birth.text) <= len("YYYY-MM-DD") else ""
        yield entry(full(resourceType="Patient", id=self._id, identifier=subject, birthDate=birth), self.url)
        for finding in case.findings:
            yield self._finding(finding)
        for measurement in case.measurements:
            yield self._measurement(measurement)
        for medication in case.medications:
            yield self._medication(medication)
        for examination in case.examinations:
            yield from self._examination(examination)
        for diagnosis in case.diagnoses:
            status = "refuted" if diagnosis.presence == "absent" else diagnosis.status
            yield self._condition(diagnosis, diagnosis.condition, status, "", diagnosis.recorded)

    def denials(self, node: str, terms: Iterable[str], drugs: Iterable[str], recorded: Moment | None) -> Iterator[Element]:
        """Yield what a closure statement denies: findings that are absent, drugs that are not taken."""
        for term in terms:
            name, _ = self._name("Observation", f"{node}\n{term}")
            yield entry(self._observation(name, term, "active", "", recorded, valueBoolean=False))
        for drug in drugs:
            name, _ = self._name("MedicationStatement", f"{node}\n{drug}")
            concept = self._coder.concept(drug)
            yield entry(
                full(
                    resourceType="MedicationStatement",
                    id=name,
                    status="not-taken",
                    medicationCodeableConcept=concept,
                    subject=self._subject,
                )
            )

    def _name(self, kind: str, node: str) -> tuple[str, str]:
        """Return the id and the address of a resource: those of the node where that is an address of its kind, else made from it."""
        restful = _RESTFUL.fullmatch(node)
        fits = restful["kind"] == kind if restful else bool(_IRI.fullmatch(node))
        made = identity(self.case.iri, kind, node)
        url = node if fits and node not in self._taken else f"urn:uuid:{made}"
        self._taken.add(url)
        self.nodes[url] = node
        return (restful["id"] if restful and url == node else made), url

    def _over(self, status: str, ended: Moment | None) -> bool:
        return status == "stopped" or (status in STANDING and ended is not None and ended.high <= self._as_of.high)

    # --- findings and diagnoses ---------------------------------------------------------------------------------------

    def _finding(self, record: FindingRecord) -> Element:
        refuted = record.presence == "absent" or record.status == "refuted"
        course = record.onset or record.ended or self._over(record.status, record.ended)
        if record.presence == "present" and course:
            return self._condition(record, record.finding, record.status, record.side, record.recorded)
        status = record.status if record.status in ("entered_in_error", "not_done", "planned", "unconfirmed") else "active"
        said: Element = {"valueBoolean": not refuted}
        if record.presence not in ("absent", "present"):
            said = {"dataAbsentReason": hl7("data-absent-reason", "unknown")}
        name, url = self._name("Observation", record.node)
        return entry(self._observation(name, record.finding, status, record.side, record.recorded, **said), url)

    def _condition(self, record: FindingRecord | DiagnosisRecord, term: str, status: str, side: str, recorded: Moment | None) -> Element:
        name, url = self._name("Condition", record.node)
        over = self._over(status, record.ended)
        verified = {"entered_in_error": "entered-in-error", "refuted": "refuted"}.get(status, "confirmed")
        verified = "unconfirmed" if status in ("not_done", "planned", "unconfirmed") else verified
        clinical = None if verified == "entered-in-error" else hl7("condition-clinical", "resolved" if over else "active")
        resource = full(
            resourceType="Condition",
            id=name,
            clinicalStatus=clinical,
            verificationStatus=hl7("condition-ver-status", verified),
            code=self._coder.concept(term),
            bodySite=[self._coder.value("Side", side)] if side else [],
            subject=self._subject,
            **dated("onset", record.onset),
            **(dated("abatement", record.ended) if over else {}),
            recordedDate=date_time(recorded),
        )
        return entry(resource, url)

    # --- tests --------------------------------------------------------------------------------------------------------

    def _observation(self, name: str, term: str, status: str, side: str, when: Moment | None, **more: object) -> Element:
        return full(
            resourceType="Observation",
            id=name,
            status=_OBSERVATION[status or "active"],
            code=self._coder.concept(term),
            subject=self._subject,
            **dated("effective", when),
            **more,
            bodySite=self._coder.value("Side", side) if side else None,
        )

    def _measurement(self, record: MeasurementRecord) -> Element:
        unit = full(unit=record.unit, system=_UCUM if record.unit else "", code=record.unit)
        more: Element = {}
        if record.value is not None:
            more["valueQuantity"] = full(value=record.value, comparator=_COMPARATORS.get(record.comparator)) | unit
        if record.interpretation:
            more["interpretation"] = [self._coder.value("Interpretation", record.interpretation)]
        limits = {end: {"value": value} | unit for end, value in (("low", record.low), ("high", record.high)) if value is not None}
        if limits:
            more["referenceRange"] = [limits]
        name, url = self._name("Observation", record.node)
        return entry(self._observation(name, record.test, record.status, record.side, record.performed, **more), url)

    def _examination(self, record: ExaminationRecord) -> Iterator[Element]:
        status = record.status or "active"
        conclusions = [self._conclusion(name, value) for name, value in record.attributes if name in _ATTRIBUTES]
        procedure = bool(record.side) or not self._coder.is_examined(record.test)
        name, url = self._name("Procedure" if procedure else "DiagnosticReport", record.node)
        reported = identity(url, "report") if procedure else name
        if not procedure or (conclusions and self._coder.is_examined(record.test)):
            report = full(
                resourceType="DiagnosticReport",
                id=reported,
                status=_REPORT[status],
                code=self._coder.concept(record.test),
                subject=self._subject,
                **dated("effective", record.performed),
                conclusionCode=conclusions,
            )
            yield entry(report, "" if procedure else url)
        if procedure:
            links = [{"reference": f"urn:uuid:{reported}"}] if conclusions and self._coder.is_examined(record.test) else []
            resource = full(
                resourceType="Procedure",
                id=name,
                status=_PROCEDURE[status],
                code=self._coder.concept(record.test),
                subject=self._subject,
                **dated("performed", record.performed),
                bodySite=[self._coder.value("Side", record.side)] if record.side else [],
                report=links,
            )
            yield entry(resource, url)

    def _conclusion(self, name: str, value: str) -> Element:
        values = _ATTRIBUTES[name]
        return self._coder.value(values, value.removeprefix(lc(f"_{values}_")))

    # --- drugs --------------------------------------------------------------------------------------------------------

    def _medication(self, record: MedicationRecord) -> Element:
        order = record.status == "refuted"
        name, url = self._name("MedicationRequest" if order else "MedicationStatement", record.node)
        used = full(
            id=name,
            medicationCodeableConcept=self._coder.concept(record.drug) if record.drug else {"text": record.text},
            subject=self._subject,
        )
        course = period(record.started, record.ended)
        if order:
            dosage = full(text=record.dose, timing=full(repeat=full(boundsPeriod=course)))
            said = full(resourceType="MedicationRequest", status="cancelled", intent="order", dosageInstruction=[dosage] if dosage else [])
        else:
            status = "stopped" if self._over(record.status, record.ended) else record.status or "active"
            dosages = [{"text": record.dose}] if record.dose else []
            said = full(resourceType="MedicationStatement", status=_STATEMENT[status], effectivePeriod=course, dosage=dosages)
        return entry(said | used, url)
