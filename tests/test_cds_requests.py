"""Calls and responses of CDS Hooks are accepted and refused as HL7's validator does; prefetched data has four states."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cds_documents import PATIENT, SERVER, bytes_of, call_document, draft, drafts, example_entries, prefetched, read_response

from reasoner.fhir.elements import Element
from reasoner.server.cds.prefetch import TEMPLATES, Fetched, look_through, require
from reasoner.server.cds.refusal import Refusal
from reasoner.server.cds.request import Hook, HookRequest, read_request
from reasoner.server.cds.response import Action, Card, Response, Source, Suggestion
from reasoner.server.cds.services import SERVICES, discovery

OFFICIAL = (
    next((each for each in Path(__file__).resolve().parents if (each / "shared" / "data" / "cds-hooks").is_dir()), Path("/"))
    / "shared/data/cds-hooks"
)
REQUESTS = {"good": (), "bad": ("prefetch[0].value", "prefetch[1].value", "context.patientId", "context.encounterId")}
RESPONSES = {
    "empty": True,
    "empty2": False,
    "empty-source": False,
    "link": True,
    "no-link": True,
    "source-link": True,
    "suggestion": False,
    "two-cards": True,
}
EMPTY_BUNDLE = {"resourceType": "Bundle", "type": "searchset", "total": 0}
FAILED = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "timeout"}]}


def official(name: str) -> Path:
    path = OFFICIAL / name
    if not path.is_file():
        pytest.skip("not run: shared/data/cds-hooks is not there")
    return path


def errors_of(name: str) -> list[str]:
    """Return the elements that the official validator rejects, with the prefix of the model left out."""
    outcome = json.loads(official(f"official-outcomes/R4.{name}-logical.json").read_text())
    found = [each["expression"][0] for each in outcome.get("issue", ()) if each["severity"] in ("error", "fatal")]
    return [each.partition(".")[2] for each in found]


@pytest.mark.parametrize("kind", REQUESTS)
def test_an_official_request_is_judged_as_officially(kind: str) -> None:
    name = f"cdshooks-request-patient-view-{kind}"
    assert sorted(errors_of(name)) == sorted(REQUESTS[kind])
    text = official(f"{name}.json").read_bytes()
    if not REQUESTS[kind]:
        assert read_request(text, "patient-view").patient == "example-rec-04-not-long-acting-opioid"
        return
    with pytest.raises(Refusal) as refused:
        read_request(text, "patient-view")
    assert refused.value.status == 400
    assert sorted(each.element for each in refused.value.issues) == sorted(REQUESTS[kind])


@pytest.mark.parametrize("kind", RESPONSES)
def test_an_official_response_is_judged_as_officially(kind: str) -> None:
    name = f"cdshooks-response-{kind}"
    assert (not errors_of(name)) == RESPONSES[kind]
    document = json.loads(official(f"{name}.json").read_text())
    if RESPONSES[kind]:
        assert read_response(read_response(document).to_json()) == read_response(document)
    else:
        with pytest.raises(ValueError, match=r"a response has cards|a source has a label|a selection behaviour|a type and an id"):
            read_response(document)


def changed(**changes: Any) -> dict[str, Any]:
    document = call_document()
    for path, value in changes.items():
        *heads, last = path.split("__")
        inner = document
        for head in heads:
            inner = inner.setdefault(head, {})
        if value is None:
            inner.pop(last, None)
        else:
            inner[last] = value
    return document


BROKEN: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "no instance": (changed(hookInstance=None), ("hookInstance",)),
    "instance no uuid": (changed(hookInstance="1"), ("hookInstance",)),
    "other hook": (changed(hook="order-sign"), ("hook",)),
    "no hook": (changed(hook=None), ("hook",)),
    "no context": (changed(context=None), ("context",)),
    "no user": (changed(context__userId=None), ("context.userId",)),
    "no patient": (changed(context__patientId=None), ("context.patientId",)),
    "typed patient": (changed(context__patientId="Patient/1"), ("context.patientId",)),
    "path in patient": (changed(context__patientId="../metadata"), ("context.patientId",)),
    "long patient": (changed(context__patientId="x" * 65), ("context.patientId",)),
    "empty encounter": (changed(context__encounterId=""), ("context.encounterId",)),
    "server no address": (changed(fhirServer="file:///etc/passwd"), ("fhirServer",)),
    "server with user": (changed(fhirServer="https://a@b/fhir"), ("fhirServer",)),
    "token without server": (
        changed(
            fhirServer=None, fhirAuthorization={"access_token": "t", "token_type": "Bearer", "expires_in": 1, "scope": "s", "subject": "c"}
        ),
        ("fhirServer",),
    ),
    "token without parts": (
        changed(fhirAuthorization={"access_token": "t"}),
        ("fhirAuthorization.scope", "fhirAuthorization.subject", "fhirAuthorization.token_type", "fhirAuthorization.expires_in"),
    ),
    "prefetch a list": (changed(prefetch=[]), ("prefetch",)),
    "prefetch a text": (changed(prefetch__patient="x"), ("prefetch[0].value",)),
}


@pytest.mark.parametrize("name", BROKEN)
def test_every_fault_of_a_request_is_named_and_no_value_is(name: str) -> None:
    document, elements = BROKEN[name]
    with pytest.raises(Refusal) as refused:
        read_request(bytes_of(document), "patient-view")
    assert refused.value.status == 400
    assert tuple(each.element for each in refused.value.issues) == elements
    outcome = json.dumps(refused.value.to_json())
    assert not any(value in outcome for value in ("Patient/1", "metadata", "passwd", "a@b", PATIENT, "Walker"))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b'"x"',
        b"\xff\xfe{}",
        b'{"hook": NaN}',
        b'{"hook": "patient-view", "hook": "patient-view"}',
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
        b"[" * 200_000,
        b'{"a": "\\ud800"}',
        b'{"a": ' + b"9" * 100_000 + b"}",
    ],
    ids=lambda text: str(len(text)),
)
def test_text_that_is_no_request_is_refused(text: bytes) -> None:
    with pytest.raises(Refusal) as refused:
        read_request(text, "patient-view")
    assert refused.value.status == 400
    assert refused.value.to_json()["issue"]


@pytest.mark.parametrize(
    ("hook", "context", "elements"),
    [
        ("order-sign", {}, ("context.draftOrders",)),
        ("order-sign", {"draftOrders": {"resourceType": "Patient"}}, ("context.draftOrders",)),
        ("order-select", {"draftOrders": drafts()}, ("context.selections",)),
        ("order-select", {"draftOrders": drafts(), "selections": [1]}, ("context.selections",)),
        ("order-select", {"draftOrders": drafts(draft("X")), "selections": ["ServiceRequest/scan"]}, ()),
        ("order-sign", {"draftOrders": drafts(draft("X"))}, ()),
    ],
)
def test_a_hook_of_orders_needs_the_orders(hook: Hook, context: dict[str, Any], elements: tuple[str, ...]) -> None:
    text = bytes_of(call_document(hook, **context))
    if not elements:
        assert read_request(text, hook).drafts
        return
    with pytest.raises(Refusal) as refused:
        read_request(text, hook)
    assert tuple(each.element for each in refused.value.issues) == elements


# --- prefetch -----------------------------------------------------------------------------------------------------------


def request_with(**prefetch: Any) -> HookRequest:
    """Return a request under whose keys stands what is given, `...` for a key that is left out."""
    held = {**prefetched(example_entries()), **prefetch}
    return read_request(bytes_of(call_document(prefetch={key: value for key, value in held.items() if value is not ...})), "patient-view")


def kinds(resources: tuple[Element, ...]) -> set[object]:
    return {each["resourceType"] for each in resources}


def test_data_and_null_leave_no_gap() -> None:
    held = look_through(request_with(conditions=None, observations=EMPTY_BUNDLE), {})
    assert held.gaps == ()
    assert EMPTY_BUNDLE in held.resources


@pytest.mark.parametrize("key", [each.key for each in TEMPLATES])
@pytest.mark.parametrize(("value", "why"), [(..., "it was not sent"), (FAILED, "the client's query for it failed")])
def test_a_missing_key_and_a_failed_query_are_gaps(key: str, value: Any, why: str) -> None:
    held = look_through(request_with(**{key: value}), {})
    (gap,) = held.gaps
    assert (gap.template.key, gap.why) == (key, why)
    assert PATIENT in gap.query
    assert "{{" not in gap.query
    if not gap.template.needed:
        require(held.gaps)
        return
    with pytest.raises(Refusal) as refused:
        require(held.gaps)
    assert refused.value.status == 412
    assert [each.element for each in refused.value.issues] == [f"prefetch.{key}"]


def test_enough_is_needed_and_something_is_not() -> None:
    assert {each.key for each in TEMPLATES if each.needed} >= {"patient", "conditions", "observations", "reports", "procedures"}
    assert {each.key for each in TEMPLATES if not each.needed}


def page(following: str = "", *entries: dict[str, Any]) -> dict[str, Any]:
    links = [{"relation": "self", "url": f"{SERVER}/Condition"}] + ([{"relation": "next", "url": following}] if following else [])
    return {"resourceType": "Bundle", "type": "searchset", "link": links, "entry": list(entries)}


def test_a_first_page_is_a_gap_until_the_last_one_is_there() -> None:
    second, third = f"{SERVER}?_getpages=2", f"{SERVER}?_getpages=3"
    request = request_with(conditions=page(second))
    pages: list[bytes] = []
    for following, query in (("", second), (third, third), ("", "")):
        if query != second:
            pages.append(bytes_of(page(following)))
        held = look_through(request, {"conditions": Fetched(tuple(pages))})
        if query:
            assert [(gap.template.key, gap.query) for gap in held.gaps] == [("conditions", query)]
            with pytest.raises(Refusal):
                require(held.gaps)
        else:
            assert held.gaps == ()


@pytest.mark.parametrize("text", [b"<html>", b"{}", b'{"resourceType": "OperationOutcome"}', b"[" * 1000])
def test_what_was_fetched_and_is_no_resource_leaves_the_gap(text: bytes) -> None:
    held = look_through(request_with(conditions=...), {"conditions": Fetched((text,), failed=True)})
    assert [gap.template.key for gap in held.gaps] == ["conditions"]


def test_what_was_fetched_closes_the_gap() -> None:
    held = look_through(request_with(conditions=...), {"conditions": Fetched((bytes_of(page()),))})
    assert held.gaps == ()


def test_the_chart_of_another_patient_is_refused() -> None:
    other = {"resourceType": "Patient", "id": "someone-else"}
    with pytest.raises(Refusal) as refused:
        look_through(request_with(patient=other), {})
    assert refused.value.status == 400
    assert "someone-else" not in json.dumps(refused.value.to_json())


# --- responses ----------------------------------------------------------------------------------------------------------


def test_discovery_has_one_service_for_each_hook_with_portable_templates() -> None:
    services = discovery()["services"]
    assert [each["hook"] for each in services] == ["patient-view", "order-select", "order-sign"]
    assert len({each["id"] for each in services}) == len(services) == len(SERVICES)
    for each in services:
        assert all(each[name] for name in ("id", "hook", "title", "description"))
        assert each["prefetch"]["patient"] == "Patient/{{context.patientId}}"
        assert all("{{context.patientId}}" in query and query.count("{{") == 1 for query in each["prefetch"].values())


def test_nothing_to_say_is_an_empty_list() -> None:
    assert Response().to_json() == {"cards": []}


def test_a_card_leaves_out_what_is_empty() -> None:
    assert Card("One", "info", Source("X")).to_json() == {"summary": "One", "indicator": "info", "source": {"label": "X"}}


@pytest.mark.parametrize(
    "make",
    [
        lambda: Source(""),
        lambda: Card("", "info", Source("x")),
        lambda: Card("One", "hard-stop", Source("x")),
        lambda: Card("One", "info", Source("x"), suggestions=(Suggestion("y"),)),
        lambda: Card("One", "info", Source("x"), selection="all"),
        lambda: Action("delete", "x"),
        lambda: Action("delete", "x", {"resourceType": "ServiceRequest", "id": "1"}, "ServiceRequest/1"),
        lambda: Action("create", "x"),
        lambda: Action("create", "x", {"resourceType": "ServiceRequest"}),
        lambda: Action("create", "", {"resourceType": "ServiceRequest", "id": "1"}),
        lambda: Action("remove", "x", reference="ServiceRequest/1"),
    ],
)
def test_what_the_specification_forbids_cannot_be_made(make: Any) -> None:
    with pytest.raises(ValueError, match=r"[a-z]"):
        make()
