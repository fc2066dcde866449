"""Read the long table as columns; what its rows state is what `long_table.statements` says, without writing it out.

A case whose rows state more than one value of a property, or a record that takes several rows, is not regular: its rows are
written out as triples and read as such.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from reasoner.cohort.batch import Batch, Stated, judged
from reasoner.cohort.grouping import hashes_of
from reasoner.cohort.lexicon import ABOUTS, KINDS, PROPERTIES, SUBJECT, Flags, Ids, Lexicon
from reasoner.cohort.long_table import ABOUT, CASE, COLUMNS, RECORD, Column, check_columns, expanded, statements
from reasoner.cohort.plain import share_host
from reasoner.cohort.remarks import Remarks
from reasoner.program.model import Program

__all__ = ["batch_of_rows", "checked_rows", "text_of_rows"]

_NODE = r"^https?://[A-Za-z0-9.-]+(/[A-Za-z0-9._~!$&'()*+,;=@:/-]*)?(\?[A-Za-z0-9._~!$&'()*+,;=@:/-]*)?(#[A-Za-z0-9._~!$&'()*+,;=@:/-]*)?$"
_BY_NAME = {column.name: column for column in COLUMNS}
_WHOLE = ("case", "subject", "kind", "term")


def checked_rows(table: pa.Table, name: str) -> pa.Table:
    """Return the columns of the long table, as dictionaries but for the records, few of which recur; raise InputError when there is no case or a column is no text."""
    check_columns(table.schema, name)
    kept = [each for each in table.column_names if each in _BY_NAME]
    arrays = []
    for each in kept:
        column = table.column(each)
        arrays.append(column.cast(pa.string()) if each == "record" else _encoded(column, whole=each in _WHOLE))
    return pa.table(arrays, names=kept)


def _encoded(column: pa.ChunkedArray, *, whole: bool) -> pa.ChunkedArray:
    """Return a column as dictionaries, of which there is one when `whole`."""
    target = pa.dictionary(pa.int32(), pa.string())
    if not pa.types.is_dictionary(column.type):
        column = column.cast(pa.string()).dictionary_encode()
    column = column if column.type == target else column.cast(target)
    if not whole:
        return column
    chunks = column.unify_dictionaries().combine_chunks()
    return chunks if isinstance(chunks, pa.ChunkedArray) and chunks.num_chunks else pa.chunked_array([chunks], target)


def batch_of_rows(table: pa.Table, program: Program, lexicon: Lexicon, remarks: Remarks) -> tuple[Batch, Ids]:
    """Return the cases of checked rows as columns, and the place of the case of each row; the rows without a case have −1."""
    owner, cases, first = _by_appearance(_array(table, "case"))
    count = len(cases)
    irregular = np.zeros(count + 1, dtype=bool)
    irregular[:-1] |= ~_are_nodes(cases)
    about_case: dict[str, Ids] = {name: np.full(count, -1, dtype=np.int64) for name in PROPERTIES}
    subjects = _array(table, "subject").dictionary
    for each in CASE[1:]:
        ids = _codes(_array(table, each.name)) if each.property == SUBJECT else _ids(table, each, lexicon, each.property)
        _set_apart(ids, owner, irregular)
        about_case[each.property] = ids[first]
        irregular[owner[ids != np.append(about_case[each.property], -1)[owner]]] = True
    irregular[:-1] |= np.append(~_are_nodes(subjects), False)[about_case[SUBJECT]]
    named, records = _records(table, owner, cases, irregular)
    nothing = np.full(len(records), -1, dtype=np.int64)
    columns = dict.fromkeys(PROPERTIES, nothing) | {name: nothing.copy() for name in ABOUTS}
    kind = _kinds(table, records)
    irregular[owner[records[kind < 0]]] = True
    kind[kind < 0] = len(KINDS) - 1
    for each in RECORD[2:]:
        if each.form != "term" and each.name in table.column_names:
            columns[each.property] = _of(_ids(table, each, lexicon, each.property), records)
    terms = _of(_codes(_array(table, "term")), records)
    named_terms = _array(table, "term").dictionary.to_pylist()
    for number, name in enumerate(KINDS):
        own = np.flatnonzero(kind == number)
        used = np.flatnonzero(np.bincount(terms[own] + 1, minlength=len(named_terms) + 1)) - 1
        numbers = np.full(len(named_terms) + 1, -1, dtype=np.int64)
        numbers[used] = lexicon.numbers_of(
            _BY_NAME["term"], ABOUT[name], [named_terms[code] if code >= 0 else None for code in used.tolist()]
        )
        columns[ABOUT[name]][own] = numbers[terms[own]]
    case = _of(owner, records)
    for column in columns.values():
        _set_apart(column, case, irregular)
    stated = Stated(cases, named, subjects, irregular[:-1].copy(), about_case, case, kind, columns)
    return judged(stated, program, lexicon, remarks), owner


def _set_apart(ids: Ids, owner: Ids, irregular: Flags) -> None:
    """Mark the cases that state what is no term, which is read with the rest of its case."""
    if ids.min(initial=0) < -1:
        irregular[owner[ids < -1]] = True
        ids[ids < -1] = -1


def _of(values: Ids, records: Ids) -> Ids:
    """Return the values of the rows that are records."""
    return values if len(records) == len(values) else values[records]


def _are_nodes(names: Any) -> Flags:
    """Return whether texts are IRIs beyond doubt."""
    if share_host(names):
        return np.ones(len(names), dtype=bool)
    found = pc.match_substring_regex(names, _NODE).fill_null(False)
    return np.asarray(found, dtype=bool)


def _array(table: pa.Table, name: str) -> Any:
    """Return a column that has one dictionary."""
    if name not in table.column_names:
        return pa.DictionaryArray.from_arrays(pa.array(np.zeros(len(table), np.int32), mask=np.ones(len(table), bool)), pa.array([""]))
    column = table.column(name)
    return column.chunk(0) if column.num_chunks else pa.array([], column.type)


def _codes(array: Any) -> Ids:
    """Return the places of texts in their dictionary; −1 for null."""
    codes: Ids = pc.fill_null(array.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    if array.dictionary.null_count:
        codes = np.where(np.append(array.dictionary.is_null().to_numpy(zero_copy_only=False), False)[codes], -1, codes)
    return codes


def _by_appearance(array: Any) -> tuple[Ids, pa.StringArray, Ids]:
    """Return numbers in the order in which texts first occur, the texts, and where each first occurs."""
    codes = _codes(array)
    starts = np.flatnonzero(np.diff(codes, prepend=-2))
    runs = codes[starts]
    if len(runs) and runs.min() >= 0 and np.bincount(runs).max() == 1:  # the rows of each text stand together
        return np.repeat(np.arange(len(runs)), np.diff(np.append(starts, len(codes)))), array.dictionary.take(pa.array(runs)), starts
    known = np.flatnonzero(codes >= 0)
    distinct, first = np.unique(codes[known], return_index=True)
    order = np.argsort(first)
    ordered = distinct[order]
    places = np.full(len(array.dictionary) + 1, -1, dtype=np.int64)
    places[ordered] = np.arange(len(ordered))
    return places[codes], array.dictionary.take(pa.array(ordered)), known[first[order]]


def _ids(table: pa.Table, column: Column, lexicon: Lexicon, prop: str) -> Ids:
    """Return what a column states as numbers of a lexicon."""
    if column.name not in table.column_names:
        return np.full(len(table), -1, dtype=np.int64)
    found = np.empty(len(table), dtype=np.int64)
    start = 0
    for chunk in table.column(column.name).chunks:
        codes = pc.fill_null(chunk.indices, len(chunk.dictionary)).to_numpy(zero_copy_only=False)
        numbers = np.append(lexicon.numbers_of(column, prop, chunk.dictionary.to_pylist()), -1)
        np.take(numbers, codes, out=found[start : start + len(chunk)], mode="clip")  # the fastest of its modes; no code is out of bounds
        start += len(chunk)
    return found


def _records(table: pa.Table, owner: Ids, cases: pa.StringArray, irregular: Flags) -> tuple[pa.ChunkedArray, Ids]:
    """Return the names of the rows that are records, and their places; cases whose records are odd nodes or repeated are marked."""
    if "record" not in table.column_names:
        return pa.chunked_array([], pa.string()), np.zeros(0, dtype=np.int64)
    array = table.column("record")
    stated = owner >= 0
    if array.null_count:
        stated &= array.is_valid().to_numpy()
    records = np.flatnonzero(stated)
    names = array if len(records) == len(array) else array.filter(pa.array(stated))
    odd = ~_are_nodes(names)
    hashes = np.sort(np.concatenate([hashes_of(each) for each in (*names.chunks, cases)]))
    if (hashes[1:] == hashes[:-1]).any():  # it seems that a record is repeated, or is a case
        codes = pa.chunked_array([*names.chunks, cases]).dictionary_encode().unify_dictionaries().combine_chunks()
        numbers = (codes.chunk(0) if isinstance(codes, pa.ChunkedArray) else codes).indices.to_numpy()
        odd |= (np.bincount(numbers) > 1)[numbers[: len(names)]]
    irregular[owner[records[odd]]] = True
    return names, records


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
