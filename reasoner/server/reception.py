"""Put the interface together: workers that come with the first call, the guard, the feedback, and the way to FHIR servers."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path

from fastapi import FastAPI

from reasoner.server.access import Access
from reasoner.server.cds.sources import load_sources
from reasoner.server.desk import Desk
from reasoner.server.feedback import FeedbackStore
from reasoner.server.interface import Interface, create_interface
from reasoner.server.outside import Outside
from reasoner.server.pool import Pool
from reasoner.server.process import Source
from reasoner.server.settings import CALLS, Settings
from reasoner.server.tokens import Guard
from reasoner.server.wire import Message

__all__ = ["ENDPOINTS", "Reception"]

ENDPOINTS = (
    ("/cds-services", "CDS Hooks 2.0: patient-view, order-select, order-sign, feedback"),
    ("/api/openapi.json", "assess, explain and whatif over HTTP, described in OpenAPI"),
)
_WORKER = "reasoner.server.consultant"


class _Consultants:
    """Workers that come up with the first question, so that those who ask in SPARQL alone need none."""

    def __init__(self, folder: Path) -> None:
        self._pool = Pool(Source(folder=str(folder), module=_WORKER), CALLS)
        self._coming = asyncio.Lock()
        self._there = False

    async def ask(self, key: str, frame: bytes) -> Message:
        """Return the reply to a question."""
        if not self._there:
            async with self._coming:
                if not self._there:
                    await self._pool.start()
                    self._there = True
        return await self._pool.ask(key, frame)

    async def close(self) -> None:
        """End the workers."""
        await self._pool.close()


class Reception:
    """What `/cds-services` and `/api` need of a server."""

    def __init__(self, folder: Path, access: Access, settings: Settings, as_of: datetime | None = None) -> None:
        self._consultants = _Consultants(folder)
        self._outside = Outside(access.fhir, tuple(each.jku for each in access.clients if each.jku), access.authorities)
        self._store = FeedbackStore(access.feedback)
        guard = Guard(access.clients, self._outside.key_set) if access.clients else None
        desk = Desk(self._consultants, self._outside, access.public or f"http://{settings.host}:{settings.port}", as_of)
        held = Interface(desk, guard, access, access.is_open(settings.host), load_sources(folder), self._store)
        self.app: FastAPI = create_interface(held)

    async def close(self) -> None:
        """End what was begun."""
        await self._consultants.close()
        await self._outside.close()
        self._store.close()
