"""Compile ontology, guidelines and shapes into the program that answers cases."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from reasoner.errors import KnowledgeError
from reasoner.expressions import And, Band, Expression, Not, Or, parse_expression
from reasoner.knowledge import Graph, closure, read_graph
from reasoner.namespaces import BASE, OWL, RDFS, SKOS, XSD, curie
from reasoner.profile import check_definitions, check_profile
from reasoner.program.diagrams import build_diagrams
from reasoner.program.evidence import code_stems, compile_conditions, compile_criteria, term_codes
from reasoner.program.gates import GateTable, build_gates, order_definitions
from reasoner.program.guideline import DCTERMS_SOURCE, Advice, advice_definitions, compile_advice
from reasoner.program.indicators import compile_indicators, declared_indicators
from reasoner.program.joints import find_joints
from reasoner.program.leaves import Leaves, lay_out
from reasoner.program.model import Program
from reasoner.program.patterns import compile_results
from reasoner.program.resting import resting_leaves
from reasoner.terms import ROLES, lc

__all__ = ["case_definitions", "compile_graph", "compile_program"]

_SORTS = ("Finding", "Drug", "Condition", "Investigation")
_VALUE_LISTS = (
    "Comparator",
    "Completeness",
    "Extent",
    "Interpretation",
    "Presence",
    "RecordStatus",
    "ResponseToStopping",
    "Result",
    "Side",
)


def compile_program(folder: Path, digest: str) -> Program:
    """Compile the knowledge folder (holding `ontology/` and `shapes/`); raise KnowledgeError naming file and line."""
    graph = read_graph(sorted((folder / "ontology").rglob("*.ttl")))
    return compile_graph(graph, digest, _compile_shapes(folder))


def _compile_shapes(folder: Path) -> dict[str, Any]:
    import pyoxigraph

    from reasoner.shapes import compile_shapes

    shapes, vocabulary = (
        pyoxigraph.parse(path=str(folder / part / "record.ttl"), format=pyoxigraph.RdfFormat.TURTLE) for part in ("shapes", "ontology")
    )
    return compile_shapes(shapes, vocabulary).to_json()


def case_definitions(graph: Graph) -> dict[str, Expression]:
    """Return the definition of every case class; raise ProfileError for one outside the profile."""
    definitions: dict[str, Expression] = {}
    for name in sorted(graph.subjects(RDFS + "subClassOf", lc("Case"))):
        nodes = graph.iris(name, OWL + "equivalentClass")
        if len(nodes) == 1:
            definitions[name] = _merge(parse_expression(graph, nodes[0], name))
    return definitions


def _merge(expression: Expression) -> Expression:
    """Write several bands of one indicator inside one intersection as one band."""
    match expression:
        case Not(part):
            return Not(_merge(part))
        case Or(parts):
            return Or(tuple(_merge(part) for part in parts))
        case And(parts):
            bands: dict[str, Band] = {}
            others: list[Expression] = []
            for part in map(_merge, parts):
                if isinstance(part, Band):
                    bands[part.indicator] = _intersect(bands[part.indicator], part) if part.indicator in bands else part
                else:
                    others.append(part)
            merged = (*others, *bands.values())
            return merged[0] if len(merged) == 1 else And(merged)
        case _:
            return expression


def _normal(expression: Expression, datatypes: Mapping[str, str]) -> Expression:
    """Write bands of whole numbers with one cut per end: "above 1" and "at most 1" become "at least 2" and its denial."""
    match expression:
        case Not(part):
            return Not(_normal(part, datatypes))
        case And(parts):
            return And(tuple(_normal(part, datatypes) for part in parts))
        case Or(parts):
            return Or(tuple(_normal(part, datatypes) for part in parts))
        case Band(indicator, low, low_open, high, high_open) if datatypes.get(indicator) in ("integer", "boolean"):
            low = None if low is None else low + low_open
            high = None if high is None else high + (not high_open)
            if datatypes[indicator] == "boolean":
                low = None if low is None or low <= 0 else low
                high = None if high is None or high > 1 else high
            return Band(indicator, low, False, high, high is not None)
        case _:
            return expression


def _intersect(first: Band, second: Band) -> Band:
    lows = [(band.low, band.low_open) for band in (first, second) if band.low is not None]
    highs = [(band.high, not band.high_open) for band in (first, second) if band.high is not None]
    low = max(lows) if lows else (None, False)
    high = min(highs) if highs else (None, True)
    return Band(first.indicator, low[0], low[1], high[0], not high[1])


def compile_graph(graph: Graph, digest: str, shapes: dict[str, Any], judged: Collection[str] | None = None) -> Program:
    """Compile a loaded knowledge graph; given `judged`, decision diagrams are built for these classes alone."""
    sorts = _sorts(graph)
    check_profile(graph, sorts)
    parents = {term: tuple(sorted(above)) for term, above in closure(graph, RDFS + "subClassOf", sorts).items()}
    advice, criteria = compile_advice(graph), compile_criteria(graph)
    definitions, leaves, table, datatypes = _logic(graph, sorts, advice, [each.subject for each in criteria if each.kind == "drug"])
    joints, nodes = build_diagrams(table, find_joints(table, datatypes, judged))
    indicators = compile_indicators(graph, leaves, definitions, parents)
    total = [each.iri for each in indicators if each.total]
    stems = code_stems(graph)
    codes, prefixes = _codes(graph, sorts, tuple(stems))
    return Program(
        version=_version(graph),
        digest=digest,
        labels=_labels(graph, definitions, advice),
        parents=parents,
        role_parents={role: tuple(sorted(above)) for role, above in closure(graph, RDFS + "subPropertyOf", ROLES).items()},
        sorts={term: sort.removeprefix(lc("")) for term, sort in sorts.items()},
        side_patterns=_side_patterns(graph, parents),
        recent_days=_recent_days(graph, parents, sorts),
        use_findings=_use_findings(graph, parents, sorts),
        presenting=tuple(sorted(term for term in sorts if graph.flag(term, lc("isPresentingSymptom")))),
        new_since=graph.iri(lc("hasNewFinding"), lc("newSince")),
        leaves=leaves.names,
        fact_leaves=_fact_leaves(leaves),
        constrained=leaves.constrained,
        indicators=indicators,
        gates=tuple(table.gates),
        classes=table.classes,
        definition_sources={name: cited for name in (*definitions, *total) if (cited := tuple(sorted(graph.iris(name, DCTERMS_SOURCE))))},
        joints=joints,
        nodes=nodes,
        resting=resting_leaves(indicators),
        settings=_settings(graph),
        cautions={term: text for term in sorts if (text := graph.text(term, lc("reviewCaution")))},
        recommendations=advice.recommendations,
        decisions=advice.decisions,
        conditions=compile_conditions(graph),
        criteria=criteria,
        disagreements=advice.disagreements,
        results=compile_results(graph),
        abbreviations=_abbreviations(graph),
        codes=codes,
        code_prefixes=prefixes,
        code_systems={address: stem for stem, addresses in _addresses(graph).items() for address in addresses},
        value_codes=_value_codes(graph),
        term_codes={term: found for term in sorts if (found := term_codes(graph, term, stems))},
        shapes=shapes,
    )


def _logic(
    graph: Graph, sorts: Mapping[str, str], advice: Advice, weighed: Iterable[str]
) -> tuple[dict[str, Expression], Leaves, GateTable, dict[str, str]]:
    """Return the definitions of all classes, their leaves and gates, and the datatype of each indicator."""
    definitions = case_definitions(graph)
    check_definitions(graph, definitions)
    definitions |= advice_definitions(advice)
    ordered = order_definitions(graph, definitions)
    datatypes = {iri: (graph.iri(iri, RDFS + "range") or "").removeprefix(XSD) for iri in declared_indicators(graph)}
    normal = {name: _normal(expression, datatypes) for name, expression in definitions.items()}
    leaves = lay_out(graph, normal, sorts, datatypes, weighed)
    return definitions, leaves, build_gates(leaves, normal, ordered), datatypes


def _settings(graph: Graph) -> dict[str, Decimal]:
    settings = graph.instances(lc("ReportSetting"))
    return {iri.rpartition("_ReportSetting_")[2]: Decimal(graph.text(iri, lc("settingValue"))) for iri in settings}


def _sorts(graph: Graph) -> dict[str, str]:
    """Return the sort of every finding, drug, condition and investigation class."""
    sorts: dict[str, str] = {}
    for sort in map(lc, _SORTS):
        stack = [sort]
        while stack:
            term = stack.pop()
            if term not in sorts:
                sorts[term] = sort
                stack.extend(below for below in graph.subjects(RDFS + "subClassOf", term) if not below.startswith("_:"))
    return dict(sorted(sorts.items()))


def _version(graph: Graph) -> str:
    return graph.text(BASE + "legcramps", OWL + "versionInfo", "0.0.0")


def _labels(graph: Graph, definitions: Mapping[str, Expression], advice: Advice) -> dict[str, str]:
    """Return the label of every term of the project."""
    labels = {term: graph.label(term) for term in sorted(graph.out) if graph.nodes(term, SKOS + "prefLabel")}
    for each in advice.recommendations:
        labels[each.eligible] = f"eligible: {labels.get(each.iri, each.iri)}"
        labels[each.applicable] = f"applicable: {labels.get(each.iri, each.iri)}"
    return labels


def _abbreviations(graph: Graph) -> dict[str, tuple[str, ...]]:
    """Return the terms that each alternative label, in lower case, stands for."""
    found: dict[str, set[str]] = {}
    for term in graph.out:
        for text in graph.texts(term, SKOS + "altLabel"):
            found.setdefault(text.lower(), set()).add(term)
    return {text: tuple(sorted(terms)) for text, terms in sorted(found.items())}


def _side_patterns(graph: Graph, parents: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[tuple[str, str], ...]]:
    """Return for each finding its (pattern word, subclass) pairs; a lone pattern below a second parent is no pattern of it."""
    found: dict[str, list[tuple[str, str]]] = {}
    for term in parents:
        pattern = graph.iri(term, lc("sidePattern"))
        if pattern:
            for parent in graph.iris(term, RDFS + "subClassOf"):
                found.setdefault(parent, []).append((pattern.rpartition("_")[2], term))
    return {term: tuple(sorted(pairs)) for term, pairs in sorted(found.items()) if len(pairs) > 1}


def _recent_days(graph: Graph, parents: Mapping[str, tuple[str, ...]], sorts: Mapping[str, str]) -> dict[str, int]:
    """Return for each finding the days within which it is recent: its own, else the least of those above it."""
    own = {term: int(text) for term in sorts if (text := graph.text(term, lc("recentWithinDays")))}
    days: dict[str, int] = {}
    for term, above in parents.items():
        found = [own[each] for each in above if each in own]
        if found:
            days[term] = own.get(term, min(found))
    return days


def _use_findings(graph: Graph, parents: Mapping[str, tuple[str, ...]], sorts: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Return for each drug the findings that its use is, by what it or a class above it declares."""
    own = {term: graph.iris(term, lc("useIsFinding")) for term, sort in sorts.items() if sort == lc("Drug")}
    for term, findings in own.items():
        for finding in findings:
            if sorts.get(finding) != lc("Finding"):
                raise KnowledgeError(
                    f"The use of {curie(term)} is said to be what is no finding",
                    where=graph.place(term),
                    why=curie(finding),
                    repair="let lc:useIsFinding name a class below lc:Finding",
                )
    found = {term: sorted({finding for each in parents[term] for finding in own.get(each, ())}) for term in own}
    return {term: tuple(findings) for term, findings in found.items() if findings}


