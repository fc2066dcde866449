"""Read N-Triples and N-Quads as columns: canonical lines by PyArrow's CSV reader, every other line by pyoxigraph.

A line is canonical when it is `subject predicate object .`, parted by single spaces, with plain absolute IRIs, blank node
labels of letters and digits, and literals without escapes and language tags. What qualifies is decided on the distinct
terms, by one regular expression for each place. A line that neither reader understands is kept apart with its subject.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyoxigraph
from pyarrow import csv

__all__ = ["Malformed", "Triples", "read_triples", "subjects_from", "text_of"]

_PLAIN = r"[A-Za-z0-9._~!$&'()*+,;=@:/-]*"
_IRI = rf"<(https?://[A-Za-z0-9.-]+(/{_PLAIN})?(\?{_PLAIN})?(#{_PLAIN})?|urn:[A-Za-z0-9][A-Za-z0-9-]+:[A-Za-z0-9._~:/-]+)>"
_NODE = rf"{_IRI}|_:[A-Za-z0-9]+"
_LITERAL = rf'"[^"\\\x00-\x1f]*"(\^\^{_IRI})?'
_FORMS = {"s": rf"^({_NODE})$", "p": rf"^{_IRI}$", "o": rf"^({_NODE}|{_LITERAL})$", "g": rf"^({_NODE})$", "end": r"^\.$"}
_STRING = "^^<http://www.w3.org/2001/XMLSchema#string>"
_SUBJECT = re.compile(rf"\s*({_NODE})(?=\s)")
_BLOCK = 8 << 20
_MARK = b"\xef\xbb\xbf"

Ids = np.ndarray[Any, np.dtype[np.int32]]


@dataclass(frozen=True, slots=True)
class Malformed:
    """A line that is no triple: what the parser said, and the subject where it can be made out."""

    text: str
    why: str
    subject: str | None


@dataclass(frozen=True, slots=True)
class Triples:
    """Triples as three columns of numbers into the lists of distinct terms, which stand as in N-Triples; `data` is their text."""

    subjects: pa.StringArray
    predicates: pa.StringArray
    objects: pa.StringArray
    s: Ids
    p: Ids
    o: Ids
    malformed: tuple[Malformed, ...]
    data: bytes


def read_triples(data: bytes, *, quads: bool = False) -> Triples:
    """Return the triples of whole lines of N-Triples, or of N-Quads with their graph names left out."""
    odd: list[str | bytes] = []
    table = _canonical(data, quads, odd)
    parts = [] if table is None else [_qualified(table, odd)]
    malformed: list[Malformed] = []
    if odd:
        parts.append(_parsed(odd, quads, malformed))
    columns = pa.concat_tables(parts).unify_dictionaries().combine_chunks() if parts else _table([], [], [])
    found = [columns.column(name).chunk(0) if columns.num_rows else pa.array([], _TERM) for name in ("s", "p", "o")]
    ids = [each.indices.to_numpy(zero_copy_only=False).astype(np.int32, copy=False) for each in found]
    subjects, predicates, objects = (each.dictionary for each in found)
    s, p, o = ids
    return Triples(subjects, predicates, objects, s, p, o, tuple(malformed), data)


def subjects_from(data: bytes, *, end: bool) -> Iterator[str]:
    """Yield the subjects of the lines from one end of a stretch on, where they can be made out."""
    place = len(data) if end else 0
    while place > 0 if end else place < len(data):
        if end:
            start = data.rfind(b"\n", 0, place - 1) + 1
            line, place = data[start:place], start
        else:
            stop = data.find(b"\n", place) + 1 or len(data)
            line, place = data[place:stop], stop
        if subject := _subject(line):
            yield subject


def _subject(line: bytes) -> str | None:
    found = _SUBJECT.match(line.decode("utf-8", "replace"))
    return found[1] if found else None


_TERM = pa.dictionary(pa.int32(), pa.string())


def _table(s: Iterable[str], p: Iterable[str], o: Iterable[str]) -> pa.Table:
    columns = [pa.array(list(each), pa.string()).dictionary_encode() for each in (s, p, o)]
    return pa.table([column.cast(_TERM) for column in columns], names=["s", "p", "o"])


def _canonical(data: bytes, quads: bool, odd: list[str | bytes]) -> pa.Table | None:
    """Return the lines that have the right number of fields; the others join `odd`."""
    names = ["s", "p", "o", *(["g"] if quads else []), "end"]

    def refuse(row: Any) -> str:
        odd.append(row.text)
        return "skip"

    if data.startswith(_MARK):
        data = b"\n" + data
    if not data or data.isspace():
        return None
    try:
        return csv.read_csv(
            pa.BufferReader(data),
            csv.ReadOptions(column_names=names, use_threads=False, block_size=_BLOCK),
            csv.ParseOptions(delimiter=" ", quote_char=False, escape_char=False, double_quote=False, invalid_row_handler=refuse),
            csv.ConvertOptions(column_types=dict.fromkeys(names, _TERM), strings_can_be_null=False),
        )
    except pa.ArrowInvalid:  # bytes that are no text, or a line longer than a block: the strict parser decides
        odd[:] = data.splitlines()
        return None


def _qualified(table: pa.Table, odd: list[str | bytes]) -> pa.Table:
    """Return the canonical lines; the others join `odd`."""
    table = table.unify_dictionaries().combine_chunks()
    if not table.num_rows:
        return _table([], [], [])
    kept = None
    for name in table.column_names:
        column = table.column(name).chunk(0)
        fits = pc.match_substring_regex(column.dictionary, _FORMS[name])
        if not pc.all(fits).as_py():
            mask = fits.take(column.indices)
            kept = mask if kept is None else pc.and_(kept, mask)
    if kept is not None:
        rest = table.filter(pc.invert(kept))
        texts = [column.cast(pa.string()) for column in rest.columns]
        odd.extend(pc.binary_join_element_wise(*texts, " ").to_pylist())
        table = table.filter(kept)
    column = table.column("o").chunk(0) if table.num_rows else None
    if column is not None and pc.any(pc.ends_with(column.dictionary, _STRING)).as_py():
        plain = pc.replace_substring_regex(column.dictionary, re.escape(_STRING) + "$", "").dictionary_encode()
        column = pa.DictionaryArray.from_arrays(plain.indices.take(column.indices), plain.dictionary)
        table = table.set_column(table.column_names.index("o"), "o", column)
    return table.select(["s", "p", "o"])


def _parsed(odd: list[str | bytes], quads: bool, malformed: list[Malformed]) -> pa.Table:
    """Return the triples of other lines; those that are none join `malformed`."""
    form = pyoxigraph.RdfFormat.N_QUADS if quads else pyoxigraph.RdfFormat.N_TRIPLES
    lines = [line if isinstance(line, bytes) else line.encode() for line in odd]
    try:
        found = list(pyoxigraph.parse(b"\n".join(lines), format=form))
    except (SyntaxError, ValueError):
        found = []
        for line in lines:
            try:
                found += pyoxigraph.parse(line, format=form)
            except (SyntaxError, ValueError) as error:
                text = line.decode("utf-8", "replace")
                malformed.append(Malformed(text, str(getattr(error, "msg", error)), _subject(line)))
    return _table((str(each.subject) for each in found), (str(each.predicate) for each in found), (str(each.object) for each in found))


def text_of(triples: Triples, chosen: np.ndarray[Any, np.dtype[np.bool_]]) -> bytes:
    """Return the chosen triples as N-Triples."""
    places = np.flatnonzero(chosen)
    if not len(places):
        return b""
    columns = [
        terms.take(pa.array(ids[places]))
        for terms, ids in ((triples.subjects, triples.s), (triples.predicates, triples.p), (triples.objects, triples.o))
    ]
    lines = pc.binary_join_element_wise(*columns, pa.scalar(".\n"), " ")
    return b"".join(line.as_buffer().to_pybytes() for line in lines)
