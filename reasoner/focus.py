"""Look at one verdict only: the leaves it rests on, and a fast evaluation of the gates between them and it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from reasoner.abstraction.state import CaseState
from reasoner.advice import CERTAIN, PRESUMED, SCOPE_KEY, SILENT, Advice
from reasoner.entailment import ENTAILED, REFUTED, Statuses
from reasoner.errors import UsageError
from reasoner.namespaces import curie
from reasoner.naming import one_term
from reasoner.program.masks import bits_of
from reasoner.program.model import FALSE, TRUE, UNKNOWN, Decision, Indicator, Literal, Program, Recommendation, Verdict
from reasoner.program.settle import GateTables, narrowed, settle
from reasoner.program.watch import Watched, those_raised
from reasoner.questions import Question, Said, joint_answers
from reasoner.terms import lc

__all__ = ["ADVISED", "Carried", "Focus", "Goal", "goal_named", "goal_of", "settled", "verdict_of"]

ADVISED = "advised"
"""The word for a recommendation that is certain or presumed."""


@dataclass(frozen=True, slots=True)
class Goal:
    """What a verdict is about: a decision, or a recommendation."""

    decision: Decision | None
    recommendation: Recommendation | None

    @property
    def name(self) -> str:
        """Return the decision's key or the recommendation's IRI."""
        return self.decision.key if self.decision else self.recommendation.iri if self.recommendation else ""


def goal_of(program: Program, name: str) -> Goal:
    """Return the decision with the report key `name`, or the recommendation `name`; raise UsageError when it is neither."""
    decision = next((each for each in program.decisions if each.key == name), None)
    if decision is None and name not in program.recommendation:
        keys = ", ".join(each.key for each in program.decisions)
        raise UsageError(f"{curie(name)} is no verdict", repair=f"name a recommendation, or one of {keys}")
    return Goal(decision, program.recommendation.get(name) if decision is None else None)


def goal_named(program: Program, name: str) -> Goal:
    """Return the decision or recommendation that a user means by `name`; raise UsageError with near matches."""
    decisions = {each.iri: each.key for each in program.decisions}
    terms = decisions | dict.fromkeys(program.recommendation, "")
    otherwise = f"name a recommendation, or one of {', '.join(decisions.values())}"
    found = one_term(name, program, terms, f"{name} is no verdict", otherwise)
    return goal_of(program, terms[found] or found)


def verdict_of(advice: Advice, goal: Goal) -> str:
    """Return the verdict on a goal as a word; a recommendation that is certain or presumed is advised."""
    if goal.decision is not None:
        return advice.judged[goal.decision.key].verdict.word
    each = advice.advised.get(goal.name)
    return SILENT if each is None else ADVISED if each.stands else each.standing


class Carried(NamedTuple):
    """A verdict of a decision, how certain it is when rows give it, and the rows that carry it; what remains has none."""

    word: str
    certainty: str
    rows: list[Recommendation]


class Focus:
    """One goal in one case state: its questions, and whether given leaves settle it.

    `leaves` are those it rests on; `looked_at` adds what only diagrams look at. `settles` never denies what the report would call settled, and stays true when more is known: it only asks whether
    some verdict is eligible or every row is out. The report itself judges what is found with it.
    """

    def __init__(self, program: Program, state: CaseState, goal: Goal) -> None:
        self.program = program
        self.state = state
        self.goal = goal
        wanted = _wanted(program, goal)
        self._row_indices = [index for index, each in enumerate(program.recommendations) if each.iri in wanted]
        self._needed = _literals(program, goal, wanted)
        self.gates = _below(program, [bit for bit, _ in self._needed])
        self.leaves = _leaves_of(program, self.gates, self._needed)
        self.looked_at = self.leaves | _leaves_of_diagrams(program, self.gates)
        self.tables = _narrowed(program, state, self.gates, self.looked_at)
        self._tests = self._settling()
        self._evaluated: dict[tuple[int, int], list[int]] = {}

    def evaluate(self, leaf_true: int, leaf_false: int, near: tuple[int, int] | None = None) -> list[int]:
        """Return the value of every bit that the goal rests on; it is told from leaves `near` these that were evaluated before, if given."""
        known = leaf_true & self.looked_at, leaf_false & self.looked_at
        values = self._evaluated.get(known)
        if values is None:
            tables = self.tables if near is None else self._tables_from(near)
            values, _ = settle(tables, known)
            self._evaluated[known] = values
        return values

    def _tables_from(self, leaves: tuple[int, int]) -> GateTables:
        known = leaves[0] & self.looked_at, leaves[1] & self.looked_at
        return narrowed(self.tables, self.tables.users, self._evaluated[known], known)

    def settles(self, leaf_true: int, leaf_false: int, near: tuple[int, int] | None = None) -> bool:
        """Return whether the goal may count as settled when exactly these leaves are known; `near` is as for `evaluate`."""
        values = self.evaluate(leaf_true, leaf_false, near)

        def holds(literal: Literal) -> bool:
            return values[literal[0]] == (TRUE if literal[1] else FALSE)

        return all(any(all(map(holds, every)) for every in some) for some in self._tests)

    def word(self, leaf_true: int, leaf_false: int) -> str:
        """Return the word of the decision's verdict when exactly these leaves are known, as advice decides it."""
        return self._word_of(self._given(self.evaluate(leaf_true, leaf_false)))

    def _word_of(self, given: Verdict | None) -> str:
        """Return the word of a verdict that rows give, or of what remains if they give none."""
        decision = self.decision
        return given.word if given else next(verdict.word for verdict in decision.verdicts if verdict.iri == decision.remaining)

    def carried(self, values: Sequence[int]) -> Carried:
        """Return the word of the decision's verdict with the rows that carry it, by the values of all bits, as advice decides them."""
        watch, verdict = self.program.watch, self._given(values)
        if verdict is None:
            return Carried(self._word_of(None), CERTAIN, [])
        raised = those_raised(self._row_indices, watch.raising, values)

        def stands(row: int) -> bool:
            watched = watch.watched[row]
            applicable = _held(values, watched.applicable)
            if applicable == UNKNOWN and _held(values, watched.eligible) == TRUE:
                return raised.isdisjoint(watched.overriders)
            return applicable == TRUE

        own = [index for index in watch.rows[verdict.iri] if index in raised]
        rows = {self.program.recommendations[index].iri for index in list(filter(stands, own)) or own}
        certainty = CERTAIN if self.held(values, verdict.applicable) == TRUE else PRESUMED
        return Carried(verdict.word, certainty, [self.program.recommendation[row] for row in self.decision.rows if row in rows])

    @property
    def decision(self) -> Decision:
        """Return the decision that the goal is; raise UsageError for a recommendation."""
        if self.goal.decision is None:
            raise UsageError(f"{curie(self.goal.name)} is no decision")
        return self.goal.decision

    def _given(self, values: Sequence[int]) -> Verdict | None:
        """Return the verdict that rows of the decision give, for certain or presumably."""
        watch = self.program.watch
        raised = those_raised(self._row_indices, watch.raising, values)
        presumed = None
        for verdict in self.decision.verdicts:
            rows = watch.rows.get(verdict.iri, ())
            if raised.isdisjoint(rows):
                continue
            applicable = _held(values, self.program.classes[verdict.applicable])
            if applicable == TRUE:
                return verdict
            if presumed is None and applicable == UNKNOWN and _held(values, self.program.classes[verdict.eligible]) == TRUE:
                above = {
                    other for row in rows if _held(values, watch.watched[row].eligible) != FALSE for other in watch.watched[row].overriders
                }
                if raised.isdisjoint(above.difference(rows)):
                    presumed = verdict
        return presumed

    @cached_property
    def rows(self) -> list[Recommendation]:
        """Return the recommendations that the goal looks at."""
        return [self.program.recommendations[index] for index in self._row_indices]

    @cached_property
    def watched(self) -> list[Watched]:
        """Return where to look for their standing, in the same order."""
        return [self.program.watch.watched[index] for index in self._row_indices]

    @cached_property
    def _above(self) -> list[list[int]]:
        places = {index: place for place, index in enumerate(self._row_indices)}
        return [[places[index] for index in each.overriders if index in places] for each in self.watched]

    def above(self, place: int) -> list[int]:
        """Return the places of those that override the row at `place`."""
        return self._above[place]

    def held(self, values: Sequence[int], name: str) -> int:
        """Return the value of a case class among the values of all bits."""
        return _held(values, self.program.classes[name])

    def is_raised(self, place: int) -> bool:
        """Return whether a row is raised in the case state itself."""
        return self.watched[place].is_raised(self.tables.resting)

    def is_joint(self, rows: Iterable[int]) -> bool:
        """Return whether the verdict of these rows may hold by all of them together, though by none alone."""
        verdicts = {self.rows[place].verdict for place in rows}
        held = (each for decision in self.program.decisions for each in decision.verdicts if each.iri in verdicts)
        return any(self.program.classes[each.eligible][0] in self.program.joints for each in held)

    def open_leaves(self, bits: Iterable[int], values: Sequence[int]) -> int:
        """Return the leaves below some bits that are reached through open gates only."""
        found, stack, count = 0, list(bits), self.program.tables.leaf_count
        seen: set[int] = set()
        while stack:
            each = stack.pop()
            if each in seen or values[each] != UNKNOWN:
                continue
            seen.add(each)
            if each < count:
                found |= 1 << each
            else:
                gate = self.program.gates[each - count]
                stack.extend((*gate.positive, *gate.negative))
        return found

    def questions(self) -> list[Question]:
        """Return every unknown that the goal rests on, in the order of the leaves."""
        open_leaves = self.leaves & ~(self.state.leaf_true | self.state.leaf_false)
        roles: list[tuple[str, str]] = []
        measured: dict[tuple[str, ...], dict[str, Indicator]] = {}
        for bit in bits_of(open_leaves):
            subject, detail = self.program.leaves[bit]
            indicator = self.program.indicator.get(subject)
            if indicator is None:
                roles.append((subject, detail))
            else:
                measured.setdefault(_asked_by(indicator), {})[subject] = indicator
        found = [Question(role, term, self._possible(self._roles(role, term))) for role, term in roles]
        for group in measured.values():
            term = next(iter(group)) if len(group) == 1 else next(iter(group.values())).tests[0]
            found.append(Question("", term, self._possible(joint_answers(group.values()))))
        return [each for each in found if each.answers]

    def _possible(self, said: Iterable[Said]) -> tuple[Said, ...]:
        return tuple(each for each in said if self.agrees(each.true, each.false))

    def agrees(self, true: int, false: int) -> bool:
        """Return whether leaves said to be true and false contradict neither each other nor the case."""
        return not (true | self.state.leaf_true) & (false | self.state.leaf_false)

    def _roles(self, role: str, term: str) -> list[Said]:
        masks = self.program.assertions[f"{role} {term}"]
        return [Said(masks[0], masks[1], True), Said(masks[2], masks[3], False)]

    def _settling(self) -> list[list[list[Literal]]]:
        """Return what settles the goal: all of these, each by any of its sets of literals, each with every literal."""
        if self.goal.decision is not None:
            return [_decided(self.program, self.goal.decision)]
        each = self.goal.recommendation
        if each is None:
            return []
        classes = self.program.classes
        out: list[list[Literal]] = [[_denied(classes[each.eligible])], [_denied(classes[each.applicable])]]
        tests = [[[classes[each.eligible]], *out]]
        if each.presupposes_scope:
            scope = next((decision for decision in self.program.decisions if decision.key == SCOPE_KEY), None)
            if scope is not None:
                tests.append([*_decided(self.program, scope), *out])
        return tests


