"""Ask of all possible cases at once whether some case satisfies a combination of classes, and describe one that does.

Every case that the knowledge allows is a model of the clauses here: definitions, hierarchy of findings, drugs and
conditions, subroles, constraints between case classes, and the order of each indicator's bounds. It is written from the
definitions alone, so that it does not share the compiler's faults.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from reasoner.expressions import And, Band, Expression, Named, Not, Or, Some, Top
from reasoner.knowledge import Graph
from reasoner.namespaces import OWL, RDFS, XSD
from reasoner.terms import lc

__all__ = ["Atom", "Solving", "StateSpace", "bounds_of", "signed_atoms"]

Atom = Some | Band
Cut = tuple[Decimal, bool]
"""A bound: (x, False) is "at least x", (x, True) is "above x"."""

_ALWAYS = ("on_record", "closed", "count")
"""The indicator forms that the record always settles."""

_WHOLE = (XSD + "integer", XSD + "boolean")


def signed_atoms(definitions: Mapping[str, Expression], name: str) -> frozenset[tuple[Atom, bool]]:
    """Return the restrictions in the full expansion of a class, each with whether it stands positively."""

    def collect(expression: Expression, sign: bool) -> Iterator[tuple[Atom, bool]]:
        match expression:
            case Named(iri):
                yield from collect(definitions[iri], sign)
            case Some() | Band():
                yield expression, sign
            case Not(part):
                yield from collect(part, not sign)
            case And(parts) | Or(parts):
                for part in parts:
                    yield from collect(part, sign)

    return frozenset(collect(Named(name), True))


def bounds_of(graph: Graph, band: Band) -> tuple[Cut | None, Cut | None]:
    """Return the cut that a value in the band passes and the one that it fails, leaving out those that no value can miss."""
    low = None if band.low is None else (band.low, band.low_open)
    high = None if band.high is None else (band.high, not band.high_open)
    least, most = _domain(graph, band.indicator)
    if graph.iri(band.indicator, RDFS + "range") in _WHOLE:
        low, high = (None if cut is None else _whole(cut) for cut in (low, high))
    if low is not None and least is not None and low <= (least, False):
        low = None
    if high is not None and most is not None and high >= (most, True):
        high = None
    return low, high


def _whole(cut: Cut) -> Cut:
    value, above = cut
    return ((value.to_integral_value(ROUND_FLOOR) + 1) if above else value.to_integral_value(ROUND_CEILING)), False


def _domain(graph: Graph, indicator: str) -> tuple[Decimal | None, Decimal | None]:
    """Return the least and the greatest value that an indicator can have."""
    if graph.iri(indicator, RDFS + "range") == XSD + "boolean":
        return Decimal(0), Decimal(1)
    if (graph.iri(indicator, lc("indicatorForm")) or "").endswith("_relative"):
        return Decimal(-1), Decimal(1)
    texts = [graph.text(indicator, lc(name)) for name in ("lowestPossible", "highestPossible")]
    least, most = (Decimal(text) if text else None for text in texts)
    return least, most


@dataclass(frozen=True)
class _Table:
    """The variables of restrictions: role atoms by (role, filler), and cuts by indicator; None is "has a value"."""

    roles: dict[tuple[str, str], int]
    cuts: dict[str, dict[Cut | None, int]]


class Solving:
    """Holds a solver that is to be freed."""

    _solver: Any

    def close(self) -> None:
        """Free the solver."""
        self._solver.delete()


class StateSpace(Solving):
    """The cases that the knowledge allows, as clauses; definitions must follow those they use."""

    def __init__(self, graph: Graph, definitions: Mapping[str, Expression]) -> None:
        from pysat.solvers import Solver

        self._graph = graph
        self._definitions = definitions
        self._table = _Table({}, {})
        self._clauses: list[list[int]] = []
        self._count = 0
        self._known: dict[Expression, int] = {}
        for name, expression in definitions.items():
            self._known[Named(name)] = self._literal(expression)
        self.definitions = tuple(self._clauses)
        self._add_theory()
        self.theory = tuple(self._clauses[len(self.definitions) :])
        self.variables = self._count
        self._solver = Solver(name="minisat22", bootstrap_with=self._clauses)
        self._solver.set_phases([-variable for variable in self._table.roles.values()])

    @property
    def atoms(self) -> list[int]:
        """Return the variables of all restrictions and bounds."""
        return sorted([*self._table.roles.values(), *(each for own in self._table.cuts.values() for each in own.values())])

    @property
    def roles(self) -> Mapping[tuple[str, str], int]:
        """Return the variables of role restrictions by (role, filler)."""
        return self._table.roles

    def moving(self, fillers: Collection[str]) -> dict[int, str]:
        """Return for each bound how it moves when findings are added: not at all, "up" for sums, "freely" where one subtracts."""
        return {variable: self._moves(indicator, fillers) for indicator, own in self._table.cuts.items() for variable in own.values()}

    def _moves(self, indicator: str, fillers: Collection[str]) -> str:
        points = [
            int(self._graph.text(item, lc("points"), "0"))
            for item in self._graph.subjects(lc("itemOf"), indicator)
            if any(self.is_below(filler, finding) for finding in self._graph.iris(item, lc("aboutFinding")) for filler in fillers)
        ]
        return "freely" if any(each < 0 for each in points) else "up" if points else ""

    def atoms_of(self, names: Iterable[str]) -> list[int]:
        """Return the variables of the restrictions and bounds that the expansions of classes ask for."""
        atoms = {atom for name in names for atom, _ in signed_atoms(self._definitions, name)}
        found: set[int] = set()
        for atom in atoms:
            if isinstance(atom, Some):
                found.add(self._table.roles[atom.role, atom.filler])
            else:
                found.update(self._table.cuts[atom.indicator].values())
        return sorted(found)

    def has(self, name: str) -> bool:
        """Return whether a class is defined."""
        return Named(name) in self._known

    def is_below(self, term: str, above: str) -> bool:
        """Return whether a finding, drug or condition is another one or a kind of it."""
        return above in self._graph.above(term, RDFS + "subClassOf")

    def implies(self, one: tuple[str, str], other: tuple[str, str]) -> bool:
        """Return whether one (role, filler) brings the other with it."""
        return other[0] in self._graph.above(one[0], RDFS + "subPropertyOf") and other[1] in self._graph.above(one[1], RDFS + "subClassOf")

    def literal(self, name: str) -> int:
        """Return the literal of a class."""
        return self._known[Named(name)]

    def possible(self, holds: Iterable[str], fails: Iterable[str] = ()) -> bool:
        """Return whether in some case all of `holds` and none of `fails` apply."""
        claims = [self._known[Named(name)] for name in holds] + [-self._known[Named(name)] for name in fails]
        return bool(self._solver.solve(assumptions=claims))

    def case(self, holds: Iterable[str], fails: Iterable[str] = ()) -> str | None:
        """Return in words a case in which all of `holds` and none of `fails` apply, or None if there is none."""
        holds, fails = list(holds), list(fails)
        if not self.possible(holds, fails):
            return None
        return self._describe(set(self._solver.get_model()), [*holds, *fails])

    # --- clauses -------------------------------------------------------------------------------------------------

    def _fresh(self) -> int:
        self._count += 1
        return self._count

    def _literal(self, expression: Expression) -> int:
        if expression not in self._known:
            self._known[expression] = self._build(expression)
        return self._known[expression]

    def _build(self, expression: Expression) -> int:
        match expression:
            case Some(role, filler):
                return self._table.roles.setdefault((role, filler), self._fresh())
            case Not(part):
                return -self._literal(part)
            case And(parts):
                return self._every([self._literal(part) for part in parts])
            case Or(parts):
                return -self._every([-self._literal(part) for part in parts])
            case Band():
                low, high = bounds_of(self._graph, expression)
                parts_of = [self._cut(expression.indicator, low)]
                return self._every(parts_of if high is None else [*parts_of, -self._cut(expression.indicator, high)])
            case Top():
                return self._every([])
            case Named(iri):
                return self._known[Named(iri)]

    def _cut(self, indicator: str, cut: Cut | None) -> int:
        return self._table.cuts.setdefault(indicator, {}).setdefault(cut, 0) or self._new_cut(indicator, cut)

    def _new_cut(self, indicator: str, cut: Cut | None) -> int:
        self._table.cuts[indicator][cut] = variable = self._fresh()
        return variable

    def _every(self, literals: list[int]) -> int:
        gate = self._fresh()
        self._clauses += [[-gate, literal] for literal in literals]
        self._clauses.append([gate, *(-literal for literal in literals)])
        return gate

    def _add_theory(self) -> None:
        for (role, filler), variable in self._table.roles.items():
            roles, fillers = self._graph.above(role, RDFS + "subPropertyOf"), self._graph.above(filler, RDFS + "subClassOf")
            wider = (self._table.roles.get((above, term)) for above in roles for term in fillers)
            self._clauses += [[-variable, other] for other in wider if other is not None and other != variable]
        for indicator in list(self._table.cuts):
            self._order_cuts(indicator)
        for name in self._definitions:
            own = self._known[Named(name)]
            for other in self._graph.iris(name, OWL + "disjointWith"):
                if Named(other) in self._known:
                    self._clauses.append([-own, -self._known[Named(other)]])
            for above in self._graph.iris(name, RDFS + "subClassOf"):
                if Named(above) in self._known:
                    self._clauses.append([-own, self._known[Named(above)]])

    def _order_cuts(self, indicator: str) -> None:
        """Say that a value that passes a bound passes every lower one, and which bounds no value passes or misses."""
        has = self._cut(indicator, None)
        least, most = _domain(self._graph, indicator)
        below = has
        for cut in sorted(cut for cut in self._table.cuts[indicator] if cut is not None):
            variable = self._table.cuts[indicator][cut]
            self._clauses.append([-variable, below])
            if least is not None and cut <= (least, False):
                self._clauses.append([-has, variable])
            if most is not None and cut >= (most, True):
                self._clauses.append([-variable])
            below = variable
        form = (self._graph.iri(indicator, lc("indicatorForm")) or "").partition("_Form_")[2]
        if form in _ALWAYS or self._graph.flag(indicator, lc("isTotal")):
            self._clauses.append([has])

    def described(self, known: Iterable[int]) -> str:
        """Return in words what is known of a case: literals of its atoms."""
        literals = set(known)
        roles = {variable: pair for pair, variable in self._table.roles.items()}
        present = [roles[each] for each in literals if each in roles]
        absent = [roles[-each] for each in literals if -each in roles]
        narrow = [pair for pair in present if not any(self.implies(other, pair) for other in present if other != pair)]
        wide = [pair for pair in absent if not any(self.implies(pair, other) for other in absent if other != pair)]
        facts = [f"{self._words(pair)}: present" for pair in narrow] + [f"{self._words(pair)}: absent" for pair in wide]
        values = [self._interval(iri, literals) for iri, own in sorted(self._table.cuts.items()) if literals & set(own.values())]
        return "; ".join([*sorted(facts), *filter(None, values)]) or "nothing"

    def _words(self, pair: tuple[str, str]) -> str:
        return f"{self._graph.label(pair[0])} {self._graph.label(pair[1])}"

    # --- words ---------------------------------------------------------------------------------------------------

    def _describe(self, true: set[int], names: Iterable[str]) -> str:
        """Return what the case has of the things that the classes ask about."""
        atoms = {atom for name in names for atom, _ in signed_atoms(self._definitions, name)}
        roles = sorted((atom.role, atom.filler) for atom in atoms if isinstance(atom, Some))
        present = [pair for pair in roles if self._table.roles[pair] in true]
        narrow = [pair for pair in present if not any(self.implies(other, pair) for other in present if other != pair)]
        facts = [f"{self._graph.label(role)} {self._graph.label(filler)}" for role, filler in narrow]
        values = [self._interval(indicator, true) for indicator in sorted({atom.indicator for atom in atoms if isinstance(atom, Band)})]
        return "; ".join([*facts, *(value for value in values if value)]) or "nothing at all"

    def _interval(self, indicator: str, true: set[int]) -> str:
        """Return the interval that a value lies in, or nothing for a value that is not there."""
        known = self._table.cuts[indicator]
        if known[None] not in true:
            return ""
        cuts = sorted(cut for cut in known if cut is not None)
        passed = [cut for cut in cuts if known[cut] in true]
        failed = [cut for cut in cuts if -known[cut] in true]
        label = self._graph.label(indicator)
        if self._graph.iri(indicator, RDFS + "range") == XSD + "boolean":
            return label if passed else f"not: {label}"
        ends = [f"{'>' if cut[1] else '≥'} {cut[0]}" for cut in passed[-1:]] + [f"{'≤' if cut[1] else '<'} {cut[0]}" for cut in failed[:1]]
        return f"{label} {' and '.join(ends)}" if ends else f"{label} has a value"
