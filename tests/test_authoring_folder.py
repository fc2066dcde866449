"""Which folder a command acts on, what the digest of a program covers, and how modules become known to master and catalogue."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from knowledge_copies import ROOT

from reasoner import resources
from reasoner.authoring.registration import register_modules
from reasoner.cli import main
from reasoner.errors import KnowledgeError, UsageError
from reasoner.resources import COMPILER, knowledge_digest, working_folder

MODULE = """@prefix owl: <http://www.w3.org/2002/07/owl#> .

<https://w3id.org/legcramps/extra>
    a owl:Ontology ;
.
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Return a folder with master, catalogue and one module that neither knows."""
    for part in ("ontology", "shapes"):
        (tmp_path / part).mkdir()
    for name in ("legcramps.ttl", "catalog-v001.xml"):
        (tmp_path / "ontology" / name).write_bytes((ROOT / "ontology" / name).read_bytes())
    (tmp_path / "ontology" / "extra.ttl").write_text(MODULE, encoding="utf-8")
    return tmp_path


def imported(path: Path) -> set[Path]:
    """Return the files of the package that a module imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("reasoner"):
            for name in (str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)):
                stem = ROOT.joinpath(*name.split("."))
                found |= {each for each in (stem.with_suffix(".py"), stem / "__init__.py") if each.is_file()}
    return found


def test_the_digest_covers_every_module_that_shapes_a_program() -> None:
    todo, seen = [ROOT / "reasoner" / "program" / name for name in ("compile.py", "store.py")], set()
    while todo:
        path = todo.pop()
        if path not in seen:
            seen.add(path)
            todo += imported(path)
    beside = {path.stem for path in seen if path.parent == ROOT / "reasoner"} - {"errors"}
    assert set(COMPILER) == beside
    assert len(seen) > 20


def test_the_digest_changes_with_the_compiler(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = knowledge_digest(small)
    monkeypatch.setattr(resources, "COMPILER", COMPILER[1:])
    assert knowledge_digest(small) != before


def test_the_current_folder_is_acted_on(small: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(small)
    assert working_folder() == small
    assert main(["fmt"]) == 0
    captured = capsys.readouterr()
    assert captured.out.splitlines() == ["ontology/legcramps.ttl", "ontology/catalog-v001.xml"]
    assert not captured.err
    assert main(["fmt", "--check"]) == 0


def test_elsewhere_the_folder_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    main(["check", "--only", "strict-parse"])
    assert f"acts on {ROOT}" in capsys.readouterr().err


def test_the_installed_knowledge_is_not_changed(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take `small` for what a plain install carries."""
    monkeypatch.setattr(resources, "_PACKAGED", small)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert working_folder() == small
    with pytest.raises(UsageError, match="is not changed"):
        working_folder(writes=True)
    before = (small / "ontology" / "legcramps.ttl").read_bytes()
    assert main(["fmt"]) == 2
    assert main(["--knowledge", str(small), "fmt"]) == 2
    assert (small / "ontology" / "legcramps.ttl").read_bytes() == before


def test_a_module_is_listed_once(small: Path) -> None:
    names = [path.name for path in register_modules(small)]
    assert names == ["legcramps.ttl", "catalog-v001.xml"]
    master, catalogue = ((small / "ontology" / name).read_text(encoding="utf-8") for name in names)
    assert master.count("<https://w3id.org/legcramps/extra>") == 1
    assert '<uri name="https://w3id.org/legcramps/extra" uri="extra.ttl"/>' in catalogue
    shipped = (ROOT / "ontology" / "legcramps.ttl").read_text(encoding="utf-8").splitlines()
    assert set(shipped) <= set(master.splitlines())
    assert register_modules(small) == ()


def test_nothing_is_written_when_only_asked(small: Path) -> None:
    before = {path: path.read_bytes() for path in small.rglob("*") if path.is_file()}
    assert len(register_modules(small, write=False)) == 2
    assert before == {path: path.read_bytes() for path in small.rglob("*") if path.is_file()}


@pytest.mark.parametrize("text", ["<catalog", "<!DOCTYPE x><catalog/>", "<catalog/>"])
def test_a_broken_catalogue_is_refused(text: str, small: Path) -> None:
    (small / "ontology" / "catalog-v001.xml").write_text(text, encoding="utf-8")
    with pytest.raises(KnowledgeError):
        register_modules(small)
