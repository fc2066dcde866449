"""Take back the facts that contradict each other: in those cases only, the facts of that sort are stated and parted as for a single case.

What the facts that hold together settle is then derived with that of all other cases.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from operator import itemgetter

import numpy as np

from reasoner.abstraction.conflicts import fact_conflicts, part
from reasoner.abstraction.exposures import diagnosis_facts, exposure_facts
from reasoner.abstraction.findings import finding_facts
from reasoner.abstraction.state import Conflict, Fact
from reasoner.abstraction.stated import stated
from reasoner.cohort.asked import Asked
from reasoner.cohort.clock import Clock
from reasoner.cohort.known import Known
from reasoner.cohort.lexicon import Ids
from reasoner.cohort.planes import Facts, Plane, Planes, Space, grouped
from reasoner.cohort.rebuilt import Rebuilder
from reasoner.cohort.single import Settings
from reasoner.moments import Moment
from reasoner.program.model import Program
from reasoner.record import Case
from reasoner.terms import ROLES, RecordKind, Role

__all__ = ["Contradictions", "contradictions_of", "readings_of"]

_SAID = itemgetter(slice(3))
_FINDINGS, _DRUGS, _DIAGNOSES = range(3)
_STATING = {
    _FINDINGS: (RecordKind.FINDING, RecordKind.CLOSURE, RecordKind.MEDICATION),
    _DRUGS: (RecordKind.MEDICATION, RecordKind.FINDING, RecordKind.CLOSURE),
    _DIAGNOSES: (RecordKind.DIAGNOSIS,),
}
"""The records that facts of a sort come from; whether a drug was taken before the symptom is asked of findings, too, and the use of some drugs is one."""

_SORTS = dict.fromkeys(ROLES, _DRUGS) | {
    Role.FINDING: _FINDINGS,
    Role.NEW_FINDING: _FINDINGS,
    Role.RECENT_FINDING: _FINDINGS,
    Role.RECORDED_DIAGNOSIS: _DIAGNOSES,
}


@dataclass(frozen=True, slots=True)
class Contradictions:
    """The facts that contradict each other, by the place of the case, and the cases as a plane."""

    clashing: Mapping[int, Sequence[Fact]]
    plane: Plane

    def conflicts(self, program: Program) -> dict[int, list[Conflict]]:
        """Return the conflicts of each case."""
        return {case: fact_conflicts(list(facts), program) for case, facts in self.clashing.items()}


def contradictions_of(
    contradicted: Planes, rebuilder: Rebuilder, asked: Asked, settings: Settings, clock: Clock, space: Space, facts: Facts, spoken: Planes
) -> Contradictions:
    """Return what contradicts itself in the cases of some planes, given by role; `facts` and the findings named in `spoken` are left with what holds together."""
    sorts = Planes(space)
    for role, plane in contradicted.items():
        sorts.add(_SORTS[role], plane)
    for key, plane in facts.items():
        facts[key] = plane & ~sorts[_SORTS[key[0]]]
    for term, plane in spoken.items():
        spoken[term] = plane & ~sorts[_FINDINGS]
    clashing: dict[int, Sequence[Fact]] = {}
    numbers: dict[tuple[str, str, bool], int] = defaultdict(lambda: len(numbers))
    kept: list[int] = []
    owners: list[int] = []
    for chosen, cases in _by_sorts(sorts, space):
        kinds = {kind for sort in chosen for kind in _STATING[sort]}
        for number, case in zip(cases.tolist(), rebuilder.cases(cases, {}, kinds), strict=True):
            found = _stated(chosen, case, asked.program, settings.moment(case), (bool(clock.scanned[number]), _scan(clock, number)))
            holding, clashing[number] = part(stated(found, asked.program), asked.program)
            kept += map(numbers.__getitem__, map(_SAID, holding.facts))
            owners += repeat(number, len(holding.facts))
    said = list(numbers)
    for code, own in grouped(np.array(kept, dtype=np.int64), np.array(owners, dtype=np.int64)):
        role, term, present = said[code]
        if not present and role == Role.TAKES and term not in asked.not_taken:
            continue
        held = space.pack(own)
        facts[role, term, present] = facts.get((role, term, present), space.none) | held
        if role == Role.FINDING:
            spoken.add(term, held)
    return Contradictions(clashing, space.union(sorts.values()))


def _by_sorts(sorts: Planes, space: Space) -> Iterator[tuple[list[int], Ids]]:
    """Yield the cases of some planes by the sorts of facts that contradict each other in them."""
    codes = sum((space.flags(plane).astype(np.int64) << sort for sort, plane in sorts.items()), np.zeros(space.size, dtype=np.int64))
    cases = np.flatnonzero(codes)
    for code, own in grouped(codes[cases], cases):
        yield [sort for sort in _STATING if code >> sort & 1], own


def _stated(sorts: Sequence[int], case: Case, program: Program, as_of: Moment, scan: tuple[bool, Moment | None]) -> list[Fact]:
    """Return the facts of some sorts that a case states."""
    return [
        *(finding_facts(case, program, as_of, scan) if _FINDINGS in sorts else ()),
        *(exposure_facts(case, program, as_of) if _DRUGS in sorts else ()),
        *(diagnosis_facts(case, as_of) if _DIAGNOSES in sorts else ()),
    ]


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
