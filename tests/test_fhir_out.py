"""What is written as FHIR R4 is valid, says the same when it is read again, and what it cannot say is counted."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from fhir_checks import problems_of, resources_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reasoner.abstraction.impossible import impossible_problems
from reasoner.answering import answer_case, read_all
from reasoner.documents import Document
from reasoner.errors import InputError
from reasoner.export.fhir_bundle import records_bundle
from reasoner.export.fhir_terms import Coder
from reasoner.export.tally import Tally
from reasoner.fhir import read_fhir
from reasoner.fhir.codes import Codes
from reasoner.fhir.statuses import STANDINGS
from reasoner.moments import Moment, parse_moment
from reasoner.namespaces import LC
from reasoner.program import Program
from reasoner.record import Case, DiagnosisRecord, ExaminationRecord, FindingRecord, MeasurementRecord, MedicationRecord, field_names
from reasoner.report import case_document
from reasoner.terms import lc

ROOT = Path(__file__).parent.parent
VIGNETTES = sorted((ROOT / "tests" / "cases").glob("*/*/record.ttl"))
CASE = "https://example.org/fhir/Patient/p"
SOURCES = ("from", "source", "sources", "subject")


def moment(text: str) -> Moment:
    found = parse_moment(text)
    assert found is not None
    return found


AS_OF = moment("2026-11-20T09:00:00Z")
DAY = moment("2026-11-18")


def loaded(path: Path, program: Program) -> list[Case]:
    """Return the cases of a document; a stated age, which FHIR has not, becomes a date of birth that gives it."""
    cases = read_all([Document("record", path.read_bytes(), "fhir" if path.suffix == ".json" else "turtle")], program).cases
    return [
        case if case.stated_age is None else replace(case, stated_age=None, birth=case.birth or moment(f"{2025 - case.stated_age}-12-24"))
        for case in cases
    ]


def written(cases: Sequence[Case], program: Program) -> tuple[dict[str, Any], dict[str, Case], list[Tally]]:
    """Return the Bundle, the cases that are read from it, and the counts."""
    text, tallies = records_bundle(cases, program, {case.iri: case.as_of or AS_OF for case in cases})
    return json.loads(text), {case.iri: case for case in read_fhir(text, program).cases}, tallies


def lost(tallies: Sequence[Tally]) -> Counter[str]:
    return Counter({reason: count for tally in tallies for reason, count in tally.left if "lc:asOf" not in reason})


def essence(value: Any) -> Any:
    """Return a report without the names of its records, which decide the order of equals."""
    if isinstance(value, dict):
        return {name: essence(each) for name, each in value.items() if name not in SOURCES}
    return sorted(map(essence, value), key=repr) if isinstance(value, list) else value


def report(case: Case, program: Program, as_of: Moment) -> dict[str, Any]:
    document = case_document(program, answer_case(case, program, as_of))
    document["indicators"] = [each for each in document["indicators"] if each["status"] != "unknown"]
    found: dict[str, Any] = essence(document)
    return found


# --- vignettes --------------------------------------------------------------------------------------------------------


Outcome = dict[str, tuple[list[str], Counter[str]]]


def compare(paths: Sequence[Path], program: Program) -> Outcome:
    """Return per vignette the keys of the report that differ after reading again, and what was counted as lost."""
    found = {}
    for path in paths:
        for case in loaded(path, program):
            as_of = case.as_of or AS_OF
            _, read, tallies = written([case], program)
            first, second = report(case, program, as_of), report(read[case.iri], program, as_of)
            found[f"{path.parent.name} {case.iri}"] = ([key for key in first if first[key] != second[key]], lost(tallies))
    return found


@pytest.fixture(scope="module")
def compared(knowledge: Program) -> Outcome:
    return compare(VIGNETTES[::4], knowledge)


def same_without_loss(compared: Outcome) -> int:
    """Return how many vignettes lose nothing; fail when one of them is answered otherwise."""
    whole = {name: keys for name, (keys, left) in compared.items() if not left}
    assert not {name: keys for name, keys in whole.items() if keys}
    return len(whole)


def test_nothing_lost_means_the_same_report(compared: Outcome) -> None:
    assert same_without_loss(compared) >= 20


def test_closure_statements_mostly_come_through_by_what_they_deny(compared: Outcome) -> None:
    with_closures = [keys for keys, left in compared.values() if any("closure" in reason for reason in left)]
    assert len(with_closures) >= 40
    assert sum(not keys for keys in with_closures) >= 0.85 * len(with_closures)


@pytest.mark.release
def test_every_vignette_comes_back(knowledge: Program) -> None:
    compared = compare(VIGNETTES, knowledge)
    assert same_without_loss(compared) >= 100
    assert sum(not keys for keys, _ in compared.values()) >= 295
    reasons = {reason.partition(",")[0] for _, left in compared.values() for reason in left if "closure" not in reason}
    assert reasons == {"lc:worsened", "lc:responseToStopping", "lc:referenceHigh", "lc:result"}


@pytest.mark.parametrize(
    "path",
    [*VIGNETTES[::12], *(ROOT / "docs" / "examples" / name for name in ("bundle.json", "patient.ttl"))],
    ids=lambda path: path.stem + path.parent.name,
)
def test_what_is_written_is_valid_r4(knowledge: Program, path: Path) -> None:
    bundle, _, _ = written(loaded(path, knowledge), knowledge)
    assert problems_of(bundle) == []


def test_the_example_comes_back_whole(knowledge: Program) -> None:
    cases = loaded(ROOT / "docs" / "examples" / "patient.ttl", knowledge)
    _, read, tallies = written(cases, knowledge)
    assert lost(tallies) == {"FHIR has no closure statement; what it denies is written": 1}
    assert report(cases[0], knowledge, AS_OF) == report(read[cases[0].iri], knowledge, AS_OF)


def test_the_same_input_gives_the_same_bytes(knowledge: Program) -> None:
    cases = loaded(ROOT / "docs" / "examples" / "patient.ttl", knowledge)
    texts = {records_bundle(cases, knowledge, {cases[0].iri: AS_OF})[0] for _ in range(2)}
    assert len(texts) == 1


# --- records of others ------------------------------------------------------------------------------------------------


def groups() -> list[Path]:
    """Return what of the data of others belongs together: the files of a folder, or one Bundle."""
    data = next((folder / "shared" / "data" for folder in ROOT.parents if (folder / "shared" / "data" / "EXPECTED.json").is_file()), None)
    if data is None:
        return []
    folders = [
        *sorted((data / "fhir-r4-ecqm-statin").iterdir()),
        data / "fhir-r4-mii-de",
        data / "fhir-r4-bulk-ndjson",
        data / "fhir-r4-au",
    ]
    return [*folders, *sorted((data / "fhir-r4-synthea").glob("*.json"))[:3]]


def documents_of(group: Path) -> list[Document]:
    files = [group] if group.is_file() else sorted(path for path in group.rglob("*.*json") if path.name != "log.ndjson")
    return [Document(path.name, path.read_bytes(), "fhir-ndjson" if path.suffix == ".ndjson" else "fhir") for path in files]


def test_the_records_of_others_come_back_whole(knowledge: Program) -> None:
    if not groups():
        pytest.skip("not run: the data of others is not at hand")
    answered = 0
    for group in groups():
        cases = read_all(documents_of(group), knowledge).cases
        bundle, read, tallies = written(cases, knowledge)
        assert problems_of(bundle) == [], group
        assert set(lost(tallies)) <= {"the IRI of the case, which is no address of a Patient"}, group
        for case in cases:
            if case.iri in read:
                answered += 1
                first, second = (report(replace(each, problems=()), knowledge, AS_OF) for each in (case, read[case.iri]))
                assert first == second, case.iri
    assert answered >= 45


LEAVES = st.sampled_from(
    ["", "x", "2026-13", "2026", "2026-11-20T09:00:00", "urn:x", " ", 5, -1.5, True, None, {}, [], ["x"], {"code": "x"}]
)


def mangled(value: Any, path: int, leaf: Any) -> Any:
    """Return a JSON value in which the leaf or branch number `path`, counted in order, is another."""
    left = [path]

    def walk(each: Any) -> Any:
        left[0] -= 1
        if left[0] == 0:
            return leaf
        if isinstance(each, dict):
            return {name: walk(item) for name, item in each.items()}
        return [walk(item) for item in each] if isinstance(each, list) else each

    return walk(value)


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=st.integers(2, 900), second=st.integers(2, 900), leaf=LEAVES, other=LEAVES)
def test_whatever_is_read_is_written_as_valid_r4(held: Held, first: int, second: int, leaf: Any, other: Any) -> None:
    text = json.loads((ROOT / "docs" / "examples" / "bundle.json").read_bytes())
    spoiled = mangled(mangled(text, first, leaf), second, other)
    try:
        cases = read_all([Document("record", json.dumps(spoiled).encode(), "fhir")], held.program).cases
    except InputError:
        return
    bundle, read, _ = written(cases, held.program)
    assert problems_of(bundle) == []
    assert len(read) == len(cases)


# --- single records ---------------------------------------------------------------------------------------------------


def one(knowledge: Program, *records: Any) -> tuple[dict[str, Any], Case, Counter[str]]:
    """Write records and return the Bundle, what is read, and what is lost."""
    kinds = {
        FindingRecord: "findings",
        MeasurementRecord: "measurements",
        MedicationRecord: "medications",
        ExaminationRecord: "examinations",
        DiagnosisRecord: "diagnoses",
    }
    parts: dict[str, Any] = {}
    for record in records:
        parts[kinds[type(record)]] = (*parts.get(kinds[type(record)], ()), record)
    bundle, read, tallies = written([Case(CASE, CASE, AS_OF, moment("1958-03-02"), None, **parts)], knowledge)
    assert problems_of(bundle) == []
    return bundle, read[CASE], lost(tallies)


moments = st.sampled_from([None, *map(moment, ("2019", "2026-09", "2026-11-14", "2026-11-14T08:30:00+01:00", "2026-11-14T08:30:00"))])
sides = st.sampled_from(["", "left", "right", "both"])
statuses = st.sampled_from(["", *STANDINGS])
law = settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Held:
    """Knowledge that prints short when a law fails."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.terms = {sort: sorted(term for term, each in program.sorts.items() if each == sort) for sort in set(program.sorts.values())}
        codes = Codes(program)
        self.measured = [term for term in self.terms["Investigation"] if codes.is_measured(term)]


