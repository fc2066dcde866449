"""Hold a chunk as columns: its cases, its records, and which cases are regular enough to be answered as columns.

A case is regular when every node of it is an IRI, has one type of the vocabulary, states each property once, in a form that
neither reading nor a shape remarks upon, and names terms of the ontology; and when no other case shares its records.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from reasoner.cohort.grouping import Grouping
from reasoner.cohort.lexicon import ABOUTS, KINDS, PROPERTIES, SUBJECT, Flags, Ids, Lexicon
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
    What is stated of a case as its subject is a place among `subjects`. A record that is left out has the kind −1. `names` names the records; `remarks` holds what is remarked on records, with the
    places of case and record.
    """

    cases: pa.StringArray
    names: pa.StringArray
    subjects: pa.StringArray
    irregular: Flags
    about_case: dict[str, Ids]
    case: Ids
    kind: Ids
    term: Ids
    stated: dict[str, Ids]
    remarks: tuple[tuple[int, int, Remark], ...]

    @property
    def size(self) -> int:
        """Return the number of cases."""
        return len(self.irregular)


def from_triples(triples: Triples, grouping: Grouping, program: Program, lexicon: Lexicon, remarks: Remarks) -> tuple[Batch, Ids]:
    """Return the cases that a stretch holds whole as columns, and per subject the place of its case; −1 for other subjects."""
    nodes = _nodes_of(triples, grouping)
    kind, columns, about_case = _stated(triples, nodes, lexicon)
    subjects = _subjects(triples, about_case[SUBJECT], nodes)
    case = nodes.owner[nodes.records]
    unknown = (kind < 0) | (kind >= len(KINDS))
    nodes.irregular[case[unknown]] = True
    kind[unknown] = _CLOSURE
    cases, names = (pc.utf8_slice_codeunits(triples.subjects.take(pa.array(each)), 1, -1) for each in (nodes.cases, nodes.records))
    batch = judged(cases, names, subjects, nodes.irregular[:-1].copy(), about_case, case, kind, columns, program, lexicon, remarks)
    return batch, nodes.owner


@dataclass(frozen=True, slots=True)
class _Nodes:
    """The subjects that are cases and those that are their records; `owner` gives the place of the case of each subject, or −1.

    The last place of `irregular` takes what belongs to no case.
    """

    cases: Ids
    records: Ids
    owner: Ids
    irregular: Flags


def _nodes_of(triples: Triples, grouping: Grouping) -> _Nodes:
    """Return the whole cases with their records; a case is irregular when it shares one, or links a node of another sort."""
    count = len(triples.subjects)
    named = pc.starts_with(triples.subjects, "<").to_numpy(zero_copy_only=False)
    cases = np.flatnonzero(grouping.cases & grouping.kept & named)
    owner = _places(cases, count)
    irregular = np.zeros(len(cases) + 1, dtype=bool)
    held = grouping.kept[grouping.holders] & (owner[grouping.holders] >= 0)
    targets, holders = np.divmod(np.unique(grouping.targets[held].astype(np.int64) * count + grouping.holders[held]), max(count, 1))
    links = np.bincount(targets, minlength=count)
    irregular[owner[holders[(links > 1)[targets] | grouping.cases[targets] | ~named[targets]]]] = True
    irregular[owner[grouping.dangling]] = True
    apart = ~grouping.cases[targets]
    owner[targets[apart]] = owner[holders[apart]]
    return _Nodes(cases, np.flatnonzero(links), owner, irregular)


def _places(chosen: Ids, count: int) -> Ids:
    """Return the place of each subject among chosen ones; −1 for the others."""
    found = np.full(count, -1, dtype=np.int64)
    found[chosen] = np.arange(len(chosen))
    return found


def _stated(triples: Triples, nodes: _Nodes, lexicon: Lexicon) -> tuple[Ids, dict[str, Ids], dict[str, Ids]]:
    """Return the kinds of the records, and what is stated of records and of cases; odd statements make their case irregular."""
    owner, irregular = nodes.owner, nodes.irregular
    columns, about_case = ({name: np.full(len(each), -1, dtype=np.int64) for name in PROPERTIES} for each in (nodes.records, nodes.cases))
    kind = np.full(len(nodes.records), -1, dtype=np.int64)
    place, of_case = (_places(each, len(owner)) for each in (nodes.records, nodes.cases))
    for name, rows in _by_predicate(triples):
        rows = rows[owner[triples.s[rows]] >= 0]
        if not len(rows) or name == _HAS_RECORD:
            continue
        subjects, objects = _once(triples, rows, nodes)
        if name == _TYPE:
            kinds = _kinds(triples, objects)
            record = place[subjects] >= 0
            irregular[owner[subjects[np.where(record, kinds >= len(KINDS), kinds != len(KINDS)) | (kinds < 0)]]] = True
            kind[place[subjects[record]]] = kinds[record]
        elif name in columns:
            ids = objects if name == SUBJECT else _numbers(triples, objects, name, lexicon)
            record, about = place[subjects] >= 0, of_case[subjects] >= 0
            columns[name][place[subjects[record]]] = ids[record]
            about_case[name][of_case[subjects[about]]] = ids[about]
        elif name.startswith(LC) or name in lexicon.watched:
            irregular[owner[subjects]] = True
    return kind, columns, about_case


