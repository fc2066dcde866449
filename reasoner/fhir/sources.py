"""Take resources out of inputs: a document in JSON or Turtle, or one resource per line (bulk export).

| form | a malformed part |
|---|---|
| `json`: one resource or Bundle | an error: nothing else can be told of the document |
| `turtle`: one resource or Bundle, or several | an error, as above |
| `ndjson`: one resource or Bundle per line, blank lines allowed | costs its line, which is counted and named |

A file of lines that holds no resource at all, such as the log of an export, is an error.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reasoner.errors import InputError, UnsupportedInputError
from reasoner.fhir.document import parse_document
from reasoner.fhir.elements import Element, string
from reasoner.record import Problem

__all__ = ["BadLine", "BadLines", "Source", "numbered_resources", "read_line", "resources_in"]

_NAMED = 10
_NO_RESOURCE = "it has no resourceType"


@dataclass(frozen=True, slots=True)
class Source:
    """The bytes of one input with its name and its form, `json`, `ndjson` or `turtle`."""

    name: str
    text: bytes
    form: str = "json"


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that holds no resource: where it stands, and why."""

    place: str
    why: str


def resources_in(source: Source, base: str) -> Iterator[Element | BadLine]:
    """Yield the resource or Bundle of a document, or what each line of a bulk export holds; `base` is that of relative IRIs.

    Raise SyntaxProblem, LimitError or UnsupportedInputError for a document, or an export without any resource.
    """
    return (held for _, held in numbered_resources(source, base))


def numbered_resources(source: Source, base: str) -> Iterator[tuple[int, Element | BadLine]]:
    """Yield what `resources_in` yields, each with its line in a bulk export and 0 in other forms; raise as that does."""
    if source.form == "ndjson":
        yield from _by_line(source)
        return
    if source.form == "turtle":
        from reasoner.fhir.turtle import resources_in_turtle

        yield from ((0, resource) for resource in resources_in_turtle(source.text, source.name, base))
        return
    try:
        document = parse_document(source.text)
    except InputError as error:
        line = error.where.partition(",")[0].removeprefix("line ")
        if source.name:
            error.where = f"{source.name}:{line}" if line else source.name
        raise
    if not string(document, "resourceType"):
        raise UnsupportedInputError(
            "The document is JSON, but no FHIR resource", where=source.name, why=_NO_RESOURCE, repair="send one resource or one Bundle"
        )
    yield 0, document


def _by_line(source: Source) -> Iterator[tuple[int, Element | BadLine]]:
    bad: BadLine | None = None
    found = False
    for number, line in enumerate(source.text.split(b"\n"), 1):
        if line.strip():
            held = read_line(line, f"{source.name}:{number}")
            found = found or not isinstance(held, BadLine)
            bad = bad or (held if isinstance(held, BadLine) else None)
            yield number, held
    if not found:
        raise UnsupportedInputError(
            "The file holds no FHIR resource",
            where=bad.place if bad else source.name,
            why=bad.why if bad else "it is empty",
            repair="leave it out",
        )


def read_line(line: bytes, place: str) -> Element | BadLine:
    """Return the resource of a line, or why it holds none."""
    try:
        resource = parse_document(line)
    except InputError as error:
        return BadLine(place, error.why or error.what)
    return resource if string(resource, "resourceType") else BadLine(place, _NO_RESOURCE)


class BadLines:
    """Count lines that hold no resource, by file, and keep the first places."""

    def __init__(self) -> None:
        self._files: dict[str, tuple[int, list[BadLine]]] = {}

    @property
    def total(self) -> int:
        """Return how many there are."""
        return sum(count for count, _ in self._files.values())

    def add(self, line: BadLine) -> None:
        """Count a line."""
        count, first = self._files.get(line.place.rpartition(":")[0], (0, []))
        self._files[line.place.rpartition(":")[0]] = (count + 1, [*first, line] if count < _NAMED else first)

    def problems(self) -> list[Problem]:
        """Return a problem per file, with its count, the first places and the first reason."""
        return [
            Problem(
                "malformed-line",
                f"lines of {name or 'the input'} that hold no resource: {count}, the first because {first[0].why}",
                "",
                tuple(line.place for line in first),
                "send one JSON resource per line",
            )
            for name, (count, first) in sorted(self._files.items())
        ]
