"""Check record documents against the record shapes, and say of FHIR and tables what is used of them."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from reasoner.cli.arguments import add_format, add_inputs
from reasoner.errors import InputError, visible

if TYPE_CHECKING:
    from reasoner.documents import Document
    from reasoner.fhir import FhirVerdict
    from reasoner.program.model import Program
    from reasoner.validation import ValidationReport

__all__ = ["add_arguments"]

_FHIR_ENGINE = "the reader of FHIR R4 and R5"


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """Add the arguments of `validate`."""
    add_inputs(verb)
    add_format(verb, "text", "json")
    verb.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from reasoner.documents import FHIR_FORMATS, TABLE_FORMATS, read_document
    from reasoner.record_validation import validate_records
    from reasoner.resources import knowledge_folder, load_knowledge
    from reasoner.table_validation import validate_table

    folder = knowledge_folder(arguments.knowledge)
    program = load_knowledge(arguments.knowledge)
    conform: list[bool] = []
    failures: list[InputError] = []
    fhir: list[Document] = []
    for name in arguments.files:
        try:
            document = read_document(name, arguments.input_format, arguments.max_size)
            if document.format in FHIR_FORMATS:
                fhir.append(document)
                continue
            if document.format in TABLE_FORMATS:
                report = validate_table(document, arguments.mapping, program)
            else:
                report = validate_records(document, folder, program)
        except InputError as error:
            failures.append(error)
        else:
            conform.append(report.conforms)
            _print_validation(name, report, arguments.format)
    if fhir:
        conform += _validate_fhir(fhir, program, arguments, failures)
    if failures and not conform:
        raise failures[0]
    for failure in failures:
        print(f"legcramps: {failure}", file=sys.stderr)
    return 0 if not failures and all(conform) else 1


def _validate_fhir(documents: list[Document], program: Program, arguments: argparse.Namespace, failures: list[InputError]) -> list[bool]:
    """Print the verdict on FHIR documents, which are read together; return whether they conform, nothing when none was read."""
    from reasoner.documents import FHIR_FORMATS
    from reasoner.fhir import Source, judge, read_together

    sources = [Source(each.name, each.text, FHIR_FORMATS[each.format]) for each in documents]
    try:
        verdict = judge(read_together(sources, program, arguments.base, failures))
    except InputError as error:
        failures.append(error)
        return []
    name = ", ".join(each.name for each in documents)
    (_print_fhir_data if arguments.format == "json" else _print_fhir)(name, verdict)
    return [verdict.conforms]


def _print_fhir_data(name: str, verdict: FhirVerdict) -> None:
    import json
    from dataclasses import asdict

    resources = asdict(verdict.counts)
    print(
        json.dumps(
            {
                "file": name,
                "conforms": verdict.conforms,
                "engine": _FHIR_ENGINE,
                "results": [asdict(each) for each in verdict.problems],
                "resources": {key: resources[key] for key in ("entries", "patients", "definitions", "recorded", "unused")},
                "unknownCodes": [asdict(each) for each in verdict.unknown],
            }
        )
    )


def _print_fhir(name: str, verdict: FhirVerdict) -> None:
    from reasoner.fhir.verdict import VIOLATIONS

    for each in (problem for problem in verdict.problems if problem.code != "unknown-code"):  # they are counted below
        severity = "Violation" if each.code in VIOLATIONS else "Info"
        print(visible(f"{each.sources[0] if each.sources else name}: {severity}: {each.text} [{each.code}]"))
    counts = verdict.counts
    print(f"{counts.entries} resources = {counts.patients} patients + {counts.definitions} definitions + {counts.recorded} used", end="")
    print(f" + {counts.left_out()} not used")
    for reason in sorted({each.reason for each in counts.unused}, key=lambda each: (-counts.left_out(each), each)):
        kinds = ", ".join(f"{each.kind} {each.count}".strip() for each in counts.unused if each.reason == reason)
        print(visible(f"  {counts.left_out(reason):6} {reason}: {kinds}"))
    for code in verdict.unknown:
        print(visible(f"  {code.count:6} times no term for {code.code} “{code.words}”"))
    print(visible(f"{name}: {'conforms' if verdict.conforms else 'does not conform'} ({len(verdict.problems)} results, {_FHIR_ENGINE})"))


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
