"""The package keeps its manners: small public face, late imports, one direction, no code from data, no network."""

from __future__ import annotations

import ast
import importlib
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest

import reasoner
from reasoner import errors

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "reasoner"
FILES = sorted(PACKAGE.rglob("*.py"))
FRONTS = ("authoring", "cli", "server")
HEAVY = ("numpy", "owlready2", "pyoxigraph", "pyshacl", "rdflib")
NETWORK = (
    "SPARQLWrapper",
    "aiohttp",
    "asyncio",
    "ftplib",
    "http",
    "httpx",
    "requests",
    "smtplib",
    "socket",
    "socketserver",
    "ssl",
    "telnetlib",
    "urllib3",
)
OUTWARD = ("reasoner.remote", "reasoner.server", "reasoner.authoring")
"""Modules whose task it is to speak to another machine or to serve one."""


def name_of(path: Path) -> str:
    """Return the dotted name of a module."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = [name_of(path) for path in FILES]
IMPORTABLE = [name for name in NAMES if name not in ("reasoner.__main__", "reasoner.program.build_hook")]


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imports_of(path: Path) -> frozenset[str]:
    """Return the absolute names of all modules that a file imports, at its top and within its functions."""
    found = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            found |= {str(node.module)} | {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(found)


def in_order(names: Iterable[str]) -> list[str]:
    """Return names as the linter sorts them: constants, classes, functions."""
    return sorted(names, key=lambda name: (0 if name.isupper() else 1 if name[0].isupper() else 2, name))


def test_the_public_names_are_those_of_all() -> None:
    public = [name for name, value in vars(reasoner).items() if not name.startswith("_") and getattr(value, "__module__", "") == "reasoner"]
    assert reasoner.__all__ == sorted(public)
    assert reasoner.__all__ == sorted(reasoner.__all__)
    assert all(getattr(reasoner, name).__doc__ for name in reasoner.__all__)


@pytest.mark.parametrize("name", IMPORTABLE)
def test_every_module_says_what_it_is_and_what_it_offers(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__doc__, "no docstring"
    assert module.__doc__.strip().splitlines()[0].endswith((".", ":", "?"))
    offered = getattr(module, "__all__", None)
    if offered is None:
        assert Path(str(module.__file__)).name == "__init__.py", "no __all__"
        return
    assert list(offered) == in_order(offered), f"write {in_order(offered)}"
    assert len(set(offered)) == len(offered)
    assert all(hasattr(module, each) for each in offered)


def test_importing_loads_nothing_heavy() -> None:
    code = f"import sys, reasoner, reasoner.cli; print(*sorted(set({HEAVY!r}) & set(sys.modules)))"
    run = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == []


def test_the_help_needs_no_library() -> None:
    code = f"import sys; from reasoner.cli import main\ntry: main(['--help'])\nexcept SystemExit: print(*sorted(set({HEAVY!r}) & set(sys.modules)))"
    run = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True
    )
    assert run.stdout.splitlines()[-1] == ""


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_the_domain_knows_no_front_end(path: Path) -> None:
    within = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if within in (*FRONTS, "__main__"):
        return
    fronts = {f"reasoner.{front}" for front in FRONTS}
    assert not {each for each in imports_of(path) if any(each == front or each.startswith(front + ".") for front in fronts)}


def test_no_module_imports_another_in_a_circle() -> None:
    """Look at what is imported when a module is loaded; what a function imports when it is called makes no circle."""
    edges: dict[str, set[str]] = {}
    for path, name in zip(FILES, NAMES, strict=True):
        top = [node for node in tree_of(path).body if isinstance(node, ast.ImportFrom)]
        found = {candidate for node in top for alias in node.names for candidate in (f"{node.module}.{alias.name}", str(node.module))}
        edges[name] = {each for each in found if each in NAMES and each != name}
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " → ".join((*trail, name))
        if name not in done:
            for each in sorted(edges[name]):
                visit(each, (*trail, name))
            done.add(name)

    for name in NAMES:
        visit(name, ())


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_no_module_runs_data_as_code(path: Path) -> None:
    assert not {each.split(".")[0] for each in imports_of(path)} & {"dill", "marshal", "pickle", "shelve", "yaml"}
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Call):
            called = node.func.id if isinstance(node.func, ast.Name) else node.func.attr if isinstance(node.func, ast.Attribute) else ""
            assert not (isinstance(node.func, ast.Name) and called in ("__import__", "compile", "eval", "exec")), f"{path}:{node.lineno}"
            assert called not in ("popen", "system", "mktemp"), f"{path}:{node.lineno}"
            assert not any(each.arg == "shell" and getattr(each.value, "value", True) for each in node.keywords), f"{path}:{node.lineno}"


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_no_module_speaks_to_the_network_unless_that_is_its_task(path: Path) -> None:
    if name_of(path).startswith(OUTWARD):
        return
    found = imports_of(path)
    assert not {each.split(".")[0] for each in found} & set(NETWORK)
    assert "urllib.request" not in found


def test_an_answer_opens_no_connection_and_writes_no_file(tmp_path: Path) -> None:
    code = """
import sys
def guard(event, arguments):
    if event.startswith("socket.") or event in ("os.system", "subprocess.Popen", "urllib.Request"):
        raise RuntimeError(event)
    if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        raise RuntimeError(f"write {arguments[0]}")
sys.dont_write_bytecode = True
from reasoner import load_knowledge
load_knowledge()
sys.addaudithook(guard)
from reasoner.cli import main
codes = [main(["assess", *sys.argv[1:], "--as-of", "2026-11-20"]), main(["assess", "missing.ttl"])]
print(codes, file=sys.stderr)
"""
    documents = [str(ROOT / "docs" / "examples" / name) for name in ("patient.ttl", "patient.jsonld", "bundle.json")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        [sys.executable, "-c", code, *documents], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert run.stderr.splitlines()[-1] == "[0, 2]", run.stderr
    assert list(tmp_path.iterdir()) == []


def test_one_version_stands_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    headings = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    ontology = re.findall(r'owl:versionInfo "([^"]+)"', (ROOT / "ontology" / "legcramps.ttl").read_text(encoding="utf-8"))
    assert [project] == ontology
    iris = re.findall(r"owl:versionIRI <([^>]+)>", (ROOT / "ontology" / "legcramps.ttl").read_text(encoding="utf-8"))
    assert iris == [f"https://w3id.org/legcramps/{project}/legcramps"]
    assert headings[0] == project


def test_the_types_are_published() -> None:
    assert (PACKAGE / "py.typed").is_file()


def test_the_shipped_context_goes_where_the_ontology_goes() -> None:
    context = json.loads((ROOT / "ontology" / "context.jsonld").read_text(encoding="utf-8"))["@context"]
    assert context["@version"] == 1.1
    assert context["@vocab"] == "https://w3id.org/legcramps/ontology/"


def test_every_error_has_a_code_of_its_own_and_an_exit_code() -> None:
    kinds = [getattr(errors, name) for name in errors.__all__ if isinstance(getattr(errors, name), type)]
    codes = [kind.code for kind in kinds]
    assert len(set(codes)) == len(codes)
    assert {kind.exit_code for kind in kinds} <= {2, 3, 4}
    for kind in kinds:
        line = next(each for each in str(errors.__doc__).splitlines() if re.search(rf"\b{kind.__name__}\b", each))
        assert kind.code in line
        assert f"exit {kind.exit_code}" in line
        assert kind("What", where="x:1", why="so", repair="do").args == ("What",)
        assert str(kind("What", where="x:1", why="so", repair="do")) == f"What (x:1): so. Repair: do [{kind.code}]"
