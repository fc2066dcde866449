"""Decide for every case class whether a case state entails it, refutes it, or leaves it open."""

from __future__ import annotations

from dataclasses import dataclass

from reasoner.abstraction.state import CaseState
from reasoner.program.model import Literal, Program
from reasoner.program.settle import settle

__all__ = ["ENTAILED", "OPEN", "REFUTED", "Statuses", "entail"]

ENTAILED = "entailed"
REFUTED = "refuted"
OPEN = "open"


@dataclass(frozen=True, slots=True)
class Statuses:
    """The status of every bit of a program in one case state."""

    program: Program
    true: int
    false: int

    def literal(self, literal: Literal) -> str:
        """Return the status of a literal."""
        bit, sign = literal
        if self.true >> bit & 1:
            return ENTAILED if sign else REFUTED
        if self.false >> bit & 1:
            return REFUTED if sign else ENTAILED
        return OPEN

    def status(self, name: str) -> str:
        """Return the status of the case class `name`; raise KeyError when it is none."""
        return self.literal(self.program.classes[name])

    def holds(self, name: str) -> bool:
        """Return whether the case class `name` is entailed."""
        return self.status(name) == ENTAILED


def entail(program: Program, state: CaseState) -> Statuses:
    """Return the statuses that `state` gives."""
    return Statuses(program, *settle(program.tables, state.leaf_true, state.leaf_false))


def entail_alternatives(program: Program, state: CaseState) -> tuple[Statuses, ...]:
    """Return the statuses under each single reading of the conflicting records."""
    return tuple(Statuses(program, *settle(program.tables, true, false)) for true, false in state.alternatives)
