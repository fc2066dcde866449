"""Make the mutants of a knowledge graph: every edit in one place that a vignette, a question or a check should notice.

A mutant is a threshold moved by its least step, a bound opened or closed, and turned into or, a part or a complement left
out, a restriction widened to the superclass, a link of the hierarchy cut, an inclusion, exclusion or override taken away.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

import pyoxigraph

from reasoner.knowledge import Graph, Node
from reasoner.namespaces import OWL, RDF, RDFS, XSD, curie
from reasoner.terms import lc

__all__ = ["Edit", "Mutant", "mutants_of", "sample"]

_FIRST, _REST = RDF + "first", RDF + "rest"
_TURNED = {
    XSD + "minInclusive": XSD + "minExclusive",
    XSD + "minExclusive": XSD + "minInclusive",
    XSD + "maxInclusive": XSD + "maxExclusive",
    XSD + "maxExclusive": XSD + "maxInclusive",
}
_LINKS = ("hasExclusion", "overrides", "hasTrigger", "overridesRoutine", "presupposesScope")


@dataclass(frozen=True)
class Edit:
    """What a subject says by a predicate after the change; no nodes mean that it says nothing."""

    subject: str
    predicate: str
    nodes: tuple[Node, ...]


@dataclass(frozen=True)
class Mutant:
    """One change of the knowledge: what kind, of which term, in words, and its edits."""

    kind: str
    owner: str
    text: str
    edits: tuple[Edit, ...]

    @property
    def name(self) -> str:
        """Return a stable name."""
        return f"{self.kind} {curie(self.owner)}: {self.text}"

    def apply(self, graph: Graph) -> Graph:
        """Return the graph with the edits made; what is not edited is shared."""
        out, into = dict(graph.out), dict(graph.into)
        for edit in self.edits:
            before = out.get(edit.subject, {}).get(edit.predicate, [])
            out[edit.subject] = {**out.get(edit.subject, {}), edit.predicate: list(edit.nodes)}
            if not edit.nodes:
                del out[edit.subject][edit.predicate]
            for node in {node for node in (*before, *edit.nodes) if isinstance(node, str)}:
                users = [each for each in into.get(node, {}).get(edit.predicate, []) if each != edit.subject]
                users += [edit.subject] if node in edit.nodes else []
                into[node] = {**into.get(node, {}), edit.predicate: users}
        return Graph(out, into, graph.files, graph.size)


def mutants_of(graph: Graph) -> list[Mutant]:
    """Return every mutant of a graph, in a stable order."""
    found = [*_hierarchy(graph), *_advice(graph)]
    for owner in sorted(graph.subjects(RDFS + "subClassOf", lc("Case"))):
        for node in graph.iris(owner, OWL + "equivalentClass"):
            found += _Expressions(graph, owner).mutants(node, (owner, OWL + "equivalentClass"))
    return sorted(dict.fromkeys(found), key=lambda mutant: (mutant.owner, mutant.kind, mutant.text))


def _without(nodes: list[Node], node: Node) -> tuple[Node, ...]:
    return tuple(each for each in nodes if each != node)


def _hierarchy(graph: Graph) -> Iterator[Mutant]:
    """Yield mutants that move a term from a parent to the sort: it is no longer a kind of that parent."""
    sorts = [lc(name) for name in ("Finding", "Drug", "Condition")]
    used = {node for nodes in graph.out.values() for node in map(str, nodes.get(OWL + "someValuesFrom", []))}
    for sort in sorts:
        for term in _below(graph, sort):
            for parent in graph.iris(term, RDFS + "subClassOf"):
                if parent != sort and used & {parent, *_above(graph, parent)}:
                    nodes = _without(graph.nodes(term, RDFS + "subClassOf"), parent) or (sort,)
                    yield Mutant("hierarchy", term, f"not below {curie(parent)}", (Edit(term, RDFS + "subClassOf", nodes),))


def _below(graph: Graph, term: str) -> list[str]:
    return sorted({each for below in graph.subjects(RDFS + "subClassOf", term) for each in (below, *_below(graph, below))})


def _above(graph: Graph, term: str) -> set[str]:
    return {each for parent in graph.iris(term, RDFS + "subClassOf") for each in (parent, *_above(graph, parent))}


def _advice(graph: Graph) -> Iterator[Mutant]:
    """Yield mutants of recommendations: an exclusion, override, trigger or flag left out, the inclusion turned around."""
    for iri in graph.instances(lc("Recommendation"), lc("RedFlag")):
        for name in _LINKS:
            for node in graph.nodes(iri, lc(name)):
                words = curie(node) if isinstance(node, str) else node.value
                yield Mutant(name, iri, f"without {words}", (Edit(iri, lc(name), _without(graph.nodes(iri, lc(name)), node)),))
        for exclusion in graph.iris(iri, lc("hasExclusion")):
            inclusion = tuple(graph.nodes(iri, lc("hasInclusion")))
            if (exclusion,) != inclusion:
                edits = (Edit(iri, lc("hasInclusion"), (exclusion,)), Edit(iri, lc("hasExclusion"), inclusion))
                yield Mutant("inclusion", iri, f"changed places with {curie(exclusion)}", edits)


class _Expressions:
    """The mutants of one definition."""

    def __init__(self, graph: Graph, owner: str) -> None:
        self.graph = graph
        self.owner = owner

    def mutants(self, node: str, place: tuple[str, str]) -> Iterator[Mutant]:
        """Yield the mutants of an expression, found at (subject, predicate)."""
        if not node.startswith("_:"):
            return
        for predicate, other in ((OWL + "intersectionOf", OWL + "unionOf"), (OWL + "unionOf", OWL + "intersectionOf")):
            head = self.graph.iri(node, predicate)
            if head is not None:
                items = [str(item) for item in self.graph.items(head)]
                if len([item for item in items if item != lc("Case")]) > 1:
                    edits = (Edit(node, predicate, ()), Edit(node, other, (head,)))
                    yield self._mutant("connective", f"{curie(other)} of {self._words(items)}", *edits)
                yield from self._parts((node, predicate), head, items)
        inner = self.graph.iri(node, OWL + "complementOf")
        if inner is not None:
            edits = (Edit(*place, (inner,)), Edit(node, OWL + "complementOf", ()))
            yield self._mutant("complement", f"without the complement of {self._words([inner])}", *edits)
            yield from self.mutants(inner, (node, OWL + "complementOf"))
        yield from self._restriction(node)

    def _mutant(self, kind: str, text: str, *edits: Edit) -> Mutant:
        return Mutant(kind, self.owner, text, edits)

    def _parts(self, place: tuple[str, str], head: str, items: list[str]) -> Iterator[Mutant]:
        """Yield mutants that leave one part out, and those of each part."""
        cells = [head]
        while (rest := self.graph.iri(cells[-1], _REST)) and rest != RDF + "nil":
            cells.append(rest)
        for number, (cell, item) in enumerate(zip(cells, items, strict=True)):
            if len(items) > 1 and item != lc("Case"):
                after = self.graph.iri(cell, _REST) or RDF + "nil"
                before = (cells[number - 1], _REST) if number else place
                yield self._mutant("part", f"without {self._words([item])}", Edit(*before, (after,)), Edit(cell, _REST, ()))
            yield from self.mutants(item, (cell, _FIRST))

    def _restriction(self, node: str) -> Iterator[Mutant]:
        filler = self.graph.iri(node, OWL + "someValuesFrom")
        if filler is not None and not filler.startswith("_:"):
            for parent in self.graph.iris(filler, RDFS + "subClassOf"):
                edit = Edit(node, OWL + "someValuesFrom", (parent,))
                yield self._mutant("filler", f"{curie(parent)} instead of {curie(filler)}", edit)
        elif filler is not None:
            yield from self._facets(node, filler)
        for value in self.graph.nodes(node, OWL + "hasValue"):
            if isinstance(value, pyoxigraph.Literal):
                for other in _neighbours(value):
                    words = f"{self._about(node)} {other.value} instead of {value.value}"
                    yield self._mutant("threshold", words, Edit(node, OWL + "hasValue", (other,)))

    def _facets(self, node: str, datatype: str) -> Iterator[Mutant]:
        head = self.graph.iri(datatype, OWL + "withRestrictions")
        for item in map(str, self.graph.items(head) if head else ()):
            for facet, (value, *_) in self.graph.out[item].items():
                if facet in _TURNED and isinstance(value, pyoxigraph.Literal):
                    about = f"{self._about(node)} {curie(facet)} {value.value}"
                    edits = (Edit(item, facet, ()), Edit(item, _TURNED[facet], (value,)))
                    yield self._mutant("operator", f"{curie(_TURNED[facet])} instead of {about}", *edits)
                    for other in _neighbours(value):
                        yield self._mutant("threshold", f"{other.value} instead of {about}", Edit(item, facet, (other,)))

    def _about(self, node: str) -> str:
        return curie(self.graph.iri(node, OWL + "onProperty") or "")

    def _words(self, nodes: Iterable[str]) -> str:
        """Return what expressions are about, in few words."""
        words = []
        for node in nodes:
            while node.startswith("_:"):
                inner = [str(each) for nodes in self.graph.out[node].values() for each in nodes]
                terms = [each for each in inner if each.startswith(lc("")) and each != lc("Case")]
                deeper = [each for each in inner if each.startswith("_:")]
                if terms and not deeper:
                    words.append(" ".join(curie(each) for each in terms) + "".join(f" {each}" for each in inner if each.startswith('"')))
                    break
                if terms and deeper:
                    words.append(f"{curie(terms[0])} {deeper and self._bounds(deeper[0])}".strip())
                    break
                node = deeper[0] if deeper else ""
            else:
                words.append(curie(node) if node else "nothing")
        return ", ".join(words)

    def _bounds(self, datatype: str) -> str:
        head = self.graph.iri(datatype, OWL + "withRestrictions")
        facets = [pair for item in (self.graph.items(head) if head else ()) for pair in self.graph.out.get(str(item), {}).items()]
        return " ".join(f"{curie(facet)} {getattr(values[0], 'value', '')}" for facet, values in facets)


def _neighbours(literal: pyoxigraph.Literal) -> list[pyoxigraph.Literal]:
    """Return the values next to a literal: one unit of its last place up and down, or the other truth value."""
    if literal.datatype.value == XSD + "boolean":
        return [pyoxigraph.Literal("false" if literal.value in ("true", "1") else "true", datatype=literal.datatype)]
    number = Decimal(literal.value)
    step = Decimal(1).scaleb(int(number.as_tuple().exponent))
    return [pyoxigraph.Literal(format(number + sign * step, "f"), datatype=literal.datatype) for sign in (1, -1)]


def sample(mutants: Iterable[Mutant], count: int, seed: int) -> list[Mutant]:
    """Return a seeded sample in which every kind has its share."""
    shuffled = sorted(mutants, key=lambda mutant: mutant.name)
    random.Random(seed).shuffle(shuffled)  # noqa: S311
    by_kind = sorted(shuffled, key=lambda mutant: mutant.kind)
    return [by_kind[number * len(by_kind) // count] for number in range(min(count, len(by_kind)))]
