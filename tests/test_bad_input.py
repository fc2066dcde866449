"""Bad input is named with its place, reason, repair and code; it never ends the process, and its neighbours are answered."""

from __future__ import annotations

import difflib
import errno
import io
import json
import os
import random
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet
from pyoxigraph import RdfFormat, parse
from record_documents import CRAMPS, PREFIXES, Command, Outcome, case, command_for, renamed, triples_of, written

import reasoner.limits
from reasoner import load_records
from reasoner.cli import VERBS, main
from reasoner.errors import LimitError, shortened, visible
from reasoner.jsonld import CONTEXT
from reasoner.limits import check_brackets
from reasoner.moments import parse_moment, read_instant
from reasoner.namespaces import LC
from reasoner.program import Program
from reasoner.program.units import convert_exactly

ROOT = Path(__file__).parent.parent
ANNA = ROOT / "docs" / "examples" / "patient.ttl"
GOOD = PREFIXES + case("good")
MESSAGE = re.compile(r"legcramps: [^\n]+ Repair: [^\n]+ \[LC-\d{4}\]\n")
RDF_OPEN = (
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:ex="https://example.org/x/"'
    ' xmlns:lc="https://w3id.org/legcramps/ontology/" xmlns:xsd="http://www.w3.org/2001/XMLSchema#">\n'
)
XML_CASE = (
    '<lc:Case rdf:about="https://example.org/x/a">'
    '<lc:asOf rdf:datatype="http://www.w3.org/2001/XMLSchema#dateTime">2026-11-20T09:00:00Z</lc:asOf></lc:Case>\n'
)
JSON_CASE = '"id": "https://example.org/x/a", "type": "Case", "asOf": "2026-11-20T09:00:00Z"'


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], knowledge: Program) -> Command:
    """Return the command line as a function."""
    return command_for(monkeypatch, capsys, knowledge)


@pytest.mark.parametrize("digits", [26, 27, 28, 30])
def test_a_long_number_costs_no_more_than_its_own_value(
    digits: int, good: Path, tmp_path: Path, command: Command, knowledge: Program
) -> None:
    """Whatever an indicator is rounded to: a number of so many digits is outside what is possible, and no more."""
    tests = sorted({test for each in knowledge.indicators if each.form == "select" and each.unit for test in each.tests})
    units = {test: each.unit for each in knowledge.indicators if each.form == "select" and each.unit for test in each.tests}
    records = {
        f"r{place}": f'a lc:MeasurementRecord ; lc:ofTest <{test}> ; lc:performedOn "2026-11-18"^^xsd:date ;'
        f' lc:unit "{units[test]}" ; lc:value {"9" * digits}.{"9" * digits}'
        for place, test in enumerate(tests)
    }
    path = tmp_path / "long.ttl"
    path.write_text(PREFIXES + case("long", **records))
    outcome = command("assess", "--json", good, path)
    assert outcome.cases == ["good", "long"] and len(tests) >= 20
    assert "is outside what is possible" in outcome.problems["unusable-value"]


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """Return a document that holds one case without a fault."""
    path = tmp_path / "good.ttl"
    path.write_text(GOOD)
    return path


def process(*argv: object, **options: object) -> subprocess.CompletedProcess[bytes]:
    """Run the command line in a process of its own, which may neither die nor take long."""
    command = [sys.executable, "-m", "reasoner", *map(str, argv)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **options}
    return subprocess.run(command, env=environment, capture_output=True, timeout=30, check=False)  # type: ignore[arg-type]


def assert_refused(run: Outcome, code: str, *words: str) -> None:
    """Check that nothing was answered and that one line says why."""
    assert (run.code, run.out) == (2, ""), run.err
    assert MESSAGE.fullmatch(run.err), run.err
    assert f"[{code}]" in run.err
    for word in words:
        assert word in run.err


# --- documents that cannot be read -----------------------------------------------------------------------------------

