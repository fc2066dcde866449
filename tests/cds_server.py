"""Stand up the interface in this process, for tests: jobs are done in threads, calls come without a network."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from cds_documents import AS_OF, ROOT
from fastapi import FastAPI

from reasoner.errors import LegcrampsError
from reasoner.program import Program
from reasoner.server.access import Access, Caller
from reasoner.server.desk import Desk
from reasoner.server.feedback import FeedbackStore
from reasoner.server.interface import Interface, create_interface
from reasoner.server.jobs import Consultant, Task, refused
from reasoner.server.outside import Outside
from reasoner.server.tokens import Guard
from reasoner.server.wire import HEAD, Message, unpack

PUBLIC = "https://cds.example.org"
Reply = httpx.Response


CONSULTANTS: dict[str, Consultant] = {}


def consultant_of(program: Program) -> Consultant:
    """Return the one consultant of a program."""
    if program.digest not in CONSULTANTS:
        CONSULTANTS[program.digest] = Consultant(program, ROOT)
    return CONSULTANTS[program.digest]


class ThreadPool:
    """Does jobs in threads; `asked` counts them."""

    def __init__(self, consultant: Consultant) -> None:
        self.consultant = consultant
        self.asked = 0

    async def ask(self, key: str, frame: bytes) -> Message:
        """Return the reply to a question."""
        self.asked += 1
        head, _ = HEAD.unpack_from(frame)
        asked = unpack(frame[HEAD.size : HEAD.size + head], frame[HEAD.size + head :])
        return await asyncio.to_thread(self._do, Task(asked.header, asked.body))

    def _do(self, task: Task) -> Message:
        try:
            reply = self.consultant.do(task)
        except LegcrampsError as error:
            reply = refused(error)
        return Message({"status": 200, **reply.header}, reply.body)


@dataclass
class Server:
    """An interface with what tests look at."""

    program: Program
    access: Access = field(default_factory=Access)
    open: bool = True
    fetch: Any = None
    clock: Any = None
    path: Path | None = None
    as_of: str = AS_OF

    def __post_init__(self) -> None:
        self.pool = ThreadPool(consultant_of(self.program))
        self.outside = Outside(self.access.fhir, tuple(each.jku for each in self.access.clients if each.jku), self.access.authorities)
        self.store = FeedbackStore(self.path)
        more: Mapping[str, Any] = {"clock": self.clock} if self.clock else {}
        guard = Guard(self.access.clients, self.fetch or self.outside.key_set, **more) if self.access.clients else None
        self.desk = Desk(self.pool, self.outside, self.access.public or PUBLIC, datetime.fromisoformat(self.as_of))
        self.app: FastAPI = create_interface(Interface(self.desk, guard, self.access, self.open, self.pool.consultant.sources, self.store))

    def ask(self, method: str, path: str, **more: Any) -> Reply:
        """Return the answer to one request."""
        return self.ask_all([(method, path, more)])[0]

    def post(self, path: str, document: object, **more: Any) -> Reply:
        """Return the answer to a document posted as JSON."""
        return self.ask("POST", path, json=document, **more)

    def ask_all(self, requests: list[tuple[str, str, dict[str, Any]]], *, at_once: bool = False) -> list[Reply]:
        """Return the answers to requests, one after the other or all at once."""

        async def run() -> list[Reply]:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url=self.access.public or PUBLIC) as client:
                calls = [client.request(method, path, **more) for method, path, more in requests]
                return list(await asyncio.gather(*calls)) if at_once else [await call for call in calls]

        return asyncio.run(run())


def caller(issuer: str, *keys: Mapping[str, Any], jku: str = "") -> Caller:
    """Return a listed client."""
    return Caller(issuer, {"keys": list(keys)} if keys else {}, jku)