@pytest.fixture(scope="module")
def held(knowledge: Program) -> Held:
    return Held(knowledge)


def facts(case: Case, program: Program) -> Any:
    """Return what follows from a case, whatever its records are called; dates that cannot be are remarked on as they are written."""
    found = report(replace(case, problems=()), program, AS_OF)
    return found | {"dataProblems": [each for each in found["dataProblems"] if each["code"] != "impossible-date"]}


def impossible(case: Case) -> Counter[tuple[str, str]]:
    """Return what is remarked on the dates of records that say something; how these dates are written is left out."""
    telling = [tuple(each for each in records if each.presence != "unknown") for records in (case.findings, case.diagnoses)]
    found = impossible_problems(replace(case, findings=telling[0], diagnoses=telling[1]), ())  # type: ignore[arg-type]
    return Counter((each.code, each.term) for each in found)


@law
@given(data=st.data())
def test_records_that_lose_nothing_mean_the_same(held: Held, data: st.DataObject) -> None:
    """Three records of any kind, with any status, side and dates: where no loss is counted, the report is the same."""
    records = []
    for name in ("a", "b", "c"):
        node, status, side = f"https://example.org/r/{name}", data.draw(statuses), data.draw(sides)
        when, ended = data.draw(moments), data.draw(moments)
        term = data.draw(st.sampled_from(held.terms["Finding"]))
        presence = data.draw(st.sampled_from(["present", "absent", "unknown"]))
        value = data.draw(st.decimals(0, 1000, places=3))
        kind = data.draw(st.sampled_from(["finding", "diagnosis", "measurement", "medication", "examination"]))
        if kind == "finding":
            records.append(FindingRecord(node, term, presence, side, when, None, ended, data.draw(moments), status))
        elif kind == "diagnosis":
            condition = data.draw(st.sampled_from(held.terms["Condition"]))
            records.append(DiagnosisRecord(node, condition, presence, when, ended, None, status))  # type: ignore[arg-type]
        elif kind == "measurement":
            test = data.draw(st.sampled_from(held.measured))
            comparator = data.draw(st.sampled_from(["", "less_than", "at_least"]))
            records.append(MeasurementRecord(node, test, value, "1", comparator, "high", Decimal("0.50"), value + 1, side, when, status))  # type: ignore[arg-type]
        elif kind == "medication":
            drug = data.draw(st.sampled_from(held.terms["Drug"]))
            records.append(MedicationRecord(node, drug, "", "1 a day", when, ended, "", status))  # type: ignore[arg-type]
        else:
            test = data.draw(st.sampled_from(held.terms["Investigation"]))
            attributes = ((lc("completeness"), lc("_Completeness_complete")), (lc("result"), lc("_Result_negative")))
            records.append(ExaminationRecord(node, test, attributes, side, when, status))  # type: ignore[arg-type]
    _, read, left = one(held.program, *records)
    if not left:
        before = one_case(records)
        assert facts(read, held.program) == facts(before, held.program)
        assert impossible(read) == impossible(before)


