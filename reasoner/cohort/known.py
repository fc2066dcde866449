"""Decide every bit of the program for all cases at once: facts into leaves, leaves through gates and diagrams.

Two planes are kept for each bit that is asked for, where it is known to hold and where it is known not to; those of the
others take no memory, as they are not touched. A gate is evaluated as `reasoner.program.settle` evaluates it for one case,
in the order of the gates, each of which uses earlier bits only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from reasoner.cohort.asked import Asked
from reasoner.cohort.diagrams import Diagrams
from reasoner.cohort.lexicon import Ids
from reasoner.cohort.planes import Facts, Plane, Planes, Space, anywhere
from reasoner.program.effects import Masks
from reasoner.program.masks import bits_of
from reasoner.program.model import FALSE, TRUE, Literal, Program
from reasoner.program.settle import JointTable

__all__ = ["Known"]


class Known:
    """What is known in every case of every bit that is asked for."""

    def __init__(self, asked: Asked, space: Space, diagrams: Diagrams) -> None:
        """Know nothing yet; `diagrams` are those of the program that is asked."""
        self.space = space
        self._asked, self._program = asked, asked.program
        self._tables = asked.program.full_tables
        size = len(self._tables.resting)
        self.holds = np.zeros((size, len(space.none)), dtype=np.uint8)
        self.fails = np.zeros((size, len(space.none)), dtype=np.uint8)
        self._diagrams = diagrams

    def true(self, literal: Literal) -> Plane:
        """Return where a literal is entailed."""
        bit, sign = literal
        return self._value(bit, TRUE if sign else FALSE)

    def false(self, literal: Literal) -> Plane:
        """Return where a literal is refuted."""
        return self.true((literal[0], not literal[1]))

    def open(self, literal: Literal) -> Plane:
        """Return where a literal is open."""
        return self.space.every ^ (self.true(literal) | self.false(literal))

    # --- leaves --------------------------------------------------------------------------------------------------------

    def enter_facts(self, facts: Facts) -> None:
        """Enter what facts settle."""
        for fact, plane in facts.items():
            for bit, value in self._asked.effects(*fact):
                (self.holds if value == TRUE else self.fails)[bit] |= plane

    def contradicted(self, facts: Facts) -> Planes:
        """Return where facts that were entered contradict each other, by the roles that those may have."""
        leaves = self._asked.leaves
        both = self.holds[leaves] & self.fails[leaves]
        bad = {int(leaves[place]): both[place] for place in np.flatnonzero(both.any(axis=1))}
        settled: dict[str, set[int]] = defaultdict(set)
        for fact in facts:
            settled[fact[0]].update(bit for bit, _ in self._asked.effects(*fact))
        found = _opposed(facts, self._program, self.space)
        for role, bits in settled.items():
            found.add(role, self.space.union(bad[bit] for bit in bits.intersection(bad)))
        return found

    def enter_masks(self, masks: Mapping[Masks, Plane]) -> None:
        """Enter what indicators settle or open; the others rest."""
        own, holds, fails = (Planes(self.space) for _ in range(3))
        for mask, plane in masks.items():
            for planes, bits in zip((own, holds, fails), mask, strict=True):
                for bit in bits_of(bits):
                    planes.add(bit, plane)
        rest_true, rest_false = self._tables.resting_masks
        for bit in bits_of(sum(1 << bit for bit in own) | rest_true | rest_false):
            rest = self.space.every ^ own[bit]
            self.holds[bit] |= holds[bit] | (rest if rest_true >> bit & 1 else self.space.none)
            self.fails[bit] |= fails[bit] | (rest if rest_false >> bit & 1 else self.space.none)

    def forget(self, plane: Plane) -> None:
        """Know no leaf of some cases any more."""
        for planes in (self.holds, self.fails):
            planes[self._asked.leaves] &= ~plane

    def leaves(self, cases: Ids) -> list[tuple[int, int]]:
        """Return the leaves asked for that hold and that fail in each of some cases, as masks."""
        columns, leaves = [], self._asked.leaves
        words, shifts = leaves >> 3, (leaves & 7).astype(np.uint8)
        starts = np.flatnonzero(np.diff(words, prepend=-1))
        for planes in (self.holds, self.fails):
            flags = planes[leaves[:, None], cases >> 3] >> (cases & 7).astype(np.uint8) & 1
            rows = np.zeros((len(cases), self._tables.leaf_count // 8 + 1), dtype=np.uint8)
            rows[:, words[starts]] = np.bitwise_or.reduceat(flags << shifts[:, None], starts, axis=0).T
            columns.append([int.from_bytes(row.tobytes(), "little") for row in rows])
        return list(zip(*columns, strict=True))

    def overwrite(self, cases: Ids, masks: Sequence[tuple[int, int]]) -> None:
        """Let exactly the leaves in the masks be known in the given cases, as far as they are asked for."""
        leaves = self._asked.leaves
        width = (self._tables.leaf_count + 7) // 8
        bytes_of, back = np.unique(cases >> 3, return_inverse=True)
        places = back * 8 + (cases & 7)
        for planes, which in ((self.holds, 0), (self.fails, 1)):
            text = b"".join(mask[which].to_bytes(width, "little") for mask in masks)
            words = np.frombuffer(text, dtype=np.uint8).reshape(-1, width)
            flags = np.unpackbits(planes[leaves[:, None], bytes_of], axis=1, bitorder="little")
            flags[:, places] = words.T[leaves >> 3] >> (leaves & 7).astype(np.uint8)[:, None] & 1
            planes[leaves[:, None], bytes_of] = np.packbits(flags, axis=1, bitorder="little")

    # --- gates ---------------------------------------------------------------------------------------------------------

    def settle(self, gates: Sequence[int]) -> None:
        """Decide gates, given by index, each after those it uses."""
        tables, every = self._tables, self.space.every
        for index in gates:
            parts, holds, _ = tables.gates[index]
            all_hold, one_fails = every.copy(), self.space.none.copy()
            for bit, serving in parts:
                serves, hinders = (self.holds, self.fails) if serving == TRUE else (self.fails, self.holds)
                all_hold &= serves[bit]
                one_fails |= hinders[bit]
            if index in tables.joints:
                undecided = every ^ (all_hold | one_fails)
                if anywhere(undecided):
                    for joint in tables.joints[index]:
                        one_fails |= self._cannot_hold(joint, undecided)
            own = tables.leaf_count + index
            first, second = (self.holds, self.fails) if holds == TRUE else (self.fails, self.holds)
            first[own] = all_hold
            second[own] = one_fails

    def _cannot_hold(self, joint: JointTable, undecided: Plane) -> Plane:
        """Return where the parts of a joint cannot all hold, among undecided cases."""
        opposed = self.space.none.copy()
        for (one, serving), (other, wanted) in joint.opposed:
            opposed |= ~self._value(one, serving) & ~self._value(other, wanted)
        asked = undecided & opposed
        for cube in joint.witnesses:
            if not anywhere(asked):
                return asked
            hindered = self.space.none.copy()
            for bit, value in cube:
                hindered |= self.fails[bit] if value == TRUE else self.holds[bit]
            asked &= hindered
        if not anywhere(asked):
            return asked
        return self._unsatisfiable(joint.row, asked)

    def _value(self, bit: int, value: int) -> Plane:
        found: Plane = (self.holds if value == TRUE else self.fails)[bit]
        return found

    def _unsatisfiable(self, root: int, asked: Plane) -> Plane:
        """Return where no path of a diagram to the true terminal agrees with what is known."""
        return asked & ~self._diagrams.can_hold(root, self.holds, self.fails, asked)


def _opposed(facts: Facts, program: Program, space: Space) -> Planes:
    """Return by role where a present fact contradicts a denied one by hierarchy and subroles, whether or not a class asks for their terms."""
    denied = {(role, term): plane for (role, term, present), plane in facts.items() if not present}
    terms = {term for _, term in denied}
    found = Planes(space)
    for (role, term, present), plane in facts.items():
        if present:
            opposed = found.setdefault(role, space.none.copy())
            for above in terms.intersection(program.parents[term]):
                for wider in program.role_parents.get(role, ()):
                    if (wider, above) in denied:
                        opposed |= plane & denied[wider, above]
    return found
