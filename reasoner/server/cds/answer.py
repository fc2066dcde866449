"""Answer one call of a hook: bytes in, cards out, or what must be fetched first. Nothing here touches network, disk or clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256

from reasoner.answer import CaseAnswer
from reasoner.answering import answer_case
from reasoner.errors import InputError
from reasoner.fhir.elements import Element, child, children, string
from reasoner.fhir.entries import gather_entries
from reasoner.fhir.orders import Order, Orders, Unread, orders_in
from reasoner.fhir.reading import BASE, read_resources
from reasoner.moments import Moment
from reasoner.server.cds.cards import CardWriter, Clinic, Place
from reasoner.server.cds.prefetch import Fetched, Gap, Held, look_through, require
from reasoner.server.cds.refusal import Issue, Refusal
from reasoner.server.cds.request import ORDER_SELECT, PATIENT_VIEW, Hook, HookRequest, read_request
from reasoner.server.cds.response import Response

__all__ = ["Answered", "Call", "Wanted", "answer_hook", "case_of_call"]


@dataclass(frozen=True, slots=True)
class Call:
    """One call: the body, what was fetched for it, whether more may be fetched, when it is judged, and where the server stands."""

    hook: Hook
    body: bytes = field(repr=False)
    as_of: Moment
    public: str = ""
    secret: bytes = field(default=b"", repr=False)
    fetched: Mapping[str, Fetched] = field(default_factory=dict, repr=False)
    fetches: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """What must be fetched from the client's FHIR server, with the client's token: queries or addresses by prefetch key."""

    server: str
    token: str = field(repr=False)
    queries: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answered:
    """The response, and for each of its cards that has a proof the conclusions that it proves."""

    response: Response
    conclusions: Mapping[str, tuple[str, ...]]


def answer_hook(call: Call, clinic: Clinic) -> Answered | Wanted:
    """Return the cards of a call, or what must be fetched for them; raise Refusal (400, 412)."""
    request = read_request(call.body, call.hook)
    held = look_through(request, call.fetched)
    wanted = _wanted(call, request, held.gaps)
    if wanted is not None:
        return wanted
    require(held.gaps)
    answer = _answer(call, clinic, request, held)
    place = Place(call.public, f"{request.instance}\n{call.as_of.text}\n{sha256(call.body).hexdigest()}", call.secret)
    writer = CardWriter(clinic, answer, place, [gap.template.key for gap in held.gaps])
    if call.hook == PATIENT_VIEW:
        issued = tuple(writer.view(f"Patient/{request.patient}"))
    else:
        orders, references = _orders(clinic, request, held, answer)
        issued = (*writer.orders(orders.open, references), *writer.unread(orders.unread, references))
    proven = {each.card.uuid: each.conclusions for each in issued if each.conclusions}
    return Answered(Response(tuple(each.card for each in issued)), proven)


def case_of_call(call: Call, clinic: Clinic) -> CaseAnswer:
    """Return the answer that the cards of a call are made of; raise Refusal as `answer_hook` does."""
    request = read_request(call.body, call.hook)
    held = look_through(request, call.fetched)
    require(held.gaps)
    return _answer(call, clinic, request, held)


def _wanted(call: Call, request: HookRequest, gaps: tuple[Gap, ...]) -> Wanted | None:
    """Return what can still be had of the gaps."""
    queries = {gap.template.key: gap.query for gap in gaps if not call.fetched.get(gap.template.key, Fetched()).failed}
    return Wanted(request.server, request.token, queries) if call.fetches and request.server and queries else None


def _answer(call: Call, clinic: Clinic, request: HookRequest, held: Held) -> CaseAnswer:
    base = _base(request)
    with _readable("prefetch"):
        reading = read_resources(held.resources, clinic.codes, base)
    cases = {each.iri: each for each in reading.cases}
    own = f"{base}Patient/{request.patient}"
    return answer_case(cases[own if own in cases else _chart(request, held)], clinic.program, call.as_of)


def _chart(request: HookRequest, held: Held) -> str:
    """Return the IRI of the only patient with the id that the call gives, whatever its full URL; raise Refusal (412) otherwise."""
    patients = [each for each in gather_entries(held.resources, _base(request)).entries if each.kind == "Patient" and each.home is None]
    named = [each.node for each in patients if string(each.resource, "id") == request.patient]
    if len(named) == 1:
        return named[0]
    why = "several patients have" if named else "no Patient that was sent has" if patients else "no Patient was sent with"
    repair = "send the Patient of the open chart, with this id, alone or in a Bundle"
    raise Refusal(412, [Issue("prefetch.patient", f"{why} the id that context.patientId gives", repair, "not-found")])


def _with_patients(held: Held) -> list[Element]:
    return [each for each in held.resources if _holds_patient(each)]


@contextmanager
def _readable(element: str) -> Iterator[None]:
    """Refuse (400) what is no FHIR that is read; why it is none may quote the record and is left out."""
    try:
        yield
    except InputError as error:
        raise Refusal(400, [Issue(element, error.what, error.repair)]) from None


def _orders(clinic: Clinic, request: HookRequest, held: Held, answer: CaseAnswer) -> tuple[Orders, dict[str, str]]:
    """Return the draft orders that are or may be the patient's, at `order-select` those just selected, and their references by IRI."""
    with _readable("context.draftOrders"):
        found = orders_in((*_with_patients(held), request.drafts), clinic.codes, _base(request))
    references, selected = dict(_references(request)), {_local(each) for each in request.selections}

    def is_meant(order: Order | Unread) -> bool:
        chosen = request.hook != ORDER_SELECT or references.get(order.node) in selected
        return chosen and order.patient in ("", answer.state.case.iri)

    return Orders(tuple(filter(is_meant, found.open)), tuple(filter(is_meant, found.unread))), references


def _holds_patient(resource: Element) -> bool:
    members = [resource, *(child(entry, "resource") for entry in children(resource, "entry"))]
    return any(string(each, "resourceType") == "Patient" for each in members)


def _references(request: HookRequest) -> Iterator[tuple[str, str]]:
    """Yield the IRIs that a draft may have with its reference; a draft without an id has none and cannot be taken back."""
    for entry in children(request.drafts, "entry"):
        resource = child(entry, "resource")
        reference = f"{string(resource, 'resourceType')}/{string(resource, 'id')}"
        if string(resource, "id"):
            yield f"{_base(request)}{reference}", reference
            yield string(entry, "fullUrl"), reference


def _local(reference: str) -> str:
    return "/".join(reference.split("/")[-2:])


def _base(request: HookRequest) -> str:
    return f"{request.server}/" if request.server else BASE
