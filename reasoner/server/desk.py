"""Take calls on: ask a worker, fetch from the client's FHIR server what it wants, keep for a while what proofs need."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Protocol

from reasoner.server.cds.prefetch import Fetched
from reasoner.server.cds.request import Hook
from reasoner.server.jobs import joined
from reasoner.server.outside import Outside
from reasoner.server.wire import Message, pack

__all__ = ["Desk", "Issue", "Memory", "Workers"]

_ROUNDS = 12
_PAGES = 40
_MOST_KEPT = 64 * 1024 * 1024
_KEPT_FOR = 3600.0


class Workers(Protocol):
    """Answers questions in processes that can be ended; raise IncompleteError when there are too many, or one took too long."""

    async def ask(self, key: str, frame: bytes) -> Message:
        """Return the reply to a question; `key` names it when it comes again."""
        ...


@dataclass(frozen=True, slots=True)
class Issue:
    """What a card was made of, without the token of the call, and the conclusions it gives."""

    header: Mapping[str, Any] = field(repr=False)
    body: bytes = field(repr=False)
    conclusions: tuple[str, ...]
    since: float


class Memory:
    """Keeps what cards were made of, up to a number of bytes and for an hour; nothing of it is written down."""

    def __init__(self, most: int = _MOST_KEPT) -> None:
        self._held: OrderedDict[str, Issue] = OrderedDict()
        self._size = 0
        self._most = most

    def keep(self, name: str, issue: Issue) -> None:
        """Keep an issue, and let the oldest go; issues of one call share its body, which is counted for each."""
        self._drop(name)
        self._held[name] = issue
        self._size += len(issue.body)
        while self._held and self._size > self._most:
            self._drop(next(iter(self._held)))

    def find(self, name: str, now: float) -> Issue | None:
        """Return what is kept under the name of a card, or None."""
        while self._held and next(iter(self._held.values())).since < now - _KEPT_FOR:
            self._drop(next(iter(self._held)))
        return self._held.get(name)

    def _drop(self, name: str) -> None:
        gone = self._held.pop(name, None)
        self._size -= len(gone.body) if gone is not None else 0


class Desk:
    """Takes on calls for one server."""

    def __init__(self, workers: Workers, outside: Outside, public: str, as_of: datetime | None) -> None:
        self._workers = workers
        self._outside = outside
        self._public = public
        self._as_of = as_of
        self._secret = secrets.token_hex(32)
        self.memory = Memory()

    def now(self) -> datetime:
        """Return the instant at which calls are judged: a fixed one where the server was given one."""
        return self._as_of or datetime.now(UTC).replace(microsecond=0)

    async def hook(self, hook: Hook, body: bytes) -> Message:
        """Return the answer to a call of a hook, its cards remembered for their proofs."""
        header = {
            "job": "hook",
            "hook": hook,
            "as_of": self.now().isoformat(),
            "public": self._public,
            "secret": self._secret,
            "fetches": True,
        }
        fetched: dict[str, Fetched] = {}
        for turn in range(_ROUNDS):
            asked = header | {"fetches": turn < _ROUNDS - 1 and header["fetches"]}
            reply, whole = await self._ask(asked, fetched, body)
            wanted = reply.header.get("wanted")
            if wanted is None:
                return self._remembered(reply, asked, fetched, whole, body)
            if not self._outside.allows(wanted["server"]):
                header["fetches"] = False
                continue
            fetched = await self._fetched(wanted, fetched)
        return reply

    async def proof(self, issue: Issue) -> Message:
        """Return the proofs of what a card says."""
        header = {**issue.header, "job": "proof", "conclusions": list(issue.conclusions)}
        return await self._workers.ask(_key(issue.body, "proof"), pack(header, issue.body))

    async def task(self, job: str, body: bytes, **parameters: Any) -> Message:
        """Return the answer to a job on a document."""
        return await self._workers.ask(_key(body, f"{job} {parameters}"), pack({"job": job, **parameters}, body))

    async def _ask(self, header: Mapping[str, Any], fetched: Mapping[str, Fetched], body: bytes) -> tuple[Message, bytes]:
        lengths, whole = joined(fetched, body)
        return await self._workers.ask(_key(whole, "hook"), pack({**header, "lengths": lengths}, whole)), whole

    async def _fetched(self, wanted: Mapping[str, Any], before: Mapping[str, Fetched]) -> dict[str, Fetched]:
        """Return what was fetched so far with the next page of everything that is wanted."""
        queries: dict[str, str] = wanted["queries"]
        found = await asyncio.gather(*(self._outside.resource(wanted["server"], query, wanted["token"]) for query in queries.values()))
        after = dict(before)
        for key, page in zip(queries, found, strict=True):
            held = after.get(key, Fetched())
            full = sum(len(each.pages) for each in after.values()) >= _PAGES
            after[key] = replace(held, failed=True) if page is None or full else replace(held, pages=(*held.pages, page))
        return after

    def _remembered(self, reply: Message, header: Mapping[str, Any], fetched: Mapping[str, Fetched], whole: bytes, body: bytes) -> Message:
        if "conclusions" not in reply.header:
            return reply
        cards, kept = reply.body[: reply.header["cards"]], reply.body[reply.header["cards"] :]
        lengths, whole = joined(fetched, kept) if reply.header["redacted"] else joined(fetched, body)
        asked = {**header, "lengths": lengths, "secret": ""}
        since = asyncio.get_running_loop().time()
        for name, conclusions in reply.header["conclusions"].items():
            self.memory.keep(name, Issue(asked, whole, tuple(conclusions), since))
        return Message(reply.header, cards)


def _key(body: bytes, job: str) -> str:
    """Return by what the pool knows a question again that took long."""
    return hashlib.sha256(job.encode() + b"\n" + body).hexdigest()
