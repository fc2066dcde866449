"""Turn shapes, held as plain data, into plans that check one focus node against many shapes in one pass.

A plan is flat: what holds for the focus node, which predicates it states, what holds for the values of each predicate.
Alternatives that differ only in datatype, class or predicate become one look-up, so that conforming data costs little.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pyoxigraph import BlankNode, Literal, NamedNode, Triple

from reasoner.literals import TEXT_TESTS, TextTest, number
from reasoner.namespaces import RDF, SH

__all__ = [
    "NODE_KINDS",
    "Finding",
    "Index",
    "Plan",
    "Planner",
    "Shape",
    "Term",
    "collect",
    "term_from_json",
    "term_to_json",
    "upwards",
]

Term = NamedNode | BlankNode | Literal | Triple
Index = Mapping[Any, Mapping[str, list[Term]]]
"""A document: subject → predicate IRI → objects; an object may be listed twice, no list is empty."""

Test = Callable[[Any, Index], bool]
Clause = tuple[tuple[str, bool], ...]
"""Predicates with whether they are stated; one of the pairs must hold."""

Report = tuple[str | None, str, str, str, str]
"""Path, component, severity, message and shape of a result to come."""

Finding = tuple[Term, Term | None, Report]
"""A focus node, the value at fault if it is one value, and the result."""

_TYPE = RDF + "type"
_LONGEST_KNOWN, _MOST_KNOWN = 40, 4096
"""How many letters a literal may have that is known again, and how many of them each test knows."""

_BOUNDS: Mapping[str, Callable[[Decimal, Decimal], bool]] = {
    "maxExclusive": operator.lt,
    "maxInclusive": operator.le,
    "minExclusive": operator.gt,
    "minInclusive": operator.ge,
}
NODE_KINDS: Mapping[str, frozenset[type]] = {
    SH + "BlankNode": frozenset((BlankNode,)),
    SH + "BlankNodeOrIRI": frozenset((BlankNode, NamedNode)),
    SH + "BlankNodeOrLiteral": frozenset((BlankNode, Literal)),
    SH + "IRI": frozenset((NamedNode,)),
    SH + "IRIOrLiteral": frozenset((NamedNode, Literal)),
    SH + "Literal": frozenset((Literal,)),
}


@dataclass(frozen=True, slots=True)
class Shape:
    """Hold one shape as plain data: its constraints are pairs of a SHACL local name and a JSON value."""

    name: str
    path: str | None
    severity: str
    message: str
    constraints: tuple[tuple[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """Check one focus node, most of it by look-ups in its properties.

    `checks` hold for the node itself; of each clause at least one predicate is stated (true) or left out (false); `counts` are
    least numbers above one; `wanted` values are among those of their predicate, or are the node itself; `paths` hold for the
    values of a predicate: the greatest numbers, the checks of each value, and the plans that take each value as focus node;
    `fits` says of each predicate of `paths`, by one test, whether a value that stands alone breaks nothing.
    """

    checks: tuple[tuple[Test, Report], ...]
    clauses: tuple[tuple[Clause, Report], ...]
    counts: tuple[tuple[str, int, Report], ...]
    wanted: tuple[tuple[str | None, Term, Report], ...]
    paths: Mapping[str, tuple[tuple[tuple[int, Report], ...], tuple[tuple[Test, Report], ...], tuple[Plan, ...]]]
    fits: Mapping[str, Test]


def term_to_json(term: Term) -> list[str | None]:
    """Return an IRI or a literal as JSON values: the IRI, or text, datatype and language."""
    if isinstance(term, Literal):
        return [term.value, term.datatype.value, term.language]
    return [term.value] if isinstance(term, NamedNode) else []


def term_from_json(values: Sequence[Any]) -> Term:
    """Return the term that `term_to_json` wrote."""
    if len(values) == 1:
        return NamedNode(values[0])
    text, datatype, language = values
    return Literal(text, language=language) if language else Literal(text, datatype=NamedNode(datatype))


def upwards(classes: Iterable[Any], superclasses: Mapping[Any, Iterable[Any]]) -> set[Any]:
    """Return `classes` and every class above them."""
    seen: set[Any] = set()
    waiting = list(classes)
    while waiting:
        node = waiting.pop()
        if node not in seen:
            seen.add(node)
            waiting.extend(superclasses.get(node, ()))
    return seen


class Planner:
    """Build plans and tests from `shapes`; a test that several shapes use is built once."""

    def __init__(self, shapes: Mapping[str, Shape], superclasses: Mapping[Any, Iterable[Any]]) -> None:
        self._shapes = shapes
        self._superclasses = superclasses
        self._tests: dict[tuple[str, ...], Test] = {}

    def plan(self, names: Iterable[str]) -> Plan:
        """Return the plan that checks one focus node against every shape of `names`."""
        checks: list[tuple[Test, Report]] = []
        clauses: list[tuple[Clause, Report]] = []
        counts: list[tuple[str, int, Report]] = []
        wanted: list[tuple[str | None, Term, Report]] = []
        paths: dict[str, tuple[list[tuple[int, Report]], list[tuple[Test, Report]], list[Plan]]] = {}
        for shape, kind, argument in self._constraints(names):
            report = _report(shape, kind)
            clause = self._clause(shape, kind, argument)
            if clause is not None:
                clauses.append((clause, report))
            elif kind == "hasValue":
                wanted.append((shape.path, term_from_json(argument), report))
            elif shape.path is None:
                checks.append((self._test(kind, argument), report))
            elif kind == "minCount":
                counts.append((shape.path, argument, report))
            else:
                limits, at_values, nested = paths.setdefault(shape.path, ([], [], []))
                if kind == "maxCount":
                    limits.append((argument, report))
                elif kind == "property":
                    nested.append(self.plan([argument]))
                else:
                    at_values.append((self._test(kind, argument), report))
        at_paths = {path: (tuple(a), tuple(b), tuple(c)) for path, (a, b, c) in paths.items()}
        fits = {path: _all((*(test for test, _ in a), *map(_conforming, b))) for path, (_, a, b) in at_paths.items()}
        return Plan(tuple(checks), tuple(clauses), tuple(counts), tuple(wanted), at_paths, fits)

    def _clause(self, shape: Shape, kind: str, argument: Any) -> Clause | None:
        """Return a constraint as a choice of predicates stated or left out; None where it says something else."""
        if shape.path is not None:
            is_choice = (kind, argument) in (("minCount", 1), ("maxCount", 0))
            return ((shape.path, kind == "minCount"),) if is_choice else None
        if kind != "or":
            return None
        choices: list[tuple[str, bool]] = []
        for name in argument:
            member = self._shapes[name]
            alone = member.path is not None and len(member.constraints) == 1
            clause = self._clause(member, *member.constraints[0]) if alone else None
            if clause is None:
                return None
            choices += clause
        return tuple(choices)

    def _constraints(self, names: Iterable[str]) -> Iterator[tuple[Shape, str, Any]]:
        """Yield every constraint; a node shape's property shapes take its own focus node, so they stand beside it."""
        for name in names:
            shape = self._shapes[name]
            for kind, argument in shape.constraints:
                if kind == "property" and shape.path is None:
                    yield from self._constraints([argument])
                else:
                    yield shape, kind, argument

    def _test(self, kind: str, argument: Any) -> Test:
        """Return the test of one value against one constraint."""
        match kind:
            case "datatype":
                return _text_test({NamedNode(argument): _text_tests(argument)})
            case "or":
                return self._any(argument)
            case "node":
                return self._any([argument])
            case "not":
                conforms = self._any([argument])
                return lambda value, index: not conforms(value, index)
            case "class":
                return _class_test(self._below([argument]))
            case "in":
                terms = frozenset(map(term_from_json, argument))
                return lambda value, index: value in terms
            case "nodeKind":
                kinds = NODE_KINDS[argument]
                return lambda value, index: type(value) in kinds
            case "pattern":
                return _pattern_test(argument)
        return _bound_test(_BOUNDS[kind], Decimal(argument))

    def _any(self, names: Sequence[str]) -> Test:
        """Return the test whether a value conforms to one of the shapes, whatever the severity of its results."""
        key = tuple(names)
        if key not in self._tests:
            self._tests[key] = self._choice(key)
        return self._tests[key]

    def _choice(self, names: tuple[str, ...]) -> Test:
        """Return what `_any` returns: one look-up where that says the same."""
        shapes = [self._shapes[name] for name in names]
        if all(_kinds(shape) == ["class"] for shape in shapes):
            return _class_test(self._below(shape.constraints[0][1] for shape in shapes))
        if all(_kinds(shape) in (["datatype"], ["datatype", "pattern"]) for shape in shapes):
            forms = [dict(shape.constraints) for shape in shapes]
            by_datatype = {NamedNode(form["datatype"]): _text_tests(**form) for form in forms}
            if len(by_datatype) == len(forms):
                return _text_test(by_datatype)
        if len(names) == 1:
            return _conforming(self.plan(names))
        tests = tuple(self._any([name]) for name in names)
        return lambda value, index: any(test(value, index) for test in tests)

    def _below(self, classes: Iterable[str]) -> frozenset[Any]:
        """Return the classes and every class below them."""
        wanted = {NamedNode(name) for name in classes}
        return frozenset(wanted | {node for node in self._superclasses if wanted & upwards((node,), self._superclasses)})


