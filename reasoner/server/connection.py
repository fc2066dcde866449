"""Guard each connection before the application is asked: requests must come whole in time, and a crowd is refused cheaply.

Once as many queries, or calls of CDS Hooks and `/api`, are under way as may be, the next is refused here, before anything is
read out of it; the pool, which knows the lanes, would refuse it at many times the cost. Who asks again sooner than it was told
is taken only while there is room for others.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any, Self, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from reasoner.errors import IncompleteError
from reasoner.server.gate import HEADERS
from reasoner.server.settings import Limits

__all__ = ["Connection", "Crowd"]

_QUERIES = (b"/sparql", b"/sparql/")
_CALLS = (b"/api/assess", b"/api/explain", b"/api/whatif")
_HOOKS, _FEEDBACK = b"/cds-services/", b"/feedback"
_TURN = 0.02
"""Seconds before a refusal is sent: those who ask again at once would take the time of those who are answered."""
_AGAIN = 1
_BUSY = {"detail": "too many wait", "repair": "ask again in a moment"}


def _refusal(status: str, title: str, *headers: tuple[bytes, bytes], **more: str) -> bytes:
    document = {"status": int(status[:3]), "title": title, **more, "code": IncompleteError.code}
    body = json.dumps(document).encode()
    given = [*HEADERS, (b"content-type", b"application/problem+json"), (b"cache-control", b"no-store"), *headers]
    lines = b"".join(name + b": " + value + b"\r\n" for name, value in (*given, (b"content-length", str(len(body)).encode())))
    return b"HTTP/1.1 " + status.encode() + b"\r\n" + lines + b"\r\n" + body


_FULL = _refusal("503 Service Unavailable", "The server is busy", (b"retry-after", str(_AGAIN).encode()), **_BUSY)
_LATE = _refusal("408 Request Timeout", "The request did not come whole in time", (b"connection", b"close"))


@dataclass(slots=True)
class Crowd:
    """The requests of one kind that are under way on all connections."""

    most: int
    count: int = 0

    @classmethod
    def within(cls, limits: Limits) -> Self:
        """Return one that is as large as the workers and the queue before them can take."""
        return cls(limits.workers + limits.waiting)

    def has_room(self, *, early: bool) -> bool:
        """Return whether one more may come; to who comes earlier than it was told, half is too many."""
        return self.count < (self.most // 2 if early else self.most)


class _Refused:
    """What uvicorn takes for the request under way: one that is answered, whose body is read past."""

    response_complete = True
    disconnected = False
    keep_alive = True
    message_event = asyncio.Event()


class Connection(HttpToolsProtocol):
    """One connection of a client."""

    def __init__(self, queries: Crowd, calls: Crowd, limits: Limits, **given: Any) -> None:
        super().__init__(**given)
        self._queries = queries
        self._calls = calls
        self._receiving = limits.receiving
        self._late: asyncio.TimerHandle | None = None
        self._refusing: asyncio.TimerHandle | None = None
        self._not_before = 0.0
        self._inside: Crowd | None = None
        self._stays = True

    # --- time ---------------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._expect()

    def on_message_begin(self) -> None:
        """Wait for the rest of a request."""
        super().on_message_begin()
        if self._refusing is not None:  # one more before the last one is answered
            self._refuse()
            self._unset_keepalive_if_required()
        if self._late is None:
            self._expect()

    def on_message_complete(self) -> None:
        """Wait no longer: the request is whole."""
        self._forget()
        super().on_message_complete()

    def _expect(self) -> None:
        self._late = self.loop.call_later(self._receiving, self._cut)

    def _forget(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _cut(self) -> None:
        """End a connection whose request does not come; one that has others to be answered before is none of the kind."""
        self._late = None
        if self.transport.is_closing():
            return
        if self.pipeline:
            self._expect()
            return
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            self.transport.write(_LATE)
        self.transport.close()

    # --- crowds -------------------------------------------------------------------------------------------------------

    def on_headers_complete(self) -> None:
        """Let the application answer, or refuse because too many of the kind are under way."""
        crowd = self._crowd()
        if crowd is None:
            super().on_headers_complete()
            return
        if crowd.has_room(early=self.loop.time() < self._not_before):
            self._inside = crowd
            crowd.count += 1
            super().on_headers_complete()
            return
        self._not_before = self.loop.time() + _AGAIN
        self._stays = self.parser.should_keep_alive()
        self.cycle = cast(Any, _Refused())
        self._refusing = self.loop.call_later(_TURN, self._refuse)
        self.flow.pause_reading()

    def _crowd(self) -> Crowd | None:
        """Return what a request is one of, if it is the first that is not answered on its connection and a worker is to answer it."""
        if self.cycle is not None and not self.cycle.response_complete:
            return None
        path, method = self.url.partition(b"?")[0], self.parser.get_method()
        if path in _QUERIES:
            may_be_update = any(name == b"authorization" for name, _ in self.headers)
            return self._queries if method in (b"GET", b"POST") and not may_be_update else None
        is_call = path in _CALLS or (path.startswith(_HOOKS) and not path.endswith(_FEEDBACK))
        return self._calls if method == b"POST" and is_call else None

    def _refuse(self) -> None:
        """Answer that there is no room, and take the next request."""
        if self._refusing is not None:
            self._refusing.cancel()
            self._refusing = None
            if not self.transport.is_closing():
                self.transport.write(_FULL)
                if not self._stays:
                    self.transport.close()
                self.on_response_complete()

    def on_response_complete(self) -> None:
        """Make room for the next."""
        self._leave()
        super().on_response_complete()

    def shutdown(self) -> None:
        """End once what is under way is answered."""
        self._refuse()
        super().shutdown()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client."""
        self._forget()
        self._leave()
        if self._refusing is not None:
            self._refusing.cancel()
            self._refusing = None
        super().connection_lost(exc)

    def _leave(self) -> None:
        if self._inside is not None:
            self._inside.count -= 1
            self._inside = None
