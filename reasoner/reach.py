"""Tell which changes can still bear on a verdict, from what each of them does by itself.

For every leaf the values that some combination of the changes can give it are bounded from above: what the changes give
one by one, and, where two of them meet below one term, in one sum or in one derived value, whatever that can come to.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import cached_property

from reasoner.abstraction.state import CaseState, Conflict
from reasoner.candidates import PAIR
from reasoner.focus import Focus
from reasoner.many import Many, Planes, union
from reasoner.meeting import DENYING, Joined, Meeting, Unit
from reasoner.moves import Move
from reasoner.program.cuts import cuts_of
from reasoner.program.masks import bits_of
from reasoner.program.model import FALSE, TRUE, UNKNOWN, Indicator, Literal, Program
from reasoner.terms import Role

__all__ = ["Reach"]

_ANY = frozenset({TRUE, FALSE, UNKNOWN})


class Reach:
    """What a set of moves can do to the leaves of a goal, alone and together.

    `after` gives the state after moves, `conflicts` is what contradicts itself in the case already.
    """

    def __init__(
        self, focus: Focus, moves: Sequence[Move], after: Callable[[tuple[Move, ...]], CaseState], conflicts: Collection[Conflict]
    ) -> None:
        self.focus = focus
        self.program = focus.program
        self.base = focus.state
        self.alone = alone = {move: after((move,)) for move in moves}
        self._conflicts = conflicts
        self.values: dict[int, set[int]] = {}
        self.touched: dict[Move, int] = {}
        self.changed: dict[Move, int] = {}
        self.joint: dict[Move, int] = {}
        self.free: dict[Move, int] = {}
        self.clashing = {move for move in moves if any(each not in conflicts for each in alone[move].conflicts)}
        self._of_term = _leaves_by(focus, 1)
        self._of_role = _leaves_by(focus, 0)
        shared = _shared(self.program, moves)
        for move in moves:
            self._enter(move, shared)
        self._after = after
        self._units: dict[tuple[Move, ...], Unit] = {}
        self._kin: dict[Move, frozenset[Move]] = {}
        self._settled = self._evaluated(lambda values: next(iter(values)) if len(values) == 1 else UNKNOWN)
        lenient = self._evaluated(_favoured, closed=True)
        self._able = [_can_be_raised((each.eligible, each.trigger), self._settled, lenient) for each in focus.watched]

    @cached_property
    def _meeting(self) -> Meeting:
        return Meeting(self.focus)

    # --- what moves do ----------------------------------------------------------------------------------------------

    def _enter(self, move: Move, shared: frozenset[str]) -> None:
        state = self.alone[move]
        changed = self._changed(state)
        joint, free = self._joint(move, shared)
        self.changed[move], self.joint[move], self.free[move] = changed, joint, free
        self.touched[move] = changed | joint | free
        for bit in bits_of(changed):
            self._reach(bit).add(_value(state.leaf_true, state.leaf_false, bit))
        for bit in bits_of(joint):
            self._reach(bit).update((FALSE, UNKNOWN))
        for bit in bits_of(free):
            self._reach(bit).update(_ANY)

    def _reach(self, bit: int) -> set[int]:
        if bit not in self.values:
            self.values[bit] = {_value(self.base.leaf_true, self.base.leaf_false, bit)}
        return self.values[bit]

    def _joint(self, move: Move, shared: frozenset[str]) -> tuple[int, int]:
        """Return the leaves that a move may deny or open together with others, and those of which nothing is known."""
        program, term, clash = self.program, move.change.term, move in self.clashing
        indicator = program.indicator.get(term)
        if indicator is not None:
            return 0, self._derived(indicator, clash) | self._cuts([indicator] if indicator.items else [])
        joint = self._leaves(shared & _scope(program, move))
        near = {*program.parents[term], *program.below[term]}
        family = program.families[term]
        free = self._leaves(self._at_odds(move) if clash else family if not family.isdisjoint(shared) else ())
        if not program.weighed_findings.isdisjoint((term, *family)):
            free |= self._cuts(each for each in program.indicators if each.items and not self._is_stated(each))
        if not near.isdisjoint(program.presenting):
            free |= self._of_role.get(Role.TOOK_BEFORE_ONSET, 0)
        return joint, free

    def _at_odds(self, move: Move) -> set[str]:
        """Return all near the findings of a contradiction that a move brings: what it does to them shows once another move ends it."""
        new = (each.term for each in self.alone[move].conflicts if each not in self._conflicts)
        spans = (self.program.spans[term, True] for term in (move.change.term, *new) if term in self.program.parents)
        return set[str]().union(*(names for span in spans for names in span))

    def _is_stated(self, indicator: Indicator) -> bool:
        """Return whether a record states a sum, so that its items are not asked."""
        state = self.base.indicators.get(indicator.iri)
        measured = {record.node for record in self.base.case.measurements}
        return state is not None and state.settled and bool(measured & set(state.sources))

    def _derived(self, indicator: Indicator, clash: bool) -> int:
        """Return the leaves of what is derived from an indicator's tests, and its own where they contradict the record."""
        same = {each.iri for each in self.program.indicators if set(each.tests) & set(indicator.tests)}
        derived = [each for each in self.program.indicators if same & {each.minuend, each.subtrahend, each.depends}]
        return self._cuts([*derived, *(self.program.indicator[iri] for iri in same)] if clash else derived)

    def _leaves(self, terms: Iterable[str]) -> int:
        found = 0
        for term in terms:
            found |= self._of_term.get(term, 0)
        return found

    def _cuts(self, indicators: Iterable[Indicator]) -> int:
        return cuts_of(indicators) & self.focus.leaves

    def together(self, sets: Sequence[Sequence[Move]]) -> Joined:
        """Return the leaves after each set of moves, put together from what each move does, and where that may not be so."""
        units = {move: self._unit((move,)) for move in self.alone}
        return self._meeting.joined([[units[move] for move in chosen] for chosen in sets], self.clashing)

    def apart(self, sets: Sequence[tuple[Move, ...]]) -> tuple[list[tuple[Move, ...]], Joined, list[tuple[Move, ...]]]:
        """Return the sets of which some moves are related, these taken as one, with what is put together; and those left to abstraction.

        Sets whose related moves contradict each other are in neither.
        """
        parted: dict[tuple[Move, ...], list[Unit]] = {}
        left: set[tuple[Move, ...]] = set()
        for chosen in sets:
            groups = self._groups(chosen) if len(chosen) > PAIR and self.clashing.isdisjoint(chosen) else []
            if len(groups) in (0, 1, len(chosen)):
                left.add(chosen)
            elif all(each in self._conflicts for group in groups for each in self._after(group).conflicts):
                parted[chosen] = [self._unit(group) for group in groups]
        told = list(parted)
        joined = self._meeting.joined(list(parted.values()), frozenset())
        left |= {told[place] for place in bits_of(joined.open)}
        return told, joined, [chosen for chosen in sets if chosen in left]

    def _groups(self, chosen: Sequence[Move]) -> list[tuple[Move, ...]]:
        """Return moves in groups, those that are related in one."""
        groups: list[tuple[Move, ...]] = []
        for move in chosen:
            kin = self._kin_of(move)
            near = [each for each in groups if not kin.isdisjoint(each)]
            if near:
                groups = [each for each in groups if each not in near]
            groups.append((*(one for each in near for one in each), move))
        return groups

    def _kin_of(self, move: Move) -> frozenset[Move]:
        """Return the moves that are related to a move."""
        if move not in self._kin:
            unit = self._unit((move,))
            self._kin[move] = frozenset(other for other in self.alone if self._meeting.are_related(unit, self._unit((other,))))
        return self._kin[move]

    def _unit(self, moves: tuple[Move, ...]) -> Unit:
        if moves not in self._units:
            state = self._after(moves)
            changed = self._changed(state)
            joint = union(self.joint[move] & ~self.free[move] for move in moves)
            touched = changed | union(self.touched[move] for move in moves)
            self._units[moves] = self._meeting.unit(moves, state, changed, touched, joint)
        return self._units[moves]

    def _changed(self, state: CaseState) -> int:
        """Return the leaves of the goal that differ in a state."""
        return ((state.leaf_true ^ self.base.leaf_true) | (state.leaf_false ^ self.base.leaf_false)) & self.focus.leaves

    def may_answer(self, joined: Joined, settled: Many, word: str, wanted: str | None) -> int:
        """Return where some values of the leaves not known after the moves may give the verdict looked for; `settled` knows the others."""
        decision = self.focus.decision
        lenient = Many(self.focus, self._lenient(joined))
        remaining = next(verdict.word for verdict in decision.verdicts if verdict.iri == decision.remaining)
        if wanted in (None, remaining) and word != remaining:
            return self._may_fall(self._rows(word), settled, lenient)
        reached = (
            verdict.eligible
            for verdict in decision.verdicts
            if verdict.word != word and wanted in (None, verdict.word) and verdict.eligible in self.program.classes
        )
        return union(settled.every & ~lenient.false(self.program.classes[name]) for name in reached)

    def _lenient(self, joined: Joined) -> Planes:
        """Return the leaves with what is not known after some moves in favour of whatever may be entailed."""
        every = joined.planes.every
        holds = dict(joined.planes.holds)
        fails = {bit: every & ~plane for bit, plane in holds.items()}
        doubtful = union(1 << bit for bit in joined.left)
        can_hold, can_fail = (
            {bit: every * (mask >> bit & 1) for bit in joined.left} for mask in (self.base.leaf_true, self.base.leaf_false)
        )
        for unit, plane in joined.members.items():
            for move in unit.moves:
                changed, free = self.changed[move], self.free[move]
                may_hold = changed & self.alone[move].leaf_true | free
                may_fail = changed & self.alone[move].leaf_false | free | self.joint[move]
                for able, mask in ((can_hold, may_hold), (can_fail, may_fail)):
                    for bit in bits_of(mask & doubtful):
                        able[bit] |= plane
        for bit, plane in joined.left.items():
            holds[bit] |= plane & can_hold[bit] & ~can_fail[bit]
            fails[bit] &= ~(plane & can_hold[bit])
        return Planes(every, holds, fails)

    def _may_fall(self, verdicts: Sequence[Sequence[int]], settled: Many, lenient: Many) -> int:
        """Return where verdicts may no longer be eligible, or a row of another one be raised above one of their rows."""
        watched = self.focus.watched
        found = settled.every
        for place in (place for rows in verdicts for place in rows):
            found &= ~settled.true(watched[place].eligible)
        for place in self._above(verdicts):
            eligible, trigger = watched[place].eligible, watched[place].trigger
            found |= ~lenient.false(eligible) | ~settled.false(eligible) & ~lenient.false(trigger)
        return found

    # --- what they can bear on --------------------------------------------------------------------------------------

    def live(self) -> list[Move]:
        """Return the moves of which some combination may change the verdict; the others bear on nothing."""
        if self.base.alternatives:
            return list(self.touched)
        verdicts = {each.verdict for each, able in zip(self.focus.rows, self._able, strict=True) if able} - {None}
        leaves = 0
        for place, row in enumerate(self.focus.rows):
            if self._able[place] or row.verdict in verdicts:
                leaves |= self._open(place)
        return [move for move, touched in self.touched.items() if touched & leaves]

    def _open(self, place: int) -> int:
        """Return the leaves that decide whether a row is raised, of those that the moves do not leave decided."""
        watched = self.focus.watched[place]
        return self.focus.open_leaves((watched.eligible[0], watched.trigger[0]), self._settled)

    def clusters(self, word: str, wanted: str | None) -> list[list[Move]]:
        """Return the sets of moves in which every smallest answer lies.

        A verdict that a row gives falls when it is no longer eligible or when a row above it is raised; one is reached
        when its rows are eligible and those above them not raised. Moves that touch none of these rows are not needed.
        """
        decision = self.focus.goal.decision
        everything = list(self.touched)
        if decision is None or self.base.alternatives:
            return [everything]
        remaining = next(verdict.word for verdict in decision.verdicts if verdict.iri == decision.remaining)
        if wanted == remaining:
            return [everything]
        if wanted is None and word != remaining:
            found = self._falling(self._rows(word))
        else:
            words = dict.fromkeys(verdict.word for verdict in decision.verdicts if wanted in (None, verdict.word))
            found = [leaves for name in words for rows in self._rows(name) for leaves in self._rising(rows)]
        return [moves for leaves in dict.fromkeys(found) if (moves := [move for move in everything if self.touched[move] & leaves])]

    def _rows(self, word: str) -> list[list[int]]:
        """Return the rows of each verdict of the decision that has this word."""
        verdicts = (each.iri for each in self.focus.decision.verdicts if each.word == word)
        return [[place for place, row in enumerate(self.focus.rows) if row.verdict == iri] for iri in verdicts]

    def _above(self, verdicts: Iterable[Sequence[int]]) -> set[int]:
        """Return the rows above those of some verdicts, each verdict's own left out."""
        return {other for rows in verdicts for place in rows for other in self.focus.above(place) if other not in rows}

    def _falling(self, verdicts: Sequence[Sequence[int]]) -> list[int]:
        """Return the leaves of the rows of verdicts, once with each row that may be raised above one of them."""
        own = union(self._open(place) for rows in verdicts for place in rows)
        return [own, *(own | self._open(place) for place in self._above(verdicts) if self._able[place])]

    def _rising(self, rows: Sequence[int]) -> list[int]:
        """Return per row of a verdict its leaves and those of the rows above that may stand in its way; for unions all."""
        able = [place for place in rows if self._able[place] and self._open(place)]
        whole = 0
        found = []
        for place in able:
            leaves = self._with_blockers(self._open(place), self.focus.above(place))
            found.append(leaves)
            whole |= leaves
        return [*found, whole] if len(able) > 1 and self.focus.is_joint(rows) else found

    def _with_blockers(self, leaves: int, above: Iterable[int]) -> int:
        """Return leaves with those of the rows above that are raised already or that moves on the leaves touch."""
        waiting = [(place, self._open(place)) for place in above]
        leaves |= union(own for place, own in waiting if self.focus.is_raised(place))
        while True:
            reached = union(touched for touched in self.touched.values() if touched & leaves)
            wider = leaves | union(own for place, own in waiting if self._able[place] and own & reached)
            if wider == leaves:
                return leaves
            leaves = wider

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
    """Return the value to take for a leaf when asking what can be entailed: one that can be known, if only one can."""
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


def _leaves_by(focus: Focus, part: int) -> dict[str, int]:
    """Return the leaves of the goal by their role (0) or by what they are about (1)."""
    found: dict[str, int] = {}
    for bit in bits_of(focus.leaves):
        name = focus.program.leaves[bit][part]
        found[name] = found.get(name, 0) | 1 << bit
    return found


def _scope(program: Program, move: Move) -> frozenset[str]:
    """Return the terms that a move may come to deny, or keep from being denied, with others: all above what it speaks of."""
    return program.spans[move.change.term, move.change.value in DENYING][1]


def _shared(program: Program, moves: Iterable[Move]) -> frozenset[str]:
    """Return the terms that two or more moves may come to deny."""
    once: set[str] = set()
    twice: set[str] = set()
    for move in moves:
        if move.change.term in program.parents:
            scope = _scope(program, move)
            twice |= once & scope
            once |= scope
    return frozenset(twice)
