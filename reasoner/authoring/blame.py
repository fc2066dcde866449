"""Find the axioms to blame for a class that can have no member: a smallest set from which HermiT still derives it.

The axioms are cut finer than they were told: a definition falls into what each of its parts demands of a member and what
makes a member, so that blame falls on the part that matters. Axioms grow outward from the class until it is empty, then
all that can be spared is taken away, in halves first (black-box justification, Kalyanpur et al. 2007). Every answer is a
set that does make the class empty; that nothing more can be spared is proven only when no deadline passed.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from reasoner.authoring.axioms import axiom_lines
from reasoner.authoring.classify import TYPES, type_lines
from reasoner.authoring.hermit import Deadline, start_hermit
from reasoner.authoring.owlapi import factory, hash_set, hermit_over, locality_module, manchester, read_axioms
from reasoner.authoring.results import Related
from reasoner.authoring.workspace import TurtleFile, Workspace, named
from reasoner.errors import IncompleteError
from reasoner.namespaces import BASE, OWL, RDFS, curie

__all__ = ["Blame", "blame"]

_TEST_SECONDS = 5.0
_THING = OWL + "Thing"
_MENTIONS = {
    "SubClassOf": RDFS + "subClassOf",
    "EquivalentClasses": OWL + "equivalentClass",
    "DisjointClasses": OWL + "disjointWith",
    "ObjectPropertyDomain": RDFS + "domain",
    "DataPropertyDomain": RDFS + "domain",
    "ObjectPropertyRange": RDFS + "range",
    "DataPropertyRange": RDFS + "range",
    "SubObjectPropertyOf": RDFS + "subPropertyOf",
    "SubDataPropertyOf": RDFS + "subPropertyOf",
    "FunctionalObjectProperty": OWL + "FunctionalProperty",
    "FunctionalDataProperty": OWL + "FunctionalProperty",
}


@dataclass(frozen=True)
class Blame:
    """Why a class can have no member: the axioms with their places, and whether none of them can be spared."""

    empty: str
    axioms: tuple[Related, ...]
    minimal: bool


@dataclass(frozen=True)
class _Part:
    """A part of a told axiom: what HermiT reads, the names on its left-hand side, and the told axiom's kind and owner."""

    axiom: Any
    kind: str
    owner: str
    names: frozenset[str]
    text: str = field(compare=False)


def blame(workspace: Workspace, names: Iterable[str], seconds: float) -> Iterator[Blame]:
    """Yield for each class that can have no member why, until `seconds` have passed; owl:Thing stands for inconsistency.

    A class of which HermiT, asked anew and with exact numbers, finds a member is left out.
    """
    ends = time.monotonic() + seconds
    parts = _Parts(workspace)
    for name in names:
        if time.monotonic() > ends:
            return
        found = _Search(parts, name, ends).run()
        if found is not None:
            kept, minimal = found
            ordered = sorted({parts.related(part) for part in kept}, key=lambda each: (each.where, each.text))
            yield Blame(name, tuple(ordered), minimal)


