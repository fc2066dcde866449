"""Check record documents against the record shapes."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from reasoner.cli.arguments import add_inputs
from reasoner.errors import InputError, visible

if TYPE_CHECKING:
    from reasoner.validation import ValidationReport

__all__ = ["add_arguments"]


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """Add the arguments of `validate`."""
    add_inputs(verb)
    verb.add_argument("--format", choices=("text", "json"), default="text")
    verb.add_argument("--json", dest="format", action="store_const", const="json", help="short for --format json")
    verb.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
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
