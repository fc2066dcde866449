"""Spread work over processes that end with their parent, and take the results in any order.

Each process is begun afresh, not forked: what forks while a library or a Java machine runs threads may never wake.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

__all__ = ["apply"]

_Work = TypeVar("_Work")
_Result = TypeVar("_Result")
_WATCH = 0.5
_task: Callable[[Any], Any]


def apply(task: Callable[[_Work], _Result], works: Sequence[_Work], jobs: int) -> Iterator[tuple[_Work, _Result]]:
    """Yield each piece of work with its result, in the order of completion; `task` must be what `pickle` takes.

    With two jobs or more a program's main module is imported by each process, so it must hold its work under
    `if __name__ == "__main__":`.
    """
    if jobs < 2 or len(works) < 2:
        yield from ((work, task(work)) for work in works)
        return
    context = multiprocessing.get_context("spawn")
    with context.Pool(min(jobs, len(works)), _begin, (task, os.getpid())) as pool:
        for place, result in pool.imap_unordered(_run, enumerate(works)):
            yield works[place], result


def _begin(task: Callable[[Any], Any], parent: int) -> None:
    """Keep the task for this process, and end with the parent, were it killed."""
    global _task
    _task = task
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_WATCH)
    os._exit(1)


def _run(numbered: tuple[int, Any]) -> tuple[int, Any]:
    place, work = numbered
    return place, _task(work)
