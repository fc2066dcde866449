"""Speak the SPARQL 1.1 Protocol for queries: read the request, let a worker answer, send the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field

from starlette.types import Receive, Scope, Send

from reasoner.errors import ForbiddenError, IncompleteError, LegcrampsError, SyntaxProblem, UnsupportedInputError, UsageError
from reasoner.server.changes import Changes
from reasoner.server.description import Description
from reasoner.server.formats import GRAPH_TYPES, RESULT_TYPES, best
from reasoner.server.pool import OverloadedError, Pool
from reasoner.server.replies import Headers, header_of, parameters, problem, problem_of, read_body, send_problem, send_reply
from reasoner.server.settings import Limits
from reasoner.server.wire import Message, pack

__all__ = ["Sparql"]

_FORM = "application/x-www-form-urlencoded"
_DIRECT = "application/sparql-query"
_UPDATE = "application/sparql-update"
_METHODS = "GET, HEAD, POST, OPTIONS"
_PATIENCE = 0.25
_TURN = 0.02
"""Seconds before a busy server says so: those who ask again at once would take the time of those who are answered."""
_FRESH = ("cache-control", "no-store")
_VARY = ("vary", "accept")


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a request asks: an update, a query, or without either the description of the service; with dataset and wanted form."""

    query: str | None
    default: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    form: str = ""
    update: str | None = None
    given: Mapping[str, list[str]] = field(default_factory=dict)


class Sparql:
    """The endpoint over a pool of workers, as an ASGI application."""

    def __init__(self, pool: Pool, limits: Limits, description: Description, changes: Changes | None = None) -> None:
        self._pool = pool
        self._limits = limits
        self._description = description
        self._changes = changes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        method = scope["method"]
        if method == "OPTIONS":
            await send_reply(send, 204, b"", headers=(("allow", _METHODS), ("accept-post", f"{_FORM}, {_DIRECT}")))
            return
        if method not in ("GET", "HEAD", "POST"):
            document = {"status": 405, "title": "The method is not taken", "repair": f"use one of {_METHODS}", "code": UsageError.code}
            await send_problem(send, 405, document, (("allow", _METHODS),))
            return
        try:
            asked = _read_get(scope) if method != "POST" else _read_post(scope, await read_body(scope, receive, self._most(scope)))
            if asked.update is None:
                await self._answer(asked, _url(scope), header_of(scope, "accept"), receive, send)
            elif self._changes is None:
                raise ForbiddenError("Updates are not taken", why="this endpoint is read-only")
            elif self._changes.allows(scope):
                await self._changes.update(asked.update, asked.given, _url(scope), send)
            else:
                await self._changes.refuse(send)
        except LegcrampsError as error:
            status, document = problem_of(error)
            again: Headers = ()
            if isinstance(error, OverloadedError):
                again = (("retry-after", "1"),)
                await asyncio.sleep(_TURN)
            await send_problem(send, status, document, (_FRESH, *again))

    def _most(self, scope: Scope) -> int:
        """Return how long the body of a request may be: more for those who bear the token."""
        return self._limits.upload if self._changes is not None and self._changes.allows(scope) else self._limits.request

    async def _answer(self, asked: _Asked, url: str, accept: str, receive: Receive, send: Send) -> None:
        if asked.query is None:
            await self._describe(url, accept, asked.form, send)
            return
        rows, graph = (
            asked.form if asked.form in types else "" if asked.form else best(accept, types) for types in (RESULT_TYPES, GRAPH_TYPES)
        )
        header: Mapping[str, object] = {
            "base": url,
            "default": asked.default,
            "named": asked.named,
            "rows_as": rows,
            "graph_as": graph,
            "rows": self._limits.rows,
            "size": self._limits.answer,
        }
        found = await _while_wanted(self._pool.ask(asked.query, pack(header, asked.query.encode())), receive)
        status = found.header["status"]
        if status != 200:
            said = (str(found.header[name]) for name in ("what", "why", "repair", "code"))
            await send_problem(send, status, problem(status, *said), (_FRESH, _VARY))
            return
        notes = []
        if found.header["cut"]:
            notes.append(("legcramps-truncated", f"rows={found.header['cut']}"))
        if found.header["unknown"]:
            notes.append(("legcramps-unknown-graphs", str(found.header["unknown"])))
        await send_reply(send, 200, found.body, found.header["media"], (_FRESH, _VARY, *notes))

    async def _describe(self, url: str, accept: str, form: str, send: Send) -> None:
        form = form or best(accept, GRAPH_TYPES) or best(accept, {"html": "text/html"})
        if form == "html":
            await send_reply(send, 303, b"", headers=(("location", "/"), _VARY))
        elif form not in GRAPH_TYPES:
            taken = ", ".join(GRAPH_TYPES.values())
            document = {
                "status": 406,
                "title": "The description is not written in a form that is accepted",
                "repair": f"accept one of {taken}",
            }
            await send_problem(send, 406, document, (_VARY,))
        else:
            await send_reply(send, 200, self._description.written(url, form), GRAPH_TYPES[form], (_FRESH, _VARY))


