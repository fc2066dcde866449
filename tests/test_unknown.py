"""Unknown is not absent: settling what is unknown keeps what is certain or ruled out, and unsettles only what was presumed.

All joint answers to up to ten unknowns of a recommendation are tried, each judged anew; where these are all its unknowns,
certain and ruled out are what holds and fails in every completion. What is presumed is held against its definition: a silent
overrider is presumed away, a raised one never.
"""

from __future__ import annotations

import itertools
import math
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from record_documents import PREFIXES
from record_documents import case as case_text

from reasoner import load_records
from reasoner.abstraction.state import CaseState
from reasoner.advice import Advice, advise
from reasoner.answering import answer_case
from reasoner.entailment import ENTAILED, OPEN, REFUTED, Statuses, entail_alternatives
from reasoner.focus import Focus, goal_of
from reasoner.program import Program
from reasoner.program.model import Recommendation
from reasoner.questions import Question
from reasoner.report import CaseAnswer

CASES = sorted((Path(__file__).parent / "cases").glob("*/*/record.ttl"))
TABLES = sorted((Path(__file__).parent / "matrix").glob("repeat-imaging-*/record.ttl"))
MOST = 10
ANSWERS = 128
STANDINGS = ("certain", "presumed", "ruled-out")


def settled(state: CaseState, asked: Sequence[Question], draw: random.Random) -> Iterator[CaseState]:
    """Yield the state after joint answers that do not contradict themselves: all of them, or as many drawn ones."""
    every = math.prod(len(question.answers) for question in asked) <= ANSWERS
    drawn = ([draw.choice(question.answers) for question in asked] for _ in range(ANSWERS))
    for said in itertools.product(*(question.answers for question in asked)) if every else drawn:
        true, false = state.leaf_true, state.leaf_false
        for each in said:
            true, false = true | each.true, false | each.false
        if not true & false:
            yield replace(state, leaf_true=true, leaf_false=false, alternatives=())


def judged(program: Program, state: CaseState) -> tuple[Statuses, Advice]:
    statuses = Statuses(program, state.leaf_true, state.leaf_false)
    return statuses, advise(program, state, statuses)


def unkept(program: Program, each: Recommendation, before: str, presumes: Sequence[str], state: CaseState) -> bool:
    """Return whether a standing is lost in a state for another reason than DESIGN allows."""
    statuses, advice = judged(program, state)
    now = advice.advised.get(each.iri)
    if before == "certain":
        return statuses.status(each.applicable) != ENTAILED
    if before == "ruled-out":
        return statuses.status(each.applicable) != REFUTED
    if now is not None and now.stands:
        return False
    raised = any(iri in advice.advised and advice.advised[iri].listed for iri in presumes)
    together = statuses.status(each.applicable) == REFUTED
    left_scope = each.presupposes_scope and advice.judged["scope"].verdict.word != "in-scope"
    return not (raised or together or left_scope)


def test_settling_keeps_what_is_certain(knowledge: Program, figure: Callable[..., None]) -> None:
    draw, seen, whole = random.Random(12), Counter[str](), 0
    for path in draw.sample(CASES, 60):
        case = load_records([path], knowledge).cases[0]
        assert case.as_of is not None
        answer = answer_case(case, knowledge, case.as_of)
        for standing in STANDINGS if not answer.state.alternatives else ():
            advised = [each for each in answer.advice.advised.values() if each.standing == standing]
            for each in draw.sample(advised, min(2, len(advised))):
                questions = Focus(knowledge, answer.state, goal_of(knowledge, each.recommendation.iri)).questions()
                asked = draw.sample(questions, min(MOST, len(questions)))
                held = set()
                for state in settled(answer.state, asked, draw):
                    assert not unkept(knowledge, each.recommendation, standing, each.presumes, state), (path, each.recommendation.iri)
                    held.add(Statuses(knowledge, state.leaf_true, state.leaf_false).status(each.recommendation.applicable))
                    seen[standing] += 1
                if len(asked) == len(questions) and math.prod(len(question.answers) for question in asked) <= ANSWERS:
                    assert held == {{"certain": ENTAILED, "ruled-out": REFUTED}.get(standing)} or (standing == "presumed" and len(held) > 1)
                    whole += 1
    for standing in STANDINGS:
        figure(f"unknown is not absent: joint answers tried on what is {standing}", seen[standing])
    figure("unknown is not absent: standings compared with every completion", whole)
    assert min(seen.values()) >= 150, seen
    assert whole >= 20, whole


def raised_ones(program: Program, state: CaseState, statuses: Statuses) -> set[str]:
    """Return what is raised: Eligible is entailed, or open with its trigger entailed; a red flag also by one reading of a conflict."""
    found = set()
    for each in program.recommendations:
        for reading in (statuses, *(entail_alternatives(program, state) if each.red_flag else ())):
            eligible = reading.status(each.eligible)
            if eligible == ENTAILED or (eligible == OPEN and reading.status(each.trigger) == ENTAILED):
                found.add(each.iri)
    return found


