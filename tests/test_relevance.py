"""Decision relevance equals enumeration of every declared result through the whole report; the declarations are complete."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from reasoner import load_records
from reasoner.abstraction import abstract_case
from reasoner.answering import answer_case, assess
from reasoner.explanation import View
from reasoner.moments import parse_moment
from reasoner.namespaces import curie
from reasoner.program import Program
from reasoner.program.cuts import band_signature
from reasoner.program.model import Indicator
from reasoner.questions import regions
from reasoner.record import Case
from reasoner.relevance import Relevances, judge_relevance, judge_test, with_result
from reasoner.report import CaseAnswer, case_document
from reasoner.text import render_text

ROOT = Path(__file__).parent / "cases"
CASES = sorted(ROOT.glob("*/*/record.ttl"))
STABLE, DAY_TWELVE = (ROOT / "source-text" / f"bilateral-cramps-{name}" / "record.ttl" for name in ("stable", "day-twelve"))
SCAN = "https://w3id.org/legcramps/ontology/CompressionUltrasound"
UNREACHED = {"deltaPressure"}


def opened(path: Path, knowledge: Program) -> tuple[View, CaseAnswer]:
    case = load_records([path], knowledge).cases[0]
    assert case.as_of is not None
    answer = answer_case(case, knowledge, case.as_of)
    return View(knowledge, answer.state, answer.statuses), answer


def judged(path: Path, knowledge: Program) -> Relevances:
    view, answer = opened(path, knowledge)
    return judge_relevance(view, answer.advice, answer.differential, answer.as_of)


def spoken(document: dict[str, Any], knowledge: Program, test: str) -> dict[str, str]:
    """Return the verdicts that a printed report gives, those about ordering `test` aside."""
    found: dict[str, str] = {}
    for decision in knowledge.decisions:
        if decision.investigation != test:
            found[decision.key] = document[decision.key]["verdict"]
    found |= {row["id"]: "flag" if row["certainty"] == "certain" else "possible flag" for row in document["redFlags"]}
    found |= {row["id"]: "possible" if row["certainty"] == "possible" else "advised" for row in document["actions"]}
    found |= {
        f"test {row['test']}": "possible" if row["certainty"] == "possible" else "advised"
        for row in document["nextTests"]
        if row["test"] != test
    }
    return found | {row["condition"]: row["status"] for row in document["differential"] if row["status"] in ("confirmed", "excluded")}


def asked(answer: CaseAnswer, test: str) -> dict[str, str]:
    """Return the tests' recommendations one by one, which the report groups by test."""
    found = {}
    for iri, each in answer.advice.advised.items():
        if each.recommendation.investigation not in (None, test) and each.recommendation.decision is None and each.listed:
            found[iri] = "advised" if each.stands else "possible"
    return found


def enumerated(path: Path, knowledge: Program, test: str) -> tuple[set[str], bool]:
    """Return the expected results and whether two of their reports differ."""
    _, answer = opened(path, knowledge)
    reports = {}
    for result in knowledge.results_of[test]:
        holds = answer.statuses.holds
        if any(holds(each.case_class) and not any(map(holds, each.unless)) for each in result.not_expected):
            continue
        after = answer_case(with_result(answer.state.case, result, answer.as_of), knowledge, answer.as_of)
        if set(after.state.conflicts) <= set(answer.state.conflicts):
            reports[result.iri] = spoken(case_document(knowledge, after), knowledge, test) | asked(after, test)
    return set(reports), any(one != other for one, other in itertools.combinations(reports.values(), 2))


def compared(paths: list[Path], knowledge: Program) -> int:
    count = 0
    for path in paths:
        for test, relevance in judged(path, knowledge).tests.items():
            if relevance.relevant is None:
                continue
            expected, differs = enumerated(path, knowledge, test)
            assert {each.result for each in relevance.expected} == expected, (path, test)
            assert relevance.relevant == differs, (path, test)
            count += 1
    return count


