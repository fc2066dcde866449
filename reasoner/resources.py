"""Find ontology, shapes and queries, and the compiled program that belongs to them.

A checkout or `--knowledge DIR` is hashed at every start; a program that is stale is compiled anew into the user's
cache. An installed package carries the folders and a program of its own under `reasoner/data/`.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from reasoner.errors import KnowledgeError
from reasoner.program import Program, dump_program, load_program

__all__ = ["knowledge_digest", "knowledge_folder", "load_knowledge", "query_files"]

_PACKAGED = Path(__file__).parent / "data"
_CHECKOUT = Path(__file__).parent.parent
_PARTS = (("ontology", "*.ttl"), ("shapes", "*.ttl"))


def knowledge_folder(given: Path | str | None = None) -> Path:
    """Return the folder that holds `ontology/ shapes/ queries/`; raise KnowledgeError when there is none."""
    for folder in (Path(given),) if given else (_PACKAGED, _CHECKOUT):
        if (folder / "ontology").is_dir():
            return folder
    raise KnowledgeError(
        "No knowledge folder was found",
        where=str(given or _CHECKOUT),
        why="it has no ontology/ in it",
        repair="name a folder that holds ontology/, shapes/ and queries/",
    )


def knowledge_digest(folder: Path) -> str:
    """Return the SHA-256 over names and bytes of all ontology and shape files, and of the compiler that reads them."""
    digest = hashlib.sha256()
    for path in sorted((Path(__file__).parent / "program").glob("*.py")):
        digest.update(path.read_bytes())
    for part, pattern in _PARTS:
        for path in sorted((folder / part).rglob(pattern)):
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def query_files(folder: Path) -> list[Path]:
    """Return the shipped queries, sorted by path."""
    return sorted((folder / "queries").rglob("*.rq"))


def load_knowledge(folder: Path | str | None = None) -> Program:
    """Return the compiled program of a knowledge folder, compiling it when no fresh one is at hand."""
    found = knowledge_folder(folder)
    shipped = found / "program.json"
    if found == _PACKAGED and shipped.is_file():
        return load_program(shipped.read_bytes())
    digest = knowledge_digest(found)
    cached = _cache_folder() / f"{digest}.json"
    try:
        program = load_program(cached.read_bytes())
        if program.digest == digest:
            return program
    except (OSError, KnowledgeError):
        pass
    from reasoner.program.compile import compile_program

    program = compile_program(found, digest)
    _store(cached, dump_program(program))
    return program


def _cache_folder() -> Path:
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "legcramps"


def _store(path: Path, text: str) -> None:
    """Write by temporary file and rename; a cache that cannot be written costs time, never the answer."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
            file.write(text)
        Path(file.name).replace(path)
    except OSError:
        pass
