"""Write tables as CSV, safe to open in a spreadsheet, and as Parquet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import TYPE_CHECKING

from reasoner.errors import MissingExtraError
from reasoner.tables import Cell, Row, Table

if TYPE_CHECKING:
    import pyarrow

__all__ = ["SEPARATOR", "arrow_schema", "csv_text", "parquet_bytes"]

SEPARATOR = " | "
"""What stands between the items of a list in CSV."""

_FORMULA = (*"=+-@＝＋－＠", "\t", "\r", "\n")


def csv_text(table: Table, rows: Iterable[Row]) -> str:
    """Return rows as CSV with a header line; a text that a spreadsheet would run as a formula gets an apostrophe in front."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(column.name for column in table.columns)
    writer.writerows([_written(row[column.name]) for column in table.columns] for row in rows)
    return file.getvalue()


def _written(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, int | float):
        return str(cell)
    text = SEPARATOR.join(cell) if isinstance(cell, list) else cell
    return f"'{text}" if text.startswith(_FORMULA) or text.lstrip().startswith(_FORMULA) else text


def arrow_schema(table: Table) -> pyarrow.Schema:
    """Return the Parquet schema of a table; raise MissingExtraError without pyarrow."""
    arrow = _pyarrow()
    kinds = {
        "text": arrow.string(),
        "integer": arrow.int64(),
        "number": arrow.float64(),
        "boolean": arrow.bool_(),
        "texts": arrow.list_(arrow.string()),
    }
    return arrow.schema([(column.name, kinds[column.kind]) for column in table.columns])


def parquet_bytes(table: Table, rows: Iterable[Row]) -> bytes:
    """Return rows as a Parquet file; raise MissingExtraError without pyarrow."""
    arrow = _pyarrow()
    from pyarrow import parquet

    sink = arrow.BufferOutputStream()
    parquet.write_table(arrow.Table.from_pylist(list(rows), schema=arrow_schema(table)), sink)
    return bytes(sink.getvalue())


def _pyarrow() -> pyarrow:
    try:
        import pyarrow
    except ImportError as error:
        raise MissingExtraError("Parquet needs pyarrow", why="it is not installed", repair="pip install 'legcramps[cohort]'") from error
    return pyarrow
