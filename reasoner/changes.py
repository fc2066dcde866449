"""Find every smallest set of changes to record facts after which a verdict is another one.

Sets are tried by size, each abstracted anew. Between sizes, moves are dropped that can bear on nothing: a
recommendation that no combination of the moves left can raise keeps the verdict's word as it is, and of the others
only those leaves count that the moves do not leave decided.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, islice, starmap
from typing import NamedTuple

from reasoner.abstraction import Parts, abstract_case, parts_of
from reasoner.abstraction.state import CaseState
from reasoner.advice import POSSIBLE, RULED_OUT, SILENT, Advice, advise
from reasoner.candidates import PAIR, Tried
from reasoner.counterfactual import ABSENT, apply_changes, is_changed
from reasoner.entailment import Statuses, entail
from reasoner.errors import UsageError
from reasoner.explanation import Reason, View
from reasoner.focus import ADVISED, Focus, Goal, goal_named, goal_of, verdict_of
from reasoner.many import Many, planes_of, union
from reasoner.moments import Moment
from reasoner.moves import Move, moves_of
from reasoner.namespaces import curie
from reasoner.program.masks import bits_of
from reasoner.program.model import Program, Recommendation
from reasoner.program.rows import LeafMasks
from reasoner.reach import Reach
from reasoner.record import Case
from reasoner.terms import Role

__all__ = ["ANEW", "BOUND", "EFFORT", "LARGEST", "Altered", "ChangeSet", "Changes", "changes_of", "read_goal", "render_changes"]

LARGEST = 3
"""Changes of the largest set that is looked for."""

BOUND = 64
"""Sets that are listed before the search stops and says so."""

EFFORT = 3000
"""What the search may spend before it stops and says so: one for a set put together, as much as `ANEW` for one abstracted."""

ANEW = 15

_Judged = tuple[View, str, list[Recommendation]]
"""A state after changes as it is looked at, the word of the verdict, and the recommendations that carry it."""

_STANDINGS = [ADVISED, POSSIBLE, RULED_OUT, SILENT]


@dataclass(frozen=True, slots=True)
class Altered:
    """A record fact that is set to a value, and whether that is to learn or contrary to what is known."""

    term: str
    label: str
    value: str
    mark: str


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """Changes of which none can be left out, the verdict that they give, and one set of its reasons."""

    changes: tuple[Altered, ...]
    verdict: str
    because: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """All smallest sets of changes that give another verdict, or the one that is `wanted`, smallest first.

    `size` is the greatest number of changes up to which every set was found; where the wanted verdict is given already, nothing has to change.
    """

    goal: str
    verdict: str
    wanted: str | None
    sets: tuple[ChangeSet, ...]
    size: int


def changes_of(view: View, name: str, as_of: Moment, wanted: str | None = None, largest: int = LARGEST, bound: int = BOUND) -> Changes:
    """Return the smallest sets of changes that give another verdict on `name`, or the verdict `wanted`."""
    search = _Search(view, name, as_of, wanted)
    if wanted == search.before:
        return Changes(name, search.before, wanted, (), largest)
    found, size = search.minimal(largest, bound)
    return Changes(name, search.before, wanted, search.described(found), size)


def read_goal(program: Program, text: str) -> tuple[str, str | None]:
    """Read `GOAL`, `GOAL=VERDICT` or the word of a verdict that one decision alone has; raise UsageError for another.

    The goal may be written in every way that `reasoner.naming` knows.
    """
    name, _, word = (part.strip() for part in text.partition("="))
    words = {decision.key: [verdict.word for verdict in decision.verdicts] for decision in program.decisions}
    keys = [key for key, own in words.items() if name in own]
    if not word and len(keys) == 1:
        name, word = keys[0], name
    goal = goal_named(program, name)
    allowed = words.get(goal.name, _STANDINGS)
    if word and word not in allowed:
        raise UsageError(f"{word} is no verdict on {curie(goal.name)}", repair=f"use one of {', '.join(dict.fromkeys(allowed))}")
    return goal.name, word or None


def render_changes(found: Changes) -> str:
    """Return the changes as text, one set in each line, with the bound up to which they are all."""
    if found.wanted == found.verdict:
        return f"{curie(found.goal)} is {found.verdict} already\n"
    lines = [f"{curie(found.goal)} is {found.verdict}"]
    for each in found.sets:
        said = " and ".join(f"{one.label}: {one.value} ({one.mark})" for one in each.changes)
        lines.append(f"{said} -> {each.verdict}")
    lines.append(
        f"every smallest set of at most {found.size} changes is listed" if found.sets else f"no set of at most {found.size} changes does it"
    )
    return "\n".join(lines) + "\n"


class _Said(NamedTuple):
    """What a move says of a finding whatever else is on record.

    The finding as a mask if it is denied, the finding with all above it, and the leaves that hold and that fail by it.
    """

    denied: int
    above: int
    holds: int
    fails: int


class _Search:
    def __init__(self, view: View, name: str, as_of: Moment, wanted: str | None) -> None:
        self.view = view
        self.program = view.program
        self.goal = goal_of(view.program, name)
        self.focus = Focus(view.program, view.state, self.goal)
        self.as_of = as_of
        self.wanted = wanted
        self.before = self._word(view.state)
        self.moves = moves_of(self.program, view.state, self.focus.leaves)
        self._known = set(view.state.conflicts)
        self._said: dict[Move, _Said] = {}
        self._clashes: dict[Move, list[tuple[frozenset[str], frozenset[str]]]] = {}
        self._cases: dict[tuple[Move, ...], Case] = {}
        self._parts: dict[tuple[Move, ...], Parts] = {}
        self.spent = 0
        self.effort = EFFORT
        self._excluding: dict[tuple[Move, ...], bool] = {}
        self._states: dict[tuple[Move, ...], CaseState] = {}

    def minimal(self, largest: int, bound: int) -> tuple[list[tuple[Move, ...]], int]:
        """Return the minimal sets, and the size up to which they are complete."""
        found = self._telling((move,) for move in self.moves)
        answering = {move for chosen in found for move in chosen}
        left = [move for move in self.moves if move not in answering]
        reach = self._reach(left)
        clusters = reach.clusters(self.before, self.wanted)
        tried = Tried(self.moves, self._barring())
        for each in found:
            tried.add_answer(each)
        for size in range(2, largest + 1):
            room = self.effort - self.spent if self.goal.decision is not None else None
            if room is not None and tried.exceed(clusters, size, room):
                return found, size - 1
            sets = list(islice(tried.candidates(clusters, size), None if room is None else room + 1))
            for chosen in self._answering(sets, reach):
                if len(found) >= bound:
                    return found, size - 1
                found.append(chosen)
                tried.add_answer(chosen)
            if self.spent > self.effort:
                return found, size - 1
            for pair in (chosen for chosen in self._states if len(chosen) == PAIR == size):
                if self._exclude(pair):
                    tried.bar(*pair)
        return found, largest

    def _barring(self) -> Iterator[tuple[Move, Move]]:
        """Yield two moves of which one denies a finding of which the other denies a kind, or which contradict each other."""
        told = [(move, said) for move in self.moves if (said := self._said_by(move)) is not None]
        for (one, first), (other, second) in combinations(told, PAIR):
            if first.denied & second.above or second.denied & first.above or first.holds & second.fails or first.fails & second.holds:
                yield one, other

    def _said_by(self, move: Move) -> _Said | None:
        """Return what a move says of a finding, None for another."""
        term, kinds = move.change.term, self.program.kinds
        if self.program.sorts.get(term) != "Finding":
            return None
        if move not in self._said:
            denies = move.change.value == ABSENT
            effect = self.program.fact_effects[Role.FINDING, term, not denies]
            self._said[move] = _Said(kinds.bit[term] if denies else 0, kinds.above[term], effect.holds, effect.fails)
        return self._said[move]

    def _reach(self, moves: list[Move]) -> Reach:
        """Return what the moves can do together once those that bear on nothing are left out."""
        while True:
            reach = Reach(self.focus, moves, self.after, self._known)
            live = reach.live()
            if len(live) == len(moves):
                return reach
            moves = live

    def _answering(self, sets: Sequence[tuple[Move, ...]], reach: Reach) -> Iterator[tuple[Move, ...]]:
        """Yield the sets of moves that give the verdict that is looked for; abstracted anew where moves may meet in a leaf.

        What is too much to be tried within the effort is left out, and shows in what was spent.
        """
        if self.goal.decision is not None:
            self.spent += len(sets)
            if self.spent > self.effort:
                return
            told, sets = self._put_together(sets, reach)
            yield from told
        sets = self._consistent(sets)
        if self.spent + ANEW * len(sets) > self.effort:
            self.spent += ANEW * len(sets)
            return
        yield from self._telling(sets)

    def _telling(self, sets: Iterable[tuple[Move, ...]]) -> list[tuple[Move, ...]]:
        """Return the sets of moves that give the verdict that is looked for, each abstracted anew."""
        states = {chosen: self.after(chosen) for chosen in sets}
        if self.goal.decision is None:
            return [chosen for chosen, state in states.items() if self.answers(state)]
        sound = {chosen: state for chosen, state in states.items() if self._is_sound(state)}
        return self._giving({chosen: (state.leaf_true, state.leaf_false) for chosen, state in sound.items()})

    def _giving(self, leaves: Mapping[tuple[Move, ...], LeafMasks]) -> list[tuple[Move, ...]]:
        """Return the sets of moves after which the leaves give the verdict that is looked for."""
        if not leaves:
            return []
        sets, many = list(leaves), Many(self.focus, planes_of(self.focus, list(leaves.values())))
        return [sets[place] for place in bits_of(self._answering_in(many))]

    def _answering_in(self, many: Many) -> int:
        """Return where the verdict is one that is looked for."""
        return union(plane for word, plane in many.words().items() if self._is_answer(word))

    def _consistent(self, sets: Sequence[tuple[Move, ...]]) -> list[tuple[Move, ...]]:
        """Return the sets that no contradiction between two of their moves, or one with the record, rules out.

        It ends where those kept are too many already.
        """
        kept: list[tuple[Move, ...]] = []
        for chosen in sets:
            if self.spent + ANEW * len(kept) > self.effort:
                break
            if not self._is_doomed(chosen) and (len(chosen) <= PAIR or not any(map(self._exclude, combinations(chosen, PAIR)))):
                kept.append(chosen)
        return kept

    def _is_doomed(self, chosen: tuple[Move, ...]) -> bool:
        """Return whether one of several moves about findings contradicts records that no other one bears on."""
        if any(self._said_by(move) is None for move in chosen):
            return False
        spans = {move: self.program.spans[move.change.term, True] for move in chosen}
        return any(
            all(move is other or (zone.isdisjoint(over) and kinds.isdisjoint(above)) for other, (zone, above) in spans.items())
            for move in chosen
            for kinds, over in self._clashes_of(move)
        )

    def _clashes_of(self, move: Move) -> list[tuple[frozenset[str], frozenset[str]]]:
        """Return for each contradiction between a move and records of findings what these may state or deny, and all above it."""
        if move not in self._clashes:
            state = self.after((move,))
            terms = {record.node: record.finding for record in state.case.findings}
            new = [each.sources for each in state.conflicts if each not in self._known and all(node in terms for node in each.sources)]
            spans = [[self.program.spans[terms[node], True] for node in nodes] for nodes in new]
            parts = [tuple(frozenset[str]().union(*(span[part] for span in each)) for part in (0, 1)) for each in spans]
            self._clashes[move] = [(kinds, over) for kinds, over in parts]
        return self._clashes[move]

    def _exclude(self, pair: tuple[Move, ...]) -> bool:
        """Return whether two moves contradict each other, whatever the record says."""
        if pair not in self._excluding:
            conflicts = (each for each in self.after(pair).conflicts if each not in self._known)
            self._excluding[pair] = any(all(map(is_changed, each.sources)) for each in conflicts)
        return self._excluding[pair]

    def _put_together(self, sets: Sequence[tuple[Move, ...]], reach: Reach) -> tuple[list[tuple[Move, ...]], list[tuple[Move, ...]]]:
        """Return the sets that give the verdict by what each of their moves does, and those of which only abstraction tells."""
        if not sets:
            return [], []
        joined = reach.together(sets)
        many = Many(self.focus, joined.planes)
        told = [sets[place] for place in bits_of(self._answering_in(many) & ~joined.open)]
        may_answer = reach.may_answer(joined, many, self.before, self.wanted) & joined.open
        parted, apart, left = reach.apart([sets[place] for place in bits_of(may_answer)])
        if parted:
            more = self._answering_in(Many(self.focus, apart.planes)) & ~apart.open
            told += [parted[place] for place in bits_of(more)]
        return told, left

    def after(self, chosen: Sequence[Move]) -> CaseState:
        """Return the case state after some moves; what those about indicators do is worked out once."""
        key = tuple(chosen)
        if key not in self._states:
            self.spent += ANEW * (len(key) > 1)
            measured = tuple(move for move in key if move.change.term in self.program.indicator)
            others = tuple(move for move in key if move.change.term not in self.program.indicator)
            parts = self._parts_after(measured if others else ())
            self._states[key] = abstract_case(self._case_after((*measured, *others)), self.program, self.as_of, parts)
        return self._states[key]

    def _parts_after(self, chosen: tuple[Move, ...]) -> Parts:
        if chosen not in self._parts:
            self._parts[chosen] = parts_of(self._case_after(chosen), self.program, self.as_of)
        return self._parts[chosen]

    def _case_after(self, chosen: tuple[Move, ...]) -> Case:
        """Return the case after some moves, one after the other."""
        if not chosen:
            return self.view.state.case
        if chosen not in self._cases:
            self._cases[chosen] = apply_changes(self._case_after(chosen[:-1]), [chosen[-1].change], self.program, self.as_of)
        return self._cases[chosen]

    def answers(self, state: CaseState) -> bool:
        """Return whether a state is consistent and gives the verdict that is looked for."""
        return self._is_sound(state) and self._is_answer(self._word(state))

    def _is_sound(self, state: CaseState) -> bool:
        """Return whether the moves contradict nothing."""
        return all(each in self._known for each in state.conflicts)

    def _is_answer(self, word: str) -> bool:
        return word == self.wanted if self.wanted else word != self.before

    def _word(self, state: CaseState) -> str:
        if self.goal.decision is not None:
            return self.focus.word(state.leaf_true, state.leaf_false)
        return verdict_of(advise(self.program, state, entail(self.program, state)), self.goal)

    def described(self, found: Sequence[tuple[Move, ...]]) -> tuple[ChangeSet, ...]:
        """Return sets of moves in words, each with the verdict and its reasons."""
        states = [self.after(chosen) for chosen in found]
        if self.goal.decision is None or not states or any(state.alternatives for state in states):
            judged = map(self._advised, states)
        else:
            many = Many(self.focus, planes_of(self.focus, [(state.leaf_true, state.leaf_false) for state in states]))
            judged = map(self._carried, states, many.values())
        return tuple(starmap(self._in_words, zip(found, judged, strict=True)))

    def _advised(self, state: CaseState) -> _Judged:
        statuses = entail(self.program, state)
        advice = advise(self.program, state, statuses)
        return View(self.program, state, statuses), verdict_of(advice, self.goal), _rows(advice, self.goal)

    def _carried(self, state: CaseState, values: bytearray) -> _Judged:
        carried = self.focus.carried(values)
        return View(self.program, state, Statuses.of(self.program, (state.leaf_true, state.leaf_false), values)), carried.word, carried.rows

    @staticmethod
    def _in_words(chosen: Sequence[Move], judged: _Judged) -> ChangeSet:
        view, word, rows = judged
        because = tuple(dict.fromkeys(reason for row in rows for reason in view.recommended(row)))
        altered = (Altered(move.change.term, view.label(move.change.term), move.change.value, move.mark) for move in chosen)
        return ChangeSet(tuple(altered), word, because)


def _rows(advice: Advice, goal: Goal) -> list[Recommendation]:
    """Return the recommendations that carry the verdict on a goal."""
    if goal.decision is not None:
        return [row.recommendation for row in advice.judged[goal.decision.key].rows]
    each = advice.advised.get(goal.name)
    return [each.recommendation] if each is not None and each.stands else []
