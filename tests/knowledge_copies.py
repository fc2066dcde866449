"""Make copies of the knowledge that a test may change, with its vignettes, and packs added to them."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from reasoner.authoring.format import format_files
from reasoner.authoring.registration import register_modules
from reasoner.program import Program, dump_program

__all__ = ["PACKS", "ROOT", "add_pack", "copy_knowledge", "keep_program", "put"]

ROOT = Path(__file__).parent.parent
PACKS = ROOT / "tests" / "packs"


def copy_knowledge(folder: Path, vignettes: Iterable[str] = ()) -> Path:
    """Copy ontology, shapes, queries and the vignettes of some groups into a folder."""
    for part in ("ontology", "shapes", "queries", *(f"tests/cases/{group}" for group in vignettes)):
        shutil.copytree(ROOT / part, folder / part)
    (folder / "tests").mkdir(exist_ok=True)
    shutil.copy(ROOT / "tests" / "compare.py", folder / "tests")
    return folder


def add_pack(folder: Path, name: str) -> Path:
    """Add the files of a pack and list its modules, as `legcramps fmt` does; nothing else is touched."""
    shutil.copytree(PACKS / name, folder, dirs_exist_ok=True)
    format_files([folder / "ontology", folder / "shapes"])
    register_modules(folder)
    return folder


def keep_program(cache: Path, program: Program) -> Path:
    """Put a compiled program where commands look for it that have this folder as their cache; return the folder."""
    (cache / "legcramps").mkdir()
    (cache / "legcramps" / f"{program.digest}.json").write_text(dump_program(program), encoding="utf-8")
    return cache


def put(path: Path, old: str, new: str) -> None:
    """Replace the first `old` of a file."""
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{path.name} has no {old}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
