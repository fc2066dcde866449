"""Define the rows of a compiled program: gates, joints, indicators, recommendations, decisions, evidence.

Bits: every leaf and every gate owns one bit. A leaf is a role restriction, "the indicator has a value", or a cut "the
value is at least / above x". A gate is a conjunction or disjunction of literals over earlier bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from reasoner.frozen import frozen

__all__ = [
    "FALSE",
    "LATE",
    "MEASURED",
    "SETTLED",
    "TRUE",
    "UNKNOWN",
    "ZERO",
    "Condition",
    "Criterion",
    "Decision",
    "Disagreement",
    "End",
    "Gate",
    "Indicator",
    "IndicatorState",
    "Joint",
    "LeafMasks",
    "Literal",
    "Part",
    "Recommendation",
    "Verdict",
]

UNKNOWN, TRUE, FALSE, LATE = 0, 1, 2, 3
"""The values of a bit: open, entailed, refuted; a late one is not decided before it is asked for."""

Part = tuple[int, int]
"""A bit and a value of it."""

Literal = tuple[int, bool]
"""A bit and whether the literal is positive."""

LeafMasks = tuple[int, int]
"""The leaves that hold and the leaves that fail, as masks; no leaf is in both."""

End = tuple[Decimal, int]
"""An end of an interval, as `reasoner.program.cuts` writes it."""

MEASURED = ("select", "relative", "quotient", "ratio", "attribute")
"""The forms that read the value of a record."""

SETTLED = ("known", "bounded")
"""The statuses of an indicator of which an interval is known."""

ZERO: tuple[End, End] = ((Decimal(0), 0), (Decimal(0), 1))
"""The interval that holds nothing but zero."""


@dataclass(frozen=True, slots=True)
class Gate:
    """A conjunction (`every`) or disjunction of the bits in `positive` and the complements of those in `negative`."""

    every: bool
    positive: tuple[int, ...]
    negative: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Joint:
    """Literals of one gate that must be judged together: their bits' opposed pairs, and the diagram of "all hold".

    `row` is the diagram's root, `leaves` are those it asks for; `witnesses` are some cubes (leaves true, leaves false)
    that make it hold.
    """

    members: tuple[Literal, ...]
    pairs: tuple[tuple[int, int], ...]
    row: int
    leaves: tuple[int, ...]
    witnesses: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Indicator:
    """A declared indicator: how records give its value, and which cuts its bands use (units: `unit`, days)."""

    iri: str
    form: str
    tests: tuple[str, ...]
    unit: str
    places: int | None
    governing: str
    sides: int
    valid_days: int | None
    lasting: tuple[str | None, bool, str | None, bool] | None
    stable_days: int
    lowest: str | None
    highest: str | None
    default_low: str | None
    default_high: str | None
    plausible_low: str | None
    plausible_high: str | None
    attribute: str | None
    true_values: tuple[str, ...]
    false_values: tuple[str, ...]
    closes: str | None
    counts_result: str | None
    minuend: str | None
    subtrahend: str | None
    depends: str | None
    limit_below: str | None
    limit_from: str | None
    limit_factor: str | None
    items: tuple[tuple[tuple[str, ...], int], ...]
    count_window: int | None
    count_apart: int
    counts_value: tuple[str, str | None, bool, str | None, bool] | None
    finding: str | None
    listed_units_only: bool
    total: bool
    datatype: str
    conversions: tuple[tuple[str, int, int], ...]
    cuts: tuple[End, ...]
    first_bit: int
    bands: tuple[str, ...]

    @property
    def thresholds(self) -> frozenset[Decimal]:
        """Return the values at which a band begins or ends."""
        return frozenset(value for value, _ in self.cuts)


@frozen()
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
        return self.status in SETTLED


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A compiled recommendation; classes are IRIs of case classes, `overriders` are recommendation IRIs."""

    iri: str
    red_flag: bool
    direction: str
    investigation: str | None
    action: str | None
    action_kind: str
    reviews: str | None
    inclusion: str
    exclusions: tuple[str, ...]
    trigger: str
    eligible: str
    applicable: str
    overriders: tuple[str, ...]
    urgency: str
    urgency_rank: int
    step: str
    step_rank: int
    overrides_routine: bool
    presupposes_scope: bool
    order: int
    strength: str
    certainty: str
    evidence: str
    statement: str
    action_text: str
    caution: str
    sentences: tuple[str, ...]
    sources: tuple[str, ...]
    decision: str | None
    rule: str
    verdict: str | None
    window: tuple[str, int, int, int] | None
    reopened_by: tuple[str, ...]
    review_days: int | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """A possible answer to a decision, with the unions of its rows' classes."""

    iri: str
    word: str
    order: int
    eligible: str
    applicable: str
    not_warranted: bool


@dataclass(frozen=True, slots=True)
class Decision:
    """A question answered by exactly one verdict; `rows` are recommendation IRIs in table order."""

    iri: str
    key: str
    investigation: str | None
    rows: tuple[str, ...]
    verdicts: tuple[Verdict, ...]
    remaining: str


@dataclass(frozen=True, slots=True)
class Criterion:
    """A weighed statement about a condition; weights in decibans, `None` adds nothing.

    `subject` is a class; `kind` says whether it is a case class, a finding or a drug; `group` names restated facts.
    """

    iri: str
    condition: str
    kind: str
    subject: str
    present: str | None
    present_low: str | None
    present_high: str | None
    absent: str | None
    absent_low: str | None
    absent_high: str | None
    published: bool
    group: str | None
    sources: tuple[str, ...]
    mark: str


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition of the differential with its confirming and excluding case classes and starting bands."""

    iri: str
    confirmed_by: tuple[str, ...]
    excluded_by: tuple[str, ...]
    confirmed_weight: str
    starts: tuple[tuple[str, str], ...]
    codes: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A point on which sources differ: positions as (text, source label), the chosen text and the reason."""

    iri: str
    topic: str
    positions: tuple[tuple[str, str], ...]
    chosen: str
    because: str
    concerns: tuple[str, ...]
