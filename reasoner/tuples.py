"""Make named tuples without the call of a Python function that their own constructors are: one case makes a hundred of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

__all__ = ["maker"]

_Row = TypeVar("_Row", bound=tuple[Any, ...])


def maker(kind: type[_Row]) -> Callable[[tuple[Any, ...]], _Row]:
    """Return what makes a named tuple of all its fields, given as a tuple in their order."""
    return partial(tuple.__new__, kind)
