"""Parse the command line, call one function, print what it returns."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

from reasoner.errors import LegcrampsError, UsageError, shortened

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

__all__ = ["VERBS", "main"]

VERBS = {
    "assess": "answer cases: red flags, repeat imaging, next tests, differential",
    "validate": "check records against the record shapes; say what is used of FHIR, and why not the rest",
    "explain": "prove one conclusion down to the records and the guideline sentence",
    "whatif": "change facts, assess again, and show which verdicts differ",
    "query": "ask SPARQL over knowledge, records and what follows from them",
    "cohort": "answer many cases at once into Parquet tables; goes on where it was stopped",
    "convert": "turn records, and what follows from them, into another form",
    "serve": "serve knowledge, records and what follows from them over HTTP: SPARQL and a health report",
    "publish": "write knowledge, records and what follows from them into a remote SPARQL store, and verify it",
    "probe": "say what a remote SPARQL store can do, and what it changes",
    "backup": "write all that a store holds into one file, also while it is served",
    "restore": "make a store of a backup, once it has proved whole",
    "check": "check ontology, shapes, queries and documents, each finding with its repair",
    "fmt": "rewrite Turtle files in the canonical form, and list new modules in master and catalogue; nothing is lost",
    "diff": "say which terms, entailments and patients' verdicts differ between two versions of the knowledge",
    "new": "begin a condition, finding, test, drug or recommendation: its Turtle, and what is to be filled in",
    "template": "read a table in the manner of ROBOT's templates into Turtle, or write Turtle as such a table",
    "docs": "write what the knowledge says as a static site that opens from a folder",
    "doctor": "say what this installation has and lacks",
}
"""What the verbs do, in the order in which the help lists them; each is a module of this package."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return the documented exit code: 0 fine, 1 violations, 2 could not run, 3 incomplete, 4 internal."""
    arguments = argparse.Namespace()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        _parser().parse_args(argv, arguments)
        run: Callable[[argparse.Namespace], int] = arguments.run
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
        return _fail(error, getattr(arguments, "traceback", False))


def _fail(error: Exception, traceback: bool) -> int:
    """Say on one line what went wrong and return its exit code; anything unforeseen is an internal error."""
    if isinstance(error, OSError):
        _abandon_output()
    if traceback:
        from traceback import print_exception

        print_exception(error)
    if _is_of_output(error):
        why = getattr(error, "strerror", None) or "standard output is closed"
        error = UsageError("The output cannot be written", where="standard output", why=why, repair="send it where there is room")
    if not isinstance(error, LegcrampsError):
        why = f"{type(error).__name__}: {shortened(str(error))}"
        error = LegcrampsError("Internal error", why=why, repair="report it, with what `legcramps --traceback …` prints")
    with contextlib.suppress(OSError):  # standard error may be full, too; the exit code still tells
        print(f"legcramps: {error}", file=sys.stderr)
    return error.exit_code


def _is_of_output(error: Exception) -> bool:
    """Return whether standard output took no more: what is written elsewhere fails with the name of its file, or as an error of ours."""
    return isinstance(error, AttributeError) if sys.stdout is None else isinstance(error, OSError) and error.filename is None


def _abandon_output() -> None:
    """Let what is still to be written to a closed or full output go nowhere, so that the interpreter ends in peace."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="legcramps", description="Reason over bilateral leg cramps: proven next tests and imaging verdicts. Not medical advice."
    )
    parser.add_argument(
        "--knowledge", metavar="DIR", help="folder that holds ontology/, shapes/ and queries/ (default: the one that came along)"
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version of this installation")
    parser.add_argument("--traceback", action="store_true", help="print the Python traceback of an error as well")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True, parser_class=_Verb)
    for name, summary in VERBS.items():
        verbs.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.").verb = name
    return parser


class _Parser(argparse.ArgumentParser):
    """Says what is wrong with a call as every error is said; its help is output, and a failure to write it is told."""

    def print_help(self, file: SupportsWrite[str] | None = None) -> None:
        """Write the help; raise OSError where it cannot be written, which argparse would pass over."""
        out = file or sys.stdout
        out.write(self.format_help())
        sys.stdout.flush()

    def error(self, message: str) -> NoReturn:
        """Leave with the reason and the repair on one line."""
        error = UsageError("The call is wrong", why=shortened(message, 500), repair=f"see {self.prog} --help")
        self.exit(error.exit_code, f"legcramps: {error}\n")


class _Version(argparse.Action):
    """Prints the version and leaves."""

    def __call__(self, parser: argparse.ArgumentParser, *given: Any) -> NoReturn:
        """Print name and version of the installation."""
        from reasoner.version import installed_version

        sys.stdout.write(f"{parser.prog} {installed_version() or '(not installed, runs from its folder)'}\n")
        sys.stdout.flush()
        parser.exit()


class _Verb(_Parser):
    """A verb; its module is imported, and its arguments are added, when the verb is on the command line."""

    verb = ""

    def parse_known_args(self, *given: Any, **named: Any) -> Any:
        """Add the arguments, then parse them."""
        import_module(f"reasoner.cli.{self.verb}").add_arguments(self)
        return super().parse_known_args(*given, **named)
