"""State as triples what is known, what a record says and what follows from both.

The knowledge graph is the ontology with what the compiler derived. The asserted graph is a record as it was written,
kept from saying what only the reasoner may say. The inferred graph of a case says for every case
class whether it is entailed, refuted or open, and for every term that the knowledge asks about whether it is present,
absent or unknown, so that a query needs no closed world. Both use the terms of `ontology/inferred.ttl`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from pyoxigraph import BlankNode, Literal, NamedNode, Quad, RdfFormat, Triple, parse

from reasoner.abstraction.state import CaseState
from reasoner.advice import IN_SCOPE, SCOPE_KEY
from reasoner.answer import CaseAnswer
from reasoner.blank_nodes import renamed_quads
from reasoner.documents import Document, parse_rdf
from reasoner.entailment import ENTAILED, OPEN, REFUTED, Statuses, entail_alternatives
from reasoner.namespaces import LC, LCG, OWL, PROV, RDF, RDFS, SKOS, XSD
from reasoner.program.model import Program
from reasoner.terms import ROLES, Role, lc

__all__ = [
    "asserted_graph",
    "asserted_triples",
    "compiled_graph",
    "inferred_from",
    "inferred_graph",
    "inferred_triples",
    "inferred_vocabulary",
    "knowledge_graph",
    "may_be_asserted",
    "record_vocabulary",
]

_NOUNS = {
    Role.FINDING: "Finding",
    Role.NEW_FINDING: "NewFinding",
    Role.RECENT_FINDING: "RecentFinding",
    Role.TAKES: "Exposure",
    Role.TAKEN: "LifetimeExposure",
    Role.TOOK_BEFORE_ONSET: "ExposureBeforeOnset",
    Role.STOPPED_WITH_RELIEF: "StoppingWithRelief",
    Role.STOPPED_WITHOUT_RELIEF: "StoppingWithoutRelief",
    Role.RECORDED_DIAGNOSIS: "Diagnosis",
}
_PRESENCES = {ENTAILED: "Present", REFUTED: "Absent", OPEN: "Unknown"}
_TYPE = NamedNode(RDF + "type")
_CASE = NamedNode(lc("Case"))
_OF_CLASS = {ENTAILED: _TYPE, REFUTED: NamedNode(lc("hasRefutedClass")), OPEN: NamedNode(lc("hasOpenClass"))}
_TENTH = Decimal("0.1")

Mark = NamedNode | BlankNode


def _node(name: str) -> NamedNode:
    return NamedNode(lc(name))


# --- the knowledge graph ----------------------------------------------------------------------------------------------


def knowledge_graph(folder: Path, program: Program) -> Iterator[Triple]:
    """Yield the triples of the ontology under `folder` and those that the compiler derived from it."""
    for path in sorted((folder / "ontology").rglob("*.ttl")):
        for quad in parse(path=str(path), format=RdfFormat.TURTLE, rename_blank_nodes=True):
            yield quad.triple
    yield from compiled_graph(program)


def compiled_graph(program: Program) -> Iterator[Triple]:
    """Yield what the compiler derived from the ontology: classes of advice, overriders, what classes depend on, decibans."""
    yield from _advice_classes(program)
    yield from _dependencies(program)
    for criterion in program.criteria:
        for name, weight in (("presentDecibans", criterion.present), ("absentDecibans", criterion.absent)):
            if weight is not None:
                yield Triple(NamedNode(criterion.iri), _node(name), _decimal(Decimal(weight).quantize(_TENTH)))


def _advice_classes(program: Program) -> Iterator[Triple]:
    """Yield for recommendations and verdicts their classes, and for recommendations what raises and overrides them."""
    pairs = [(each.iri, each.eligible, each.applicable) for each in program.recommendations]
    pairs += [
        (verdict.iri, verdict.eligible, verdict.applicable)
        for decision in program.decisions
        for verdict in decision.verdicts
        if verdict.eligible in program.classes
    ]
    for iri, eligible, applicable in pairs:
        for name, found in (("hasEligibleClass", eligible), ("hasApplicableClass", applicable)):
            yield Triple(NamedNode(iri), _node(name), NamedNode(found))
            yield Triple(NamedNode(found), _TYPE, NamedNode(OWL + "Class"))
            yield Triple(NamedNode(found), NamedNode(RDFS + "subClassOf"), _CASE)
            if found in program.labels:
                yield Triple(NamedNode(found), NamedNode(SKOS + "prefLabel"), Literal(program.labels[found], language="en"))
    for each in program.recommendations:
        yield Triple(NamedNode(each.iri), _node("isRaisedBy"), NamedNode(each.trigger))
        for above in each.overriders:
            yield Triple(NamedNode(each.iri), _node("isOverriddenBy"), NamedNode(above))
        for verdict in (each.verdict,) if each.verdict else _scope_verdicts(program) if each.presupposes_scope else ():
            yield Triple(NamedNode(each.iri), _node("restsOnVerdict"), NamedNode(verdict))


def _scope_verdicts(program: Program) -> list[str]:
    return [
        verdict.iri
        for decision in program.decisions
        if decision.key == SCOPE_KEY
        for verdict in decision.verdicts
        if verdict.word == IN_SCOPE
    ]


def _dependencies(program: Program) -> Iterator[Triple]:
    """Yield for every case class the terms at the bottom of its definition."""
    depends = _node("dependsOn")
    below: dict[int, frozenset[str]] = {}
    for bit in range(len(program.leaves)):
        below[bit] = frozenset({_leaf(program, bit)[1]})
    for index, gate in enumerate(program.gates):
        below[len(program.leaves) + index] = frozenset().union(*(below[part] for part in (*gate.positive, *gate.negative)))
    for name, (bit, _) in program.classes.items():
        for term in sorted(below[bit]):
            yield Triple(NamedNode(name), depends, NamedNode(term))


def _leaf(program: Program, bit: int) -> tuple[str | None, str]:
    """Return the role and the term that a leaf asks about; an indicator has no role."""
    subject, detail = program.leaves[bit]
    return (subject, detail) if subject in ROLES else (None, subject)


def _decimal(value: Decimal) -> Literal:
    return Literal(f"{value:f}", datatype=NamedNode(XSD + "decimal"))


# --- the asserted graph -----------------------------------------------------------------------------------------------


def record_vocabulary(folder: Path) -> frozenset[str]:
    """Return the terms of the project in which a record may be written."""
    quads = parse(path=str(folder / "ontology" / "record.ttl"), format=RdfFormat.TURTLE)
    return frozenset({_CASE.value}) | {quad.subject.value for quad in quads if isinstance(quad.subject, NamedNode)}


def inferred_vocabulary(folder: Path) -> frozenset[str]:
    """Return the terms in which only the reasoner speaks."""
    quads = parse(path=str(folder / "ontology" / "inferred.ttl"), format=RdfFormat.TURTLE)
    return frozenset(quad.subject.value for quad in quads if isinstance(quad.subject, NamedNode) and _is_ours(quad.subject))


def asserted_graph(document: Document, vocabulary: frozenset[str], prefix: str = "d") -> Iterator[Triple]:
    """Yield the triples of a record, its blank nodes renamed by `prefix`, without what only the reasoner may say.

    Kept of the project's own properties and classes are those of `vocabulary`; terms of the project are no subjects, and
    triples are no objects, because rdflib has none.
    """
    yield from asserted_triples(renamed_quads(parse_rdf(document)), vocabulary, prefix)


def asserted_triples(quads: Iterable[Quad], vocabulary: frozenset[str], prefix: str = "d") -> Iterator[Triple]:
    """Yield the triples of `quads` as `asserted_graph` does those of a document."""
    for quad in quads:
        if may_be_asserted(quad, vocabulary):
            yield Triple(_renamed(quad.subject, prefix), quad.predicate, _renamed(quad.object, prefix))


def may_be_asserted(quad: Quad, vocabulary: frozenset[str]) -> bool:
    """Return whether a record may say this, see `asserted_graph`."""
    subject, predicate, value = quad.triple
    said = value if predicate == _TYPE else predicate
    if isinstance(value, Triple) or _is_ours(subject):
        return False
    return not _is_ours(said) or said.value in vocabulary


def _is_ours(term: Any) -> bool:
    return isinstance(term, NamedNode) and term.value.startswith((LC, LCG))


def _renamed(term: Any, prefix: str) -> Any:
    return BlankNode(f"{prefix}-{term.value}") if isinstance(term, BlankNode) else term


# --- the inferred graph of a case -------------------------------------------------------------------------------------


def inferred_graph(program: Program, answer: CaseAnswer) -> Iterator[Triple]:
    """Yield what the answer to a case says, with the program's own statuses of all case classes."""
    return inferred_triples(program, answer.state, answer.statuses)


