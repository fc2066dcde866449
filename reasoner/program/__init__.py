"""Compile the knowledge once and carry it as one immutable program."""

from __future__ import annotations

from reasoner.program.model import Program
from reasoner.program.store import dump_program, load_program

__all__ = ["Program", "dump_program", "load_program"]
