"""Say what the installation has and lacks."""

from __future__ import annotations

import argparse
import sys

__all__ = ["add_arguments"]


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """Add the arguments of `doctor`."""
    verb.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from reasoner.authoring.doctor import examine, render_lines

    lines = examine(arguments.knowledge)
    sys.stdout.write(render_lines(lines))
    return 1 if any(line.needed and not line.ok for line in lines) else 0