def _fact_leaves(leaves: Leaves) -> dict[str, tuple[tuple[int, ...], ...]]:
    """Return per "role class" the leaves that are true if present, false if present, true if absent, false if absent."""
    table: dict[str, tuple[tuple[int, ...], ...]] = {}
    for role, filler, sign in sorted(leaves.implied):
        if sign:
            table[f"{role} {filler}"] = tuple(
                tuple(
                    sorted(
                        leaves.role_bits[other, term]
                        for other, term, held in leaves.implied[role, filler, present]
                        if held == value and (other, term) in leaves.role_bits
                    )
                )
                for present in (True, False)
                for value in (True, False)
            )
    return table


def _addresses(graph: Graph) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for system in graph.instances(lc("CodeSystem")):
        for stem in graph.texts(system, lc("codeNamespace")) or graph.iris(system, lc("codeNamespace")):
            found[stem] = sorted(graph.texts(system, lc("codeSystemUri")) + graph.iris(system, lc("codeSystemUri")))
    return found


def _codes(graph: Graph, sorts: Iterable[str], stems: tuple[str, ...]) -> tuple[dict[str, tuple[str, ...]], tuple[tuple[str, str], ...]]:
    """Return the terms that each code IRI means, and the (prefix, term) pairs, longest prefix first."""
    codes: dict[str, set[str]] = {}
    prefixes: list[tuple[str, str]] = []
    for term in sorts:
        for strength in ("exactMatch", "narrowMatch"):
            for code in graph.iris(term, SKOS + strength):
                if code.startswith(stems):
                    codes.setdefault(code, set()).add(term)
        prefixes.extend((prefix, term) for prefix in [*graph.texts(term, lc("codePrefix")), *graph.iris(term, lc("codePrefix"))])
    ordered = sorted(prefixes, key=lambda pair: (-len(pair[0]), pair))
    return {code: tuple(sorted(terms)) for code, terms in sorted(codes.items())}, tuple(ordered)


def _value_codes(graph: Graph) -> dict[str, str]:
    """Return the record value that each code IRI (code system address, `#`, code) means; raise KnowledgeError when one means two."""
    found: dict[str, str] = {}
    for value in graph.instances(*map(lc, _VALUE_LISTS)):
        for code in (code for strength in ("exactMatch", "narrowMatch") for code in graph.iris(value, SKOS + strength)):
            if found.setdefault(code, value) != value:
                raise KnowledgeError(
                    "A code means two record values", where=graph.place(value), why=code, repair="keep one of the two matches"
                )
    return dict(sorted(found.items()))
