"""Compile recommendations, decisions and their eligibility: advice becomes case classes like any other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reasoner.errors import GuidelineError
from reasoner.expressions import And, Expression, Named, Not, Or, Top
from reasoner.knowledge import Graph
from reasoner.namespaces import LCG, curie
from reasoner.program.model import Decision, Disagreement, Recommendation, Verdict
from reasoner.terms import lc

__all__ = ["DCTERMS_SOURCE", "Advice", "advice_definitions", "compile_advice", "override_circle"]

DCTERMS_SOURCE = "http://purl.org/dc/terms/source"


@dataclass(frozen=True)
class Advice:
    """The compiled guidelines."""

    recommendations: tuple[Recommendation, ...]
    decisions: tuple[Decision, ...]
    disagreements: tuple[Disagreement, ...]


def eligible_class(iri: str) -> str:
    """Return the IRI of the class of cases in which a recommendation, or any row of a verdict, is eligible."""
    return f"{LCG}Eligible{iri.removeprefix(LCG)}"


def applicable_class(iri: str) -> str:
    """Return the IRI of the class of cases in which a recommendation, or any row of a verdict, is applicable."""
    return f"{LCG}Applicable{iri.removeprefix(LCG)}"


def compile_advice(graph: Graph) -> Advice:
    """Compile every recommendation and decision; raise GuidelineError when one is not whole or overrides run in a circle."""
    iris = graph.instances(lc("Recommendation"), lc("RedFlag"))
    overriders = _overriders(graph, iris)
    recommendations = tuple(_recommendation(graph, iri, overriders[iri]) for iri in iris)
    decisions = tuple(_decision(graph, iri, overriders) for iri in graph.instances(lc("Decision")))
    return Advice(recommendations, decisions, tuple(_disagreement(graph, iri) for iri in graph.instances(lc("Disagreement"))))


def advice_definitions(advice: Advice) -> dict[str, Expression]:
    """Return the definitions of Eligible and Applicable for recommendations and verdicts (DESIGN: advice is classes too)."""
    definitions: dict[str, Expression] = {}
    for each in advice.recommendations:
        parts: list[Expression] = [Top(), Named(each.inclusion), *(Not(Named(excluded)) for excluded in each.exclusions)]
        definitions[each.eligible] = And(tuple(parts))
        blocks = [Not(Named(eligible_class(overrider))) for overrider in each.overriders]
        definitions[each.applicable] = And((Named(each.eligible), *blocks))
    for decision in advice.decisions:
        for verdict in decision.verdicts:
            rows = [each for each in advice.recommendations if each.verdict == verdict.iri]
            if rows:
                definitions[verdict.eligible] = Or(tuple(Named(row.eligible) for row in rows))
                definitions[verdict.applicable] = Or(tuple(Named(row.applicable) for row in rows))
    return definitions


def _is_routine(graph: Graph, iri: str) -> bool:
    urgency = graph.iri(iri, lc("urgency")) or ""
    return urgency.endswith("_routine") and graph.iri(iri, lc("rowOf")) is None and not graph.flag(iri, lc("overridesRoutine"))


def _overriders(graph: Graph, iris: list[str]) -> dict[str, tuple[str, ...]]:
    """Return who overrides whom: as stated, earlier rows over later ones, and emergencies over the routine."""
    stated: dict[str, set[str]] = {iri: set() for iri in iris}
    sweeping = [iri for iri in iris if graph.flag(iri, lc("overridesRoutine"))]
    for iri in iris:
        for target in graph.iris(iri, lc("overrides")):
            if target not in stated:
                raise GuidelineError(
                    f"{curie(iri)} overrides what is no recommendation",
                    where=graph.place(iri),
                    why=curie(target),
                    repair="name a recommendation",
                )
            stated[target].add(iri)
        if _is_routine(graph, iri):
            stated[iri].update(sweeping)
    circle = _find_circle(stated)
    if circle:
        raise GuidelineError(
            "Recommendations override each other in a circle",
            where=graph.place(circle[-1]),
            why=" ← ".join(map(curie, circle)),
            repair="remove one lc:overrides",
        )
    return {iri: tuple(sorted(found)) for iri, found in stated.items()}


def override_circle(graph: Graph) -> tuple[str, ...]:
    """Return recommendations that override each other in a circle as stated, the first one again at the end; else nothing."""
    stated = {iri: set[str]() for iri in graph.instances(lc("Recommendation"), lc("RedFlag"))}
    for iri in stated:
        for target in graph.iris(iri, lc("overrides")):
            stated.get(target, set()).add(iri)
    return _find_circle(stated)


def _find_circle(overriders: Mapping[str, set[str]]) -> tuple[str, ...]:
    done: set[str] = set()

    def visit(iri: str, path: tuple[str, ...]) -> tuple[str, ...]:
        if iri in path:
            return (*path[path.index(iri) :], iri)
        if iri not in done:
            for above in sorted(overriders[iri]):
                if found := visit(above, (*path, iri)):
                    return found
            done.add(iri)
        return ()

    return next((found for iri in sorted(overriders) if (found := visit(iri, ()))), ())


def _word(graph: Graph, iri: str, name: str) -> str:
    value = graph.iri(iri, lc(name))
    return graph.text(value, lc("word")) if value else ""


def _rank(graph: Graph, iri: str, name: str) -> int:
    value = graph.iri(iri, lc(name))
    return int(graph.text(value, lc("presentationOrder"), "99")) if value else 99


def _one(graph: Graph, iri: str, name: str) -> str:
    values = graph.iris(iri, lc(name))
    if len(values) != 1:
        raise GuidelineError(
            f"{curie(iri)} needs exactly one lc:{name}", where=graph.place(iri), why=f"it has {len(values)}", repair=f"state one lc:{name}"
        )
    return values[0]


def _recommendation(graph: Graph, iri: str, overriders: tuple[str, ...]) -> Recommendation:
    red_flag = lc("RedFlag") in graph.iris(iri, "http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
    inclusion = _one(graph, iri, "hasInclusion")
    exclusions = tuple(sorted(graph.iris(iri, lc("hasExclusion"))))
    if red_flag and (exclusions or overriders):
        raise _set_aside(graph, iri)
    action = graph.iri(iri, lc("recommendsAction"))
    return Recommendation(
        iri=iri,
        red_flag=red_flag,
        direction=_word(graph, iri, "direction") or "for",
        investigation=graph.iri(iri, lc("recommendsInvestigation")),
        action=action,
        action_kind=_word(graph, action, "actionKind") if action else "",
        reviews=graph.iri(iri, lc("reviewsDrug")),
        inclusion=inclusion,
        exclusions=exclusions,
        trigger=graph.iri(iri, lc("hasTrigger")) or inclusion,
        eligible=eligible_class(iri),
        applicable=applicable_class(iri),
        overriders=overriders,
        urgency=_word(graph, iri, "urgency") or "routine",
        urgency_rank=_rank(graph, iri, "urgency"),
        step=_word(graph, iri, "step"),
        step_rank=_rank(graph, iri, "step"),
        overrides_routine=graph.flag(iri, lc("overridesRoutine")),
        presupposes_scope=graph.flag(iri, lc("presupposesScope")),
        order=graph.integer(iri, lc("presentationOrder")) or 999,
        strength=_word(graph, iri, "strength"),
        certainty=_word(graph, iri, "certainty"),
        evidence=graph.text(iri, lc("evidenceNote")),
        statement=graph.text(iri, lc("statement")),
        action_text=graph.text(iri, lc("actionText")),
        caution=graph.text(iri, lc("reviewCaution")),
        sentences=tuple(sorted(graph.iris(iri, lc("citesSentence")))),
        sources=tuple(sorted(graph.iris(iri, DCTERMS_SOURCE))),
        decision=graph.iri(iri, lc("rowOf")),
        rule=graph.text(iri, lc("ruleId")),
        verdict=graph.iri(iri, lc("yieldsVerdict")),
        window=_window(graph, iri),
        reopened_by=tuple(sorted(graph.iris(iri, lc("reopenedBy")))),
        review_days=graph.integer(iri, lc("reviewAfterDays")),
    )


def _set_aside(graph: Graph, flag: str) -> GuidelineError:
    return GuidelineError(
        f"The red flag {curie(flag)} can be set aside",
        where=graph.place(flag),
        why="a red flag has no exclusion and nothing overrides it",
        repair="remove the exclusion or override",
    )


def _window(graph: Graph, iri: str) -> tuple[str, int, int, int] | None:
    """Return the test since which a window is counted, and its days from, target and until, where all are declared."""
    since = graph.iri(iri, lc("windowSince"))
    start, target, end = (graph.integer(iri, lc(f"window{name}Days")) for name in ("From", "Target", "Until"))
    return None if since is None or start is None or target is None or end is None else (since, start, target, end)


def _decision(graph: Graph, iri: str, overriders: dict[str, tuple[str, ...]]) -> Decision:
    rows = graph.subjects(lc("rowOf"), iri)
    rows = sorted(rows, key=lambda row: (len(_above(overriders, row)), graph.text(row, lc("ruleId")), row))
    verdicts = []
    for verdict in graph.subjects(lc("verdictOf"), iri):
        verdicts.append(
            Verdict(
                iri=verdict,
                word=graph.text(verdict, lc("verdictWord")),
                order=graph.integer(verdict, lc("presentationOrder")) or 99,
                eligible=eligible_class(verdict),
                applicable=applicable_class(verdict),
                not_warranted=graph.flag(verdict, lc("reportsNotWarranted")),
            )
        )
    return Decision(
        iri=iri,
        key=graph.text(iri, lc("reportKey")),
        investigation=graph.iri(iri, lc("aboutInvestigation")),
        rows=tuple(rows),
        verdicts=tuple(sorted(verdicts, key=lambda each: (each.order, each.word))),
        remaining=_one(graph, iri, "remainingVerdict"),
    )


def _above(overriders: dict[str, tuple[str, ...]], row: str) -> set[str]:
    found: set[str] = set()
    stack = [row]
    while stack:
        for above in overriders[stack.pop()]:
            if above not in found:
                found.add(above)
                stack.append(above)
    return found


def _disagreement(graph: Graph, iri: str) -> Disagreement:
    positions = []
    for position in graph.subjects(lc("positionOn"), iri):
        sources = [graph.label(source) for source in sorted(graph.iris(position, DCTERMS_SOURCE))]
        positions.append((graph.text(position, lc("statement")), ", ".join(sources)))
    chosen = graph.iri(iri, lc("chosenPosition"))
    return Disagreement(
        iri=iri,
        topic=graph.label(iri),
        positions=tuple(sorted(positions)),
        chosen=graph.text(chosen, lc("statement")) if chosen else "",
        because=graph.text(iri, lc("chosenBecause")),
        concerns=tuple(sorted(graph.iris(iri, lc("concerns")))),
    )
