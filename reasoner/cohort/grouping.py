"""Find the cases among triples, whose records are whose, and which of them a stretch of a file holds whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from reasoner.cohort.triples import Codes, Triples, subjects_from
from reasoner.namespaces import RDF
from reasoner.terms import lc

__all__ = ["Grouping", "Hashes", "group", "hashes_of"]

Flags = np.ndarray[Any, np.dtype[np.bool_]]
Hashes = np.ndarray[Any, np.dtype[np.uint64]]

_TYPE, _CASE, _HAS_RECORD = (f"<{iri}>" for iri in (RDF + "type", lc("Case"), lc("hasRecord")))
_BASE, _FACTOR = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93)
_WORD = 8


@dataclass(frozen=True, slots=True)
class Grouping:
    """The subjects by what they are: `cases` are typed as such, `kept` are described whole, together with all they link.

    `holders` and `targets` are the subjects of each link from a case to a described record, `dangling` those that link
    something that is not described.
    """

    cases: Flags
    kept: Flags
    holders: Codes
    targets: Codes
    dangling: Codes


def group(triples: Triples, *, first: bool, last: bool) -> Grouping:
    """Return what the triples of one stretch say of cases; `first` and `last` say whether the stretch begins and ends the file.

    A subject at an open edge may go on beyond it, a record without a case or a case without its record may have it
    elsewhere: such cases are not kept, nor is what they share records with.
    """
    count = len(triples.subjects)
    typed = triples.p == _place(triples.predicates, _TYPE)
    cases = np.zeros(count, dtype=bool)
    cases[triples.s[typed & (triples.o == _place(triples.objects, _CASE))]] = True
    links = triples.p == _place(triples.predicates, _HAS_RECORD)
    linked = -1 - triples.o[links]
    holders = triples.s[links]
    whole = np.zeros(count, dtype=bool)
    whole[triples.s] = True
    linked[~whole[linked]] = -1
    if not (first and last):
        known = linked >= 0
        owned = cases.copy()
        owned[linked[known]] = True
        whole &= owned
        whole[holders[~known]] = False
        holding = cases.copy()
        holding[holders] = True
        for closed, end in ((first, False), (last, True)):
            if not closed:
                whole[_cut(triples, holding, end)] = False
        whole = _spread(whole, holders[known], linked[known])
    known = linked >= 0
    return Grouping(cases, whole, holders[known], linked[known], holders[~known])


def _cut(triples: Triples, holding: Flags, end: bool) -> list[int]:
    """Return the subjects between an open edge and the nearest case, that case included: they may go on beyond the edge."""
    found: dict[str, int] = {}
    for subject in subjects_from(triples.data, end=end):
        if subject not in found:
            found[subject] = _place(triples.subjects, subject)
            if found[subject] >= 0 and holding[found[subject]]:
                break
    return [place for place in found.values() if place >= 0]


def _spread(whole: Flags, holders: Codes, targets: Codes) -> Flags:
    """Return the subjects that are whole and linked with whole ones only."""
    while True:
        broken = ~(whole[holders] & whole[targets])
        found = whole.copy()
        found[holders[broken]] = False
        found[targets[broken]] = False
        if found.sum() == whole.sum():
            return found
        whole = found


def _place(terms: pa.StringArray, term: str) -> int:
    found: int = pc.index(terms, term).as_py()
    return found


def hashes_of(terms: pa.StringArray) -> Hashes:
    """Return a number for each text that equal texts share; unequal ones hardly ever do."""
    terms = pa.concat_arrays([terms]) if terms.offset else terms
    offsets = np.frombuffer(terms.buffers()[1], dtype=np.int32, count=len(terms) + 1)
    sizes = np.diff(offsets)
    found = sizes.astype(np.uint64) * _BASE
    short = sizes < _WORD
    if short.any():
        found[short] += hashes_of(pc.ascii_lpad(terms.filter(pa.array(short)), _WORD, "\0"))
    text = terms.buffers()[2]
    if text is None or short.all():
        return found
    words: Hashes = np.ndarray((text.size - _WORD + 1,), "<u8", text, strides=(1,))
    starts, last, least = offsets[:-1], offsets[1:] - _WORD, int(sizes.min())
    for place in range(0, int(sizes.max()), _WORD):
        every = place + _WORD <= least
        chosen = slice(None) if every else np.flatnonzero((sizes > place) & ~short)
        word = words[starts + place] if every else words[np.minimum(starts[chosen] + place, last[chosen])]
        word ^= found[chosen]
        word *= _FACTOR
        word ^= word >> np.uint64(32)
        found[chosen] = word
    return found
