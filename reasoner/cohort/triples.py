"""Read N-Triples and N-Quads as columns: canonical lines by PyArrow's CSV reader, every other line by pyoxigraph.

A line is canonical when it is `subject predicate object .`, parted by single spaces, with plain absolute IRIs, blank node
labels of letters and digits, and literals without escapes and language tags. What qualifies is decided on the distinct
terms, by one regular expression for each place. A line that neither reader understands is kept apart with its subject.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyoxigraph
from pyarrow import csv

from reasoner.cohort.plain import share_host
from reasoner.terms import lc

__all__ = ["Codes", "Malformed", "Text", "Triples", "iris_of", "lines_of", "read_triples", "subjects_from", "text_of"]

_PLAIN = r"[A-Za-z0-9._~!$&'()*+,;=@:/-]*"
_IRI = rf"<(?:https?://[A-Za-z0-9.-]+(?:/{_PLAIN})?(?:\?{_PLAIN})?(?:#{_PLAIN})?|urn:[A-Za-z0-9][A-Za-z0-9-]+:[A-Za-z0-9._~:/-]+)>"
_NODE = rf"{_IRI}|_:[A-Za-z0-9]+"
_LITERAL = rf'"[^"\\\x00-\x1f]*"(?:\^\^{_IRI})?'
_LINE = rf"^(?P<s>{_NODE}) (?P<p>{_IRI}) (?P<o>{_NODE}|{_LITERAL}) \.$"
_LINK = f"<{lc('hasRecord')}>".encode()
_NAMES = ["s", "p", "o"]
_END = "end"
_ONE_DOT = pa.array([b"."])
_FEW = pa.dictionary(pa.int32(), pa.binary())
_STRING = "^^<http://www.w3.org/2001/XMLSchema#string>"
_SUBJECT = re.compile(rf"\s*({_NODE})(?=\s)")
_ANY_LINE = re.compile(rb"[^\n]*\n|[^\n]+")
_BLOCK = 1 << 20
_PIECE = 1 << 16
_HIGH_BITS = np.uint64(0x8080808080808080)
_MARK = b"\xef\xbb\xbf"

Codes = np.ndarray[Any, np.dtype[np.signedinteger[Any]]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]
Text = bytes | memoryview


@dataclass(frozen=True, slots=True)
class Malformed:
    """A line that is no triple: what the parser said, and the subject where it can be made out."""

    text: str
    why: str
    subject: str | None


@dataclass(frozen=True, slots=True)
class Triples:
    """Triples as three columns of numbers into the lists of distinct terms, which stand as in N-Triples; `data` is their text.

    `subjects` also holds the records that a case links; the object of such a link is −1 less its place among them.
    """

    subjects: pa.StringArray
    predicates: pa.StringArray
    objects: pa.StringArray
    s: Codes
    p: Codes
    o: Codes
    malformed: tuple[Malformed, ...]
    data: Text


def read_triples(data: Text, *, quads: bool = False) -> Triples:
    """Return the triples of whole lines of N-Triples, or of N-Quads with their graph names left out."""
    malformed: list[Malformed] = []
    found = _read(data, quads, malformed)
    return Triples(found.subjects, found.predicates, found.objects, found.s, found.p, found.o, tuple(malformed), data)


def _read(data: Text, quads: bool, malformed: list[Malformed]) -> _Encoded:
    """Return the triples of whole lines; those that are none join `malformed`."""
    try:
        if not _is_ascii(data):
            str(data, "utf-8")  # the handler of odd rows takes no other bytes
    except UnicodeDecodeError:
        return _encoded([_parsed(bytes(data).splitlines(), quads, malformed)])
    for end in (pa.null(), pa.binary()):  # that every line ends in a dot is seen soonest where nothing is kept of its end
        with suppress(pa.ArrowInvalid):
            malformed.clear()
            found = _encoded(_batches(data, quads, malformed, end))
            if len(odd := found.odd_rows()):
                again = _parsed(found.lines(odd), quads, malformed)
                found = _encoded([found.without(odd), again])
            return found
    malformed.clear()  # a line is longer than a block, or no text: the strict parser decides
    return _encoded([_parsed(bytes(data).splitlines(), quads, malformed)])


def _is_ascii(data: Text) -> bool:
    words = np.frombuffer(data, dtype=np.uint64, count=len(data) // 8)
    return not np.bitwise_or.reduce(words) & _HIGH_BITS and bytes(data[8 * len(words) :]).isascii()


def iris_of(names: pa.StringArray) -> pa.StringArray:
    """Return IRIs without the brackets in which they stand: bytes are sliced much faster than characters. Of what stands in none nothing must be read."""
    return pc.binary_slice(names.view(pa.binary()), 1, -1).view(pa.string())


def subjects_from(data: Text, *, end: bool) -> Iterator[str]:
    """Yield the subjects of the lines from one end of a stretch on, where they can be made out."""
    for line in _backwards(data) if end else lines_of(data):
        if subject := _subject(line):
            yield subject


def lines_of(data: Text) -> Iterator[bytes]:
    """Yield the lines of a text."""
    return (found[0] for found in _ANY_LINE.finditer(data))


def _backwards(data: Text) -> Iterator[bytes]:
    """Yield the lines of a text from the last to the first."""
    rest = b""
    for end in range(len(data), 0, -_PIECE):
        rest, *lines = (bytes(data[max(end - _PIECE, 0) : end]) + rest).split(b"\n")
        yield from reversed(lines)
    yield rest


def _subject(line: bytes) -> str | None:
    found = _SUBJECT.match(line.decode("utf-8", "replace"))
    return found[1] if found else None


def _batches(data: Text, quads: bool, malformed: list[Malformed], end: pa.DataType) -> Iterator[pa.RecordBatch]:
    """Yield the lines that have the right number of fields, then the triples of the others; raise ArrowInvalid where the reader cannot tell.

    The last fields of lines are of the type `end`; if that is null they must be dots.
    """
    names = [*_NAMES, *(["g"] if quads else []), _END]
    types = {name: _FEW if name in ("p", "g") else pa.binary() for name in names} | {_END: end}
    others: list[str] = []

    def refuse(row: Any) -> str:
        others.append(row.text)
        return "skip"

    if data[: len(_MARK)] == _MARK:
        data = b"\n" + bytes(data)
    if len(data):
        yield from csv.open_csv(
            pa.BufferReader(data),
            csv.ReadOptions(column_names=names, use_threads=False, block_size=_BLOCK),
            csv.ParseOptions(delimiter=" ", quote_char=False, escape_char=False, double_quote=False, invalid_row_handler=refuse),
            csv.ConvertOptions(column_types=types, null_values=["."], strings_can_be_null=False),
        )
    found = pc.extract_regex(pa.array(others, pa.string()), _LINE)  # such as lines whose literal holds a space
    fits = found.is_valid()
    yield _batch(found.filter(fits).flatten())
    yield _parsed(pa.array(others, pa.string()).filter(pc.invert(fits)).to_pylist(), quads, malformed)


def _have_form(terms: pa.StringArray, form: str) -> Flags:
    found: Flags = pc.match_substring_regex(terms, f"^({form})$").to_numpy(zero_copy_only=False)
    return found


@dataclass(frozen=True, slots=True)
class _Encoded:
    """Rows as `Triples` has them; `ends` are the rest of those that are lines as read, which come first."""

    subjects: pa.StringArray
    predicates: pa.StringArray
    objects: pa.StringArray
    s: Codes
    p: Codes
    o: Codes
    ends: tuple[tuple[pa.StringArray, Codes, str], ...]

    def odd_rows(self) -> Codes:
        """Return the places of the lines as read that are not canonical."""
        values = (self.objects, self.o, f"{_NODE}|{_LITERAL}")
        places = [(self.subjects, self.s, _NODE), (self.predicates, self.p, _IRI), values, (self.subjects, -1 - self.o, _NODE), *self.ends]
        odd = np.zeros(len(self.ends[0][1]) if self.ends else 0, dtype=bool)
        known: dict[int, Flags] = {}  # two places share the subjects
        for terms, ids, form in places if len(odd) else ():
            if id(terms) not in known:
                known[id(terms)] = np.ones(len(terms), dtype=bool) if share_host(terms, b"<>") else _have_form(terms, form)
            fits = known[id(terms)]
            if not fits.all():
                odd |= np.append(~fits, False)[np.maximum(ids[: len(odd)], -1)]
        return np.flatnonzero(odd)

    def texts(self, rows: Codes) -> list[pa.StringArray]:
        """Return subjects, predicates and objects of rows."""
        s, p, o = (ids[rows] for ids in (self.s, self.p, self.o))
        objects = pc.coalesce(self.objects.take(pa.array(o, mask=o < 0)), self.subjects.take(pa.array(-1 - o, mask=o >= 0)))
        return [self.subjects.take(pa.array(s)), self.predicates.take(pa.array(p)), objects]

    def lines(self, rows: Codes) -> list[str]:
        """Return rows as the lines that were read."""
        ends = [terms.take(pa.array(ids[rows])) for terms, ids, _ in self.ends]
        found: list[str] = pc.binary_join_element_wise(*self.texts(rows), *ends, " ").to_pylist()
        return found

    def without(self, rows: Codes) -> pa.RecordBatch:
        """Return all rows but some."""
        return _batch(self.texts(np.delete(np.arange(len(self.s)), rows)))


def _encoded(batches: Iterable[pa.RecordBatch]) -> _Encoded:
    """Return rows as numbers of distinct terms."""
    nodes: list[pa.Array] = []  # by turns the subjects of a batch and what its links link, which is found sooner among subjects just met
    lengths: list[Codes] = []
    others, links = [], []
    few: dict[str, list[pa.DictionaryArray]] = {name: [] for name in ("p", "g", _END)}
    for batch in batches:
        columns = dict(zip(batch.schema.names, batch.columns, strict=True))
        if _END in columns:
            columns[_END] = _ends(columns[_END])
        for name in few.keys() & columns.keys():
            few[name].append(columns[name])
        names = columns["p"].dictionary.to_pylist()
        link = columns["p"].indices.to_numpy() == (names.index(_LINK) if _LINK in names else -1)
        links.append(link)
        run = pc.run_end_encode(columns["s"])
        run_ends = run.run_ends.to_numpy()
        lengths += (run_ends[:1], run_ends[1:] - run_ends[:-1])
        nodes += (run.values, columns["o"].filter(pa.array(link)))
        others.append(columns["o"].filter(pa.array(~link)).dictionary_encode())
    subjects, places = _distinct(nodes)
    ends = np.cumsum([len(each) for each in nodes])
    stated, linked = (np.concatenate(np.split(places, ends[:-1])[turn::2]) for turn in (0, 1))
    objects, values = _distinct(others)
    link = np.concatenate(links)
    o = np.empty(len(link), dtype=np.int32)
    o[link], o[~link] = -1 - linked, values
    predicates, p = _distinct(few["p"])
    rest = tuple((*_distinct(few[name]), form) for name, form in (("g", _NODE), (_END, r"\.")) if few[name])
    return _Encoded(subjects, predicates, objects, np.repeat(stated, np.concatenate(lengths)), p, o, rest)


def _ends(column: pa.Array) -> pa.DictionaryArray:
    """Return the last fields of lines as a dictionary; where nothing was kept of them, each is a dot."""
    if pa.types.is_null(column.type):
        return pa.DictionaryArray.from_arrays(pa.array(np.zeros(len(column), dtype=np.int32)), _ONE_DOT)
    return column.dictionary_encode()


def _distinct(arrays: Iterable[pa.Array]) -> tuple[pa.StringArray, Codes]:
    """Return the distinct terms of arrays, and the place of each row among them; raise ArrowInvalid where one is no text."""
    column = pa.chunked_array(arrays)
    column = column.unify_dictionaries() if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    whole = column.combine_chunks()
    terms = whole.dictionary.cast(pa.string())
    if pc.any(pc.ends_with(terms, _STRING)).as_py():
        plain = pc.replace_substring_regex(terms, re.escape(_STRING) + "$", "").dictionary_encode()
        return plain.dictionary, plain.indices.take(whole.indices).to_numpy()
    return terms, whole.indices.to_numpy()


def _parsed(odd: Iterable[str | bytes], quads: bool, malformed: list[Malformed]) -> pa.RecordBatch:
    """Return the triples of other lines; those that are none join `malformed`."""
    form = pyoxigraph.RdfFormat.N_QUADS if quads else pyoxigraph.RdfFormat.N_TRIPLES
    lines = [line.encode() if isinstance(line, str) else line for line in odd]
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
    return _batch([pa.array([str(getattr(each, name)) for each in found], pa.string()) for name in ("subject", "predicate", "object")])


def _batch(texts: Iterable[pa.StringArray]) -> pa.RecordBatch:
    s, p, o = (each.cast(pa.binary()) for each in texts)
    return pa.record_batch([s, p.dictionary_encode(), o], names=_NAMES)


def text_of(triples: Triples, chosen: np.ndarray[Any, np.dtype[np.bool_]]) -> bytes:
    """Return the chosen triples as N-Triples."""
    places = np.flatnonzero(chosen)
    if not len(places):
        return b""
    s, p, o = (ids[places] for ids in (triples.s, triples.p, triples.o))
    objects = pc.coalesce(triples.objects.take(pa.array(o, mask=o < 0)), triples.subjects.take(pa.array(-1 - o, mask=o >= 0)))
    columns = (triples.subjects.take(pa.array(s)), triples.predicates.take(pa.array(p)), objects)
    lines = pc.binary_join_element_wise(*columns, pa.scalar(".\n"), " ")
    return b"".join(line.as_buffer().to_pybytes() for line in lines)
