"""Define the compiled program: what the ontology, the guidelines and the shapes come down to at run time.

Bits: every leaf and every gate owns one bit. A leaf is a role restriction, "the indicator has a value", or a cut "the
value is at least / above x". A gate is a conjunction or disjunction of literals over earlier bits. A status is held in
two integers: bit set in `true` = entailed, in `false` = refuted, in neither = open.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any

from reasoner.terms import Role

if TYPE_CHECKING:
    from reasoner.program.settle import GateTables
    from reasoner.shapes import ShapeTable

__all__ = [
    "MEASURED",
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
    "Literal",
    "Program",
    "Recommendation",
    "Verdict",
    "Watched",
    "Weighed",
    "Weighing",
]

Literal = tuple[int, bool]
"""A bit and whether the literal is positive."""

End = tuple[Decimal, int]
"""An end of an interval, as `reasoner.program.cuts` writes it."""

MEASURED = ("select", "relative", "quotient", "ratio", "attribute")
"""The forms that read the value of a record."""

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

    `row` is the diagram's root; `witnesses` are some cubes (leaves true, leaves false) that make it hold.
    """

    members: tuple[Literal, ...]
    pairs: tuple[tuple[int, int], ...]
    row: int
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
class Watched:
    """Where to look for the standing of a recommendation."""

    eligible: Literal
    applicable: Literal
    trigger: Literal
    overriders: tuple[int, ...]


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
class Weighed:
    """A criterion that counts, with its weight and the interval of it in decibans."""

    criterion: Criterion
    present: bool
    weight: Decimal
    low: Decimal
    high: Decimal


@dataclass(frozen=True, slots=True)
class Weighing:
    """A criterion with the literal of what it is about and what its presence and its absence contribute."""

    criterion: Criterion
    literal: Literal
    mask: int
    present: Weighed | None
    absent: Weighed | None


def _contribution(criterion: Criterion, present: bool, weight: str | None, low: str | None, high: str | None) -> Weighed | None:
    if weight is None:
        return None
    return Weighed(criterion, present, Decimal(weight), Decimal(low or weight), Decimal(high or weight))


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


