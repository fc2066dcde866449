"""Run the hygiene queries and judge exemptions from them.

A hygiene query selects ?entity ?property ?value and is empty when all is well; its header says problem, solution and
severity. An exemption is `lcs:exemptFrom` with the query's id, with rdfs:comment and dcterms:date, in the term's own block.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyoxigraph

from reasoner.authoring.results import CheckFinding, NotRun, Severity
from reasoner.authoring.workspace import Workspace
from reasoner.errors import KnowledgeError
from reasoner.namespaces import LCS, RDFS, curie

__all__ = ["HygieneQuery", "check_exemptions", "check_hygiene", "exempted", "hygiene_queries", "run_hygiene"]

EXEMPT = LCS + "exemptFrom"
_DATE = "http://purl.org/dc/terms/date"
_HEADER = re.compile(r"#\+\s+(\w+):\s*(.+)")
_KEYS = ("id", "problem", "solution", "severity")
_VARIABLES = ("entity", "property", "value")
_ELSEWHERE = frozenset({"H09"})
"""Queries whose rows another stage reports with more detail: the closed world, with near matches."""


@dataclass(frozen=True)
class HygieneQuery:
    """A hygiene query with its header."""

    id: str
    name: str
    problem: str
    solution: str
    severity: Severity
    text: str


def hygiene_queries(folder: Path) -> tuple[HygieneQuery, ...]:
    """Return the hygiene queries of a knowledge folder by id; raise KnowledgeError when a header is not whole."""
    return tuple(_query(path) for path in sorted((folder / "queries" / "hygiene").glob("*.rq")))


def _query(path: Path) -> HygieneQuery:
    text = path.read_text(encoding="utf-8")
    header: dict[str, str] = {match.group(1): match.group(2) for match in _HEADER.finditer(text)}
    lacking = [key for key in _KEYS if key not in header]
    severities = [severity for severity in Severity if severity.value == header.get("severity")]
    if lacking or not severities or not path.stem.startswith(header["id"].lower() + "-"):
        raise KnowledgeError(
            "The header of a hygiene query is not whole",
            where=f"queries/hygiene/{path.name}:1",
            why=f"it lacks {', '.join(lacking)}" if lacking else "id and file name, or the severity, do not fit",
            repair="write #+ id, problem, solution and severity (Violation, Warning or Info); begin the file name with the id",
        )
    return HygieneQuery(header["id"], path.stem, header["problem"], header["solution"], severities[0], text)


def run_hygiene(store: pyoxigraph.Store, query: HygieneQuery) -> list[tuple[str, str, str]]:
    """Return the rows of a hygiene query as (entity, property, value), each as text."""
    try:
        solutions = store.query(query.text)
    except (SyntaxError, ValueError) as error:
        where = f"queries/hygiene/{query.name}.rq"
        raise KnowledgeError("A hygiene query cannot be run", where=where, why=str(error), repair="mend the query") from error
    if not isinstance(solutions, pyoxigraph.QuerySolutions) or [name.value for name in solutions.variables] != list(_VARIABLES):
        where = f"queries/hygiene/{query.name}.rq"
        raise KnowledgeError("A hygiene query selects the wrong variables", where=where, repair="SELECT DISTINCT ?entity ?property ?value")
    return [(_text(row["entity"]), _text(row["property"]), _text(row["value"])) for row in solutions]


def _text(node: object) -> str:
    if isinstance(node, pyoxigraph.NamedNode | pyoxigraph.Literal):
        return node.value
    return "" if node is None else str(node)


def check_hygiene(workspace: Workspace) -> Iterator[CheckFinding]:
    """Yield the rows of all hygiene queries, exempted ones left out; raise NotRun when there are no queries."""
    exemptions = exempted(workspace)
    queries = hygiene_queries(workspace.folder)
    if not queries:
        raise NotRun("queries/hygiene is not here")
    for query in queries:
        if query.id in _ELSEWHERE:
            continue
        for entity, on, value in run_hygiene(workspace.store, query):
            if query.id not in exemptions.get(entity, ()):
                yield CheckFinding(
                    query.name,
                    query.severity,
                    f"{_name(entity)}: {query.problem}",
                    workspace.place(entity, curie(on)),
                    f"{curie(on)} {_name(value)}",
                    query.solution,
                    f"LC-{query.id}",
                )


def _name(text: str) -> str:
    short = "a blank node" if text.startswith("_:") else curie(text)
    return short if len(short) <= 80 else short[:79] + "…"


# --- exemptions ----------------------------------------------------------------------------------------------


def exempted(workspace: Workspace) -> Mapping[str, frozenset[str]]:
    """Return for each term the ids of the queries, and the IRIs of the shapes, from which it is exempt."""
    found: dict[str, set[str]] = {}
    for file in workspace.ontology:
        for quad in file.quads:
            if quad.predicate.value == EXEMPT and isinstance(quad.subject, pyoxigraph.NamedNode):
                found.setdefault(quad.subject.value, set()).add(_text(quad.object))
    return {term: frozenset(names) for term, names in found.items()}


def check_exemptions(workspace: Workspace, failing: Callable[[], Collection[tuple[str, str]]] | None = None) -> Iterator[CheckFinding]:
    """Yield exemptions without reason or date, from nothing, or that are not needed.

    `failing` gives (term, shape) for each result of the shapes; without it nothing is said of exemptions from shapes.
    """
    queries = {query.id: query for query in hygiene_queries(workspace.folder)}
    shapes = {quad.subject.value for file in workspace.shapes for quad in file.quads if isinstance(quad.subject, pyoxigraph.NamedNode)}
    for term, names in sorted(exempted(workspace).items()):
        yield from _unexplained(workspace, term)
        for name in sorted(names):
            if name not in queries and name not in shapes:
                what, code = "is exempt from a check that does not exist", "LC-2050"
            elif name in queries and all(row[0] != term for row in run_hygiene(workspace.store, queries[name])):
                what, code = "is exempt from a check that it passes", "LC-2051"
            elif name in shapes and failing is not None and (term, name) not in failing():
                what, code = "is exempt from a shape that it conforms to", "LC-2051"
            else:
                continue
            yield _exemption(workspace, term, what, curie(name), "remove the lcs:exemptFrom", code)


def _unexplained(workspace: Workspace, term: str) -> Iterator[CheckFinding]:
    """Yield an exemption that does not say why and since when."""
    for file in workspace.ontology:
        own = [quad for quad in file.quads if isinstance(quad.subject, pyoxigraph.NamedNode) and quad.subject.value == term]
        stated = {quad.predicate.value for quad in own}
        lacking = [curie(name) for name in (RDFS + "comment", _DATE) if name not in stated]
        if EXEMPT in stated and lacking:
            yield _exemption(
                workspace, term, "is exempt without reason or date", f"it lacks {', '.join(lacking)}", f"state {lacking[0]}", "LC-2052"
            )


def _exemption(workspace: Workspace, term: str, what: str, why: str, repair: str, code: str) -> CheckFinding:
    place = workspace.place(term, curie(EXEMPT))
    return CheckFinding("exemptions", Severity.VIOLATION, f"{curie(term)} {what}", place, why, repair, code)
