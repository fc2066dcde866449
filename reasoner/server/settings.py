"""Hold what a server is told: where it listens, whom it answers, and the limits that every answer keeps."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["CALLS", "Limits", "Settings"]

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may cost: seconds, bytes and rows; `workers` answer quick queries, `slow_workers` the long ones.

    A query that has used `quick` seconds of processor time leaves the quick lane; after `deadline` seconds its worker is killed.
    A request must have come whole within `receiving` seconds.
    """

    workers: int = 4
    slow_workers: int = 2
    quick: float = 0.05
    deadline: float = 10.0
    waiting: int = 128
    slow_waiting: int = 8
    rows: int = 100_000
    answer: int = 32 * _MIB
    memory: int = 1024 * _MIB
    request: int = _MIB
    upload: int = 16 * _MIB
    setting_up: float = 3600.0
    receiving: float = 30.0


CALLS = Limits(workers=2, slow_workers=1, quick=1.0, waiting=256)
"""The limits of calls of CDS Hooks and of `/api`."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How a server is set up; `hosts` are the names under which it may be called beside the loopback ones."""

    host: str = "127.0.0.1"
    port: int = 7878
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    store: Path | None = None
    update_token: str = field(default="", repr=False)
    limits: Limits = Limits()
