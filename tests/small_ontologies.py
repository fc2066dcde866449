"""Generate small ontologies inside the case profile, as Turtle, and decide them by going through every kind of case.

A world is a closed set of role pairs and a value or none per indicator. Sets of worlds are integers, one bit a world, so
that a class definition is a handful of bit operations; entailed means that all worlds that agree with a state are in it.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from case_states import Draft, Interval, Pair, Space, ends_of

from reasoner.expressions import And, Band, Expression, Named, Not, Or, Some
from reasoner.namespaces import XSD
from reasoner.terms import Role, lc

HEADER = """
@prefix lc: <https://w3id.org/legcramps/ontology/> .
@prefix lcg: <https://w3id.org/legcramps/guideline/> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
lc:Case a owl:Class ; owl:disjointWith lc:Finding , lc:Drug .
lc:Finding a owl:Class ; owl:disjointWith lc:Drug .
lc:Drug a owl:Class .
"""
CUTS = {"decimal": ("1", "1.5", "2", "3"), "integer": ("1", "2", "4"), "boolean": ()}
VALUES: dict[str, tuple[str, ...]] = {
    "decimal": ("0.5", "1", "1.2", "1.5", "1.7", "2", "2.5", "3", "3.5"),
    "integer": ("0", "1", "2", "3", "4", "5"),
    "boolean": ("0", "1"),
}
World = tuple[frozenset[Pair], tuple[Decimal | None, ...]]


@dataclass(frozen=True)
class Ontology:
    """A generated ontology: its text, and what it says in the form that worlds are judged by."""

    text: str
    roles: tuple[tuple[str, str | None, str], ...]
    parents: Mapping[str, tuple[str, ...]]
    indicators: Mapping[str, tuple[str, bool]]
    exclusive: tuple[tuple[Pair, Pair], ...]


class Author:
    """Write one ontology by chance."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        drugs = rng.random() < 0.3
        self.roles: list[tuple[str, str | None, str]] = [(Role.FINDING, None, "Finding")]
        if rng.random() < 0.7:
            self.roles.append((Role.NEW_FINDING, Role.FINDING if rng.random() < 0.8 else None, "Finding"))
        if drugs:
            self.roles.append((Role.TAKES, None, "Drug"))
        self.parents = self._hierarchy("F", rng.randint(2, 4)) | (self._hierarchy("D", 2) if drugs else {})
        kinds = rng.sample(["decimal", "decimal", "integer", "boolean"], rng.randint(1, 2))
        self.indicators = {lc(f"x{number}"): (kind, rng.random() < 0.2) for number, kind in enumerate(kinds)}
        self.pairs = [(role, term) for role, _, sort in self.roles for term in self.parents if term.startswith(lc(sort[0]))]

    def _hierarchy(self, letter: str, count: int) -> dict[str, tuple[str, ...]]:
        terms = [lc(f"{letter}{number}") for number in range(count)]
        return {
            term: tuple(sorted(self.rng.sample(terms[:place], min(place, self.rng.choice([0, 1, 1, 2])))))
            for place, term in enumerate(terms)
        }

    def write(self) -> Ontology:
        """Return the ontology; names later in the list use only earlier ones."""
        lines = [HEADER, *map(self._role, self.roles), *self._terms(), *(self._indicator(iri) for iri in self.indicators)]
        exclusive: list[tuple[Pair, Pair]] = []
        findings = [pair for pair in self.pairs if pair[0] == Role.FINDING]
        if self.rng.random() < 0.5:
            one, two = self.rng.sample(findings, 2)
            if not self._comparable(one[1], two[1]):
                exclusive.append((one, two))
                lines += [self._class("WithOne", self._some(*one), "lc:WithTwo"), self._class("WithTwo", self._some(*two))]
        names: list[str] = ["lc:WithOne"] if exclusive else []
        for number in range(self.rng.randint(5, 15)):
            names.append(f"lc:C{number}")
            lines.append(self._class(names[-1][3:], self._definition(names[:-1])))
        lines += self._advice(names)
        return Ontology("\n".join(lines) + "\n", tuple(self.roles), self.parents, self.indicators, tuple(exclusive))

    def _role(self, row: tuple[str, str | None, str]) -> str:
        role, above, sort = row
        tail = f" ; rdfs:subPropertyOf <{above}>" if above else ""
        return f"<{role}> a owl:ObjectProperty ; rdfs:domain lc:Case ; rdfs:range lc:{sort}{tail} ."

    def _terms(self) -> Iterable[str]:
        for term, parents in self.parents.items():
            sort = "Finding" if term.startswith(lc("F")) else "Drug"
            yield f"<{term}> a owl:Class ; rdfs:subClassOf {' , '.join(f'<{each}>' for each in parents) or f'lc:{sort}'} ."

    def _indicator(self, iri: str) -> str:
        kind, total = self.indicators[iri]
        tail = " ; lc:isTotal true" if total else ""
        form = "lc:indicatorForm lc:_Form_select"
        return f"<{iri}> a owl:DatatypeProperty , owl:FunctionalProperty ; rdfs:domain lc:Case ; rdfs:range xsd:{kind} ; {form}{tail} ."

    @staticmethod
    def _class(name: str, definition: str, disjoint: str = "") -> str:
        tail = f" ; owl:disjointWith {disjoint}" if disjoint else ""
        return f"lc:{name} a owl:Class ; rdfs:subClassOf lc:Case ; owl:equivalentClass {definition}{tail} ."

    @staticmethod
    def _some(role: str, term: str) -> str:
        return f"[ a owl:Restriction ; owl:onProperty <{role}> ; owl:someValuesFrom <{term}> ]"

    def _comparable(self, one: str, two: str) -> bool:
        return one in self._above(two) or two in self._above(one)

    def _above(self, term: str) -> set[str]:
        return {term}.union(*(self._above(parent) for parent in self.parents[term]))

    def _definition(self, names: list[str]) -> str:
        definition = self._expression(names, self.rng.randint(1, 3))
        return f"[ a owl:Class ; owl:intersectionOf ( lc:Case {definition} ) ]"

    def _expression(self, names: list[str], depth: int) -> str:
        if depth == 0 or self.rng.random() < 0.15:
            return self._atom(names)
        if self.rng.random() < 0.25:
            return f"[ a owl:Class ; owl:complementOf {self._expression(names, depth - 1)} ]"
        parts = " ".join(self._expression(names, depth - 1) for _ in range(self.rng.randint(2, 3)))
        return f"[ a owl:Class ; owl:{self.rng.choice(['intersectionOf', 'unionOf'])} ( {parts} ) ]"

    def _atom(self, names: list[str]) -> str:
        if names and self.rng.random() < 0.25:
            return self.rng.choice(names)
        if self.rng.random() < 0.6:
            return self._some(*self.rng.choice(self.pairs))
        return self._band(self.rng.choice(sorted(self.indicators)))

    def _band(self, iri: str) -> str:
        kind = self.indicators[iri][0]
        restriction = f"[ a owl:Restriction ; owl:onProperty <{iri}> ;"
        if kind == "boolean":
            return f"{restriction} owl:hasValue {self.rng.choice(['true', 'false'])} ]"
        cuts = [f'"{cut}"^^xsd:{kind}' for cut in CUTS[kind]]
        low, high = sorted(self.rng.choices(range(len(cuts)), k=2), reverse=self.rng.random() < 0.03)
        facets = [f"[ xsd:{self.rng.choice(['minInclusive', 'minExclusive'])} {cuts[low]} ]"]
        facets.append(f"[ xsd:{self.rng.choice(['maxInclusive', 'maxExclusive'])} {cuts[high]} ]")
        roll = self.rng.random()
        if roll < 0.15:
            return f"{restriction} owl:hasValue {self.rng.choice(cuts)} ]"
        if roll < 0.2:
            return f"{restriction} owl:someValuesFrom xsd:{kind} ]"
        chosen = facets if roll < 0.5 else [self.rng.choice(facets)]
        data = f"[ a rdfs:Datatype ; owl:onDatatype xsd:{kind} ; owl:withRestrictions ( {' '.join(chosen)} ) ]"
        return f"{restriction} owl:someValuesFrom {data} ]"

    def _advice(self, names: list[str]) -> Iterable[str]:
        """Yield up to three recommendations, later ones overriding earlier ones."""
        for number in range(self.rng.randint(0, 3)):
            exclusion = f" ; lc:hasExclusion {self.rng.choice(names)}" if self.rng.random() < 0.5 else ""
            overrides = f" ; lc:overrides lcg:_R{self.rng.randrange(number)}" if number and self.rng.random() < 0.7 else ""
            yield f"lcg:_R{number} a lc:Recommendation ; lc:hasInclusion {self.rng.choice(names)}{exclusion}{overrides} ."


