"""Mark the cases with drugs whose use is a finding: their findings are stated alone, as `reasoner.abstraction.findings` states them."""

from __future__ import annotations

import numpy as np

from reasoner.cohort.batch import Batch
from reasoner.cohort.lexicon import KINDS, Flags
from reasoner.program.model import Program
from reasoner.terms import RecordKind

__all__ = ["cases_with_uses"]

_MEDICATION = KINDS.index(RecordKind.MEDICATION)


def cases_with_uses(batch: Batch, program: Program) -> Flags:
    """Return which cases have a record of a drug whose use is a finding."""
    stating = np.array([*(term in program.use_findings for term in program.sorts), False])
    found = np.zeros(batch.size, dtype=bool)
    found[batch.case[(batch.kind == _MEDICATION) & stating[batch.term]]] = True
    return found
