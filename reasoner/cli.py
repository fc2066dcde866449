"""Parse the command line, call one function, print what it returns."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from reasoner.errors import LegcrampsError, UsageError

if TYPE_CHECKING:
    from reasoner.program.model import Program
    from reasoner.report import CaseAnswer

__all__ = ["main"]

_FORMATS = ("turtle", "trig", "n-triples", "n-quads", "json-ld", "rdf-xml", "fhir")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return the documented exit code: 0 fine, 1 violations, 2 could not run, 3 incomplete, 4 internal."""
    arguments = _parser().parse_args(argv)
    run: Callable[[argparse.Namespace], int] = arguments.run
    try:
        return run(arguments)
    except LegcrampsError as error:
        print(f"legcramps: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        sys.stderr.close()
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="legcramps", description="Reason over bilateral leg cramps: proven next tests and imaging verdicts. Not medical advice."
    )
    parser.add_argument(
        "--knowledge", metavar="DIR", help="folder that holds ontology/, shapes/ and queries/ (default: the one that came along)"
    )
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    _add_assess(verbs)
    _add_validate(verbs)
    _add_explain(verbs)
    _add_whatif(verbs)
    return parser


def _inputs(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="records in Turtle, TriG, N-Triples, N-Quads, JSON-LD, RDF/XML or FHIR JSON; - is standard input",
    )
    verb.add_argument("--input-format", choices=_FORMATS, help="instead of the file name's ending")
    verb.add_argument("--max-size", type=int, default=None, metavar="BYTES", help="largest file that is read (default 64 MiB)")
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
        return datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"“{text}” is no ISO 8601 instant, such as 2026-11-20T09:00:00Z") from None


def _assess(arguments: argparse.Namespace) -> int:
    from reasoner.answering import assess, load_records, undated
    from reasoner.documents import DEFAULT_MAX_SIZE
    from reasoner.resources import load_knowledge
    from reasoner.text import render_text

    if arguments.max_size is not None and arguments.max_size < 1:
        raise UsageError("--max-size must be at least 1", repair="give a number of bytes")
    program = load_knowledge(arguments.knowledge)
    records = load_records(
        arguments.files, program, input_format=arguments.input_format, max_size=arguments.max_size or DEFAULT_MAX_SIZE, base=arguments.base
    )
    if arguments.as_of is None:
        for case in undated(records):
            print(f"legcramps: {case} states no as-of instant; the present one is used", file=sys.stderr)
    for failure in records.failures:
        print(f"legcramps: {failure}", file=sys.stderr)
    report = assess(records, program, as_of=arguments.as_of)
    sys.stdout.write(report.dumps() + "\n" if arguments.format == "json" else render_text(report.to_document()))
    return 1 if report.broken else 0


def _add_validate(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verb = verbs.add_parser("validate", help="check record documents against the record shapes")
    _inputs(verb)
    verb.add_argument("--format", choices=("text", "json"), default="text")
    verb.add_argument("--json", dest="format", action="store_const", const="json", help="short for --format json")
    verb.set_defaults(run=_validate)


def _validate(arguments: argparse.Namespace) -> int:
    import json
    from dataclasses import asdict

    from reasoner.documents import DEFAULT_MAX_SIZE, read_document
    from reasoner.resources import knowledge_folder, load_knowledge
    from reasoner.validation import validate_document

    folder = knowledge_folder(arguments.knowledge)
    program = load_knowledge(arguments.knowledge)
    conforms = True
    for name in arguments.files:
        document = read_document(name, arguments.input_format, arguments.max_size or DEFAULT_MAX_SIZE)
        report = validate_document(document, folder, program)
        conforms = conforms and report.conforms
        if arguments.format == "json":
            print(
                json.dumps(
                    {
                        "file": name,
                        "conforms": report.conforms,
                        "engine": report.engine,
                        "results": [asdict(each) for each in report.results],
                    }
                )
            )
        else:
            for each in report.results:
                print(f"{each.where}: {each.severity}: {each.message} [{each.component}]")
            print(f"{name}: {'conforms' if report.conforms else 'does not conform'} ({len(report.results)} results, {report.engine})")
    return 0 if conforms else 1


def _add_explain(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verb = verbs.add_parser("explain", help="prove one conclusion down to the records and the guideline sentence")
    verb.add_argument("file", metavar="FILE", help="a record document, or -")
    verb.add_argument(
        "conclusion",
        metavar="CONCLUSION",
        help="a class, recommendation, test or condition such as lc:ArterialDuplex, or repeatDvtImaging or scope",
    )
    verb.add_argument("--case", metavar="IRI", help="the case, when the document holds several")
    verb.add_argument("--input-format", choices=_FORMATS, help="instead of the file name's ending")
    verb.add_argument("--as-of", type=_instant, metavar="INSTANT", help="judge at this ISO 8601 instant instead of the record's own")
    verb.add_argument("--format", choices=("text", "json"), default="text")
    verb.add_argument("--json", dest="format", action="store_const", const="json", help="short for --format json")
    verb.set_defaults(run=_explain)


def _explain(arguments: argparse.Namespace) -> int:
    import json

    from reasoner.explanation import View
    from reasoner.proofs import explain, render_proof

    program, answer = _one_answer(arguments)
    proof = explain(View(program, answer.state, answer.statuses), answer, arguments.conclusion)
    print(json.dumps(proof.to_json(), ensure_ascii=False, indent=1) if arguments.format == "json" else render_proof(proof))
    return 0


def _add_whatif(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verb = verbs.add_parser("whatif", help="change facts, assess again, and show which verdicts differ")
    verb.add_argument("file", metavar="FILE", help="a record document, or -")
    verb.add_argument(
        "--set",
        dest="changes",
        action="append",
        required=True,
        metavar="TERM=VALUE",
        help="such as ABI=0.95, lc:DarkUrine=present, lc:Statin=stopped",
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


def _one_answer(arguments: argparse.Namespace) -> tuple[Program, CaseAnswer]:
    """Return the program and the one case that the arguments choose."""
    from reasoner.answering import assess, load_records
    from reasoner.resources import load_knowledge

    program = load_knowledge(arguments.knowledge)
    report = assess(load_records([arguments.file], program, input_format=arguments.input_format), program, as_of=arguments.as_of)
    answers = [answer for answer in report.answers if arguments.case in (None, answer.state.case.iri)]
    if len(answers) != 1:
        names = ", ".join(answer.state.case.iri for answer in report.answers)
        raise UsageError("One case must be chosen", why=f"the document holds {names}", repair="name one by --case")
    return program, answers[0]
