"""Mark the cases with unconfirmed records that may bear on a red flag: these are read alone, as `reasoner.abstraction.unconfirmed` reads them."""

from __future__ import annotations

import numpy as np

from reasoner.abstraction.unconfirmed import UNCONFIRMED
from reasoner.cohort.batch import Batch
from reasoner.cohort.lexicon import KINDS, Flags, Lexicon
from reasoner.program.model import Program
from reasoner.terms import RecordKind, lc

__all__ = ["unconfirmed_cases"]

_STATUS, _PRESENCE = lc("recordStatus"), lc("presence")
_FINDING, _CLOSURE = (KINDS.index(kind) for kind in (RecordKind.FINDING, RecordKind.CLOSURE))


def unconfirmed_cases(batch: Batch, program: Program, lexicon: Lexicon) -> Flags:
    """Return which cases have an unconfirmed record that may bear on a red flag."""
    found = np.zeros(batch.size, dtype=bool)
    unsure = lexicon.words(_STATUS, batch.stated[_STATUS], ("", UNCONFIRMED)) == 1
    rows = np.flatnonzero(unsure & (batch.kind >= 0) & (batch.kind != _CLOSURE) & (batch.term >= 0))
    present = lexicon.words(_PRESENCE, batch.stated[_PRESENCE][rows], ("", "present")) == 1
    rows = rows[present | (batch.kind[rows] != _FINDING)]
    terms, place = np.unique(batch.term[rows], return_inverse=True)
    names = tuple(program.sorts)
    bears = np.array([program.alarms.bears(names[term]) for term in terms.tolist()], dtype=bool)
    found[batch.case[rows[bears[place]]]] = True
    return found
