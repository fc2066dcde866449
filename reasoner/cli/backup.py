"""Write all that a store holds into one file."""

from __future__ import annotations

import argparse
from pathlib import Path

__all__ = ["add_arguments"]


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """Add the arguments of `backup`."""
    verb.add_argument("store", type=Path, metavar="DIR", help="the folder that was given to serve --store")
    verb.add_argument("file", type=Path, metavar="FILE", help="the backup that is written")
    verb.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from reasoner.server.copies import back_up

    print(f"{back_up(arguments.store, arguments.file)} quads")
    return 0
