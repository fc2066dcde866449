"""Write the documentation of the knowledge, made from the graph."""

from __future__ import annotations

import argparse

from reasoner.cli.arguments import author_folder

__all__ = ["add_arguments"]


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """Add the arguments of `docs`."""
    verb.add_argument("--out", required=True, metavar="DIR", help="new folder for the site")
    verb.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from pathlib import Path

    from reasoner.authoring.site.build import write_site

    names = write_site(author_folder(arguments.knowledge, writes=False), Path(arguments.out))
    print(f"{arguments.out}: {len(names)} pages; open {Path(arguments.out, 'index.html')}")
    return 0
