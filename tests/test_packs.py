"""Knowledge is extended by files alone: each pack is at most two Turtle files and a vignette, and everything follows it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from knowledge_copies import PACKS, ROOT, add_pack, copy_knowledge, keep_program

from reasoner import assess, load_records
from reasoner.authoring.check import run_check
from reasoner.authoring.diff import Difference, compare_versions
from reasoner.authoring.diff_formats import write_difference
from reasoner.authoring.format import format_turtle
from reasoner.authoring.registration import register_modules
from reasoner.authoring.results import Severity
from reasoner.authoring.site.build import build_site
from reasoner.authoring.versions import Version
from reasoner.authoring.workspace import read_workspace
from reasoner.cli import main
from reasoner.moments import Moment
from reasoner.namespaces import LC, LCG, PREFIXES, SKOS, expand
from reasoner.program import Program
from reasoner.resources import load_knowledge

NAMES = sorted(path.name for path in PACKS.iterdir())
STAGES = (
    "strict-parse",
    "canonical-form",
    "closed-world",
    "imports",
    "hygiene",
    "case-profile",
    "guideline-rules",
    "sentence-coverage",
    "vignettes",
)
SLOW = ("shapes", "classification")
NOW = Moment(0, 0, "1970-01-01T00:00:00Z")
VIGNETTES = ("coexisting", "conditions", "dvt", "red-flags", "scope")


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, knowledge: Program) -> Iterator[None]:
    """Keep compiled programs for this module only, beginning with the shipped one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(keep_program(tmp_path_factory.mktemp("cache"), knowledge)))
        yield


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an unchanged copy."""
    return copy_knowledge(tmp_path_factory.mktemp("base"), VIGNETTES)


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return what makes a copy with one pack, once per pack."""
    made: dict[str, Path] = {}

    def make(name: str) -> Path:
        if name not in made:
            made[name] = add_pack(copy_knowledge(tmp_path_factory.mktemp(name), VIGNETTES), name)
        return made[name]

    return make


@pytest.fixture(scope="module")
def difference(base: Path, extended: Callable[[str], Path]) -> Callable[[str], Difference]:
    """Return what compares the copy with one pack to the unchanged one, once per pack."""
    found: dict[str, Difference] = {}

    def compare(name: str) -> Difference:
        if name not in found:
            found[name] = compare_versions(Version("old", base), Version("new", extended(name)), NOW)
        return found[name]

    return compare


def own_report(folder: Path, name: str) -> dict[str, Any]:
    """Return the report on a pack's vignette."""
    program = load_knowledge(folder)
    (case,) = assess(load_records([folder / "tests" / "cases" / "packs" / name / "record.ttl"], program), program).to_json()["cases"]
    return case  # type: ignore[no-any-return]


def rows_of(capsys: pytest.CaptureFixture[str], folder: Path, query: str, *files: Path) -> list[dict[str, Any]]:
    """Return the rows of a shipped query over record files."""
    assert main(["--knowledge", str(folder), "query", query, *map(str, files), "--format", "json"]) == 0
    return json.loads(capsys.readouterr().out)["results"]["bindings"]  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", NAMES)
def test_pack_is_two_files_and_a_vignette(name: str) -> None:
    files = sorted(path.relative_to(PACKS / name).as_posix() for path in (PACKS / name).rglob("*") if path.is_file())
    vignette = f"tests/cases/packs/{name}"
    knowledge = [file for file in files if file.startswith("ontology/")]
    assert 1 <= len(knowledge) <= 2
    assert files == sorted([*knowledge, f"{vignette}/expected.json", f"{vignette}/record.ttl"])
    assert all(file.endswith(".ttl") for file in knowledge)
    assert not any((ROOT / file).exists() for file in files), "a pack adds files, it changes none"


@pytest.mark.parametrize("name", NAMES)
def test_check_is_green(name: str, extended: Callable[[str], Path]) -> None:
    report = run_check(extended(name), only=STAGES)
    assert [stage.name for stage in report.stages if not stage.not_run] == list(STAGES)
    grave = [finding.line() for finding in report.findings if finding.severity is Severity.VIOLATION]
    assert not grave, "\n".join(grave)


