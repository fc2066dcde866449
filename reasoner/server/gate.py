"""Let in only requests that name this server, and give every answer the headers that keep a browser from mischief."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reasoner.errors import ForbiddenError, LegcrampsError
from reasoner.server.replies import header_of, send_problem

__all__ = ["HEADERS", "Gate"]

_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"),
]
"""What every answer bears."""


class Gate:
    """The outermost layer of the application."""

    def __init__(self, app: ASGIApp, hosts: tuple[str, ...]) -> None:
        self._app = app
        self._hosts = frozenset({*_LOOPBACK, *(host.lower() for host in hosts)})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it; an error that nobody foresaw becomes a problem that tells nothing of the data."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def guarded(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                message["headers"] = [*message.get("headers", ()), *HEADERS]
            await send(message)

        if not self._knows(header_of(scope, "host")):
            document = {"status": 421, "title": "This server is not called by that name", "repair": "allow it by --host-name"}
            await send_problem(guarded, 421, document | {"code": ForbiddenError.code})
            return
        try:
            await self._app(scope, receive, guarded)
        except Exception as error:
            why = type(error).__name__
            if begun:
                raise ConnectionAbortedError(why) from None
            await send_problem(guarded, 500, {"status": 500, "title": "Internal error", "detail": why, "code": LegcrampsError.code})

    def _knows(self, host: str) -> bool:
        name, colon, port = host.lower().rpartition(":")
        return (name if colon and port.isdecimal() else host.lower()) in self._hosts
