"""Read a bulk export patient by patient, in memory that does not grow with the number of patients.

An export has a file per resource type, so what belongs to one patient stands far apart. The first pass reads each line
once and notes on disk whom it is about (see `lookup`); the second gathers the lines of one patient, and the Medication
and Substance lines that they refer to, and reads them as if they had come alone. In memory are: one patient's resources, each
definition of one content once, counts by reason and type, and at most 100 lines that belong to nobody.

The same lines read at once give the same cases and counts, but for repeated resources of types that are not read (they
are counted under their type) and two resources of one id about different patients (each is read for its own).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from reasoner.errors import InputError, UnsupportedInputError
from reasoner.fhir.accounts import Counts, Unused, counted, minus, summed
from reasoner.fhir.codes import Codes
from reasoner.fhir.elements import Element, child, children, string
from reasoner.fhir.entries import Entry, gather_entries
from reasoner.fhir.lookup import Line, Lookup, open_lookup
from reasoner.fhir.reading import BASE, DEFINITIONS, FhirReading, is_read, other_types, read_resources, subject_of, unread
from reasoner.fhir.references import entry_names, reference_keys
from reasoner.fhir.sources import BadLine, BadLines, read_line
from reasoner.moments import Moment
from reasoner.program.model import Program
from reasoner.record import Problem

__all__ = ["LARGEST", "stream_exports"]

LARGEST = 64 * 1024 * 1024
"""Bytes that one line, and all lines of one patient with the definitions that they refer to, may have."""

_BATCH = 100
_DEEPEST_DEFINITION = 5


def stream_exports(
    paths: Iterable[Path | str], program: Program, base: str = BASE, as_of: Moment | None = None, *, largest: int = LARGEST
) -> Iterator[FhirReading]:
    """Yield one reading per patient of NDJSON files, in order of appearance, then what belongs to no patient.

    The counts of all readings add up to those of the export. Raise InputError for a file that cannot be opened, and
    UnsupportedInputError for another version of FHIR, both before the first reading.
    """
    address = base if base.endswith("/") else base + "/"
    codes = Codes(program)
    with ExitStack() as stack:
        files = [stack.enter_context(_opened(path)) for path in paths]
        lookup = stack.enter_context(open_lookup())
        rest = _Indexing(lookup, codes, address).run(files, largest)
        yield from _Grouping(files, lookup, codes, address, as_of, largest).run()
        yield rest


def _opened(path: Path | str) -> BinaryIO:
    try:
        return Path(path).open("rb")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise InputError("The input cannot be read", where=str(path), why=why, repair="check the path") from error


def _lines(place: int, file: BinaryIO, largest: int) -> Iterator[tuple[int, Line, bytes | None]]:
    """Yield row, place and text of each line that is not blank; the text is None when it is longer than `largest`."""
    row = start = 0
    while text := file.readline(largest):
        row += 1
        length = len(text)
        whole = length < largest or text.endswith(b"\n")
        while not text.endswith(b"\n") and (more := file.readline(largest)):
            text = more
            length += len(more)
        if not whole or text.strip():
            yield row, Line(place, start, length), text if whole else None
        start += length


class _Indexing:
    """The first pass: each line is noted by whom it is about, or counted at once when no patient's reading will count it."""

    def __init__(self, lookup: Lookup, codes: Codes, base: str) -> None:
        self._lookup = lookup
        self._codes = codes
        self._base = base
        self._number = self._seen = 0
        self._unread: Counter[tuple[str, str]] = Counter()
        self._definitions = summed(())
        self._bad = BadLines()

    def run(self, files: Iterable[BinaryIO], largest: int) -> FhirReading:
        """Note all lines; return what became of those that no patient's reading will count."""
        for place, file in enumerate(files):
            found = False
            for row, line, text in _lines(place, file, largest):
                where = f"{file.name}:{row}"
                held = BadLine(where, f"it has more than {largest} bytes") if text is None else read_line(text, where)
                if isinstance(held, BadLine):
                    self._bad.add(held)
                else:
                    found = True
                    self._add(line, held)
            if not found:
                raise UnsupportedInputError("The file holds no FHIR resource", where=file.name, repair="leave it out")
        self._unread["malformed-line", ""] = self._bad.total
        problems = (*self._bad.problems(), *other_types(self._unread))
        alone = Counts(self._unread.total(), 0, 0, 0, counted(self._unread), 0, len(problems))
        return FhirReading((), problems, summed([alone, self._definitions]))

    def _add(self, line: Line, resource: Element) -> None:
        entries = gather_entries([resource], self._base, self._seen).entries
        self._number += 1
        self._seen += len(entries)
        kind = string(resource, "resourceType")
        patients = [entry for entry in entries if entry.kind == "Patient"]
        if kind == "Patient":
            self._lookup.add_patient(self._number, line, entries[0].node, entry_names(entries[0]))
        elif kind == "Bundle":
            self._add_bundle(line, entries, patients)
        elif kind in DEFINITIONS:
            self._lookup.add_definition(line, entry_names(entries[0]), json.dumps(resource, sort_keys=True, default=str).encode())
            self._definitions = summed([self._definitions, read_resources([resource], self._codes, self._base).counts])
        elif is_read(kind, resource) and patients and string(subject_of(entries[0]), "reference").startswith("#"):
            self._lookup.add_patient(self._number, line, patients[0].node, ())
        elif is_read(kind, resource) or len(entries) > 1:
            self._lookup.add_line(self._number, line, reference_keys(subject_of(entries[0])))
        else:
            self._unread[unread(kind)] += 1

    def _add_bundle(self, line: Line, entries: tuple[Entry, ...], patients: list[Entry]) -> None:
        """Note a Bundle, which must be about one patient, by that patient or by what its resources say."""
        keys = {reference_keys(subject_of(entry)) for entry in entries if is_read(entry.kind, entry.resource) and entry.home is None}
        if len(patients) == 1:
            self._lookup.add_patient(self._number, line, patients[0].node, entry_names(patients[0]))
        elif not patients and len(keys) < 2:
            self._lookup.add_line(self._number, line, keys.pop() if keys else ())
        else:
            raise UnsupportedInputError(
                "A line with a Bundle about several patients cannot be streamed",
                why=f"it names {len(patients) or len(keys)}",
                repair="write one resource, or one patient's Bundle, per line",
            )


