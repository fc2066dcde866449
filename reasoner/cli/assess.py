"""Answer cases."""

from __future__ import annotations

import argparse
import sys

from reasoner.cli.arguments import add_as_of, add_format, add_inputs, remark

__all__ = ["add_arguments"]


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """Add the arguments of `assess`."""
    add_inputs(verb)
    add_as_of(verb)
    verb.add_argument(
        "--relevance", action="store_true", help="judge which tests can still change a verdict, and order the next tests by it"
    )
    add_format(verb, "text", "json")
    verb.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from reasoner.answering import assess, load_records
    from reasoner.resources import load_knowledge
    from reasoner.text import render_text

    program = load_knowledge(arguments.knowledge)
    records = load_records(
        arguments.files,
        program,
        input_format=arguments.input_format,
        max_size=arguments.max_size,
        base=arguments.base,
        folder=arguments.knowledge,
        mapping=arguments.mapping,
    )
    remark(records, arguments.as_of)
    report = assess(records, program, as_of=arguments.as_of, relevance=arguments.relevance)
    sys.stdout.write(report.dumps() + "\n" if arguments.format == "json" else render_text(report.to_document()))
    return 1 if report.broken else 0
