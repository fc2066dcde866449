"""Hold the documents to the tree: commands and code run, excerpts are real, paths exist, lists and keys are the true ones.

Fences by their info string: `sh` and `python` run, in order, in a copy of the checkout; the two set-up commands of the README
are left to `.ci/run`. A `text` fence shows what the fence before it says: its lines occur in that order, `…` stands for
anything. `sh store` is `sh` beside a store at the address that it names. `turtle` is valid knowledge, `turtle refused` is refused by the compiler, `turtle unclean` breaks a shape, whose
messages follow.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from knowledge_copies import keep_program
from rdflib.namespace import SH
from remote_stores import oxigraph_store
from shape_results import by_pyshacl, shapes_of
from shape_results import turtle as triples_of

from reasoner import assess, errors, load_records
from reasoner.authoring.document_checks import check_documents
from reasoner.authoring.format import format_turtle
from reasoner.authoring.workspace import read_workspace
from reasoner.cli import VERBS
from reasoner.errors import LegcrampsError
from reasoner.knowledge import Graph, read_graph
from reasoner.namespaces import LC, LCG, OWL, RDF, RDFS
from reasoner.program import Program
from reasoner.program.compile import compile_graph
from reasoner.terms import ROLES, lc

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix() for pattern in ("README.md", "[!.]*/README.md", "docs/*.md") for path in ROOT.glob(pattern)
)
LEAST = {"README.md", *(f"{folder}/README.md" for folder in ("ontology", "queries", "shapes"))}
LEAST |= {f"docs/{name}.md" for name in ("integrators", "knowledge-engineers", "researchers", "semantics")}
NEEDED = ("README.md", "docs", "ontology", "queries", "reasoner", "shapes")
SET_UP = "python3 -m venv .venv && "
DEADLINE = 120
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAME = re.compile(r"`([A-Za-z_]\w*)`")
TURTLE_HEAD = """@prefix dcterms: <http://purl.org/dc/terms/> .
@prefix lc: <https://w3id.org/legcramps/ontology/> .
@prefix lcg: <https://w3id.org/legcramps/guideline/> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .

"""


class Fence(NamedTuple):
    """A fenced block with its info string, its text, its first line, and the excerpt that follows it."""

    info: str
    text: str
    line: int
    excerpt: str


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def fences(name: str) -> list[Fence]:
    text = read(name)
    found = list(FENCE.finditer(text))
    following = [*found[1:], None]
    return [
        Fence(match[1], match[2], text.count("\n", 0, match.start()) + 2, after[2] if after is not None and after[1] == "text" else "")
        for match, after in zip(found, following, strict=False)
    ]


def prose(name: str) -> str:
    return FENCE.sub("", read(name))


def section(name: str, heading: str) -> str:
    """Return what stands below a heading, up to the next one of its level or above."""
    level, _, title = heading.partition(" ")
    match = re.search(rf"^{re.escape(heading)}\n(.*?)(?=^#{{1,{len(level)}}} |\Z)", read(name), re.MULTILINE | re.DOTALL)
    assert match, f"{name} has no heading {title}"
    return match[1]


def rows(text: str) -> list[list[str]]:
    """Return the cells of the table rows in a text, heads left out."""
    lines = [[cell.strip() for cell in line[1:].rstrip("| ").split("|")] for line in text.splitlines() if line.startswith("|")]
    heads = {index - 1 for index, cells in enumerate(lines) if set("".join(cells)) == {"-"}}
    return [cells for index, cells in enumerate(lines) if index not in heads and index - 1 not in heads]


def shows(excerpt: str, output: str) -> str:
    """Return the first line of an excerpt that the output does not hold, in order; nothing when it holds all."""
    lines = iter([line.rstrip() for line in output.splitlines()])
    for wanted in (line.rstrip() for line in excerpt.splitlines()):
        pattern = re.compile(".*".join(map(re.escape, wanted.split("…"))))
        if wanted != "…" and not any(pattern.fullmatch(line) for line in lines):
            return wanted
    return ""


# --- commands and code ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory, knowledge: Program) -> dict[str, str]:
    """Return what a command sees: nothing of the caller's but the interpreter, and a cache that holds the compiled knowledge."""
    cache = keep_program(tmp_path_factory.mktemp("cache"), knowledge)
    return {"HOME": str(cache), "XDG_CACHE_HOME": str(cache), "LANG": "C.UTF-8", "NO_COLOR": "1", "PYTHONDONTWRITEBYTECODE": "1"}


