"""Laws of every answer: what a conclusion rests on carries it, and with that gone the conclusion is gone."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reasoner import load_records
from reasoner.answering import answer_case
from reasoner.program import Program
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
