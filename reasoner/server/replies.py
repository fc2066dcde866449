"""Send answers and problems, and read bodies of bounded size."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope, Send

from reasoner.errors import (
    ForbiddenError,
    IncompleteError,
    InputError,
    LegcrampsError,
    LimitError,
    SyntaxProblem,
    UnsupportedInputError,
    UsageError,
)

__all__ = ["Headers", "header_of", "parameters", "problem", "problem_of", "read_body", "send_problem", "send_reply"]

_MOST_PARAMETERS = 100
_POSITION = re.compile(r"\bat (\d+):(\d+)|line:(\d+), col:(\d+)")
Headers = Iterable[tuple[str, str]]
_STATUS: tuple[tuple[type[LegcrampsError], int], ...] = (
    (UnsupportedInputError, 415),
    (SyntaxProblem, 400),
    (LimitError, 413),
    (InputError, 400),
    (ForbiddenError, 403),
    (UsageError, 400),
    (IncompleteError, 503),
)


def header_of(scope: Scope, name: str) -> str:
    """Return the values of a request's header, joined by commas."""
    wanted = name.encode()
    return ", ".join(value.decode("latin-1") for key, value in scope["headers"] if key == wanted)


async def send_reply(send: Send, status: int, body: bytes, media: str = "", headers: Headers = ()) -> None:
    """Send a whole answer."""
    given = [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers]
    if media:
        given.append((b"content-type", (f"{media}; charset=utf-8" if media.startswith("text/") else media).encode()))
    if status != 204:
        given.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": given})
    await send({"type": "http.response.body", "body": body})


def problem_of(error: LegcrampsError) -> tuple[int, dict[str, object]]:
    """Return the status and the document (RFC 9457) of an error."""
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
    return status, problem(status, error.what, error.why, error.repair, error.code)


def problem(status: int, what: str, why: str, repair: str, code: str) -> dict[str, object]:
    """Return a problem; of what a parser says the place alone is passed on, because the rest may repeat what was sent."""
    document: dict[str, object] = {"status": status, "title": what}
    if place := _POSITION.search(why):
        line, column = (int(number) for number in place.groups() if number)
        document |= {"line": line, "column": column}
        why = f"line {line}, column {column}"
    elif code == SyntaxProblem.code:
        why = ""
    return document | {name: text for name, text in (("detail", why), ("repair", repair), ("code", code)) if text}


async def send_problem(send: Send, status: int, document: dict[str, object], headers: Headers = ()) -> None:
    """Send a problem as JSON."""
    await send_reply(send, status, json.dumps(document, ensure_ascii=False).encode(), "application/problem+json", headers)


async def read_body(scope: Scope, receive: Receive, most: int) -> bytes:
    """Return the body of a request; raise LimitError before more than `most` bytes of it are held."""
    length = header_of(scope, "content-length")
    if length.isdecimal() and int(length) > most:
        raise _too_long(most)
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise IncompleteError("The request is not whole", why="the client went away")
        part = message.get("body", b"")
        size += len(part)
        if size > most:
            raise _too_long(most)
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


def _too_long(most: int) -> LimitError:
    return LimitError("The request is too long", why=f"its body has more than {most} bytes", repair="send less at once")


def parameters(text: bytes) -> dict[str, list[str]]:
    """Return the parameters of a URL or a form, each decoded once."""
    found: dict[str, list[str]] = {}
    try:
        pairs = parse_qsl(text.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_PARAMETERS)
    except ValueError as error:
        raise SyntaxProblem("The parameters are malformed", repair="encode them as UTF-8, in percent escapes") from error
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found
