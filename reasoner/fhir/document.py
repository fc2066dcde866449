"""Turn bytes into a JSON object: strict, exact in its numbers, and bounded in its depth before it is parsed."""

from __future__ import annotations

import json
import re
from collections import Counter
from decimal import Decimal, InvalidOperation
from itertools import accumulate

from reasoner.errors import LimitError, SyntaxProblem, UnsupportedInputError
from reasoner.fhir.elements import Element

__all__ = ["DEEPEST", "exact_number", "parse_document"]

DEEPEST = 100
_MAGNITUDE = 30
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_BRACKETS = bytes.maketrans(b"{[]}", b"\x02\x02\x00\x00")
_OTHERS = bytes(byte for byte in range(256) if byte not in b"{[]}")
_NAMES = {list: "an array", str: "a text", bool: "true or false alone", type(None): "null"}
_REPAIR = "send the document as it left its source, as UTF-8 JSON"


def parse_document(text: bytes) -> Element:
    """Return the JSON object in `text`, its fractions as Decimal.

    Raise LimitError when it is nested more than 100 levels deep, SyntaxProblem with line and column when it is
    malformed, and UnsupportedInputError when it is JSON but no object.
    """
    depth = _depth(text)
    if depth > DEEPEST:
        raise LimitError(
            "The document is nested too deep", why=f"{depth} levels, at most {DEEPEST} are read", repair="flatten the document"
        )
    try:
        words = text.decode("utf-8-sig")
        found = json.loads(words, parse_float=exact_number, parse_int=_whole, parse_constant=_refuse, object_pairs_hook=_object)
        if b"\\u" in text:
            json.dumps(found, ensure_ascii=False, default=str).encode()
    except json.JSONDecodeError as error:
        raise SyntaxProblem(
            "The document is not valid JSON", where=f"line {error.lineno}, column {error.colno}", why=error.msg, repair=_REPAIR
        ) from error
    except UnicodeError as error:
        raise SyntaxProblem("The document is not valid Unicode text", where=_place(text, error), why=str(error), repair=_REPAIR) from error
    if not isinstance(found, dict):
        raise UnsupportedInputError(
            "The document is JSON, but no FHIR resource",
            why=f"it holds {_NAMES.get(type(found), 'a number')}",
            repair="send one resource or one Bundle",
        )
    return found


def _place(text: bytes, error: UnicodeError) -> str:
    if not isinstance(error, UnicodeDecodeError):
        return ""
    before = text[: error.start]
    return f"line {before.count(10) + 1}, column {error.start - before.rfind(10)}"


def _depth(text: bytes) -> int:
    """Return the greatest nesting of brackets outside strings."""
    brackets = _STRING.sub(b"", text).translate(_BRACKETS, _OTHERS)
    return max(accumulate(byte - 1 for byte in brackets), default=0)


def exact_number(text: str) -> Decimal | str:
    """Return the exact number, or its text when it is too large or too small to be a measurement."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    return number if not number or abs(number.adjusted()) <= _MAGNITUDE else text


def _whole(text: str) -> int | str:
    return int(text) if len(text) <= _MAGNITUDE else text


def _refuse(constant: str) -> None:
    raise SyntaxProblem("The document is not valid JSON", why=f"{constant} is no JSON number", repair=_REPAIR)


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        [(twice, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise SyntaxProblem("A JSON object names a property twice", why=f"“{twice}”", repair="keep one of the two values")
    return found
