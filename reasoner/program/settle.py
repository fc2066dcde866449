"""Evaluate gates and diagrams: from what is known of the leaves to the value of every bit.

Only gates that a changed leaf reaches are evaluated, level by level; the rest keep the value they have in the resting
state, which is evaluated once. A gate that stays open and has groups of inputs that pull against each other asks their
diagrams: a conjunction is refuted, a disjunction entailed, when one of its groups cannot hold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, MutableSequence, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from reasoner.program.masks import mask_of
from reasoner.program.rows import FALSE, LATE, TRUE, UNKNOWN, Gate, Joint, LeafMasks, Part
from reasoner.program.ways import Ways

__all__ = ["GateTables", "Impact", "Narrowings", "decide", "impact", "load_tables", "narrowed", "settle", "settle_impacts"]

_DENIED = {TRUE: FALSE, FALSE: TRUE}

Consequence = tuple[tuple[Part, ...], tuple[tuple[int, tuple[int, ...]], ...]]
"""What follows when a bit gets a value: the bits of gates that fail by it, with the values they get, and by level the gates to look at."""

_Users = tuple[tuple[Consequence | None, ...], ...]

_Reading = Any
"""By the value of a part what it leads to: the reading of the next part, or after the last one the value of the gate."""

_Test = tuple[int, _Reading, int, int, tuple[int, ...], int, tuple["JointTable", ...] | None]
"""A gate as it is tested: its bit, the reading of its parts, their bits (most gates have two), its value if one fails, its joints."""


@dataclass(frozen=True, slots=True)
class JointTable:
    """A joint: the pairs of its parts that oppose each other, its diagram, and cubes that make all of it hold."""

    opposed: tuple[tuple[Part, Part], ...]
    row: int
    witnesses: tuple[tuple[Part, ...], ...]


@dataclass(frozen=True, slots=True)
class Impact:
    """What follows at once when leaves get values: the bits with another value, gates that fail by it among them, and what to look at.

    `bits` gives these bits and `values` in the same order their values, `looked` by level the gates to look at.
    """

    bits: tuple[int, ...]
    values: tuple[int, ...]
    looked: tuple[tuple[int, tuple[int, ...]], ...]


@dataclass(frozen=True, slots=True)
class GateTables:
    """The evaluation tables of a program.

    A disjunction is held as the conjunction of its parts' complements: `gates` gives per gate its parts, its value when
    all hold and its value when one fails; what several late gates deny alike is a gate of its own, after all others.
    `tests` holds the same gates ready to be tested. `users` gives by value and by bit what follows when the bit gets the
    value; `joints` per gate index the groups judged together, `ways` leads through their diagrams; `resting` is the value of
    every bit in the reference state, late ones undecided, `resting_masks` the leaves that hold and that fail in it.
    """

    leaf_count: int
    gates: tuple[tuple[tuple[Part, ...], int, int], ...]
    tests: tuple[_Test, ...] = field(repr=False)  # readings share what they lead to, which a text of them would not
    users: _Users = field(repr=False)
    levels: int
    joints: Mapping[int, tuple[JointTable, ...]]
    nodes: Sequence[tuple[int, int, int]]
    ways: Ways
    resting: Sequence[int]
    resting_masks: LeafMasks


def load_tables(
    leaf_count: int,
    gates: Sequence[Gate],
    joints: Mapping[int, tuple[Joint, ...]],
    nodes: Sequence[tuple[int, int, int]],
    resting: Sequence[Part],
    patient: Iterable[int] = (),
    *,
    watched: bool = False,
) -> GateTables:
    """Prepare `gates`, which own the bits from `leaf_count` on.

    `resting` gives the leaf values of the reference state; the bits in `patient` may wait until they are asked for.
    `watched` tables start from the reference state only, so a gate is looked at only when what keeps it there moves.
    """
    tables = {bit - leaf_count: tuple(map(_joint, each)) for bit, each in joints.items()}
    late = _late(leaf_count, gates, patient)
    levels = _levels(leaf_count, gates)
    every = _sharing(leaf_count, gates, late)
    tests = tuple(_test(leaf_count + index, gate, tables.get(index)) for index, gate in enumerate(every))
    beginning = (joint for each in joints.values() for joint in each)
    ways = Ways(nodes, {joint.row: tuple((mask_of(true), mask_of(false)) for true, false in joint.witnesses) for joint in beginning})
    known = mask_of(bit for bit, value in resting if value == TRUE), mask_of(bit for bit, value in resting if value == FALSE)
    bare = GateTables(leaf_count, every, tests, (), max(levels, default=0) + 1, tables, nodes, ways, (), known)
    values = [UNKNOWN] * (leaf_count + len(every))
    for bit, value in resting:
        values[bit] = value
    for index in range(len(every)):
        values[leaf_count + index] = LATE if index in late or index >= len(gates) else decide(bare, values, known, leaf_count + index)
    early = [index for index in range(len(gates)) if index not in late]
    rested = replace(bare, resting=values)
    return replace(rested, users=_consequences(rested, early, joints, levels, watched))


def _gate(gate: Gate) -> tuple[tuple[Part, ...], int, int]:
    holds, fails = (TRUE, FALSE) if gate.every else (FALSE, TRUE)
    return (*((bit, holds) for bit in gate.positive), *((bit, fails) for bit in gate.negative)), holds, fails


def _test(own: int, gate: tuple[tuple[Part, ...], int, int], joints: tuple[JointTable, ...] | None) -> _Test:
    """Return a gate as it is tested; one of fewer than two parts gets some that always hold."""
    parts, holds, fails = gate
    two = (*parts, *((own, None),) * (2 - len(parts)))
    reading, *_ = _readings(tuple([value for _, value in two]), holds, fails)
    first, second, *rest = [bit for bit, _ in two]
    return own, reading, first, second, tuple(rest), fails, joints


@cache
def _readings(serving: tuple[int | None, ...], holds: int, fails: int) -> tuple[_Reading, _Reading, _Reading, _Reading]:
    """Return what parts that hold by these values lead to if all before them hold, if one is open, if one is late, and if one fails."""
    if not serving:
        return holds, UNKNOWN, LATE, fails
    first = serving[0]
    held, waiting, late, failed = _readings(serving[1:], holds, fails)

    def reading(served: _Reading, unknown: _Reading) -> _Reading:
        if first is None:
            return (served,) * 4
        by_value = {first: served, _DENIED[first]: failed, UNKNOWN: unknown, LATE: late}
        return tuple([by_value[value] for value in (UNKNOWN, TRUE, FALSE, LATE)])

    return reading(held, waiting), reading(waiting, waiting), reading(late, late), (failed,) * 4


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


def _late(leaf_count: int, gates: Sequence[Gate], patient: Iterable[int]) -> frozenset[int]:
    """Return the gates of `patient` bits that nothing but such gates waits for."""
    patience, late = frozenset(patient), []
    awaited: set[int] = set()
    for index in reversed(range(len(gates))):
        bit = leaf_count + index
        if bit in patience and bit not in awaited:
            late.append(index)
        else:
            awaited.update(gates[index].positive, gates[index].negative)
    return frozenset(late)


def _levels(leaf_count: int, gates: Sequence[Gate]) -> list[int]:
    """Return per gate the number of gates on the longest way down to a leaf."""
    levels: list[int] = []
    for gate in gates:
        below = (levels[bit - leaf_count] + 1 for bit in (*gate.positive, *gate.negative) if bit >= leaf_count)
        levels.append(max(below, default=0))
    return levels


def _consequences(
    tables: GateTables, indices: Iterable[int], joints: Mapping[int, tuple[Joint, ...]], levels: Sequence[int], watched: bool
) -> _Users:
    """Return by value and by bit what follows for some gates; `watched` ones always start from the resting state."""
    failed: dict[Part, list[Part]] = {}
    looked: dict[Part, dict[int, list[int]]] = {}
    for index in indices:
        parts, _, fails = tables.gates[index]
        own = tables.leaf_count + index
        resting = tables.resting if watched and index not in tables.joints else None
        if resting is None or tables.resting[own] != fails:
            for bit, serving in parts:
                failed.setdefault((bit, _DENIED[serving]), []).append((own, fails))
        leaves = {leaf for joint in joints.get(own, ()) for leaf in joint.leaves}.difference(bit for bit, _ in parts)
        for cause in _causes(parts, resting).union((leaf, value) for leaf in leaves for value in (UNKNOWN, TRUE, FALSE)):
            looked.setdefault(cause, {}).setdefault(levels[index], []).append(index)
    return tuple(
        tuple(_consequence(failed.get((bit, value), ()), looked.get((bit, value), {})) for bit in range(len(tables.resting)))
        for value in (UNKNOWN, TRUE, FALSE)
    )


def _causes(parts: Iterable[Part], resting: Sequence[int] | None) -> set[Part]:
    """Return the values of parts that make a gate worth a look; without them it stays as it is in the resting state, or fails."""
    if resting is None:
        return {(bit, value) for bit, serving in parts for value in (UNKNOWN, serving)}
    opposed = [part for part in parts if resting[part[0]] not in (UNKNOWN, part[1])]
    if opposed:
        bit, serving = max(opposed)
        return {(bit, UNKNOWN), (bit, serving)}
    missing = [part for part in parts if resting[part[0]] == UNKNOWN]
    return {max(missing)} if missing else {(bit, UNKNOWN) for bit, _ in parts}


def _consequence(failed: Sequence[Part], looked: Mapping[int, Sequence[int]]) -> Consequence | None:
    if not failed and not looked:
        return None
    return tuple(failed), tuple((level, tuple(looked[level])) for level in sorted(looked))


class Narrowings(dict[int, _Users]):
    """Per set of gates, as a mask over their indices, those of them to look at when a bit changes; each is worked out once and kept."""

    def __init__(self, tables: GateTables) -> None:
        super().__init__()
        self._tables = tables

    def __missing__(self, mask: int) -> _Users:
        """Work out a set of gates that was not asked for before."""
        count = self._tables.leaf_count

        def kept(each: Consequence | None) -> Consequence | None:
            if each is None:
                return None
            failed, looked = each
            gates = {level: some for level, all_ in looked if (some := [gate for gate in all_ if mask >> gate & 1])}
            return _consequence([part for part in failed if mask >> part[0] - count & 1], gates)

        users = self[mask] = tuple(tuple(map(kept, every)) for every in self._tables.users)
        return users


def narrowed(tables: GateTables, users: _Users, values: Sequence[int], masks: LeafMasks) -> GateTables:
    """Return tables that start from these values of all bits, with the leaves in `masks`, and look only at the gates in `users`."""
    return replace(tables, users=users, resting=values, resting_masks=masks)


def _moved(tables: GateTables, known: LeafMasks) -> dict[int, int]:
    """Return the leaves whose value differs from the resting state when exactly those in the masks are known."""
    (leaf_true, leaf_false), (resting_true, resting_false) = known, tables.resting_masks
    differing = (leaf_true ^ resting_true) | (leaf_false ^ resting_false)
    changes: dict[int, int] = {}
    while differing:
        low = differing & -differing
        changes[low.bit_length() - 1] = TRUE if leaf_true & low else FALSE if leaf_false & low else UNKNOWN
        differing ^= low
    return changes


def settle(tables: GateTables, known: LeafMasks) -> tuple[list[int], list[int]]:
    """Return the value of every bit when exactly these leaves are known, and the bits whose value differs from the resting state.

    Late gates are left undecided; `decide` decides one.
    """
    changes = _moved(tables, known)
    values = list(tables.resting)
    for bit, value in changes.items():
        values[bit] = value
    return _propagate(tables, values, known, [set() for _ in range(tables.levels)], [], list(changes))


def settle_impacts(tables: GateTables, known: LeafMasks, impacts: Iterable[Impact]) -> tuple[list[int], list[int]]:
    """Return what `settle` does when impacts lead from the resting state to the `known` leaves; what changed may be named twice.

    No two of the impacts may give a leaf different values: a gate that fails by one of them would stay so.
    """
    values = list(tables.resting)
    waiting: list[set[int]] = [set() for _ in range(tables.levels)]
    changed: list[int] = []
    found: list[int] = []
    for each in impacts:
        changed += each.bits
        found += each.values
        for level, indices in each.looked:
            waiting[level].update(indices)
    for bit, value in zip(changed, found, strict=True):
        values[bit] = value
    return _propagate(tables, values, known, waiting, changed, [])


def impact(tables: GateTables, changes: Mapping[int, int]) -> Impact:
    """Return what follows at once, whatever else is known, when the leaves in `changes` have these values instead of those at rest."""
    values, fresh = list(tables.resting), list(changes)
    waiting: list[set[int]] = [set() for _ in range(tables.levels)]
    for bit, value in changes.items():
        values[bit] = value
    _follow(tables.users, values, waiting, fresh)
    looked = tuple((level, tuple(sorted(gates))) for level, gates in enumerate(waiting) if gates)
    return Impact(tuple(fresh), tuple([values[bit] for bit in fresh]), looked)


def _follow(users: _Users, values: list[int], waiting: Sequence[set[int]], fresh: list[int]) -> None:
    """Enter what follows at once from `fresh` bits: gates that fail by them, which are fresh as well, and by level the gates to look at."""
    for bit in fresh:  # which grows on the way
        consequence = users[values[bit]][bit]
        if consequence is not None:
            failed, looked = consequence
            if failed:
                for own, value in failed:
                    if values[own] != value:
                        values[own] = value
                        fresh.append(own)
            for level, indices in looked:
                waiting[level].update(indices)


def _propagate(
    tables: GateTables, values: list[int], known: LeafMasks, waiting: Sequence[set[int]], changed: list[int], fresh: list[int]
) -> tuple[list[int], list[int]]:
    """Look at the gates that wait, by level, and at all that follows from `fresh` bits; return `values` and `changed` with all of it entered."""
    tests, users = tables.tests, tables.users
    for due in ((), *waiting):
        for index in due:
            own, reading, first, second, rest, fails, joints = tests[index]
            value = reading[values[first]][values[second]]
            if rest:
                for bit in rest:
                    value = value[values[bit]]
            if joints is not None and value == UNKNOWN and not _can_all_hold(tables.ways, joints, values, known):
                value = fails
            if values[own] != value:
                values[own] = value
                fresh.append(own)
        if fresh:
            _follow(users, values, waiting, fresh)
            changed += fresh
            fresh = []
    return values, changed


def decide(tables: GateTables, values: MutableSequence[int], known: LeafMasks, bit: int) -> int:
    """Return the value of a gate's bit, and enter it in `values`; late parts are decided on the way as far as they matter.

    `known` are the leaves by which `values` were settled.
    """
    _, reading, first, second, rest, fails, joints = tables.tests[bit - tables.leaf_count]
    reading = reading[values[first]][values[second]]
    for part in rest:
        reading = reading[values[part]]
    value: int = reading if reading != LATE else _by_parts(tables, values, known, bit)
    if joints is not None and value == UNKNOWN and not _can_all_hold(tables.ways, joints, values, known):
        value = fails
    values[bit] = value
    return value


def _by_parts(tables: GateTables, values: MutableSequence[int], known: LeafMasks, bit: int) -> int:
    """Return the value that a gate has by its parts, its own joints aside.

    Beside an open part only a part that fails matters, so the joints of a late one are not asked where they could only make it hold.
    """
    parts, holds, fails = tables.gates[bit - tables.leaf_count]
    value = holds
    for part, serving in parts:
        found = values[part]
        if found == LATE:
            if value != UNKNOWN or tables.gates[part - tables.leaf_count][2] != serving:
                found = decide(tables, values, known, part)
            elif (found := _by_parts(tables, values, known, part)) != UNKNOWN:
                values[part] = found
        if found == UNKNOWN:
            value = UNKNOWN
        elif found != serving:
            return fails
    return value


def _can_all_hold(ways: Ways, joints: tuple[JointTable, ...], values: Sequence[int], known: LeafMasks) -> bool:
    """Return whether each joint of a gate can hold, given that each of its parts by itself can.

    Parts that already hold stand in nobody's way: where no two of the open ones are opposed, all can hold.
    """
    for joint in joints:
        for (one, serving), (other, wanted) in joint.opposed:
            if values[one] != serving and values[other] != wanted:
                if not ways.can_hold(joint.row, values, known):
                    return False
                break
    return True
