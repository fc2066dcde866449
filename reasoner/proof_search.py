"""Search the steps that derive a settled statement from the facts of a case, splitting cases where only a diagram decides."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from reasoner.abstraction.state import CaseState, IndicatorState, Unconfirmed
from reasoner.entailment import ENTAILED, Statuses
from reasoner.errors import IncompleteError
from reasoner.explanation import View
from reasoner.program.cuts import cuts_of, leaf_masks
from reasoner.program.model import Indicator
from reasoner.proof_axioms import Axioms, Node, band_statement
from reasoner.proof_data import Premise, Statement, Step
from reasoner.proof_intervals import implies

__all__ = ["Search", "leaves_below", "said_of", "search_case", "search_readings", "search_some", "value_premise"]

_DEPTH = 6
"""Nested case splits that are tried."""

_Source = tuple[Step, int, int]
"""A step that states something of the case, with the masks of the leaves it makes true and false."""


class Search:
    """The settled statements of one case state, each with the step that derives it; steps are shared between proofs.

    `masks` are the known leaves; `roles` and `bands` hold what is stated, `values` the indicators stated beside them.
    """

    settles = True
    """Whether `settled` speaks of atoms by the program's statuses, so that one statement about an indicator need not be compared."""

    def __init__(
        self,
        axioms: Axioms,
        statuses: Statuses,
        masks: tuple[int, int],
        roles: Iterable[_Source],
        values: Mapping[str, IndicatorState],
        bands: tuple[Step, ...] = (),
    ) -> None:
        self.axioms = axioms
        self.program = axioms.program
        self.statuses = statuses
        self.masks = masks
        self.roles = tuple(roles)
        self.values = values
        self.bands = bands
        self._steps: dict[tuple[Node, bool], Step | None] = {}
        self._stated: dict[str, list[Step]] = {}
        self._halves: dict[tuple[Node, bool], tuple[Step | None, list[tuple[_Branch, _Branch]]]] = {}

    def derive(self, name: str, holds: bool = True) -> Step:
        """Return the step that derives membership of the class `name`, or its denial; raise IncompleteError if none is found."""
        step = self.step(self.axioms.node(name), holds)
        if step is None:
            raise IncompleteError("No proof was found", where=name, why=f"it needs more than {_DEPTH} nested case splits")
        return step

    def step(self, node: Node, holds: bool) -> Step | None:
        """Return the step that derives a statement or its denial; None when there is none within the splits allowed."""
        key = (node, holds)
        if key not in self._steps:
            self._steps[key] = self._find(node, holds)
        return self._steps[key]

    def role(self, role: str, term: str, holds: bool) -> Step | None:
        """Return the step that derives that the case stands in a role to a term, or its denial; definitions need not ask for it."""
        if (role, term) in self.program.leaf_bit:
            return self.step(self.axioms.some(role, term), holds)
        found = (_follow(self.axioms, step, ("some", role, term), holds, ()) for step, _, _ in self.roles)
        return next((step for step in found if step is not None), None)

    def settled(self, node: Node, holds: bool) -> bool:
        """Return whether a statement (or its denial) is known; for an unnamed part as far as its parts show it."""
        if len(node.bits) == 1:
            bit, sign = node.bits[0]
            return self.statuses.literal((bit, sign == holds)) == ENTAILED
        if node.bits:
            literal = self.statuses.literal
            if holds:
                return all(literal(bit) == ENTAILED for bit in node.bits)
            return any(literal((bit, not sign)) == ENTAILED for bit, sign in node.bits)
        known = (self.settled(part, sign == holds) for part, sign in node.parts)
        return all(known) if (node.kind == "and") == holds else any(known)

    def _find(self, node: Node, holds: bool) -> Step | None:
        if node.kind == "some":
            return self._role(node, holds)
        if node.kind == "band":
            return self._band(node, holds)
        found = self._every(node, holds) if (node.kind == "and") == holds else self._some(node, holds)
        return found or self._split(node, holds)

    def _every(self, node: Node, holds: bool) -> Step | None:
        """Return the step by which every part of a conjunction holds, or of a disjunction fails."""
        steps = []
        for part, sign in node.parts:
            step = self.step(part, sign == holds) if self.settled(part, sign == holds) else None
            if step is None:
                return None
            steps.append(step)
        return Step("all", holds, node.statement, tuple(steps))

    def _some(self, node: Node, holds: bool) -> Step | None:
        """Return the step by which a part of a disjunction holds, or of a conjunction fails: the simplest one."""
        for part, sign in node.simplest:
            if self.settled(part, sign == holds) and (step := self.step(part, sign == holds)) is not None:
                return Step("one", holds, node.statement, (step,))
        return None

    # --- atoms ------------------------------------------------------------------------------------------------------

    def _role(self, node: Node, holds: bool) -> Step | None:
        bit = node.bits[0][0]
        for step, true, false in self.roles:
            if (true if holds else false) >> bit & 1:
                return _follow(self.axioms, step, node.statement, holds, ())
        return None

    def _band(self, node: Node, holds: bool) -> Step | None:
        indicator = self.program.indicator[node.statement[1]]
        said = self._about(indicator)
        if self.settles and len(said) == 1:
            (only,) = said
            return only if only.statement == node.statement and only.holds == holds else Step("interval", holds, node.statement, (only,))
        whole = indicator.datatype != "decimal"
        for chosen in (*([step] for step in said), *([one, two] for one in said for two in said if one is not two), said):
            if chosen and implies(chosen, node.statement, holds, whole, indicator.datatype == "boolean"):
                if len(chosen) == 1 and chosen[0].statement == node.statement and chosen[0].holds == holds:
                    return chosen[0]
                return Step("interval", holds, node.statement, tuple(chosen))
        return None

    def _about(self, indicator: Indicator) -> list[Step]:
        """Return the steps that state something of an indicator."""
        if indicator.iri not in self._stated:
            state = self.values.get(indicator.iri)
            said = [_stated(value_premise(state))] if state is not None and state.settled else []
            said += [step for step in self.bands if step.statement[1] == indicator.iri]
            if indicator.total and not said:
                said.append(Step("total", True, band_statement(indicator.iri, None, None)))
            self._stated[indicator.iri] = said
        return self._stated[indicator.iri]

    # --- case splits ------------------------------------------------------------------------------------------------

    def _split(self, node: Node, holds: bool) -> Step | None:
        """Return a step by which a statement follows both from an open one below it and from its denial."""
        if not node.bits:
            return None
        return next((found for depth in range(_DEPTH) if (found := self.part_cases(node, holds, depth)) is not None), None)

    def part_cases(self, node: Node, holds: bool, depth: int) -> Step | None:
        """Return a case split of which at least one branch closes at once and the other within `depth` further splits."""
        if (node, holds) not in self._halves:
            self._halves[node, holds] = self._branches(node, holds)
        joined, halves = self._halves[node, holds]
        for closed, still_open in halves if depth and joined is None else ():
            end, other = closed.close(node, holds), still_open.part_cases(node, holds, depth - 1)
            if end is not None and other is not None:
                return _joined(node, holds, (closed, end), (still_open, other))
        return joined

    def _branches(self, node: Node, holds: bool) -> tuple[Step | None, list[tuple[_Branch, _Branch]]]:
        """Return a split of which both branches close; else those of which one does, that one first."""
        halves: list[tuple[_Branch, _Branch]] = []
        for each in self._open_below(node):
            one, other = _Branch(self, each, True), _Branch(self, each, False)
            if one.closes(node, holds):
                if other.closes(node, holds):
                    first, second = one.close(node, holds), other.close(node, holds)
                    if first is not None and second is not None:
                        return _joined(node, holds, (one, first), (other, second)), []
                halves.append((one, other))
            elif other.closes(node, holds):
                halves.append((other, one))
        return None, halves

    def _open_below(self, node: Node) -> list[Node]:
        """Return the named statements below a node that are not settled, those nearest to it first."""
        found: dict[Node, None] = {}
        level = [node]
        while level:
            parts = [part for each in level for part, _ in each.parts]
            level = [
                part
                for part in dict.fromkeys(parts)
                if part not in found and not self.settled(part, True) and not self.settled(part, False)
            ]
            found.update((part, None) for part in level)
        return [each for each in found if each.bits]


