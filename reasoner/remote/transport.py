"""Carry one HTTP request to a store and its whole answer back, or fail in one of the ways of `RemoteError`.

The exchange runs in a thread of its own; when the time is over, its sockets are cut, so that neither a host that hangs nor
one that sends a byte now and then holds the caller. The answer is read in pieces against a byte cap, compressed or not.
Redirects are followed within the origin only, because question and credentials are meant for no other. Proxies of the
environment are not used: only the host that was named is spoken to.
"""

from __future__ import annotations

import http.client
import socket
import threading
import urllib.error
import urllib.request
import zlib
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from email.message import Message
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any
from urllib.parse import urljoin

from reasoner.errors import DeadlineError, LegcrampsError, OversizeError, RedirectError, RefusalError, UnfitAnswerError, UnreachableError
from reasoner.remote.access import Access, origin_of, same_origin, shown

__all__ = ["Budget", "Reply", "exchange"]

_PIECE = 64 * 1024
_REDIRECTS = 5
_FOLLOWED = (301, 302, 307, 308)
_PACKED = ("gzip", "x-gzip", "deflate")
_EITHER_HEADER = zlib.MAX_WBITS | 32


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer: its status, its headers, its body unpacked; `url` is the address that gave it."""

    status: int
    headers: Message
    body: bytes
    url: str


class Budget:
    """The time and the bytes that remain for a remote store, over all requests of one task."""

    def __init__(self, seconds: float, max_bytes: int) -> None:
        self.seconds = seconds
        self.max_bytes = max_bytes
        self._end = monotonic() + seconds
        self._taken = 0

    @property
    def time_left(self) -> float:
        """Return the seconds that remain, never fewer than none."""
        return max(self._end - monotonic(), 0.0)

    @property
    def bytes_left(self) -> int:
        """Return the bytes that may still be taken."""
        return self.max_bytes - self._taken

    def take(self, count: int) -> None:
        """Count bytes that were taken."""
        self._taken += count


class _Line:
    """The connections of one exchange; once it is cut, none of them carries anything."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._cut = False

    def add(self, connection: socket.socket) -> None:
        """Take a connection into account, by a handle of its own below any TLS; raise TimeoutError when the line is cut."""
        with self._lock:
            if self._cut:
                raise TimeoutError
            self._sockets.append(connection.dup())

    def cut(self) -> None:
        """End every connection, which wakes the thread that waits on it."""
        with self._lock:
            self._cut = True
            for connection in self._sockets:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
                connection.close()
            self._sockets.clear()


# --- the exchange -------------------------------------------------------------------------------------------------------


def exchange(request: urllib.request.Request, access: Access, budget: Budget) -> Reply:
    """Send `request` and return the answer, whatever its status; raise a RemoteError when there is none within the budget."""
    line, done = _Line(), SimpleQueue[Reply | Exception]()

    def work() -> None:
        try:
            done.put(_converse(request, access, budget, line))
        except Exception as error:
            done.put(error)

    threading.Thread(target=work, name="remote store", daemon=True).start()
    try:
        found = done.get(timeout=budget.time_left)
    except Empty:
        found = TimeoutError()
    finally:
        line.cut()
    if isinstance(found, Reply):
        budget.take(len(found.body))
        return found
    raise _explained(found, shown(access.query_url), budget) from found


def _converse(request: urllib.request.Request, access: Access, budget: Budget, line: _Line) -> Reply:
    opener = urllib.request.OpenerDirector()
    if access.credentials.token:
        request.add_unredirected_header("Authorization", f"Bearer {access.credentials.token}")
    with ExitStack() as answers:
        opening = _Opening(line, answers)
        for handler in (opening, _Redirect(), _AnyStatus(), urllib.request.HTTPErrorProcessor(), *_signing(access)):
            opener.add_handler(handler)
        response = opener.open(request, timeout=max(budget.time_left, 0.001))
        return Reply(response.status, response.headers, _whole_body(response, budget), response.url)


def _signing(access: Access) -> list[urllib.request.BaseHandler]:
    """Return what answers a challenge of the named origin: digest, and basic where nobody can read along."""
    given = access.credentials
    if not given.user:
        return []
    passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
    scheme, host, port = origin_of(access.query_url)
    passwords.add_password(None, f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}/", given.user, given.password)
    return [_Digest(passwords), _Basic(passwords)] if access.is_private else [_Digest(passwords)]


# --- handlers -----------------------------------------------------------------------------------------------------------


class _Connection(http.client.HTTPConnection):
    """A plain connection that its line knows of from the moment it is open."""

    line: _Line

    def connect(self) -> None:
        """Open the connection."""
        super().connect()
        self.line.add(self.sock)


class _TlsConnection(http.client.HTTPSConnection, _Connection):
    """A connection over TLS, certificates checked; the line knows of it before the handshake."""


