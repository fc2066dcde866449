"""Read the definitions that proofs cite: each as a tree of statements that knows its bits in the program, with its digest."""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_left
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from reasoner.expressions import And, Band, Expression, Named, Not, Or, Some, Top, parse_expression
from reasoner.knowledge import Graph, read_graph
from reasoner.namespaces import OWL, RDFS
from reasoner.program.model import End, Literal, Program, Recommendation
from reasoner.proof_data import Cited, Statement
from reasoner.terms import lc

__all__ = ["Axioms", "Citation", "Node", "band_statement", "load_axioms"]

Citation = tuple[Cited, tuple[Cited, ...]]
"""What something is cited by, and the sentences that it cites in turn."""


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A statement in the ontology: an atom (`some`, `band`) or a conjunction (`and`) or disjunction (`or`) of signed parts.

    `simplest` lists the parts by how deep their definitions go; `bits` are the program's literals that hold together exactly when the statement does; an unnamed part has none.
    """

    kind: str
    statement: Statement
    bits: tuple[Literal, ...]
    parts: tuple[tuple[Node, bool], ...] = ()
    simplest: tuple[tuple[Node, bool], ...] = ()
    height: int = 0


def _digest(found: object) -> str:
    return hashlib.sha256(json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()


def _number(value: Decimal | None) -> str | None:
    if value is None:
        return None
    text = format(abs(value), "f")
    short = text.rstrip("0").rstrip(".") if "." in text else text
    return f"-{short}" if value < 0 else short


@lru_cache(maxsize=4096)
def band_statement(indicator: str, low: End | None, high: End | None) -> Statement:
    """Return the statement that an indicator lies between two ends, as `reasoner.program.cuts` writes them."""
    lower = (None, False) if low is None else (_number(low[0]), bool(low[1]))
    upper = (None, False) if high is None else (_number(high[0]), not high[1])
    return ("band", indicator, *lower, *upper)


class Axioms:
    """The definitions of an ontology as proofs cite them, compiled against its program when asked for."""

    def __init__(self, program: Program, graph: Graph) -> None:
        self.program = program
        self._graph = graph
        self._nodes: dict[str, Node] = {}
        self._atoms: dict[Statement, Node] = {}
        self._citations: dict[str, Citation] = {}
        self._rows = {verdict.iri: verdict for decision in program.decisions for verdict in decision.verdicts}

    @cached_property
    def recommendation_of(self) -> dict[str, str]:
        """Return the recommendations whose Eligible or Applicable a class is."""
        return {name: each.iri for each in self.program.recommendations for name in (each.eligible, each.applicable)}

    def node(self, name: str) -> Node:
        """Return the statement that the case is one of the class `name`."""
        if name not in self._nodes:
            expression = self._expression(name)
            if not isinstance(expression, And | Or):
                expression = And((expression,))
            self._nodes[name] = self._gate(expression, ("class", name), (self.program.classes[name],), name, "")
        return self._nodes[name]

    def _expression(self, name: str) -> Expression:
        if name in self.recommendation_of:
            return _advice(self.program.recommendation[self.recommendation_of[name]], self.program, name)
        for verdict in self._rows.values():
            if name in (verdict.eligible, verdict.applicable):
                rows = [each for each in self.program.recommendations if each.verdict == verdict.iri]
                return Or(tuple(Named(each.eligible if name == verdict.eligible else each.applicable) for each in rows))
        return parse_expression(self._graph, self._graph.iris(name, OWL + "equivalentClass")[0], name)

    def _gate(self, expression: And | Or, statement: Statement, bits: tuple[Literal, ...], owner: str, path: str) -> Node:
        parts = []
        for place, part in enumerate(expression.parts):
            if not isinstance(part, Top):
                parts.append(self._part(part, owner, f"{path}.{place}" if path else str(place)))
        height = 1 + max((node.height for node, _ in parts), default=0)
        return Node(
            "and" if isinstance(expression, And) else "or",
            statement,
            bits,
            tuple(parts),
            tuple(sorted(parts, key=lambda each: each[0].height)),
            height,
        )

    def _part(self, expression: Expression, owner: str, path: str) -> tuple[Node, bool]:
        match expression:
            case Not(part):
                node, sign = self._part(part, owner, path)
                return node, not sign
            case Named(iri):
                return self.node(iri), True
            case Some(role, filler):
                return self.some(role, filler), True
            case Band():
                return self._band(expression), True
            case Top():
                return self._gate(And(()), ("part", owner, path), (), owner, path), True
            case And() | Or():
                return self._gate(expression, ("part", owner, path), (), owner, path), True

    def some(self, role: str, filler: str) -> Node:
        """Return the statement that the case stands in `role` to some `filler`."""
        statement = ("some", role, filler)
        if statement not in self._atoms:
            self._atoms[statement] = Node("some", statement, ((self.program.leaf_bit[role, filler], True),))
        return self._atoms[statement]

    def _band(self, band: Band) -> Node:
        low = None if band.low is None else (band.low, int(band.low_open))
        high = None if band.high is None else (band.high, int(not band.high_open))
        statement = band_statement(band.indicator, low, high)
        if statement not in self._atoms:
            bits = [(self._cut(band.indicator, low), True)]
            if high is not None and (upper := self._cut(band.indicator, high)) >= 0:
                bits.append((upper, False))
            self._atoms[statement] = Node("band", statement, tuple(bits))
        return self._atoms[statement]

    def _cut(self, indicator: str, end: End | None) -> int:
        """Return the bit of an end, that of "has a value" for one that bounds nothing from below, -1 beyond the last cut."""
        found = self.program.indicator[indicator]
        if end is not None and found.datatype != "decimal":
            end = (end[0] + end[1], 0)
        if end is None or (found.datatype == "boolean" and end[0] <= 0):
            return found.first_bit
        place = bisect_left(found.cuts, end)
        return found.first_bit + 1 + place if place < len(found.cuts) else -1

    def leaf(self, bit: int) -> Statement:
        """Return the statement of a leaf."""
        subject, detail = self.program.leaves[bit]
        indicator = self.program.indicator.get(subject)
        if indicator is None:
            return ("some", subject, detail)
        return band_statement(subject, indicator.cuts[bit - indicator.first_bit - 1] if detail else None, None)

    def is_sentence(self, iri: str) -> bool:
        """Return whether an IRI names a sentence of the source text."""
        return bool(self._graph.text(iri, lc("textDigest")))

    def sentences(self, iri: str) -> tuple[str, ...]:
        """Return the sentences of the source text that a term cites."""
        return tuple(self._graph.iris(iri, lc("citesSentence")))

    def citation(self, name: str) -> Citation:
        """Return what a case class or recommendation is cited by, and its sentences: kind, IRI and digest of each.

        Eligible and Applicable are cited by their recommendation.
        """
        found = self._citations.get(name)
        if found is None:
            each = self.program.recommendation.get(self.recommendation_of.get(name, name))
            found = (("axiom", name, _digest(_plain(self._expression(name)))), ()) if each is None else self._recommended(each)
            self._citations[name] = found
        return found

    def _recommended(self, each: Recommendation) -> Citation:
        found = [each.inclusion, sorted(each.exclusions), each.trigger, sorted(each.overriders)]
        digest = _digest([*found, each.decision, each.verdict, sorted(each.sentences)])
        said = (("sentence", sentence, self._graph.text(sentence, lc("textDigest"))) for sentence in each.sentences)
        return ("recommendation", each.iri, digest), tuple(said)

    @cached_property
    def constraints(self) -> tuple[tuple[str, str, Literal, Literal], ...]:
        """Return what axioms between classes state: the two classes, and the literal that implies a literal."""
        found = []
        for name in sorted(self._graph.subjects(RDFS + "subClassOf", lc("Case"))):
            for other in self._graph.iris(name, OWL + "disjointWith"):
                bit, sign = self.program.classes[other]
                found.append((name, other, self.program.classes[name], (bit, not sign)))
            for above in self._graph.iris(name, RDFS + "subClassOf"):
                if above != lc("Case"):
                    found.append((name, above, self.program.classes[name], self.program.classes[above]))
        return tuple(found)


def _advice(each: Recommendation, program: Program, name: str) -> Expression:
    if name == each.eligible:
        return And((Named(each.inclusion), *(Not(Named(excluded)) for excluded in sorted(each.exclusions))))
    above = sorted(program.recommendation[iri].eligible for iri in each.overriders)
    return And((Named(each.eligible), *(Not(Named(eligible)) for eligible in above)))


def _plain(expression: Expression) -> list[Any]:
    """Return an expression as nested lists, the form whose digest proofs cite."""
    match expression:
        case Named(iri):
            return ["class", iri]
        case Some(role, filler):
            return ["some", role, filler]
        case Band(indicator, low, low_open, high, high_open):
            return ["band", indicator, _number(low), low_open, _number(high), high_open]
        case Not(part):
            return ["not", _plain(part)]
        case And(parts):
            return ["and", [_plain(part) for part in parts]]
        case Or(parts):
            return ["or", [_plain(part) for part in parts]]
        case Top():
            return ["top"]


def load_axioms(program: Program, folder: Path) -> Axioms:
    """Return the axioms of the knowledge folder that `program` was compiled from."""
    return Axioms(program, read_graph(sorted((folder / "ontology").rglob("*.ttl"))))
