"""FHIR RDF in: R4, interim and R5 Turtle say what the JSON says; what is no tree of resources is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from fhir_resources import ATORVASTATIN, PATIENT, SNOMED, TSH, UCUM, Json, concept, condition, observation, order, resource
from test_fhir import ROOT, places, shared_data

from reasoner.documents import read_document
from reasoner.errors import InputError, LimitError, SyntaxProblem, UnsupportedInputError
from reasoner.fhir import FhirReading, Source, read_sources
from reasoner.fhir.turtle import resources_in_turtle
from reasoner.program import Program

BASE = "http://hl7.org/fhir/"
HEAD = "@prefix fhir: <http://hl7.org/fhir/> .\n@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .\n"
CHOICES = ("abatement", "bounds", "deceased", "effective", "onset", "performed", "value")


def literal(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"^^xsd:decimal' if isinstance(value, int | float | Decimal) else json.dumps(value)


def split_choice(name: str) -> tuple[str, str]:
    stem = next((each for each in CHOICES if name.startswith(each) and name[len(each) : len(each) + 1].isupper()), "")
    return (stem, name[len(stem) :]) if stem else (name, "")


def body(element: Json, path: str, dialect: str) -> str:
    """Return predicates and objects of a JSON object; `path` is the name that the long dialects begin with."""
    said = [f"a fhir:{element['resourceType']}"] if "resourceType" in element else []
    path = element.get("resourceType", path)
    for name, value in element.items():
        if name != "resourceType" and value is not None:
            stem, kind = split_choice(name) if dialect == "r5" else (name, "")
            predicate = f"fhir:{stem}" if dialect == "r5" else f"fhir:{path}.{name}"
            said.append(f"{predicate} {objects(value, f'{path}.{name}', dialect, kind)}")
    return " ; ".join(said)


def objects(value: Any, path: str, dialect: str, kind: str) -> str:
    if not isinstance(value, list):
        return node(value, path, dialect, f"a fhir:{kind}" if kind else "")
    if dialect == "r5":
        return f"( {' '.join(node(each, path, dialect, '') for each in value)} )"
    return " , ".join(node(each, path, dialect, f"fhir:index {place}") for place, each in enumerate(value))


def node(value: Any, path: str, dialect: str, more: str) -> str:
    held = body(value, path, dialect) if isinstance(value, dict) else f"fhir:{'value' if dialect == 'r4' else 'v'} {literal(value)}"
    return f"[ {' ; '.join(filter(None, (more, held)))} ]"


def turtle(document: Json, dialect: str) -> bytes:
    return f"{HEAD}[] fhir:nodeRole fhir:treeRoot ; {body(document, '', dialect)} .\n".encode("utf-8", "surrogatepass")


def json_form(text: bytes) -> list[Json]:
    return [json.loads(json.dumps(each, default=str)) for each in resources_in_turtle(text, "x.ttl", "http://localhost/fhir/")]


def facts(knowledge: Program, *sources: Source, base: str = BASE) -> FhirReading:
    return read_sources(sources, knowledge, base)


@pytest.mark.parametrize("dialect", ["r4", "interim", "r5"])
def test_every_dialect_says_what_the_shipped_bundle_says(knowledge: Program, dialect: str) -> None:
    text = (ROOT / "docs" / "examples" / "bundle.json").read_bytes()
    document = json.loads(text, parse_float=Decimal)
    assert facts(knowledge, Source("x.ttl", turtle(document, dialect), "turtle")) == facts(knowledge, Source("x.json", text))


SINGLE = [
    order(doNotPerform=True, contained=[{"resourceType": "Medication", "id": "m", "code": concept(ATORVASTATIN)}]),
    observation(TSH, valueQuantity={"value": Decimal("2.10"), "system": UCUM, "code": "m[IU]/L", "comparator": "<"}),
    condition(onsetDateTime="2004", abatementString="as a child"),
    order(modifierExtension=[{"url": "http://example.org/m", "valueBoolean": True}]),
    resource("Procedure", status="completed", code=concept((SNOMED, "40930008"))),
]


@pytest.mark.parametrize("dialect", ["r4", "interim", "r5"])
@pytest.mark.parametrize("place", range(len(SINGLE)))
def test_single_resources_keep_digits_order_and_types(knowledge: Program, dialect: str, place: int) -> None:
    patient = Source("p.json", json.dumps(PATIENT).encode())
    plain = json.dumps(SINGLE[place], default=float).replace("2.1,", "2.10,").encode()
    found = facts(knowledge, patient, Source("x.ttl", turtle(SINGLE[place], dialect), "turtle"))
    assert found == facts(knowledge, patient, Source("x.json", plain))
    assert found.counts.entries > 1


def pairs() -> list[tuple[Path, Path]]:
    data = shared_data()
    files = sorted((data / "fhir-r4-hl7-pairs" / "json").glob("*.json")) if data else []
    return [(file, data / "fhir-r4-hl7-pairs" / "ttl" / f"{file.stem}.ttl") for file in files] if data else []


def test_the_public_pairs_are_whole() -> None:
    if shared_data() is None:
        pytest.skip("not run: the data of others is not at hand")
    assert len(pairs()) == 137


def without_narrative(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_narrative(inner) for name, inner in value.items() if name != "div"}
    return [without_narrative(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    ("plain", "graph"),
    pairs() or [pytest.param(None, None, marks=pytest.mark.skip("not run: the data of others is not at hand"))],
    ids=lambda each: each.stem if isinstance(each, Path) else "",
)
def test_public_turtle_is_the_json_and_gives_the_same_facts(knowledge: Program, plain: Path, graph: Path) -> None:
    document = json.loads(plain.read_bytes(), parse_float=Decimal)
    (read,) = resources_in_turtle(graph.read_bytes(), graph.name, BASE)
    if "id" not in read:
        assert read["resourceType"] == "Bundle"
        read = read["entry"][0]["resource"]  # type: ignore[index]
    assert without_narrative(read) == without_narrative(document)
    named = {holder[key] for holder, key in places(document) if key == "reference" and str(holder[key]).startswith("Patient/")}
    patients = [Source(name, json.dumps({"resourceType": "Patient", "id": name.partition("/")[2]}).encode()) for name in sorted(named)]
    by_json = facts(knowledge, *patients, Source(plain.name, plain.read_bytes()))
    by_graph = facts(knowledge, *patients, Source(graph.name, graph.read_bytes(), "turtle"))
    assert (by_graph.counts, by_graph.problems) == (by_json.counts, by_json.problems)
    assert by_graph.cases == by_json.cases


def test_public_r5_turtle_is_read(knowledge: Program) -> None:
    data = shared_data()
    if data is None:
        pytest.skip("not run: the data of others is not at hand")
    sources = [Source(file.name, file.read_bytes(), "turtle") for file in sorted((data / "fhir-r5" / "ttl").glob("*.ttl"))]
    found = facts(knowledge, *sources)
    assert len(sources) == 2
    assert (found.counts.entries, len(found.cases), found.counts.left_out("unknown-code")) == (2, 1, 1)
    assert found.cases[0].birth is not None


def test_a_file_of_fhir_turtle_is_known_by_its_root(tmp_path: Path) -> None:
    for name in ("a.ttl", "a.nt"):
        (tmp_path / name).write_bytes(turtle(PATIENT, "r5"))
        assert read_document(str(tmp_path / name)).format == "fhir-turtle"
    assert read_document(str(ROOT / "docs" / "examples" / "patient.ttl")).format == "turtle"


ROOTED = HEAD + "<http://a.example/fhir/Patient/p> fhir:nodeRole fhir:treeRoot ; "


def broken() -> Iterator[tuple[str, type[InputError], str]]:
    yield HEAD, UnsupportedInputError, "treeRoot"
    yield ROOTED + "fhir:id [ fhir:v 'p' ] .", SyntaxProblem, "type"
    yield ROOTED + "a fhir:Patient , fhir:Group .", SyntaxProblem, "type"
    yield ROOTED + "a fhir:Patient ; fhir:name _:a , _:a ; fhir:contact _:a .", SyntaxProblem, "two places"
    yield ROOTED + "a fhir:Patient ; fhir:name _:a . _:a fhir:period _:a .", SyntaxProblem, "two places"
    yield (
        ROOTED + "a fhir:Patient ; fhir:name _:a . _:a <http://www.w3.org/1999/02/22-rdf-syntax-ns#first> 1 .",
        SyntaxProblem,
        "no RDF list",
    )
    yield ROOTED + "a fhir:Patient . <http://a.example/x> fhir:status [ fhir:v 'final' ] .", SyntaxProblem, "belong to no resource"
    yield ROOTED + "a fhir:Patient ; fhir:name .", SyntaxProblem, ""
    loop = "_:l <http://www.w3.org/1999/02/22-rdf-syntax-ns#first> 1 ; <http://www.w3.org/1999/02/22-rdf-syntax-ns#rest> _:l ."
    yield ROOTED + f"a fhir:Patient ; fhir:name _:l . {loop}", SyntaxProblem, "no RDF list"
    chain = " ".join(f"_:n{place} fhir:x _:n{place + 1} ." for place in range(300))
    yield ROOTED + f"a fhir:Patient ; fhir:x _:n0 . {chain}", LimitError, "nested"
    yield ROOTED + "a fhir:Patient ; fhir:x " + "[ fhir:x " * 300 + "1" + "]" * 300 + " .", LimitError, "nest"


@pytest.mark.parametrize(("text", "error", "words"), list(broken()))
def test_what_is_no_tree_of_resources_is_refused(text: str, error: type[InputError], words: str) -> None:
    with pytest.raises(error) as caught:
        list(resources_in_turtle(text.encode(), "x.ttl", BASE))
    assert words in str(caught.value)


def test_a_link_stands_for_a_reference_and_an_underscore_for_a_modifier() -> None:
    (found,) = json_form(
        (
            ROOTED + "a fhir:_Patient ; fhir:id [ fhir:v 'p' ] ; fhir:managingOrganization [ fhir:link <Organization/o> ] ;"
            " fhir:generalPractitioner ( [ fhir:reference [ fhir:link <http://a.example/fhir/Practitioner/d> ] ] ) ; fhir:contact () ."
        ).encode()
    )
    assert found["entry"][0] == {
        "fullUrl": "http://a.example/fhir/Patient/p",
        "resource": {
            "resourceType": "Patient",
            "id": "p",
            "managingOrganization": {"reference": "Organization/o"},
            "generalPractitioner": [{"reference": "http://a.example/fhir/Practitioner/d"}],
            "contact": [],
            "modifierExtension": [{}],
        },
    }
