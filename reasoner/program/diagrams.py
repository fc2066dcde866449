"""Build decision diagrams for the classes that gates do not decide exactly.

Each such class gets two diagrams over its leaves: "the class holds and the theory holds" and "the class fails and the
theory holds", the theory being every binary clause among those leaves (hierarchy, subroles, constraints, the order of
cuts). A class is refuted when no path of the first agrees with what is known, entailed when none of the second does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reasoner.expressions import And, Band, Expression, Named, Not, Or, Some, Top
from reasoner.program.leaves import Leaves

__all__ = ["TERMINALS", "build_diagrams"]

TERMINALS = 2
"""Node 0 is false, node 1 is true; table rows start at 2."""


class _Builder:
    def __init__(self, leaves: Leaves, definitions: Mapping[str, Expression]) -> None:
        from dd.autoref import BDD

        self.leaves = leaves
        self.definitions = definitions
        self.bdd = BDD()
        self.bdd.configure(reordering=False)
        self.known: dict[str, object] = {}
        self.support: dict[str, frozenset[int]] = {}
        self.rows: list[tuple[int, int, int]] = []
        self.row_of: dict[int, int] = {}

    def declare(self, bits: Iterable[int]) -> None:
        for bit in bits:
            self.bdd.declare(f"b{bit}")

    def bits(self, expression: Expression) -> list[int]:
        """Return the leaf bits of the expansion, in order of first occurrence."""
        match expression:
            case Named(iri):
                return self.bits(self.definitions[iri])
            case Some(role, filler):
                return [self.leaves.role_bits[role, filler]]
            case Band(indicator):
                first = self.leaves.first_bit[indicator]
                return list(range(first, first + 1 + len(self.leaves.cuts[indicator])))
            case Not(part):
                return self.bits(part)
            case And(parts) | Or(parts):
                return list(dict.fromkeys(bit for part in parts for bit in self.bits(part)))
            case Top():
                return []

    def build(self, expression: Expression):  # type: ignore[no-untyped-def]  # dd ships no types
        match expression:
            case Named(iri):
                if iri not in self.known:
                    self.known[iri] = self.build(self.definitions[iri])
                return self.known[iri]
            case Some(role, filler):
                return self.bdd.var(f"b{self.leaves.role_bits[role, filler]}")
            case Band():
                low = None if expression.low is None else (expression.low, int(expression.low_open))
                found = self.bdd.var(f"b{self.leaves.cut_bit(expression.indicator, low)}")
                if expression.high is not None:
                    high = (expression.high, int(not expression.high_open))
                    found = found & ~self.bdd.var(f"b{self.leaves.cut_bit(expression.indicator, high)}")
                return found
            case Not(part):
                return ~self.build(part)
            case And(parts) | Or(parts):
                found = self.bdd.true if isinstance(expression, And) else self.bdd.false
                for part in parts:
                    built = self.build(part)
                    found = found & built if isinstance(expression, And) else found | built
                return found
            case Top():
                return self.bdd.true

    def theory(self, bits: Iterable[int]):  # type: ignore[no-untyped-def]
        """Return the conjunction of the binary clauses among `bits`."""
        inside = set(bits)
        found = self.bdd.true
        for bit in sorted(inside):
            for other, sign in self._implied(bit):
                if other in inside and other != bit:
                    right = self.bdd.var(f"b{other}")
                    found = found & (~self.bdd.var(f"b{bit}") | (right if sign else ~right))
        return found

    def _implied(self, bit: int) -> Iterable[tuple[int, bool]]:
        subject, detail = self.leaves.names[bit]
        if (subject, detail) in self.leaves.role_bits:
            for role, filler, sign in self.leaves.implied[subject, detail, True]:
                other = self.leaves.role_bits.get((role, filler))
                if other is not None:
                    yield other, sign
        elif bit > self.leaves.first_bit[subject]:
            yield bit - 1, True

    def export(self, node) -> int:  # type: ignore[no-untyped-def]
        """Return the table row of a diagram, adding its nodes; complemented edges are written out."""
        if node == self.bdd.true:
            return 1
        if node == self.bdd.false:
            return 0
        key = int(node)
        if key not in self.row_of:
            low, high = (node.low, node.high) if not node.negated else (~node.low, ~node.high)
            row = (int(node.var[1:]), self.export(high), self.export(low))
            self.row_of[key] = TERMINALS + len(self.rows)
            self.rows.append(row)
        return self.row_of[key]


def build_diagrams(
    leaves: Leaves, definitions: Mapping[str, Expression], names: Iterable[str]
) -> tuple[dict[str, tuple[int, int]], tuple[tuple[int, int, int], ...]]:
    """Return per class the rows of its two diagrams (can hold, can fail), and the shared table of (bit, if true, if false)."""
    names = list(names)
    if not names:
        return {}, ()
    builder = _Builder(leaves, definitions)
    order: dict[int, None] = {}
    for name in names:
        order.update(dict.fromkeys(builder.bits(Named(name))))
    builder.declare(order)
    roots: dict[str, tuple[int, int]] = {}
    for name in names:
        formula = builder.build(Named(name))
        theory = builder.theory(builder.bits(Named(name)))
        roots[name] = (builder.export(theory & formula), builder.export(theory & ~formula))
    return roots, tuple(builder.rows)
