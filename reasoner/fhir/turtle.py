"""Turn FHIR RDF into the JSON form, so that one reader serves both: pyoxigraph parses, this follows the graph.

| RDF | JSON |
|---|---|
| `fhir:nodeRole fhir:treeRoot` with its `a fhir:Type` | a resource; a Bundle holds those that its entries point at |
| R4: `fhir:Observation.status`, interim: the same with `fhir:v`, R5: `fhir:status` | `status`: the name after the last dot |
| R4: `fhir:value` of a literal; R5: `fhir:v`; a literal alone | a primitive; boolean, number or string by its datatype, digits kept |
| R4: `fhir:index`; R5: an RDF list | an array in that order |
| R5: `fhir:value [ a fhir:Quantity … ]` | `valueQuantity`: an element of several types has its type in its name |
| `fhir:link` without a reference in words | the IRI as reference |
| R5: names that begin with `_` | a `modifierExtension`: what may change the meaning |

Types of concepts, ontology headers and the types of what is only referred to say nothing that JSON has. A graph without
a root, a node that stands in two places, and nodes that belong to no resource are refused: nothing is dropped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import pyoxigraph
from pyoxigraph import BlankNode, Literal, NamedNode

from reasoner.errors import LimitError, SyntaxProblem, UnsupportedInputError
from reasoner.fhir.document import DEEPEST, exact_number
from reasoner.fhir.elements import Element
from reasoner.limits import check_brackets
from reasoner.namespaces import RDF, XSD

__all__ = ["relative_base", "resources_in_turtle"]

_FHIR = "http://hl7.org/fhir/"
_TYPE, _FIRST, _REST, _NIL = RDF + "type", RDF + "first", RDF + "rest", RDF + "nil"
_ROLE, _INDEX, _LINK = _FHIR + "nodeRole", _FHIR + "index", _FHIR + "link"
_ROOT = NamedNode(_FHIR + "treeRoot")
_PRIMITIVES = (_FHIR + "value", _FHIR + "v")
_SILENT = frozenset((_ROLE, _INDEX, _LINK))
_NUMBERS = frozenset(XSD + name for name in ("decimal", "double", "integer", "int", "nonNegativeInteger", "positiveInteger", "unsignedInt"))
_JSON_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_PLACE = re.compile(r"\d{1,9}")
_CHOICES = {"abatement", "asNeeded", "bounds", "deceased", "dose", "effective", "item", "multipleBirth", "occurence", "occurrence", "onset"}
_CHOICES |= {"performed", "rate", "timing", "value"}
_RESOURCES = ("contained", "resource")
_REPAIR = "write it as FHIR R4 or R5 Turtle, or send it as JSON"

Node = NamedNode | BlankNode
Term = NamedNode | BlankNode | Literal | pyoxigraph.Triple


@dataclass(frozen=True, slots=True)
class _Value:
    """What stands for one element: a primitive (or None), the members of an object, and its place in an array."""

    primitive: object
    members: dict[str, object]
    index: int | None = None


@dataclass(frozen=True, slots=True)
class _Graph:
    """The triples of a document by subject and predicate, and the nodes that have been turned into JSON."""

    name: str
    base: str
    triples: dict[Node, dict[str, list[Term]]] = field(default_factory=dict)
    seen: set[Node] = field(default_factory=set)


def relative_base(base: str) -> str:
    """Return what the relative IRIs of a Turtle document are resolved against."""
    return f"{base if base.endswith('/') else base + '/'}Resource/"


def resources_in_turtle(text: bytes, name: str, base: str) -> Iterator[Element]:
    """Yield the resources of a Turtle document in JSON form, each in a Bundle that gives its IRI where it has a full one.

    Raise SyntaxProblem when it is malformed or no tree, LimitError when it is nested too deep, and
    UnsupportedInputError when it has no root.
    """
    graph = _parsed(text, name, relative_base(base))
    roots = [node for node, properties in graph.triples.items() if _ROOT in properties.get(_ROLE, ())]
    if not roots:
        raise UnsupportedInputError(
            "The graph holds no FHIR resource", where=name, why="no node has fhir:nodeRole fhir:treeRoot", repair=_REPAIR
        )
    for root in sorted(roots, key=lambda node: NamedNode(_FHIR + "Bundle") not in graph.triples[node].get(_TYPE, ())):
        if root not in graph.seen:
            yield _addressed(root, _resource(graph, root, 0), graph.base)
    left = [node for node, properties in graph.triples.items() if node not in graph.seen and _says_something(properties)]
    if left:
        why = f"{len(left)} nodes belong to no resource, such as {left[0]}"
        raise SyntaxProblem("The graph is no FHIR tree", where=name, why=why, repair=_REPAIR)


def _parsed(text: bytes, name: str, base: str) -> _Graph:
    check_brackets(text, name)
    graph = _Graph(name, base)
    try:
        for quad in pyoxigraph.parse(text, format=pyoxigraph.RdfFormat.TURTLE, base_iri=base):
            if isinstance(quad.subject, NamedNode | BlankNode):
                graph.triples.setdefault(quad.subject, {}).setdefault(quad.predicate.value, []).append(quad.object)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        why = str(getattr(error, "msg", error))
        raise SyntaxProblem("The document is malformed", where=f"{name}:{line}" if line else name, why=why[:300], repair=_REPAIR) from error
    return graph


def _says_something(properties: dict[str, list[Term]]) -> bool:
    return any(predicate.startswith(_FHIR) and predicate not in _SILENT for predicate in properties)


def _addressed(root: Node, resource: dict[str, object], base: str) -> Element:
    """Return a resource in a Bundle that gives its full URL, if its IRI is one: server, type and id."""
    place = f"/{resource['resourceType']}/{resource.get('id')}"
    if not isinstance(root, NamedNode) or not root.value.endswith(place) or root.value.startswith(base):
        return resource
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"fullUrl": root.value, "resource": resource}]}


def _resource(graph: _Graph, node: Node, depth: int) -> dict[str, object]:
    """Return the JSON object of a resource; its type is the FHIR class of its node."""
    types = [kind.value.removeprefix(_FHIR) for kind in graph.triples.get(node, {}).get(_TYPE, ()) if isinstance(kind, NamedNode)]
    kinds = [kind for kind in types if kind.lstrip("_").isalpha()]
    if len(kinds) != 1:
        why = f"{node} has {len(kinds)} FHIR types"
        raise SyntaxProblem("The type of a FHIR resource is not stated", where=graph.name, why=why, repair=_REPAIR)
    members = _value(graph, node, "", depth).members
    if kinds[0].startswith("_"):
        members.setdefault("modifierExtension", [{}])
    return {"resourceType": kinds[0].lstrip("_"), **members}


def _value(graph: _Graph, node: Node, name: str, depth: int) -> _Value:
    """Return what a node says; `name` is the element that it stands for."""
    if depth > DEEPEST:
        raise LimitError("The document is nested too deep", where=graph.name, why=f"at most {DEEPEST} levels are read", repair="flatten it")
    if node in graph.seen:
        raise SyntaxProblem("The graph is no FHIR tree", where=graph.name, why=f"{node} stands in two places", repair=_REPAIR)
    graph.seen.add(node)
    primitive: object = None
    members: dict[str, object] = {}
    properties = graph.triples.get(node, {})
    for predicate, objects in properties.items():
        if predicate in _PRIMITIVES and isinstance(objects[0], Literal):
            primitive = _literal(objects[0])
        elif predicate.startswith(_FHIR) and (predicate not in _SILENT or not isinstance(objects[0], NamedNode | Literal)):
            element = predicate.removeprefix(_FHIR).rpartition(".")[2]
            if element.startswith("_"):
                members.setdefault("modifierExtension", [{}])
            _add(graph, members, element.lstrip("_"), objects, depth + 1)
    link = next((each.value for each in properties.get(_LINK, ()) if isinstance(each, NamedNode)), None)
    if link is not None and primitive is None and "reference" not in members:
        if name == "reference":
            primitive = link.removeprefix(graph.base)
        else:
            members["reference"] = link.removeprefix(graph.base)
    return _Value(primitive, members, _indexed(graph, node))


def _add(graph: _Graph, members: dict[str, object], element: str, objects: list[Term], depth: int) -> None:
    """Add an element to the members of an object, as JSON would have it."""
    array = len(objects) > 1
    values: list[_Value] = []
    for each in objects:
        if each == NamedNode(_NIL) or (isinstance(each, BlankNode) and _FIRST in graph.triples.get(each, {})):
            array = True
            values += [_term(graph, member, element, depth) for member in _list(graph, each)]
        else:
            values.append(_term(graph, each, element, depth))
    array = array or any(value.index is not None for value in values)
    values.sort(key=lambda value: value.index or 0)
    if element in _CHOICES and len(objects) == 1 and not array:
        element += _type_suffix(graph, objects[0])
    _put(members, element, values, array)


def _put(members: dict[str, object], element: str, values: list[_Value], array: bool) -> None:
    primitives = [value.members if value.primitive is None else value.primitive for value in values]
    further = [value.members if value.primitive is not None and value.members else None for value in values]
    if array:
        members[element] = primitives
    elif values:
        members[element] = primitives[0]
    if any(further):
        members[f"_{element}"] = further if array else further[0]


def _list(graph: _Graph, node: Term) -> Iterator[Term]:
    """Yield the members of an RDF list; raise SyntaxProblem for one that is broken or never ends."""
    while node != NamedNode(_NIL):
        properties = graph.triples.get(node, {}) if isinstance(node, NamedNode | BlankNode) else {}
        first, rest = properties.get(_FIRST, ()), properties.get(_REST, ())
        if len(first) != 1 or len(rest) != 1 or node in graph.seen or not isinstance(node, NamedNode | BlankNode):
            raise SyntaxProblem("The graph is no FHIR tree", where=graph.name, why=f"{node} is no RDF list", repair=_REPAIR)
        graph.seen.add(node)
        yield first[0]
        node = rest[0]


def _term(graph: _Graph, term: Term, element: str, depth: int) -> _Value:
    """Return what stands for an element: a literal, the resource that an IRI names, the IRI itself, or a node."""
    if isinstance(term, Literal):
        return _Value(_literal(term), {})
    if isinstance(term, NamedNode) and element not in _RESOURCES:
        return _Value(term.value.removeprefix(graph.base), {})
    if not isinstance(term, NamedNode | BlankNode):
        raise SyntaxProblem("The graph is no FHIR tree", where=graph.name, why="a triple stands as value", repair=_REPAIR)
    if element in _RESOURCES:
        return _Value(None, _resource(graph, term, depth), _indexed(graph, term))
    return _value(graph, term, element, depth)


def _indexed(graph: _Graph, node: Node) -> int | None:
    """Return the place of a node in its array, if the graph states it."""
    places = graph.triples.get(node, {}).get(_INDEX, ())
    return next((int(each.value) for each in places if isinstance(each, Literal) and _PLACE.fullmatch(each.value)), None)


def _type_suffix(graph: _Graph, term: Term) -> str:
    """Return the type of a value as JSON has it in the name of the element, or nothing when the graph does not say it."""
    if not isinstance(term, NamedNode | BlankNode):
        return ""
    kinds = [kind.value.removeprefix(_FHIR) for kind in graph.triples.get(term, {}).get(_TYPE, ()) if isinstance(kind, NamedNode)]
    found = [kind for kind in kinds if kind.isalpha() and kind != "Decimal"]
    return found[0][:1].upper() + found[0][1:] if len(found) == 1 else ""


def _literal(literal: Literal) -> object:
    """Return the JSON value of a literal: boolean or number by its datatype if it is one, else its text."""
    datatype, text = literal.datatype.value, literal.value
    if datatype == XSD + "boolean" and text in ("true", "false"):
        return text == "true"
    if datatype in _NUMBERS and _JSON_NUMBER.fullmatch(text):
        return exact_number(text)
    return text
