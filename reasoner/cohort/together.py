"""Answer all regular cases of a batch together, as columns."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from reasoner.cohort.advising import advise
from reasoner.cohort.batch import Batch
from reasoner.cohort.clock import Last, clock_of, last_examinations
from reasoner.cohort.columns import Answers
from reasoner.cohort.exposures import diagnosis_planes, exposure_planes
from reasoner.cohort.findings import closures_of, finding_planes
from reasoner.cohort.indicators import Families, indicator_planes
from reasoner.cohort.known import known_bits
from reasoner.cohort.lexicon import Flags, Lexicon
from reasoner.cohort.planes import Planes, Space
from reasoner.cohort.ranking import rank
from reasoner.cohort.single import Settings
from reasoner.program.model import Program
from reasoner.terms import Role

__all__ = ["Memory", "answer_together"]


@dataclass(frozen=True, slots=True)
class Memory:
    """What a process keeps from chunk to chunk: terms that were read, constellations that were derived."""

    lexicon: Lexicon
    families: Families

    @staticmethod
    def of(program: Program, settings: Settings) -> Memory:
        """Return an empty memory."""
        return Memory(Lexicon(program, settings.shapes), Families(program))


def answer_together(batch: Batch, program: Program, settings: Settings, memory: Memory) -> tuple[dict[str, pa.Table], Flags]:
    """Return the tables of the cases that can be answered together, and which cases must be answered alone.

    Alone are irregular cases, those with records of the future, with values that are not usable or contradict each other,
    and with facts that contradict each other.
    """
    space, lexicon = Space(batch.size), memory.lexicon
    clock = clock_of(batch, program, lexicon, settings)
    closures, standing = closures_of(batch, program, lexicon, clock, space)
    facts, spoken = finding_planes(batch, program, lexicon, clock, closures, space)
    stated, denied = (
        Planes(space, ((term, plane) for (role, term, present), plane in facts.items() if role == Role.FINDING and present is wanted))
        for wanted in (True, False)
    )
    facts |= exposure_planes(batch, program, lexicon, clock, standing, space)
    facts |= diagnosis_planes(batch, program, lexicon, clock, space)
    indicators = indicator_planes(batch, program, lexicon, clock, memory.families, stated, denied, spoken, space)
    known, clashing = known_bits(program, space, facts, indicators.masks)
    alone = batch.irregular | indicators.alone | space.flags(clashing) | (clock.low != clock.high) | clock.ahead | closures.twice
    examined: dict[str, Last] = {}

    def last(test: str) -> Last:
        if test not in examined:
            examined[test] = last_examinations(batch, program, lexicon, clock.high, test)
        return examined[test]

    answers = Answers(batch, program, lexicon, clock, space, space.pack((~alone).nonzero()[0]))
    as_of = settings.as_of.text if settings.as_of else None
    return answers.tables(advise(program, known), rank(program, known), last, settings.now.text, as_of), alone
