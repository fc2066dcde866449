"""Minimal reasons equal brute force over all subsets of what is known, on the vignettes."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from reasoner import justification as module
from reasoner import load_records
from reasoner.answering import answer_case
from reasoner.entailment import ENTAILED, OPEN, Statuses
from reasoner.errors import UsageError
from reasoner.explanation import View
from reasoner.justification import minimal_reasons
from reasoner.program import Program
from reasoner.supports import leaves_below

CASES = sorted((Path(__file__).parent / "cases").glob("*/*/record.ttl"))
LARGEST = 9


def view_of(path: Path, knowledge: Program) -> View:
    case = load_records([path], knowledge).cases[0]
    assert case.as_of is not None
    answer = answer_case(case, knowledge, case.as_of)
    return View(knowledge, answer.state, answer.statuses)


def relevant(view: View, name: str) -> list[module._Element]:
    leaves = leaves_below(view.program, view.program.classes[name][0])
    support = sum(1 << leaf for leaf in leaves) | module._cuts_beside(view.program, leaves)
    return [each for each in module._elements(view) if (each.true | each.false) & support]


def brute_force(view: View, name: str, elements: list[module._Element]) -> set[frozenset[str]]:
    """Return the minimal sufficient sets by trying every subset, smallest first."""
    bit, sign = view.program.classes[name]
    target = (bit, sign == (view.statuses.status(name) == ENTAILED))
    base = module._without(elements, view.state)
    found: list[frozenset[int]] = []
    for size in range(len(elements) + 1):
        for chosen in itertools.combinations(range(len(elements)), size):
            if any(reason <= set(chosen) for reason in found):
                continue
            true, false = base[0] | view.program.total_bits, base[1]
            for index in chosen:
                true, false = true | elements[index].true, false | elements[index].false
            if Statuses(view.program, true, false).literal(target) == ENTAILED:
                found.append(frozenset(chosen))
    return {frozenset(elements[index].premise.text for index in chosen) for chosen in found}


def test_reasons_equal_brute_force(knowledge: Program, figure: Callable[..., None]) -> None:
    draw = random.Random(7)
    compared = 0
    for path in draw.sample(CASES, 60):
        view = view_of(path, knowledge)
        names = [name for name in sorted(knowledge.classes) if view.statuses.status(name) != OPEN]
        for name in draw.sample(names, 40):
            elements = relevant(view, name)
            if 1 < len(elements) <= LARGEST:
                reasons = minimal_reasons(view, name)
                assert reasons.complete
                assert {frozenset(each.text for each in reason) for reason in reasons.reasons} == brute_force(view, name, elements), (
                    path,
                    name,
                )
                compared += 1
    figure("all minimal reasons: conclusions compared with brute force", compared)
    assert compared >= 200


def test_bound_is_stated(knowledge: Program) -> None:
    view = view_of(CASES[0], knowledge)
    names = [name for name in sorted(knowledge.classes) if view.statuses.status(name) != OPEN]
    several = next(name for name in names if len(minimal_reasons(view, name).reasons) > 1)
    cut = minimal_reasons(view, several, bound=1)
    assert len(cut.reasons) == 1
    assert not cut.complete


def test_open_class_has_no_reason(knowledge: Program) -> None:
    view = view_of(CASES[0], knowledge)
    name = next(name for name in sorted(knowledge.classes) if view.statuses.status(name) == OPEN)
    with pytest.raises(UsageError, match="open"):
        minimal_reasons(view, name)
