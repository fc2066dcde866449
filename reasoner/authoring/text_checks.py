"""Check the files as texts: canonical form, well-formed Turtle, literals that their datatypes allow."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pyoxigraph

from reasoner.authoring.format import format_turtle
from reasoner.authoring.outlines import FILL_IN
from reasoner.authoring.results import CheckFinding, Severity
from reasoner.authoring.workspace import TurtleFile, Workspace
from reasoner.errors import KnowledgeError
from reasoner.literals import TEXT_TESTS
from reasoner.namespaces import RDF, XSD, curie, declaration

__all__ = ["check_filled", "check_form", "check_literals"]

_FREE = frozenset({RDF + "langString", XSD + "string"})
_ADDRESS = XSD + "anyURI"
_TAIL = re.compile(r"""[.]?(?:"(?:@[a-z-]+)?)?[\s;,.]*$""")


def check_form(workspace: Workspace) -> Iterator[CheckFinding]:
    """Yield the files that `legcramps fmt` would rewrite."""
    for file in workspace.files:
        try:
            formatted = format_turtle(file.text, file.name)
        except KnowledgeError as error:
            yield CheckFinding.of_error("canonical-form", error, file.name)
            continue
        if formatted != file.text:
            yield CheckFinding(
                "canonical-form",
                Severity.VIOLATION,
                "The file is not in canonical form",
                f"{file.name}:{_first_difference(file.text, formatted)}",
                "the form differs from this line on",
                f"legcramps fmt {file.name}",
                "LC-2010",
            )


def _first_difference(text: str, other: str) -> int:
    lines = zip(text.split("\n"), other.split("\n"), strict=False)
    return next((number for number, (left, right) in enumerate(lines, 1) if left != right), 1)


def check_filled(workspace: Workspace) -> Iterator[CheckFinding]:
    """Yield the lines of knowledge and vignettes in which something is still to be filled in."""
    texts = {file.name: file.text for file in workspace.ontology}
    for pattern in ("record.ttl", "expected.json"):
        for path in sorted((workspace.folder / "tests" / "cases").rglob(pattern)):
            texts[path.relative_to(workspace.folder).as_posix()] = path.read_text(encoding="utf-8", errors="replace")
    for name, text in texts.items():
        if FILL_IN in text:
            for number, line in enumerate(text.split("\n"), 1):
                if FILL_IN in line:
                    asked = _TAIL.sub("", line.partition(FILL_IN)[2].strip())
                    what, repair = "Something is still to be filled in", "write it, and delete the words or the comment that ask for it"
                    yield CheckFinding("strict-parse", Severity.VIOLATION, what, f"{name}:{number}", asked, repair, "LC-2015")


def check_literals(workspace: Workspace) -> Iterator[CheckFinding]:
    """Yield malformed files, literals whose text their datatype does not allow, and datatypes that nothing reads."""
    for where, reason in workspace.broken:
        yield CheckFinding(
            "strict-parse",
            Severity.VIOLATION,
            "The file is not valid Turtle",
            where,
            reason,
            declaration(reason) or "mend the line and run check again",
            "LC-2011",
        )
    for file in workspace.files:
        if "" in file.prefixes:
            yield CheckFinding(
                "strict-parse",
                Severity.VIOLATION,
                "The file declares a default prefix",
                f"{file.name}:1",
                "names without a prefix hide whose term it is",
                f"legcramps fmt {file.name}",
                "LC-2014",
            )
        for quad in file.quads:
            if isinstance(quad.object, pyoxigraph.Literal):
                yield from _literal(file, quad, quad.object)


def _literal(file: TurtleFile, quad: pyoxigraph.Quad, literal: pyoxigraph.Literal) -> Iterator[CheckFinding]:
    datatype = literal.datatype.value
    if datatype in _FREE or (datatype in TEXT_TESTS and TEXT_TESTS[datatype](literal.value)):
        return
    if datatype == _ADDRESS and literal.value and not any(map(str.isspace, literal.value)):
        return
    known = datatype in TEXT_TESTS or datatype == _ADDRESS
    yield CheckFinding(
        "strict-parse",
        Severity.VIOLATION,
        f"“{literal.value}” is no {curie(datatype)}" if known else f"The datatype {curie(datatype)} is not read",
        file.place(file.owner(quad.subject), literal.value),
        f"value of {curie(quad.predicate.value)}",
        "write a text that the datatype allows" if known else "use a datatype of XML Schema that the project reads",
        "LC-2012" if known else "LC-2013",
    )
