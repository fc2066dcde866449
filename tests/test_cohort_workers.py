"""A crew does each piece of work once, tells errors of any of its processes, and notices when one of them is ended."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from reasoner.cohort import begin_crew
from reasoner.cohort.workers import Crew
from reasoner.errors import IncompleteError, InputError

HERE = os.getpid()


def nothing() -> None:
    """Be ready at once."""


def elsewhere(parent: int, number: int) -> tuple[int, bool]:
    """Work fast in another process and slowly in this one, so that the other has something left to do however late it starts."""
    apart = os.getpid() != parent
    time.sleep(0.01 if apart else 0.1)
    return number * number, apart


def unreadable(parent: int, number: int) -> int:
    if os.getpid() != parent:
        raise InputError("It cannot be read", where=str(number))
    time.sleep(0.1)
    return number


def ended(parent: int, number: int) -> int:
    if os.getpid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.1)
    return number


@pytest.mark.parametrize("count", [0, 1, 2])
def test_each_piece_of_work_is_done_once(count: int) -> None:
    with Crew(count, nothing) as crew:
        assert len(crew) == count
        works = range(200 if count else 10)
        found = dict(crew.apply(partial(elsewhere, HERE), works))
    assert {work: square for work, (square, _) in found.items()} == {work: work * work for work in works}
    assert any(apart for _, apart in found.values()) == (count > 0)
    assert not all(apart for _, apart in found.values())


@pytest.mark.parametrize("works", [[], [7]])
def test_others_are_left_alone_where_there_is_no_work_for_them(works: list[int]) -> None:
    with Crew(1, nothing) as crew:
        assert [work for work, _ in crew.apply(partial(ended, HERE), works)] == works


@pytest.mark.parametrize(("task", "error"), [(unreadable, InputError), (ended, IncompleteError)])
def test_what_goes_wrong_elsewhere_is_raised_here(task: Callable[[int, int], int], error: type[Exception]) -> None:
    with pytest.raises(error), Crew(1, nothing) as crew:
        list(crew.apply(partial(task, HERE), range(100)))


def test_a_crew_is_begun_for_what_may_be_shared(tmp_path: Path) -> None:
    small, large = tmp_path / "small.nt", tmp_path / "large.nt"
    small.write_bytes(b"\n")
    with large.open("wb") as file:
        file.truncate(9 << 20)
    for paths, jobs, wanted in (
        ([small], 2, 0),
        ([large], 2, 1),
        ([small, large], 3, 2),
        ([tmp_path], 2, 1),
        ([large], 1, 0),
        (["-"], 2, 0),
    ):
        with begin_crew(map(str, paths), jobs) as crew:
            assert len(crew) == wanted
