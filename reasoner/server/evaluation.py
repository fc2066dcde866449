"""Answer one query over a store within limits: the form that was asked for, cut nowhere without saying so."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import pyoxigraph
from pyoxigraph import BlankNode, DefaultGraph, NamedNode, Quad

from reasoner.errors import ForbiddenError, LimitError, SyntaxProblem, UnsupportedInputError, UsageError
from reasoner.export.syntaxes import written
from reasoner.query_text import Screened, screen_query
from reasoner.server.formats import GRAPH_TYPES, RESULT_TYPES

__all__ = ["Answer", "Question", "evaluate"]

_RESULT_FORMATS = {name: getattr(pyoxigraph.QueryResultsFormat, name.upper()) for name in RESULT_TYPES}
_CUT = "urn:legcramps:truncated"
_Defaults = list[NamedNode | BlankNode | DefaultGraph]
_Names = list[NamedNode | BlankNode]


@dataclass(frozen=True, slots=True)
class Question:
    """A query text with its base, the dataset that the protocol names, the forms that are taken (empty: none), and the caps."""

    text: str
    base: str = "http://localhost/sparql"
    default: Sequence[str] = ()
    named: Sequence[str] = ()
    rows_as: str = "json"
    graph_as: str = "turtle"
    rows: int = 100_000
    size: int = 1 << 25


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back: the media type, the bytes, and after how many rows it was cut (0: it is whole)."""

    media: str
    body: bytes
    cut: int = 0
    unknown: int = 0


class _Sink:
    """Take what a serialiser writes, up to a number of bytes."""

    def __init__(self, most: int) -> None:
        self.parts: list[bytes] = []
        self.left = most

    def write(self, part: bytes) -> int:
        """Keep a part; raise LimitError when there are too many bytes."""
        self.left -= len(part)
        if self.left < 0:
            raise _too_large("bytes")
        self.parts.append(bytes(part))
        return len(part)

    def flush(self) -> None:
        """Do nothing: every part is kept at once."""


def _too_large(what: str) -> LimitError:
    return LimitError(
        "The answer is too large",
        why=f"it has more {what} than the server sends at once",
        repair="narrow the query, or add LIMIT and OFFSET",
    )


def evaluate(store: pyoxigraph.Store, question: Question) -> Answer:
    """Answer a question; raise UsageError for what is refused, SyntaxProblem with line and column, LimitError beyond a cap."""
    screened = screen_query(question.text)
    given = bool(question.default or question.named)
    default, named = _graphs(question if given else screened)
    strangers = sum(not store.contains_named_graph(graph) for graph in {*default, *named} if isinstance(graph, NamedNode))
    if strangers and not given:
        raise ForbiddenError("The query names a graph that is not in this store", why="nothing is fetched", repair="name one that it holds")
    try:
        found = _asked(store, screened.text, question.base, default, named)
    except SyntaxError as error:
        raise SyntaxProblem("The query is malformed", why=str(error), repair="mend the query") from error
    if isinstance(found, pyoxigraph.QueryTriples):
        return _graph(found, question, strangers)
    form = question.rows_as or _unacceptable(RESULT_TYPES.values())
    sink: Any = _Sink(question.size)
    found.serialize(sink, format=_RESULT_FORMATS[form])
    body = b"".join(sink.parts)
    if isinstance(found, pyoxigraph.QueryBoolean):
        return Answer(RESULT_TYPES[form], body, 0, strangers)
    body, cut = _capped(body, form, question.rows)
    return Answer(RESULT_TYPES[form], body, cut, strangers)


def _graphs(named: Question | Screened) -> tuple[_Defaults, _Names]:
    try:
        return [NamedNode(each) for each in named.default], [NamedNode(each) for each in named.named]
    except ValueError as error:
        raise UsageError("A graph is named by no IRI", repair="give absolute IRIs") from error


def _asked(store: pyoxigraph.Store, text: str, base: str, default: _Defaults, named: _Names) -> Any:
    """Run a query over the dataset of these graphs, of none over the whole store.

    The engine would count twice what two default graphs say, so several of them are merged first.
    """
    if not default and not named:
        return store.query(text, base_iri=base)
    if len(default) < 2:
        return store.query(text, base_iri=base, default_graph=default, named_graphs=named)
    merged = pyoxigraph.Store()
    for graph in default:
        merged.extend(Quad(each.subject, each.predicate, each.object) for each in store.quads_for_pattern(None, None, None, graph))
    for graph in named:
        merged.extend(store.quads_for_pattern(None, None, None, graph))
    return merged.query(text, base_iri=base, default_graph=DefaultGraph(), named_graphs=named)


def _unacceptable(types: Iterable[str]) -> str:
    raise UnsupportedInputError("The answer is not written in a form that is accepted", repair=f"accept one of {', '.join(types)}")


def _graph(found: pyoxigraph.QueryTriples, question: Question, unknown: int) -> Answer:
    form = question.graph_as or _unacceptable(GRAPH_TYPES.values())
    triples = list(islice(found, question.rows + 1))
    if len(triples) > question.rows:
        raise _too_large("statements")
    left: Counter[str] = Counter()
    body = written((Quad(*triple) for triple in triples), form, left)
    if left:
        raise UnsupportedInputError(
            "The graph does not fit the form", why=", ".join(left), repair="accept another form, such as text/turtle"
        )
    if len(body) > question.size:
        raise _too_large("bytes")
    return Answer(GRAPH_TYPES[form], body, 0, unknown)


# --- rows ---------------------------------------------------------------------------------------------------------------


def _capped(body: bytes, form: str, rows: int) -> tuple[bytes, int]:
    """Return a result with at most `rows` rows; one that was cut says so in its head, a form without a head is refused."""
    if form == "json" and body.count(b"},{") + 1 > rows:  # every further row follows such a mark, so fewer marks are fewer rows
        document = json.loads(body)
        if len(document["results"]["bindings"]) > rows:
            del document["results"]["bindings"][rows:]
            document["head"]["link"] = [_CUT]
            return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode(), rows
    elif form == "xml" and body.count(b"<result>") > rows:
        end = -1
        for _ in range(rows):
            end = body.index(b"</result>", end + 1)
        kept = body[: end + len(b"</result>")].replace(b"</head>", f'<link href="{_CUT}"/></head>'.encode(), 1)
        return kept + b"</results></sparql>", rows
    elif form in ("csv", "tsv") and body.count(b"\n") - 1 > rows and _lines(body, form) > rows:
        raise _too_large("rows")
    return body, 0


def _lines(body: bytes, form: str) -> int:
    """Return the number of rows; a line break within quotes begins none."""
    if form == "tsv":
        return body.count(b"\n") - 1
    return sum(part.count(b"\n") for part in body.split(b'"')[::2]) - 1