class _Branch(Search):
    """A case in which one open statement is assumed to hold, or to fail."""

    settles = False

    def __init__(self, outer: Search, assumed: Node, holds: bool) -> None:
        step = Step("assume", holds, assumed.statement)
        roles = outer.roles
        if assumed.kind == "some":
            roles = (*roles, (step, *said_of(outer.axioms, assumed.statement, holds)))
        super().__init__(outer.axioms, outer.statuses, outer.masks, roles, outer.values, outer.bands)
        self.outer = outer
        self.assumed = assumed
        self.assumption = step
        self._known: dict[tuple[Node, bool], bool] = {}

    def settled(self, node: Node, holds: bool) -> bool:
        """Return whether a statement, or its denial, follows step by step in this case."""
        key = (node, holds)
        if key not in self._known:
            self._known[key] = self.outer.settled(node, holds) or self.closes(node, holds)
        return self._known[key]

    def closes(self, node: Node, holds: bool) -> bool:
        """Return whether a statement, or its denial, follows from its parts in this case."""
        if node is self.assumed:
            return holds == self.assumption.holds
        if node.kind in ("some", "band"):
            return self._bears_on(node) and self._find(node, holds) is not None
        known = (self.settled(part, sign == holds) for part, sign in node.parts)
        return all(known) if (node.kind == "and") == holds else any(known)

    def _bears_on(self, node: Node) -> bool:
        """Return whether the assumption can say more of an atom than is known without it: both roles, or one indicator."""
        own = self.assumption.statement
        return own[0] == node.kind == "some" or own[:2] == node.statement[:2]

    def close(self, node: Node, holds: bool) -> Step | None:
        """Return the step by which a statement that closes follows from its parts."""
        return self.assumption if node is self.assumed else self._find(node, holds)

    def step(self, node: Node, holds: bool) -> Step | None:
        """Return the step that derives a statement, or its denial, in this case."""
        return self.outer.step(node, holds) if self.outer.settled(node, holds) else self.close(node, holds)

    def _about(self, indicator: Indicator) -> list[Step]:
        own = [self.assumption] if self.assumption.statement[:2] == ("band", indicator.iri) else []
        return [*self.outer._about(indicator), *own]

    def _split(self, node: Node, holds: bool) -> Step | None:
        return None


