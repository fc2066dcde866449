"""Spread work over processes that end with their parent, and take the results in any order.

Each process is begun afresh, not forked: what forks while a library or a Java machine runs threads may never wake. So a program's main module
is imported by each of them, and it must hold its work under `if __name__ == "__main__":`.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from typing import Any, Self, TypeVar

from reasoner.errors import IncompleteError

__all__ = ["Crew"]

_Work = TypeVar("_Work")
_Result = TypeVar("_Result")
_WATCH = 0.5


class Crew:
    """Other processes that take part in one task. They are begun at once, while this one may still have to find out what the task is.

    The crew is dismissed at the end of a `with`, whatever it is doing.
    """

    def __init__(self, count: int, ready: Callable[[], None]) -> None:
        """Begin processes, each of which calls `ready` before it waits for the task."""
        context = multiprocessing.get_context("spawn")
        self._begun = context.Value("q", 0) if count > 0 else None
        self._lines: list[Connection] = []
        self._processes = []
        for _ in range(count):
            own, other = context.Pipe()
            process = context.Process(target=_serve, args=(other, self._begun, os.getpid(), ready), daemon=True)
            process.start()
            other.close()
            self._lines.append(own)
            self._processes.append(process)

    def __len__(self) -> int:
        """Return the number of processes."""
        return len(self._processes)

    def __enter__(self) -> Self:
        """Return the crew."""
        return self

    def __exit__(self, *_: object) -> None:
        """Dismiss the processes."""
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.join()

    def apply(self, task: Callable[[_Work], _Result], works: Sequence[_Work]) -> Iterator[tuple[_Work, _Result]]:
        """Yield each piece of work with its result, in the order of completion; `task` must be what `pickle` takes.

        This process works, too. Raise what the task raises in whichever process, IncompleteError when one of the crew is ended.
        """
        lines = self._lines[: max(len(works) - 1, 0)]
        if self._begun is None or not lines:
            yield from ((work, task(work)) for work in works)
            return
        taking_part = len(lines)
        for line in lines:
            line.send((task, works))
        while (place := _next(self._begun)) < len(works):
            yield works[place], task(works[place])
            yield from _told([line for line in lines if line.poll()], lines, works)
        while lines:
            yield from _told(wait(lines), lines, works)
        del self._processes[:taking_part]  # they do nothing more, and end while this one goes on


def _told(speaking: Sequence[Any], lines: list[Connection], works: Sequence[_Work]) -> Iterator[tuple[_Work, Any]]:
    """Yield the next result of some processes; one that tells of none is done, and its line is taken off."""
    for line in speaking:
        try:
            place, result = line.recv()
        except EOFError as error:
            raise IncompleteError(
                "A process of the run was ended",
                why="something outside ended it, such as a system that ran out of memory, or an input that was cut short while it was read",
                repair="repeat the same command, which goes on where it stopped; fewer --jobs need less memory",
            ) from error
        if place is not None:
            yield works[place], result
        elif result is None:
            lines.remove(line)
        else:
            raise result


def _next(begun: Any) -> int:
    """Return the place of the first piece of work that no process has begun."""
    with begun.get_lock():
        begun.value += 1
        return int(begun.value) - 1


# --- in the other processes --------------------------------------------------------------------------------------------


def _serve(line: Connection, begun: Any, parent: int, ready: Callable[[], None]) -> None:
    """Take the task and do work that no process has begun, while there is any; tell each result with its place, then nothing or an error."""
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    try:
        ready()
        task, works = line.recv()
        while (place := _next(begun)) < len(works):
            line.send((place, task(works[place])))
        line.send((None, None))
    except EOFError:  # there is no task
        return
    except Exception as error:
        line.send((None, error))


def _watch(parent: int) -> None:
    """End with the parent, were it killed."""
    while os.getppid() == parent:
        time.sleep(_WATCH)
    os._exit(1)