class _Opening(urllib.request.AbstractHTTPHandler):
    """Open connections that the line knows of, and see to it that every answer of the exchange is closed at its end."""

    def __init__(self, line: _Line, answers: ExitStack) -> None:
        super().__init__()
        self._line = line
        self._answers = answers

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        """Send the request as it is."""
        return self._sent(_Connection, req)

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        """Send the request over TLS."""
        return self._sent(_TlsConnection, req)

    def _sent(self, kind: type[_Connection], req: urllib.request.Request) -> http.client.HTTPResponse:
        def connection(host: str, **options: Any) -> _Connection:
            made = kind(host, **options)
            made.line = self._line
            return made

        return self._answers.enter_context(self.do_open(connection, req))

    http_request = https_request = urllib.request.AbstractHTTPHandler.do_request_


class _Redirect(urllib.request.BaseHandler):
    """Repeat the request, with its method and body, at another address of the same origin."""

    def _follow(self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Message) -> Any:
        target = urljoin(req.full_url, headers.get("location", ""))
        if not headers.get("location") or not same_origin(req.full_url, target):
            raise RedirectError(
                "The store sends to another origin",
                where=shown(req.full_url),
                why=f"status {code} names {shown(target) if headers.get('location') else 'no address'}",
                repair="name that address yourself if you trust it",
            )
        count = getattr(req, "redirects", 0) + 1
        if count > _REDIRECTS:
            raise RedirectError(
                "The store redirects without end", where=shown(req.full_url), why=f"{count} times", repair="name the final address"
            )
        again = urllib.request.Request(target, req.data, dict(req.headers), method=req.get_method())  # noqa: S310 - the scheme is that of the origin
        again.redirects = count  # type: ignore[attr-defined]
        return self.parent.open(again, timeout=req.timeout)

    http_error_301 = http_error_302 = http_error_307 = http_error_308 = _follow


class _Digest(urllib.request.HTTPDigestAuthHandler):
    """Answer a digest challenge, and leave others alone."""

    def http_error_401(self, *given: Any) -> Any:
        """Repeat the request, signed."""
        with suppress(ValueError):
            return super().http_error_401(*given)


class _Basic(urllib.request.HTTPBasicAuthHandler):
    """Answer a basic challenge, and leave others alone."""

    def http_error_401(self, *given: Any) -> Any:
        """Repeat the request with user and password."""
        with suppress(ValueError):
            return super().http_error_401(*given)


class _AnyStatus(urllib.request.BaseHandler):
    """Give back an answer of any status as it is."""

    def http_error_default(self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Message) -> Any:
        """Return the answer."""
        return fp


# --- the body -----------------------------------------------------------------------------------------------------------


def _whole_body(response: http.client.HTTPResponse, budget: Budget) -> bytes:
    """Return the body, unpacked, within the byte cap; raise UnfitAnswerError when it ends before its end."""
    packing = response.headers.get("content-encoding", "identity").strip().lower()
    if packing not in ("identity", "", *_PACKED):
        raise UnfitAnswerError("The answer is packed in a way that was not asked for", where=shown(response.url), why=packing)
    unpack = zlib.decompressobj(_EITHER_HEADER) if packing in _PACKED else None
    declared, cap = response.length, budget.bytes_left
    pieces: list[bytes] = []
    received = unpacked = 0
    while True:
        piece = response.read1(_PIECE)
        received += len(piece)
        if piece:
            pieces.append(unpack.decompress(piece, cap - unpacked + 1) if unpack else piece)
            unpacked += len(pieces[-1])
        if max(received, unpacked) > cap:
            raise OversizeError(
                "The store sends too much",
                where=shown(response.url),
                why=f"more than {budget.max_bytes} bytes",
                repair="ask for less, or raise --max-answers",
            )
        if not piece:
            if received < (declared or 0) or (unpack and not unpack.eof):
                raise UnfitAnswerError("The answer ends too early", where=shown(response.url), why=f"after {received} bytes")
            return b"".join(pieces)


def _explained(error: Exception, where: str, budget: Budget) -> Exception:
    """Return what a failure of the exchange means."""
    reason = error.reason if isinstance(error, urllib.error.URLError) and isinstance(error.reason, Exception) else error
    if isinstance(reason, LegcrampsError):
        return reason
    if isinstance(reason, TimeoutError) or not budget.time_left:
        return DeadlineError(
            "The store does not answer in time",
            where=where,
            why=f"{budget.seconds:g} s are over",
            repair="ask for less, or raise --timeout",
        )
    if isinstance(error, urllib.error.HTTPError):
        return RefusalError("The store does not accept the credentials", where=where, why=f"status {error.code}", repair="check them")
    if isinstance(reason, http.client.IncompleteRead):
        return UnfitAnswerError("The answer ends too early", where=where, repair="ask again")
    if isinstance(reason, OSError):
        why = reason.strerror or str(reason) or type(reason).__name__
        return UnreachableError("The store cannot be reached", where=where, why=why, repair="check the address, and that the store runs")
    if isinstance(reason, http.client.HTTPException | ValueError | zlib.error | UnicodeError):
        return UnfitAnswerError("The answer is no HTTP", where=where, why=type(reason).__name__, repair="check the address")
    return error
