"""Find one case in the inputs of a cohort, so that it can be answered with its reasons."""

from __future__ import annotations

import mmap
from collections.abc import Iterable, Iterator
from pathlib import Path

from reasoner.answering import Records, load_records, read_records
from reasoner.cohort.gathering import LARGEST
from reasoner.cohort.rows import checked_rows, text_of_rows
from reasoner.cohort.sources import Source
from reasoner.documents import Document
from reasoner.errors import InputError, UsageError
from reasoner.program.model import Program
from reasoner.terms import lc

__all__ = ["find_case"]

_HAS_RECORD = f"<{lc('hasRecord')}>".encode()


def find_case(sources: Iterable[Source], iri: str, program: Program) -> Records:
    """Return the records of one case; raise UsageError when no input describes it."""
    unread: list[InputError] = []
    for source in sources:
        try:
            found = _found_in(source, iri, program)
        except InputError as error:
            unread.append(error)
            continue
        cases = tuple(case for case in found.cases if case.iri == iri)
        refused = tuple(problem for problem in found.problems if iri in problem.sources)
        if cases or refused:
            return Records(cases, refused, found.broken)
    if unread:
        raise unread[0]
    raise UsageError("The case is not described", where=iri, why="no input has it", repair="name a case of the table `cases`")


def _found_in(source: Source, iri: str, program: Program) -> Records:
    if source.format not in ("n-triples", "n-quads", "parquet"):
        return load_records([source.path], program, max_size=LARGEST)
    text = _rows(source.path, iri) if source.format == "parquet" else _lines(source.path, iri)
    form = "n-quads" if source.format == "n-quads" else "n-triples"
    return read_records(Document(source.path, text, form), program) if text else Records(())


def _rows(path: str, iri: str) -> bytes:
    import numpy as np
    from pyarrow import ArrowException, parquet

    try:
        table = checked_rows(parquet.read_table(path, filters=[("case", "=", iri)]), path)
    except (ArrowException, OSError) as error:
        why = str(error).partition("\n")[0]
        raise InputError("The Parquet file cannot be read", where=path, why=why, repair="write it anew") from error
    return text_of_rows(table, np.ones(len(table), dtype=bool))


def _lines(path: str, iri: str) -> bytes:
    """Return the lines about a case and about what it links."""
    with Path(path).open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
        own = list(_about(text, f"<{iri}>".encode()))
        fields = [line.split(None, 3) for line in own]
        targets = dict.fromkeys(each[2] for each in fields if len(each) > 2 and each[1] == _HAS_RECORD)
        return b"".join([*own, *(line for target in targets for line in _about(text, target))])


def _about(text: mmap.mmap, subject: bytes) -> Iterator[bytes]:
    place = text.find(subject)
    while place >= 0:
        start, end = text.rfind(b"\n", 0, place) + 1, text.find(b"\n", place) + 1 or len(text)
        if not text[start:place].strip() and text[place + len(subject) : place + len(subject) + 1].isspace():
            yield text[start:end].rstrip(b"\n") + b"\n"
        place = text.find(subject, end if end > place else place + 1)
