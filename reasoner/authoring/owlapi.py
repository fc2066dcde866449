"""Hand axioms to the OWLAPI and HermiT that run inside this process, and take text and modules back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from reasoner.authoring.hermit import start_hermit

__all__ = ["factory", "hash_set", "hermit_over", "locality_module", "manchester", "new_ontology", "read_axioms"]

_API = "org.semanticweb.owlapi."
_MANCHESTER = "uk.ac.manchester.cs."
_BLANKS = re.compile(r"\s+")
_NUMBER = re.compile(r'"([+-]?[0-9.]+)"\^\^xsd:\w+')


def _manager() -> Any:
    return start_hermit().JClass(_API + "apibinding.OWLManager")


def factory() -> Any:
    """Return OWLAPI's factory of axioms and expressions."""
    return _manager().getOWLDataFactory()


def hash_set(items: Iterable[Any] = ()) -> Any:
    """Return a Java set of `items`."""
    return start_hermit().JClass("java.util.HashSet")(list(items))


def new_ontology(axioms: Iterable[Any] = ()) -> Any:
    """Return an ontology without name, in a manager of its own, that holds exactly these axioms."""
    return _manager().createOWLOntologyManager().createOntology(hash_set(axioms))


def read_axioms(text: str) -> list[Any]:
    """Return the logical axioms that OWLAPI reads in N-Triples text (which is Turtle as well)."""
    java = start_hermit().JClass
    ontology = _manager().createOWLOntologyManager().createOntology()
    source = java(_API + "io.StringDocumentSource")(text)
    java(_MANCHESTER + "owl.owlapi.turtle.parser.TurtleOntologyParser")().parse(source, ontology)
    return list(ontology.getLogicalAxioms())


def hermit_over(axioms: Iterable[Any]) -> Any:
    """Return a HermiT over exactly these axioms."""
    java = start_hermit().JClass
    package = "org.semanticweb.HermiT."
    return java(package + "Reasoner")(java(package + "Configuration")(), new_ontology(axioms))


def locality_module(axioms: Iterable[Any], entities: Iterable[Any]) -> list[Any]:
    """Return the axioms that all reasons about `entities` alone are among (nested syntactic locality, Sattler et al. 2009)."""
    java = start_hermit().JClass
    package = _MANCHESTER + "owlapi.modularity."
    ontology = new_ontology(axioms)
    extractor = java(package + "SyntacticLocalityModuleExtractor")(
        ontology.getOWLOntologyManager(), ontology, java(package + "ModuleType").STAR
    )
    return [axiom for axiom in extractor.extract(hash_set(entities)) if axiom.isLogicalAxiom()]


def manchester(name: Callable[[str], str]) -> Callable[[Any], str]:
    """Return a function that writes an OWLAPI object in Manchester syntax on one line; `name` abbreviates IRIs."""
    jpype = start_hermit()

    class Names:
        def getShortForm(self, entity: Any) -> str:  # OWLAPI's name
            return name(str(entity.toStringID()))

        def dispose(self) -> None: ...

    renderer = jpype.JClass(_MANCHESTER + "owl.owlapi.mansyntaxrenderer.ManchesterOWLSyntaxOWLObjectRendererImpl")()
    renderer.setShortFormProvider(jpype.JProxy(_API + "util.ShortFormProvider", inst=Names()))
    return lambda item: _NUMBER.sub(r"\1", _BLANKS.sub(" ", str(renderer.render(item)))).strip()
