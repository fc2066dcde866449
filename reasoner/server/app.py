"""Put the server together: the workers, the routes, and the gate before them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pyoxigraph
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

from reasoner.export.dataset import with_default
from reasoner.program.model import Program
from reasoner.server.description import Description
from reasoner.server.gate import Gate
from reasoner.server.page import page
from reasoner.server.pool import Pool
from reasoner.server.process import Source
from reasoner.server.reception import ENDPOINTS, Reception
from reasoner.server.settings import Settings
from reasoner.server.sparql import Sparql

__all__ = ["Holdings", "create_app", "hold"]

_ENDPOINTS = (("/sparql", "SPARQL 1.1 Protocol, queries; without a query the description of the service"), ("/health", "whether it works"))


@dataclass(frozen=True, slots=True)
class Holdings:
    """The quads that are served, in a file without a name that vanishes with the server, and the sizes of their graphs."""

    descriptor: int
    sizes: Counter[str]

    def close(self) -> None:
        """Give the file back."""
        os.close(self.descriptor)


def hold(quads: Iterable[pyoxigraph.Quad]) -> Holdings:
    """Write quads where workers can read them; nothing of them is left on a disk."""
    kept = with_default(quads)
    sizes = Counter(getattr(quad.graph_name, "value", "") for quad in kept)
    descriptor = os.memfd_create("legcramps")
    with os.fdopen(descriptor, "wb", closefd=False) as file:
        pyoxigraph.serialize(kept, file, format=pyoxigraph.RdfFormat.N_QUADS)
    return Holdings(descriptor, sizes)


def create_app(program: Program, folder: Path, holdings: Holdings, settings: Settings, reception: Reception | None = None) -> ASGIApp:
    """Return the application; its workers live as long as its lifespan. `reception` takes the calls of CDS Hooks and `/api`."""
    pool = Pool(Source(descriptor=holdings.descriptor), settings.limits)
    description = Description(folder, holdings.sizes)
    sparql = Sparql(pool, settings.limits, description)
    html = page(program, settings.limits, (*_ENDPOINTS, *(ENDPOINTS if reception else ())))

    async def home(_: Request) -> Response:
        return Response(html, media_type="text/html")

    async def health(_: Request) -> Response:
        knowledge = {"version": program.version, "hash": program.digest}
        return JSONResponse({"status": "ok", "knowledge": knowledge, "workers": len(pool.processes)})

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        try:
            await pool.start()
            yield
        finally:
            await pool.close()
            if reception is not None:
                await reception.close()

    routes: list[BaseRoute] = [Route("/", home), Route("/health", health), Route("/sparql", sparql), Route("/sparql/", sparql)]
    if reception is not None:
        routes.append(Mount("", reception.app))
    return Gate(Starlette(routes=routes, lifespan=lifespan), settings.hosts)
