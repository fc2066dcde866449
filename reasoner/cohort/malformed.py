"""Say of lines that are no triples what is wrong with them, where they stand and whose they are."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from reasoner.cohort.grouping import Grouping
from reasoner.cohort.output import problem_rows
from reasoner.cohort.triples import Malformed, Text, Triples, lines_of
from reasoner.errors import shortened
from reasoner.record import Problem

__all__ = ["malformed_rows", "unsettled_lines"]


def malformed_rows(triples: Triples, grouping: Grouping, name: str, first: int) -> list[Sequence[Any]]:
    """Return a row of problems for each malformed line; `first` is the number of the first line, or 0 where lines have none."""
    if not triples.malformed:
        return []
    numbers = _numbers(triples.data, {each.text for each in triples.malformed}, first) if first else {}
    owners = _owners(triples, grouping)
    rows: list[Sequence[Any]] = []
    for each, case in zip(triples.malformed, owners, strict=True):
        known = numbers.get(each.text.strip())
        rows += problem_rows(case, [_problem(each, f"{name}:{known.pop(0)}" if known else name)])
    return rows


def unsettled_lines(triples: Triples, kept: np.ndarray[Any, np.dtype[np.bool_]]) -> bytes:
    """Return the malformed lines about what is not described whole here: whoever answers that must know of them."""
    places = _places(triples)
    lines = [each.text for each, place in zip(triples.malformed, places, strict=True) if each.subject and not (place >= 0 and kept[place])]
    return "".join(f"{line.strip()}\n" for line in lines).encode()


def _problem(line: Malformed, place: str) -> Problem:
    return Problem(
        "malformed-line",
        f"{place}: “{shortened(line.text)}” is no triple: {line.why}",
        "",
        (line.subject.strip("<>"),) if line.subject else (),
        "mend the line; the case it is about is not answered",
    )


def _places(triples: Triples) -> list[int]:
    """Return the places of the subjects of the malformed lines; −1 for those that are not described."""
    named = pa.array([each.subject for each in triples.malformed], pa.string())
    return pc.fill_null(pc.index_in(named, triples.subjects, skip_nulls=True), -1).to_pylist()  # type: ignore[no-any-return]


def _owners(triples: Triples, grouping: Grouping) -> list[str]:
    """Return the case that each malformed line is about; the empty text where there is none, or are several."""
    owner = np.full(len(triples.subjects) + 1, -1, dtype=np.int64)
    owner[grouping.targets] = grouping.holders
    owner[grouping.targets[owner[grouping.targets] != grouping.holders]] = -1
    own = np.flatnonzero(grouping.cases)
    owner[own] = own
    names = triples.subjects
    return [names[int(owner[place])].as_py()[1:-1] if owner[place] >= 0 else "" for place in _places(triples)]


def _numbers(data: Text, texts: Collection[str], first: int) -> dict[str, list[int]]:
    """Return the numbers of the lines that have some texts, white space around them apart."""
    wanted = {text.strip().encode() for text in texts}
    found: dict[str, list[int]] = {}
    for number, line in enumerate(lines_of(data), first):
        if (text := line.strip()) in wanted:
            found.setdefault(text.decode(), []).append(number)
    return found
