"""Laws of every answer: what a conclusion rests on carries it, and with that gone the conclusion is gone."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from reasoner import load_records
from reasoner.abstraction.calculated import difference
from reasoner.answering import answer_case
from reasoner.program import Program
from reasoner.program.model import End, IndicatorState
from reasoner.record import Case
from reasoner.report import case_document

CASES = Path(__file__).parent / "cases"
VIGNETTES = [path / "record.ttl" for path in sorted(CASES.glob("*/*")) if path.is_dir()]
PARTS = ("findings", "measurements", "medications", "examinations", "diagnoses", "closures")
LISTS = {"redFlags": "id", "nextTests": "test", "actions": "id"}
STANDS = ("certain", "presumed")

few = settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])


def nodes(patient: Case) -> set[str]:
    return {record.node for part in PARTS for record in getattr(patient, part)}


def only(patient: Case, kept: Collection[str]) -> Case:
    """Return the case with no other records than these."""
    return replace(patient, **{part: tuple(each for each in getattr(patient, part) if each.node in kept) for part in PARTS})


def conclusions(patient: Case, knowledge: Program) -> Iterator[tuple[tuple[str, str], set[str]]]:
    """Yield what stands in one case, with the records that its reasons name."""
    assert patient.as_of is not None
    document = case_document(knowledge, answer_case(patient, knowledge, patient.as_of), LISTS)
    for key, name in LISTS.items():
        for row in document[key]:
            if row["certainty"] in STANDS:
                yield (key, row[name]), {reason["source"] for reason in row["because"]} & nodes(patient)


def dated(path: Path, knowledge: Program) -> list[Case]:
    return [each for each in load_records([path], knowledge).cases if each.as_of is not None]


@few
@given(path=st.sampled_from(VIGNETTES))
def test_without_its_reasons_a_conclusion_is_gone(knowledge: Program, path: Path) -> None:
    for patient in dated(path, knowledge):
        for conclusion, _ in list(conclusions(patient, knowledge))[:6]:
            rest = patient
            while (reasons := dict(conclusions(rest, knowledge)).get(conclusion)) is not None:
                if not reasons:
                    assert not nodes(rest) or "age" in conclusion[1] or "under_18" in conclusion[1], f"{conclusion} rests on nothing"
                    break
                rest = only(rest, nodes(rest) - reasons)


@few
@given(path=st.sampled_from([path for path in VIGNETTES if path.parent.parent.name == "red-flags"]))
def test_its_reasons_alone_carry_a_red_flag(knowledge: Program, path: Path) -> None:
    for patient in dated(path, knowledge):
        for (key, flag), reasons in conclusions(patient, knowledge):
            if key == "redFlags":
                assert reasons
                assert (key, flag) in dict(conclusions(only(patient, reasons), knowledge)), flag


GRID = [Decimal(half) / 2 for half in range(-400, 401)]
END = st.none() | st.tuples(st.integers(-50, 50).map(Decimal), st.integers(0, 1))


def inside(low: End | None, high: End | None, number: Decimal) -> bool:
    """Return whether a number lies between two ends, which are written as in `reasoner.program.cuts`."""
    above = low is None or (number > low[0] if low[1] else number >= low[0])
    return above and (high is None or (number <= high[0] if high[1] else number < high[0]))


@settings(max_examples=150, deadline=None)
@given(ends=st.tuples(END, END, END, END))
def test_a_difference_lies_between_the_differences_of_the_ends(ends: tuple[End | None, End | None, End | None, End | None]) -> None:
    first, second = ([number for number in GRID if inside(*pair, number)] for pair in (ends[:2], ends[2:]))
    assume(first and second)
    states = {name: IndicatorState(name, "bounded", *pair) for name, pair in (("minuend", ends[:2]), ("subtrahend", ends[2:]))}
    indicator: Any = SimpleNamespace(iri="difference", minuend="minuend", subtrahend="subtrahend")
    context: Any = SimpleNamespace(done=states)
    found = difference(indicator, context) or IndicatorState("difference", "unknown")
    for one, other in ((first[0], second[-1]), (first[-1], second[0])):
        assert inside(found.low, found.high, one - other)
    for end, opposite, closed, beyond in ((ends[0], ends[3], (0, 1), -1), (ends[1], ends[2], (1, 0), 1)):
        told = found.low if beyond < 0 else found.high
        assert (told is None) == (end is None or opposite is None)
        if end and opposite:
            edge = end[0] - opposite[0]
            assert inside(found.low, found.high, edge) == ((end[1], opposite[1]) == closed)
            assert not inside(found.low, found.high, edge + Decimal(beyond) / 2)
