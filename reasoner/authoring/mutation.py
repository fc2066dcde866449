"""Test the vignettes: change the knowledge in one place at a time and see whether anything notices.

A mutant is killed, in this order, when the compiler refuses it, when the report on a vignette is no longer as expected,
when a check of the guidelines over all cases refuses it, or when a competency question has another answer. Asked again
are only the vignettes that know something of what was changed, and of these the ones in which a class, a fact or the
standing of a recommendation may have moved. Mutants run on gates alone, with which the unchanged knowledge passes every
vignette; for one that nothing kills, the decision diagrams of the classes that it can move are built and the vignettes
asked again. A survivor that no case can tell apart is equivalent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from reasoner.abstraction import CaseState, abstract_case
from reasoner.advice import advise
from reasoner.answering import Records
from reasoner.authoring.competency_checks import Questions
from reasoner.authoring.example_checks import Expectation, classes_expected, expects_classes_alone, observe
from reasoner.authoring.guideline_checks import check_guidelines
from reasoner.authoring.mutants import Mutant
from reasoner.authoring.profile_checks import all_definitions
from reasoner.authoring.results import NotRun
from reasoner.authoring.state_space import StateSpace
from reasoner.authoring.workspace import Workspace
from reasoner.entailment import entail
from reasoner.errors import KnowledgeError, LegcrampsError
from reasoner.expressions import And, Band, Expression, Named, Not, Or, Some
from reasoner.knowledge import Graph
from reasoner.moments import Moment
from reasoner.program.compile import compile_graph
from reasoner.program.model import Program, Recommendation
from reasoner.record import Case
from reasoner.terms import lc

__all__ = ["Outcome", "Trial", "Vignette"]

Compare = Callable[[Expectation, Mapping[str, object]], list[str]]
_ADVICE = ("hasExclusion", "inclusion", "hasTrigger", "presupposesScope", "overrides", "overridesRoutine")
"""Kinds of mutants that may change the standing of a recommendation without changing a class."""


@dataclass(frozen=True)
class Vignette:
    """A vignette: its name, its record as read, and what the report must say of each of its cases."""

    name: str
    records: Records
    expected: tuple[Expectation, ...]


@dataclass(frozen=True)
class _Base:
    """One case of a vignette under the knowledge as it is: its state, the terms it knows something of, the advice raised."""

    name: str
    case: Case
    moment: Moment
    expected: Expectation
    state: CaseState
    statuses: Mapping[str, str]
    facts: frozenset[tuple[str, str, bool]]
    touched: frozenset[str]
    advised: frozenset[str]


@dataclass
class Outcome:
    """What became of the mutants: by whom they were killed, the survivors, and those proved equivalent."""

    killed: dict[Mutant, str] = field(default_factory=dict)
    survived: list[Mutant] = field(default_factory=list)
    equivalent: dict[Mutant, str] = field(default_factory=dict)

    @property
    def score(self) -> float:
        """Return the share of mutants killed among those that are not equivalent."""
        total = len(self.killed) + len(self.survived)
        return len(self.killed) / total if total else 1.0

    def summary(self) -> str:
        """Return the figures in one line: the score, who killed how many, and the survivors by kind."""
        share = f"{len(self.killed)} of {len(self.killed) + len(self.survived)} mutants killed ({self.score:.1%})"
        killers = _counts(killer.partition(":")[0] for killer in self.killed.values())
        kinds = _counts(each.kind for each in self.survived)
        return f"{share}, by {killers}; {len(self.equivalent)} equivalent" + (f"; survivors: {kinds}" if kinds else "")


def _counts(words: Iterable[str]) -> str:
    return ", ".join(f"{word} {number}" for word, number in sorted(Counter(words).items()))


class Trial:
    """The vignettes, checks and questions with what they say of the knowledge as it is, to hold mutants against."""

    def __init__(self, workspace: Workspace, program: Program, vignettes: Iterable[Vignette], differences: Compare) -> None:
        self.workspace = workspace
        self.graph = workspace.graph
        self.program = program
        self.differences = differences
        self.definitions = all_definitions(self.graph)
        cases = [_base(vignette.name, *pair, program) for vignette in vignettes for pair in _pairs(vignette)]
        self.cases = sorted(cases, key=lambda base: not expects_classes_alone(base.expected))

    @cached_property
    def questions(self) -> Questions:
        """Return the competency questions."""
        return Questions(self.workspace.folder)

    def run(self, mutants: Iterable[Mutant]) -> Outcome:
        """Try every mutant, and prove the survivors equivalent that are."""
        outcome = Outcome()
        for mutant in mutants:
            if killer := self.killer(mutant):
                outcome.killed[mutant] = killer
            elif reason := self.equivalence(mutant):
                outcome.equivalent[mutant] = reason
            else:
                outcome.survived.append(mutant)
        return outcome

    def killer(self, mutant: Mutant) -> str:
        """Return who kills a mutant and by what, or nothing."""
        graph = mutant.apply(self.graph)
        try:
            definitions = all_definitions(graph)
            cone = self._cone(mutant, definitions)
            program = compile_graph(graph, "mutant", self.program.shapes, judged=())
        except LegcrampsError as error:
            return f"compiler: {error.code}"
        found = self._vignette(mutant, program, definitions, cone) or self._check(graph) or self._question(graph, program)
        if found or mutant.kind == "hierarchy" or not cone:
            return found
        return self._vignette(mutant, compile_graph(graph, "mutant", self.program.shapes, judged=cone), definitions, cone)

    # --- vignettes -----------------------------------------------------------------------------------------------

    def _vignette(self, mutant: Mutant, program: Program, definitions: Mapping[str, Expression], cone: frozenset[str]) -> str:
        subjects = self._subjects(mutant, definitions)
        same = _same_layout(program, self.program)
        for base in self.cases:
            if subjects & base.touched and self._may_differ(mutant, base, program, cone, same):
                lines = self._lines(base, program)
                if lines:
                    self.cases.remove(base)
                    self.cases.insert(0, base)
                    return f"vignette: {base.case.iri.rpartition('/')[2]}: {lines[0]}"
        return ""

    def _may_differ(self, mutant: Mutant, base: _Base, program: Program, cone: frozenset[str], same: bool) -> bool:
        """Return whether a class, a fact or the standing of advice may be another in one case."""
        if mutant.kind in _ADVICE and (base.advised & self._concerned(mutant) or (base.advised and mutant.kind == "overridesRoutine")):
            return True
        moved = cone & base.statuses.keys() & program.classes.keys()
        if not moved and not base.facts:
            return False
        state = base.state if same else abstract_case(base.case, program, base.moment)
        statuses = entail(program, state)
        if any(statuses.status(name) != base.statuses[name] for name in moved):
            return True
        return mutant.kind == "hierarchy" and bool(base.facts) and _facts(state, program) != base.facts

    def _concerned(self, mutant: Mutant) -> frozenset[str]:
        """Return the recommendations whose standing a mutant of advice may change."""
        overridden = {node for edit in mutant.edits for node in self.graph.iris(edit.subject, lc("overrides"))}
        return frozenset(overridden if mutant.kind == "overrides" else {mutant.owner})

    def _lines(self, base: _Base, program: Program) -> list[str]:
        """Return where the report on one case is not as expected."""
        try:
            return self.differences(base.expected, observe(base.case, program, base.expected))
        except LegcrampsError as error:
            return [error.code]

    def _subjects(self, mutant: Mutant, definitions: Mapping[str, Expression]) -> frozenset[str]:
        """Return the findings, drugs, conditions and indicators below what a mutant changes, before and after."""
        if mutant.kind == "hierarchy":
            return frozenset({mutant.owner})
        names = {*self._changed(definitions)}
        for edit in mutant.edits if mutant.kind in _ADVICE else ():
            nodes = [edit.subject, *map(str, self.graph.nodes(edit.subject, edit.predicate))]
            names |= {name for node in nodes for name in self._classes_of(node)}
        return frozenset(subject for space in (self.definitions, definitions) for subject in _atoms_below(space, names))

    def _classes_of(self, node: str) -> set[str]:
        """Return the case classes that decide whether a recommendation, or a class itself, is raised."""
        each = self.program.recommendation.get(node)
        return {each.inclusion, each.trigger, each.eligible} if each else {node} & self.definitions.keys()

    def _changed(self, definitions: Mapping[str, Expression]) -> frozenset[str]:
        names = definitions.keys() | self.definitions.keys()
        return frozenset(name for name in names if definitions.get(name) != self.definitions.get(name))

    def _cone(self, mutant: Mutant, definitions: Mapping[str, Expression]) -> frozenset[str]:
        """Return the classes whose meaning a mutant may change: the changed definitions and all that use them."""
        if mutant.kind == "hierarchy":
            terms = {mutant.owner, *self.program.parents[mutant.owner], *self.program.below[mutant.owner]}
            changed = {name for name, each in definitions.items() if any(_subject(atom) in terms for atom in _own_atoms(each))}
        else:
            changed = {*self._changed(definitions)}
        for name, each in definitions.items():
            if changed & _used(each):
                changed.add(name)
        return frozenset(changed)

    # --- checks, questions and equivalence -----------------------------------------------------------------------

    def _check(self, graph: Graph) -> str:
        """Return the rule for guidelines that a mutant breaks, or nothing."""
        try:
            finding = next(check_guidelines(self.workspace.holding(graph)), None)
        except NotRun as reason:
            return f"guideline rules: {reason}"
        return f"guideline rules: {finding.code} {finding.what}" if finding else ""

    def _question(self, graph: Graph, program: Program) -> str:
        """Return the competency question that has another answer, or nothing."""
        found = next(self.questions.differences(graph, program), "")
        return f"competency: {found}" if found else ""

    def equivalence(self, mutant: Mutant) -> str:
        """Return why nothing that is answered tells a mutant from the original, or nothing when that is not proved."""
        graph = mutant.apply(self.graph)
        try:
            changed = all_definitions(graph)
            if compile_graph(graph, "mutant", self.program.shapes, judged=()) == self._unchanged:
                return "it compiles to the same program"
        except LegcrampsError:
            return ""
        differing = {name: each for name, each in changed.items() if self.definitions.get(name) != each}
        if not differing or changed.keys() != self.definitions.keys() or mutant.kind == "hierarchy":
            return ""
        space = StateSpace(self.graph, self.definitions | {f"{name}′": each for name, each in differing.items()})
        try:
            if mutant.kind not in ("overrides", "overridesRoutine"):
                return "no case is in one and not in the other" if _alike(space, differing) else ""
            return self._apart(mutant, space) or (self._covered(mutant, space) if _alike(space, differing) else "")
        finally:
            space.close()

    @cached_property
    def _unchanged(self) -> Program:
        return compile_graph(self.graph, "mutant", self.program.shapes, judged=())

    def _overridden(self, mutant: Mutant) -> list[Recommendation]:
        """Return the recommendations that the override of a mutant says something about."""
        edit = mutant.edits[0]
        gone = {*self.graph.iris(edit.subject, edit.predicate)} - {*map(str, edit.nodes)}
        return [each for each in self.program.recommendations if each.iri in gone or (not gone and mutant.owner in each.overriders)]

    def _apart(self, mutant: Mutant, space: StateSpace) -> str:
        """Return why an override says nothing: no case is one for both recommendations."""
        own = self.program.recommendation[mutant.owner]
        meet = any(space.case([own.eligible, other.eligible]) for other in self._overridden(mutant))
        return "" if meet else "no case is one for the overriding and the overridden recommendation"

    def _covered(self, mutant: Mutant, space: StateSpace) -> str:
        """Return why an override of a row shows in no verdict, its classes being the same without it.

        A verdict is judged on the union of its rows. When another row of it is eligible wherever this one is and has the
        same overrider, the union has it still.
        """
        rows = [row for row in self._overridden(mutant) if row.decision]
        others = {row.iri: [other for other in self._fellows(row) if mutant.owner in other.overriders] for row in rows}
        covered = all(any(space.case([row.eligible], [other.eligible]) is None for other in others[row.iri]) for row in rows)
        return "a wider row of the same verdict is overridden as well" if rows and covered else ""

    def _fellows(self, row: Recommendation) -> list[Recommendation]:
        found = [each for each in self.program.recommendations if each.decision == row.decision and each.verdict == row.verdict]
        return [each for each in found if each.iri != row.iri and each.rule == row.rule]


def _alike(space: StateSpace, differing: Mapping[str, Expression]) -> bool:
    """Return whether every changed class holds the same cases as before."""
    return all(space.case([name], [f"{name}′"]) is None and space.case([f"{name}′"], [name]) is None for name in differing)


def _pairs(vignette: Vignette) -> Iterator[tuple[Case, Expectation]]:
    """Yield each case of a vignette with what is expected of it."""
    cases = {case.iri: case for case in vignette.records.cases}
    for expected in vignette.expected:
        yield cases[str(expected["case"])], expected


def _base(name: str, case: Case, expected: Expectation, program: Program) -> _Base:
    """Return a case under the knowledge as it is; of one that expects classes alone, no more than these is kept."""
    moment = case.as_of
    if moment is None:
        raise KnowledgeError("A vignette states no instant", where=name, repair="add lc:asOf to the case")
    named = classes_expected(expected)
    state = abstract_case(case, program, moment)
    facts: frozenset[tuple[str, str, bool]] = frozenset()
    advised: frozenset[str] = frozenset()
    found = entail(program, state)
    if not expects_classes_alone(expected):
        named = frozenset(program.classes)
        facts, advised = _facts(state, program), frozenset(advise(program, state, found).advised)
    statuses = {each: found.status(each) for each in named if each in program.classes}
    return _Base(name, case, moment, expected, state, statuses, facts, _touched(state, program), advised)


def _facts(state: CaseState, program: Program) -> frozenset[tuple[str, str, bool]]:
    """Return the facts of a state, and what they are kinds of."""
    return frozenset((fact.role, above, fact.present) for fact in state.facts for above in program.parents.get(fact.term, (fact.term,)))


def _touched(state: CaseState, program: Program) -> frozenset[str]:
    """Return the terms of which a state knows something."""
    terms = {fact.term for fact in state.facts} | {conflict.term for conflict in state.conflicts}
    near = {other for term in terms for other in (*program.parents.get(term, ()), *program.below.get(term, ()))}
    return frozenset({*terms, *near, *state.indicators})


def _same_layout(program: Program, other: Program) -> bool:
    """Return whether a case has the same state under both programs."""
    return (
        program.leaves == other.leaves
        and program.fact_leaves == other.fact_leaves
        and program.indicators == other.indicators
        and program.parents == other.parents
    )


def _parts(expression: Expression) -> Iterator[Expression]:
    match expression:
        case And(parts) | Or(parts):
            for part in parts:
                yield from _parts(part)
        case Not(part):
            yield from _parts(part)
        case _:
            yield expression


def _own_atoms(expression: Expression) -> Iterator[Some | Band]:
    return (part for part in _parts(expression) if isinstance(part, Some | Band))


def _used(expression: Expression) -> frozenset[str]:
    return frozenset(part.iri for part in _parts(expression) if isinstance(part, Named))


def _subject(atom: Some | Band) -> str:
    return atom.filler if isinstance(atom, Some) else atom.indicator


def _atoms_below(definitions: Mapping[str, Expression], names: Iterable[str]) -> set[str]:
    """Return what the restrictions below classes are about."""
    found: set[str] = set()
    seen: set[str] = set()
    stack = [*names]
    while stack:
        name = stack.pop()
        if name not in seen and name in definitions:
            seen.add(name)
            stack += _used(definitions[name])
            found |= {_subject(atom) for atom in _own_atoms(definitions[name])}
    return found
