"""Read several inputs together, so that one that cannot be read costs only itself."""

from __future__ import annotations

from collections.abc import Sequence

from reasoner.errors import InputError
from reasoner.fhir.reading import FhirReading, read_sources
from reasoner.fhir.sources import Source
from reasoner.program.model import Program

__all__ = ["read_together"]


def read_together(sources: Sequence[Source], program: Program, base: str, failures: list[InputError]) -> FhirReading:
    """Return the cases of inputs that refer to each other; one that cannot be read joins `failures` and is left out.

    Raise its InputError when there is no other.
    """
    try:
        return read_sources(sources, program, base)
    except InputError as error:
        if len(sources) == 1:
            name = sources[0].name
            error.where = error.where if error.where.startswith(name) else ", ".join(filter(None, (name, error.where)))
            raise
        alone = [source for source in sources if not _fails(source, program, base, failures)]
        if not alone or len(alone) == len(sources):
            raise
        return read_together(alone, program, base, failures)


def _fails(source: Source, program: Program, base: str, failures: list[InputError]) -> bool:
    try:
        read_together([source], program, base, failures)
    except InputError as error:
        failures.append(error)
        return True
    return False
