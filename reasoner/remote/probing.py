"""Find out what a store can do, with small questions about made-up values; nothing is written unless an address for updates is given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from time import monotonic

import pyoxigraph

from reasoner.errors import RefusalError, RemoteError, UnfitAnswerError, UsageError
from reasoner.namespaces import BASE, XSD
from reasoner.remote.publishing import publish_graph
from reasoner.remote.store import RemoteStore
from reasoner.remote.transport import Reply
from reasoner.remote.values import value_of
from reasoner.remote.whole import whole_rows

__all__ = ["CAN", "CANNOT", "PARTLY", "UNTRIED", "Finding", "probe_store"]

CAN, PARTLY, CANNOT, UNTRIED = "yes", "partly", "no", "not tried"

_TEN = "{ 0 1 2 3 4 5 6 7 8 9 }"
_MANY = 12_000
_CROSS = " ".join(f"VALUES ?{name} {_TEN}" for name in "abc") + " VALUES ?d { 0 1 2 3 4 5 6 7 8 9 10 11 }"
_GRAPH = "urn:legcramps:graph:probe"
_OTHER = _GRAPH + "-2"
_S, _P = (pyoxigraph.NamedNode(f"{BASE}probe/{name}") for name in "sp")
_KINDS = {
    "decimals": ("54321.60", "decimal"),
    "integers": ("007", "integer"),
    "booleans": ("true", "boolean"),
    "instants": ("2026-11-20T09:00:00+01:00", "dateTime"),
    "days": ("2026-11-20", "date"),
    "months": ("2026-11", "gYearMonth"),
    "plain texts": ("x", "string"),
}
_QUERIES = {
    "aggregates": ("SELECT (SUM(?x) AS ?n) WHERE { VALUES ?x { 1 2 4 } }", "7"),
    "subqueries": ("SELECT ?n WHERE { { SELECT (MAX(?x) AS ?n) WHERE { VALUES ?x { 1 7 4 } } } }", "7"),
    "EXISTS in an expression": ("SELECT ?n WHERE { BIND (IF(EXISTS { <urn:none> <urn:none> ?o }, 1, 7) AS ?n) }", "7"),
    "ordering by an aggregate": (
        "SELECT (MAX(?x) AS ?n) WHERE { VALUES (?g ?x) { (1 7) (2 9) } } GROUP BY ?g ORDER BY MIN(?x) LIMIT 1",
        "7",
    ),
    "property paths": ("SELECT (COUNT(*) AS ?n) WHERE { ?s (<urn:none>|<urn:other>)+ ?o }", "0"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was tried: whether the store can do it, and what was seen."""

    what: str
    can: str
    seen: str = ""


def probe_store(store: RemoteStore) -> tuple[Finding, ...]:
    """Return what the store can do, in a fixed order; raises a RemoteError when it does not answer at all.

    With an address for updates a graph of its own is written, read and dropped.
    """
    began = monotonic()
    reply = store.head("SELECT ?n WHERE { VALUES ?n { 1 } }")
    findings = [
        Finding("answers", CAN, f"in {1000 * (monotonic() - began):.0f} ms"),
        Finding("version", CAN if reply.headers.get("server") else CANNOT, reply.headers.get("server", "it does not say").strip()),
        _results(reply),
        _tried("ASK", lambda: _seen(not store.ask("ASK { FILTER (1 = 2) }"))),
        *(_tried(name, partial(_answers, store, *given)) for name, given in _QUERIES.items()),
        *_many_rows(store),
        Finding("stops a runaway query", UNTRIED, f"the client stops waiting after {store.budget.seconds:g} s; the store may go on"),
    ]
    return (*findings, *_updates(store))


def _tried(what: str, attempt: Callable[[], Finding]) -> Finding:
    """Return what an attempt finds, or the error with which it fails."""
    try:
        return replace(attempt(), what=what)
    except (RefusalError, UnfitAnswerError) as error:
        return Finding(what, CANNOT, error.why or error.what)
    except RemoteError as error:
        return Finding(what, CANNOT, error.what)


def _seen(right: bool, seen: str = "") -> Finding:
    return Finding("", CAN if right else CANNOT, seen or ("" if right else "the answer is wrong"))


def _results(reply: Reply) -> Finding:
    kind = reply.headers.get_content_type()
    old = b'"typed-literal"' in reply.body
    return Finding("results in JSON", PARTLY if old else CAN, f"{kind}{', literals in the form of an old draft' if old else ''}")


