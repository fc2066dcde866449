"""Write a case and its records as RDF in the record vocabulary, the inverse of `reasoner.reading`.

A date that is neither a day, month, year nor instant of the years 1000 to 2999 (a period, an age) has no place in the
vocabulary: it is left out and counted, the record is written without it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal

from pyoxigraph import BlankNode, Literal, NamedNode, Triple

from reasoner.moments import Moment
from reasoner.namespaces import LC, RDF, XSD, curie
from reasoner.record import (
    Case,
    ClosureStatement,
    DiagnosisRecord,
    ExaminationRecord,
    FindingRecord,
    MeasurementRecord,
    MedicationRecord,
    Record,
    field_names,
)
from reasoner.record_terms import NUMBERS, TERMS, TEXTS, WORDS, instant_literal, moment_literal, property_name
from reasoner.terms import RecordKind, lc

__all__ = ["case_triples", "property_of", "records_of"]

_KINDS: dict[type[Record], str] = {
    FindingRecord: RecordKind.FINDING,
    MeasurementRecord: RecordKind.MEASUREMENT,
    MedicationRecord: RecordKind.MEDICATION,
    ExaminationRecord: RecordKind.EXAMINATION,
    DiagnosisRecord: RecordKind.DIAGNOSIS,
    ClosureStatement: RecordKind.CLOSURE,
}

Node = NamedNode | BlankNode


def property_of(field: str) -> str:
    """Return the property, as a CURIE, that states a field of a record or a case."""
    return curie(lc(property_name(field)))


def records_of(case: Case) -> Iterator[Record]:
    """Yield every record of a case."""
    for records in (case.findings, case.measurements, case.medications, case.examinations, case.diagnoses, case.closures):
        yield from records


def case_triples(case: Case, left: Counter[str]) -> Iterator[Triple]:
    """Yield the triples of a case and its records; what cannot be said is counted in `left`, by reason."""
    node = NamedNode(case.iri)
    yield Triple(node, NamedNode(RDF + "type"), NamedNode(lc("Case")))
    if case.subject != case.iri:
        yield Triple(node, NamedNode(lc("hasSubject")), NamedNode(case.subject))
    for name, moment in (("asOf", case.as_of), ("birthDate", case.birth)):
        yield from _date(node, name, moment, left)
    if case.stated_age is not None:
        yield _said(node, "statedAge", Literal(str(case.stated_age), datatype=NamedNode(XSD + "integer")))
    for record in records_of(case):
        found = _node(record.node)
        yield _said(node, "hasRecord", found)
        yield Triple(found, NamedNode(RDF + "type"), NamedNode(_KINDS[type(record)]))
        yield from _fields(found, record, left)


def _node(name: str) -> Node:
    return BlankNode(name[2:]) if name.startswith("_:") else NamedNode(name)


def _said(subject: Node, name: str, value: Node | Literal) -> Triple:
    return Triple(subject, NamedNode(lc(name)), value)


def _fields(node: Node, record: Record, left: Counter[str]) -> Iterator[Triple]:
    for field, value in _stated(record):
        name = property_name(field)
        if isinstance(value, tuple) and field == "attributes":
            yield from (Triple(node, NamedNode(attribute), NamedNode(iri)) for attribute, iri in value)
        elif name in TERMS:
            yield _said(node, name, NamedNode(str(value)))
        elif name in TEXTS:
            yield _said(node, name, Literal(str(value)))
        elif name in WORDS:
            yield _said(node, name, NamedNode(f"{LC}_{WORDS[name]}_{value}"))
        elif name in NUMBERS:
            yield _said(node, name, Literal(format(Decimal(str(value)), "f"), datatype=NamedNode(XSD + "decimal")))
        elif isinstance(value, Moment):
            yield from _date(node, name, value, left)


def _stated(record: Record) -> Iterable[tuple[str, object]]:
    """Return the fields of a record that are stated."""
    return [(name, value) for name in field_names(record) if name != "node" and (value := getattr(record, name)) not in (None, "", ())]


def _date(node: Node, name: str, moment: Moment | None, left: Counter[str]) -> Iterator[Triple]:
    if moment is None:
        return
    literal = instant_literal(moment) if name == "asOf" else moment_literal(moment)
    if literal is None:
        left[f"{curie(lc(name))} that is a period, an age or out of range, which the record vocabulary cannot say"] += 1
    else:
        yield _said(node, name, literal)
