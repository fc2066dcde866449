"""Compile conditions and their evidence into weights of tenths of a decimal logarithm of odds (decibans)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal

from reasoner.errors import KnowledgeError
from reasoner.knowledge import Graph
from reasoner.namespaces import RDFS, SKOS, curie
from reasoner.program.model import Condition, Criterion
from reasoner.terms import lc

__all__ = ["compile_conditions", "compile_criteria", "decibans", "term_codes"]

SOURCE = "http://purl.org/dc/terms/source"
_TENTH = Decimal("0.1")
_SORTS = {"finding": "Finding", "drug": "Drug", "class": "Case"}
_KINDS = (("aboutFinding", "finding"), ("aboutDrug", "drug"), ("aboutCaseClass", "class"))


def decibans(ratio: str) -> str:
    """Return ten times the decimal logarithm of a likelihood ratio, to one decimal place."""
    return str((Decimal(ratio).log10() * 10).quantize(_TENTH, ROUND_HALF_EVEN))


def compile_criteria(graph: Graph) -> tuple[Criterion, ...]:
    """Compile every diagnostic criterion; raise KnowledgeError for one that weighs nothing or is about no such thing."""
    found = tuple(_criterion(graph, iri) for iri in graph.instances(lc("DiagnosticCriterion")))
    below = {sort: graph.below(lc(sort), RDFS + "subClassOf") for sort in (*_SORTS.values(), "Condition")}
    for each in found:
        for term, sort in ((each.subject, _SORTS[each.kind]), (each.condition, "Condition")):
            if term not in below[sort]:
                raise KnowledgeError(
                    f"The criterion {curie(each.iri)} is about another kind of thing",
                    where=graph.place(each.iri),
                    why=f"{curie(term)} is no class below lc:{sort}",
                    repair=f"name a class below lc:{sort}",
                )
    return found


def _criterion(graph: Graph, iri: str) -> Criterion:
    condition = graph.iri(iri, lc("aboutCondition"))
    subjects = [(kind, subject) for name, kind in _KINDS for subject in graph.iris(iri, lc(name))]
    if condition is None or len(subjects) != 1:
        raise KnowledgeError(
            f"The criterion {curie(iri)} is not whole",
            where=graph.place(iri),
            repair="give it one lc:aboutCondition and one finding, drug or case class",
        )
    ratios = {
        end: [graph.text(iri, lc(f"likelihoodRatio{end}{bound}")) for bound in ("", "Low", "High")] for end in ("Positive", "Negative")
    }
    present = [decibans(text) if text else None for text in ratios["Positive"]]
    absent = [decibans(text) if text else None for text in ratios["Negative"]]
    present[0] = present[0] or _band(graph, iri, "pertinence")
    absent[0] = absent[0] or _band(graph, iri, "absencePertinence")
    if present[0] is None and absent[0] is None:
        raise KnowledgeError(
            f"The criterion {curie(iri)} weighs nothing", where=graph.place(iri), repair="give it a likelihood ratio or a pertinence"
        )
    return Criterion(
        iri=iri,
        condition=condition,
        kind=subjects[0][0],
        subject=subjects[0][1],
        present=present[0],
        present_low=present[1],
        present_high=present[2],
        absent=absent[0],
        absent_low=absent[1],
        absent_high=absent[2],
        published=bool(ratios["Positive"][0] or ratios["Negative"][0]),
        group=graph.iri(iri, lc("restates")),
        sources=tuple(sorted(graph.iris(iri, SOURCE))),
        mark=_mark(graph, iri),
    )


def _band(graph: Graph, iri: str, name: str) -> str | None:
    band = graph.iri(iri, lc(name))
    return (graph.text(band, lc("decibans")) or None) if band else None


def _mark(graph: Graph, iri: str) -> str:
    verification = graph.iri(iri, lc("verification"))
    return graph.text(verification, SKOS + "notation") if verification else ""


def compile_conditions(graph: Graph) -> tuple[Condition, ...]:
    """Compile the conditions that the differential ranks."""
    found, stems = [], code_stems(graph)
    for iri in sorted(subject for subject in graph.out if graph.flag(subject, lc("inDifferential"))):
        starts = [
            (graph.iri(band, lc("aboutCaseClass")) or "", graph.text(band, lc("decibans")))
            for band in graph.instances(lc("StartingBand"))
            if graph.iri(band, lc("aboutCondition")) == iri
        ]
        found.append(
            Condition(
                iri=iri,
                confirmed_by=tuple(sorted(graph.iris(iri, lc("confirmedBy")))),
                excluded_by=tuple(sorted(graph.iris(iri, lc("excludedBy")))),
                confirmed_weight=graph.text(iri, lc("confirmedDecibans"), "0.0"),
                starts=tuple(sorted(starts)),
                codes=term_codes(graph, iri, stems),
            )
        )
    return tuple(found)


def term_codes(graph: Graph, term: str, stems: Mapping[str, str]) -> tuple[tuple[str, str, str], ...]:
    """Return the codes mapped to a term as (system address, code, strength of the match), sorted; `stems` are those of `code_stems`."""
    rows = []
    for strength in ("exactMatch", "closeMatch", "narrowMatch", "broadMatch"):
        for code in graph.iris(term, SKOS + strength):
            for stem, system in stems.items():
                if code.startswith(stem):
                    rows.append((system, code.removeprefix(stem), strength))
    return tuple(sorted(rows))


def code_stems(graph: Graph) -> dict[str, str]:
    """Return the preferred system address of each code IRI stem."""
    stems: dict[str, str] = {}
    for system in graph.instances(lc("CodeSystem")):
        addresses = sorted(graph.texts(system, lc("codeSystemUri")) or graph.iris(system, lc("codeSystemUri")))
        for stem in graph.texts(system, lc("codeNamespace")) or graph.iris(system, lc("codeNamespace")):
            stems[stem] = addresses[0] if addresses else stem
    return stems
