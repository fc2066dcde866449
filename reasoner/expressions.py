"""Read OWL class expressions of the case profile into a small tree, or refuse them by axiom and file."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

import pyoxigraph

from reasoner.errors import ProfileError
from reasoner.knowledge import Graph, Node
from reasoner.namespaces import OWL, RDF, RDFS, XSD, curie
from reasoner.terms import lc

__all__ = ["And", "Band", "Expression", "Named", "Not", "Or", "Some", "Top", "parse_expression"]

CASE = lc("Case")


@dataclass(frozen=True, slots=True)
class Top:
    """Every case."""


@dataclass(frozen=True, slots=True)
class Named:
    """A case class by name."""

    iri: str


@dataclass(frozen=True, slots=True)
class Some:
    """A role restricted to a primitive filler: ∃role.filler."""

    role: str
    filler: str


@dataclass(frozen=True, slots=True)
class Band:
    """An indicator restricted to an interval: ∃indicator.[low, high]; None is unbounded, an open bound excludes its value."""

    indicator: str
    low: Decimal | None = None
    low_open: bool = False
    high: Decimal | None = None
    high_open: bool = False


@dataclass(frozen=True, slots=True)
class Not:
    """The complement of an expression."""

    part: Expression


@dataclass(frozen=True, slots=True)
class And:
    """The intersection of expressions."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """The union of expressions."""

    parts: tuple[Expression, ...]


Expression = Top | Named | Some | Band | Not | And | Or

_FACETS = {
    XSD + "minInclusive": ("low", False),
    XSD + "minExclusive": ("low", True),
    XSD + "maxInclusive": ("high", False),
    XSD + "maxExclusive": ("high", True),
}
_BOOLEANS = {"true": Decimal(1), "1": Decimal(1), "false": Decimal(0), "0": Decimal(0)}


def parse_expression(graph: Graph, node: Node, owner: str) -> Expression:
    """Return the expression that `node` writes in the definition of `owner`; raise ProfileError outside the profile."""
    if not isinstance(node, str):
        raise _refuse(graph, owner, "a literal stands where a class is due")
    if not node.startswith("_:"):
        return Top() if node == CASE else Named(node)
    for predicate, build in ((OWL + "intersectionOf", And), (OWL + "unionOf", Or)):
        head = graph.iri(node, predicate)
        if head is not None:
            return build(tuple(parse_expression(graph, item, owner) for item in graph.items(head)))
    complement = graph.iri(node, OWL + "complementOf")
    if complement is not None:
        return Not(parse_expression(graph, complement, owner))
    if OWL + "Restriction" in graph.iris(node, RDF + "type"):
        return _restriction(graph, node, owner)
    raise _refuse(graph, owner, "only intersection, union, complement, someValuesFrom and hasValue are in the case profile")


def _restriction(graph: Graph, node: str, owner: str) -> Expression:
    known = {RDF + "type", OWL + "onProperty", OWL + "someValuesFrom", OWL + "hasValue"}
    foreign = sorted(set(graph.out[node]) - known)
    on = graph.iri(node, OWL + "onProperty")
    if foreign or on is None:
        raise _refuse(graph, owner, f"a restriction uses {', '.join(map(curie, foreign)) or 'no property'}")
    value = graph.nodes(node, OWL + "hasValue")
    if value:
        return _value(graph, on, value[0], owner)
    filler = graph.iri(node, OWL + "someValuesFrom")
    if filler is None:
        raise _refuse(graph, owner, "a restriction has no filler")
    if OWL + "ObjectProperty" in graph.iris(on, RDF + "type"):
        if filler.startswith("_:"):
            raise _refuse(graph, owner, "the filler of a role must be a named finding, drug or condition")
        return Some(on, filler)
    return _facets(graph, on, filler, owner)


def _value(graph: Graph, on: str, value: Node, owner: str) -> Band:
    if not isinstance(value, pyoxigraph.Literal):
        raise _refuse(graph, owner, "hasValue is for indicators and takes a literal")
    number = _BOOLEANS.get(value.value) if value.datatype.value == XSD + "boolean" else _number(graph, value, owner)
    if number is None:
        raise _refuse(graph, owner, f"{value} is no boolean")
    _check_datatype(graph, on, value.datatype.value, owner)
    return Band(on, number, False, number, False)


def _facets(graph: Graph, on: str, datatype: str, owner: str) -> Band:
    if not datatype.startswith("_:"):
        _check_datatype(graph, on, datatype, owner)
        return Band(on)
    base = graph.iri(datatype, OWL + "onDatatype")
    head = graph.iri(datatype, OWL + "withRestrictions")
    if base is None or head is None:
        raise _refuse(graph, owner, "a data range must restrict one datatype by facets")
    _check_datatype(graph, on, base, owner)
    bounds: dict[str, tuple[Decimal, bool]] = {}
    for item in graph.items(head):
        for predicate, nodes in graph.out.get(str(item), {}).items():
            if predicate not in _FACETS or len(nodes) != 1 or not isinstance(nodes[0], pyoxigraph.Literal):
                raise _refuse(graph, owner, f"the facet {curie(predicate)} is outside the case profile")
            end, is_open = _FACETS[predicate]
            if end in bounds:
                raise _refuse(graph, owner, "a data range bounds one end twice")
            bounds[end] = (_number(graph, nodes[0], owner), is_open)
    low, high = bounds.get("low"), bounds.get("high")
    return Band(on, low[0] if low else None, bool(low and low[1]), high[0] if high else None, bool(high and high[1]))


def _check_datatype(graph: Graph, on: str, datatype: str, owner: str) -> None:
    declared = graph.iri(on, RDFS + "range")
    if declared != datatype or OWL + "DatatypeProperty" not in graph.iris(on, RDF + "type"):
        raise _refuse(graph, owner, f"{curie(on)} is declared with range {curie(declared or 'none')} but used with {curie(datatype)}")


def _number(graph: Graph, literal: pyoxigraph.Literal, owner: str) -> Decimal:
    try:
        number = Decimal(literal.value)
    except InvalidOperation:
        raise _refuse(graph, owner, f"{literal} is no number") from None
    if literal.datatype.value not in (XSD + "decimal", XSD + "integer") or not number.is_finite():
        raise _refuse(graph, owner, f"{literal} must be an xsd:decimal or xsd:integer")
    return number


def _refuse(graph: Graph, owner: str, why: str) -> ProfileError:
    return ProfileError(
        f"The definition of {curie(owner)} is outside the case profile",
        where=graph.place(owner),
        why=why,
        repair="use named case classes, role and indicator restrictions, intersection, union and complement",
    )
