"""Refuse, by axiom, file and line, every OWL axiom that the compiler would not treat exactly.

The case profile: disjoint sorts; roles with domain, range and subroles only; functional indicators of one datatype;
findings, drugs, conditions and investigations as primitive classes in a told hierarchy; case classes with one
definition each, and constraints between them. Nothing outside is ignored: it is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from decimal import ROUND_CEILING, Decimal

import pyoxigraph

from reasoner.errors import ProfileError
from reasoner.expressions import And, Band, Expression, Named, Not, Or, Some, Top
from reasoner.knowledge import Graph, closure
from reasoner.namespaces import LC, LCG, OWL, RDF, RDFS, XSD, curie
from reasoner.terms import ROLES, Role, lc

__all__ = ["check_definitions", "check_profile"]

_CASE = lc("Case")
_TYPE = RDF + "type"
_EQUIVALENT, _DISJOINT, _BELOW = OWL + "equivalentClass", OWL + "disjointWith", RDFS + "subClassOf"
_CONSTRUCTS = frozenset(
    OWL + name
    for name in ("complementOf", "hasValue", "intersectionOf", "onDatatype", "onProperty", "someValuesFrom", "unionOf", "withRestrictions")
)
_FORMS = tuple(
    frozenset(OWL + name for name in names)
    for names in (
        ("intersectionOf",),
        ("unionOf",),
        ("complementOf",),
        ("onProperty", "someValuesFrom"),
        ("onProperty", "hasValue"),
        ("onDatatype", "withRestrictions"),
    )
)
_READ = _CONSTRUCTS | {_EQUIVALENT, _DISJOINT}
_NOTES = frozenset(
    OWL + name
    for name in ("backwardCompatibleWith", "deprecated", "imports", "incompatibleWith", "priorVersion", "versionIRI", "versionInfo")
)
_KINDS = frozenset(
    OWL + name
    for name in ("AnnotationProperty", "Class", "DatatypeProperty", "FunctionalProperty", "ObjectProperty", "Ontology", "Restriction")
)
_PLACES = frozenset({_BELOW, _EQUIVALENT, OWL + "complementOf", OWL + "someValuesFrom", RDF + "first", RDF + "rest"})
_SORTS = tuple(map(lc, ("Finding", "Drug", "Condition", "Investigation")))
_RANGES = {
    **dict.fromkeys((Role.FINDING, Role.NEW_FINDING, Role.RECENT_FINDING), lc("Finding")),
    **dict.fromkeys((role for role in ROLES if role not in (Role.FINDING, Role.NEW_FINDING, Role.RECENT_FINDING)), lc("Drug")),
    Role.RECORDED_DIAGNOSIS: lc("Condition"),
}
_DATATYPES = frozenset(XSD + name for name in ("boolean", "decimal", "integer"))
_NUMBERS = {XSD + "decimal": re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)"), XSD + "integer": re.compile(r"[+-]?\d+")}


def check_profile(graph: Graph, sorts: Mapping[str, str]) -> None:
    """Raise ProfileError at the first axiom outside the case profile; `sorts` gives the sort of every primitive class."""
    checker = _Checker(graph, sorts)
    for subject in sorted(graph.out):
        checker.check(subject)


def _refuse(graph: Graph, subject: str, why: str, repair: str, mention: str = "") -> ProfileError:
    owner = _owner(graph, subject)
    about = curie(owner) if owner else "no named term"
    where = _place(graph, owner or subject, mention)
    return ProfileError(f"An axiom about {about} is outside the case profile", where=where, why=why, repair=repair)


def _owner(graph: Graph, subject: str) -> str:
    """Return the named term in whose description a node stands, or nothing."""
    seen: set[str] = set()
    while subject.startswith("_:"):
        above = [each for subjects in graph.into.get(subject, {}).values() for each in subjects if each not in seen]
        if not above:
            return ""
        seen.add(subject)
        subject = above[0]
    return subject


def _place(graph: Graph, subject: str, mention: str) -> str:
    """Return `file:line` of the block of a term, or of the first mention of what is wrong in the file of a nameless axiom."""
    place = graph.place(subject)
    path = graph.files.get(subject)
    if path is None or ":" in place:
        return place
    names = (re.escape(curie(subject)), re.escape(f"<{subject}>"))
    text = path.read_text(encoding="utf-8")
    found = None if subject.startswith("_:") else re.search(rf"^\s*({'|'.join(names)})\s", text, re.MULTILINE)
    nameless = (rf"(?:\]|_:\S+)\s*{re.escape(mention)}", re.escape(mention)) if mention else ()
    found = found or next(filter(None, (re.search(pattern, text) for pattern in nameless)), None)
    return f"{path.name}:{text.count(chr(10), 0, found.end() - 1) + 1}" if found else place


class _Checker:
    """The profile's rules, by what a subject is."""

    def __init__(self, graph: Graph, sorts: Mapping[str, str]) -> None:
        self.graph = graph
        self.sorts = sorts
        self.cases = frozenset(graph.subjects(_BELOW, _CASE))
        self.above_cases = self.cases | {_CASE}

    def refuse(self, subject: str, why: str, repair: str, mention: str = "") -> ProfileError:
        """Return the error for an axiom about `subject`."""
        return _refuse(self.graph, subject, why, repair, mention)

    def check(self, subject: str) -> None:
        """Raise ProfileError when something said of `subject` is outside the profile."""
        self._vocabulary(subject)
        kinds = self.graph.iris(subject, _TYPE)
        if subject.startswith("_:"):
            self._expression(subject)
        else:
            self._named(subject)
        if subject in ROLES:
            self._role(subject, kinds)
        elif self.graph.iri(subject, lc("indicatorForm")):
            self._indicator(subject)
        elif subject == _CASE:
            self._case()
        elif subject in self.cases:
            self._case_class(subject)
        elif subject in self.sorts:
            self._primitive(subject)
        else:
            self._other(subject)

    def _vocabulary(self, subject: str) -> None:
        """Refuse OWL terms that the compiler does not read."""
        for predicate in self.graph.out[subject]:
            if predicate.startswith(OWL) and predicate not in _READ and predicate not in _NOTES:
                repair = "state it by a case class, a subclass or a constraint"
                raise self.refuse(subject, f"{curie(predicate)} is not read", repair, curie(predicate))
        kinds = self.graph.iris(subject, _TYPE)
        for kind in kinds:
            if kind.startswith(OWL) and kind not in _KINDS:
                raise self.refuse(subject, f"{curie(kind)} is not read", "remove the characteristic", curie(kind))
            if kind in self.cases or kind.startswith("_:"):
                raise self.refuse(subject, f"it is declared an instance of {curie(kind)}", "cases are records, not terms of the ontology")
        if OWL + "FunctionalProperty" in kinds and OWL + "DatatypeProperty" not in kinds:
            raise self.refuse(subject, "owl:FunctionalProperty is read of indicators only", "remove the characteristic")

    def _expression(self, node: str) -> None:
        """Refuse a node that is no whole class expression, or an axiom whose left side is one."""
        properties = self.graph.out[node]
        for predicate in (_BELOW, _EQUIVALENT, _DISJOINT, RDFS + "subPropertyOf", RDFS + "domain", RDFS + "range"):
            if predicate in properties:
                why = f"{curie(predicate)} has an expression on its left side"
                raise self.refuse(node, why, "name the class and give it a definition", curie(predicate))
        used = _CONSTRUCTS & properties.keys()
        if not used:
            return
        if used not in _FORMS or any(len(properties[predicate]) != 1 for predicate in used):
            words = ", ".join(curie(predicate) for predicate in sorted(used))
            raise self.refuse(node, f"one expression holds {words}, or one of them twice", "write one construct per expression")
        uses = [(predicate, subject) for predicate, subjects in self.graph.into.get(node, {}).items() for subject in subjects]
        for predicate, _ in uses:
            if predicate not in _PLACES:
                raise self.refuse(node, f"{curie(predicate)} points at an expression", "name the class", curie(predicate))
        if len(uses) != 1:
            raise self.refuse(node, f"an expression is used {len(uses)} times", "write it where it is used, and once")
        for predicate in (OWL + "intersectionOf", OWL + "unionOf"):
            if self.graph.iris(node, predicate) == [RDF + "nil"]:
                raise self.refuse(node, f"{curie(predicate)} of nothing", "name its parts")
        self._facets(node)

    def _facets(self, node: str) -> None:
        """Refuse bounds that are not written in the datatype that they restrict."""
        base, head = self.graph.iri(node, OWL + "onDatatype"), self.graph.iri(node, OWL + "withRestrictions")
        for item in self.graph.items(head) if head else ():
            for predicate, values in self.graph.out.get(str(item), {}).items():
                for value in values:
                    datatype = value.datatype.value if isinstance(value, pyoxigraph.Literal) else ""
                    pattern = _NUMBERS.get(datatype)
                    text = value.value if isinstance(value, pyoxigraph.Literal) else str(value)
                    if datatype != base or pattern is None or not pattern.fullmatch(text):
                        why = f"{curie(predicate)} {text} does not bound {curie(base or 'nothing')}"
                        raise self.refuse(node, why, "write the bound as a number of the restricted datatype")

    def _named(self, subject: str) -> None:
        for predicate in sorted(_CONSTRUCTS & self.graph.out[subject].keys()):
            raise self.refuse(subject, f"{curie(predicate)} stands on a name", "define it by owl:equivalentClass", curie(predicate))
        if subject not in self.cases and _EQUIVALENT in self.graph.out[subject]:
            below = "a finding, drug, condition or investigation" if subject in self.sorts else "what is not directly below lc:Case"
            raise self.refuse(subject, f"{below} has no definition", "define a case class: a class declared below lc:Case")

    def _case(self) -> None:
        above = self.graph.iris(_CASE, _BELOW)
        if any(each.startswith("_:") or each in self.cases or each in self.sorts for each in above):
            raise self.refuse(_CASE, "something is stated of every case", "state it in the definitions that need it")
        self._only(_CASE, _DISJOINT, _SORTS, "only sorts are declared disjoint from all cases")

    def _primitive(self, subject: str) -> None:
        above = self.graph.iris(subject, _BELOW)
        if any(parent.startswith("_:") for parent in above):
            raise self.refuse(subject, "its superclass is an expression", "name the superclass")
        if subject in _SORTS:
            foreign = [parent for parent in above if parent in self.sorts or parent in self.cases]
        else:
            foreign = [parent for parent in above if self.sorts.get(parent) != self.sorts[subject]]
        if foreign:
            raise self.refuse(subject, f"its superclass {curie(foreign[0])} is of another sort", "keep it below one sort")
        allowed = (_CASE, *_SORTS) if subject in _SORTS else ()
        self._only(subject, _DISJOINT, allowed, "only sorts and case classes are declared disjoint")

    def _case_class(self, name: str) -> None:
        if not name.startswith((LC, LCG)) or name in self.sorts:
            why = "a case class has a name of its own in the project's namespaces"
            raise self.refuse(name, why, "name it, and keep it apart from findings")
        count = len(self.graph.nodes(name, _EQUIVALENT))
        if count != 1:
            raise self.refuse(name, f"it has {count} definitions", "give the case class exactly one owl:equivalentClass")
        if any(parent.startswith("_:") for parent in self.graph.iris(name, _BELOW)):
            raise self.refuse(name, "its superclass is an expression", "name a case class as superclass")
        self._only(name, _BELOW, self.above_cases, "a case class lies below case classes only")
        self._only(name, _DISJOINT, self.cases, "a case class is disjoint from case classes only")

    def _other(self, subject: str) -> None:
        """Refuse what would say something of case classes, roles or indicators from outside."""
        for predicate in (_BELOW, _DISJOINT):
            for target in self.graph.iris(subject, predicate):
                if target in self.cases or target in self.sorts or target == _CASE:
                    why = f"{curie(predicate)} {curie(target)}, though it is no case class itself"
                    raise self.refuse(subject, why, "declare it directly below lc:Case and define it")
        for target in self.graph.iris(subject, RDFS + "subPropertyOf"):
            if target in ROLES or self.graph.iri(target, lc("indicatorForm")):
                raise self.refuse(subject, f"it is below {curie(target)} and no role of the profile", "use a role of the profile")

    def _role(self, role: str, kinds: Iterable[str]) -> None:
        declared = OWL + "ObjectProperty" in kinds
        sort = self.graph.iris(role, RDFS + "range")
        if declared and (self.graph.iris(role, RDFS + "domain") != [_CASE] or sort != [_RANGES[role]]):
            why = f"a role has lc:Case as its one domain, and this one {curie(_RANGES[role])} as its one range"
            raise self.refuse(role, why, "declare them")
        disjoint = {*self.graph.iris(_CASE, _DISJOINT), *self.graph.subjects(_DISJOINT, _CASE)}
        if declared and sort[0] not in disjoint:
            raise self.refuse(role, f"{curie(sort[0])} is not declared disjoint from lc:Case", "declare them disjoint")
        for above in self.graph.iris(role, RDFS + "subPropertyOf"):
            if above not in ROLES:
                raise self.refuse(role, f"{curie(above)} is no role of the profile", "make it a subrole of a role of the profile")
            if _RANGES[above] != _RANGES[role]:
                raise self.refuse(role, f"{curie(above)} has another range", "make it a subrole of a role with the same range")

    def _indicator(self, iri: str) -> None:
        ranges = self.graph.iris(iri, RDFS + "range")
        if self.graph.iris(iri, RDFS + "domain") != [_CASE] or len(ranges) != 1 or ranges[0] not in _DATATYPES:
            why = "an indicator has lc:Case as its one domain, and one range: xsd:boolean, xsd:decimal or xsd:integer"
            raise self.refuse(iri, why, "declare them")
        if not {OWL + "FunctionalProperty", OWL + "DatatypeProperty"} <= {*self.graph.iris(iri, _TYPE)}:
            raise self.refuse(iri, "an indicator is a functional data property", "declare it owl:FunctionalProperty")
        if self.graph.nodes(iri, RDFS + "subPropertyOf"):
            raise self.refuse(iri, "an indicator is below no property", "remove rdfs:subPropertyOf")

    def _only(self, subject: str, predicate: str, allowed: Collection[str], why: str) -> None:
        foreign = [str(node) for node in self.graph.nodes(subject, predicate) if node not in allowed]
        if foreign:
            raise self.refuse(subject, f"{curie(predicate)} {curie(foreign[0])}: {why}", "state it between case classes")


