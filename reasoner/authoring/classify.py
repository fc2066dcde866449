"""Classify the ontology with HermiT through owlready2: is it consistent, and can every class have a member?

The Turtle files are read together, so no import is resolved over the network; annotations are left out. HermiT does
not end over hundreds of individuals, so each set of types that an individual has stands as a class in its place.
owlready2 turns decimals into floats and keeps what it once inferred, so each call has a world of its own and nothing
but names is read back; exact questions go to `reasoner.authoring.oracle`.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any

from reasoner.authoring.axioms import axiom_lines
from reasoner.authoring.hermit import java_home, mended_classes
from reasoner.errors import IncompleteError, KnowledgeError
from reasoner.knowledge import Graph, read_graph
from reasoner.namespaces import BASE, OWL, RDF, RDFS

__all__ = ["TYPES", "ClassifyResult", "classify_ontology", "type_lines"]

_MEGABYTES = 1024
TYPES = BASE + "types/"
"""What stands before an individual's IRI in the name of the class of what has its types."""


@dataclass(frozen=True)
class ClassifyResult:
    """The classes that can have no member, sorted, and what makes the ontology inconsistent: a class that must have one."""

    unsatisfiable: tuple[str, ...]
    contradiction: str = ""

    @property
    def consistent(self) -> bool:
        """Return whether the ontology is consistent."""
        return not self.contradiction


def classify_ontology(folder: Path, seconds: float = 300.0) -> ClassifyResult:
    """Classify all `*.ttl` files of `folder` together; raise IncompleteError when HermiT takes longer than `seconds`."""
    paths = sorted(folder.rglob("*.ttl"))
    if not paths:
        raise KnowledgeError("There is no ontology to classify", where=str(folder), why="the folder holds no .ttl file")
    graph = read_graph(paths)
    found = _empty_classes("\n".join((*axiom_lines(graph), *type_lines(graph))), seconds)
    if found is None:
        return ClassifyResult((), OWL + "Thing")
    needed = [name for name in found if name.startswith(TYPES)]
    return ClassifyResult((), needed[0]) if needed else ClassifyResult(found)


def type_lines(graph: Graph) -> Iterator[str]:
    """Yield one class per set of types that some named individual has, named after the first such individual."""
    first: dict[tuple[str, ...], str] = {}
    for term in sorted(each for each in graph.out if not each.startswith("_:")):
        first.setdefault(tuple(sorted(kind for kind in graph.iris(term, RDF + "type") if not kind.startswith(OWL))), term)
    for types, term in first.items():
        if types:
            yield f"<{TYPES}{term}> <{RDF}type> <{OWL}Class> ."
            yield from (f"<{TYPES}{term}> <{RDFS}subClassOf> <{kind}> ." for kind in types)


def _empty_classes(triples: str, seconds: float) -> tuple[str, ...] | None:
    """Return the names of the classes that can have no member, sorted; None when the axioms contradict each other."""
    import owlready2
    from owlready2 import reasoning

    world = owlready2.World()
    try:
        world.get_ontology(BASE + "classified").load(fileobj=BytesIO(f"{triples}\n".encode()))
        with mended_classes() as mended, _settings(owlready2, reasoning, mended, seconds):
            reasoning.sync_reasoner_hermit(world, debug=0)
        return tuple(sorted(each.iri for each in world.inconsistent_classes() if each is not owlready2.Nothing))
    except owlready2.OwlReadyInconsistentOntologyError:
        return None
    except owlready2.OwlReadyJavaError as error:
        raise KnowledgeError("HermiT cannot read the ontology", why=str(error).strip()) from error
    except subprocess.TimeoutExpired as error:
        Path(error.cmd[-1].removeprefix("file:///")).unlink(missing_ok=True)
        raise IncompleteError("HermiT did not classify the ontology in time", why=f"it took more than {seconds:g} s") from error
    finally:
        world.close()


@contextmanager
def _settings(package: Any, reasoning: ModuleType, mended: tuple[Path, ...], seconds: float) -> Iterator[None]:
    """Set owlready2's Java, memory, class path and deadline, which it keeps as module globals, for one call."""
    kept = package.JAVA_EXE, dict(vars(reasoning))
    package.JAVA_EXE = str(java_home() / "bin" / "java")
    classes = os.pathsep.join([*map(str, mended), kept[1]["_HERMIT_CLASSPATH"]])
    bounded = {**kept[1]["_subprocess_kargs"], "timeout": seconds}
    vars(reasoning).update(JAVA_MEMORY=_MEGABYTES, _HERMIT_CLASSPATH=classes, _subprocess_kargs=bounded)
    try:
        yield
    finally:
        package.JAVA_EXE = kept[0]
        vars(reasoning).update({name: kept[1][name] for name in ("JAVA_MEMORY", "_HERMIT_CLASSPATH", "_subprocess_kargs")})
