"""What lies outside the case profile is refused with the axiom, the file and the line; W3C cases are answered right or refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from w3c_owl2 import answer, read_cases

from reasoner.errors import KnowledgeError
from reasoner.knowledge import read_graph
from reasoner.program.compile import compile_graph

SHARED = next((above / "shared" / "data" for above in Path(__file__).resolve().parents if (above / "shared" / "data").is_dir()), None)
PREFIXES = """\
@prefix lc: <https://w3id.org/legcramps/ontology/> .
@prefix lcg: <https://w3id.org/legcramps/guideline/> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
"""
SOUND = """\
lc:Case a owl:Class ; owl:disjointWith lc:Finding , lc:Drug .
lc:Finding a owl:Class .
lc:Drug a owl:Class .
lc:hasFinding a owl:ObjectProperty ; rdfs:domain lc:Case ; rdfs:range lc:Finding .
lc:hasNewFinding a owl:ObjectProperty ; rdfs:domain lc:Case ; rdfs:range lc:Finding ; rdfs:subPropertyOf lc:hasFinding .
lc:Leg a owl:Class ; rdfs:subClassOf lc:Finding .
lc:Calf a owl:Class ; rdfs:subClassOf lc:Leg .
lc:Arm a owl:Class ; rdfs:subClassOf lc:Finding .
lc:Aspirin a owl:Class ; rdfs:subClassOf lc:Drug .
lc:ratio a owl:DatatypeProperty , owl:FunctionalProperty ; rdfs:domain lc:Case ; rdfs:range xsd:decimal ; lc:indicatorForm lc:_Form_select .
lc:count a owl:DatatypeProperty , owl:FunctionalProperty ; rdfs:domain lc:Case ; rdfs:range xsd:integer ; lc:indicatorForm lc:_Form_select .
lc:flag a owl:DatatypeProperty , owl:FunctionalProperty ; rdfs:domain lc:Case ; rdfs:range xsd:boolean ; lc:indicatorForm lc:_Form_select .
lc:WithLeg a owl:Class ; rdfs:subClassOf lc:Case ;
    owl:equivalentClass [ a owl:Restriction ; owl:onProperty lc:hasFinding ; owl:someValuesFrom lc:Leg ] .
lc:WithArm a owl:Class ; rdfs:subClassOf lc:Case ;
    owl:equivalentClass [ a owl:Restriction ; owl:onProperty lc:hasFinding ; owl:someValuesFrom lc:Arm ] .
