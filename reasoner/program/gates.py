"""Turn class definitions into gates over bits; equal gates are shared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from reasoner.errors import ProfileError
from reasoner.expressions import And, Band, Expression, Named, Not, Or, Some, Top
from reasoner.knowledge import Graph
from reasoner.namespaces import curie
from reasoner.program.leaves import Leaves
from reasoner.program.model import Gate, Literal

__all__ = ["GateTable", "build_gates", "order_definitions"]


@dataclass
class GateTable:
    """The gates under construction, the literal of each class, and the bits that stand for one restriction each."""

    leaves: Leaves
    gates: list[Gate] = field(default_factory=list)
    shared: dict[Gate, int] = field(default_factory=dict)
    classes: dict[str, Literal] = field(default_factory=dict)
    atoms: dict[int, Some | Band] = field(default_factory=dict)

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
                bit = self.leaves.role_bits[role, filler]
                self.atoms[bit] = expression
                return bit, True
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
        low = None if band.low is None else (band.low, int(band.low_open))
        literals: list[Literal] = [(self.leaves.cut_bit(band.indicator, low), True)]
        if band.high is not None:
            literals.append((self.leaves.cut_bit(band.indicator, (band.high, int(not band.high_open))), False))
        bit, sign = self.add(True, literals)
        self.atoms[bit] = band
        return bit, sign


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
                    f"{curie(name)} uses {curie(used)}, which has no definition",
                    where=graph.place(name),
                    why="a case class needs one owl:equivalentClass and rdfs:subClassOf lc:Case",
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
