"""Evaluate gates and diagrams: from what is known of the leaves to the status of every bit.

Only gates that a changed leaf reaches are evaluated; the rest keep the status they have in the resting state, which
is evaluated once. A gate that stays open and has groups of inputs that pull against each other asks their diagrams:
a conjunction is refuted, a disjunction entailed, when one of its groups cannot hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reasoner.program.model import Gate

__all__ = ["GateTables", "Resting", "load_tables", "masks_of", "settle"]

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
    the bit changes; `diagrams` per gate bit the rows of its groups; `nodes` the diagrams' (bit, if true, if false);
    `witnesses` per row some cubes (leaves true, leaves false) that make it hold.
    """

    leaf_count: int
    masks: tuple[tuple[bool, int, int], ...]
    users: tuple[int, ...]
    diagrams: Mapping[int, tuple[int, ...]]
    nodes: Sequence[tuple[int, int, int]]
    witnesses: Mapping[int, tuple[tuple[int, int], ...]]
    resting: Resting


def load_tables(
    leaf_count: int,
    gates: Sequence[Gate],
    diagrams: Mapping[int, tuple[int, ...]],
    nodes: Sequence[tuple[int, int, int]],
    witnesses: Mapping[int, tuple[tuple[int, int], ...]],
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
    for bit, rows in diagrams.items():
        for leaf in _members(_union(supports, rows)):
            users[leaf] |= 1 << (bit - leaf_count)
    bare = GateTables(leaf_count, tuple(masks), tuple(users), diagrams, nodes, witnesses, Resting(0, 0, 0, 0))
    true, false = _evaluate(bare, resting[0], resting[1], (1 << len(gates)) - 1)
    return GateTables(leaf_count, bare.masks, bare.users, diagrams, nodes, witnesses, Resting(*resting, true, false))


def masks_of(witnesses: Mapping[int, Iterable[tuple[Iterable[int], Iterable[int]]]]) -> dict[int, tuple[tuple[int, int], ...]]:
    """Return cubes of bits as cubes of masks."""
    return {row: tuple((_mask(true), _mask(false)) for true, false in cubes) for row, cubes in witnesses.items()}


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


def _union(supports: Sequence[int], rows: Sequence[int]) -> int:
    mask = 0
    for row in rows:
        mask |= supports[row]
    return mask


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
            settled = not all(_can_hold(tables, row, true, false) for row in diagrams[count + index])
            holds, fails = (False, settled) if every else (settled, False)
        if bool(true & own) != holds or bool(false & own) != fails:
            true = true | own if holds else true & ~own
            false = false | own if fails else false & ~own
            dirty |= users[count + index]
    return true, false


def _can_hold(tables: GateTables, row: int, true: int, false: int) -> bool:
    """Return whether a group can hold: by a witness that agrees with what is known, else by its diagram."""
    for needs_true, needs_false in tables.witnesses[row]:
        if not (needs_true & false or needs_false & true):
            return True
    return _satisfiable(tables.nodes, row, true, false)


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
