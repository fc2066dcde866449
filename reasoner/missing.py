"""Find the smallest sets of unknowns of which every consistent answer settles a verdict, and what the answers lead to.

A set that does not settle has an answer that leaves the verdict open. Adding to it every other unknown that can be
answered without settling gives the largest such set around it; whatever settles must hold an unknown outside it. So the
sets are minimal hitting sets. What is settled is judged as the report judges it, with the presumptions it prints.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from reasoner.abstraction.state import IndicatorState
from reasoner.advice import Advice, advise
from reasoner.entailment import Statuses
from reasoner.explanation import Missing, View
from reasoner.focus import Focus, Goal, goal_of, settled, verdict_of
from reasoner.many import Many, planes_of
from reasoner.namespaces import curie
from reasoner.program.masks import bits_of
from reasoner.program.model import End, Recommendation
from reasoner.program.rows import LeafMasks
from reasoner.questions import Question, Said, Span

__all__ = ["BOUND", "LARGEST", "Lead", "Settling", "SettlingSet", "render_settling", "settling_sets"]

LARGEST = 3
"""Unknowns of the largest set that is looked for."""

BOUND = 64
"""Sets that are listed before the search stops and says so."""

_POSITIONS = {-1: "below", 0: "inside", 1: "above"}
_FIRST: End = (Decimal(-1), 0)
_LAST: End = (Decimal(1), 1)


@dataclass(frozen=True, slots=True)
class Lead:
    """What one joint answer leads to: the answers in the order of the set's unknowns, the verdict, its rules, its certainty.

    An empty answer stands for any: those before it decide already.
    """

    answers: tuple[str, ...]
    verdict: str
    rule: str
    certainty: str


@dataclass(frozen=True, slots=True)
class SettlingSet:
    """Unknowns that settle the verdict however they are answered, and what each joint answer leads to."""

    unknowns: tuple[Missing, ...]
    leads: tuple[Lead, ...]


@dataclass(frozen=True, slots=True)
class Settling:
    """All smallest settling sets of at most `largest` unknowns, smallest first; `complete` says that none is left out.

    No set at all means that more than `largest` unknowns are needed, or that no answers settle the verdict.
    """

    goal: str
    sets: tuple[SettlingSet, ...]
    complete: bool
    largest: int


def settling_sets(view: View, advice: Advice, name: str, largest: int = LARGEST, bound: int = BOUND) -> Settling:
    """Return the smallest settling sets of the verdict `name`: a decision's key or a recommendation."""
    goal = goal_of(view.program, name)
    search = _Search(view, goal)
    if settled(view.program, view.statuses, advice, goal):
        return Settling(name, (SettlingSet((), ()),), True, largest)
    found, complete = search.minimal(largest, bound)
    return Settling(name, tuple(map(search.described, found)), complete, largest)


def render_settling(found: Settling) -> str:
    """Return the sets as text, what each joint answer leads to below, with the bound up to which they are all."""
    lines = []
    for each in found.sets:
        if not each.unknowns:
            return f"{curie(found.goal)} is settled: nothing is missing\n"
        lines.append(" and ".join(one.label for one in each.unknowns))
        for lead in each.leads:
            rule = ", ".join(filter(None, (lead.rule, lead.certainty)))
            lines.append(f"  {', '.join(answer or 'any' for answer in lead.answers)} -> {lead.verdict}" + (f" ({rule})" if rule else ""))
    if not found.sets:
        return f"no {found.largest} unknowns settle {curie(found.goal)} however they are answered\n"
    which = "every" if found.complete else "not every"
    lines.append(f"{which} smallest set of at most {found.largest} unknowns that settle {curie(found.goal)} is listed")
    return "\n".join(lines) + "\n"