def _answers(store: RemoteStore, text: str, expected: str) -> Finding:
    rows = store.select(text).rows
    values = [str(term.value) for row in rows for term in row if term is not None]
    return _seen(values == [expected])


def _many_rows(store: RemoteStore) -> tuple[Finding, Finding]:
    """Return whether many rows come at once, and whether those that do not come in pages."""
    text = f"SELECT * WHERE {{ {_CROSS} }}"
    at_once, in_pages = f"{_MANY} rows at once", f"{_MANY} rows in pages"
    given = 0

    def count() -> Finding:
        nonlocal given
        given = len(store.select(text).rows)
        return Finding("", CAN if given == _MANY else PARTLY, "" if given == _MANY else f"cut at {given} rows")

    first = _tried(at_once, count)
    if given == _MANY:
        return first, Finding(in_pages, UNTRIED, "they come at once")
    return first, _tried(in_pages, lambda: _seen(len(whole_rows(store, text).rows) == _MANY))


# --- updates ------------------------------------------------------------------------------------------------------------


def _updates(store: RemoteStore) -> Sequence[Finding]:
    names = (
        "updates",
        *(f"keeps {kind}" for kind in _KINDS),
        "keeps languages",
        "keeps 1 and true apart",
        "blank nodes in INSERT DATA",
        "unions of graphs are sets",
    )
    if not store.access.update_url:
        return [Finding(name, UNTRIED, "name an address by --update-endpoint") for name in names]
    literals = [pyoxigraph.Literal(text, datatype=pyoxigraph.NamedNode(XSD + kind)) for text, kind in _KINDS.values()]
    literals.append(pyoxigraph.Literal("x", language="en"))
    try:
        store.update(f"DROP SILENT GRAPH <{_GRAPH}>")
        found = [
            _tried(names[0], lambda: _seen(publish_graph(store, _GRAPH, [], replace=True).triples == 0)),
            *(_tried(name, partial(_kept, store, one)) for name, one in zip(names[1:], literals, strict=False)),
            _tried(names[-3], lambda: _apart(store)),
            _tried(names[-2], lambda: _blank(store)),
            _tried(names[-1], lambda: _union(store)),
        ]
        for graph in (_GRAPH, _OTHER):
            store.update(f"DROP SILENT GRAPH <{graph}>")
        return found
    except (RemoteError, UsageError) as error:
        return [Finding(names[0], CANNOT, error.why or error.what), *(Finding(name, UNTRIED) for name in names[1:])]


def _read(store: RemoteStore) -> list[object]:
    return [row[0] for row in store.select(f"SELECT ?o WHERE {{ GRAPH <{_GRAPH}> {{ <{_S.value}> <{_P.value}> ?o }} }}").rows]


def _write(store: RemoteStore, statement: str) -> None:
    store.update(f"DROP SILENT GRAPH <{_GRAPH}>")
    store.update(f"INSERT DATA {{ GRAPH <{_GRAPH}> {{ {statement} }} }}")


def _kept(store: RemoteStore, one: pyoxigraph.Literal) -> Finding:
    _write(store, f"{_S} {_P} {one} .")
    held = [term for term in _read(store) if isinstance(term, pyoxigraph.Literal)]
    if held == [one]:
        return Finding("", CAN)
    same = len(held) == 1 and value_of(held[0]) == value_of(one)
    return Finding("", PARTLY if same else CANNOT, f"{one.value} comes back as {', '.join(each.value for each in held) or 'nothing'}")


def _apart(store: RemoteStore) -> Finding:
    _write(store, f"{_S} {_P} 1, true .")
    return _seen(len(_read(store)) == 2, f"{len(_read(store))} of 2 statements are held")


def _blank(store: RemoteStore) -> Finding:
    _write(store, f"{_S} {_P} [] .")
    return _seen(len(_read(store)) == 1)


def _union(store: RemoteStore) -> Finding:
    _write(store, f"{_S} {_P} 1 .")
    store.update(f"DROP SILENT GRAPH <{_OTHER}>")
    store.update(f"INSERT DATA {{ GRAPH <{_OTHER}> {{ {_S} {_P} 1 . }} }}")
    both = replace(store, graphs=(_GRAPH, _OTHER))
    count = len(both.select(f"SELECT ?o WHERE {{ {_S} {_P} ?o }}").rows)
    return _seen(count == 1, "" if count == 1 else f"a statement of both counts {count} times")
