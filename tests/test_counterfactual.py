"""What-if answers equal a record that says so, and a change that says nothing new changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from reasoner import load_records
from reasoner.answering import answer_case
from reasoner.consulting import suppose
from reasoner.counterfactual import apply_changes, differences, parse_change
from reasoner.errors import UsageError
from reasoner.program import Program
from reasoner.report import CaseAnswer, case_document


@pytest.fixture(scope="module")
def anna(knowledge: Program, root: Path) -> CaseAnswer:
    case = load_records([root / "docs" / "examples" / "patient.ttl"], knowledge).cases[0]
    assert case.as_of is not None
    return answer_case(case, knowledge, case.as_of)


def changed(anna: CaseAnswer, knowledge: Program, *settings: str) -> dict[str, tuple[str, str]]:
    changes = [parse_change(text, knowledge) for text in settings]
    after = answer_case(apply_changes(anna.state.case, changes, knowledge, anna.as_of), knowledge, anna.as_of)
    return {each.what: (each.before, each.after) for each in differences(case_document(knowledge, anna), case_document(knowledge, after))}


def test_patent_index_removes_the_confirmation(anna: CaseAnswer, knowledge: Program) -> None:
    found = changed(anna, knowledge, "ABI=0.95")
    before, after = found["differential: peripheral arterial disease"]
    assert "confirmed" in before
    assert "possible" in after
    assert "presumed" in found["nextTests: exercise ankle-brachial index test"][1]


def test_alarm_defers_the_routine(anna: CaseAnswer, knowledge: Program) -> None:
    found = changed(anna, knowledge, "lc:DarkUrine=present", "CK=9000")
    assert found["redFlags: suspected rhabdomyolysis"] == ("", "certain")
    assert found["nextTests: arterial duplex of the legs"][1] == ""


def test_new_sign_reverses_the_imaging_verdict(anna: CaseAnswer, knowledge: Program) -> None:
    found = changed(anna, knowledge, "lc:PulmonaryEmbolismSign=present")
    assert "emergency" in found["repeatDvtImaging"][1].lower()


def test_what_is_so_already_changes_nothing(anna: CaseAnswer, knowledge: Program) -> None:
    assert changed(anna, knowledge, "arterial bruit=absent") == {}


@pytest.mark.parametrize(
    ("text", "hint"),
    [("ABI", "TERM=VALUE"), ("ABI=high", "decimal number"), ("lc:DarkUrine=maybe", "present"), ("lc:DarkUrin=present", "did you mean")],
)
def test_unusable_settings_name_the_repair(knowledge: Program, text: str, hint: str) -> None:
    with pytest.raises(UsageError, match=hint):
        parse_change(text, knowledge)


def test_a_fact_is_set_to_one_value(anna: CaseAnswer, knowledge: Program) -> None:
    with pytest.raises(UsageError, match="two values"):
        suppose(knowledge, anna, ["ABI=0.95", "ABI=0.5"])


def test_a_value_that_is_not_usable_is_said(anna: CaseAnswer, knowledge: Program) -> None:
    found = suppose(knowledge, anna, ["ABI=-1"]).differences
    assert any(each.what == "dataProblems" and not each.before and "-1 is outside what is possible" in each.after for each in found)


def test_the_drugs_of_the_review_are_compared(anna: CaseAnswer, knowledge: Program) -> None:
    found = suppose(knowledge, anna, ["lc:Simvastatin=taken"]).differences
    assert any(each.what == "medicationReview: simvastatin" and each.after.startswith("active") for each in found)
