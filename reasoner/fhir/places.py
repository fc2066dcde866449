"""Say of each resource of a reading in which input it stands, and on which line of a bulk export."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from reasoner.errors import InputError
from reasoner.fhir.entries import Entry, gather_entries
from reasoner.fhir.sources import BadLine, Source, numbered_resources

__all__ = ["placed_entries"]


def placed_entries(sources: Sequence[Source], base: str) -> Iterator[tuple[Entry, Source, int]]:
    """Yield the entries of inputs that were read together, named as `read_together` names them, with input and line.

    The line is 0 where the input is no bulk export; inputs that cannot be read are left out.
    """
    address = base if base.endswith("/") else base + "/"
    try:
        yield from _entries(sources, address)
    except InputError:
        yield from _entries([source for source in sources if _is_read(source, address)], address)


def _is_read(source: Source, base: str) -> bool:
    try:
        _entries([source], base)
    except InputError:
        return False
    return True


def _entries(sources: Iterable[Source], base: str) -> list[tuple[Entry, Source, int]]:
    held = [(source, number, each) for source in sources for number, each in numbered_resources(source, base)]
    read = [(source, number, each) for source, number, each in held if not isinstance(each, BadLine)]
    entries = gather_entries([each for *_, each in read], base).entries
    return [(entry, *read[entry.document][:2]) for entry in entries]
