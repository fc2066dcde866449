"""Check guidelines over all possible cases at once: a violation names a case in which it shows.

Red flags are positive and nothing sets them aside; rows of a decision with different verdicts never apply together; a
trigger is wider than its inclusion; nothing is recommended for and against in one case; every recommendation applies in
some case, and in every case of the scope something does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations

from reasoner.advice import IN_SCOPE, SCOPE_KEY
from reasoner.authoring.profile_checks import all_definitions
from reasoner.authoring.results import CheckFinding, NotRun, Severity
from reasoner.authoring.state_space import StateSpace, bounds_of, signed_atoms
from reasoner.authoring.workspace import Workspace
from reasoner.errors import LegcrampsError
from reasoner.expressions import Band, Expression
from reasoner.knowledge import Graph
from reasoner.namespaces import RDFS, curie
from reasoner.program.guideline import Advice, compile_advice
from reasoner.program.model import Recommendation
from reasoner.terms import lc

__all__ = ["check_guidelines"]


def check_guidelines(workspace: Workspace) -> Iterator[CheckFinding]:
    """Yield breaches of the guideline rules; raise NotRun when the definitions do not compile."""
    graph = workspace.graph
    try:
        advice, definitions = compile_advice(graph), all_definitions(graph)
    except LegcrampsError as error:
        raise NotRun("the case profile has violations") from error
    yield from _red_flags(workspace, advice, definitions)
    space = StateSpace(graph, definitions)
    try:
        yield from _satisfiable(workspace, space, advice, definitions)
        yield from _verdicts(workspace, space, advice)
        yield from _triggers(workspace, space, advice)
        yield from _directions(workspace, space, advice)
        yield from _scope(workspace, space, advice, definitions)
    finally:
        space.close()


def _violation(workspace: Workspace, code: str, term: str, what: str, why: str, repair: str, mention: str = "") -> CheckFinding:
    return CheckFinding("guideline-rules", Severity.VIOLATION, what, workspace.place(term, mention), why, repair, code)


def _red_flags(workspace: Workspace, advice: Advice, definitions: Mapping[str, Expression]) -> Iterator[CheckFinding]:
    """Yield red flags whose inclusion or trigger has a complement, or reads an indicator from both sides."""
    for flag in (each for each in advice.recommendations if each.red_flag):
        for mention, name in dict.fromkeys((("lc:hasInclusion", flag.inclusion), ("lc:hasTrigger", flag.trigger))):
            atoms = signed_atoms(definitions, name)
            denied = sorted(workspace.graph.label(_subject(atom)) for atom, sign in atoms if not sign)
            bands = [atom for atom, _ in atoms if isinstance(atom, Band)]
            turned = _two_ways(workspace.graph, bands)
            if denied or turned:
                why = f"{curie(name)} asks that {denied[0]} is absent" if denied else f"{curie(name)} reads {turned[0]} in two directions"
                what = f"The red flag {curie(flag.iri)} is not positive"
                repair = "state what is there, never what is not: more facts must never silence a flag"
                yield _violation(workspace, "LC-2080", flag.iri, what, why, repair, mention)


def _subject(atom: object) -> str:
    return str(getattr(atom, "filler", None) or getattr(atom, "indicator", ""))


def _two_ways(graph: Graph, bands: list[Band]) -> list[str]:
    """Return the indicators of which both a low and a high value count."""
    ways: dict[str, set[bool]] = {}
    for band in bands:
        low, high = bounds_of(graph, band)
        found = ways.setdefault(band.indicator, set())
        found.update({True} if low is not None else set(), {False} if high is not None else set())
    return sorted(graph.label(indicator) for indicator, found in ways.items() if len(found) == 2)


def _satisfiable(workspace: Workspace, space: StateSpace, advice: Advice, definitions: Mapping[str, Expression]) -> Iterator[CheckFinding]:
    """Yield classes that no case can be in, and recommendations that never apply."""
    owners = {each.applicable: each for each in advice.recommendations}
    inner = {each.eligible for each in advice.recommendations}
    inner |= {name for decision in advice.decisions for verdict in decision.verdicts for name in (verdict.eligible, verdict.applicable)}
    for name in definitions:
        if name in inner or space.case([name]) is not None:
            continue
        if name in owners:
            each = owners[name]
            blocked = space.case([each.eligible]) is not None
            why = "an overrider is always eligible where it is" if blocked else "its inclusion lies inside its exclusions"
            what = f"{curie(each.iri)} applies in no case"
            yield _violation(
                workspace, "LC-2085", each.iri, what, why, "narrow the overrider or exclusion, or delete it", "lc:hasInclusion"
            )
        else:
            what, why = f"No case can be in {curie(name)}", "its definition contradicts itself or the hierarchy"
            yield _violation(workspace, "LC-2087", name, what, why, "mend the definition", "owl:equivalentClass")


def _verdicts(workspace: Workspace, space: StateSpace, advice: Advice) -> Iterator[CheckFinding]:
    """Yield pairs of rows of one decision with different verdicts that apply in one case."""
    for decision in advice.decisions:
        rows = [each for each in advice.recommendations if each.decision == decision.iri]
        for first, second in combinations(rows, 2):
            if first.verdict != second.verdict:
                example = space.case([first.applicable, second.applicable])
                if example is not None:
                    what = f"{curie(first.iri)} and {curie(second.iri)} give different verdicts in one case"
                    repair = "let one lc:overrides the other, or tell their inclusions apart"
                    yield _violation(workspace, "LC-2082", second.iri, what, f"for example: {example}", repair, "lc:hasInclusion")


def _triggers(workspace: Workspace, space: StateSpace, advice: Advice) -> Iterator[CheckFinding]:
    """Yield triggers that do not cover their inclusion."""
    for each in advice.recommendations:
        if each.trigger != each.inclusion:
            example = space.case([each.inclusion], [each.trigger])
            if example is not None:
                what = f"The trigger of {curie(each.iri)} does not cover its inclusion"
                repair = f"add what is missing to {curie(each.trigger)}"
                yield _violation(workspace, "LC-2083", each.iri, what, f"for example: {example}", repair, "lc:hasTrigger")


def _directions(workspace: Workspace, space: StateSpace, advice: Advice) -> Iterator[CheckFinding]:
    """Yield advice for an act together with advice against the same or a broader one."""
    against = [each for each in advice.recommendations if each.direction == "against"]
    for barred in against:
        for urged in advice.recommendations:
            if urged.direction != "against" and _covers(workspace.graph, barred, urged):
                example = space.case([urged.applicable, barred.applicable])
                if example is not None:
                    what = f"{curie(urged.iri)} is for and {curie(barred.iri)} against one act in one case"
                    repair = "let one lc:overrides the other, or exclude its inclusion"
                    yield _violation(workspace, "LC-2084", barred.iri, what, f"for example: {example}", repair, "lc:direction")


def _covers(graph: Graph, barred: Recommendation, urged: Recommendation) -> bool:
    """Return whether the act advised against is the one advised for, or broader."""
    if barred.action is not None and barred.action == urged.action:
        return True
    if urged.investigation is None:
        return False
    return barred.investigation in {urged.investigation, *graph.above(urged.investigation, RDFS + "subClassOf") - {lc("Investigation")}}


def _scope(workspace: Workspace, space: StateSpace, advice: Advice, definitions: Mapping[str, Expression]) -> Iterator[CheckFinding]:
    """Yield a case of the scope in which no recommendation applies."""
    for decision in advice.decisions:
        if decision.key != SCOPE_KEY:
            continue
        inside = [verdict.applicable for verdict in decision.verdicts if verdict.word == IN_SCOPE and verdict.applicable in definitions]
        others = [each.applicable for each in advice.recommendations if each.decision != decision.iri]
        example = space.case(inside, others) if inside and others else None
        if example is not None:
            what, why = "Nothing is recommended in a case of the scope", f"for example: {example}"
            yield _violation(workspace, "LC-2086", decision.iri, what, why, "add a recommendation for such cases", "a lc:Decision")
