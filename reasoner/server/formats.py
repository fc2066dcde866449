"""Name the forms of answers, and choose among them by what a request accepts."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

__all__ = ["GRAPH_TYPES", "RESULT_TYPES", "TRUTH_TYPES", "best"]

RESULT_TYPES = {
    "json": "application/sparql-results+json",
    "xml": "application/sparql-results+xml",
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
}
"""The forms of the rows of SELECT, the preferred one first."""

TRUTH_TYPES = RESULT_TYPES
"""The forms of the answer to ASK; in CSV and TSV it is one word."""

GRAPH_TYPES = {
    "turtle": "text/turtle",
    "ntriples": "application/n-triples",
    "jsonld": "application/ld+json",
    "rdfxml": "application/rdf+xml",
    "trig": "application/trig",
}
"""The forms of graphs, by the names of `reasoner.export.syntaxes`, the preferred one first."""

_ALIASES = {
    "application/json": "application/sparql-results+json",
    "application/xml": "application/sparql-results+xml",
    "text/xml": "application/sparql-results+xml",
    "text/plain": "application/n-triples",
    "application/x-turtle": "text/turtle",
}
_LONGEST = 2048


def _ranges(accept: str) -> tuple[tuple[str, float], ...]:
    """Return media ranges with their quality; a malformed one counts as not given."""
    found = []
    for part in accept.lower()[:_LONGEST].split(","):
        name, *parameters = (word.strip() for word in part.split(";"))
        quality = 1.0
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key.strip() == "q":
                try:
                    quality = min(max(float(value), 0.0), 1.0)
                except ValueError:
                    quality = 0.0
        if name.count("/") == 1:
            found.append((name, quality if quality == quality else 0.0))
    return tuple(found)


def best(accept: str, types: Mapping[str, str]) -> str:
    """Return the form that a request likes best, the empty string when it takes none; of equals the first one.

    The quality of a form is that of the most specific range that covers it (RFC 9110, 12.5.1).
    """
    return _best(accept, tuple(types.items()))


@lru_cache(maxsize=256)
def _best(accept: str, types: tuple[tuple[str, str], ...]) -> str:
    ranges = _ranges(accept)
    if not ranges:
        return types[0][0]
    chosen, highest = "", 0.0
    for form, media in types:
        quality = _quality(media, ranges)
        if quality > highest:
            chosen, highest = form, quality
    return chosen


def _quality(media: str, ranges: tuple[tuple[str, float], ...]) -> float:
    kind = media.partition("/")[0] + "/*"
    found = {3: 0.0, 2: 0.0, 1: 0.0, 0: 0.0}
    seen = set()
    for name, quality in ranges:
        level = 3 if name == media else 2 if _ALIASES.get(name) == media else 1 if name == kind else 0 if name == "*/*" else None
        if level is not None:
            seen.add(level)
            found[level] = max(found[level], quality)
    return found[max(seen)] if seen else 0.0
