"""Prove one conclusion."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from reasoner.cli.arguments import add_as_of, add_format, add_one_case, one_answer
from reasoner.errors import UsageError

if TYPE_CHECKING:
    from reasoner.answer import CaseAnswer
    from reasoner.program.model import Program

__all__ = ["add_arguments"]


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """Add the arguments of `explain`."""
    add_one_case(verb)
    verb.add_argument(
        "conclusion",
        metavar="CONCLUSION",
        help="a class, recommendation, test, condition, finding, drug or indicator by IRI, CURIE, local name or label, the id of a rule, "
        "the key of a decision in the JSON, or a sentence such as S7: every conclusion that rests on it",
    )
    add_as_of(verb)
    verb.add_argument("--all", action="store_true", help="every minimal reason, not one, up to a bound that is stated")
    verb.add_argument("--missing", action="store_true", help="the smallest sets of unknowns that settle a decision or recommendation")
    verb.add_argument("--check", action="store_true", help="have each proof accepted by the separate checker before it is printed")
    add_format(verb, "text", "json", "turtle", "dot")
    verb.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from reasoner.consulting import explain
    from reasoner.explanation import View
    from reasoner.program.premises import sentence_iri
    from reasoner.proof_axioms import load_axioms
    from reasoner.proof_checker import Checker
    from reasoner.proof_formats import Words
    from reasoner.proofs import Prover
    from reasoner.resources import knowledge_folder

    program, answer = one_answer(arguments)
    if arguments.missing:
        return _missing(arguments, program, answer)
    folder = knowledge_folder(arguments.knowledge)
    axioms, view = load_axioms(program, folder), View(program, answer.state, answer.statuses)
    prover = Prover(axioms, view, answer)
    explained = explain(prover, arguments.conclusion, every=arguments.all)
    if sentence_iri(arguments.conclusion) is not None:
        print(f"legcramps: {len(explained.proofs)} conclusions rest on {arguments.conclusion}", file=sys.stderr)
    if arguments.check:
        checker, known = Checker(folder), [each.to_json() for each in prover.given()]
        for proof in explained.proofs:
            checker.check(proof.to_json(), known)
        print(f"legcramps: {len(explained.proofs)} of {len(explained.proofs)} proofs accepted by the checker", file=sys.stderr)
    sys.stdout.write(Words(axioms, view).write(explained, arguments.format))
    return 0


def _missing(arguments: argparse.Namespace, program: Program, answer: CaseAnswer) -> int:
    import json
    from dataclasses import asdict

    from reasoner.explanation import View
    from reasoner.focus import goal_named
    from reasoner.missing import render_settling, settling_sets

    if arguments.format not in ("text", "json"):
        raise UsageError("What is missing is no proof", why=f"--format {arguments.format}", repair="use --format text or json")
    name = goal_named(program, arguments.conclusion).name
    found = settling_sets(View(program, answer.state, answer.statuses), answer.advice, name)
    if arguments.format == "json":
        print(json.dumps({"case": answer.state.case.iri, **asdict(found)}, ensure_ascii=False))
    else:
        sys.stdout.write(render_settling(found))
    return 0
