"""Time tasks side by side: in turns, so that noise falls on all of them, and processes with their memory."""

from __future__ import annotations

import gc
import os
import resource
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

__all__ = ["Measurement", "Ratio", "alternating", "in_turns", "merged", "process", "quotient"]

_SAMPLE = 0.1
_UNKEPT = "PYTHONDONTWRITEBYTECODE"
_LONGEST = 1800


@dataclass(frozen=True, slots=True)
class Measurement:
    """How long a task took; `cases` is how many cases it had.

    `memory_mib` is the sum of the peaks of its processes and `processor` the median of their processor time in seconds, where it was a process.
    """

    group: str
    task: str
    cases: int
    seconds: tuple[float, ...]
    memory_mib: float | None = None
    note: str = ""
    processor: float | None = None

    @property
    def median(self) -> float:
        """Return the median of the runs."""
        return median(self.seconds)

    @property
    def per_case(self) -> float:
        """Return the median time of one case."""
        return self.median / max(self.cases, 1)


@dataclass(frozen=True, slots=True)
class Ratio:
    """A quotient with what the project asks of it; `wanted` is the bound, `above` says that it is a lower one."""

    what: str
    value: float
    wanted: float | None = None
    aim: float | None = None
    above: bool = False

    @property
    def met(self) -> str:
        """Return whether the bound is kept."""
        if self.wanted is None:
            return ""
        kept = [self.value >= bound if self.above else self.value <= bound for bound in (self.wanted, self.aim) if bound is not None]
        return ("no", "yes", "yes, and the aim")[sum(kept)]


def in_turns(group: str, tasks: Mapping[str, Callable[[], object]], rounds: int, *, cases: int = 1) -> list[Measurement]:
    """Run the tasks one after another, `rounds` times over, after one round that does not count.

    What is measured is the processor time of the thread: a machine that others use as well interrupts long tasks more often than
    short ones, and its wall clock would then compare interruptions.
    """
    found: dict[str, list[float]] = {name: [] for name in tasks}
    for turn in range(rounds + 1):
        for name, task in tasks.items():
            gc.collect()
            began = time.thread_time()
            task()
            if turn:
                found[name].append(time.thread_time() - began)
    return [Measurement(group, name, cases, tuple(seconds)) for name, seconds in found.items()]


def alternating(group: str, tasks: Mapping[str, Callable[[], object]], rounds: int, calls: int) -> list[Measurement]:
    """Run short tasks in turns, call by call, as in a process that takes one document after another; a figure is the mean of `calls` of them.

    Processor time is measured, as by `in_turns`. The first call of a round does not count: it brings back into the caches what
    the collection of garbage before it swept out of them.
    """
    found: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(rounds):
        gc.collect()
        spent = dict.fromkeys(tasks, 0.0)
        for call in range(calls + 1):
            for name, task in tasks.items():
                began = time.thread_time()
                task()
                if call:
                    spent[name] += time.thread_time() - began
        for name, seconds in spent.items():
            found[name].append(seconds / calls)
    return [Measurement(group, name, 1, tuple(seconds)) for name, seconds in found.items()]


def quotient(first: Measurement, second: Measurement) -> float:
    """Return the median of the quotients turn by turn; of the medians, per case, where the turns do not correspond."""
    if len(first.seconds) == len(second.seconds) and first.cases == second.cases:
        return median(one / other for one, other in zip(first.seconds, second.seconds, strict=True))
    return first.per_case / second.per_case


def process(group: str, task: str, command: Sequence[str], *, cases: int = 1, cwd: Path, watched: bool = True) -> Measurement:
    """Run a process, for half an hour at most, and watch the memory of it and its children; raise RuntimeError with its last words when it fails."""
    began, used = time.perf_counter(), _processor()
    kept = {name: value for name, value in os.environ.items() if name != _UNKEPT}  # a user's interpreter keeps what it compiled
    with subprocess.Popen(command, cwd=cwd, env=kept, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as child:
        peak = _Peak(child.pid)
        if watched:
            peak.start()
        try:
            _, words = child.communicate(timeout=_LONGEST)
        except subprocess.TimeoutExpired:
            child.kill()
            raise
        finally:
            peak.stop()
    took, used = time.perf_counter() - began, _processor() - used
    if child.returncode not in (0, 1):
        raise RuntimeError(f"{task}: exit {child.returncode}: {words[-500:]}")
    return Measurement(group, task, cases, (took,), round(peak.mib, 1) if watched else None, processor=used)


def merged(runs: Sequence[Measurement]) -> Measurement:
    """Return several runs of one task as one measurement."""
    first = runs[0]
    memory = max((each.memory_mib for each in runs if each.memory_mib is not None), default=None)
    used = median(each.processor for each in runs if each.processor is not None) if first.processor is not None else None
    return replace(first, seconds=tuple(second for each in runs for second in each.seconds), memory_mib=memory, processor=used)


def _processor() -> float:
    """Return the processor time of all processes that were started here and have ended, their own children included."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


class _Peak(threading.Thread):
    """Samples the peaks that the system keeps of a process and its children; their sum is an upper bound, but for processes that end between samples."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid, self._ended, self.mib = pid, threading.Event(), 0.0

    def run(self) -> None:
        """Sample until stopped."""
        while not self._ended.is_set():
            self.mib = max(self.mib, _peaks(self._pid))
            self._ended.wait(_SAMPLE)

    def stop(self) -> None:
        """Take no more samples."""
        self._ended.set()
        if self.is_alive():
            self.join()


def _peaks(pid: int) -> float:
    """Return the sum of the peaks of a process and its children in MiB; to ask for what they share would take a tenth of two busy cores."""
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
        own = next(int(line.split()[1]) for line in text.splitlines() if line.startswith("VmHWM:")) / 1024
        children = [
            int(child)
            for thread in Path(f"/proc/{pid}/task").iterdir()
            for child in (thread / "children").read_text(encoding="utf-8").split()
        ]
    except (OSError, StopIteration):
        return 0.0
    return own + sum(map(_peaks, children))
