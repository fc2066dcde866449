"""Take SPARQL updates and the Graph Store Protocol from those who have the token; nobody else learns anything."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from pathlib import Path

from starlette.types import Receive, Scope, Send

from reasoner.errors import ForbiddenError, LegcrampsError, UnsupportedInputError, UsageError
from reasoner.server.formats import GRAPH_TYPES
from reasoner.server.keeper import Keeper
from reasoner.server.replies import Headers, header_of, parameters, problem_of, read_body, send_problem, send_reply
from reasoner.server.settings import Limits

__all__ = ["Changes", "read_token"]

_SHORTEST = 16
_METHODS = "PUT, POST, DELETE"
_CHALLENGE: Headers = (("www-authenticate", 'Bearer realm="legcramps"'),)


def read_token(path: Path) -> str:
    """Return the token that a file holds; raise UsageError for one that is short, or that others than its owner can read."""
    try:
        if path.stat().st_mode & 0o077:
            raise UsageError("The token file can be read by others", where=str(path), repair="chmod 600 it")
        token = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError("The token file cannot be read", where=str(path), repair="check the path") from error
    if len(token) < _SHORTEST:
        raise UsageError(
            "The token is too short", where=str(path), why=f"it has less than {_SHORTEST} characters", repair="draw a longer one"
        )
    return token


class Changes:
    """The part of the server that changes the store."""

    def __init__(self, keeper: Keeper, token: str, limits: Limits) -> None:
        self._keeper = keeper
        self._token = token
        self._limits = limits

    def allows(self, scope: Scope) -> bool:
        """Return whether a request bears the token."""
        kind, _, given = header_of(scope, "authorization").partition(" ")
        return kind.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), self._token.encode())

    async def refuse(self, send: Send) -> None:
        """Say that a token is needed, in the same words whatever was wrong."""
        document = {"status": 401, "title": "A token is needed", "repair": "send Authorization: Bearer …", "code": ForbiddenError.code}
        await send_problem(send, 401, document, _CHALLENGE)

    async def update(self, text: str, given: Mapping[str, list[str]], base: str, send: Send) -> None:
        """Run an update and answer when readers see it."""
        header = {"base": base} | {
            kind: given.get(name, []) for kind, name in (("default", "using-graph-uri"), ("named", "using-named-graph-uri"))
        }
        await self._keeper.do("update", header, text.encode(), fresh=True)
        await send_reply(send, 204, b"")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request of the Graph Store Protocol; graphs are read by SPARQL."""
        if scope["method"] not in _METHODS.split(", "):
            document = {"status": 405, "title": "The method is not taken", "repair": "read graphs by CONSTRUCT at /sparql"}
            await send_problem(send, 405, document, (("allow", _METHODS),))
        elif not self.allows(scope):
            await self.refuse(send)
        else:
            try:
                await self._change(scope, receive, send)
            except LegcrampsError as error:
                status, problem = problem_of(error)
                await send_problem(send, status, problem)

    async def _change(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = parameters(scope["query_string"])
        names, default = given.get("graph", []), "default" in given
        if len(names) + default != 1:
            raise UsageError("One graph must be named", repair="use ?graph=IRI or ?default")
        media = header_of(scope, "content-type").partition(";")[0].strip().lower()
        form = next((form for form, each in GRAPH_TYPES.items() if each == media), "")
        if scope["method"] != "DELETE" and not form:
            raise UnsupportedInputError("The content type is not read", repair=f"send {', '.join(GRAPH_TYPES.values())}")
        body = await read_body(scope, receive, self._limits.upload)
        header = {"graph": "" if default else names[0], "method": scope["method"], "form": form}
        reply = await self._keeper.do("graph", header, body, fresh=True)
        if reply.header["status"] == 404:
            await send_problem(send, 404, {"status": 404, "title": "There is no such graph"})
        else:
            await send_reply(send, int(reply.header["status"]), b"")
