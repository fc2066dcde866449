"""Write a graph into a remote store in blocks, then read it back and say whether it is there.

A store may lose a statement or write a literal in its own way without a word, so the graph is counted and compared by value
after it was written. Blank nodes get names first: Virtuoso takes none in INSERT DATA, and what has a name can be read in pages.
The graph must be empty, or is emptied when that is wished; a failure leaves a part of it, which the error says.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import pyoxigraph

from reasoner.errors import ChangedDataError, RemoteError, UsageError
from reasoner.namespaces import BASE, curie
from reasoner.remote.access import shown
from reasoner.remote.store import RemoteStore, Term
from reasoner.remote.values import value_of
from reasoner.remote.whole import whole_rows

__all__ = ["SKOLEM", "Publication", "publish_graph"]

SKOLEM = BASE + ".well-known/genid/"
"""The stem of the names that blank nodes get, as RDF 1.1 (3.5) has them."""

_BLOCK = 1000
_BLOCK_BYTES = 128 * 1024
_Statement = tuple[Term, Term, Term]
_Key = tuple[Term, Term, Hashable]


@dataclass(frozen=True, slots=True)
class Publication:
    """What stands in a graph after it was written: `changed` pairs literals with the way in which the store writes them."""

    graph: str
    triples: int
    blocks: int
    named: int
    changed: tuple[tuple[str, str], ...] = ()


def publish_graph(store: RemoteStore, graph: str, triples: Iterable[pyoxigraph.Triple], *, replace: bool = False) -> Publication:
    """Write `triples` as the graph named `graph` and verify it; raise UsageError when it holds something and is not to be replaced.

    Raises ChangedDataError when the store does not hold afterwards what was written, other RemoteErrors when it fails on the way.
    """
    name = _graph_name(graph)
    statements, named = _skolemised(triples)
    if replace:
        store.update(f"DROP SILENT GRAPH {name}")
    if store.ask(f"ASK {{ GRAPH {name} {{ ?s ?p ?o }} }}"):
        raise UsageError(
            "The graph is not empty", where=graph, why="what it holds would mix", repair="replace it by --replace, or name another"
        )
    blocks = list(_blocks(statements))
    for place, block in enumerate(blocks):
        try:
            store.update(f"INSERT DATA {{ GRAPH {name} {{\n{block}}} }}")
        except RemoteError as error:
            error.why = f"{error.why}; {place} of {len(blocks)} blocks are written".lstrip("; ")
            error.repair = "publish again with --replace"
            raise
    changed = _verify(store, graph, statements)
    return Publication(graph, len(statements), len(blocks), named, changed)


def _graph_name(graph: str) -> str:
    try:
        return str(pyoxigraph.NamedNode(graph))
    except ValueError as error:
        raise UsageError("This is no name of a graph", where=graph, why=str(error), repair="name an absolute IRI") from error


def _skolemised(triples: Iterable[pyoxigraph.Triple]) -> tuple[list[_Statement], int]:
    """Return the distinct statements in a fixed order, blank nodes named, with the number of these."""
    names: dict[pyoxigraph.BlankNode, pyoxigraph.NamedNode] = {}

    def named(term: Term) -> Term:
        return names.setdefault(term, pyoxigraph.NamedNode(SKOLEM + term.value)) if isinstance(term, pyoxigraph.BlankNode) else term

    found = {(named(one.subject), one.predicate, named(one.object)) for one in triples}  # type: ignore[arg-type]
    return sorted(found, key=lambda statement: tuple(map(str, statement))), len(names)


def _blocks(statements: Sequence[_Statement]) -> Iterator[str]:
    """Yield the statements as text that fits into one request of any store."""
    lines: list[str] = []
    size = 0
    for one in statements:
        text = pyoxigraph.serialize([pyoxigraph.Triple(*one)], format=pyoxigraph.RdfFormat.N_TRIPLES)  # type: ignore[arg-type]
        line = (text or b"").decode()
        if lines and (len(lines) == _BLOCK or size + len(line) > _BLOCK_BYTES):
            yield "".join(lines)
            lines, size = [], 0
        lines.append(line)
        size += len(line)
    if lines:
        yield "".join(lines)


# --- reading back -------------------------------------------------------------------------------------------------------


def _verify(store: RemoteStore, graph: str, statements: Sequence[_Statement]) -> tuple[tuple[str, str], ...]:
    """Return the literals that are written differently; raise ChangedDataError for statements that are lost or added."""
    query = f"SELECT ?s ?p ?o WHERE {{ GRAPH <{graph}> {{ ?s ?p ?o }} }}"
    rows = whole_rows(store, query).rows
    found = {(s, p, o) for s, p, o in rows if s is not None and p is not None and o is not None}
    written = {_key(one): one for one in statements}
    held = {_key(one): one for one in found}
    lost, added = written.keys() - held.keys(), held.keys() - written.keys()
    if lost or added:
        example = written[min(lost, key=str)] if lost else held[min(added, key=str)]
        raise ChangedDataError(
            "The store does not hold what was written",
            where=f"{shown(store.access.query_url)}, graph {graph}",
            why=f"of {len(written)} statements {len(lost)} are lost and {len(added)} were not written, such as one of {_kind(example)}",
            repair="use a store that keeps them, and publish again with --replace",
        )
    pairs = {(_shown(one[2]), _shown(held[_key(one)][2])) for one in statements if one not in found}
    return tuple(sorted(pairs))


def _key(statement: _Statement) -> _Key:
    return statement[0], statement[1], value_of(statement[2])


def _kind(statement: _Statement) -> str:
    """Return what an error may say of a statement: its property, and the datatype of its literal, but no value."""
    value = statement[2]
    return curie(str(statement[1].value)) + (f" with {curie(value.datatype.value)}" if isinstance(value, pyoxigraph.Literal) else "")


def _shown(value: Term) -> str:
    if not isinstance(value, pyoxigraph.Literal):
        return str(value)
    return f'"{value.value}"' + (f"@{value.language}" if value.language else f"^^{curie(value.datatype.value)}")
