"""Check safety over all possible cases, and over all states in which at most two facts are unknown; name a patient for each breach.

No finding that is added takes a red flag away; overrides run in no circle; what one report presumes can hold together; and
each property that a guideline declares (`lc:SafetyProperty`) holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reasoner.authoring.grown_cases import GrownCases
from reasoner.authoring.known_states import KnownStates
from reasoner.authoring.presumption_checks import find_clash, find_nameless
from reasoner.authoring.profile_checks import all_definitions
from reasoner.authoring.results import CheckFinding, Figure, NotRun, Severity
from reasoner.authoring.state_space import StateSpace
from reasoner.authoring.workspace import Workspace
from reasoner.errors import LegcrampsError
from reasoner.expressions import And, Expression, Named, Not
from reasoner.knowledge import Graph
from reasoner.namespaces import RDFS, curie
from reasoner.program.compile import case_definitions
from reasoner.program.gates import order_definitions
from reasoner.program.guideline import Advice, compile_advice, override_circle
from reasoner.terms import Role, lc

__all__ = ["check_safety"]

_CHECK = "safety-properties"


@dataclass(frozen=True)
class _Ground:
    """What the checks look at: the files, the compiled guidelines, and the space of cases."""

    workspace: Workspace
    advice: Advice
    space: StateSpace
    states: KnownStates

    @property
    def graph(self) -> Graph:
        """Return the graph of the files."""
        return self.workspace.graph

    def breach(self, code: str, term: str, what: str, why: str, repair: str, mention: str = "") -> CheckFinding:
        """Return a violation at a term."""
        return CheckFinding(_CHECK, Severity.VIOLATION, what, self.workspace.place(term, mention), why, repair, code)


def check_safety(workspace: Workspace) -> Iterator[CheckFinding | Figure]:
    """Yield breaches of safety and how much was asked; raise NotRun when the definitions do not compile."""
    graph = workspace.graph
    circle = override_circle(graph)
    if circle:
        yield _circle(workspace, circle)
        return
    try:
        advice, definitions = compile_advice(graph), all_definitions(graph)
    except LegcrampsError as error:
        raise NotRun("the case profile has violations") from error
    space = StateSpace(graph, definitions)
    ground = _Ground(workspace, advice, space, KnownStates(space))
    try:
        yield from _red_flags(ground)
        yield from _presumptions(ground)
        yield from _declared(ground)
    finally:
        ground.states.close()
        space.close()


def _said(name: str, count: int) -> Figure:
    return Figure(_CHECK, name, f"{count:,}")


# --- overrides ---------------------------------------------------------------------------------------------------------


def _circle(workspace: Workspace, circle: tuple[str, ...]) -> CheckFinding:
    """Return the violation of a circle of overrides, with a case in which all of them are eligible."""
    graph = workspace.graph
    try:
        definitions = case_definitions(graph)
        eligible = {f"{iri}#eligible": _eligible(graph, iri) for iri in circle}
        ordered = [*order_definitions(graph, definitions), *eligible]
        space = StateSpace(graph, {name: (definitions | eligible)[name] for name in ordered})
        example = space.case(eligible)
        space.close()
    except LegcrampsError:
        example = None
    words = " ← ".join(map(curie, circle))
    why = f"{words}; for example: {example}" if example else words
    what = "Recommendations override each other in a circle"
    return CheckFinding(
        _CHECK, Severity.VIOLATION, what, workspace.place(circle[0], "lc:overrides"), why, "remove one lc:overrides", "LC-2140"
    )


def _eligible(graph: Graph, iri: str) -> Expression:
    parts: list[Expression] = [Named(name) for name in graph.iris(iri, lc("hasInclusion"))]
    return And((*parts, *(Not(Named(name)) for name in graph.iris(iri, lc("hasExclusion")))))


# --- red flags ---------------------------------------------------------------------------------------------------------


def _red_flags(ground: _Ground) -> Iterator[CheckFinding | Figure]:
    """Yield red flags that a finding added to a case takes away."""
    findings = ground.graph.below(Role.FINDING, RDFS + "subPropertyOf")
    cases = GrownCases(ground.space, lambda role, filler: role in findings)
    flags = [each for each in ground.advice.recommendations if each.red_flag]
    for flag in flags:
        for mention, name in dict.fromkeys((("lc:hasInclusion", flag.applicable), ("lc:hasTrigger", flag.trigger))):
            found = cases.find(name, before=True)
            if found is not None:
                why = f"in a case with {found[0]}, adding {found[1]} takes it away"
                repair = "state what is there, never what is not"
                yield ground.breach("LC-2081", flag.iri, f"{ground.graph.label(flag.iri)} can be silenced", why, repair, mention)
    cases.close()
    yield _said("red flags that no added finding takes away, over all cases", len(flags))


# --- presumptions ------------------------------------------------------------------------------------------------------


def _presumptions(ground: _Ground) -> Iterator[CheckFinding | Figure]:
    """Yield presumptions of one report that cannot hold together, and what is set aside by overriders of which none is named."""
    label = ground.graph.label
    clash = find_clash(ground.states, ground.advice)
    if clash is not None:
        stand = " and ".join(map(label, clash.by))
        presumed = ", ".join(map(label, clash.presumed))
        what = f"Presumptions of one report exclude each other: {stand} presume that none of these is eligible: {presumed}"
        repair = "let one override the other, or give an overrider a trigger that is entailed here"
        yield ground.breach("LC-2088", clash.by[0], what, f"for example: {clash.case}", repair)
    yield _said(
        "recommendations whose presumptions can hold together, over all states with two facts unknown",
        sum(bool(each.overriders) for each in ground.advice.recommendations),
    )
    for nameless in find_nameless(ground.states, ground.advice):
        what = f"{label(nameless.by[0])} can be set aside though no overrider is known to be eligible"
        why = f"one of {', '.join(map(label, nameless.presumed))} must be; for example: {nameless.case}"
        repair = "let an overrider rest on what is on record, not on a value that is not yet known"
        place = ground.workspace.place(nameless.by[0])
        yield CheckFinding(_CHECK, Severity.WARNING, what, place, why, repair, "LC-2089")


# --- declared properties -----------------------------------------------------------------------------------------------


def _declared(ground: _Ground) -> Iterator[CheckFinding | Figure]:
    """Yield breaches of the safety properties that guidelines declare."""
    properties = ground.graph.instances(lc("SafetyProperty"))
    for iri in properties:
        subjects = [name for about in ground.graph.iris(iri, lc("safeguards")) for name in _classes(ground, about)]
        if not subjects:
            what = f"{curie(iri)} is about nothing"
            yield ground.breach("LC-2144", iri, what, "", "name in lc:safeguards an act, recommendation, verdict or case class")
        for name, subject in subjects:
            yield from _settled(ground, iri, name, subject)
            yield from _given(ground, iri, name, subject)
        yield from _entered(ground, iri)
    yield _said("declared safety properties, over all cases", len(properties))


def _classes(ground: _Ground, about: str) -> list[tuple[str, str]]:
    """Return the classes in which an act, recommendation, verdict or case class is given, each with what gives it."""
    found = [(each.eligible, each.iri) for each in ground.advice.recommendations if about in (each.iri, each.action)]
    found += [
        (each.eligible, each.iri)
        for decision in ground.advice.decisions
        for each in decision.verdicts
        if each.iri == about and ground.space.has(each.eligible)
    ]
    return found or [(about, about)] if ground.space.has(about) or found else []


def _settled(ground: _Ground, iri: str, name: str, subject: str) -> Iterator[CheckFinding]:
    """Yield a state that gives the subject while a class that must be settled is open."""
    label = ground.graph.label
    for needed in ground.graph.iris(iri, lc("onlyWhenSettled")):
        states, guard = ground.states, ground.states.choice()
        states.entailed(guard, [(name, True, None)])
        states.possible(guard, (needed, True, None))
        states.possible(guard, (needed, False, None))
        found = states.find([name, needed], [guard])
        if found is not None:
            what = f"{label(subject)} stands though it is unknown whether {label(needed)}"
            repair = f"exclude {curie(needed)} from it, or make its inclusion ask for it"
            yield ground.breach("LC-2141", subject, what, f"{label(iri)}; for example: {found[1]}", repair)


def _given(ground: _Ground, iri: str, name: str, subject: str) -> Iterator[CheckFinding]:
    """Yield a case in which something that must not give the subject gives it."""
    label = ground.graph.label
    for barred in ground.graph.iris(iri, lc("neverGivenBy")):
        cases = GrownCases(ground.space, lambda _, filler, barred=barred: ground.space.is_below(filler, barred))  # type: ignore[misc]
        found = cases.find(name, before=False)
        cases.close()
        if found is not None:
            what = f"{label(subject)} can be given by {label(barred)}"
            why = f"{label(iri)}; in a case with {found[0]}, adding {found[1]} gives it"
            yield ground.breach("LC-2142", subject, what, why, f"take {curie(barred)} out of what it asks for")


def _entered(ground: _Ground, iri: str) -> Iterator[CheckFinding]:
    """Yield a finding that another record than its own would set."""
    graph = ground.graph
    for term in graph.iris(iri, lc("enteredAlone")):
        for below in graph.subjects(RDFS + "subClassOf", term):
            what = f"{graph.label(term)} would be set by a record of {graph.label(below)}"
            why = f"{graph.label(iri)}; for example a case with {graph.label(below)}: present, and nothing else on record"
            yield ground.breach("LC-2143", below, what, why, f"take {curie(below)} out of {curie(term)}", "rdfs:subClassOf")
