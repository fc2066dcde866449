"""Settling sets equal brute force over all subsets of unknowns and all their answers, and read as the report does."""

from __future__ import annotations

import itertools
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from reasoner import load_records
from reasoner.advice import advise
from reasoner.answering import answer_case
from reasoner.cli import main
from reasoner.entailment import OPEN, REFUTED, Statuses
from reasoner.errors import UsageError
from reasoner.explanation import View
from reasoner.focus import Focus, goal_of
from reasoner.missing import _Search, settling_sets
from reasoner.program import Program
from reasoner.questions import Question, Said
from reasoner.report import CaseAnswer
from reasoner.report.decisions import judged_document

ROOT = Path(__file__).parent / "cases"
CASES = sorted(ROOT.glob("*/*/record.ttl"))
IMAGING = "repeatDvtImaging"
MOST = 8
LIFTED: dict[tuple[str, str], Program] = {}


def opened(path: Path, knowledge: Program) -> tuple[View, CaseAnswer]:
    case = load_records([path], knowledge).cases[0]
    assert case.as_of is not None
    answer = answer_case(case, knowledge, case.as_of)
    return View(knowledge, answer.state, answer.statuses), answer


def joint_answers(asked: Sequence[Question], true: int, false: int) -> Iterator[tuple[tuple[Said, ...], int, int]]:
    for said in itertools.product(*(question.answers for question in asked)):
        wider_true, wider_false = true, false
        for each in said:
            wider_true, wider_false = wider_true | each.true, wider_false | each.false
        if not wider_true & wider_false:
            yield said, wider_true, wider_false


def lifted(program: Program, name: str) -> Program:
    """Return the program in which a recommendation does not presuppose the scope; its tables are prepared once."""
    if (program.digest, name) not in LIFTED:
        bare = replace(program.recommendation[name], presupposes_scope=False)
        rows = tuple(bare if each.iri == name else each for each in program.recommendations)
        LIFTED[program.digest, name] = replace(program, recommendations=rows)
    return LIFTED[program.digest, name]


def is_settled(view: View, name: str, true: int, false: int) -> bool:
    """Say by the standing of every recommendation whether a goal is settled, after DESIGN 2.4."""
    statuses = Statuses(view.program, true, false)
    advice = advise(view.program, replace(view.state, leaf_true=true, leaf_false=false), statuses)
    decision = next((each for each in view.program.decisions if each.key == name), None)
    if decision is not None:
        rows = [view.program.recommendation[row] for row in decision.rows]
        return advice.judged[name].verdict.iri != decision.remaining or all(statuses.status(row.applicable) == REFUTED for row in rows)
    recommendation = view.program.recommendation[name]
    if REFUTED in (statuses.status(recommendation.applicable), statuses.status(recommendation.eligible)):
        return True
    advised = advice.advised.get(name)
    if advised is None or advised.stands:
        return advised is not None
    uncapped = advise(lifted(view.program, name), replace(view.state, leaf_true=true, leaf_false=false), statuses)
    return uncapped.advised[name].stands and is_settled(view, "scope", true, false)


def brute_force(view: View, name: str, questions: Sequence[Question], largest: int) -> set[frozenset[int]]:
    found: list[frozenset[int]] = []
    for size in range(largest + 1):
        for chosen in map(frozenset, itertools.combinations(range(len(questions)), size)):
            if not any(known <= chosen for known in found):
                asked = [questions[index] for index in sorted(chosen)]
                worlds = joint_answers(asked, view.state.leaf_true, view.state.leaf_false)
                if all(is_settled(view, name, true, false) for _, true, false in worlds):
                    found.append(chosen)
    return set(found)


def compared(paths: Sequence[Path], knowledge: Program, seed: int, each: int) -> int:
    draw, count = random.Random(seed), 0
    for path in paths:
        view, answer = opened(path, knowledge)
        open_ones = [row.iri for row in knowledge.recommendations if answer.statuses.status(row.applicable) == OPEN]
        names = [*(decision.key for decision in knowledge.decisions), *draw.sample(open_ones, min(each, len(open_ones)))]
        for name in names:
            search = _Search(view, goal_of(knowledge, name))
            if len(search.questions) > MOST:
                search.questions = sorted(draw.sample(search.questions, MOST), key=lambda question: (question.role, question.term))
            largest = 3 if len(search.questions) <= 4 else 2
            expected = brute_force(view, name, search.questions, largest)
            if expected == {frozenset()}:
                found = {frozenset(chosen) for chosen in [()] if search._undecided([chosen])[chosen] is None}
            else:
                sets, complete = search.minimal(largest, 500)
                assert complete
                found = {frozenset(chosen) for chosen in sets}
            assert found == expected, (path, name)
            count += len(search.questions) > 0
    return count


