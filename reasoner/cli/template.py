"""Turn tables into Turtle and back."""

from __future__ import annotations

import argparse
import sys

__all__ = ["add_arguments"]


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """Add the arguments of `template`."""
    verb.add_argument("file", metavar="FILE", help="a table (.tsv) or a Turtle file (.ttl)")
    verb.add_argument("--to", choices=("turtle", "tsv"), help="what to write (default: the other of the two)")
    verb.add_argument("--out", metavar="FILE", help="where to write it (default: standard output)")
    verb.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from pathlib import Path

    from reasoner.authoring.tables import table_of, turtle_of
    from reasoner.documents import read_document
    from reasoner.errors import UsageError
    from reasoner.files import write_file
    from reasoner.limits import utf8

    path = Path(arguments.file)
    source = {".tsv": "tsv", ".ttl": "turtle"}.get(path.suffix.lower())
    if source is None:
        raise UsageError("The file is neither a table nor Turtle", where=arguments.file, repair="name it .tsv or .ttl")
    target = arguments.to or ("turtle" if source == "tsv" else "tsv")
    if source == target:
        raise UsageError(f"The file is {target} already", where=arguments.file, repair="leave out --to")
    text = utf8(read_document(arguments.file, "turtle").text, path.name).decode()
    written = turtle_of(text, path.name) if target == "turtle" else table_of(text, path.name)
    if arguments.out:
        write_file(Path(arguments.out), written.encode())
    else:
        sys.stdout.write(written)
    return 0
