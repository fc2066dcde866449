"""Compare the terms of two versions: added, removed, deprecated, changed in meaning, reworded; and what that entails."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reasoner.authoring.descriptions import Description, describe, project_terms
from reasoner.authoring.subsumptions import compare_subsumptions
from reasoner.authoring.versions import Version
from reasoner.knowledge import Graph
from reasoner.namespaces import curie
from reasoner.program.model import Program
from reasoner.terms import lc

__all__ = ["Effect", "Statement", "TermChange", "TermChanges", "compare_terms"]


@dataclass(frozen=True, slots=True)
class Statement:
    """What a term says by one predicate before and after."""

    predicate: str
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TermChange:
    """A term of both versions that is described otherwise: what of its meaning, and what of its text."""

    term: str
    label: str
    meaning: tuple[Statement, ...]
    text: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Effect:
    """A term of both versions that comes to mean something else because others changed."""

    term: str
    label: str
    kind: str
    via: tuple[str, ...]


@dataclass(frozen=True)
class TermChanges:
    """Everything that differs between the terms of two versions; a pair is a term with its label.

    `gained` and `lost` are entailments, a class with a wider one; `unjudged` are changed classes that were too many to look at.
    """

    added: tuple[tuple[str, str], ...]
    removed: tuple[tuple[str, str], ...]
    deprecated: tuple[tuple[str, str], ...]
    changed: tuple[TermChange, ...]
    reworded: tuple[TermChange, ...]
    effects: tuple[Effect, ...]
    gained: tuple[tuple[str, str], ...]
    lost: tuple[tuple[str, str], ...]
    unjudged: tuple[str, ...]

    @property
    def touched(self) -> frozenset[str]:
        """Return the terms whose meaning is new, gone or changed."""
        pairs = (*self.added, *self.removed, *self.deprecated)
        return frozenset({term for term, _ in pairs} | {each.term for each in self.changed})


def compare_terms(old: Version, new: Version) -> TermChanges:
    """Return what differs between the terms of two versions, shapes included."""
    before, after = ({**_described(version.graph), **_described(version.shapes)} for version in (old, new))
    labels = _labels(old) | _labels(new)
    common = sorted(before.keys() & after.keys())
    differing = [_change(term, labels, before[term], after[term]) for term in common]
    touched = {each.term for each in differing if each.meaning} | (before.keys() ^ after.keys())
    up_before, up_after = (_above(version.program) for version in (old, new))
    shared = {term for pair in up_before | up_after for term in pair if term in before and term in after}
    kept = [{pair for pair in pairs if set(pair) <= shared} for pairs in (up_before, up_after)]
    gained, lost, unjudged = compare_subsumptions(old, new)
    return TermChanges(
        added=_pairs(labels, after.keys() - before.keys()),
        removed=_pairs(labels, before.keys() - after.keys()),
        deprecated=_pairs(labels, [term for term in common if after[term].deprecated and not before[term].deprecated]),
        changed=tuple(each for each in differing if each.meaning),
        reworded=tuple(each for each in differing if each.text),
        effects=tuple(_effects(old, new, labels, touched)),
        gained=tuple(sorted((kept[1] - kept[0]) | gained)),
        lost=tuple(sorted((kept[0] - kept[1]) | lost)),
        unjudged=unjudged,
    )


def _described(graph: Graph) -> dict[str, Description]:
    return {term: describe(graph, term) for term in project_terms(graph)}


def _labels(version: Version) -> dict[str, str]:
    return {term: version.graph.label(term) for term in project_terms(version.graph)}


def _pairs(labels: Mapping[str, str], terms: Iterable[str]) -> tuple[tuple[str, str], ...]:
    return tuple((term, labels.get(term, curie(term))) for term in sorted(terms))


def _change(term: str, labels: Mapping[str, str], before: Description, after: Description) -> TermChange:
    meaning, text = _statements(before.meaning, after.meaning), _statements(before.text, after.text)
    return TermChange(term, labels.get(term, curie(term)), meaning, text)


def _statements(before: Mapping[str, tuple[str, ...]], after: Mapping[str, tuple[str, ...]]) -> tuple[Statement, ...]:
    """Return what differs, each side without what both say."""
    found = []
    for predicate in sorted(before.keys() | after.keys()):
        one, other = before.get(predicate, ()), after.get(predicate, ())
        if one != other:
            gone, come = (tuple(each for each in mine if each not in theirs) for mine, theirs in ((one, other), (other, one)))
            found.append(Statement(predicate, gone, come))
    return tuple(found)


def _above(program: Program) -> set[tuple[str, str]]:
    """Return the pairs (term, superclass) of the closed hierarchy of findings, drugs, conditions and investigations."""
    return {(term, above) for term, parents in program.parents.items() for above in parents if above != term}


def _effects(old: Version, new: Version, labels: Mapping[str, str], touched: set[str]) -> Iterable[Effect]:
    """Yield common terms that mean something else although their own description is the same."""
    for each in new.program.recommendations:
        was = old.program.recommendation.get(each.iri)
        if was is not None and was.overriders != each.overriders:
            via = tuple(sorted(set(was.overriders) ^ set(each.overriders)))
            yield Effect(each.iri, labels.get(each.iri, curie(each.iri)), "set aside by others", via)
    for condition in sorted({each.iri for each in old.program.conditions} & {each.iri for each in new.program.conditions}):
        before, after = (set(version.graph.subjects(lc("aboutCondition"), condition)) for version in (old, new))
        if found := (before ^ after) | (before & touched):
            yield Effect(condition, labels.get(condition, curie(condition)), "weighed by other criteria", tuple(sorted(found)))
    for decision in new.program.decisions:
        rows = [set(each.rows) for each in old.program.decisions if each.iri == decision.iri]
        if rows and rows[0] != set(decision.rows):
            via = tuple(sorted(rows[0] ^ set(decision.rows)))
            yield Effect(decision.iri, labels.get(decision.iri, curie(decision.iri)), "decided by other rows", via)
