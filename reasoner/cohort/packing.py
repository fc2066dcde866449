"""Give equal rows of columns equal numbers, name the first row of each, and sort small numbers fast."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from reasoner.cohort.lexicon import Ids

__all__ = ["distinct", "order_of", "packed"]

_WIDEST = 1 << 62


def packed(columns: Sequence[Ids]) -> Ids:
    """Return one number for each row that equal rows share and others do not; the numbers are in the order of the rows."""
    codes = np.zeros(len(columns[0]), dtype=np.int64)
    spread = 1
    for column in columns if len(codes) else ():
        least = int(column.min())
        width = int(column.max()) - least + 1
        if width == 1:
            continue
        if spread * width >= _WIDEST:
            first, back = distinct(codes)
            spread, ranks = len(first), np.empty_like(first)
            ranks[np.argsort(codes[first])] = np.arange(spread)
            codes = ranks[back]
        codes *= width
        codes += column
        codes -= least
        spread *= width
    return codes


def distinct(codes: Ids) -> tuple[Ids, Ids]:
    """Return where each number first stands, and per row the place of its number among those."""
    places = pa.array(codes).dictionary_encode().indices.to_numpy().astype(np.int64)
    return np.flatnonzero(np.diff(np.maximum.accumulate(places), prepend=-1)), places


def order_of(codes: Ids) -> Ids:
    """Return the places of numbers in their order, equal ones as they stand."""
    small = len(codes) > 0 and codes.min() >= 0 and codes.max() < 1 << 16  # such numbers are sorted in two passes
    return np.argsort(codes.astype(np.uint16) if small else codes, kind="stable")
