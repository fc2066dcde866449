"""Answer all regular cases of a batch together, as columns."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
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
from reasoner.cohort.output import Rows, empty_rows, problem_rows
from reasoner.cohort.planes import Planes, Space
from reasoner.cohort.ranking import rank
from reasoner.cohort.rebuilt import Rebuilder
from reasoner.cohort.remarks import Remarks
from reasoner.cohort.single import Settings, answer_cases
from reasoner.program.model import Program
from reasoner.record import Problem
from reasoner.terms import Role

__all__ = ["Memory", "Together", "answer_together"]


@dataclass(frozen=True, slots=True)
class Memory:
    """What a process keeps from chunk to chunk: terms that were read, remarks that were made, constellations that were derived."""

    lexicon: Lexicon
    remarks: Remarks
    families: Families

    @staticmethod
    def of(program: Program, settings: Settings) -> Memory:
        """Return an empty memory."""
        return Memory(Lexicon(program, settings.shapes), Remarks(program, settings.shapes), Families(program))


@dataclass(frozen=True, slots=True)
class Together:
    """The answers to the regular cases of a batch.

    `rows` are those of the cases that were built back and answered alone, and of all problems; `routed` counts these cases.
    `left` marks the cases that are not answered here, `broken` says that a record was left out because it breaks a shape.
    """

    tables: dict[str, pa.Table]
    rows: Rows
    routed: int
    left: Flags
    broken: bool


def answer_together(batch: Batch, program: Program, settings: Settings, memory: Memory, place: str) -> Together:
    """Answer the regular cases of a batch; `place` names their file in problems.

    Built back and answered alone are cases with records of the future, with values that contradict each other, and with facts
    that contradict each other.
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
    alone = indicators.alone | space.flags(clashing) | (clock.low != clock.high) | clock.ahead | closures.twice
    left = batch.irregular.copy()
    wordy = [case for case, _, remark in batch.remarks if remark.dropped and not remark.refused]
    left[wordy] |= alone[wordy]
    examined: dict[str, Last] = {}

    def last(test: str) -> Last:
        if test not in examined:
            examined[test] = last_examinations(batch, program, lexicon, clock.high, test)
        return examined[test]

    answers = Answers(batch, program, lexicon, clock, space, space.pack(np.flatnonzero(~(alone | left))))
    as_of = settings.as_of.text if settings.as_of else None
    tables = answers.tables(advise(program, known), rank(program, known), last, settings.now.text, as_of)
    rebuilt = np.flatnonzero(alone & ~left)
    rows = empty_rows()
    remarked = _remarked(batch, place)
    cases = Rebuilder(batch, program, lexicon).cases(rebuilt.tolist(), remarked)
    answer_cases(tuple(cases), program, settings, rows)
    settled = ~(alone | left)
    for case, row, problem in indicators.problems:
        remarked.setdefault(case, []).append(replace(problem, sources=(batch.names[row].as_py(),)))
    for case in sorted(case for case in remarked if settled[case]):
        rows["problems"] += problem_rows(batch.cases[case].as_py(), remarked[case])
    return Together(tables, rows, len(cases), left, any(each.refused and not left[case] for case, _, each in batch.remarks))


def _remarked(batch: Batch, place: str) -> dict[int, list[Problem]]:
    """Return what is remarked on the records of each case."""
    found: dict[int, list[Problem]] = {}
    for case, row, remark in batch.remarks:
        found.setdefault(case, []).extend(remark.about(batch.names[row].as_py(), place))
    return found
