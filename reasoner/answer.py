"""Hold the answer to one case: what is known, what follows, what is advised, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reasoner.abstraction.state import CaseState
from reasoner.advice import Advice
from reasoner.differential import Differential
from reasoner.entailment import Statuses
from reasoner.frozen import frozen
from reasoner.moments import Moment
from reasoner.reasons import Reasons

if TYPE_CHECKING:
    from reasoner.relevance import Relevances

__all__ = ["CaseAnswer"]


@frozen()
class CaseAnswer:
    """One answered case; `relevances` says which tests can matter, where that was asked for."""

    state: CaseState
    statuses: Statuses
    advice: Advice
    differential: Differential
    as_of: Moment
    reasons: Reasons
    relevances: Relevances | None = None
