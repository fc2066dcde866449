"""Settled statuses equal brute force over every completion, for random class definitions over a small hierarchy."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import NamedTuple, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reasoner.abstraction import abstract_case
from reasoner.differential import rank_conditions
from reasoner.entailment import Statuses
from reasoner.expressions import And, Band, Expression, Named, Not, Or, Some
from reasoner.knowledge import Graph, read_graph
from reasoner.moments import parse_moment
from reasoner.program import Program
from reasoner.program.cuts import leaf_masks
from reasoner.program.diagrams import build_diagrams
from reasoner.program.effects import NOTHING, Effect, united
from reasoner.program.gates import build_gates
from reasoner.program.joints import find_joints
from reasoner.program.leaves import Leaves, lay_out
from reasoner.program.masks import bits_of
from reasoner.program.rows import FALSE, LATE, TRUE, UNKNOWN, Indicator, IndicatorState
from reasoner.program.scales import Scales, load_scales
from reasoner.program.settle import decide, load_tables, settle, settle_impacts
from reasoner.program.watch import find_raised, load_watch, those_raised
from reasoner.program.ways import Ways, _walk
from reasoner.record import Case, DiagnosisRecord
from reasoner.terms import Role, lc

HIERARCHY = {"A": None, "B": "A", "C": "A", "D": None, "E": "D"}
ROLES = (Role.FINDING, Role.NEW_FINDING)
INDICATOR = lc("x")
CUTS = (Decimal("1"), Decimal("2"), Decimal("3"))
TURTLE = """
@prefix lc: <https://w3id.org/legcramps/ontology/> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
lc:hasFinding a owl:ObjectProperty ; rdfs:domain lc:Case ; rdfs:range lc:Finding .
lc:hasNewFinding a owl:ObjectProperty ; rdfs:domain lc:Case ; rdfs:range lc:Finding ; rdfs:subPropertyOf lc:hasFinding .
lc:A rdfs:subClassOf lc:Finding . lc:B rdfs:subClassOf lc:A . lc:C rdfs:subClassOf lc:A .
lc:D rdfs:subClassOf lc:Finding . lc:E rdfs:subClassOf lc:D .
lc:WithB rdfs:subClassOf lc:Case ; owl:disjointWith lc:WithC .
lc:x a owl:DatatypeProperty .
"""
CONSTRAINTS: dict[str, Expression] = {lc("WithB"): Some(Role.FINDING, lc("B")), lc("WithC"): Some(Role.FINDING, lc("C"))}

World = tuple[frozenset[tuple[str, str]], Decimal | None]


class State(NamedTuple):
    """Role literals known to hold or not, and the interval of the indicator (None: nothing known)."""

    literals: tuple[tuple[str, str, bool], ...]
    interval: tuple[tuple[Decimal, int], tuple[Decimal, int]] | None


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    path = tmp_path_factory.mktemp("small") / "small.ttl"
    path.write_text(TURTLE, encoding="utf-8")
    return read_graph([Path(path)])


def worlds() -> list[World]:
    """Return every consistent completion: closed role sets without both B and C, and a value or none."""
    pairs = [(role, lc(name)) for role in ROLES for name in HIERARCHY]
    values = [None, *(cut + step for cut in CUTS for step in (Decimal("-0.5"), Decimal(0))), Decimal("3.5")]
    closed = []
    for bits in itertools.product((False, True), repeat=len(pairs)):
        held = frozenset(pair for pair, bit in zip(pairs, bits, strict=True) if bit)
        if all(_above(pair) <= held for pair in held) and not {(Role.FINDING, lc("B")), (Role.FINDING, lc("C"))} <= held:
            closed.append(held)
    return [(held, value) for held in closed for value in values]


def _above(pair: tuple[str, str]) -> set[tuple[str, str]]:
    role, term = pair
    parent = HIERARCHY[term.removeprefix(lc(""))]
    above = {(role, lc(parent))} if parent else set()
    return above | ({(Role.FINDING, term)} if role == Role.NEW_FINDING else set())


WORLDS = worlds()


def holds(expression: Expression, world: World, definitions: dict[str, Expression]) -> bool:
    """Return whether an expression holds in a completion, by the meaning of OWL."""
    held, value = world
    match expression:
        case Named(iri):
            return holds(definitions[iri], world, definitions)
        case Some(role, filler):
            return (role, filler) in held
        case Band(_, low, low_open, high, high_open):
            if value is None:
                return False
            above = low is None or value > low or (value == low and not low_open)
            return above and (high is None or value < high or (value == high and not high_open))
        case Not(part):
            return not holds(part, world, definitions)
        case And(parts):
            return all(holds(part, world, definitions) for part in parts)
        case Or(parts):
            return any(holds(part, world, definitions) for part in parts)
    raise AssertionError(expression)


def agrees(state: State, world: World) -> bool:
    held, value = world
    if any(((role, term) in held) != sign for role, term, sign in state.literals):
        return False
    if state.interval is None:
        return True
    (low, low_open), (high, high_closed) = state.interval
    return (
        value is not None and (value > low or (value == low and not low_open)) and (value < high or (value == high and bool(high_closed)))
    )


atoms = st.one_of(
    st.builds(Some, st.sampled_from(ROLES), st.sampled_from([lc(name) for name in HIERARCHY])),
    st.builds(
        lambda ends, low_open, high_open, kind: Band(
            INDICATOR,
            None if kind == "below" else ends[0],
            kind != "below" and low_open,
            None if kind == "above" else ends[1],
            kind != "above" and high_open,
        ),
        st.sampled_from(list(itertools.combinations(CUTS, 2))),
        st.booleans(),
        st.booleans(),
        st.sampled_from(["below", "above", "between"]),
    ),
)
expressions = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.lists(inner, min_size=2, max_size=4).map(lambda parts: And(tuple(parts))),
        st.lists(inner, min_size=2, max_size=4).map(lambda parts: Or(tuple(parts))),
    ),
    max_leaves=12,
)
states = st.builds(
    State,
    st.lists(st.tuples(st.sampled_from(ROLES), st.sampled_from([lc(name) for name in HIERARCHY]), st.booleans()), max_size=4).map(tuple),
    st.none()
    | st.sampled_from(
        [((low, low_open), (high, closed)) for low in CUTS for high in CUTS if low < high for low_open in (0, 1) for closed in (0, 1)]
    )
    | st.sampled_from([((cut, 0), (cut, 1)) for cut in CUTS]),
)


def masks(values: Mapping[int, int]) -> tuple[int, int]:
    """Return the leaves that hold and those that fail, as masks."""
    holding, failing = (sum(1 << bit for bit, value in values.items() if value == wanted) for wanted in (TRUE, FALSE))
    return holding, failing


def known_leaves(leaves: Leaves, state: State) -> dict[int, int]:
    """Return the closed leaf values of a state, as abstraction makes them."""
    values: dict[int, int] = {}
    for literal in state.literals:
        for role, filler, sign in leaves.implied[literal]:
            bit = leaves.role_bits.get((role, filler))
            if bit is not None:
                values[bit] = TRUE if sign else FALSE
    if state.interval is not None and INDICATOR in leaves.first_bit:
        low, high = state.interval
        values[leaves.first_bit[INDICATOR]] = TRUE
        for index, cut in enumerate(leaves.cuts[INDICATOR]):
            if low >= cut or high <= cut:
                values[leaves.first_bit[INDICATOR] + 1 + index] = TRUE if low >= cut else FALSE
    return values


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(part=expressions, whole=st.lists(expressions, min_size=1, max_size=3), state=states)
def test_statuses_equal_brute_force(small: Graph, part: Expression, whole: list[Expression], state: State) -> None:
    definitions: dict[str, Expression] = {lc("Part"): part, lc("Whole"): And((Named(lc("Part")), *(Not(each) for each in whole)))}
    possible = [world for world in WORLDS if agrees(state, world)]
    if not possible:
        return
    sorts = {lc(name): lc("Finding") for name in ("Finding", *HIERARCHY)}
    leaves = lay_out(small, definitions | CONSTRAINTS, sorts, [INDICATOR], [])
    table = build_gates(leaves, definitions, list(definitions))
    joints, nodes = build_diagrams(table, find_joints(table, {INDICATOR: "decimal"}))
    tables = load_tables(len(leaves.names), table.gates, joints, nodes, (), [table.classes[lc("Whole")][0]])
    known = masks(known_leaves(leaves, state))
    values, _ = settle(tables, known)
    for name, expression in definitions.items():
        bit, sign = table.classes[name]
        value = decide(tables, values, known, bit) if values[bit] == LATE else values[bit]
        found = "open" if value == UNKNOWN else "entailed" if (value == TRUE) == sign else "refuted"
        truths = {holds(expression, world, definitions) for world in possible}
        expected = "open" if len(truths) == 2 else "entailed" if truths == {True} else "refuted"
        assert found == expected, (name, expression, state)


def test_watched_gates_have_the_values_of_all_gates(knowledge: Program) -> None:
    watched, chance = knowledge.tables, Random(1)
    late = [watched.leaf_count + index for index in range(len(knowledge.gates)) if watched.resting[watched.leaf_count + index] == LATE]
    every = load_tables(watched.leaf_count, knowledge.gates, knowledge.joints, knowledge.nodes, knowledge.resting, late)
    settled = 0
    for _ in range(400):
        known = set(chance.sample(range(watched.leaf_count), chance.choice((3, 10, 40, 150, watched.leaf_count))))
        changes = {bit: chance.choice((UNKNOWN, TRUE, FALSE)) for bit in sorted(known)}
        changes = {bit: value for bit, value in changes.items() if value != watched.resting[bit]}
        leaves = masks({bit: changes.get(bit, value) for bit, value in enumerate(watched.resting[: watched.leaf_count])})
        (values, moved), (expected, _) = settle(watched, leaves), settle(every, leaves)
        assert not [bit for bit, value in enumerate(values) if value != expected[bit]]
        assert sorted(moved) == [bit for bit, value in enumerate(values) if value != watched.resting[bit]]
        settled += len(moved) - len(changes)
    assert settled > 20_000


def test_effects_put_together_lead_where_their_leaves_lead(knowledge: Program) -> None:
    """Cases are settled from what each effect entails at once; the same leaves, settled one by one, must give the same."""
    chance, tables = Random(4), knowledge.tables
    facts = [(*name.split(" "), present) for name in sorted(knowledge.fact_leaves) for present in (True, False)]
    opened = moved = 0
    for _ in range(300):
        effects, settled = list[Effect](), NOTHING
        for role, term, present in chance.sample(facts, chance.choice((2, 10, 40))):
            effect = knowledge.fact_effects[role, term, present]
            both = united([effect], settled)
            if not both[1] & both[2]:
                effects, settled = [*effects, effect], both
        for indicator in chance.sample(knowledge.indicators, chance.choice((0, 5, 30))):
            effect = knowledge.value_effects.of(_some_state(indicator, chance))
            effects, settled = [*effects, effect], united([effect], settled)
        own, holding, failing = settled
        true, false = tables.resting_masks
        leaves = true & ~own | holding, false & ~own | failing
        (values, changed), (expected, _) = settle_impacts(tables, leaves, [each.impact for each in effects]), settle(tables, leaves)
        assert {bit for bit, value in enumerate(values) if value != tables.resting[bit]} == set(changed)
        for bit, value in enumerate(values):
            if value == LATE:
                decide(tables, values, leaves, bit)
                decide(tables, expected, leaves, bit)
        assert not [bit for bit, value in enumerate(values) if value != expected[bit]]
        opened += (own & ~holding & ~failing).bit_count()
        moved += len(set(changed))
    assert opened > 100
    assert moved > 10_000


def _some_state(indicator: Indicator, chance: Random) -> IndicatorState:
    """Return a state of an indicator: unknown, or with a value between two ends that lie at its cuts or beside them."""
    ends = sorted({(cut[0] + step, beyond) for cut in indicator.cuts for step in (-1, 0, 1) for beyond in (0, 1)})
    if not ends or chance.random() < 0.2:
        return IndicatorState(indicator.iri, chance.choice(("unknown", "conflicting", "unusable")))
    if indicator.datatype == "boolean":
        value = Decimal(chance.choice((0, 1)))
        return IndicatorState(indicator.iri, "known", (value, 0), (value, 1))
    low, high = sorted(chance.choices(ends, k=2))
    return IndicatorState(indicator.iri, "bounded", chance.choice((low, None)), chance.choice((high, None)))


def _states(bits: int, chance: Random) -> tuple[list[int], list[int], list[int]]:
    """Return values of all bits at rest and in a state, and the bits that differ."""
    rest = [chance.choice((UNKNOWN, UNKNOWN, TRUE, FALSE)) for _ in range(bits)]
    values = [chance.choice((UNKNOWN, TRUE, FALSE)) if chance.random() < 0.2 else value for value in rest]
    return rest, values, [bit for bit, (one, other) in enumerate(zip(rest, values, strict=True)) if one != other]


def test_what_moved_tells_all_that_is_raised_from_whatever_state_rests(knowledge: Program) -> None:
    chance, found = Random(2), 0
    for _ in range(40):
        rest, values, moved = _states(len(knowledge.tables.resting), chance)
        watch = load_watch(knowledge.recommendations, knowledge.classes, rest)
        raised = find_raised(watch, moved, values)
        assert raised == those_raised(range(len(watch.raising)), watch.raising, values)
        found += len(raised)
    assert found > 1_000


def test_what_moved_tells_all_weights_from_whatever_state_rests(knowledge: Program) -> None:
    chance, differ = Random(3), 0
    for _ in range(20):
        rest, values, moved = _states(len(knowledge.tables.resting), chance)
        given = knowledge.conditions, knowledge.scales.criteria, knowledge.classes, knowledge.labels, knowledge.settings
        parts = knowledge.scales.per_deciban
        scales = load_scales(*given, rest, parts)
        ranked = rank_conditions(_program(scales), _statuses(moved, values))
        every = rank_conditions(_program(load_scales(*given, values, parts)), _statuses([], values))
        assert ranked == every
        differ += sum(one != other for one, other in zip(scales.resting, load_scales(*given, values, parts).resting, strict=True))
    assert differ > 100


def _program(scales: Scales) -> Program:
    return cast(Program, SimpleNamespace(scales=scales))


def _statuses(changed: list[int], values: list[int]) -> Statuses:
    return cast(Statuses, SimpleNamespace(changed=changed, values=values))


@pytest.mark.parametrize(
    ("low", "high", "same"),
    [(("1", 1), None, (("2", 0), None)), (("1.5", 0), ("2.5", 1), (("2", 0), ("3", 0))), (("1", 0), ("1", 1), (("1", 0), ("2", 0)))],
)
def test_whole_numbers_reach_the_next_one(
    knowledge: Program,
    low: tuple[str, int] | None,
    high: tuple[str, int] | None,
    same: tuple[tuple[str, int] | None, tuple[str, int] | None],
) -> None:
    score = next(each for each in knowledge.indicators if each.form == "weighted_sum")
    ends = [None if end is None else (Decimal(end[0]), end[1]) for end in (low, high, *same)]
    assert leaf_masks(score, ends[0], ends[1]) == leaf_masks(score, ends[2], ends[3])


def test_contradiction_above_every_asked_class_is_a_conflict(knowledge: Program) -> None:
    top, below = lc("Condition"), lc("NeurologicalCondition")
    as_of = parse_moment("2026-11-20")
    assert as_of is not None
    records = (
        DiagnosisRecord("urn:a", below, "present", None, None, None, "active"),
        DiagnosisRecord("urn:b", top, "absent", None, None, None, "refuted"),
        DiagnosisRecord("urn:c", top, "absent", None, None, None, "refuted"),
    )
    state = abstract_case(Case("urn:case", "urn:case", as_of, None, None, diagnoses=records), knowledge, as_of)
    assert [set(conflict.sources) for conflict in state.conflicts] == [{"urn:a", "urn:b", "urn:c"}]
    assert not state.facts


def test_a_walk_of_a_diagram_finds_a_path_where_there_is_one() -> None:
    chance, found = Random(5), Counter[bool]()
    for _ in range(600):
        leaves, nodes = chance.randint(1, 9), list[tuple[int, int, int]]()
        for _ in range(chance.randint(1, 30)):
            bit = chance.randrange(leaves)
            below = [0, 1, *(row for row, node in enumerate(nodes, 2) if node[0] > bit)]
            nodes.append((bit, *chance.sample(below, 2)))
        values = [chance.choice((TRUE, FALSE, UNKNOWN, UNKNOWN)) for _ in range(leaves)]
        leads = [False, True]
        for bit, high, low in nodes:
            leads.append((values[bit] != FALSE and leads[high]) or (values[bit] != TRUE and leads[low]))
        for root, expected in enumerate(leads):
            path = _walk(nodes, root, values)
            assert (path is not None) is expected
            if path is not None:
                assert _end_of(nodes, root, path) == 1
                assert all(values[bit] != FALSE for bit in bits_of(path[0])) and all(values[bit] != TRUE for bit in bits_of(path[1]))
            found[expected] += 1
    assert min(found.values()) > 1_000


def _end_of(nodes: list[tuple[int, int, int]], row: int, path: tuple[int, int]) -> int:
    """Return where a path leads by its own literals."""
    while row > 1:
        bit, high, low = nodes[row - 2]
        assert (path[0] >> bit & 1) + (path[1] >> bit & 1) == 1, "the path says what to do at each row"
        row = high if path[0] >> bit & 1 else low
    return row


def test_ways_found_in_one_case_are_tried_in_the_next_and_change_no_answer(knowledge: Program) -> None:
    """Tables that have met many cases decide as those that know no way and walk each diagram."""
    chance, used = Random(8), knowledge.tables
    begun = {joint.row: tuple(masks(dict(cube)) for cube in joint.witnesses) for each in used.joints.values() for joint in each}
    learned = replace(used, ways=Ways(used.nodes, begun))
    for _ in range(300):
        size = chance.choice((3, 10, 40, 150))
        leaves = masks({bit: chance.choice((TRUE, FALSE)) for bit in chance.sample(range(used.leaf_count), size)})
        fresh = replace(used, ways=Ways(used.nodes, dict.fromkeys(begun, ())))
        one, other = settle(learned, leaves)[0], settle(fresh, leaves)[0]
        for bit, value in enumerate(one):
            if value == LATE:
                decide(learned, one, leaves, bit)
                decide(fresh, other, leaves, bit)
        assert not [bit for bit, value in enumerate(one) if value != other[bit]]
    grown = [row for row, ways in learned.ways.known.items() if ways != begun[row]]
    assert len(grown) > 20
    assert max(map(len, learned.ways.known.values())) <= 16
