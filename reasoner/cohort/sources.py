"""Name the inputs of a cohort, and cut them into chunks that can be answered apart from each other."""

from __future__ import annotations

import mmap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from reasoner.cohort.long_table import check_columns
from reasoner.errors import IncompleteError, InputError, UnsupportedInputError

__all__ = [
    "Chunk",
    "Source",
    "chunks_of",
    "line_number",
    "may_be_shared",
    "read_stretch",
    "require_unchanged",
    "sources_of",
]

_FORMATS = {
    ".nt": "n-triples",
    ".nq": "n-quads",
    ".parquet": "parquet",
    ".ttl": "document",
    ".trig": "document",
    ".jsonld": "document",
    ".rdf": "document",
    ".json": "fhir",
    ".ndjson": "fhir-ndjson",
}
_ORDER = ("n-triples", "n-quads", "parquet", "document", "fhir", "fhir-ndjson")
_GATHERED = 8 << 20
_FILES = 500
_STRETCH = 256 << 20
_SHARES = 5
_PIECE = 16 << 20
_ROWS = 512 * 1024


@dataclass(frozen=True, slots=True)
class Source:
    """One input file as it was when the run began."""

    path: str
    format: str
    size: int
    changed: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """A stretch of a source: bytes of a file of lines, row groups of a Parquet file; or sources, by place, that are read whole."""

    number: int
    source: int
    start: int
    end: int
    first: bool
    last: bool
    weight: int


def sources_of(paths: Iterable[str]) -> tuple[Source, ...]:
    """Return the files that `paths` name, those of folders included, sorted; raise InputError for what cannot be read."""
    found = []
    for path in _files(paths):
        suffix = path.suffix.lower()
        if suffix not in _FORMATS:
            raise UnsupportedInputError(
                "The format of the input is not known",
                where=str(path),
                why=f"the name ends in “{suffix}”",
                repair=f"use one of {' '.join(sorted(_FORMATS))}",
            )
        stat = path.stat()
        found.append(Source(str(path.resolve()), _FORMATS[suffix], stat.st_size, stat.st_mtime_ns))
    if not found:
        raise InputError(
            "There is no input", why="the folders hold no file that is read", repair=f"name files in {' '.join(sorted(_FORMATS))}"
        )
    return tuple(sorted(set(found), key=lambda each: (_ORDER.index(each.format), each.path)))


def _files(paths: Iterable[str]) -> Iterator[Path]:
    for name in paths:
        path = Path(name)
        if path.is_dir():
            yield from (each for each in sorted(path.rglob("*")) if each.suffix.lower() in _FORMATS and each.is_file())
        elif path.is_file():
            yield path
        else:
            once = name == "-"
            why, repair = ("it is read more than once", "write it into a file") if once else ("there is no such file", "check the path")
            raise InputError("The input cannot be read", where=name, why=why, repair=repair)


def may_be_shared(paths: Iterable[str]) -> bool:
    """Return whether the inputs may be large enough for more than one chunk."""
    found = [Path(path) for path in paths]
    return sum(path.stat().st_size for path in found if path.is_file()) > _GATHERED or any(path.is_dir() for path in found)


def chunks_of(sources: Iterable[Source]) -> tuple[Chunk, ...]:
    """Return the chunks of all sources; they depend on the sources alone."""
    found: list[Chunk] = []
    every = tuple(sources)
    for index, source in enumerate(every):
        if source.format not in ("n-triples", "n-quads", "parquet"):
            break
        cuts = _row_groups(source) if source.format == "parquet" else _stretches(source)
        for place, (start, end, weight) in enumerate(cuts):
            found.append(Chunk(len(found), index, start, end, place == 0, place == len(cuts) - 1, weight))
    for start, end in _gathered(every):
        size = sum(each.size for each in every[start:end])
        found.append(Chunk(len(found), start, start, end, True, True, max(size, 1)))
    return tuple(found)