def _denied(literal: Literal) -> Literal:
    return literal[0], not literal[1]


def _decided(program: Program, decision: Decision) -> list[list[Literal]]:
    """Return what may settle a decision: a verdict is eligible, or every row is out."""
    classes = program.classes
    found = [[classes[verdict.eligible]] for verdict in decision.verdicts if verdict.eligible in classes]
    return [*found, [_denied(classes[program.recommendation[row].applicable]) for row in decision.rows]]


def _held(values: Sequence[int], literal: Literal) -> int:
    """Return the value of a literal."""
    bit, sign = literal
    return values[bit] if sign or values[bit] == UNKNOWN else TRUE if values[bit] == FALSE else FALSE


def _wanted(program: Program, goal: Goal) -> set[str]:
    """Return the recommendations that the verdict on a goal looks at: its rows or itself, the scope's, and who overrides."""
    rows = set(goal.decision.rows) if goal.decision is not None else {goal.name}
    if goal.recommendation is not None and goal.recommendation.presupposes_scope:
        rows |= {row for decision in program.decisions if decision.key == SCOPE_KEY for row in decision.rows}
    return rows | {other for row in rows for other in program.recommendation[row].overriders}


def _literals(program: Program, goal: Goal, wanted: Iterable[str]) -> list[Literal]:
    """Return the literals of every class that the verdict on a goal looks at."""
    names: set[str] = set()
    for each in (program.recommendation[iri] for iri in wanted):
        names |= {each.eligible, each.applicable, each.trigger}
    scoped = goal.recommendation is not None and goal.recommendation.presupposes_scope
    for decision in program.decisions:
        if decision is goal.decision or (scoped and decision.key == SCOPE_KEY):
            names |= {name for verdict in decision.verdicts for name in (verdict.applicable, verdict.eligible)}
    return [program.classes[name] for name in sorted(names) if name in program.classes]


