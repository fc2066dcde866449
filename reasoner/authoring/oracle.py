"""Ask HermiT what a case state entails: the yardstick of the compiled program, sharing no reasoning with it.

A case state is a class expression K: a present fact is ∃role.term, an absent one its complement, a settled indicator a
value or an interval, what is unknown or in conflict says nothing. A class C is entailed when K ⊓ ¬C is unsatisfiable
and refuted when K ⊓ C is. OWLAPI reads definitions, hierarchy, roles and constraints from the ontology's own triples;
eligibility and applicability are added from the compiled guidelines.

Each class is tested in a module of its own: the closure of its definition, all constraints, and the part of the
hierarchy that compares with the terms these use. Of K the module takes the facts on its terms and indicators. This
loses nothing in the case profile, where fillers are primitive and axioms join them two at a time, once K as a whole is
found satisfiable under the whole hierarchy, which every call checks first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

from reasoner.abstraction.state import CaseState, Fact
from reasoner.authoring.axioms import axiom_lines
from reasoner.authoring.hermit import Deadline, start_hermit
from reasoner.authoring.owlapi import factory, hash_set, hermit_over, read_axioms
from reasoner.errors import KnowledgeError, LegcrampsError, UsageError
from reasoner.expressions import And, Expression, Named, Not, Or, Top
from reasoner.knowledge import Graph
from reasoner.namespaces import OWL, RDFS, XSD, curie
from reasoner.program.guideline import advice_definitions, compile_advice
from reasoner.program.model import IndicatorState
from reasoner.terms import lc

__all__ = ["Oracle"]

_CASE = lc("Case")
_API = "org.semanticweb.owlapi."


@dataclass(frozen=True)
class _Conjunct:
    """A part of K: the bit that tells it from all others, the term or indicator it is about, and its expression."""

    bit: int
    symbol: str
    expression: Any


@dataclass(frozen=True)
class _Module:
    """The reasoner of one class, the terms and indicators it knows, and the class with its complement."""

    reasoner: Any
    symbols: frozenset[str]
    holds: Any
    fails: Any


class Oracle:
    """Decide case classes by HermiT; one Java machine per process, one reasoner per class, kept over cases."""

    def __init__(self, graph: Graph, seconds: float = 20.0) -> None:
        """Read the axioms of `graph`; `seconds` is the deadline of one satisfiability test."""
        self._logic = _Logic(graph)
        self._tbox = _TBox(graph, self._logic)
        self._deadline = Deadline(seconds)
        self._totals = tuple(sorted(iri for iri in self._logic.datatypes if graph.flag(iri, lc("isTotal"))))
        self._known: dict[Any, _Conjunct] = {}
        self._modules: dict[str, _Module] = {}
        self._answers: dict[tuple[str, int], str] = {}

    @property
    def classes(self) -> tuple[str, ...]:
        """Return the case classes that can be decided, Eligible and Applicable included, sorted."""
        return tuple(sorted(self._tbox.definitions))

    def decide(self, state: CaseState, classes: Iterable[str]) -> dict[str, str]:
        """Return "entailed", "refuted" or "open" per class; raise IncompleteError when a test passes its deadline."""
        conjuncts = [*map(self._fact, state.facts), *self._indicators(state)]
        if self._ask("", conjuncts) == "refuted":
            raise LegcrampsError(
                "The case state contradicts itself", where=state.case.iri, why="HermiT finds no case of which all its facts hold"
            )
        return {name: self._ask(name, conjuncts) for name in classes}

    def _ask(self, name: str, conjuncts: Iterable[_Conjunct]) -> str:
        """Return the status of a class; the empty name stands for every case, under the whole hierarchy."""
        module = self._module(name)
        relevant = {each.bit: each.expression for each in conjuncts if each.symbol in module.symbols}
        key = name, sum(1 << bit for bit in relevant)
        if key not in self._answers:
            state = self._logic.both([self._logic.named(_CASE), *relevant.values()])
            self._answers[key] = self._test(module, state, name)
        return self._answers[key]

    def _test(self, module: _Module, state: Any, name: str) -> str:
        about = curie(name) if name else "the case state"
        if not self._deadline.is_satisfiable(module.reasoner, self._logic.both([state, module.holds]), about):
            return "refuted"
        if not name or self._deadline.is_satisfiable(module.reasoner, self._logic.both([state, module.fails]), about):
            return "open"
        return "entailed"

    def _module(self, name: str) -> _Module:
        if name not in self._modules:
            axioms, symbols = self._tbox.module(name)
            expression = self._logic.named(name or _CASE)
            self._modules[name] = _Module(hermit_over(axioms), symbols, expression, self._logic.complement(expression))
        return self._modules[name]

    def _fact(self, fact: Fact) -> _Conjunct:
        def build() -> Any:
            restriction = self._logic.some(fact.role, fact.term)
            return restriction if fact.present else self._logic.complement(restriction)

        return self._conjunct((fact.role, fact.term, fact.present), fact.term, build)

    def _indicators(self, state: CaseState) -> Iterable[_Conjunct]:
        settled = {iri: each for iri, each in state.indicators.items() if each.settled}
        for iri, each in settled.items():
            yield self._conjunct((iri, each.low, each.high), iri, partial(self._logic.interval, each))
        for iri in self._totals:
            if iri not in settled:
                yield self._conjunct((iri,), iri, partial(self._logic.value, iri))

    def _conjunct(self, key: Any, symbol: str, build: Callable[[], Any]) -> _Conjunct:
        if key not in self._known:
            self._known[key] = _Conjunct(len(self._known), symbol, build())
        return self._known[key]


class _Logic:
    """Build OWLAPI expressions and axioms; `datatypes` gives the base datatype of every indicator."""

    def __init__(self, graph: Graph) -> None:
        self._java = start_hermit().JClass
        self._factory = factory()
        self._iri = self._java(_API + "model.IRI").create
        self._facets = self._java(_API + "vocab.OWLFacet")
        self.datatypes = {iri: kind for iri in graph.instances(OWL + "DatatypeProperty") if (kind := graph.iri(iri, RDFS + "range"))}

    def named(self, iri: str) -> Any:
        """Return a class by name."""
        return self._factory.getOWLClass(self._iri(iri))

    def complement(self, part: Any) -> Any:
        """Return the complement of an expression."""
        return self._factory.getOWLObjectComplementOf(part)

    def both(self, parts: list[Any]) -> Any:
        """Return the intersection of expressions; one alone stands for itself."""
        return parts[0] if len(parts) == 1 else self._factory.getOWLObjectIntersectionOf(hash_set(parts))

    def either(self, parts: list[Any]) -> Any:
        """Return the union of expressions; one alone stands for itself."""
        return parts[0] if len(parts) == 1 else self._factory.getOWLObjectUnionOf(hash_set(parts))

    def some(self, role: str, term: str) -> Any:
        """Return ∃role.term."""
        return self._factory.getOWLObjectSomeValuesFrom(self._factory.getOWLObjectProperty(self._iri(role)), self.named(term))

    def value(self, indicator: str) -> Any:
        """Return the expression "the indicator has a value"."""
        return self._factory.getOWLDataSomeValuesFrom(self._property(indicator), self._datatype(self.datatypes[indicator]))

    def interval(self, state: IndicatorState) -> Any:
        """Return the expression "the value lies in the interval"; a closed interval of one value is that value."""
        indicator, low, high = state.indicator, state.low, state.high
        datatype = self.datatypes[indicator]
        if low is not None and high is not None and low == (high[0], 0) and high[1] == 1:
            return self._factory.getOWLDataHasValue(self._property(indicator), self._literal(low[0], datatype))
        if datatype == XSD + "boolean":
            return self.value(indicator)
        facets = []
        if low is not None:
            facets.append(self._facet("MIN_EXCLUSIVE" if low[1] else "MIN_INCLUSIVE", low[0], datatype))
        if high is not None:
            facets.append(self._facet("MAX_INCLUSIVE" if high[1] else "MAX_EXCLUSIVE", high[0], datatype))
        if not facets:
            return self.value(indicator)
        restriction = self._factory.getOWLDatatypeRestriction(self._datatype(datatype), hash_set(facets))
        return self._factory.getOWLDataSomeValuesFrom(self._property(indicator), restriction)

    def equivalent(self, name: str, expression: Expression) -> Any:
        """Return the axiom that defines `name` by an expression over named classes."""
        return self._factory.getOWLEquivalentClassesAxiom(hash_set([self.named(name), self._expression(name, expression)]))

    def _expression(self, owner: str, expression: Expression) -> Any:
        match expression:
            case Top():
                return self.named(_CASE)
            case Named(iri):
                return self.named(iri)
            case Not(part):
                return self.complement(self._expression(owner, part))
            case And(parts):
                return self.both([self._expression(owner, part) for part in parts])
            case Or(parts):
                return self.either([self._expression(owner, part) for part in parts])
        raise KnowledgeError(f"The definition of {curie(owner)} cannot be handed to HermiT", why=f"it holds {expression}")

    def _property(self, indicator: str) -> Any:
        return self._factory.getOWLDataProperty(self._iri(indicator))

    def _datatype(self, iri: str) -> Any:
        return self._factory.getOWLDatatype(self._iri(iri))

    def _facet(self, name: str, number: Decimal, datatype: str) -> Any:
        return self._factory.getOWLFacetRestriction(getattr(self._facets, name), self._literal(number, datatype))

    def _literal(self, number: Decimal, datatype: str) -> Any:
        """Return the exact number; a boolean by its word, what is no whole number always as a decimal."""
        if datatype == XSD + "boolean":
            return self._factory.getOWLLiteral("true" if number else "false", self._datatype(datatype))
        kind = datatype if number == number.to_integral_value() else XSD + "decimal"
        text = format(number.to_integral_value() if kind == XSD + "integer" else number, "f")
        return self._factory.getOWLLiteral(text, self._datatype(kind))


class _TBox:
    """The axioms of the ontology sorted by what they are about, and the module of each class.

    `definitions` holds the axioms on each case class; constraints are those that state more than the definition.
    """

    def __init__(self, graph: Graph, logic: _Logic) -> None:
        self.definitions: dict[str, list[Any]] = {name: [] for name in graph.subjects(RDFS + "subClassOf", _CASE)}
        self._above: dict[str, list[tuple[str, Any]]] = {}
        self._below: dict[str, list[str]] = {}
        self._values: dict[str, list[Any]] = {}
        self._always: list[Any] = []
        self._constrained: set[str] = set()
        self._signatures: dict[str, frozenset[str]] = {}
        for axiom in read_axioms("\n".join(axiom_lines(graph)) + "\n"):
            self._sort(axiom)
        self._check(graph)
        for name, expression in advice_definitions(compile_advice(graph)).items():
            self.definitions[name] = [logic.equivalent(name, expression)]

    def _sort(self, axiom: Any) -> None:
        kind, classes = str(axiom.getAxiomType()), _signature(axiom.getClassesInSignature())
        if any("owlapi/error" in name for name in classes):
            raise KnowledgeError("OWLAPI cannot read an axiom of the ontology", why=str(axiom))
        owners = classes & self.definitions.keys()
        if kind == "SubClassOf" and not axiom.getSubClass().isAnonymous() and not axiom.getSuperClass().isAnonymous():
            below, above = str(axiom.getSubClass().toStringID()), str(axiom.getSuperClass().toStringID())
            if below in self.definitions:
                self.definitions[below].append(axiom)
                self._constrained.update(() if above == _CASE else owners)
            else:
                self._above.setdefault(below, []).append((above, axiom))
                self._below.setdefault(above, []).append(below)
        elif kind == "EquivalentClasses" and owners:
            for owner in _signature(axiom.getNamedClasses()) & owners:
                self.definitions[owner].append(axiom)
        elif data := _signature(axiom.getDataPropertiesInSignature()) if not owners else frozenset():
            for each in data:
                self._values.setdefault(each, []).append(axiom)
        else:
            self._always.append(axiom)
            self._constrained.update(owners)

    def _check(self, graph: Graph) -> None:
        """Raise KnowledgeError unless OWLAPI gave every case class all definitions that the ontology states."""
        for name, axioms in self.definitions.items():
            found = [axiom for axiom in axioms if str(axiom.getAxiomType()) == "EquivalentClasses"]
            if len(found) < len(graph.nodes(name, OWL + "equivalentClass")):
                raise KnowledgeError(
                    f"OWLAPI does not read the definition of {curie(name)} as an axiom",
                    where=graph.place(name),
                    why=f"it reads {len(found)}",
                )

    def module(self, name: str) -> tuple[list[Any], frozenset[str]]:
        """Return the axioms that bear on a class, and the terms and indicators they know; all of them for the empty name."""
        if name and name not in self.definitions:
            raise UsageError(f"{curie(name)} is no case class", repair="name one of Oracle.classes")
        owners, used = self._closure({name} - {""} | self._constrained)
        below = _reach(used | ({*self._above, *self._below} if not name else set()), lambda term: self._below.get(term, ()))
        terms = _reach(below, lambda term: [above for above, _ in self._above.get(term, ())])
        values = {each for each in used if each in self._values} if name else self._values.keys()
        axioms = [*self._always, *(axiom for each in sorted(values) for axiom in self._values[each])]
        axioms += [axiom for owner in sorted(owners) for axiom in self.definitions[owner]]
        axioms += [axiom for term in sorted(terms) for _, axiom in self._above.get(term, ())]
        return axioms, frozenset(terms) | values

    def _closure(self, names: Iterable[str]) -> tuple[set[str], set[str]]:
        """Return the case classes that `names` rest on, themselves included, and the terms and indicators these use."""
        owners = _reach(names, lambda owner: self._uses(owner) & self.definitions.keys())
        used = {each for owner in owners for each in self._uses(owner)}
        return owners, used - self.definitions.keys() - {_CASE}

    def _uses(self, owner: str) -> frozenset[str]:
        if owner not in self._signatures:
            parts = [(axiom.getClassesInSignature(), axiom.getDataPropertiesInSignature()) for axiom in self.definitions[owner]]
            self._signatures[owner] = frozenset().union(*(_signature(entities) for pair in parts for entities in pair))
        return self._signatures[owner]


def _signature(entities: Iterable[Any]) -> frozenset[str]:
    return frozenset(str(entity.toStringID()) for entity in entities)


def _reach(start: Iterable[str], step: Callable[[str], Iterable[str]]) -> set[str]:
    found = set(start)
    stack = list(found)
    while stack:
        for following in step(stack.pop()):
            if following not in found:
                found.add(following)
                stack.append(following)
    return found
