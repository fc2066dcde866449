"""Make a store of a backup."""

from __future__ import annotations

import argparse
from pathlib import Path

__all__ = ["add_arguments"]


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """Add the arguments of `restore`."""
    verb.add_argument("file", type=Path, metavar="FILE", help="what `backup` wrote")
    verb.add_argument("store", type=Path, metavar="DIR", help="a new folder, for serve --store")
    verb.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from reasoner.server.copies import restore

    print(f"{restore(arguments.file, arguments.store)} quads")
    return 0
