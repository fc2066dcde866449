"""The shipped knowledge keeps every safety property over all cases; each seeded breach is caught and names a patient."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reasoner.authoring.guideline_checks import check_guidelines
from reasoner.authoring.results import CheckFinding, Figure, Severity
from reasoner.authoring.safety_checks import check_safety
from reasoner.authoring.workspace import read_workspace

SOURCE = "guidelines/droracle-bilateral-leg-cramps-2026.ttl"
FLAGS = "guidelines/legcramps-red-flags-2026.ttl"
REPEAT = "guidelines/legcramps-repeat-dvt-imaging-2026.ttl"
THROMBOSIS = "conditions/deep-vein-thrombosis.ttl"
FINDINGS = "findings.ttl"
BONE_PAIN = "[ a owl:Restriction ; owl:onProperty lc:hasFinding ; owl:someValuesFrom lc:BonePain ]"
NO_BONE_PAIN = f"[ a owl:Class ; owl:complementOf {BONE_PAIN} ]"


@pytest.fixture
def ontology(tmp_path: Path, root: Path, request: pytest.FixtureRequest, figure: Callable[..., None]) -> Iterator[Path]:
    """Yield a copy of the ontology to be broken, and count the breach as caught where the test then passes."""
    shutil.copytree(root / "ontology", tmp_path / "ontology")
    failed = request.session.testsfailed
    yield tmp_path / "ontology"
    if request.session.testsfailed == failed:
        figure(f"safety: seeded violation caught, {request.node.name.removeprefix('test_').replace('_', ' ')}", 1)


def put(ontology: Path, file: str, old: str, new: str) -> None:
    text = (ontology / file).read_text("utf-8")
    assert text.count(old) >= 1, f"{file} has no {old}"
    (ontology / file).write_text(text.replace(old, new, 1), "utf-8")


def add(ontology: Path, file: str, text: str) -> None:
    with (ontology / file).open("a", encoding="utf-8") as stream:
        stream.write(f"\n{text}\n")


def case_class(name: str, *parts: str) -> str:
    definition = f"[ a owl:Class ; owl:intersectionOf ( {' '.join(parts)} ) ]"
    return f"lc:{name} a owl:Class ; rdfs:subClassOf lc:Case ; owl:equivalentClass {definition} ; skos:prefLabel 'case of {name}'@en .\n"


def breaches(ontology: Path, code: str) -> list[CheckFinding]:
    workspace = read_workspace(ontology.parent)
    check = check_guidelines if code < "LC-2088" and code != "LC-2081" else check_safety
    return [each for each in check(workspace) if isinstance(each, CheckFinding) and each.code == code]


def test_shipped_knowledge_is_safe(root: Path, figure: Callable[..., None]) -> None:
    results = list(check_safety(read_workspace(root)))
    assert not [each for each in results if isinstance(each, CheckFinding)]
    for each in (each for each in results if isinstance(each, Figure)):
        figure(f"safety: {each.name}", each.count)
    assert {each.count for each in results if isinstance(each, Figure)}.isdisjoint({"0"})


@pytest.mark.release
def test_finding_that_silences_a_red_flag(ontology: Path) -> None:
    add(ontology, FLAGS, case_class("LimbWithoutBonePain", "lc:AcuteLimbIschaemiaPattern", NO_BONE_PAIN))
    put(ontology, FLAGS, "lc:hasInclusion lc:AcuteLimbIschaemiaPattern", "lc:hasInclusion lc:LimbWithoutBonePain")
    (finding,) = breaches(ontology, "LC-2081")
    assert "acute limb ischaemia" in finding.what
    assert "in a case with" in finding.why
    assert "adding has finding bone pain: present takes it away" in finding.why


@pytest.mark.release
def test_circle_of_overrides_names_a_patient(ontology: Path) -> None:
    for one, other in (("vitamin_d_replacement", "vitamin_b12_replacement"), ("vitamin_b12_replacement", "vitamin_d_replacement")):
        add(ontology, SOURCE, f"lcg:_Recommendation_droracle_{one} lc:overrides lcg:_Recommendation_droracle_{other} .")
    (finding,) = breaches(ontology, "LC-2140")
    assert "vitamin_b12_replacement ← lcg:_Recommendation_droracle_vitamin_d_replacement ← " in finding.why
    assert "for example: " in finding.why
    assert "vitamin" in finding.why.partition("for example")[2]


def advice(name: str, inclusion: str, rest: str) -> str:
    return (
        f"lcg:_Recommendation_{name} a lc:Recommendation ; lc:direction lc:_Direction_for ; lc:hasInclusion {inclusion} ; "
        f"lc:urgency lc:_Urgency_soon ; skos:prefLabel 'advice {name}'@en ; {rest} ."
    )


@pytest.mark.release
def test_presumptions_that_exclude_each_other(ontology: Path) -> None:
    for name, sign, target in (("with", BONE_PAIN, "vitamin_d_replacement"), ("without", NO_BONE_PAIN, "vitamin_b12_replacement")):
        add(ontology, SOURCE, case_class(f"Adult{name}", "lc:Adult", sign))
        rest = f"lc:overrides lcg:_Recommendation_droracle_{target} ; lc:recommendsAction lcg:_Action_iron"
        add(ontology, SOURCE, advice(name, f"lc:Adult{name}", rest))
    (finding,) = breaches(ontology, "LC-2088")
    assert "advice with, advice without" in finding.what
    assert "replace vitamin D" in finding.what
    assert "for example: age in years" in finding.why
    assert "bone pain" not in finding.why.partition("for example")[2]


@pytest.mark.release
def test_magnesium_while_renal_function_is_unknown(ontology: Path) -> None:
    text = (ontology / SOURCE).read_text("utf-8")
    assert text.count(" ,\n        lc:MagnesiumGateRenalImpairment ;") == 2
    (ontology / SOURCE).write_text(text.replace(" ,\n        lc:MagnesiumGateRenalImpairment ;", " ;"), "utf-8")
    findings = breaches(ontology, "LC-2141")
    assert {finding.what.partition(" stands")[0] for finding in findings} >= {"replace a measured lack of magnesium"}
    assert all("unknown whether estimated filtration rate below 30" in finding.what for finding in findings)
    assert all("no magnesium with renal function unknown; for example: " in finding.why for finding in findings)


@pytest.mark.release
def test_thrombosis_excluded_by_another_diagnosis(ontology: Path) -> None:
    other = "[ a owl:Restriction ; owl:onProperty lc:hasRecordedDiagnosis ; owl:someValuesFrom lc:PeripheralArterialDisease ]"
    put(ontology, REPEAT, "lc:hasInclusion lc:WholeLegUltrasoundUnchanged", "lc:hasInclusion lc:UnchangedWithOther")
    add(ontology, REPEAT, case_class("UnchangedWithOther", "lc:WholeLegUltrasoundUnchanged", other))
    (finding,) = breaches(ontology, "LC-2142")
    assert "not warranted" in finding.what
    assert "adding has recorded diagnosis peripheral arterial disease: present gives it" in finding.why


@pytest.mark.release
def test_ranking_that_would_set_a_clinicians_entry(ontology: Path) -> None:
    put(
        ontology,
        FINDINGS,
        "lc:BonePain\n    a owl:Class ;",
        "lc:BonePain\n    a owl:Class ;\n    rdfs:subClassOf lc:AlternativeDiagnosisAtLeastAsLikely ;",
    )
    (finding,) = breaches(ontology, "LC-2143")
    assert finding.what == "alternative diagnosis at least as likely would be set by a record of bone pain"
    assert "a case with bone pain: present" in finding.why


@pytest.mark.release
def test_case_of_the_scope_in_which_nothing_applies(ontology: Path) -> None:
    for path in sorted((ontology / "guidelines").glob("*.ttl")):
        blocks = re.split(r"(?m)^\.\n", path.read_text("utf-8"))
        kept = [block for block in blocks if "a lc:Recommendation ;" not in block or "lc:rowOf lcg:_Decision_scope" in block]
        path.write_text(re.sub(r"(?m)^    lc:overrides\s[^;]*;\n", "", ".\n".join(kept)), "utf-8")
    (finding,) = breaches(ontology, "LC-2086")
    assert "for example: " in finding.why
    assert "leg cramp" in finding.why


@pytest.mark.release
def test_overriders_of_which_none_is_known(ontology: Path) -> None:
    """Notes of a settled score that together cover every score set aside the request for one that is still open."""
    name = "lcg:_Recommendation_repeat_dvt"
    add(ontology, REPEAT, f"{name}_score_settled_one lc:overrides {name}_wells_after_proximal_scan .")
    (finding,) = breaches(ontology, "LC-2089")
    assert finding.severity is Severity.WARNING
    assert "Wells score after a negative proximal scan can be set aside" in finding.what
    assert "one of note the settled Wells score of 2 or more, note the settled Wells score of exactly 1 must be" in finding.why
