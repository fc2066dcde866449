"""Keep workers at hand, give each question to one, and kill the worker whose question takes too long.

Workers stand in two lanes. A question is asked in the quick lane; one that has not been answered after a moment takes its
worker, at a lower priority, into the slow lane, and a fresh worker takes the place. A text that was slow once goes to the slow
lane at once, where few may wait. So those who ask little do not wait for those who ask much.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from reasoner.errors import IncompleteError
from reasoner.server.settings import Limits
from reasoner.server.wire import HEAD, Message, pack, unpack

__all__ = ["Overloaded", "Pool", "Source", "WorkerLost"]

_SLOW = 10
_REMEMBERED = 1000
_START = 60.0


class Overloaded(IncompleteError):
    """There are more questions than can be answered now."""


class WorkerLost(IncompleteError):
    """The worker of a question ended before it answered."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a worker finds its store: a folder that nobody writes to, or an open file of quads."""

    folder: str = ""
    descriptor: int = -1


class _Link(asyncio.Protocol):
    """The server's end of the socket to a worker; one question is under way at a time."""

    def __init__(self) -> None:
        self.reply: asyncio.Future[Message] | None = None
        self.reason = ""
        self.lost = False
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to the worker."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Gather a reply."""
        self._buffer += data
        if len(self._buffer) < HEAD.size:
            return
        head, body = HEAD.unpack_from(self._buffer)
        if len(self._buffer) < HEAD.size + head + body:
            return
        view = bytes(self._buffer)
        self._buffer.clear()
        middle = HEAD.size + head
        if self.reply is not None and not self.reply.done():
            self.reply.set_result(unpack(view[HEAD.size : middle], view[middle:]))

    def connection_lost(self, error: Exception | None) -> None:
        """Tell who waits that nothing will come."""
        self.lost = True
        if self.reply is not None and not self.reply.done():
            self.reply.set_exception(WorkerLost("The query was stopped", why=self.reason or "its worker ended", repair="narrow the query"))

    def ask(self, frame: bytes) -> asyncio.Future[Message]:
        """Send a question and return where the reply will be."""
        self.reply = asyncio.get_running_loop().create_future()
        if self.lost or self._transport is None:
            self.connection_lost(None)
        else:
            self._transport.write(frame)
        return self.reply

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()


class _Worker:
    """A process with the link to it, and the lane it stands in."""

    def __init__(self, process: asyncio.subprocess.Process, link: _Link) -> None:
        self.process = process
        self.link = link
        self.slow = False

    def kill(self, reason: str) -> None:
        """End the process; who waits for its reply is told the reason."""
        self.link.reason = reason
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()

    def step_back(self) -> None:
        """Let everything else run first, from now on."""
        self.slow = True
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, self.process.pid, _SLOW)


