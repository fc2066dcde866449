"""Keep a store on disk: one process writes to it, and readers turn to a fresh view after each change.

A folder that is kept holds `db`, which is the store, and `views`, which are made anew. Changes come one after another; one that takes
too long is stopped with its process, and what it had begun is not there.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from reasoner import errors
from reasoner.errors import IncompleteError, InputError, LegcrampsError
from reasoner.server.process import Source, Worker, WorkerLostError, start_worker
from reasoner.server.settings import Limits
from reasoner.server.wire import Message, pack

__all__ = ["Keeper"]


class Keeper:
    """The store in a folder; `turn_to` is told of each new view and returns the folders that are still read."""

    def __init__(self, folder: Path, limits: Limits, turn_to: Callable[[Source], frozenset[str]]) -> None:
        self._folder = folder
        self._limits = limits
        self._turn_to = turn_to
        self._one = asyncio.Lock()
        self._writer: Worker | None = None
        self._view = 0

    async def start(self) -> None:
        """Open the store; raise InputError when another process has it open or it is damaged."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            shutil.rmtree(self._folder / "views", ignore_errors=True)
            (self._folder / "views").mkdir(mode=0o700)
        except OSError as error:
            raise InputError(
                "The store cannot be opened", where=str(self._folder), why=error.strerror or "", repair="name another"
            ) from error
        await self._open()

    async def close(self) -> None:
        """Let a change under way end, then close the store."""
        async with self._one:
            if self._writer is not None:
                self._writer.kill("the server is stopping")
                await self._writer.wait()
        shutil.rmtree(self._folder / "views", ignore_errors=True)

    async def view(self) -> Source:
        """Make a view of the store as it is."""
        await self.do("view", {}, fresh=True)
        return Source(str(self._folder / "views" / str(self._view)))

    async def do(
        self, what: str, header: Mapping[str, object], body: bytes = b"", *, fresh: bool = False, deadline: float = 0.0
    ) -> Message:
        """Do one thing with the store, after those that came before; with `fresh` the readers see it when this returns."""
        async with self._one:
            writer = self._writer if self._writer is not None and not self._writer.lost else await self._reopened()
            path = str(self._folder / "views" / str(self._view + 1)) if fresh else ""
            longest = deadline or self._limits.deadline
            reply = await _asked(writer, pack({**header, "do": what, "view": path, "deadline": longest}, body), longest)
            if path and "error" not in reply.header:
                self._view += 1
                self._prune(self._turn_to(Source(path)))
            elif "error" in reply.header:
                await self._set_right(writer, reply.header, path)
        if "error" in reply.header:
            raise _error(reply.header)
        return reply

    async def _reopened(self) -> Worker:
        """Open the store again for a change; raise IncompleteError while it cannot be, for what is there is still answered from."""
        try:
            return await self._open()
        except InputError as error:
            raise IncompleteError("The store cannot be written", why=error.why or error.what, repair=error.repair) from error

    async def _set_right(self, writer: Worker, header: Mapping[str, object], view: str) -> None:
        """Remove what is there of a view; end a process that could not write, for its store takes no change ever after."""
        if view:
            shutil.rmtree(view, ignore_errors=True)
        if header["error"] == OSError.__name__:
            writer.kill("the store cannot be written")
            await writer.wait()

    async def _open(self) -> Worker:
        source = Source(str(self._folder / "db"), module="reasoner.server.writer")
        try:
            writer, said = await start_worker(source, self._limits, lambda _: None, lambda _: None)
        except (OSError, TimeoutError, WorkerLostError) as error:
            raise InputError("The store cannot be opened", where=str(self._folder), why="its process ended", repair="restore it") from error
        if "failed" in said.header:
            why = str(said.header["failed"])
            locked = "lock" in why.lower()
            raise InputError(
                "The store is open in another process" if locked else "The store cannot be opened",
                where=str(self._folder),
                why="" if locked else "its files are damaged or of another kind, or the disk is full",
                repair="stop that process, or name another store" if locked else "free space, or restore it: legcramps restore",
            )
        self._writer = writer
        return writer

    def _prune(self, used: frozenset[str]) -> None:
        """Remove the views that nobody reads any more."""
        for path in (self._folder / "views").iterdir():
            if str(path) not in used:
                shutil.rmtree(path, ignore_errors=True)


async def _asked(writer: Worker, frame: bytes, deadline: float) -> Message:
    work = asyncio.ensure_future(writer.ask("", frame))
    done, _ = await asyncio.wait({work}, timeout=deadline)
    if not done:
        writer.kill(f"it took longer than {deadline:g} s")
    return await work


def _error(header: Mapping[str, object]) -> LegcrampsError:
    kind = getattr(errors, str(header["error"]), IncompleteError)
    return kind(str(header["what"]), why=str(header["why"]), repair=str(header["repair"]))
