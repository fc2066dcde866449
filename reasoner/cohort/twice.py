"""Decide what becomes of the cases that several places of the inputs describe: alike, they are answered once; otherwise not at all.

Which cases these are is seen from hashes when all chunks are done; only then are their descriptions read again and compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b

import numpy as np
import pyarrow as pa

from reasoner.answering import twice_described
from reasoner.cohort.answering import Context, rows_of, triples_of
from reasoner.cohort.gathering import gathered_triples
from reasoner.cohort.grouping import Hashes, group, hashes_of
from reasoner.cohort.rows import text_of_rows
from reasoner.cohort.single import read_text
from reasoner.cohort.sources import Chunk
from reasoner.cohort.triples import Triples, iris_of, text_of
from reasoner.record import Case, Problem

__all__ = ["Twice", "compared", "repeated"]

_NAMED = 3
"""Files of a bulk export that are named; which of them describe a case cannot be told."""
_BLANK = re.compile(r"_:\w+")


@dataclass(frozen=True, slots=True)
class Twice:
    """What becomes of the cases: by chunk the descriptions that are passed over, each as file and case, and the cases that nobody can answer."""

    elsewhere: dict[int, list[tuple[str, str]]]
    problems: list[Problem]


@dataclass(frozen=True, slots=True, order=True)
class _Description:
    case: str
    number: int
    place: str
    digest: bytes


def repeated(hashes: Iterable[Hashes]) -> Hashes:
    """Return the hashes that occur more than once, each once."""
    found = list(hashes)
    ordered = np.sort(np.concatenate(found), kind="stable") if found else np.zeros(0, dtype=np.uint64)  # which merges what is sorted
    return np.unique(ordered[1:][ordered[1:] == ordered[:-1]])


def compared(context: Context, chunks: Sequence[tuple[Chunk, Hashes, Sequence[bytes] | None]], wanted: Hashes) -> Twice:
    """Compare all descriptions of the wanted cases; each chunk comes with the hashes of its cases and with what was left over for it."""
    found: dict[str, set[_Description]] = {}
    for chunk, own, left in chunks:
        here = np.intersect1d(own, wanted)
        if len(here):
            for place, case in _described(context, chunk, left, here):
                text = _BLANK.sub("_:", repr(replace(case, problems=())))
                each = _Description(case.iri, chunk.number, place, blake2b(text.encode(), digest_size=16).digest())
                found.setdefault(case.iri, set()).add(each)
    elsewhere: dict[int, list[tuple[str, str]]] = {}
    problems = []
    for iri, described in sorted(found.items()):
        alike = len({each.digest for each in described}) == 1
        for each in sorted(described)[1 if alike else 0 :]:
            elsewhere.setdefault(each.number, []).append((each.place, iri))
        if not alike:
            problems.append(twice_described(iri, {each.place for each in described}))
    return Twice(elsewhere, problems)


def _described(context: Context, chunk: Chunk, left: Sequence[bytes] | None, wanted: Hashes) -> Iterator[tuple[str, Case]]:
    """Yield the wanted cases that a chunk describes, each with the name of its file."""
    source = context.sources[chunk.source]
    files = context.sources[chunk.start : chunk.end] if left is None else ()
    if source.format == "document" and left is None:
        for each in files:
            yield from _in_triples(context, Chunk(0, 0, 0, 0, True, True, 0), gathered_triples([each.path]).triples, each.path, wanted)
    elif source.format.startswith("fhir") and left is None:
        from reasoner.cohort.exports import fhir_records

        name = ", ".join(each.path for each in files[:_NAMED]) + (f" and {len(files) - _NAMED} more" if len(files) > _NAMED else "")
        cases = (case for records in fhir_records(files, context.program) for case in records.cases)
        yield from ((name, case) for case in cases if _hash(case.iri) in wanted)
    elif source.format == "parquet" and left is None:
        table = rows_of(source, chunk)
        cases = table.column("case").chunk(0)
        chosen = np.append(np.isin(hashes_of(cases.dictionary.cast(pa.string())), wanted), False)[cases.indices.fill_null(-1).to_numpy()]
        yield from _read(context, text_of_rows(table, chosen), source.path)
    else:
        yield from _in_triples(context, chunk, triples_of(context, chunk, left), source.path, wanted)


def _in_triples(context: Context, chunk: Chunk, triples: Triples, name: str, wanted: Hashes) -> Iterator[tuple[str, Case]]:
    grouping = group(triples, first=chunk.first, last=chunk.last)
    names = iris_of(triples.subjects)
    chosen = grouping.cases & np.isin(hashes_of(names), wanted)
    chosen[grouping.targets[chosen[grouping.holders]]] = True
    yield from _read(context, text_of(triples, chosen[triples.s]), name)


def _read(context: Context, text: bytes, name: str) -> Iterator[tuple[str, Case]]:
    records = read_text(text, name, context.program, context.settings)
    yield from ((name, case) for case in records.cases)


def _hash(iri: str) -> np.uint64:
    return np.uint64(hashes_of(pa.array([iri], pa.string()))[0])
