"""What-if answers equal a record that says so, and a change that says nothing new changes nothing."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from reasoner import load_records
from reasoner.answering import answer_case
from reasoner.changes import read_goal
from reasoner.consulting import suppose
from reasoner.counterfactual import Change, apply_changes, differences, parse_change
from reasoner.entailment import ENTAILED, OPEN, REFUTED
from reasoner.errors import UsageError
from reasoner.program import Program
from reasoner.report import CaseAnswer, case_document
from reasoner.terms import Role, lc

CASES = sorted((Path(__file__).parent / "cases").glob("*/*/record.ttl"))


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


@pytest.mark.parametrize("number", ["1e26", "1e400", "1_000", "٣", "NaN", "9" * 40])
def test_what_a_record_could_not_state_is_no_number(number: str, anna: CaseAnswer, knowledge: Program) -> None:
    with pytest.raises(UsageError, match="is no number"):
        suppose(knowledge, anna, [f"ABI={number}"])


def test_the_drugs_of_the_review_are_compared(anna: CaseAnswer, knowledge: Program) -> None:
    found = suppose(knowledge, anna, ["lc:Simvastatin=taken"]).differences
    assert any(each.what == "medicationReview: simvastatin" and each.after.startswith("active") for each in found)


def test_what_is_deferred_and_asked_is_compared(anna: CaseAnswer, knowledge: Program) -> None:
    found = changed(anna, knowledge, "lc:DarkUrine=present", "CK=9000")
    assert found["deferred: review a statin"] == ("", "suspected rhabdomyolysis")
    assert found["questions: creatine kinase activity"] == ("given", "")
    assert changed(anna, knowledge, "ABI=unknown")["questions: toe-brachial index"] == ("", "given")


# --- unknown ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "what", "before"),
    [
        ("ABI=unknown", "differential: peripheral arterial disease", "confirmed"),
        ("lc:Statin=unknown", "medicationReview: atorvastatin", "active"),
        ("lc:lastCompressionUltrasoundPositive=unknown", "repeatDvtImaging", "not warranted"),
        ("lc:ArterialBruit=unknown", "differential: peripheral arterial disease", "7.1"),
    ],
)
def test_what_becomes_unknown_shows_its_difference(anna: CaseAnswer, knowledge: Program, setting: str, what: str, before: str) -> None:
    was, now = changed(anna, knowledge, setting)[what]
    assert before in was and before not in now


def role_status(answer: CaseAnswer, term: str) -> str:
    role = {"Finding": Role.FINDING, "Drug": Role.TAKES, "Condition": Role.RECORDED_DIAGNOSIS}[answer.statuses.program.sorts[term]]
    return answer.statuses.literal((answer.statuses.program.leaf_bit[role, term], True))


def test_every_term_becomes_unknown_and_what_lies_apart_stays(knowledge: Program) -> None:
    """A term that is taken away is unknown, whatever denied it; nothing apart from it is said that was not said before."""
    taken, denied = 0, 0
    for path in random.Random(3).sample(CASES, 40):
        for case in load_records([path], knowledge).cases:
            assert case.as_of is not None
            before = answer_case(case, knowledge, case.as_of)
            if before.state.conflicts:
                continue  # what is taken away may have been what contradicted the rest
            terms = [term for role, term in knowledge.leaf_bit if role in (Role.FINDING, Role.TAKES) and role_status(before, term) != OPEN]
            for term in random.Random(7).sample(sorted(set(terms)), min(6, len(set(terms)))):
                after = answer_case(apply_changes(case, [Change(term, "unknown")], knowledge, case.as_of), knowledge, case.as_of)
                assert role_status(after, term) == OPEN, (path, term)
                said = {(fact.role, fact.term, fact.present) for fact in after.state.facts if fact.role in (Role.FINDING, Role.TAKES)}
                for role, other, present in said:
                    literal = knowledge.leaf_bit.get((role, other))
                    assert literal is None or before.statuses.literal((literal, present)) == ENTAILED, (path, term, other)
                taken, denied = taken + 1, denied + (role_status(before, term) == REFUTED)
    assert taken >= 120 and denied >= 40, (taken, denied)


def test_a_list_that_was_closed_goes_on_denying_the_others(anna: CaseAnswer, knowledge: Program) -> None:
    changes = [Change(lc("CordLikeTenderness"), "unknown")]
    after = answer_case(apply_changes(anna.state.case, changes, knowledge, anna.as_of), knowledge, anna.as_of)
    assert (role_status(anna, lc("CordLikeTenderness")), role_status(after, lc("CordLikeTenderness"))) == (REFUTED, OPEN)
    assert role_status(after, lc("CollateralSuperficialVeins")) == REFUTED


def test_unknown_takes_nothing_from_what_else_is_set(anna: CaseAnswer, knowledge: Program) -> None:
    assert changed(anna, knowledge, "lc:Atorvastatin=taken", "lc:Statin=unknown") == changed(
        anna, knowledge, "lc:Statin=unknown", "lc:Atorvastatin=taken"
    )
    after = answer_case(
        apply_changes(anna.state.case, [Change(lc("Atorvastatin"), "taken"), Change(lc("Statin"), "unknown")], knowledge, anna.as_of),
        knowledge,
        anna.as_of,
    )
    assert role_status(after, lc("Statin")) == ENTAILED


def test_a_goal_names_each_verdict_once(knowledge: Program) -> None:
    with pytest.raises(UsageError) as caught:
        read_goal(knowledge, "repeatDvtImaging=foo")
    words = caught.value.repair.removeprefix("use one of ").split(", ")
    assert len(words) == len(set(words)) >= 6
