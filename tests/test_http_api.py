"""`/api` answers what the commands print, refuses what they refuse, and keeps to its OpenAPI."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

import pytest
from cds_documents import AS_OF, BUNDLE, ROOT
from cds_server import Server
from conftest import Figure
from record_documents import PREFIXES, Command, case, command_for

from reasoner.program import Program
from reasoner.server.schemas import FORMATS

ANNA = ROOT / "docs" / "examples" / "patient.ttl"
JSONLD = ROOT / "docs" / "examples" / "patient.jsonld"
TURTLE = {"content-type": "text/turtle"}
FHIR = {"content-type": "application/fhir+json"}


@pytest.fixture(scope="module")
def server(knowledge: Program) -> Server:
    return Server(knowledge)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], knowledge: Program) -> Command:
    return command_for(monkeypatch, capsys, knowledge)


def send(server: Server, path: str, file: Path | bytes, headers: dict[str, str] | None = None, **params: Any) -> Any:
    content = file if isinstance(file, bytes) else file.read_bytes()
    return server.ask("POST", path, content=content, headers=headers or TURTLE, params=params)


@pytest.mark.parametrize(
    ("file", "headers", "params", "arguments"),
    [
        (ANNA, TURTLE, {}, ()),
        (ANNA, {"content-type": "Text/Turtle; charset=utf-8"}, {"as-of": "2026-12-24T09:00:00Z"}, ("--as-of", "2026-12-24T09:00:00Z")),
        (ANNA, TURTLE, {"relevance": "true"}, ("--relevance",)),
        (JSONLD, {"content-type": "application/ld+json"}, {}, ()),
        (BUNDLE, FHIR, {"as-of": AS_OF}, ("--as-of", AS_OF)),
        (
            BUNDLE,
            {"content-type": "application/json"},
            {"as-of": AS_OF, "base": "https://a.example/f"},
            ("--as-of", AS_OF, "--base", "https://a.example/f"),
        ),
    ],
)
def test_assess_says_what_the_command_prints(
    server: Server, command: Command, file: Path, headers: dict[str, str], params: dict[str, str], arguments: tuple[str, ...]
) -> None:
    answer = send(server, "/api/assess", file, headers, **params)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == command("assess", file, "--json", *arguments).report


@pytest.mark.parametrize("conclusion", ["repeatDvtImaging", "scope", "lc:ArterialDuplex", "lcg:_Recommendation_repeat_dvt_d5", "S31"])
def test_explain_says_what_the_command_prints(server: Server, command: Command, conclusion: str) -> None:
    answer = send(server, "/api/explain", ANNA, conclusion=conclusion)
    assert answer.text == command("explain", ANNA, conclusion, "--json").out


def test_explain_gives_every_reason_when_asked(server: Server, command: Command) -> None:
    answer = send(server, "/api/explain", ANNA, conclusion="lc:ArterialDuplex", all="true")
    assert answer.text == command("explain", ANNA, "lc:ArterialDuplex", "--all", "--json").out


def test_whatif_says_what_the_command_prints(server: Server, command: Command) -> None:
    changes = ["lc:AcuteVenousSign=new", "lc:ankleBrachialIndex=0.7"]
    answer = server.ask("POST", "/api/whatif", content=ANNA.read_bytes(), headers=TURTLE, params=[("set", each) for each in changes])
    arguments = [part for each in changes for part in ("--set", each)]
    assert answer.json() == command("whatif", ANNA, *arguments, "--json").report
    assert answer.json()["differences"]
    goal = send(server, "/api/whatif", ANNA, goal="repeatDvtImaging")
    assert goal.json() == command("whatif", ANNA, "--goal", "repeatDvtImaging", "--json").report


def test_one_case_of_several_is_chosen(server: Server) -> None:
    asked = {"conclusion": "scope", "as-of": AS_OF}
    assert send(server, "/api/explain", BUNDLE, FHIR, **asked).status_code == 400
    one = send(server, "/api/explain", BUNDLE, FHIR, **asked, case="https://ehr.example.org/fhir/Patient/cramps-67")
    assert one.json()["proofs"][0]["case"].endswith("cramps-67")


FAULTY: dict[str, tuple[str, dict[str, Any], bytes, int]] = {
    "no content type": ("/api/assess", {"content-type": ""}, b"", 415),
    "other content type": ("/api/assess", {"content-type": "text/csv"}, b"a", 415),
    "form": ("/api/assess", {"content-type": "application/x-www-form-urlencoded"}, b"a=1", 415),
    "nothing": ("/api/assess", TURTLE, b"", 400),
    "no case": ("/api/assess", TURTLE, b"<a:a> <a:b> <a:c> .", 400),
    "malformed": ("/api/assess", TURTLE, b"@prefix x: <y> .\n<a> <b> Walker .", 400),
    "utf-16": ("/api/assess", TURTLE, "x".encode("utf-16"), 415),
    "nul": ("/api/assess", TURTLE, b"<a:a> <a:b> \0 .", 415),
    "deep turtle": ("/api/assess", TURTLE, b"<a:a> <a:b> " + b"(" * 100_000, 413),
    "deep json": ("/api/assess", FHIR, b'{"a":' * 100_000, 413),
    "entities": (
        "/api/assess",
        {"content-type": "application/rdf+xml"},
        b'<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><r>&b;</r>',
        413,
    ),
    "external entity": ("/api/assess", {"content-type": "application/rdf+xml"}, b'<!DOCTYPE r SYSTEM "file:///etc/passwd"><r/>', 413),
    "remote context": ("/api/assess", {"content-type": "application/ld+json"}, b'{"@context": "http://127.0.0.1:1/c", "@id": "x"}', 415),
    "R3": ("/api/assess", FHIR, b'{"resourceType": "Bundle", "meta": {"fhirVersion": "3.0.1"}, "type": "history"}', 415),
    "unknown conclusion": ("/api/explain?conclusion=lc:Nothing", TURTLE, ANNA.read_bytes(), 400),
    "no conclusion": ("/api/explain", TURTLE, ANNA.read_bytes(), 422),
    "long conclusion": (f"/api/explain?conclusion={'x' * 501}", TURTLE, ANNA.read_bytes(), 422),
    "neither set nor goal": ("/api/whatif", TURTLE, ANNA.read_bytes(), 400),
    "set and goal": ("/api/whatif?set=lc:LegCramp=absent&goal=scope", TURTLE, ANNA.read_bytes(), 400),
    "set nonsense": ("/api/whatif?set=x", TURTLE, ANNA.read_bytes(), 400),
    "goal nonsense": ("/api/whatif?goal=x", TURTLE, ANNA.read_bytes(), 400),
    "no instant": ("/api/assess?as-of=yesterday", TURTLE, ANNA.read_bytes(), 400),
    "far instant": ("/api/assess?as-of=9999-12-31T23:59:59Z", TURTLE, ANNA.read_bytes(), 400),
    "no base": ("/api/assess?base=file:///etc/passwd", FHIR, BUNDLE.read_bytes(), 422),
    "no truth": ("/api/assess?relevance=perhaps", TURTLE, ANNA.read_bytes(), 422),
}


@pytest.mark.parametrize("name", FAULTY)
def test_what_cannot_be_read_is_refused(server: Server, name: str) -> None:
    path, headers, content, status = FAULTY[name]
    answer = server.ask("POST", path, content=content, headers=headers)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert "Walker" not in answer.text
    assert "Traceback" not in answer.text


def test_a_problem_names_the_line(server: Server) -> None:
    assert server.ask("POST", "/api/assess", content=FAULTY["malformed"][2], headers=TURTLE).json()["line"] == 2


def test_too_many_cases_are_sent_elsewhere(server: Server) -> None:
    text = PREFIXES + "".join(case(f"c{each}") for each in range(101))
    answer = server.ask("POST", "/api/assess", content=text.encode(), headers=TURTLE)
    assert answer.status_code == 413
    assert "cohort" in answer.json()["repair"]


def test_nothing_is_updated_or_applied(server: Server) -> None:
    paths = server.ask("GET", "/api/openapi.json").json()["paths"]
    assert not [path for path in paths if "$" in path]
    assert {method for each in paths.values() for method in each} == {"get", "post"}
    for method in ("PUT", "PATCH", "DELETE"):
        assert server.ask(method, "/api/assess").status_code == 405


def test_the_description_names_every_route_and_format(server: Server) -> None:
    document = server.ask("GET", "/api/openapi.json").json()
    assert document["openapi"].startswith("3.")
    assert set(document["paths"]) == {
        "/api/assess",
        "/api/explain",
        "/api/feedback",
        "/api/proofs/{card}",
        "/api/sources/{name}",
        "/api/whatif",
        "/cds-services",
        "/cds-services/{service}",
        "/cds-services/{service}/feedback",
    }
    taken = document["paths"]["/api/assess"]["post"]["requestBody"]["content"]
    assert set(taken) <= set(FORMATS)
    assert json.dumps(document).count("ehr.example.org") == 0


# --- the interface against its own description -----------------------------------------------------------------------------


def run_schemathesis(server: Server, examples: int) -> Counter[int]:
    """Call every operation with generated requests, sound and unsound; return the statuses of the answers, raise what is found."""
    import schemathesis
    from hypothesis import HealthCheck, given, settings
    from hypothesis.errors import Unsatisfiable
    from schemathesis import GenerationMode, checks

    held = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance")
    checks.load_all_checks()
    wanted = [checks.CHECKS.get_one(name) for name in held]
    statuses: Counter[int] = Counter()
    schema = schemathesis.openapi.from_asgi("/api/openapi.json", server.app)
    operations = [found.ok() for found in schema.get_all_operations()]
    for operation in operations:
        for mode in GenerationMode:

            @settings(max_examples=examples, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
            @given(case=operation.as_strategy(generation_mode=mode))
            def check(case: Any) -> None:
                answer = case.call_and_validate(checks=wanted)
                statuses[answer.status_code] += 1

            with suppress(Unsatisfiable) if mode == GenerationMode.NEGATIVE else nullcontext():  # what takes nothing has no unsound request
                check()
    assert len(operations) == 9
    return statuses


@pytest.mark.filterwarnings("ignore")
def test_generated_requests_find_the_interface_as_described(server: Server) -> None:
    statuses = run_schemathesis(server, 6)
    assert statuses.total() >= 80
    assert not [each for each in statuses if each >= 500]


@pytest.mark.release
@pytest.mark.filterwarnings("ignore")
def test_many_generated_requests_find_the_interface_as_described(server: Server, figure: Figure) -> None:
    statuses = run_schemathesis(server, 200)
    figure("requests made by schemathesis", statuses.total())
    figure("their statuses", ", ".join(f"{status}: {count}" for status, count in sorted(statuses.items())))
    assert not [each for each in statuses if each >= 500]
