"""Whatever way a user writes a name, `explain`, `explain --missing`, `whatif --goal` and `whatif --set` understand it alike."""

from __future__ import annotations

from pathlib import Path

import pytest
from record_documents import Command, command_for

from reasoner.program import Program

RECORD = Path(__file__).parent / "cases" / "source-text" / "bilateral-cramps-stable" / "record.ttl"
LC, LCG = "https://w3id.org/legcramps/ontology/", "https://w3id.org/legcramps/guideline/"
DECISION = [
    "repeatDvtImaging",
    f"{LCG}_Decision_repeat_dvt_imaging",
    f"<{LCG}_Decision_repeat_dvt_imaging>",
    "lcg:_Decision_repeat_dvt_imaging",
    "_Decision_repeat_dvt_imaging",
    "repeat imaging for deep vein thrombosis",
    "Repeat imaging for deep vein thrombosis",
]
RULE = ["D5", f"{LCG}_Recommendation_repeat_dvt_d5", "lcg:_Recommendation_repeat_dvt_d5", "_Recommendation_repeat_dvt_d5"]
FINDING = [f"{LC}LegErythema", f"<{LC}LegErythema>", "lc:LegErythema", "LegErythema", "leg erythema", "Leg erythema"]
INDICATOR = [f"{LC}ankleBrachialIndex", "lc:ankleBrachialIndex", "ankleBrachialIndex", "ankle-brachial index", "ABI", "abi"]
VERBS = {
    "explain": ("explain", RECORD, "{}"),
    "missing": ("explain", RECORD, "{}", "--missing"),
    "goal": ("whatif", RECORD, "--goal", "{}"),
    "finding": ("whatif", RECORD, "--set", "{}=new"),
    "indicator": ("whatif", RECORD, "--set", "{}=0.8"),
}


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], knowledge: Program) -> Command:
    return command_for(monkeypatch, capsys, knowledge)


def asked(verb: str, names: list[str]) -> list[str]:
    """Return the names that a verb is tried with: every other one where each takes a proof."""
    return names[::2] if verb == "explain" else names


def called(command: Command, verb: str, name: str) -> tuple[int, str, str]:
    run = command(*(str(each).format(name) for each in VERBS[verb]))
    return run.code, run.out, run.err


@pytest.mark.parametrize("verb", ["explain", "missing", "goal"])
@pytest.mark.parametrize("names", [DECISION, RULE], ids=["decision", "rule"])
def test_a_verdict_may_be_named_in_any_way(command: Command, verb: str, names: list[str]) -> None:
    answers = {called(command, verb, name)[:2] for name in asked(verb, names)}
    assert len(answers) == 1
    assert answers.pop()[0] == 0


@pytest.mark.parametrize(("verb", "names"), [("explain", FINDING), ("explain", INDICATOR), ("finding", FINDING), ("indicator", INDICATOR)])
def test_a_term_may_be_named_in_any_way(command: Command, verb: str, names: list[str]) -> None:
    answers = {called(command, verb, name)[:2] for name in asked(verb, names)}
    assert len(answers) == 1
    assert answers.pop()[0] == 0


@pytest.mark.parametrize(
    ("verb", "name", "near"),
    [
        ("explain", "repeatDvtImagin", "repeatDvtImaging"),
        ("missing", "repeatDvtImagin", "repeatDvtImaging"),
        ("goal", "repeatDvtImagin", "repeatDvtImaging"),
        ("missing", "lcg:_Recommendation_repeat_dvt_d55", "lcg:_Recommendation_repeat_dvt_d5"),
        ("goal", f"{LCG}_Recommendation_repeat_dvt_d55", "lcg:_Recommendation_repeat_dvt_d5"),
        ("explain", f"<{LC}LegErythem>", "lc:LegErythema"),
        ("finding", "LegErythem", "lc:LegErythema"),
        ("indicator", "ankleBrachialIndx", "lc:ankleBrachialIndex"),
        ("missing", "Zzzz", "name a recommendation, or one of repeatDvtImaging, scope"),
        ("goal", "Zzzz", "name a recommendation, or one of repeatDvtImaging, scope"),
        ("finding", "Zzzz", "name a finding, drug, condition or indicator"),
    ],
)
def test_a_name_of_nothing_is_told_with_near_ones(command: Command, verb: str, name: str, near: str) -> None:
    code, out, err = called(command, verb, name)
    assert (code, out) == (2, "")
    assert name in err and near in err and "LC-1100" in err


@pytest.mark.parametrize("verb", ["missing", "goal"])
def test_a_rule_of_several_recommendations_is_no_one_goal(command: Command, verb: str) -> None:
    code, out, err = called(command, verb, "D1")
    assert (code, out) == (2, "")
    assert "names several terms" in err
