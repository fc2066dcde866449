"""Compare two versions of the knowledge."""

from __future__ import annotations

import argparse
import sys

from reasoner.cli.arguments import add_format, author_folder, instant

__all__ = ["add_arguments"]


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """Add the arguments of `diff`."""
    verb.add_argument("old", metavar="OLD", help="a git revision, or a folder that holds ontology/ and shapes/")
    verb.add_argument("new", metavar="NEW", nargs="?", help="the same (default: the folder as it is)")
    verb.add_argument(
        "--cohort",
        metavar="PATH",
        help="record files, or a folder of them, that are answered by both besides the vignettes; N-Triples, N-Quads and Parquet as columns",
    )
    verb.add_argument("--as-of", type=instant, metavar="INSTANT", help="judge cases that state no instant at this one (default: now)")
    add_format(verb, "text", "json", "markdown")
    verb.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from datetime import UTC, datetime
    from pathlib import Path

    from reasoner.authoring.diff import compare_versions
    from reasoner.authoring.diff_formats import write_difference
    from reasoner.authoring.patients import cohort_files
    from reasoner.authoring.versions import open_version
    from reasoner.moments import from_datetime

    folder = author_folder(arguments.knowledge)
    cohort = cohort_files(Path(arguments.cohort)) if arguments.cohort else ()
    moment = from_datetime(arguments.as_of or datetime.now(UTC))
    with open_version(arguments.old, folder) as old, open_version(arguments.new or str(folder), folder) as new:
        found = compare_versions(old, new, moment, cohort)
    sys.stdout.write(write_difference(found, arguments.format))
    for failure in found.patients.failures:
        print(f"legcramps: {failure}", file=sys.stderr)
    return 1 if not found.clean else 3 if found.patients.failures else 0
