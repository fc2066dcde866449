"""Answer one chunk of a cohort: read it, set apart what it does not hold whole, answer the rest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from reasoner.cohort.grouping import group, hashes_of
from reasoner.cohort.long_table import COLUMNS, statements
from reasoner.cohort.output import NAMES, Rows, empty_rows, problem_rows, to_arrow
from reasoner.cohort.single import Settings, answer_text
from reasoner.cohort.sources import Chunk, Source, read_stretch
from reasoner.cohort.triples import Triples, read_triples, text_of
from reasoner.errors import InputError, shortened
from reasoner.program.model import Program
from reasoner.record import Problem

__all__ = ["Context", "Counts", "Part", "answer_chunk"]


@dataclass(frozen=True, slots=True)
class Context:
    """What all chunks share."""

    sources: tuple[Source, ...]
    program: Program
    settings: Settings


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the cases of a chunk; `broken` says that a record or case was left out because it breaks a shape."""

    cases: int
    answered: int
    rejected: int
    routed: int
    problems: int
    malformed: int
    broken: bool


@dataclass(frozen=True, slots=True)
class Part:
    """What a chunk yields: tables, counts, what is left over for the last chunk, and the hashes of what it describes."""

    tables: dict[str, pa.Table]
    counts: Counts
    left: bytes
    subjects: np.ndarray[Any, np.dtype[np.uint64]]


def answer_chunk(context: Context, chunk: Chunk, left: Sequence[bytes] | None = None) -> Part:
    """Answer a chunk; `left` holds what other chunks of the source left over, where the chunk is made of that."""
    source = context.sources[chunk.source]
    if source.format == "parquet":
        data = b"".join(left) if left is not None else _statements(source, chunk)
    else:
        data = b"".join(left) if left is not None else read_stretch(source.path, chunk.start, chunk.end)
    triples = read_triples(data, quads=source.format == "n-quads" and left is None)
    return _answer(context, chunk, triples, source.path)


def _statements(source: Source, chunk: Chunk) -> bytes:
    """Return the triples that the rows of a chunk state."""
    file = parquet.ParquetFile(source.path)
    names = {column.name for column in COLUMNS}
    if "case" not in file.schema_arrow.names:
        raise InputError(
            "The Parquet file is no long table", where=source.path, why="it has no column “case”", repair="see docs/researchers.md"
        )
    columns = [name for name in file.schema_arrow.names if name in names]
    table = file.read_row_groups(list(range(chunk.start, chunk.end)), columns=columns, use_threads=False)
    return "".join(line for row in table.to_pylist() for line in statements(row)).encode()


def _answer(context: Context, chunk: Chunk, triples: Triples, name: str) -> Part:
    grouping = group(triples, first=chunk.first, last=chunk.last)
    rows = empty_rows()
    broken = _malformed(triples, name, rows)
    kept = grouping.kept
    cases = grouping.cases & kept
    refused = _refused(triples, grouping.holders, grouping.targets, broken) & cases
    own = kept.copy()
    own[refused] = False
    answered, spoilt = 0, False
    if (cases & ~refused).any():
        records = answer_text(text_of(triples, own[triples.s]), name, context.program, context.settings, rows)
        answered, spoilt = len(records.cases), records.broken
    total = int(cases.sum())
    counts = Counts(total, answered, total - answered, answered, len(rows["problems"]), len(triples.malformed), spoilt)
    left = text_of(triples, ~kept[triples.s])
    return Part({table: to_arrow(table, rows[table]) for table in NAMES}, counts, left, hashes_of(triples.subjects.filter(pa.array(kept))))


def _malformed(triples: Triples, name: str, rows: Rows) -> set[str]:
    """Name the malformed lines as problems; return the subjects that they were about."""
    found = [
        Problem(
            "malformed-line",
            f"{name}: “{shortened(each.text)}” is no triple: {each.why}",
            "",
            (each.subject.strip("<>"),) if each.subject else (),
            "mend the line; the case it is about is not answered",
        )
        for each in triples.malformed
    ]
    rows["problems"] += problem_rows("", found)
    return {each.subject for each in triples.malformed if each.subject}


def _refused(triples: Triples, holders: Any, targets: Any, broken: Iterable[str]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return the subjects that a malformed line is about, and the cases that link them."""
    refused = np.zeros(len(triples.subjects), dtype=bool)
    for place, subject in enumerate(triples.subjects.to_pylist() if broken else ()):
        refused[place] = subject in broken
    refused[holders[refused[targets]]] = True
    return refused
