"""Start a process that answers cohorts without what it has no use for."""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder

__all__ = ["leave_pandas_out"]


class _Absent(MetaPathFinder):
    """Says that pandas is not installed."""

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:
        """Raise ModuleNotFoundError for pandas, leave all else to other finders."""
        if fullname == "pandas":
            raise ModuleNotFoundError(fullname, name=fullname)


def leave_pandas_out() -> None:
    """Keep PyArrow from importing pandas, which it does at its first conversion of any list where pandas is installed.

    For processes of our own: `to_pandas` still finds it, but PyArrow no longer takes its objects for what they are.
    """
    absent = _Absent()
    sys.meta_path.insert(0, absent)
    try:
        import pyarrow

        pyarrow.array([""])  # it looks for pandas once
    except ImportError:
        pass  # without PyArrow there is no cohort, as whoever needs it will say
    finally:
        sys.meta_path.remove(absent)
