"""Refuse what has crashed or exhausted parsers, before one of them sees it.

A native parser that runs out of stack takes the whole process with it, so nesting is counted here, exactly as the
grammar of each format opens and closes it: brackets outside strings, comments and IRIs, elements in RDF/XML.
Text in another encoding than UTF-8 is refused too, because the counting and the parsers would read it differently.
"""

from __future__ import annotations

import re
from typing import NoReturn

from reasoner.errors import LimitError, SyntaxProblem, UnsupportedInputError

__all__ = ["MAX_NESTING", "check_brackets", "check_xml", "utf8"]

MAX_NESTING = 256
"""Brackets or elements that may be open at once; no record needs a tenth of it."""

_MARKS = ((b"\xff\xfe\0\0", "UTF-32"), (b"\0\0\xfe\xff", "UTF-32"), (b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16"))
_BRACKETS = rb"|([\[({])|[\])}]"
_TURTLE_TOKEN = (
    rb'"""[^"\\]*+(?:(?:\\.|"(?!""))[^"\\]*+)*+"""'
    rb"|'''[^'\\]*+(?:(?:\\.|'(?!''))[^'\\]*+)*+'''"
    rb'|"[^"\\\r\n]*+(?:\\.[^"\\\r\n]*+)*+"'
    rb"|'[^'\\\r\n]*+(?:\\.[^'\\\r\n]*+)*+'"
    rb'|<[^<>"{}|^`\x00-\x20]*+>'
    rb"|#[^\r\n]*+"
    rb"|\\." + _BRACKETS
)
_JSON_TOKEN = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"' + _BRACKETS
_NO_BRACKETS = bytes(set(range(256)) - set(b"[({])}"))
_OPENING, _CLOSING = b"[({", b"])}"
_ENCODINGS = ("utf-8", "us-ascii", "ascii")
_FHIR = "http://hl7.org/fhir"


def utf8(text: bytes, name: str) -> bytes:
    """Return `text` without its byte order mark; raise UnsupportedInputError for UTF-16, UTF-32 and bytes that are no text."""
    for mark, encoding in _MARKS:
        if text.startswith(mark):
            raise UnsupportedInputError(f"{encoding} is not read", where=name, why="its byte order mark says so", repair="save it as UTF-8")
    if b"\0" in text:
        line = text.count(b"\n", 0, text.index(b"\0")) + 1
        raise UnsupportedInputError(
            "The input is no UTF-8 text", where=f"{name}:{line}", why="it holds a NUL byte", repair="save it as UTF-8, without NUL"
        )
    return text.removeprefix(b"\xef\xbb\xbf")


def check_brackets(text: bytes, name: str, *, json: bool = False) -> None:
    """Raise LimitError when more than MAX_NESTING brackets of a Turtle-like or a JSON document are open at once."""
    if not any(map(text.__contains__, _OPENING)) or len(text.translate(None, _NO_BRACKETS)) <= MAX_NESTING:
        return
    depth = 0
    for token in re.finditer(_JSON_TOKEN if json else _TURTLE_TOKEN, text, re.DOTALL):
        if token.lastindex:
            depth += 1
            if depth > MAX_NESTING:
                _refuse_depth(name)
        elif depth and token[0] in _CLOSING:
            depth -= 1


def check_xml(text: bytes, name: str) -> None:
    """Raise LimitError for deep nesting and for any document type, SyntaxProblem for text that is not well-formed."""
    from xml.parsers import expat

    parser = expat.ParserCreate("UTF-8")
    gate = _XmlGate(name)
    parser.XmlDeclHandler = gate.declare
    parser.StartDoctypeDeclHandler = gate.refuse_doctype
    parser.StartElementHandler = gate.start
    parser.EndElementHandler = gate.end
    try:
        parser.Parse(text, True)
    except expat.ExpatError as error:
        raise SyntaxProblem(
            "The document is malformed",
            where=f"{name}:{error.lineno}",
            why=f"{expat.ErrorString(error.code)} in column {error.offset + 1}",
            repair="mend it, or name its format by --input-format (read as rdf-xml)",
        ) from error


class _XmlGate:
    """Follow the events of an XML document and refuse it as soon as it leaves the limits."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.depth = 0
        self.started = False

    def declare(self, _version: str, encoding: str | None, _standalone: int) -> None:
        """Refuse another encoding than UTF-8."""
        if encoding is not None and encoding.lower() not in _ENCODINGS:
            raise UnsupportedInputError(
                f"RDF/XML in {encoding[:40]} is not read", where=self.name, why="its declaration says so", repair="save it as UTF-8"
            )

    def refuse_doctype(self, *_: object) -> NoReturn:
        """Refuse every document type."""
        raise LimitError(
            "RDF/XML with a document type is not read",
            where=self.name,
            why="entities can expand without bound or read other files",
            repair="delete the DOCTYPE and write namespaces and values out in full",
        )

    def start(self, _element: str, attributes: dict[str, str]) -> None:
        """Count an element; the first one may tell that the document is FHIR."""
        if not self.started and attributes.get("xmlns") == _FHIR:
            raise UnsupportedInputError("FHIR XML is not read", where=self.name, repair="convert it to FHIR JSON")
        self.started = True
        self.depth += 1
        if self.depth > MAX_NESTING:
            _refuse_depth(self.name)

    def end(self, _element: str) -> None:
        """Leave an element."""
        self.depth -= 1


def _refuse_depth(name: str) -> NoReturn:
    raise LimitError(
        "The document nests too deeply",
        where=name,
        why=f"more than {MAX_NESTING} brackets or elements are open at once",
        repair="write nested nodes as named ones",
    )
