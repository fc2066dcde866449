"""Read a table in the manner of ROBOT's templates into the same Turtle that an author would write, and write it back.

The first row holds headings for people, the second the template strings, each further row describes one term.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import pyoxigraph
from pyoxigraph import BlankNode, Literal, NamedNode, Quad, RdfFormat, Triple

from reasoner.authoring.format import format_turtle
from reasoner.authoring.table_columns import DEFINITION, ID, Column, column_of, read_column, shorten, term_of
from reasoner.authoring.turtle_layout import scan_layout
from reasoner.authoring.turtle_writer import Writer, namespace_table
from reasoner.errors import KnowledgeError, shortened
from reasoner.namespaces import curie, turtle_head

__all__ = ["table_of", "turtle_of"]

_SPLITS = "|¦‖§"
_FIRST_TERM = 3
"""The row of the first term, counted from one."""


def turtle_of(table: str, name: str = "") -> str:
    """Return the Turtle, in canonical form, of a table; raise KnowledgeError with row and column for what cannot be read."""
    rows = list(_rows(table, name))
    if len(rows) < _FIRST_TERM:
        raise KnowledgeError("The table describes no term", where=name, repair="write a heading row, a template row, and a row per term")
    columns = _columns(rows[1][1], f"{name}:{rows[1][0]}")
    quads: list[Quad] = []
    order: dict[NamedNode, str] = {}
    for line, cells in rows[2:]:
        if any(cells):
            quads += _described(columns, cells, f"{name}:{line}", order)
    triples = pyoxigraph.serialize((quad.triple for quad in quads), format=RdfFormat.N_TRIPLES) or b""
    return format_turtle(turtle_head() + triples.decode(), name)


def _rows(table: str, name: str) -> Iterator[tuple[int, list[str]]]:
    """Yield line and cells of each row."""
    reader = csv.reader(io.StringIO(table.removeprefix("\ufeff"), newline=""), "excel-tab", strict=True)
    try:
        start = 1
        for cells in reader:
            yield start, [cell.strip() for cell in cells]
            start = reader.line_num + 1
    except csv.Error as error:
        raise KnowledgeError(
            "The table is malformed", where=f"{name}:{reader.line_num}", why=str(error), repair="close the quotes"
        ) from error


def _columns(templates: list[str], where: str) -> list[Column | None]:
    columns = []
    for template in templates:
        try:
            columns.append(read_column(template))
        except KnowledgeError as error:
            error.where = where
            raise
    if sum(column is not None and column.kind == ID for column in columns) != 1:
        raise KnowledgeError("The table needs one column ID", where=where, repair="write ID over the column that names the terms")
    return columns


def _described(columns: list[Column | None], cells: list[str], where: str, order: dict[NamedNode, str]) -> Iterator[Quad]:
    """Yield what one row says of its term."""
    if len(cells) > len(columns) and any(cells[len(columns) :]):
        raise KnowledgeError("A row is longer than the template row", where=where, repair="write a template string over each column")
    pairs = [(column, cell) for column, cell in zip(columns, cells, strict=False) if column is not None and cell]
    subject = next((_read(column, cell, where) for column, cell in pairs if column.kind == ID), None)
    if not isinstance(subject, NamedNode):
        raise KnowledgeError("A row has no ID", where=where, repair="name the term in the column ID")
    if subject in order:
        raise KnowledgeError(f"{curie(subject.value)} has two rows", where=where, why=f"the first is {order[subject]}", repair="join them")
    order[subject] = where
    for column, cell in pairs:
        if column.kind == ID:
            continue
        for text in filter(None, (part.strip() for part in (cell.split(column.split) if column.split else (cell,)))):
            if column.kind == DEFINITION:
                yield from _definition(subject, column, text, where)
            else:
                yield Quad(subject, NamedNode(column.predicate), _read(column, text, where))


def _read(column: Column, text: str, where: str) -> NamedNode | Literal:
    try:
        return term_of(text) if column.kind == ID else column.term(text)
    except ValueError as error:
        raise KnowledgeError(
            f"A cell of the column {column.template} cannot be read", where=where, why=shortened(str(error)), repair="mend the cell"
        ) from error


def _definition(subject: NamedNode, column: Column, text: str, where: str) -> list[Quad]:
    """Return the statements of a definition in Turtle; raise KnowledgeError unless it is one class expression and no more."""
    document = f"{turtle_head()}{subject} <{column.predicate}> {text} .\n"
    try:
        quads = list(pyoxigraph.parse(document.encode(), format=RdfFormat.TURTLE, rename_blank_nodes=True))
    except (SyntaxError, ValueError) as error:
        why = shortened(getattr(error, "msg", "") or str(error))
        raise KnowledgeError(
            f"A definition of {curie(subject.value)} is not valid Turtle", where=where, why=why, repair="mend it"
        ) from error
    stated = [quad for quad in quads if isinstance(quad.subject, NamedNode)]
    if len(stated) != 1 or stated[0].subject != subject or stated[0].predicate.value != column.predicate:
        raise KnowledgeError(
            f"The definition of {curie(subject.value)} says more than a definition", where=where, repair="write one class expression in [ ]"
        )
    return quads


# --- and back ---------------------------------------------------------------------------------------------------------


def table_of(turtle: str, name: str = "") -> str:
    """Return a table with one row per term; raise KnowledgeError for a graph that no table holds. Comments are left out."""
    formatted = format_turtle(turtle, name)
    parser = pyoxigraph.parse(formatted.encode(), format=RdfFormat.TURTLE)
    graph = pyoxigraph.Dataset(parser)
    graph.canonicalize(pyoxigraph.CanonicalizationAlgorithm.RDFC_1_0)
    quads = list(graph)
    writer = Writer.of(((quad.subject, quad.predicate, quad.object) for quad in quads), namespace_table({}))
    if writer.labelled or any(not isinstance(node, NamedNode) for node in writer.roots()):
        raise KnowledgeError("A blank node stands alone or is shared", where=name, repair="name it, or write it inside one statement")
    cells: dict[str, dict[Column, list[str]]] = {subject: {} for subject in scan_layout(formatted, dict(parser.prefixes)).order}
    for quad in quads:
        if isinstance(quad.subject, NamedNode):
            column = column_of(quad.predicate.value, quad.object)
            cells.setdefault(quad.subject.value, {}).setdefault(column, []).append(_cell(writer, column, quad.subject, quad.object))
    return _written({subject: row for subject, row in cells.items() if row}, name)


def _cell(writer: Writer, column: Column, subject: NamedNode, value: NamedNode | BlankNode | Literal | Triple) -> str:
    if isinstance(value, Literal):
        if value.value != value.value.strip() or not value.value:
            raise KnowledgeError(
                f"A text of {curie(subject.value)} is empty or has blanks around it", where=curie(column.predicate), repair="take them away"
            )
        return value.value
    if column.kind == DEFINITION and isinstance(value, BlankNode):
        return " ".join(writer.expression(value).split())
    if not isinstance(value, NamedNode):
        raise KnowledgeError(
            f"{curie(subject.value)} has a blank node that no column holds", where=curie(column.predicate), repair="keep the file as Turtle"
        )
    return shorten(value.value)


def _written(rows: dict[str, dict[Column, list[str]]], name: str) -> str:
    """Return the rows as tab-separated text; a column in which a term has several values says what parts them."""
    columns = sorted({column for row in rows.values() for column in row}, key=lambda column: (_ORDER.get(column.kind, 1), column.template))
    parted = {column: _parted(column, [row[column] for row in rows.values() if column in row], name) for column in columns}
    out = io.StringIO()
    table = csv.writer(out, "excel-tab", lineterminator="\n")
    table.writerow([ID, *(column.heading for column in columns)])
    table.writerow([ID, *(column.template for column in parted.values())])
    for subject, row in rows.items():
        table.writerow([shorten(subject), *(parted[column].split.join(sorted(row.get(column, ()))) for column in columns)])
    return out.getvalue()


_ORDER = {"TYPE": 0, DEFINITION: 2}


def _parted(column: Column, found: list[list[str]], name: str) -> Column:
    if all(len(values) == 1 for values in found):
        return column
    text = "".join(value for values in found for value in values)
    split = next((sign for sign in _SPLITS if sign not in text), "")
    if not split:
        raise KnowledgeError("No sign is left to part several values", where=f"{name} {column.template}", repair=f"spare one of {_SPLITS}")
    return Column(column.kind, column.predicate, column.language, column.datatype, split)