def _asked_by(indicator: Indicator) -> tuple[str, ...]:
    """Return what one question asks for: all values of one investigation, but each attribute of an examination by itself."""
    whole = indicator.form in ("select", "relative", "quotient", "ratio") or indicator.attribute == lc("value")
    return indicator.tests if whole else (indicator.iri,)


def _below(program: Program, bits: Iterable[int]) -> int:
    """Return the mask of the gates, by index, at and below some bits."""
    count, found, stack = program.tables.leaf_count, 0, list(bits)
    while stack:
        bit = stack.pop()
        if bit >= count and not found >> bit - count & 1:
            found |= 1 << bit - count
            gate = program.gates[bit - count]
            stack.extend((*gate.positive, *gate.negative))
    return found


def _leaves_of(program: Program, gates: int, literals: Iterable[Literal]) -> int:
    count = program.tables.leaf_count
    leaves = sum(1 << bit for bit in {bit for bit, _ in literals} if bit < count)
    for index in bits_of(gates):
        gate = program.gates[index]
        for bit in (*gate.positive, *gate.negative):
            if bit < count:
                leaves |= 1 << bit
    return leaves


def _leaves_of_diagrams(program: Program, gates: int) -> int:
    """Return the leaves that the diagrams of some gates look at, those that constraints join to theirs among them."""
    count = program.tables.leaf_count
    joints = (joint for bit, each in program.joints.items() if bit >= count and gates >> bit - count & 1 for joint in each)
    return sum(1 << leaf for leaf in {leaf for joint in joints for leaf in joint.leaves})


