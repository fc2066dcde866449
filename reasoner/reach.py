"""Tell which changes can still bear on a verdict, from what each of them does by itself.

For every leaf the values that some combination of the changes can give it are bounded from above: what the changes give
one by one, and, where two of them meet below one term, in one sum or in one derived value, whatever that can come to.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from reasoner.abstraction.state import CaseState, Conflict
from reasoner.focus import Focus, bits_of
from reasoner.moves import Move
from reasoner.program.model import FALSE, TRUE, UNKNOWN, Literal, Program
from reasoner.terms import Role

__all__ = ["Reach"]

_ANY = frozenset({TRUE, FALSE, UNKNOWN})
_DENYING = ("absent", "old", "stopped")


class Reach:
    """What a set of moves can do to the leaves of a goal, alone and together.

    `alone` gives the state after each move by itself, `conflicts` what contradicts itself in the case already.
    """

    def __init__(self, focus: Focus, moves: Sequence[Move], alone: Mapping[Move, CaseState], conflicts: Collection[Conflict]) -> None:
        self.focus = focus
        self.program = focus.program
        self.base = focus.state
        self.alone = alone
        self.values: dict[int, set[int]] = {}
        self.touched: dict[Move, int] = {}
        self.changed: dict[Move, int] = {}
        self.mixed: dict[Move, int] = {}
        self.clashing = {move for move in moves if any(each not in conflicts for each in alone[move].conflicts)}
        shared = _shared_terms(self.program, moves)
        for move in moves:
            self._enter(move, shared)

    def _enter(self, move: Move, shared: Collection[str]) -> None:
        state = self.alone[move]
        changed = ((state.leaf_true ^ self.base.leaf_true) | (state.leaf_false ^ self.base.leaf_false)) & self.focus.leaves
        joint, free = self._joint(move, shared, move in self.clashing)
        self.changed[move], self.mixed[move] = changed, free | (joint if move.change.value in _DENYING else 0)
        self.touched[move] = changed | joint | free
        for bit in bits_of(changed):
            self._reach(bit).add(_value(state.leaf_true, state.leaf_false, bit))
        for bit in bits_of(joint):
            self._reach(bit).update((FALSE, UNKNOWN))
        for bit in bits_of(free):
            self._reach(bit).update(_ANY)

    def live(self) -> list[Move]:
        """Return the moves of which some combination may change the verdict; the others bear on nothing."""
        if self.base.alternatives:
            return list(self.touched)
        leaves = self.live_leaves()
        return [move for move, touched in self.touched.items() if touched & leaves]

    def together(self, chosen: Sequence[Move]) -> tuple[int, int] | None:
        """Return the leaves after several moves, put together from what each does; None where that may not be all.

        Presence adds up: what one asserts holds, what one opens is open. Denials may come to more than each alone, so
        they are put together only with moves that touch none of their leaves.
        """
        true, false, asserted = self.base.leaf_true, self.base.leaf_false, 0
        for index, move in enumerate(chosen):
            if move in self.clashing:
                return None
            for other in chosen[:index]:
                mixed = self.mixed[move] | self.mixed[other]
                if self.touched[move] & self.touched[other] & (mixed | self._denied(move) | self._denied(other)):
                    return None
            state = self.alone[move]
            holds = self.changed[move] & state.leaf_true
            fails, opens = self.changed[move] & state.leaf_false, self.changed[move] & ~state.leaf_true & ~state.leaf_false & ~asserted
            true, false = (true | holds) & ~fails & ~opens, (false | fails) & ~holds & ~opens
            asserted |= holds
        return true, false

    def _denied(self, move: Move) -> int:
        return self.changed[move] & self.alone[move].leaf_false

    def _reach(self, bit: int) -> set[int]:
        if bit not in self.values:
            self.values[bit] = {_value(self.base.leaf_true, self.base.leaf_false, bit)}
        return self.values[bit]

    def _joint(self, move: Move, shared: Collection[str], clash: bool) -> tuple[int, int]:
        """Return the leaves that a move may deny or open together with others, and those of which nothing is known."""
        program, term = self.program, move.change.term
        indicator = program.indicator.get(term)
        if indicator is not None:
            touched = {each.iri for each in program.indicators if set(each.tests) & set(indicator.tests)}
            derived = (each for each in program.indicators if touched & {each.minuend, each.subtrahend, each.depends})
            others = touched - {term} if clash else set()
            return 0, self._indicator_leaves({each.iri for each in derived} | others | ({term} if clash else set()))
        above = set(program.parents[term])
        joint = self._role_leaves(above & set(shared))
        near = above | set(program.below[term])
        sided = {name for finding, kinds in program.side_patterns.items() if finding in near for name in (finding, *(one for _, one in kinds))}
        free = self._role_leaves(near if clash else sided if sided & set(shared) else set())
        if term in program.weighed_findings:
            free |= self._indicator_leaves({each.iri for each in program.indicators if each.items})
        if above & set(program.presenting) or set(program.below[term]) & set(program.presenting):
            free |= self._of_role(Role.TOOK_BEFORE_ONSET)
        return joint, free

    def _role_leaves(self, terms: Collection[str]) -> int:
        return sum(1 << bit for bit, (_, detail) in enumerate(self.program.leaves) if detail in terms) & self.focus.leaves

    def _of_role(self, role: str) -> int:
        return sum(1 << bit for bit, (own, _) in enumerate(self.program.leaves) if own == role) & self.focus.leaves

    def _indicator_leaves(self, names: Collection[str]) -> int:
        found = 0
        for iri in names:
            indicator = self.program.indicator[iri]
            found |= (1 << len(indicator.cuts) + 1) - 1 << indicator.first_bit
        return found & self.focus.leaves

    def live_leaves(self) -> int:
        """Return the leaves that can decide whether a recommendation is raised, of those that some moves can raise."""
        settled = self._evaluated(lambda values: next(iter(values)) if len(values) == 1 else UNKNOWN)
        lenient = self._evaluated(_favoured, closed=True)
        watched = self.focus.watched()
        able = {index for index, each in enumerate(watched) if _can_be_raised(each[:2], settled, lenient)}
        verdicts = {watched[index][2] for index in able} - {None}
        live = 0
        for index, (eligible, trigger, verdict) in enumerate(watched):
            if index in able or verdict in verdicts:
                live |= self.focus.open_leaves(eligible[0], settled) | self.focus.open_leaves(trigger[0], settled)
        return live

    def _evaluated(self, choose: Callable[[Collection[int]], int], closed: bool = False) -> Sequence[int]:
        """Return the values of all bits when each leaf that moves has the chosen value; `closed` denies the other unknowns."""
        true, false = self.base.leaf_true, self.base.leaf_false
        if closed:
            false |= self.focus.leaves & ~true
        for bit, values in self.values.items():
            value = choose(values)
            true = true | 1 << bit if value == TRUE else true & ~(1 << bit)
            false = false | 1 << bit if value == FALSE else false & ~(1 << bit)
        return self.focus.evaluate(true, false)


def _favoured(values: Collection[int]) -> int:
    """Return a value that a leaf can be taken to have when asking what can be entailed: one that can be known, if only one can."""
    if TRUE in values:
        return UNKNOWN if FALSE in values else TRUE
    return FALSE


def _can_be_raised(literals: Sequence[Literal], settled: Sequence[int], lenient: Sequence[int]) -> bool:
    """Return whether Eligible can be entailed, or stay open while the trigger is entailed."""
    eligible, trigger = ((bit, FALSE if sign else TRUE) for bit, sign in literals)
    if lenient[eligible[0]] != eligible[1]:
        return True
    return settled[eligible[0]] != eligible[1] and lenient[trigger[0]] != trigger[1]


def _value(true: int, false: int, bit: int) -> int:
    return TRUE if true >> bit & 1 else FALSE if false >> bit & 1 else UNKNOWN


def _shared_terms(program: Program, moves: Iterable[Move]) -> frozenset[str]:
    """Return the terms that lie above what two or more moves are about."""
    below: dict[str, set[str]] = {}
    for move in moves:
        for term in program.parents.get(move.change.term, ()):
            below.setdefault(term, set()).add(move.change.term)
    return frozenset(term for term, found in below.items() if len(found) > 1)
