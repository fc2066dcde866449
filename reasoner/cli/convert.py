"""Turn records, and what follows from them, into another form."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from reasoner.cli.arguments import add_as_of, add_inputs, remark
from reasoner.errors import UsageError, visible

if TYPE_CHECKING:
    from reasoner.export.conversion import Conversion

__all__ = ["add_arguments"]

_TARGETS = ("turtle", "trig", "ntriples", "nquads", "jsonld", "rdfxml", "fhir", "fhir-assessment", "fhir-guideline", "csv", "parquet")
_GRAPHS = ("asserted", "inferred", "proof")


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """Add the arguments of `convert`."""
    add_inputs(verb, "*")
    verb.add_argument("--to", required=True, choices=_TARGETS, dest="target", help="the form; fhir-guideline needs no FILE")
    verb.add_argument("--out", metavar="PATH", help="a file, or for several tables a folder; standard output when there is one file")
    verb.add_argument(
        "--graph",
        action="append",
        default=[],
        choices=_GRAPHS,
        help="what RDF is to hold, repeatable; default: all three in nquads and trig, else asserted",
    )
    verb.add_argument("--table", default="", metavar="NAME", help="one table instead of all")
    add_as_of(verb)
    verb.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from reasoner.answering import read_all
    from reasoner.documents import read_documents
    from reasoner.export.conversion import GUIDELINE, Request, convert, convert_guideline, needs_answers
    from reasoner.resources import knowledge_folder, load_knowledge

    request = Request(arguments.target, tuple(arguments.graph), arguments.table, arguments.as_of, arguments.base)
    if not arguments.out and (arguments.target == "parquet" or (arguments.target == "csv" and not arguments.table)):
        raise UsageError("The output has no place", why=f"{arguments.target} is no single text", repair="name it by --out")
    if bool(arguments.files) == (request.target == GUIDELINE):
        why = "the guidelines are those of the knowledge, no FILE has a part in them" if arguments.files else "no FILE is given"
        raise UsageError("The input is not what the form needs", why=why, repair=f"name files for every form but {GUIDELINE}")
    program, folder = load_knowledge(arguments.knowledge), knowledge_folder(arguments.knowledge)
    if request.target == GUIDELINE:
        _deliver(convert_guideline(program, folder), arguments.out)
        return 0
    documents, failures = read_documents(arguments.files, arguments.input_format, arguments.max_size)
    records = read_all(documents, program, base=arguments.base, folder=arguments.knowledge, mapping=arguments.mapping, failures=failures)
    if needs_answers(request):
        remark(records, arguments.as_of)
    else:
        for failure in records.failures:
            print(f"legcramps: {failure}", file=sys.stderr)
    _deliver(convert(documents, records, program, folder, request), arguments.out)
    return 1 if records.broken or records.failures else 0


def _deliver(conversion: Conversion, out: str | None) -> None:
    """Write the files whole or not at all, and say on stderr what they hold."""
    from reasoner.files import write_file, write_files

    single = conversion.files.get("")
    if single is None:
        write_files(Path(out or ""), conversion.files)
    elif out:
        write_file(Path(out), single)
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(single)
    for tally in conversion.tallies:
        print(f"legcramps: {visible(tally.line())}", file=sys.stderr)
