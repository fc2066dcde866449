"""Put the server together: the workers, the routes, and the gate before them."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

from reasoner.errors import LegcrampsError
from reasoner.program.model import Program
from reasoner.server.changes import Changes
from reasoner.server.description import Description
from reasoner.server.gate import Gate
from reasoner.server.holdings import Holdings, hold
from reasoner.server.keeper import Keeper
from reasoner.server.page import page
from reasoner.server.pool import Pool
from reasoner.server.process import Source
from reasoner.server.reception import ENDPOINTS, Reception
from reasoner.server.settings import Settings
from reasoner.server.sparql import Sparql

__all__ = ["Holdings", "create_app", "hold"]

_ENDPOINTS = (("/sparql", "SPARQL 1.1 Protocol, queries; without a query the description of the service"), ("/health", "whether it works"))


def create_app(program: Program, folder: Path, holdings: Holdings, settings: Settings, reception: Reception | None = None) -> ASGIApp:
    """Return the application; its workers live as long as its lifespan. `reception` takes the calls of CDS Hooks and `/api`."""
    pool = Pool(Source(descriptor=holdings.descriptor), settings.limits)
    description = Description(holdings.sizes)
    keeper = Keeper(holdings.folder, settings.limits, pool.turn_to) if holdings.folder else None
    changes = Changes(keeper, settings.update_token, settings.limits) if keeper and settings.update_token else None
    sparql = Sparql(pool, settings.limits, description, changes)
    html = page(program, settings.limits, (*_ENDPOINTS, *(ENDPOINTS if reception else ())))

    async def home(_: Request) -> Response:
        return Response(html, media_type="text/html")

    async def health(_: Request) -> Response:
        knowledge = {"version": program.version, "hash": program.digest}
        return JSONResponse({"status": "ok", "knowledge": knowledge, "workers": len(pool.processes)})

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        try:
            if keeper is not None:
                await keeper.start()
                pool.turn_to(await keeper.view())
            await pool.start()
            yield
        except LegcrampsError as error:
            print(f"legcramps: {error}", file=sys.stderr)
            raise
        finally:
            await pool.close()
            if reception is not None:
                await reception.close()
            if keeper is not None:
                await keeper.close()

    routes: list[BaseRoute] = [Route("/", home), Route("/health", health), Route("/sparql", sparql), Route("/sparql/", sparql)]
    if changes is not None:
        routes.append(Route("/store", changes))
    if reception is not None:
        routes.append(Mount("", reception.app))
    return Gate(Starlette(routes=routes, lifespan=lifespan), settings.hosts)
