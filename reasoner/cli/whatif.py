"""Change facts and show which verdicts differ, or list the changes that would make them."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from reasoner.cli.arguments import INPUT_FORMATS, instant, one_answer

if TYPE_CHECKING:
    from reasoner.answer import CaseAnswer
    from reasoner.program.model import Program

__all__ = ["add_arguments"]


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """Add the arguments of `whatif`."""
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
    verb.add_argument("--input-format", choices=INPUT_FORMATS, help="instead of the file name's ending")
    verb.add_argument("--as-of", type=instant, metavar="INSTANT", help="judge at this ISO 8601 instant instead of the record's own")
    verb.add_argument("--format", choices=("text", "json"), default="text")
    verb.add_argument("--json", dest="format", action="store_const", const="json", help="short for --format json")
    verb.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    import json
    from dataclasses import asdict

    from reasoner.answering import answer_case
    from reasoner.counterfactual import apply_changes, differences, parse_change
    from reasoner.report import case_document

    program, answer = one_answer(arguments)
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