class _Parts:
    """The told axioms of a workspace, cut into parts, in one order whatever Java's sets give."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._write = manchester(curie)
        self._iri = start_hermit().JClass("org.semanticweb.owlapi.model.IRI").create
        graph = workspace.graph
        self._stated = [(file, {(named(quad.subject), quad.predicate.value) for quad in file.quads}) for file in workspace.ontology]
        read = read_axioms("\n".join((*axiom_lines(graph), *type_lines(graph))) + "\n")
        found = sorted((part for axiom in read for part in self._cut(axiom)), key=lambda part: (part.owner, part.text, part.kind))
        self.all = tuple({part.axiom: part for part in found}.values())

    def named(self, iri: str) -> Any:
        return factory().getOWLClass(self._iri(iri))

    def _cut(self, axiom: Any) -> Iterator[_Part]:
        kind = str(axiom.getAxiomType())
        named = sorted(map(_iri_of, axiom.getNamedClasses())) if kind == "EquivalentClasses" else []
        others = [each for each in axiom.getClassExpressions() if each.isAnonymous()] if named else []
        if len(named) != 1 or len(others) != 1:
            yield self._part(axiom, kind, self._owner(axiom, kind))
            return
        defined = self.named(named[0])
        for conjunct in others[0].asConjunctSet():
            yield self._part(factory().getOWLSubClassOfAxiom(defined, conjunct), kind, named[0])
        yield self._part(factory().getOWLSubClassOfAxiom(others[0], defined), kind, named[0])

    def _part(self, axiom: Any, kind: str, owner: str) -> _Part:
        left = axiom.getSubClass() if str(axiom.getAxiomType()) == "SubClassOf" else axiom
        return _Part(axiom, kind, owner, frozenset(_names(left)), self._write(axiom))

    def _owner(self, axiom: Any, kind: str) -> str:
        """Return the subject of the triple that states the axiom."""
        if kind == "SubClassOf":
            return "" if axiom.getSubClass().isAnonymous() else _iri_of(axiom.getSubClass())
        if kind.startswith("Sub"):
            return _iri_of(axiom.getSubProperty())
        if hasattr(axiom, "getProperty"):
            return _iri_of(axiom.getProperty())
        names = _names(axiom)
        graph = self._workspace.graph
        stated = [name for name in names if set(graph.iris(name, _MENTIONS.get(kind, ""))) & set(names)]
        return next(iter(stated or names), "")

    def related(self, part: _Part) -> Related:
        """Return the told axiom in the words of its file, and where it stands."""
        owner = part.owner.removeprefix(TYPES)
        text = part.text.replace(f"{curie(part.owner)} SubClassOf", f"{curie(owner)} Type") if owner != part.owner else part.text
        words = [curie(name) for name in _names(part.axiom) if name != part.owner]
        words += [str(each.getLiteral()) for each in _literals(part.axiom)]
        predicate = _MENTIONS.get(part.kind, "")
        kind = "" if words and part.kind == "EquivalentClasses" else curie(predicate)
        mentions = [*words * 2, kind]  # a word counts for more than the predicate
        file = self._file(owner, predicate, words)
        return Related(text, file.place(owner, *mentions) if file else self._workspace.place(owner, *mentions))

    def _file(self, owner: str, predicate: str, words: list[str]) -> TurtleFile | None:
        """Return the file that states something of a term by a predicate, one that names all of `words` first."""
        stating = [file for file, stated in self._stated if (owner, predicate) in stated]
        return next((file for file in stating if all(word in file.text for word in words)), stating[0] if stating else None)


class _Search:
    """The search for one class."""

    def __init__(self, parts: _Parts, name: str, ends: float) -> None:
        self._parts = parts
        self._class = parts.named(name)
        self._name = name
        self._ends = ends
        self._deadline = Deadline(_TEST_SECONDS)
        self._sure = True

    def run(self) -> tuple[list[_Part], bool] | None:
        """Return the parts to blame and whether none can be spared; None when they are not enough or there was no time."""
        start = self._grow()
        if start is None:
            return None
        return self._shrink(start), self._sure

    @cached_property
    def _module(self) -> tuple[_Part, ...]:
        inside = hash_set(locality_module([part.axiom for part in self._parts.all], [self._class]))
        return tuple(part for part in self._parts.all if inside.contains(part.axiom))

    def _grow(self) -> list[_Part] | None:
        """Return parts that make the class empty, few if those near it suffice."""
        known, taken = {self._name}, list[_Part]()
        while True:
            near = [part for part in self._module if part.names and part.names & known]
            if len(near) == len(taken):
                return list(self._module) if self._empty(self._module) else None
            taken = near
            if self._empty(taken):
                return taken
            known |= {name for part in taken for name in _names(part.axiom)}

    def _shrink(self, parts: list[_Part]) -> list[_Part]:
        """Return what remains when everything that can be spared is gone: halves, quarters and so on to single parts."""
        size = max(len(parts) // 2, 1)
        while parts:
            start = 0
            while start < len(parts):
                rest = parts[:start] + parts[start + size :]
                if self._empty(rest):
                    parts = rest
                else:
                    start += size
            if size == 1:
                break
            size = (size + 1) // 2
        return parts

    def _empty(self, parts: Iterable[_Part]) -> bool:
        """Return whether HermiT finds that the class can have no member; what it did not answer in time counts as no."""
        if time.monotonic() > self._ends:
            self._sure = False
            return False
        try:
            return not self._deadline.is_satisfiable(hermit_over(part.axiom for part in parts), self._class, curie(self._name))
        except IncompleteError:
            self._sure = False
            return False
        except Exception as error:
            if "InconsistentOntology" not in type(error).__name__:
                raise
            return True


def _names(item: Any) -> list[str]:
    """Return the IRIs of the project's classes and properties in an axiom or expression, sorted."""
    return sorted(name for name in map(_iri_of, item.getSignature()) if name.startswith(BASE) or name == _THING)


def _literals(axiom: Any) -> Iterator[Any]:
    """Yield the numbers that bound a value."""
    for expression in axiom.getNestedClassExpressions():
        if hasattr(expression, "getFiller") and hasattr(expression.getFiller(), "getFacetRestrictions"):
            yield from (facet.getFacetValue() for facet in expression.getFiller().getFacetRestrictions())
        elif hasattr(expression, "getValue") and hasattr(expression.getValue(), "getLiteral"):
            yield expression.getValue()


def _iri_of(entity: Any) -> str:
    return str(entity.toStringID())