def test_popliteal_artery_entrapment_leads_and_moves_no_other_patient(difference: Callable[[str], Difference]) -> None:
    found = difference("popliteal-artery-entrapment")
    assert found.release.level == "minor"
    assert {term.removeprefix(LC) for term, _ in found.terms.added} >= {"PoplitealArteryEntrapment", "AnklePulseLostOnPlantarflexion"}
    assert not found.terms.changed and not found.terms.removed and not found.terms.effects
    (group,) = found.patients.groups.values()
    assert (found.patients.moved, group.names) == (1, ["packs/popliteal-artery-entrapment"])
    assert expand("lc:_Criterion_popliteal_artery_entrapment_ankle_pulse_lost") in group.causes
    moves = {(move.kind, move.label): (move.before, move.after) for move in group.moves}
    assert moves["condition", "popliteal artery entrapment"] == ("", "likely (+9.0)")
    text = write_difference(found, "text")
    assert "ankle pulse lost on resisted plantarflexion (+6.0)" in text


def test_the_documentation_follows_a_pack(extended: Callable[[str], Path]) -> None:
    site = build_site(extended("popliteal-artery-entrapment"))
    pages = {name: text.decode() for name, text in site.items() if name.endswith(".html")}
    own = [text for name, text in pages.items() if "popliteal" in name.lower()]
    assert own
    assert any("ankle pulse lost on resisted plantarflexion" in text for text in own)


def test_mcardle_disease_asks_for_creatine_kinase(difference: Callable[[str], Difference], extended: Callable[[str], Path]) -> None:
    report = own_report(extended("mcardle-disease"), "mcardle-disease")
    (ranked,) = [each for each in report["differential"] if each["condition"] == expand("lc:McArdleDisease")]
    assert any("creatine kinase" in each["label"] for each in ranked["missing"])
    found = difference("mcardle-disease")
    assert found.release.level == "minor"
    own = [group for group in found.patients.groups.values() if "packs/mcardle-disease" in group.names]
    assert own and all(expand("lc:SecondWind") in group.causes for group in own)
    moved = {name for group in found.patients.groups.values() for name in group.names}
    assert moved == {"packs/mcardle-disease"} | {name for name in moved if expand("lc:McArdleDisease") in causes_naming(found, name)}


def causes_naming(found: Difference, name: str) -> set[str]:
    """Return the causes of the groups that name a patient."""
    return {cause for group in found.patients.groups.values() if name in group.names for cause in group.causes}


