"""Evaluate the gates of one goal for many sets of known leaves at once, one bit of an integer for each set.

Two planes are kept for every bit of the program: where it is known to hold and where it is known to fail. A gate is
evaluated as `reasoner.program.settle` evaluates it for one set; verdicts follow as advice decides them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from operator import and_, or_
from typing import NamedTuple

from reasoner.focus import Focus
from reasoner.program.masks import bits_of
from reasoner.program.model import FALSE, TRUE, UNKNOWN, Literal
from reasoner.program.rows import LeafMasks
from reasoner.program.settle import JointTable

__all__ = ["Many", "Planes", "planes_of", "union"]

_TERMINALS = 2

_DIGITS = tuple(bytes(b"01"[byte >> place & 1] for byte in range(256)) for place in range(8))
"""Per place in a byte a table that translates each byte to the digit there."""

_HOLDING, _FAILING = (bytes.maketrans(b"01", bytes((UNKNOWN, value))) for value in (TRUE, FALSE))
"""Tables that translate the digits of a plane to the value of a bit where the plane is set."""


class Planes(NamedTuple):
    """Where leaves hold and where they fail, by bit; `every` holds one bit for each set."""

    every: int
    holds: dict[int, int]
    fails: dict[int, int]


def planes_of(focus: Focus, sets: Sequence[LeafMasks]) -> Planes:
    """Return the planes of sets of known leaves, of which there is at least one."""
    every = (1 << len(sets)) - 1
    holds, fails = (_columns([mask & focus.looked_at for mask in masks], focus.looked_at, every) for masks in zip(*sets, strict=True))
    return Planes(every, holds, fails)


class Many:
    """What a goal rests on, when exactly the leaves in the planes are known, others as in the case; `every` holds one bit for each set."""

    def __init__(self, focus: Focus, planes: Planes) -> None:
        self._focus = focus
        self._tables = focus.tables
        self.every = planes.every
        self._holds = self._known(focus.state.leaf_true) | planes.holds
        self._fails = self._known(focus.state.leaf_false) | planes.fails
        for index in bits_of(focus.gates):
            self._decide(index)

    def _known(self, mask: int) -> dict[int, int]:
        """Return every leaf that is looked at as the case state has it."""
        return {bit: self.every * (mask >> bit & 1) for bit in bits_of(self._focus.looked_at)}

    def _decide(self, index: int) -> None:
        parts, holds, _ = self._tables.gates[index]
        all_hold, one_fails = self.every, 0
        for bit, serving in parts:
            serves, hinders = (self._holds, self._fails) if serving == TRUE else (self._fails, self._holds)
            all_hold &= serves[bit]
            one_fails |= hinders[bit]
        for joint in self._tables.joints.get(index, ()):
            one_fails |= self._cannot_hold(joint, self.every & ~(all_hold | one_fails))
        own = self._tables.leaf_count + index
        first, second = (self._holds, self._fails) if holds == TRUE else (self._fails, self._holds)
        first[own], second[own] = all_hold, one_fails

    def _cannot_hold(self, joint: JointTable, asked: int) -> int:
        """Return where the parts of a joint cannot all hold, among the sets that are asked for."""
        opposed = 0
        for (one, serving), (other, wanted) in joint.opposed:
            opposed |= ~self._plane(one, serving) & ~self._plane(other, wanted)
        asked &= opposed
        for cube in joint.witnesses:
            if not asked:
                return 0
            hindered = 0
            for bit, value in cube:
                hindered |= self._fails[bit] if value == TRUE else self._holds[bit]
            asked &= hindered
        return asked & ~self._satisfiable(joint.row, asked) if asked else 0

    def _satisfiable(self, root: int, asked: int) -> int:
        """Return where a path of a diagram to the true terminal agrees with what is known."""
        nodes, known = self._tables.nodes, {0: 0, 1: asked}

        def reached(row: int) -> int:
            found = known.get(row)
            if found is None:
                bit, high, low = nodes[row - _TERMINALS]
                may_hold, may_fail = asked & ~self._fails[bit], asked & ~self._holds[bit]
                found = (may_hold and may_hold & reached(high)) | (may_fail and may_fail & reached(low))
                known[row] = found
            return found

        return reached(root)

    def _plane(self, bit: int, value: int) -> int:
        return (self._holds if value == TRUE else self._fails)[bit]

    def values(self) -> list[bytearray]:
        """Return for each set the value of every bit, as `Focus.evaluate` does for one."""
        count = self.every.bit_length()
        rows = []
        for bit, value in enumerate(self._tables.resting):
            if bit in self._holds:
                holds, fails = (_spread(known[bit], count, table) for known, table in ((self._holds, _HOLDING), (self._fails, _FAILING)))
                rows.append((holds | fails).to_bytes(count, "little"))
            else:
                rows.append(bytes((value,)) * count)
        table = b"".join(rows)
        return [bytearray(table[place::count]) for place in range(count)]

    # --- what follows -------------------------------------------------------------------------------------------------

    def true(self, literal: Literal) -> int:
        """Return where a literal is entailed."""
        return (self._holds if literal[1] else self._fails)[literal[0]]

    def false(self, literal: Literal) -> int:
        """Return where a literal is refuted."""
        return self.true((literal[0], not literal[1]))

    def raised(self, place: int) -> int:
        """Return where a row of the goal is raised: Eligible is entailed, or open with the trigger entailed."""
        watched = self._focus.watched[place]
        return self.true(watched.eligible) | self.every & ~self.false(watched.eligible) & self.true(watched.trigger)

    def decided(self) -> int:
        """Return where rows give the goal's decision a verdict, or none can: what the report calls settled."""
        decision, program = self._focus.decision, self._focus.program
        out = self.every
        for row in decision.rows:
            out &= self.false(program.classes[program.recommendation[row].applicable])
        return out | union(plane for _, plane in self._given())

    def words(self) -> dict[str, int]:
        """Return where the goal's decision has each verdict, by its word, as advice decides it."""
        decision = self._focus.decision
        remaining = next(verdict.word for verdict in decision.verdicts if verdict.iri == decision.remaining)
        found: dict[str, int] = {}
        left = self.every
        for word, plane in (*self._given(), (remaining, left)):
            found[word] = found.get(word, 0) | plane & left
            left &= ~plane
        return found

    def _given(self) -> list[tuple[str, int]]:
        """Return where rows give each verdict, first for certain, then presumably; the first that holds counts."""
        decision = self._focus.decision
        focus, classes = self._focus, self._focus.program.classes
        raised = [self.raised(place) for place in range(len(focus.rows))]
        certain: list[tuple[str, int]] = []
        presumed: list[tuple[str, int]] = []
        for verdict in decision.verdicts:
            rows = [place for place, row in enumerate(focus.rows) if row.verdict == verdict.iri]
            some = union(raised[place] for place in rows)
            if some:
                applicable = classes[verdict.applicable]
                certain.append((verdict.word, some & self.true(applicable)))
                eligible = some & self.true(classes[verdict.eligible]) & ~self.true(applicable) & ~self.false(applicable)
                for place in rows:
                    above = union(raised[other] for other in focus.above(place) if other not in rows)
                    eligible &= self.false(focus.watched[place].eligible) | ~above
                presumed.append((verdict.word, eligible))
        return [*certain, *presumed]


def union(planes: Iterable[int]) -> int:
    """Return what some planes, or masks, hold together."""
    found = 0
    for plane in planes:
        found |= plane
    return found


def _spread(plane: int, count: int, table: bytes) -> int:
    """Return a number with a byte for each bit of a plane, the digit of the bit translated by a table."""
    return int.from_bytes(f"{plane:0{count}b}".encode().translate(table), "big") if plane else 0


def _columns(masks: Sequence[int], leaves: int, every: int) -> dict[int, int]:
    """Return for each of some leaves where it is set: the place of a mask among the masks is that of its bit in the plane."""
    always, ever = reduce(and_, masks), reduce(or_, masks)
    found = {bit: every * (always >> bit & 1) for bit in bits_of(leaves)}
    width = leaves.bit_length() // 8 + 1
    rows = b"".join([mask.to_bytes(width, "little") for mask in reversed(masks)])
    for bit in bits_of(always ^ ever):
        found[bit] = int(rows[bit >> 3 :: width].translate(_DIGITS[bit & 7]), 2)
    return found
