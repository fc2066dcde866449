"""Write the definition of a case class as nested lists of what all or some of must hold."""

from __future__ import annotations

from decimal import Decimal

from reasoner.authoring.site.elements import Content, Element, element
from reasoner.authoring.site.places import Places
from reasoner.errors import LegcrampsError
from reasoner.expressions import And, Band, Expression, Named, Not, Or, Some, Top, parse_expression
from reasoner.namespaces import OWL, RDFS, XSD
from reasoner.terms import lc

__all__ = ["class_definition"]


def class_definition(places: Places, term: str) -> Element | None:
    """Return the definition of a class, or None when it has none that the case profile reads."""
    node = places.graph.iri(term, OWL + "equivalentClass")
    if node is None:
        return None
    try:
        expression = parse_expression(places.graph, node, term)
    except LegcrampsError as error:
        return element("p", f"Outside the case profile: {error.what}.")
    return element("ul", _item(places, expression), class_="definition")


def _item(places: Places, expression: Expression) -> Element:
    match expression:
        case And(parts):
            return _several(places, "all of", [part for part in parts if part != Top()])
        case Or(parts):
            return _several(places, "one or more of", list(parts))
        case Not(part):
            return element("li", "not:", element("ul", _item(places, part)))
        case Top():
            return element("li", places.name(lc("Case")))
        case Named(iri):
            return element("li", places.name(iri))
        case Some(role, filler):
            return element("li", places.name(role), ": ", places.name(filler))
        case Band():
            return element("li", places.name(expression.indicator), " ", _interval(places, expression))
    raise TypeError(str(expression))


def _several(places: Places, words: str, parts: list[Expression]) -> Element:
    if len(parts) == 1:
        return _item(places, parts[0])
    return element("li", f"{words}:", element("ul", [_item(places, part) for part in parts]))


def _interval(places: Places, band: Band) -> Content:
    """Return the bounds of a band in the indicator's unit."""
    if places.graph.iri(band.indicator, RDFS + "range") == XSD + "boolean" and band.low == band.high and band.low is not None:
        return "is true" if band.low else "is false"
    unit = places.graph.text(band.indicator, lc("canonicalUnit"))
    words = []
    if band.low is not None and band.low == band.high:
        words.append(f"= {_number(band.low)}")
    else:
        words += [f"{'>' if band.low_open else '≥'} {_number(band.low)}"] if band.low is not None else []
        words += [f"{'<' if band.high_open else '≤'} {_number(band.high)}"] if band.high is not None else []
    return f"{' and '.join(words) or 'is known'}{f' {unit}' if unit and unit != '1' else ''}"


def _number(number: Decimal) -> str:
    return format(number, "f")
