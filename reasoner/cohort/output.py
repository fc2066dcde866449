"""Define the tables that a cohort writes: those of `reasoner.tables`, without the lists that explain a single case."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa

from reasoner.abstraction import CaseState, Conflict
from reasoner.advice import CERTAIN, Advice
from reasoner.differential import Differential
from reasoner.moments import Moment
from reasoner.program.model import Program
from reasoner.record import Problem
from reasoner.report.advice import listed_flags, ranked_tests, unwarranted_tests
from reasoner.report.decisions import rule_of, window_of
from reasoner.tables import Column, table_named

__all__ = [
    "NAMES",
    "Rows",
    "case_rows",
    "columns_of",
    "conflict_rows",
    "empty_rows",
    "problem_row",
    "problem_rows",
    "schema_of",
    "to_arrow",
]

NAMES = ("cases", "verdicts", "red_flags", "next_tests", "not_warranted", "differential", "problems")
"""The tables, in the order in which they are described."""

_LEFT_OUT = {"decision_relevant"}
_KEPT = {"sources"}
_TYPES = {"text": pa.string(), "integer": pa.int64(), "number": pa.float64(), "texts": pa.list_(pa.string())}

Rows = dict[str, list[Sequence[Any]]]
"""The rows of each table, their cells in the order of the columns."""


def columns_of(name: str) -> tuple[Column, ...]:
    """Return the columns of a table."""
    columns = table_named(name).columns
    return tuple(each for each in columns if each.name not in _LEFT_OUT and (each.kind != "texts" or each.name in _KEPT))


def schema_of(name: str) -> pa.Schema:
    """Return the Arrow schema of a table."""
    return pa.schema([(each.name, _TYPES[each.kind]) for each in columns_of(name)])


def empty_rows() -> Rows:
    """Return no rows of any table."""
    return {name: [] for name in NAMES}


def to_arrow(name: str, rows: Iterable[Sequence[Any]]) -> pa.Table:
    """Return rows as an Arrow table."""
    schema = schema_of(name)
    columns: list[Sequence[Any]] = list(zip(*rows, strict=True)) or [[] for _ in schema]
    return pa.table([pa.array(cells, field.type) for cells, field in zip(columns, schema, strict=True)], schema=schema)


def case_rows(program: Program, state: CaseState, advice: Advice, differential: Differential, as_of: Moment, rows: Rows) -> None:
    """Add what one answered case says to the rows of each table."""
    iri, label = state.case.iri, program.label
    advised = list(advice.advised.values())
    rows["cases"].append((iri, state.case.subject, as_of.text, differential.confidence))
    for key, judged in advice.judged.items():
        window = window_of(program, judged, state.case, as_of) or ("", "", "", "")
        rows["verdicts"].append((iri, key, judged.verdict.word, label(judged.verdict.iri), rule_of(judged), judged.certainty, *window))
    for flag in listed_flags(program, advised):
        each = flag.recommendation
        certainty = CERTAIN if flag.standing == CERTAIN else "possible"
        rows["red_flags"].append((iri, each.iri, label(each.iri), each.urgency, each.action_text, certainty))
    for rank, test, group in ranked_tests(program, advised, advice):
        each = group[0].recommendation
        rows["next_tests"].append((iri, rank, test, label(test), each.step, each.urgency, group[0].standing))
    rows["not_warranted"] += [(iri, test, label(test)) for test, _, _ in unwarranted_tests(program, advised, advice)]
    for ranked in differential.ranked:
        name = ranked.condition.iri
        weights = (float(ranked.weight), float(ranked.low), float(ranked.high))
        rows["differential"].append((iri, ranked.rank, name, label(name), ranked.status, *weights))
    rows["problems"] += conflict_rows(iri, state.conflicts) + problem_rows(iri, state.problems)


def conflict_rows(case: str, conflicts: Iterable[Conflict]) -> list[Sequence[Any]]:
    """Return the conflicts of a case as rows."""
    return [(case, "conflict", "conflict", each.text, each.term, each.repair, list(each.sources)) for each in conflicts]


def problem_rows(case: str, problems: Iterable[Problem]) -> list[Sequence[Any]]:
    """Return data problems as rows; `case` is empty for those that belong to no answered case."""
    return [problem_row(case, each, each.sources) for each in problems]


def problem_row(case: str, problem: Problem, sources: Iterable[str]) -> Sequence[Any]:
    """Return a data problem of some records as a row."""
    return (case, "data-problem", problem.code, problem.text, problem.term, problem.repair, list(sources))
