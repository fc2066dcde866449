"""Define the case state: what abstraction knows of a case, with where it comes from and what it could not use."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from reasoner.frozen import frozen
from reasoner.program.effects import Effect
from reasoner.program.model import IndicatorState
from reasoner.record import Case, Problem

__all__ = ["CaseState", "Conflict", "Fact", "IndicatorState", "Unconfirmed"]


class Fact(NamedTuple):
    """A role restriction known to hold (`present`) or not to hold; `sources` are record IRIs."""

    role: str
    term: str
    present: bool
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Conflict:
    """Records that contradict each other about a term; that term counts as unknown."""

    term: str
    text: str
    sources: tuple[str, ...]
    repair: str


@frozen()
class CaseState:
    """The abstracted case: facts, indicators, conflicts, problems, and the leaf masks that follow.

    `indicators` holds every indicator that the records touch or that an empty record settles; the others are unknown.
    `assertions` holds per fact the masks of the leaves it makes true and false. `alternatives` holds the leaf masks
    under each reading of the conflicting records, and after them under those of unconfirmed ones, which `unconfirmed`
    holds. `effects` says what leads from the resting state to `leaf_true` and `leaf_false`; abstraction, which knows it,
    enters it, and a changed copy has none.
    """

    case: Case
    facts: tuple[Fact, ...]
    assertions: tuple[tuple[int, int], ...]
    indicators: dict[str, IndicatorState]
    conflicts: tuple[Conflict, ...]
    problems: tuple[Problem, ...]
    leaf_true: int
    leaf_false: int
    alternatives: tuple[tuple[int, int], ...] = field(default=())
    unconfirmed: tuple[Unconfirmed, ...] = field(default=(), repr=False)
    effects: tuple[Effect, ...] | None = field(default=None, init=False, repr=False, compare=False)

    def with_effects(self, effects: tuple[Effect, ...]) -> CaseState:
        """Return the same state, which knows what leads to it from the resting state."""
        object.__setattr__(self, "effects", effects)
        return self


class Unconfirmed(NamedTuple):
    """A reading in which unconfirmed `records` count, and which says more of red flags than the case without them.

    `raised` holds these red flags by index: as raised, and once more if they hold for certain; `state` is the case so read.
    """

    records: tuple[str, ...]
    raised: frozenset[tuple[int, bool]]
    state: CaseState
