"""Parse the command line, call one function, print what it returns."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from reasoner.errors import InputError, LegcrampsError, UsageError, shortened, visible

if TYPE_CHECKING:
    from reasoner.answering import Records
    from reasoner.program.model import Program
    from reasoner.report import CaseAnswer
    from reasoner.validation import ValidationReport

__all__ = ["main"]

_MAX_SIZE = 64 * 1024 * 1024
_FORMATS = ("turtle", "trig", "n-triples", "n-quads", "json-ld", "rdf-xml", "fhir")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return the documented exit code: 0 fine, 1 violations, 2 could not run, 3 incomplete, 4 internal."""
    arguments = _parser().parse_args(argv)
    run: Callable[[argparse.Namespace], int] = arguments.run
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        code = run(arguments)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        _abandon_output()
        return 0
    except KeyboardInterrupt:
        print("legcramps: interrupted", file=sys.stderr)
        return 130
    except Exception as error:
        return _fail(error, arguments.traceback)


def _fail(error: Exception, traceback: bool) -> int:
    """Say on one line what went wrong and return its exit code; anything unforeseen is an internal error."""
    if isinstance(error, OSError):
        _abandon_output()
    if traceback:
        from traceback import print_exception

        print_exception(error)
    if not isinstance(error, LegcrampsError):
        why = f"{type(error).__name__}: {shortened(str(error))}"
        error = LegcrampsError("Internal error", why=why, repair="report it, with what `legcramps --traceback …` prints")
    print(f"legcramps: {error}", file=sys.stderr)
    return error.exit_code


