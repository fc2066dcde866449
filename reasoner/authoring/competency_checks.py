"""Ask the shipped queries of their fixtures and compare the rows.

A fixture is a folder of tests/competency named after the query's id: `question.json` names the vignettes that are loaded
and the parameters that are bound, `expected.csv` holds the rows, IRIs abbreviated. They are files of a checkout.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pyoxigraph

from reasoner.answering import assess, load_records
from reasoner.authoring.results import CheckFinding, NotRun, Severity
from reasoner.authoring.workspace import Workspace
from reasoner.documents import read_document
from reasoner.errors import LegcrampsError
from reasoner.inferred import asserted_graph, compiled_graph, inferred_graph, record_vocabulary
from reasoner.knowledge import Graph, triples_of
from reasoner.namespaces import PREFIXES
from reasoner.program.model import Program
from reasoner.query import Cell, Query, QueryResult, load_store, read_query, run_query
from reasoner.resources import load_knowledge, query_files

__all__ = ["Questions", "check_competency"]

_STEMS = {**PREFIXES, "ex": "https://example.org/legcramps/"}
_SHOWN = 3
_HYGIENE = "hygiene"
Rows = list[tuple[str, ...]]


def check_competency(workspace: Workspace) -> Iterator[CheckFinding]:
    """Yield queries without fixture or with another answer, and fixtures of no query; raise NotRun without tests/competency."""
    root = workspace.folder / "tests" / "competency"
    if not any(root.glob("*/expected.csv")):
        raise NotRun("tests/competency is not here")
    try:
        program = load_knowledge(workspace.folder)
    except LegcrampsError as error:
        raise NotRun("the program does not compile") from error
    store_of = cache(lambda cases: _store(workspace.folder, program, cases))
    queries = {query.id: query for query in map(read_query, query_files(workspace.folder)) if query.path.parent.name != _HYGIENE}
    for name in sorted(path.name for path in root.iterdir() if path.is_dir()):
        if name not in queries:
            yield _finding(
                f"The fixture {name} belongs to no query", f"tests/competency/{name}", "no query has that id", "rename or delete it"
            )
    for name, query in sorted(queries.items()):
        folder = root / name
        if not (folder / "expected.csv").is_file() or not (folder / "question.json").is_file():
            where = query.path.relative_to(workspace.folder).as_posix()
            yield _finding(
                f"The query {name} has no fixture",
                f"{where}:1",
                f"tests/competency/{name} is not whole",
                "add question.json and expected.csv",
            )
        else:
            yield from _answer(query, folder, store_of)


def _store(folder: Path, program: Program, cases: tuple[str, ...]) -> pyoxigraph.Store:
    """Return the store of knowledge and of the named vignettes."""
    paths = [folder / "tests" / "cases" / case / "record.ttl" for case in cases]
    answers = assess(load_records(paths, program), program).answers if paths else ()
    return load_store(program, folder, [read_document(str(path)) for path in paths], answers)


class Questions:
    """The competency questions with their bindings and expected rows, to ask of other graphs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        root = folder / "tests" / "competency"
        self._asked: dict[tuple[str, ...], list[tuple[Query, Any, list[str], Rows]]] = {}
        for query in map(read_query, query_files(folder)):
            if (root / query.id / "expected.csv").is_file():
                question = json.loads((root / query.id / "question.json").read_text(encoding="utf-8"))
                header, *rows = csv.reader((root / query.id / "expected.csv").read_text(encoding="utf-8").splitlines())
                asked = (query, question["bindings"], header, sorted(map(tuple, rows)))
                self._asked.setdefault(tuple(question["cases"]), []).append(asked)
        self._vocabulary = record_vocabulary(folder)

    def differences(self, graph: Graph, program: Program) -> Iterator[str]:
        """Yield the questions whose answer over a graph and the program compiled from it is not as expected."""
        store = pyoxigraph.Store()
        store.bulk_extend(pyoxigraph.Quad(*triple) for triple in (*triples_of(graph), *compiled_graph(program)))
        for cases, asked in sorted(self._asked.items()):
            beside = [pyoxigraph.Quad(*triple) for triple in self._beside(program, cases)]
            store.extend(beside)
            for query, bindings, header, rows in asked:
                lines = _differences(header, rows, run_query(query.text, store, bindings=bindings))
                if lines:
                    yield f"{query.id} {lines[0]}"
            for quad in beside:
                store.remove(quad)

    def _beside(self, program: Program, cases: tuple[str, ...]) -> Iterator[pyoxigraph.Triple]:
        """Yield what vignettes assert and what follows from them."""
        for index, case in enumerate(cases):
            path = self._folder / "tests" / "cases" / case / "record.ttl"
            yield from asserted_graph(read_document(str(path)), self._vocabulary, f"d{index}")
            for answer in assess(load_records([path], program), program).answers:
                yield from inferred_graph(program, answer)


def _answer(query: Query, folder: Path, store_of: Any) -> Iterator[CheckFinding]:
    where = f"tests/competency/{folder.name}/expected.csv:1"
    try:
        question = json.loads((folder / "question.json").read_text(encoding="utf-8"))
        header, *expected = csv.reader((folder / "expected.csv").read_text(encoding="utf-8").splitlines())
        result = run_query(query.text, store_of(tuple(question["cases"])), bindings=question["bindings"])
    except (OSError, ValueError, KeyError, LegcrampsError) as error:
        yield _finding(f"The query {query.id} cannot be asked", where, str(error), "mend the query or its fixture")
        return
    lines = _differences(header, sorted(map(tuple, expected)), result)
    if lines:
        rest = f"; and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
        repair = "mend the knowledge or the query, or the expectation with its reason"
        yield _finding(f"The answer to {query.id} is not as expected", where, "; ".join(lines[:_SHOWN]) + rest, repair)


def _differences(header: list[str], expected: Rows, result: QueryResult) -> list[str]:
    if header != list(result.variables):
        return [f"the columns are {', '.join(result.variables)}"]
    found = sorted(tuple(_abbreviated(cell) for cell in row) for row in result.rows)
    missing, unwanted = [row for row in expected if row not in found], [row for row in found if row not in expected]
    lines = [f"lacks {', '.join(row)}" for row in missing] + [f"has {', '.join(row)}" for row in unwanted]
    return lines or ([] if len(found) == len(expected) else [f"has {len(found)} rows instead of {len(expected)}"])


def _abbreviated(cell: Cell | None) -> str:
    if cell is None or cell.kind != "iri":
        return "" if cell is None else cell.text
    prefix = max((name for name, stem in _STEMS.items() if cell.text.startswith(stem)), key=lambda name: len(_STEMS[name]), default="")
    return f"{prefix}:{cell.text[len(_STEMS[prefix]) :]}" if prefix else cell.text


def _finding(what: str, where: str, why: str, repair: str) -> CheckFinding:
    return CheckFinding("competency", Severity.VIOLATION, what, where, why, repair, "LC-2100")