def _joined(node: Node, holds: bool, *ends: tuple[_Branch, Step]) -> Step:
    return Step("split", holds, node.statement, tuple(end for _, end in ends), assumes=tuple(branch.assumption for branch, _ in ends))


def said_of(axioms: Axioms, statement: Statement, holds: bool) -> tuple[int, int]:
    """Return the masks of the leaves that a statement about a leaf, or its denial, settles."""
    program = axioms.program
    if statement[0] == "some":
        masks = program.assertions[f"{statement[1]} {statement[2]}"]
        return masks[:2] if holds else masks[2:]
    indicator = program.indicator[statement[1]]
    end = None if statement[2] is None else (Decimal(statement[2]), int(statement[3]))
    if holds:
        return leaf_masks(indicator, end, None)
    return 0, cuts_of([indicator]) if end is None else leaf_masks(indicator, None, end)[1]


def leaves_below(node: Node, seen: dict[Node, None]) -> list[int]:
    """Return the leaf bits that a statement depends on, in order of first occurrence."""
    stack, found = [node], {}
    while stack:
        each = stack.pop()
        if each not in seen:
            seen[each] = None
            if each.kind in ("some", "band"):
                found.update(dict.fromkeys(bit for bit, _ in each.bits))
            stack.extend(part for part, _ in reversed(each.parts))
    return list(found)


def _follow(axioms: Axioms, step: Step, target: Statement, holds: bool, used: tuple[Any, ...]) -> Step | None:
    """Return the chain of hierarchy steps and constraints from a role statement to another."""
    if step.statement == target and step.holds == holds:
        return step
    if step.holds == holds and _above(axioms, step.statement, target, holds):
        return Step("hierarchy", holds, target, (step,))
    leaves = axioms.program.leaves
    for axiom in axioms.constraints:
        owner, other, first, second = axiom
        for (bit, sign), (result, result_sign) in ((first, second), ((second[0], not second[1]), (first[0], not first[1]))):
            source = ("some", *leaves[bit])
            if axiom not in used and step.holds == sign and _above(axioms, step.statement, source, sign):
                reached = step if step.statement == source else Step("hierarchy", sign, source, (step,))
                derived = Step("constraint", result_sign, ("some", *leaves[result]), (reached,), axiom=(owner, other))
                if (found := _follow(axioms, derived, target, holds, (*used, axiom))) is not None:
                    return found
    return None


