"""Read the ontology's Turtle for the proof checker: definitions, hierarchy, constraints and advice, by the text alone.

It shares no code with the compiler, so that an error of either shows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import pyoxigraph

from reasoner.namespaces import LC, LCG, OWL, RDF, RDFS, XSD

__all__ = ["HIGHEST", "LOWEST", "Claim", "Ontology", "advice_class"]

_FACETS = {"minInclusive": (2, False), "minExclusive": (2, True), "maxInclusive": (4, False), "maxExclusive": (4, True)}

LOWEST, HIGHEST = (Decimal("-Infinity"), 0), (Decimal("Infinity"), 0)
"""The ends of an interval that has none."""

Claim = tuple[tuple[Any, ...], bool]
"""A statement and whether it holds."""


def _number(text: str) -> str:
    value = Decimal(text)
    digits = f"{abs(value):f}"
    return ("-" if value < 0 else "") + (digits.rstrip("0").rstrip(".") if "." in digits else digits)


def advice_class(word: str, iri: str) -> str:
    """Return the class of the cases in which a recommendation or verdict is Eligible or Applicable."""
    return f"{LCG}{word}{iri.removeprefix(LCG)}"


class Ontology:
    """What the Turtle files say, looked up by subject and predicate; names without a colon are of the project's vocabulary."""

    def __init__(self, folder: Path) -> None:
        self.out: dict[str, dict[str, list[str]]] = {}
        for number, path in enumerate(sorted((folder / "ontology").rglob("*.ttl"))):
            for quad in pyoxigraph.parse(path=str(path), format=pyoxigraph.RdfFormat.TURTLE):
                subject, node = (
                    f"_:{number}.{term.value}" if isinstance(term, pyoxigraph.BlankNode) else term.value
                    for term in (quad.subject, quad.object)
                )
                found = self.out.setdefault(subject, {}).setdefault(quad.predicate.value, [])
                if node not in found:
                    found.append(node)
        self._above: dict[str, frozenset[str]] = {}
        self._digests: dict[tuple[str, str], str] = {}

    def all(self, subject: str, predicate: str) -> list[str]:
        """Return every object of the pair."""
        return self.out.get(subject, {}).get(predicate if ":" in predicate else LC + predicate, [])

    def one(self, subject: str, predicate: str) -> str | None:
        """Return the first object of the pair, or None."""
        return next(iter(self.all(subject, predicate)), None)

    def above(self, term: str) -> frozenset[str]:
        """Return a term or role and everything told to be above it."""
        if term not in self._above:
            parents = [
                each for link in ("subClassOf", "subPropertyOf") for each in self.all(term, RDFS + link) if not each.startswith("_:")
            ]
            self._above[term] = frozenset({term}).union(*map(self.above, parents))
        return self._above[term]

    def items(self, head: str) -> Iterable[str]:
        """Yield the members of a list."""
        while head != RDF + "nil":
            yield self.all(head, RDF + "first")[0]
            head = self.all(head, RDF + "rest")[0]

    def expression(self, node: str) -> list[Any]:
        """Return a class expression as nested lists; unknown forms raise KeyError or IndexError."""
        if not node.startswith("_:"):
            return ["top"] if node == LC + "Case" else ["class", node]
        for word in ("intersectionOf", "unionOf"):
            if head := self.one(node, OWL + word):
                return ["and" if word[0] == "i" else "or", [self.expression(item) for item in self.items(head)]]
        if part := self.one(node, OWL + "complementOf"):
            return ["not", self.expression(part)]
        on = self.all(node, OWL + "onProperty")[0]
        if value := self.one(node, OWL + "hasValue"):
            exact = {"true": "1", "false": "0"}.get(value) or _number(value)
            return ["band", on, exact, False, exact, False]
        filler = self.all(node, OWL + "someValuesFrom")[0]
        if OWL + "DatatypeProperty" not in self.all(on, RDF + "type"):
            return ["some", on, filler]
        band = ["band", on, None, False, None, False]
        for item in self.items(self.one(filler, OWL + "withRestrictions") or RDF + "nil"):
            for facet, values in self.out[item].items():
                place, is_open = _FACETS[facet.removeprefix(XSD)]
                band[place : place + 2] = [_number(values[0]), is_open]
        return band

    @cached_property
    def totals(self) -> set[str]:
        """Return the indicators of which every case has a value."""
        return {iri for iri, said in self.out.items() if said.get(LC + "isTotal") == ["true"]}

    @cached_property
    def overriders(self) -> dict[str, list[str]]:
        """Return the recommendations with those that override each."""
        kinds = {LC + "Recommendation", LC + "RedFlag"}
        found: dict[str, set[str]] = {iri: set() for iri in self.out if kinds & set(self.all(iri, RDF + "type"))}
        sweeping = [iri for iri in found if self.one(iri, "overridesRoutine") == "true"]
        for iri in found:
            for target in self.all(iri, "overrides"):
                found[target].add(iri)
            urgent = not (self.one(iri, "urgency") or "").endswith("_routine")
            if not (urgent or self.one(iri, "rowOf") or iri in sweeping):
                found[iri].update(sweeping)
        return {iri: sorted(above) for iri, above in sorted(found.items())}

    @cached_property
    def advice(self) -> dict[str, tuple[str, list[Any]]]:
        """Return what Eligible and Applicable of recommendations and verdicts mean, with whose they are."""
        found: dict[str, tuple[str, list[Any]]] = {}
        rows: dict[str, list[str]] = {}
        for iri, above in self.overriders.items():
            out = [["not", ["class", each]] for each in sorted(self.all(iri, "hasExclusion"))]
            found[advice_class("Eligible", iri)] = iri, ["and", [["class", self.all(iri, "hasInclusion")[0]], *out]]
            blocks = [["not", ["class", advice_class("Eligible", each)]] for each in above]
            found[advice_class("Applicable", iri)] = iri, ["and", [["class", advice_class("Eligible", iri)], *blocks]]
            rows.setdefault(self.one(iri, "yieldsVerdict") or "", []).append(iri)
        for verdict, own in rows.items():
            for word in ("Eligible", "Applicable") if verdict else ():
                found[advice_class(word, verdict)] = verdict, ["or", [["class", advice_class(word, row)] for row in own]]
        return found

    @cached_property
    def constraints(self) -> dict[tuple[str, str], tuple[Claim, Claim]]:
        """Return per pair of case classes that an axiom joins the claim that implies a claim."""
        found = {}
        for name, said in self.out.items():
            if LC + "Case" in said.get(RDFS + "subClassOf", ()):
                for link, sign in ((OWL + "disjointWith", False), (RDFS + "subClassOf", True)):
                    for other in said.get(link, ()):
                        if other != LC + "Case":
                            statement, holds = self.atom(["class", other])
                            found[name, other] = self.atom(["class", name]), (statement, holds == sign)
        return found

    def atom(self, expression: list[Any]) -> Claim:
        """Return the claim that an expression comes down to when it negates and names only."""
        sign = True
        while expression[0] in ("not", "class"):
            sign, expression = (not sign, expression[1]) if expression[0] == "not" else (sign, self.definition(expression[1]))
        return tuple(expression), sign

    def definition(self, name: str) -> list[Any]:
        """Return what a class means, as nested lists; raise IndexError when it has no definition."""
        return self.advice[name][1] if name in self.advice else self.expression(self.all(name, OWL + "equivalentClass")[0])

    def digest(self, kind: str, iri: str) -> str:
        """Return the digest of an axiom or recommendation, or that which a sentence of the source text bears."""
        if (kind, iri) not in self._digests:
            if kind == "sentence":
                self._digests[kind, iri] = self.all(iri, "textDigest")[0]
            else:
                found = self.definition(iri) if kind == "axiom" else self._recommendation(iri)
                text = json.dumps(found, ensure_ascii=False, separators=(",", ":"))
                self._digests[kind, iri] = hashlib.sha256(text.encode()).hexdigest()
        return self._digests[kind, iri]

    def _recommendation(self, iri: str) -> list[Any]:
        inclusion = self.all(iri, "hasInclusion")[0]
        body = [inclusion, sorted(self.all(iri, "hasExclusion")), self.one(iri, "hasTrigger") or inclusion, self.overriders[iri]]
        return [*body, self.one(iri, "rowOf"), self.one(iri, "yieldsVerdict"), sorted(self.all(iri, "citesSentence"))]

    def ends(self, band: tuple[Any, ...]) -> tuple[tuple[Decimal, int], tuple[Decimal, int]]:
        """Return the first cut a value of the band passes and the first it fails; (x, 0) is "at least x", (x, 1) "above x"."""
        if band[0] != "band" or not (isinstance(band[3], bool) and isinstance(band[5], bool)):
            raise ValueError("this is no interval")
        low = LOWEST if band[2] is None else (Decimal(band[2]), int(band[3]))
        high = HIGHEST if band[4] is None else (Decimal(band[4]), int(not band[5]))
        if self.one(band[1], RDFS + "range") == XSD + "decimal":
            return low, high
        return _whole(low), _whole(high)


def _whole(end: tuple[Decimal, int]) -> tuple[Decimal, int]:
    """Return the end on the first whole number that passes it."""
    value, above = end
    return (value.to_integral_value("ROUND_FLOOR") + 1, 0) if value.is_finite() and (above or value % 1) else end
