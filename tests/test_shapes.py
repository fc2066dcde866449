"""Hold the shape files to their fixtures and to the rules for writing shapes.

A fixture is a pair: `<topic>_PASS.ttl` breaks no shape of its folder's file, `<topic>_XFAIL.ttl` breaks exactly what
`<topic>_XFAIL.expected.json` lists. `LEGCRAMPS_WRITE_EXPECTED=1` writes the lists anew; read the difference before keeping it.
"""

from __future__ import annotations

import json
import logging
import os
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import rdflib
from pyoxigraph import NamedNode
from rdflib.namespace import RDF, SH
from shape_results import ROOT, by_pyshacl, by_table, graph_of, index_of, listed, read, record_table, shapes_of, short, turtle

from reasoner.namespaces import LC, LCS, SKOS
from reasoner.namespaces import SH as SHACL
from reasoner.shapes import check_shapes

FIXTURES = Path(__file__).parent / "shapes"
FOLDERS = ("guideline", "knowledge", "record", "style")
LEAST = {"guideline": 7, "knowledge": 11, "record": 10, "style": 4}

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
logging.getLogger("rdflib.term").setLevel(logging.CRITICAL)


# --- fixtures ---------------------------------------------------------------------------------------------

PASS = sorted(FIXTURES.glob("*/*_PASS.ttl"))
XFAIL = sorted(FIXTURES.glob("*/*_XFAIL.ttl"))


def name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


@pytest.mark.parametrize("folder", FOLDERS)
def test_fixtures_are_pairs_and_not_fewer_than_before(folder: str) -> None:
    topics = {kind: {path.name.removesuffix(kind) for path in (FIXTURES / folder).glob(f"*{kind}")} for kind in ("_PASS.ttl", "_XFAIL.ttl")}
    expected = {path.name.removesuffix("_XFAIL.expected.json") for path in (FIXTURES / folder).glob("*.json")}
    assert topics["_PASS.ttl"] == topics["_XFAIL.ttl"] == expected
    assert len(expected) >= LEAST[folder]


@pytest.mark.parametrize("path", PASS, ids=name_of)
def test_pass_fixture_breaks_nothing(path: Path) -> None:
    triples = read(path)
    assert listed(by_pyshacl(triples, shapes_of(path.parent.name))) == []
    if path.parent.name == "record":
        assert check_shapes(record_table(), index_of(triples)) == ()


@pytest.mark.parametrize("path", XFAIL, ids=name_of)
def test_xfail_fixture_breaks_what_is_expected(path: Path) -> None:
    triples = read(path)
    found = by_pyshacl(triples, shapes_of(path.parent.name))
    file = path.with_suffix(".expected.json")
    if os.environ.get("LEGCRAMPS_WRITE_EXPECTED"):
        rows = ",\n".join("  " + json.dumps(row) for row in listed(found))
        file.write_text(f"[\n{rows}\n]\n", encoding="utf-8")
    expected = json.loads(file.read_text(encoding="utf-8"))
    assert expected, "an XFAIL fixture that breaks nothing proves nothing"
    assert listed(found) == expected
    if path.parent.name == "record":
        assert by_table(triples, record_table()) == found


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_shape_is_broken_by_some_fixture(folder: str) -> None:
    broken = {row["shape"] for path in (FIXTURES / folder).glob("*.json") for row in json.loads(path.read_text(encoding="utf-8"))}
    graph = shapes_of(folder)
    silent = {short(shape) for shape in reporting(graph) if states_something(graph, shape)} - broken
    assert not silent, f"write an XFAIL fixture that breaks {sorted(map(str, silent))}"


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_target_has_a_focus_node_in_a_pass_fixture(folder: str) -> None:
    data = rdflib.Graph()
    for path in (FIXTURES / folder).glob("*_PASS.ttl"):
        data += graph_of(read(path))
    graph = shapes_of(folder)
    empty = {
        short(shape)
        for term, pattern in (
            (SH.targetClass, lambda target: (None, RDF.type, target)),
            (SH.targetSubjectsOf, lambda target: (None, target, None)),
        )
        for shape in set(graph.subjects(term))
        if not any(pattern(target) in data for target in graph.objects(shape, term))
    }
    assert not empty, f"write a PASS fixture with a focus node of {sorted(map(str, empty))}"


# --- what the shape files themselves must look like -------------------------------------------------------

TARGETS = (SH.targetClass, SH.targetNode, SH.targetObjectsOf, SH.targetSubjectsOf)
INNER = (SH.node, SH["not"], SH.qualifiedValueShape)
LISTS = (SH["or"], SH.xone, SH["and"])
SAYS_NOTHING = {SH.message, SH.severity, SH.path, SH.property, *TARGETS}


