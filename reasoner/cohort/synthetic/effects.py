"""Find out what drafted records settle: read, abstract and evaluate them by the same steps as `assess`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import pyoxigraph

from reasoner.abstraction import CaseState, abstract_case
from reasoner.cohort.long_table import statements
from reasoner.cohort.synthetic.drafts import Draft, Variant
from reasoner.documents import index_of
from reasoner.entailment import Statuses, entail
from reasoner.moments import from_datetime
from reasoner.program.masks import bits_of
from reasoner.program.model import Program
from reasoner.reading import read_cases

__all__ = ["effects_of", "state_of", "statuses_of"]


def effects_of(program: Program, variants: Sequence[Variant], as_of: datetime) -> list[Mapping[int, bool]]:
    """Return for each variant the leaves that it settles, alone, beyond what an empty record settles."""
    states = _states(program, [(each.drafts, None) for each in variants], as_of)
    true, false = program.tables.resting_masks
    return [
        dict.fromkeys(bits_of(state.leaf_true & ~true), True) | dict.fromkeys(bits_of(state.leaf_false & ~false), False) for state in states
    ]


def statuses_of(program: Program, drafts: Iterable[Draft], birth: str | None, as_of: datetime) -> Statuses:
    """Return the statuses of a case that has these records."""
    return entail(program, state_of(program, drafts, birth, as_of))


def state_of(program: Program, drafts: Iterable[Draft], birth: str | None, as_of: datetime) -> CaseState:
    """Return the state of a case that has these records."""
    return _states(program, [(tuple(drafts), birth)], as_of)[0]


def _states(program: Program, cases: Sequence[tuple[tuple[Draft, ...], str | None]], as_of: datetime) -> list[CaseState]:
    lines: list[str] = []
    for number, (drafts, birth) in enumerate(cases):
        about = {"case": f"urn:case:{number:09}", "birth_date": birth}
        lines += statements(about)
        for place, draft in enumerate(drafts):
            lines += statements(about | draft.row(as_of) | {"record": f"urn:record:{number}:{place}"})
    index = index_of(pyoxigraph.parse("".join(lines), format=pyoxigraph.RdfFormat.N_TRIPLES))
    return [abstract_case(case, program, from_datetime(as_of)) for case in read_cases(index, program)]