def _above(axioms: Axioms, lower: Statement, upper: Statement, holds: bool) -> bool:
    if not holds:
        lower, upper = upper, lower
    program = axioms.program
    return upper[2] in program.parents[lower[2]] and upper[1] in program.role_parents[lower[1]]


# --- what a case states -----------------------------------------------------------------------------------------------


def search_case(axioms: Axioms, view: View) -> Search:
    """Return the search over everything that the case state knows."""
    state = view.state
    return Search(axioms, view.statuses, (state.leaf_true, state.leaf_false), _facts(state), state.indicators)


def _facts(state: CaseState) -> Iterable[_Source]:
    for fact, (true, false) in zip(state.facts, state.assertions, strict=True):
        yield _stated(Premise("role", ("some", fact.role, fact.term), fact.present, fact.sources)), true, false


def value_premise(state: IndicatorState) -> Premise:
    """Return what the records state of a settled indicator."""
    return Premise("value", band_statement(state.indicator, state.low, state.high), True, state.sources)


def _stated(premise: Premise) -> Step:
    return Step("fact", premise.holds, premise.statement, premise=premise)


def search_some(whole: Search, kept: Callable[[Premise], bool]) -> Search:
    """Return the search over the premises of a case that are `kept`, and nothing else."""
    roles = [each for each in whole.roles if each[0].premise is not None and kept(each[0].premise)]
    values = {iri: state for iri, state in whole.values.items() if state.settled and kept(value_premise(state))}
    true, false = whole.program.total_bits, 0
    for _, holds, fails in roles:
        true, false = true | holds, false | fails
    for iri, state in values.items():
        holds, fails = leaf_masks(whole.program.indicator[iri], state.low, state.high)
        true, false = true | holds, false | fails
    return Search(whole.axioms, Statuses(whole.program, true, false), (true, false), roles, values)


def search_readings(whole: Search, view: View) -> Iterable[Search]:
    """Yield the search under each reading of doubtful records; what it takes for granted is a premise of its own kind."""
    state = view.state
    records = tuple(sorted({source for each in state.conflicts for source in each.sources}))
    for true, false in state.alternatives[: len(state.alternatives) - len(state.unconfirmed)]:
        roles: list[_Source] = [(step, holds & true, fails & false) for step, holds, fails in whole.roles]
        bands = []
        for iri, each in state.indicators.items():
            for low, high in each.choices:
                holds, fails = leaf_masks(whole.program.indicator[iri], low, high)
                if (true, false) == (state.leaf_true | holds, state.leaf_false | fails):
                    bands.append(_stated(Premise("reading", band_statement(iri, low, high), True, each.sources)))
        for bit, (subject, _) in enumerate(whole.program.leaves):
            if not bands and subject not in whole.program.indicator:
                for holds, mask in ((True, true & ~state.leaf_true), (False, false & ~state.leaf_false)):
                    if mask >> bit & 1:
                        premise = Premise("reading", whole.axioms.leaf(bit), holds, records)
                        roles.append((_stated(premise), holds << bit, (not holds) << bit))
        yield Search(whole.axioms, Statuses(whole.program, true, false), (true, false), roles, state.indicators, tuple(bands[:1]))
    for reading in state.unconfirmed:
        yield _search_unconfirmed(whole.axioms, reading)


def _search_unconfirmed(axioms: Axioms, reading: Unconfirmed) -> Search:
    """Return the search under a reading of unconfirmed records: what they state is a premise of its own kind."""
    state, unsure = reading.state, set(reading.records)
    roles = [(_stated(_read(step.premise, unsure)), true, false) for step, true, false in _facts(state) if step.premise]
    premises = [_read(value_premise(value), unsure) for value in state.indicators.values() if value.settled]
    bands = tuple(_stated(premise) for premise in premises if premise.kind == "reading")
    values = {iri: value for iri, value in state.indicators.items() if unsure.isdisjoint(value.sources)}
    masks = state.leaf_true, state.leaf_false
    return Search(axioms, Statuses(axioms.program, *masks), masks, roles, values, bands)


def _read(premise: Premise, unsure: set[str]) -> Premise:
    """Return a premise as one of a reading when it comes from a record that is not confirmed."""
    return premise if unsure.isdisjoint(premise.records) else replace(premise, kind="reading")