def one_case(records: Sequence[Any]) -> Case:
    return Case(
        CASE,
        CASE,
        AS_OF,
        moment("1958-03-02"),
        None,
        findings=tuple(each for each in records if isinstance(each, FindingRecord)),
        measurements=tuple(each for each in records if isinstance(each, MeasurementRecord)),
        medications=tuple(each for each in records if isinstance(each, MedicationRecord)),
        examinations=tuple(each for each in records if isinstance(each, ExaminationRecord)),
        diagnoses=tuple(each for each in records if isinstance(each, DiagnosisRecord)),
    )


@pytest.mark.parametrize("status", ["", *STANDINGS])
@pytest.mark.parametrize("kind", ["finding", "diagnosis", "measurement", "medication", "examination"])
def test_every_status_counts_as_it_did(held: Held, kind: str, status: str) -> None:
    node = "https://example.org/r/a"
    records: dict[str, Any] = {
        "finding": FindingRecord(node, lc("LegCramp"), "present", "both", DAY, None, None, DAY, status),
        "diagnosis": DiagnosisRecord(node, lc("Hypothyroidism"), "present", DAY, None, DAY, status),
        "measurement": MeasurementRecord(
            node, lc("AnkleBrachialIndexMeasurement"), Decimal("0.850"), "1", "", "", None, None, "left", DAY, status
        ),
        "medication": MedicationRecord(node, lc("Atorvastatin"), "", "", DAY, None, "", status),
        "examination": ExaminationRecord(node, lc("CompressionUltrasound"), ((lc("result"), lc("_Result_negative")),), "", DAY, status),
    }
    _, read, left = one(held.program, records[kind])
    assert not left
    assert facts(read, held.program) == facts(one_case([records[kind]]), held.program)


