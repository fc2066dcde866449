"""Hold facts together with the leaves that they settle, one by one and all together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from reasoner.abstraction.state import Fact
from reasoner.program.effects import Effect
from reasoner.program.model import Program

__all__ = ["Stated", "stated"]


class Stated(NamedTuple):
    """Facts with the leaves that each settles, and what all of them settle.

    `denied` holds the terms that are denied, `above` those at or above a term that is not, as masks.
    """

    facts: tuple[Fact, ...]
    effects: tuple[Effect, ...]
    whole: Effect
    denied: int
    above: int

    @property
    def may_clash(self) -> bool:
        """Return whether facts may contradict each other; if not, none does."""
        return bool(self.whole.holds & self.whole.fails or self.denied & self.above)

    def joined(self, other: Stated) -> Stated:
        """Return these facts and the others."""
        if not other.facts:
            return self
        one, two = self.whole, other.whole
        whole = Effect({**one.leaves, **two.leaves}, one.own | two.own, one.holds | two.holds, one.fails | two.fails)
        return Stated(self.facts + other.facts, self.effects + other.effects, whole, self.denied | other.denied, self.above | other.above)


def stated(facts: Iterable[Fact], program: Program) -> Stated:
    """Return facts with what they settle."""
    known = tuple(facts)
    effects = tuple([program.fact_effects[fact[:3]] for fact in known])
    leaves: dict[int, int] = {}
    own = holds = fails = denied = above = 0
    for effect in effects:
        leaves |= effect.leaves
        own |= effect.own
        holds |= effect.holds
        fails |= effect.fails
    kinds = program.kinds
    for _, term, present, _ in known:
        if present:
            above |= kinds.above[term]
        else:
            denied |= kinds.bit[term]
    return Stated(known, effects, Effect(leaves, own, holds, fails), denied, above)
