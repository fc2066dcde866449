"""Prove one conclusion."""

from __future__ import annotations

import argparse
import sys

from reasoner.cli.arguments import INPUT_FORMATS, instant, one_answer

__all__ = ["add_arguments"]


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """Add the arguments of `explain`."""
    verb.add_argument("file", metavar="FILE", help="a record document, or -")
    verb.add_argument(
        "conclusion",
        metavar="CONCLUSION",
        help="the CURIE of a class, recommendation, test or condition, or the key of a decision in the JSON",
    )
    verb.add_argument("--case", metavar="IRI", help="the case, when the document holds several")
    verb.add_argument("--input-format", choices=INPUT_FORMATS, help="instead of the file name's ending")
    verb.add_argument("--as-of", type=instant, metavar="INSTANT", help="judge at this ISO 8601 instant instead of the record's own")
    verb.add_argument("--all", action="store_true", help="every minimal reason, not one, up to a bound that is stated")
    verb.add_argument("--check", action="store_true", help="have each proof accepted by the separate checker before it is printed")
    verb.add_argument("--format", choices=("text", "json", "turtle", "dot"), default="text")
    verb.add_argument("--json", dest="format", action="store_const", const="json", help="short for --format json")
    verb.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    from reasoner.explanation import View
    from reasoner.proof_axioms import load_axioms
    from reasoner.proof_checker import Checker
    from reasoner.proof_formats import Words
    from reasoner.proofs import Prover
    from reasoner.resources import knowledge_folder

    program, answer = one_answer(arguments)
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