def check_definitions(graph: Graph, definitions: Mapping[str, Expression]) -> None:
    """Raise ProfileError for an unguarded complement, a range that holds no value, and a term that can never be present."""
    unguarded = _unguarded(definitions)
    for name in sorted(definitions):
        if unguarded(name):
            raise _refuse(graph, name, "a complement is not guarded by a positive part", "intersect it with lc:Case")
        for band in _bands(definitions[name]):
            if _is_empty(band, graph.iri(band.indicator, RDFS + "range") or ""):
                why = f"no value of {curie(band.indicator)} lies between the bounds that are stated together"
                raise _refuse(graph, name, why, "mend the bounds, or leave the part out")
    for term, names in _impossible(graph, definitions):
        why = f"it lies below both sides of a constraint on {' and '.join(map(curie, names))}, so that it can never be present"
        raise _refuse(graph, term, why, "remove a superclass or the constraint")


def _unguarded(definitions: Mapping[str, Expression]) -> Callable[[str], bool]:
    """Return the test whether a class would also hold of what is no case."""
    guarded: dict[str, bool] = {}

    def is_guarded(expression: Expression) -> bool:
        match expression:
            case Not():
                return False
            case Named(iri):
                if iri not in guarded:
                    guarded[iri] = True
                    guarded[iri] = iri not in definitions or is_guarded(definitions[iri])
                return guarded[iri]
            case And(parts):
                return any(map(is_guarded, parts))
            case Or(parts):
                return all(map(is_guarded, parts))
            case _:
                return True

    return lambda name: not is_guarded(definitions[name])


