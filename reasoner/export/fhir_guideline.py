"""Write the guidelines as FHIR R4: a PlanDefinition of everything, one per guideline, an ActivityDefinition per recommendation.

| recommendation | PlanDefinition.action and its ActivityDefinition |
|---|---|
| direction, strength, certainty | extensions `cpg-directionOfRecommendation`, `cqf-strengthOfRecommendation`, `cqf-qualityOfEvidence`; unstated ones are left out |
| sentences, publications | `documentation`, `relatedArtifact` |
| the case class in which it applies | `condition`: a SPARQL question to the inferred graph of a case |
| urgency, row or step | `priority`, `prefix` |
| test or action | `code`; a test makes a ServiceRequest, one against it with `doNotPerform` |
| how far it was seen in its source | `usage` |

A conditional recommendation is a weak one in the words of GRADE, which the code system uses. Everything is a draft and
experimental: it is the guideline as this project reads it, no publication of its authors.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from reasoner.export.fhir_evidence import PLAN, artifact_id, canonical, priority, related
from reasoner.export.fhir_json import Element, bundle, entry, fhir_text, full, identity
from reasoner.export.fhir_terms import HL7, Coder, coding
from reasoner.export.tally import Tally
from reasoner.knowledge import Graph, read_graph
from reasoner.namespaces import BASE, PREFIXES, SKOS
from reasoner.program.model import Program, Recommendation
from reasoner.terms import lc

__all__ = ["guideline_bundle"]

_CPG = "http://hl7.org/fhir/uv/cpg/"
_CORE = "http://hl7.org/fhir/StructureDefinition/"
_STRENGTHS = {"strong": "strong", "conditional": "weak"}
_QUALITIES = ("high", "moderate", "low", "very-low")
_SOURCE = PREFIXES["dcterms"] + "source"
_TYPE = HL7 + "plan-definition-type"


def guideline_bundle(program: Program, folder: Path) -> tuple[bytes, list[Tally]]:
    """Return the guidelines of a knowledge folder as a Bundle of type collection, with the counts."""
    graph = read_graph(sorted((folder / "ontology").rglob("*.ttl")))
    coder = Coder(program)
    parts: dict[str, list[Recommendation]] = {}
    for each in program.recommendations:
        parts.setdefault(graph.iri(each.iri, lc("isPartOfGuideline")) or "", []).append(each)
    plans = [_plan(iri, recommendations, graph, program, coder) for iri, recommendations in sorted(parts.items()) if iri]
    activities = [_activity(each, graph, program, coder) for iri, listed in sorted(parts.items()) if iri for each in listed]
    resources = [_whole(plans, program), *plans, *activities]
    text = fhir_text(bundle([entry(each, each["url"]) for each in resources], identity("guideline", program.digest)))
    counts = Counter(each["resourceType"] for each in resources)
    left = Counter({"they belong to no guideline": len(parts.get("", []))})
    return text, [
        *(Tally.of(f"resources, {kind}", count) for kind, count in sorted(counts.items())),
        Tally.of("recommendations", len(activities), +left),
    ]


def _artifact(kind: str, name: str, program: Program, title: str, description: str) -> Element:
    """Return what every artifact has: its address, its version and that it is a draft."""
    return full(
        resourceType=kind,
        id=name,
        url=f"{BASE}fhir/{kind}/{name}",
        version=program.version,
        name="".join(part.capitalize() for part in name.replace(".", "-").split("-")),
        title=title,
        status="draft",
        experimental=True,
        description=description,
    )


def _whole(plans: Iterable[Element], program: Program) -> Element:
    actions = [{"title": each["title"], "definitionCanonical": f"{each['url']}|{program.version}"} for each in plans]
    whole = _artifact("PlanDefinition", PLAN, program, "Legcramps", "Every guideline of the knowledge, in the order of their names.")
    return whole | {"type": {"coding": [coding(_TYPE, "workflow-definition")]}, "action": actions}


def _plan(iri: str, recommendations: Iterable[Recommendation], graph: Graph, program: Program, coder: Coder) -> Element:
    about = graph.text(iri, SKOS + "definition")
    sources = [full(type="citation", display=program.label(each), url=each) for each in graph.iris(iri, _SOURCE)]
    return full(
        **_artifact("PlanDefinition", artifact_id(iri), program, program.label(iri), about),
        type={"coding": [coding(_TYPE, "clinical-protocol")]},
        relatedArtifact=sources,
        action=[
            _action(each, program, coder) for each in sorted(recommendations, key=lambda each: (each.urgency_rank, each.order, each.iri))
        ],
    )


def _action(each: Recommendation, program: Program, coder: Coder) -> Element:
    applies = {
        "description": f"the case is in the class “{program.label(each.applicable)}”",
        "language": "application/sparql-query",
        "expression": f"ASK {{ ?case a <{each.applicable}> }}",
    }
    return full(
        id=artifact_id(each.iri),
        extension=_grades(each),
        prefix=each.rule,
        title=program.label(each.iri),
        description=" ".join(filter(None, (each.statement, each.action_text))),
        priority=priority(each.urgency),
        code=[_code(each, coder)],
        documentation=related([each], program),
        condition=[{"kind": "applicability", "expression": applies}],
        definitionCanonical=canonical("ActivityDefinition", artifact_id(each.iri), program),
    )


def _grades(each: Recommendation) -> list[Element]:
    """Return direction, strength and certainty as far as they are stated."""
    found = [
        _graded(
            f"{_CPG}StructureDefinition/cpg-directionOfRecommendation", f"{_CPG}CodeSystem/cpg-recommendation-direction-cs", each.direction
        )
    ]
    if each.strength in _STRENGTHS:
        found.append(_graded(f"{_CORE}cqf-strengthOfRecommendation", HL7 + "recommendation-strength", _STRENGTHS[each.strength]))
    if each.certainty in _QUALITIES:
        found.append(_graded(f"{_CORE}cqf-qualityOfEvidence", HL7 + "evidence-quality", each.certainty))
    return found


def _graded(url: str, system: str, code: str) -> Element:
    return {"url": url, "valueCodeableConcept": {"coding": [coding(system, code)]}}


def _code(each: Recommendation, coder: Coder) -> Element:
    if each.investigation:
        return coder.concept(each.investigation)
    return {"coding": [coder.own(each.action or each.iri)]}


def _activity(each: Recommendation, graph: Graph, program: Program, coder: Coder) -> Element:
    seen = graph.iri(each.iri, lc("verification"))
    more: dict[str, Any] = {"kind": "ServiceRequest", "intent": "proposal"} if each.investigation else {}
    return full(
        **_artifact(
            "ActivityDefinition", artifact_id(each.iri), program, program.label(each.iri), each.statement or program.label(each.iri)
        ),
        usage=f"verification: {program.label(seen)}" if seen else "",
        relatedArtifact=related([each], program),
        **more,
        code=_code(each, coder),
        priority=priority(each.urgency),
        doNotPerform=True if each.direction == "against" else None,
    )
