"""Read cases and their records from an indexed RDF document."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from operator import attrgetter
from typing import Any, TypeVar

from pyoxigraph import BlankNode, Literal, NamedNode

from reasoner.errors import shortened
from reasoner.literals import plain_number
from reasoner.moments import Moment, parse_moment
from reasoner.namespaces import LC, LCG, RDF, curie
from reasoner.program.model import Program
from reasoner.record import (
    Case,
    ClosureStatement,
    DiagnosisRecord,
    ExaminationRecord,
    FindingRecord,
    Index,
    MeasurementRecord,
    MedicationRecord,
    Problem,
    Record,
    Term,
    field_names,
    record_order,
)
from reasoner.record_terms import DATES, NUMBERS, TERMS, WORDS, property_name
from reasoner.terms import RecordKind, lc

__all__ = ["foreign_terms", "read_cases", "stated_records", "unread_nodes"]

_LONGEST_NAME = 100
_NEARNESS = 0.75
_ASCII = frozenset(range(128)) - {ord("\n")}
_TYPE = RDF + "type"
_CASE = NamedNode(lc("Case"))
_HAS_RECORD = lc("hasRecord")

# --- values ----------------------------------------------------------------------------------------------------------

Convert = Callable[["_Reader", str, str], Any]
"""Reads the text of a property's value, which is not empty; what cannot be read is noted."""

Column = tuple[str, type[NamedNode | Literal], Convert, Any]
"""A property, the kind of node its value is, what reads the value, and what stands for one that is not stated."""


class _Reader:
    """The node that is being read; every reading problem is noted, none raised."""

    __slots__ = ("node", "problems", "program", "properties")

    def __init__(self, program: Program) -> None:
        self.program = program
        self.problems: list[Problem] = []
        self.properties: Mapping[str, list[Term]] = {}
        self.node = ""

    def note(self, code: str, text: str, term: str, repair: str) -> None:
        """Note a problem of the current node."""
        self.problems.append(Problem(code, text, term, (self.node,), repair))

    def term(self, name: str, sorts: Sequence[str]) -> str | None:
        """Return a declared term of one of `sorts`, or None; an unknown one is noted with near matches of the first sort."""
        iri = self.first(name, NamedNode)
        if self.program.sorts.get(iri) in sorts:
            return iri
        sort = sorts[0]
        if not iri:
            self.note("no-term", f"the record names no {sort.lower()}", name, f"state {curie(name)}")
            return None
        hint = _near(iri, self.program.local_names.get(sort, ())) or f"use a {sort.lower()} of the ontology"
        self.note("unknown-term", f"{shortened(curie(iri))} is no {sort.lower()} of the ontology", iri, hint)
        return None

    def first(self, name: str, kind: type[NamedNode | Literal]) -> str:
        """Return the text of a property's first IRI or literal, or the empty string."""
        for value in self.properties.get(name, ()):
            if type(value) is kind:
                return value.value
        return ""

    def fields(self, table: Sequence[Column]) -> list[Any]:
        """Return the values of properties, in the order of `table`."""
        properties = self.properties
        row = []
        for name, kind, convert, absent in table:
            if name in properties:
                value = properties[name][0]
                text = value.value if type(value) is kind else self.first(name, kind)
                row.append(convert(self, name, text) if text else absent)
            else:
                row.append(absent)
        return row


def _text(read: _Reader, name: str, text: str) -> str:
    return text


def _word(stem: str) -> Convert:
    """Return what reads the word after `stem` in a value-list term; the empty string when there is none."""
    length = len(stem)

    def convert(read: _Reader, name: str, iri: str) -> str:
        return iri[length:] if iri.startswith(stem) else ""

    return convert


def _moment(read: _Reader, name: str, text: str) -> Moment | None:
    """Return a date, or None; a malformed one is noted."""
    found = parse_moment(text)
    if found is None:
        read.note("malformed-date", f"“{shortened(text)}” is no date", name, "write YYYY-MM-DD, YYYY-MM, YYYY or a dateTime")
    return found


def _number(read: _Reader, name: str, text: str) -> Decimal | None:
    """Return a finite decimal, or None; a malformed one is noted."""
    found = plain_number(text)
    if found is None:
        read.note("malformed-number", f"“{shortened(text)}” is no number", name, "write a plain decimal number")
    return found


def _near(iri: str, known: Sequence[str]) -> str:
    """Ask for the terms whose local names, among those known, are nearly that of `iri`; return the empty string when there are none."""
    name = iri.removeprefix(LC)
    if not 0 < len(name) <= _LONGEST_NAME:
        return ""
    near = difflib.get_close_matches(name, _alike(name, known), 3, _NEARNESS)
    return f"did you mean {' or '.join(f'lc:{each}' for each in near)}?" if near else ""