def _bands(expression: Expression) -> Iterator[Band]:
    match expression:
        case Band():
            yield expression
        case Not(part):
            yield from _bands(part)
        case And(parts) | Or(parts):
            for part in parts:
                yield from _bands(part)
        case Top() | Named() | Some():
            return


def _is_empty(band: Band, datatype: str) -> bool:
    """Return whether no value of the datatype lies in the band."""
    low = None if band.low is None else (band.low, int(band.low_open))
    high = None if band.high is None else (band.high, int(not band.high_open))
    if datatype != XSD + "decimal":
        low, high = (None if end is None else _next_whole(*end) for end in (low, high))
    if datatype == XSD + "boolean":
        low = max(low or (Decimal(0), 0), (Decimal(0), 0))
        high = min(high or (Decimal(2), 0), (Decimal(2), 0))
    return low is not None and high is not None and low >= high


def _next_whole(value: Decimal, beyond: int) -> tuple[Decimal, int]:
    whole = value.to_integral_value(ROUND_CEILING)
    return whole + (beyond if whole == value else 0), 0


def _impossible(graph: Graph, definitions: Mapping[str, Expression]) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield terms whose presence two classes that exclude each other would both follow from."""
    for name in sorted(definitions):
        for other in graph.iris(name, _DISJOINT):
            first, second = (_restriction(definitions, each) for each in (name, other))
            if isinstance(first, Some) and isinstance(second, Some) and _share_role(graph, first.role, second.role):
                for term in sorted(graph.below(first.filler, _BELOW) & graph.below(second.filler, _BELOW)):
                    yield term, (name, other)


def _restriction(definitions: Mapping[str, Expression], name: str) -> Expression | None:
    """Return what a class is defined as, other names of it followed."""
    seen: set[str] = set()
    while isinstance(found := definitions.get(name), Named) and name not in seen:
        seen.add(name)
        name = found.iri
    return found


def _share_role(graph: Graph, first: str, second: str) -> bool:
    """Return whether some role lies at or below both."""
    return any({first, second} <= above for above in closure(graph, RDFS + "subPropertyOf", ROLES).values())