def _subjects(triples: Triples, objects: Ids, nodes: _Nodes) -> pa.StringArray:
    """Return the IRIs of the subjects of cases, and let their places stand for the objects; a case about another node is irregular."""
    stated = np.flatnonzero(objects >= 0)
    distinct, back = np.unique(objects[stated], return_inverse=True)
    texts = triples.objects.take(pa.array(distinct))
    objects[stated] = back
    odd = ~pc.starts_with(texts, "<").to_numpy(zero_copy_only=False)
    nodes.irregular[:-1][stated[odd[back]]] = True
    return pc.utf8_slice_codeunits(texts, 1, -1)


def _by_predicate(triples: Triples) -> Iterator[tuple[str, Ids]]:
    """Yield each predicate with the places of its triples."""
    order = np.argsort(triples.p, kind="stable")
    bounds = np.searchsorted(triples.p[order], np.arange(len(triples.predicates) + 1))
    for number, text in enumerate(triples.predicates.to_pylist()):
        yield text[1:-1], order[bounds[number] : bounds[number + 1]]


def _once(triples: Triples, rows: Ids, nodes: _Nodes) -> tuple[Any, Any]:
    """Return subjects and objects of the triples of one predicate, each pair once; a subject with two objects is irregular."""
    subjects, objects = triples.s[rows], triples.o[rows]
    if np.bincount(subjects).max() > 1:
        _, first = np.unique(subjects.astype(np.int64) * len(triples.objects) + objects, return_index=True)
        subjects, objects = subjects[first], objects[first]
        nodes.irregular[nodes.owner[subjects[np.bincount(subjects)[subjects] > 1]]] = True
    return subjects, objects


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
    subjects: pa.StringArray,
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
    irregular[case[columns[SUBJECT] >= 0]] = True
    irregular[_odd(np.full(len(cases), len(KINDS)), about_case, lexicon) != 0] = True
    term = np.full(len(case), -1, dtype=np.int64)
    terms = {name: place for place, name in enumerate(program.sorts)}
    for number, name in enumerate(KINDS):
        rows = np.flatnonzero(kind == number)
        prop, sorts = ABOUT[name], {_SORTS[number]} if _SORTS[number] else {"Finding", "Drug"}
        known = [terms[value] if program.sorts.get(value) in sorts else -1 for value in lexicon.values[prop]]
        term[rows] = np.array([*known, -1], dtype=np.int64)[columns[prop][rows]]
    odd = _odd(kind, columns, lexicon)
    some = np.flatnonzero(((odd != 0) | (term < 0)) & ~irregular[case])
    found = tuple((int(case[row]), int(row), _remark(int(row), int(odd[row]), kind, columns, lexicon, remarks)) for row in some)
    left_out = term < 0
    left_out[[row for _, row, remark in found if remark.dropped]] = True
    kind[left_out], term[left_out] = -1, 0
    stated = {name: columns[name] for name in PROPERTIES if name not in ABOUTS}
    about = {name: about_case[name] for name in _ABOUT_CASE}
    return Batch(cases, names, subjects, irregular, about, case, kind, term, stated, found)


def _odd(kind: Ids, columns: dict[str, Ids], lexicon: Lexicon) -> Ids:
    """Return per node the properties whose value is odd, as bits by place; the bit after theirs says that its set of properties is."""
    mask = np.zeros(len(kind), dtype=np.int64)
    odd = np.zeros(len(kind), dtype=np.int64)
    for bit, name in enumerate(PROPERTIES):
        ids = columns[name]
        rows = np.flatnonzero(ids >= 0)
        if len(rows):
            mask[rows] |= 1 << bit
        if len(rows) and name != SUBJECT:
            odd[rows[lexicon.is_odd(kind[rows], name, ids[rows])]] |= 1 << bit
    sets = pa.array(mask * (len(KINDS) + 1) + kind).dictionary_encode()
    built = [lexicon.is_built(code % (len(KINDS) + 1), code // (len(KINDS) + 1)) for code in sets.dictionary.to_pylist()]
    odd |= (~np.array(built, dtype=bool)).astype(np.int64)[sets.indices.to_numpy()] << len(PROPERTIES)
    return odd


def _remark(row: int, odd: int, kind: Ids, columns: dict[str, Ids], lexicon: Lexicon, remarks: Remarks) -> Remark:
    number = int(kind[row])
    stated = {name: int(columns[name][row]) for name in PROPERTIES if columns[name][row] >= 0}
    about = ABOUT[KINDS[number]]
    key = (
        number,
        tuple(stated),
        stated.get(about),
        stated.get(lc("sourceText")),
        tuple(stated[name] for place, name in enumerate(PROPERTIES) if odd >> place & 1),
    )
    return remarks.on(key, number, stated, lexicon)