def _alike(name: str, known: Sequence[str]) -> list[str]:
    """Return the known names so much of whose letters occur in `name` that they may be near it; one pass over all tells, which is cheap."""
    others = dict.fromkeys(_ASCII.difference(map(ord, name)))
    shared = [*map(len, "\n".join(known).translate(others).split("\n"))]
    least = _NEARNESS * len(name) / (2 - _NEARNESS)  # so much must be shared by a name that has no other letters
    some = [(known[place], count) for place, count in enumerate(shared) if count >= least]
    return [each for each, count in some if 2 * min(count, len(name)) >= _NEARNESS * (len(each) + len(name))]


# --- records ---------------------------------------------------------------------------------------------------------


def _columns(kind: type[Record]) -> tuple[Column, ...]:
    """Return how the fields of a record are read, in their order, but for its node, its term, its words and its attributes."""
    names = [property_name(field) for field in field_names(kind) if field not in ("node", "text", "attributes")]
    return tuple(_column(name) for name in names if name not in TERMS)


def _column(name: str) -> Column:
    if name in WORDS:
        return lc(name), NamedNode, _word(f"{LC}_{WORDS[name]}_"), ""
    if name in DATES:
        return lc(name), Literal, _moment, None
    if name in NUMBERS:
        return lc(name), Literal, _number, None
    return lc(name), Literal, _text, None if name == "unit" else ""


_MEDICATION, _EXAMINATION = _columns(MedicationRecord), _columns(ExaminationRecord)
_ATTRIBUTES = (lc("extent"), lc("completeness"), lc("result"))
_ABOUT_CASE = (
    (lc("asOf"), Literal, _moment, None),
    (lc("birthDate"), Literal, _moment, None),
    (lc("statedAge"), Literal, _number, None),
    (lc("hasSubject"), NamedNode, _text, ""),
)
_OF_TEST, _OF_DRUG, _SOURCE_TEXT = lc("ofTest"), lc("ofDrug"), lc("sourceText")


def _about(kind: type[Record], name: str) -> Callable[[_Reader], Record | None]:
    """Return what reads a record that is about the one term named by a property, given by its local name."""
    of, sorts, columns = lc(name), TERMS[name], _columns(kind)

    def record(read: _Reader) -> Record | None:
        term = read.term(of, sorts)
        return None if term is None else kind(read.node, term, *read.fields(columns))

    return record


def _medication(read: _Reader) -> MedicationRecord | None:
    text = read.first(_SOURCE_TEXT, Literal)
    named = not text or read.first(_OF_DRUG, NamedNode)
    drug = read.term(_OF_DRUG, TERMS["ofDrug"]) if named else None
    return None if drug is None and not text else MedicationRecord(read.node, drug, text, *read.fields(_MEDICATION))


def _examination(read: _Reader) -> ExaminationRecord | None:
    test = read.term(_OF_TEST, TERMS["ofTest"])
    if test is None:
        return None
    attributes = tuple([(name, value) for name in _ATTRIBUTES if (value := read.first(name, NamedNode))])
    return ExaminationRecord(read.node, test, attributes, *read.fields(_EXAMINATION))


_READERS: Mapping[str, Callable[[_Reader], Record | None]] = {
    RecordKind.FINDING: _about(FindingRecord, "ofFinding"),
    RecordKind.MEASUREMENT: _about(MeasurementRecord, "ofTest"),
    RecordKind.MEDICATION: _medication,
    RecordKind.EXAMINATION: _examination,
    RecordKind.DIAGNOSIS: _about(DiagnosisRecord, "ofCondition"),
    RecordKind.CLOSURE: _about(ClosureStatement, "closes"),
}

# --- cases -----------------------------------------------------------------------------------------------------------


def read_cases(index: Index, program: Program, refused: Iterable[str] = ()) -> tuple[Case, ...]:
    """Return the cases of a document, sorted by IRI; cases and records in `refused` (node texts) are left out.

    A record without a known kind or term becomes a problem of its case, never an exception.
    """
    barred = frozenset(refused)
    foreign = not program.vocabulary.issuperset(set().union(*index.values()))
    cases = [
        _case(node, index, program, barred, foreign)
        for node, properties in index.items()
        if _CASE in properties.get(_TYPE, ()) and type(node) is NamedNode and node.value not in barred
    ]
    return tuple(sorted(cases, key=attrgetter("iri")))


def stated_records(index: Index) -> Iterator[tuple[str, str]]:
    """Yield each record that a document states, with the IRI of its case; the empty text for a record that no case has."""
    linked = set()
    for case, properties in index.items():
        if _CASE in properties.get(_TYPE, ()) and type(case) is NamedNode:
            for target in properties.get(_HAS_RECORD, ()):
                if type(target) is NamedNode or type(target) is BlankNode:
                    linked.add(target)
                    yield case.value, _name(target)
    for node, properties in index.items():
        if node not in linked and any(type(kind) is NamedNode and kind.value in _READERS for kind in properties.get(_TYPE, ())):
            yield "", _name(node)


