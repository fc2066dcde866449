"""Lay out the leaf bits and close every assertion over hierarchy, subroles and binary constraints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from reasoner.errors import ProfileError
from reasoner.expressions import And, Band, Expression, Named, Not, Or, Some
from reasoner.knowledge import Graph
from reasoner.namespaces import OWL, RDFS, curie
from reasoner.terms import Role, lc

__all__ = ["Leaves", "RoleLiteral", "cuts_of", "lay_out", "walk"]

RoleLiteral = tuple[str, str, bool]
"""A role, a filler and whether the literal is positive."""

HAS = -1
"""The cut index of the leaf "the indicator has a value"."""

_SORT_OF_ROLE = {
    Role.FINDING: lc("Finding"),
    Role.NEW_FINDING: lc("Finding"),
    Role.RECENT_FINDING: lc("Finding"),
    Role.TAKEN: lc("Drug"),
    Role.TAKES: lc("Drug"),
    Role.TOOK_BEFORE_ONSET: lc("Drug"),
    Role.STOPPED_WITH_RELIEF: lc("Drug"),
    Role.STOPPED_WITHOUT_RELIEF: lc("Drug"),
    Role.RECORDED_DIAGNOSIS: lc("Condition"),
}


@dataclass(frozen=True)
class Leaves:
    """The leaf universe: names by bit, bits by role pair and by indicator cut, and what each role literal implies.

    `constrained` holds the bits of the restrictions that constraints between case classes are stated of.
    """

    names: tuple[tuple[str, str], ...]
    role_bits: dict[tuple[str, str], int]
    first_bit: dict[str, int]
    cuts: dict[str, tuple[tuple[Decimal, int], ...]]
    implied: dict[RoleLiteral, frozenset[RoleLiteral]]
    constrained: tuple[int, ...]

    def cut_bit(self, indicator: str, cut: tuple[Decimal, int] | None) -> int:
        """Return the bit of a cut of `indicator`, or of "has a value" for None."""
        return self.first_bit[indicator] + (0 if cut is None else 1 + self.cuts[indicator].index(cut))


def walk(expression: Expression) -> Iterable[Expression]:
    """Yield `expression` and everything inside it."""
    yield expression
    if isinstance(expression, Not):
        yield from walk(expression.part)
    elif isinstance(expression, And | Or):
        for part in expression.parts:
            yield from walk(part)


def cuts_of(band: Band) -> list[tuple[Decimal, int]]:
    """Return the cuts that bound a band: (x, 0) is "at least x", (x, 1) is "above x"."""
    cuts = []
    if band.low is not None:
        cuts.append((band.low, int(band.low_open)))
    if band.high is not None:
        cuts.append((band.high, int(not band.high_open)))
    return cuts


def lay_out(
    graph: Graph,
    definitions: Mapping[str, Expression],
    sorts: Mapping[str, str],
    indicators: Iterable[str],
    weighed: Iterable[str],
) -> Leaves:
    """Give every leaf its bit, those of `weighed` drugs included; raise ProfileError for a filler of the wrong sort or a constraint that is not binary."""
    pairs = {(Role.FINDING, term) for term, sort in sorts.items() if sort == lc("Finding")}
    pairs |= {(Role.TAKES, drug) for drug in weighed}
    cuts: dict[str, set[tuple[Decimal, int]]] = {iri: set() for iri in indicators}
    for owner, definition in definitions.items():
        for part in walk(definition):
            if isinstance(part, Some):
                _check_filler(graph, part, sorts, owner)
                pairs.add((part.role, part.filler))
            elif isinstance(part, Band):
                if part.indicator not in cuts:
                    raise ProfileError(
                        f"{curie(owner)} uses an undeclared indicator",
                        where=graph.place(owner),
                        why=curie(part.indicator),
                        repair="declare it with lc:indicatorForm",
                    )
                cuts[part.indicator].update(cuts_of(part))
    names: list[tuple[str, str]] = sorted(pairs)
    role_bits = {pair: bit for bit, pair in enumerate(names)}
    first_bit: dict[str, int] = {}
    ordered = {iri: tuple(sorted(found)) for iri, found in cuts.items()}
    for iri in sorted(ordered):
        first_bit[iri] = len(names)
        names.append((iri, ""))
        names.extend((iri, f"{'>' if above else '>='} {value}") for value, above in ordered[iri])
    constraints = tuple(_constraints(graph, definitions))
    constrained = sorted({role_bits[role, filler] for pair in constraints for role, filler, _ in pair})
    return Leaves(tuple(names), role_bits, first_bit, ordered, _implications(graph, constraints, sorts), tuple(constrained))


def _check_filler(graph: Graph, part: Some, sorts: Mapping[str, str], owner: str) -> None:
    due = _SORT_OF_ROLE.get(part.role)
    if due is None or sorts.get(part.filler) != due:
        raise ProfileError(
            f"The definition of {curie(owner)} restricts {curie(part.role)} to {curie(part.filler)}",
            where=graph.place(owner),
            why="the role is not one of the case profile" if due is None else f"the filler is not declared below {curie(due)}",
            repair="use a declared role with a finding, drug or condition as filler",
        )


def _implications(
    graph: Graph, constraints: Iterable[tuple[RoleLiteral, RoleLiteral]], sorts: Mapping[str, str]
) -> dict[RoleLiteral, frozenset[RoleLiteral]]:
    """Return for each role literal everything it implies, itself included (the closure of all binary clauses)."""
    edges: dict[RoleLiteral, set[RoleLiteral]] = {}

    def imply(first: RoleLiteral, second: RoleLiteral) -> None:
        edges.setdefault(first, set()).add(second)
        edges.setdefault((*second[:2], not second[2]), set()).add((*first[:2], not first[2]))

    for role, sort in _SORT_OF_ROLE.items():
        supers = graph.iris(role, RDFS + "subPropertyOf")
        for term in (term for term, found in sorts.items() if found == sort):
            edges.setdefault((role, term, True), set())
            edges.setdefault((role, term, False), set())
            for parent in graph.iris(term, RDFS + "subClassOf"):
                if parent in sorts:
                    imply((role, term, True), (role, parent, True))
            for above in supers:
                imply((role, term, True), (above, term, True))
    for first, second in constraints:
        imply(first, second)
    return {literal: _reach(edges, literal) for literal in edges}


def _reach(edges: Mapping[RoleLiteral, set[RoleLiteral]], start: RoleLiteral) -> frozenset[RoleLiteral]:
    found = {start}
    stack = [start]
    while stack:
        for following in edges.get(stack.pop(), ()):
            if following not in found:
                found.add(following)
                stack.append(following)
    return frozenset(found)


def _constraints(graph: Graph, definitions: Mapping[str, Expression]) -> Iterable[tuple[RoleLiteral, RoleLiteral]]:
    """Yield the implications that disjointness and inclusion axioms between case classes state."""
    for owner in sorted(definitions):
        for other in graph.iris(owner, OWL + "disjointWith"):
            first, second = (_as_literal(graph, definitions, term, owner) for term in (owner, other))
            yield first, (*second[:2], not second[2])
        for above in graph.iris(owner, RDFS + "subClassOf"):
            if above != lc("Case"):
                yield _as_literal(graph, definitions, owner, owner), _as_literal(graph, definitions, above, owner)


def _as_literal(graph: Graph, definitions: Mapping[str, Expression], term: str, owner: str) -> RoleLiteral:
    expression = definitions.get(term)
    positive = True
    while isinstance(expression, Not | Named):
        if isinstance(expression, Not):
            positive, expression = not positive, expression.part
        else:
            expression = definitions.get(expression.iri)
    if not isinstance(expression, Some):
        raise ProfileError(
            f"A constraint on {curie(owner)} is outside the case profile",
            where=graph.place(owner),
            why=f"{curie(term)} is no single role restriction",
            repair="state constraints between classes that restrict one role, or put the condition into the definition",
        )
    return expression.role, expression.filler, positive
