"""Open a version of the knowledge: a folder as it is, or a git revision unpacked into a temporary folder."""

from __future__ import annotations

import re
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from reasoner.authoring.profile_checks import all_definitions
from reasoner.authoring.workspace import Workspace, read_workspace
from reasoner.errors import KnowledgeError, LegcrampsError, LimitError, UsageError, visible
from reasoner.expressions import Expression
from reasoner.knowledge import Graph, read_graph
from reasoner.namespaces import RDFS
from reasoner.program.model import Program
from reasoner.resources import load_knowledge
from reasoner.terms import lc

__all__ = ["RECORD_SHAPES", "Version", "open_version"]

RECORD_SHAPES = "record.ttl"
"""The file of shapes that records are held to."""


_REVISION = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_./^~@{}+-]*")
_PARTS = ("ontology", "shapes", "queries", "tests/cases")
_LARGEST = 256 * 1024 * 1024
"""Bytes that a revision may unpack to."""


@dataclass(frozen=True)
class Version:
    """One version of the knowledge, by the name that the caller gave it, with all that is compared."""

    name: str
    folder: Path

    @cached_property
    def program(self) -> Program:
        """Return the compiled program; raise KnowledgeError that names the version."""
        try:
            return load_knowledge(self.folder)
        except LegcrampsError as error:
            raise KnowledgeError(
                f"The version {visible(self.name)} does not compile",
                where=error.where,
                why=f"{error.what}: {error.why}",
                repair=error.repair,
            ) from error

    @cached_property
    def workspace(self) -> Workspace:
        """Return the files with their lines."""
        return read_workspace(self.folder)

    @cached_property
    def graph(self) -> Graph:
        """Return the ontology as a graph."""
        return self.workspace.graph

    @cached_property
    def shapes(self) -> Graph:
        """Return the shapes of records as a graph; the others are checks of authors and bear on no patient."""
        return read_graph((self.folder / "shapes").glob(RECORD_SHAPES))

    @cached_property
    def definitions(self) -> Mapping[str, Expression]:
        """Return the definitions of case classes and of advice."""
        return all_definitions(self.graph)

    @cached_property
    def case_classes(self) -> frozenset[str]:
        """Return the case classes that authors define, those of advice left out."""
        return frozenset(self.graph.subjects(RDFS + "subClassOf", lc("Case"))) & self.program.classes.keys()

    @cached_property
    def vignettes(self) -> Mapping[str, Path]:
        """Return the records of the vignettes by the name of their folder below tests/cases."""
        cases = self.folder / "tests" / "cases"
        return {path.parent.relative_to(cases).as_posix(): path for path in sorted(cases.rglob("record.ttl"))}


@contextmanager
def open_version(name: str, repository: Path) -> Iterator[Version]:
    """Yield the version that a folder or a git revision of `repository` holds; raise UsageError for a name that is neither."""
    if name and Path(name).is_dir():
        if not (Path(name) / "ontology").is_dir():
            raise UsageError("The folder holds no knowledge", where=name, why="it has no ontology/ in it", repair="name its parent")
        yield Version(name, Path(name))
        return
    with tempfile.TemporaryDirectory(prefix="legcramps-") as folder:
        _unpack(_commit(name, repository), repository, Path(folder))
        if not (Path(folder) / "ontology").is_dir():
            raise UsageError("The revision holds no knowledge", where=name, why="it has no ontology/ in it", repair="name a later one")
        yield Version(name, Path(folder))


def _commit(name: str, repository: Path) -> str:
    """Return the commit that a revision names; names that could be options or hold odd characters are refused."""
    shown = visible(name)
    if not _REVISION.fullmatch(name) or ".." in name:
        raise UsageError(f"“{shown}” is neither a folder nor the name of a git revision", repair="name a branch, tag, commit or folder")
    done = _git(repository, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    commit = done.stdout.decode(errors="replace").strip()
    if done.returncode or not re.fullmatch(r"[0-9a-f]{40,64}", commit):
        why = visible(done.stderr.decode(errors="replace").strip()) or "git knows no such revision"
        raise UsageError(
            f"“{shown}” is neither a folder nor a git revision", where=str(repository), why=why, repair="see git log --oneline"
        )
    return commit


def _git(repository: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(["git", "-C", str(repository), *arguments], capture_output=True, check=False)  # noqa: S603, S607
    except OSError as error:
        raise UsageError("git cannot be run", why=str(error), repair="install git, or name two folders") from error


def _unpack(commit: str, repository: Path, folder: Path) -> None:
    """Write the knowledge of a commit below `folder`, as a stream, regular files only."""
    command = ["git", "-C", str(repository), "archive", "--format=tar", commit]
    left = _LARGEST
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:  # noqa: S603
        try:
            with tarfile.open(fileobj=process.stdout, mode="r|") as archive:
                for member in archive:
                    if member.isfile() and any(member.name.startswith(f"{part}/") for part in _PARTS):
                        left -= member.size
                        if left < 0:
                            raise LimitError(
                                "The revision is too large", where=commit, why=f"more than {_LARGEST} bytes", repair="name a folder"
                            )
                        archive.extract(member, folder, filter="data")
        except tarfile.TarError as error:
            raise UsageError("The revision cannot be unpacked", where=commit, why=str(error), repair="see git fsck") from error
        finally:
            process.kill()
