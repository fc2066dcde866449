"""Evaluate gates and diagrams: from what is known of the leaves to the status of every bit.

Only gates that a changed leaf reaches are evaluated; the rest keep the status they have in the resting state, which
is evaluated once. A gate that Kleene evaluation leaves open and that owns a diagram is decided by the diagram.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reasoner.program.model import Gate

__all__ = ["GateTables", "Resting", "load_tables", "settle"]

_TERMINALS = 2


@dataclass(frozen=True)
class Resting:
    """The reference state: leaf masks, and the masks of all bits that follow from them."""

    leaf_true: int
    leaf_false: int
    true: int
    false: int


@dataclass(frozen=True)
class GateTables:
    """The evaluation tables of a program.

    `masks` holds per gate (every, positive mask, negative mask); `users` per bit the mask of the gates to look at when
    the bit changes; `diagrams` per gate bit the rows (can hold, can fail); `nodes` the diagrams' (bit, if true, if false).
    """

    leaf_count: int
    masks: tuple[tuple[bool, int, int], ...]
    users: tuple[int, ...]
    diagrams: Mapping[int, tuple[int, int]]
    nodes: Sequence[tuple[int, int, int]]
    resting: Resting


def load_tables(
    leaf_count: int,
    gates: Sequence[Gate],
    diagrams: Mapping[int, tuple[int, int]],
    nodes: Sequence[tuple[int, int, int]],
    resting: tuple[int, int],
) -> GateTables:
    """Prepare `gates`, which own the bits from `leaf_count` on; `resting` gives the leaf masks of the reference state."""
    users = [0] * (leaf_count + len(gates))
    masks = []
    for index, gate in enumerate(gates):
        positive = negative = 0
        for bit in gate.positive:
            positive |= 1 << bit
            users[bit] |= 1 << index
        for bit in gate.negative:
            negative |= 1 << bit
            users[bit] |= 1 << index
        masks.append((gate.every, positive, negative))
    supports = _supports(nodes)
    for bit, (holds, fails) in diagrams.items():
        for leaf in _members(supports[holds] | supports[fails]):
            users[leaf] |= 1 << (bit - leaf_count)
    bare = GateTables(leaf_count, tuple(masks), tuple(users), diagrams, nodes, Resting(0, 0, 0, 0))
    true, false = _evaluate(bare, resting[0], resting[1], (1 << len(gates)) - 1)
    return GateTables(leaf_count, bare.masks, bare.users, diagrams, nodes, Resting(*resting, true, false))


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


def settle(tables: GateTables, leaf_true: int, leaf_false: int) -> tuple[int, int]:
    """Return the masks of entailed and refuted bits when exactly these leaves are known."""
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
    return _evaluate(tables, true, false, dirty)


def _evaluate(tables: GateTables, true: int, false: int, dirty: int) -> tuple[int, int]:
    count, masks, users, diagrams = tables.leaf_count, tables.masks, tables.users, tables.diagrams
    while dirty:
        low = dirty & -dirty
        index = low.bit_length() - 1
        dirty ^= low
        every, positive, negative = masks[index]
        if every:
            holds = positive & true == positive and negative & false == negative
            fails = bool(positive & false or negative & true)
        else:
            holds = bool(positive & true or negative & false)
            fails = positive & false == positive and negative & true == negative
        own = 1 << count + index
        if not (holds or fails) and count + index in diagrams:
            can_hold, can_fail = diagrams[count + index]
            holds = not _satisfiable(tables.nodes, can_fail, true, false)
            fails = not holds and not _satisfiable(tables.nodes, can_hold, true, false)
        if bool(true & own) != holds or bool(false & own) != fails:
            true = true | own if holds else true & ~own
            false = false | own if fails else false & ~own
            dirty |= users[count + index]
    return true, false


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