class _Search:
    def __init__(self, view: View, goal: Goal) -> None:
        self.view = view
        self.goal = goal
        self.focus = Focus(view.program, view.state, goal)
        self.questions = self.focus.questions()

    def minimal(self, largest: int, bound: int) -> tuple[list[tuple[int, ...]], bool]:
        """Return the minimal settling sets by index, and whether all up to `largest` were found."""
        if not self.questions:
            return [], True
        found, doubtful, complete = self._hitting(largest, bound)
        if complete is None:
            found = self._widened(found, doubtful, largest, bound)
            complete = len(found) <= bound
        return found[:bound], complete

    def _hitting(self, largest: int, bound: int) -> tuple[list[tuple[int, ...]], dict[tuple[int, ...], LeafMasks], bool | None]:
        """Return the smallest sets that settle, those that the report may not call settled, and whether all are found, None to widen."""
        from pysat.examples.hitman import Hitman

        found: list[tuple[int, ...]] = []
        doubtful: dict[tuple[int, ...], LeafMasks] = {}
        pending: list[tuple[int, ...]] = []

        def part() -> None:
            """Part those that settle into those that the report calls settled and those that it may not."""
            for chosen, undecided in self._undecided(pending).items():
                if undecided is None:
                    found.append(chosen)
                else:
                    doubtful[chosen] = undecided
            pending.clear()

        with Hitman(solver="m22", htype="sorted") as hitman:
            hitman.hit([index + 1 for index in range(len(self.questions))])
            while (candidate := hitman.get()) is not None and len(candidate) <= largest:
                chosen = tuple(sorted(index - 1 for index in candidate))
                witness = self._unsettled(chosen)
                if witness is None:
                    if len(found) + len(pending) == bound:
                        part()
                        if len(found) == bound:
                            return found, doubtful, False
                    pending.append(chosen)
                    hitman.block(candidate)
                    continue
                outside = self._outside(chosen, witness)
                if not outside:
                    part()
                    return found, doubtful, True
                hitman.hit([index + 1 for index in outside])
        part()
        return found, doubtful, None

    def _unsettled(self, chosen: Sequence[int]) -> LeafMasks | None:
        """Return leaves, by masks, that answer `chosen` and may leave the goal open; None when every answer settles."""

        def descend(depth: int, leaves: LeafMasks, near: LeafMasks | None) -> LeafMasks | None:
            if self.focus.settles(*leaves, near):
                return None
            if depth == len(chosen):
                return leaves
            for said in self.questions[chosen[depth]].answers:
                wider = leaves[0] | said.true, leaves[1] | said.false
                if not wider[0] & wider[1]:
                    witness = descend(depth + 1, wider, leaves)
                    if witness is not None:
                        return witness
            return None

        return descend(0, (self.view.state.leaf_true, self.view.state.leaf_false), None)

    def _outside(self, chosen: Iterable[int], witness: LeafMasks) -> list[int]:
        """Return the unknowns that no answer fits beside `witness` without settling the goal."""
        inside = set(chosen)
        for index, question in enumerate(self.questions):
            if index not in inside:
                for said in question.answers:
                    wider = witness[0] | said.true, witness[1] | said.false
                    if not wider[0] & wider[1] and not self.focus.settles(*wider, witness):
                        witness = wider
                        inside.add(index)
                        break
        return [index for index in range(len(self.questions)) if index not in inside]

    def _widened(
        self, found: list[tuple[int, ...]], doubtful: Mapping[tuple[int, ...], LeafMasks], largest: int, bound: int
    ) -> list[tuple[int, ...]]:
        """Return `found` with the smallest supersets of the doubtful sets that the report calls settled.

        What an answer leaves undecided a further answer seldom decides, so that one is tried first.
        """
        result = [_mask(each) for each in found]
        layer = {_mask(each): leaves for each, leaves in doubtful.items()}
        for _ in range(largest):
            wider = {
                each | 1 << index: (leaves, index)
                for each, leaves in layer.items()
                if each.bit_count() < largest
                for index in range(len(self.questions))
            }
            tried = self._still_undecided({each: start for each, start in wider.items() if each not in layer})
            unsure = {tuple(bits_of(each)): each for each, leaves in tried.items() if leaves is None and not _holds_any(each, result)}
            for chosen, leaves in sorted(self._undecided(list(unsure)).items()):
                tried[unsure[chosen]] = leaves
                if leaves is None and len(result) <= bound and not _holds_any(unsure[chosen], result):
                    result.append(unsure[chosen])
            layer = {each: leaves for each, leaves in tried.items() if leaves is not None and not _holds_any(each, result)}
        return sorted((tuple(bits_of(each)) for each in result), key=lambda each: (len(each), each))

    def _still_undecided(self, wider: Mapping[int, tuple[LeafMasks, int]]) -> dict[int, LeafMasks | None]:
        """Return for each set undecided leaves with an answer to one more question added, where that leaves them so.

        Most are left so by their last answer already; only of the others the answers before it are tried.
        """
        found: dict[int, LeafMasks | None] = dict.fromkeys(wider)
        due, turn = list(wider), 1
        while due:
            tried = []
            for each in due:
                (true, false), index = wider[each]
                said = self.questions[index].answers[-turn]
                if not (true | said.true) & (false | said.false):
                    tried.append((each, (true | said.true, false | said.false)))
            for (each, leaves), decided in zip(tried, self._decided([leaves for _, leaves in tried]), strict=True):
                if not decided:
                    found[each] = leaves
            turn += 1
            due = [each for each in due if found[each] is None and turn <= len(self.questions[wider[each][1]].answers)]
        return found

    def _undecided(self, sets: Sequence[tuple[int, ...]]) -> dict[tuple[int, ...], LeafMasks | None]:
        """Return for each set leaves after a joint answer with which the report does not call the goal settled, if there are any."""
        tried = [(chosen, (true, false)) for chosen in sets for _, true, false in self.answers(chosen)]
        found: dict[tuple[int, ...], LeafMasks | None] = dict.fromkeys(sets)
        for (chosen, leaves), decided in zip(tried, self._decided([leaves for _, leaves in tried]), strict=True):
            if not decided and found[chosen] is None:
                found[chosen] = leaves
        return found

    def _decided(self, sets: Sequence[LeafMasks]) -> list[bool]:
        """Return for each set whether the report calls the goal settled when exactly its leaves are known."""
        if not sets or self.goal.decision is None or self.view.state.alternatives:
            return [settled(self.view.program, *self._judge(*leaves), self.goal) for leaves in sets]
        plane = Many(self.focus, planes_of(self.focus, sets)).decided()
        return [bool(plane >> place & 1) for place in range(len(sets))]

    def answers(self, chosen: Sequence[int]) -> Iterator[tuple[tuple[Said, ...], int, int]]:
        """Yield every consistent joint answer to some questions, with the leaf masks that it makes."""

        def descend(depth: int, said: tuple[Said, ...], true: int, false: int) -> Iterator[tuple[tuple[Said, ...], int, int]]:
            if depth == len(chosen):
                yield said, true, false
                return
            for each in self.questions[chosen[depth]].answers:
                if not (true | each.true) & (false | each.false):
                    yield from descend(depth + 1, (*said, each), true | each.true, false | each.false)

        yield from descend(0, (), self.view.state.leaf_true, self.view.state.leaf_false)

    def _judge(self, true: int, false: int) -> tuple[Statuses, Advice]:
        statuses = Statuses(self.view.program, true, false)
        return statuses, advise(self.view.program, replace(self.view.state, leaf_true=true, leaf_false=false), statuses)

    def described(self, chosen: Sequence[int]) -> SettlingSet:
        """Return a settling set in words, with what each joint answer leads to."""
        asked = [self.questions[index] for index in chosen]
        leads = []
        for said, true, false in self.answers(chosen):
            words = tuple(self._words(question, each) for question, each in zip(asked, said, strict=True))
            leads.append(Lead(words, *self._led_to(true, false)))
        return SettlingSet(tuple(map(self._unknown, asked)), tuple(_collapsed(leads, 0)))

    def _unknown(self, question: Question) -> Missing:
        if not question.role:
            return Missing(question.term, self.view.label(question.term))
        return Missing(question.term, self.view.role_phrase(question.role, question.term))

    def _words(self, question: Question, said: Said) -> str:
        if said.present is not None:
            return "present" if said.present else "absent"
        words = [self._value(iri, span) for iri, span in said.values if span is not None]
        return words[0].removeprefix(f"{self.view.label(question.term)}: ") if len(words) == 1 else ", ".join(words)

    def _value(self, iri: str, span: Span) -> str:
        label, indicator = self.view.label(iri), self.view.program.indicator[iri]
        low, high = span
        exact = low is not None and high is not None and low[0] == high[0]
        if indicator.form == "relative":
            inside = [word for place, word in _POSITIONS.items() if (low or _FIRST) <= (Decimal(place), 0) < (high or _LAST)]
            return f"{label}: {' or '.join(inside)}"
        if indicator.datatype == "boolean":
            exact, low = True, (low or _FIRST)
        return self.view.value_text(IndicatorState(iri, "known" if exact else "bounded", low, high))

    def _led_to(self, true: int, false: int) -> tuple[str, str, str]:
        """Return the verdict, its rules and its certainty when these leaves, which settle the goal, are known."""
        if self.goal.decision is not None and not self.view.state.alternatives:
            word, certainty, carrying = self.focus.carried(self.focus.evaluate(true, false))
            return word, _rules(carrying), certainty
        _, advice = self._judge(true, false)
        if self.goal.decision is None:
            each = advice.advised.get(self.goal.name)
            return verdict_of(advice, self.goal), "", "" if each is None else each.standing
        judged = advice.judged[self.goal.decision.key]
        return judged.verdict.word, _rules(row.recommendation for row in judged.rows), judged.certainty


def _rules(rows: Iterable[Recommendation]) -> str:
    return "/".join(dict.fromkeys(row.rule for row in rows))


def _collapsed(leads: list[Lead], depth: int) -> list[Lead]:
    """Return the leads with those merged that agree on the first answers and on what they lead to."""
    first = leads[0]
    if all((each.verdict, each.rule, each.certainty) == (first.verdict, first.rule, first.certainty) for each in leads):
        blank = ("",) * (len(first.answers) - depth)
        return [replace(first, answers=(*first.answers[:depth], *blank))]
    groups: dict[str, list[Lead]] = {}
    for each in leads:
        groups.setdefault(each.answers[depth], []).append(each)
    return [lead for group in groups.values() for lead in _collapsed(group, depth + 1)]


def _mask(chosen: Iterable[int]) -> int:
    return sum(1 << index for index in chosen)


def _holds_any(each: int, found: Iterable[int]) -> bool:
    """Return whether a set holds one of those found."""
    return any(known & ~each == 0 for known in found)