class Pool:
    """The workers over one source."""

    def __init__(self, source: Source, limits: Limits) -> None:
        self._source = source
        self._limits = limits
        self._quick: asyncio.Queue[_Worker] = asyncio.Queue()
        self._slow: asyncio.Queue[_Worker] = asyncio.Queue()
        self._all: set[_Worker] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._known_slow: OrderedDict[str, None] = OrderedDict()
        self._waiting = 0
        self._slow_waiting = 0
        self._closed = False

    async def start(self) -> None:
        """Bring up the quick lane; raise WorkerLost when a worker does not come up."""
        await asyncio.gather(*(self._join(slow=False) for _ in range(self._limits.workers)))

    async def close(self) -> None:
        """End all workers and wait until they are gone."""
        self._closed = True
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        gone = tuple(self._all)
        for worker in gone:
            worker.kill("the server is stopping")
        await asyncio.gather(*(worker.process.wait() for worker in gone))

    @property
    def processes(self) -> tuple[int, ...]:
        """Return the process ids of the workers."""
        return tuple(worker.process.pid for worker in self._all)

    async def ask(self, key: str, frame: bytes) -> Message:
        """Return the reply to a question; `key` is its text. Raise Overloaded or WorkerLost."""
        if key in self._known_slow:
            return await self._ask_slowly(key, frame)
        if self._waiting >= self._limits.waiting:
            raise _overloaded("too many queries wait")
        self._waiting += 1
        try:
            worker = await self._quick.get()
        finally:
            self._waiting -= 1
        timer = asyncio.get_running_loop().call_later(self._limits.quick, self._overdue, worker, key)
        try:
            return await worker.link.ask(frame)
        except asyncio.CancelledError:
            worker.kill("the client went away")
            raise
        finally:
            timer.cancel()
            self._return(worker)

    async def _ask_slowly(self, key: str, frame: bytes) -> Message:
        if self._slow_waiting >= self._limits.slow_waiting:
            raise _overloaded("too many long queries wait")
        self._slow_waiting += 1
        try:
            if self._slow.empty() and self._slow_count() < self._limits.slow_workers:
                self._spawn(slow=True)
            worker = await self._slow.get()
        finally:
            self._slow_waiting -= 1
        loop = asyncio.get_running_loop()
        timer = loop.call_later(self._limits.deadline, worker.kill, self._late())
        begun = loop.time()
        try:
            reply = await worker.link.ask(frame)
            if loop.time() - begun < self._limits.quick:
                self._known_slow.pop(key, None)
            return reply
        except asyncio.CancelledError:
            worker.kill("the client went away")
            raise
        finally:
            timer.cancel()
            self._return(worker)

    def _late(self) -> str:
        return f"it took longer than {self._limits.deadline:g} s"

    def _overdue(self, worker: _Worker, key: str) -> None:
        """Take a worker out of the quick lane, and end it when the slow lane is full."""
        self._known_slow[key] = None
        if len(self._known_slow) > _REMEMBERED:
            self._known_slow.popitem(last=False)
        if self._slow_count() >= self._limits.slow_workers and not self._dismiss():
            worker.kill("too many long queries run")
            return
        worker.step_back()
        self._spawn(slow=False)
        asyncio.get_running_loop().call_later(self._limits.deadline - self._limits.quick, self._expire, worker, worker.link.reply)

    def _expire(self, worker: _Worker, reply: object) -> None:
        if worker.link.reply is reply and worker.link.reply is not None and not worker.link.reply.done():
            worker.kill(self._late())

    def _dismiss(self) -> bool:
        """End a worker that idles in the slow lane, so that another can take its place."""
        if self._slow.empty():
            return False
        idle = self._slow.get_nowait()
        self._all.discard(idle)
        idle.kill("not needed")
        return True

    def _slow_count(self) -> int:
        return sum(worker.slow for worker in self._all)

    def _return(self, worker: _Worker) -> None:
        """Put a worker back into its lane, or a fresh one in the place of one that is gone."""
        if worker.link.lost or worker.link.reason:
            self._all.discard(worker)
            if not worker.slow or self._slow_waiting:
                self._spawn(slow=worker.slow)
        else:
            (self._slow if worker.slow else self._quick).put_nowait(worker)

    def _spawn(self, *, slow: bool) -> None:
        if not self._closed:
            task = asyncio.get_running_loop().create_task(self._join(slow=slow))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _join(self, *, slow: bool) -> None:
        """Start a worker and put it into a lane when it is ready."""
        worker = await _start(self._source, self._limits, self._all.add)
        if slow:
            worker.step_back()
        (self._slow if slow else self._quick).put_nowait(worker)


def _overloaded(why: str) -> Overloaded:
    return Overloaded("The server is busy", why=why, repair="ask again in a moment")


async def _start(source: Source, limits: Limits, started: Callable[[_Worker], None]) -> _Worker:
    ours, theirs = socket.socketpair()
    passed = [theirs.fileno(), *([source.descriptor] if source.descriptor >= 0 else [])]
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "reasoner.server.worker", str(theirs.fileno())),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            pass_fds=passed,
            start_new_session=True,
        )
    finally:
        theirs.close()
    _, link = await asyncio.get_running_loop().create_connection(_Link, sock=ours)
    worker = _Worker(process, cast(Any, link))
    started(worker)
    told = {"folder": source.folder, "descriptor": source.descriptor, "memory": limits.memory, "deadline": limits.deadline}
    await asyncio.wait_for(worker.link.ask(pack(told)), _START)
    return worker
