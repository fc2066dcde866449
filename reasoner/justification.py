"""Find all minimal sets of known facts and values that give a conclusion, complete up to a stated bound.

Entailment only grows with what is known, so the sets are found as minimal hitting sets: a set that is not enough is
grown until nothing more can be added without being enough; every sufficient set must hit what was left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reasoner.abstraction.state import CaseState
from reasoner.entailment import ENTAILED, OPEN, Statuses
from reasoner.errors import UsageError
from reasoner.explanation import View
from reasoner.namespaces import curie
from reasoner.program.cuts import cuts_of, leaf_masks
from reasoner.program.model import Literal, Program
from reasoner.supports import leaves_below

__all__ = ["BOUND", "Justifications", "Premise", "minimal_reasons"]

BOUND = 64
"""Minimal sets that are listed before the search stops and says so."""


@dataclass(frozen=True, slots=True)
class Premise:
    """A known fact or value: its text, the term it is about and the records it comes from."""

    text: str
    term: str
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Justifications:
    """The minimal sets of premises of a conclusion, smallest first; `complete` says that there is no other."""

    conclusion: str
    status: str
    reasons: tuple[tuple[Premise, ...], ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class _Element:
    premise: Premise
    true: int
    false: int


def minimal_reasons(view: View, name: str, bound: int = BOUND) -> Justifications:
    """Return every minimal reason why the case class `name` is entailed or refuted; raise UsageError when it is open."""
    program, state = view.program, view.state
    literal = program.classes[name]
    status = view.statuses.literal(literal)
    if status == OPEN:
        raise UsageError(
            f"{curie(name)} is open", why="it is neither entailed nor refuted", repair="`legcramps explain` names what is missing"
        )
    target = literal if status == ENTAILED else (literal[0], not literal[1])
    support = sum(1 << leaf for leaf in leaves_below(view.program, literal[0])) | _cuts_beside(
        program, leaves_below(view.program, literal[0])
    )
    elements = [each for each in _elements(view) if (each.true | each.false) & support]
    base = _without(elements, state)
    found, complete = _enumerate(program, elements, base, target, bound)
    reasons = tuple(tuple(elements[index].premise for index in sorted(chosen)) for chosen in found)
    return Justifications(name, status, tuple(sorted(reasons, key=lambda each: (len(each), [one.text for one in each]))), complete)


def _cuts_beside(program: Program, leaves: Iterable[int]) -> int:
    """Return the mask of all leaves of the indicators among `leaves`: a value says something about each."""
    subjects = {program.leaves[leaf][0] for leaf in leaves}
    return cuts_of(program.indicator[subject] for subject in subjects if subject in program.indicator)


def _elements(view: View) -> list[_Element]:
    """Return everything that the case state knows, one element per fact (all records of it together) and per value."""
    merged: dict[tuple[str, str, bool], _Element] = {}
    for fact, (true, false) in zip(view.state.facts, view.state.assertions, strict=True):
        key = (fact.role, fact.term, fact.present)
        sources = (*merged[key].premise.sources, *fact.sources) if key in merged else fact.sources
        text = f"{view.role_phrase(fact.role, fact.term)}: {'present' if fact.present else 'absent'}"
        merged[key] = _Element(Premise(text, fact.term, tuple(dict.fromkeys(sources))), true, false)
    values = []
    for iri, state in view.state.indicators.items():
        if state.settled:
            true, false = leaf_masks(view.program.indicator[iri], state.low, state.high)
            values.append(_Element(Premise(view.value_text(state), iri, state.sources), true, false))
    return [*merged.values(), *values]


def _without(elements: Iterable[_Element], state: CaseState) -> tuple[int, int]:
    """Return the state's leaf masks with everything that the elements say taken away."""
    said_true = said_false = 0
    for each in elements:
        said_true |= each.true
        said_false |= each.false
    return state.leaf_true & ~said_true, state.leaf_false & ~said_false


def _enumerate(
    program: Program, elements: list[_Element], base: tuple[int, int], target: Literal, bound: int
) -> tuple[list[frozenset[int]], bool]:
    """Return the minimal sufficient sets by index, and whether all were found within the bound."""
    from pysat.examples.hitman import Hitman

    totals = program.total_bits

    def suffices(chosen: Iterable[int]) -> bool:
        true, false = base[0] | totals, base[1]
        for index in chosen:
            true |= elements[index].true
            false |= elements[index].false
        return Statuses(program, true, false).literal(target) == ENTAILED

    if suffices(()):
        return [frozenset()], True
    everything = range(len(elements))
    found: list[frozenset[int]] = []
    with Hitman(solver="m22", htype="sorted") as hitman:
        hitman.hit([index + 1 for index in everything])
        while (candidate := hitman.get()) is not None:
            chosen = {index - 1 for index in candidate}
            if suffices(chosen):
                if len(found) == bound:
                    return found, False
                found.append(frozenset(chosen))
                hitman.block(candidate)
                continue
            for index in everything:
                if index not in chosen and not suffices(chosen | {index}):
                    chosen.add(index)
            hitman.hit([index + 1 for index in everything if index not in chosen])
    return found, True