def test_sets_equal_brute_force(knowledge: Program, figure: Callable[..., None]) -> None:
    count = compared(random.Random(3).sample(CASES, 34), knowledge, 3, 8)
    figure("what is missing: verdicts compared with brute force, sample", count)
    assert count >= 300


@pytest.mark.release
def test_sets_equal_brute_force_on_every_vignette(knowledge: Program, figure: Callable[..., None]) -> None:
    count = compared(CASES, knowledge, 11, 12)
    figure("what is missing: verdicts compared with brute force, every vignette", count)
    assert count >= 3000


def test_a_set_is_left_unsettled_by_an_answer_exactly_where_there_is_one(knowledge: Program) -> None:
    """What the search takes to settle is tried answer by answer; what it names as leaving the verdict open is an answer that does."""
    draw, counts = random.Random(8), Counter[bool]()
    for path in draw.sample(CASES, 20):
        view, _ = opened(path, knowledge)
        for decision in knowledge.decisions:
            search = _Search(view, goal_of(knowledge, decision.key))
            for size in (0, 1, 1, 2, 2, 3):
                chosen = draw.sample(range(len(search.questions)), min(size, len(search.questions)))
                leaves = {(true, false) for _, true, false in itertools.islice(search.answers(chosen), 400)}
                witness = search._unsettled(chosen)
                if len(leaves) < 400:
                    counts[witness is None] += 1
                    assert (witness is None) == all(search.focus.settles(*each) for each in leaves), (path, decision.key)
                if witness is not None:
                    assert witness in leaves or len(leaves) == 400
                    assert not search.focus.settles(*witness)
    assert min(counts[True], counts[False]) >= 20, counts


def test_nothing_outside_the_questions_matters(knowledge: Program) -> None:
    draw = random.Random(5)
    for path in draw.sample(CASES, 25):
        view, answer = opened(path, knowledge)
        focus = Focus(knowledge, view.state, goal_of(knowledge, IMAGING))
        word = answer.advice.judged[IMAGING].verdict.word
        for bit in draw.sample(range(len(knowledge.leaves)), 60):
            if not (focus.leaves | view.state.leaf_true | view.state.leaf_false) >> bit & 1:
                true, false = (
                    (view.state.leaf_true | 1 << bit, view.state.leaf_false)
                    if draw.random() < 0.5
                    else (view.state.leaf_true, view.state.leaf_false | 1 << bit)
                )
                moved = advise(knowledge, replace(view.state, leaf_true=true, leaf_false=false), Statuses(knowledge, true, false))
                assert moved.judged[IMAGING].verdict.word == word


def test_focus_gives_the_words_of_advice(knowledge: Program) -> None:
    draw = random.Random(17)
    for path in draw.sample(CASES, 40):
        view, answer = opened(path, knowledge)
        for decision in knowledge.decisions:
            focus = Focus(knowledge, view.state, goal_of(knowledge, decision.key))
            assert focus.word(view.state.leaf_true, view.state.leaf_false) == answer.advice.judged[decision.key].verdict.word
            questions = focus.questions()
            for _ in range(4):
                asked = draw.sample(questions, min(len(questions), 4))
                for _, true, false in itertools.islice(joint_answers(asked, view.state.leaf_true, view.state.leaf_false), 4):
                    advice = advise(knowledge, replace(view.state, leaf_true=true, leaf_false=false), Statuses(knowledge, true, false))
                    assert focus.word(true, false) == advice.judged[decision.key].verdict.word


def test_signs_settle_the_uncharted_patient(knowledge: Program) -> None:
    view, answer = opened(ROOT / "dvt" / "d8-signs-not-charted" / "record.ttl", knowledge)
    settling = settling_sets(view, answer.advice, IMAGING)
    assert settling.complete
    (only,) = settling.sets
    assert [each.label for each in only.unknowns] == ["new acute venous sign"]
    assert [(lead.answers, lead.verdict) for lead in only.leads] == [(("present",), "warranted"), (("absent",), "not-warranted")]


