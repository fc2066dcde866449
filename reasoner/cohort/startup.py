"""Prepare a process of our own that answers cohorts."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from importlib.abc import MetaPathFinder

__all__ = ["prepare", "ready"]

_SELDOM = 1_000_000


class _Absent(MetaPathFinder):
    """Says that pandas is not installed."""

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:
        """Raise ModuleNotFoundError for pandas, leave all else to other finders."""
        if fullname == "pandas":
            raise ModuleNotFoundError(fullname, name=fullname)


def prepare() -> None:
    """Let PyArrow take memory from the system, which serves chunk after chunk faster than its own allocator does, and keep it from pandas.

    Cycles of objects, of which cohorts make few, are looked for seldom, and not at the end of the process. PyArrow imports pandas at its first conversion of any list where
    pandas is installed. After this, `to_pandas` still finds it, but PyArrow no longer takes its objects for what they are.
    """
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")  # workers inherit it
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # nothing is asked of the threads that NumPy would begin
    gc.set_threshold(_SELDOM)
    atexit.register(gc.freeze)
    absent = _Absent()
    sys.meta_path.insert(0, absent)
    try:
        import pyarrow

        pyarrow.array([""])  # it looks for pandas once
    except ImportError:
        pass  # without PyArrow there is no cohort, as whoever needs it will say
    finally:
        sys.meta_path.remove(absent)


def ready() -> None:
    """Prepare a process that will answer chunks, and import what it needs for that."""
    prepare()
    import reasoner.cohort.run  # noqa: F401
