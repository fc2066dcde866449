"""Say what a column of a template states: the strings of ROBOT's templates that this project reads.

`ID` and `TYPE`; `SC %` a superclass; `EC %` a definition, written as in Turtle; `A p` a text, `AL p@en` a text in a language,
`AT p^^d` a typed value, `AI p` an IRI. `SPLIT=|` after any of them says that a cell may hold several.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pyoxigraph import BlankNode, Literal, NamedNode, Triple

from reasoner.errors import KnowledgeError
from reasoner.namespaces import OWL, PREFIXES, RDF, RDFS, curie, expand

__all__ = ["DEFINITION", "ID", "Column", "column_of", "read_column", "shorten", "term_of"]

ID = "ID"
DEFINITION = "EC %"
_FIXED = {"TYPE": RDF + "type", "SC %": RDFS + "subClassOf", DEFINITION: OWL + "equivalentClass"}
_TEMPLATE = re.compile(
    r"(?:(?P<fixed>ID|TYPE|SC %|EC %)|(?P<kind>AL|AT|AI|A) (?P<property>\S+?)(?:@(?P<language>[A-Za-z-]+)|\^\^(?P<datatype>\S+))?)"
    r"(?: SPLIT=(?P<split>\S))?"
)
_ABSOLUTE = re.compile(r"[a-z][a-z0-9+.-]*:[^\s<>\"{}|^`\\]+")
_MARKS = {"A": (False, False), "AL": (True, False), "AT": (False, True), "AI": (False, False)}


@dataclass(frozen=True, slots=True)
class Column:
    """A column: how its template string begins, its property, the language or datatype of its values, and what parts them."""

    kind: str
    predicate: str
    language: str = ""
    datatype: str = ""
    split: str = ""

    @property
    def template(self) -> str:
        """Return the template string."""
        name = self.kind if self.kind in (ID, *_FIXED) else f"{self.kind} {shorten(self.predicate)}"
        mark = f"@{self.language}" if self.language else f"^^{shorten(self.datatype)}" if self.datatype else ""
        return f"{name}{mark}" + (f" SPLIT={self.split}" if self.split else "")

    @property
    def heading(self) -> str:
        """Return a short name for people."""
        name = re.split(r"[#/:]", self.predicate)[-1] or self.kind
        return ID if self.kind == ID else f"{name}@{self.language}" if self.language else name

    def term(self, text: str) -> NamedNode | Literal:
        """Return what a cell of the column states; raise ValueError with the reason for a text that cannot be."""
        if self.kind in ("A", "AL", "AT"):
            if self.language:
                return Literal(text, language=self.language)
            return Literal(text, datatype=NamedNode(self.datatype)) if self.datatype else Literal(text)
        return term_of(text)


def read_column(template: str) -> Column | None:
    """Return the column that a template string describes, None for an empty one; raise KnowledgeError for any other."""
    if not template:
        return None
    match = _TEMPLATE.fullmatch(template)
    parts = match.groupdict() if match else {}
    marks = bool(parts.get("language")), bool(parts.get("datatype"))
    if match is None or (parts["kind"] and marks != _MARKS[parts["kind"]]):
        raise KnowledgeError(
            f"The template string “{template}” is not read", repair="use ID, TYPE, SC %, EC %, A p, AL p@en, AT p^^d or AI p, with SPLIT=|"
        )
    split = parts["split"] or ""
    if parts["fixed"]:
        return Column(parts["fixed"], _FIXED.get(parts["fixed"], ""), split=split)
    try:
        names = [term_of(text).value if text else "" for text in (parts["property"], parts["datatype"])]
    except ValueError as error:
        raise KnowledgeError(
            f"The template string “{template}” is not read", why=str(error), repair="abbreviate by a known prefix"
        ) from error
    return Column(parts["kind"], names[0], parts["language"] or "", names[1], split)


def column_of(predicate: str, value: NamedNode | BlankNode | Literal | Triple) -> Column:
    """Return the column in which a statement stands."""
    fixed = {each: name for name, each in _FIXED.items()}
    if isinstance(value, Literal):
        if value.language:
            return Column("AL", predicate, value.language)
        plain = value.datatype.value == PREFIXES["xsd"] + "string"
        return Column("A", predicate) if plain else Column("AT", predicate, datatype=value.datatype.value)
    return Column(fixed.get(predicate, "AI"), predicate)


def term_of(text: str) -> NamedNode:
    """Return the IRI that a CURIE of a known prefix or an absolute IRI names; raise ValueError for another text."""
    bare = text[1:-1] if text.startswith("<") and text.endswith(">") else expand(text)
    prefix = text.partition(":")[0]
    if not _ABSOLUTE.fullmatch(bare) or (bare == text and "//" not in text and prefix not in ("urn", "mailto")):
        raise ValueError(f"“{text}” is neither a CURIE of a known prefix nor an absolute IRI")
    return NamedNode(bare)


def shorten(iri: str) -> str:
    """Return an IRI as cells hold it: abbreviated where the abbreviation is read back, else whole."""
    short = curie(iri)
    return short if short == iri or expand(short) == iri else iri