def _narrowed(program: Program, state: CaseState, gates: int, leaves: int) -> GateTables:
    """Return the tables that start from the case state and follow only the gates and leaves that matter."""
    tables = program.full_tables
    values, _ = settle(tables, (state.leaf_true, state.leaf_false))
    return narrowed(tables, program.narrowings[gates], values, (state.leaf_true & leaves, state.leaf_false & leaves))


def settled(program: Program, statuses: Statuses, advice: Advice, goal: Goal) -> bool:
    """Return whether the report calls the goal settled: a row decides it, or none can; a recommendation stands or cannot."""
    if goal.decision is not None:
        judged = advice.judged[goal.decision.key]
        rows = (program.recommendation[row] for row in goal.decision.rows)
        return bool(judged.rows) or all(statuses.status(row.applicable) == REFUTED for row in rows)
    if goal.recommendation is None:
        return False
    if REFUTED in (statuses.status(goal.recommendation.eligible), statuses.status(goal.recommendation.applicable)):
        return True
    each = advice.advised.get(goal.name)
    if each is None or each.stands:
        return each is not None
    scope = next((decision for decision in program.decisions if decision.key == SCOPE_KEY), None)
    capped = each.eligible == ENTAILED and not each.by and scope is not None
    return capped and settled(program, statuses, advice, Goal(scope, None))
