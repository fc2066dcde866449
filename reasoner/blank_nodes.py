"""Name the blank nodes of a document by what is said of them, so that syntax and order of the triples leave no trace.

Each node starts without a name and takes, round by round, the hash of its properties and of those that point at it, with
the names of the round before. Nodes that stay alike are interchangeable in every record and are only counted. Out of
scope: telling apart nodes of a large symmetric net, which no record holds; the rounds are bounded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

from pyoxigraph import BlankNode, Quad

__all__ = ["names_of", "renamed", "renamed_quads"]

_ROUNDS = 8
_DIGITS = 16
Properties = Mapping[Any, Mapping[str, Iterable[Any]]]


def names_of(index: Properties) -> dict[BlankNode, BlankNode]:
    """Return the name that each blank node of an indexed document (subject → predicate → objects) gets."""
    edges: dict[BlankNode, dict[tuple[str, Any], None]] = {}
    for subject, properties in index.items():
        for name, values in properties.items():
            for value in values:
                if isinstance(subject, BlankNode):
                    edges.setdefault(subject, {})[f">{name} ", value] = None
                if isinstance(value, BlankNode):
                    edges.setdefault(value, {})[f"<{name} ", subject] = None
    names = dict.fromkeys(edges, "")
    distinct = 0
    for _ in range(_ROUNDS):
        names = {node: _hashed(said, names) for node, said in edges.items()}
        if len(set(names.values())) in (distinct, len(names)):
            break
        distinct = len(set(names.values()))
    return _numbered(names)


def _hashed(said: Iterable[tuple[str, Any]], names: Mapping[BlankNode, str]) -> str:
    lines = sorted(name + (f"_:{names[term]}" if isinstance(term, BlankNode) else str(term)) for name, term in said)
    return sha256("\n".join(lines).encode()).hexdigest()[:_DIGITS]


def _numbered(names: Mapping[BlankNode, str]) -> dict[BlankNode, BlankNode]:
    counted: Counter[str] = Counter()
    found = {}
    for node, name in names.items():
        counted[name] += 1
        found[node] = BlankNode(f"b{name}" + (f"-{counted[name]}" if counted[name] > 1 else ""))
    return found


def renamed(index: Properties) -> dict[Any, dict[str, list[Any]]]:
    """Return an indexed document with its blank nodes renamed."""
    names = names_of(index)
    return {
        names.get(subject, subject): {name: [names.get(value, value) for value in values] for name, values in properties.items()}
        for subject, properties in index.items()
    }


def renamed_quads(quads: Iterable[Quad]) -> list[Quad]:
    """Return triples with their blank nodes renamed as `index_of` renames them."""
    kept = list(quads)
    index: dict[Any, dict[str, list[Any]]] = {}
    for quad in kept:
        index.setdefault(quad.subject, {}).setdefault(quad.predicate.value, []).append(quad.object)
    names: dict[Any, Any] = {**names_of(index)}
    return [
        Quad(names.get(quad.subject, quad.subject), quad.predicate, names.get(quad.object, quad.object), quad.graph_name) for quad in kept
    ]
