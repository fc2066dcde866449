"""Answer all regular cases of a batch together, as columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa

from reasoner.abstraction import Conflict, abstract_case
from reasoner.cohort.advising import advise, raised_flags
from reasoner.cohort.batch import Batch
from reasoner.cohort.clock import clock_of, last_examinations
from reasoner.cohort.columns import Answers, encoded
from reasoner.cohort.contradictions import contradictions_of, readings_of
from reasoner.cohort.indicators import IndicatorPlanes, indicator_planes
from reasoner.cohort.known import Known
from reasoner.cohort.lexicon import Flags, Ids
from reasoner.cohort.memory import Memory
from reasoner.cohort.output import NAMES, Rows, conflict_rows, empty_rows, problem_row, problem_rows
from reasoner.cohort.planes import Plane, Planes, Space, anywhere
from reasoner.cohort.ranking import rank
from reasoner.cohort.rebuilt import Rebuilder
from reasoner.cohort.single import Settings
from reasoner.cohort.stating import findings_of, stated_facts
from reasoner.cohort.unconfirmed import doubts_of, read_doubts
from reasoner.places import Place
from reasoner.program.model import Program
from reasoner.record import Problem

__all__ = ["Together", "answer_together"]


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


def answer_together(batch: Batch, program: Program, settings: Settings, memory: Memory, place: Place) -> Together:
    """Answer the regular cases of a batch; `place` names the file of a node in problems.

    Built back and abstracted alone are cases with findings of the future, with values that contradict each other and with unconfirmed
    records of which there is more to say than the one reading of them tells; facts that contradict each other are parted alone.
    What follows from such states is derived with that of all others.
    """
    space, lexicon = Space(batch.size), memory.lexicon
    clock = clock_of(batch, program, lexicon, settings)
    left = batch.irregular | (clock.low != clock.high)
    if left.all():
        return Together({name: encoded(name).empty_table() for name in NAMES}, empty_rows(), 0, left, False)
    chosen = space.pack(np.flatnonzero(~left))
    known = Known(memory.asked, space, memory.diagrams)
    rebuilder = Rebuilder(batch, program, lexicon)
    facts, spoken = stated_facts(batch, memory.asked, lexicon, clock, space)
    known.enter_facts(facts)
    contradicted = Planes(space, ((role, plane & chosen) for role, plane in known.contradicted(facts).items()))
    contradictions = contradictions_of(contradicted, rebuilder, memory.asked, settings, clock, space, facts, spoken)
    known.forget(contradictions.plane)
    known.enter_facts({key: own for key, plane in facts.items() if anywhere(own := plane & contradictions.plane)})
    stated, denied = (findings_of(facts, space, present=wanted) for wanted in (True, False))
    indicators = indicator_planes(batch, program, lexicon, clock, memory.families, stated, denied, spoken, space)
    known.enter_masks(indicators.masks)
    doubts = doubts_of(batch, program, lexicon)
    alone = (indicators.alone | clock.ahead | doubts.several) & ~left
    doubtful = read_doubts(batch, doubts, doubts.cases & ~alone & ~left, clock, memory)
    alone[doubtful.cases[doubtful.alone]] = True
    rows, remarked = empty_rows(), _remarked(batch, place, alone)
    readings = [(case, masks) for case, masks in readings_of(contradictions, known, program) if not alone[case]]
    readings += _abstracted(rebuilder, program, settings, np.flatnonzero(alone), known, remarked, rows)
    known.settle(memory.asked.gates)
    answers = Answers(batch, program, lexicon, clock, space, chosen)
    telling = doubtful.telling(known, program)
    flags = Planes(space, _flagged(memory, space, readings).items())
    for index, plane in telling.raised(space).items():
        flags.add(index, plane)
    advising = advise(program, known, flags)
    last = cache(lambda test: last_examinations(batch, program, lexicon, clock.high, test))
    tables = answers.tables(advising, rank(program, known), last, settings.now.text, settings.as_of.text if settings.as_of else None)
    rows["problems"] += _problems(
        batch, indicators, place, contradictions.conflicts(program), dict(telling.problems(program)), ~(alone | left)
    )
    broken = any(each.refused and not left[case] for case, _, each in batch.remarks)
    routed = alone | space.flags(contradictions.plane)
    return Together(tables, rows, int(routed.sum()), left, broken)


def _problems(
    batch: Batch,
    indicators: IndicatorPlanes,
    place: Place,
    conflicts: dict[int, list[Conflict]],
    alarms: dict[int, Problem],
    settled: Flags,
) -> list[Sequence[Any]]:
    """Return what is to be said of the records of cases that were not abstracted alone, case by case."""
    general = cache(lambda remark, where: remark.general(where))
    remarks = [each for each in batch.remarks if settled[each[0]]]
    later = [each for each in indicators.problems if settled[each[0]]]
    nodes = iter(batch.names.take(pa.array([row for _, row, _ in (*remarks, *later)], pa.int64())).to_pylist())
    named = [(case, next(nodes), remark) for case, _, remark in remarks]
    found: list[tuple[int, str, Problem]] = []
    for case, node, remark in named:
        where = place(node)
        told = general(remark, where)
        found += [(case, node, each) for each in (remark.about(node, where) if told is None else told)]
    found += [(case, node, each) for case, node, remark in named for each in remark.later]
    found += [(case, next(nodes), each) for case, _, each in later]
    cases = sorted({*(case for case, _, _ in found), *(case for case in conflicts if settled[case]), *alarms})
    iris = dict(zip(cases, batch.cases.take(pa.array(cases, pa.int64())).to_pylist(), strict=True))
    rows = {case: conflict_rows(iri, conflicts.get(case, ())) for case, iri in iris.items()}
    for case, node, problem in found:
        rows[case].append(problem_row(iris[case], problem, (node,)))
    for case, problem in alarms.items():
        rows[case] += problem_rows(iris[case], [problem])
    return [row for each in rows.values() for row in each]


def _abstracted(
    rebuilder: Rebuilder,
    program: Program,
    settings: Settings,
    chosen: Ids,
    known: Known,
    remarked: dict[int, list[Problem]],
    rows: Rows,
) -> list[tuple[int, tuple[int, int]]]:
    """Abstract cases alone and enter what is known of them; return the leaves under each single reading of a conflict, with the case."""
    masks: list[tuple[int, int]] = []
    readings: list[tuple[int, tuple[int, int]]] = []
    for number, case in zip(chosen.tolist(), rebuilder.cases(chosen, remarked), strict=True):
        state = abstract_case(case, program, settings.moment(case))
        masks.append((state.leaf_true, state.leaf_false))
        readings += [(number, each) for each in state.alternatives]
        rows["problems"] += conflict_rows(case.iri, state.conflicts) + problem_rows(case.iri, state.problems)
    if masks:
        known.overwrite(chosen, masks)
    return readings


def _flagged(memory: Memory, space: Space, readings: Sequence[tuple[int, tuple[int, int]]]) -> dict[int, Plane]:
    """Return where a single reading of a conflict raises a red flag."""
    if not readings:
        return {}
    each = Known(memory.asked, Space(len(readings)), memory.diagrams)
    each.overwrite(np.arange(len(readings)), [masks for _, masks in readings])
    each.settle(memory.asked.alarms)
    case_of = np.array([case for case, _ in readings], dtype=np.int64)
    return {
        index: space.pack(case_of[each.space.flags(plane)])
        for index, plane in raised_flags(memory.asked.program, each).items()
        if anywhere(plane)
    }


def _remarked(batch: Batch, place: Place, chosen: Flags) -> dict[int, list[Problem]]:
    """Return what is remarked on the records of some cases, by case."""
    found: dict[int, list[Problem]] = {}
    for case, row, remark in batch.remarks:
        if chosen[case]:
            node = batch.names[row].as_py()
            found.setdefault(case, []).extend(remark.about(node, place(node)))
    return found
