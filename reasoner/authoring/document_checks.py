"""Check that what the documents name is there: paths, links, commands with their options, query ids, and one version.

Only what a reader would look up is checked: inline code and links wherever they stand, and in code blocks the commands.
A name with a placeholder such as `<condition>` or NN stands for many and is passed over.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from reasoner.authoring.results import CheckFinding, NotRun, Severity
from reasoner.authoring.workspace import Workspace
from reasoner.namespaces import BASE, OWL

__all__ = ["check_documents"]

_DOCUMENTS = ("*.md", "benchmarks/**/*.md", "docs/**/*.md", "ontology/**/*.md", "queries/**/*.md", "shapes/**/*.md", "tests/**/*.md")
_BLOCK = re.compile(r"^\s*(```|~~~)")
_INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_PATH = re.compile(r"[\w.*-]+(?:/[\w.*-]+)*/?")
_SUFFIXES = (".csv", ".json", ".jsonld", ".md", ".py", ".rq", ".toml", ".ttl", ".xml")
_COMMAND = re.compile(r"(?:^|[\s/])(?:legcramps|python3? -m reasoner)\s+(?!$)(.*)")
_END = re.compile(r"\s(?:&&|\|\||[|;>]|#)(?:\s|$)|[;&|]$")
_OPTION = re.compile(r"--[a-z][a-z-]*")
_QUERY_ID = re.compile(r"(?:H|CQ)[0-9]{2,}")
_VALUE_OPTIONS = ("--knowledge",)


@dataclass(frozen=True)
class _Named:
    """Something that a document names, and where."""

    kind: str
    text: str
    where: str
    folder: Path


def check_documents(workspace: Workspace) -> Iterator[CheckFinding]:
    """Yield names in documents that lead nowhere, and versions that differ; raise NotRun outside a checkout."""
    root = workspace.folder
    if not (root / "README.md").is_file():
        raise NotRun("README.md is not here")
    ids = _query_ids(root)
    for path in sorted({path for pattern in _DOCUMENTS for path in root.glob(pattern)}):
        for named in _names(path, root):
            if named.kind == "command":
                yield from _command(named)
            elif named.kind == "query" and named.text not in ids:
                yield _finding(
                    "LC-2120", f"There is no query {named.text}", named.where, "no file of queries/ has that id", "name one that exists"
                )
            elif named.kind in ("path", "link") and not _exists(root, named):
                why = f"neither below the project nor beside {path.name}"
                yield _finding("LC-2120", f"There is no {named.text}", named.where, why, "correct the name, or add the file")
    if not workspace.broken:
        yield from _versions(workspace)


def _finding(code: str, what: str, where: str, why: str, repair: str) -> CheckFinding:
    return CheckFinding("documents", Severity.VIOLATION, what, where, why, repair, code)


def _names(path: Path, root: Path) -> Iterator[_Named]:
    """Yield what one document names."""
    inside = False
    name = path.relative_to(root).as_posix()
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        where = f"{name}:{number}"
        if _BLOCK.match(line):
            inside = not inside
        elif inside:
            match = _COMMAND.search(line)
            if match:
                yield _Named("command", match.group(1), where, path.parent)
        else:
            for text in _INLINE.findall(line):
                kind = _kind(text, root)
                if kind:
                    match = _COMMAND.search(text)
                    yield _Named(kind, match.group(1) if match else text, where, path.parent)
            for text in _LINK.findall(line):
                if ":" not in text and not text.startswith("#"):
                    yield _Named("link", text.partition("#")[0], where, path.parent)


def _kind(text: str, root: Path) -> str:
    """Return what an inline code names: a command, a query, a path, or nothing that can be checked."""
    if _COMMAND.search(text):
        return "command"
    if _QUERY_ID.fullmatch(text):
        return "query"
    if _PATH.fullmatch(text) and (text.endswith(_SUFFIXES) or ("/" in text and (root / text.partition("/")[0]).is_dir())):
        return "path" if text.strip("*./") and not text.startswith(("*.", "./", "../")) and "NN" not in text else ""
    return ""


def _exists(root: Path, named: _Named) -> bool:
    text = named.text.rstrip("/")
    for folder in (root, named.folder):
        if any(folder.glob(text)) if "*" in text else (folder / text).exists():
            return True
    return named.kind == "path" and "/" not in text and any(_beside(root, text))


def _beside(root: Path, name: str) -> Iterator[Path]:
    """Yield the files of that name, or of that ending when it begins with an underscore, in the folders of the project."""
    pattern = f"*{name}" if name.startswith("_") else name
    for folder in ("benchmarks", "docs", "ontology", "queries", "reasoner", "shapes", "tests"):
        yield from (root / folder).rglob(pattern)


def _query_ids(root: Path) -> frozenset[str]:
    texts = (path.read_text(encoding="utf-8") for path in root.glob("queries/**/*.rq"))
    return frozenset(match for text in texts for match in re.findall(r"^#\+\s+id:\s*(\S+)", text, re.MULTILINE))


# --- commands ------------------------------------------------------------------------------------------------


def _command(named: _Named) -> Iterator[CheckFinding]:
    """Yield a verb that does not exist, and options that the verb does not have."""
    text = named.text[: end.start()] if (end := _END.search(named.text)) else named.text
    try:
        words = shlex.split(text)
    except ValueError:
        words = text.split()
    while words and words[0] in _VALUE_OPTIONS:
        words = words[2:]
    if not words or not re.fullmatch(r"[a-z]+", words[0]):
        return
    usage = _help(words[0])
    if usage is None:
        yield _finding(
            "LC-2121", f"There is no command legcramps {words[0]}", named.where, named.text, "name one that `legcramps --help` lists"
        )
        return
    known = set(_OPTION.findall(usage)) | set(_OPTION.findall(_help("") or ""))
    for word in words[1:]:
        option = word.partition("=")[0]
        if _OPTION.fullmatch(option) and option not in known:
            why = f"`legcramps {words[0]} --help` does not list it"
            yield _finding("LC-2121", f"There is no option {option}", named.where, why, "name one that it lists")


@cache
def _help(verb: str) -> str | None:
    """Return the help text of a verb, or of the program for an empty one; None when there is no such verb."""
    words = [sys.executable, "-m", "reasoner", *([verb] if verb else []), "--help"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603  # a verb in small letters
    return done.stdout if done.returncode == 0 else None


# --- versions ------------------------------------------------------------------------------------------------


def _versions(workspace: Workspace) -> Iterator[CheckFinding]:
    """Yield places that state another version than pyproject.toml."""
    root = workspace.folder
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    master = BASE + "legcramps"
    changes = (root / "CHANGELOG.md").read_text(encoding="utf-8") if (root / "CHANGELOG.md").is_file() else ""
    latest = re.search(r"^##\s+\[?v?([0-9][\w.]*)", changes, re.MULTILINE)
    stated = {
        "CHANGELOG.md:1": latest.group(1) if latest else project,
        workspace.place(master, "owl:versionInfo"): workspace.graph.text(master, OWL + "versionInfo"),
        workspace.place(master, "owl:versionIRI"): "".join((workspace.graph.iri(master, OWL + "versionIRI") or "").split("/")[-2:-1]),
    }
    for where, version in stated.items():
        if version != project:
            why = f"it says {version}, pyproject.toml says {project}"
            yield _finding("LC-2122", "The versions differ", where, why, "state one version in all places")
