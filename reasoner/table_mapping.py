"""Read how the columns of a table become records: a mapping in TOML, declared by whoever knows the table.

| key | says |
|---|---|
| `case` | the column that names the patient |
| `base` | what stands before that name to make the IRI of the case |
| `asOf`, `birthDate`, `statedAge` | the same of the case, each a value or a cell |
| `separator`, `decimal`, `date`, `blank`, `ignore` | what parts the cells (comma; tab for TSV), the decimal sign (`.` or `,`), the form of dates (ISO 8601 without one), the cells that say nothing besides empty ones, the columns that are left alone on purpose |
| `[[record]]` | a record that a row makes: `kind`, `name`, and properties of the record vocabulary, each a value or a cell |

A cell is a table: `column`, and `values` (what is written in it, and what that means), `system` (the code system of terms),
or `date` (forms of its own). A row makes the record when a cell that carries it (`CARRIERS`) is not blank. A form of dates
has `%d %m %Y %H %M %S`; without `%d` or `%m` the date is partial; of several forms the first that fits is taken. A day
as `asOf` stands for its last second.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reasoner.errors import InputError, SyntaxProblem, shortened
from reasoner.namespaces import LC
from reasoner.program.model import Program
from reasoner.record_terms import TERMS, WORDS
from reasoner.terms import RecordKind, lc

__all__ = ["CARRIERS", "Cell", "Mapped", "RecordMapping", "TableMapping", "read_mapping"]

_SHARED = ("recordStatus",)
_KINDS: dict[str, tuple[str, ...]] = {
    RecordKind.FINDING: ("ofFinding", "presence", "side", "onset", "worsened", "ended", "recordedOn"),
    RecordKind.MEASUREMENT: (
        *("ofTest", "value", "unit", "comparator", "interpretation", "referenceLow", "referenceHigh", "side", "performedOn"),
    ),
    RecordKind.MEDICATION: ("ofDrug", "sourceText", "dose", "started", "ended", "responseToStopping"),
    RecordKind.EXAMINATION: ("ofTest", "extent", "completeness", "result", "side", "performedOn"),
    RecordKind.DIAGNOSIS: ("ofCondition", "presence", "onset", "ended", "recordedOn"),
    RecordKind.CLOSURE: ("closes", "recordedOn"),
}
CARRIERS: dict[str, tuple[tuple[str, ...], ...]] = {
    RecordKind.FINDING: (("ofFinding", "presence"),),
    RecordKind.MEASUREMENT: (("value", "interpretation"),),
    RecordKind.MEDICATION: (("ofDrug", "sourceText"), ("recordStatus",), ("started",)),
    RecordKind.EXAMINATION: (("result", "performedOn"),),
    RecordKind.DIAGNOSIS: (("ofCondition", "presence"),),
    RecordKind.CLOSURE: (("closes",), ("recordStatus",), ("recordedOn",)),
}
"""The properties that carry a record of each kind, in groups: the first group that the mapping gives by cells decides."""

_OF_CASE = ("asOf", "birthDate", "statedAge")
_KEYS = {"case", "base", "separator", "decimal", "date", "blank", "ignore", "record", *_OF_CASE}
_CELL = {"column", "values", "system", "date"}
_DIRECTIVES = re.compile(r"%(.)")


@dataclass(frozen=True, slots=True)
class Cell:
    """A value that stands in a column: what its words mean, the code system of its terms, the form of its dates."""

    column: str
    values: Mapping[str, str] | None
    system: str
    dates: tuple[str, ...]


Mapped = str | Cell


@dataclass(frozen=True, slots=True)
class RecordMapping:
    """A record that a row makes: its kind, its name, and its properties by local name."""

    kind: str
    name: str
    properties: Mapping[str, Mapped]

    @property
    def columns(self) -> list[str]:
        """Return the columns of its cells, each once."""
        return list(dict.fromkeys(each.column for each in self.properties.values() if isinstance(each, Cell)))

    @property
    def carriers(self) -> list[str]:
        """Return the columns of which one must not be blank for a row to make the record."""
        groups = ([each.column for name in group if isinstance(each := self.properties.get(name), Cell)] for group in CARRIERS[self.kind])
        return next(filter(None, groups), [])


@dataclass(frozen=True, slots=True)
class TableMapping:
    """How a table is read; `case` is a column, `of_case` holds what is said of the case."""

    name: str
    case: str
    base: str
    of_case: Mapping[str, Mapped]
    records: tuple[RecordMapping, ...]
    separator: str
    decimal: str
    blank: frozenset[str]
    ignore: frozenset[str]

    @property
    def columns(self) -> list[str]:
        """Return the columns that the mapping names, each once, in its order."""
        cells = [each.column for each in self.of_case.values() if isinstance(each, Cell)]
        return list(dict.fromkeys([self.case, *cells, *(column for record in self.records for column in record.columns)]))

    @property
    def own_columns(self) -> dict[str, list[str]]:
        """Return by record the columns that no other part of the mapping names."""
        cells = [self.case, *(each.column for each in self.of_case.values() if isinstance(each, Cell))]
        named = Counter([*dict.fromkeys(cells), *(column for record in self.records for column in record.columns)])
        return {record.name: [column for column in record.columns if named[column] == 1] for record in self.records}


def read_mapping(path: Path | str, program: Program) -> TableMapping:
    """Read a mapping; raise InputError, saying where and why, for one that cannot be read or names what is not there."""
    name = str(path)
    try:
        document = tomllib.loads(Path(path).read_bytes().decode("utf-8"))
    except OSError as error:
        raise InputError("The mapping cannot be read", where=name, why=error.strerror or str(error), repair="check the path") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SyntaxProblem("The mapping is malformed", where=name, why=shortened(str(error)), repair="write it in TOML") from error
    return _Reader(name, program).table(document)


class _Reader:
    """Reads one mapping; every fault names its place."""

    def __init__(self, name: str, program: Program) -> None:
        self._name = name
        self._program = program
        self._place = ""
        self._dates: tuple[str, ...] = ()

    def table(self, document: Mapping[str, Any]) -> TableMapping:
        self._only(document, _KEYS)
        self._dates = self._forms(document)
        records = document.get("record")
        if not isinstance(records, list) or not records:
            raise self._fault("it declares no record", "add a [[record]]")
        case, base = self._text(document, "case"), self._text(document, "base")
        if not case or not re.fullmatch(r"(https?|urn):[^\s<>\"{}|\\^`]+", base):
            raise self._fault("case is no column, or base is no IRI", 'write case = "column" and base = "https://…/"')
        of_case = {name: self._mapped(name, document[name]) for name in _OF_CASE if name in document}
        found = tuple(self._record(number, each) for number, each in enumerate(records, 1))
        names = [each.name for each in found]
        if len(set(names)) < len(names):
            raise self._fault("two records have one name", "give each a name of its own")
        self._place = ""
        decimal = self._text(document, "decimal") or "."
        separator = self._text(document, "separator")
        if decimal not in (".", ",") or len(separator) > 1 or separator in ('"', "\n", "\r"):
            raise self._fault("separator or decimal is no single sign", 'write separator = ";" and decimal = ","')
        blank, ignore = (frozenset(self._texts(document, name)) for name in ("blank", "ignore"))
        return TableMapping(self._name, case, base, of_case, found, separator, decimal, blank, ignore)

    def _record(self, number: int, document: object) -> RecordMapping:
        self._place = f"record {number}"
        if not isinstance(document, dict):
            raise self._fault("it is no table", "write [[record]]")
        kind, name = lc(self._text(document, "kind")), self._text(document, "name") or f"record-{number}"
        if kind not in _KINDS:
            raise self._fault("its kind is unknown", f"use one of {', '.join(each.removeprefix(LC) for each in _KINDS)}")
        if not re.fullmatch(r"[A-Za-z0-9_.-]+", name):
            raise self._fault("its name is no plain word", "use letters, digits, hyphens")
        self._place = f"record {number}, {name}"
        self._only(document, {"kind", "name", *_KINDS[kind], *_SHARED})
        properties = {key: self._mapped(key, value) for key, value in document.items() if key not in ("kind", "name")}
        found = RecordMapping(kind, name, properties)
        if not found.carriers:
            able = ", ".join(each for group in CARRIERS[kind] for each in group)
            raise self._fault("no cell carries it, so every row would make it", f"give one of {able} a column")
        return found

    def _mapped(self, key: str, value: object) -> Mapped:
        if not isinstance(value, dict):
            return self._constant(key, str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value)
        self._only(value, _CELL)
        column, values = self._text(value, "column"), value.get("values")
        if not column:
            raise self._fault(f"{key} names no column", f'write {key} = {{ column = "…" }}')
        if values is not None and (
            not isinstance(values, dict) or not values or not all(isinstance(each, str) for each in values.values())
        ):
            raise self._fault(f"the values of {key} are no table of texts", 'write values = { yes = "present" }')
        meant = {word: self._constant(key, each) for word, each in values.items()} if values else None
        return Cell(column, meant, self._text(value, "system"), self._forms(value) or self._dates)

    def _constant(self, key: str, value: object) -> str:
        """Return what a constant means: the IRI of a term or word, or the text itself."""
        if not isinstance(value, str) or not value:
            raise self._fault(f"{key} is no text", f'write {key} = "…" or a table with a column')
        if key in TERMS:
            iri = value if value.startswith(LC) else lc(value.removeprefix("lc:"))
            if self._program.sorts.get(iri) not in TERMS[key]:
                raise self._fault(f"{key}: {shortened(value)} is no {' or '.join(TERMS[key]).lower()}", "use a term of the ontology")
            return iri
        if key in WORDS:
            iri = f"{LC}_{WORDS[key]}_{value}"
            if iri not in self._program.labels:
                known = sorted(
                    each.rpartition(f"_{WORDS[key]}_")[2] for each in self._program.labels if each.startswith(f"{LC}_{WORDS[key]}_")
                )
                raise self._fault(f"{key}: {shortened(value)} is no value", f"use one of {', '.join(known)}")
            return iri
        return value

    def _forms(self, document: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the forms of dates that are given as one text or as a list."""
        one = document.get("date", [])
        forms = tuple(self._texts({"date": [one] if isinstance(one, str) else one}, "date"))
        for form in forms:
            used = _DIRECTIVES.findall(form)
            if "Y" not in used or not set(used) <= set("dmYHMS") or len(set(used)) < len(used):
                raise self._fault(f"{shortened(form)} is no form of dates", 'use %d %m %Y %H %M %S, each once, such as "%d.%m.%Y"')
        return forms

    def _only(self, document: Mapping[str, Any], allowed: set[str]) -> None:
        unknown = sorted(set(document) - allowed)
        if unknown:
            raise self._fault(f"{shortened(unknown[0])} is unknown", f"use {', '.join(sorted(allowed))}")

    def _text(self, document: Mapping[str, Any], key: str) -> str:
        value = document.get(key, "")
        if not isinstance(value, str):
            raise self._fault(f"{key} is no text", f'write {key} = "…"')
        return value

    def _texts(self, document: Mapping[str, Any], key: str) -> Sequence[str]:
        value = document.get(key, [])
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise self._fault(f"{key} is no list of texts", f'write {key} = ["…"]')
        return value

    def _fault(self, why: str, repair: str) -> InputError:
        where = ", ".join(filter(None, (self._name, self._place)))
        return InputError("The mapping cannot be used", where=where, why=why, repair=repair)
