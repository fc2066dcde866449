"""Write the ontology as OWL/XML, RDF/XML or Manchester syntax, with a catalogue by which Protégé opens it offline.

OWLAPI reads every module that the master imports, by the catalogue, and writes it; what was written is read again and compared, so that nothing is
handed out that says something else. Imports that the catalogue does not resolve are refused before OWLAPI starts, which
would look for them on the network.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

import pyoxigraph

from reasoner.authoring.hermit import start_hermit
from reasoner.authoring.modules import CATALOGUE, MASTER, catalogue_entries, catalogue_entry
from reasoner.authoring.workspace import TurtleFile, named, read_workspace
from reasoner.errors import KnowledgeError, UsageError
from reasoner.files import require_new_folder, write_folder
from reasoner.namespaces import OWL, PREFIXES

__all__ = ["EXPORT_FORMS", "export_ontology", "load_modules"]

_API = "org.semanticweb.owlapi."
EXPORT_FORMS = {
    "owlxml": (".owx", _API + "io.OWLXMLOntologyFormat"),
    "rdfxml": (".rdf", _API + "io.RDFXMLOntologyFormat"),
    "manchester": (".omn", "org.coode.owlapi.manchesterowlsyntax.ManchesterOWLSyntaxOntologyFormat"),
}
"""The forms by name: the ending of their files and OWLAPI's class."""


def export_ontology(folder: Path, form: str, out: Path) -> tuple[str, ...]:
    """Write the ontology of a knowledge folder into the new folder `out`; return the names of the files, sorted.

    Raises KnowledgeError when a module or an import cannot be read or OWLAPI would change an axiom, UsageError when the
    form is unknown or `out` is not empty, MissingExtraError without Java.
    """
    if form not in EXPORT_FORMS:
        raise UsageError(f"There is no form {form}", repair=f"use {', '.join(EXPORT_FORMS)}")
    require_new_folder(out)
    modules = _modules(folder)
    master = _master(modules)
    ending = EXPORT_FORMS[form][0]
    names = {iri: f"{file.path.stem}{ending}" for iri, file in modules.items()}
    with tempfile.TemporaryDirectory(prefix="legcramps-") as scratch:
        plain = {iri: f"{file.path.stem}.xml" for iri, file in modules.items()}
        loaded = _load(Path(scratch, "told"), plain, {plain[iri]: _rdfxml(file) for iri, file in modules.items()}, master)
        texts = {names[iri]: _written(loaded, ontology, form) for iri, ontology in loaded.items()}
        again = _load(Path(scratch, "again"), names, texts, master)
    texts[Path(CATALOGUE).name] = _catalogue({iri: names[iri] for iri in loaded})
    for iri, ontology in loaded.items():
        _compare(iri, ontology, again.get(iri))
    write_folder(out, texts)
    return tuple(sorted(texts))


def _load(folder: Path, names: Mapping[str, str], texts: Mapping[str, bytes], master: str) -> dict[str, Any]:
    """Write texts into a folder and return what OWLAPI reads there, by module."""
    write_folder(folder, texts)
    return load_modules({iri: folder / name for iri, name in names.items()}, master)


def _rdfxml(file: TurtleFile) -> bytes:
    """Return a module as RDF/XML, which OWLAPI reads to the letter; its Turtle is older than the standard."""
    triples = (quad.triple for quad in file.quads)
    return pyoxigraph.serialize(triples, format=pyoxigraph.RdfFormat.RDF_XML, prefixes=PREFIXES) or b""


def _modules(folder: Path) -> dict[str, TurtleFile]:
    """Return the file of each module by the catalogue; raise KnowledgeError unless every import is among them."""
    workspace = read_workspace(folder)
    for where, why in workspace.broken:
        raise KnowledgeError("A file is not valid Turtle", where=where, why=why, repair="mend the line")
    try:
        entries = catalogue_entries((folder / CATALOGUE).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ParseError) as error:
        raise KnowledgeError(
            "The catalogue cannot be read", where=CATALOGUE, why=str(error), repair="restore it from the last version"
        ) from error
    files = {file.name: file for file in workspace.ontology}
    modules = {name: files[f"ontology/{uri}"] for name, uri in entries if f"ontology/{uri}" in files}
    for file in workspace.ontology:
        for quad in file.quads:
            if quad.predicate.value == OWL + "imports" and named(quad.object) not in modules:
                why = f"the catalogue does not lead from {quad.object} to a file"
                raise KnowledgeError(
                    "An import leads nowhere", where=file.place(file.module), why=why, repair="legcramps check --only imports"
                )
    return modules


def _master(modules: Mapping[str, TurtleFile]) -> str:
    found = [iri for iri, file in modules.items() if file.name == MASTER]
    if not found:
        raise KnowledgeError("The catalogue does not name the master", where=CATALOGUE, repair=f"add {MASTER}")
    return found[0]