def shape_nodes(graph: rdflib.Graph) -> set[Any]:
    return set(graph.subjects(RDF.type, SH.NodeShape)) | set(graph.subjects(RDF.type, SH.PropertyShape))


def inner_shapes(graph: rdflib.Graph) -> set[Any]:
    """Return the shapes that others use as a condition; they report nothing of their own."""
    members = {member for term in LISTS for head in graph.objects(None, term) for member in graph.items(head)}
    return members | {node for term in INNER for node in graph.objects(None, term)}


def reporting(graph: rdflib.Graph) -> set[Any]:
    """Return the shapes that have a target, and the property shapes that they lead to."""
    waiting = [shape for term in TARGETS for shape in graph.subjects(term)]
    seen = set()
    while waiting:
        shape = waiting.pop()
        if shape not in seen:
            seen.add(shape)
            waiting += graph.objects(shape, SH.property)
    return seen


def states_something(graph: rdflib.Graph, shape: Any) -> bool:
    return any(str(term).startswith(SHACL) and term not in SAYS_NOTHING for term in graph.predicates(shape))


def faults(graph: rdflib.Graph) -> Iterator[str]:
    """Yield what is wrong with a shapes graph, as sentences."""
    for term in {term for triple in graph for term in triple if isinstance(term, rdflib.URIRef) and term.startswith(SHACL)}:
        if term not in SH:
            yield f"{short(term)} is no term of SHACL"
    shapes, used = shape_nodes(graph), inner_shapes(graph) | set(graph.objects(None, SH.property))
    targeted = {shape for term in TARGETS for shape in graph.subjects(term)}
    for shape in used - shapes:
        yield f"{short(shape)} is used as a shape but not described"
    for shape in shapes - used - targeted:
        yield f"{short(shape)} has no target and nothing uses it"
    for shape in sorted(shapes):
        if not str(shape).startswith(LCS):
            yield f"{short(shape)} is not named in lcs:"
        if (shape, RDF.type, SH.NodeShape) in graph and shape in targeted and not str(shape).endswith("Shape"):
            yield f"{short(shape)} has a target, so its name should end in Shape"
        for term in (rdflib.URIRef(SKOS + "definition"), SH.severity, SH.message):
            if len(list(graph.objects(shape, term))) != 1:
                yield f"{short(shape)} needs exactly one {short(term)}"
        for message in graph.objects(shape, SH.message):
            if not (str(message).endswith(".") and str(message)[0].isupper()):
                yield f"{short(shape)} needs a message that is a sentence"


@pytest.mark.parametrize("folder", FOLDERS)
def test_shape_file_has_no_fault(folder: str) -> None:
    assert sorted(faults(shapes_of(folder))) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("lcs:A sh:minCuont 1 .", "sh:minCuont is no term of SHACL"),
        ("lcs:A sh:severity sh:Violaton .", "sh:Violaton is no term of SHACL"),
        ("lcs:A sh:property lcs:B .", "lcs:B is used as a shape but not described"),
        ("lcs:C a sh:NodeShape .", "lcs:C has no target and nothing uses it"),
        ("ex:D a sh:NodeShape .", "ex:D is not named in lcs:"),
        ("lcs:E a sh:NodeShape ; sh:targetClass lc:Case .", "lcs:E has a target, so its name should end in Shape"),
        ("lcs:F a sh:NodeShape .", "lcs:F needs exactly one sh:message"),
        ('lcs:G a sh:NodeShape ; sh:message "bad" .', "lcs:G needs a message that is a sentence"),
    ],
)
def test_lint_finds_the_fault(text: str, fault: str) -> None:
    assert fault in set(faults(graph_of(turtle(text))))


def test_each_shape_stands_in_one_file() -> None:
    counts = Counter(shape for folder in FOLDERS for shape in shape_nodes(shapes_of(folder)))
    assert [short(shape) for shape, count in counts.items() if count > 1] == []


def test_every_term_that_a_shape_names_is_declared() -> None:
    declared = {
        triple.subject.value
        for path in (ROOT / "ontology").rglob("*.ttl")
        for triple in read(path)
        if isinstance(triple.subject, NamedNode)
    }
    named = {term for folder in FOLDERS for triple in shapes_of(folder) for term in triple if str(term).startswith(LC)}
    assert sorted(short(term) for term in named if str(term) not in declared and str(term) != LC and isinstance(term, rdflib.URIRef)) == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_shape_file_conforms_to_the_shapes_of_shacl(folder: str) -> None:
    from pyshacl.entrypoints import meta_validate

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        conforms, _, text = meta_validate(shapes_of(folder), inference="none", max_validation_depth=40)
    assert conforms, text
