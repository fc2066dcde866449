"""Evaluate gates and diagrams: from what is known of the leaves to the value of every bit.

Only gates that a changed leaf reaches are evaluated, level by level; the rest keep the value they have in the resting
state, which is evaluated once. A gate that stays open and has groups of inputs that pull against each other asks their
diagrams: a conjunction is refuted, a disjunction entailed, when one of its groups cannot hold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from reasoner.program.rows import FALSE, LATE, TRUE, UNKNOWN, Gate, Joint, Part

__all__ = ["GateTables", "Narrowings", "decide", "load_tables", "moved", "narrowed", "settle"]

_TERMINALS = 2

_Users = tuple[tuple[tuple[int, tuple[int, ...]], ...], ...]


@dataclass(frozen=True, slots=True)
class JointTable:
    """A joint: the pairs of its parts that oppose each other, its diagram, and cubes that make all of it hold."""

    opposed: tuple[tuple[Part, Part], ...]
    row: int
    witnesses: tuple[tuple[Part, ...], ...]


@dataclass(frozen=True, slots=True)
class GateTables:
    """The evaluation tables of a program.

    A disjunction is held as the conjunction of its parts' complements: `gates` gives per gate its parts, its value when
    all hold and its value when one fails; what several late gates deny alike is a gate of its own, after all others.
    `users` gives per bit, by level, the gates to look at when the bit changes; `joints` per gate index the groups judged
    together; `nodes` the diagrams' (bit, row if true, row if false); `resting` the value of every bit in the reference
    state, late ones undecided, `resting_masks` the leaves that hold and that fail in it.
    """

    leaf_count: int
    gates: tuple[tuple[tuple[Part, ...], int, int], ...]
    users: _Users
    levels: int
    joints: Mapping[int, tuple[JointTable, ...]]
    nodes: Sequence[tuple[int, int, int]]
    resting: bytes
    resting_masks: tuple[int, int]


def load_tables(
    leaf_count: int,
    gates: Sequence[Gate],
    joints: Mapping[int, tuple[Joint, ...]],
    nodes: Sequence[tuple[int, int, int]],
    resting: Sequence[Part],
    patient: Iterable[int] = (),
) -> GateTables:
    """Prepare `gates`, which own the bits from `leaf_count` on.

    `resting` gives the leaf values of the reference state; the bits in `patient` may wait until they are asked for.
    """
    tables = {bit - leaf_count: tuple(map(_joint, each)) for bit, each in joints.items()}
    used = _uses(leaf_count, gates, joints)
    late = _late(leaf_count, used, patient)
    levels = _levels(leaf_count, gates)
    users = tuple(_by_level([gate for gate in each if gate not in late], levels) for each in used)
    every = _sharing(leaf_count, gates, late)
    users += ((),) * (len(every) - len(gates))
    bare = GateTables(leaf_count, every, users, max(levels, default=0) + 1, tables, nodes, b"", (0, 0))
    values = bytearray(leaf_count + len(every))
    for bit, value in resting:
        values[bit] = value
    for index in range(len(every)):
        values[leaf_count + index] = LATE if index in late or index >= len(gates) else _value(bare, index, values)
    return replace(bare, resting=bytes(values), resting_masks=_masks(resting))


def _masks(leaves: Iterable[Part]) -> tuple[int, int]:
    holds, fails = (sum(1 << bit for bit, value in leaves if value == wanted) for wanted in (TRUE, FALSE))
    return holds, fails


def _gate(gate: Gate) -> tuple[tuple[Part, ...], int, int]:
    holds, fails = (TRUE, FALSE) if gate.every else (FALSE, TRUE)
    return (*((bit, holds) for bit in gate.positive), *((bit, fails) for bit in gate.negative)), holds, fails


def _sharing(leaf_count: int, gates: Sequence[Gate], late: frozenset[int]) -> tuple[tuple[tuple[Part, ...], int, int], ...]:
    """Return all gates, and after them one for what several late conjunctions deny alike, by which these are shorter."""
    denied = Counter(gates[index].negative for index in late if gates[index].every)
    shared = [negative for negative, count in denied.items() if count > 1 and len(negative) > 1]
    bits = {negative: leaf_count + len(gates) + place for place, negative in enumerate(shared)}

    def shorter(index: int, gate: Gate) -> Gate:
        if index not in late or not gate.every or gate.negative not in bits:
            return gate
        return Gate(True, (*gate.positive, bits[gate.negative]), ())

    every = [shorter(index, gate) for index, gate in enumerate(gates)]
    return tuple(map(_gate, (*every, *(Gate(True, (), negative) for negative in shared))))


def _joint(joint: Joint) -> JointTable:
    parts = tuple((bit, TRUE if sign else FALSE) for bit, sign in joint.members)
    cubes = tuple((*((bit, TRUE) for bit in true), *((bit, FALSE) for bit in false)) for true, false in joint.witnesses)
    of_bit = dict(parts)
    return JointTable(tuple(((one, of_bit[one]), (other, of_bit[other])) for one, other in joint.pairs), joint.row, cubes)


def _uses(leaf_count: int, gates: Sequence[Gate], joints: Mapping[int, tuple[Joint, ...]]) -> list[list[int]]:
    """Return per bit the gates to look at when it changes, in order: those it enters and those whose diagrams ask for it."""
    used: list[set[int]] = [set() for _ in range(leaf_count + len(gates))]
    for index, gate in enumerate(gates):
        for bit in (*gate.positive, *gate.negative):
            used[bit].add(index)
    for bit, each in joints.items():
        for leaf in {leaf for joint in each for leaf in joint.leaves}:
            used[leaf].add(bit - leaf_count)
    return [sorted(each) for each in used]


def _late(leaf_count: int, used: Sequence[Sequence[int]], patient: Iterable[int]) -> frozenset[int]:
    """Return the gates of `patient` bits that nothing but such gates waits for."""
    late = {bit - leaf_count for bit in patient if bit >= leaf_count}
    return frozenset(index for index in late if late.issuperset(used[leaf_count + index]))


def _levels(leaf_count: int, gates: Sequence[Gate]) -> list[int]:
    """Return per gate the number of gates on the longest way down to a leaf."""
    levels: list[int] = []
    for gate in gates:
        below = (levels[bit - leaf_count] + 1 for bit in (*gate.positive, *gate.negative) if bit >= leaf_count)
        levels.append(max(below, default=0))
    return levels


def _by_level(gates: Iterable[int], levels: Sequence[int]) -> tuple[tuple[int, tuple[int, ...]], ...]:
    found: dict[int, list[int]] = {}
    for gate in gates:
        found.setdefault(levels[gate], []).append(gate)
    return tuple((level, tuple(found[level])) for level in sorted(found))


class Narrowings(dict[int, _Users]):
    """Per set of gates, as a mask over their indices, those of them to look at when a bit changes; each is worked out once and kept."""

    def __init__(self, tables: GateTables) -> None:
        super().__init__()
        self._tables = tables

    def __missing__(self, mask: int) -> _Users:
        """Work out a set of gates that was not asked for before."""
        users = self[mask] = tuple(
            tuple((level, kept) for level, each in every if (kept := tuple(gate for gate in each if mask >> gate & 1)))
            for every in self._tables.users
        )
        return users


def narrowed(tables: GateTables, users: _Users, values: bytes, masks: tuple[int, int]) -> GateTables:
    """Return tables that start from these values of all bits, with the leaves in `masks`, and look only at the gates in `users`."""
    return replace(tables, users=users, resting=values, resting_masks=masks)


def moved(tables: GateTables, leaf_true: int, leaf_false: int) -> dict[int, int]:
    """Return the leaves whose value differs from the resting state when exactly those in the masks are known."""
    resting_true, resting_false = tables.resting_masks
    differing = (leaf_true ^ resting_true) | (leaf_false ^ resting_false)
    changes: dict[int, int] = {}
    while differing:
        low = differing & -differing
        changes[low.bit_length() - 1] = TRUE if leaf_true & low else FALSE if leaf_false & low else UNKNOWN
        differing ^= low
    return changes


def settle(tables: GateTables, changes: Mapping[int, int]) -> tuple[bytearray, list[int]]:
    """Return the value of every bit when the leaves in `changes` have these values and the others rest, and what changed.

    Late gates are left undecided; `decide` decides one.
    """
    leaf_count, gates, users, joints = tables.leaf_count, tables.gates, tables.users, tables.joints
    values = bytearray(tables.resting)
    waiting: list[set[int]] = [set() for _ in range(tables.levels)]
    changed = list(changes)
    for bit, value in changes.items():
        values[bit] = value
        for level, indices in users[bit]:
            waiting[level].update(indices)
    for due in waiting:
        for index in due:
            parts, holds, fails = gates[index]
            value = holds
            for bit, serving in parts:
                found = values[bit]
                if found != serving:
                    if found:
                        value = fails
                        break
                    value = UNKNOWN
            if not value and index in joints and not _can_all_hold(tables, index, values):
                value = fails
            own = leaf_count + index
            if values[own] != value:
                values[own] = value
                changed.append(own)
                for level, indices in users[own]:
                    waiting[level].update(indices)
    return values, changed


def decide(tables: GateTables, values: bytearray, bit: int) -> int:
    """Return the value of a late bit, and enter it in `values`."""
    value = values[bit] = _value(tables, bit - tables.leaf_count, values)
    return value


def _value(tables: GateTables, index: int, values: bytearray) -> int:
    """Return the value of one gate; late parts are decided on the way."""
    parts, holds, fails = tables.gates[index]
    value = holds
    for bit, serving in parts:
        found = values[bit]
        if found == LATE:
            found = decide(tables, values, bit)
        if found != serving:
            if found:
                return fails
            value = UNKNOWN
    if not value and index in tables.joints and not _can_all_hold(tables, index, values):
        return fails
    return value


def _can_all_hold(tables: GateTables, index: int, values: bytearray) -> bool:
    """Return whether each joint of a gate can hold, given that each of its parts by itself can."""
    for joint in tables.joints[index]:  # noqa: SIM110 - a generator would cost more than what it asks
        if not _can_hold(tables.nodes, joint, values):
            return False
    return True


def _can_hold(nodes: Sequence[tuple[int, int, int]], joint: JointTable, values: bytearray) -> bool:
    """Return whether all parts can hold together.

    Parts that already hold stand in nobody's way; if no two of the open ones are opposed, all can hold. Else a witness
    that agrees with what is known decides, else the diagram.
    """
    for (one, serving), (other, wanted) in joint.opposed:
        if values[one] != serving and values[other] != wanted:
            break
    else:
        return True
    for cube in joint.witnesses:
        for bit, value in cube:
            if values[bit] != value and values[bit]:
                break
        else:
            return True
    return _satisfiable(nodes, joint.row, values)


def _satisfiable(nodes: Sequence[tuple[int, int, int]], root: int, values: bytearray) -> bool:
    """Return whether a path of the diagram to the true terminal agrees with what is known."""
    seen, due = {0}, [root]
    while due:
        row = due.pop()
        if row == 1:
            return True
        if row not in seen:
            seen.add(row)
            bit, high, low = nodes[row - _TERMINALS]
            value = values[bit]
            if value != TRUE:
                due.append(low)
            if value != FALSE:
                due.append(high)
    return False
