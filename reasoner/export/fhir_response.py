"""Write the GuidanceResponse of an answer: its verdicts, what was wrong with the data, and which data would settle more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reasoner.answer import CaseAnswer
from reasoner.export.fhir_dates import date_time
from reasoner.export.fhir_evidence import PLAN, canonical
from reasoner.export.fhir_json import Element, full
from reasoner.export.fhir_terms import Coder
from reasoner.namespaces import BASE
from reasoner.program.model import Program

__all__ = ["guidance_response"]

_TYPES = {"Condition": "Condition", "Drug": "MedicationStatement"}
_PATHS = {"MedicationStatement": "medication"}
_WINDOW = ("from", "target", "until")


def guidance_response(program: Program, answer: CaseAnswer, document: Mapping[str, Any], coder: Coder, name: str, group: str) -> Element:
    """Return the GuidanceResponse of an answer, whose report is `document` and whose RequestGroup has the id `group`."""
    problems = [*_issues(document["conflicts"], "conflict"), *_issues(document["dataProblems"], "processing")]
    verdicts = {"resourceType": "Parameters", "id": "verdicts", "parameter": [*_verdicts(document)]}
    outcome = {"resourceType": "OperationOutcome", "id": "problems", "issue": problems}
    wanted = [*_requirements(program, document, coder)]
    disputed = [f"{row['topic']}: {row['chosen']} ({row['because']})" for row in document["disagreements"]]
    return full(
        resourceType="GuidanceResponse",
        id=name,
        contained=[verdicts, *([outcome] if problems else [])],
        moduleCanonical=canonical("PlanDefinition", PLAN, program),
        status="data-requested" if wanted else "success",
        subject={"reference": answer.state.case.iri},
        occurrenceDateTime=date_time(answer.as_of),
        note=[{"text": text} for text in (*disputed, *document["notes"])],
        evaluationMessage=[{"reference": "#problems"}] if problems else [],
        outputParameters={"reference": "#verdicts"},
        result={"reference": f"urn:uuid:{group}"},
        dataRequirement=wanted,
    )


def _verdicts(document: Mapping[str, Any]) -> Iterator[Element]:
    for key, judged in document.items():
        if isinstance(judged, dict):
            parts = [
                {"name": "verdict", "valueCode": judged["verdict"]},
                *({"name": name, "valueString": judged[name]} for name in ("label", "rule", "certainty") if judged[name]),
                *({"name": "because", "valueString": text} for text in dict.fromkeys(each["text"] for each in judged["because"])),
                *({"name": "sentence", "valueString": each} for each in judged["sentences"]),
                *({"name": "presumes", "valueString": each["label"]} for each in judged["presumes"]),
                *({"name": "couldBe", "valueCode": each} for each in dict.fromkeys(row["verdict"] for row in judged["couldBe"])),
            ]
            if judged["window"]:
                parts += [{"name": name, "valueDate": judged["window"][name]} for name in _WINDOW]
            yield {"name": key, "part": parts}


def _issues(rows: list[Mapping[str, Any]], kind: str) -> Iterator[Element]:
    for row in rows:
        coding = [{"system": f"{BASE}problem", "code": row["code"]}]
        words = f"{row['repair']}{' — ' if row['sources'] else ''}{', '.join(row['sources'])}"
        yield full(severity="warning", code=kind, details={"coding": coding, "text": row["text"]}, diagnostics=words)


def _requirements(program: Program, document: Mapping[str, Any], coder: Coder) -> Iterator[Element]:
    """Yield what is missing, what keeps verdicts open before what is only asked, each term once."""
    sections = [document["redFlags"], document["nextTests"], document["actions"], document["differential"]]
    judged = [each for each in document.values() if isinstance(each, dict)]
    rows = [row for part in (judged, *sections) for each in part for row in each["missing"]]
    for term in dict.fromkeys(row["term"] for row in (*rows, *document["questions"])):
        indicator = program.indicator.get(term)
        asked = indicator.tests if indicator is not None and indicator.tests else (term,)
        kind = _TYPES.get(program.sorts.get(asked[0], ""), "Observation")
        codes = [coding for each in asked for coding in coder.concept(each)["coding"]]
        yield {"type": kind, "codeFilter": [{"path": _PATHS.get(kind, "code"), "code": codes}]}
