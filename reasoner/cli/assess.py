"""Answer cases."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from reasoner.cli.arguments import add_as_of, add_format, add_graphs, add_inputs, add_remote, remark, remote_store
from reasoner.errors import UsageError

if TYPE_CHECKING:
    from reasoner.answering import Records
    from reasoner.program.model import Program

__all__ = ["add_arguments"]


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """Add the arguments of `assess`."""
    add_inputs(verb, "*")
    verb.add_argument("--from-endpoint", metavar="URL", help="take the records from the SPARQL store at this address instead of files")
    verb.add_argument(
        "--case", action="append", default=[], metavar="IRI", help="with --from-endpoint: this case instead of all; repeatable"
    )
    add_graphs(verb)
    add_remote(verb)
    add_as_of(verb)
    verb.add_argument(
        "--relevance", action="store_true", help="judge which tests can still change a verdict, and order the next tests by it"
    )
    add_format(verb, "text", "json")
    verb.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from reasoner.answering import assess
    from reasoner.resources import load_knowledge
    from reasoner.text import render_text

    program = load_knowledge(arguments.knowledge)
    records = _records(arguments, program)
    remark(records, arguments.as_of)
    report = assess(records, program, as_of=arguments.as_of, relevance=arguments.relevance)
    sys.stdout.write(report.dumps() + "\n" if arguments.format == "json" else render_text(report.to_document()))
    return 1 if report.broken else 0


def _records(arguments: argparse.Namespace, program: Program) -> Records:
    if bool(arguments.files) == bool(arguments.from_endpoint):
        raise UsageError("The records have no one source", repair="name files, or a store by --from-endpoint")
    if arguments.from_endpoint:
        if arguments.input_format or arguments.mapping:
            raise UsageError("A store has no input format", why="--input-format and --mapping belong to files", repair="leave them out")
        from reasoner.remote.records import remote_records
        from reasoner.resources import knowledge_folder

        store = remote_store(arguments, arguments.from_endpoint, graphs=arguments.graph)
        return remote_records(store, program, knowledge_folder(arguments.knowledge), arguments.case)
    from reasoner.answering import load_records

    if arguments.case or arguments.graph:
        raise UsageError("Files are answered whole", why="--case and --graph belong to --from-endpoint", repair="leave them out")
    return load_records(
        arguments.files,
        program,
        input_format=arguments.input_format,
        max_size=arguments.max_size,
        base=arguments.base,
        folder=arguments.knowledge,
        mapping=arguments.mapping,
    )