def _gathered(sources: tuple[Source, ...]) -> Iterator[tuple[int, int]]:
    """Yield the runs of sources that are read whole and together; those of a bulk export may all refer to each other."""
    start = size = 0
    for place, source in enumerate(sources):
        full = size >= _GATHERED or place - start >= _FILES
        if place > start and (source.format != sources[start].format or (full and source.format != "fhir-ndjson")):
            if sources[start].format in ("document", "fhir", "fhir-ndjson"):
                yield start, place
            start, size = place, 0
        if source.format in ("n-triples", "n-quads", "parquet"):
            start, size = place + 1, 0
        else:
            size += source.size
    if start < len(sources):
        yield start, len(sources)


def _stretches(source: Source) -> list[tuple[int, int, int]]:
    """Return stretches by twos that become shorter towards the end, so that processes that share them, of which most machines run two or four,
    end at about the same time.

    Those of a smaller file are shorter, so that there are enough of them to share and each process claims less memory; but what fits
    into one stretch is read as one, in whatever order its lines stand.
    """
    if source.size <= _STRETCH * 3 // 4:
        return [(0, source.size, source.size)]
    longest = min(max(source.size // _SHARES, _STRETCH // 4), _STRETCH)
    shortest = max(longest // 3, _STRETCH // 8)
    cuts: list[tuple[int, int, int]] = []
    start = 0
    while (left := source.size - start) > 0:
        count, size = 2, min(left // 3, longest)
        if left < 6 * shortest:
            count = max(left // shortest // 2 * 2, 1)
            size = -(-left // count)
        for _ in range(count):
            end = min(start + size, source.size)
            cuts.append((start, end, end - start))
            start = end
    return cuts


def _row_groups(source: Source) -> list[tuple[int, int, int]]:
    from pyarrow import ArrowException, parquet

    try:
        metadata = parquet.read_metadata(source.path)
        check_columns(metadata.schema.to_arrow_schema(), source.path)
    except (ArrowException, OSError, InputError):
        return [(0, 0, 1)]  # a single chunk, whose answer says why
    cuts: list[tuple[int, int, int]] = []
    start, rows = 0, 0
    for group in range(metadata.num_row_groups):
        size = metadata.row_group(group).num_rows
        if rows and rows + size > _ROWS:
            cuts.append((start, group, rows))
            start, rows = group, 0
        rows += size
    return [*cuts, (start, metadata.num_row_groups, rows)]


def read_stretch(path: str, start: int, end: int) -> memoryview:
    """Return the whole lines that begin in a stretch of a file, mapped: to copy them takes a thirtieth of a run.

    Raise IncompleteError when the file is shorter than the stretch. A file that is cut short later ends the process that reads it, by SIGBUS.
    """
    with Path(path).open("rb") as file:
        start, end = (_line_at(file, place) for place in (start, end))
        if start == end:
            return memoryview(b"")
        edge = start - start % mmap.ALLOCATIONGRANULARITY
        try:
            held = mmap.mmap(file.fileno(), end - edge, access=mmap.ACCESS_READ, offset=edge)
        except ValueError as error:
            raise _changed(path, "it is shorter than when the run began") from error
        return memoryview(held)[start - edge :]


def require_unchanged(sources: Iterable[Source]) -> None:
    """Raise IncompleteError when an input is no longer the file that it was when the run began, OSError when it is not there."""
    for source in sources:
        stat = Path(source.path).stat()
        if (stat.st_size, stat.st_mtime_ns) != (source.size, source.changed):
            raise _changed(source.path, "its size or its time of change is another than when the run began")


def _changed(path: str, why: str) -> IncompleteError:
    repair = "repeat the command when nothing writes to the file"
    return IncompleteError("An input was changed while it was read", where=path, why=why, repair=repair)


def line_number(path: str, start: int) -> int:
    """Return the number of the first line that begins in a stretch of a file."""
    with Path(path).open("rb") as file:
        left = _line_at(file, start)
        file.seek(0)
        number = 1
        while left > 0:
            part = file.read(min(left, _PIECE))
            number += part.count(b"\n")
            left -= len(part) or left
        return number


def _line_at(file: BufferedReader, place: int) -> int:
    """Return where the first line begins that does not begin before a place."""
    if not place:
        return 0
    file.seek(place - 1)
    return place - 1 + len(file.readline())
