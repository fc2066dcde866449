"""Start a worker process, ask it one question at a time over a socket, and kill it when it must stop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from reasoner.errors import IncompleteError
from reasoner.server.settings import Limits
from reasoner.server.wire import HEAD, Message, pack, unpack

__all__ = ["Source", "Worker", "WorkerLostError", "start_worker"]

_PRIORITY = 10
_START = 60.0
_TICKS = os.sysconf("SC_CLK_TCK")
Listener = Callable[["Worker"], None]


class WorkerLostError(IncompleteError):
    """The worker of a question ended before it answered."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a worker finds what it works on: a folder that nobody writes to, or an open file of quads; `module` is what it runs."""

    folder: str = ""
    descriptor: int = -1
    module: str = "reasoner.server.worker"


class Worker(asyncio.Protocol):
    """A process with the source that it has open, and the server's end of the socket to it."""

    def __init__(self, gone: Callable[[Worker], None]) -> None:
        self.slow = False
        self.source = Source()
        self.lost = False
        self.key = ""
        self.began = 0.0
        self._gone = gone
        self._reason = ""
        self._reply: asyncio.Future[Message] | None = None
        self._seen = -1.0
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._process: asyncio.subprocess.Process | None = None

    # --- the socket

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to the process."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Gather a reply."""
        self._buffer += data
        if len(self._buffer) < HEAD.size:
            return
        head, body = HEAD.unpack_from(self._buffer)
        if len(self._buffer) < HEAD.size + head + body:
            return
        whole, middle = bytes(self._buffer), HEAD.size + head
        self._buffer.clear()
        if self._reply is not None and not self._reply.done():
            self._reply.set_result(unpack(whole[HEAD.size : middle], whole[middle:]))

    def connection_lost(self, error: Exception | None) -> None:
        """Tell who waits that nothing will come."""
        self.lost = True
        if self._reply is not None and not self._reply.done():
            why = self._reason or "its worker ended, perhaps for lack of memory"
            self._reply.set_exception(WorkerLostError("The query was stopped", why=why, repair="narrow the query"))
        self._gone(self)

    async def ask(self, key: str, frame: bytes) -> Message:
        """Send a question and return the reply; raise WorkerLostError when the process ends. A question nobody waits for is stopped."""
        loop = asyncio.get_running_loop()
        self.key, self.began, self._seen = key, loop.time(), -1.0
        self._reply = loop.create_future()
        if self._transport is None or self.lost:
            raise WorkerLostError("The query was stopped", why="its worker ended", repair="ask again")
        self._transport.write(frame)
        try:
            return await self._reply
        except asyncio.CancelledError:
            self.kill("the client went away")
            raise

    # --- the process

    @property
    def pid(self) -> int:
        """Return the id of the process, 0 before it is there."""
        return self._process.pid if self._process else 0

    @property
    def busy(self) -> bool:
        """Return whether a question is under way."""
        return self._reply is not None and not self._reply.done()

    def own(self, process: asyncio.subprocess.Process) -> None:
        """Take over a process."""
        self._process = process

    def processor_time(self) -> float:
        """Return how many seconds of processor time the question has taken since this was first asked about it."""
        try:
            fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            now = (int(fields[11]) + int(fields[12])) / _TICKS
        except (OSError, IndexError, ValueError):  # no Linux: let the clock on the wall decide
            return asyncio.get_running_loop().time() - self.began
        if self._seen < 0:
            self._seen = now
        return now - self._seen

    def step_back(self) -> None:
        """Let everything else run first, from now on."""
        self.slow = True
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, self.pid, _PRIORITY)

    def kill(self, reason: str) -> None:
        """End the process; who waits for its reply is told the reason."""
        self._reason = self._reason or reason
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def wait(self) -> None:
        """Wait until the process is gone."""
        if self._process is not None:
            await self._process.wait()


async def start_worker(source: Source, limits: Limits, born: Listener, gone: Listener) -> tuple[Worker, Message]:
    """Start a process over a source and return it with its first words.

    `born` is told as soon as the process runs, `gone` when it hangs up. Raise WorkerLostError when it ends at once.
    """
    ours, theirs = socket.socketpair()
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", source.module, str(theirs.fileno())),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,  # what a native library says as it dies may hold what it was asked
            pass_fds=[theirs.fileno(), *([source.descriptor] if source.descriptor >= 0 else [])],
            start_new_session=True,
        )
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    _, worker = await asyncio.get_running_loop().create_connection(lambda: Worker(gone), sock=ours)
    worker.own(process)
    born(worker)
    worker.source = source
    told = {"folder": source.folder, "descriptor": source.descriptor, "memory": limits.memory, "deadline": limits.deadline}
    async with asyncio.timeout(_START):
        return worker, await worker.ask("", pack(told))
