"""Lay the report out as tables: one row per case and item, the same for one answer and for a cohort.

Columns bear the names of the report's keys (README, "What `assess --json` prints") in snake case; every table begins with
the IRI of the case, which is empty for a problem that belongs to no case. Kinds of columns, with what they are in Parquet:

| kind | holds | Parquet |
|---|---|---|
| `text` | a text or an IRI; the empty text where the report has it | string |
| `integer` | a rank | int64 |
| `number` | a weight in decibans | double |
| `boolean` | true, false, or null where it was not computed | bool |
| `texts` | a list, each item as one text (`Column.item`) | list<string> |

| table | rows | columns, all of kind text unless said otherwise |
|---|---|---|
| `cases` | cases | case, subject, as_of, differential_confidence |
| `verdicts` | decisions of a case | case, decision, verdict, label, rule, certainty, window_from, window_target, window_until, window_state; texts: because, presumes, missing, could_be, reopens_if, sentences |
| `red_flags` | dangers | case, id, label, urgency, action, certainty; texts: because, missing, sentences |
| `next_tests` | tests, by rank | case, rank (integer), test, label, step, urgency, certainty, decision_relevant (boolean); texts: because, presumes, blocked_by, missing, checks, codes, sentences |
| `not_warranted` | tests not to do | case, test, label; texts: because, sentences |
| `actions` | therapies, referrals, reviews | case, id, label, kind, direction, urgency, strength, evidence, until, certainty; texts: because, presumes, blocked_by, missing, sentences |
| `deferred` | what an emergency sets aside | case, id, label, by |
| `differential` | conditions, by rank | case, rank (integer), condition, label, status, weight, weight_low, weight_high (numbers); texts: because, for, against, missing, codes |
| `medication_review` | drugs | case, drug, label, state, weight (number), caution; texts: classes, because, sentences |
| `indicators` | values | case, indicator, label, status, value, low, high, unit, boundary (boolean), rule, reason; texts: bands, from |
| `questions` | what to ask | case, rank (integer), term, label; texts: for |
| `disagreements` | points on which sources differ | case, topic, chosen, because; texts: positions |
| `problems` | conflicts and data problems | case, kind (`conflict` or `data-problem`), code, text, term, repair; texts: sources |
| `notes` | remarks | case, text |
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["TABLES", "Cell", "Column", "Row", "Table", "rows_of", "table_named"]

Cell = str | int | float | bool | list[str] | None
Row = dict[str, Cell]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, its kind, and for `texts` how an item of the report becomes one text."""

    name: str
    kind: str = "text"
    item: str = "{}"


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its name, the key of the report that its rows come from, and its columns."""

    name: str
    key: str
    columns: tuple[Column, ...]


def _texts(name: str, item: str = "{}") -> Column:
    return Column(name, "texts", item)


_CASE, _LABEL, _CERTAINTY, _URGENCY, _ID = (Column(name) for name in ("case", "label", "certainty", "urgency", "id"))
_BECAUSE, _MISSING, _PRESUMES = _texts("because", "{text}"), _texts("missing", "{term}"), _texts("presumes", "{recommendation}")
_BLOCKED_BY = _texts("blocked_by", "{class}")
_CODES, _SENTENCES, _RANK = _texts("codes", "{system}|{code}"), _texts("sentences"), Column("rank", "integer")
_WEIGHT = Column("weight", "number")


def _plain(*names: str) -> tuple[Column, ...]:
    return tuple(map(Column, names))


TABLES: tuple[Table, ...] = (
    Table("cases", "", (_CASE, *_plain("subject", "as_of", "differential_confidence"))),
    Table(
        "verdicts",
        "",
        (
            _CASE,
            *_plain("decision", "verdict", "label", "rule", "certainty"),
            *_plain("window_from", "window_target", "window_until", "window_state"),
            _BECAUSE,
            _PRESUMES,
            _MISSING,
            _texts("could_be", "{verdict} ({rule})"),
            _texts("reopens_if", "{class}"),
            _SENTENCES,
        ),
    ),
    Table("red_flags", "redFlags", (_CASE, _ID, _LABEL, _URGENCY, Column("action"), _CERTAINTY, _BECAUSE, _MISSING, _SENTENCES)),
    Table(
        "next_tests",
        "nextTests",
        (
            _CASE,
            _RANK,
            *_plain("test", "label", "step", "urgency", "certainty"),
            Column("decision_relevant", "boolean"),
            _BECAUSE,
            _PRESUMES,
            _BLOCKED_BY,
            _MISSING,
            _texts("checks", "{status}: {text}"),
            _CODES,
            _SENTENCES,
        ),
    ),
    Table("not_warranted", "notWarranted", (_CASE, Column("test"), _LABEL, _BECAUSE, _SENTENCES)),
    Table(
        "actions",
        "actions",
        (
            _CASE,
            *_plain("id", "label", "kind", "direction", "urgency", "strength", "evidence", "until", "certainty"),
            _BECAUSE,
            _PRESUMES,
            _BLOCKED_BY,
            _MISSING,
            _SENTENCES,
        ),
    ),
    Table("deferred", "deferred", (_CASE, _ID, _LABEL, Column("by"))),
    Table(
        "differential",
        "differential",
        (
            _CASE,
            _RANK,
            *_plain("condition", "label", "status"),
            _WEIGHT,
            Column("weight_low", "number"),
            Column("weight_high", "number"),
            _BECAUSE,
            _texts("for", "{text} ({weight:+})"),
            _texts("against", "{text} ({weight:+})"),
            _MISSING,
            _CODES,
        ),
    ),
    Table(
        "medication_review",
        "medicationReview",
        (_CASE, *_plain("drug", "label", "state"), _WEIGHT, Column("caution"), _texts("classes"), _BECAUSE, _SENTENCES),
    ),
    Table(
        "indicators",
        "indicators",
        (
            _CASE,
            *_plain("indicator", "label", "status", "value", "low", "high", "unit"),
            Column("boundary", "boolean"),
            *_plain("rule", "reason"),
            _texts("bands"),
            _texts("from"),
        ),
    ),
    Table("questions", "questions", (_CASE, _RANK, *_plain("term", "label"), _texts("for"))),
    Table("disagreements", "disagreements", (_CASE, *_plain("topic", "chosen", "because"), _texts("positions", "{text} [{source}]"))),
    Table("problems", "", (_CASE, *_plain("kind", "code", "text", "term", "repair"), _texts("sources"))),
    Table("notes", "", (_CASE, Column("text"))),
)
"""The tables, in the order in which they are written."""


def table_named(name: str) -> Table:
    """Return the table of that name; raise KeyError when there is none."""
    return {table.name: table for table in TABLES}[name]


def rows_of(table: Table, report: Mapping[str, Any]) -> Iterator[Row]:
    """Yield the rows of a table from a report document."""
    for case in report["cases"]:
        for item in _items(table, case):
            yield _row(table, {**item, "case": case["case"]})
    if table.name == "problems":
        yield from (_row(table, {**each, "kind": "data-problem", "case": ""}) for each in report["dataProblems"])


def _items(table: Table, case: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    """Return what the rows of a table say of one case, by the names of the report."""
    if table.key:
        items: list[Mapping[str, Any]] = case[table.key]
        return items
    if table.name == "cases":
        return [case]
    if table.name == "verdicts":
        return [_judged(key, value) for key, value in case.items() if isinstance(value, dict)]
    if table.name == "notes":
        return [{"text": text} for text in case["notes"]]
    kinds = (("conflict", "conflicts"), ("data-problem", "dataProblems"))
    return [{**each, "kind": kind} for kind, key in kinds for each in case[key]]


def _judged(key: str, judged: Mapping[str, Any]) -> Mapping[str, Any]:
    window = judged["window"] or {}
    return {
        **judged,
        "decision": key,
        **{f"window{name.capitalize()}": window.get(name, "") for name in ("from", "target", "until", "state")},
    }


def _row(table: Table, item: Mapping[str, Any]) -> Row:
    return {column.name: _cell(column, item[_camel(column.name)]) for column in table.columns}


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


def _cell(column: Column, value: Any) -> Cell:
    if column.kind != "texts":
        found: Cell = value
        return found
    return [column.item.format_map(each) if isinstance(each, Mapping) else str(each) for each in value]
