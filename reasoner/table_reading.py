"""Read a table as records by its mapping: each cell that cannot be read is a problem with its place, its neighbours are read.

A cell whose misreading could turn a statement round (what the record is about, its value, presence, status or end) costs
its record; any other costs only itself. Nothing is guessed: a word that the mapping does not list means nothing.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import quote

from pyoxigraph import Literal, NamedNode, Quad

from reasoner.answering import Records, records_in
from reasoner.documents import Document, index_of
from reasoner.errors import InputError, SyntaxProblem, shortened
from reasoner.fhir.codes import Codes
from reasoner.moments import Moment, parse_moment
from reasoner.namespaces import LC, RDF, XSD
from reasoner.program.model import Program
from reasoner.record import Problem
from reasoner.record_terms import NUMBERS, TERMS, TEXTS, WORDS, instant_literal, moment_literal
from reasoner.table_mapping import Cell, Mapped, RecordMapping, TableMapping
from reasoner.terms import lc

__all__ = ["read_table"]

_TYPE = NamedNode(RDF + "type")
_DECISIVE = {*TERMS, "presence", "recordStatus", "comparator", "value", "interpretation", "ended", "responseToStopping"}
_NUMBER = re.compile(r"(?P<sign><=|>=|<|>|≤|≥)?\s*(?P<number>[+-]?\d{1,30}(?:\.\d{1,30})?)", re.ASCII)
_SIGNS = {"<": "less_than", "<=": "at_most", "≤": "at_most", ">=": "at_least", "≥": "at_least", ">": "greater_than"}
_ISO = re.compile(r"\d{4}(-\d\d(-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?)?)?", re.ASCII)

Value = NamedNode | Literal


class _CellFault(Exception):
    """A cell that cannot be read: the code of the problem, why, and the repair."""

    def __init__(self, code: str, why: str, repair: str) -> None:
        super().__init__(why)
        self.code, self.why, self.repair = code, why, repair


def read_table(document: Document, mapping: TableMapping, program: Program) -> Records:
    """Return the cases of a table in CSV or TSV; raise InputError when it is malformed or lacks a column of the mapping."""
    reader = _Reader(document, mapping, program)
    quads = list(reader.quads())
    places = reader.places
    if not quads and not reader.problems:
        raise InputError("The table holds no row", where=document.name, repair="give a line of names and at least one row")
    found = records_in(index_of(quads), program, document.name, lambda node: places.get(node, document.name)) if quads else Records(())
    about: dict[str, list[Problem]] = {}
    for problem in reader.problems:
        about.setdefault(problem.sources[0] if problem.sources else "", []).append(problem)
    cases = tuple(replace(case, problems=(*case.problems, *about.pop(case.iri, ()))) for case in found.cases)
    rest = tuple(problem for problems in about.values() for problem in problems)
    return replace(found, cases=cases, problems=(*found.problems, *rest))


@dataclass(frozen=True, slots=True)
class _Row:
    """A row: the line on which it begins, and its cells by column."""

    line: int
    cells: Mapping[str, str]


class _Reader:
    """Reads the rows of one table; `places` says where each case and record stands."""

    def __init__(self, document: Document, mapping: TableMapping, program: Program) -> None:
        self.places: dict[str, str] = {}
        self.problems: list[Problem] = []
        self._document = document
        self._mapping = mapping
        self._program = program
        self._codes = Codes(program)
        self._own = mapping.own_columns

    def quads(self) -> Iterator[Quad]:
        """Yield what the rows say."""
        for row in self._rows():
            name = row.cells[self._mapping.case].strip()
            if not name or name in self._mapping.blank:
                self.note("no-case", row.line, self._mapping.case, "the row names no patient", "", "name the patient, or delete the row")
                continue
            case = NamedNode(self._mapping.base + quote(name, safe=""))
            self.places.setdefault(case.value, f"{self._document.name}:{row.line}")
            yield Quad(case, _TYPE, NamedNode(lc("Case")))
            for key, mapped in self._mapping.of_case.items():
                value = self._value(key, mapped, row, case.value)
                if value is not None:
                    yield Quad(case, NamedNode(lc(key)), value)
            for record in self._mapping.records:
                yield from self._record(record, row, case)

    def _rows(self) -> Iterator[_Row]:
        tab = self._document.format == "tsv"
        delimiter = self._mapping.separator or ("\t" if tab else ",")
        lines = csv.reader(io.StringIO(self._document.text.decode("utf-8"), newline=""), delimiter=delimiter, strict=True)
        try:
            header = [name.strip() for name in next(lines, [])]
            self._check_header(header)
            start = lines.line_num + 1
            for cells in lines:
                if len(cells) == len(header):
                    yield _Row(start, dict(zip(header, cells, strict=True)))
                elif any(cell.strip() for cell in cells):
                    why = f"the row has {len(cells)} cells, the first line {len(header)}"
                    self.note("ragged-row", start, "", f"{why}; it is not read", "", "give each row as many cells as there are names")
                start = lines.line_num + 1
        except (csv.Error, UnicodeDecodeError) as error:
            where = f"{self._document.name}:{lines.line_num}"
            raise SyntaxProblem(
                "The table is malformed", where=where, why=str(error), repair="quote cells that hold quotes or lines"
            ) from error

    def _check_header(self, header: list[str]) -> None:
        double = sorted({name for name in header if header.count(name) > 1})
        missing = [name for name in self._mapping.columns if name not in header]
        if double or missing:
            raise InputError(
                f"The table has {'two columns' if double else 'no column'} {shortened((double or missing)[0])}",
                where=f"{self._document.name}:1",
                why=f"{self._mapping.name} names it" if missing else "",
                repair=f"correct the mapping or the first line, which has {shortened(', '.join(header))}",
            )
        unused = [name for name in header if name not in {*self._mapping.columns, *self._mapping.ignore}]
        if unused:
            text = f"{self._document.name}: columns that the mapping does not name are not read: {', '.join(map(shortened, unused))}"
            self.problems.append(Problem("unmapped-columns", text, "", (), "map them, or list them under ignore"))

    # --- records ------------------------------------------------------------------------------------------------------

    def _record(self, record: RecordMapping, row: _Row, case: NamedNode) -> Iterator[Quad]:
        if all(self._is_blank(row.cells[column]) for column in record.carriers):
            for column in self._own[record.name]:
                if not self._is_blank(row.cells[column]):
                    why = f"“{shortened(row.cells[column])}” stands alone: {', '.join(record.carriers)} says nothing"
                    self.note("lone-cell", row.line, column, why, "", "complete the row, or delete the cell", case.value)
            return
        node = NamedNode(f"{case.value}/line-{row.line}/{record.name}")
        self.places[node.value] = f"{self._document.name}:{row.line} ({', '.join(record.columns)})"
        said: list[Quad] = []
        spoiled = False
        for key, mapped in record.properties.items():
            before = len(self.problems)
            value = self._value(key, mapped, row, case.value)
            spoiled |= value is None and len(self.problems) > before and key in _DECISIVE
            if value is not None:
                said.append(Quad(node, NamedNode(lc(key)), value))
                said += self._comparator(key, mapped, row, node)
        if not spoiled:
            yield from (Quad(case, NamedNode(lc("hasRecord")), node), Quad(node, _TYPE, NamedNode(record.kind)), *said)

    def _comparator(self, key: str, mapped: Mapped, row: _Row, node: NamedNode) -> list[Quad]:
        """Return the comparator that stands before a value in its cell, such as <0.01."""
        if key != "value" or not isinstance(mapped, Cell):
            return []
        found = _NUMBER.fullmatch(self._digits(row.cells[mapped.column]))
        sign = _SIGNS.get(found["sign"] or "") if found else None
        return [Quad(node, NamedNode(lc("comparator")), NamedNode(f"{LC}_Comparator_{sign}"))] if sign else []

    # --- cells --------------------------------------------------------------------------------------------------------

    def _is_blank(self, cell: str) -> bool:
        return not cell.strip() or cell.strip() in self._mapping.blank

    def _digits(self, cell: str) -> str:
        return cell.strip().replace(",", ".") if self._mapping.decimal == "," and "." not in cell else cell.strip()

    def _value(self, key: str, mapped: Mapped, row: _Row, case: str) -> Value | None:
        """Return what a property says in a row, None when nothing or what cannot be read; the latter is noted."""
        column = mapped.column if isinstance(mapped, Cell) else ""
        text = row.cells[column].strip() if isinstance(mapped, Cell) else mapped
        if isinstance(mapped, Cell) and self._is_blank(text):
            return None
        try:
            return self._read(key, mapped, text)
        except _CellFault as fault:
            why = f"“{shortened(text)}” {fault.why}"
            self.note(fault.code, row.line, column, why, lc(key), fault.repair, case)
            return None

    def _read(self, key: str, mapped: Mapped, text: str) -> Value:
        values = mapped.values if isinstance(mapped, Cell) else None
        if values is not None:
            if text not in values:
                raise _CellFault("unmapped-value", f"is none of {', '.join(values)}", "write one of them, or add it to the mapping")
            text = values[text]
        if key in TERMS:
            return NamedNode(text if values or not isinstance(mapped, Cell) else self._term(key, mapped, text))
        if key in WORDS:
            return NamedNode(text if values or not isinstance(mapped, Cell) else self._word(key, text))
        if key in NUMBERS:
            return self._number(text if values else self._digits(text), key == "value")
        if key == "statedAge":
            return Literal(text, datatype=NamedNode(XSD + "integer"))
        return Literal(text) if key in TEXTS else self._date(key, text, mapped.dates if isinstance(mapped, Cell) else ())

    def _term(self, key: str, cell: Cell, text: str) -> str:
        coding = {"system": cell.system or LC, "code": text}
        terms = self._codes.mean({"coding": [coding]}, TERMS[key]).terms
        if len(terms) != 1:
            why = f"means {' and '.join(map(self._program.label, terms)) or 'no term of the ontology'}"
            raise _CellFault("unknown-code", why, f"use a code of {cell.system or 'the ontology'}, or map it under values")
        return terms[0]

    def _word(self, key: str, text: str) -> str:
        iri = f"{LC}_{WORDS[key]}_{text}"
        if iri not in self._program.labels:
            raise _CellFault("unmapped-value", f"is no {key}", "map it under values")
        return iri

    def _number(self, text: str, signed: bool) -> Literal:
        found = _NUMBER.fullmatch(text)
        if found is None or (found["sign"] and not signed):
            raise _CellFault(
                "malformed-number", "is no number", f"write digits with {self._mapping.decimal} as decimal sign, and no other sign"
            )
        return Literal(found["number"].removeprefix("+"), datatype=NamedNode(XSD + "decimal"))

    def _date(self, key: str, text: str, forms: Sequence[str]) -> Literal:
        written = next(filter(None, (_iso(text, form) for form in forms)), "") if forms else text if _ISO.fullmatch(text) else ""
        moment = parse_moment(written)
        if moment is not None and key == "asOf" and "T" not in written:
            moment = Moment(moment.high, moment.high, "")
        literal = None if moment is None else instant_literal(moment) if key == "asOf" else moment_literal(moment)
        if literal is None:
            raise _CellFault(
                "malformed-date", "is no date", f"write it as {' or '.join(forms) or 'YYYY-MM-DD, YYYY-MM, YYYY or a dateTime'}"
            )
        return literal

    def note(self, code: str, line: int, column: str, why: str, term: str, repair: str, case: str = "") -> None:
        """Note a problem of a row, or of one of its cells."""
        place = f"{self._document.name}:{line}{f', column {column}' if column else ''}"
        self.problems.append(Problem(code, f"{place}: {why}", term, (case,) if case else (), repair))


def _iso(text: str, form: str) -> str:
    """Return a date in ISO 8601, as precise as its form; the empty text when it has another."""
    try:
        found = datetime.strptime(text, form) if text.isascii() else None
    except ValueError:
        found = None
    if found is None:
        return ""
    if "%H" in form:
        return found.isoformat()
    day = found.date().isoformat()
    return day if "%d" in form else day[:7] if "%m" in form else day[:4]
