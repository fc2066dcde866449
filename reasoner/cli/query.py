"""Ask SPARQL over knowledge, records and what follows from them, or SQL over the tables of a cohort."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from reasoner.cli.arguments import INPUT_FORMATS, add_as_of, add_format, add_graphs, add_remote, remark, remark_problems, remote_store
from reasoner.errors import UsageError

if TYPE_CHECKING:
    from reasoner.query_results import QueryResult
    from reasoner.query_text import Bindings

__all__ = ["add_arguments"]


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """Add the arguments of `query`."""
    verb.add_argument(
        "query", nargs="?", metavar="QUERY", help="a shipped query's id or name, a .rq file, or SPARQL text; none lists the shipped ones"
    )
    verb.add_argument("files", nargs="*", metavar="FILE", help="records whose facts and inferences are asked about")
    verb.add_argument(
        "--bind", action="append", default=[], metavar="NAME=TERM", help="bind a parameter, such as _case_iri=https://example.org/x"
    )
    verb.add_argument(
        "--cohort", metavar="DIR", help="ask a shipped report query, a .sql file or SQL text over the tables that `cohort` wrote"
    )
    verb.add_argument("--engine", choices=("pyoxigraph", "rdflib"), default="pyoxigraph")
    verb.add_argument("--input-format", choices=INPUT_FORMATS, help="instead of the files' endings")
    verb.add_argument("--mapping", metavar="FILE", help="how the columns of tables in CSV or TSV become records, in TOML")
    verb.add_argument("--endpoint", metavar="URL", help="ask the SPARQL store at this address instead, within --timeout; SELECT and ASK")
    add_graphs(verb)
    add_remote(verb)
    add_as_of(verb)
    add_format(verb, "table", "csv", "tsv", "json", "xml")
    verb.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from reasoner.documents import read_document
    from reasoner.query import answered_store, read_query, run_query
    from reasoner.resources import knowledge_folder, load_knowledge, query_files

    folder = knowledge_folder(arguments.knowledge)
    if arguments.query is None:
        for query in map(read_query, query_files(folder)):
            print(f"{query.id:<32}{query.summary}")
        return 0
    if arguments.graph and arguments.endpoint is None:
        raise UsageError("The graphs are those of a remote store", why="none is named", repair="name it by --endpoint")
    if arguments.cohort is not None and arguments.endpoint is None:
        return _ask_cohort(arguments)
    bindings = dict(text.split("=", 1) for text in arguments.bind if "=" in text)
    if len(bindings) != len(arguments.bind):
        raise UsageError("A binding is malformed", why=" ".join(arguments.bind), repair="write NAME=TERM, each name once")
    named = arguments.query.endswith(".rq")
    text = read_document(arguments.query, "turtle").text.decode("utf-8", "replace") if named else arguments.query
    if arguments.endpoint is not None:
        result = _ask_endpoint(arguments, text, bindings)
        sys.stdout.write(result.write(arguments.format).rstrip("\n") + "\n")
        return 0
    program = load_knowledge(arguments.knowledge)
    store, records, report = answered_store(
        arguments.files, program, folder, input_format=arguments.input_format, mapping=arguments.mapping, as_of=arguments.as_of
    )
    remark(records, arguments.as_of)
    remark_problems(report)
    result = run_query(text, store, arguments.engine, bindings, folder=folder)
    sys.stdout.write(result.write(arguments.format).rstrip("\n") + "\n")
    return 1 if report.broken else 0


def _ask_endpoint(arguments: argparse.Namespace, text: str, bindings: Bindings) -> QueryResult:
    from reasoner.query import bound_query
    from reasoner.remote.whole import query_store

    idle = [name for name in ("files", "cohort", "as_of", "input_format", "mapping") if getattr(arguments, name)]
    if idle:
        raise UsageError("A remote store is asked alone", why=f"{', '.join(idle)} given as well", repair="publish records first")
    return query_store(
        remote_store(arguments, arguments.endpoint, graphs=arguments.graph), bound_query(text, bindings, folder=arguments.knowledge)
    )


def _ask_cohort(arguments: argparse.Namespace) -> int:
    from reasoner.cohort.queries import find_sql, query_cohort
    from reasoner.documents import read_document

    if arguments.files or arguments.bind:
        raise UsageError("A cohort is asked alone", why="files or bindings are given as well", repair="leave them out, or write WHERE")
    named = arguments.query.endswith(".sql") and len(arguments.query.split()) == 1
    text = read_document(arguments.query, "turtle").text.decode("utf-8", "replace") if named else arguments.query
    result = query_cohort(arguments.cohort, text if named else find_sql(text, arguments.knowledge))
    sys.stdout.write(result.write(arguments.format).rstrip("\n") + "\n")
    return 0
