"""Missing data is fetched from listed FHIR servers by https, page by page; no other server is ever asked, and no token leaves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from canaries import Answer, Canary, certificate, listening
from cds_documents import PATIENT, call_document, example_entries, prefetched
from cds_server import Server

from reasoner.program import Program
from reasoner.server.access import Access
from reasoner.server.outside import Outside

TOKEN = "granted-by-the-record-system"  # noqa: S105
JSON = {"content-type": "application/fhir+json"}
GRANTED = {"access_token": TOKEN, "token_type": "Bearer", "expires_in": 300, "scope": "patient/*.read", "subject": "legcramps"}
CHART = prefetched(example_entries())
SERVICE = "/cds-services/legcramps-patient-view"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("tls"))


@dataclass
class Record:
    """A FHIR server with the chart of the example, two entries on a page; `says` takes the place of an answer."""

    base: str = ""
    says: Callable[[str], Answer | None] = lambda _: None

    def __call__(self, path: str) -> Answer:
        said = self.says(path)
        if said is not None:
            return said
        chart = CHART
        asked = path.removeprefix("/fhir/")
        if asked == f"Patient/{PATIENT}":
            return 200, JSON, json.dumps(chart["patient"]).encode()
        kind, _, query = asked.partition("?")
        key = next(
            (
                each
                for each, value in chart.items()
                if value and value.get("entry", [{}])[0].get("resource", {}).get("resourceType") == kind
            ),
            "",
        )
        entries = chart[key]["entry"] if key else []
        start = int(query.partition("page=")[2] or 0)
        links = [{"relation": "next", "url": f"{self.base}/fhir/{kind}?page={start + 2}"}] if start + 2 < len(entries) else []
        bundle = {"resourceType": "Bundle", "type": "searchset", "link": links, "entry": entries[start : start + 2]}
        return 200, JSON, json.dumps(bundle).encode()


@pytest.fixture
def record() -> Record:
    return Record()


@pytest.fixture
def ehr(record: Record, made: Path) -> Iterator[Canary]:
    with listening(record, made) as canary:
        record.base = canary.address
        yield canary


def serving(knowledge: Program, made: Path, *bases: str) -> Server:
    return Server(knowledge, Access(fhir=bases, authorities=str(made)))


def call(server: str, **prefetch: Any) -> dict[str, Any]:
    return call_document(prefetch=prefetch) | {"fhirServer": server, "fhirAuthorization": GRANTED}


def test_what_was_not_prefetched_is_fetched(knowledge: Program, made: Path, ehr: Canary) -> None:
    server = serving(knowledge, made, f"{ehr.address}/fhir")
    fetched = server.post(SERVICE, call(f"{ehr.address}/fhir"))
    sent = server.post(SERVICE, call_document())
    assert fetched.status_code == sent.status_code == 200
    assert [each["summary"] for each in fetched.json()["cards"]] == [each["summary"] for each in sent.json()["cards"]]
    assert [each["detail"] for each in fetched.json()["cards"]] == [each["detail"] for each in sent.json()["cards"]]
    assert {authorization for _, authorization in ehr.hits} == {f"Bearer {TOKEN}"}
    assert len(ehr.hits) > 12
    proof = server.ask("GET", fetched.json()["cards"][0]["links"][1]["url"])
    assert proof.status_code == 200
    assert proof.text == server.ask("GET", sent.json()["cards"][0]["links"][1]["url"]).text
    assert TOKEN.encode() not in b"".join(issue.body for issue in server.desk.memory._held.values())


def test_only_what_is_missing_is_fetched(knowledge: Program, made: Path, ehr: Canary) -> None:
    chart = prefetched(example_entries())
    del chart["conditions"]
    chart["allergies"] = {"resourceType": "OperationOutcome", "issue": []}
    answer = serving(knowledge, made, f"{ehr.address}/fhir").post(SERVICE, call(f"{ehr.address}/fhir", **chart))
    assert answer.status_code == 200
    assert {path.partition("?")[0] for path, _ in ehr.hits} == {"/fhir/Condition", "/fhir/AllergyIntolerance"}


@pytest.mark.parametrize("listed", ["nobody", "another port", "another path", "by http"])
def test_a_server_that_is_not_listed_is_never_asked(knowledge: Program, made: Path, ehr: Canary, listed: str) -> None:
    address = f"{ehr.address}/fhir"
    bases = {
        "nobody": (),
        "another port": ("https://127.0.0.1:1/fhir",),
        "another path": (f"{ehr.address}/fhir/tenant",),
        "by http": (address.replace("https", "http"),),
    }[listed]
    server = serving(knowledge, made, *bases)
    for asked in (address, address.replace("https", "http"), f"{address}/..", f"{ehr.address}/fhirx", ehr.address):
        answer = server.post(SERVICE, call(asked))
        assert answer.status_code == 412
        assert TOKEN not in answer.text
    assert ehr.hits == []


@pytest.mark.parametrize(
    "following",
    [
        "https://127.0.0.1:1/fhir/Condition?page=2",
        "http://{}/fhir/Condition?page=2",
        "{canary}/fhir/Condition?page=2",
        "//{}/fhir/Condition",
        "{ehr}@{}/fhir",
        "{ehr}/fhir/../admin",
        "file:///etc/passwd",
        "{ehr}x/fhir",
    ],
)
def test_a_next_page_elsewhere_is_never_asked(knowledge: Program, made: Path, record: Record, ehr: Canary, following: str) -> None:
    with listening(record, made) as canary:
        host = canary.address.removeprefix("https://")
        url = following.replace("{canary}", canary.address).replace("{ehr}", ehr.address).replace("{}", host)
        page = {"resourceType": "Bundle", "type": "searchset", "link": [{"relation": "next", "url": url}], "entry": []}
        record.says = lambda path: (200, JSON, json.dumps(page).encode()) if path.startswith("/fhir/Condition") else None
        answer = serving(knowledge, made, f"{ehr.address}/fhir").post(SERVICE, call(f"{ehr.address}/fhir"))
        assert answer.status_code == 412
        assert [each["expression"] for each in answer.json()["issue"]] == [["prefetch.conditions"]]
        assert canary.hits == []
        assert all(path.startswith("/fhir/") and ".." not in path for path, _ in ehr.hits)


def test_a_redirect_is_not_followed(knowledge: Program, made: Path, record: Record, ehr: Canary) -> None:
    with listening(record, made) as canary:
        record.says = lambda path: (302, {"location": f"{canary.address}{path}"}, b"")
        answer = serving(knowledge, made, f"{ehr.address}/fhir").post(SERVICE, call(f"{ehr.address}/fhir"))
        assert answer.status_code == 412
        assert ehr.hits
        assert canary.hits == []


LIES: dict[str, Answer] = {
    "html": (200, {"content-type": "text/html"}, b"<html>log in</html>"),
    "no json": (200, JSON, b"<html>"),
    "deep json": (200, JSON, b"[" * 100_000),
    "too much": (200, JSON, b'{"resourceType": "Bundle", "x": "' + b"x" * 17_000_000 + b'"}'),
    "not found": (404, JSON, b"{}"),
    "denied": (401, JSON, b"{}"),
    "broken": (500, JSON, b""),
    "outcome": (200, JSON, b'{"resourceType": "OperationOutcome", "issue": []}'),
    "other patient": (200, JSON, b'{"resourceType": "Patient", "id": "other"}'),
}


@pytest.mark.parametrize("name", LIES)
def test_a_server_that_answers_badly_leaves_the_gap(knowledge: Program, made: Path, record: Record, ehr: Canary, name: str) -> None:
    record.says = lambda path: LIES[name] if "Patient/" in path else None
    answer = serving(knowledge, made, f"{ehr.address}/fhir").post(SERVICE, call(f"{ehr.address}/fhir"))
    assert answer.status_code == (400 if name == "other patient" else 412)
    assert answer.json()["resourceType"] == "OperationOutcome"


def test_http_is_never_spoken(knowledge: Program, made: Path, record: Record) -> None:
    """Not even to a listed address: the token would be there for all to read."""
    with listening(record) as canary:
        record.base = canary.address
        assert serving(knowledge, made, f"{canary.address}/fhir").post(SERVICE, call(f"{canary.address}/fhir")).status_code == 412
        assert canary.hits == []


@pytest.mark.parametrize("name", ["too much", "html", "denied", "not found"])
def test_what_is_no_answer_is_not_taken(made: Path, record: Record, ehr: Canary, name: str) -> None:
    outside = Outside((f"{ehr.address}/fhir",), (), str(made))

    async def run(query: str) -> bytes | None:
        return await outside.resource(f"{ehr.address}/fhir", query, TOKEN)

    record.says = lambda path: LIES[name] if "Patient/" in path else (200, JSON, b"{}")

    async def both() -> list[bytes | None]:
        found = [await run("Patient/1"), await run("Condition?patient=1")]
        await outside.close()
        return found

    assert asyncio.run(both()) == [None, b"{}"]


def test_pages_without_end_come_to_an_end(knowledge: Program, made: Path, record: Record, ehr: Canary) -> None:
    def more(path: str) -> Answer | None:
        link = {"relation": "next", "url": f"{ehr.address}/fhir/Condition?page={len(ehr.hits)}"}
        page = {"resourceType": "Bundle", "type": "searchset", "link": [link], "entry": []}
        return (200, JSON, json.dumps(page).encode()) if "/Condition" in path else None

    record.says = more
    answer = serving(knowledge, made, f"{ehr.address}/fhir").post(SERVICE, call(f"{ehr.address}/fhir"))
    assert answer.status_code == 412
    assert len(ehr.hits) < 80


def test_a_certificate_that_nobody_vouches_for_is_not_trusted(knowledge: Program, ehr: Canary) -> None:
    server = Server(knowledge, Access(fhir=(f"{ehr.address}/fhir",)))
    assert server.post(SERVICE, call(f"{ehr.address}/fhir")).status_code == 412
    assert ehr.hits == []


def test_keys_are_fetched_from_listed_addresses_alone(made: Path, record: Record, ehr: Canary) -> None:
    outside = Outside((f"{ehr.address}/fhir",), (f"{ehr.address}/keys",), str(made))

    async def run() -> list[Any]:
        found = [await outside.key_set(address) for address in (f"{ehr.address}/other", "http://127.0.0.1:1/keys", f"{ehr.address}/keys")]
        await outside.close()
        return found

    record.says = lambda path: (200, {"content-type": "application/json"}, b'{"keys": []}') if path == "/keys" else None
    assert asyncio.run(run()) == [None, None, {"keys": []}]
    assert [path for path, _ in ehr.hits] == ["/keys"]
