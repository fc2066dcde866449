"""Describe in OpenAPI what the interface takes and gives: calls of hooks, feedback, problems."""

from __future__ import annotations

from typing import Any

__all__ = ["CARDS", "FEEDBACK", "FORMATS", "HOOK", "OUTCOME", "PROBLEM", "documents", "json_body", "responses"]

Schema = dict[str, Any]

FORMATS = {
    "application/fhir+json": "fhir",
    "application/fhir+ndjson": "fhir-ndjson",
    "application/fhir+turtle": "fhir-turtle",
    "application/json": "fhir",
    "application/ld+json": "json-ld",
    "application/n-quads": "n-quads",
    "application/n-triples": "n-triples",
    "application/rdf+xml": "rdf-xml",
    "application/trig": "trig",
    "text/turtle": "turtle",
}
"""The content types of record documents, with the format that each is read as."""

_UUID = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_RESOURCE: Schema = {"type": "object", "required": ["resourceType"], "properties": {"resourceType": {"type": "string", "minLength": 1}}}
HOOK: Schema = {
    "type": "object",
    "required": ["hook", "hookInstance", "context"],
    "properties": {
        "hook": {"type": "string"},
        "hookInstance": {"type": "string", "pattern": f"^{_UUID}$"},
        "fhirServer": {"type": "string"},
        "fhirAuthorization": {"type": "object"},
        "context": {
            "type": "object",
            "required": ["userId", "patientId"],
            "properties": {
                "userId": {"type": "string"},
                "patientId": {"type": "string", "pattern": "^[A-Za-z0-9.-]{1,64}$"},
                "encounterId": {"type": "string", "pattern": "^[A-Za-z0-9.-]{1,64}$"},
                "draftOrders": _RESOURCE,
                "selections": {"type": "array", "items": {"type": "string"}},
            },
        },
        "prefetch": {"type": "object", "additionalProperties": {"anyOf": [_RESOURCE, {"type": "null"}]}},
    },
}
FEEDBACK: Schema = {
    "type": "object",
    "required": ["feedback"],
    "properties": {
        "feedback": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["card", "outcome", "outcomeTimestamp"],
                "properties": {
                    "card": {"type": "string", "pattern": f"^{_UUID}$"},
                    "outcome": {"enum": ["accepted", "overridden"]},
                    "acceptedSuggestions": {"type": "array", "items": {"type": "object", "required": ["id"]}},
                    "overrideReason": {"type": "object"},
                    "outcomeTimestamp": {"type": "string", "format": "date-time"},
                },
            },
        }
    },
}
CARDS: Schema = {"type": "object", "required": ["cards"], "properties": {"cards": {"type": "array", "items": {"type": "object"}}}}
OUTCOME: Schema = {
    "type": "object",
    "required": ["resourceType", "issue"],
    "properties": {"resourceType": {"const": "OperationOutcome"}, "issue": {"type": "array", "minItems": 1}},
}
PROBLEM: Schema = {
    "type": "object",
    "required": ["status", "title"],
    "properties": {"status": {"type": "integer"}, "title": {"type": "string"}},
}

_MEANINGS = {
    400: "what was sent cannot be read",
    401: "the call is not authorised",
    403: "it is not allowed",
    404: "there is no such thing",
    408: "the body did not come in time",
    412: "data is missing without which nothing can be said",
    413: "it is too much",
    415: "the content type is not read",
    422: "a parameter is malformed",
    503: "the server is busy, or was not fast enough",
    507: "there is no room to keep it",
}


def responses(
    *statuses: int, good: Schema | None = None, media: str = "application/json", outcome: bool = False
) -> dict[int | str, Schema]:
    """Return what an operation answers: its good answer, and problems, or OperationOutcomes where faults of a call are said."""
    problem = {"application/problem+json": {"schema": PROBLEM}}
    both = problem | ({"application/fhir+json": {"schema": OUTCOME}} if outcome else {})
    found: dict[int | str, Schema] = {200: {"description": "the answer", "content": {media: {"schema": good or {"type": "object"}}}}}
    for status in (401, 403, *statuses):
        found[status] = {"description": _MEANINGS[status], "content": both if status in (400, 412) else problem}
    return found


def json_body(schema: Schema) -> Schema:
    """Return the description of a body in JSON."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def documents() -> Schema:
    """Return the description of a body that is a document of records."""
    content = {media: {"schema": {"type": "string"}} for media in FORMATS if not media.endswith("json")}
    content |= {media: {"schema": {"type": "object"}} for media in FORMATS if media.endswith("json") and "nd" not in media}
    return {"requestBody": {"required": True, "content": content}}