def _abandon_output() -> None:
    """Let what is still to be written to a closed or full output go nowhere, so that the interpreter ends in peace."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="legcramps", description="Reason over bilateral leg cramps: proven next tests and imaging verdicts. Not medical advice."
    )
    parser.add_argument(
        "--knowledge", metavar="DIR", help="folder that holds ontology/, shapes/ and queries/ (default: the one that came along)"
    )
    parser.add_argument("--traceback", action="store_true", help="print the Python traceback of an error as well")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    _add_assess(verbs)
    _add_validate(verbs)
    _add_explain(verbs)
    _add_check(verbs)
    _add_fmt(verbs)
    _add_doctor(verbs)
    _add_whatif(verbs)
    _add_query(verbs)
    return parser


def _inputs(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="records in Turtle, TriG, N-Triples, N-Quads, JSON-LD, RDF/XML or FHIR JSON; - is standard input",
    )
    verb.add_argument("--input-format", choices=_FORMATS, help="instead of the file name's ending")
    verb.add_argument("--max-size", type=_size, default=_MAX_SIZE, metavar="BYTES", help="largest file that is read (default 64 MiB)")
    verb.add_argument("--base", default="http://localhost/fhir/", metavar="IRI", help="base of relative FHIR references")


def _add_assess(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verb = verbs.add_parser("assess", help="answer cases: red flags, repeat imaging, next tests, differential")
    _inputs(verb)
    verb.add_argument("--as-of", type=_instant, metavar="INSTANT", help="judge at this ISO 8601 instant instead of the record's own")
    verb.add_argument("--format", choices=("text", "json"), default="text")
    verb.add_argument("--json", dest="format", action="store_const", const="json", help="short for --format json")
    verb.set_defaults(run=_assess)


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or not 1000 <= instant.year < 3000:
        raise argparse.ArgumentTypeError(f"“{visible(text)}” is no ISO 8601 instant, such as 2026-11-20T09:00:00Z")
    return instant


def _size(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"“{text}” is no number of bytes")
    return int(text)


def _assess(arguments: argparse.Namespace) -> int:
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
    )
    _remark(records, arguments.as_of)
    report = assess(records, program, as_of=arguments.as_of)
    sys.stdout.write(report.dumps() + "\n" if arguments.format == "json" else render_text(report.to_document()))
    return 1 if report.broken else 0


def _remark(records: Records, as_of: datetime | None) -> None:
    """Say on stderr which cases are judged at the present instant, and which files were not read."""
    from reasoner.answering import undated

    for case in undated(records) if as_of is None else ():
        print(f"legcramps: {visible(case)} states no as-of instant; the present one is used", file=sys.stderr)
    for failure in records.failures:
        print(f"legcramps: {failure}", file=sys.stderr)


def _add_validate(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verb = verbs.add_parser("validate", help="check record documents against the record shapes")
    _inputs(verb)
    verb.add_argument("--format", choices=("text", "json"), default="text")
    verb.add_argument("--json", dest="format", action="store_const", const="json", help="short for --format json")
    verb.set_defaults(run=_validate)


def _validate(arguments: argparse.Namespace) -> int:
    from reasoner.documents import read_document
    from reasoner.resources import knowledge_folder, load_knowledge
    from reasoner.validation import validate_document

    folder = knowledge_folder(arguments.knowledge)
    program = load_knowledge(arguments.knowledge)
    reports: list[ValidationReport] = []
    failures: list[InputError] = []
    for name in arguments.files:
        try:
            reports.append(validate_document(read_document(name, arguments.input_format, arguments.max_size), folder, program))
        except InputError as error:
            failures.append(error)
        else:
            _print_validation(name, reports[-1], arguments.format)
    if failures and not reports:
        raise failures[0]
    for failure in failures:
        print(f"legcramps: {failure}", file=sys.stderr)
    return 0 if not failures and all(report.conforms for report in reports) else 1


def _print_validation(name: str, report: ValidationReport, form: str) -> None:
    import json
    from dataclasses import asdict

    if form == "json":
        results = [asdict(each) for each in report.results]
        print(json.dumps({"file": name, "conforms": report.conforms, "engine": report.engine, "results": results}))
        return
    for each in report.results:
        print(visible(f"{each.where}: {each.severity}: {each.message} [{each.component}]"))
    verdict = "conforms" if report.conforms else "does not conform"
    print(visible(f"{name}: {verdict} ({len(report.results)} results, {report.engine})"))


def _add_explain(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verb = verbs.add_parser("explain", help="prove one conclusion down to the records and the guideline sentence")
    verb.add_argument("file", metavar="FILE", help="a record document, or -")
    verb.add_argument(
        "conclusion",
        metavar="CONCLUSION",
        help="the CURIE of a class, recommendation, test or condition, or the key of a decision in the JSON",
    )
    verb.add_argument("--case", metavar="IRI", help="the case, when the document holds several")
    verb.add_argument("--input-format", choices=_FORMATS, help="instead of the file name's ending")
    verb.add_argument("--as-of", type=_instant, metavar="INSTANT", help="judge at this ISO 8601 instant instead of the record's own")
    verb.add_argument("--all", action="store_true", help="every minimal reason, not one, up to a bound that is stated")
    verb.add_argument("--check", action="store_true", help="have each proof accepted by the separate checker before it is printed")
    verb.add_argument("--format", choices=("text", "json", "turtle", "dot"), default="text")
    verb.add_argument("--json", dest="format", action="store_const", const="json", help="short for --format json")
    verb.set_defaults(run=_explain)


def _explain(arguments: argparse.Namespace) -> int:
    from reasoner.explanation import View
    from reasoner.proof_axioms import load_axioms
    from reasoner.proof_checker import Checker
    from reasoner.proof_formats import Words
    from reasoner.proofs import Prover
    from reasoner.resources import knowledge_folder

    program, answer = _one_answer(arguments)
    folder = knowledge_folder(arguments.knowledge)
    axioms, view = load_axioms(program, folder), View(program, answer.state, answer.statuses)
    prover = Prover(axioms, view, answer)
    explained = prover.explain(arguments.conclusion, every=arguments.all)
    if arguments.check:
        checker, known = Checker(folder), [each.to_json() for each in prover.given()]
        for proof in explained.proofs:
            checker.check(proof.to_json(), known)
        print(f"legcramps: {len(explained.proofs)} of {len(explained.proofs)} proofs accepted by the checker", file=sys.stderr)
    sys.stdout.write(Words(axioms, view).write(explained, arguments.format))
    return 0


def _add_whatif(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verb = verbs.add_parser("whatif", help="change facts, assess again, and show which verdicts differ")
    verb.add_argument("file", metavar="FILE", help="a record document, or -")
    wanted = verb.add_mutually_exclusive_group(required=True)
    wanted.add_argument(
        "--set",
        dest="changes",
        action="append",
        metavar="TERM=VALUE",
        help="a number for an indicator; present, new, old, absent or unknown for a finding; taken or stopped for a drug",
    )
    wanted.add_argument(
        "--goal",
        metavar="GOAL[=VERDICT]",
        help="list the smallest changes that give another verdict, or this one, on repeatDvtImaging, scope or a recommendation",
    )
    verb.add_argument("--case", metavar="IRI", help="the case, when the document holds several")
    verb.add_argument("--input-format", choices=_FORMATS, help="instead of the file name's ending")
    verb.add_argument("--as-of", type=_instant, metavar="INSTANT", help="judge at this ISO 8601 instant instead of the record's own")
    verb.add_argument("--format", choices=("text", "json"), default="text")
    verb.add_argument("--json", dest="format", action="store_const", const="json", help="short for --format json")
    verb.set_defaults(run=_whatif)


def _whatif(arguments: argparse.Namespace) -> int:
    import json
    from dataclasses import asdict

    from reasoner.answering import answer_case
    from reasoner.counterfactual import apply_changes, differences, parse_change
    from reasoner.report import case_document

    program, answer = _one_answer(arguments)
    if arguments.goal:
        return _list_changes(arguments, program, answer)
    changes = [parse_change(text, program) for text in arguments.changes]
    changed = answer_case(apply_changes(answer.state.case, changes, program, answer.as_of), program, answer.as_of)
    found = differences(case_document(program, answer), case_document(program, changed))
    if arguments.format == "json":
        print(
            json.dumps(
                {"case": answer.state.case.iri, "set": [asdict(each) for each in changes], "differences": [asdict(each) for each in found]},
                ensure_ascii=False,
            )
        )
    else:
        for each in found:
            print(f"{each.what}: {each.before or 'not given'} -> {each.after or 'no longer given'}")
        if not found:
            print("no verdict differs")
    return 0


def _list_changes(arguments: argparse.Namespace, program: Program, answer: CaseAnswer) -> int:
    import json
    from dataclasses import asdict

    from reasoner.changes import changes_of, read_goal, render_changes
    from reasoner.explanation import View

    name, wanted = read_goal(program, arguments.goal)
    found = changes_of(View(program, answer.state, answer.statuses), name, answer.as_of, wanted)
    if arguments.format == "json":
        print(json.dumps({"case": answer.state.case.iri, **asdict(found)}, ensure_ascii=False))
    else:
        sys.stdout.write(render_changes(found))
    return 0


def _one_answer(arguments: argparse.Namespace) -> tuple[Program, CaseAnswer]:
    """Return the program and the one case that the arguments choose."""
    from reasoner.answering import assess, load_records
    from reasoner.resources import load_knowledge

    program = load_knowledge(arguments.knowledge)
    records = load_records([arguments.file], program, input_format=arguments.input_format, folder=arguments.knowledge)
    _remark(records, arguments.as_of)
    report = assess(records, program, as_of=arguments.as_of)
    if not report.answers and report.problems:
        problem = report.problems[0]
        raise InputError("The case cannot be answered", why=problem.text, repair=problem.repair)
    answers = [answer for answer in report.answers if arguments.case in (None, answer.state.case.iri)]
    if len(answers) != 1:
        names = ", ".join(answer.state.case.iri for answer in report.answers)
        raise UsageError("One case must be chosen", why=f"the document holds {names}", repair="name one by --case")
    return program, answers[0]


def _add_check(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verb = verbs.add_parser("check", help="check ontology, shapes, queries and documents, each finding with its repair")
    verb.add_argument("--fast", action="store_true", help="leave out shapes, HermiT and everything that answers cases")
    verb.add_argument("--release", action="store_true", help="run the tests marked for a release as well")
    verb.add_argument("--notes", action="store_true", help="list notes as well, which are only counted otherwise")
    verb.add_argument("--only", action="append", default=[], metavar="STAGE", help="run this stage alone; may be given again")
    verb.add_argument("--source", metavar="FILE", help="text that the sentences are read from, to compare offsets and digests")
    verb.add_argument("--coverage", action="store_true", help="print where each sentence of the source text went, and nothing else")
    verb.add_argument("--format", choices=("text", "json"), default="text")
    verb.add_argument("--json", dest="format", action="store_const", const="json", help="short for --format json")
    verb.set_defaults(run=_check)


def _check(arguments: argparse.Namespace) -> int:
    from pathlib import Path

    from reasoner.authoring.check import run_check
    from reasoner.authoring.coverage import coverage_report
    from reasoner.authoring.results import render_report
    from reasoner.resources import knowledge_folder

    folder = knowledge_folder(arguments.knowledge)
    if arguments.coverage:
        sys.stdout.write(coverage_report(folder, arguments.format))
        return 0
    source = Path(arguments.source) if arguments.source else None
    report = run_check(folder, fast=arguments.fast, release=arguments.release, source=source, only=arguments.only)
    sys.stdout.write(report.dumps() + "\n" if arguments.format == "json" else render_report(report, notes=arguments.notes))
    return 0 if report.clean else 1


def _add_fmt(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verb = verbs.add_parser("fmt", help="rewrite Turtle files in the canonical form; no triple or comment is lost")
    verb.add_argument("paths", nargs="*", metavar="PATH", help="files or folders (default: ontology/ and shapes/)")
    verb.add_argument("--check", action="store_true", help="only name the files that would change, and exit 1")
    verb.set_defaults(run=_fmt)


def _fmt(arguments: argparse.Namespace) -> int:
    from pathlib import Path

    from reasoner.authoring.format import format_files
    from reasoner.resources import knowledge_folder

    folder = knowledge_folder(arguments.knowledge)
    paths = [Path(path) for path in arguments.paths] or [folder / "ontology", folder / "shapes"]
    changed = format_files(paths, write=not arguments.check)
    for path in changed:
        print(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
    if changed and arguments.check:
        print(f"legcramps: repair by: legcramps fmt {' '.join(arguments.paths)}".rstrip(), file=sys.stderr)
    return 1 if changed and arguments.check else 0


def _add_doctor(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verb = verbs.add_parser("doctor", help="say what this installation has and lacks")
    verb.set_defaults(run=_doctor)


def _doctor(arguments: argparse.Namespace) -> int:
    from reasoner.authoring.doctor import examine, render_lines

    lines = examine(arguments.knowledge)
    sys.stdout.write(render_lines(lines))
    return 1 if any(line.needed and not line.ok for line in lines) else 0


def _add_query(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verb = verbs.add_parser("query", help="ask SPARQL over knowledge, records and what follows from them")
    verb.add_argument(
        "query", nargs="?", metavar="QUERY", help="a shipped query's id or name, a .rq file, or SPARQL text; none lists the shipped ones"
    )
    verb.add_argument("files", nargs="*", metavar="FILE", help="records whose facts and inferences are asked about")
    verb.add_argument(
        "--bind", action="append", default=[], metavar="NAME=TERM", help="bind a parameter, such as case_iri=https://example.org/x"
    )
    verb.add_argument("--engine", choices=("pyoxigraph", "rdflib"), default="pyoxigraph")
    verb.add_argument("--input-format", choices=_FORMATS, help="instead of the files' endings")
    verb.add_argument("--as-of", type=_instant, metavar="INSTANT", help="judge at this ISO 8601 instant instead of the records' own")
    verb.add_argument("--format", choices=("table", "csv", "tsv", "json", "xml"), default="table")
    verb.add_argument("--json", dest="format", action="store_const", const="json", help="short for --format json")
    verb.set_defaults(run=_query)


def _query(arguments: argparse.Namespace) -> int:
    from reasoner.answering import assess, load_records
    from reasoner.documents import read_document
    from reasoner.query import load_store, read_query, run_query
    from reasoner.resources import knowledge_folder, load_knowledge, query_files

    folder = knowledge_folder(arguments.knowledge)
    if arguments.query is None:
        for query in map(read_query, query_files(folder)):
            print(f"{query.id:<32}{query.summary}")
        return 0
    program = load_knowledge(arguments.knowledge)
    documents = [read_document(name, arguments.input_format) for name in arguments.files]
    records = load_records(arguments.files, program, input_format=arguments.input_format) if arguments.files else None
    answers = assess(records, program, as_of=arguments.as_of).answers if records else ()
    bindings = dict(text.split("=", 1) for text in arguments.bind if "=" in text)
    if len(bindings) != len(arguments.bind):
        raise UsageError("A binding is malformed", why=" ".join(arguments.bind), repair="write NAME=TERM, each name once")
    store = load_store(program, folder, documents, answers)
    text = read_document(arguments.query, "turtle").text.decode("utf-8", "replace") if arguments.query.endswith(".rq") else arguments.query
    result = run_query(text, store, arguments.engine, bindings, folder=folder)
    sys.stdout.write(result.write(arguments.format).rstrip("\n") + "\n")
    return 0