class Worlds:
    """Every kind of case of an ontology, and the sets of them in which things hold."""

    def __init__(self, ontology: Ontology, space: Space) -> None:
        self.space = space
        self.iris = sorted(ontology.indicators)
        values = [
            [*([] if ontology.indicators[iri][1] else [None]), *map(Decimal, VALUES[ontology.indicators[iri][0]])] for iri in self.iris
        ]
        pairs = sorted(space.above)
        closed = [held for held in _subsets(pairs) if all(space.above[pair] <= held for pair in held)]
        closed = [held for held in closed if not any(one in held and two in held for one, two in ontology.exclusive)]
        self.all: list[World] = [(held, chosen) for held in closed for chosen in itertools.product(*values)]
        self.full = (1 << len(self.all)) - 1
        self._known: dict[Expression, int] = {}
        self._pairs = {pair: self.where(lambda world, pair=pair: pair in world[0]) for pair in pairs}  # type: ignore[misc]

    def where(self, test: Callable[[World], bool]) -> int:
        """Return the set of the worlds that pass a test."""
        return int("".join("1" if test(world) else "0" for world in reversed(self.all)) or "0", 2)

    def within(self, indicator: str, interval: Interval) -> int:
        """Return the worlds whose value of an indicator lies in an interval."""
        place = self.iris.index(indicator)
        low, high = interval

        def inside(world: World) -> bool:
            value = world[1][place]
            return value is not None and (low is None or low <= (value, 0)) and (high is None or high > (value, 0))

        return self.where(inside)

    def of(self, expression: Expression) -> int:
        """Return the worlds in which an expression holds."""
        if expression not in self._known:
            self._known[expression] = self._build(expression)
        return self._known[expression]

    def _build(self, expression: Expression) -> int:
        match expression:
            case Named(iri):
                return self.of(self.space.definitions[iri])
            case Some(role, filler):
                return self._pairs[role, filler]
            case Band(indicator):
                return self.within(indicator, ends_of(expression))
            case Not(part):
                return self.full & ~self.of(part)
            case And(parts):
                found = self.full
                for part in parts:
                    found &= self.of(part)
                return found
            case Or(parts):
                found = 0
                for part in parts:
                    found |= self.of(part)
                return found
        return self.full

    def agreeing(self, draft: Draft) -> int:
        """Return the worlds of which a draft is true."""
        found = self.full
        for pair, present in draft.stated.items():
            found &= self._pairs[pair] if present else ~self._pairs[pair]
        for iri, interval in draft.intervals.items():
            found &= self.within(iri, interval)
        return found

    def glimpse(self, rng: random.Random) -> Draft:
        """Return a draft that is true of a world taken by chance, and tells a part of it."""
        held, values = rng.choice(self.all)
        draft = Draft(self.space)
        for pair in sorted(self._pairs):
            if rng.random() < 0.4:
                assert draft.state_role(pair, pair in held)
        for iri, value in zip(self.iris, values, strict=True):
            if value is not None and rng.random() < 0.7:
                kind = self.space.datatypes[iri].removeprefix(XSD)
                draft.intervals[iri] = rng.choice(_around(value, kind))
        return draft


def _around(value: Decimal, kind: str) -> list[Interval]:
    """Return intervals with ends at bounds that hold a value, and the value itself."""
    lows = [None, *((Decimal(cut), open_) for cut in CUTS[kind] for open_ in (0, 1) if (Decimal(cut), open_) <= (value, 0))]
    highs = [None, *((Decimal(cut), closed) for cut in CUTS[kind] for closed in (0, 1) if (Decimal(cut), closed) > (value, 0))]
    point: Interval = ((value, 0), (value, 1))
    return [point, point, *((low, high) for low in lows for high in highs)]


def _subsets(pairs: list[Pair]) -> Iterable[frozenset[Pair]]:
    for size in range(len(pairs) + 1):
        for chosen in itertools.combinations(pairs, size):
            yield frozenset(chosen)


def status_of(worlds: int, agreeing: int) -> str:
    """Return the status of a class that holds in `worlds`, in a state that `agreeing` worlds share."""
    if agreeing & ~worlds == 0:
        return "entailed"
    return "open" if agreeing & worlds else "refuted"