def test_digits_comparator_and_limits_come_back(knowledge: Program) -> None:
    record = MeasurementRecord(
        "https://example.org/r/a",
        lc("SerumMagnesiumMeasurement"),
        Decimal("1.640"),
        "meq/L",
        "less_than",
        "low",
        Decimal("1.50"),
        Decimal("1.90"),
        "",
        DAY,
        "active",
    )
    _, read, left = one(knowledge, record)
    assert not left
    assert [str(getattr(read.measurements[0], field)) for field in field_names(record)] == [
        str(getattr(record, field)) for field in field_names(record)
    ]


def test_what_fhir_cannot_say_is_counted(knowledge: Program) -> None:
    records = (
        FindingRecord("https://example.org/r/a", lc("LegCramp"), "present", "both", DAY, DAY, None, None, ""),
        MedicationRecord("https://example.org/r/b", lc("Atorvastatin"), "", "", None, None, "relief", "stopped"),
    )
    _, _, left = one(knowledge, *records)
    assert left == {"lc:worsened, which FHIR cannot say there": 1, "lc:responseToStopping, which FHIR cannot say there": 1}


def test_a_stated_age_and_an_address_that_is_none_are_counted(knowledge: Program) -> None:
    case = Case("urn:x:y#z", "urn:x:patient", AS_OF, None, 67)
    bundle, _, tallies = written([case], knowledge)
    assert problems_of(bundle) == []
    assert resources_of(bundle)[0]["identifier"] == [{"system": "urn:ietf:rfc:3986", "value": "urn:x:patient"}]
    assert set(lost(tallies)) == {
        "lc:statedAge, which FHIR does not state of a patient",
        "the IRI of the case, which is no address of a Patient",
    }


# --- codes ------------------------------------------------------------------------------------------------------------


def test_every_term_is_read_as_itself(held: Held) -> None:
    coder, codes = Coder(held.program), Codes(held.program)
    foreign = 0
    for term, sort in held.program.sorts.items():
        concept = coder.concept(term)
        foreign += len(concept["coding"]) - 1
        assert codes.mean(concept, (sort,)).terms == (term,), term
    assert foreign >= 150


def test_foreign_codes_are_those_of_the_ontology(held: Held) -> None:
    known = {(system, code) for each in held.program.term_codes.values() for system, code, match in each if match == "exactMatch"}
    coder = Coder(held.program)
    for term in held.program.sorts:
        for each in coder.concept(term)["coding"]:
            assert each["system"] == LC or (each["system"], each["code"].rpartition(":")[2]) in known
