"""Let workers be had in the order in which they are asked for.

A queue of asyncio wakes who waits longest, but lets whoever asks before that one has run take what was put in, and sends the other
to the end: under load some wait twice as long as the rest. Here a worker is handed over.
"""

from __future__ import annotations

import asyncio
from collections import deque

from reasoner.server.process import Worker

__all__ = ["Lane"]


class Lane:
    """Workers that idle, and those who wait for one; never both."""

    def __init__(self) -> None:
        self._idle: list[Worker] = []
        self._waiting: deque[asyncio.Future[Worker]] = deque()

    @property
    def waiting(self) -> int:
        """Return how many wait."""
        return len(self._waiting)

    def put(self, worker: Worker) -> None:
        """Give a worker to who waits longest, or let it idle; one that has ended meanwhile is forgotten."""
        if worker.lost:
            return
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():  # one who went away may not have been told yet
                waiting.set_result(worker)
                return
        self._idle.append(worker)

    def take(self) -> Worker | None:
        """Return the worker that idles for the shortest time, whose caches are warm, or None."""
        while self._idle:
            worker = self._idle.pop()
            if not worker.lost:
                return worker
        return None

    async def get(self) -> Worker:
        """Return a worker, once those who waited before have theirs."""
        while True:
            worker = self.take() or await self._next()
            if not worker.lost:
                return worker

    async def _next(self) -> Worker:
        waiting: asyncio.Future[Worker] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        try:
            return await waiting
        except asyncio.CancelledError:
            if waiting in self._waiting:
                self._waiting.remove(waiting)
            elif not waiting.cancelled():  # handed over as the one who waited went away
                self.put(waiting.result())
            raise
