"""Define the arguments that several verbs share, and what they come to."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from reasoner.errors import visible

if TYPE_CHECKING:
    from reasoner.answer import CaseAnswer
    from reasoner.answering import Records
    from reasoner.program.model import Program
    from reasoner.remote.store import RemoteStore
    from reasoner.report import Report

__all__ = [
    "INPUT_FORMATS",
    "add_as_of",
    "add_format",
    "add_graphs",
    "add_inputs",
    "add_one_case",
    "add_remote",
    "author_folder",
    "instant",
    "one_answer",
    "remark",
    "remark_problems",
    "remote_store",
]

INPUT_FORMATS = ("turtle", "trig", "n-triples", "n-quads", "json-ld", "rdf-xml", "fhir", "fhir-ndjson", "fhir-turtle", "csv", "tsv")

_MAX_SIZE = 64 * 1024 * 1024
_MAX_ANSWERS = 256 * 1024 * 1024


def add_inputs(verb: argparse.ArgumentParser, count: str = "+") -> None:
    """Add the record files, of which `count` are needed, and what bounds and names them."""
    verb.add_argument(
        "files",
        nargs=count,
        metavar="FILE",
        help="records in Turtle, TriG, N-Triples, N-Quads, JSON-LD, RDF/XML, FHIR in JSON, NDJSON or Turtle, or tables in CSV or TSV; - is standard input",
    )
    verb.add_argument("--input-format", choices=INPUT_FORMATS, help="instead of the file name's ending")
    verb.add_argument("--mapping", metavar="FILE", help="how the columns of tables in CSV or TSV become records, in TOML")
    verb.add_argument("--max-size", type=_size, default=_MAX_SIZE, metavar="BYTES", help="largest file that is read (default 64 MiB)")
    verb.add_argument("--base", default="http://localhost/fhir/", metavar="IRI", help="base of relative FHIR references")


def author_folder(given: str | None, *, writes: bool = False) -> Path:
    """Return the folder that a verb for authors acts on; say on stderr which it is when it was not named and is not here."""
    from reasoner.resources import working_folder

    folder = working_folder(given, writes=writes)
    if not given and folder != Path.cwd():
        print(f"legcramps: acts on {visible(str(folder))}", file=sys.stderr)
    return folder


def add_one_case(verb: argparse.ArgumentParser) -> None:
    """Add one record file, and which of its cases is meant."""
    verb.add_argument("file", metavar="FILE", help="a record document, or -")
    verb.add_argument("--case", metavar="IRI", help="the case, when the document holds several")
    verb.add_argument("--input-format", choices=INPUT_FORMATS, help="instead of the file name's ending")


def add_as_of(verb: argparse.ArgumentParser) -> None:
    """Add the instant at which cases are judged."""
    verb.add_argument(
        "--as-of",
        type=instant,
        metavar="INSTANT",
        help="judge at this xsd:dateTime, or at the beginning of this xsd:date, instead of the records' own",
    )


def add_format(verb: argparse.ArgumentParser, default: str, *others: str) -> None:
    """Add the output format; the first one is the default, and JSON among them has a short form."""
    verb.add_argument("--format", choices=(default, *others), default=default)
    verb.add_argument("--json", dest="format", action="store_const", const="json", help="short for --format json")


def add_remote(verb: argparse.ArgumentParser, seconds: int = 60) -> None:
    """Add what bounds the conversation with a remote store and says as whom it is held."""
    verb.add_argument(
        "--timeout", type=_seconds, default=seconds, metavar="SECONDS", help=f"time for the remote store in all (default {seconds})"
    )
    verb.add_argument(
        "--max-answers", type=_size, default=_MAX_ANSWERS, metavar="BYTES", help="most that is taken from it in all (default 256 MiB)"
    )
    verb.add_argument(
        "--credentials", metavar="FILE", help="user and password, or token, in TOML; else LEGCRAMPS_REMOTE_USER, …_PASSWORD or …_TOKEN"
    )


def add_graphs(verb: argparse.ArgumentParser) -> None:
    """Add the graphs of a remote store that are read."""
    verb.add_argument(
        "--graph",
        action="append",
        default=[],
        metavar="IRI",
        help="a graph of the remote store that is asked; repeat it to ask their union",
    )


def remote_store(arguments: argparse.Namespace, url: str, update_url: str = "", graphs: Sequence[str] = ()) -> RemoteStore:
    """Return the store at `url`, with the credentials and bounds of the arguments."""
    from reasoner.remote.access import Access, read_credentials
    from reasoner.remote.store import RemoteStore
    from reasoner.remote.transport import Budget

    access = Access(url, update_url, read_credentials(arguments.credentials, url))
    return RemoteStore(access, Budget(arguments.timeout, arguments.max_answers), tuple(graphs))


def _seconds(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 86_400:
        raise argparse.ArgumentTypeError(f"“{visible(text)}” is no number of seconds from 1 to 86400")
    return int(text)


def instant(text: str) -> datetime:
    """Read an instant as XML Schema writes it, or a date."""
    from reasoner.moments import read_instant

    found = read_instant(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"“{visible(text)}” is no xsd:dateTime, such as 2026-11-20T09:00:00Z, and no xsd:date")
    return found


def _size(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"“{text}” is no number of bytes")
    return int(text)


def one_answer(arguments: argparse.Namespace) -> tuple[Program, CaseAnswer]:
    """Return the program and the one case that the arguments choose."""
    from reasoner.answering import assess, load_records
    from reasoner.consulting import one_answer as choose
    from reasoner.resources import load_knowledge

    program = load_knowledge(arguments.knowledge)
    records = load_records([arguments.file], program, input_format=arguments.input_format, folder=arguments.knowledge)
    remark(records, arguments.as_of)
    return program, choose(assess(records, program, as_of=arguments.as_of), arguments.case)


def remark(records: Records, as_of: datetime | None) -> None:
    """Say on stderr which cases are judged at the present instant, and which files were not read."""
    from reasoner.answering import undated

    for case in undated(records) if as_of is None else ():
        print(f"legcramps: {visible(case)} states no as-of instant; the present one is used", file=sys.stderr)
    for failure in records.failures:
        print(f"legcramps: {failure}", file=sys.stderr)


def remark_problems(report: Report) -> None:
    """Say on stderr what could not be used of the records, for a verb whose output has no room for it."""
    from reasoner.places import placed

    for problem in (*report.problems, *(each for answer in report.answers for each in answer.state.problems)):
        sources = f" ({', '.join(problem.sources)})" if problem.sources else ""
        text = placed(problem.text, map(report.place, problem.sources))
        print(visible(f"legcramps: {text}{sources}. Repair: {problem.repair} [{problem.code}]"), file=sys.stderr)
