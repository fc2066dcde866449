"""Decide for every case class whether a case state entails it, refutes it, or leaves it open."""

from __future__ import annotations

from reasoner.abstraction.state import CaseState
from reasoner.program.model import Literal, Program
from reasoner.program.settle import decide, settle

__all__ = ["ENTAILED", "OPEN", "REFUTED", "Statuses", "entail", "entail_alternatives"]

ENTAILED = "entailed"
REFUTED = "refuted"
OPEN = "open"


class Statuses:
    """The status of every bit of a program in one case state; gates that nothing waits for are decided when asked."""

    __slots__ = ("_false", "_pending", "_true", "program")

    def __init__(self, program: Program, leaf_true: int, leaf_false: int) -> None:
        self.program = program
        self._true, self._false, self._pending = settle(program.tables, leaf_true, leaf_false)

    def literal(self, literal: Literal) -> str:
        """Return the status of a literal."""
        bit, sign = literal
        if self._true >> bit & 1:
            return ENTAILED if sign else REFUTED
        if self._false >> bit & 1:
            return REFUTED if sign else ENTAILED
        if self._pending >> bit & 1:
            self._decide(bit)
            return self.literal(literal)
        return OPEN

    def status(self, name: str) -> str:
        """Return the status of the case class `name`; raise KeyError when it is none."""
        return self.literal(self.program.classes[name])

    def holds(self, name: str) -> bool:
        """Return whether the case class `name` is entailed."""
        return self.status(name) == ENTAILED

    @property
    def entailed(self) -> int:
        """Return the mask of entailed bits, those not yet asked for left out."""
        return self._true

    @property
    def refuted(self) -> int:
        """Return the mask of refuted bits, those not yet asked for left out."""
        return self._false

    def _decide(self, bit: int) -> None:
        tables = self.program.tables
        gate = self.program.gates[bit - tables.leaf_count]
        for part in (*gate.positive, *gate.negative):
            if self._pending >> part & 1:
                self._decide(part)
        self._pending &= ~(1 << bit)
        self._true, self._false = decide(tables, self._true, self._false, bit)


def entail(program: Program, state: CaseState) -> Statuses:
    """Return the statuses that `state` gives."""
    return Statuses(program, state.leaf_true, state.leaf_false)


def entail_alternatives(program: Program, state: CaseState) -> tuple[Statuses, ...]:
    """Return the statuses under each single reading of the conflicting records."""
    return tuple(Statuses(program, true, false) for true, false in state.alternatives)
