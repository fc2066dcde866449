"""Define the case state: what abstraction knows of a case, with where it comes from and what it could not use."""

from __future__ import annotations

from dataclasses import dataclass, field

from reasoner.program.model import IndicatorState
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
class Conflict:
    """Records that contradict each other about a term; that term counts as unknown."""

    term: str
    text: str
    sources: tuple[str, ...]
    repair: str


@dataclass(frozen=True)
class CaseState:
    """The abstracted case: facts, indicators, conflicts, problems, and the leaf masks that follow.

    `indicators` holds every indicator that the records touch or that an empty record settles; the others are unknown.
    `assertions` holds per fact the masks of the leaves it makes true and false.
    `alternatives` holds the leaf masks under each reading of the conflicting records.
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
