"""Find the changed terms that a differing verdict rests on, by going down only where the two versions differ."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from decimal import Decimal

from reasoner.authoring.verdicts import CONDITION, DECISION, LEAD, TEST, Item, Side
from reasoner.differential import Weighed
from reasoner.entailment import ENTAILED
from reasoner.expressions import And, Band, Expression, Named, Not, Or, Some
from reasoner.program.model import Criterion, Recommendation
from reasoner.terms import lc

__all__ = ["causes_of"]

_ABOUT = lc("aboutCondition")
_CASE_CLASS = lc("aboutCaseClass")
_MEASURED_BY = lc("measuredBy")
_STARTING_BAND = lc("StartingBand")


def causes_of(old: Side, new: Side, item: Item, touched: frozenset[str]) -> tuple[str, ...]:
    """Return those of the `touched` terms on which it depends that the verdict on `item` is another one, sorted."""
    return tuple(sorted(_Descent((old, new), touched).item(item)))


class _Descent:
    def __init__(self, sides: tuple[Side, Side], touched: frozenset[str]) -> None:
        self.sides = sides
        self.touched = touched
        self.found: set[str] = set()
        self._seen: set[str] = set()

    def item(self, item: Item) -> set[str]:
        """Return the causes of one verdict."""
        if item.kind == LEAD:
            differing = self.sides[0].leads ^ self.sides[1].leads
            for condition in differing or self.sides[0].leads:
                self._condition(condition)
        elif item.kind == CONDITION:
            self._condition(item.term)
        else:
            self._take([item.term])
            for each in self._recommendations(item):
                self._recommendation(each)
        return self.found

    def _take(self, terms: Iterable[str]) -> None:
        self.found.update(self.touched.intersection(terms))

    def _recommendations(self, item: Item) -> Iterator[Recommendation]:
        """Yield the recommendations of both versions that a verdict rests on: the rows of a decision, or the one itself."""
        for side in self.sides:
            program = side.version.program
            rows = [row for each in program.decisions if item.kind == DECISION and each.iri == item.term for row in each.rows]
            rows += [each.iri for each in program.recommendations if item.kind == TEST and each.investigation == item.term]
            yield from (program.recommendation[iri] for iri in rows or [item.term] if iri in program.recommendation)

    def _recommendation(self, each: Recommendation) -> None:
        """Go down into who is eligible, who is mentioned, and who sets it aside."""
        if any(each.iri not in side.version.program.recommendation for side in self.sides):
            self._take([each.iri])
        for name in (each.applicable, each.eligible, each.trigger):
            self._class(name)
        for side in self.sides:
            for iri in each.overriders:
                above = side.version.program.recommendation.get(iri)
                if above is not None:
                    self._class(above.eligible)
                    self._class(above.trigger)
        if each.presupposes_scope:
            self._scope()

    def _scope(self) -> None:
        verdicts = [{key: one.verdict.word for key, one in side.answer.advice.judged.items()} for side in self.sides]
        for side in self.sides:
            for decision in side.version.program.decisions:
                if decision.investigation is None and verdicts[0].get(decision.key) != verdicts[1].get(decision.key):
                    for row in decision.rows:
                        self._class(side.version.program.recommendation[row].applicable)

    def _condition(self, condition: str) -> None:
        """Go down into the criteria that count in one version alone, and into what confirms, excludes and starts."""
        self._take([condition])
        rows = [(side, row) for side in self.sides if (row := side.ranked.get(condition))]
        weighed = [{_counted(one) for one in row.weighed} for _, row in rows]
        for side, row in rows:
            for name in (*row.condition.confirmed_by, *row.condition.excluded_by):
                self._settling(name)
            for band in side.version.graph.instances(_STARTING_BAND):
                about = side.version.graph.iri(band, _CASE_CLASS)
                if condition in side.version.graph.iris(band, _ABOUT) and about and self._settling(about):
                    self._take([band])
            for one in row.weighed:
                if sum(_counted(one) in each for each in weighed) < len(self.sides):
                    self._criterion(side, one.criterion)

    def _settling(self, name: str) -> bool:
        """Go down into a class that bears on a condition where it holds; return whether it holds in some version."""
        holds = ENTAILED in (self._status(side, name) for side in self.sides)
        if holds:
            self._class(name)
        return holds

    def _criterion(self, side: Side, criterion: Criterion) -> None:
        self._take([criterion.iri, *_named(side.version.graph.out[criterion.iri].values())])
        if criterion.kind == "class":
            self._class(criterion.subject)
        else:
            self._filler(criterion.subject)

    def _status(self, side: Side, name: str) -> str:
        return side.answer.statuses.status(name) if name in side.version.program.classes else ""

    def _class(self, name: str) -> None:
        """Go down into a case class whose status differs, or that one version does not have."""
        if name in self._seen:
            return
        self._seen.add(name)
        if self._status(self.sides[0], name) == self._status(self.sides[1], name):
            return
        self._take([name, *self._owners(name)])
        for side in self.sides:
            if name in side.version.definitions:
                self._expression(side.version.definitions[name])

    def _owners(self, name: str) -> list[str]:
        """Return the recommendation whose Eligible or Applicable a class is."""
        return [iri for side in self.sides if (iri := side.axioms.recommendation_of.get(name))]

    def _expression(self, expression: Expression) -> None:
        match expression:
            case Named(iri):
                self._class(iri)
            case Some(_, filler):
                self._filler(filler)
            case Band(indicator):
                self._indicator(indicator)
            case Not(part):
                self._expression(part)
            case And(parts) | Or(parts):
                for part in parts:
                    self._expression(part)

    def _filler(self, filler: str) -> None:
        """Take a primitive term that changed, and those that changed on the way from what is recorded up to it."""
        way = {filler}
        for side in self.sides:
            parents = side.version.program.parents
            for fact in side.answer.state.facts:
                if filler in parents.get(fact.term, ()):
                    way |= {term for term in parents[fact.term] if filler in parents[term]}
        self._take(way)

    def _indicator(self, indicator: str) -> None:
        """Take an indicator whose state differs, with what it is computed from and the others that its tests give."""
        if indicator in self._seen:
            return
        self._seen.add(indicator)
        states = [side.answer.state.indicators.get(indicator) for side in self.sides]
        if states[0] != states[1]:
            for side in self.sides:
                named = _named(side.version.graph.out.get(indicator, {}).values())
                self._take([indicator, *named])
                for each in (*named, *(other for test in named for other in side.version.graph.subjects(_MEASURED_BY, test))):
                    if each in side.version.program.indicator:
                        self._indicator(each)


def _counted(one: Weighed) -> tuple[str, bool, Decimal]:
    return one.criterion.iri, one.present, one.weight


def _named(groups: Iterable[Collection[object]]) -> list[str]:
    return [node for nodes in groups for node in nodes if isinstance(node, str)]
