"""Change facts and show which verdicts differ, or list the changes that would make them."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from reasoner.cli.arguments import add_as_of, add_format, add_one_case, one_answer
from reasoner.errors import UsageError

if TYPE_CHECKING:
    from reasoner.answer import CaseAnswer
    from reasoner.changes import Changes
    from reasoner.program.model import Program
    from reasoner.proof_data import Proof

__all__ = ["add_arguments"]


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """Add the arguments of `whatif`."""
    add_one_case(verb)
    wanted = verb.add_mutually_exclusive_group(required=True)
    wanted.add_argument(
        "--set",
        dest="changes",
        action="append",
        metavar="TERM=VALUE",
        help="a number for an indicator; present, new, old or absent for a finding; taken or stopped for a drug; unknown for any of "
        "them, which drops what the record says of it",
    )
    wanted.add_argument(
        "--goal",
        metavar="GOAL[=VERDICT]",
        help="list the smallest changes that give another verdict, or this one, on repeatDvtImaging, scope or a recommendation, by key, "
        "rule, IRI, CURIE, local name or label",
    )
    verb.add_argument("--prove", action="store_true", help="with --goal: prove each new verdict, and have the separate checker accept it")
    add_as_of(verb)
    add_format(verb, "text", "json")
    verb.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    import json

    from reasoner.consulting import suppose

    program, answer = one_answer(arguments)
    if arguments.goal:
        return _list_changes(arguments, program, answer)
    if arguments.prove:
        raise UsageError("There is nothing to prove", why="--prove belongs to --goal", repair="use --goal, or `explain` on changed records")
    supposed = suppose(program, answer, arguments.changes)
    if arguments.format == "json":
        print(json.dumps(supposed.to_json(), ensure_ascii=False))
    else:
        for each in supposed.differences:
            print(f"{each.what}: {each.before or 'not given'} -> {each.after or 'no longer given'}")
        if not supposed.differences:
            print("no verdict differs")
    return 0


def _list_changes(arguments: argparse.Namespace, program: Program, answer: CaseAnswer) -> int:
    import json

    from reasoner.changes import render_changes
    from reasoner.consulting import changes_document, list_changes

    found = list_changes(program, answer, arguments.goal)
    document = changes_document(answer, found)
    proven = _proven(arguments, program, answer, found) if arguments.prove else []
    if proven:
        document["sets"] = [{**row, "proof": proof.to_json()} for row, (proof, _) in zip(document["sets"], proven, strict=True)]
    if arguments.format == "json":
        print(json.dumps(document, ensure_ascii=False))
        return 0
    sys.stdout.write("\n".join([render_changes(found), *(f"{tree.rstrip()}\n" for _, tree in proven)]))
    return 0


def _proven(arguments: argparse.Namespace, program: Program, answer: CaseAnswer, found: Changes) -> list[tuple[Proof, str]]:
    """Return the proof of each new verdict, accepted by the checker, with its text."""
    from reasoner.changed_proofs import prove_changes
    from reasoner.explanation import View
    from reasoner.proof_axioms import load_axioms
    from reasoner.proof_checker import Checker
    from reasoner.proof_formats import Words
    from reasoner.resources import knowledge_folder

    folder = knowledge_folder(arguments.knowledge)
    axioms, checker = load_axioms(program, folder), Checker(folder)
    words = Words(axioms, View(program, answer.state, answer.statuses))
    proven = []
    for proof, known in prove_changes(axioms, answer.state.case, found, answer.as_of):
        checker.check(proof.to_json(), [each.to_json() for each in known])
        proven.append((proof, words.tree(proof)))
    print(f"legcramps: {len(proven)} of {len(proven)} proofs accepted by the checker", file=sys.stderr)
    return proven
