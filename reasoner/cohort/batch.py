"""Hold a chunk as columns: its cases, its records, and which cases are regular enough to be answered as columns.

A case is regular when every node of it is an IRI, has one type of the vocabulary, states each property once, in a form that
neither reading nor a shape remarks upon, and names terms of the ontology; and when no other case shares its records.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from reasoner.cohort.grouping import Grouping
from reasoner.cohort.lexicon import ABOUTS, KINDS, PROPERTIES, Flags, Ids, Lexicon
from reasoner.cohort.long_table import ABOUT, CASE
from reasoner.cohort.remarks import Remark, Remarks
from reasoner.cohort.triples import Triples
from reasoner.namespaces import LC, RDF
from reasoner.program.model import Program
from reasoner.terms import lc

__all__ = ["Batch", "from_triples", "judged"]

_TYPE, _CASE, _HAS_RECORD = RDF + "type", lc("Case"), lc("hasRecord")
_ABOUT_CASE = tuple(column.property for column in CASE[1:])
_SORTS = ("Finding", "Investigation", "Drug", "Investigation", "Condition", "")
_CLOSURE = len(KINDS) - 1


@dataclass(frozen=True)
class Batch:
    """The cases of a chunk and their records as columns of numbers into a lexicon.

    `irregular` marks the cases that must be answered alone. Records are those of all cases; `case` gives the place of the
    case of each, `term` the place of what it is about among the terms of the program.
    `names` names all records, those left out included, and `origin` says which of them a record is; `remarks` holds what is
    remarked on records, with the place of the case and the place among `names`.
    """

    cases: pa.StringArray
    names: pa.StringArray
    irregular: Flags
    about_case: dict[str, Ids]
    case: Ids
    kind: Ids
    term: Ids
    stated: dict[str, Ids]
    origin: Ids
    remarks: tuple[tuple[int, int, Remark], ...]

    @property
    def size(self) -> int:
        """Return the number of cases."""
        return len(self.irregular)


def from_triples(triples: Triples, grouping: Grouping, program: Program, lexicon: Lexicon, remarks: Remarks) -> tuple[Batch, Ids]:
    """Return the cases that a stretch holds whole as columns, and per subject the place of its case; −1 for other subjects."""
    count = len(triples.subjects)
    named = pc.starts_with(triples.subjects, "<").to_numpy(zero_copy_only=False)
    nodes = np.flatnonzero(grouping.cases & grouping.kept & named)
    owner = np.full(count, -1, dtype=np.int64)
    owner[nodes] = np.arange(len(nodes))
    irregular = np.zeros(len(nodes) + 1, dtype=bool)  # the last place takes what belongs to no case
    held = grouping.kept[grouping.holders] & (owner[grouping.holders] >= 0)
    pairs = np.unique(np.stack([grouping.targets[held], grouping.holders[held]]), axis=1)
    targets, holders = pairs
    twice = np.bincount(targets, minlength=count) > 1
    irregular[owner[holders[twice[targets] | grouping.cases[targets] | ~named[targets]]]] = True
    irregular[owner[grouping.dangling]] = True
    records = np.flatnonzero(np.bincount(targets, minlength=count) > 0)
    owner[targets[~grouping.cases[targets]]] = owner[holders[~grouping.cases[targets]]]
    place = np.full(count, -1, dtype=np.int64)
    place[records] = np.arange(len(records))
    of_case = np.full(count, -1, dtype=np.int64)
    of_case[nodes] = np.arange(len(nodes))

    columns: dict[str, Ids] = {name: np.full(len(records), -1, dtype=np.int64) for name in PROPERTIES}
    about_case: dict[str, Ids] = {name: np.full(len(nodes), -1, dtype=np.int64) for name in PROPERTIES}
    kind = np.full(len(records), -1, dtype=np.int64)
    order = np.argsort(triples.p, kind="stable")
    bounds = np.searchsorted(triples.p[order], np.arange(len(triples.predicates) + 1))
    for number, name in enumerate(text[1:-1] for text in triples.predicates.to_pylist()):
        rows = order[bounds[number] : bounds[number + 1]]
        rows = rows[owner[triples.s[rows]] >= 0]
        if not len(rows) or name == _HAS_RECORD:
            continue
        subjects, objects = triples.s[rows], triples.o[rows]
        again = np.bincount(subjects, minlength=count)[subjects] > 1
        if again.any():
            single, first = np.unique(np.stack([subjects, objects]), axis=1, return_index=True)
            subjects, objects = subjects[first], objects[first]
            again = np.bincount(single[0], minlength=count)[subjects] > 1
            irregular[owner[subjects[again]]] = True
        if name == _TYPE:
            kinds = _kinds(triples, objects)
            record = place[subjects] >= 0
            irregular[owner[subjects[np.where(record, kinds >= len(KINDS), kinds != len(KINDS)) | (kinds < 0)]]] = True
            kind[place[subjects[record]]] = kinds[record]
        elif name in columns:
            ids = _numbers(triples, objects, name, lexicon)
            record, about = place[subjects] >= 0, of_case[subjects] >= 0
            columns[name][place[subjects[record]]] = ids[record]
            about_case[name][of_case[subjects[about]]] = ids[about]
        elif name.startswith(LC) or name in lexicon.watched:
            irregular[owner[subjects]] = True
    unknown = (kind < 0) | (kind >= len(KINDS))
    irregular[owner[records[unknown]]] = True
    kind[unknown] = _CLOSURE
    names = pc.utf8_slice_codeunits(triples.subjects.take(pa.array(nodes)), 1, -1)
    named_records = pc.utf8_slice_codeunits(triples.subjects.take(pa.array(records)), 1, -1)
    batch = judged(names, named_records, irregular[:-1].copy(), about_case, owner[records], kind, columns, program, lexicon, remarks)
    return batch, owner


def _kinds(triples: Triples, objects: Any) -> Ids:
    known = {f"<{name}>": number for number, name in enumerate((*KINDS, _CASE))}
    distinct, back = np.unique(objects, return_inverse=True)
    found = np.array([known.get(text, -1) for text in triples.objects.take(pa.array(distinct)).to_pylist()], dtype=np.int64)
    return found[back]


def _numbers(triples: Triples, objects: Any, name: str, lexicon: Lexicon) -> Ids:
    distinct, back = np.unique(objects, return_inverse=True)
    return lexicon.numbers(name, triples.objects.take(pa.array(distinct)).to_pylist())[back]


def judged(
    cases: pa.StringArray,
    names: pa.StringArray,
    irregular: Flags,
    about_case: dict[str, Ids],
    case: Ids,
    kind: Ids,
    columns: dict[str, Ids],
    program: Program,
    lexicon: Lexicon,
    remarks: Remarks,
) -> Batch:
    """Return the batch after every value, every set of properties and every term has been looked at; odd records are remarked on."""
    if not lexicon.whole:
        irregular[:] = True
    everyone = np.arange(len(cases))
    irregular[_odd(np.full(len(cases), len(KINDS)), about_case, lexicon).any(axis=0)] = True
    term = np.full(len(case), -1, dtype=np.int64)
    terms = {name: place for place, name in enumerate(program.sorts)}
    for number, name in enumerate(KINDS):
        rows = np.flatnonzero(kind == number)
        prop, sorts = ABOUT[name], {_SORTS[number]} if _SORTS[number] else {"Finding", "Drug"}
        known = [terms[value] if program.sorts.get(value) in sorts else -1 for value in lexicon.values[prop]]
        term[rows] = np.array([*known, -1], dtype=np.int64)[columns[prop][rows]]
    odd = _odd(kind, columns, lexicon)
    some = np.flatnonzero((odd.any(axis=0) | (term < 0)) & ~irregular[case])
    found = tuple((int(case[row]), int(row), _remark(int(row), odd[:, row], kind, columns, lexicon, remarks)) for row in some)
    kept = term >= 0
    kept[[row for _, row, remark in found if remark.dropped]] = False
    origin = np.flatnonzero(kept)
    stated = {name: columns[name][origin] for name in PROPERTIES if name not in ABOUTS}
    about = {name: about_case[name][everyone] for name in _ABOUT_CASE}
    return Batch(cases, names, irregular, about, case[origin], kind[origin], term[origin], stated, origin, found)


def _odd(kind: Ids, columns: dict[str, Ids], lexicon: Lexicon) -> Any:
    """Return per property and node whether its value is odd; the last row says whether its set of properties is."""
    mask = np.zeros(len(kind), dtype=np.int64)
    odd = np.zeros((len(PROPERTIES) + 1, len(kind)), dtype=bool)
    for bit, name in enumerate(PROPERTIES):
        ids = columns[name]
        rows = np.flatnonzero(ids >= 0)
        if not len(rows):
            continue
        mask[rows] |= 1 << bit
        kinds = kind[rows]
        for number in np.unique(kinds).tolist():
            own = rows[kinds == number]
            odd[bit, own] = ~lexicon.is_regular(number, name, ids[own])
    codes = mask * (len(KINDS) + 1) + kind
    distinct, back = np.unique(codes, return_inverse=True)
    built = [lexicon.is_built(code % (len(KINDS) + 1), code // (len(KINDS) + 1)) for code in distinct.tolist()]
    odd[-1] = ~np.array(built, dtype=bool)[back] if len(built) else False
    return odd


def _remark(row: int, odd: Any, kind: Ids, columns: dict[str, Ids], lexicon: Lexicon, remarks: Remarks) -> Remark:
    number = int(kind[row])
    stated = {name: int(columns[name][row]) for name in PROPERTIES if columns[name][row] >= 0}
    about = ABOUT[KINDS[number]]
    key = (
        number,
        tuple(stated),
        stated.get(about),
        stated.get(lc("sourceText")),
        tuple(stated[name] for place, name in enumerate(PROPERTIES) if odd[place]),
    )
    return remarks.on(key, number, stated, lexicon)
