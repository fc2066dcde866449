"""Answer all regular cases of a batch together, as columns."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from reasoner.abstraction import abstract_case
from reasoner.cohort.advising import advise, raised_flags
from reasoner.cohort.batch import Batch
from reasoner.cohort.clock import Last, clock_of, last_examinations
from reasoner.cohort.columns import Answers
from reasoner.cohort.exposures import diagnosis_planes, exposure_planes
from reasoner.cohort.findings import closures_of, finding_planes
from reasoner.cohort.indicators import Families, indicator_planes
from reasoner.cohort.known import Known
from reasoner.cohort.lexicon import Flags, Ids, Lexicon
from reasoner.cohort.output import Rows, conflict_rows, empty_rows, problem_rows
from reasoner.cohort.planes import Plane, Planes, Space
from reasoner.cohort.ranking import rank
from reasoner.cohort.rebuilt import Rebuilder
from reasoner.cohort.remarks import Remarks
from reasoner.cohort.single import Settings
from reasoner.program.model import Program
from reasoner.record import Problem
from reasoner.terms import Role

__all__ = ["Memory", "Together", "answer_together"]


@dataclass(frozen=True, slots=True)
class Memory:
    """What a process keeps from chunk to chunk: terms that were read, remarks that were made, constellations that were derived, diagrams
    that were followed."""

    lexicon: Lexicon
    remarks: Remarks
    families: Families
    orders: dict[int, list[int]]

    @staticmethod
    def of(program: Program, settings: Settings) -> Memory:
        """Return an empty memory."""
        return Memory(Lexicon(program, settings.shapes), Remarks(program, settings.shapes), Families(program), {})


@dataclass(frozen=True, slots=True)
class Together:
    """The answers to the regular cases of a batch.

    `rows` are those of problems; `routed` counts the cases that were built back and abstracted alone.
    `left` marks the cases that are not answered here, `broken` says that a record was left out because it breaks a shape.
    """

    tables: dict[str, pa.Table]
    rows: Rows
    routed: int
    left: Flags
    broken: bool


def answer_together(batch: Batch, program: Program, settings: Settings, memory: Memory, place: str) -> Together:
    """Answer the regular cases of a batch; `place` names their file in problems.

    Built back and abstracted alone are cases with findings of the future, with values that contradict each other, and with
    facts that contradict each other; what follows from their states is derived with that of all others.
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
    known = Known(program, space, memory.orders)
    clashing = known.enter_facts(facts, program)
    known.enter_masks(indicators.masks, program)
    left = batch.irregular | (clock.low != clock.high)
    alone = (indicators.alone | space.flags(clashing) | clock.ahead | closures.twice) & ~left
    rows, remarked = empty_rows(), _remarked(batch, place)
    also = _abstracted(batch, program, settings, lexicon, np.flatnonzero(alone), known, memory.orders, remarked, rows)
    known.settle()
    examined: dict[str, Last] = {}

    def last(test: str) -> Last:
        if test not in examined:
            examined[test] = last_examinations(batch, program, lexicon, clock.high, test)
        return examined[test]

    answers = Answers(batch, program, lexicon, clock, space, space.pack(np.flatnonzero(~left)))
    as_of = settings.as_of.text if settings.as_of else None
    tables = answers.tables(advise(program, known, also), rank(program, known), last, settings.now.text, as_of)
    settled = ~(alone | left)
    for case, row, remark in batch.remarks:
        remarked[case] += [replace(each, sources=(batch.names[row].as_py(),)) for each in remark.later]
    for case, row, problem in indicators.problems:
        remarked.setdefault(case, []).append(replace(problem, sources=(batch.names[row].as_py(),)))
    for case in sorted(case for case in remarked if settled[case]):
        rows["problems"] += problem_rows(batch.cases[case].as_py(), remarked[case])
    broken = any(each.refused and not left[case] for case, _, each in batch.remarks)
    return Together(tables, rows, int(alone.sum()), left, broken)


def _abstracted(
    batch: Batch,
    program: Program,
    settings: Settings,
    lexicon: Lexicon,
    chosen: Ids,
    known: Known,
    orders: dict[int, list[int]],
    remarked: dict[int, list[Problem]],
    rows: Rows,
) -> dict[int, Plane]:
    """Abstract cases alone and enter what is known of them; return where a single reading of a conflict raises a red flag."""
    masks: list[tuple[int, int]] = []
    readings: list[tuple[int, int]] = []
    owners: list[int] = []
    for number, case in zip(chosen.tolist(), Rebuilder(batch, program, lexicon).cases(chosen, remarked), strict=True):
        state = abstract_case(case, program, settings.moment(case))
        masks.append((state.leaf_true, state.leaf_false))
        readings += state.alternatives
        owners += [number] * len(state.alternatives)
        rows["problems"] += conflict_rows(case.iri, state.conflicts) + problem_rows(case.iri, state.problems)
    if not masks:
        return {}
    known.overwrite(chosen, masks)
    if not readings:
        return {}
    each = Known(program, Space(len(readings)), orders)
    each.overwrite(np.arange(len(readings)), readings)
    each.settle()
    case_of = np.array(owners, dtype=np.int64)
    return {
        index: known.space.pack(case_of[each.space.flags(plane)]) for index, plane in raised_flags(program, each).items() if plane.any()
    }


def _remarked(batch: Batch, place: str) -> dict[int, list[Problem]]:
    """Return what is remarked on the records of each case."""
    found: dict[int, list[Problem]] = {}
    for case, row, remark in batch.remarks:
        found.setdefault(case, []).extend(remark.about(batch.names[row].as_py(), place))
    return found