def load_modules(modules: Mapping[str, Path], master: str) -> dict[str, Any]:
    """Return what OWLAPI reads of the master and all that it imports, by module; files are found by `modules` alone."""
    java = start_hermit().JClass
    iri = java(_API + "model.IRI").create
    manager = java(_API + "apibinding.OWLManager").createOWLOntologyManager()
    for name, path in modules.items():
        manager.addIRIMapper(java(_API + "util.SimpleIRIMapper")(iri(name), iri(path.resolve().as_uri())))
    try:
        manager.loadOntology(iri(master))
    except java("java.lang.Exception") as error:
        why = str(error).strip().partition("\n")[0]
        raise KnowledgeError("OWLAPI cannot read the ontology", where=str(modules[master]), why=why, repair="report the file") from error
    found = {str(each.getOntologyID().getOntologyIRI()): each for each in manager.getOntologies()}
    return {name: found[name] for name in sorted(found)}


def _written(loaded: Mapping[str, Any], ontology: Any, form: str) -> bytes:
    """Return the text of one module."""
    java = start_hermit().JClass
    written = java(EXPORT_FORMS[form][1])()
    for prefix, stem in PREFIXES.items():
        written.setPrefix(f"{prefix}:", stem)
    target = java(_API + "io.StringDocumentTarget")()
    if form == "manchester":
        ontology = _with_frames(loaded, ontology)
    ontology.getOWLOntologyManager().saveOntology(ontology, written, target)
    return str(target.toString()).encode()


def _with_frames(loaded: Mapping[str, Any], ontology: Any) -> Any:
    """Return a copy that declares each term which another module declares and this one annotates.

    Manchester syntax writes annotations in the frame of their subject, and OWLAPI writes frames only of terms that it
    takes to be in the module.
    """
    java = start_hermit().JClass
    manager = java(_API + "apibinding.OWLManager").createOWLOntologyManager()
    factory = manager.getOWLDataFactory()
    copy = manager.createOntology(ontology.getAxioms())
    manager.applyChange(java(_API + "model.SetOntologyID")(copy, ontology.getOntologyID()))
    for each in ontology.getAnnotations():
        manager.applyChange(java(_API + "model.AddOntologyAnnotation")(copy, each))
    for each in ontology.getImportsDeclarations():
        manager.applyChange(java(_API + "model.AddImport")(copy, each))
    annotated = java(_API + "model.AxiomType").ANNOTATION_ASSERTION
    subjects = {str(axiom.getSubject()): axiom.getSubject() for axiom in ontology.getAxioms(annotated)}
    for subject in subjects.values():
        for other in loaded.values():
            for entity in other.getEntitiesInSignature(subject):
                manager.addAxiom(copy, factory.getOWLDeclarationAxiom(entity))
    return copy


def _compare(module: str, told: Any, read: Any) -> None:
    """Raise KnowledgeError unless `read` says all that was told and no more, declarations apart."""
    for what, left, right in _parts(told, read) if read is not None else (("the module", {module}, set[str]()),):
        for text in sorted(left ^ right):
            raise KnowledgeError(
                "OWLAPI would change the ontology; nothing was written",
                where=module,
                why=f"{what} {'lost' if text in left else 'added'}: {text}",
                repair="choose another form, and report the statement",
            )


def _parts(told: Any, read: Any) -> list[tuple[str, set[str], set[str]]]:
    """Return what is compared: axioms but for declarations, the module's annotations, its imports, the terms it knows."""
    declared = {str(entity) for axiom in told.getAxioms() if _is_declaration(axiom) for entity in axiom.getSignature()}
    return [
        ("an axiom was", _axioms(told), _axioms(read)),
        ("an annotation was", set(map(str, told.getAnnotations())), set(map(str, read.getAnnotations()))),
        ("an import was", set(map(str, told.getImportsDeclarations())), set(map(str, read.getImportsDeclarations()))),
        ("the name was", {str(told.getOntologyID())}, {str(read.getOntologyID())}),
        ("a declaration was", declared - {str(entity) for entity in read.getSignature(True)}, set()),
    ]


def _axioms(ontology: Any) -> set[str]:
    return {str(axiom) for axiom in ontology.getAxioms() if not _is_declaration(axiom)}


def _is_declaration(axiom: Any) -> bool:
    return str(axiom.getAxiomType()) == "Declaration"


def _catalogue(names: Mapping[str, str]) -> bytes:
    """Return a catalogue that leads from each module to its file."""
    entries = "".join(f"    {catalogue_entry(iri, name)}\n" for iri, name in sorted(names.items()))
    head = '<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n<catalog prefer="public" xmlns="urn:oasis:names:tc:entity:xmlns:xml:catalog">\n'
    return f"{head}{entries}</catalog>\n".encode()
