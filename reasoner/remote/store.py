"""Put questions and updates to a store by the SPARQL 1.1 Protocol and read its answers strictly.

SPARQLWrapper writes the request and converts the answer; what lies between is `reasoner.remote.transport`. Requests are
posted as forms: every store takes them, and no patient's name stands in an address.
"""

from __future__ import annotations

import http.client
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.message import Message
from io import BytesIO
from typing import Any
from urllib.request import Request

import pyoxigraph
from SPARQLWrapper import JSON, POST, SPARQLWrapper
from SPARQLWrapper.Wrapper import QueryResult as Conversion

from reasoner.errors import LegcrampsError, RefusalError, UnfitAnswerError, UsageError, shortened
from reasoner.namespaces import XSD
from reasoner.remote.access import Access, shown
from reasoner.remote.transport import Budget, Reply, exchange

__all__ = ["RemoteStore", "Rows", "Term"]

_JSON_TYPES = ("application/sparql-results+json", "application/json")
_CHARSETS = ("utf-8", "utf8", "us-ascii")
_KINDS = ("uri", "bnode", "literal", "typed-literal")
_VIRTUOSO_TRUTH = "__ASK_RETVAL"
_LATER = (429, 503)

Term = pyoxigraph.NamedNode | pyoxigraph.BlankNode | pyoxigraph.Literal


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one answer, `None` where a variable is unbound; blank nodes are those of this answer alone."""

    variables: tuple[str, ...]
    rows: tuple[tuple[Term | None, ...], ...]


@dataclass(frozen=True)
class RemoteStore:
    """A store, the graphs that make up its default graph (none: its own choice), and what may be spent on it."""

    access: Access
    budget: Budget
    graphs: tuple[str, ...] = ()

    def ask(self, text: str) -> bool:
        """Return the truth of an ASK query; raises a RemoteError."""
        return _truth(self._answer(text, "ASK"), shown(self.access.query_url))

    def select(self, text: str, variables: Sequence[str] | None = None) -> Rows:
        """Return the rows of a SELECT query as they come, columns in the order of `variables`; raises a RemoteError."""
        where = shown(self.access.query_url)
        document = self._answer(text, "SELECT")
        columns = _columns(document, where)
        if variables is not None and set(variables) != set(columns):
            raise _unfit(where, "it has other variables than the query")
        names = tuple(columns if variables is None else variables)
        return Rows(names, tuple(_terms(_rows(document, columns, where), names, where)))

    def head(self, text: str) -> Reply:
        """Return the answer to a SELECT query as it came, when it is fit to be read; raises a RemoteError."""
        reply = self._send(self._wrapper(text, "SELECT"), self.access.query_url, quoted=True)
        _columns(_converted(reply), shown(reply.url))
        return reply

    def update(self, text: str) -> None:
        """Run an update, whose text is never quoted in an error; raises a RemoteError, UsageError without an address for it."""
        url = self.access.update_url
        if not url:
            raise UsageError("No address takes updates", where=shown(self.access.query_url), repair="name it by --update-endpoint")
        self._send(self._wrapper(text, "INSERT"), url, quoted=False)

    def _wrapper(self, text: str, form: str) -> _Wrapper:
        wrapper = _Wrapper(self.access.query_url, self.access.update_url or None, JSON, agent="legcramps")
        wrapper.setMethod(POST)
        wrapper.onlyConneg = True
        wrapper.queryString, wrapper.queryType = text, form
        for graph in self.graphs if form != "INSERT" else ():
            wrapper.addParameter("default-graph-uri", graph)
        return wrapper

    def _answer(self, text: str, form: str) -> Mapping[str, Any]:
        reply = self._send(self._wrapper(text, form), self.access.query_url, quoted=True)
        return _converted(reply)

    def _send(self, wrapper: _Wrapper, url: str, *, quoted: bool) -> Reply:
        reply = exchange(wrapper.request(), self.access, self.budget)
        if not 200 <= reply.status < 300:
            raise _refusal(reply, shown(url), quoted)
        return reply


class _Wrapper(SPARQLWrapper):
    """SPARQLWrapper, asked for its request instead of sending it by its own means."""

    def request(self) -> Request:
        """Return the request."""
        return self._createRequest()


def _refusal(reply: Reply, where: str, quoted: bool) -> LegcrampsError:
    """Return what a status that is no success means; of the text only its first line, and that of a query's answer only."""
    words = http.client.responses.get(reply.status, "")
    first = reply.body[:2000].decode("utf-8", "replace").strip().partition("\n")[0] if quoted else ""
    why = f"status {reply.status} {words}".rstrip() + (f": {shortened(first)}" if first and "<" not in first else "")
    if reply.status in (401, 403, 407):
        return RefusalError("The store does not let in", where=where, why=why, repair="give credentials that may do this")
    if reply.status in _LATER:
        wait = reply.headers.get("retry-after", "")
        return RefusalError(
            "The store is busy", where=where, why=why, repair=f"try again{f' after {shortened(wait)}' if wait else ' later'}"
        )
    return RefusalError("The store does not do it", where=where, why=why, repair="see `legcramps probe` for what it can do")


