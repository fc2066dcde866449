"""Name the artifacts of FHIR that come from the guidelines: canonical addresses, priorities, and what claims rest on."""

from __future__ import annotations

import re
from collections.abc import Iterable

from reasoner.explanation import sentence_id
from reasoner.export.fhir_json import Element, full, identity
from reasoner.namespaces import BASE
from reasoner.program.model import Program, Recommendation

__all__ = ["PLAN", "artifact_id", "canonical", "priority", "related"]

PLAN = "legcramps"
"""The id of the PlanDefinition of everything."""

_LONGEST_ID = 64
_PRIORITIES = {"emergency": "stat", "urgent": "asap", "soon": "urgent"}


def artifact_id(iri: str) -> str:
    """Return the local name of a term as an id of FHIR; a UUID where it would be too long."""
    name = re.sub(r"[^A-Za-z0-9.]+", "-", iri.rpartition("/")[2]).strip("-")
    return name if len(name) <= _LONGEST_ID else identity(iri)


def canonical(kind: str, name: str, program: Program) -> str:
    """Return the canonical address of an artifact in the version of the knowledge."""
    return f"{BASE}fhir/{kind}/{name}|{program.version}"


def priority(urgency: str) -> str:
    """Return a request priority: emergencies at once, the urgent as soon as possible, soon promptly, the rest routine."""
    return _PRIORITIES.get(urgency, "routine")


def related(recommendations: Iterable[Recommendation], program: Program) -> list[Element]:
    """Return the sentences that recommendations carry out and the publications they cite, each once."""
    given = list(recommendations)
    sentences = dict.fromkeys(sentence for each in given for sentence in each.sentences)
    sources = dict.fromkeys(source for each in given for source in each.sources)
    found = [full(type="justification", label=sentence_id(iri), display=f"sentence {sentence_id(iri)}", url=iri) for iri in sentences]
    return found + [full(type="citation", display=program.label(iri), url=iri) for iri in sources]
