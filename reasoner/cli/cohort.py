"""Answer a cohort."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable

from reasoner.cli.arguments import instant

__all__ = ["add_verb"]


def add_verb(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb `cohort`."""
    verb = verbs.add_parser("cohort", help="answer many cases at once into Parquet tables; goes on where it was stopped")
    verb.add_argument("inputs", nargs="+", metavar="INPUT", help="N-Triples, N-Quads, Parquet in the long table, or folders of these")
    verb.add_argument("--out", required=True, metavar="DIR", help="folder for the tables; it appears when all is done")
    verb.add_argument("--as-of", type=instant, metavar="INSTANT", help="judge at this ISO 8601 instant instead of the records' own")
    verb.add_argument("--no-shapes", dest="shapes", action="store_false", help="do not check the records against the shapes")
    verb.add_argument("--jobs", type=_jobs, default=os.cpu_count() or 1, metavar="N", help="processes to use (default: one per core)")
    verb.set_defaults(run=_run)


def _jobs(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1000:
        raise argparse.ArgumentTypeError(f"“{text}” is no number of processes")
    return int(text)


def _run(arguments: argparse.Namespace) -> int:
    from reasoner.cohort import answer_cohort
    from reasoner.resources import load_knowledge

    program = load_knowledge(arguments.knowledge)
    summary = answer_cohort(
        arguments.inputs,
        arguments.out,
        program,
        as_of=arguments.as_of,
        shapes=arguments.shapes,
        jobs=arguments.jobs,
        progress=_progress() if sys.stderr.isatty() else None,
    )
    print(
        f"{summary.cases} cases: {summary.answered} answered, {summary.rejected} rejected; {summary.problems} problems; tables in {arguments.out}"
    )
    return 1 if summary.rejected or summary.malformed or summary.broken else 0


def _progress() -> Callable[[int, int, int], None]:
    """Return what draws the progress on one line of the terminal, with the time that is left."""
    began = time.monotonic()

    def draw(done: int, total: int, cases: int) -> None:
        share = done / total if total else 1.0
        left = round((time.monotonic() - began) * (1 - share) / share) if share else 0
        bar = "█" * int(share * 30)
        end = "\n" if done >= total else ""
        print(f"\r{bar:░<30} {share:4.0%}  {cases} cases  {left // 60}:{left % 60:02} left ", end=end, file=sys.stderr, flush=True)

    return draw
