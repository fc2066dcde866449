"""Broken input of every format is read or refused: no traceback, no hang, no memory that is not given back.

Hypothesis draws a seed document of each format and changes to it: bytes and tokens anywhere, and in JSON values of other
types, odd strings, numbers at the edges, parts moved or repeated. What is still readable is answered to the end. CI runs a
few thousand inputs, always the same; `pytest -m release` more than 100,000, in pieces: what Hypothesis remembers of its
inputs grows with their number, what the readers leave behind does not.
"""

from __future__ import annotations

import copy
import json
import resource
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from conftest import Figure
from fhir_resources import ATORVASTATIN, CK, PATIENT, SCAN, SNOMED, TSH, UCUM, Json, bundle, concept, condition, lines, observation, order
from fhir_resources import resource as fhir
from hypothesis import HealthCheck, example, given, seed, settings
from hypothesis import strategies as st
from test_fhir import ROOT, adds_up, places
from test_fhir_turtle import turtle

from reasoner.answering import answer_case, read_all
from reasoner.documents import FHIR_FORMATS, Document
from reasoner.errors import InputError
from reasoner.fhir import Source, judge, read_sources, stream_exports, summed
from reasoner.limits import utf8
from reasoner.moments import parse_moment
from reasoner.program import Program
from reasoner.report import Report

SAMPLE, RELEASE, PIECES = 2_500, 105_000, 4
HANG = 30
GROWTH = 300 * 1024
AS_OF = parse_moment("2026-11-20T09:00:00Z")

RESOURCES: list[Json] = [
    PATIENT,
    order(
        dosageInstruction=[{"text": "1 daily", "timing": {"repeat": {"boundsPeriod": {"start": "2025", "end": "2026-12"}}}}],
        doNotPerform=False,
        contained=[{"resourceType": "Medication", "id": "m", "ingredient": [{"itemCodeableConcept": concept(ATORVASTATIN)}]}],
        medicationCodeableConcept=None,
        medicationReference={"reference": "#m"},
    ),
    condition(id="c", onsetAge={"value": 41, "system": UCUM, "code": "a"}, bodySite=[concept((SNOMED, "7771000"))]),
    observation(
        CK,
        id="o",
        valueQuantity={"value": 450.5, "unit": "U/L", "system": UCUM, "code": "U/L", "comparator": ">"},
        referenceRange=[{"low": {"value": 0}, "high": {"value": 190, "unit": "U/L"}}],
        component=[{"code": concept(TSH), "valueQuantity": {"value": 2, "unit": "mIU/L"}}],
    ),
    fhir(
        "DiagnosticReport",
        "d",
        status="final",
        code=concept(SCAN),
        conclusionCode=[concept((SNOMED, "260385009"))],
        result=[{"reference": "Observation/o"}],
    ),
    fhir("MedicationStatement", "s", status="recorded", medication={"concept": concept(ATORVASTATIN)}, adherence={"code": {"text": "x"}}),
]
TOKENS = (
    b'"',
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"\x00",
    b"\xff",
    b"1e999",
    b"-0",
    b"NaN",
    b"null",
    b"<",
    b">",
    b".",
    b";",
)
TOKENS += (
    b"@prefix x: <y> .",
    b"_:a",
    b"a fhir:Patient",
    b"fhir:v",
    b"fhir:index -1",
    b"()",
    b"#",
    b"\n",
    b"\r\n",
    b"'''",
    b'"""',
    b"[" * 300,
    b"(" * 300,
    b"9" * 400,
)
TOKENS += (
    b"<!DOCTYPE x [<!ENTITY a 'b'>]>",
    b"&a;",
    b"xml:base='x'",
    b'"@context"',
    b'"@id"',
    b'"resourceType"',
    b"\xef\xbb\xbf",
    b"<<",
    b">>",
    b"^^xsd:decimal",
)
JUNK: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    1.5,
    1e308,
    10**40,
    "",
    "x",
    " ",
    "\ud800",
    "\x00",
    "2026-13-45",
    "9999-12-31",
    "0000",
    "P1Y",
    "#",
    "#p",
]
JUNK += [[], {}, [[]], [None], [1, "x"], {"coding": "x"}, {"coding": [{"system": 1, "code": []}]}, {"reference": "#"}, {"reference": {}}]
JUNK += [
    {"value": "1"},
    {"value": 10**30, "code": "{" * 20},
    {"code": "10*999999999"},
    {"code": "kg/" * 200},
    "Patient/p",
    "Bundle",
    "a" * 5000,
]