def unread_nodes(index: Index, program: Program, cases: Sequence[Case]) -> Iterator[Problem]:
    """Yield a problem for each record that no case has, and for what `foreign_terms` finds on it or on what is neither case nor record.

    `cases` are those of the document. Where every node of it is a case or a record that was read, that is told without looking at its nodes.
    """
    read = {each.node for case in cases for each in (*case.findings, *case.tests, *case.medications, *case.diagnoses, *case.closures)}
    if len(index) <= len(cases) + len(read):
        return
    known = {node: properties for node, properties in index.items() if _CASE in properties.get(_TYPE, ())}
    held = {target for properties in known.values() for target in properties.get(_HAS_RECORD, ())}
    rest = {node: properties for node, properties in index.items() if node not in known and node not in held}
    for node, properties in rest.items():
        if any(type(kind) is NamedNode and kind.value in _READERS for kind in properties.get(_TYPE, ())):
            yield Problem("no-case", "no case has the record, so it is not read", _HAS_RECORD, (_name(node),), "name it by lc:hasRecord")
    yield from foreign_terms(rest, program)


def foreign_terms(index: Index, program: Program) -> Iterator[Problem]:
    """Yield a problem for each property and class of our namespaces that does not exist, whatever node has it."""
    classes: list[str] = []
    for node, properties in index.items():
        read = _Reader(program)
        read.node, read.properties = _name(node), properties
        _note_foreign_terms(read)
        for kind in properties.get(_TYPE, ()):
            if type(kind) is NamedNode and kind.value.startswith((LC, LCG)) and kind.value not in program.labels:
                text = f"{shortened(curie(kind.value))} is no class of the vocabulary"
                classes = classes or [term[len(LC) :] for term in program.labels if term.startswith(LC) and term[len(LC)].isupper()]
                read.note("unknown-term", text, kind.value, _near(kind.value, classes) or "see ontology/record.ttl")
        yield from read.problems


def _name(node: NamedNode | BlankNode) -> str:
    return node.value if type(node) is NamedNode else str(node)


def _case(node: NamedNode, index: Index, program: Program, barred: frozenset[str], foreign: bool) -> Case:
    """Return a case with those of its records that are not barred; `foreign` says whether the document has properties that do not exist."""
    read = _Reader(program)
    read.node, read.properties = iri, properties = node.value, index[node]
    if foreign:
        _note_foreign_terms(read)
    as_of, birth, age, subject = read.fields(_ABOUT_CASE)
    records: dict[type[Any], list[Any]] = {}
    for target in properties.get(_HAS_RECORD, ()):
        if type(target) is NamedNode or type(target) is BlankNode:
            read.node = _name(target)
            if read.node not in barred:
                read.properties = index.get(target, {})
                found = _record(read, foreign)
                if found is not None:
                    records.setdefault(type(found), []).append(found)
    return Case(
        iri=iri,
        subject=subject or iri,
        as_of=as_of,
        birth=birth,
        stated_age=int(age) if age is not None else None,
        findings=_ordered(records.get(FindingRecord, ())),
        measurements=_ordered(records.get(MeasurementRecord, ())),
        medications=_ordered(records.get(MedicationRecord, ())),
        examinations=_ordered(records.get(ExaminationRecord, ())),
        diagnoses=_ordered(records.get(DiagnosisRecord, ())),
        closures=_ordered(records.get(ClosureStatement, ())),
        problems=tuple(read.problems),
    )


_Kind = TypeVar("_Kind", bound=Record)


def _ordered(records: Sequence[_Kind]) -> tuple[_Kind, ...]:
    return tuple(sorted(records, key=record_order) if len(records) > 1 else records)


def _record(read: _Reader, foreign: bool) -> Record | None:
    if not read.properties:
        read.note(
            "missing-record",
            "the case points at a record that the document does not hold",
            _HAS_RECORD,
            "add the record or remove the link",
        )
        return None
    for kind in read.properties.get(_TYPE, ()):
        reader = _READERS.get(kind.value) if type(kind) is NamedNode else None
        if reader is not None:
            if foreign:
                _note_foreign_terms(read)
            return reader(read)
    read.note("unknown-kind", "the record has no known kind", _TYPE, f"type it as one of {', '.join(map(curie, sorted(_READERS)))}")
    return None


def _note_foreign_terms(read: _Reader) -> None:
    """Note properties of our own namespace that the vocabulary does not have."""
    if read.program.vocabulary.issuperset(read.properties):
        return
    for name in read.properties:
        if name.startswith((LC, LCG)) and name not in read.program.labels:
            properties = [term[len(LC) :] for term in read.program.labels if term.startswith(LC) and term[len(LC)].islower()]
            text = f"{shortened(curie(name))} is no property of the vocabulary"
            read.note("unknown-term", text, name, _near(name, properties) or "see ontology/record.ttl")
