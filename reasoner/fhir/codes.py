"""Say what codes mean: terms of the ontology, or values of the record vocabulary. Text is never matched.

A code means a term by exact or narrow match, and by every prefix it begins with; of several terms the narrower ones
are kept. Several codings of one concept are read together: they must be related, or the concept is ambiguous. One code
that means several unrelated terms, such as a combination of drugs, means all of them.

The ontology is a code system too: with its address as system, the local name of a term or of a record value is a code
for it. So a sender can say what no other code system has.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple, TypeVar
from urllib.parse import quote

from reasoner.fhir.elements import Element, children, string
from reasoner.namespaces import LC
from reasoner.program.model import Program
from reasoner.program.units import spellings
from reasoner.terms import lc

__all__ = ["Codes", "Coding", "Meaning", "codings", "wording"]

_OWN = (LC, LC.removesuffix("/"))
_MOST_KNOWN = 100_000
_NUMERIC = ("quotient", "ratio", "relative", "select", "weighted_sum")


class Coding(NamedTuple):
    """A code with its system; a coding that lacks one of them is text."""

    system: str
    code: str
    display: str

    @property
    def iri(self) -> str:
        """Return system, `#` and code, percent-encoded where an IRI needs it."""
        return f"{self.system}#{quote(self.code, safe='')}"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a concept means: its terms, or that its codings contradict each other."""

    terms: tuple[str, ...]
    ambiguous: bool


def codings(concept: Element) -> tuple[Coding, ...]:
    """Return the codings of a CodeableConcept that have both system and code."""
    return tuple(
        [
            Coding(system, code, string(each, "display"))
            for each in children(concept, "coding")
            if (system := string(each, "system")) and (code := string(each, "code"))
        ]
    )


def wording(concept: Element) -> str:
    """Return the words of a CodeableConcept: its text, else a display, else a bare code."""
    parts = children(concept, "coding")
    return string(concept, "text") or next((words for name in ("display", "code") for each in parts if (words := string(each, name))), "")


_NOTHING = Meaning((), False)
_NO_WORDS: frozenset[str] = frozenset()
_Key = TypeVar("_Key")
_Found = TypeVar("_Found")


def _keep(held: dict[_Key, _Found], key: _Key, found: _Found) -> None:
    """Keep a look-up, and forget all of them when there are too many: the codes of others have no end."""
    if len(held) >= _MOST_KNOWN:
        held.clear()
    held[key] = found


class Codes:
    """The codes, units and kinds of tests that a program knows."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._meanings: dict[tuple[object, ...], Meaning] = {}
        self._values: dict[tuple[str, str], str] = {}
        self._value_systems = {iri.partition("#")[0] for iri in program.value_codes}
        self._units: dict[str, frozenset[str]] = {}
        for indicator in program.indicators:
            for test in indicator.tests:
                accepted = {spellings(unit) for unit, _, _ in indicator.conversions}
                self._units[test] = self._units.get(test, frozenset()) | accepted
        attributes = [each for each in program.indicators if each.form == "attribute"]
        valued = [each for each in attributes if each.attribute == lc("value")]
        self._measured = {test for each in [*program.indicators, *valued] if each.form in _NUMERIC or each in valued for test in each.tests}
        self._examined = {test for each in attributes if each not in valued for test in each.tests}

    @property
    def sorts(self) -> dict[str, str]:
        """Return the sort of every term."""
        return self._program.sorts

    def label(self, term: str) -> str:
        """Return the label of a term."""
        return self._program.labels.get(term, term)

    def is_measured(self, test: str) -> bool:
        """Return whether records of `test` give a number or its place in an interval."""
        return test in self._measured

    def is_examined(self, test: str) -> bool:
        """Return whether records of `test` have a result of their own, or no more than a date."""
        return test in self._examined or test not in self._measured

    def accepts_unit(self, test: str, unit: str) -> bool:
        """Return whether `unit` is spelled as a unit that an indicator of `test` accepts."""
        return spellings(unit) in self._units.get(test, ())

    def mean(self, concept: Element, sorts: Iterable[str]) -> Meaning:
        """Return what a CodeableConcept means among the terms of `sorts`."""
        given = codings(concept)
        if not given:
            return _NOTHING
        key = (tuple(sorts), *[(coding.system, coding.code) for coding in given])
        found = self._meanings.get(key)
        if found is None:
            found = self._meant(given, tuple(sorts))
            _keep(self._meanings, key, found)
        return found

    def _meant(self, given: Iterable[Coding], wanted: tuple[str, ...]) -> Meaning:
        found = {terms for coding in given if (terms := self._terms(coding, wanted))}
        for sort in wanted:
            groups = {frozenset(term for term in terms if self._program.sorts[term] == sort) for terms in found} - {frozenset()}
            if any(not self._related(one, other) for one, other in combinations(groups, 2)):
                return Meaning((), True)
        return Meaning(self.narrowest(frozenset().union(*found)), False)

    def narrowest(self, terms: Iterable[str]) -> tuple[str, ...]:
        """Return the terms that lie above no other of them, sorted."""
        given = set(terms)
        above = {parent for term in given for parent in self._program.parents[term] if parent != term}
        return tuple(sorted(given - above))

    def _related(self, one: frozenset[str], other: frozenset[str]) -> bool:
        parents = self._program.parents
        return any(term in parents[mate] or mate in parents[term] for term in one for mate in other)

    def _terms(self, coding: Coding, sorts: tuple[str, ...]) -> frozenset[str]:
        return frozenset(term for term in self._looked_up(coding) if self._program.sorts[term] in sorts)

    def _looked_up(self, coding: Coding) -> frozenset[str]:
        if coding.system in _OWN:
            return frozenset({LC + coding.code} & self._program.sorts.keys())
        stem = self._program.code_systems.get(coding.system)
        if stem is None:
            return frozenset()
        local, code = stem.rpartition("/")[2], coding.code
        if local.endswith("_") and code.startswith(f"{local[:-1]}:"):
            code = code[len(local) :]
        iri = stem + code
        prefixed = (term for prefix, term in self._program.code_prefixes if iri.startswith(prefix))
        return frozenset((*self._program.codes.get(iri, ()), *prefixed))

    def word(self, coding: Coding, values: str) -> str:
        """Return the word of the record value list `values` (such as Side) that a code means, or the empty string."""
        value = self._value(coding)
        stem = f"{LC}_{values}_"
        return value[len(stem) :] if value.startswith(stem) else ""

    def _value(self, coding: Coding) -> str:
        if coding.system in _OWN:
            return LC + coding.code
        if coding.system not in self._value_systems:
            return ""
        key = (coding.system, coding.code)
        found = self._values.get(key)
        if found is None:
            found = self._program.value_codes.get(coding.iri, "")
            _keep(self._values, key, found)
        return found

    def words(self, concepts: Iterable[Element], values: str) -> frozenset[str]:
        """Return the words of a value list that the codings of `concepts` mean."""
        found = [coding for concept in concepts if "coding" in concept for coding in codings(concept)]
        return frozenset([word for coding in found if (word := self.word(coding, values))]) if found else _NO_WORDS