def test_relevance_equals_enumeration(knowledge: Program, figure: Callable[..., None]) -> None:
    count = compared(random.Random(8).sample(CASES, 48), knowledge)
    figure("decision relevance: tests compared with enumeration, sample", count)
    assert count >= 300


@pytest.mark.release
def test_relevance_equals_enumeration_on_every_vignette(knowledge: Program, figure: Callable[..., None]) -> None:
    count = compared(CASES, knowledge)
    figure("decision relevance: tests compared with enumeration, every vignette", count)
    assert count >= 2500


def test_repeat_scan_of_the_stable_patient_is_irrelevant(knowledge: Program) -> None:
    view, answer = opened(STABLE, knowledge)
    relevance = judge_test(view, answer.advice, answer.differential, answer.as_of, SCAN)
    assert relevance.relevant is False
    (left_out,) = relevance.left_out
    assert left_out.result.endswith("_compression_ultrasound_positive")
    assert left_out.sentences == ("S6", "S32")
    assert answer.statuses.holds(left_out.case_class)
    assert "new acute venous sign: absent" in {reason.text for reason in left_out.because}
    assert {curie(name) for name, _ in left_out.presumes} == {"lc:NewBilateralLegSwelling", "lc:PulmonaryEmbolismOrPhlegmasiaPattern"}
    assert [each.own for each in relevance.expected] == [()]
    assert ("scope", "in-scope") in relevance.shared


def test_new_sign_makes_the_scan_relevant(knowledge: Program) -> None:
    view, answer = opened(DAY_TWELVE, knowledge)
    relevance = judge_test(view, answer.advice, answer.differential, answer.as_of, SCAN)
    assert relevance.relevant is True
    assert relevance.left_out == ()
    own = {each.result.rpartition("_")[2]: dict(each.own) for each in relevance.expected}
    assert own["positive"]["scope"] == "out-of-scope"
    assert own["negative"]["scope"] == "in-scope"


def test_positive_scan_is_expected_again_after_swelling_of_both_legs(knowledge: Program) -> None:
    view, answer = opened(ROOT / "dvt" / "d1b-both-legs-since-scan" / "record.ttl", knowledge)
    relevance = judge_test(view, answer.advice, answer.differential, answer.as_of, SCAN)
    assert relevance.left_out == ()
    assert relevance.relevant is True


def test_testing_stops_when_nothing_can_change(knowledge: Program) -> None:
    relevances = judged(STABLE, knowledge)
    assert not relevances.stop
    assert Relevances({SCAN: relevances.tests[SCAN]}).stop
    assert relevances.flag(SCAN) is False
    assert relevances.flag("urn:none") is None


def test_result_that_contradicts_the_record_is_left_out(knowledge: Program) -> None:
    reasons = [
        left
        for path in CASES
        if path.parent.name.startswith(("d1-", "conditions-"))
        for relevance in judged(path, knowledge).tests.values()
        for left in relevance.left_out
        if not left.case_class
    ]
    assert all(left.because for left in reasons)


def test_every_recommended_test_has_results(knowledge: Program) -> None:
    wanted = {each.investigation for each in knowledge.recommendations if each.investigation}
    assert wanted <= set(knowledge.results_of)
    assert all(len(results) > 1 for results in knowledge.results_of.values())


def measured(knowledge: Program) -> Iterator[tuple[str, Indicator]]:
    for test, results in knowledge.results_of.items():
        tests = {
            value for result in results for record in result.records for name, value in record.properties if curie(name) == "lc:ofTest"
        }
        for indicator in knowledge.indicators:
            whole = indicator.form in ("select", "relative", "quotient", "ratio", "weighted_sum")
            if whole and indicator.cuts and tests & set(indicator.tests) and curie(indicator.iri).removeprefix("lc:") not in UNREACHED:
                yield test, indicator


