"""Define the compiled program: what the ontology, the guidelines and the shapes come down to at run time.

The rows it consists of are defined in `reasoner.program.rows`; what each step of an answer looks up is prepared once,
when it is first asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any

from reasoner.namespaces import LC, RDF, curie
from reasoner.program.rows import (
    FALSE,
    LATE,
    MEASURED,
    TRUE,
    UNKNOWN,
    ZERO,
    Condition,
    Criterion,
    Decision,
    Disagreement,
    End,
    Gate,
    Indicator,
    IndicatorState,
    Joint,
    Literal,
    Part,
    Recommendation,
    Verdict,
)
from reasoner.terms import Role

if TYPE_CHECKING:
    from reasoner.program.alarms import Alarms
    from reasoner.program.effects import FactEffects, ValueEffects
    from reasoner.program.gauges import Gauges
    from reasoner.program.kinds import Families, Kinds, Spans
    from reasoner.program.patterns import UsableResult
    from reasoner.program.premises import Premises
    from reasoner.program.scales import Scales
    from reasoner.program.settle import GateTables, Narrowings
    from reasoner.program.watch import Watch
    from reasoner.shapes import ShapeTable

__all__ = [
    "FALSE",
    "LATE",
    "MEASURED",
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
    "Literal",
    "Part",
    "Program",
    "Recommendation",
    "Verdict",
]


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
    use_findings: dict[str, tuple[str, ...]]
    presenting: tuple[str, ...]
    new_since: str | None
    leaves: tuple[tuple[str, str], ...]
    fact_leaves: dict[str, tuple[tuple[int, ...], ...]]
    constrained: tuple[int, ...]
    indicators: tuple[Indicator, ...]
    gates: tuple[Gate, ...]
    joints: dict[int, tuple[Joint, ...]]
    nodes: tuple[tuple[int, int, int], ...]
    resting: tuple[Part, ...]
    classes: dict[str, Literal]
    definition_sources: dict[str, tuple[str, ...]]
    settings: dict[str, Decimal]
    cautions: dict[str, str]
    recommendations: tuple[Recommendation, ...]
    decisions: tuple[Decision, ...]
    conditions: tuple[Condition, ...]
    criteria: tuple[Criterion, ...]
    disagreements: tuple[Disagreement, ...]
    results: tuple[UsableResult, ...]
    abbreviations: dict[str, tuple[str, ...]]
    codes: dict[str, tuple[str, ...]]
    code_prefixes: tuple[tuple[str, str], ...]
    code_systems: dict[str, str]
    value_codes: dict[str, str]
    term_codes: dict[str, tuple[tuple[str, str, str], ...]]
    shapes: dict[str, Any]

    @cached_property
    def tables(self) -> GateTables:
        """Return the tables by which gates are evaluated; what neither raises advice nor weighs for a condition is decided late."""
        from reasoner.program.settle import load_tables

        early = {name for each in self.recommendations for name in (each.eligible, each.trigger)}
        early |= {each.subject for each in self.criteria if each.kind == "class"}
        for each in self.conditions:
            early |= {*each.confirmed_by, *each.excluded_by, *(name for name, _ in each.starts)}
        patient = set(range(len(self.leaves), len(self.leaves) + len(self.gates))) - {self.classes[name][0] for name in early}
        return load_tables(len(self.leaves), self.gates, self.joints, self.nodes, self.resting, patient, watched=True)

    @cached_property
    def assertions(self) -> dict[str, tuple[int, int, int, int]]:
        """Return per "role class" the masks (true if present, false if present, true if absent, false if absent)."""
        masks = {key: [sum(1 << bit for bit in bits) for bits in each] for key, each in self.fact_leaves.items()}
        return {key: (one, two, three, four) for key, (one, two, three, four) in masks.items()}

    @cached_property
    def full_tables(self) -> GateTables:
        """Return the tables by which every gate is evaluated at once."""
        from reasoner.program.settle import load_tables

        return load_tables(len(self.leaves), self.gates, self.joints, self.nodes, self.resting)

    @cached_property
    def narrowings(self) -> Narrowings:
        """Return which gates of a goal to look at when a bit changes, for each goal asked about."""
        from reasoner.program.settle import Narrowings

        return Narrowings(self.full_tables)

    @cached_property
    def fact_effects(self) -> FactEffects:
        """Return what each fact settles."""
        from reasoner.program.effects import FactEffects

        return FactEffects(self.fact_leaves, self.tables)

    @cached_property
    def value_effects(self) -> ValueEffects:
        """Return what each state of an indicator settles."""
        from reasoner.program.effects import ValueEffects

        return ValueEffects(self.indicators, self.tables)

    @cached_property
    def watch(self) -> Watch:
        """Return the recommendations as they are watched for a change of their standing."""
        from reasoner.program.watch import load_watch

        return load_watch(self.recommendations, self.classes, self.tables.resting)

    @cached_property
    def alarms(self) -> Alarms:
        """Return what red flags rest on."""
        from reasoner.program.alarms import Alarms

        return Alarms(self)

    @cached_property
    def scales(self) -> Scales:
        """Return the conditions as they are weighed."""
        from reasoner.program.scales import load_scales, parts_per_deciban, weighings_of

        per_deciban = parts_per_deciban(self.criteria, self.conditions, self.settings)
        criteria = weighings_of(self.criteria, self.classes, self.leaf_bit, per_deciban)
        return load_scales(self.conditions, criteria, self.classes, self.labels, self.settings, self.tables.resting, per_deciban)

    def label(self, term: str) -> str:
        """Return the label of a term, or its abbreviation."""
        return self.labels.get(term) or curie(term)

    @cached_property
    def below(self) -> dict[str, tuple[str, ...]]:
        """Return for each term everything at or below it, sorted."""
        found: dict[str, list[str]] = {}
        for term, above in self.parents.items():
            for each in above:
                found.setdefault(each, []).append(term)
        return {term: tuple(sorted(members)) for term, members in found.items()}

    @cached_property
    def below_sets(self) -> dict[str, frozenset[str]]:
        """Return for each term the set of everything at or below it."""
        return {term: frozenset(members) for term, members in self.below.items()}

    def at_or_below(self, terms: Iterable[str]) -> frozenset[str]:
        """Return everything at or below some terms."""
        return frozenset().union(*map(self.below_sets.__getitem__, terms))

    @cached_property
    def local_names(self) -> dict[str, tuple[str, ...]]:
        """Return the names within the project's namespace of the terms of each sort."""
        found: dict[str, list[str]] = {}
        for term, sort in self.sorts.items():
            found.setdefault(sort, []).append(term.removeprefix(LC))
        return {sort: tuple(names) for sort, names in found.items()}

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        """Return the properties that a record may have without further thought: the type, and every term of the project."""
        return frozenset((RDF + "type", *self.labels))

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
    def gauges(self) -> Gauges:
        """Return the indicators ready for arithmetic."""
        from reasoner.program.gauges import load_gauges

        return load_gauges(self.indicators, self.parents, self.below)

    @cached_property
    def premises(self) -> Premises:
        """Return what the knowledge itself contributes to reasons."""
        from reasoner.program.premises import load_premises

        return load_premises(self.labels, self.leaves, self.gates, self.recommendation, self.definition_sources)

    @property
    def weighed_findings(self) -> frozenset[str]:
        """Return every finding at, above or below an item of a sum."""
        return self.gauges.weighed

    @cached_property
    def kinds(self) -> Kinds:
        """Return what a recorded finding can touch."""
        from reasoner.program.kinds import load_kinds

        return load_kinds(self.leaves, self.parents, self.below, self.indicator, self.side_patterns)

    @cached_property
    def families(self) -> Families:
        """Return the findings whose sides a change of a finding may decide."""
        from reasoner.program.kinds import Families

        return Families(self.parents, self.below, self.side_patterns, self.use_findings)

    @cached_property
    def spans(self) -> Spans:
        """Return what a change of a finding may state or deny."""
        from reasoner.program.kinds import Spans

        return Spans(self.parents, self.below, self.families, self.use_findings)

    @cached_property
    def presenting_kinds(self) -> frozenset[str]:
        """Return every finding at or below a presenting symptom."""
        return frozenset(term for symptom in self.presenting for term in self.below[symptom])

    @cached_property
    def leaf_bit(self) -> dict[tuple[str, str], int]:
        """Return the bits of the role leaves by (role, filler)."""
        return {name: bit for bit, name in enumerate(self.leaves)}

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
    def results_of(self) -> dict[str, tuple[UsableResult, ...]]:
        """Return the usable results by investigation."""
        found: dict[str, list[UsableResult]] = {}
        for each in self.results:
            found.setdefault(each.investigation, []).append(each)
        return {investigation: tuple(rows) for investigation, rows in found.items()}

    @cached_property
    def recommendation(self) -> dict[str, Recommendation]:
        """Return the recommendations by IRI."""
        return {each.iri: each for each in self.recommendations}
