"""Read the long table as columns; what its rows state is what `long_table.statements` says, without writing it out.

A case whose rows state more than one value of a property, or a record that takes several rows, is not regular: its rows are
written out as triples and read as such.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from reasoner.cohort.batch import Batch, judged
from reasoner.cohort.lexicon import KINDS, PROPERTIES, Flags, Ids, Lexicon
from reasoner.cohort.long_table import ABOUT, CASE, COLUMNS, RECORD, Column, expanded, object_term, statements
from reasoner.cohort.remarks import Remarks
from reasoner.errors import InputError
from reasoner.program.model import Program

__all__ = ["batch_of_rows", "checked_rows", "text_of_rows"]

_NODE = r"^https?://[A-Za-z0-9.-]+(/[A-Za-z0-9._~!$&'()*+,;=@:/-]*)?(\?[A-Za-z0-9._~!$&'()*+,;=@:/-]*)?(#[A-Za-z0-9._~!$&'()*+,;=@:/-]*)?$"
_BY_NAME = {column.name: column for column in COLUMNS}


def checked_rows(table: pa.Table, name: str) -> pa.Table:
    """Return the columns of the long table, as dictionaries; raise InputError when there is no case or a column is no text."""
    if "case" not in table.column_names:
        raise InputError("The table is no long table", where=name, why="it has no column “case”", repair="see docs/researchers.md")
    kept = [each for each in table.column_names if each in _BY_NAME]
    arrays = []
    for each in kept:
        column = table.column(each)
        kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind) or pa.types.is_null(kind)):
            raise InputError(
                "A column of the long table is no text", where=f"{name}, {each}", why=f"it holds {kind}", repair="write it as text"
            )
        arrays.append(_encoded(column))
    return pa.table(arrays, names=kept)


def _encoded(column: pa.ChunkedArray) -> pa.DictionaryArray:
    target = pa.dictionary(pa.int32(), pa.string())
    if not pa.types.is_dictionary(column.type):
        column = column.cast(pa.string()).dictionary_encode()
    whole = column.unify_dictionaries().combine_chunks()
    if isinstance(whole, pa.ChunkedArray):
        whole = whole.chunk(0) if whole.num_chunks else pa.array([], target)
    return whole if whole.type == target else whole.cast(target)


def batch_of_rows(table: pa.Table, program: Program, lexicon: Lexicon, remarks: Remarks) -> tuple[Batch, Ids]:
    """Return the cases of checked rows as columns, and the place of the case of each row; the rows without a case have −1."""
    column = _array(table, "case")
    owner, cases = _by_appearance(column)
    count = len(cases)
    irregular = np.zeros(count + 1, dtype=bool)
    irregular[:-1] |= ~pc.match_substring_regex(cases, _NODE).to_numpy(zero_copy_only=False) if count else False
    first = np.zeros(count, dtype=np.int64)
    rows = np.flatnonzero(owner >= 0)
    first[owner[rows][::-1]] = rows[::-1]
    about_case: dict[str, Ids] = {name: np.full(count, -1, dtype=np.int64) for name in PROPERTIES}
    for each in CASE[1:]:
        ids = _ids(table, each, lexicon, each.property)
        about_case[each.property] = ids[first]
        irregular[owner[rows[ids[rows] != ids[first[owner[rows]]]]]] = True
    named, records = _records(table, owner, irregular)
    columns = {name: np.full(len(records), -1, dtype=np.int64) for name in PROPERTIES}
    kind = _kinds(table, records)
    irregular[owner[records[kind < 0]]] = True
    kind[kind < 0] = len(KINDS) - 1
    for each in RECORD[2:]:
        if each.form != "term":
            columns[each.property] = _ids(table, each, lexicon, each.property)[records]
    for number, name in enumerate(KINDS):
        own = np.flatnonzero(kind == number)
        columns[ABOUT[name]][own] = _ids(table, _BY_NAME["term"], lexicon, ABOUT[name], records[own])
    batch = judged(cases, named, irregular[:-1].copy(), about_case, owner[records], kind, columns, program, lexicon, remarks)
    return batch, owner


def _array(table: pa.Table, name: str) -> Any:
    if name not in table.column_names:
        return pa.DictionaryArray.from_arrays(pa.array(np.zeros(len(table), np.int32), mask=np.ones(len(table), bool)), pa.array([""]))
    column = table.column(name)
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _codes(array: Any) -> Ids:
    """Return the places of texts in their dictionary; −1 for null."""
    codes: Ids = pc.fill_null(array.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    if array.dictionary.null_count:
        codes = np.where(np.append(array.dictionary.is_null().to_numpy(zero_copy_only=False), False)[codes], -1, codes)
    return codes


def _by_appearance(array: Any) -> tuple[Ids, pa.StringArray]:
    """Return numbers in the order in which texts first occur, and the texts."""
    codes = _codes(array)
    known = codes[codes >= 0]
    distinct, first = np.unique(known, return_index=True)
    ordered = distinct[np.argsort(first)]
    places = np.full(len(array.dictionary) + 1, -1, dtype=np.int64)
    places[ordered] = np.arange(len(ordered))
    return places[codes], array.dictionary.take(pa.array(ordered))


def _ids(table: pa.Table, column: Column, lexicon: Lexicon, prop: str, rows: Ids | None = None) -> Ids:
    """Return what a column states as numbers of a lexicon."""
    array = _array(table, column.name)
    codes = _codes(array)
    if rows is not None:
        codes = codes[rows]
    distinct = np.unique(codes)
    distinct = distinct[distinct >= 0]
    texts = array.dictionary.take(pa.array(distinct)).to_pylist()
    numbers = np.full(len(array.dictionary) + 1, -1, dtype=np.int64)
    numbers[distinct] = lexicon.numbers(prop, (object_term(column, text) for text in texts))
    return numbers[codes]


def _records(table: pa.Table, owner: Ids, irregular: Flags) -> tuple[pa.StringArray, Ids]:
    """Return the names of the rows that are records, and their places; cases whose records are odd nodes or repeated are marked."""
    array = _array(table, "record")
    codes = _codes(array)
    records = np.flatnonzero((codes >= 0) & (owner >= 0))
    used = np.bincount(codes[records], minlength=len(array.dictionary))
    odd = ~pc.match_substring_regex(array.dictionary, _NODE).fill_null(False).to_numpy(zero_copy_only=False) | (used > 1)
    odd |= pc.is_in(array.dictionary, _array(table, "case").dictionary).to_numpy(zero_copy_only=False)
    irregular[owner[records[odd[codes[records]]]]] = True
    return array.dictionary.take(pa.array(codes[records])), records


def _kinds(table: pa.Table, records: Ids) -> Ids:
    array = _array(table, "kind")
    known = {name: number for number, name in enumerate(KINDS)}
    texts = [expanded(_BY_NAME["kind"], text or "") for text in array.dictionary.to_pylist()]
    found = np.array([*(known.get(text, -1) for text in texts), -1], dtype=np.int64)
    return found[_codes(array)[records]]


def text_of_rows(table: pa.Table, chosen: Flags) -> bytes:
    """Return the triples that the chosen rows state, as N-Triples."""
    rows = table.filter(pa.array(chosen)).to_pylist()
    return "".join(line for row in rows for line in statements(row)).encode()