"""
CALF = "[ a owl:Restriction ; owl:onProperty lc:hasFinding ; owl:someValuesFrom lc:Calf ]"


def defined(definition: str, more: str = "") -> str:
    """Return a case class on one line."""
    return f"lc:Bad rdfs:subClassOf lc:Case ; owl:equivalentClass {definition} {more}."


def restricted(body: str, role: str = "lc:hasFinding") -> str:
    return defined(f"[ a owl:Restriction ; owl:onProperty {role} ; {body} ]")


def bounded(base: str, *facets: str, indicator: str = "lc:ratio") -> str:
    ends = " ".join(f"[ {facet} ]" for facet in facets)
    return restricted(f"owl:someValuesFrom [ a rdfs:Datatype ; owl:onDatatype {base} ; owl:withRestrictions ( {ends} ) ]", indicator)


HOSTILE: dict[str, tuple[str, str, str]] = {
    # name: (axiom, what the refusal names, what it says)
    "transitive role": ("lc:hasFinding a owl:TransitiveProperty .", "lc:hasFinding", "owl:TransitiveProperty"),
    "symmetric role": ("lc:hasFinding a owl:SymmetricProperty .", "lc:hasFinding", "owl:SymmetricProperty"),
    "functional role": ("lc:hasFinding a owl:FunctionalProperty .", "lc:hasFinding", "owl:FunctionalProperty"),
    "inverse functional role": ("lc:hasFinding a owl:InverseFunctionalProperty .", "lc:hasFinding", "owl:InverseFunctionalProperty"),
    "inverse": ("lc:isFindingOf owl:inverseOf lc:hasFinding .", "lc:isFindingOf", "owl:inverseOf"),
    "role chain": ("lc:hasFinding owl:propertyChainAxiom ( lc:hasFinding lc:partOf ) .", "lc:hasFinding", "owl:propertyChainAxiom"),
    "disjoint roles": ("lc:hasFinding owl:propertyDisjointWith lc:hasNewFinding .", "lc:hasFinding", "owl:propertyDisjointWith"),
    "equivalent roles": ("lc:has owl:equivalentProperty lc:hasFinding .", "lc:has", "owl:equivalentProperty"),
    "role without domain": ("lc:takes a owl:ObjectProperty ; rdfs:range lc:Drug .", "lc:takes", "domain"),
    "role without range": ("lc:takes a owl:ObjectProperty ; rdfs:domain lc:Case .", "lc:takes", "range"),
    "role with another range": ("lc:takes a owl:ObjectProperty ; rdfs:domain lc:Case ; rdfs:range lc:Finding .", "lc:takes", "range"),
    "role with a second range": ("lc:hasFinding rdfs:range lc:Leg .", "lc:hasFinding", "range"),
    "role below a stranger": ("lc:hasFinding rdfs:subPropertyOf lc:has .", "lc:hasFinding", "no role"),
    "stranger below a role": ("lc:has rdfs:subPropertyOf lc:hasFinding .", "lc:has", "no role"),
    "role below one of another range": (
        "lc:takes a owl:ObjectProperty ; rdfs:domain lc:Case ; rdfs:range lc:Drug ; rdfs:subPropertyOf lc:hasFinding .",
        "lc:takes",
        "another range",
    ),
    "stranger as role": (restricted("owl:someValuesFrom lc:Leg", "lc:partOf"), "lc:Bad", "lc:partOf"),
    "minimum cardinality": (restricted("owl:minCardinality 2"), "lc:Bad", "owl:minCardinality"),
    "qualified cardinality": (restricted("owl:onClass lc:Leg ; owl:qualifiedCardinality 1"), "lc:Bad", "owl:onClass"),
    "universal": (restricted("owl:allValuesFrom lc:Leg"), "lc:Bad", "owl:allValuesFrom"),
    "self": (restricted("owl:hasSelf true"), "lc:Bad", "owl:hasSelf"),
    "value of a role": (restricted("owl:hasValue lc:_leg"), "lc:Bad", "literal"),
    "nominal": (defined("[ a owl:Class ; owl:oneOf ( lc:_one ) ]"), "lc:Bad", "owl:oneOf"),
    "nested role": (restricted(f"owl:someValuesFrom {CALF}"), "lc:Bad", "filler"),
    "case class as filler": (restricted("owl:someValuesFrom lc:WithLeg"), "lc:Bad", "filler"),
    "drug as finding": (restricted("owl:someValuesFrom lc:Aspirin"), "lc:Bad", "filler"),
    "anonymous superclass": (f"lc:WithLeg rdfs:subClassOf {CALF} .", "lc:WithLeg", "superclass is an expression"),
    "anonymous subclass": (f"{CALF} rdfs:subClassOf lc:WithArm .", "no named term", "left side"),
    "anonymous equivalent": (f"{CALF} owl:equivalentClass lc:WithArm .", "no named term", "left side"),
    "superclass of every case": (f"lc:Case rdfs:subClassOf {CALF} .", "lc:Case", "every case"),
    "definition of Case": (f"lc:Case owl:equivalentClass {CALF} .", "lc:Case", "no definition"),
    "case class disjoint from Case": ("lc:Case owl:disjointWith lc:WithLeg .", "lc:Case", "disjoint"),
    "two definitions": (f"lc:WithLeg owl:equivalentClass {CALF} .", "lc:WithLeg", "2 definitions"),
    "no definition": ("lc:Bad a owl:Class ; rdfs:subClassOf lc:Case .", "lc:Bad", "0 definitions"),
    "definition below a case class": (
        f"lc:Bad rdfs:subClassOf lc:WithLeg ; owl:equivalentClass {CALF} .",
        "lc:Bad",
        "directly below lc:Case",
    ),
    "undefined class below a case class": ("lc:Bad rdfs:subClassOf lc:WithLeg .", "lc:Bad", "no case class"),
    "definition outside": (f"lc:Bad owl:equivalentClass {CALF} .", "lc:Bad", "directly below lc:Case"),
    "definition without a name of the project": (
        f"<urn:bad> rdfs:subClassOf lc:Case ; owl:equivalentClass {CALF} .",
        "urn:bad",
        "namespaces",
    ),
    "definition by a construct": ("lc:WithLeg owl:unionOf ( lc:WithArm ) .", "lc:WithLeg", "owl:unionOf"),
    "definition of a finding": (f"lc:Leg owl:equivalentClass {CALF} .", "lc:Leg", "no definition"),
    "finding below a restriction": (f"lc:Leg rdfs:subClassOf {CALF} .", "lc:Leg", "superclass is an expression"),
    "finding below a drug": ("lc:Leg rdfs:subClassOf lc:Drug .", "lc:Leg", "another sort"),
    "finding below a case class": ("lc:Leg rdfs:subClassOf lc:WithArm .", "lc:Leg", "another sort"),
    "disjoint findings": ("lc:Leg owl:disjointWith lc:Arm .", "lc:Leg", "disjoint"),
    "disjoint with a finding": ("lc:WithLeg owl:disjointWith lc:Arm .", "lc:WithLeg", "disjoint"),
    "all disjoint": ("[] a owl:AllDisjointClasses ; owl:members ( lc:WithLeg lc:WithArm ) .", "no named term", "owl:members"),
    "disjoint union": ("lc:Leg owl:disjointUnionOf ( lc:Calf lc:Arm ) .", "lc:Leg", "owl:disjointUnionOf"),
    "key": ("lc:WithLeg owl:hasKey ( lc:ratio ) .", "lc:WithLeg", "owl:hasKey"),
    "individual case": ("lc:_me a lc:WithLeg .", "lc:_me", "instance"),
    "same individuals": ("lc:_me owl:sameAs lc:_you .", "lc:_me", "owl:sameAs"),
    "constraint on an intersection": (
        defined(f"[ a owl:Class ; owl:intersectionOf ( lc:WithLeg {CALF} ) ]", "; owl:disjointWith lc:WithArm "),
        "lc:Bad",
        "constraint",
    ),
    "unguarded complement": (defined("[ a owl:Class ; owl:complementOf lc:WithLeg ]"), "lc:Bad", "guarded"),
    "unguarded union": (
        defined(f"[ a owl:Class ; owl:unionOf ( {CALF} [ a owl:Class ; owl:complementOf lc:WithLeg ] ) ]"),
        "lc:Bad",
        "guarded",
    ),
    "two constructs": (
        defined("[ a owl:Class ; owl:unionOf ( lc:WithLeg ) ; owl:complementOf lc:WithArm ]"),
        "lc:Bad",
        "one expression holds",
    ),
    "two fillers": (restricted("owl:someValuesFrom lc:Leg , lc:Arm"), "lc:Bad", "twice"),
    "filler and value": (restricted("owl:someValuesFrom xsd:decimal ; owl:hasValue 1.0", "lc:ratio"), "lc:Bad", "one expression holds"),
    "empty union": (defined("[ a owl:Class ; owl:unionOf () ]"), "lc:Bad", "of nothing"),
    "expression in itself": (
        "lc:Bad rdfs:subClassOf lc:Case ; owl:equivalentClass _:x . _:x owl:unionOf ( lc:WithLeg _:x ) .",
        "lc:Bad",
        "used 2 times",
    ),
    "cycle of definitions": (defined("[ a owl:Class ; owl:unionOf ( lc:WithLeg lc:Bad ) ]"), "lc:Bad", "→"),
    "cycle of findings": ("lc:Finding rdfs:subClassOf lc:Calf .", "lc:Finding", "another sort"),
    "cycle below findings": ("lc:Leg rdfs:subClassOf lc:Calf .", "lc:Calf", "→"),
    "undeclared indicator": (bounded("xsd:decimal", "xsd:minInclusive 1.0", indicator="lc:weight"), "lc:Bad", "lc:weight"),
    "wrong datatype": (bounded("xsd:integer", "xsd:minInclusive 1"), "lc:Bad", "xsd:integer"),
    "wrong literal": (restricted("owl:hasValue 1", "lc:ratio"), "lc:Bad", "xsd:integer"),
    "double": (restricted("owl:hasValue 1.0e0", "lc:ratio"), "lc:Bad", "must be an xsd:decimal"),
    "fraction of a whole number": (bounded("xsd:integer", "xsd:minExclusive 1.5", indicator="lc:count"), "lc:Bad", "does not bound"),
    "number that is none": (bounded("xsd:decimal", 'xsd:minInclusive "1_0"^^xsd:decimal'), "lc:Bad", "does not bound"),
    "facet pattern": (bounded("xsd:decimal", 'xsd:pattern "1.*"'), "lc:Bad", "xsd:pattern"),
    "facet digits": (bounded("xsd:decimal", "xsd:totalDigits 3"), "lc:Bad", "xsd:totalDigits"),
    "end bounded twice": (bounded("xsd:decimal", "xsd:minInclusive 1.0", "xsd:minExclusive 1.0"), "lc:Bad", "twice"),
    "range without values": (bounded("xsd:decimal", "xsd:minInclusive 2.0", "xsd:maxExclusive 2.0"), "lc:Bad", "no value"),
    "no whole number between": (
        bounded("xsd:integer", "xsd:minExclusive 1", "xsd:maxExclusive 2", indicator="lc:count"),
        "lc:Bad",
        "no value",
    ),
    "true and false": (
        defined(
            "[ a owl:Class ; owl:intersectionOf ( [ a owl:Restriction ; owl:onProperty lc:flag ; owl:hasValue true ] "
            "[ a owl:Restriction ; owl:onProperty lc:flag ; owl:hasValue false ] ) ]"
        ),
        "lc:Bad",
        "no value",
    ),
    "datatype by name": (restricted("owl:someValuesFrom lc:Percent", "lc:ratio"), "lc:Bad", "lc:Percent"),
    "enumerated datatype": (restricted("owl:someValuesFrom [ a rdfs:Datatype ; owl:oneOf ( 1.0 ) ]", "lc:ratio"), "lc:Bad", "owl:oneOf"),
    "use that is no finding": ("lc:Aspirin lc:useIsFinding lc:WithLeg .", "lc:Aspirin", "no finding"),
    "count of no band": ("lc:count lc:countsBand lc:WithLeg .", "lc:count", "no band"),
    "indicator without domain": (
        "lc:weight a owl:DatatypeProperty , owl:FunctionalProperty ; rdfs:range xsd:decimal ; lc:indicatorForm lc:_Form_select .",
        "lc:weight",
        "domain",
    ),
    "indicator of dates": (
        "lc:day a owl:DatatypeProperty , owl:FunctionalProperty ; rdfs:domain lc:Case ; rdfs:range xsd:date ; lc:indicatorForm lc:_Form_select .",
        "lc:day",
        "range",
    ),
    "indicator with many values": (
        "lc:weight a owl:DatatypeProperty ; rdfs:domain lc:Case ; rdfs:range xsd:decimal ; lc:indicatorForm lc:_Form_select .",
        "lc:weight",
        "functional",
    ),
    "indicator below another": ("lc:ratio rdfs:subPropertyOf lc:count .", "lc:ratio", "below no property"),
    "finding that cannot be": (
        "lc:WithLeg owl:disjointWith lc:WithArm .\nlc:Both rdfs:subClassOf lc:Calf , lc:Arm .",
        "lc:Both",
        "never be present",
    ),
}


def laid_out(axiom: str) -> str:
    """Return the sound ontology with an axiom, each subject on a line of its own."""
    return re.sub(r"^(lc:\S+) ", r"\1\n    ", f"{PREFIXES}{SOUND}{axiom}\n", flags=re.MULTILINE)


def compiled(tmp_path: Path, axiom: str) -> None:
    path = tmp_path / "hostile.ttl"
    path.write_text(laid_out(axiom), encoding="utf-8")
    compile_graph(read_graph([path]), "hostile", {})


def test_sound_ontology_compiles(tmp_path: Path) -> None:
    compiled(tmp_path, "")


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_axiom_is_refused(name: str, tmp_path: Path) -> None:
    axiom, about, why = HOSTILE[name]
    with pytest.raises(KnowledgeError) as caught:
        compiled(tmp_path, axiom)
    error = caught.value
    lines = laid_out(axiom).split("\n")
    file, _, line = error.where.partition(":")
    assert about in str(error) and why in f"{error.what} {error.why}", error
    assert file == "hostile.ttl" and line.isdigit(), error
    shown = lines[int(line) - 1]
    assert about in shown or why in shown or shown.strip() == axiom, (error, shown)


def test_missing_disjointness_of_case_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "hostile.ttl"
    path.write_text(PREFIXES + SOUND.replace("; owl:disjointWith lc:Finding , lc:Drug ", ""), encoding="utf-8")
    with pytest.raises(KnowledgeError, match="disjoint from lc:Case"):
        compile_graph(read_graph([path]), "hostile", {})


def test_w3c_cases_are_answered_right_or_refused(tmp_path: Path, figure: Callable[..., None]) -> None:
    if SHARED is None or not (SHARED / "w3c-owl2" / "all.rdf").is_file():
        pytest.skip("not run: shared data is not here")
    answered, wrong, refused = 0, [], []
    for case in read_cases(SHARED / "w3c-owl2" / "all.rdf"):
        right, faults, reasons = answer(case, tmp_path)
        answered += right
        wrong += faults
        refused += reasons
    figure("W3C OWL 2 questions answered right", answered)
    figure("W3C OWL 2 questions refused with the axiom", len(refused))
    figure("W3C OWL 2 questions answered wrong", len(wrong))
    assert not wrong, "\n".join(wrong)
    assert answered >= 30
    assert len(refused) >= 100
