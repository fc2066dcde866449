"""Enumerate the single changes to record facts that bear on a verdict, each to learn or contrary to what is known.

A change is about what the classes of the verdict ask for. A value moves to the nearest declared threshold, to either
side of it. Age, elapsed days, counts and what the dividing examination showed stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from reasoner.abstraction.state import CaseState
from reasoner.counterfactual import Change
from reasoner.program.masks import bits_of
from reasoner.program.model import End, Indicator, Program
from reasoner.questions import Span, regions
from reasoner.terms import Role

__all__ = ["TO_LEARN", "WERE_IT", "Move", "moves_of"]

TO_LEARN = "to learn"
WERE_IT = "were it"

_AGES = (Role.NEW_FINDING, Role.RECENT_FINDING)
_USES_OF = {
    Role.TAKES: ("taken", "stopped"),
    Role.TAKEN: ("stopped",),
    Role.TOOK_BEFORE_ONSET: ("before-onset",),
    Role.STOPPED_WITH_RELIEF: ("relief",),
    Role.STOPPED_WITHOUT_RELIEF: ("no-relief",),
}
_NUMBERS = ("select", "quotient", "ratio", "weighted_sum")
_WORDS = {-1: "low", 0: "normal", 1: "high"}
_DENIED = ("absent", "stopped")


@dataclass(frozen=True, slots=True, eq=False)
class Move:
    """A change of one record fact; moves with the same `subject` exclude each other. Each is equal to itself alone."""

    change: Change
    mark: str
    subject: str


def moves_of(program: Program, state: CaseState, leaves: int) -> list[Move]:
    """Return the moves about the leaves in a mask, in a fixed order, each change once."""
    asked: dict[str, set[str]] = {}
    found: dict[Change, Move] = {}
    for bit in bits_of(leaves):
        subject, detail = program.leaves[bit]
        asked.setdefault(subject, set()).add(detail)
    for role in sorted(set(asked) - set(program.indicator)):
        for term in sorted(asked[role]):
            for move in _role_moves(program, state, role, term, any(term in asked.get(age, ()) for age in _AGES)):
                found.setdefault(move.change, move)
    for iri in sorted(set(asked) & set(program.indicator)):
        for move in _indicator_moves(program, state, program.indicator[iri]):
            found.setdefault(move.change, move)
    return list(found.values())


def _mark(is_known: bool) -> str:
    return WERE_IT if is_known else TO_LEARN


# --- findings, drugs, diagnoses -------------------------------------------------------------------------------------


def _role_moves(program: Program, state: CaseState, role: str, term: str, aged: bool) -> Iterator[Move]:
    known = _known(program, state, role, term)
    if role in _USES_OF:
        for value in _USES_OF[role]:
            if known != (value not in _DENIED) or role == Role.TAKEN:
                yield Move(Change(term, value), _mark(known is not None), term)
        return
    if role in _AGES:
        present = _known(program, state, Role.FINDING, term)
        for value in ("new", "old"):
            if known != (value == "new") or present is None:
                yield Move(Change(term, value), _mark(present is False or (present is True and known is not None)), term)
        if present is not False:
            yield Move(Change(term, "absent"), _mark(present is not None), term)
        return
    for value, holds in (("present", True), ("absent", False)):
        if known != holds and not (aged and holds):
            yield Move(Change(term, value), _mark(known is not None), term)


def _known(program: Program, state: CaseState, role: str, term: str) -> bool | None:
    bit = program.leaf_bit.get((role, term))
    if bit is None:
        return None
    return True if state.leaf_true >> bit & 1 else False if state.leaf_false >> bit & 1 else None


# --- indicators -----------------------------------------------------------------------------------------------------


def _indicator_moves(program: Program, state: CaseState, indicator: Indicator) -> Iterator[Move]:
    found = state.indicators.get(indicator.iri)
    known = found is not None and found.settled
    fixed = program.new_since in indicator.tests
    if indicator.form in _NUMBERS and not indicator.total:
        span = (found.low, found.high) if found is not None and found.settled else (None, None)
        for value in _values(program, state, indicator, span):
            yield Move(Change(indicator.iri, value), _mark(known and indicator.form != "weighted_sum"), _test(indicator))
    elif indicator.form == "relative":
        span = (found.low, found.high) if found is not None and known else (None, None)
        for start, end in _other_regions(indicator, span):
            places = [place for place in _WORDS if (start or (Decimal(-1), 0)) <= (Decimal(place), 0) < (end or (Decimal(2), 0))]
            yield Move(Change(indicator.iri, _WORDS[min(places, key=abs)]), _mark(known), _test(indicator))
    elif indicator.form == "attribute" and indicator.true_values and indicator.false_values and not (fixed and known):
        if not fixed or found is not None:
            for word, place in (("yes", 1), ("no", 0)):
                if not (known and found is not None and found.low == (Decimal(place), 0)):
                    yield Move(Change(indicator.iri, word), _mark(known), indicator.iri)
    elif indicator.form in ("closed", "on_record") and not fixed and not (found is not None and found.low == (Decimal(1), 0)):
        yield Move(Change(indicator.iri, "closed" if indicator.form == "closed" else "done"), TO_LEARN, indicator.iri)


def _test(indicator: Indicator) -> str:
    return indicator.tests[0] if indicator.tests else indicator.iri


def _values(program: Program, state: CaseState, indicator: Indicator, span: Span) -> Iterator[str]:
    """Yield for each region that the value is not known to lie in the number nearest to it, in the unit that is set."""
    for start, end in _other_regions(indicator, span):
        above = start in indicator.cuts if span[1] is None else start is not None and span[1] <= start
        limit = _limit(state, indicator, above) if indicator.form == "ratio" else Decimal(1)
        yield str(_inside(indicator, _times(start, limit), _times(end, limit), above))


def _other_regions(indicator: Indicator, span: Span) -> Iterator[Span]:
    """Yield the regions in which a value of that interval is not known to lie."""
    low, high = span
    for region in regions(indicator):
        start, end = region.values[0][1] or (None, None)
        if low is None or high is None or not ((start is None or start <= low) and (end is None or high <= end)):
            yield start, end


def _times(end: End | None, limit: Decimal) -> End | None:
    return None if end is None else (end[0] * limit, end[1])


def _inside(indicator: Indicator, start: End | None, end: End | None, above: bool) -> Decimal:
    """Return the number at the near end of a region: its lower end when it lies above, else its upper end."""
    if (above and start is not None) or end is None:
        value, beyond = start or (Decimal(0), 0)
        number = value + _step(indicator, value) * beyond
    else:
        number = end[0] - _step(indicator, end[0]) * (1 - end[1])
    fits = (start is None or (number, 0) >= start) and (end is None or (number, 1) <= end)
    return number if fits or start is None or end is None else (start[0] + end[0]) / 2


def _step(indicator: Indicator, threshold: Decimal) -> Decimal:
    if indicator.datatype != "decimal":
        return Decimal(1)
    exponent = threshold.as_tuple().exponent
    places = indicator.places if indicator.places is not None else -exponent if isinstance(exponent, int) else 0
    return Decimal(1).scaleb(-max(places, 0))


def _limit(state: CaseState, indicator: Indicator, above: bool) -> Decimal:
    """Return the limit by which a ratio is multiplied to give a value: the highest possible one above, the lowest below."""
    base = Decimal(indicator.limit_below or 1)
    if not (indicator.depends and indicator.limit_from and indicator.limit_factor):
        return base
    other = state.indicators.get(indicator.depends)
    end = None if other is None or not other.settled else other.high if above else other.low
    if end is None or end[0] <= Decimal(indicator.limit_from):
        return base
    return end[0] * Decimal(indicator.limit_factor)