STU3 = json.dumps({"resourceType": "Condition", "id": "c", "clinicalStatus": "active", "subject": {"reference": "Patient/p"}})
UNREADABLE: dict[str, tuple[str, bytes, str, str]] = {
    "turtle without a full stop": (".ttl", b"<http://a> <http://b>\n<http://c>\n", "LC-1210", "bad.ttl:3"),
    "turtle with an unknown prefix": (".ttl", GOOD.encode() + b"foo:a foo:b foo:c .", "LC-1210", "bad.ttl:6"),
    "turtle with an open string": (".ttl", GOOD.encode() + b'ex:a ex:b "c .', "LC-1210", "bad.ttl:6"),
    "turtle in Latin-1": (".ttl", 'ex:a\nex:b "é" .'.encode("latin-1"), "LC-1210", "bad.ttl"),
    "trig with an open graph": (".trig", b"{ <http://a> <http://b> <http://c>", "LC-1210", "bad.trig:1"),
    "n-triples with a literal as subject": (".nt", b'<http://a> <http://b> "c" .\n"a" <http://b> "c" .', "LC-1210", "bad.nt:2"),
    "n-quads with five terms": (".nq", b"<http://a> <http://b> <http://c> <http://d> <http://e> .", "LC-1210", "bad.nq:1"),
    "json-ld with a missing comma": (".jsonld", b'{"@id": "http://a"\n "http://b": 1}', "LC-1210", "bad.jsonld:2"),
    "json-ld that ends early": (".jsonld", b'{"@id":\n', "LC-1210", "bad.jsonld:2"),
    "json-ld with a name given twice": (".jsonld", b'{"@id": "http://a", "http://b": 1, "http://b": 2}', "LC-1210", "twice"),
    "json-ld with NaN": (".jsonld", b'{"@id": "http://a", "http://b": NaN}', "LC-1210", "NaN"),
    "json-ld in Latin-1": (".jsonld", '{"@id":\n"http://é"}'.encode("latin-1"), "LC-1210", "bad.jsonld:2"),
    "json-ld with half a surrogate": (".jsonld", b'{"@id": "http://a", "http://b": "\\ud800"}', "LC-1210", "Unicode"),
    "json-ld with a malformed context": (".jsonld", b'{"@context": 5, "@id": "http://a", "http://b": 1}', "LC-1210", "context"),
    "rdf-xml with a wrong end": (".rdf", RDF_OPEN.encode() + b"<ex:A>\n</ex:B></rdf:RDF>", "LC-1210", "bad.rdf:3"),
    "rdf-xml without a namespace": (".rdf", b"<a>\n<b/></a>", "LC-1210", "bad.rdf"),
    "rdf-xml with an undefined entity": (".rdf", RDF_OPEN.encode() + b"<ex:A>&x;</ex:A></rdf:RDF>", "LC-1210", "bad.rdf:2"),
    "rdf-xml in Latin-1": (".rdf", b'<?xml version="1.0" encoding="ISO-8859-1"?><a/>', "LC-1230", "ISO-8859-1"),
    "FHIR in XML": (".xml", b'<Patient xmlns="http://hl7.org/fhir"/>', "LC-1230", "FHIR JSON"),
    "FHIR that ends early": (".json", b'{"resourceType": "Patient",\n', "LC-1210", "bad.json:2"),
    "FHIR of another version": (".json", STU3.encode(), "LC-1230", "STU3"),
    "JSON that is no FHIR": (".json", b'{"a": 1}', "LC-1230", "bad.json"),
    "an empty file": (".ttl", b"", "LC-1200", "empty"),
    "white space": (".ttl", b" \n\t\n", "LC-1200", "empty"),
    "nothing but a byte order mark": (".ttl", b"\xef\xbb\xbf", "LC-1200", "empty"),
    "a comment": (".ttl", b"# nothing\n", "LC-1200", "no case"),
    "an empty JSON array": (".jsonld", b"[]", "LC-1200", "no case"),
    "a table": (".csv", b"a,b\n1,2\n", "LC-1230", "--mapping"),
    "a name without an ending": ("", GOOD.encode(), "LC-1230", "--input-format"),
    "JSON-LD named Turtle": (".ttl", b'{"@id": "http://a"}', "LC-1210", "read as turtle"),
    "Turtle named JSON-LD": (".jsonld", GOOD.encode(), "LC-1210", "read as json-ld"),
    "UTF-16": (".ttl", GOOD.encode("utf-16"), "LC-1230", "UTF-8"),
    "UTF-16 without its mark": (".ttl", GOOD.encode("utf-16-le"), "LC-1230", "UTF-8"),
    "UTF-16 in XML": (".rdf", '<?xml version="1.0" encoding="UTF-16"?><a/>'.encode("utf-16"), "LC-1230", "UTF-16"),
    "UTF-32": (".jsonld", "{}".encode("utf-32"), "LC-1230", "UTF-32"),
    "a NUL byte": (".ttl", GOOD.encode() + b"\n#\0\n", "LC-1230", "bad.ttl:7"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_cannot_be_read_is_refused_with_place_and_repair(command: Command, tmp_path: Path, good: Path, name: str) -> None:
    suffix, text, code, words = UNREADABLE[name]
    path = tmp_path / f"bad{suffix}"
    path.write_bytes(text)
    assert_refused(command("assess", path, "--json"), code, words, f"bad{suffix}")
    both = command("assess", path, good, "--json")
    assert (both.code, both.cases) == (1, ["good"])
    assert MESSAGE.fullmatch(both.err)


@pytest.mark.parametrize("verb", ["validate", "explain"])
def test_other_verbs_refuse_alike(command: Command, tmp_path: Path, verb: str) -> None:
    (tmp_path / "bad.ttl").write_bytes(b"<http://a> <http://b>\n<http://c>\n")
    assert_refused(command(verb, tmp_path / "bad.ttl", *(["scope"] if verb == "explain" else [])), "LC-1210", "bad.ttl:3")


def test_validate_goes_on_after_a_file_that_cannot_be_read(command: Command, tmp_path: Path, good: Path) -> None:
    (tmp_path / "bad.ttl").write_bytes(b"<http://a>")
    run = command("validate", tmp_path / "bad.ttl", good)
    assert (run.code, run.out) == (1, f"{good}: conforms (0 results, pySHACL)\n")
    assert MESSAGE.fullmatch(run.err)


def test_of_two_fhir_files_the_bad_one_is_refused_alone(command: Command, tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text(STU3)
    bundle = ROOT / "docs" / "examples" / "bundle.json"
    run = command("assess", tmp_path / "bad.json", bundle, "--as-of", "2026-11-20", "--json")
    assert run.code == 1
    assert run.cases == command("assess", bundle, "--as-of", "2026-11-20", "--json").cases
    assert "bad.json" in run.err


@pytest.mark.parametrize("size", [1, 100])
def test_a_file_above_the_size_limit_is_refused(command: Command, good: Path, size: int) -> None:
    assert_refused(command("assess", good, "--max-size", size), "LC-1220", "good.ttl", str(size), "cohort")
    assert command("assess", good, "--max-size", len(GOOD)).code == 0
    assert_refused(command("assess", "-", "--max-size", size, stdin=GOOD.encode()), "LC-1220")


@pytest.mark.parametrize("size", ["0", "-1", "many", "1" * 5000])
def test_a_size_that_is_none_is_a_wrong_call(command: Command, good: Path, size: str) -> None:
    run = command("assess", good, "--max-size", size)
    assert (run.code, run.out) == (2, "")


@pytest.mark.parametrize("where", ["missing.ttl", ".", "good.ttl/below.ttl", "x" * 5000 + ".ttl", "a\0b.ttl", "loop.ttl"])
def test_a_path_that_cannot_be_opened_is_refused(command: Command, tmp_path: Path, good: Path, where: str) -> None:
    (tmp_path / "loop.ttl").symlink_to(tmp_path / "loop.ttl")
    assert_refused(command("assess", tmp_path / where), "LC-1200")
    both = command("assess", tmp_path / where, good, "--json")
    assert (both.code, both.cases) == (1, ["good"])


@pytest.mark.parametrize(
    "argv", [(), ("validate",), ("assess", "x.ttl", "--as-of", "yesterday"), ("assess", "x.ttl", "--format", "pdf"), ("guess",)]
)
def test_a_wrong_call_names_the_help_that_repairs_it(command: Command, argv: tuple[str, ...]) -> None:
    verb = argv[0] if len(argv) > 1 or argv == ("validate",) else ""
    assert_refused(command(*argv), "LC-1100", f"Repair: see {' '.join(filter(None, ('legcramps', verb, '--help')))} [")


@pytest.mark.parametrize(
    "argv",
    [("assess", ANNA), ("explain", ANNA, "scope"), ("convert", ANNA, "--to", "turtle"), ("--help",), ("--version",), ("assess", "--help")],
)
def test_a_standard_output_that_takes_no_more_is_named(argv: tuple[object, ...]) -> None:
    command = [sys.executable, "-m", "reasoner", *map(str, argv)]
    with Path("/dev/full").open("wb") as full:
        run = subprocess.run(
            command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert_refused(Outcome(run.returncode, "", run.stderr), "LC-1100", "The output cannot be written (standard output)")


def test_a_standard_output_that_is_closed_is_named() -> None:
    command = f'exec "{sys.executable}" -m reasoner validate "{ANNA}" >&-'
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(["/bin/sh", "-c", command], env=environment, capture_output=True, text=True, check=False)
    assert_refused(Outcome(run.returncode, run.stdout, run.stderr), "LC-1100", "standard output is closed")


@pytest.mark.parametrize("verb", ["", *VERBS])
@pytest.mark.parametrize("failing", ["full", "closed", "broken"])
def test_a_help_that_cannot_be_written_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], verb: str, failing: str
) -> None:
    """As with any output: a reader that left is no error."""
    argv = [*filter(None, [verb]), "--help"]
    raised = OSError(errno.ENOSPC, "No space left on device") if failing == "full" else BrokenPipeError()
    monkeypatch.setattr(sys, "stdout", None if failing == "closed" else Failing(raised))
    code = main(argv)
    monkeypatch.undo()
    err = capsys.readouterr().err
    if failing == "broken":
        assert (code, err) == (0, "")
    else:
        assert_refused(Outcome(code, "", err), "LC-1100", "The output cannot be written (standard output)")


class Failing(io.StringIO):
    """A standard output that takes nothing."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self._error = error

    def flush(self) -> None:
        raise self._error


def test_an_assessment_needs_files_or_a_store(command: Command) -> None:
    assert_refused(command("assess"), "LC-1100")


# --- data that cannot be used ----------------------------------------------------------------------------------------


def value(test: str, number: str, unit: str, day: str = "2026-11-18") -> str:
    """Return a measurement in Turtle."""
    return f'a lc:MeasurementRecord ; lc:ofTest lc:{test} ; lc:performedOn "{day}"^^xsd:date ; lc:unit "{unit}" ; lc:value {number}'


UNUSABLE: dict[str, tuple[str, int, str, str]] = {
    "a finding nearly of the ontology": (CRAMPS.replace("LegCramp", "LegCrampp"), 0, "unknown-term", "did you mean lc:LegCramp"),
    "a finding of nowhere": (CRAMPS.replace("LegCramp", "Zzzzzzzz"), 0, "unknown-term", "use a finding of the ontology"),
    "a drug where a finding belongs": (CRAMPS.replace("LegCramp", "Atorvastatin"), 0, "unknown-term", "lc:Atorvastatin is no finding"),
    "a property nearly of the vocabulary": (CRAMPS + " ; lc:onsett '2026'^^xsd:gYear", 0, "unknown-term", "did you mean lc:onset"),
    "a value nearly of its list": (CRAMPS.replace("_present", "_presnt"), 1, "shape-InConstraintComponent", "lc:_Presence_present"),
    "an ankle-brachial index of -1": (
        value("AnkleBrachialIndexMeasurement", "-1", "1"),
        0,
        "unusable-value",
        "-1 is outside what is possible",
    ),
    "a result of the year 2200": (value("AnkleBrachialIndexMeasurement", "1.0", "1", "2200-01-01"), 0, "future-date", "2200-01-01"),
    "a day that is none": (value("AnkleBrachialIndexMeasurement", "1.0", "1", "2026-02-30"), 1, "shape-OrConstraintComponent", "xsd:date"),
    "a number that is none": (value("AnkleBrachialIndexMeasurement", '"NaN"^^xsd:decimal', "1"), 1, "shape-OrConstraintComponent", "plain"),
    "a number without end": (value("AnkleBrachialIndexMeasurement", "1" * 31, "1"), 1, "shape-OrConstraintComponent", "plain"),
    "a unit of another kind": (value("SerumMagnesiumMeasurement", "0.8", "mm[Hg]"), 0, "unusable-value", "mm[Hg] cannot be converted"),
    "a unit that is none": (value("SerumMagnesiumMeasurement", "0.8", "florin"), 0, "unusable-value", "florin cannot be converted"),
    "a unit of many brackets": (value("SerumMagnesiumMeasurement", "0.8", "(" * 99), 0, "unusable-value", "cannot be converted"),
    "a unit with a huge exponent": (value("SerumMagnesiumMeasurement", "0.8", "10*99999999"), 0, "unusable-value", "cannot be converted"),
    "two values": (value("SerumMagnesiumMeasurement", "0.8, 0.9", "mmol/L"), 1, "shape-MaxCountConstraintComponent", "lc:value"),
    "two kinds": (CRAMPS.replace("Record", "Record, lc:MedicationRecord", 1), 1, "shape-OrConstraintComponent", "a-bad"),
    "a triple as value": (CRAMPS.replace("lc:_Side_both", "<<( ex:a ex:b ex:c )>>"), 1, "shape-InConstraintComponent", "lc:_Side_both"),
    "a drug in words": ("a lc:MedicationRecord ; lc:sourceText 'water pill'", 0, "not-understood", "water pill"),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_what_cannot_be_used_is_a_problem_of_its_case(command: Command, tmp_path: Path, name: str) -> None:
    record, code, problem, words = UNUSABLE[name]
    path = tmp_path / "bad.ttl"
    path.write_text(GOOD + case("a", cramps=CRAMPS, bad=record))
    run = command("assess", path, "--json")
    assert (run.code, run.cases, run.err) == (code, ["a", "good"], "")
    own = {each["code"]: each for each in run.report["cases"][0]["dataProblems"]}
    assert words in f"{own[problem]['text']}. {own[problem]['repair']}"
    assert own[problem]["sources"] == ["https://example.org/x/a-bad"]
    assert run.report["cases"][1]["dataProblems"] == run.report["dataProblems"] == []
    place = f"{path}:{path.read_text()[: path.read_text().index('ex:a-bad a ')].count(chr(10)) + 1}"
    assert own[problem]["where"] == [place]
    assert own[problem]["text"].startswith(f"{place}: ") is problem.startswith("shape-")


REPAIRS: dict[str, tuple[str, str]] = {
    "no unit": (value("SerumMagnesiumMeasurement", "0.8", ""), "state its unit in UCUM, such as mmol/L"),
    "a unit of another kind": (
        value("SerumMagnesiumMeasurement", "0.8", "kg"),
        "state the value in mmol/L or a UCUM unit of the same kind",
    ),
    "a unit that is not listed": (value("HbA1cMeasurement", "48", "mmol/mol"), "state the value in %"),
    "a value that cannot be": (value("AnkleBrachialIndexMeasurement", "7", "1"), "possible is at least 0.0 and at most 3.0 in the unit 1"),
    "a value without limits": (value("CreatinineMeasurement", "80", "umol/L"), "state the interpretation of the report"),
}


@pytest.mark.parametrize("name", REPAIRS)
def test_each_reason_has_its_own_repair(command: Command, tmp_path: Path, name: str) -> None:
    record, repair = REPAIRS[name]
    path = tmp_path / "bad.ttl"
    path.write_text(PREFIXES + case("a", bad=record.replace('lc:unit "" ;', "")))
    found = [each for each in command("assess", path, "--json").report["cases"][0]["dataProblems"] if each["code"] == "unusable-value"]
    assert found and {repair in each["repair"] for each in found} == {True}
    assert not any(other in each["repair"] for each in found for _, other in REPAIRS.values() if other != repair)


def test_places_are_those_of_lines_in_any_format_that_has_them(command: Command, tmp_path: Path) -> None:
    text = PREFIXES + case("a", cramps=CRAMPS, bad=value("SerumMagnesiumMeasurement", "0.8", "kg"))
    (tmp_path / "bad.ttl").write_text(text)
    for form, syntax in (("nt", "n-triples"), ("jsonld", "json-ld")):
        (tmp_path / f"bad.{form}").write_bytes(written(triples_of(tmp_path / "bad.ttl"), syntax).text)
    patient, value_of = '{"resourceType": "Patient", "id": "p"}', '{"value": 0.8, "comparator": "~"}'
    told = f'{{"resourceType": "Observation", "id": "o", "status": "final", "subject": {{"reference": "Patient/p"}}, "valueQuantity": {value_of}}}'
    (tmp_path / "bad.ndjson").write_text(f"{patient}\n\n{told}\n")
    assert f"! {tmp_path}/bad.ttl:" in command("assess", tmp_path / "bad.ttl").out
    places = {}
    for form in ("nt", "jsonld", "ndjson"):
        report = command("assess", "--as-of", "2026-11-20T09:00:00Z", tmp_path / f"bad.{form}", "--json").report
        places[form] = {place for each in report["cases"][0]["dataProblems"] for place in each["where"]}
    lines = (tmp_path / "bad.nt").read_text().splitlines()
    first = next(number for number, line in enumerate(lines, 1) if line.startswith("<https://example.org/x/a-bad>"))
    assert places == {"nt": {f"{tmp_path}/bad.nt:{first}"}, "jsonld": set(), "ndjson": {f"{tmp_path}/bad.ndjson:3"}}


def on_server(server: str, *resources: str) -> str:
    """Return a bulk export with a Bundle per line, which gives the full URL of its resource."""
    entry = '{{"resourceType": "Bundle", "type": "collection", "entry": [{{"fullUrl": "{}/{}", "resource": {}}}]}}'
    named = [(json.loads(each)["resourceType"] + "/" + json.loads(each)["id"], each) for each in resources]
    return "".join(entry.format(server, name, each) + "\n" for name, each in named)


def test_places_of_resources_of_one_id_are_those_of_their_own_server(command: Command, tmp_path: Path) -> None:
    patient = '{"resourceType": "Patient", "id": "p", "active": "perhaps"}'
    told = '{"resourceType": "Observation", "id": "o", "status": "final", "subject": {"reference": "Patient/p"}, "bodySite": {"text": "x"}}'
    (tmp_path / "a.ndjson").write_text(on_server("http://a/fhir", patient, told))
    (tmp_path / "b.ndjson").write_text("\n" + on_server("http://b/fhir", told, patient))
    (tmp_path / "c.json").write_text(on_server("http://c/fhir", patient))
    (tmp_path / "local.ndjson").write_text(f"\n\n\n{patient}\n")
    rdf = '@prefix fhir: <http://hl7.org/fhir/> .\n\n<{}Patient/p> fhir:nodeRole fhir:treeRoot ; a fhir:Patient ; fhir:id [ fhir:v "p" ] ; fhir:active [ fhir:v "perhaps" ] .\n'
    (tmp_path / "e.ttl").write_text(rdf.format("http://e/fhir/"))
    (tmp_path / "f.ttl").write_text(rdf.format("").replace("Patient/p", "Patient/q").replace('"p"', '"q"'))
    base = "http://f/fhir"
    run = command("assess", "--base", base, "--as-of", "2026-11-20T09:00:00Z", "--json", *sorted(tmp_path.iterdir()))
    found = {
        (source, place.removeprefix(f"{tmp_path}/"))
        for case in run.report["cases"]
        for problem in case["dataProblems"]
        for source in problem["sources"]
        for place in problem["where"] or [""]
    }
    assert found == {
        ("http://a/fhir/Patient/p", "a.ndjson:1"),
        ("http://a/fhir/Observation/o", "a.ndjson:2"),
        ("http://b/fhir/Observation/o", "b.ndjson:2"),
        ("http://b/fhir/Patient/p", "b.ndjson:3"),
        ("http://c/fhir/Patient/p", ""),
        ("http://e/fhir/Patient/p", "e.ttl:3"),
        ("http://f/fhir/Patient/p", "local.ndjson:4"),
        ("http://f/fhir/Patient/q", "f.ttl:3"),
    }


@pytest.mark.parametrize("base", ["", "@base <http://b/> .\n"])
def test_places_in_rdf_are_those_of_the_full_name_of_a_node(command: Command, tmp_path: Path, base: str) -> None:
    bad = value("SerumMagnesiumMeasurement", "0.8", "kg")
    (tmp_path / "relative.ttl").write_text(f"{base}{PREFIXES}<a> a lc:Case ; lc:hasRecord <r/1> .\n<r/1> {bad} .\n")
    (tmp_path / "other.ttl").write_text(f"{PREFIXES}<http://c/a> a lc:Case ; lc:hasRecord <http://c/r/1> .\n<http://c/r/1> {bad} .\n")
    files = tmp_path / "relative.ttl", tmp_path / "other.ttl"
    cases = command("assess", "--as-of", "2026-11-20T09:00:00Z", *files, "--json").report["cases"]
    found = {case["case"]: {place for each in case["dataProblems"] for place in each["where"]} for case in cases}
    line = len((base + PREFIXES).splitlines()) + 2
    root = "http://b/" if base else "http://localhost/"
    assert found == {"http://c/a": {f"{files[1]}:5"}, f"{root}a": {f"{files[0]}:{line}"}}


@pytest.mark.parametrize("name", ["a triple as value", "a number without end", "a value nearly of its list", "a unit of another kind"])
def test_validate_and_assess_find_the_same_faults(command: Command, tmp_path: Path, name: str) -> None:
    record, code, problem, _ = UNUSABLE[name]
    (tmp_path / "bad.ttl").write_text(GOOD + case("a", cramps=CRAMPS, bad=record))
    run = command("validate", tmp_path / "bad.ttl", "--json")
    assert (run.code, run.err) == (code, "")
    found = {each["component"] for each in run.report["results"] if each["severity"] == "Violation"}
    assert (problem.removeprefix("shape-") in found) == (code == 1)


def test_a_record_that_no_case_has_is_a_problem_of_the_document(command: Command, tmp_path: Path) -> None:
    """A record beside a case is named with its line; one of a case that is left out is not named twice."""
    path = tmp_path / "lonely.ttl"
    path.write_text(GOOD + f"ex:lonely {CRAMPS} .\nex:agent a <http://www.w3.org/ns/prov#Agent> .\n")
    run = command("assess", path, "--json")
    assert (run.code, run.cases) == (0, ["good"])
    [problem] = run.report["dataProblems"]
    assert problem["code"] == "no-case" and problem["sources"] == ["https://example.org/x/lonely"] and "lc:hasRecord" in problem["repair"]
    assert "[no-case]" in command("assess", path).out
    path.write_text(GOOD + case("a", cramps=CRAMPS).replace("ex:a a", "[] a"))
    assert [each["code"] for each in command("assess", path, "--json").report["dataProblems"]] == ["shape-NodeKindConstraintComponent"]


IMPOSSIBLE: dict[str, tuple[str, str, str, str]] = {
    "a birth in the future": ("lc:birthDate '2030-01-01'^^xsd:date ;", CRAMPS, "impossible-date", "2030-01-01"),
    "a birth too long ago": ("lc:birthDate '1850'^^xsd:gYear ;", CRAMPS, "impossible-date", "1850"),
    "a drug that ends before it begins": (
        "",
        "a lc:MedicationRecord ; lc:ofDrug lc:Atorvastatin ; lc:started '2026-05'^^xsd:gYearMonth ; lc:ended '2025'^^xsd:gYear",
        "impossible-date",
        "ends on 2025",
    ),
    "a finding that ends before its onset": (
        "",
        CRAMPS + " ; lc:onset '2026-05'^^xsd:gYearMonth ; lc:ended '2025'^^xsd:gYear",
        "impossible-date",
        "ends on 2025",
    ),
    "a result before birth": (
        "lc:birthDate '1959'^^xsd:gYear ;",
        value("AnkleBrachialIndexMeasurement", "1.0", "1", "1950-01-01"),
        "impossible-date",
        "before the birth date 1959",
    ),
    "limits out of order": (
        "",
        value("PotassiumMeasurement", "4.1", "mmol/L") + " ; lc:referenceLow 5.1 ; lc:referenceHigh 3.5",
        "unusable-range",
        "5.1–3.5",
    ),
}


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_what_cannot_be_is_one_problem_that_names_its_record(command: Command, tmp_path: Path, name: str) -> None:
    about, record, code, words = IMPOSSIBLE[name]
    path = tmp_path / "odd.ttl"
    path.write_text(PREFIXES + case("a", odd=record).replace("lc:asOf", f"{about} lc:asOf", 1))
    run = command("assess", path, "--json")
    [problem] = run.report["cases"][0]["dataProblems"]
    assert (run.code, problem["code"]) == (0, code) and words in problem["text"] and problem["repair"]
    assert problem["sources"] == [f"https://example.org/x/a{'' if 'a birth' in name else '-odd'}"]


ASK = "SELECT ?case WHERE { ?case a lc:Case }"


def test_a_query_says_what_it_cannot_ask_about(command: Command, tmp_path: Path, good: Path) -> None:
    """A case left out for a shape, one described twice, a value that is not usable and a missing as-of instant are all said."""
    head = "PREFIX lc: <https://w3id.org/legcramps/ontology/> "
    path, twin, odd = tmp_path / "bad.ttl", tmp_path / "twin.ttl", tmp_path / "odd.ttl"
    path.write_text(PREFIXES + case("a", cramps=CRAMPS.replace("FindingRecord", "FindingRecordd")))
    run = command("query", head + ASK, path)
    assert run.code == 1
    assert re.search(r"legcramps: .*bad\.ttl:4: .*x/a\)\. Repair: [^\n]+ \[shape-\w+\]\n", run.err), run.err
    twin.write_text(PREFIXES + case("good", cramps=CRAMPS.replace("_both", "_left")))
    run = command("query", head + ASK, good, twin)
    assert (run.code, run.err.count("[case-described-twice]")) == (1, 1)
    odd.write_text(PREFIXES + case("a", as_of="", cramps=CRAMPS, abi=value("AnkleBrachialIndexMeasurement", "-1", "1")))
    run = command("query", head + ASK, odd)
    assert run.code == 0 and "[unusable-value]" in run.err and "x/a states no as-of instant" in run.err
    assert command("query", head + ASK, good) == Outcome(0, command("query", head + ASK, good).out, "")


REFUSED_CASES: dict[str, tuple[str, str]] = {
    "two as-of instants": (case("a", as_of="'2026-11-20T09:00:00Z'^^xsd:dateTime, '2026-11-21T09:00:00Z'^^xsd:dateTime"), "lc:asOf"),
    "an as-of that is no instant": (case("a", as_of="'20.11.2026'^^xsd:dateTime"), "lc:asOf"),
    "an age of 200": (case("a").replace("lc:asOf", "lc:statedAge 200 ; lc:asOf"), "lc:statedAge"),
    "an age without end": (case("a").replace("lc:asOf", "lc:statedAge 1e99999999 ; lc:asOf"), "lc:statedAge"),
    "a record that is missing": (case("a").replace("hasRecord", "hasRecord ex:nowhere,"), "ex:nowhere".replace("ex:", "x/")),
    "a record that is a text": (case("a").replace("hasRecord", "hasRecord 'cramps',"), "cramps"),
    "a record of no kind": (case("a", cramps=CRAMPS.replace("FindingRecord", "FindingRecrod")), "lc:hasRecord"),
    "a case without a name": (case("a").replace("ex:a a", "[] a"), "lcs:CaseNameShape"),
}


@pytest.mark.parametrize("name", REFUSED_CASES)
def test_a_case_that_breaks_its_shape_is_refused_and_its_neighbour_answered(command: Command, tmp_path: Path, name: str) -> None:
    text, words = REFUSED_CASES[name]
    (tmp_path / "bad.ttl").write_text(GOOD + text)
    run = command("assess", tmp_path / "bad.ttl", "--json")
    assert (run.code, run.cases) == (1, ["good"])
    [problem] = run.report["dataProblems"]
    assert words in problem["text"]
    assert problem["repair"]
    alone = tmp_path / "alone.ttl"
    alone.write_text(PREFIXES + text)
    assert (command("assess", alone, "--json").code, command("assess", alone, "--json").cases) == (1, [])
    assert f"Data problem: {alone}" in command("assess", alone).out


def test_a_refused_case_is_not_explained(command: Command, tmp_path: Path) -> None:
    (tmp_path / "bad.ttl").write_text(PREFIXES + REFUSED_CASES["two as-of instants"][0])
    assert_refused(command("explain", tmp_path / "bad.ttl", "scope"), "LC-1200", "bad.ttl:4", "lc:asOf")


@pytest.mark.parametrize("number", ["S0", "S99"])
def test_a_sentence_that_there_is_none_of_is_refused(command: Command, good: Path, number: str) -> None:
    assert command("explain", good, "S40").code == 0
    assert_refused(command("explain", good, number), "LC-1100", number, "--coverage")


def test_terms_near_an_unknown_one_are_those_that_difflib_finds_among_all(knowledge: Program, tmp_path: Path) -> None:
    chance = random.Random(6)
    known = [term.removeprefix(LC) for term, sort in knowledge.sorts.items() if sort == "Finding"]
    names = []
    for _ in range(300):
        letters = list(chance.choice(known))
        for _ in range(chance.randrange(1, 8)):
            letters[(place := chance.randrange(len(letters))) : place + chance.randrange(2)] = chance.choice("aenrstDL7")
        names.append("".join(letters))
    records = "".join(
        f"ex:f{number} a lc:FindingRecord ; lc:ofFinding lc:{name} ; lc:presence lc:_Presence_present .\n"
        for number, name in enumerate(names)
    )
    linked = " , ".join(f"ex:f{number}" for number in range(len(names)))
    path = tmp_path / "near.ttl"
    path.write_text(PREFIXES + f'ex:c a lc:Case ; lc:asOf "2026-11-20T09:00:00Z"^^xsd:dateTime ; lc:hasRecord {linked} .\n' + records)
    [found] = load_records([path], knowledge).cases
    hints = {each.term.removeprefix(LC): each.repair for each in found.problems if each.code == "unknown-term"}
    assert len(hints) > 250
    for name, hint in hints.items():
        near = difflib.get_close_matches(name, known, 3, 0.75)
        assert hint == (f"did you mean {' or '.join(f'lc:{each}' for each in near)}?" if near else "use a finding of the ontology")
    assert len({hint for hint in hints.values() if hint.startswith("did")}) > 100


def test_a_property_of_the_case_nearly_of_the_vocabulary_is_named(command: Command, tmp_path: Path) -> None:
    (tmp_path / "bad.ttl").write_text(PREFIXES + case("a").replace("lc:asOf", "lc:birthdate '1950'^^xsd:gYear ; lc:asOf"))
    assert "did you mean lc:birthDate" in command("assess", tmp_path / "bad.ttl", "--json").problems["unknown-term"]


def test_a_record_that_two_patients_share_is_left_out_of_both(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "shared.ttl"
    path.write_text(
        GOOD + case("a", own=CRAMPS) + case("b", own=CRAMPS) + "ex:a lc:hasRecord ex:s . ex:b lc:hasRecord ex:s .\n" + f"ex:s {CRAMPS} ."
    )
    run = command("assess", path, "--json")
    assert (run.code, run.cases) == (1, ["a", "b", "good"])
    for answer in run.report["cases"][:2]:
        assert [each["sources"] for each in answer["dataProblems"]] == [["https://example.org/x/s"]]
        assert "https://example.org/x/s" not in json.dumps({**answer, "dataProblems": []})
    path.write_text(path.read_text() + "\nex:a lc:hasSubject ex:p . ex:b lc:hasSubject ex:p .")
    same = command("assess", path, "--json")
    assert (same.code, same.problems) == (0, {})


def test_without_an_as_of_instant_the_present_one_is_used_and_said(command: Command, tmp_path: Path, good: Path) -> None:
    (tmp_path / "undated.ttl").write_text(PREFIXES + case("a", as_of=""))
    run = command("assess", tmp_path / "undated.ttl", good, "--json")
    assert (run.code, run.cases) == (0, ["a", "good"])
    assert run.err == "legcramps: https://example.org/x/a states no as-of instant; the present one is used\n"
    given = command("assess", tmp_path / "undated.ttl", good, "--json", "--as-of", "2026-11-22T10:00:00Z")
    assert {answer["asOf"] for answer in given.report["cases"]} == {"2026-11-22T10:00:00Z"}
    assert given.err == ""


@pytest.mark.parametrize("instant", ["1000-01-01T00:00:00+14:00", "2999-12-31T23:59:59-12:00", "2026-11-20"])
def test_any_instant_of_two_thousand_years_may_be_asked_about(command: Command, instant: str) -> None:
    run = command("assess", ANNA, "--as-of", instant, "--json")
    assert (run.code, len(run.cases), run.err) == (0, 1, "")


@pytest.mark.parametrize("instant", ["0001-01-01", "0999-12-31", "3000-01-01", "9999-12-31T23:59:59-12:00", "2026-02-30", "now"])
def test_an_instant_far_away_or_none_is_a_wrong_call(command: Command, instant: str) -> None:
    run = command("assess", ANNA, "--as-of", instant)
    assert (run.code, run.out) == (2, "")
    assert f"“{instant}” is no xsd:dateTime" in run.err


WRITTEN = {
    "2026-11-20": "2026-11-20T00:00:00",
    "2026-11-20Z": "2026-11-20T00:00:00+00:00",
    "2026-11-20+02:00": "2026-11-20T00:00:00+02:00",
    "2026-11-20T09:00:00": "2026-11-20T09:00:00",
    "2026-11-20T09:00:00.25-14:00": "2026-11-20T09:00:00.250000-14:00",
    "2026-11-20T24:00:00Z": "2026-11-21T00:00:00+00:00",
    "2026-12-31T24:00:00.000": "2027-01-01T00:00:00",
}
NO_INSTANTS = [
    "2026-W47-5",
    "20261120",
    "2026-324",
    "2026-11",
    "2026",
    "2026-W47-5T09:00:00Z",
    "20261120T090000Z",
    "2026-11-20T09",
    "2026-11-20T09:00Z",
    "2026-11-20t09:00:00Z",
    "2026-11-20T24:00:01Z",
    "2026-11-20T24:00:00.1Z",
    "2026-11-20T24:01:00",
    "2026-11-20T25:00:00",
    "2026-11-20T09:00:00+15:00",
]


def test_an_instant_is_read_as_xml_schema_writes_it() -> None:
    assert {text: found and found.isoformat() for text in WRITTEN for found in [read_instant(text)]} == WRITTEN
    assert [text for text in [*NO_INSTANTS, "2026-11-20 09:00:00", ""] if read_instant(text)] == []


def test_a_date_that_xml_schema_does_not_write_is_none_in_a_record_either(command: Command, tmp_path: Path) -> None:
    assert [text for text in NO_INSTANTS[:3] if parse_moment(text)] == []
    for kind, text in (("date", "2026-W47-5"), ("dateTime", "2026-11-20T24:00:00Z")):
        (tmp_path / "a.ttl").write_text(PREFIXES + case(cramps=f"{CRAMPS} ; lc:onset '{text}'^^xsd:{kind}"), encoding="utf-8")
        assert [command(verb, tmp_path / "a.ttl").code for verb in ("assess", "validate")] == [1, 1]


# --- nothing is fetched ----------------------------------------------------------------------------------------------


@dataclass
class Canary:
    """A server and a file that nothing may touch."""

    url: str
    file: Path
    hits: list[str] = field(default_factory=list)


SECRET = "canary-text-7f3a"  # noqa: S105


@pytest.fixture
def canary(tmp_path: Path) -> Iterator[Canary]:
    """Serve a context, a DTD and a file that betray whoever reads them."""
    hits: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hits.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"@context": {"@vocab": "https://example.org/fetched/"}}')

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    file = tmp_path / "secret.txt"
    file.write_text(SECRET)
    yield Canary(f"http://127.0.0.1:{server.server_port}", file, hits)
    server.shutdown()
    server.server_close()
    thread.join()


def doctype(declaration: str, entity: str = "&x;") -> str:
    """Return an RDF/XML case under a document type."""
    return f'<?xml version="1.0"?>\n<!DOCTYPE rdf:RDF {declaration}>\n{RDF_OPEN}{XML_CASE}<ex:A><ex:b>{entity}</ex:b></ex:A></rdf:RDF>'


BOMB = "[" + "".join(f'<!ENTITY e{level} "{f"&e{level - 1};" * 10 if level else "lol"}">' for level in range(10)) + "]"
DOCTYPES: dict[str, Callable[[Canary], str]] = {
    "entity from the network": lambda canary: doctype(f'[<!ENTITY x SYSTEM "{canary.url}/x">]'),
    "entity from a file": lambda canary: doctype(f'[<!ENTITY x SYSTEM "file://{canary.file}">]'),
    "parameter entity": lambda canary: doctype(f'[<!ENTITY % x SYSTEM "{canary.url}/x"> %x;]', ""),
    "external document type": lambda canary: doctype(f'SYSTEM "{canary.url}/x.dtd"', ""),
    "public document type": lambda canary: doctype(f'PUBLIC "-//x" "{canary.url}/x.dtd"', ""),
    "internal entity": lambda canary: doctype('[<!ENTITY x "y">]'),
    "bomb of ten levels": lambda canary: doctype(BOMB, "&e9;"),
    "bomb in an attribute": lambda canary: doctype(BOMB, '<ex:c ex:d="&e9;"/>'),
}


@pytest.mark.parametrize("name", DOCTYPES)
def test_a_document_type_is_refused_at_once(command: Command, tmp_path: Path, canary: Canary, name: str) -> None:
    path = tmp_path / "bad.rdf"
    path.write_text(DOCTYPES[name](canary))
    started = time.perf_counter()
    assert_refused(command("assess", path, "--json"), "LC-1220", "bad.rdf", "DOCTYPE")
    assert time.perf_counter() - started < 1
    assert canary.hits == []


def linked(context: str, more: str = "") -> str:
    """Return a JSON-LD case under a context."""
    return f'{{"@context": {context}, {JSON_CASE}{more}}}'


CONTEXTS: dict[str, Callable[[Canary], str]] = {
    "remote": lambda canary: linked(f'"{canary.url}/c"'),
    "remote in a list": lambda canary: linked(f'["{CONTEXT}", "{canary.url}/c"]'),
    "remote in a list of lists": lambda canary: linked(f'["{CONTEXT}", ["{canary.url}/c"]]'),
    "remote in a node": lambda canary: linked(f'"{CONTEXT}"', f', "hasRecord": {{"@context": "{canary.url}/c"}}'),
    "remote in an array of nodes": lambda canary: f"[{linked(chr(34) + CONTEXT + chr(34))}, {linked(chr(34) + canary.url + chr(34))}]",
    "remote under a term": lambda canary: linked(f'{{"a": {{"@id": "http://a", "@context": "{canary.url}/c"}}}}'),
    "remote under a type": lambda canary: linked(f'{{"A": {{"@id": "http://a", "@context": ["{canary.url}/c"]}}}}', ', "@type": "A"'),
    "import": lambda canary: linked(f'{{"@version": 1.1, "@import": "{canary.url}/c"}}'),
    "import of the shipped one": lambda canary: linked(f'{{"@version": 1.1, "@import": "{CONTEXT}"}}'),
    "spelt with an escape": lambda canary: f'{{"\\u0040context": "{canary.url}/c", {JSON_CASE}}}',
    "file": lambda canary: linked(f'"file://{canary.file}"'),
    "absolute path": lambda canary: linked(f'"{canary.file}"'),
    "relative": lambda canary: linked('"context.jsonld"'),
    "empty": lambda canary: linked('""'),
    "nearly the shipped one": lambda canary: linked(f'"{CONTEXT}/"'),
}


@pytest.mark.parametrize("name", CONTEXTS)
def test_no_context_is_fetched(command: Command, tmp_path: Path, canary: Canary, name: str) -> None:
    path = tmp_path / "bad.jsonld"
    path.write_text(CONTEXTS[name](canary))
    assert_refused(command("assess", path, "--json"), "LC-1230", "bad.jsonld", "JSON-LD context", CONTEXT)
    assert canary.hits == []


HARMLESS: dict[str, tuple[str, Callable[[Canary], str]]] = {
    "imports of an ontology": (".ttl", lambda canary: f"{GOOD}<{canary.url}> <http://www.w3.org/2002/07/owl#imports> <{canary.url}/o> ."),
    "base and prefix": (".ttl", lambda canary: f"@base <{canary.url}/> .\n@prefix x: <file://{canary.file}#> .\n{GOOD}<a> x:b <c> ."),
    "a style sheet": (".rdf", lambda canary: f'<?xml-stylesheet href="{canary.url}/x"?>{RDF_OPEN}{XML_CASE}</rdf:RDF>'),
    "a schema": (".rdf", lambda canary: f'{RDF_OPEN}{XML_CASE}<ex:A xmlns:s="http://www.w3.org/2001/XMLSchema-instance" s:schemaLocation="{canary.url}"/></rdf:RDF>'),
    "an inclusion": (".rdf", lambda canary: f'{RDF_OPEN}{XML_CASE}<i:include xmlns:i="http://www.w3.org/2001/XInclude" ex:href="{canary.url}"/></rdf:RDF>'),
    "an inline context": (".jsonld", lambda canary: linked(f'["{CONTEXT}", {{"ex": "{canary.url}/"}}]', ', "ex:seeAlso": {"@id": "ex:b"}')),
    "a context taken back": (".jsonld", lambda canary: linked(f'[null, "{CONTEXT}"]')),
    "references of FHIR": (".json", lambda canary: json.dumps({"resourceType": "Bundle", "type": "searchset", "link": [{"relation": "next", "url": canary.url}], "entry": [{"fullUrl": f"{canary.url}/Patient/p", "resource": {"resourceType": "Patient", "id": "p"}}]})),
}  # fmt: skip


@pytest.mark.parametrize("name", HARMLESS)
def test_links_are_kept_and_not_followed(command: Command, tmp_path: Path, canary: Canary, name: str) -> None:
    suffix, text = HARMLESS[name]
    (tmp_path / f"links{suffix}").write_text(text(canary))
    run = command("assess", tmp_path / f"links{suffix}", "--as-of", "2026-11-20", "--json")
    assert (run.code, len(run.cases), run.err) == (0, 1, "")
    assert SECRET not in run.out
    assert canary.hits == []


SHAPE = """@prefix sh: <http://www.w3.org/ns/shacl#> .
<urn:shape> a sh:NodeShape ; sh:targetClass <https://w3id.org/legcramps/ontology/Case> ; sh:property [ sh:path <urn:never> ; sh:minCount 1 ] ;
  sh:sparql [ sh:select "SELECT $this WHERE { SERVICE <{url}/s> { ?s ?p ?o } }" ] ;
  sh:rule [ a sh:SPARQLRule ; sh:construct "CONSTRUCT { $this <urn:p> ?o } WHERE { SERVICE <{url}/r> { ?s ?p ?o } }" ] ;
  sh:js [ a sh:JSConstraint ; sh:jsFunctionName "f" ; sh:jsLibrary [ sh:jsLibraryURL "{url}/j"^^<http://www.w3.org/2001/XMLSchema#anyURI> ] ] .
<urn:function> a sh:SPARQLFunction ; sh:select "SELECT ?o WHERE { SERVICE <{url}/f> { ?s ?p ?o } }" .
"""
FOREIGN: dict[str, str] = {
    "imports": "<{url}> a <http://www.w3.org/2002/07/owl#Ontology> ; <http://www.w3.org/2002/07/owl#imports> <{url}/o> .",
    "a graph of shapes": "<{url}> <http://www.w3.org/ns/shacl#shapesGraph> <{url}/o> .",
    "shapes, rules and code": SHAPE,
}


@pytest.mark.parametrize("name", FOREIGN)
def test_what_a_record_says_of_shapes_is_neither_fetched_nor_run(command: Command, tmp_path: Path, canary: Canary, name: str) -> None:
    path = tmp_path / "record.ttl"
    path.write_text(GOOD)
    before = command("validate", path)
    assert (before.code, "stopped" in before.out) == (0, False)
    path.write_text(GOOD + FOREIGN[name].replace("{url}", canary.url))
    after = command("validate", path)
    assert (after.code, after.out, canary.hits) == (before.code, before.out, [])


def test_contexts_that_multiply_are_refused(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonld"
    path.write_text(json.dumps([{"@context": CONTEXT, "id": f"https://example.org/{number}"} for number in range(100_000)]))
    assert_refused(command("assess", path), "LC-1220", "contexts")
    terms = {f"t{number}": f"https://example.org/{number}" for number in range(3000)}
    path.write_text(json.dumps({"@context": terms, "@graph": [{"@context": {"a": "http://a"}, "@id": "http://b"}] * 3000}))
    assert_refused(command("assess", path), "LC-1220", "contexts")


# --- nesting ---------------------------------------------------------------------------------------------------------


def turtle_nest(start: str, middle: str, end: str) -> Callable[[int], str]:
    return lambda depth: f"{GOOD}ex:deep ex:p {start * depth}{middle}{end * depth} .\n"


def json_nest(start: str, end: str) -> Callable[[int], str]:
    return lambda depth: f'[{{"@context": "{CONTEXT}", {JSON_CASE}}}, {{"https://example.org/p": {start * depth}1{end * depth}}}]'


def xml_nest(start: str, end: str, outer: str = "", last: str = "") -> Callable[[int], str]:
    return lambda depth: f"{RDF_OPEN}{XML_CASE}{outer}{start * depth}{end * depth}{last}</rdf:RDF>"


def left_open(nest: Callable[[int], str]) -> Callable[[int], str]:
    """Return a nest that breaks off where it is deepest, but for the one of ten levels."""
    return lambda depth: nest(depth) if depth == 10 else nest(depth)[: len(nest(depth)) // 2]


def lines_nest(depth: int) -> str:
    start, end = "<<( <http://a> <http://b> ", " )>>"
    lines = written(triples_of(ANNA), "n-triples").text.decode()
    return f"{lines}<http://a> <http://b> {start * depth}<http://c>{end * depth} ."


def fhir_nest(depth: int) -> str:
    return f"""{{"resourceType": "Patient", "id": "p", "extension": {'[{"extension": ' * depth}[]{"}]" * depth}}}"""


RESOURCE, LITERAL = '<ex:p rdf:parseType="Resource">', '<ex:A><ex:p rdf:parseType="Literal">'
NESTS: dict[str, tuple[str, Callable[[int], str]]] = {
    "blank nodes": (".ttl", turtle_nest("[ ex:p ", "ex:o", " ]")),
    "blank nodes left open": (".ttl", left_open(turtle_nest("[ ex:p ", "ex:o", " ]     "))),
    "lists": (".ttl", turtle_nest("( ", "", ")")),
    "triple terms": (".ttl", turtle_nest("<<( ex:s ex:p ", "ex:o", " )>>")),
    "triple terms behind comments": (".ttl", turtle_nest("<<( ex:s ex:p #)>>\n", "ex:o", " )>>")),
    "triple terms behind IRIs": (".trig", turtle_nest("<<( <http://a/)\\u0041#(> ex:p ", "ex:o", " )>>")),
    "triple terms on lines": (".nt", lines_nest),
    "JSON arrays": (".jsonld", json_nest("[", "]")),
    "JSON objects": (".jsonld", json_nest('{"https://example.org/]}p": ', "}")),
    "JSON lists": (".jsonld", json_nest('{"@list": [', "]}")),
    "elements": (".rdf", xml_nest("<ex:A><ex:p>", "</ex:p></ex:A>")),
    "elements left open": (".rdf", left_open(xml_nest("<ex:A><ex:p>", "</ex:p></ex:A>"))),
    "resources": (".rdf", xml_nest(RESOURCE, "</ex:p>", "<ex:A>", "</ex:A>")),
    "XML literals": (".rdf", xml_nest("<x>", "</x>", LITERAL, "</ex:p></ex:A>")),
    "FHIR extensions": (".json", fhir_nest),
}


@pytest.mark.parametrize("name", NESTS)
def test_nesting_never_ends_the_process(tmp_path: Path, name: str) -> None:
    suffix, text = NESTS[name]
    paths = [tmp_path / f"deep-{depth}{suffix}" for depth in (10, 10**3, 10**5, 10**6)]
    for path in paths:
        path.write_text(text(int(path.stem.removeprefix("deep-"))))
    run = process("assess", *paths, "--as-of", "2026-11-20", "--json")
    lines = run.stderr.decode().splitlines()
    assert run.returncode == 1, run.stderr[:2000]
    assert len(json.loads(run.stdout)["cases"]) == 1
    assert [re.search(r"deep-(\d+)", line)[1] for line in lines if "[LC-1220]" in line] == ["1000", "100000", "1000000"]  # type: ignore[index]
    assert len(lines) == 3


NOISE = (
    '"[[["',
    "'((('",
    '"""[ " [ "" ["""',
    "'''( ' ('''",
    "# ]]]))) '\"\n",
    "<http://a/(>",
    "<http://a/\\u0028#(>",
    '"\\"["',
    "ex:a\\'b",
    "ex:a\\(b",
    "1.5",
    "true",
    '"a"@en',
)
nests = st.recursive(
    st.sampled_from([each for each in NOISE if not each.startswith("#")]),
    lambda inner: st.tuples(st.sampled_from(["[]", "()"]), st.lists(st.tuples(inner, st.sampled_from(["", "# ]]]))) '\"\n"])), max_size=3)),
    max_leaves=12,
)


def spelt(nest: object) -> tuple[str, int]:
    """Return a nest as a Turtle object, and its depth."""
    if isinstance(nest, str):
        return f"{nest} ", 0
    brackets, items = nest  # type: ignore[misc]
    parts = [(spelt(inner), comment) for inner, comment in items]
    verb = "ex:p " if brackets == "[]" else ""
    text = (
        " ; ".join(f"{verb}{said}{comment}" for (said, _), comment in parts)
        if verb
        else "".join(f"{said}{comment}" for (said, _), comment in parts)
    )
    return f"{brackets[0]} {text} {brackets[1]} ", 1 + max((depth for (_, depth), _ in parts), default=0)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(nest=nests)
def test_brackets_count_where_the_grammar_says_so(nest: object) -> None:
    said, depth = spelt(nest)
    text = f"@prefix ex: <https://example.org/x/> .\nex:a ex:p {said} .".encode()
    assert list(parse(text, format=RdfFormat.TURTLE, base_iri="http://localhost/")) is not None
    with pytest.MonkeyPatch.context() as patch:
        for limit in (depth, depth - 1):
            patch.setattr(reasoner.limits, "MAX_NESTING", limit)
            if limit == depth:
                check_brackets(text, "x")
            elif depth:
                with pytest.raises(LimitError):
                    check_brackets(text, "x")


def test_brackets_in_texts_are_no_nesting(command: Command, tmp_path: Path) -> None:
    (tmp_path / "text.ttl").write_text(PREFIXES + case("a", cramps=CRAMPS, drug=f"a lc:MedicationRecord ; lc:sourceText '{'[(' * 1000}'"))
    assert command("assess", tmp_path / "text.ttl", "--json").code == 0


# --- sizes and characters --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".ttl", ".jsonld", ".rdf"])
def test_a_byte_order_mark_is_passed_over(command: Command, tmp_path: Path, suffix: str) -> None:
    text = {".ttl": GOOD, ".jsonld": linked(f'"{CONTEXT}"'), ".rdf": f"{RDF_OPEN}{XML_CASE}</rdf:RDF>"}[suffix]
    (tmp_path / f"marked{suffix}").write_bytes(b"\xef\xbb\xbf" + text.encode())
    run = command("assess", tmp_path / f"marked{suffix}", "--json")
    assert (run.code, len(run.cases)) == (0, 1), run.err


def test_characters_that_steer_a_terminal_are_shown_as_escapes(command: Command, tmp_path: Path) -> None:
    hostile = "\u202eevil\u2066 \u001b[2J\u0007 \u200f"
    escaped = "".join(f"\\u{ord(each):04X}" if ord(each) > 126 or ord(each) < 32 else each for each in hostile)
    path = tmp_path / "bidi\u202e\u001b.ttl"
    path.write_text(PREFIXES + case("a", cramps=CRAMPS, drug=f"a lc:MedicationRecord ; lc:sourceText '{escaped}'"))
    text = command("assess", path)
    assert text.code == 0
    assert "\\u202eevil\\u2066" in text.out
    assert not set(hostile) & set(text.out) - set("evil [2J")
    answer = command("assess", path, "--json").report["cases"][0]
    assert hostile in [drug["label"] for drug in answer["medicationReview"]]
    path.write_text("nonsense")
    refused = command("assess", path)
    assert_refused(refused, "LC-1210", "bidi\\u202e\\u001b.ttl:1")


def test_a_literal_of_ten_megabytes_is_read_and_not_repeated(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "long.ttl"
    long = "x" * 10_000_000
    path.write_text(
        GOOD + case("a", drug=f"a lc:MedicationRecord ; lc:sourceText '{long}'", unit=value("SerumMagnesiumMeasurement", "1", long))
    )
    run = command("assess", path)
    assert run.code == 1
    assert len(run.out) < 60_000
    assert "10000000 characters" in " ".join(run.out.split())
    assert command("assess", path, "--json").cases == ["a", "good"]


@pytest.mark.parametrize("text", [f"lc:ofDrug lc:{'x' * 10**6}", f"lc:ofDrug lc:Atorvastatin ; lc:started '{'1' * 10**6}'^^xsd:date"])
def test_a_term_of_a_megabyte_is_quoted_in_short(command: Command, tmp_path: Path, text: str) -> None:
    (tmp_path / "long.ttl").write_text(PREFIXES + case("a", drug=f"a lc:MedicationRecord ; {text}"))
    run = command("assess", tmp_path / "long.ttl")
    assert len(run.out) < 60_000
    assert run.err == ""


def test_a_hundred_thousand_prefixes_are_read(command: Command, tmp_path: Path) -> None:
    (tmp_path / "many.ttl").write_text("".join(f"@prefix p{number}: <http://e/{number}/> .\n" for number in range(100_000)) + GOOD)
    run = command("assess", tmp_path / "many.ttl", "--json")
    assert (run.code, run.cases) == (0, ["good"])


@pytest.mark.parametrize("suffix", [".json", ".jsonld"])
def test_one_name_given_twice_among_many_is_found_at_once(command: Command, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"bad{suffix}"
    path.write_text('{"resourceType": "Patient", ' + "".join(f'"n{number}": 1, ' for number in range(100_000)) + '"n99999": 1}')
    started = time.perf_counter()
    assert_refused(command("assess", path), "LC-1210", "“n99999”")
    assert time.perf_counter() - started < 2


def test_a_standard_input_that_is_closed_is_refused(command: Command) -> None:
    assert_refused(command("assess", "-"), "LC-1200", "empty")
    run = subprocess.run(
        ["/bin/sh", "-c", f'exec "{sys.executable}" -m reasoner assess - <&-'],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert_refused(Outcome(run.returncode, run.stdout, run.stderr), "LC-1200")


def test_thousands_of_bad_records_are_all_named(command: Command, tmp_path: Path) -> None:
    records = {f"r{number}": CRAMPS.replace("_Presence_present", f"Presence{number}") for number in range(3000)}
    (tmp_path / "many.ttl").write_text(GOOD + case("a", **records))
    started = time.perf_counter()
    run = command("assess", tmp_path / "many.ttl", "--json")
    assert time.perf_counter() - started < 5
    assert (run.code, run.cases) == (1, ["a", "good"])
    assert len(run.report["cases"][0]["dataProblems"]) == 3000


@pytest.mark.parametrize("unit", ["10*999999", "m9999999", "Ym-999", "(10*12).1234567890", "(" * 40, "1" * 41])
def test_a_unit_is_never_computed_without_end(unit: str) -> None:
    started = time.perf_counter()
    with pytest.raises(Exception, match="unit"):
        convert_exactly(unit, "mmol/L")
    assert time.perf_counter() - started < 5


def test_quotes_are_shortened_and_made_visible() -> None:
    assert shortened("a" * 200) == "a" * 200
    assert shortened("a" * 201) == "a" * 200 + "… (201 characters)"
    assert visible("a\nb\u2028c\x00é") == "a\\u000ab\\u2028c\\u0000é"


# --- the process -----------------------------------------------------------------------------------------------------


def test_an_unforeseen_error_is_one_line_and_exit_4(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("no such\nthing")

    monkeypatch.setattr("reasoner.answering.assess", fail)
    run = command("assess", ANNA)
    assert (run.code, run.out) == (4, "")
    assert MESSAGE.fullmatch(run.err)
    assert "LC-1000" in run.err
    assert "--traceback" in run.err
    traced = command("--traceback", "assess", ANNA)
    assert traced.code == 4
    assert traced.err.startswith("Traceback (most recent call last):")
    assert traced.err.endswith(run.err)


def test_an_interruption_is_no_traceback(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("reasoner.answering.assess", fail)
    run = command("assess", ANNA)
    assert (run.code, run.err) == (130, "legcramps: interrupted\n")


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("taken", [0, 10])
def test_a_reader_who_leaves_is_no_error(form: str, taken: int) -> None:
    argv = [sys.executable, "-m", "reasoner", "assess", str(ANNA), "--format", form]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)}) as run:
        assert run.stdout is not None
        assert run.stderr is not None
        run.stdout.read(taken)
        run.stdout.close()
        assert run.stderr.read() == b""
        assert run.wait(timeout=30) == 0


def test_what_is_printed_is_utf_8_wherever_it_goes(tmp_path: Path) -> None:
    path = tmp_path / "words.ttl"
    path.write_text(PREFIXES + case("a", drug="a lc:MedicationRecord ; lc:sourceText '丹参 ≥'"))
    run = process("assess", path, PYTHONIOENCODING="latin-1", LC_ALL="C")
    assert run.returncode == 0, run.stderr
    assert "丹参 ≥" in run.stdout.decode("utf-8")


SLIPS = """
ex:a a lc:Caze ; lc:asOff "2026" ; lc:hasRecord ex:b , ex:c .
ex:b a lc:FindingRecord ; lc:ofFinding lc:LegCrampp ; lc:presence lc:_Presence_present .
ex:c a lc:FindingRecord ; lc:ofFindin lc:LegCramp ; lc:presence lc:_Presence_present .
ex:d a lc:FindingRecord ; lc:ofFinding lc:LegCramp ; lc:presence lc:_Presence_present ; lc:onsett "2026" .
"""


def test_validate_names_what_no_shape_can_see(command: Command, tmp_path: Path) -> None:
    (tmp_path / "a.ttl").write_text(PREFIXES + case() + SLIPS, encoding="utf-8")
    run = command("validate", tmp_path / "a.ttl", "--json")
    assert run.code == 1
    results = [each for each in json.loads(run.out)["results"] if not each["component"].endswith("Component")]
    assert [
        (each["where"].rpartition(":")[2], each["severity"], each["component"], each["path"].rpartition("/")[2]) for each in results
    ] == [
        ("10", "Warning", "no-case", "hasRecord"),
        ("10", "Violation", "unknown-term", "onsett"),
        ("4", "Violation", "unknown-term", "Caze"),
        ("4", "Violation", "unknown-term", "asOff"),
        ("8", "Violation", "unknown-term", "LegCrampp"),
        ("9", "Violation", "unknown-term", "ofFindin"),
    ]
    assert all("did you mean lc:" in each["message"] for each in results if each["severity"] == "Violation")


def test_what_no_case_reaches_is_named_by_every_verb(command: Command, tmp_path: Path) -> None:
    slips = (
        "ex:b a lc:Cas ; lc:hasRecord ex:rb .\nex:rb a lc:FindingRecord .\nex:q a lc:FindngRecord ; lc:presense 1 .\nex:p a ex:Person .\n"
    )
    (tmp_path / "a.ttl").write_text(PREFIXES + case() + slips, encoding="utf-8")
    wanted = {("unknown-term", "b"), ("unknown-term", "q"), ("no-case", "rb")}
    assessed = command("assess", tmp_path / "a.ttl", "--json").report["dataProblems"]
    assert {(each["code"], each["sources"][0].rpartition("/")[2]) for each in assessed} >= wanted
    assert sorted(each["term"].rpartition("/")[2] for each in assessed if each["code"] == "unknown-term") == [
        "Cas",
        "FindngRecord",
        "presense",
    ]
    validated = json.loads(command("validate", tmp_path / "a.ttl", "--json").out)["results"]
    assert {(each["component"], each["focus"].rpartition("/")[2]) for each in validated} >= wanted
    (tmp_path / "a.nt").write_bytes(written(triples_of(tmp_path / "a.ttl"), "n-triples").text)
    for name in ("a.ttl", "a.nt"):
        command("cohort", tmp_path / name, "--jobs", 1, "--out", tmp_path / f"{name}.out")
        rows = parquet.read_table(tmp_path / f"{name}.out" / "problems").to_pylist()
        assert {(each["code"], each["term"]) for each in rows} >= {(each["code"], each["term"]) for each in assessed}


def test_validate_names_a_record_of_two_patients(command: Command, tmp_path: Path) -> None:
    both = case("a", r=CRAMPS) + case("b", r=CRAMPS).replace("ex:b-r", "ex:a-r").replace(f"ex:a-r {CRAMPS} .\n", "")
    (tmp_path / "a.ttl").write_text(PREFIXES + both, encoding="utf-8")
    assert "shared-record" in command("assess", tmp_path / "a.ttl", "--json").problems
    run = command("validate", tmp_path / "a.ttl", "--json")
    assert run.code == 1
    assert [each["component"] for each in json.loads(run.out)["results"]] == ["shared-record"]


def test_validate_names_a_document_without_a_case(command: Command, tmp_path: Path) -> None:
    (tmp_path / "a.ttl").write_text(PREFIXES + "ex:a a lc:Cas .\n", encoding="utf-8")
    run = command("validate", tmp_path / "a.ttl")
    assert run.code == 1
    assert "a.ttl: Violation: The document holds no case: no named node is typed lc:Case." in run.out
    assert "[LC-1200]" in run.out
    assert "lc:Cas is no class of the vocabulary. did you mean lc:Case" in run.out


@pytest.mark.parametrize("verb", ["assess", "convert", "explain", "whatif"])
@pytest.mark.parametrize("name", ["Cse", "Cas", "case"])
def test_a_mistyped_case_is_answered_with_the_term_that_is_meant(command: Command, tmp_path: Path, verb: str, name: str) -> None:
    path = tmp_path / "a.ttl"
    path.write_text(PREFIXES + case("a").replace("lc:Case", f"lc:{name}").replace("lc:asOf", "lc:asOff"), encoding="utf-8")
    more: dict[str, tuple[str, ...]] = {"convert": ("--to", "fhir"), "explain": ("scope",), "whatif": ("--goal", "scope")}
    run = command(verb, path, *more.get(verb, ()))
    assert (run.code, run.out) == (2, "")
    assert f"({path}:4): no named node is typed lc:Case; lc:{name} is no class of the vocabulary. Repair: did you mean lc:Case?" in run.err


def test_validation_names_unnamed_nodes_alike_in_every_run(command: Command, tmp_path: Path) -> None:
    bad = PREFIXES + case("a", cramps=CRAMPS.replace("_present", "_presnt"))
    (tmp_path / "bad.ttl").write_text(bad)
    outputs = []
    for seed in (1, 2):
        path = tmp_path / "record.nt"
        path.write_bytes(written(renamed(triples_of(tmp_path / "bad.ttl"), seed, blank=True), "n-triples").text)
        outputs.append(command("validate", path, "--json").out)
    assert outputs[0] == outputs[1]
    assert json.loads(outputs[0])["results"][0]["focus"].startswith("_:b")
