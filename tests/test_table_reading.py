"""A table is read by its mapping and by nothing else: every bad cell is named with its place, and costs no neighbour."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from record_documents import Command, command_for

from reasoner import assess, load_records
from reasoner.answering import Records
from reasoner.documents import Document
from reasoner.errors import InputError, SyntaxProblem
from reasoner.program import Program
from reasoner.record import Case
from reasoner.table_mapping import TableMapping, read_mapping
from reasoner.table_reading import read_table
from reasoner.terms import lc

ROOT = Path(__file__).parent.parent
VISITS = ROOT / "docs" / "examples" / "visits.csv"
MAPPING = ROOT / "docs" / "examples" / "visits.toml"
LONG = """
case = "id"
base = "https://example.org/p/"
decimal = ","
[[record]]
name = "lab"
kind = "MeasurementRecord"
ofTest = { column = "code", system = "http://loinc.org" }
value = { column = "value" }
unit = { column = "unit" }
performedOn = { column = "on" }
recordStatus = { column = "status", values = { F = "active", X = "entered_in_error" } }
[[record]]
name = "drug"
kind = "MedicationRecord"
ofDrug = { column = "drug" }
started = { column = "from" }
ended = { column = "to" }
"""
HEAD = "id;code;value;unit;on;status;drug;from;to\n"


@pytest.fixture(scope="module")
def visits(knowledge: Program) -> Records:
    return load_records([VISITS], knowledge, mapping=MAPPING)


def mapped(text: str, knowledge: Program, tmp_path: Path) -> TableMapping:
    path = tmp_path / "mapping.toml"
    path.write_text(text, encoding="utf-8")
    return read_mapping(path, knowledge)


def read(text: str, knowledge: Program, tmp_path: Path, mapping: str = LONG) -> Records:
    return read_table(Document("t.csv", text.encode(), "csv"), mapped('separator = ";"\n' + mapping, knowledge, tmp_path), knowledge)


def texts(records: Records) -> list[str]:
    found = [*records.problems, *(problem for case in records.cases for problem in case.problems)]
    return [f"{each.code}: {each.text}" for each in found]


# --- the example ------------------------------------------------------------------------------------------------------


def test_the_example_is_read_as_it_is_written(visits: Records) -> None:
    anna, ben, cleo = visits.cases
    assert [case.iri for case in visits.cases] == [f"https://example.org/clinic/{name}" for name in ("0017", "0018", "0019")]
    assert [(each.test, str(each.value), each.side) for each in anna.measurements] == [
        (lc("AnkleBrachialIndexMeasurement"), "0.90", "left"),
        (lc("AnkleBrachialIndexMeasurement"), "1.02", "right"),
        (lc("ElectrolytePanel"), "None", ""),
        (lc("ThyroidStimulatingHormoneMeasurement"), "2.1", ""),
    ]
    assert [(each.drug, each.started.text, each.status) for each in anna.medications if each.started] == [
        (lc("Atorvastatin"), "2026-08-20", "active")
    ]
    assert [closure.closes for closure in anna.closures] == [lc("AcuteVenousSign")]
    assert anna.as_of is not None
    assert anna.as_of.text == "2026-11-20T23:59:59Z"
    assert ben.birth is not None
    assert ben.birth.text == "1971-11"
    assert [each.onset.text for each in ben.findings if each.onset] == ["2026-09"]
    assert [(each.comparator, each.value) for each in ben.measurements if each.comparator] == [("less_than", Decimal("0.01"))]
    assert (ben.medications, ben.closures, cleo.findings) == ((), (), ())


def test_bad_cells_are_named_and_their_neighbours_read(visits: Records) -> None:
    cleo = visits.cases[2]
    assert [f"{each.code}: {each.text.rpartition('/')[2]}" for each in cleo.problems] == [
        "unmapped-value: visits.csv:4, column cramps: “maybe” is none of yes, no",
        "malformed-date: visits.csv:4, column cramps since: “31.02.2026” is no date",
        "malformed-number: visits.csv:4, column ABI left: “0,95” is no number",
    ]
    assert [(each.test, each.side) for each in cleo.measurements] == [
        (lc("AnkleBrachialIndexMeasurement"), "right"),
        (lc("ElectrolytePanel"), ""),
    ]
    assert len(cleo.examinations) == 1


def test_the_example_is_answered(visits: Records, knowledge: Program) -> None:
    verdicts = {case["case"][-4:]: case["repeatDvtImaging"]["verdict"] for case in assess(visits, knowledge).to_document()["cases"]}
    assert verdicts == {"0017": "not-warranted", "0018": "indeterminate", "0019": "not-warranted"}


# --- rows -------------------------------------------------------------------------------------------------------------


def test_a_long_table_names_terms_by_their_codes(knowledge: Program, tmp_path: Path) -> None:
    rows = "7;3016-3;2,10;m[IU]/L;2026-11-16;F;;;\n7;;;;;;Atorvastatin;2026-08;\n"
    (case,) = read(HEAD + rows, knowledge, tmp_path).cases
    assert [(each.test, str(each.value), each.unit, each.status) for each in case.measurements] == [
        (lc("ThyroidStimulatingHormoneMeasurement"), "2.10", "m[IU]/L", "active")
    ]
    assert [each.drug for each in case.medications] == [lc("Atorvastatin")]
    assert case.problems == ()


@pytest.mark.parametrize(
    ("row", "problem", "left"),
    [
        ("7;0000-0;2,1;m[IU]/L;;F;;;", "unknown-code: t.csv:2, column code: “0000-0” means no term of the ontology", 0),
        ("7;3016-3;2,1;m[IU]/L;;Q;;;", "unmapped-value: t.csv:2, column status: “Q” is none of F, X", 0),
        ("7;3016-3;high;m[IU]/L;;F;;;", "malformed-number: t.csv:2, column value: “high” is no number", 0),
        ("7;3016-3;1.234,5;m[IU]/L;;F;;;", "malformed-number: t.csv:2, column value: “1.234,5” is no number", 0),
        ("7;3016-3;1e3;m[IU]/L;;F;;;", "malformed-number: t.csv:2, column value: “1e3” is no number", 0),
        ("7;3016-3;٣;m[IU]/L;;F;;;", "malformed-number: t.csv:2, column value: “٣” is no number", 0),
        ("7;3016-3;2,1;m[IU]/L;16.11.2026;F;;;", "malformed-date: t.csv:2, column on: “16.11.2026” is no date", 1),
        ("7;;;;;;Atorvastatin;;soon", "malformed-date: t.csv:2, column to: “soon” is no date", 0),
        ("7;;;;;;Atorvastatin;once;", "malformed-date: t.csv:2, column from: “once” is no date", 1),
        ("7;;;;;;;2026;", "lone-cell: t.csv:2, column from: “2026” stands alone: drug says nothing", 0),
        ("7;3016-3;;m[IU]/L;;F;;;", "lone-cell: t.csv:2, column code: “3016-3” stands alone: value says nothing", 0),
        ("7;;2,1;m[IU]/L;;F;;;", "shape-OrConstraintComponent: t.csv:2 (code, value, unit, on, status): the record ", 0),
        (";3016-3;2,1;m[IU]/L;;F;;;", "no-case: t.csv:2, column id: the row names no patient", 0),
        ("7;3016-3;2,1", "ragged-row: t.csv:2: the row has 3 cells, the first line 9; it is not read", 0),
    ],
)
def test_what_cannot_be_read_is_named_with_its_place(knowledge: Program, tmp_path: Path, row: str, problem: str, left: int) -> None:
    """What is decisive costs its record; the row of the neighbour is read as if alone."""
    found = read(HEAD + row + "\n8;3016-3;4,0;m[IU]/L;2026-11-16;F;;;\n", knowledge, tmp_path)
    assert any(each.startswith(problem) for each in texts(found)), texts(found)
    of_row = [case for case in found.cases if case.iri.endswith("/7")]
    assert sum(len(case.measurements) + len(case.medications) for case in of_row) == left
    (neighbour,) = (case for case in found.cases if case.iri.endswith("/8"))
    assert [each.value for each in neighbour.measurements] == [Decimal("4.0")]
    assert neighbour.problems == ()


def test_lines_count_as_an_editor_counts_them(knowledge: Program, tmp_path: Path) -> None:
    rows = '7;3016-3;2,1;"m[IU]/L";2026-11-16;F;;;\n8;"30\n16-3";2,1;m[IU]/L;;F;;;\n9;3016-3;x;m[IU]/L;;F;;;\n'
    assert [each.partition(", column")[0] for each in texts(read(HEAD + rows, knowledge, tmp_path))] == [
        "unknown-code: t.csv:3",
        "malformed-number: t.csv:5",
    ]


def test_columns_without_a_mapping_are_named(knowledge: Program, tmp_path: Path) -> None:
    found = read(HEAD.replace("to\n", "to;phone;mail\n") + "7;3016-3;2,1;m[IU]/L;;F;;;;1;2\n", knowledge, tmp_path)
    assert texts(found) == ["unmapped-columns: t.csv: columns that the mapping does not name are not read: phone, mail"]
    quiet = read(
        HEAD.replace("to\n", "to;phone;mail\n") + "7;3016-3;2,1;m[IU]/L;;F;;;;1;2\n",
        knowledge,
        tmp_path,
        'ignore = ["phone", "mail"]\n' + LONG,
    )
    assert texts(quiet) == []


def test_a_record_that_breaks_a_shape_says_where(knowledge: Program, tmp_path: Path) -> None:
    found = read(
        HEAD + "7;3016-3;;;2026-11-16;F;;;\n", knowledge, tmp_path, LONG.replace("value =", "interpretation = { column = 'unit' }\nvalue =")
    )
    assert found.cases[0].measurements == ()
    assert len(texts(found)) >= 1


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("id;id\n1;2\n", InputError, "two columns id"),
        ("id;code\n1;2\n", InputError, "no column value"),
        (HEAD + '7;"3016-3" x;2,1;m;;F;;;\n', SyntaxProblem, "t.csv:2"),
        (HEAD + '7;"' + "x" * 200_000 + '";2,1;m;;F;;;\n', SyntaxProblem, "field larger"),
        (HEAD, InputError, "holds no row"),
    ],
)
def test_a_table_that_is_none_is_refused(knowledge: Program, tmp_path: Path, text: str, kind: type[InputError], message: str) -> None:
    with pytest.raises(kind) as caught:
        read(text, knowledge, tmp_path)
    assert message in str(caught.value)


class Held:
    """Knowledge and a mapping that print short when a law fails."""

    def __init__(self, program: Program, mapping: TableMapping) -> None:
        self.program = program
        self.mapping = mapping


@pytest.fixture(scope="module")
def held(knowledge: Program) -> Held:
    return Held(knowledge, read_mapping(MAPPING, knowledge))


@settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(column=st.integers(1, 18), cell=st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=12))
def test_any_cell_costs_at_most_its_records(held: Held, column: int, cell: str) -> None:
    """Whatever stands in one cell of the first row, the other rows are read as before and the first still is a case."""
    rows = list(csv.reader(io.StringIO(VISITS.read_text(encoding="utf-8"))))
    whole = read_table(document(rows), held.mapping, held.program)
    rows[1][column] = cell
    found = read_table(document(rows), held.mapping, held.program)
    assert [kept(case) for case in found.cases[-2:]] == [kept(case) for case in whole.cases[-2:]]
    if len(found.cases) == 3:
        assert len(kept(found.cases[0])) >= len(kept(whole.cases[0])) - 2
    else:
        assert column in (1, 2)
        assert texts(found)


def document(rows: list[list[str]]) -> Document:
    file = io.StringIO()
    csv.writer(file).writerows(rows)
    return Document("visits.csv", file.getvalue().encode(), "csv")


def kept(case: Case) -> list[str]:
    """Return the records of a case, whatever the line on which they stand."""
    parts = (case.findings, case.measurements, case.medications, case.examinations, case.closures)
    return sorted(str(replace(each, node=each.node.rpartition("/")[2])) for part in parts for each in part)


@settings(max_examples=120, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.sampled_from('id;,"\n\r\t 0139-.<é'), max_size=80))
def test_no_text_ends_in_a_traceback(held: Held, text: str) -> None:
    try:
        read_table(Document("t.csv", text.encode(), "csv"), held.mapping, held.program)
    except InputError as error:
        assert error.code.startswith("LC-12")


# --- mappings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('case = "id"', "", "case is no column"),
        ('base = "https://example.org/p/"', 'base = "p/"', "base is no IRI"),
        ('name = "drug"', 'name = "lab"', "two records have one name"),
        ('kind = "MedicationRecord"', 'kind = "Medication"', "record 2): its kind is unknown"),
        ('system = "http://loinc.org"', 'sistem = "x"', "record 1, lab): sistem is unknown"),
        ('{ column = "drug" }', '"Aspirin forte"', "ofDrug: Aspirin forte is no drug"),
        ('F = "active"', 'F = "done"', "recordStatus: done is no value"),
        ('ended = { column = "to" }', 'ended = { column = "to", date = "%d.%m.%y" }', "%d.%m.%y is no form of dates"),
        ('ended = { column = "to" }', 'presence = "present"', "presence is unknown"),
        ('value = { column = "value" }', 'value = "1"', "no cell carries it"),
        ('started = { column = "from" }', "started = { }", "started names no column"),
        ('decimal = ","', 'decimal = "komma"', "decimal is no single sign"),
        ("[[record]]", "[[record", "malformed"),
    ],
)
def test_a_mapping_that_is_wrong_says_where_and_why(knowledge: Program, tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in LONG
    with pytest.raises(InputError) as caught:
        mapped(LONG.replace(old, new, 1), knowledge, tmp_path)
    assert message in str(caught.value)
    assert "mapping.toml" in str(caught.value)


# --- the command ------------------------------------------------------------------------------------------------------


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], knowledge: Program) -> Command:
    """Return the command line as a function."""
    return command_for(monkeypatch, capsys, knowledge)


def test_a_table_becomes_rdf_that_says_the_same(command: Command, tmp_path: Path) -> None:
    done = command("convert", VISITS, "--mapping", MAPPING, "--to", "turtle", "--out", tmp_path / "visits.ttl")
    assert done.code == 0
    first = command("assess", VISITS, "--mapping", MAPPING, "--json").report["cases"]
    second = command("assess", tmp_path / "visits.ttl", "--json").report["cases"]
    for one, two in zip(first, second, strict=True):
        assert one | {"dataProblems": []} == two | {"dataProblems": []}
    assert "data problems: 3 = 0 written; 3 left out" in done.err


def test_standard_input_may_be_a_table(command: Command) -> None:
    done = command("assess", "-", "--input-format", "csv", "--mapping", MAPPING, "--json", stdin=VISITS.read_bytes())
    assert len(done.report["cases"]) == 3


def test_a_tab_parts_the_cells_of_tsv(command: Command, tmp_path: Path) -> None:
    rows = list(csv.reader(io.StringIO(VISITS.read_text(encoding="utf-8"))))
    (tmp_path / "visits.tsv").write_text("\n".join("\t".join(row) for row in rows), encoding="utf-8")
    done = command("assess", tmp_path / "visits.tsv", "--mapping", MAPPING, "--json")
    assert done.report["cases"] == [
        case
        | {
            "dataProblems": [
                each | {"text": each["text"].replace(str(VISITS), str(tmp_path / "visits.tsv"))} for each in case["dataProblems"]
            ]
        }
        for case in command("assess", VISITS, "--mapping", MAPPING, "--json").report["cases"]
    ]


def test_validate_names_what_the_mapping_does_not_read(command: Command) -> None:
    done = command("validate", VISITS, "--mapping", MAPPING)
    assert done.code == 1
    assert done.out.splitlines()[-1].endswith(f"does not conform (3 results, the mapping {MAPPING})")
    assert f"{VISITS}:4, column ABI left: Violation: “0,95” is no number" in done.out


@pytest.mark.parametrize("verb", ["assess", "validate"])
def test_without_a_mapping_a_table_is_refused(command: Command, verb: str) -> None:
    done = command(verb, VISITS)
    assert done.code == 2
    assert "LC-1230" in done.err
