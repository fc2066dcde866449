"""Parse the command line, call one function, print what it returns."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
from collections.abc import Callable, Sequence

from reasoner.cli import assess, check, cohort, convert, diff, doctor, explain, fmt, query, validate, whatif
from reasoner.errors import LegcrampsError, shortened

__all__ = ["main"]

_VERBS = (assess, validate, explain, whatif, query, cohort, convert, check, fmt, diff, doctor)
"""The modules of the verbs, in the order in which the help lists them."""


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
    for verb in _VERBS:
        verb.add_verb(verbs)
    return parser