def inferred_triples(program: Program, state: CaseState, statuses: Statuses) -> Iterator[Triple]:
    """Yield what is known and what follows in a case, with the program's own statuses of all case classes."""
    return _inferred(program, state, statuses, _statuses(statuses, program.classes), None)


def inferred_from(
    program: Program, answer: CaseAnswer, statuses: Mapping[str, str], readings: Sequence[Mapping[str, str]] | None = None
) -> Iterator[Triple]:
    """Yield what the answer says, with the statuses of case classes that are given (`entailed`, `refuted`, `open`).

    `readings` holds the statuses under each reading of doubtful records, of which red flags take notice; the
    program's own are used when none are given.
    """
    return _inferred(program, answer.state, answer.statuses, statuses, readings)


def _inferred(
    program: Program,
    state: CaseState,
    own: Statuses,
    statuses: Mapping[str, str],
    readings: Sequence[Mapping[str, str]] | None,
) -> Iterator[Triple]:
    case = NamedNode(state.case.iri)
    yield Triple(case, _TYPE, _CASE)
    yield from _class_statements(case, statuses)
    yield from _role_statements(case, program, state, own)
    yield from _indicator_statements(case, program, state)
    yield from _open_points(case, program, own, statuses)
    yield from _readings(case, program, state, readings)
    yield from _sources(case, state)


def _statuses(statuses: Statuses, names: Iterable[str]) -> dict[str, str]:
    return {name: statuses.status(name) for name in names}


