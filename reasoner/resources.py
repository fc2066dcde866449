"""Find ontology, shapes and queries, and the compiled program that belongs to them.

A checkout or `--knowledge DIR` is hashed at every start; a program that is stale is compiled anew into the user's
cache. An installed package carries the folders and a program of its own under `reasoner/data/`.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from reasoner.errors import KnowledgeError, UsageError
from reasoner.program import Program, dump_program, load_program

__all__ = ["COMPILER", "knowledge_digest", "knowledge_folder", "load_knowledge", "query_files", "working_folder"]

_PACKAGED = Path(__file__).parent / "data"
_CHECKOUT = Path(__file__).parent.parent
_PARTS = (("ontology", "*.ttl"), ("shapes", "*.ttl"))
COMPILER = ("expressions", "frozen", "knowledge", "literals", "namespaces", "profile", "shape_plans", "shapes", "terms")
"""The modules beside `reasoner.program` on which it depends what a folder is compiled to."""


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


def working_folder(given: Path | str | None = None, *, writes: bool = False) -> Path:
    """Return the folder that an author works on: the one named, the current one if it holds knowledge, else the one at hand.

    Raises UsageError for a command that `writes` and would change the knowledge inside an installed package.
    """
    here = Path.cwd()
    folder = here if not given and all((here / part).is_dir() for part, _ in _PARTS) else knowledge_folder(given)
    if writes and folder.resolve() == _PACKAGED.resolve():
        raise UsageError(
            "The installed knowledge is not changed",
            where=str(folder),
            why="the current folder holds no ontology/ and shapes/",
            repair="run the command in a folder that holds them, or name one by --knowledge",
        )
    return folder


def knowledge_digest(folder: Path) -> str:
    """Return the SHA-256 over names and bytes of all ontology and shape files, and of the compiler that reads them."""
    digest = hashlib.sha256()
    package = Path(__file__).parent
    for path in (*(package / f"{name}.py" for name in COMPILER), *sorted((package / "program").glob("*.py"))):
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
