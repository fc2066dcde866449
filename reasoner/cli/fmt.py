"""Rewrite Turtle files in the canonical form."""

from __future__ import annotations

import argparse
import sys

from reasoner.cli.arguments import author_folder

__all__ = ["add_arguments"]


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """Add the arguments of `fmt`."""
    verb.add_argument("paths", nargs="*", metavar="PATH", help="files or folders (default: ontology/ and shapes/)")
    verb.add_argument("--check", action="store_true", help="only name the files that would change, and exit 1")
    verb.add_argument("--export", choices=("owlxml", "rdfxml", "manchester"), help="write the ontology in this form instead, for Protégé")
    verb.add_argument("--out", metavar="DIR", help="new folder for --export")
    verb.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from pathlib import Path

    from reasoner.authoring.format import format_files
    from reasoner.authoring.registration import register_modules

    if arguments.export or arguments.out:
        return _export(arguments)
    write = not arguments.check
    if arguments.paths:
        changed = format_files([Path(path) for path in arguments.paths], write=write)
    else:
        folder = author_folder(arguments.knowledge, writes=write)
        changed = format_files([folder / "ontology", folder / "shapes"], write=write)
        changed += tuple(path for path in register_modules(folder, write=write) if path not in changed)
    for path in changed:
        print(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
    if changed and arguments.check:
        print(f"legcramps: repair by: legcramps fmt {' '.join(arguments.paths)}".rstrip(), file=sys.stderr)
    return 1 if changed and arguments.check else 0


def _export(arguments: argparse.Namespace) -> int:
    from pathlib import Path

    from reasoner.authoring.ontology_exports import export_ontology
    from reasoner.errors import UsageError

    if not arguments.export or not arguments.out or arguments.paths or arguments.check:
        raise UsageError("An export is the whole ontology in one folder", repair="give --export and --out, without paths and --check")
    names = export_ontology(author_folder(arguments.knowledge, writes=False), arguments.export, Path(arguments.out))
    print(f"{arguments.out}: {len(names)} files")
    return 0
