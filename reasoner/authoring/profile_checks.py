"""Check that every definition lies in the case profile and that the program compiles, naming every fault, not only the first."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from reasoner.authoring.results import CheckFinding, Severity
from reasoner.authoring.workspace import Workspace
from reasoner.errors import LegcrampsError
from reasoner.expressions import Expression, parse_expression
from reasoner.knowledge import Graph
from reasoner.namespaces import OWL, RDFS, curie, expand
from reasoner.program.compile import case_definitions
from reasoner.program.evidence import compile_conditions, compile_criteria
from reasoner.program.gates import order_definitions
from reasoner.program.guideline import advice_definitions, compile_advice
from reasoner.resources import load_knowledge
from reasoner.terms import lc

__all__ = ["all_definitions", "check_profile"]

_NAME = re.compile(r"\blcg?:\w+")


def all_definitions(graph: Graph) -> dict[str, Expression]:
    """Return the definitions of case classes and of advice, each after those it uses; raise KnowledgeError at a fault."""
    definitions = case_definitions(graph) | advice_definitions(compile_advice(graph))
    return {name: definitions[name] for name in order_definitions(graph, definitions)}


def check_profile(workspace: Workspace) -> Iterator[CheckFinding]:
    """Yield definitions outside the profile, faults of guidelines and criteria, what else stops the compiler, and doubles."""
    graph = workspace.graph
    expressions, faults = _parse_all(graph)
    steps: tuple[Callable[[Graph], object], ...] = (compile_advice, compile_conditions, compile_criteria, all_definitions)
    for step in steps:
        faults += _faults(lambda step=step: step(graph))  # type: ignore[misc]
    if not faults:
        faults += _faults(lambda: load_knowledge(workspace.folder))
    unique = {(error.what, error.where, error.why): error for error in faults}
    for error in unique.values():
        yield CheckFinding.of_error("case-profile", error, _place(workspace, error))
    yield from _alike(workspace, expressions)


def _parse_all(graph: Graph) -> tuple[dict[str, Expression], list[LegcrampsError]]:
    expressions: dict[str, Expression] = {}
    faults: list[LegcrampsError] = []
    for name in sorted(graph.subjects(RDFS + "subClassOf", lc("Case"))):
        for node in graph.iris(name, OWL + "equivalentClass"):
            try:
                expressions[name] = parse_expression(graph, node, name)
            except LegcrampsError as error:
                faults.append(error)
    return expressions, faults


def _faults(step: Callable[[], object]) -> list[LegcrampsError]:
    try:
        step()
    except LegcrampsError as error:
        return [error]
    return []


def _place(workspace: Workspace, error: LegcrampsError) -> str:
    """Return the place of an error; one that names only a file is placed at the first term that it names."""
    where = workspace.full_place(error.where)
    if where.endswith(".ttl"):
        for name in _NAME.findall(f"{error.what} {error.why}"):
            place = workspace.place(expand(name))
            if place.startswith(f"{where}:"):
                return place
    return where


def _alike(workspace: Workspace, expressions: Mapping[str, Expression]) -> Iterator[CheckFinding]:
    """Yield case classes that have the same definition as another."""
    first: dict[Expression, str] = {}
    for name, expression in expressions.items():
        other = first.setdefault(expression, name)
        if other != name:
            yield CheckFinding(
                "case-profile",
                Severity.INFO,
                f"{curie(name)} is defined exactly as {curie(other)}",
                workspace.place(name, "owl:equivalentClass"),
                "two names for one set of cases drift apart",
                "use one of them, or say what sets them apart",
                "LC-2060",
            )
