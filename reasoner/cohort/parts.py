"""Keep what chunks yield in a folder: a chunk is done when its state file is there, which comes after its tables.

What is half written has another name, and is written anew.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from reasoner.cohort.answering import Context, Counts, Part, answer_chunk
from reasoner.cohort.grouping import Hashes
from reasoner.cohort.inferences import opened
from reasoner.cohort.output import NAMES, problem_rows, to_arrow
from reasoner.cohort.single import Settings
from reasoner.cohort.sources import Chunk
from reasoner.record import Problem

__all__ = [
    "INFERRED",
    "STATE",
    "hashes_in",
    "left_over",
    "state_of",
    "write_chunk",
    "write_json",
    "write_problems",
]

STATE = "state"
"""The folder of what is known of chunks while a run is unfinished."""

INFERRED = "inferred"
"""The folder of the N-Quads."""

KNOWLEDGE = "knowledge.nq.gz"
"""The file among them that holds the knowledge graph."""

_AT_ONCE = 1 << 16
"""Values that are written together."""


def write_chunk(context: Context, chunk: Chunk, partial: Path) -> int:
    """Answer a chunk and write what it yields; the state file comes last."""
    left = left_over(partial, chunk)
    part, quads = _answered(context, chunk, partial, left)
    for name, table in part.tables.items():
        _write_table(partial / name / f"part-{chunk.number:06}.parquet", table)
    where = partial / STATE
    _write(where / f"{chunk.number:06}.left", part.left)
    _write(where / f"{chunk.number:06}.subjects", np.sort(part.subjects).tobytes())  # so that at the end they need only be merged
    _write(where / f"{chunk.number:06}.cases", np.sort(part.cases).tobytes())
    _write(
        where / f"{chunk.number:06}.json",
        _summed(part.counts, {name: each.num_rows for name, each in part.tables.items()}, quads, _undated(context.settings, part)),
    )
    return part.counts.answered


def _answered(context: Context, chunk: Chunk, partial: Path, left: Sequence[bytes] | None) -> tuple[Part, int]:
    """Return what a chunk yields, and the number of quads that were written."""
    if not context.settings.nquads:
        return answer_chunk(context, chunk, left), 0
    with opened(partial / INFERRED / f"part-{chunk.number:06}.nq.gz", context.program) as inferences:
        settings = replace(context.settings, tell=inferences.add)
        return answer_chunk(replace(context, settings=settings), chunk, left), inferences.quads


def _summed(counts: Counts, rows: Mapping[str, int], quads: int, undated: int) -> bytes:
    return _json({**asdict(counts), "rows": rows, "quads": quads, "undated": undated})


def _undated(settings: Settings, part: Part) -> int:
    """Return how many cases are judged at the present instant."""
    if settings.as_of:
        return 0
    found: int = pc.sum(pc.equal(part.tables["cases"].column("as_of").cast(pa.string()), settings.now.text)).as_py()
    return found or 0


def state_of(partial: Path, number: int) -> dict[str, Any] | None:
    """Return what is known of a chunk that is done; nothing for any other."""
    path = partial / STATE / f"{number:06}.json"
    if not path.is_file():
        return None
    state: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return state


def left_over(partial: Path, chunk: Chunk) -> list[bytes] | None:
    """Return what was left over for a last chunk; nothing for any other."""
    if chunk.start >= 0:
        return None
    paths = [partial / STATE / f"{number:06}.left" for number in range(-chunk.start - 1, chunk.end)]
    return [text for path in paths if (text := path.read_bytes())]


def write_problems(rejected: Sequence[Problem], others: Sequence[Problem], number: int, partial: Path) -> None:
    """Write the problems of cases that nobody can answer, one of each, and those that belong to no case."""
    rows = [row for each in rejected for row in problem_rows(each.sources[0], [each])] + problem_rows("", others)
    _write_table(partial / "problems" / f"part-{number:06}.parquet", to_arrow("problems", rows))
    count = len(rejected)
    tables = {name: len(rows) if name == "problems" else 0 for name in NAMES}
    _write(partial / STATE / f"{number:06}.json", _summed(Counts(count, 0, count, 0, len(rows), 0, count > 0), tables, 0, 0))


def hashes_in(path: Path) -> Hashes:
    """Return the hashes that a file holds."""
    return np.fromfile(path, dtype=np.uint64)


def write_json(path: Path, value: Any) -> None:
    """Write a value as JSON, whole or not at all."""
    _write(path, _json(value))


def _json(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()


def _write(path: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(data)
    temporary.replace(path)


def _write_table(path: Path, table: pa.Table) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    parquet.write_table(
        table, temporary, compression="zstd", dictionary_pagesize_limit=1 << 26, write_batch_size=_AT_ONCE, write_statistics=["case"]
    )
    temporary.replace(path)
