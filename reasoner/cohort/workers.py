"""Spread work over processes that end with their parent, and take the results in any order.

Each process is begun afresh, not forked: what forks while a library or a Java machine runs threads may never wake.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar

__all__ = ["apply"]

_Work = TypeVar("_Work")
_Result = TypeVar("_Result")
_WATCH = 0.5
_take_one: Callable[[], tuple[int, Any] | None]


def apply(task: Callable[[_Work], _Result], works: Sequence[_Work], jobs: int) -> Iterator[tuple[_Work, _Result]]:
    """Yield each piece of work with its result, in the order of completion; `task` must be what `pickle` takes.

    One of the jobs is this process. With two jobs or more a program's main module is imported by each other process, so it
    must hold its work under `if __name__ == "__main__":`.
    """
    if jobs < 2 or len(works) < 2:
        yield from ((work, task(work)) for work in works)
        return
    context = multiprocessing.get_context("spawn")
    begun = context.Value("q", 0)
    with context.Pool(min(jobs, len(works)) - 1, _begin, (task, works, begun, os.getpid())) as pool:
        others = pool.imap_unordered(_take, range(len(works)))
        while (place := _next(begun)) < len(works):
            yield works[place], task(works[place])
            yield from _ready(others, works)
        for found in others:
            if found is not None:
                yield works[found[0]], found[1]


def _next(begun: Any) -> int:
    """Return the place of the first piece of work that no process has begun."""
    with begun.get_lock():
        begun.value += 1
        return int(begun.value) - 1


def _ready(results: Any, works: Sequence[_Work]) -> Iterator[tuple[_Work, Any]]:
    """Yield the results that are there."""
    try:
        while (found := results.next(timeout=0)) is not None:
            yield works[found[0]], found[1]
    except (multiprocessing.TimeoutError, StopIteration):
        return


def _begin(task: Callable[[Any], Any], works: Sequence[Any], begun: Any, parent: int) -> None:
    """Keep the task for this process, and end with the parent, were it killed."""
    global _take_one
    _take_one = partial(_done, task, works, begun)
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_WATCH)
    os._exit(1)


def _take(_: int) -> tuple[int, Any] | None:
    """Do a piece of work that no process has begun; return its place and its result, or nothing where there is none."""
    return _take_one()


def _done(task: Callable[[Any], Any], works: Sequence[Any], begun: Any) -> tuple[int, Any] | None:
    place = _next(begun)
    return (place, task(works[place])) if place < len(works) else None
