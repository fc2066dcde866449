"""Prepare JSON-LD for the parser: the shipped context comes from the knowledge folder, no other one is ever fetched.

| in the document | here |
|---|---|
| `"@context": "https://w3id.org/legcramps/context.jsonld"`, alone or in a list | replaced by `ontology/context.jsonld` |
| an inline context | kept |
| any other address, and `@import` | refused, naming it |
| a number with a fraction or an exponent | its digits as `xsd:decimal`; JSON-LD alone would make it a double |
| a whole number of more than 15 digits | its digits as text, which a term of the shipped context types |
| a name given twice in one object, NaN, Infinity | refused: JSON has no meaning for it |
"""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from reasoner.errors import InputError, LimitError, SyntaxProblem, UnsupportedInputError
from reasoner.limits import check_brackets
from reasoner.namespaces import BASE, XSD

__all__ = ["CONTEXT", "prepare"]

CONTEXT = BASE + "context.jsonld"
"""The IRI by which a document names the shipped context."""

_MAGNITUDE = 30
_WHOLE_DIGITS = 15
_MOST_WORK = 1_000_000
"""Contexts of a document times the terms they define: each context may copy every term of those around it."""

_REPAIR = "mend it, or name its format by --input-format (read as json-ld)"


class _Digits(str):
    """The digits of a JSON number, as written."""


def prepare(text: bytes, name: str, folder: Path) -> bytes:
    """Return the document `name` as JSON-LD that needs nothing from outside; `folder` is the knowledge folder.

    Raise SyntaxProblem with line and column for malformed JSON, LimitError for nesting and for contexts that expand
    too far, UnsupportedInputError for a context that is not at hand.
    """
    check_brackets(text, name, json=True)
    contexts = _Contexts(name, folder)
    try:
        found = json.loads(text.decode(), parse_float=_Digits, parse_int=_whole, parse_constant=_refuse, object_pairs_hook=_object)
        return json.dumps(contexts.resolved(found), ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        place = f"{name}:{error.lineno}"
        raise SyntaxProblem("The document is malformed", where=place, why=f"{error.msg} in column {error.colno}", repair=_REPAIR) from error
    except UnicodeError as error:
        line = text.count(b"\n", 0, error.start) + 1 if isinstance(error, UnicodeDecodeError) else 0
        place = f"{name}:{line}" if line else name
        raise SyntaxProblem(
            "The document is malformed", where=place, why="it is no valid Unicode text", repair="save it as UTF-8"
        ) from error
    except _MalformedError as error:
        raise SyntaxProblem("The document is malformed", where=name, why=str(error), repair=_REPAIR) from error


class _MalformedError(Exception):
    """JSON that the standard parser takes and that means nothing."""


def _refuse(constant: str) -> None:
    raise _MalformedError(f"{constant} is no JSON number")


def _whole(text: str) -> int | _Digits:
    return int(text) if len(text) <= _WHOLE_DIGITS else _Digits(text)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        [(twice, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise _MalformedError(f"an object gives “{twice[:100]}” twice")
    return found


class _Contexts:
    """Walk one document, put the shipped context where it is named, and count what contexts may cost."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder
        self.shipped: Any = None
        self.count = 0
        self.terms = 0

    def resolved(self, value: Any) -> Any:
        """Return a part of the document with its contexts at hand and its numbers exact."""
        if isinstance(value, list):
            return [self.resolved(item) for item in value]
        if isinstance(value, _Digits):
            return _number(value)
        if not isinstance(value, dict):
            return value
        if isinstance(value.get("@value"), _Digits):
            exact = _number(value["@value"])
            return {**value, "@value": exact["@value"], **({} if "@type" in value else exact)} if isinstance(exact, dict) else value
        return {key: self._context(item) if key == "@context" else self.resolved(item) for key, item in value.items()}

    def _context(self, context: Any) -> Any:
        """Return a context without any address in it."""
        self._count(context)
        if isinstance(context, list):
            return [self._context(each) for each in context]
        if isinstance(context, str):
            return self._named(context)
        if not isinstance(context, dict):
            return context
        if "@import" in context:
            self._refuse(str(context["@import"]))
        return {term: self._definition(definition) for term, definition in context.items()}

    def _definition(self, definition: Any) -> Any:
        if isinstance(definition, dict) and "@context" in definition:
            return {**definition, "@context": self._context(definition["@context"])}
        return float(definition) if isinstance(definition, _Digits) else definition

    def _named(self, address: str) -> Any:
        if address != CONTEXT:
            self._refuse(address)
        if self.shipped is None:
            try:
                self.shipped = json.loads((self.folder / "ontology" / "context.jsonld").read_bytes())["@context"]
            except (OSError, ValueError, KeyError) as error:
                raise InputError(
                    "The shipped JSON-LD context cannot be read",
                    where=str(self.folder),
                    why=str(error),
                    repair="restore ontology/context.jsonld",
                ) from error
        self._count(self.shipped)
        return self.shipped

    def _count(self, context: Any) -> None:
        self.count += 1
        if isinstance(context, dict) and context is not self.shipped:
            self.terms += len(context)
        if self.count * (self.terms + len(self.shipped or ())) > _MOST_WORK:
            raise LimitError(
                "The contexts of the document expand too far",
                where=self.name,
                why=f"{self.count} contexts, with {self.terms} terms of their own",
                repair="give one context at the top of the document",
            )

    def _refuse(self, address: str) -> None:
        raise UnsupportedInputError(
            f"The JSON-LD context {address[:200]} is not at hand",
            where=self.name,
            why="nothing is fetched, neither from the network nor from files",
            repair=f"name {CONTEXT}, or write the context into the document",
        )


def _number(digits: _Digits) -> Any:
    """Return an exact decimal, or the plain text of what is too large, too small or too long to be a measurement."""
    try:
        number = Decimal(digits)
    except InvalidOperation:
        return str(digits)
    if digits.lstrip("-").isdigit() or (number and abs(number.adjusted()) > _MAGNITUDE):
        return str(digits)
    return {"@value": format(number, "f"), "@type": XSD + "decimal"}
