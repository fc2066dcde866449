"""Define the long table: the columns in which a cohort stands in Parquet or Arrow, one row for each record.

A row states the triples that `statements` returns, nothing more and nothing less; the table means what the graph of all
its rows means, so that a record that takes two rows has the values of both. Columns are text, lexical forms are kept, and
null means "not stated". The rows of one case stand together and repeat what is stated of the case; a case without records is
one row whose `record` is null. Terms, kinds and words may be written short (`FindingRecord`, `present`) or as IRIs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reasoner.errors import InputError
from reasoner.namespaces import LC, RDF, XSD
from reasoner.terms import RecordKind, lc

if TYPE_CHECKING:
    import pyarrow

__all__ = ["ABOUT", "CASE", "COLUMNS", "RECORD", "Column", "arrow_schema", "check_columns", "expanded", "object_term", "statements"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: the property it states and how its text is read.

    `form` is name (an IRI), term, kind, word (IRIs that may be written short, without `stem`), date, instant, decimal,
    integer or text. `property` is empty for what names a node, and for `term`, whose property follows from the kind.
    """

    name: str
    property: str
    form: str
    meaning: str
    stem: str = ""


def _word(name: str, prop: str, values: str, meaning: str) -> Column:
    return Column(name, lc(prop), "word", meaning, f"{LC}_{values}_")


CASE = (
    Column("case", "", "name", "the case, an IRI"),
    Column("subject", lc("hasSubject"), "name", "the patient, an IRI"),
    Column("as_of", lc("asOf"), "instant", "the instant at which the case is judged"),
    Column("birth_date", lc("birthDate"), "date", "date of birth, whole or in part"),
    Column("stated_age", lc("statedAge"), "integer", "age in whole years, where no date of birth is on record"),
)
"""What is stated of the case."""

RECORD = (
    Column("record", "", "name", "the record, an IRI"),
    Column("kind", RDF + "type", "kind", "the class of the record", LC),
    Column("term", "", "term", "the finding, test, drug or condition that the record is about, or the class that it closes", LC),
    _word("presence", "presence", "Presence", "whether the finding or diagnosis is there"),
    _word("side", "side", "Side", "the side of the body"),
    Column("onset", lc("onset"), "date", "when the finding or diagnosis began"),
    Column("worsened", lc("worsened"), "date", "when the finding last became worse"),
    Column("ended", lc("ended"), "date", "when the finding, diagnosis or use ended"),
    Column("recorded", lc("recordedOn"), "date", "when the record was made"),
    Column("performed", lc("performedOn"), "date", "when the test was sampled or the examination done"),
    _word("status", "recordStatus", "RecordStatus", "the standing of the record"),
    Column("value", lc("value"), "decimal", "the number measured"),
    Column("unit", lc("unit"), "text", "its UCUM unit"),
    _word("comparator", "comparator", "Comparator", "how the value bounds the true one"),
    _word("interpretation", "interpretation", "Interpretation", "how the report reads the value"),
    Column("reference_low", lc("referenceLow"), "decimal", "the lower limit of the laboratory"),
    Column("reference_high", lc("referenceHigh"), "decimal", "the upper limit of the laboratory"),
    Column("dose", lc("dose"), "text", "the dose as written"),
    Column("started", lc("started"), "date", "when the use of the drug began"),
    _word("response", "responseToStopping", "ResponseToStopping", "what became of the symptom after the drug was stopped"),
    _word("extent", "extent", "Extent", "how much of the limb the examination covered"),
    _word("completeness", "completeness", "Completeness", "whether the examination was technically complete"),
    _word("result", "result", "Result", "what the examination showed"),
    Column("source_text", lc("sourceText"), "text", "the words of the source"),
)
"""What is stated of the record."""

COLUMNS = (*CASE, *RECORD)

ABOUT = {
    RecordKind.FINDING: lc("ofFinding"),
    RecordKind.MEASUREMENT: lc("ofTest"),
    RecordKind.MEDICATION: lc("ofDrug"),
    RecordKind.EXAMINATION: lc("ofTest"),
    RecordKind.DIAGNOSIS: lc("ofCondition"),
    RecordKind.CLOSURE: lc("closes"),
}
"""The property that `term` states, by kind of record; a row of another kind states no term."""

_ALWAYS_NEW = frozenset(("case", "subject", "record"))
_DATATYPES = {"instant": XSD + "dateTime", "decimal": XSD + "decimal", "integer": XSD + "integer"}
_DATES = ((re.compile(r"[0-9]{4}"), XSD + "gYear"), (re.compile(r"[0-9]{4}-[0-9]{2}"), XSD + "gYearMonth"))
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r"})


def arrow_schema() -> pyarrow.Schema:
    """Return the Arrow schema that the generator writes: text, as dictionaries where values recur. A reader accepts any text type."""
    import pyarrow

    recurring = pyarrow.dictionary(pyarrow.int32(), pyarrow.string())
    return pyarrow.schema([(column.name, pyarrow.string() if column.name in _ALWAYS_NEW else recurring) for column in COLUMNS])


def check_columns(schema: pyarrow.Schema, name: str) -> None:
    """Raise InputError when a table, here called `name`, has no case, or a column of the long table that is no text."""
    from pyarrow import types

    if "case" not in schema.names:
        raise InputError("The table is no long table", where=name, why="it has no column “case”", repair="see docs/researchers.md")
    for column in COLUMNS:
        for field in (schema.field(place) for place in schema.get_all_field_indices(column.name)):
            kind = field.type.value_type if types.is_dictionary(field.type) else field.type
            if not (types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind) or types.is_null(kind)):
                raise InputError(
                    "A column of the long table is no text",
                    where=f"{name}, {column.name}",
                    why=f"it holds {kind}",
                    repair="write it as text",
                )
        if len(schema.get_all_field_indices(column.name)) > 1:
            raise InputError(
                "A column of the long table stands there twice", where=f"{name}, {column.name}", repair="leave one of them out"
            )


def expanded(column: Column, text: str) -> str:
    """Return the IRI that a term, kind or word means: one without a colon is short."""
    return text if ":" in text else column.stem + text


def object_term(column: Column, text: str) -> str:
    """Return what the text of a column means, as an N-Triples term; dates are typed by their form."""
    if column.form in ("name", "term", "kind", "word"):
        return f"<{expanded(column, text)}>"
    quoted = f'"{text.translate(_ESCAPES)}"'
    if column.form == "text":
        return quoted
    return f"{quoted}^^<{_DATATYPES.get(column.form) or _date_type(text)}>"


def _date_type(text: str) -> str:
    for form, datatype in _DATES:
        if form.fullmatch(text):
            return datatype
    return XSD + ("dateTime" if "T" in text else "date")


def statements(row: Mapping[str, str | None]) -> Iterator[str]:
    """Yield the triples that a row states, as N-Triples lines; columns that are missing count as null."""
    case, record, kind = (row.get(name) for name in ("case", "record", "kind"))
    yield f"<{case}> <{RDF}type> <{lc('Case')}> .\n"
    for column in CASE[1:]:
        text = row.get(column.name)
        if text is not None:
            yield f"<{case}> <{column.property}> {object_term(column, text)} .\n"
    if record is None:
        return
    yield f"<{case}> <{lc('hasRecord')}> <{record}> .\n"
    about = ABOUT.get(expanded(RECORD[1], kind)) if kind is not None else None
    for column in RECORD[1:]:
        text = row.get(column.name)
        prop = about if column.form == "term" else column.property
        if text is not None and prop is not None:
            yield f"<{record}> <{prop}> {object_term(column, text)} .\n"
