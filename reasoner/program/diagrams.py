"""Build a decision diagram for every group of literals that gates cannot judge one by one.

A diagram is over the group's leaves and says "all of the group hold and the theory holds", the theory being every
binary clause among those leaves: hierarchy, subroles, constraints, the order of cuts. The group cannot hold when no
path of the diagram agrees with what is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from reasoner.program.gates import GateTable
from reasoner.program.joints import Group
from reasoner.program.model import Joint
from reasoner.program.witnesses import find_witnesses, rows_below

__all__ = ["TERMINALS", "build_diagrams"]

TERMINALS = 2
"""Node 0 is false, node 1 is true; table rows start at 2."""


class _Builder:
    def __init__(self, table: GateTable) -> None:
        from dd.autoref import BDD

        self.table = table
        self.leaves = table.leaves
        self.bdd: Any = BDD()
        self.bdd.configure(reordering=False)
        self.known: dict[int, Any] = {}
        self.below: dict[int, tuple[int, ...]] = {}
        self.rows: list[tuple[int, int, int]] = []
        self.row_of: dict[int, int] = {}

    def bits(self, bit: int) -> tuple[int, ...]:
        """Return the leaf bits below a bit, in order of first occurrence; cuts bring their indicator's other cuts."""
        if bit not in self.below:
            if bit < len(self.leaves.names):
                subject = self.leaves.names[bit][0]
                first = self.leaves.first_bit.get(subject)
                self.below[bit] = (bit,) if first is None else tuple(range(first, first + 1 + len(self.leaves.cuts[subject])))
            else:
                gate = self.table.gates[bit - len(self.leaves.names)]
                self.below[bit] = tuple(dict.fromkeys(leaf for part in (*gate.positive, *gate.negative) for leaf in self.bits(part)))
        return self.below[bit]

    def build(self, bit: int) -> Any:
        """Return the diagram of a bit."""
        if bit not in self.known:
            if bit < len(self.leaves.names):
                self.known[bit] = self.bdd.var(f"b{bit}")
            else:
                gate = self.table.gates[bit - len(self.leaves.names)]
                parts = [self.build(part) for part in gate.positive] + [~self.build(part) for part in gate.negative]
                self.known[bit] = self.conjoin(parts) if gate.every else ~self.conjoin([~part for part in parts])
        return self.known[bit]

    def conjoin(self, parts: Iterable[Any]) -> Any:
        """Return the conjunction of diagrams."""
        found = self.bdd.true
        for part in parts:
            found = found & part
        return found

    def theory(self, bits: Iterable[int]) -> Any:
        """Return the conjunction of the binary clauses among `bits`."""
        inside = set(bits)
        clauses = []
        for bit in sorted(inside):
            for other, sign in self._implied(bit):
                if other in inside and other != bit:
                    right = self.bdd.var(f"b{other}")
                    clauses.append(~self.bdd.var(f"b{bit}") | (right if sign else ~right))
        return self.conjoin(clauses)

    def _implied(self, bit: int) -> Iterable[tuple[int, bool]]:
        subject, detail = self.leaves.names[bit]
        if (subject, detail) in self.leaves.role_bits:
            for role, filler, sign in self.leaves.implied[subject, detail, True]:
                other = self.leaves.role_bits.get((role, filler))
                if other is not None:
                    yield other, sign
        elif bit > self.leaves.first_bit[subject]:
            yield bit - 1, True

    def export(self, node: Any) -> int:
        """Return the table row of a diagram, adding its nodes; complemented edges are written out."""
        if node == self.bdd.true:
            return 1
        if node == self.bdd.false:
            return 0
        key = int(node)
        if key not in self.row_of:
            low, high = (~node.low, ~node.high) if node.negated else (node.low, node.high)
            row = (int(node.var[1:]), self.export(high), self.export(low))
            self.row_of[key] = TERMINALS + len(self.rows)
            self.rows.append(row)
        return self.row_of[key]


def build_diagrams(
    table: GateTable, joints: Mapping[int, tuple[Group, ...]]
) -> tuple[dict[int, tuple[Joint, ...]], tuple[tuple[int, int, int], ...]]:
    """Return per gate bit its groups with their diagrams' rows, and the shared table of (bit, row if true, row if false)."""
    if not joints:
        return {}, ()
    builder = _Builder(table)
    groups = [(bit, group) for bit, found in joints.items() for group in found]
    order = dict.fromkeys(leaf for _, group in groups for bit, _ in group.members for leaf in builder.bits(bit))
    builder.bdd.declare(*(f"b{leaf}" for leaf in order))
    found: dict[int, tuple[Joint, ...]] = {}
    for bit, group in groups:
        parts = [builder.build(part) if sign else ~builder.build(part) for part, sign in group.members]
        leaves = dict.fromkeys(leaf for part, _ in group.members for leaf in builder.bits(part))
        row = builder.export(builder.conjoin([*parts, builder.theory(leaves)]))
        asked = sorted({builder.rows[each - TERMINALS][0] for each in rows_below(builder.rows, row)})
        found[bit] = (*found.get(bit, ()), Joint(group.members, group.pairs, row, tuple(asked)))
    rows = tuple(builder.rows)
    witnesses = find_witnesses(rows, [joint.row for each in found.values() for joint in each])
    return {bit: tuple(replace(joint, witnesses=witnesses[joint.row]) for joint in each) for bit, each in found.items()}, rows
