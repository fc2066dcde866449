"""Take back the facts that contradict each other: in those cases only, the facts are stated and parted as for a single case.

What the facts that hold together settle is then derived with that of all other cases.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

import numpy as np

from reasoner.abstraction.conflicts import fact_conflicts, part
from reasoner.abstraction.exposures import diagnosis_facts, exposure_facts
from reasoner.abstraction.findings import finding_facts
from reasoner.abstraction.state import Conflict, Fact
from reasoner.cohort.asked import Asked
from reasoner.cohort.clock import Clock
from reasoner.cohort.known import Known
from reasoner.cohort.lexicon import Ids
from reasoner.cohort.planes import Plane, Planes, Space, grouped
from reasoner.cohort.rebuilt import Rebuilder
from reasoner.cohort.single import Settings
from reasoner.moments import Moment
from reasoner.program.model import Program
from reasoner.terms import RecordKind, Role

__all__ = ["Contradictions", "Facts", "contradictions_of", "readings_of"]

_SAID = itemgetter(slice(3))
_STATING = (RecordKind.FINDING, RecordKind.MEDICATION, RecordKind.DIAGNOSIS, RecordKind.CLOSURE)

Facts = dict[tuple[str, str, bool], Plane]
"""Where each fact holds, by role, term and presence."""


@dataclass(frozen=True, slots=True)
class Contradictions:
    """The facts that contradict each other, by the place of the case, and the cases as a plane."""

    clashing: Mapping[int, Sequence[Fact]]
    plane: Plane

    def conflicts(self, program: Program) -> dict[int, list[Conflict]]:
        """Return the conflicts of each case."""
        return {case: fact_conflicts(list(facts), program) for case, facts in self.clashing.items()}


def contradictions_of(
    cases: Ids, rebuilder: Rebuilder, asked: Asked, settings: Settings, clock: Clock, space: Space, facts: Facts, spoken: Planes
) -> Contradictions:
    """Return what contradicts itself in some cases; `facts` and the findings named in `spoken` are left with what holds together."""
    plane = space.pack(cases)
    if not len(cases):
        return Contradictions({}, plane)
    others, program = ~plane, asked.program
    for planes in (facts, spoken):
        for key, everywhere in planes.items():
            planes[key] = everywhere & others
    clashing: dict[int, Sequence[Fact]] = {}
    numbers: dict[tuple[str, str, bool], int] = defaultdict(lambda: len(numbers))
    kept: list[int] = []
    counts: list[int] = []
    for number, case in zip(cases.tolist(), rebuilder.cases(cases, {}, _STATING), strict=True):
        as_of = settings.moment(case)
        scan = bool(clock.scanned[number]), _scan(clock, number)
        stated = [*finding_facts(case, program, as_of, scan), *exposure_facts(case, program, as_of), *diagnosis_facts(case, as_of)]
        holding, clashing[number] = part(stated, program)
        kept += map(numbers.__getitem__, map(_SAID, holding))
        counts.append(len(holding))
    said = list(numbers)
    for code, own in grouped(np.array(kept, dtype=np.int64), np.repeat(cases, counts)):
        role, term, present = said[code]
        if not present and role == Role.TAKES and term not in asked.not_taken:
            continue
        held = space.pack(own)
        facts[role, term, present] = facts.get((role, term, present), space.none) | held
        if role == Role.FINDING:
            spoken.add(term, held)
    return Contradictions(clashing, plane)


def _scan(clock: Clock, case: int) -> Moment | None:
    return Moment(int(clock.scan_low[case]), int(clock.scan_high[case]), "") if clock.dated[case] else None


def readings_of(contradictions: Contradictions, known: Known, program: Program) -> Iterable[tuple[int, tuple[int, int]]]:
    """Yield per single reading of a contradiction the place of the case, and the leaves that hold and that fail under it."""
    masks = known.leaves(np.array(list(contradictions.clashing), dtype=np.int64))
    for (case, clashing), (true, false) in zip(contradictions.clashing.items(), masks, strict=True):
        for fact in clashing:
            if fact.present:
                effect = program.fact_effects[fact[:3]]
                yield case, ((true | effect.holds) & ~effect.fails, (false | effect.fails) & ~effect.holds)
