"""Generate consistent case states that settle a wanted class, from the definitions alone.

A draft holds role literals and, per indicator, an interval; it is extended goal by goal until its facts make an
expression hold, or fail, in every case of which they are true. Nothing here is shared with the compiler: hierarchy,
subroles and constraints are read from the graph, so that a fault of the compiler cannot hide in the states it is given.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal

from reasoner.abstraction.state import CaseState, Fact, IndicatorState
from reasoner.expressions import And, Band, Expression, Named, Not, Or, Some, Top
from reasoner.knowledge import Graph
from reasoner.namespaces import OWL, RDFS, XSD
from reasoner.program.model import Program
from reasoner.record import Case
from reasoner.terms import ROLES

End = tuple[Decimal, int]
Interval = tuple[End | None, End | None]
Pair = tuple[str, str]
Goal = tuple[Expression, bool]

EVERYTHING: Interval = (None, None)
STEPS = 4000


def reach(graph: Graph, term: str, predicate: str) -> frozenset[str]:
    """Return what `predicate` leads to from a term, itself included."""
    found = {term}
    stack = [term]
    while stack:
        for above in graph.iris(stack.pop(), predicate):
            if above not in found and not above.startswith("_:"):
                found.add(above)
                stack.append(above)
    return frozenset(found)


@dataclass(frozen=True)
class Space:
    """What the states may be made of: definitions, hierarchy, subroles, pairs that exclude each other, datatypes."""

    definitions: Mapping[str, Expression]
    above: Mapping[Pair, frozenset[Pair]]
    exclusive: frozenset[tuple[Pair, Pair]]
    datatypes: Mapping[str, str]

    @staticmethod
    def of(graph: Graph, definitions: Mapping[str, Expression], datatypes: Mapping[str, str]) -> Space:
        """Read the space of a graph; constraints must be disjointness between classes of one restriction each."""
        above: dict[Pair, frozenset[Pair]] = {}
        for role in ROLES:
            sort = graph.iri(role, RDFS + "range")
            roles = reach(graph, role, RDFS + "subPropertyOf") & set(ROLES)
            for term in below(graph, sort) if sort else ():
                terms = reach(graph, term, RDFS + "subClassOf")
                above[role, term] = frozenset((each, other) for each in roles for other in terms)
        exclusive = set()
        for name in definitions:
            for other in graph.iris(name, OWL + "disjointWith"):
                first, second = definitions[name], definitions[other]
                assert isinstance(first, Some) and isinstance(second, Some)
                exclusive.add(((first.role, first.filler), (second.role, second.filler)))
        return Space(definitions, above, frozenset(exclusive), datatypes)

    def whole(self, indicator: str) -> bool:
        """Return whether the values of an indicator are whole numbers, booleans among them."""
        return self.datatypes[indicator] != XSD + "decimal"


def below(graph: Graph, sort: str) -> list[str]:
    """Return everything below a class, itself included, sorted."""
    found = {sort}
    stack = [sort]
    while stack:
        for term in graph.subjects(RDFS + "subClassOf", stack.pop()):
            if term not in found and not term.startswith("_:"):
                found.add(term)
                stack.append(term)
    return sorted(found)


def meets(space: Space, indicator: str, interval: Interval) -> bool:
    """Return whether some value of the indicator lies in the interval."""
    low, high = interval
    if space.whole(indicator):
        low, high = next_whole(low), next_whole(high)
        if space.datatypes[indicator] == XSD + "boolean":
            low = max(low or (Decimal(0), 0), (Decimal(0), 0))
            high = min(high or (Decimal(2), 0), (Decimal(2), 0))
    return low is None or high is None or low < high


def next_whole(end: End | None) -> End | None:
    """Return the end moved to the first whole number at or beyond it."""
    if end is None:
        return None
    whole = end[0].to_integral_value(ROUND_CEILING)
    return whole + (end[1] if whole == end[0] else 0), 0


def narrow(first: Interval, second: Interval) -> Interval:
    """Return the intersection of two intervals."""
    lows = [each[0] for each in (first, second) if each[0] is not None]
    highs = [each[1] for each in (first, second) if each[1] is not None]
    return max(lows, default=None), min(highs, default=None)


def ends_of(band: Band) -> Interval:
    """Return the ends of a band, the upper one as the first bound that its values fail."""
    low = None if band.low is None else (band.low, int(band.low_open))
    return low, None if band.high is None else (band.high, int(not band.high_open))


@dataclass
class Draft:
    """A case state in the making; `held` is closed upwards, `denied` is as stated."""

    space: Space
    stated: dict[Pair, bool] = field(default_factory=dict)
    held: set[Pair] = field(default_factory=set)
    intervals: dict[str, Interval] = field(default_factory=dict)

    def copy(self) -> Draft:
        """Return a draft that can be changed alone."""
        return Draft(self.space, dict(self.stated), set(self.held), dict(self.intervals))

    def state_role(self, pair: Pair, present: bool) -> bool:
        """Add a role literal; return whether the draft still holds together."""
        if self.stated.get(pair, present) != present:
            return False
        if present:
            above = self.space.above[pair]
            if any(not self.stated.get(each, True) for each in above):
                return False
            held = self.held | above
            if any(one in held and other in held for one, other in self.space.exclusive):
                return False
            self.held = held
        elif pair in self.held:
            return False
        self.stated[pair] = present
        return True

    def state_interval(self, indicator: str, interval: Interval) -> bool:
        """Narrow an indicator; return whether it can still have a value."""
        found = narrow(self.intervals.get(indicator, EVERYTHING), interval)
        self.intervals[indicator] = found
        return meets(self.space, indicator, found)

    def judge(self, expression: Expression) -> bool | None:
        """Return whether an expression is certain to hold or to fail, restriction by restriction."""
        match expression:
            case Top():
                return True
            case Named(iri):
                return self.judge(self.space.definitions[iri])
            case Not(part):
                found = self.judge(part)
                return None if found is None else not found
            case And(parts) | Or(parts):
                decisive = isinstance(expression, Or)
                found = [self.judge(part) for part in parts]
                return decisive if decisive in found else None if None in found else not decisive
            case Some(role, filler):
                return self._judge_role((role, filler))
            case Band():
                return self._judge_band(expression)

    def _judge_role(self, pair: Pair) -> bool | None:
        if pair in self.held:
            return True
        if any(not self.stated.get(each, True) for each in self.space.above[pair]):
            return False
        barred = [two if one == pair else one for one, two in self.space.exclusive if pair in (one, two)]
        return False if any(each in self.held for each in barred) else None

    def _judge_band(self, band: Band) -> bool | None:
        interval = self.intervals.get(band.indicator)
        if interval is None:
            return None
        low, high = ends_of(band)
        if not meets(self.space, band.indicator, narrow(interval, (low, high))):
            return False
        outside = [each for each in ((None, low) if low else None, (high, None) if high else None) if each]
        return None if any(meets(self.space, band.indicator, narrow(interval, each)) for each in outside) else True

    def finish(self, case: Case, program: Program) -> CaseState:
        """Return the case state with the leaf masks that abstraction would give it."""
        facts = tuple(Fact(role, term, present, ()) for (role, term), present in sorted(self.stated.items()))
        indicators = {iri: self._indicator(iri) for iri in sorted(self.intervals)}
        true, false = masks(program, facts, indicators)
        return CaseState(case, facts, (), indicators, (), (), true, false)

    def _indicator(self, iri: str) -> IndicatorState:
        low, high = self.intervals[iri]
        if self.space.datatypes[iri] == XSD + "boolean":
            low = max(next_whole(low) or (Decimal(0), 0), (Decimal(0), 0))
            high = (min(next_whole(high) or (Decimal(2), 0), (Decimal(2), 0))[0] - 1, 1)
        point = low is not None and high == (low[0], 1) and not low[1]
        return IndicatorState(iri, "known" if point else "bounded", low, high)


def masks(program: Program, facts: Iterable[Fact], indicators: Mapping[str, IndicatorState]) -> tuple[int, int]:
    """Return the leaf masks of facts and intervals."""
    from reasoner.program.cuts import leaf_masks

    true, false = program.total_bits, 0
    for iri, state in indicators.items():
        holds, fails = leaf_masks(program.indicator[iri], state.low, state.high)
        true, false = true | holds, false | fails
    for fact in facts:
        found = program.assertions[f"{fact.role} {fact.term}"]
        holds, fails = found[:2] if fact.present else found[2:]
        true, false = true | holds, false | fails
    return true, false


class Maker:
    """Extend drafts until a goal is certain; choices are made by `rng`, and taken back when they lead nowhere."""

    def __init__(self, space: Space, rng: random.Random) -> None:
        self.space = space
        self.rng = rng
        self._left = 0

    def settle(self, draft: Draft, goals: Iterable[Goal]) -> Draft | None:
        """Return the draft with what makes every goal certain, or None when none was found in the steps allowed."""
        self._left = STEPS
        return self._extend(draft.copy(), list(goals), [])

    def _extend(self, draft: Draft, goals: list[Goal], choices: list[list[Goal]]) -> Draft | None:
        while goals:
            self._left -= 1
            if self._left < 0 or not self._take(draft, goals.pop(), goals, choices):
                return None
        while choices:
            place = self.rng.randrange(len(choices))
            choices[place], choices[-1] = choices[-1], choices[place]
            options = choices.pop()
            judged = [(option, draft.judge(option[0])) for option in options]
            if any(found is sign for (_, sign), found in judged):
                continue
            live = [option for option, found in judged if found is None]
            self.rng.shuffle(live)
            for option in live:
                found = self._extend(draft.copy(), [option], list(choices))
                if found is not None or self._left < 0:
                    return found
            return None
        return draft

    def _take(self, draft: Draft, goal: Goal, goals: list[Goal], choices: list[list[Goal]]) -> bool:
        expression, sign = goal
        match expression:
            case Top():
                return sign
            case Named(iri):
                goals.append((self.space.definitions[iri], sign))
            case Not(part):
                goals.append((part, not sign))
            case And(parts) | Or(parts):
                together = [(part, sign) for part in parts]
                if isinstance(expression, And) == sign:
                    goals += together
                else:
                    choices.append(together)
            case Some(role, filler):
                return draft.state_role((role, filler), sign)
            case Band():
                return self._take_band(draft, expression, sign)
        return True

    def _take_band(self, draft: Draft, band: Band, sign: bool) -> bool:
        low, high = ends_of(band)
        if sign:
            return draft.state_interval(band.indicator, (low, high))
        sides: list[Interval] = [(None, low)] if low else []
        sides += [(high, None)] if high else []
        self.rng.shuffle(sides)
        known = draft.intervals.get(band.indicator, EVERYTHING)
        sides = [side for side in sides if meets(self.space, band.indicator, narrow(known, side))]
        return bool(sides) and draft.state_interval(band.indicator, sides[0])
