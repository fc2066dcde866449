"""Compile record shapes into a frozen table and check a parsed document against it.

The shape profile: `sh:targetClass`; paths of one predicate; `minCount`, `maxCount`, `datatype`, `class`, `nodeKind`,
`in`, `hasValue`, `pattern`, `property`, `node`, `or`, `not` and, with numbers, the four bounds; `severity`, `message`.
Any other term of the SHACL namespace is refused by name, and so is a shape that nothing would ever check.
A literal whose text its datatype does not allow (`reasoner.literals`) breaks `sh:datatype` and every bound.

Out of scope: reports in RDF (`validate` asks pySHACL), other targets, and inference beyond `rdfs:subClassOf` within the
document and the vocabulary given at compile time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

from pyoxigraph import BlankNode, Literal, NamedNode, Quad, Triple

from reasoner.errors import ProfileError
from reasoner.literals import TEXT_TESTS, number
from reasoner.namespaces import RDF, RDFS, SH, XSD, curie
from reasoner.shape_plans import NODE_KINDS, Finding, Index, Plan, Planner, Shape, Term, collect, term_to_json, upwards

__all__ = ["Index", "Shape", "ShapeTable", "ShapeViolation", "Term", "check_shapes", "compile_shapes"]

_TYPE = RDF + "type"
_SUBCLASS = RDFS + "subClassOf"


@dataclass(frozen=True, slots=True)
class ShapeViolation:
    """State which node breaks which constraint at which path; `value` is None where no single value does."""

    focus: Term
    path: str | None
    value: Term | None
    component: str
    severity: str
    message: str
    shape: str


@dataclass(frozen=True)
class ShapeTable:
    """Hold compiled shapes by name, the shapes of each target class, and the direct superclasses of each class."""

    shapes: Mapping[str, Shape]
    targets: Mapping[str, tuple[str, ...]]
    superclasses: Mapping[Any, tuple[Any, ...]]
    plans: Mapping[Any, Plan] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        planner = Planner(self.shapes, self.superclasses)
        classes = {NamedNode(name) for name in self.targets} | set(self.superclasses)
        plans = {node: planner.plan(names) for node in classes if (names := self.shapes_of((node,)))}
        object.__setattr__(self, "plans", plans)

    def shapes_of(self, types: Iterable[Any]) -> tuple[str, ...]:
        """Return the names of the shapes that target one of `types` or a class above one."""
        above = [node.value for node in upwards(types, self.superclasses) if isinstance(node, NamedNode)]
        return tuple(sorted({name for node in above for name in self.targets.get(node, ())}))

    def plan_of(self, types: Iterable[Any]) -> Plan | None:
        """Return the plan of a node of several types, or None if no shape targets them."""
        planned = [node for node in dict.fromkeys(types) if node in self.plans]
        if len(planned) > 1:
            return Planner(self.shapes, self.superclasses).plan(self.shapes_of(planned))
        return self.plans[planned[0]] if planned else None

    def with_hierarchy(self, index: Index) -> ShapeTable:
        """Return the table with the document's own `rdfs:subClassOf` added."""
        edges = {node: list(parents) for node, parents in self.superclasses.items()}
        for node, properties in index.items():
            if _SUBCLASS in properties:
                edges.setdefault(node, []).extend(properties[_SUBCLASS])
        return replace(self, superclasses={node: tuple(parents) for node, parents in edges.items()})

    def to_json(self) -> dict[str, Any]:
        """Return the table as plain JSON values, the same for the same shapes."""
        return {
            "shapes": {
                name: [shape.path, shape.severity, shape.message, [list(pair) for pair in shape.constraints]]
                for name, shape in sorted(self.shapes.items())
            },
            "targets": {name: list(shapes) for name, shapes in sorted(self.targets.items())},
            "superclasses": {
                child: sorted(parent.value for parent in self.superclasses[NamedNode(child)])
                for child in sorted(node.value for node in self.superclasses)
            },
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> ShapeTable:
        """Return the table that `to_json` wrote."""
        return ShapeTable(
            {
                name: Shape(name, path, severity, message, tuple((kind, argument) for kind, argument in constraints))
                for name, (path, severity, message, constraints) in data["shapes"].items()
            },
            {name: tuple(shapes) for name, shapes in data["targets"].items()},
            {NamedNode(child): tuple(map(NamedNode, parents)) for child, parents in data["superclasses"].items()},
        )


# --- checking --------------------------------------------------------------------------------------------


def check_shapes(table: ShapeTable, index: Index) -> tuple[ShapeViolation, ...]:
    """Return everything in the document that breaks a shape, sorted; each typed node is visited once."""
    for properties in index.values():
        if _SUBCLASS in properties:
            table = table.with_hierarchy(index)
            break
    plans = table.plans
    found: list[Finding] = []
    for node, properties in index.items():
        types = properties.get(_TYPE)
        if types is not None:
            plan = plans.get(types[0]) if len(types) == 1 else table.plan_of(types)
            if plan is not None:
                collect(plan, node, properties, index, found)
    return tuple(sorted((_violation(*finding) for finding in found), key=_order)) if found else ()


def _violation(focus: Term, value: Term | None, report: tuple[str | None, str, str, str, str]) -> ShapeViolation:
    path, component, severity, message, shape = report
    return ShapeViolation(focus, path, value, component, severity, message, shape)


def _order(violation: ShapeViolation) -> tuple[str, ...]:
    return str(violation.focus), violation.path or "", violation.component, str(violation.value), violation.shape


# --- compiling -------------------------------------------------------------------------------------------

_BOUNDS = ("maxExclusive", "maxInclusive", "minExclusive", "minInclusive")
_AT_MOST_ONCE = frozenset(("datatype", "in", "maxCount", "minCount", "nodeKind", "path", "pattern", "severity", *_BOUNDS))
_CONSTRAINTS = _AT_MOST_ONCE - {"path", "severity"} | {"class", "hasValue", "node", "not", "or", "property"}
_TERMS = _AT_MOST_ONCE | _CONSTRAINTS | {"message", "targetClass"}
_SEVERITIES = frozenset(("Info", "Violation", "Warning"))


def compile_shapes(triples: Iterable[Triple | Quad], vocabulary: Iterable[Triple | Quad] = ()) -> ShapeTable:
    """Return the table of the shapes in `triples`, with the named class hierarchy of `vocabulary`.

    Raise ProfileError, naming the shape, for whatever lies outside the shape profile.
    """
    superclasses: dict[NamedNode, list[NamedNode]] = {}
    for triple in vocabulary:
        if triple.predicate.value == _SUBCLASS:
            child, parent = triple.subject, triple.object
            if isinstance(child, NamedNode) and isinstance(parent, NamedNode):
                superclasses.setdefault(child, []).append(parent)
    compiler = _Compiler(triples)
    compiler.run()
    targets = {name: tuple(sorted(shapes)) for name, shapes in compiler.targets.items()}
    return ShapeTable(compiler.shapes, targets, {child: tuple(sorted(parents, key=str)) for child, parents in superclasses.items()})


class _Compiler:
    """Read shapes out of triples; refuse what the profile does not hold."""

    def __init__(self, triples: Iterable[Triple | Quad]) -> None:
        self.shapes: dict[str, Shape] = {}
        self.targets: dict[str, set[str]] = {}
        self._out: dict[Term, dict[str, list[Term]]] = {}
        self._names: dict[Term, str] = {}
        self._open: list[Term] = []
        for triple in triples:
            objects = self._out.setdefault(triple.subject, {}).setdefault(triple.predicate.value, [])
            if triple.object not in objects:
                objects.append(triple.object)

    def run(self) -> None:
        """Compile every shape, the named ones first; then refuse those that nothing would check."""
        candidates = [node for node, properties in self._out.items() if self._is_shape(properties)]
        candidates.sort(key=lambda node: (isinstance(node, BlankNode), str(node)))
        roots = [self._shape(node, f"_:shape{at}") for at, node in enumerate(candidates) if node not in self._names]
        used = {name for names in self.targets.values() for name in names}
        used |= {name for shape in self.shapes.values() for name in _references(shape)}
        for name in roots:
            if name not in used:
                _refuse(name, "it has no sh:targetClass and no other shape refers to it", "give it a target or delete it")

    @staticmethod
    def _is_shape(properties: Mapping[str, list[Term]]) -> bool:
        types = (node.value for node in properties.get(_TYPE, ()) if isinstance(node, NamedNode))
        return any(name.startswith(SH) for name in (*properties, *types))

    def _shape(self, node: Term, anonymous: str) -> str:
        """Compile the shape at `node` and return its name, `anonymous` for a blank node."""
        if node in self._names:
            return self._names[node]
        name = node.value if isinstance(node, NamedNode) else anonymous
        if node in self._open:
            _refuse(name, "it refers to itself", "break the circle")
        self._open.append(node)
        found = self._terms(node, name)
        path = self._path(found, name)
        constraints = []
        for kind in sorted(_CONSTRAINTS & found.keys()):
            objects = sorted(found[kind], key=lambda term: "" if isinstance(term, BlankNode) else str(term))
            constraints += [(kind, self._argument(kind, term, name, at)) for at, term in enumerate(objects)]
        for target in found.get("targetClass", ()):
            self.targets.setdefault(_iri(target, name, "targetClass"), set()).add(name)
        severity = _iri(found.get("severity", [NamedNode(SH + "Violation")])[0], name, "severity")
        if severity.removeprefix(SH) not in _SEVERITIES:
            _refuse(name, f"{curie(severity)} is no severity", "use sh:Violation, sh:Warning or sh:Info")
        message = " ".join(sorted(term.value for term in found.get("message", ()) if isinstance(term, Literal)))
        self._open.pop()
        self._names[node] = name
        self.shapes[name] = Shape(name, path, severity, message, tuple(constraints))
        return name

    def _terms(self, node: Term, name: str) -> dict[str, list[Term]]:
        """Return the objects of the shape's SHACL predicates by local name, each of them in the profile."""
        if node not in self._out:
            _refuse(name, "a shape refers to it but it is not described", "describe it or correct the name")
        found = {key.removeprefix(SH): objects for key, objects in self._out[node].items() if key.startswith(SH)}
        for kind, objects in sorted(found.items()):
            if kind not in _TERMS:
                _refuse(name, f"sh:{kind} is not in the shape profile", "express it by the terms of the profile")
            if kind in _AT_MOST_ONCE and len(objects) > 1:
                _refuse(name, f"it has {len(objects)} values of sh:{kind}", "keep one")
        kind_of_path = SH + ("PropertyShape" if "path" in found else "NodeShape")
        for term in self._out[node].get(_TYPE, ()):
            if _iri(term, name, "type") != kind_of_path:
                _refuse(name, f"it is a {curie(_iri(term, name, 'type'))}", f"type it {curie(kind_of_path)} only")
        return found

    @staticmethod
    def _path(found: Mapping[str, list[Term]], name: str) -> str | None:
        if "path" in found:
            return _iri(found["path"][0], name, "path")
        if "minCount" in found or "maxCount" in found:
            _refuse(name, "it counts values but has no sh:path", "give it the sh:path whose values it counts")
        return None

    def _argument(self, kind: str, term: Term, name: str, at: int) -> Any:
        """Return a constraint's argument as a JSON value; shapes within it are compiled on the way."""
        if kind in ("property", "node", "not"):
            other = self._shape(term, f"{name}/{kind}{at}")
            if kind != "not" and (self.shapes[other].path is None) == (kind == "property"):
                _refuse(name, f"sh:{kind} refers to {curie(other)}", "refer by sh:property to shapes with a path only")
            return other
        if kind == "or":
            return [self._shape(member, f"{name}/or{at}/{place}") for place, member in enumerate(self._list(term, name))]
        if kind == "in":
            return [_fixed(member, name) for member in self._list(term, name)]
        return _fixed(term, name) if kind == "hasValue" else _plain_argument(kind, term, name)

    def _list(self, node: Term, name: str) -> list[Term]:
        """Return the members of an RDF list."""
        members: list[Term] = []
        while node != NamedNode(RDF + "nil"):
            links = self._out.get(node, {})
            first, rest = links.get(RDF + "first", []), links.get(RDF + "rest", [])
            if len(first) != 1 or len(rest) != 1 or len(members) > len(self._out):
                _refuse(name, "a list is broken", "write the list in round brackets")
            members.append(first[0])
            node = rest[0]
        if not members:
            _refuse(name, "a list is empty", "name at least one member")
        return members


def _plain_argument(kind: str, term: Term, name: str) -> Any:
    """Return an argument that refers to no other shape."""
    if kind in ("datatype", "class", "nodeKind"):
        iri = _iri(term, name, kind)
        if kind == "datatype" and iri.startswith((RDF, RDFS, XSD)) and iri not in TEXT_TESTS:
            _refuse(name, f"the texts of {curie(iri)} are not known", "use a datatype of reasoner.literals")
        if kind == "nodeKind" and iri not in NODE_KINDS:
            _refuse(name, f"{curie(iri)} is no node kind", "use sh:IRI, sh:BlankNode, sh:Literal or a pair of them")
        return iri
    if not isinstance(term, Literal):
        _refuse(name, f"sh:{kind} takes a literal", "write a literal")
    if kind == "pattern":
        try:
            re.compile(term.value)
        except re.error as error:
            _refuse(name, f"its pattern is malformed: {error}", "correct the pattern")
        if "(?" in term.value:
            _refuse(name, "its pattern uses (?, which XPath does not know", "write the pattern without look-around")
        return term.value
    value = number(term)
    if value is None or (kind in ("minCount", "maxCount") and (term.datatype.value != XSD + "integer" or value < 0)):
        _refuse(name, f"sh:{kind} has the value {term}", "write a plain number, a count as a whole one from 0")
    return int(value) if kind in ("minCount", "maxCount") else str(value)


def _references(shape: Shape) -> list[str]:
    """Return the names of the shapes that `shape` refers to."""
    found = [argument for kind, argument in shape.constraints if kind in ("property", "node", "not")]
    return found + [name for kind, names in shape.constraints if kind == "or" for name in names]


def _iri(term: Term, name: str, kind: str) -> str:
    if not isinstance(term, NamedNode):
        _refuse(name, f"its {kind} is not an IRI", "name one IRI; the profile has no paths of several steps")
    return term.value


def _fixed(term: Term, name: str) -> list[str | None]:
    if not isinstance(term, NamedNode | Literal):
        _refuse(name, "it compares values with a blank node", "name the value by an IRI or a literal")
    return term_to_json(term)


def _refuse(name: str, why: str, repair: str) -> NoReturn:
    raise ProfileError("The shape cannot be compiled", where=curie(name), why=why, repair=repair)