@dataclass(frozen=True)
class Program:
    """Everything the run time needs; immutable, shared by all cases."""

    version: str
    digest: str
    labels: dict[str, str]
    parents: dict[str, tuple[str, ...]]
    role_parents: dict[str, tuple[str, ...]]
    sorts: dict[str, str]
    side_patterns: dict[str, tuple[tuple[str, str], ...]]
    recent_days: dict[str, int]
    presenting: tuple[str, ...]
    new_since: str | None
    leaves: tuple[tuple[str, str], ...]
    assertions: dict[str, tuple[int, int, int, int]]
    indicators: tuple[Indicator, ...]
    gates: tuple[Gate, ...]
    joints: dict[int, tuple[Joint, ...]]
    nodes: tuple[tuple[int, int, int], ...]
    resting: tuple[int, int]
    classes: dict[str, Literal]
    settings: dict[str, Decimal]
    cautions: dict[str, str]
    recommendations: tuple[Recommendation, ...]
    decisions: tuple[Decision, ...]
    conditions: tuple[Condition, ...]
    criteria: tuple[Criterion, ...]
    disagreements: tuple[Disagreement, ...]
    abbreviations: dict[str, tuple[str, ...]]
    codes: dict[str, tuple[str, ...]]
    code_prefixes: tuple[tuple[str, str], ...]
    code_systems: dict[str, str]
    value_codes: dict[str, str]
    term_codes: dict[str, tuple[tuple[str, str, str], ...]]
    shapes: dict[str, Any]

    @cached_property
    def tables(self) -> GateTables:
        """Return the tables by which gates are evaluated."""
        from reasoner.program.settle import load_tables

        names = [each.applicable for each in self.recommendations]
        names += [verdict.applicable for decision in self.decisions for verdict in decision.verdicts if verdict.applicable in self.classes]
        patient = [self.classes[name][0] for name in names]
        return load_tables(len(self.leaves), self.gates, self.joints, self.nodes, self.resting, patient)

    @cached_property
    def below(self) -> dict[str, tuple[str, ...]]:
        """Return for each term everything at or below it, sorted."""
        found: dict[str, list[str]] = {}
        for term, above in self.parents.items():
            for each in above:
                found.setdefault(each, []).append(term)
        return {term: tuple(sorted(members)) for term, members in found.items()}

    @cached_property
    def indicator(self) -> dict[str, Indicator]:
        """Return the indicators by IRI."""
        return {each.iri: each for each in self.indicators}

    @cached_property
    def resting_states(self) -> dict[str, IndicatorState]:
        """Return the states of the indicators that an empty record settles."""
        from reasoner.program.resting import resting_states

        return resting_states(self.indicators)

    @cached_property
    def total_bits(self) -> int:
        """Return the mask of the leaves that every case makes true."""
        return sum(1 << each.first_bit for each in self.indicators if each.total)

    @cached_property
    def asked(self) -> dict[str, tuple[tuple[str, frozenset[str]], ...]]:
        """Return per role the fillers that classes ask for, each with its kinds (leaves of the hierarchy)."""
        found: dict[str, list[tuple[str, frozenset[str]]]] = {}
        for role, filler in self.leaves:
            if filler in self.below and role not in self.indicator:
                kinds = frozenset(kind for kind in self.below[filler] if len(self.below[kind]) == 1)
                found.setdefault(role, []).append((filler, kinds))
        return {role: tuple(rows) for role, rows in found.items()}

    @cached_property
    def reading(self) -> dict[str, frozenset[int]]:
        """Return the indices of the indicators that read a test or a finding, read "closed" lists, or are "always" derived."""
        found: dict[str, set[int]] = {"always": set(), "closed": set()}
        for index, each in enumerate(self.indicators):
            findings = {finding for findings, _ in each.items for finding in findings} | ({each.finding} if each.finding else set())
            for finding in findings:
                for term in (*self.parents[finding], *self.below[finding]):
                    found.setdefault(term, set()).add(index)
            for test in each.tests:
                found.setdefault(test, set()).add(index)
            if each.form == "difference" and not each.tests:
                found["always"].add(index)
            if each.form == "closed":
                found["closed"].add(index)
        return {name: frozenset(indices) for name, indices in found.items()}

    @cached_property
    def speakers(self) -> dict[str, tuple[str, ...]]:
        """Return per on-record indicator those whose values may speak for it beyond its own window."""
        measured = [each for each in self.indicators if each.form in MEASURED and each.tests]
        return {
            each.iri: tuple(other.iri for other in measured if set(other.tests) <= set(each.tests))
            for each in self.indicators
            if each.form == "on_record"
        }

    @cached_property
    def weighed_findings(self) -> frozenset[str]:
        """Return every finding at, above or below an item of a sum."""
        items = {finding for each in self.indicators for findings, _ in each.items for finding in findings}
        return frozenset(term for finding in items for term in (*self.parents[finding], *self.below[finding]))

    @cached_property
    def leaf_bit(self) -> dict[tuple[str, str], int]:
        """Return the bits of the role leaves by (role, filler)."""
        return {name: bit for bit, name in enumerate(self.leaves)}

    @cached_property
    def units_of_test(self) -> dict[str, frozenset[str]]:
        """Return for each test every unit that some indicator of it accepts."""
        found: dict[str, set[str]] = {}
        for indicator in self.indicators:
            for test in indicator.tests:
                found.setdefault(test, set()).update(unit for unit, _, _ in indicator.conversions)
        return {test: frozenset(units) for test, units in found.items()}

    @cached_property
    def newness(self) -> int:
        """Return the mask of the leaves that ask for a new finding."""
        return sum(1 << bit for bit, (role, _) in enumerate(self.leaves) if role == Role.NEW_FINDING)

    @cached_property
    def shape_table(self) -> ShapeTable:
        """Return the compiled record shapes."""
        from reasoner.shapes import ShapeTable

        return ShapeTable.from_json(self.shapes)

    @cached_property
    def watched(self) -> tuple[Watched, ...]:
        """Return per recommendation, in their order, the literals of its classes and the indices of its overriders."""
        index = {each.iri: place for place, each in enumerate(self.recommendations)}
        return tuple(
            Watched(
                self.classes[each.eligible],
                self.classes[each.applicable],
                self.classes[each.trigger],
                tuple(index[overrider] for overrider in each.overriders),
            )
            for each in self.recommendations
        )

    @cached_property
    def watched_bits(self) -> tuple[int, dict[int, tuple[int, ...]]]:
        """Return the mask of the bits that positive Eligible literals stand on, and per bit the recommendations by index."""
        found: dict[int, list[int]] = {}
        for index, each in enumerate(self.watched):
            if each.eligible[1]:
                found.setdefault(each.eligible[0], []).append(index)
        return sum(1 << bit for bit in found), {bit: tuple(indices) for bit, indices in found.items()}

    @cached_property
    def watched_negatives(self) -> tuple[int, ...]:
        """Return the recommendations, by index, whose Eligible is a negative literal."""
        return tuple(index for index, each in enumerate(self.watched) if not each.eligible[1])

    @cached_property
    def criteria_of(self) -> dict[str, tuple[Weighing, ...]]:
        """Return the criteria by condition, ready to be weighed."""
        found: dict[str, list[Weighing]] = {}
        for each in self.criteria:
            role = Role.FINDING if each.kind == "finding" else Role.TAKES
            literal = self.classes[each.subject] if each.kind == "class" else (self.leaf_bit[role, each.subject], True)
            present = _contribution(each, True, each.present, each.present_low, each.present_high)
            absent = _contribution(each, False, each.absent, each.absent_low, each.absent_high)
            found.setdefault(each.condition, []).append(Weighing(each, literal, 1 << literal[0], present, absent))
        return {condition: tuple(criteria) for condition, criteria in found.items()}

    @cached_property
    def recommendation(self) -> dict[str, Recommendation]:
        """Return the recommendations by IRI."""
        return {each.iri: each for each in self.recommendations}
