"""Never take a part of a result for the whole: count the rows, and fetch in pages what a store cuts off.

Stores cut results without a word (Virtuoso at 10,000 rows says so in a header only). So every SELECT is counted by the store
itself, as a subquery, and compared. If rows are missing, the query is ordered by all its columns and read in pages; each page begins
with the last row of the page before, so that a store whose order or content shifts between two pages is found out. Blank nodes
have no identity from one answer to the next: a result with blank nodes must come in one piece.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise, takewhile

import pyoxigraph

from reasoner.errors import RefusalError, ShortAnswerError, UnfitAnswerError, UsageError
from reasoner.query_results import QueryResult, term_cell
from reasoner.query_text import check_query, query_tokens
from reasoner.remote.access import shown
from reasoner.remote.store import RemoteStore, Rows, Term

__all__ = ["query_store", "refuse_overlap", "whole_rows"]

_FORMS = ("select", "ask", "construct", "describe")
_COUNT = "legcrampsCount"


@dataclass(frozen=True, slots=True)
class _Parts:
    """A query in parts: form, columns (None: all), declarations, what follows them up to LIMIT, whether it orders, and VALUES."""

    form: str
    columns: tuple[str, ...] | None
    prologue: str
    body: str
    ordered: bool
    values: str
    limit: int | None
    offset: int


def query_store(store: RemoteStore, text: str) -> QueryResult:
    """Return the whole result of a SELECT or ASK query whose parameters are bound.

    Raises ShortAnswerError for rows that the store counts and does not give, other RemoteErrors as the transport does, and
    UsageError for CONSTRUCT and DESCRIBE, whose wholeness no count can show.
    """
    text = check_query(text)
    form = _parts(text).form
    if form == "ask":
        return QueryResult((), (), store.ask(text))
    if form != "select":
        raise UsageError(
            "Of a remote store only SELECT and ASK are asked",
            why=f"no count shows whether the triples of {form.upper()} are all there",
            repair="select ?subject ?predicate ?object",
        )
    refuse_overlap(store)
    found = whole_rows(store, text)
    return QueryResult(found.variables, tuple(tuple(map(term_cell, row)) for row in found.rows))


def refuse_overlap(store: RemoteStore) -> None:
    """Raise UnfitAnswerError when graphs whose union is asked share a statement and the store counts it more than once.

    RDF 1.1 has a union as a set; Oxigraph and Virtuoso do not, and sums and counts over it are then wrong.
    """
    named = replace(store, graphs=())
    for one, other in combinations(dict.fromkeys(store.graphs), 2):
        shared = named.select(f"SELECT ?s ?p ?o WHERE {{ GRAPH <{one}> {{ ?s ?p ?o }} GRAPH <{other}> {{ ?s ?p ?o }} }} LIMIT 1").rows
        if shared and not any(isinstance(term, pyoxigraph.BlankNode) for term in shared[0]):
            subject, name, value = shared[0]
            count = _number(store, f"SELECT (COUNT(*) AS ?{_COUNT}) WHERE {{ {subject} {name} ?o FILTER (sameTerm(?o, {value})) }}")
            if count != 1:
                raise UnfitAnswerError(
                    "The store counts statements more than once",
                    where=shown(store.access.query_url),
                    why=f"{one} and {other} share some, and their union repeats them",
                    repair="name graphs that share no statement",
                )


def whole_rows(store: RemoteStore, text: str) -> Rows:
    """Return all rows of a SELECT query, in pages if need be; raises as `query_store` does."""
    parts = _parts(text)
    first = store.select(text, parts.columns)
    total = _count(store, parts)
    if len(first.rows) == total:
        return first
    if not 1 < len(first.rows) < total:
        raise _short(store, len(first.rows), total)
    return _paged(store, parts, first, total)


def _short(store: RemoteStore, given: int, total: int) -> ShortAnswerError:
    return ShortAnswerError(
        "The result is not whole",
        where=shown(store.access.query_url),
        why=f"{given} rows came, {total} are counted",
        repair="ask for less, or ask again when nobody writes to the store",
    )


def _count(store: RemoteStore, parts: _Parts) -> int:
    window = _window(parts.limit, parts.offset)
    text = f"{parts.prologue}\nSELECT (COUNT(*) AS ?{_COUNT}) WHERE {{ {{\n{parts.body}\n{window}\n{parts.values}\n}} }}"
    return _number(store, text)


def _number(store: RemoteStore, text: str) -> int:
    rows = store.select(text, (_COUNT,)).rows
    value = rows[0][0] if len(rows) == 1 else None
    if not isinstance(value, pyoxigraph.Literal) or not re.fullmatch(r"[0-9]{1,18}", value.value):
        raise UnfitAnswerError("The store does not count", where=shown(store.access.query_url), repair="see `legcramps probe`")
    return int(value.value)


def _paged(store: RemoteStore, parts: _Parts, first: Rows, total: int) -> Rows:
    """Return the rows in pages of the size that the store gives.

    A window is asked of the sorted query, and where that fails around it as a subquery: Virtuoso sorts only so far down.
    """
    names = " ".join(f"?{name}" for name in first.variables)
    by = names if parts.ordered else f"\nORDER BY {names}"

    def window(limit: int, start: int) -> str:
        return f"{parts.prologue}\n{parts.body} {by}\n{_window(limit, parts.offset + start)}\n{parts.values}"

    def window_around(limit: int, start: int) -> str:
        everything = f"{parts.body} {by}\n{_window(parts.limit, parts.offset)}\n{parts.values}"
        return f"{parts.prologue}\nSELECT {names} WHERE {{ {{\n{everything}\n}} }}\n{_window(limit, start)}"

    try:
        return _read_pages(store, window, first, total)
    except (RefusalError, ShortAnswerError):
        return _read_pages(store, window_around, first, total)


def _read_pages(store: RemoteStore, text: Callable[[int, int], str], first: Rows, total: int) -> Rows:
    """Return the rows that the queries for windows give, each window beginning with the last row of the one before."""
    size = len(first.rows)
    rows: list[tuple[Term | None, ...]] = []
    while len(rows) < total:
        start = max(len(rows) - 1, 0)
        wanted = min(size, total - start)
        page = store.select(text(wanted, start), first.variables).rows
        if any(isinstance(term, pyoxigraph.BlankNode) for row in page for term in row):
            raise ShortAnswerError(
                "The result cannot be read in pages",
                where=shown(store.access.query_url),
                why=f"{total} rows do not come at once, and hold blank nodes",
                repair="ask for less at a time, or publish with named nodes",
            )
        if len(page) != wanted or (rows and page[0] != rows[-1]):
            raise _short(store, max(len(rows), start + len(page)), total)
        rows += page[len(rows) - start :]
    return Rows(first.variables, tuple(rows))


def _window(limit: int | None, offset: int) -> str:
    return " ".join((*(() if limit is None else (f"LIMIT {limit}",)), *((f"OFFSET {offset}",) if offset else ())))


def _parts(text: str) -> _Parts:
    """Take a query apart at the tokens that stand outside all brackets."""
    depth, outer = 0, []
    tokens = [token for token in query_tokens(text) if token.lastgroup in ("bracket", "name")]
    for token in tokens:
        if token.lastgroup == "bracket":
            depth += 1 if token.group() in "([{" else -1
        elif not depth:
            outer.append(token)
    head = next(token for token in outer if token.group().lower() in _FORMS)
    after = [token for token in outer if token.start() > head.start()]
    words = {token.group().lower(): token for token in after}
    modifiers = [words[word] for word in ("limit", "offset", "values") if word in words]
    end = min((token.start() for token in modifiers), default=len(text))
    values = words.get("values")
    numbers = {one.group().lower(): int(other.group()) for one, other in pairwise(after) if other.group().isdecimal()}
    return _Parts(
        head.group().lower(),
        _columns([token.group() for token in tokens if token.start() > head.start()]),
        text[: head.start()],
        text[head.start() : end],
        "order" in words,
        text[values.start() :] if values else "",
        numbers.get("limit"),
        numbers.get("offset", 0),
    )


def _columns(tokens: Sequence[str]) -> tuple[str, ...] | None:
    """Return the variables between SELECT and the pattern: those that stand alone, and those after AS; None for a star."""
    found, depth = [], 0
    for one, other in pairwise(("", *takewhile(lambda word: word != "{", tokens))):
        depth += (other == "(") - (other == ")")
        if other[0] in "?$" and (not depth or one.lower() == "as"):
            found.append(other[1:])
    return tuple(found) or None
