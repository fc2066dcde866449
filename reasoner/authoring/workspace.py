"""Read a knowledge folder once for all checks, and know the file and line of everything in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import pyoxigraph

from reasoner.authoring.turtle_layout import scan_layout
from reasoner.knowledge import Graph, read_graph
from reasoner.namespaces import OWL, RDF, RDFS, curie

__all__ = ["TurtleFile", "Workspace", "named", "read_turtle", "read_workspace"]

IDENTIFIER = "http://purl.org/dc/terms/identifier"
_PLACE = re.compile(r"([\w.-]+\.ttl)(:[0-9]+)?")


def named(node: object) -> str:
    """Return the IRI of a node, or nothing for one without a name."""
    return node.value if isinstance(node, pyoxigraph.NamedNode) else ""


@dataclass(frozen=True)
class TurtleFile:
    """One Turtle file: its path, its name below the folder, its text, its triples and its prefixes."""

    path: Path
    name: str
    text: str
    quads: tuple[pyoxigraph.Quad, ...]
    prefixes: Mapping[str, str]

    @cached_property
    def lines(self) -> Mapping[str, int]:
        """Return the line on which the block of each subject begins."""
        return scan_layout(self.text, self.prefixes).lines

    @cached_property
    def owners(self) -> Mapping[str, str]:
        """Return for each blank node the named subject whose block it stands in."""
        above = {quad.object.value: quad.subject for quad in self.quads if isinstance(quad.object, pyoxigraph.BlankNode)}
        found: dict[str, str] = {}
        for name in above:
            node: object = above[name]
            seen = {name}
            while isinstance(node, pyoxigraph.BlankNode) and node.value not in seen:
                seen.add(node.value)
                node = above.get(node.value)
            if isinstance(node, pyoxigraph.NamedNode):
                found[name] = node.value
        return found

    @cached_property
    def module(self) -> str:
        """Return the IRI of the module that the file describes, or nothing."""
        found = [named(quad.subject) for quad in self.quads if quad.object == pyoxigraph.NamedNode(OWL + "Ontology")]
        return found[0] if found else ""

    def place(self, subject: str, *mentions: str) -> str:
        """Return `file:line` of the block of `subject`, or of the first line in it that holds most of `mentions`."""
        line = self.lines.get(subject)
        if line is None:
            return self.name
        rest = self.text.split("\n")[line - 1 :]
        following = min((each for each in self.lines.values() if each > line), default=line + len(rest))
        wholes = [re.compile(rf"(?<![\w-]){re.escape(mention)}(?![\w-])") for mention in mentions if mention]
        held = [sum(bool(whole.search(content)) for whole in wholes) for content in rest[: following - line]]
        return f"{self.name}:{line + held.index(max(held))}"

    def owner(self, node: object) -> str:
        """Return the named subject in whose block a node stands."""
        return self.owners.get(node.value, "") if isinstance(node, pyoxigraph.BlankNode) else named(node)


def read_turtle(path: Path, name: str) -> TurtleFile:
    """Read one Turtle file; raise SyntaxError, ValueError or OSError as it comes."""
    text = path.read_bytes().decode()
    parser = pyoxigraph.parse(text.encode(), format=pyoxigraph.RdfFormat.TURTLE, rename_blank_nodes=True)
    quads = tuple(parser)
    return TurtleFile(path, name, text, quads, dict(parser.prefixes))


@dataclass(frozen=True)
class Workspace:
    """A knowledge folder with its readable files; `broken` holds (file:line, reason) for the others."""

    folder: Path
    ontology: tuple[TurtleFile, ...]
    shapes: tuple[TurtleFile, ...]
    broken: tuple[tuple[str, str], ...] = field(default=())

    @property
    def files(self) -> tuple[TurtleFile, ...]:
        """Return all readable files."""
        return self.ontology + self.shapes

    @cached_property
    def homes(self) -> Mapping[str, TurtleFile]:
        """Return for each named subject the file that declares its type, else the first that describes it."""
        found: dict[str, TurtleFile] = {}
        for file in self.files:
            for quad in file.quads:
                found.setdefault(named(quad.subject), file)
        for file in reversed(self.files):
            found.update((named(quad.subject), file) for quad in file.quads if quad.predicate.value == RDF + "type" and named(quad.subject))
        return found

    @cached_property
    def graph(self) -> Graph:
        """Return the ontology as one indexed graph."""
        return read_graph([file.path for file in self.ontology])

    @cached_property
    def store(self) -> pyoxigraph.Store:
        """Return the ontology as a store, with the module that declares each term and the file of each module."""
        store = pyoxigraph.Store()
        for file in self.ontology:
            store.extend(file.quads)
            store.extend(_ownership(file))
        return store

    def holding(self, graph: Graph) -> Workspace:
        """Return the same folder with another graph in the place of the ontology's own."""
        other = replace(self)
        other.__dict__["graph"] = graph
        return other

    def place(self, term: str, *mentions: str) -> str:
        """Return `file:line` of a term, or of what its block mentions; the term's abbreviation when it has no block."""
        if term.startswith("_:"):
            for file in self.files:
                owner = file.owners.get(term[2:])
                if owner:
                    return file.place(owner, *mentions)
        file_of = self.homes.get(term)
        return file_of.place(term, *mentions) if file_of else curie(term)

    def full_place(self, where: str) -> str:
        """Return a place that names a file by its bare name with the path below the folder."""
        match = _PLACE.fullmatch(where)
        names = [file.name for file in self.ontology if match and file.path.name == match.group(1)]
        return names[0] + (match.group(2) or "") if match and len(names) == 1 else where


def _ownership(file: TurtleFile) -> Iterator[pyoxigraph.Quad]:
    """Yield what hygiene queries may ask beyond the ontology: file of the module, module of each declared term."""
    if not file.module:
        return
    module = pyoxigraph.NamedNode(file.module)
    yield pyoxigraph.Quad(module, pyoxigraph.NamedNode(IDENTIFIER), pyoxigraph.Literal(file.name))
    for quad in file.quads:
        if quad.predicate.value == RDF + "type" and named(quad.subject) and quad.subject != module:
            yield pyoxigraph.Quad(quad.subject, pyoxigraph.NamedNode(RDFS + "isDefinedBy"), module)


def read_workspace(folder: Path) -> Workspace:
    """Read `ontology/` and `shapes/` of a knowledge folder; malformed files are listed, not raised."""
    broken: list[tuple[str, str]] = []
    ontology = tuple(_read(folder, folder.glob("ontology/**/*.ttl"), broken))
    shapes = tuple(_read(folder, folder.glob("shapes/**/*.ttl"), broken))
    return Workspace(folder, ontology, shapes, tuple(broken))


def _read(folder: Path, paths: Iterable[Path], broken: list[tuple[str, str]]) -> Iterator[TurtleFile]:
    for path in sorted(paths):
        name = path.relative_to(folder).as_posix()
        try:
            yield read_turtle(path, name)
        except SyntaxError as error:
            broken.append((f"{name}:{error.lineno}" if error.lineno else name, str(error.msg)))
        except (OSError, ValueError) as error:
            broken.append((name, str(error)))