# --- reading an answer --------------------------------------------------------------------------------------------------


def _unfit(where: str, why: str) -> UnfitAnswerError:
    return UnfitAnswerError("The answer is no result of the query", where=where, why=why, repair="check the address of the store")


def _converted(reply: Reply) -> Mapping[str, Any]:
    """Return the JSON of an answer, when its type and its encoding are those of a result."""
    where = shown(reply.url)
    kind = reply.headers.get_content_type() if "content-type" in reply.headers else "no type"
    if kind not in _JSON_TYPES:
        raise _unfit(where, f"it is {kind}")
    charset = str(reply.headers.get_param("charset", "utf-8"))
    try:
        if charset.lower() not in _CHARSETS:
            raise _unfit(where, f"its charset is {shortened(charset)}")
        found = Conversion((_Body(reply), JSON)).convert()  # type: ignore[arg-type]
    except UnicodeDecodeError as error:
        raise _unfit(where, "it is no UTF-8") from error
    except UnfitAnswerError:
        raise
    except (ValueError, TypeError, RecursionError, LegcrampsError) as error:
        raise _unfit(where, f"it is no whole JSON object ({type(error).__name__})") from error
    if not isinstance(found, dict):
        raise _unfit(where, "it is no JSON object")
    return found


class _Body(BytesIO):
    """The body of an answer in the form in which SPARQLWrapper converts it."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.body)
        self._reply = reply

    def info(self) -> Message:
        """Return the headers."""
        return self._reply.headers


def _truth(document: Mapping[str, Any], where: str) -> bool:
    """Return the answer to ASK, which Virtuoso gives as a row."""
    head = document.get("head")
    if isinstance(head, dict) and head.get("vars") == [_VIRTUOSO_TRUTH]:
        found = [str(term) for row in _terms(_rows(document, head["vars"], where), head["vars"], where) for term in row]
        return any("1" in text for text in found)
    if not isinstance(document.get("boolean"), bool) or "results" in document:
        raise _unfit(where, "it has no boolean")
    return bool(document["boolean"])


def _columns(document: Mapping[str, Any], where: str) -> list[str]:
    head = document.get("head")
    names = head.get("vars") if isinstance(head, dict) else None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names) or len(set(names)) != len(names):
        raise _unfit(where, "it does not say its variables")
    return names


def _rows(document: Mapping[str, Any], columns: Sequence[str], where: str) -> list[dict[str, Any]]:
    results = document.get("results")
    rows = results.get("bindings") if isinstance(results, dict) else None
    known = set(columns)
    if not isinstance(rows, list) or not all(isinstance(row, dict) and known.issuperset(row) for row in rows):
        raise _unfit(where, "it has no rows, or rows of other variables")
    return rows


def _terms(rows: Sequence[Mapping[str, Any]], names: Sequence[str], where: str) -> Iterator[tuple[Term | None, ...]]:
    """Yield the terms of rows; blank nodes are numbered, since labels of stores are not always labels of RDF."""
    blank: dict[str, pyoxigraph.BlankNode] = {}
    for row in rows:
        yield tuple(_term(row[name], blank, where) if name in row else None for name in names)


def _term(value: object, blank: dict[str, pyoxigraph.BlankNode], where: str) -> Term:
    """Return the term that a value of a row states; `typed-literal` is the form of an older draft."""
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        raise _unfit(where, "a value is no term")
    kind, text = value.get("type"), value.get("value")
    try:
        if text is None or kind not in _KINDS:
            raise ValueError
        if kind == "uri":
            return pyoxigraph.NamedNode(text)
        if kind == "bnode":
            return blank.setdefault(text, pyoxigraph.BlankNode(f"r{len(blank)}"))
        if value.get("xml:lang"):
            return pyoxigraph.Literal(text, language=value["xml:lang"])
        return pyoxigraph.Literal(text, datatype=pyoxigraph.NamedNode(value.get("datatype") or XSD + "string"))
    except ValueError as error:
        raise _unfit(where, "a value is no term") from error