class _Grouping:
    """The second pass: the lines of each patient are read together, with the definitions that they refer to."""

    def __init__(self, files: list[BinaryIO], lookup: Lookup, codes: Codes, base: str, as_of: Moment | None, largest: int) -> None:
        self._files = files
        self._lookup = lookup
        self._codes = codes
        self._base = base
        self._as_of = as_of
        self._largest = largest
        self._seen = 0

    def run(self) -> Iterator[FhirReading]:
        """Yield a reading per patient, and per batch of lines that belong to none."""
        for known, lines in self._lookup.by_patient():
            while batch := list(lines if known else islice(lines, _BATCH)):
                yield self._read(batch)

    def _read(self, lines: list[Line]) -> FhirReading:
        size = sum(line.length for line in lines)
        if size > self._largest:
            return _too_large(lines, size, [self._place(line) for line in lines[:_BATCH]])
        own = [resource for line in lines if (resource := self._resource(line)) is not None]
        lent, lent_size = self._definitions(own, self._largest - size)
        if size + lent_size > self._largest:
            return _too_large(lines, size + lent_size, [self._place(line) for line in lines[:_BATCH]])
        found = read_resources([*own, *lent], self._codes, self._base, self._as_of, before=self._seen)
        self._seen += found.counts.entries
        return replace(found, counts=minus(found.counts, read_resources(lent, self._codes, self._base).counts)) if lent else found

    def _resource(self, line: Line) -> Element | None:
        file = self._files[line.file]
        file.seek(line.start)
        held = read_line(file.read(line.length), self._place(line))
        return None if isinstance(held, BadLine) else held

    def _place(self, line: Line) -> str:
        return f"{self._files[line.file].name}, byte {line.start}"

    def _definitions(self, resources: Iterable[Element], room: int) -> tuple[list[Element], int]:
        """Return what `resources` refer to as their medicine, what that consists of, and the bytes of it; more than `room` is not read."""
        seen: set[Line] = set()
        held: list[Element] = []
        found, size = list(resources), 0
        for _ in range(_DEEPEST_DEFINITION):
            single = [part for resource in found for part in _parts(resource)]
            keys = {key for resource in single for reference in _named(resource) for key in reference_keys(reference)}
            lines = {line for key in keys for line in self._lookup.definitions(key)} - seen
            seen |= lines
            size += sum(line.length for line in lines)
            if size > room:
                break
            found = [resource for line in sorted(lines) if (resource := self._resource(line)) is not None]
            held += found
        return held, size


def _parts(resource: Element) -> tuple[Element, ...]:
    """Return the resources of a Bundle, or the resource itself with what it contains."""
    if string(resource, "resourceType") == "Bundle":
        return tuple(child(entry, "resource") for entry in children(resource, "entry"))
    return (resource, *children(resource, "contained"))


def _named(resource: Element) -> Iterator[Element]:
    yield child(resource, "medicationReference")
    for ingredient in children(resource, "ingredient"):
        yield child(ingredient, "itemReference")


def _too_large(lines: list[Line], size: int, places: list[str]) -> FhirReading:
    problem = Problem(
        "too-large",
        f"the lines of one patient, with the definitions they refer to, have {size} bytes",
        "",
        tuple(places),
        "raise the limit",
    )
    return FhirReading((), (problem,), Counts(len(lines), 0, 0, 0, (Unused("too-large", "", len(lines)),), 0, 1))
