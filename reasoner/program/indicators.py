"""Compile the declarations of indicators: forms, tests, units, windows and score items."""

from __future__ import annotations

from decimal import Decimal

from reasoner.errors import KnowledgeError
from reasoner.expressions import Band, Expression
from reasoner.knowledge import Graph
from reasoner.namespaces import OWL, RDF, RDFS, XSD, curie
from reasoner.program.leaves import Leaves
from reasoner.program.model import Indicator
from reasoner.program.units import convert_exactly
from reasoner.terms import lc

__all__ = ["compile_indicators", "declared_indicators"]

_FORMS = {
    "select",
    "relative",
    "difference",
    "quotient",
    "count",
    "weighted_sum",
    "ratio",
    "on_record",
    "attribute",
    "closed",
}


def declared_indicators(graph: Graph) -> list[str]:
    """Return the IRIs of all functional data properties that declare a form, sorted."""
    return [iri for iri in graph.instances(OWL + "DatatypeProperty") if graph.iri(iri, lc("indicatorForm"))]


def compile_indicators(
    graph: Graph, leaves: Leaves, definitions: dict[str, Expression], parents: dict[str, tuple[str, ...]]
) -> tuple[Indicator, ...]:
    """Compile every declared indicator, each after those it depends on; raise KnowledgeError on a bad declaration."""
    compiled = {iri: _compile(graph, iri, leaves, definitions, parents) for iri in declared_indicators(graph)}
    ordered: dict[str, Indicator] = {}

    def place(iri: str, path: tuple[str, ...]) -> None:
        if iri in path or iri not in compiled:
            raise KnowledgeError(
                "Indicators depend on each other in a circle, or on none",
                where=graph.place(path[-1] if path else iri),
                why=" → ".join(map(curie, (*path, iri))),
            )
        if iri not in ordered:
            for needed in filter(None, (compiled[iri].depends, compiled[iri].minuend, compiled[iri].subtrahend)):
                place(needed, (*path, iri))
            ordered[iri] = compiled[iri]

    for iri in sorted(compiled, key=lambda iri: (compiled[iri].form == "on_record", iri)):
        place(iri, ())
    return tuple(ordered.values())


def _compile(graph: Graph, iri: str, leaves: Leaves, definitions: dict[str, Expression], parents: dict[str, tuple[str, ...]]) -> Indicator:
    form, datatype = _declared(graph, iri)
    tests = graph.iris(iri, lc("measuredBy")) or graph.iris(iri, lc("tellsRecordOf"))
    return Indicator(
        iri=iri,
        form=form,
        tests=tuple(sorted(set[str]().union(*(graph.below(test, RDFS + "subClassOf") for test in tests)) & parents.keys())),
        unit=graph.text(iri, lc("canonicalUnit"), "1"),
        places=graph.integer(iri, lc("decimalPlaces")),
        governing=(graph.iri(iri, lc("governingValue")) or "latest").rpartition("_")[2],
        sides=graph.integer(iri, lc("sidesMeasured")) or 1,
        valid_days=graph.integer(iri, lc("validForDays")),
        lasting=_lasting(graph, iri, definitions),
        stable_days=graph.integer(iri, lc("stableForDays")) or 0,
        lowest=_number(graph, iri, "lowestPossible"),
        highest=_number(graph, iri, "highestPossible"),
        default_low=_number(graph, iri, "defaultLow"),
        default_high=_number(graph, iri, "defaultHigh"),
        plausible_low=_number(graph, iri, "plausibleLimitLow"),
        plausible_high=_number(graph, iri, "plausibleLimitHigh"),
        attribute=graph.iri(iri, lc("readsAttribute")),
        true_values=tuple(sorted(graph.iris(iri, lc("trueValue")))),
        false_values=tuple(sorted(graph.iris(iri, lc("falseValue")))),
        closes=graph.iri(iri, lc("tellsClosureOf")),
        counts_result=graph.iri(iri, lc("countsResult")),
        minuend=graph.iri(iri, lc("minuend")),
        subtrahend=graph.iri(iri, lc("subtrahend")),
        depends=graph.iri(iri, lc("dependsOnIndicator")),
        limit_below=_number(graph, iri, "limitBelow"),
        limit_from=_number(graph, iri, "limitFrom"),
        limit_factor=_number(graph, iri, "limitFactor"),
        items=_items(graph, iri),
        count_window=graph.integer(iri, lc("countWindowDays")),
        count_apart=graph.integer(iri, lc("countApartDays")) or 1,
        counts_value=_counted(graph, iri, definitions),
        finding=graph.iri(iri, lc("aboutFinding")),
        listed_units_only=graph.flag(iri, lc("acceptsOnlyListedUnits")),
        total=graph.flag(iri, lc("isTotal")),
        datatype=datatype,
        conversions=_conversions(graph, iri),
        cuts=leaves.cuts[iri],
        first_bit=leaves.first_bit[iri],
        bands=tuple(sorted(graph.subjects(lc("bandOf"), iri))),
    )


