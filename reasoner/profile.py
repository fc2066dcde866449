"""Refuse, by axiom and file, every OWL axiom that the compiler would not treat exactly.

The case profile: four disjoint sorts; roles with domain, range and subroles only; functional indicators of one
datatype; findings, drugs, conditions and investigations as primitive classes in a told hierarchy; case classes with
one definition each, and constraints between them. Nothing outside is ignored: it is refused.
"""

from __future__ import annotations

from collections.abc import Iterable

from reasoner.errors import ProfileError
from reasoner.expressions import And, Expression, Named, Not, Or, Top
from reasoner.knowledge import Graph
from reasoner.namespaces import LC, LCG, OWL, RDF, RDFS, curie
from reasoner.terms import ROLES, lc

__all__ = ["check_definitions", "check_profile"]

_TYPE = RDF + "type"
_LOGICAL = {
    OWL + name
    for name in (
        "backwardCompatibleWith",
        "complementOf",
        "deprecated",
        "disjointWith",
        "equivalentClass",
        "hasValue",
        "imports",
        "incompatibleWith",
        "intersectionOf",
        "onDatatype",
        "onProperty",
        "priorVersion",
        "someValuesFrom",
        "unionOf",
        "versionIRI",
        "versionInfo",
        "withRestrictions",
    )
}
_KINDS = {
    OWL + name
    for name in ("AnnotationProperty", "Class", "DatatypeProperty", "FunctionalProperty", "ObjectProperty", "Ontology", "Restriction")
}
_SORTS = tuple(map(lc, ("Finding", "Drug", "Condition", "Investigation")))


def check_profile(graph: Graph, sorts: Iterable[str]) -> None:
    """Raise ProfileError at the first axiom outside the case profile; `sorts` are the terms of the four primitive sorts."""
    primitive = frozenset(sorts)
    for subject in sorted(graph.out):
        _check_vocabulary(graph, subject)
        if subject in primitive:
            _check_primitive(graph, subject)
    for role in ROLES:
        _check_role(graph, role)
    for name in graph.subjects(RDFS + "subClassOf", lc("Case")):
        _check_case_class(graph, name, primitive)


def _refuse(graph: Graph, subject: str, why: str, repair: str) -> ProfileError:
    return ProfileError(f"An axiom about {curie(subject)} is outside the case profile", where=graph.place(subject), why=why, repair=repair)


def _check_vocabulary(graph: Graph, subject: str) -> None:
    """Refuse OWL terms that the compiler does not read."""
    for predicate in graph.out[subject]:
        if predicate.startswith(OWL) and predicate not in _LOGICAL:
            raise _refuse(graph, subject, f"{curie(predicate)} is not read", "state it by a case class, a subclass or a constraint")
    for kind in graph.iris(subject, _TYPE):
        if kind.startswith(OWL) and kind not in _KINDS:
            raise _refuse(graph, subject, f"{curie(kind)} is not read", "remove the characteristic")


def _check_primitive(graph: Graph, subject: str) -> None:
    if graph.nodes(subject, OWL + "equivalentClass"):
        raise _refuse(graph, subject, "a finding, drug, condition or investigation has no definition", "define a case class instead")
    if any(parent.startswith("_:") for parent in graph.iris(subject, RDFS + "subClassOf")):
        raise _refuse(graph, subject, "its superclass is an expression", "name the superclass")
    if subject not in _SORTS and graph.nodes(subject, OWL + "disjointWith"):
        raise _refuse(graph, subject, "only sorts and case classes are declared disjoint", "state the disjointness between case classes")


def _check_role(graph: Graph, role: str) -> None:
    declared = OWL + "ObjectProperty" in graph.iris(role, _TYPE)
    if declared and (graph.iris(role, RDFS + "domain") != [lc("Case")] or len(graph.iris(role, RDFS + "range")) != 1):
        raise _refuse(graph, role, "a role has lc:Case as its one domain, and one range", "declare them")
    foreign = [above for above in graph.iris(role, RDFS + "subPropertyOf") if above not in ROLES]
    if foreign:
        raise _refuse(graph, role, f"{curie(foreign[0])} is no role of the profile", "make it a subrole of a role of the profile")


def _check_case_class(graph: Graph, name: str, primitive: frozenset[str]) -> None:
    if not name.startswith((LC, LCG)) or name in primitive:
        raise _refuse(graph, name, "a case class has a name of its own in the project's namespaces", "name it, and keep it apart from findings")
    count = len(graph.nodes(name, OWL + "equivalentClass"))
    if count != 1:
        raise _refuse(graph, name, f"it has {count} definitions", "give the case class exactly one owl:equivalentClass")
    if any(parent.startswith("_:") for parent in graph.iris(name, RDFS + "subClassOf")):
        raise _refuse(graph, name, "its superclass is an expression", "name a case class as superclass")


def check_definitions(graph: Graph, definitions: dict[str, Expression]) -> None:
    """Raise ProfileError where a complement stands unguarded: alone, it would also hold of what is no case."""
    guarded: dict[str, bool] = {}

    def is_guarded(expression: Expression) -> bool:
        match expression:
            case Top():
                return True
            case Not():
                return False
            case Named(iri):
                if iri not in guarded:
                    guarded[iri] = True
                    guarded[iri] = iri not in definitions or is_guarded(definitions[iri])
                return guarded[iri]
            case And(parts):
                return any(map(is_guarded, parts))
            case Or(parts):
                return all(map(is_guarded, parts))
            case _:
                return True

    for name in sorted(definitions):
        if not is_guarded(definitions[name]):
            raise _refuse(graph, name, "a complement is not guarded by a positive part", "intersect it with lc:Case")
