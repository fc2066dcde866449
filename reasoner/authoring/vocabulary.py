"""Close the world of the project's namespaces: a term that is used must be declared, or it is misspelt."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache, partial

import pyoxigraph

from reasoner.authoring.results import CheckFinding, Severity
from reasoner.authoring.workspace import TurtleFile, Workspace
from reasoner.namespaces import LC, LCG, LCS, PREFIXES, RDF, curie, expand

__all__ = ["check_vocabulary", "declared_terms", "near_matches"]

_OWN = (LC, LCG, LCS)
_MENTION = re.compile(r"(?<![\w:/<#.@-])(lc|lcg|lcs):([A-Za-z_][\w-]*)")
_ADDRESS = re.compile(r"<(https://w3id\.org/legcramps/(?:ontology|guideline|shape)/[\w-]+)>")
_STANDARDS = ("dcterms", "owl", "prov", "rdf", "rdfs", "sh", "skos", "sosa", "xsd")


def declared_terms(workspace: Workspace) -> frozenset[str]:
    """Return the terms of the project's namespaces that some file gives a type."""
    found = set()
    for file in workspace.files:
        for quad in file.quads:
            if quad.predicate.value == RDF + "type" and isinstance(quad.subject, pyoxigraph.NamedNode):
                found.add(quad.subject.value)
    return frozenset(term for term in found if term.startswith(_OWN))


def near_matches(term: str, candidates: Iterable[str]) -> list[str]:
    """Return up to three of `candidates`, abbreviated, whose spelling is near that of `term`."""
    by_name: dict[str, str] = {}
    for each in sorted(candidates):
        by_name.setdefault(curie(each).lower(), each)
    found = get_close_matches(curie(term).lower(), by_name, n=3, cutoff=0.75)
    return [curie(by_name[name]) for name in found]


def check_vocabulary(workspace: Workspace) -> Iterator[CheckFinding]:
    """Yield every use of an undeclared term of the project, and of a term that a standard vocabulary does not have."""
    declared = declared_terms(workspace)
    reported: set[tuple[str, str]] = set()
    for term, name, place in _uses(workspace):
        if term in declared or (name, term) in reported:
            continue
        reported.add((name, term))
        near = near_matches(term, declared)
        yield CheckFinding(
            "closed-world",
            Severity.VIOLATION,
            f"{curie(term)} is not declared",
            place(),
            f"near it are {', '.join(near)}" if near else "no declared term is near it",
            f"write {near[0]}, or declare {curie(term)}" if near else f"declare {curie(term)} with type, label and definition",
            "LC-2020",
        )
    for file in workspace.files:
        yield from _foreign(file)


def _uses(workspace: Workspace) -> Iterator[tuple[str, str, Callable[[], str]]]:
    """Yield each used term of the project with the file's name and its place: in triples, and in texts that hold queries."""
    for file in workspace.files:
        for quad in file.quads:
            for term in _terms(quad):
                if term.startswith(_OWN):
                    yield term, file.name, partial(_place, file, quad, curie(term))
            if isinstance(quad.object, pyoxigraph.Literal) and "\n" in quad.object.value:
                for term, mention in _mentions(quad.object.value):
                    yield term, file.name, partial(_place, file, quad, mention)
    for path in sorted([*workspace.folder.glob("queries/**/*.rq"), *workspace.folder.glob("ontology/*.jsonld")]):
        name = path.relative_to(workspace.folder).as_posix()
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
            if not line.startswith(("#", "PREFIX")):
                for term, _ in _mentions(line):
                    yield term, name, partial(str, f"{name}:{number}")


def _place(file: TurtleFile, quad: pyoxigraph.Quad, mention: str) -> str:
    return file.place(file.owner(quad.subject), mention)


def _terms(quad: pyoxigraph.Quad) -> Iterator[str]:
    for node in (quad.subject, quad.predicate, quad.object):
        if isinstance(node, pyoxigraph.NamedNode):
            yield node.value
        elif isinstance(node, pyoxigraph.Literal):
            yield node.datatype.value


def _mentions(text: str) -> Iterator[tuple[str, str]]:
    for match in _MENTION.finditer(text):
        yield expand(match.group()), match.group()
    for match in _ADDRESS.finditer(text):
        yield match.group(1), match.group()


def _foreign(file: TurtleFile) -> Iterator[CheckFinding]:
    """Yield the terms that stand in a standard's namespace and are none of it."""
    reported: set[str] = set()
    for quad in file.quads:
        for term in _terms(quad):
            prefix = _standard_of(term)
            if prefix and term not in reported and term.removeprefix(PREFIXES[prefix]) not in _standard(prefix):
                reported.add(term)
                near = near_matches(term, [PREFIXES[prefix] + name for name in _standard(prefix)])
                yield CheckFinding(
                    "closed-world",
                    Severity.VIOLATION,
                    f"{curie(term)} is no term of its vocabulary",
                    file.place(file.owner(quad.subject), curie(term)),
                    f"near it are {', '.join(near)}" if near else "nothing there is spelt like it",
                    f"write {near[0]}" if near else "use a term that the vocabulary has",
                    "LC-2021",
                )


@cache
def _standard_of(term: str) -> str:
    return next((prefix for prefix in _STANDARDS if term.startswith(PREFIXES[prefix]) and term != PREFIXES[prefix]), "")


@cache
def _standard(prefix: str) -> Mapping[str, None]:
    """Return the local names of a standard vocabulary, as rdflib knows them."""
    from rdflib import namespace

    defined = getattr(namespace, prefix.upper())
    stem = PREFIXES[prefix]
    names = {str(term).removeprefix(stem): None for term in dir(defined) if str(term).startswith(stem)}
    return names | dict.fromkeys(_extra(prefix))


def _extra(prefix: str) -> tuple[str, ...]:
    """Return names that rdflib leaves out: members of the namespace by pattern, and the namespace document itself."""
    return {"rdf": ("_1", "_2", "_3"), "owl": ("versionIRI",), "sh": ("and", "class", "in", "not", "or")}.get(prefix, ())
