"""Unconfirmed records: a red flag that one would raise is possible, and nothing else of them counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cohorts import answered, answers
from fhir_resources import CK, PATIENT, POTASSIUM, UCUM, bundle, observation
from pyoxigraph import RdfFormat, parse, serialize

from reasoner import load_records
from reasoner.abstraction import abstract_case
from reasoner.answer import CaseAnswer
from reasoner.answering import answer_case
from reasoner.explanation import View
from reasoner.fhir import read_fhir
from reasoner.program import Program
from reasoner.proof_axioms import load_axioms
from reasoner.proof_checker import Checker
from reasoner.proofs import Prover
from reasoner.record import Case

FLAGGED = sorted((Path(__file__).parent / "cases" / "red-flags").glob("*/record.ttl"))
KINDS = ("findings", "measurements", "medications", "examinations", "diagnoses")
STATUS = "<https://w3id.org/legcramps/ontology/recordStatus>"


def variants(case: Case) -> Iterator[tuple[Case, Case]]:
    """Yield a case once per record with that record unconfirmed, each with the case without that record."""
    for kind in KINDS:
        records = getattr(case, kind)
        for place, record in enumerate(records):
            if record.status in ("", "active"):
                doubtful = replace(record, status="unconfirmed")
                changed = (*records[:place], doubtful, *records[place + 1 :])
                yield replace(case, **{kind: changed}), replace(case, **{kind: (*records[:place], *records[place + 1 :])})


def flags(answer: CaseAnswer) -> set[str]:
    return {each.recommendation.iri for each in answer.advice.advised.values() if each.recommendation.red_flag and each.listed}


def answered_one(case: Case, knowledge: Program) -> CaseAnswer:
    assert case.as_of is not None
    return answer_case(case, knowledge, case.as_of)


def test_doubt_about_a_record_leaves_every_red_flag_and_nothing_else(knowledge: Program, figure: Callable[..., None]) -> None:
    tried = raised = 0
    for path in FLAGGED:
        for case in load_records([path], knowledge).cases:
            listed = flags(answered_one(case, knowledge))
            for doubtful, without in variants(case):
                found, less = answered_one(doubtful, knowledge), answered_one(without, knowledge)
                assert listed <= flags(found), (path, listed - flags(found))
                assert flags(less) <= flags(found) <= listed | flags(less)
                for name in ("facts", "leaf_true", "leaf_false", "conflicts"):
                    assert getattr(found.state, name) == getattr(less.state, name), (path, name)
                assert found.differential == less.differential
                told = {source for each in found.state.problems if each.code == "unconfirmed-alarm" for source in each.sources}
                assert bool(told) == bool(found.state.unconfirmed)
                tried, raised = tried + 1, raised + bool(flags(found) - flags(less))
    figure("unconfirmed records: one record of a case in doubt, flags kept", tried)
    figure("of these raise a red flag that is not raised without", raised)
    assert tried >= 300 and raised >= 40, (tried, raised)


def test_what_is_confirmed_costs_no_reading(knowledge: Program) -> None:
    for path in FLAGGED[:10]:
        for case in load_records([path], knowledge).cases:
            assert case.as_of is not None
            state = abstract_case(case, knowledge, case.as_of)
            assert bool(state.unconfirmed) == any(each.status == "unconfirmed" for kind in KINDS for each in getattr(case, kind))


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("final", "certain"),
        *((status, "possible") for status in ("registered", "preliminary", "unknown")),
        *((status, None) for status in ("cancelled", "entered-in-error")),
    ],
)
@pytest.mark.parametrize(
    ("code", "value", "unit", "flag"), [(POTASSIUM, 7.0, "mmol/L", "hyperkalaemia"), (CK, 60000, "U/L", "rhabdomyolysis")]
)
def test_critical_results_of_fhir(
    code: tuple[str, str], value: float, unit: str, flag: str, status: str, expected: str | None, knowledge: Program
) -> None:
    quantity = {"value": value, "unit": unit, "system": UCUM, "code": unit}
    result = observation(code, status=status, valueQuantity=quantity, effectiveDateTime="2026-11-19")
    [case] = read_fhir(bundle(PATIENT, result), knowledge).cases
    answer = answer_case(case, knowledge, _instant(knowledge))
    found = {
        each.recommendation.iri.rpartition("_RedFlag_")[2]: each for each in answer.advice.advised.values() if each.recommendation.red_flag
    }
    if expected is None:
        assert flag not in found and not answer.state.unconfirmed
    else:
        assert found[flag].standing == expected
        reasons = answer.reasons.advised[found[flag].recommendation.iri]
        assert any(each.text.endswith("(not confirmed)") and each.source for each in reasons) == (expected == "possible")


def _instant(knowledge: Program) -> Any:
    return load_records(FLAGGED[:1], knowledge).cases[0].as_of


def test_a_flag_of_an_unconfirmed_record_is_proven(knowledge: Program, root: Path) -> None:
    axioms, checker, proven = load_axioms(knowledge, root), Checker(root), 0
    for path in FLAGGED:
        for case in load_records([path], knowledge).cases:
            answer = answered_one(case, knowledge)
            if answer.state.unconfirmed:
                prover = Prover(axioms, View(knowledge, answer.state, answer.statuses), answer)
                for iri in flags(answer):
                    proof = prover.recommendation(knowledge.recommendation[iri])
                    checker.check(proof.to_json())
                    read = {
                        record for premise in proof.to_json()["premises"] if premise["kind"] == "reading" for record in premise["records"]
                    }
                    assert read & {record for each in answer.state.unconfirmed for record in each.records}
                    proven += 1
    assert proven >= 4


DOUBT = f"{STATUS} <https://w3id.org/legcramps/ontology/_RecordStatus_unconfirmed>"
PRESENT, ABSENT = (f"<https://w3id.org/legcramps/ontology/_Presence_{word}>" for word in ("present", "absent"))


def doubtful_lines(path: Path) -> Iterator[list[str]]:
    """Yield the lines of a vignette with one record in doubt, with two, and with one beside what denies it or another."""
    text = serialize((quad.triple for quad in parse(path=str(path), format=RdfFormat.TURTLE)), format=RdfFormat.N_TRIPLES).decode()
    own = text.splitlines(keepends=True)
    stated = {line.split(" ")[0] for line in own if STATUS in line}
    records = [each for each in sorted({line.split(" ")[2] for line in own if "ontology/hasRecord>" in line}) if each not in stated]
    for record, other in zip(records, [*records[1:], records[0]], strict=True):
        doubted = [*own, f"{record} {DOUBT} .\n"]
        yield doubted
        yield [*doubted, f"{other} {DOUBT} .\n"]
        for each in (record, other):
            denied = [line.replace(each, f"{each[:-1]}-denied>").replace(PRESENT, ABSENT) for line in own if each in line]
            if any(ABSENT in line for line in denied):
                yield [*doubted, *denied]


def test_a_cohort_answers_unconfirmed_records_as_single_cases(tmp_path: Path, knowledge: Program) -> None:
    lines: list[str] = []
    for path in FLAGGED[::4]:
        for place, own in enumerate(doubtful_lines(path)):
            lines += [line.replace("example.org/legcramps/", f"example.org/{place}/legcramps/") for line in own]
    path = tmp_path / "doubtful.nt"
    path.write_text("".join(lines), encoding="utf-8")
    alone = answers("".join(lines), knowledge)
    assert answered(tmp_path / "out", [path], knowledge) == alone
    told = [row for rows in alone["problems"].values() for row in rows if row["code"] == "unconfirmed-alarm"]
    assert len(alone["cases"]) >= 250 and len(told) >= 60
