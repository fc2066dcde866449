"""Validate the ontology against the shapes by pySHACL, and the shapes against SHACL's own shapes; lint what neither sees.

SHACL engines pass over what they do not know: a misspelt term, a shape without target, a target that matches nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyoxigraph

from reasoner.authoring.results import CheckFinding, Severity
from reasoner.authoring.workspace import TurtleFile, Workspace
from reasoner.errors import KnowledgeError
from reasoner.namespaces import BASE, RDF, RDFS, SH, curie

__all__ = ["ShapeResult", "check_shape_files", "check_shape_results", "validate_shapes"]

_DEPTH = 60
"""SHACL's own shapes nest deeper than pySHACL allows unless told."""

_RECORD = "record.ttl"
"""The shapes of records: what they target is not part of the knowledge."""

_CLASSES = tuple(SH + name for name in ("NodeShape", "PropertyShape"))
_TARGETS = tuple(SH + name for name in ("target", "targetClass", "targetNode", "targetObjectsOf", "targetSubjectsOf"))


@dataclass(frozen=True)
class ShapeResult:
    """One result of a SHACL validation: the term it is about, the path, the shape, its severity and message."""

    term: str
    path: str
    shape: str
    value: str
    severity: Severity
    message: str


def validate_shapes(workspace: Workspace) -> tuple[ShapeResult, ...]:
    """Return what pySHACL reports of the ontology, sorted."""
    results = _run(_merged(workspace.ontology), _merged(workspace.shapes))
    found = (_result(results, node) for node in results.objects(None, _sh("result")))
    return tuple(sorted(found, key=lambda each: (each.term, each.path, each.shape, each.value)))


def _merged(files: Iterable[TurtleFile]) -> Any:
    from rdflib import Graph

    graph = Graph()
    for file in files:
        graph.parse(data=file.text, format="turtle")
    return graph


def _run(data: Any, shapes: Any) -> Any:
    """Return pySHACL's report graph; raise KnowledgeError when it refuses the shapes."""
    import pyshacl
    from pyshacl.errors import ReportableRuntimeError, ShapeLoadError

    try:
        _, report, _ = pyshacl.validate(data, shacl_graph=shapes, inference=None, advanced=False, inplace=True, max_validation_depth=_DEPTH)
    except (ReportableRuntimeError, ShapeLoadError) as error:
        why = str(error).partition("\n")[0]
        raise KnowledgeError("The shapes cannot be used", where="shapes/", why=why, repair="mend the shape that is named") from error
    if isinstance(report, Exception):
        raise KnowledgeError("The shapes cannot be used", where="shapes/", why=str(report), repair="mend the shape that is named")
    return report


def _sh(name: str) -> Any:
    from rdflib import SH as terms

    return terms[name]


def _result(report: Any, node: Any) -> ShapeResult:
    focus, path, value, shape = (report.value(node, _sh(name)) for name in ("focusNode", "resultPath", "value", "sourceShape"))
    severity = str(report.value(node, _sh("resultSeverity"))).removeprefix(SH)
    messages = sorted(str(message) for message in report.objects(node, _sh("resultMessage")))
    own = str(focus).startswith(BASE) or not str(value).startswith(BASE)
    return ShapeResult(
        term=str(focus if own else value),
        path="" if path is None else str(path),
        shape="" if shape is None else str(shape),
        value="" if value is None else str(value),
        severity=next((each for each in Severity if each.value == severity), Severity.VIOLATION),
        message=" ".join(messages),
    )


def check_shape_results(
    workspace: Workspace, results: Iterable[ShapeResult], exemptions: Mapping[str, frozenset[str]]
) -> Iterator[CheckFinding]:
    """Yield the results of shapes from which the term is not exempt."""
    for each in results:
        if each.shape not in exemptions.get(each.term, ()):
            value = f"; the value is {curie(each.value)}" if each.value and each.value != each.term else ""
            yield CheckFinding(
                curie(each.shape),
                each.severity,
                f"{curie(each.term)} does not conform to {curie(each.shape)}",
                workspace.place(each.term, curie(each.path)),
                f"at {curie(each.path)}{value}" if each.path else value.removeprefix("; "),
                each.message,
                "LC-2040",
            )


