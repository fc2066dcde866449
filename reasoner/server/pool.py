"""Keep workers at hand, give each question to one, and kill the worker whose question takes too long.

Workers stand in two lanes. A question is asked in the quick lane; one that has used a moment of processor time takes its worker, at
a lower priority, into the slow lane, and a fresh worker takes the place. A text that was slow once goes to the slow lane at once,
where few may wait. So those who ask little do not wait for those who ask much.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Coroutine

from reasoner.errors import IncompleteError
from reasoner.server.lane import Lane
from reasoner.server.process import Source, Worker, WorkerLostError, start_worker
from reasoner.server.settings import Limits
from reasoner.server.wire import Message, pack

__all__ = ["OverloadedError", "Pool"]

_REMEMBERED = 1000
_TICK = 0.025
_PAUSE = 1.0


class OverloadedError(IncompleteError):
    """There are more questions than can be answered now."""


class Pool:
    """The workers over one source."""

    def __init__(self, source: Source, limits: Limits) -> None:
        self._source = source
        self._limits = limits
        self._quick = Lane()
        self._slow = Lane()
        self._all: set[Worker] = set()
        self._unburied: set[Worker] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._known_slow: OrderedDict[str, None] = OrderedDict()
        self._slow_starting = 0
        self._closed = False

    async def start(self) -> None:
        """Bring up the quick lane; raise WorkerLostError when a worker does not come up."""
        workers = [self._started() for _ in range(self._limits.workers)]
        for worker in await asyncio.gather(*workers):
            self._quick.put(worker)
        self._keep(self._watch())

    async def close(self) -> None:
        """End all workers and wait until they are gone."""
        self._closed = True
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        workers = tuple(self._unburied)
        for worker in workers:
            worker.kill("the server is stopping")
        await asyncio.gather(*(worker.wait() for worker in workers))

    @property
    def processes(self) -> tuple[int, ...]:
        """Return the process ids of the workers."""
        return tuple(worker.pid for worker in self._all)

    async def ask(self, key: str, frame: bytes) -> Message:
        """Return the reply to a question; `key` is its text. Raise OverloadedError or WorkerLostError."""
        worker = await (self._slow_worker() if key in self._known_slow else self._quick_worker())
        try:
            if worker.source != self._source:
                worker.source = self._source
                await worker.ask("", pack({"open": self._source.folder}))
            reply = await worker.ask(key, frame)
            if worker.slow and asyncio.get_running_loop().time() - worker.began < self._limits.quick:
                self._known_slow.pop(key, None)
            return reply
        finally:
            (self._slow if worker.slow else self._quick).put(worker)

    def turn_to(self, source: Source) -> frozenset[str]:
        """Answer from another source from now on; return the folders that are still open."""
        self._source = source
        return frozenset({source.folder, *(worker.source.folder for worker in self._all)})

    # --- lanes

    async def _quick_worker(self) -> Worker:
        if self._quick.waiting >= self._limits.waiting:
            raise _overloaded("too many queries wait")
        return await self._quick.get()

    async def _slow_worker(self) -> Worker:
        if self._slow.waiting >= self._limits.slow_waiting:
            raise _overloaded("too many long queries wait")
        if worker := self._slow.take():
            return worker
        if self._slow_count() < self._limits.slow_workers:
            self._spawn(slow=True)
        try:
            async with asyncio.timeout(self._limits.deadline):
                return await self._slow.get()
        except TimeoutError as error:
            raise _overloaded("too many long queries run") from error

    def _slow_count(self) -> int:
        return self._slow_starting + sum(worker.slow for worker in self._all)

    async def _watch(self) -> None:
        """Look after the questions under way for as long as the server lives."""
        clock = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(_TICK)
            for worker in tuple(self._all):
                taken = clock() - worker.began
                if not worker.busy or not worker.key or taken < _TICK:
                    continue
                if taken >= self._limits.deadline:
                    self._remember(worker.key)
                    worker.kill(f"it took longer than {self._limits.deadline:g} s")
                elif not worker.slow and worker.processor_time() >= self._limits.quick:
                    self._demote(worker)

    def _demote(self, worker: Worker) -> None:
        """Take a worker out of the quick lane; end it when the slow lane is full."""
        self._remember(worker.key)
        if self._slow_count() >= self._limits.slow_workers and not self._dismiss():
            worker.kill("too many long queries run")
        else:
            worker.step_back()
            self._spawn(slow=False)

    def _remember(self, key: str) -> None:
        self._known_slow[key] = None
        if len(self._known_slow) > _REMEMBERED:
            self._known_slow.popitem(last=False)

    def _dismiss(self) -> bool:
        """End a worker that idles in the slow lane, so that another can take its place."""
        idle = self._slow.take()
        if idle is None:
            return False
        self._all.discard(idle)
        idle.kill("it is not needed")
        return True

    # --- coming and going

    def _gone(self, worker: Worker) -> None:
        """Put a fresh worker in the place of one that has ended."""
        worker.kill("it hung up")
        self._keep(self._bury(worker))
        if worker in self._all:
            self._all.discard(worker)
            if not worker.slow or self._slow.waiting:
                self._spawn(slow=worker.slow)

    async def _bury(self, worker: Worker) -> None:
        await worker.wait()
        self._unburied.discard(worker)

    def _spawn(self, *, slow: bool) -> None:
        if not self._closed:
            self._slow_starting += slow
            self._keep(self._join(slow=slow))

    def _keep(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _join(self, *, slow: bool) -> None:
        """Start a worker, as often as it takes, and put it into its lane when it is ready."""
        try:
            while True:
                try:
                    worker = await self._started()
                    break
                except (OSError, TimeoutError, WorkerLostError):
                    await asyncio.sleep(_PAUSE)
            if slow:
                worker.step_back()
            (self._slow if slow else self._quick).put(worker)
        finally:
            self._slow_starting -= slow

    async def _started(self) -> Worker:
        worker, _ = await start_worker(self._source, self._limits, self._unburied.add, self._gone)
        self._all.add(worker)
        return worker


def _overloaded(why: str) -> OverloadedError:
    return OverloadedError("The server is busy", why=why, repair="ask again in a moment")
