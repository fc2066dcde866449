"""The tables say what the report says, row by row, and open in a spreadsheet without running anything."""

from __future__ import annotations

import csv
import io
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from reasoner import assess, load_records, tables
from reasoner.program import Program
from reasoner.table_files import SEPARATOR, arrow_schema, csv_text, parquet_bytes
from reasoner.tables import TABLES, rows_of, table_named

ROOT = Path(__file__).parent.parent
EXAMPLES = [ROOT / "docs" / "examples" / name for name in ("patient.ttl", "bundle.json")]
PYTHON = {"text": str, "integer": int, "number": float, "boolean": bool, "texts": list}


@pytest.fixture(scope="module")
def report(knowledge: Program) -> dict[str, Any]:
    vignettes = sorted((ROOT / "tests" / "cases" / "red-flags").glob("*/record.ttl"))[:5]
    records = load_records([*EXAMPLES, *vignettes], knowledge)
    return assess(records, knowledge).to_document()


def test_the_docstring_lists_tables_and_columns() -> None:
    listed = dict(re.findall(r"^\| `(\w+)` \| [^|]+ \| (case.*) \|$", tables.__doc__ or "", re.MULTILINE))
    assert list(listed) == [table.name for table in TABLES]
    for table in TABLES:
        names = re.findall(r"[a-z_]{2,}", re.sub(r"\([^)]*\)|texts:|numbers|`[^`]*`", " ", listed[table.name]))
        assert sorted(names) == sorted(column.name for column in table.columns), table.name


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_cell_is_of_its_kind(report: dict[str, Any], table: tables.Table) -> None:
    for row in rows_of(table, report):
        assert list(row) == [column.name for column in table.columns]
        for column in table.columns:
            assert row[column.name] is None or type(row[column.name]) is PYTHON[column.kind], column


def test_there_is_a_row_for_every_item_of_the_report(report: dict[str, Any]) -> None:
    counted = {table.name: len(list(rows_of(table, report))) for table in TABLES}
    cases = report["cases"]
    expected = {table.name: sum(len(case[table.key]) for case in cases) for table in TABLES if table.key}
    expected["cases"] = len(cases)
    expected["verdicts"] = 2 * len(cases)
    expected["notes"] = sum(len(case["notes"]) for case in cases)
    expected["problems"] = sum(len(case["conflicts"]) + len(case["dataProblems"]) for case in cases) + len(report["dataProblems"])
    assert counted == expected
    assert counted["red_flags"] > 0 < counted["problems"]


def test_no_key_of_a_case_is_left_out(report: dict[str, Any]) -> None:
    keys = {key for case in report["cases"] for key, value in case.items() if not isinstance(value, dict)}
    assert keys == {table.key for table in TABLES if table.key} | {
        *("case", "subject", "asOf", "differentialConfidence", "conflicts", "dataProblems", "notes")
    }


def test_the_verdict_of_the_example_stands_in_the_table(report: dict[str, Any]) -> None:
    found = [row for row in rows_of(table_named("verdicts"), report) if row["case"] == "https://example.org/legcramps/anna"]
    assert {row["decision"]: (row["verdict"], row["rule"]) for row in found} == {
        "repeatDvtImaging": ("not-warranted", "D5"),
        "scope": ("in-scope", "A0-in"),
    }


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_csv_and_parquet_hold_the_same(report: dict[str, Any], table: tables.Table) -> None:
    rows = list(rows_of(table, report))
    stored = parquet.read_table(pyarrow.BufferReader(parquet_bytes(table, rows)))
    assert stored.schema.equals(arrow_schema(table))
    assert stored.to_pylist() == rows
    read = list(csv.DictReader(io.StringIO(csv_text(table, rows))))
    assert len(read) == len(rows)
    for given_row, found in zip(rows, read, strict=True):
        for column in table.columns:
            value, cell = given_row[column.name], found[column.name].removeprefix("'")
            if value is None:
                assert cell == ""
            elif column.kind == "number":
                assert Decimal(cell) == Decimal(str(value))
            elif column.kind == "boolean":
                assert cell == str(value).lower()
            else:
                assert cell == (SEPARATOR.join(value) if isinstance(value, list) else str(value))


@given(text=st.text(alphabet="=+-@＝\t\r\n'a,\" ", max_size=6), several=st.booleans())
def test_no_text_is_run_as_a_formula(text: str, several: bool) -> None:
    name = "sources" if several else "text"
    row: tables.Row = {column.name: [] if column.kind == "texts" else "" for column in table_named("problems").columns}
    row[name] = [text] if several else text
    cell = next(csv.DictReader(io.StringIO(csv_text(table_named("problems"), [row]), newline="")))[name]
    assert not cell.startswith(("\t", "\r", "\n"))
    assert not cell.lstrip().startswith(("=", "+", "-", "@", "＝"))
    assert cell in (text, f"'{text}")
