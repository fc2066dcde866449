"""Hold a chunk as columns: its cases, its records, and which cases are regular enough to be answered as columns.

A case is regular when every node of it is an IRI, has one type of the vocabulary, states each property once, in a form that
neither reading nor a shape remarks upon, and names terms of the ontology; and when no other case shares its records.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from reasoner.cohort.grouping import Grouping
from reasoner.cohort.lexicon import ABOUTS, KINDS, PROPERTIES, SUBJECT, Flags, Ids, Lexicon
from reasoner.cohort.long_table import ABOUT, CASE
from reasoner.cohort.packing import distinct, packed
from reasoner.cohort.remarks import Remark, Remarks
from reasoner.cohort.triples import Codes, Triples, iris_of
from reasoner.namespaces import LC, RDF
from reasoner.program.model import Program
from reasoner.terms import lc

__all__ = ["Batch", "Stated", "from_triples", "judged"]

_TYPE, _CASE, _HAS_RECORD = RDF + "type", lc("Case"), lc("hasRecord")
_ABOUT_CASE = tuple(column.property for column in CASE[1:])
_SORTS = ("Finding", "Investigation", "Drug", "Investigation", "Condition", "")
_CLOSURE = len(KINDS) - 1
_KINDS = {f"<{name}>": place for place, name in enumerate((*KINDS, _CASE))}


@dataclass(frozen=True)
class Stated:
    """What the cases of a chunk and their records state, as columns of numbers into a lexicon, before any of it is looked at.

    `irregular` marks the cases that must be answered alone. Records are those of all cases; `case` gives the place of the case of each,
    `kind` its place among the kinds, `stated` what is stated of it by property, `names` its name. What is stated of a case as its subject
    is a place among `subjects`.
    """

    cases: pa.StringArray
    names: pa.DictionaryArray | pa.ChunkedArray
    subjects: pa.StringArray
    irregular: Flags
    about_case: dict[str, Ids]
    case: Ids
    kind: Ids
    stated: dict[str, Ids]

    @property
    def size(self) -> int:
        """Return the number of cases."""
        return len(self.irregular)


@dataclass(frozen=True)
class Batch(Stated):
    """The cases of a chunk and their records after all that they state was looked at.

    `term` gives the place of what a record is about among the terms of the program. A record that is left out has the kind −1.
    `remarks` holds what is remarked on records, with the places of case and record.
    """

    term: Ids
    remarks: tuple[tuple[int, int, Remark], ...]

    def part(self, cases: Ids) -> tuple[Batch, Ids]:
        """Return some of the cases, given in order, without what is remarked on their records, and the places that these have here."""
        place = np.full(self.size, -1, dtype=np.int64)
        place[cases] = np.arange(len(cases))
        rows = np.flatnonzero(place[self.case] >= 0)
        chosen = pa.array(cases)
        found = Batch(
            cases=self.cases.take(chosen),
            names=self.names.take(pa.array(rows)),
            subjects=self.subjects,
            irregular=self.irregular[cases],
            about_case={name: ids[cases] for name, ids in self.about_case.items()},
            case=place[self.case[rows]],
            kind=self.kind[rows],
            stated={name: ids[rows] for name, ids in self.stated.items()},
            term=self.term[rows],
            remarks=(),
        )
        return found, rows


def from_triples(triples: Triples, grouping: Grouping, program: Program, lexicon: Lexicon, remarks: Remarks) -> tuple[Batch, Ids]:
    """Return the cases that a stretch holds whole as columns, and per subject the place of its case; −1 for other subjects."""
    nodes = _nodes_of(triples, grouping)
    kind, columns, about_case = _stated(triples, nodes, lexicon)
    subjects = _subjects(triples, about_case[SUBJECT], nodes)
    case = nodes.owner[nodes.records]
    unknown = (kind < 0) | (kind >= len(KINDS))
    nodes.irregular[case[unknown]] = True
    kind[unknown] = _CLOSURE
    iris = iris_of(triples.subjects)
    cases, names = iris.take(pa.array(nodes.cases)), pa.DictionaryArray.from_arrays(pa.array(nodes.records), iris)
    stated = Stated(cases, names, subjects, nodes.irregular[:-1].copy(), about_case, case, kind, columns)
    return judged(stated, program, lexicon, remarks), nodes.owner


@dataclass(frozen=True, slots=True)
class _Nodes:
    """The subjects that are cases and those that are their records; `owner` gives the place of the case of each subject, or −1.

    The last place of `irregular` takes what belongs to no case.
    """

    cases: Ids
    records: Ids
    owner: Ids
    irregular: Flags

    def slots(self) -> Codes:
        """Return the place of each subject among records and, after them, cases; for other subjects their number."""
        found = np.full(len(self.owner), len(self.records) + len(self.cases), dtype=np.int32)
        found[self.cases] = np.arange(len(self.records), len(self.records) + len(self.cases))
        found[self.records] = np.arange(len(self.records))
        return found


def _nodes_of(triples: Triples, grouping: Grouping) -> _Nodes:
    """Return the whole cases with their records; a case is irregular when it shares one, or links a node of another sort."""
    count = len(triples.subjects)
    named = pc.starts_with(triples.subjects, "<").to_numpy(zero_copy_only=False)
    cases = np.flatnonzero(grouping.cases & grouping.kept & named)
    owner = np.full(count, -1, dtype=np.int64)
    owner[cases] = np.arange(len(cases))
    irregular = np.zeros(len(cases) + 1, dtype=bool)
    held = grouping.kept[grouping.holders] & (owner[grouping.holders] >= 0)
    targets, holders = grouping.targets[held], grouping.holders[held]
    if not (targets[1:] > targets[:-1]).all():
        targets, holders = np.divmod(np.unique(targets.astype(np.int64) * count + holders), max(count, 1))
    links = np.bincount(targets, minlength=count)
    irregular[owner[holders[(links > 1)[targets] | grouping.cases[targets] | ~named[targets]]]] = True
    irregular[owner[targets[grouping.cases[targets]]]] = True
    irregular[owner[grouping.dangling]] = True
    apart = ~grouping.cases[targets]
    owner[targets[apart]] = owner[holders[apart]]
    return _Nodes(cases, np.flatnonzero((links > 0) & ~grouping.cases), owner, irregular)


def _stated(triples: Triples, nodes: _Nodes, lexicon: Lexicon) -> tuple[Ids, dict[str, Ids], dict[str, Ids]]:
    """Return the kinds of the records, and what is stated of records and of cases; odd statements make their case irregular."""
    records, size = len(nodes.records), len(nodes.records) + len(nodes.cases)
    holder = np.append(nodes.owner[nodes.records], np.arange(len(nodes.cases)))
    nothing = np.full(size, -1, dtype=np.int64)
    columns = dict.fromkeys((_TYPE, *PROPERTIES), nothing)
    for name, slots, objects in _by_predicate(triples, nodes.slots(), size):
        if name in columns:
            slots, objects = _once(slots, objects, holder, nodes)
            columns[name] = nothing.copy()
            columns[name][slots] = objects if name == SUBJECT else _numbers(triples, objects, name, lexicon)
        elif name != _HAS_RECORD and (name.startswith(LC) or name in lexicon.watched):
            nodes.irregular[holder[slots]] = True
    kind = columns.pop(_TYPE)[:records].copy()
    of_records, of_cases = ({name: column[part] for name, column in columns.items()} for part in (slice(records), slice(records, None)))
    return kind, of_records, of_cases


def _subjects(triples: Triples, objects: Ids, nodes: _Nodes) -> pa.StringArray:
    """Return the IRIs of the subjects of cases, and let their places stand for the objects; a case about another node is irregular."""
    stated = np.flatnonzero(objects >= 0)
    distinct, back = np.unique(objects[stated], return_inverse=True)
    texts = triples.objects.take(pa.array(distinct))
    objects[stated] = back
    odd = ~pc.starts_with(texts, "<").to_numpy(zero_copy_only=False)
    nodes.irregular[:-1][stated[odd[back]]] = True
    return iris_of(texts)


def _by_predicate(triples: Triples, slots: Codes, size: int) -> Iterator[tuple[str, Codes, Codes]]:
    """Yield each predicate with subjects, by slot, and objects of its triples; those whose slot is `size` are left out."""
    codes = triples.p.astype(np.min_scalar_type(len(triples.predicates)))  # bytes are sorted in one pass
    order = np.argsort(codes, kind="stable")
    of_row = slots[triples.s]
    if (slots == size).any():
        order = order[of_row[order] < size]
    ends = np.cumsum(np.bincount(codes[order], minlength=len(triples.predicates))).tolist()
    of_row, objects = of_row[order], triples.o[order]
    for text, start, end in zip(triples.predicates.to_pylist(), (0, *ends), ends, strict=False):
        if start < end:
            yield text[1:-1], of_row[start:end], objects[start:end]


def _once(slots: Codes, objects: Codes, holder: Ids, nodes: _Nodes) -> tuple[Codes, Codes]:
    """Return subjects and objects of the triples of one predicate, each pair once; a subject with two objects is irregular."""
    if (slots[1:] > slots[:-1]).all() or np.bincount(slots).max() < 2:
        return slots, objects
    slots, objects = np.unique(np.stack([slots, objects]), axis=1)
    nodes.irregular[holder[slots[1:][slots[1:] == slots[:-1]]]] = True
    return slots, objects


def _numbers(triples: Triples, objects: Codes, name: str, lexicon: Lexicon) -> Ids:
    """Return the numbers of objects in a lexicon; those of types are the places of the kinds of nodes."""
    among = np.zeros(len(triples.objects), dtype=bool)
    among[objects] = True
    distinct = np.flatnonzero(among)
    texts = triples.objects.take(pa.array(distinct)).to_pylist()
    numbers = np.empty(len(among), dtype=np.int64)
    numbers[distinct] = [_KINDS.get(text, -1) for text in texts] if name == _TYPE else lexicon.numbers(name, texts)
    return numbers[objects]


def judged(read: Stated, program: Program, lexicon: Lexicon, remarks: Remarks) -> Batch:
    """Return the batch after every value, every set of properties and every term has been looked at; odd records are remarked on.

    The kinds and the irregular cases of what was read are changed in place.
    """
    irregular, case, kind, columns = read.irregular, read.case, read.kind, read.stated
    if not lexicon.whole:
        irregular[:] = True
    irregular[case[columns[SUBJECT] >= 0]] = True
    irregular[_odd(np.full(len(read.cases), len(KINDS)), read.about_case, lexicon) != 0] = True
    term = _terms(kind, columns, program, lexicon)
    odd = _odd(kind, columns, lexicon)
    some = np.flatnonzero(((odd != 0) | (term < 0)) & ~irregular[case])
    found = tuple(zip(case[some].tolist(), some.tolist(), _remarks(some, kind, odd, columns, lexicon, remarks), strict=True))
    left_out = term < 0
    left_out[[row for _, row, remark in found if remark.dropped]] = True
    kind[left_out], term[left_out] = -1, 0
    stated = {name: columns[name] for name in PROPERTIES if name not in ABOUTS}
    about = {name: read.about_case[name] for name in _ABOUT_CASE}
    return Batch(read.cases, read.names, read.subjects, irregular, about, case, kind, stated, term, found)


def _terms(kind: Ids, columns: dict[str, Ids], program: Program, lexicon: Lexicon) -> Ids:
    """Return the place of what each record is about among the terms of the program; −1 where it is none of the right sort."""
    term = np.full(len(kind), -1, dtype=np.int64)
    terms = {name: place for place, name in enumerate(program.sorts)}
    for number, name in enumerate(KINDS):
        rows = np.flatnonzero(kind == number)
        prop, sorts = ABOUT[name], {_SORTS[number]} if _SORTS[number] else {"Finding", "Drug"}
        known = [terms[value] if program.sorts.get(value) in sorts else -1 for value in lexicon.values[prop]]
        term[rows] = np.array([*known, -1], dtype=np.int64)[columns[prop][rows]]
    return term


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


def _remarks(some: Ids, kind: Ids, odd: Ids, columns: dict[str, Ids], lexicon: Lexicon, remarks: Remarks) -> list[Remark]:
    """Return what is remarked on some records; those that are alike in all that a remark depends on share theirs."""
    stated = [columns[name][some] for name in PROPERTIES]
    shown = (*ABOUTS, lc("sourceText"))
    told = [
        ids if name in shown else np.where(odd[some] >> bit & 1, ids, np.minimum(ids, 0))
        for bit, (name, ids) in enumerate(zip(PROPERTIES, stated, strict=True))
    ]
    first, back = distinct(packed([kind[some], odd[some], *told]))
    rows = zip(*(each[first].tolist() for each in (kind[some], odd[some], *stated)), strict=True)
    found = [_remark(number, bits, ids, lexicon, remarks) for number, bits, *ids in rows]
    return [found[number] for number in back.tolist()]


def _remark(number: int, odd: int, ids: Sequence[int], lexicon: Lexicon, remarks: Remarks) -> Remark:
    stated = {name: each for name, each in zip(PROPERTIES, ids, strict=True) if each >= 0}
    about = ABOUT[KINDS[number]]
    key = (
        number,
        odd,
        tuple(stated),
        stated.get(about),
        stated.get(lc("sourceText")),
        tuple(stated[name] for place, name in enumerate(PROPERTIES) if odd >> place & 1),
    )
    return remarks.on(key, number, stated, lexicon)
