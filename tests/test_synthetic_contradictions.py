"""Synthetic contradictions: records that deny what others of the same patient state are known, whoever holds them."""

from __future__ import annotations

import numpy as np
import pytest

from reasoner.cohort.synthetic.contradictions import Contradictions
from reasoner.cohort.synthetic.drafts import Draft, Variant
from reasoner.program.model import Program
from reasoner.resources import load_knowledge
from reasoner.terms import lc


@pytest.fixture(scope="module")
def program() -> Program:
    return load_knowledge()


def finding(program: Program, term: str, **values: str) -> Variant:
    return Variant(term, (Draft.of("FindingRecord", term=term.removeprefix(lc("")), **values),))


def chain(program: Program) -> tuple[str, str]:
    """Return a finding and one above it."""
    return next(
        (term, above)
        for term in sorted(program.parents)
        for above in sorted(program.parents[term])
        if program.sorts.get(term) == program.sorts.get(above) == "Finding" and above != term
    )


def among(program: Program, *held: tuple[int, Variant]) -> list[bool]:
    """Return which records deny what another of their patient states; each has a variant of its own."""
    found = Contradictions.of(program, [variant for _, variant in held])
    return found.among(np.array([patient for patient, _ in held]), np.arange(len(held))).tolist()


def test_denied_is_what_another_record_states_or_implies(program: Program) -> None:
    below, above = chain(program)
    no, yes = {"presence": "absent"}, {"presence": "present"}
    assert among(program, (0, finding(program, below, **yes)), (0, finding(program, below, **no))) == [False, True]
    assert among(program, (0, finding(program, below, **yes)), (0, finding(program, above, **no))) == [False, True]
    assert among(program, (0, finding(program, above, **no)), (0, finding(program, below, **yes))) == [True, False]
    assert among(program, (0, finding(program, above, **yes)), (0, finding(program, below, **no))) == [False, False]
    assert among(program, (0, finding(program, below, **no)), (0, finding(program, above, **no))) == [False, False]


def test_patients_do_not_contradict_each_other(program: Program) -> None:
    below, above = chain(program)
    held = [(0, finding(program, below, presence="present")), (1, finding(program, above, presence="absent"))]
    assert among(program, *held) == [False, False]
    assert among(program, *held, (1, finding(program, below, presence="present"))) == [False, True, False]


def test_a_side_states_the_kind_of_finding_that_it_makes(program: Program) -> None:
    finding_with_sides, kinds = next((term, kinds) for term, kinds in sorted(program.side_patterns.items()) if kinds)
    _, kind = kinds[0]
    held = (0, finding(program, finding_with_sides, presence="present")), (0, finding(program, kind, presence="absent"))
    assert among(program, *held) == [False, True]


@pytest.mark.parametrize(
    ("said", "denied"),
    [
        ({"presence": "absent", "status": "entered_in_error"}, False),
        ({"presence": "absent", "status": "unconfirmed"}, False),
        ({"presence": "unknown"}, False),
        ({"status": "refuted"}, True),
        ({"presence": "absent", "status": "active"}, True),
    ],
)
def test_a_record_that_says_nothing_denies_nothing(program: Program, said: dict[str, str], denied: bool) -> None:
    below, _ = chain(program)
    assert among(program, (0, finding(program, below, presence="present")), (0, finding(program, below, **said))) == [False, denied]


def test_a_closure_statement_states_and_denies_nothing(program: Program) -> None:
    below, _ = chain(program)
    other = Variant("closure of " + below, (Draft.of("ClosureStatement", term=below.removeprefix(lc(""))),))
    assert among(program, (0, finding(program, below, presence="absent")), (0, other)) == [False, False]
