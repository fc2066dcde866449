"""Hold and write the rows of a query: terms of no engine, numbers in canonical form."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyoxigraph

from reasoner.errors import UsageError, shortened
from reasoner.literals import TEXT_TESTS
from reasoner.namespaces import XSD

__all__ = ["FORMS", "Cell", "QueryResult", "literal_cell", "term_cell"]

FORMS = ("table", "csv", "tsv", "json", "xml")
"""The forms in which a result is written."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A term of a result: `kind` is iri, literal or blank; numbers and booleans are in canonical form."""

    kind: str
    text: str
    datatype: str = ""
    language: str = ""

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class QueryResult:
    """The rows of a result, `None` where a variable is unbound; `truth` is the answer to an ASK query."""

    variables: tuple[str, ...]
    rows: tuple[tuple[Cell | None, ...], ...]
    truth: bool | None = None

    def write(self, form: str = "table") -> str:
        """Return the result as table, csv, tsv, json or xml; raise UsageError for another form, or for columns that only a table can name."""
        if form not in FORMS:
            raise UsageError(f"Results are not written as {form}", repair=f"use one of {', '.join(FORMS)}")
        if form == "table":
            return self._table()
        self._check_names(form)
        formats = {name: getattr(pyoxigraph.QueryResultsFormat, name.upper()) for name in FORMS[1:]}
        results = pyoxigraph.parse_query_results(json.dumps(self._document()), format=formats["json"])
        return (results.serialize(format=formats[form]) or b"").decode()

    def _check_names(self, form: str) -> None:
        """Raise UsageError for columns that are no variables: SQL lets a column be nameless, or have the name of another."""
        for place, name in enumerate(self.variables):
            try:
                pyoxigraph.Variable(name)
                why = "another column has that name" if name in self.variables[:place] else ""
            except ValueError:
                why = "it is no name of letters, digits and _"
            if why:
                repair = "give it a name of its own: SELECT … AS name; or use --format table"
                raise UsageError(f"The column {shortened(name)} cannot be written as {form}", why=why, repair=repair)

    def _document(self) -> dict[str, Any]:
        if self.truth is not None:
            return {"head": {}, "boolean": self.truth}
        rows = [{name: _cell_document(cell) for name, cell in zip(self.variables, row, strict=True) if cell} for row in self.rows]
        return {"head": {"vars": list(self.variables)}, "results": {"bindings": rows}}

    def _table(self) -> str:
        if self.truth is not None:
            return f"{'yes' if self.truth else 'no'}\n"
        lines = [self.variables, *(tuple("" if cell is None else str(cell) for cell in row) for row in self.rows)]
        widths = [max(len(line[column]) for line in lines) for column in range(len(self.variables))]
        lines.insert(1, tuple("-" * width for width in widths))
        return "".join("  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip() + "\n" for line in lines)


_JSON_TYPES = {"iri": "uri", "literal": "literal", "blank": "bnode"}


def _cell_document(cell: Cell) -> dict[str, str]:
    document = {"type": _JSON_TYPES[cell.kind], "value": cell.text}
    if cell.language:
        document["xml:lang"] = cell.language
    elif cell.datatype:
        document["datatype"] = cell.datatype
    return document


def literal_cell(text: str, datatype: str, language: str) -> Cell:
    """Return the cell of a literal, its datatype the empty string for plain text."""
    if language or datatype in ("", XSD + "string"):
        return Cell("literal", text, "", language.lower())
    if datatype == XSD + "boolean":
        text = {"1": "true", "0": "false"}.get(text.lower(), text.lower())
    elif datatype in (XSD + "integer", XSD + "decimal") and TEXT_TESTS[datatype](text):
        number = Decimal(text)
        text = str(int(number)) if number == number.to_integral_value() else f"{number:f}".rstrip("0")
    return Cell("literal", text, datatype)


def term_cell(term: object) -> Cell | None:
    """Return the cell of a term of pyoxigraph, or None where a variable is unbound."""
    if term is None:
        return None
    if isinstance(term, pyoxigraph.Literal):
        return literal_cell(term.value, term.datatype.value, term.language or "")
    if isinstance(term, pyoxigraph.NamedNode):
        return Cell("iri", term.value)
    return Cell("blank", str(term).removeprefix("_:"))
