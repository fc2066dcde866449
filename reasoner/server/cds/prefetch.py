"""Take the data of a request apart by what the client could say of each: data, none, not sent, or an error.

| under the key | means |
|---|---|
| a resource or a Bundle | data; a Bundle with a `next` link is only the beginning of it |
| null | the client has no such data |
| no such key | not sent: it must be fetched, or the call fails (412) where the data is needed |
| an OperationOutcome | the client's own query failed: the same |

Null says that the record holds nothing, which is no statement that something is absent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reasoner.errors import InputError
from reasoner.fhir.document import parse_document
from reasoner.fhir.elements import Element, children, string
from reasoner.server.cds.refusal import Issue, Refusal
from reasoner.server.cds.request import HookRequest

__all__ = ["TEMPLATES", "Fetched", "Gap", "Held", "Template", "look_through", "require"]

_PATIENT = "{{context.patientId}}"
_MOST = "_count=500"
_FAILED: Element = {"resourceType": "OperationOutcome"}


@dataclass(frozen=True, slots=True)
class Template:
    """What is asked for under a key; `needed` data that cannot be had makes an answer impossible."""

    key: str
    query: str
    needed: bool = True

    def filled(self, patient: str) -> str:
        """Return the query for one patient."""
        return self.query.replace(_PATIENT, patient)


def _search(key: str, kind: str, *, needed: bool = True) -> Template:
    return Template(key, f"{kind}?patient={_PATIENT}&{_MOST}", needed)


TEMPLATES = (
    Template("patient", f"Patient/{_PATIENT}"),
    _search("conditions", "Condition"),
    _search("observations", "Observation"),
    _search("reports", "DiagnosticReport"),
    _search("procedures", "Procedure"),
    _search("medicationRequests", "MedicationRequest"),
    _search("medicationStatements", "MedicationStatement", needed=False),
    _search("medicationDispenses", "MedicationDispense", needed=False),
    _search("medicationAdministrations", "MedicationAdministration", needed=False),
    _search("allergies", "AllergyIntolerance", needed=False),
)
"""Instance reads and searches by patient only, which every client can fill in; many servers lack the types that are not needed."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """The pages that were fetched for a key, and whether fetching has failed."""

    pages: tuple[bytes, ...] = ()
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Gap:
    """Data that is not there: why, and the query, or the address of the next page, that would bring it."""

    template: Template
    why: str
    query: str


@dataclass(frozen=True, slots=True)
class Held:
    """The resources at hand and the gaps."""

    resources: tuple[Element, ...]
    gaps: tuple[Gap, ...]


def look_through(request: HookRequest, fetched: Mapping[str, Fetched]) -> Held:
    """Return what a request and the pages fetched for it hold; raise Refusal (400) for another patient's chart."""
    resources: list[Element] = []
    gaps: list[Gap] = []
    for template in TEMPLATES:
        sent, more = request.prefetch.get(template.key, _FAILED), fetched.get(template.key, Fetched())
        if sent is None:
            continue
        pages = [*([] if _is_failure(sent) else [sent]), *map(_read, more.pages)]
        resources += [page for page in pages if not _is_failure(page)]
        following = _next(pages[-1]) if pages else ""
        if not pages or any(map(_is_failure, pages)):
            why = "the client's query for it failed" if template.key in request.prefetch else "it was not sent"
            gaps.append(Gap(template, why, template.filled(request.patient)))
        elif following:
            gaps.append(Gap(template, "only the first pages of it are there", following))
    _check_patient(request, resources)
    return Held(tuple(resources), tuple(gaps))


def _is_failure(page: Element) -> bool:
    return string(page, "resourceType") in ("", _FAILED["resourceType"])


def _read(page: bytes) -> Element:
    try:
        return parse_document(page)
    except InputError:
        return _FAILED


def _next(page: Element) -> str:
    if string(page, "resourceType") != "Bundle":
        return ""
    return next((string(link, "url") for link in children(page, "link") if string(link, "relation") == "next"), "")


def _check_patient(request: HookRequest, resources: list[Element]) -> None:
    for place, each in enumerate(resources):
        if string(each, "resourceType") == "Patient" and string(each, "id") != request.patient:
            why = "it is the chart of another patient than context.patientId"
            raise Refusal(400, [Issue(f"prefetch[{place}].value", why, "send the patient whose chart is open")])


def require(gaps: tuple[Gap, ...]) -> None:
    """Raise Refusal (412) when data is missing without which nothing can be said."""
    missing = [
        Issue(f"prefetch.{gap.template.key}", gap.why, f"prefetch {gap.template.query}, null where there is none", "not-found")
        for gap in gaps
        if gap.template.needed
    ]
    if missing:
        raise Refusal(412, missing)
