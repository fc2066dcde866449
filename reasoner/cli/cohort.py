"""Answer a cohort, or generate a synthetic one."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from reasoner.cli.arguments import INPUT_FORMATS, add_as_of, remark
from reasoner.errors import InputError, UsageError, visible

__all__ = ["add_arguments"]


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """Add the arguments of `cohort`."""
    verb.add_argument(
        "inputs",
        nargs="*",
        metavar="INPUT",
        help="RDF, FHIR JSON, bulk exports, Parquet in the long table, or folders of these; - is standard input, no Parquet",
    )
    verb.add_argument("--input-format", choices=INPUT_FORMATS, help="of standard input, instead of what it looks like")
    verb.add_argument("--out", metavar="DIR", help="folder for the tables, or the synthetic cohort's file; it appears when all is done")
    add_as_of(verb)
    verb.add_argument(
        "--explain", metavar="CASE", help="print the whole answer to one case of the inputs, an IRI, instead of answering all"
    )
    verb.add_argument("--no-shapes", dest="shapes", action="store_false", help="do not check the records against the shapes")
    verb.add_argument(
        "--nquads",
        action="store_true",
        help="write the inferred graph of every case beside the tables as well, some 2,000 statements each, and the knowledge graph",
    )
    verb.add_argument("--jobs", type=_jobs, default=os.cpu_count() or 1, metavar="N", help="processes to use (default: one per core)")
    verb.add_argument("--engine", choices=("local", "spark"), default="local", help="what shares the work: processes, or a Spark cluster")
    verb.add_argument("--master", metavar="URL", help="master of the Spark (default local[*])")
    made = verb.add_argument_group("to generate a synthetic cohort with its ground truth, in place of inputs")
    made.add_argument("--generate", type=_count, metavar="N", help="draw N patients; --as-of is the latest of their instants")
    made.add_argument(
        "--seed", type=_count, default=0, metavar="S", help="a whole number; the same one draws the same patients (default 0)"
    )
    made.add_argument("--to", choices=("ntriples", "turtle", "parquet", "fhir"), default="ntriples", help="format of the patients")
    verb.set_defaults(run=_run)


def _count(text: str) -> int:
    if not text.isdecimal() or len(text) > 12:
        raise argparse.ArgumentTypeError(f"“{text}” is no whole number")
    return int(text)


def _jobs(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1000:
        raise argparse.ArgumentTypeError(f"“{text}” is no number of processes")
    return int(text)


def _run(arguments: argparse.Namespace) -> int:
    if bool(arguments.inputs) == (arguments.generate is not None):
        raise UsageError("It is not clear which cohort is meant", repair="give either inputs or --generate N")
    if arguments.master and arguments.engine != "spark":
        raise UsageError("A master is of no use", why="--engine is not spark", repair="give --engine spark, or leave --master out")
    if arguments.explain:
        if not arguments.inputs:
            raise UsageError("No case of a cohort yet to be drawn can be explained", repair="give inputs, or leave --explain out")
        return _explain(arguments)
    if not arguments.out:
        raise UsageError("The output has no place", repair="name it by --out")
    return _answer(arguments) if arguments.inputs else _generate(arguments)


def _generate(arguments: argparse.Namespace) -> int:
    from datetime import UTC

    from reasoner.cohort.synthetic.generate import LAST_INSTANT, generate
    from reasoner.cohort.synthetic.settings import read_settings
    from reasoner.resources import knowledge_folder, load_knowledge

    last = arguments.as_of or LAST_INSTANT
    cohort = generate(
        load_knowledge(arguments.knowledge),
        read_settings(knowledge_folder(arguments.knowledge)),
        Path(arguments.out),
        count=arguments.generate,
        seed=arguments.seed,
        output_format=arguments.to,
        last=last if last.tzinfo else last.replace(tzinfo=UTC),
    )
    print(f"legcramps: {cohort.patients} patients, {cohort.records} records; drawn from: {cohort.truth}", file=sys.stderr)
    return 0


def _explain(arguments: argparse.Namespace) -> int:
    from reasoner.answering import assess
    from reasoner.cohort import find_case
    from reasoner.resources import load_knowledge
    from reasoner.text import render_text

    program = load_knowledge(arguments.knowledge)
    records = find_case(arguments.inputs, arguments.explain, program)
    remark(records, arguments.as_of)
    report = assess(records, program, as_of=arguments.as_of)
    sys.stdout.write(render_text(report.to_document()))
    return 1 if report.broken else 0


def _answer(arguments: argparse.Namespace) -> int:
    from reasoner.cohort import answer_cohort, begin_crew, reasons_in

    local = arguments.engine == "local"
    with begin_crew(arguments.inputs, arguments.jobs if local else 1) as crew:
        from reasoner.cohort.startup import prepare
        from reasoner.resources import load_knowledge

        if local:
            prepare()
        program = load_knowledge(arguments.knowledge)
        summary = answer_cohort(
            arguments.inputs,
            arguments.out,
            program,
            as_of=arguments.as_of,
            shapes=arguments.shapes,
            nquads=arguments.nquads,
            folder=arguments.knowledge,
            jobs=arguments.jobs,
            crew=crew,
            spark="" if local else arguments.master or "local[*]",
            progress=_progress() if sys.stderr.isatty() else None,
            input_format=arguments.input_format,
        )
    for columns in summary.ignored:
        print(f"legcramps: columns that are not read: {visible(columns)}", file=sys.stderr)
    if summary.undated:
        print(f"legcramps: {summary.undated} cases state no as-of instant; the present one is used: {summary.now}", file=sys.stderr)
    if not summary.cases:
        raise InputError(
            "No case could be read",
            where=", ".join(arguments.inputs),
            why="; ".join(reasons_in(arguments.out)),
            repair=f"mend the inputs; the table problems in {arguments.out} names all that is wrong",
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
