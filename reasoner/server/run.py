"""Listen, serve until a signal comes, and leave no process behind."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import cast

import uvicorn
from starlette.types import ASGIApp

from reasoner.errors import UsageError
from reasoner.server.connection import Connection, Crowd
from reasoner.server.settings import CALLS, Limits

__all__ = ["configure", "listen", "serve"]

_BACKLOG = 2048
_DRAIN = 10


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens; raise UsageError when the address cannot be had."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        where = f"{host}:{port}"
        raise UsageError(
            "The address cannot be served", where=where, why=error.strerror or str(error), repair="name another --port"
        ) from error


class _Discreet(logging.Formatter):
    """Write of a log record what cannot hold what was asked or answered: its level, its source, the kind of an error."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        kind = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else ""
        return f"legcramps: {record.levelname.lower()} in {record.name}, line {record.lineno}{f': {kind}' if kind else ''}"


class _Server(uvicorn.Server):
    """A server that says when it is ready."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop; a second signal stops at once. The signal is not raised again, so that a drained server ends well."""
        self.force_exit = self.should_exit
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets)
        if self.started:
            self._ready()


def configure(app: ASGIApp, limits: Limits) -> uvicorn.Config:
    """Return how an application is served."""
    return uvicorn.Config(
        app,
        loop="uvloop",
        http=cast(type[asyncio.Protocol], partial(Connection, Crowd.within(limits), Crowd.within(CALLS), limits)),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=_BACKLOG,
        timeout_graceful_shutdown=_DRAIN,
    )


def serve(app: ASGIApp, listening: socket.socket, limits: Limits, ready: Callable[[], None]) -> None:
    """Serve an application until SIGTERM or SIGINT; requests under way are finished first."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Discreet())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    _Server(configure(app, limits), ready).run(sockets=[listening])