@pytest.fixture
def checkout(tmp_path: Path, environment: dict[str, str]) -> Path:
    """Return a copy of the checkout as the set-up command leaves it, with commands that run this interpreter."""
    for name in NEEDED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, tmp_path / name)
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    for program, arguments in (("legcramps", "-m reasoner "), ("python", "")):
        (programs / program).write_text(f'#!/bin/sh\nexec {sys.executable} {arguments}"$@"\n', encoding="utf-8")
        (programs / program).chmod(0o755)
    (programs / "activate").write_text(f'PATH="{programs}:$PATH"\n', encoding="utf-8")
    return tmp_path


@pytest.fixture
def store() -> Iterator[str]:
    """Run an empty store and return its address."""
    with oxigraph_store() as url:
        yield url


def run(fence: Fence, checkout: Path, environment: dict[str, str]) -> str:
    command = (
        ["bash", "-euo", "pipefail", "-c", fence.text] if fence.info.startswith("sh") else [sys.executable, "-W", "error", "-c", fence.text]
    )
    path = os.pathsep.join((str(checkout / ".venv" / "bin"), os.environ["PATH"]))
    done = subprocess.run(
        command,
        cwd=checkout,
        env=environment | {"PATH": path, "PYTHONPATH": str(checkout)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert done.returncode == 0, f"line {fence.line} ended with {done.returncode}:\n{done.stdout[-2000:]}"
    return done.stdout


@pytest.mark.parametrize("name", DOCUMENTS)
def test_commands_and_code_do_what_is_shown(name: str, checkout: Path, environment: dict[str, str], request: pytest.FixtureRequest) -> None:
    for fence in fences(name):
        if fence.info == "sh store":
            fence = fence._replace(text=fence.text.replace("http://localhost:7878", request.getfixturevalue("store")))
        if fence.info in ("sh", "sh store", "python") and not fence.text.startswith(SET_UP):
            output = run(fence, checkout, environment)
            missing = shows(fence.excerpt, output)
            assert not missing, f"{name}:{fence.line} does not print\n{missing}\nbut\n{output}"


def test_readme_sets_up_by_two_commands_that_the_continuous_run_finds() -> None:
    commands = [line for line in read("README.md").splitlines() if line.startswith(SET_UP)]
    assert len(commands) == 2
    assert all(example in commands[0] for example in ("docs/examples/patient.ttl", "docs/examples/bundle.json", "--as-of"))
    assert all(fence.text.count("\n") == 1 for fence in fences("README.md") if fence.text.startswith(SET_UP))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_fences_are_of_a_known_kind(name: str) -> None:
    known = {"sh", "sh store", "python", "text", "json", "turtle", "turtle refused", "turtle unclean", "sparql", "toml", ""}
    for fence in fences(name):
        assert fence.info in known, f"{name}:{fence.line}"
        if fence.info == "json":
            json.loads(fence.text)
        if fence.info == "toml":
            shown = shows(fence.text, read("docs/examples/visits.toml"))
            assert not shown, f"the example has no line {shown}"


def test_documents_are_not_fewer_than_before() -> None:
    assert set(DOCUMENTS) >= LEAST
    found = [fence.info for name in DOCUMENTS for fence in fences(name)]
    assert found.count("sh") >= 20
    assert found.count("python") >= 2
    assert found.count("turtle") >= 5


@pytest.mark.parametrize(
    ("excerpt", "missing"), [("a\nc 2", ""), ("b…\n…\nd", ""), ("d\na", "a"), ("", ""), ("c", "c"), ("e", "e"), ("…2", "")]
)
def test_an_excerpt_is_found_in_order(excerpt: str, missing: str) -> None:
    assert shows(excerpt, "a\nb 1\nc 2\nd\n") == missing


def test_readme_lists_every_verb() -> None:
    listed = [name for cells in rows(section("README.md", "## Commands")) for name in NAME.findall(cells[0])]
    assert sorted(listed) == sorted(VERBS)


# --- knowledge in the documents ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def graph() -> Graph:
    return read_graph(ontology_files())


def ontology_files() -> list[Path]:
    return sorted((ROOT / "ontology").rglob("*.ttl"))


def turtle(info: str) -> list[Fence]:
    return [fence for name in DOCUMENTS for fence in fences(name) if fence.info == info]


def with_module(folder: Path, texts: Iterable[str]) -> Graph:
    example = folder / "example.ttl"
    example.write_text(TURTLE_HEAD + "\n".join(texts), encoding="utf-8")
    return read_graph([*ontology_files(), example])


def test_good_examples_compile_and_are_in_form(tmp_path: Path) -> None:
    good = [fence.text for fence in turtle("turtle")]
    for text in good:
        assert format_turtle(TURTLE_HEAD + text).endswith(f"\n\n{text}")
    program = compile_graph(with_module(tmp_path, good), "", {})
    assert set(re.findall(r"^(\S+)\n    a lc:Recommendation ;", "".join(good), re.MULTILINE))
    assert lc("WeaknessUnderStatin") in program.classes


@pytest.mark.parametrize("fence", turtle("turtle refused"), ids=lambda fence: str(fence.line))
def test_bad_examples_are_refused(fence: Fence, tmp_path: Path) -> None:
    with pytest.raises(LegcrampsError) as caught:
        compile_graph(with_module(tmp_path, [fence.text]), "", {})
    assert fence.excerpt
    assert not shows(fence.excerpt, str(caught.value)), str(caught.value)


@pytest.mark.parametrize("fence", turtle("turtle unclean"), ids=lambda fence: str(fence.line))
def test_unclean_examples_break_a_shape(fence: Fence) -> None:
    shapes = shapes_of("guideline")
    messages = {str(message) for result in by_pyshacl(triples_of(fence.text), shapes) for message in shapes.objects(result[-1], SH.message)}
    assert fence.excerpt
    assert set(fence.excerpt.splitlines()) <= messages


# --- names that are contract ------------------------------------------------------------------------------------------


def listed(heading: str) -> list[list[list[str]]]:
    """Return the names in each cell of each table row below a heading of the ontology's document."""
    return [[NAME.findall(cell) for cell in cells] for cells in rows(section("ontology/README.md", heading))]


def names(iris: Iterable[str], stem: str = LC) -> set[str]:
    return {iri.removeprefix(stem) for iri in iris}


def below(graph: Graph, top: str) -> set[str]:
    found: set[str] = set()
    stack = [top]
    while stack:
        fresh = [term for term in graph.subjects(RDFS + "subClassOf", stack.pop()) if term not in found]
        found.update(fresh)
        stack += fresh
    return found


def test_roles_are_listed(graph: Graph) -> None:
    table = listed("## Words")
    assert {cells[0][0] for cells in table} == names(ROLES)
    for own, _, *above in table:
        assert names(graph.iris(lc(own[0]), RDFS + "subPropertyOf")) == set(above[0] if above else ())


def test_record_terms_are_listed() -> None:
    record = read_graph([ROOT / "ontology" / "record.ttl"])
    table = listed("### Record terms")
    kinds = [cells for cells in table if not cells[1] or not cells[1][0].startswith("_")]
    values = [cells for cells in table if cells not in kinds]
    properties = {
        iri for kind in ("ObjectProperty", "DatatypeProperty", "AnnotationProperty") for iri in record.subjects(RDF + "type", OWL + kind)
    }
    lists = {cells[0][0]: set(cells[1]) for cells in values}
    assert {cells[0][0] for cells in kinds} | set(lists) == names(record.subjects(RDF + "type", OWL + "Class")) | {"Case"}
    assert {name for cells in kinds for name in cells[1]} == names(properties)
    assert lists == {kind: names(record.instances(lc(kind))) for kind in lists}


def test_conditions_are_listed(graph: Graph) -> None:
    table = listed("### Conditions")
    groups = graph.subjects(RDFS + "subClassOf", lc("Condition"))
    assert {cells[0][0] for cells in table} == names(groups)
    for (group,), ranked, recorded in table:
        members = below(graph, lc(group))
        weighed = {iri for iri in members if graph.flag(iri, lc("inDifferential"))}
        assert (set(ranked), set(recorded)) == (names(weighed), names(members - weighed))


def test_investigations_and_indicators_are_listed(graph: Graph) -> None:
    table = {(cells[0] or [""])[0]: set(cells[1]) for cells in listed("### Investigations and indicators")}
    indicators = {iri for iri in graph.out if graph.nodes(iri, lc("indicatorForm"))}
    tests = {iri: {*graph.iris(iri, lc("measuredBy")), *graph.iris(iri, lc("tellsRecordOf"))} for iri in indicators}
    assert set(table) == names(below(graph, lc("Investigation"))) | {""}
    assert table.pop("") == names(iri for iri in indicators if not tests[iri])
    assert table == {test: names(iri for iri in indicators if lc(test) in tests[iri]) for test in table}


def test_red_flags_are_listed(graph: Graph) -> None:
    table = {cells[0]: cells[1:] for cells in rows(section("ontology/README.md", "### Red flags"))}
    assert table == {
        f"`{iri.removeprefix(LCG)}`": [graph.label(iri), graph.text(graph.iri(iri, lc("urgency")) or "", lc("word"))]
        for iri in graph.instances(lc("RedFlag"))
    }


def test_drug_classes_are_listed(graph: Graph) -> None:
    table = {cells[0][0]: set(cells[1]) for cells in listed("### Drug classes")}
    drugs = below(graph, lc("Drug"))
    classes = {iri for iri in drugs if below(graph, iri)} | set(graph.subjects(RDFS + "subClassOf", lc("Drug")))
    assert table == {name: names(graph.subjects(RDFS + "subClassOf", lc(name))) for name in names(classes)}


def test_bands_and_limits_are_listed(graph: Graph) -> None:
    said = " ".join(section("ontology/README.md", "## From the medicine to a merged condition").split())
    bands = {each: float(graph.text(each, lc("decibans"))) for each in graph.instances(lc("Pertinence"))}
    words = {each.rpartition("_Pertinence_")[2].replace("_", "-"): weight for each, weight in bands.items()}
    assert {word: float(weight) for word, weight in re.findall(r"`([a-z-]+)` (-?\d+)(?: decibans)?[,.]", said)} == words
    limits = (lc("_ReportSetting_likely_from"), lc("_ReportSetting_unlikely_below"))
    found = re.search(r"\*likely\* from (\S+) decibans, \*unlikely\* below (\S+),", said)
    assert found and [float(each) for each in found.groups()] == [float(graph.text(each, lc("settingValue"))) for each in limits]


def test_top_findings_are_listed(graph: Graph) -> None:
    assert {cells[0][0] for cells in listed("### Findings, top level")} == names(graph.subjects(RDFS + "subClassOf", lc("Finding")))


def test_modules_are_listed() -> None:
    linked = set(re.findall(r"^\| .*?\(([\w./-]+)\) \|", section("ontology/README.md", "# Ontology"), re.MULTILINE))
    linked |= set(re.findall(r"\[[\w./-]+\]\(([\w-]+\.(?:ttl|xml))\)", section("ontology/README.md", "# Ontology")))
    present = {path.name + ("/" if path.is_dir() else "") for path in (ROOT / "ontology").iterdir()} - {"README.md"}
    assert present <= linked


# --- what assess prints, and what goes wrong --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def reports(knowledge: Program) -> dict[str, Any]:
    """Return the report on the examples and all vignettes, as one object."""
    paths = [ROOT / "docs" / "examples" / name for name in ("patient.ttl", "bundle.json")]
    paths += sorted(path for path in (ROOT / "tests" / "cases").rglob("record.ttl") if path.parents[1].name != "boundaries")
    return assess(load_records(paths, knowledge), knowledge).to_document()


def keys_of(found: Iterable[Any]) -> set[str]:
    """Return the keys of objects, looking into lists."""
    keys: set[str] = set()
    for each in found:
        if isinstance(each, list):
            keys |= keys_of(each)
        elif isinstance(each, dict):
            keys |= set(each)
    return keys


def contract() -> dict[str, set[str]]:
    """Return for each key of the documented object the keys of its value."""
    table = rows(section("README.md", "## What `assess --json` prints"))
    return {key: set(NAME.findall(cells[1])) for cells in table for key in NAME.findall(cells[0])}


def test_the_report_has_the_documented_keys(reports: dict[str, Any]) -> None:
    documented = contract()
    case_keys = {key for case in reports["cases"] for key in case}
    assert {key for key in documented if key in case_keys} == case_keys
    assert set(reports) <= set(documented)
    for key in case_keys:
        assert keys_of(case[key] for case in reports["cases"]) == documented[key], key
    assert keys_of([reports["knowledge"]]) == documented["knowledge"]


def test_the_items_have_the_documented_keys(reports: dict[str, Any]) -> None:
    found: dict[str, set[str]] = {}
    stack: list[Any] = [reports["cases"]]
    while stack:
        each = stack.pop()
        if isinstance(each, dict):
            for key, value in each.items():
                found.setdefault(key, set()).update(keys_of([value]))
            stack += each.values()
        elif isinstance(each, list):
            stack += each
    documented = {
        key: keys
        for key, keys in contract().items()
        if key not in ("knowledge", "cases") and not any(key in case for case in reports["cases"])
    }
    assert {key: found[key] for key in documented} == documented
    assert len(documented) >= 12


def test_the_words_of_the_verdicts_are_documented(knowledge: Program) -> None:
    text = section("README.md", "## What `assess --json` prints")
    for decision in knowledge.decisions:
        (row,) = (cells for cells in rows(text) if cells[0] == f"`{decision.key}`")
        assert set(re.findall(r"`([a-z]+(?:-[a-z]+)*)`", row[2])) >= {verdict.word for verdict in decision.verdicts}


def error_classes() -> set[type[LegcrampsError]]:
    found = [getattr(errors, name) for name in errors.__all__]
    return {each for each in found if isinstance(each, type) and issubclass(each, LegcrampsError)}


def test_error_codes_are_documented() -> None:
    table = {cells[0].strip("`"): cells[1] for cells in rows(section("docs/integrators.md", "## When something is wrong"))}
    codes = {code: exit_code for code, exit_code in table.items() if code.startswith("LC-")}
    assert codes == {each.code: str(each.exit_code) for each in error_classes()}


def problem_codes() -> set[str]:
    """Return the codes of data problems that the package can report."""
    found = set()
    for path in sorted((ROOT / "reasoner").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                if name in ("Problem", "_CellFault", "note", "report") and isinstance(node.args[0].value, str):
                    found.add(node.args[0].value)
    return found


def test_problem_codes_are_documented() -> None:
    table = {cells[0].strip("`") for cells in rows(section("docs/integrators.md", "### Codes of data problems"))}
    assert {code for code in table if not code.startswith("shape-")} == problem_codes() | {"conflict"}  # that of all entries in conflicts
    assert len(table) > 30


# --- paths and links --------------------------------------------------------------------------------------------------


def slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchors(path: Path) -> set[str]:
    return {slug(title) for title in re.findall(r"^#+ (.+)$", FENCE.sub("", path.read_text(encoding="utf-8")), re.MULTILINE)}


@pytest.mark.parametrize("name", [*DOCUMENTS, "CHANGELOG.md"])
def test_links_lead_somewhere(name: str) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(name)):
        if not re.match(r"[a-z]+:", target):
            path, _, anchor = target.partition("#")
            found = (ROOT / name).parent / path if path else ROOT / name
            assert found.exists(), f"{name} links {target}"
            assert not anchor or anchor in anchors(found), f"{name} links {target}"


def test_paths_commands_and_queries_exist() -> None:
    found = [finding.line() for finding in check_documents(read_workspace(ROOT))]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_lines_end_without_blanks(name: str) -> None:
    for number, line in enumerate(read(name).splitlines(), 1):
        assert line == line.rstrip(), f"{name}:{number}"