async def _while_wanted(work: Coroutine[None, None, Message], receive: Receive) -> Message:
    """Return what some work comes to; stop it when the client goes away."""
    task = asyncio.ensure_future(work)
    done, _ = await asyncio.wait({task}, timeout=_PATIENCE)
    if not done:
        leaving = asyncio.ensure_future(_left(receive))
        await asyncio.wait({task, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            task.cancel()
            raise IncompleteError("The client went away")
        leaving.cancel()
    return task.result()


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _url(scope: Scope) -> str:
    """Return the URL under which the endpoint was called; the gate has seen to it that the name is one of ours."""
    return f"{scope['scheme']}://{header_of(scope, 'host')}{scope['path']}"


# --- requests -----------------------------------------------------------------------------------------------------------


def _read_get(scope: Scope) -> _Asked:
    given = parameters(scope["query_string"])
    if given.get("update"):
        raise UsageError("An update is not taken by GET", repair="send it by POST, where updates are on")
    return _asked(given, given.get("query", []))


def _read_post(scope: Scope, body: bytes) -> _Asked:
    media, _, charset = header_of(scope, "content-type").lower().partition(";")
    media = media.strip()
    if "charset=" in charset and charset.split("charset=")[1].strip(' "') not in ("utf-8", "utf8", "us-ascii"):
        raise UnsupportedInputError("The character set is not read", repair="send UTF-8")
    given = parameters(scope["query_string"])
    if media == _DIRECT:
        if given.get("query"):
            raise UsageError("There are two queries", why="one in the URL, one in the body", repair="send one")
        return _asked(given, [_text(body)])
    if media == _UPDATE:
        if given.get("update"):
            raise UsageError("There are two updates", why="one in the URL, one in the body", repair="send one")
        return _Asked(None, update=_text(body), given=given)
    if media != _FORM:
        raise UnsupportedInputError("The content type is not read", repair=f"send {_FORM} or {_DIRECT}")
    for name, values in parameters(body).items():
        given.setdefault(name, []).extend(values)
    if updates := given.get("update"):
        if len(updates) > 1 or given.get("query"):
            raise UsageError("There are several updates", repair="send one")
        return _Asked(None, update=updates[0], given=given)
    if not given.get("query"):
        raise UsageError("There is no query", repair="send the parameter query")
    return _asked(given, given["query"])


def _asked(given: Mapping[str, list[str]], queries: list[str]) -> _Asked:
    if len(queries) > 1:
        raise UsageError("There are several queries", repair="send one")
    form = (given.get("format") or [""])[-1]
    if form and form not in (*RESULT_TYPES, *GRAPH_TYPES):
        raise UsageError("The format is not known", repair=f"use one of {', '.join((*RESULT_TYPES, *GRAPH_TYPES))}")
    default, named = (tuple(given.get(f"{kind}-graph-uri", ())) for kind in ("default", "named"))
    return _Asked(queries[0] if queries else None, default, named, form)


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SyntaxProblem("The query is no UTF-8 text", repair="send UTF-8") from error
