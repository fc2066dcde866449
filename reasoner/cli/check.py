"""Check knowledge from text to meaning."""

from __future__ import annotations

import argparse
import sys

from reasoner.cli.arguments import add_format, author_folder

__all__ = ["add_arguments"]


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """Add the arguments of `check`."""
    verb.add_argument(
        "--fast", action="store_true", help="leave out shapes, HermiT, the search for unsafe cases and everything that answers cases"
    )
    verb.add_argument("--release", action="store_true", help="run the tests marked for a release as well")
    verb.add_argument("--notes", action="store_true", help="list notes as well, which are only counted otherwise")
    verb.add_argument("--only", action="append", default=[], metavar="STAGE", help="run this stage alone; may be given again")
    verb.add_argument("--source", metavar="FILE", help="text that the sentences are read from, to compare offsets and digests")
    verb.add_argument("--coverage", action="store_true", help="print where each sentence of the source text went, and nothing else")
    add_format(verb, "text", "json", "sarif", "junit", "markdown")
    verb.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from pathlib import Path

    from reasoner.authoring.check import run_check
    from reasoner.authoring.coverage import coverage_report
    from reasoner.authoring.report_formats import write_report
    from reasoner.errors import UsageError

    folder = author_folder(arguments.knowledge)
    if arguments.coverage and arguments.format not in ("text", "json"):
        raise UsageError("Coverage is printed as text or JSON", repair="leave out --format, or --coverage")
    if arguments.coverage:
        sys.stdout.write(coverage_report(folder, arguments.format))
        return 0
    source = Path(arguments.source) if arguments.source else None
    report = run_check(folder, fast=arguments.fast, release=arguments.release, source=source, only=arguments.only)
    sys.stdout.write(write_report(report, arguments.format, notes=arguments.notes))
    return (0 if report.whole else 3) if report.clean else 1
