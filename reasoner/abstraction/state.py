"""Define the case state: what abstraction knows of a case, with where it comes from and what it could not use."""

from __future__ import annotations

from dataclasses import dataclass, field

from reasoner.program.cuts import End
from reasoner.record import Case, Problem

__all__ = ["CaseState", "Conflict", "Fact", "IndicatorState"]


@dataclass(frozen=True, slots=True)
class Fact:
    """A role restriction known to hold (`present`) or not to hold; `sources` are record IRIs."""

    role: str
    term: str
    present: bool
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IndicatorState:
    """What is known of an indicator in its canonical unit.

    `status` is known, bounded, conflicting, unusable or unknown; the ends are written as in `reasoner.program.cuts`;
    `choices` holds the intervals that contradict each other.
    """

    indicator: str
    status: str
    low: End | None = None
    high: End | None = None
    sources: tuple[str, ...] = ()
    reason: str = ""
    rule: str = ""
    choices: tuple[tuple[End | None, End | None], ...] = ()

    @property
    def settled(self) -> bool:
        """Return whether an interval is known."""
        return self.status in ("known", "bounded")


@dataclass(frozen=True, slots=True)
class Conflict:
    """Records that contradict each other about a term; that term counts as unknown."""

    term: str
    text: str
    sources: tuple[str, ...]
    repair: str


@dataclass(frozen=True)
class CaseState:
    """The abstracted case: facts, indicators, conflicts, problems, and the leaf masks that follow.

    `alternatives` holds the leaf masks under each reading of the conflicting records.
    """

    case: Case
    facts: tuple[Fact, ...]
    indicators: dict[str, IndicatorState]
    conflicts: tuple[Conflict, ...]
    problems: tuple[Problem, ...]
    leaf_true: int
    leaf_false: int
    alternatives: tuple[tuple[int, int], ...] = field(default=())
