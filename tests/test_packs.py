"""Knowledge is extended by files alone: each pack is at most two Turtle files and a vignette, and everything follows it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from knowledge_copies import PACKS, ROOT, add_pack, copy_knowledge

from reasoner import assess, load_records
from reasoner.authoring.check import run_check
from reasoner.authoring.diff import Difference, compare_versions
from reasoner.authoring.diff_formats import write_difference
from reasoner.authoring.results import Severity
from reasoner.authoring.versions import Version
from reasoner.cli import main
from reasoner.moments import Moment
from reasoner.namespaces import LC, expand
from reasoner.program import Program, dump_program
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
def cache(tmp_path_factory: pytest.TempPathFactory, knowledge: Program) -> Any:
    """Keep compiled programs for this module only, beginning with the shipped one."""
    folder = tmp_path_factory.mktemp("cache")
    (folder / "legcramps").mkdir()
    (folder / "legcramps" / f"{knowledge.digest}.json").write_text(dump_program(knowledge), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield folder


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


def test_packs_are_not_fewer_than_before() -> None:
    assert set(NAMES) >= {"popliteal-artery-entrapment"}


def test_no_pack_has_a_line_of_python_that_knows_it() -> None:
    """Names of packs stand in no module of the package, so nothing was written for them."""
    words = {name.replace("-", form) for name in NAMES for form in ("-", "_", " ", "")}
    for path in sorted((ROOT / "reasoner").rglob("*.py")):
        text = path.read_text(encoding="utf-8").lower()
        assert not [word for word in words if word in text], path
