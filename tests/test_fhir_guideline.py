"""The guidelines as FHIR R4 are valid, whole, cite their sentences, and their conditions can be asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fhir_checks import problems_of, resources_of
from record_documents import Command, command_for

from reasoner import assess, load_records, run_query
from reasoner.export.fhir_assessment import assessment_bundle
from reasoner.export.fhir_evidence import artifact_id
from reasoner.export.fhir_guideline import guideline_bundle
from reasoner.namespaces import LCG
from reasoner.program import Program

ROOT = Path(__file__).parent.parent
ANNA = ROOT / "docs" / "examples" / "patient.ttl"
DIRECTION = "http://hl7.org/fhir/uv/cpg/StructureDefinition/cpg-directionOfRecommendation"
STRENGTH = "http://hl7.org/fhir/StructureDefinition/cqf-strengthOfRecommendation"


@pytest.fixture(scope="module")
def guideline(knowledge: Program) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(guideline_bundle(knowledge, ROOT)[0])
    return found


def actions_of(guideline: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the actions of all plans but the whole one, by id."""
    plans = [each for each in resources_of(guideline) if each["resourceType"] == "PlanDefinition" and each["id"] != "legcramps"]
    return {action["id"]: action for plan in plans for action in plan["action"]}


def graded(action: dict[str, Any], url: str) -> str:
    found = [each["valueCodeableConcept"]["coding"][0]["code"] for each in action["extension"] if each["url"] == url]
    return found[0] if found else ""


def test_it_is_valid_r4(guideline: dict[str, Any]) -> None:
    assert problems_of(guideline) == []


def test_every_recommendation_is_an_action_with_its_definition(guideline: dict[str, Any], knowledge: Program) -> None:
    addresses = {f"{each['url']}|{each['version']}" for each in resources_of(guideline)}
    actions = actions_of(guideline)
    assert len(actions) == len(knowledge.recommendations)
    assert {each["definitionCanonical"] for each in actions.values()} < addresses
    (whole,) = (each for each in resources_of(guideline) if each["id"] == "legcramps")
    assert {each["definitionCanonical"] for each in whole["action"]} < addresses
    assert len(whole["action"]) == 4


def test_direction_strength_and_sentences_are_those_of_the_ontology(guideline: dict[str, Any], knowledge: Program) -> None:
    actions = actions_of(guideline)
    against = actions["Recommendation-droracle-no-quinine"]
    assert graded(against, DIRECTION) == "against"
    assert [each.get("label") for each in against["documentation"]] == ["S39", None]
    assert graded(actions["Recommendation-droracle-creatine-kinase-first-line"], STRENGTH) == "weak"
    directions = [graded(each, DIRECTION) for each in actions.values()]
    assert directions.count("against") == sum(each.direction == "against" for each in knowledge.recommendations)
    strengths = [graded(each, STRENGTH) for each in actions.values()]
    assert strengths.count("strong") == sum(each.strength == "strong" for each in knowledge.recommendations)
    assert strengths.count("") == sum(each.strength in ("", "unstated") for each in knowledge.recommendations)


def test_a_test_that_is_advised_against_is_not_to_be_done(guideline: dict[str, Any], knowledge: Program) -> None:
    activities = [each for each in resources_of(guideline) if each["resourceType"] == "ActivityDefinition"]
    assert len(activities) == len(knowledge.recommendations)
    assert {each["id"] for each in activities if each.get("doNotPerform")} == {
        each.iri.removeprefix(LCG).strip("_").replace("_", "-") for each in knowledge.recommendations if each.direction == "against"
    }
    assert sum(each.get("kind") == "ServiceRequest" for each in activities) == sum(
        bool(each.investigation) for each in knowledge.recommendations
    )


def test_the_condition_of_an_action_can_be_asked(guideline: dict[str, Any], knowledge: Program) -> None:
    """What stands in the condition is entailed where the recommendation is certain, and not where it is presumed."""
    path = ROOT / "tests" / "cases" / "red-flags" / "rhabdomyolysis-ten-times" / "record.ttl"
    (answer,) = assess(load_records([path], knowledge), knowledge).answers
    actions, tried = actions_of(guideline), set()
    for advised in answer.advice.advised.values():
        if advised.standing not in tried:
            tried.add(advised.standing)
            (condition,) = actions[artifact_id(advised.recommendation.iri)]["condition"]
            truth = run_query(condition["expression"]["expression"], knowledge, [path]).truth
            assert truth is (advised.standing == "certain"), advised.recommendation.iri
    assert {"certain", "ruled-out"} <= tried


def test_the_answer_refers_to_definitions_that_are_there(guideline: dict[str, Any], knowledge: Program) -> None:
    answers = assess(load_records([ANNA], knowledge), knowledge).answers
    answer = json.loads(assessment_bundle(knowledge, answers)[0])
    addresses = {f"{each['url']}|{each['version']}" for each in resources_of(guideline)}
    used = {url for each in resources_of(answer) for url in each.get("instantiatesCanonical", [each.get("moduleCanonical")]) if url}
    assert len(used) > 5
    assert used <= addresses


def test_the_same_knowledge_gives_the_same_bytes(knowledge: Program) -> None:
    assert guideline_bundle(knowledge, ROOT) == guideline_bundle(knowledge, ROOT)


def test_the_command_needs_no_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], knowledge: Program, tmp_path: Path
) -> None:
    command: Command = command_for(monkeypatch, capsys, knowledge)
    done = command("convert", "--to", "fhir-guideline", "--out", tmp_path / "guideline.json")
    assert done.code == 0
    assert f"recommendations: {len(knowledge.recommendations)} = {len(knowledge.recommendations)} written" in done.err
    assert command("convert", ANNA, "--to", "fhir-guideline").code == 2
    assert command("convert", "--to", "turtle").code == 2
