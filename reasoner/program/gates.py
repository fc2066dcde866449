"""Turn class definitions into gates over bits, and decide where three-valued evaluation of gates is exact.

Kleene evaluation is exact for a class whose leaves point one way: every leaf occurs with one polarity, a leaf that
implies another has the same polarity, one that excludes another the opposite one, and the bands of one indicator are
nested and of one polarity. Then the greatest and the least completion are both consistent and decide the class.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from reasoner.errors import ProfileError
from reasoner.expressions import And, Band, Expression, Named, Not, Or, Some, Top
from reasoner.knowledge import Graph
from reasoner.namespaces import curie
from reasoner.program.leaves import Leaves
from reasoner.program.model import Gate, Literal

__all__ = ["GateTable", "build_gates", "is_exact", "order_definitions", "polarities"]

Atom = Some | Band
Polarities = frozenset[tuple[Atom, bool]]


@dataclass
class GateTable:
    """The gates under construction; equal gates are shared."""

    leaves: Leaves
    gates: list[Gate] = field(default_factory=list)
    shared: dict[Gate, int] = field(default_factory=dict)
    classes: dict[str, Literal] = field(default_factory=dict)

    def add(self, every: bool, literals: Iterable[Literal]) -> Literal:
        """Return the literal of a conjunction or disjunction; a single literal stands for itself."""
        unique = sorted(set(literals))
        if len(unique) == 1:
            return unique[0]
        gate = Gate(every, tuple(bit for bit, sign in unique if sign), tuple(bit for bit, sign in unique if not sign))
        if gate not in self.shared:
            self.shared[gate] = len(self.leaves.names) + len(self.gates)
            self.gates.append(gate)
        return self.shared[gate], True

    def literal(self, expression: Expression) -> Literal:
        """Return the literal that stands for `expression`, adding gates as needed."""
        match expression:
            case Named(iri):
                return self.classes[iri]
            case Some(role, filler):
                return self.leaves.role_bits[role, filler], True
            case Band():
                return self._band(expression)
            case Not(part):
                bit, sign = self.literal(part)
                return bit, not sign
            case And(parts):
                return self.add(True, [self.literal(part) for part in parts if not isinstance(part, Top)])
            case Or(parts):
                return self.add(False, [self.literal(part) for part in parts])
            case Top():
                return self.add(True, [])

    def _band(self, band: Band) -> Literal:
        literals: list[Literal] = []
        low = None if band.low is None else (band.low, int(band.low_open))
        literals.append((self.leaves.cut_bit(band.indicator, low), True))
        if band.high is not None:
            literals.append((self.leaves.cut_bit(band.indicator, (band.high, int(not band.high_open))), False))
        return self.add(True, literals)


def order_definitions(graph: Graph, definitions: Mapping[str, Expression]) -> list[str]:
    """Return the class names so that each follows those it uses; raise ProfileError on a cycle or an undefined name."""
    ordered: dict[str, None] = {}

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in ordered:
            return
        if name in path:
            raise ProfileError(
                "Case classes define each other in a circle",
                where=graph.place(name),
                why=" → ".join(map(curie, (*path, name))),
                repair="remove one of the uses",
            )
        for used in _names(definitions[name]):
            if used not in definitions:
                raise ProfileError(
                    f"{curie(path[-1] if path else name)} uses {curie(used)}, which has no definition",
                    where=graph.place(name),
                    why="a case class needs an owl:equivalentClass",
                    repair=f"define {curie(used)} or use a role restriction",
                )
            visit(used, (*path, name))
        ordered[name] = None

    for name in sorted(definitions):
        visit(name, ())
    return list(ordered)


def _names(expression: Expression) -> list[str]:
    match expression:
        case Named(iri):
            return [iri]
        case Not(part):
            return _names(part)
        case And(parts) | Or(parts):
            return [name for part in parts for name in _names(part)]
        case _:
            return []


def build_gates(leaves: Leaves, definitions: Mapping[str, Expression], ordered: Iterable[str]) -> GateTable:
    """Build the gates of all classes, in the order given."""
    table = GateTable(leaves)
    for name in ordered:
        table.classes[name] = table.literal(definitions[name])
    return table


def polarities(definitions: Mapping[str, Expression], ordered: Iterable[str]) -> dict[str, Polarities]:
    """Return for each class the atoms of its full expansion with the polarity of each occurrence."""
    known: dict[str, Polarities] = {}

    def collect(expression: Expression) -> Polarities:
        match expression:
            case Named(iri):
                return known[iri]
            case Some() | Band():
                return frozenset({(expression, True)})
            case Not(part):
                return frozenset((atom, not sign) for atom, sign in collect(part))
            case And(parts) | Or(parts):
                return frozenset().union(*(collect(part) for part in parts))
            case Top():
                return frozenset()

    for name in ordered:
        known[name] = collect(definitions[name])
    return known


def is_exact(leaves: Leaves, atoms: Polarities) -> bool:
    """Return whether Kleene evaluation decides a class with these atoms exactly (the module's criterion)."""
    roles = {(atom.role, atom.filler): sign for atom, sign in atoms if isinstance(atom, Some)}
    bands = [(atom, sign) for atom, sign in atoms if isinstance(atom, Band)]
    if len(roles) + len(bands) != len(atoms):
        return False
    for (role, filler), sign in roles.items():
        for other_role, other_filler, implied in leaves.implied[role, filler, True]:
            if roles.get((other_role, other_filler), sign == implied) != (sign == implied):
                return False
    for index, (band, sign) in enumerate(bands):
        for other, other_sign in bands[index + 1 :]:
            if band.indicator == other.indicator and (sign != other_sign or not (_inside(band, other) or _inside(other, band))):
                return False
    return True


def _inside(inner: Band, outer: Band) -> bool:
    low = outer.low is None or (inner.low is not None and (inner.low, inner.low_open) >= (outer.low, outer.low_open))
    high = outer.high is None or (inner.high is not None and (inner.high, not inner.high_open) <= (outer.high, not outer.high_open))
    return low and high