def test_extent_score_and_d_dimer_settle_together(knowledge: Program) -> None:
    view, answer = opened(ROOT / "dvt" / "d8-extent-not-stated" / "record.ttl", knowledge)
    (only,) = settling_sets(view, answer.advice, IMAGING).sets
    assert len(only.unknowns) == 3
    assert {lead.verdict for lead in only.leads} == {"not-warranted", "reassess", "serial-due"}
    assert not settling_sets(view, answer.advice, IMAGING, largest=2).sets


def test_report_says_what_the_answers_lead_to(knowledge: Program) -> None:
    told = 0
    for path in random.Random(23).sample(CASES, 90):
        view, answer = opened(path, knowledge)
        for decision in knowledge.decisions:
            judged = answer.advice.judged[decision.key]
            document = judged_document(view, judged, answer)
            could_be = document["couldBe"]
            assert bool(could_be) == (not judged.rows and bool(document["missing"]))
            if could_be:
                told += 1
                assert {each["term"] for each in document["missing"]} <= {each["term"] for row in could_be for each in row["if"]}
                leads = [lead for each in settling_sets(view, answer.advice, decision.key, largest=2).sets for lead in each.leads]
                words = {lead.verdict for lead in leads} - {judged.verdict.word}
                assert words <= {row["verdict"] for row in could_be}, path
    assert told >= 50


def test_settled_verdict_needs_nothing(knowledge: Program) -> None:
    view, answer = opened(ROOT / "source-text" / "bilateral-cramps-stable" / "record.ttl", knowledge)
    assert [each.unknowns for each in settling_sets(view, answer.advice, IMAGING).sets] == [()]


def test_bound_is_stated(knowledge: Program) -> None:
    view, answer = opened(ROOT / "scope" / "electrolytes-missing" / "record.ttl", knowledge)
    whole = settling_sets(view, answer.advice, "scope")
    assert whole.complete
    assert len(whole.sets) > 1
    cut = settling_sets(view, answer.advice, "scope", bound=1)
    assert not cut.complete
    assert len(cut.sets) == 1


def test_scope_that_settles_a_recommendation_is_found(knowledge: Program) -> None:
    """Electrolytes outside their limits end the scope, which a recommendation for the scope rests on."""
    view, answer = opened(ROOT / "scope" / "calcium-missing" / "record.ttl", knowledge)
    name = "https://w3id.org/legcramps/guideline/_Recommendation_droracle_musculoskeletal_examination"
    found = settling_sets(view, answer.advice, name, largest=1)
    assert {each.term.rpartition("/")[2] for one in found.sets for each in one.unknowns} == {
        "CalciumMeasurement",
        "electrolytesRelative",
        "ionisedCalciumRelative",
    }


def test_unknown_goal_is_refused(knowledge: Program) -> None:
    view, answer = opened(CASES[0], knowledge)
    with pytest.raises(UsageError, match="no verdict"):
        settling_sets(view, answer.advice, "repeatImaging")


def test_time_is_told(knowledge: Program, figure: Callable[..., None]) -> None:
    times = []
    for path in random.Random(1).sample(CASES, 30):
        view, answer = opened(path, knowledge)
        started = time.process_time()
        for decision in knowledge.decisions:
            settling_sets(view, answer.advice, decision.key)
        times.append(1000 * (time.process_time() - started))
    times.sort()
    figure("missing facts of both decisions, 30 cases", f"median {times[15]:.1f}, worst {times[-1]:.1f}", "ms")


def test_missing_facts_on_the_command_line(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = ROOT / "dvt" / "d8-signs-not-charted" / "record.ttl"
    assert main(["--knowledge", str(root), "explain", str(path), IMAGING, "--missing"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "new acute venous sign",
        "  present -> warranted (D1, presumed)",
        "  absent -> not-warranted (D5, presumed)",
        f"every smallest set of at most 3 unknowns that settle {IMAGING} is listed",
    ]
    stable = ROOT / "source-text" / "bilateral-cramps-stable" / "record.ttl"
    assert main(["--knowledge", str(root), "explain", str(stable), IMAGING, "--missing"]) == 0
    assert "nothing is missing" in capsys.readouterr().out
    assert main(["--knowledge", str(root), "explain", str(stable), "_Recommendation_scope_in", "--missing"]) == 0
    assert capsys.readouterr().out == "lcg:_Recommendation_scope_in is settled: nothing is missing\n"
