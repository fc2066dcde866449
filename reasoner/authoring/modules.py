"""Check how the ontology is cut into modules: names, catalogue, imports, and that each module imports what it uses."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from xml.sax.saxutils import quoteattr

import pyoxigraph

from reasoner.authoring.outlines import kebab
from reasoner.authoring.results import CheckFinding, Severity
from reasoner.authoring.workspace import TurtleFile, Workspace, named
from reasoner.errors import KnowledgeError
from reasoner.namespaces import BASE, LC, OWL, curie

__all__ = ["CATALOGUE", "MASTER", "catalogue_entries", "catalogue_entry", "check_modules", "module_imports", "reached_modules"]

CATALOGUE = "ontology/catalog-v001.xml"
MASTER = "ontology/legcramps.ttl"
_SOURCE = "http://purl.org/dc/terms/source"
_IMPORTS = OWL + "imports"
_CATALOGUE_NAME = "{urn:oasis:names:tc:entity:xmlns:xml:catalog}"


def check_modules(workspace: Workspace) -> Iterator[CheckFinding]:
    """Yield modules whose name, catalogue entry or imports are wrong."""
    by_module = {file.module: file for file in workspace.ontology if file.module}
    imports = {file.module: module_imports(file) for file in by_module.values()}
    yield from _names(workspace)
    yield from _catalogue(workspace)
    yield from _resolved(by_module, imports)
    for file in by_module.values():
        if file.name != MASTER:
            yield from _uses(workspace, file, imports)


def module_imports(file: TurtleFile) -> list[str]:
    """Return the modules that a file imports, sorted."""
    return sorted(named(quad.object) for quad in file.quads if quad.predicate.value == _IMPORTS)


def _violation(code: str, what: str, where: str, why: str, repair: str) -> CheckFinding:
    return CheckFinding("imports", Severity.VIOLATION, what, where, why, repair, code)


def _names(workspace: Workspace) -> Iterator[CheckFinding]:
    """Yield files that describe no module or one of another name, and condition files that describe another condition."""
    for file in workspace.ontology:
        due = BASE + file.path.stem
        if file.module != due:
            why = f"it describes {file.module}" if file.module else "it describes no owl:Ontology"
            where = file.place(file.module) if file.module else f"{file.name}:1"
            yield _violation("LC-2030", "The module is not named after its file", where, why, f"name the owl:Ontology <{due}>")
        elif file.path.parent.name == "conditions":
            yield from _condition_name(file)


def _condition_name(file: TurtleFile) -> Iterator[CheckFinding]:
    """Yield a condition file whose stem is none of the conditions that it puts into the differential."""
    described = [named(quad.subject) for quad in file.quads if quad.predicate.value == LC + "inDifferential"]
    stems = [kebab(term.removeprefix(LC)) for term in described]
    if described and not any(_same_name(stem, file.path.stem) for stem in stems):
        yield _violation(
            "LC-2036",
            "The condition's file is not named after it",
            file.place(described[0]),
            f"{file.path.name} describes {', '.join(map(curie, described))}",
            f"rename the file to {stems[0]}.ttl, its module and the imports",
        )


def _same_name(left: str, right: str) -> bool:
    return left.replace("-", "") == right.replace("-", "")


def _catalogue(workspace: Workspace) -> Iterator[CheckFinding]:
    """Yield entries of the catalogue that lead nowhere or elsewhere, and modules without an entry."""
    path = workspace.folder / CATALOGUE
    try:
        text = path.read_text(encoding="utf-8")
        entries = catalogue_entries(text)
    except (OSError, ElementTree.ParseError, KnowledgeError) as error:
        yield _violation("LC-2031", "The catalogue cannot be read", CATALOGUE, str(error), "restore it from the last version")
        return
    files = {file.name: file for file in workspace.ontology}
    for name, uri in entries:
        target = files.get((Path("ontology") / uri).as_posix())
        if target is None or target.module != name:
            why = f"{uri} does not exist" if target is None else f"{uri} describes {target.module}"
            where = f"{CATALOGUE}:{_line(text, name)}"
            yield _violation("LC-2031", "An entry of the catalogue leads astray", where, why, f"correct or remove the entry of <{name}>")
    known = {name for name, _ in entries}
    for file in workspace.ontology:
        if file.module and file.module not in known:
            entry = catalogue_entry(file.module, file.name.removeprefix("ontology/"))
            why = "editors would look for it on the network"
            yield _violation(
                "LC-2031",
                "A module is missing from the catalogue",
                file.place(file.module),
                why,
                f"add {entry} to {CATALOGUE}, as `legcramps fmt` does",
            )


def catalogue_entries(text: str) -> list[tuple[str, str]]:
    """Return the (name, path) pairs of a catalogue; raise KnowledgeError or ParseError for one that is not well-formed."""
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise KnowledgeError("The catalogue has a document type", why="entities could read other files")
    root = ElementTree.fromstring(text)  # noqa: S314  # no document type, so nothing expands
    return [(each.get("name", ""), each.get("uri", "")) for each in root.iter(_CATALOGUE_NAME + "uri")]


def catalogue_entry(module: str, path: str) -> str:
    """Return the entry of a catalogue that leads from a module to a file beside the catalogue."""
    return f"<uri name={quoteattr(module)} uri={quoteattr(path)}/>"


def _line(text: str, mention: str) -> int:
    return text.count("\n", 0, max(text.find(f'"{mention}"'), 0)) + 1


def _resolved(by_module: Mapping[str, TurtleFile], imports: Mapping[str, list[str]]) -> Iterator[CheckFinding]:
    """Yield imports of modules that do not exist, and modules that the master does not import."""
    for module, file in by_module.items():
        for target in imports[module]:
            if target not in by_module:
                why = f"<{target}> is no module of this folder"
                yield _violation(
                    "LC-2032", "An import leads nowhere", file.place(module, f"<{target}>"), why, "correct or remove the import"
                )
        if file.name != MASTER and module not in imports.get(BASE + "legcramps", [module]):
            why = "tools that load the master would miss it"
            repair = f"add owl:imports <{module}> to {MASTER}, as `legcramps fmt` does"
            yield _violation("LC-2033", "The master does not import a module", file.place(module), why, repair)


def _uses(workspace: Workspace, file: TurtleFile, imports: Mapping[str, list[str]]) -> Iterator[CheckFinding]:
    """Yield terms of modules that are not imported, once per module."""
    used = _used_modules(workspace, file)
    reached = reached_modules(imports, file.module)
    for module, (term, where) in sorted(used.items()):
        if module not in reached:
            yield _violation(
                "LC-2034",
                "A module uses a term of one that it does not import",
                where,
                f"{curie(term)} is declared in {workspace.homes[term].name}",
                f"add owl:imports <{module}>, or move the statement",
            )


def _used_modules(workspace: Workspace, file: TurtleFile) -> dict[str, tuple[str, str]]:
    """Return the other modules whose terms a file uses, citations apart, each with a term and its place."""
    found: dict[str, tuple[str, str]] = {}
    for quad in file.quads:
        nodes = (quad.predicate,) if quad.predicate.value == _SOURCE else (quad.subject, quad.predicate, quad.object)
        for term in (node.value for node in nodes if isinstance(node, pyoxigraph.NamedNode)):
            home = workspace.homes.get(term)
            if home in workspace.ontology and home.module not in ("", file.module) and home.module not in found and term != home.module:
                found[home.module] = term, file.place(file.owner(quad.subject), curie(term))
    return found


def reached_modules(imports: Mapping[str, Iterable[str]], start: str) -> set[str]:
    """Return a module with everything that it imports, directly or not."""
    found = {start}
    stack = [start]
    while stack:
        for target in imports.get(stack.pop(), ()):
            if target not in found:
                found.add(target)
                stack.append(target)
    return found