def _report(shape: Shape, kind: str) -> Report:
    component = f"{SH}{kind[0].upper()}{kind[1:]}ConstraintComponent"
    return shape.path, component, shape.severity, shape.message, shape.name


def _kinds(shape: Shape) -> list[str]:
    """Return the kinds of a node shape's constraints, sorted; none for a property shape."""
    return [] if shape.path else sorted(kind for kind, _ in shape.constraints)


def _text_tests(datatype: str, pattern: str | None = None) -> tuple[TextTest, ...]:
    """Return the tests of the texts of a datatype and of a pattern; none for a datatype whose texts are not known."""
    tests = [TEXT_TESTS[datatype]] if datatype in TEXT_TESTS else []
    return (*tests, re.compile(pattern).search) if pattern is not None else tuple(tests)


def _text_test(by_datatype: Mapping[NamedNode, tuple[TextTest, ...]]) -> Test:
    """Return the test of a literal by the tests that belong to its datatype; short ones that passed are known again by one look-up."""
    passed: set[Any] = set()

    def test(value: Any, index: Index) -> bool:
        if value in passed:
            return True
        if type(value) is not Literal:
            return False
        tests = by_datatype.get(value.datatype)
        if tests is None:
            return False
        text = value.value
        for passes in tests:
            if not passes(text):
                return False
        if len(text) <= _LONGEST_KNOWN and value.language is None:
            if len(passed) == _MOST_KNOWN:
                passed.clear()
            passed.add(value)
        return True

    return test


