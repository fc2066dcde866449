"""Evaluate gates and diagrams: from what is known of the leaves to the status of every bit.

Only gates that a changed leaf reaches are evaluated; the rest keep the status they have in the resting state, which
is evaluated once. A gate that stays open and has groups of inputs that pull against each other asks their diagrams:
a conjunction is refuted, a disjunction entailed, when one of its groups cannot hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from reasoner.program.model import Gate, Joint

__all__ = ["GateTables", "Resting", "decide", "load_tables", "settle"]

_TERMINALS = 2


@dataclass(frozen=True)
class Resting:
    """The reference state: leaf masks, and the masks of all bits that follow from them."""

    leaf_true: int
    leaf_false: int
    true: int
    false: int


@dataclass(frozen=True, slots=True)
class JointMasks:
    """A joint by masks: its members that must hold and those that must fail, and per member the bits opposed to it."""

    positive: int
    negative: int
    opposed: tuple[tuple[int, int], ...]
    row: int
    witnesses: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class GateTables:
    """The evaluation tables of a program.

    `masks` holds per gate (every, positive mask, negative mask, own mask); `users` per bit the mask of the gates to
    look at when the bit changes; `joints` per gate index the groups judged together; `nodes` the diagrams' (bit, row if
    true, row if false); `late` masks the gates decided only when asked, which only such gates wait for.
    """

    leaf_count: int
    masks: tuple[tuple[bool, int, int, int], ...]
    users: tuple[int, ...]
    joints: Mapping[int, tuple[JointMasks, ...]]
    nodes: Sequence[tuple[int, int, int]]
    late: int
    resting: Resting


def load_tables(
    leaf_count: int,
    gates: Sequence[Gate],
    joints: Mapping[int, tuple[Joint, ...]],
    nodes: Sequence[tuple[int, int, int]],
    resting: tuple[int, int],
    patient: Iterable[int] = (),
) -> GateTables:
    """Prepare `gates`, which own the bits from `leaf_count` on.

    `resting` gives the leaf masks of the reference state; the bits in `patient` may wait until they are asked for.
    """
    users = [0] * (leaf_count + len(gates))
    masks = []
    for index, gate in enumerate(gates):
        for bit in (*gate.positive, *gate.negative):
            users[bit] |= 1 << index
        masks.append((gate.every, _mask(gate.positive), _mask(gate.negative), 1 << leaf_count + index))
    supports = _supports(nodes)
    found = {}
    for bit, each in joints.items():
        found[bit - leaf_count] = tuple(_joint(joint) for joint in each)
        for joint in each:
            for leaf in _members(supports[joint.row]):
                users[leaf] |= 1 << bit - leaf_count
    late = _mask(bit - leaf_count for bit in patient if bit >= leaf_count)
    late = _mask(index for index in _members(late) if users[leaf_count + index] & ~late == 0)
    bare = GateTables(leaf_count, tuple(masks), tuple(users), found, nodes, late, Resting(0, 0, 0, 0))
    true, false, _ = _evaluate(bare, resting[0], resting[1], (1 << len(gates)) - 1, 0)
    return replace(bare, resting=Resting(*resting, true, false))


def _joint(joint: Joint) -> JointMasks:
    opposed: dict[int, int] = {}
    for one, other in joint.pairs:
        opposed[one] = opposed.get(one, 0) | 1 << other
    return JointMasks(
        positive=_mask(bit for bit, sign in joint.members if sign),
        negative=_mask(bit for bit, sign in joint.members if not sign),
        opposed=tuple((1 << bit, others) for bit, others in opposed.items()),
        row=joint.row,
        witnesses=tuple((_mask(true), _mask(false)) for true, false in joint.witnesses),
    )


def _mask(bits: Iterable[int]) -> int:
    mask = 0
    for bit in bits:
        mask |= 1 << bit
    return mask


def _supports(nodes: Sequence[tuple[int, int, int]]) -> list[int]:
    """Return per diagram row the mask of leaves below it; rows follow their parts."""
    supports = [0, 0]
    for bit, high, low in nodes:
        supports.append(1 << bit | supports[high] | supports[low])
    return supports


def _members(mask: int) -> list[int]:
    members = []
    while mask:
        low = mask & -mask
        members.append(low.bit_length() - 1)
        mask ^= low
    return members


def settle(tables: GateTables, leaf_true: int, leaf_false: int) -> tuple[int, int, int]:
    """Return the masks of entailed and refuted bits when exactly these leaves are known, and of bits not yet decided.

    Late gates are left undecided; `decide` decides one.
    """
    resting = tables.resting
    changed = (leaf_true ^ resting.leaf_true) | (leaf_false ^ resting.leaf_false)
    dirty = 0
    users = tables.users
    while changed:
        low = changed & -changed
        dirty |= users[low.bit_length() - 1]
        changed ^= low
    true = resting.true ^ resting.leaf_true | leaf_true
    false = resting.false ^ resting.leaf_false | leaf_false
    true, false, late = _evaluate(tables, true, false, dirty, tables.late)
    for index in _members(late):
        late |= users[tables.leaf_count + index]
    pending = late << tables.leaf_count
    return true & ~pending, false & ~pending, pending


def decide(tables: GateTables, true: int, false: int, bit: int) -> tuple[int, int]:
    """Return the masks with the gate of `bit` decided; its inputs must be."""
    true, false, _ = _evaluate(tables, true, false, 1 << bit - tables.leaf_count, 0)
    return true, false


def _evaluate(tables: GateTables, true: int, false: int, dirty: int, late: int) -> tuple[int, int, int]:
    """Return the masks after looking at the `dirty` gates and all that follow; those in `late` are only collected."""
    count, masks, users, joints = tables.leaf_count, tables.masks, tables.users, tables.joints
    pending = 0
    while True:
        pending |= dirty & late
        dirty &= ~late
        if not dirty:
            return true, false, pending
        low = dirty & -dirty
        index = low.bit_length() - 1
        dirty ^= low
        every, positive, negative, own = masks[index]
        if every:
            fails = bool(positive & false or negative & true)
            holds = not fails and positive & true == positive and negative & false == negative
        else:
            holds = bool(positive & true or negative & false)
            fails = not holds and positive & false == positive and negative & true == negative
        if index in joints and not holds and not fails:
            settled = not all(_can_hold(tables.nodes, joint, true, false) for joint in joints[index])
            holds, fails = (False, settled) if every else (settled, False)
        if holds:
            if not true & own:
                true |= own
                false &= ~own
                dirty |= users[count + index]
        elif fails:
            if not false & own:
                false |= own
                true &= ~own
                dirty |= users[count + index]
        elif (true | false) & own:
            true &= ~own
            false &= ~own
            dirty |= users[count + index]


def _can_hold(nodes: Sequence[tuple[int, int, int]], joint: JointMasks, true: int, false: int) -> bool:
    """Return whether all members can hold together, given that each by itself can.

    Members that already hold stand in nobody's way; if no two of the open ones are opposed, all can hold. Else a
    witness that agrees with what is known decides, else the diagram.
    """
    still_open = joint.positive & ~true | joint.negative & ~false
    if not any(still_open & bit and still_open & others for bit, others in joint.opposed):
        return True
    for needs_true, needs_false in joint.witnesses:
        if not (needs_true & false or needs_false & true):
            return True
    return _satisfiable(nodes, joint.row, true, false)


def _satisfiable(nodes: Sequence[tuple[int, int, int]], root: int, true: int, false: int) -> bool:
    """Return whether a path of the diagram to the true terminal agrees with what is known."""
    dead: set[int] = set()

    def reaches(row: int) -> bool:
        if row < _TERMINALS:
            return row == 1
        if row in dead:
            return False
        bit, high, low = nodes[row - _TERMINALS]
        if true >> bit & 1:
            found = reaches(high)
        elif false >> bit & 1:
            found = reaches(low)
        else:
            found = reaches(high) or reaches(low)
        if not found:
            dead.add(row)
        return found

    return reaches(root)