def _class_statements(subject: Mark, statuses: Mapping[str, str]) -> Iterator[Triple]:
    for name, status in statuses.items():
        yield Triple(subject, _OF_CLASS[status], NamedNode(name))


def _role_statements(case: NamedNode, program: Program, state: CaseState, statuses: Statuses) -> Iterator[Triple]:
    """Yield the presence of every term that a leaf asks about, and of what lies above a present or below an absent one."""
    known = {pair: statuses.literal((bit, True)) for pair, bit in program.leaf_bit.items() if pair[0] in ROLES}
    for fact in sorted(state.facts, key=lambda fact: not fact.present):
        for term in (program.parents if fact.present else program.below).get(fact.term, (fact.term,)):
            known.setdefault((fact.role, term), ENTAILED if fact.present else REFUTED)
    for (role, term), status in known.items():
        yield Triple(case, _node(f"has{_PRESENCES[status]}{_NOUNS[role]}"), NamedNode(term))


def _indicator_statements(case: NamedNode, program: Program, state: CaseState) -> Iterator[Triple]:
    """Yield for each indicator how far it is known, and its value in the canonical unit when it is."""
    for indicator in program.indicators:
        found = state.indicators.get(indicator.iri)
        status = found.status if found else "unknown"
        yield Triple(case, _node(f"has{status.capitalize()}Indicator"), NamedNode(indicator.iri))
        if found and status == "known" and found.low is not None:
            yield Triple(case, NamedNode(indicator.iri), _value(found.low[0], indicator.datatype))


def _value(value: Decimal, datatype: str) -> Literal:
    if datatype == "boolean":
        return Literal("true" if value else "false", datatype=NamedNode(XSD + "boolean"))
    if datatype == "integer":
        return Literal(str(int(value)), datatype=NamedNode(XSD + "integer"))
    return _decimal(value)


def _open_points(case: NamedNode, program: Program, statuses: Statuses, given: Mapping[str, str]) -> Iterator[Triple]:
    """Yield for each unknown leaf the open eligible classes that it keeps open, as far as nothing known makes it moot."""
    kept: dict[tuple[str | None, str], list[str]] = {}
    open_below: dict[int, frozenset[int]] = {}
    for each in program.recommendations:
        if given[each.eligible] == OPEN:
            for leaf in dict.fromkeys(
                _leaf(program, bit) for bit in sorted(_open_leaves(program, statuses, program.classes[each.eligible][0], open_below))
            ):
                kept.setdefault(leaf, []).append(each.eligible)
    for (role, term), names in kept.items():
        node = _mark("open", case.value, role or "", term)
        yield Triple(case, _node("hasOpenPoint"), node)
        yield Triple(node, _TYPE, _node("OpenPoint"))
        yield Triple(node, _node("asksFor"), NamedNode(term))
        if role is not None:
            yield Triple(node, _node("underRole"), NamedNode(role))
        for name in names:
            yield Triple(node, _node("keepsOpen"), NamedNode(name))


def _open_leaves(program: Program, statuses: Statuses, bit: int, known: dict[int, frozenset[int]]) -> frozenset[int]:
    """Return the unknown leaves that open gates lead to from a bit."""
    if bit not in known:
        if statuses.literal((bit, True)) != OPEN:
            known[bit] = frozenset()
        elif bit < len(program.leaves):
            known[bit] = frozenset({bit})
        else:
            gate = program.gates[bit - len(program.leaves)]
            known[bit] = frozenset().union(*(_open_leaves(program, statuses, part, known) for part in (*gate.positive, *gate.negative)))
    return known[bit]


def _readings(case: NamedNode, program: Program, state: CaseState, given: Sequence[Mapping[str, str]] | None) -> Iterator[Triple]:
    """Yield the case itself and each reading of doubtful records, with the statuses of the classes that red flags rest on."""
    names = sorted({name for each in program.recommendations if each.red_flag for name in (each.eligible, each.trigger)})
    yield Triple(case, _node("isReadAs"), case)
    found = given if given is not None else [_statuses(reading, names) for reading in entail_alternatives(program, state)]
    for index, reading in enumerate(found):
        node = _mark("reading", case.value, str(index))
        yield Triple(case, _node("isReadAs"), node)
        yield Triple(node, _TYPE, _node("Reading"))
        yield from _class_statements(node, {name: reading[name] for name in names})
    for conflict in state.conflicts:
        yield Triple(case, _node("hasConflictAbout"), NamedNode(conflict.term))


def _mark(*parts: str) -> BlankNode:
    """Return a blank node that is the same for the same parts, and no other's."""
    return BlankNode(parts[0] + hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24])


def _sources(case: NamedNode, state: CaseState) -> Iterator[Triple]:
    """Yield the records that were used; one without an IRI cannot be pointed at from another document."""
    facts = {source for fact in state.facts for source in fact.sources}
    values = {source for indicator in state.indicators.values() for source in indicator.sources}
    for source in sorted((facts | values) - {case.value}):
        if not source.startswith("_:"):
            yield Triple(case, NamedNode(PROV + "wasDerivedFrom"), NamedNode(source))
