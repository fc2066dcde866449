"""State what the records of all cases say: facts of findings, of drugs and of diagnoses, and which findings are named."""

from __future__ import annotations

from reasoner.cohort.asked import Asked
from reasoner.cohort.batch import Batch
from reasoner.cohort.clock import Clock
from reasoner.cohort.exposures import diagnosis_planes, exposure_planes
from reasoner.cohort.findings import closures_of, finding_planes
from reasoner.cohort.lexicon import Lexicon
from reasoner.cohort.planes import Facts, Planes, Space
from reasoner.terms import Role

__all__ = ["findings_of", "stated_facts"]


def stated_facts(batch: Batch, asked: Asked, lexicon: Lexicon, clock: Clock, space: Space) -> tuple[Facts, Planes]:
    """Return what the records state, and the findings that are named."""
    program = asked.program
    closures, standing = closures_of(batch, program, lexicon, clock, space)
    facts, spoken = finding_planes(batch, program, lexicon, clock, closures, space)
    facts |= exposure_planes(batch, asked, lexicon, clock, standing, space)
    facts |= diagnosis_planes(batch, program, lexicon, clock, space)
    return facts, spoken


def findings_of(facts: Facts, space: Space, *, present: bool) -> Planes:
    """Return the findings that are known present, or absent."""
    return Planes(space, ((term, plane) for (role, term, stated), plane in facts.items() if role == Role.FINDING and stated is present))
