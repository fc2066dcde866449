"""Account for every resource: used, or left unused for one reason.

| reason | resources |
|---|---|
| `duplicate`, `older-version` | sent twice with the same content; of several versions the older |
| `deleted`, `withdrawn-document` | withdrawn by a DELETE request, or with a document that was entered in error |
| `other-type` | of a type that is not read |
| `no-fact` | an order (ServiceRequest), or an intolerance whose code means no finding: no fact that is asked about |
| `groups-others` | panels and reports that say nothing of their own |
| `malformed-line` | lines of a bulk export that hold no resource |
| the code of a problem | its first problem; `unknown-code` and `not-understood` come last |
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Counts", "Unused", "counted", "minus", "summed"]


@dataclass(frozen=True, slots=True, order=True)
class Unused:
    """How many resources of a type were left unused for a reason."""

    reason: str
    kind: str
    count: int


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the resources: `entries` = `patients` + `definitions` + `recorded` + the counts of `unused`.

    Definitions are Medication and Substance, `recorded` resources made a record that names a term. `records` and
    `problems` count the outcome, over all cases.
    """

    entries: int
    patients: int
    definitions: int
    recorded: int
    unused: tuple[Unused, ...]
    records: int
    problems: int

    def left_out(self, *reasons: str) -> int:
        """Return how many resources were left unused for one of `reasons`, or at all when none is named."""
        return sum(each.count for each in self.unused if not reasons or each.reason in reasons)


def counted(unused: Counter[tuple[str, str]]) -> tuple[Unused, ...]:
    """Return counts by reason and type, sorted."""
    return tuple(sorted(Unused(reason, kind, count) for (reason, kind), count in unused.items() if count))


def summed(parts: Iterable[Counts]) -> Counts:
    """Return the counts of several readings as one."""
    return _combined([(1, part) for part in parts])


def minus(whole: Counts, part: Counts) -> Counts:
    """Return the counts of a reading without those of a part of it."""
    return _combined([(1, whole), (-1, part)])


def _combined(parts: Iterable[tuple[int, Counts]]) -> Counts:
    unused: Counter[tuple[str, str]] = Counter()
    totals = [0] * 6
    for sign, part in parts:
        for each in part.unused:
            unused[each.reason, each.kind] += sign * each.count
        numbers = (part.entries, part.patients, part.definitions, part.recorded, part.records, part.problems)
        totals = [total + sign * number for total, number in zip(totals, numbers, strict=True)]
    entries, patients, definitions, recorded, records, problems = totals
    return Counts(entries, patients, definitions, recorded, counted(unused), records, problems)
