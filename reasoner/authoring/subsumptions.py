"""Find which case classes come to lie, or lie no longer, within others: decided over all possible cases, not by example."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from reasoner.authoring.state_space import StateSpace
from reasoner.authoring.versions import Version
from reasoner.expressions import And, Expression, Named, Not, Or

__all__ = ["compare_subsumptions"]

_JUDGED = 25
"""Classes that are compared with all others; the rest is named."""

Pair = tuple[str, str]


def compare_subsumptions(old: Version, new: Version) -> tuple[set[Pair], set[Pair], tuple[str, ...]]:
    """Return the pairs (class, wider class) gained and lost among the classes of both versions, and the classes not judged."""
    common = old.case_classes & new.case_classes
    changed = _changed(old, new) & common
    judged = sorted(changed)[:_JUDGED]
    before, after = (set(_pairs(version, judged, common)) for version in (old, new)) if judged else (set(), set())
    return after - before, before - after, tuple(sorted(changed)[_JUDGED:])


def _changed(old: Version, new: Version) -> set[str]:
    """Return the classes whose definition differs, and those whose definition names one of them."""
    changed = {name for name, each in new.definitions.items() if name in old.definitions and old.definitions[name] != each}
    for name, each in new.definitions.items():  # definitions follow those they use
        if not changed.isdisjoint(_names(each)):
            changed.add(name)
    return changed


def _names(expression: Expression) -> Iterator[str]:
    match expression:
        case Named(iri):
            yield iri
        case Not(part):
            yield from _names(part)
        case And(parts) | Or(parts):
            for part in parts:
                yield from _names(part)


def _pairs(version: Version, judged: Collection[str], common: Collection[str]) -> Iterator[Pair]:
    space = StateSpace(version.graph, version.definitions)
    try:
        for name in judged:
            if not space.possible([name]):
                continue
            for other in common:
                if other != name:
                    if not space.possible([name], [other]):
                        yield name, other
                    if other not in judged and space.possible([other]) and not space.possible([other], [name]):
                        yield other, name
    finally:
        space.close()