def test_results_reach_every_band_of_their_indicators(knowledge: Program) -> None:
    as_of = parse_moment("2026-11-20")
    assert as_of is not None
    missed = []
    for test, indicator in measured(knowledge):
        seen = set()
        for result in knowledge.results_of[test]:
            state = abstract_case(with_result(Case("urn:case", "urn:case", as_of, None, 40), result, as_of), knowledge, as_of)
            found = state.indicators.get(indicator.iri)
            if found is not None and found.settled:
                seen.add(band_signature(indicator, found.low, found.high))
        for region in regions(indicator):
            low, high = region.values[0][1] or (None, None)
            if band_signature(indicator, low, high) not in seen and not (low == (Decimal(0), 0) and high == (Decimal(0), 1)):
                missed.append((curie(test), curie(indicator.iri), str(low), str(high)))
    assert not missed


def test_time_is_told(knowledge: Program, figure: Callable[..., None]) -> None:
    times = []
    for path in random.Random(1).sample(CASES, 25):
        view, answer = opened(path, knowledge)
        started = time.process_time()
        judge_relevance(view, answer.advice, answer.differential, answer.as_of)
        times.append(1000 * (time.process_time() - started))
    times.sort()
    figure("relevance of all candidate tests, 25 cases", f"median {times[12]:.0f}, worst {times[-1]:.0f}", "ms")


# --- in the report ----------------------------------------------------------------------------------------------------


def reported(path: Path, knowledge: Program, relevance: bool = True) -> dict[str, Any]:
    case, *_ = assess(load_records([path], knowledge), knowledge, relevance=relevance).to_document()["cases"]
    return case


def test_report_carries_the_certificate(knowledge: Program) -> None:
    case = reported(STABLE, knowledge)
    assert all(test["decisionRelevant"] is True for test in case["nextTests"])
    (scan,) = [test for test in case["relevance"]["tests"] if test["test"] == SCAN]
    assert scan["decisionRelevant"] is False
    assert [left["sentences"] for left in scan["leftOut"]] == [["S6", "S32"]]
    assert {each["label"] for each in scan["leftOut"][0]["presumes"]} >= {"new swelling of both legs"} or scan["leftOut"][0]["presumes"]
    assert {"about": "scope", "label": "scope", "verdict": "in-scope"} in scan["unchanged"]
    assert case["relevance"]["stopTesting"] is False


def test_report_without_relevance_says_that_it_was_not_computed(knowledge: Program) -> None:
    plain, judged = reported(STABLE, knowledge, relevance=False), reported(STABLE, knowledge)
    assert "relevance" not in plain
    assert all(test["decisionRelevant"] is None for test in plain["nextTests"])
    assert {test["test"] for test in plain["nextTests"]} == {test["test"] for test in judged["nextTests"]}


def test_order_of_next_tests(knowledge: Program) -> None:
    """Urgency, certainty and step come first, then how much a test settles; the guideline's order comes last."""
    moved = 0
    for path in random.Random(4).sample(CASES, 12):
        plain, judged = reported(path, knowledge, relevance=False), reported(path, knowledge)
        settles = {test["test"]: test["settles"] for test in judged["relevance"]["tests"]}
        rows = judged["nextTests"]
        urgency = {test["urgency"]: place for place, test in reversed(list(enumerate(plain["nextTests"])))}
        for one, other in itertools.pairwise(rows):
            assert urgency[one["urgency"]] <= urgency[other["urgency"]]
            if all(one[key] == other[key] for key in ("urgency", "certainty", "step")):
                assert settles[one["test"]] >= settles[other["test"]]
        moved += [row["test"] for row in rows] != [row["test"] for row in plain["nextTests"]]
    assert moved >= 3


def test_text_says_when_no_result_matters(knowledge: Program) -> None:
    report = assess(load_records([STABLE], knowledge), knowledge, relevance=True).to_document()
    text = render_text(report)
    assert "NO EXPECTED RESULT CHANGES A VERDICT: compression ultrasound" in text
    assert "not expected: compression ultrasound for deep vein thrombosis: shows a thrombosis [S6, S32]" in text
    assert "STOP TESTING" not in text
    report["cases"][0]["relevance"]["stopTesting"] = True
    assert "STOP TESTING" in render_text(report)
