"""Tell whether two literals have one value, since stores keep the value of a literal but not always its writing."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import UTC, datetime

import pyoxigraph

from reasoner.literals import TEXT_TESTS, number
from reasoner.namespaces import XSD
from reasoner.remote.store import Term

__all__ = ["value_of"]


def value_of(term: Term) -> Hashable:
    """Return what is equal for terms of equal value and for no others; a literal that states no value stands for itself."""
    if not isinstance(term, pyoxigraph.Literal):
        return term
    if term.language:
        return "text", term.value, term.language.lower()
    datatype = term.datatype.value
    if datatype not in TEXT_TESTS or not TEXT_TESTS[datatype](term.value):
        return term
    if datatype == XSD + "boolean":
        return "boolean", term.value in ("true", "1")
    if datatype == XSD + "dateTime":
        return "instant", _instant(term.value)
    exact = number(term)
    if exact is None:
        return term
    floating = datatype in (XSD + "double", XSD + "float")
    return ("floating", datatype, float(exact)) if floating else ("number", exact)


def _instant(text: str) -> Hashable:
    """Return the instant in UTC, or the local time of one without an offset."""
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else found
    except (ValueError, OverflowError):
        return text