def presumable(statuses: Statuses, eligible: str, applicable: str) -> bool:
    """Return whether Eligible is entailed and Applicable open: presumed, unless an overrider is raised."""
    return statuses.status(eligible) == ENTAILED and statuses.status(applicable) == OPEN


def answered(knowledge: Program) -> Iterator[tuple[CaseAnswer, set[str]]]:
    """Yield the answer on every vignette and every case about repeat imaging, with what is raised in it."""
    for case in (case for path in (*CASES, *TABLES) for case in load_records([path], knowledge).cases):
        assert case.as_of is not None
        answer = answer_case(case, knowledge, case.as_of)
        yield answer, raised_ones(knowledge, answer.state, answer.statuses)


def test_recommendation_is_presumed_only_while_no_overrider_is_raised(knowledge: Program, figure: Callable[..., None]) -> None:
    presumed = barred = 0
    for answer, raised in answered(knowledge):
        statuses, in_scope = answer.statuses, answer.advice.judged["scope"].verdict.word == "in-scope"
        for each in knowledge.recommendations:
            could_be = presumable(statuses, each.eligible, each.applicable) and (in_scope or not each.presupposes_scope)
            expected = could_be and raised.isdisjoint(each.overriders)
            advised = answer.advice.advised.get(each.iri)
            assert expected == (advised is not None and advised.standing == "presumed"), (answer.state.case.iri, each.iri)
            if expected and advised is not None:
                silent = {iri for iri in each.overriders if statuses.status(knowledge.recommendation[iri].eligible) == OPEN}
                assert {*advised.presumes} == silent
            presumed, barred = presumed + expected, barred + (could_be and not expected)
    figure("by the definition of presumed: recommendations presumed", presumed)
    figure("by the definition of presumed: recommendations that a raised overrider keeps from it", barred)
    assert presumed >= 1000 and barred >= 100


def test_verdict_is_presumed_only_while_no_overrider_is_raised(knowledge: Program, figure: Callable[..., None]) -> None:
    verdicts = [(decision, verdict) for decision in knowledge.decisions for verdict in decision.verdicts]
    presumed = barred = 0
    for answer, raised in answered(knowledge):
        for decision, verdict in verdicts:
            if verdict.eligible in knowledge.classes and presumable(answer.statuses, verdict.eligible, verdict.applicable):
                rows = [row for row in map(knowledge.recommendation.__getitem__, decision.rows) if row.verdict == verdict.iri]
                maybe = [row for row in rows if answer.statuses.status(row.eligible) != REFUTED]
                above = {iri for row in maybe for iri in row.overriders} - {row.iri for row in rows}
                judged = answer.advice.judged[decision.key]
                given = judged.verdict.iri == verdict.iri and judged.certainty == "presumed"
                assert given == raised.isdisjoint(above), (answer.state.case.iri, verdict.word)
                presumed, barred = presumed + given, barred + (not given)
    figure("by the definition of presumed: verdicts presumed", presumed)
    figure("by the definition of presumed: verdicts that a raised overrider keeps from it", barred)
    assert presumed >= 500 and barred >= 30


def closing(top: str) -> str:
    return f'a lc:ClosureStatement ; lc:closes lc:{top} ; lc:recordedOn "2026-11-20"^^xsd:date'


def test_what_remains_is_certain_only_where_no_answer_can_lead_to_a_row(knowledge: Program, tmp_path: Path) -> None:
    """Where every finding and drug is denied and no scan is on record, no row of CLINICAL 4.3 can apply, whatever is learnt."""
    denied = tmp_path / "denied.ttl"
    denied.write_text(PREFIXES + case_text("denied", findings=closing("Finding"), drugs=closing("Drug")) + "ex:denied lc:statedAge 58 .\n")
    remaining = {decision.key: (decision.remaining, decision.rows) for decision in knowledge.decisions}
    seen: Counter[str] = Counter()
    for path in (*CASES, denied):
        read = load_records([path], knowledge).cases[0]
        assert read.as_of is not None
        answer = answer_case(read, knowledge, read.as_of)
        for key, (iri, rows) in remaining.items():
            judged = answer.advice.judged[key]
            if judged.verdict.iri == iri and not judged.rows:
                shut = all(answer.statuses.status(knowledge.recommendation[row].applicable) == REFUTED for row in rows)
                assert judged.certainty == ("certain" if shut else "presumed"), (read.iri, key)
                seen[judged.certainty] += 1
    assert seen["certain"] >= 1 and seen["presumed"] >= 100
