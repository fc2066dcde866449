"""Make dataclasses that the type checker holds frozen.

A dataclass that refuses assignment at run time makes its objects by one call per field, five times as slow as one that
does not; what an answered case is made of would cost a fiftieth of the case.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

__all__ = ["frozen"]

_Class = TypeVar("_Class")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(*, slots: bool = True) -> Callable[[type[_Class]], type[_Class]]:
    """Make a class a dataclass whose fields are assigned once only, which type checking sees to; without `slots` it may cache properties."""
    return dataclass(slots=slots, unsafe_hash=True)
