"""Rewrite Turtle files in the canonical form."""

from __future__ import annotations

import argparse
import sys

__all__ = ["add_verb"]


def add_verb(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb `fmt`."""
    verb = verbs.add_parser("fmt", help="rewrite Turtle files in the canonical form; no triple or comment is lost")
    verb.add_argument("paths", nargs="*", metavar="PATH", help="files or folders (default: ontology/ and shapes/)")
    verb.add_argument("--check", action="store_true", help="only name the files that would change, and exit 1")
    verb.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from pathlib import Path

    from reasoner.authoring.format import format_files
    from reasoner.resources import knowledge_folder

    folder = knowledge_folder(arguments.knowledge)
    paths = [Path(path) for path in arguments.paths] or [folder / "ontology", folder / "shapes"]
    changed = format_files(paths, write=not arguments.check)
    for path in changed:
        print(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
    if changed and arguments.check:
        print(f"legcramps: repair by: legcramps fmt {' '.join(arguments.paths)}".rstrip(), file=sys.stderr)
    return 1 if changed and arguments.check else 0