# --- the shapes themselves -----------------------------------------------------------------------------------


def check_shape_files(workspace: Workspace) -> Iterator[CheckFinding]:
    """Yield shapes that break SHACL's own shapes, are never applied, or target what does not exist."""
    yield from _meta(workspace)
    instances = _instances(workspace)
    for file in workspace.shapes:
        yield from _lint(workspace, file, instances)


def _meta(workspace: Workspace) -> Iterator[CheckFinding]:
    import pyshacl
    from rdflib import Graph

    rules = Graph().parse(Path(pyshacl.__file__).parent / "assets" / "shacl-shacl.ttl")
    report = _run(_merged(workspace.shapes), rules)
    for node in report.objects(None, _sh("result")):
        each = _result(report, node)
        yield CheckFinding(
            "meta-shacl",
            Severity.VIOLATION,
            f"{curie(each.term)} is no well-formed shape",
            workspace.place(each.term, curie(each.path)),
            f"{curie(each.path) or 'the shape'} {each.message}".strip(),
            "write the shape as SHACL defines it",
            "LC-2041",
        )


def _instances(workspace: Workspace) -> Mapping[str, frozenset[str]]:
    """Return for each class above some described thing, and each predicate as `^predicate` and `predicate`, who has it."""
    graph = workspace.graph
    found: dict[str, set[str]] = {}
    for subject, properties in graph.out.items():
        for predicate, nodes in properties.items():
            found.setdefault(f"{predicate} ", set()).add(subject)
            found.setdefault(f"^{predicate}", set()).update(node for node in nodes if isinstance(node, str))
        stack = graph.iris(subject, RDF + "type")
        seen: set[str] = set()
        while stack:
            kind = stack.pop()
            if kind not in seen:
                seen.add(kind)
                found.setdefault(kind, set()).add(subject)
                stack.extend(graph.iris(kind, RDFS + "subClassOf"))
    return {name: frozenset(members) for name, members in found.items()}


def _lint(workspace: Workspace, file: TurtleFile, instances: Mapping[str, frozenset[str]]) -> Iterator[CheckFinding]:
    described: dict[str, dict[str, list[str]]] = {}
    mentioned: set[str] = set()
    for quad in file.quads:
        if isinstance(quad.object, pyoxigraph.NamedNode):
            mentioned.add(quad.object.value)
            if isinstance(quad.subject, pyoxigraph.NamedNode):
                described.setdefault(quad.subject.value, {}).setdefault(quad.predicate.value, []).append(quad.object.value)
    for shape, properties in described.items():
        targets = [(kind, target) for kind in _TARGETS for target in properties.get(kind, ())]
        if not targets and shape not in mentioned and any(kind in _CLASSES for kind in properties.get(RDF + "type", ())):
            yield CheckFinding(
                "shape-lint",
                Severity.VIOLATION,
                f"{curie(shape)} is never applied",
                file.place(shape),
                "it has no target and no shape uses it",
                "give it a target, use it, or delete it",
                "LC-2043",
            )
        for kind, target in targets:
            if not _matches(workspace, file, kind.removeprefix(SH), target, instances):
                yield CheckFinding(
                    "shape-lint",
                    Severity.INFO if target in workspace.graph.out else Severity.VIOLATION,
                    f"{curie(shape)} targets {curie(target)}, which matches nothing",
                    file.place(shape, curie(target)),
                    f"no node of the ontology is reached by {curie(kind)}",
                    "correct the target, or delete it",
                    "LC-2044",
                )


def _matches(workspace: Workspace, file: TurtleFile, kind: str, target: str, instances: Mapping[str, frozenset[str]]) -> bool:
    """Return whether a target reaches something in the ontology; of record shapes, whether its class or property is declared."""
    if file.path.name == _RECORD:
        return target in workspace.graph.out
    if kind == "targetNode":
        return target in workspace.graph.out or target in workspace.graph.into or f"{target} " in instances
    if kind == "targetClass":
        return target in instances
    return (f"{target} " if kind == "targetSubjectsOf" else f"^{target}") in instances
