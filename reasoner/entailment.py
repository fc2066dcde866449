"""Decide for every case class whether a case state entails it, refutes it, or leaves it open."""

from __future__ import annotations

from collections.abc import Iterable, MutableSequence, Sequence

from reasoner.abstraction.state import CaseState
from reasoner.program.model import FALSE, LATE, TRUE, Literal, Program
from reasoner.program.rows import LeafMasks
from reasoner.program.settle import GateTables, Impact, decide, settle, settle_impacts

__all__ = ["ENTAILED", "OPEN", "REFUTED", "Statuses", "entail", "entail_alternatives"]

ENTAILED = "entailed"
REFUTED = "refuted"
OPEN = "open"

_POSITIVE, _NEGATIVE = (OPEN, ENTAILED, REFUTED), (OPEN, REFUTED, ENTAILED)
"""The statuses of a positive and of a negative literal by the value of its bit."""


class Statuses:
    """The status of every bit of a program in one case state; gates that nothing waits for are decided when asked."""

    __slots__ = ("_known", "_tables", "_values", "changed", "program")

    program: Program
    _tables: GateTables
    _known: LeafMasks
    _values: MutableSequence[int]
    changed: Sequence[int]
    """The bits whose value differs from the resting state, some of them twice, those not yet asked for left out."""

    def __init__(self, program: Program, leaf_true: int, leaf_false: int) -> None:
        """Take exactly the leaves in the masks as known."""
        self.program, self._tables, self._known = program, program.tables, (leaf_true, leaf_false)
        self._values, self.changed = settle(self._tables, self._known)

    @classmethod
    def after(cls, program: Program, known: LeafMasks, impacts: Iterable[Impact]) -> Statuses:
        """Return the statuses when exactly the `known` leaves are known, to which impacts lead from the resting state."""
        statuses = cls.__new__(cls)
        statuses.program, statuses._tables, statuses._known = program, program.tables, known
        statuses._values, statuses.changed = settle_impacts(statuses._tables, known, impacts)
        return statuses

    @classmethod
    def of(cls, program: Program, known: LeafMasks, values: MutableSequence[int]) -> Statuses:
        """Return the statuses of bits that are evaluated already for the `known` leaves; `changed` tells nothing of them."""
        statuses = cls.__new__(cls)
        statuses.program, statuses._tables, statuses._known = program, program.tables, known
        statuses._values, statuses.changed = values, ()
        return statuses

    @property
    def values(self) -> Sequence[int]:
        """Return the value of every bit; those not yet asked for are late."""
        return self._values

    def literal(self, literal: Literal) -> str:
        """Return the status of a literal."""
        bit, sign = literal
        value = self._values[bit]
        if value == LATE:
            value = decide(self._tables, self._values, self._known, bit)
        return (_POSITIVE if sign else _NEGATIVE)[value]

    def entailed(self, literals: Iterable[Literal]) -> list[Literal]:
        """Return those of some literals that are entailed, in their order."""
        values, tables = self._values, self._tables
        found = []
        for literal in literals:
            bit, sign = literal
            value = values[bit]
            if value == LATE:
                value = decide(tables, values, self._known, bit)
            if value == (TRUE if sign else FALSE):
                found.append(literal)
        return found

    def status(self, name: str) -> str:
        """Return the status of the case class `name`; raise KeyError when it is none."""
        return self.literal(self.program.classes[name])

    def holds(self, name: str) -> bool:
        """Return whether the case class `name` is entailed."""
        return self.status(name) == ENTAILED


def entail(program: Program, state: CaseState) -> Statuses:
    """Return the statuses that `state` gives."""
    if state.effects is None:
        return Statuses(program, state.leaf_true, state.leaf_false)
    return Statuses.after(program, (state.leaf_true, state.leaf_false), [each.impact for each in state.effects])


def entail_alternatives(program: Program, state: CaseState) -> tuple[Statuses, ...]:
    """Return the statuses under each single reading of the conflicting records."""
    return tuple(Statuses(program, true, false) for true, false in state.alternatives)