def test_hypocalcaemic_tetany_raises_its_red_flag(
    difference: Callable[[str], Difference], extended: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    name = "hypocalcaemic-tetany"
    folder = extended(name)
    rows = rows_of(capsys, folder, "red-flags", folder / "tests" / "cases" / "packs" / name / "record.ttl")
    flag = expand("lcg:_RedFlag_laryngeal_spasm")
    assert [row["certainty"]["value"] for row in rows if row["flag"]["value"] == flag] == ["certain"]
    found = difference(name)
    assert not found.patients.flags_lost
    moves = {(move.kind, move.term): (move.before, move.after) for group in found.patients.groups.values() for move in group.moves}
    assert moves["red flag", flag] == ("", "certain")
    assert found.release.level == "major", "an emergency sets routine advice aside"
    assert "set aside by others" in {effect.kind for effect in found.terms.effects}
    assert not found.safety.gained


def test_a_national_guideline_sets_another_threshold(
    difference: Callable[[str], Difference], extended: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    name = "national-ankle-brachial-index"
    found = difference(name)
    over, under = (
        expand("lcg:_Recommendation_droracle_arterial_duplex_low_index"),
        expand("lcg:_Recommendation_example_national_exercise_index_first"),
    )
    moves = {move.term: (move.before, move.after) for group in found.patients.groups.values() for move in group.moves}
    assert moves[over] == ("presumed", "")
    assert moves[under] == ("", "presumed")
    assert {effect.term: effect.via for effect in found.terms.effects} == {over: (under,)}
    assert all(under in causes or expand("lc:MildlyLowAnkleBrachialIndex") in causes for causes in found.patients.groups)
    folder = extended(name)
    record = folder / "tests" / "cases" / "packs" / name / "record.ttl"
    tests = {row["test"]["value"] for row in rows_of(capsys, folder, "next-tests", record)}
    assert expand("lc:ExerciseAnkleBrachialIndexTest") in tests
    assert expand("lc:ArterialDuplex") not in tests
    assert [
        each["chosen"] for each in own_report(folder, name)["disagreements"] if each["topic"] == "ankle-brachial index that leads to a scan"
    ]


def test_a_new_drug_class_is_reviewed(difference: Callable[[str], Difference]) -> None:
    found = difference("cholinesterase-inhibitors")
    (moved,) = {name for group in found.patients.groups.values() for name in group.names}
    assert moved == "packs/cholinesterase-inhibitors"
    causes = {cause for group in found.patients.groups.values() for cause in group.causes}
    assert {expand("lc:Donepezil"), expand("lc:CholinesteraseInhibitor")} <= causes
    assert found.release.level == "major", "a condition that both versions have is weighed by one criterion more"


def test_packs_are_not_fewer_than_before() -> None:
    assert set(NAMES) >= {
        "cholinesterase-inhibitors",
        "hypocalcaemic-tetany",
        "mcardle-disease",
        "national-ankle-brachial-index",
        "popliteal-artery-entrapment",
    }


@pytest.mark.release
def test_all_packs_together_pass_every_stage(tmp_path: Path) -> None:
    folder = copy_knowledge(tmp_path)
    for name in NAMES:
        add_pack(folder, name)
    (folder / "ontology" / "translations").mkdir()
    (folder / TRANSLATION).write_text(translation(folder), encoding="utf-8")
    register_modules(folder)
    report = run_check(folder, only=(*STAGES, *SLOW))
    grave = [finding.line() for finding in report.findings if finding.severity is Severity.VIOLATION]
    assert not grave, "\n".join(grave)
    assert not [stage.name for stage in report.stages if stage.not_run]


# --- a translation of all labels --------------------------------------------------------------------------------------

TRANSLATION = "ontology/translations/labels-de.ttl"
GERMAN = {"LegCramp": "Beinkrampf", "PeripheralArterialDisease": "periphere arterielle Verschlusskrankheit", "Statin": "Statin"}


def translation(folder: Path) -> str:
    """Return a module that gives every term of the project a German label: some real, the others the English one, marked."""
    workspace = read_workspace(folder)
    modules = sorted(file.module for file in workspace.ontology if not file.name.endswith("/legcramps.ttl"))
    imports = " , ".join(f"<{module}>" for module in modules)
    lines = [
        "@prefix dcterms: <http://purl.org/dc/terms/> .",
        "@prefix owl: <http://www.w3.org/2002/07/owl#> .",
        "@prefix skos: <http://www.w3.org/2004/02/skos/core#> .",
        "<https://w3id.org/legcramps/labels-de> a owl:Ontology ; owl:imports " + imports + " ;",
        '    dcterms:license <https://www.apache.org/licenses/LICENSE-2.0> ; dcterms:title "Legcramps labels in German"@en ;',
        '    skos:definition "The labels of all terms in German."@en .',
    ]
    for term in sorted(workspace.graph.out):
        if term.startswith((LC, LCG)) and workspace.graph.nodes(term, SKOS + "prefLabel"):
            label = GERMAN.get(term.removeprefix(LC), f"en {workspace.graph.label(term)}"[:120].strip())
            lines.append(f"<{term}> skos:prefLabel {json.dumps(label, ensure_ascii=False)}@de .")
    assert len(lines) > 1500
    return format_turtle("\n".join(lines) + "\n", TRANSLATION)


@pytest.fixture(scope="module")
def translated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy with the translation."""
    folder = copy_knowledge(tmp_path_factory.mktemp("translated"), ["source-text"])
    (folder / "ontology" / "translations").mkdir()
    (folder / TRANSLATION).write_text(translation(folder), encoding="utf-8")
    register_modules(folder)
    return folder


def test_a_translation_passes_the_check(translated: Path) -> None:
    report = run_check(translated, only=STAGES)
    grave = [finding.line() for finding in report.findings if finding.severity is Severity.VIOLATION]
    assert not grave, "\n".join(grave[:20])


def test_a_translation_is_a_patch_that_changes_no_report_and_no_row(
    base: Path, translated: Path, capsys: pytest.CaptureFixture[str], knowledge: Program
) -> None:
    found = compare_versions(Version("old", base), Version("new", translated), NOW)
    assert found.release.level == "patch"
    assert not found.patients.moved
    assert len(found.terms.reworded) > 1500
    record = next((translated / "tests" / "cases" / "source-text").glob("*/record.ttl"))
    program = load_knowledge(translated)
    assert program.labels == knowledge.labels
    reports = [assess(load_records([record], each), each).to_json()["cases"] for each in (knowledge, program)]
    assert reports[0] == reports[1]
    for query in ("next-tests", "CQ05", "CQ25", "CQ16"):
        assert rows_of(capsys, ROOT, query, record) == rows_of(capsys, translated, query, record), query


# --- hostile packs ----------------------------------------------------------------------------------------------------

PREFIX = "".join(f"@prefix {name}: <{stem}> .\n" for name, stem in PREFIXES.items())
MARK = "dcterms:source lcg:_Citation_expert_recall ; lc:verification lc:_Verification_recall"
EXAMPLE = "skos:prefLabel 'hostile {0}'@en ; skos:definition 'A hostile thing called {0}.'@en"


def case_class(name: str, definition: str) -> str:
    return f"lc:{name} a owl:Class ; rdfs:subClassOf lc:Case ; {MARK} ; owl:equivalentClass {definition} ; {EXAMPLE.format(name)} .\n"


def advice(name: str, rest: str) -> str:
    return (
        f"lcg:_Recommendation_hostile_{name} a lc:Recommendation ; {MARK} ; lc:presentationOrder 1 ; lc:step lc:_Step_conditional ;"
        f" lc:isPartOfGuideline lcg:_Guideline_droracle_bilateral_leg_cramps_2026 ; lc:urgency lc:_Urgency_soon ; lc:hasInclusion lc:Adult ;"
        f" lc:statement 'Hostile advice {name}.'@en ; {rest} ; {EXAMPLE.format(name)} .\n"
    )


FOR, AGAINST = "lc:direction lc:_Direction_for", "lc:direction lc:_Direction_against"
DUPLEX = "lc:recommendsInvestigation lc:ArterialDuplex"
RECALLED = MARK.replace("expert_recall", "nobody_wrote")


class Hostile(NamedTuple):
    """A pack that must be refused: its Turtle, the stage and code, what the line named holds, and words of the message."""

    name: str
    text: str
    stage: str
    code: str
    line: str
    words: str


HOSTILE = [
    Hostile(
        "cycle of definitions",
        case_class("HostileOne", "[ a owl:Class ; owl:intersectionOf ( lc:Case lc:HostileTwo ) ]")
        + case_class("HostileTwo", "[ a owl:Class ; owl:intersectionOf ( lc:Case lc:HostileOne ) ]"),
        "case-profile",
        "LC-1310",
        "lc:Hostile",
        "circle",
    ),
    Hostile(
        "cycle of overrides",
        advice("one", f"{FOR} ; {DUPLEX} ; lc:overrides lcg:_Recommendation_hostile_two")
        + advice("two", f"{FOR} ; {DUPLEX} ; lc:overrides lcg:_Recommendation_hostile_one"),
        "case-profile",
        "LC-1320",
        "lcg:_Recommendation_hostile",
        "circle",
    ),
    Hostile(
        "contradiction",
        case_class("HostileNever", "[ a owl:Class ; owl:intersectionOf ( lc:Under18 lc:Age65Plus ) ]"),
        "guideline-rules",
        "LC-2087",
        "owl:equivalentClass",
        "contradicts itself",
    ),
    Hostile(
        "missing citation",
        f"lc:HostileFinding a owl:Class ; rdfs:subClassOf lc:MuscleSign ; {RECALLED} ; {EXAMPLE.format('finding')} .\n",
        "closed-world",
        "LC-2020",
        "lcg:_Citation_nobody_wrote",
        "is not declared",
    ),
    Hostile(
        "no source",
        "lc:_Criterion_hostile a lc:DiagnosticCriterion ; lc:aboutCondition lc:Myopathy ; lc:aboutFinding lc:MuscleTenderness ;"
        f" lc:pertinence lc:_Pertinence_weakly_positive ; {EXAMPLE.format('criterion')} .\n",
        "hygiene",
        "LC-H15",
        "lc:_Criterion_hostile",
        "names no source",
    ),
    Hostile(
        "a condition weighed as a finding",
        f"lc:_Criterion_hostile a lc:DiagnosticCriterion ; {MARK} ; lc:aboutCondition lc:Myopathy ; lc:aboutFinding lc:CalfOveruse ;"
        f" lc:pertinence lc:_Pertinence_weakly_positive ; {EXAMPLE.format('criterion')} .\n",
        "case-profile",
        "LC-1300",
        "lc:_Criterion_hostile",
        "no class below lc:Finding",
    ),
    Hostile(
        "unit clash",
        f"lc:hostileLevel a owl:DatatypeProperty , owl:FunctionalProperty ; {MARK} ; lc:acceptedUnit 'mg/dL' ; lc:canonicalUnit 'mmol/L' ;"
        " lc:governingValue lc:_Governing_latest ; lc:indicatorForm lc:_Form_select ; lc:measuredBy lc:CalciumMeasurement ; lc:stableForDays 0 ;"
        f" lc:validForDays 30 ; rdfs:domain lc:Case ; rdfs:range xsd:decimal ; {EXAMPLE.format('level')} .\n",
        "case-profile",
        "LC-1300",
        "lc:hostileLevel",
        "molarMass",
    ),
    Hostile(
        "recommends and forbids one act",
        advice("yes", f"{FOR} ; {DUPLEX}") + advice("no", f"{AGAINST} ; {DUPLEX}"),
        "guideline-rules",
        "LC-2084",
        "lc:direction lc:_Direction_against",
        "for example",
    ),
    Hostile(
        "undeclared term",
        case_class("HostileTypo", "[ a owl:Restriction ; owl:onProperty lc:hasFinding ; owl:someValuesFrom lc:MuscleTendernes ]"),
        "closed-world",
        "LC-2020",
        "lc:MuscleTendernes",
        "lc:MuscleTenderness",
    ),
]


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    return copy_knowledge(tmp_path)


@pytest.mark.parametrize("pack", HOSTILE, ids=lambda pack: pack.name)
def test_hostile_pack_is_refused_where_it_stands(pack: Hostile, hostile: Path) -> None:
    path = hostile / "ontology" / "guidelines" / "hostile-pack.ttl"
    header = "<https://w3id.org/legcramps/hostile-pack> a owl:Ontology ; owl:imports <https://w3id.org/legcramps/citations> .\n"
    path.write_text(format_turtle(PREFIX + header + pack.text, path.name), encoding="utf-8")
    lines = path.read_text(encoding="utf-8").split("\n")
    findings = [finding for finding in run_check(hostile, only=[pack.stage]).findings if finding.code == pack.code]
    here = [finding for finding in findings if finding.where.startswith("ontology/guidelines/hostile-pack.ttl:")]
    assert here, [finding.line() for finding in findings]
    assert any(pack.line in lines[int(finding.where.rpartition(":")[2]) - 1] for finding in here), [finding.where for finding in here]
    assert any(pack.words in finding.line() for finding in here), [finding.line() for finding in here]
    assert all(finding.severity is Severity.VIOLATION and finding.repair for finding in here)


def test_hostile_packs_are_not_fewer_than_before() -> None:
    assert len(HOSTILE) >= 9


def test_no_pack_has_a_line_of_python_that_knows_it() -> None:
    """Names of packs stand in no module of the package, so nothing was written for them."""
    words = {name.replace("-", form) for name in NAMES for form in ("-", "_", " ", "")}
    for path in sorted((ROOT / "reasoner").rglob("*.py")):
        text = path.read_text(encoding="utf-8").lower()
        assert not [word for word in words if word in text], path