def _declared(graph: Graph, iri: str) -> tuple[str, str]:
    """Return the form and the datatype of an indicator; raise KnowledgeError where it is not fully declared."""
    form = (graph.iri(iri, lc("indicatorForm")) or "").rpartition("_Form_")[2]
    datatype = (graph.iri(iri, RDFS + "range") or "").removeprefix(XSD)
    functional = OWL + "FunctionalProperty" in graph.iris(iri, RDF + "type")
    if form not in _FORMS or datatype not in ("decimal", "integer", "boolean") or not functional:
        raise KnowledgeError(
            f"The indicator {curie(iri)} is not fully declared",
            where=graph.place(iri),
            why=f"form {form or 'missing'}, range {datatype or 'missing'}, {'' if functional else 'not '}functional",
            repair="give it a known lc:indicatorForm, an xsd:decimal, xsd:integer or xsd:boolean range, and owl:FunctionalProperty",
        )
    return form, datatype


def _number(graph: Graph, iri: str, name: str) -> str | None:
    return graph.text(iri, lc(name)) or None


def _items(graph: Graph, iri: str) -> tuple[tuple[tuple[str, ...], int], ...]:
    items = []
    for item in sorted(graph.subjects(lc("itemOf"), iri)):
        findings, points = graph.iris(item, lc("aboutFinding")), graph.text(item, lc("points"))
        if not findings or not points:
            raise KnowledgeError(
                f"The item {curie(item)} is not whole", where=graph.place(item), repair="give it lc:aboutFinding and lc:points"
            )
        items.append((tuple(sorted(findings)), int(points)))
    return tuple(items)


def _lasting(graph: Graph, iri: str, definitions: dict[str, Expression]) -> tuple[str | None, bool, str | None, bool] | None:
    band = graph.iri(iri, lc("lastingBand"))
    if band is None:
        return None
    expression = definitions.get(band)
    if not isinstance(expression, Band) or expression.indicator != iri:
        raise KnowledgeError(
            f"The lasting band of {curie(iri)} is no band of it",
            where=graph.place(iri),
            why=curie(band),
            repair="name a class that restricts this indicator alone",
        )
    return _interval(expression)


def _counted(graph: Graph, iri: str, definitions: dict[str, Expression]) -> tuple[str, str | None, bool, str | None, bool] | None:
    """Return the indicator and the interval of the band in which a value must lie to be counted."""
    band = graph.iri(iri, lc("countsBand"))
    if band is None:
        return None
    expression = definitions.get(band)
    if not isinstance(expression, Band):
        raise KnowledgeError(
            f"What {curie(iri)} counts is no band",
            where=graph.place(iri),
            why=curie(band),
            repair="name a class that restricts one indicator alone",
        )
    return expression.indicator, *_interval(expression)


def _interval(band: Band) -> tuple[str | None, bool, str | None, bool]:
    low, high = (None if end is None else str(end) for end in (band.low, band.high))
    return low, band.low_open, high, band.high_open


def _conversions(graph: Graph, iri: str) -> tuple[tuple[str, int, int], ...]:
    canonical = graph.text(iri, lc("canonicalUnit"), "1")
    mass = graph.text(iri, lc("molarMass"))
    rows = [(canonical, 1, 1)]
    for unit in sorted(set(graph.texts(iri, lc("acceptedUnit"))) - {canonical}):
        try:
            factor = convert_exactly(unit, canonical, Decimal(mass) if mass else None, graph.integer(iri, lc("valence")))
        except KnowledgeError as error:
            raise KnowledgeError(
                f"A unit of {curie(iri)} cannot be converted", where=graph.place(iri), why=error.why, repair=error.repair
            ) from error
        rows.append((unit, factor.numerator, factor.denominator))
    return tuple(rows)
