"""Begin a term."""

from __future__ import annotations

import argparse
import sys

from reasoner.cli.arguments import author_folder, instant

__all__ = ["add_arguments"]

_ASKED = {
    "condition": ("label", "definition", "parent", "source", "finding", "pertinence"),
    "finding": ("label", "definition", "parent", "source"),
    "test": ("label", "definition", "parent", "source"),
    "drug": ("label", "definition", "parent", "source"),
    "recommendation": ("label", "definition", "guideline", "inclusion", "test", "urgency", "step", "statement", "source"),
}
"""What is asked for at a terminal where the option is not given."""


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """Add the arguments of `new`."""
    verb.add_argument("kind", choices=tuple(_ASKED), help="what it is")
    verb.add_argument("name", metavar="NAME", help="UpperCamelCase, such as MyFinding; lower_snake for a recommendation")
    verb.add_argument("--label", default="", help="how people call it (default: the words of the name)")
    verb.add_argument("--definition", default="", help="the next wider kind of thing, then what sets this one apart")
    verb.add_argument("--parent", default="", metavar="TERM", help="the class that it is a kind of")
    verb.add_argument("--source", default="", metavar="CITATION", help="what the statements rest on")
    verb.add_argument("--mark", choices=("seen", "secondary", "recall"), default="recall", help="how the source was seen (default: recall)")
    verb.add_argument("--finding", default="", metavar="TERM", help="condition: the finding of the first criterion")
    verb.add_argument("--pertinence", default="", metavar="BAND", help="condition: how it weighs, such as strongly-positive")
    verb.add_argument("--as-of", type=instant, metavar="INSTANT", help="condition: when its typical case is judged (default: today)")
    verb.add_argument("--valid-for-days", type=int, metavar="N", help="test: the days for which a result counts")
    verb.add_argument("--guideline", default="", metavar="TERM", help="recommendation: the guideline that it is part of")
    verb.add_argument("--inclusion", default="", metavar="CLASS", help="recommendation: the case class of those who are in")
    verb.add_argument("--exclusion", action="append", default=[], metavar="CLASS", help="recommendation: who is out; may be given again")
    verb.add_argument("--direction", choices=("for", "against"), default="for", help="recommendation: for the act or against it")
    verb.add_argument("--test", default="", metavar="TERM", help="recommendation: the test")
    verb.add_argument("--action", default="", metavar="TERM", help="recommendation: the act, where it is no test")
    verb.add_argument("--urgency", default="", metavar="WORD", help="recommendation: such as routine or urgent")
    verb.add_argument("--step", default="", metavar="WORD", help="recommendation: the step of the algorithm, such as conditional")
    verb.add_argument("--statement", default="", help="recommendation: the advice in one sentence")
    verb.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from datetime import UTC, datetime
    from pathlib import Path

    from reasoner.authoring.outlines import FILL_IN, Outline
    from reasoner.authoring.scaffold import begin
    from reasoner.moments import from_datetime

    folder = author_folder(arguments.knowledge, writes=True)
    if sys.stdin is not None and sys.stdin.isatty():
        _ask(arguments)
    if arguments.kind == "condition" and arguments.as_of is None:
        arguments.as_of = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0)
        print("legcramps: no --as-of is given; the typical case is judged on the present day", file=sys.stderr)
    as_of = from_datetime(arguments.as_of).text if arguments.as_of else ""
    given = {name: getattr(arguments, name) for name in Outline.__dataclass_fields__ if hasattr(arguments, name)}
    written = begin(folder, Outline(**{**given, "as_of": as_of}, exclusions=tuple(arguments.exclusion)))
    open_lines = 0
    for path in written:
        open_lines += path.read_text(encoding="utf-8").count(FILL_IN)
        print(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
    if open_lines:
        sys.stdout.flush()
        print(f"legcramps: to be filled in: {open_lines}; legcramps check --fast names each", file=sys.stderr)
    return 0


def _ask(arguments: argparse.Namespace) -> None:
    """Ask at the terminal for what was not given; an empty answer leaves it open."""
    for name in _ASKED[arguments.kind]:
        if not getattr(arguments, name) and not (name == "test" and arguments.action):
            print(f"{name}: ", end="", file=sys.stderr, flush=True)
            setattr(arguments, name, sys.stdin.readline().strip())
