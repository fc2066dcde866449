"""Say what the installation has and lacks."""

from __future__ import annotations

import argparse
import sys

__all__ = ["add_verb"]


def add_verb(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb `doctor`."""
    verb = verbs.add_parser("doctor", help="say what this installation has and lacks")
    verb.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from reasoner.authoring.doctor import examine, render_lines

    lines = examine(arguments.knowledge)
    sys.stdout.write(render_lines(lines))
    return 1 if any(line.needed and not line.ok for line in lines) else 0
