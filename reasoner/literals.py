"""Decide whether the text of a literal is one that its datatype allows, and read numbers exactly.

RDF libraries disagree on NaN as a decimal, 2026-13 as a month or 1_000 as an integer; this module holds the one answer.
Years run from 0001 to 9999, hours from 00 to 23 and integers to 4,300 digits: nothing downstream holds more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import partial

from pyoxigraph import Literal

from reasoner.namespaces import RDF, XSD

__all__ = ["TEXT_TESTS", "TextTest", "number", "plain_number"]

TextTest = Callable[[str], object]
"""A test of a text; it passes when the answer is true in Python's sense, such as a match."""

_MAGNITUDE = 30
_ZONE = r"(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))?"
_DIGITS = r"(?:[0-9]+(?:[.][0-9]*)?|[.][0-9]+)"
_INTEGER = re.compile(r"[+-]?[0-9]{1,4300}")
_AFTER_DAY = re.compile(_ZONE)
_TIME = re.compile(r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:[.][0-9]+)?" + _ZONE)


def plain_number(text: str) -> Decimal | None:
    """Return the number that a text writes, or None if it writes none, no finite one, or one with more than thirty places."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() and abs(value.adjusted()) <= _MAGNITUDE else None


def number(literal: Literal) -> Decimal | None:
    """Return the exact number that the literal states, or None if it states none or no finite one."""
    datatype = literal.datatype.value
    if datatype not in _NUMERIC or not TEXT_TESTS[datatype](literal.value):
        return None
    value = Decimal(literal.value.replace("INF", "Infinity"))
    return value if value.is_finite() else None


def _matching(pattern: str) -> TextTest:
    """Return the test whether a whole text matches `pattern`."""
    return re.compile(pattern).fullmatch


def _is_whole(low: int | None, high: int | None, text: str) -> bool:
    """Return whether the text is an integer between `low` and `high`."""
    if _INTEGER.fullmatch(text) is None:
        return False
    return (low is None or low <= int(text)) and (high is None or int(text) <= high)


def _is_day(text: str) -> bool:
    """Return whether the text is a day of the calendar, with or without an offset."""
    if len(text) != 10 and (len(text) < 10 or _AFTER_DAY.fullmatch(text, 10) is None):
        return False
    try:
        date.fromisoformat(text[:10])
    except ValueError:
        return False
    return text[4] == text[7] == "-"


def _is_instant(text: str) -> bool:
    """Return whether the text is a day of the calendar and a time, with or without an offset."""
    return _TIME.fullmatch(text, 10) is not None and _is_day(text[:10])


_WHOLE: Mapping[str, tuple[int | None, int | None]] = {
    "byte": (-(2**7), 2**7 - 1),
    "int": (-(2**31), 2**31 - 1),
    "integer": (None, None),
    "long": (-(2**63), 2**63 - 1),
    "negativeInteger": (None, -1),
    "nonNegativeInteger": (0, None),
    "nonPositiveInteger": (None, 0),
    "positiveInteger": (1, None),
    "short": (-(2**15), 2**15 - 1),
    "unsignedByte": (0, 2**8 - 1),
    "unsignedInt": (0, 2**32 - 1),
    "unsignedLong": (0, 2**64 - 1),
    "unsignedShort": (0, 2**16 - 1),
}
_FLOATING = _matching(rf"[+-]?(?:{_DIGITS}(?:[eE][+-]?[0-9]+)?|INF)|NaN")
_YEAR = r"(?!0000)[0-9]{4}"

TEXT_TESTS: Mapping[str, TextTest] = {
    **{XSD + name: partial(_is_whole, low, high) for name, (low, high) in _WHOLE.items()},
    XSD + "decimal": _matching(rf"[+-]?{_DIGITS}"),
    XSD + "double": _FLOATING,
    XSD + "float": _FLOATING,
    XSD + "boolean": frozenset(("true", "false", "1", "0")).__contains__,
    XSD + "string": _matching(r"(?s:.*)"),
    RDF + "langString": _matching(r"(?s:.*)"),
    XSD + "date": _is_day,
    XSD + "dateTime": _is_instant,
    XSD + "gYearMonth": _matching(rf"{_YEAR}-(?:0[1-9]|1[0-2]){_ZONE}"),
    XSD + "gYear": _matching(rf"{_YEAR}{_ZONE}"),
}
"""The datatypes whose texts are known, each with its test."""

_NUMERIC = frozenset(XSD + name for name in (*_WHOLE, "decimal", "double", "float"))