def seeds() -> dict[str, bytes]:
    """Return a small document of each format that is read."""
    whole = json.loads(bundle(*RESOURCES))
    record = (ROOT / "docs" / "examples" / "patient.ttl").read_bytes()
    import pyoxigraph as ox

    quads = list(ox.parse(record, format=ox.RdfFormat.TURTLE))
    forms = {
        "trig": ox.RdfFormat.TRIG,
        "n-triples": ox.RdfFormat.N_TRIPLES,
        "n-quads": ox.RdfFormat.N_QUADS,
        "rdf-xml": ox.RdfFormat.RDF_XML,
    }
    found = {name: ox.serialize(quads, format=form) or b"" for name, form in forms.items()}
    return {
        "fhir": bundle(*RESOURCES),
        "fhir-ndjson": lines(*RESOURCES),
        "fhir-turtle": turtle(whole, "r5"),
        "turtle": record,
        "json-ld": (ROOT / "docs" / "examples" / "patient.jsonld").read_bytes(),
        **found,
    }


SEEDS = seeds()
Cut = tuple[float, float, int, int]
PLACE = st.integers(0, 9_999).map(lambda each: each / 9_999)  # floats are drawn at both ends too often
CUT = st.tuples(PLACE, PLACE, st.integers(0, 3), st.integers(0, len(TOKENS) + 255))
CUTS: st.SearchStrategy[list[Cut]] = st.one_of(  # one slip is survived in every format by a quarter of the inputs, several hardly ever
    st.lists(CUT, min_size=1, max_size=1), st.lists(CUT, min_size=1, max_size=4)
)
CHANGES = st.lists(st.tuples(st.floats(0, 1), st.integers(0, len(JUNK) + 2)), min_size=1, max_size=6)
INPUTS = st.one_of(
    st.tuples(st.sampled_from(sorted(SEEDS)), st.just([]), CUTS),
    st.tuples(st.sampled_from(["fhir", "fhir-ndjson", "fhir-turtle", "json-ld"]), CHANGES, st.just([])),
    st.tuples(st.sampled_from(["fhir", "fhir-ndjson"]), CHANGES, CUTS),
)
Input = tuple[str, list[tuple[float, int]], list[Cut]]
HARMLESS: list[Input] = [(name, [], [(1.0, 0.0, 0, TOKENS.index(b"\n"))]) for name in sorted(SEEDS)]
"""A line more at the end is survived in every format."""


def mutated(drawn: Input) -> bytes:
    name, changes, cuts = drawn
    text = changed(name, changes) if changes else SEEDS[name]
    for at, width, kind, what in cuts:
        start = int(at * len(text))
        end = min(len(text), start + int(width * width * 60))
        token = TOKENS[what] if what < len(TOKENS) else bytes([what - len(TOKENS)])
        middle = (token, text[start:end] + token, text[start:end] * 2, b"")[kind]
        text = text[:start] + middle + text[end:]
    return text


def changed(name: str, changes: list[tuple[float, int]]) -> bytes:
    """Return a JSON seed with values replaced by junk, by other parts of it, removed or repeated."""
    document: Any = json.loads(SEEDS["json-ld"]) if name == "json-ld" else json.loads(SEEDS["fhir"])
    for at, what in changes:
        spots = list(places(document))
        if not spots:
            break
        holder, key = spots[int(at * (len(spots) - 1))]
        if what < len(JUNK):
            holder[key] = copy.deepcopy(JUNK[what])
        elif what == len(JUNK):
            holder[key] = copy.deepcopy(spots[int((1 - at) * (len(spots) - 1))][0])
        elif what == len(JUNK) + 1:
            del holder[key]
        elif isinstance(holder, list):
            holder.append(copy.deepcopy(holder[key]))
        else:
            holder[f"{key}x"] = holder[key]
    if name == "fhir-turtle":
        return turtle(document, "r5") if isinstance(document, dict) else b""
    if name == "fhir-ndjson":
        entries = document.get("entry") if isinstance(document, dict) else None
        members = [each.get("resource") if isinstance(each, dict) else each for each in entries] if isinstance(entries, list) else [entries]
        return b"\n".join(json.dumps(each).encode() for each in members)
    return json.dumps(document).encode()


@contextmanager
def watched() -> Iterator[None]:
    """Stop what hangs: by processor time, as other work on the machine must not count, and again if the first stop was lost."""

    def stop(*_: object) -> None:
        raise TimeoutError("the input is not read within half a minute")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, HANG, 1)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def digest(name: str, text: bytes, knowledge: Program) -> str:
    """Read an input, account for it and answer it; return what became of it."""
    try:
        if name in FHIR_FORMATS:
            verdict = judge(read_sources([Source("x", text, FHIR_FORMATS[name])], knowledge))
            assert adds_up(verdict.counts)
        records = read_all([Document("x", utf8(text, "x"), name)], knowledge, folder=ROOT)
    except InputError as error:
        assert str(error).endswith(f"[{error.code}]")
        return "refused"
    assert AS_OF is not None
    answers = tuple(answer_case(each, knowledge, AS_OF) for each in records.cases[:2])
    json.loads(Report(knowledge, answers, records.problems, records.broken).dumps())
    return "answered" if answers else "read"