def _class_test(classes: frozenset[Any]) -> Test:
    """Return the test whether a node is typed by one of `classes`."""

    def test(value: Any, index: Index) -> bool:
        properties = index.get(value)
        return properties is not None and not classes.isdisjoint(properties.get(_TYPE, ()))

    return test


def _pattern_test(pattern: str) -> Test:
    search = re.compile(pattern).search
    return lambda value, index: isinstance(value, NamedNode | Literal) and search(value.value) is not None


def _bound_test(holds: Callable[[Decimal, Decimal], bool], bound: Decimal) -> Test:
    """Return the test of a number; what is no number breaks every bound."""

    def test(value: Any, index: Index) -> bool:
        found = number(value) if isinstance(value, Literal) else None
        return found is not None and holds(found, bound)

    return test


def _conforming(plan: Plan) -> Test:
    """Return the test whether a node breaks nothing of `plan`."""
    if not (plan.clauses or plan.counts or plan.wanted or plan.paths):
        return _all(tuple(test for test, _ in plan.checks))

    def test(value: Any, index: Index) -> bool:
        found: list[Finding] = []
        collect(plan, value, index.get(value, {}), index, found)
        return not found

    return test


def _all(tests: tuple[Test, ...]) -> Test:
    """Return the test whether a value passes every one of `tests`."""
    return tests[0] if len(tests) == 1 else lambda value, index: all(test(value, index) for test in tests)


def collect(plan: Plan, node: Term, properties: Mapping[str, list[Term]], index: Index, found: list[Finding]) -> None:
    """Add to `found` whatever breaks `plan` at `node`, whose properties are given."""
    for test, report in plan.checks:
        if not test(node, index):
            found.append((node, node, report))
    for clause, report in plan.clauses:
        for path, stated in clause:
            if (path in properties) is stated:
                break
        else:
            found.append((node, node if report[0] is None else None, report))
    for path, count, report in plan.counts:
        values = properties.get(path, ())
        if len(values) < count or (count > 1 and len(set(values)) < count):  # one value is never the same as another
            found.append((node, None, report))
    for predicate, term, report in plan.wanted:
        if term not in ((node,) if predicate is None else properties.get(predicate, ())):
            found.append((node, None, report))
    fits = plan.fits
    for path, values in properties.items():
        fit = fits.get(path)
        if fit is not None and (len(values) > 1 or not fit(values[0], index)):
            _collect_values(plan, path, node, values, index, found)


def _collect_values(plan: Plan, path: str, node: Term, values: list[Term], index: Index, found: list[Finding]) -> None:
    """Add to `found` whatever breaks `plan` in the values that `node` has of one predicate."""
    limits, checks, nested = plan.paths[path]
    if len(values) > 1:
        values = list(dict.fromkeys(values))
        for limit, report in limits:
            if len(values) > limit:
                found.append((node, None, report))
    for value in values:
        for test, report in checks:
            if not test(value, index):
                found.append((node, value, report))
        for other in nested:
            collect(other, value, index.get(value, {}), index, found)
