"""Hold facts together with the leaves that they settle, one by one and all together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reasoner.abstraction.state import Fact
from reasoner.frozen import frozen
from reasoner.program.effects import NOTHING, Effect, Masks, united
from reasoner.program.model import Program

__all__ = ["Stated", "stated"]


@frozen()
class Stated:
    """Facts with what each of them settles, and the masks of what all of them settle.

    By role, as masks, `denied` holds the terms that are denied, `above` those at or above a term that is not.
    """

    facts: tuple[Fact, ...]
    effects: tuple[Effect, ...]
    whole: Masks
    denied: Mapping[str, int]
    above: Mapping[str, int]

    def clashes(self, program: Program) -> bool:
        """Return whether facts contradict each other, by a leaf or by the hierarchies of terms and roles."""
        _, holds, fails = self.whole
        if holds & fails:
            return True
        for role, above in self.above.items():
            for wider in program.role_parents.get(role, ()):
                if above & self.denied.get(wider, 0):
                    return True
        return False

    def joined(self, other: Stated) -> Stated:
        """Return these facts and the others."""
        if not other.facts:
            return self
        whole = united(other.effects, self.whole)
        denied, above = _united(self.denied, other.denied), _united(self.above, other.above)
        return Stated(self.facts + other.facts, self.effects + other.effects, whole, denied, above)


_NOTHING = Stated((), (), NOTHING, {}, {})


def _united(one: Mapping[str, int], other: Mapping[str, int]) -> Mapping[str, int]:
    """Return by role what either holds."""
    return {**one, **{role: mask | one.get(role, 0) for role, mask in other.items()}}


def stated(facts: Iterable[Fact], program: Program) -> Stated:
    """Return facts with what they settle."""
    known = tuple(facts)
    if not known:
        return _NOTHING
    effects = tuple([program.fact_effects[fact[:3]] for fact in known])
    kinds = program.kinds
    denied: dict[str, int] = {}
    above: dict[str, int] = {}
    for role, term, present, _ in known:
        if present:
            above[role] = above.get(role, 0) | kinds.above[term]
        else:
            denied[role] = denied.get(role, 0) | kinds.bit[term]
    return Stated(known, effects, united(effects), denied, above)