def streamed(text: bytes, knowledge: Program, folder: Path) -> None:
    path = folder / "x.ndjson"
    path.write_bytes(text)
    try:
        counts = summed(each.counts for each in stream_exports([path], knowledge))
    except InputError:
        return
    assert adds_up(counts)
    assert counts.entries == read_sources([Source("x", text, "ndjson")], knowledge).counts.entries


def also(inputs: list[Input]) -> Callable[[Callable[[Input], None]], Callable[[Input], None]]:
    """Try these inputs whatever else is drawn."""

    def decorate(tried: Callable[[Input], None]) -> Callable[[Input], None]:
        for each in inputs:
            tried = example(each)(tried)
        return tried

    return decorate


def fuzz(number: int, knowledge: Program, folder: Path, piece: int = 0) -> Counter[str]:
    """Try `number` inputs, others for each piece; return what became of them."""
    became: Counter[str] = Counter()

    @seed(piece)
    @also(HARMLESS)
    @settings(max_examples=number, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(INPUTS)
    def try_one(drawn: Input) -> None:
        text = mutated(drawn)
        with watched():
            became[f"{drawn[0]}: {digest(drawn[0], text, knowledge)}"] += 1
            if drawn[0] == "fhir-ndjson" and not crc32(text) % 5:
                streamed(text, knowledge, folder)

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try_one()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < GROWTH
    return became


def check_spread(became: Counter[str], number: int) -> None:
    """Hold the run to its size, and to inputs of every format that were refused and that were answered."""
    assert became.total() >= number * 0.95
    assert {key.partition(":")[0] for key in became} == SEEDS.keys()
    assert all(became[f"{name}: refused"] for name in SEEDS)
    assert all(became[f"{name}: answered"] > 1 for name in SEEDS)


@pytest.mark.parametrize("name", sorted(SEEDS))
def test_the_seeds_are_answered(knowledge: Program, name: str) -> None:
    assert digest(name, SEEDS[name], knowledge) == "answered"


def test_broken_input_is_read_or_refused(knowledge: Program, tmp_path: Path) -> None:
    check_spread(fuzz(SAMPLE, knowledge, tmp_path), SAMPLE)


@pytest.mark.release
@pytest.mark.parametrize("piece", range(PIECES))
def test_broken_input_is_read_or_refused_at_length(knowledge: Program, tmp_path: Path, figure: Figure, piece: int) -> None:
    became = fuzz(RELEASE // PIECES, knowledge, tmp_path, piece + 1)
    check_spread(became, RELEASE // PIECES)
    assert became.total() * PIECES >= 100_000
    figure("broken inputs that ended in an answer or a refusal", became.total(), "inputs")


def concept_of(number: int, make: Callable[[int], tuple[str, str]]) -> Json:
    return {"coding": [{"system": system, "code": code} for system, code in map(make, range(number))]}


@pytest.mark.parametrize(
    "many",
    [
        lambda: order(concept_of(20_000, lambda place: ("http://www.whocc.no/atc", f"C10AA{place}"))),
        lambda: order(concept_of(20_000, lambda place: ("http://snomed.info/sct", str(place)))),
        lambda: observation(CK, component=[{"code": concept(CK), "valueQuantity": {"value": 1}}] * 5_000),
        lambda: fhir("DiagnosticReport", "d", status="final", code=concept(SCAN), result=[{"reference": "Observation/x"}] * 20_000),
        lambda: condition(code={"text": "x" * 1_000_000}),
        lambda: PATIENT | {"identifier": [{"system": "s", "value": "v"}] * 20_000},
    ],
)
def test_what_is_there_many_times_costs_no_more_than_its_size(knowledge: Program, many: Callable[[], Json]) -> None:
    with watched():
        assert adds_up(read_sources([Source("x", bundle(PATIENT, many()))], knowledge).counts)


def test_names_that_many_resources_share_cost_no_more_than_their_number(knowledge: Program) -> None:
    shared = [observation(CK, id="same", valueQuantity={"value": place}) for place in range(4_000)]
    entries = [{"fullUrl": f"urn:uuid:{place}", "resource": each} for place, each in enumerate(shared)]
    reports = [
        fhir("DiagnosticReport", f"d{place}", status="final", code=concept(SCAN), result=[{"reference": "Observation/same"}])
        for place in range(4_000)
    ]
    entries += [{"fullUrl": f"urn:uuid:r{place}", "resource": each} for place, each in enumerate(reports)]
    with watched():
        found = read_sources([Source("x", bundle(entry=[{"resource": PATIENT}, *entries]))], knowledge)
    assert found.counts.entries == 8_001


def test_a_chain_of_reports_costs_no_more_than_its_length(knowledge: Program) -> None:
    def report(place: int) -> Json:
        more = [{"reference": f"DiagnosticReport/d{place + 1:05}"}]
        return fhir("DiagnosticReport", f"d{place:05}", status="final", code=concept(SCAN), result=more, effectiveDateTime="2026-11-14")

    with watched():
        (found,) = read_sources([Source("x", bundle(PATIENT, *map(report, range(3_000))))], knowledge).cases
    assert found.examinations
