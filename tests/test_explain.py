"""Whatever the report names can be explained, in every format: with a proof where it is a deduction, else with an account."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyoxigraph
import pytest

from reasoner import load_records
from reasoner.accounts import Accountant
from reasoner.answering import answer_case
from reasoner.consulting import explain
from reasoner.errors import UsageError
from reasoner.explanation import View
from reasoner.namespaces import PREFIXES, PROV
from reasoner.program import Program
from reasoner.proof_axioms import Axioms, load_axioms
from reasoner.proof_checker import Checker, ProofError
from reasoner.proof_data import Account, Explained, Proof
from reasoner.proof_formats import Words
from reasoner.proofs import Prover
from reasoner.report import case_document
from reasoner.terms import ROLES, lc

ROOT = Path(__file__).parent.parent
CASES = sorted((Path(__file__).parent / "cases").glob("*/*/record.ttl"))
ANNA = "https://example.org/legcramps/anna"
NAMING = ("axiom", "condition", "drug", "fact", "id", "indicator", "recommendation", "term", "test")
LISTS = (
    "indicators",
    "redFlags",
    "questions",
    "differential",
    "nextTests",
    "notWarranted",
    "actions",
    "medicationReview",
    "repeatDvtImaging",
)
HEAD = """@prefix lc: <https://w3id.org/legcramps/ontology/> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
@prefix ex: <https://example.org/case/> .
ex:c a lc:Case ; lc:asOf "2026-11-20T09:00:00Z"^^xsd:dateTime .
"""


@pytest.fixture(scope="module")
def axioms(knowledge: Program, root: Path) -> Axioms:
    return load_axioms(knowledge, root)


@pytest.fixture(scope="module")
def checker(root: Path) -> Checker:
    return Checker(root)


def prover_of(axioms: Axioms, path: Path) -> Prover:
    case = load_records([path], axioms.program).cases[0]
    assert case.as_of is not None
    answer = answer_case(case, axioms.program, case.as_of)
    return Prover(axioms, View(axioms.program, answer.state, answer.statuses), answer)


@pytest.fixture(scope="module")
def anna(axioms: Axioms) -> Prover:
    return prover_of(axioms, ROOT / "docs" / "examples" / "patient.ttl")


@pytest.fixture
def told(axioms: Axioms, tmp_path: Path) -> Any:
    """Return the prover of a case with these records."""

    def read(records: str) -> Prover:
        path = tmp_path / "told.ttl"
        path.write_text(HEAD + records, "utf-8")
        return prover_of(axioms, path)

    return read


def names_in(found: object) -> Iterator[str]:
    """Yield every name of a term, advice or rule in a part of a report."""
    if isinstance(found, dict):
        for key, value in found.items():
            if key in NAMING and isinstance(value, str) and value:
                yield value
            else:
                yield from names_in(value)
    elif isinstance(found, list):
        for each in found:
            yield from names_in(each)


def assert_written(prover: Prover, explained: Explained) -> None:
    """Assert that each format can be written, and that all that is unknown stands in each of them."""
    words = Words(prover.axioms, prover.view)
    found = json.loads(words.write(explained, "json"))
    unknown = [each for part in (*found["proofs"], *found["accounts"]) for each in part["missing"]]
    text, dot = words.write(explained, "text"), words.write(explained, "dot")
    for each in unknown:
        assert f"  - unknown: {each['label']}" in text
        assert f"unknown: {each['label']}" in dot
    quads = list(pyoxigraph.parse(words.write(explained, "turtle"), format=pyoxigraph.RdfFormat.TURTLE))
    asked = {quad.object.value for quad in quads if quad.predicate.value == lc("asksFor")}
    assert asked == {each["term"] for each in unknown}
    could = {iri for proof in explained.proofs for iri in proof.conclusion.could_be}
    assert could <= {quad.object.value for quad in quads if quad.predicate.value == PREFIXES["dcterms"] + "subject"}
    assert all(f"still possible: {prover.view.label(iri)}" in dot for iri in could)


def assert_explained(axioms: Axioms, checker: Checker, paths: list[Path], most: int) -> int:
    """Assert that so many names of each report are explained and proven; return how many these were."""
    count = 0
    for path in paths:
        prover = prover_of(axioms, path)
        document = case_document(axioms.program, prover.answer)
        known = [each.to_json() for each in prover.given()]
        names = sorted({*names_in([document[key] for key in LISTS]), document["repeatDvtImaging"]["rule"]} - {""})
        for name in random.Random(4).sample(names, min(most, len(names))):
            explained = explain(prover, name)
            assert explained.proofs or explained.accounts, name
            assert_written(prover, explained)
            for proof in explained.proofs:
                checker.check(proof.to_json(), known)
            count += 1
    return count


def test_what_a_report_names_is_explained(axioms: Axioms, checker: Checker) -> None:
    assert assert_explained(axioms, checker, random.Random(4).sample(CASES, 4), 20) == 80


@pytest.mark.release
def test_all_that_reports_name_is_explained(axioms: Axioms, checker: Checker, figure: Callable[..., None]) -> None:
    count = assert_explained(axioms, checker, random.Random(8).sample(CASES, 25), 10**6)
    figure("names in reports that are explained", count)
    assert count >= 4000


def test_items_of_a_weight_add_up_to_it(axioms: Axioms) -> None:
    weighed = 0
    for path in random.Random(9).sample(CASES, 15):
        prover = prover_of(axioms, path)
        accountant = Accountant(axioms, prover.view, prover.answer)
        for ranked in prover.answer.differential.ranked:
            items = accountant.weight(ranked).items
            assert sum((each.weight for each in items if each.weight is not None), Decimal(0)) == ranked.weight
            weighed += len(ranked.weighed)
    assert weighed >= 40


def only_account(explained: Explained) -> Account:
    (account,) = explained.accounts
    return account


def item(account: Account, record: str) -> str:
    (text,) = [each.text for each in account.items if each.records == (record,)]
    return text


def test_a_likely_or_possible_condition_shows_its_sum(anna: Prover) -> None:
    account = only_account(explain(anna, "medication-induced myalgia"))
    assert account.text.startswith("medication-induced myalgia: possible, weight -0.4 decibans, interval -0.8 to +0.1 (likely from 6.0")
    start, statin, *_ = account.items
    assert (start.text, start.weight) == ("starting band, as a statin is taken", Decimal("-1.0"))
    assert (statin.text, statin.weight) == ("statin (published likelihood ratio, interval +0.2 to +1.1)", Decimal("0.6"))
    assert statin.records == (f"{ANNA}/atorvastatin",)
    missing = [each.label for each in account.missing]
    assert "ACE inhibitor" in missing and missing == sorted(missing, key=str.casefold)


def test_a_restated_item_is_shown_not_to_count(anna: Prover) -> None:
    texts = [each.text for each in only_account(explain(anna, "lc:PeripheralArterialDisease")).items]
    assert "leg pain on exertion eases with rest: not counted, a stronger item restates it" in texts


def test_an_indicator_shows_record_unit_and_window(anna: Prover) -> None:
    magnesium = item(only_account(explain(anna, "lc:serumMagnesium")), f"{ANNA}/magnesium")
    assert "value 1.64, unit meq/L" in magnesium
    assert magnesium.endswith("times 0.5 from meq/L to mmol/L; read as 0.82 mmol/L; 4 days old, valid for 30 days: it counts")
    explained = explain(anna, "ABI")
    assert "rounded half up to 2 places; read as 0.90; 2 days old" in item(only_account(explained), f"{ANNA}/abi-left")
    assert [proof.conclusion.about for proof in explained.proofs] == [lc("AbnormalAnkleBrachialIndex")]


def test_a_value_that_does_not_count_says_why(told: Any) -> None:
    def measured(name: str, rest: str) -> str:
        return f"ex:c lc:hasRecord ex:{name} . ex:{name} a lc:MeasurementRecord ; lc:ofTest lc:SerumMagnesiumMeasurement ; {rest} .\n"

    records = [
        measured("old", 'lc:value 0.7 ; lc:unit "mmol/L" ; lc:performedOn "2025-01-01"^^xsd:date'),
        measured("odd", 'lc:value 0.7 ; lc:performedOn "2026-11-19"^^xsd:date'),
        measured("late", 'lc:value 0.7 ; lc:unit "mmol/L" ; lc:performedOn "2026-12-24"^^xsd:date'),
    ]
    account = only_account(explain(told("".join(records)), "lc:serumMagnesium"))
    base = "https://example.org/case/"
    assert item(account, base + "old").endswith("688 days old, valid for 30 days: it does not count")
    assert "; the value has no unit; 1 day old" in item(account, base + "odd")
    assert item(account, base + "late").endswith("it does not count: unconfirmed, planned, not done, withdrawn or of the future")


def test_a_sum_shows_its_items(anna: Prover) -> None:
    account = only_account(explain(anna, "lc:wellsDvtScore"))
    assert account.text == "Wells score for deep vein thrombosis: at least -2 and at most 5"
    texts = [each.text for each in account.items]
    assert {"0 or -2: alternative diagnosis at least as likely: unknown", "0: collateral superficial veins: absent"} <= set(texts)


@pytest.mark.parametrize("bedridden", ["present", "absent", ""])
@pytest.mark.parametrize("surgery", ["present", "absent", ""])
@pytest.mark.parametrize("venous", ["present", "absent", ""])
def test_the_items_that_are_shown_add_up_to_the_sum(told: Any, bedridden: str, surgery: str, venous: str) -> None:
    """An item of two findings takes one to be there and both to be away; what is said of a wide finding denies only."""
    said = {"BedriddenThreeDays": bedridden, "MajorSurgeryWithinTwelveWeeks": surgery, "AcuteVenousSign": venous}
    stated = [
        f"ex:c lc:hasRecord ex:{name} . ex:{name} a lc:FindingRecord ; lc:ofFinding lc:{name} ; lc:presence lc:_Presence_{presence} .\n"
        for name, presence in said.items()
        if presence
    ]
    prover = told("".join(stated))
    account = only_account(explain(prover, "lc:wellsDvtScore"))
    points = {
        each.text.partition(": ")[2].rpartition(": ")[::2]: each.text.partition(":")[0]
        for each in account.items
        if each.term != account.about
    }
    words = dict(points.keys())
    words_wanted = "present" if "present" in (bedridden, surgery) else "absent" if bedridden == surgery == "absent" else "unknown"
    [of_two] = [word for name, word in points if " or " in name]
    assert of_two == words_wanted
    assert words["tenderness along the deep veins"] == ("absent" if venous == "absent" else "unknown")
    ends = [sorted(int(number) for number in text.split(" or ")) for text in points.values()]
    low, high = sum(each[0] for each in ends), sum(each[-1] for each in ends)
    state = prover.view.state.indicators[lc("wellsDvtScore")]
    assert (low, high) == (state.low[0], state.high[0])


def test_a_drug_shows_its_records_and_why_it_is_reviewed(anna: Prover) -> None:
    explained = explain(anna, "simvastatin")
    account = only_account(explained)
    assert item(account, f"{ANNA}/simvastatin").endswith("record status stopped: past")
    assert any(each.cited and each.text.startswith("Use of a statin alone is weak evidence") for each in account.items)
    said = {(proof.conclusion.role or proof.conclusion.kind, proof.conclusion.standing) for proof in explained.proofs}
    assert {(lc("hasTaken"), "present"), (lc("takes"), "absent"), ("recommendation", "presumed")} <= said


def test_a_drug_in_words_alone_is_shown_and_cannot_forge(told: Any) -> None:
    prover = told('ex:c lc:hasRecord ex:m . ex:m a lc:MedicationRecord ; lc:sourceText "wonder\\u001b[31m\\"\\ndrug" .\n')
    explained = explain(prover, 'wonder\x1b[31m"\ndrug')
    assert only_account(explained).items[0].text.endswith(": unclassified")
    text = Words(prover.axioms, prover.view).write(explained, "text")
    assert "\x1b" not in text and len(text.splitlines()) == 2
    assert_written(prover, explained)


def test_a_finding_is_present_absent_or_unknown(anna: Prover) -> None:
    standing = {}
    for name in ("lc:LegSymptom", "lc:ArterialBruit", "lc:Smoking"):
        (proof,) = [each for each in explain(anna, name).proofs if each.conclusion.role == lc("hasFinding")]
        standing[name] = proof.conclusion.standing
    assert standing == {"lc:LegSymptom": "present", "lc:ArterialBruit": "absent", "lc:Smoking": "unknown"}


def test_each_role_of_each_term_is_proven(axioms: Axioms, checker: Checker, anna: Prover) -> None:
    draw = random.Random(2)
    seen = dict.fromkeys(("present", "absent", "unknown"), 0)
    for key in draw.sample(sorted(axioms.program.assertions), 200):
        role, term = key.split()
        proof = anna.role(role, term)
        found = proof.to_json()
        checker.check(found)
        assert Proof.from_json(found).to_json() == found
        seen[proof.conclusion.standing] += 1
        others = [each for each in ROLES if each != role] if proof.premises else [lc("nothing")]  # one case may show two roles open
        for field, value in (("role", draw.choice(others)), ("about", lc("Nothing"))):
            with pytest.raises(ProofError):
                checker.check({**found, "conclusion": {**found["conclusion"], field: value}})
        for other in {"present", "absent", "unknown"} - {proof.conclusion.standing}:
            with pytest.raises(ProofError):
                checker.check({**found, "conclusion": {**found["conclusion"], "is": other}})
    assert min(seen.values()) >= 3, seen


def test_each_fact_that_gives_a_role_is_a_reason(anna: Prover) -> None:
    explained = anna.explain("lc:Statin", every=True)
    taken = [proof for proof in explained.proofs if proof.conclusion.role == lc("hasTaken")]
    assert {premise.records for proof in taken for premise in proof.facts()} == {(f"{ANNA}/atorvastatin",), (f"{ANNA}/simvastatin",)}
    assert explained.complete


def test_a_rule_says_why_it_applies_or_does_not(anna: Prover) -> None:
    assert [proof.conclusion.standing for proof in explain(anna, "D5").proofs] == ["presumed"]
    assert [proof.conclusion.standing for proof in explain(anna, "D3").proofs] == ["ruled-out"]
    (open_row,) = explain(anna, "D0").proofs
    assert open_row.conclusion.standing == "open"
    assert [each.label for each in open_row.missing] == ["sign of pulmonary embolism"]


def test_open_points_say_what_they_keep_open(anna: Prover) -> None:
    quads = list(pyoxigraph.parse(Words(anna.axioms, anna.view).write(explain(anna, "D0"), "turtle"), format=pyoxigraph.RdfFormat.TURTLE))
    (kept,) = [quad for quad in quads if quad.predicate.value == lc("keepsOpen")]
    assert kept.object.value == anna.program.recommendation["https://w3id.org/legcramps/guideline/_Recommendation_repeat_dvt_d0"].eligible
    assert any(quad.predicate.value == PREFIXES["dcterms"] + "requires" and quad.object == kept.subject for quad in quads)


def test_weights_are_numbers_in_the_graph(anna: Prover) -> None:
    explained = explain(anna, "lc:PeripheralArterialDisease")
    quads = list(pyoxigraph.parse(Words(anna.axioms, anna.view).write(explained, "turtle"), format=pyoxigraph.RdfFormat.TURTLE))
    weights = [
        Decimal(quad.object.value)
        for quad in quads
        if quad.predicate.value.endswith("ns#value") and quad.object.datatype.value.endswith("decimal")
    ]
    assert sum(weights) == Decimal("7.1")
    assert {f"{ANNA}/bruit", f"{ANNA}/abi-left"} <= {
        quad.object.value for quad in quads if quad.predicate.value == PROV + "hadPrimarySource"
    }


def test_a_label_of_nothing_names_near_ones(anna: Prover) -> None:
    with pytest.raises(UsageError) as caught:
        explain(anna, "lc:Atorvastatine")
    assert "lc:Atorvastatin" in caught.value.repair
