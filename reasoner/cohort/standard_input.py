"""Keep standard input in a file while a cohort is answered: a cohort is read in stretches, some of them twice.

The file stands beside the output and goes when the run ends. Its name and time depend on its bytes alone, so that a run that
was stopped is taken up when the same bytes come again.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from reasoner.documents import form_of_text
from reasoner.errors import InputError, UnsupportedInputError, UsageError

__all__ = ["with_standard_input"]

_ENDINGS = {
    "fhir": ".json",
    "fhir-ndjson": ".ndjson",
    "fhir-turtle": ".ttl",
    "json-ld": ".jsonld",
    "n-quads": ".nq",
    "n-triples": ".nt",
    "rdf-xml": ".rdf",
    "trig": ".trig",
    "turtle": ".ttl",
}
_PART = 1 << 20


@contextmanager
def with_standard_input(inputs: Iterable[Path | str], out: Path, input_format: str | None) -> Iterator[tuple[str, ...]]:
    """Give the names of files for `inputs`: that of a file which holds standard input for `-`.

    Raise InputError when standard input cannot be read, UnsupportedInputError when its format is none of a cohort, UsageError when there is
    no room for it, or when a format is named and there is no `-` of that format.
    """
    names = tuple(map(str, inputs))
    if "-" not in names:
        if input_format:
            raise UsageError(
                "No input needs a format", why="the endings of files name theirs", repair="leave --input-format out, or name -"
            )
        yield names
        return
    kept = _kept(out.resolve(), input_format)
    try:
        yield tuple(str(kept) if name == "-" else name for name in names)
    finally:
        kept.unlink(missing_ok=True)


def _kept(out: Path, input_format: str | None) -> Path:
    """Return the file beside `out` into which standard input was written."""
    head = _read()
    if not head.strip():
        raise InputError("The input is empty", where="-", repair="give a document that holds at least one case")
    form = input_format or form_of_text(head)
    if form not in _ENDINGS:
        raise UnsupportedInputError(f"The format {form} is not read of a cohort", where="-", repair=f"use one of {', '.join(_ENDINGS)}")
    temporary = None
    digest = hashlib.sha256()
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("wb", dir=out.parent, prefix=f".{out.name[:40]}.", delete=False) as file:
            temporary = Path(file.name)
            while head:
                digest.update(head)
                file.write(head)
                head = _read()
        os.utime(temporary, (0, 0))
        return temporary.replace(out.parent / f"{out.name}.stdin-{digest.hexdigest()[:16]}{_ENDINGS[form]}")
    except OSError as error:
        why = error.strerror or str(error)
        raise UsageError(
            "Standard input cannot be kept", where=str(out.parent), why=why, repair="name an --out where there is room"
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _read() -> bytes:
    try:
        return sys.stdin.buffer.read(_PART)
    except (AttributeError, OSError, ValueError) as error:  # it may be closed
        why = getattr(error, "strerror", None) or str(error)
        raise InputError("The input cannot be read", where="-", why=why, repair="give it, or name a file") from error
