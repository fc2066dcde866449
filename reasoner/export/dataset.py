"""Lay out knowledge, records, inferences and proofs as the named graphs that a store holds.

| graph | holds |
|---|---|
| `urn:legcramps:graph:ontology` | the ontology, with what the compiler derived from it |
| `urn:legcramps:graph:guideline` | recommendations, sentences and sources of the guidelines |
| `urn:legcramps:graph:asserted` | the records: of RDF as written, of other formats as understood |
| `urn:legcramps:graph:inferred` | what `reasoner.inferred` says of each case |
| `urn:legcramps:graph:proofs` | one proof, in PROV-O, of each conclusion that the reports state |

The default graph holds the statements of all but the proofs once more, each once, so that the shipped queries need no `GRAPH`;
an engine that reads several graphs as one would count twice what two of them say.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from pyoxigraph import NamedNode, Quad, RdfFormat, Triple, parse

from reasoner.answering import Records, assess
from reasoner.documents import Document
from reasoner.export.graphs import asserted, proof_triples
from reasoner.inferred import compiled_graph, inferred_graph
from reasoner.namespaces import LCG
from reasoner.program.model import Program

__all__ = [
    "ASSERTED",
    "GRAPHS",
    "GUIDELINE",
    "INFERRED",
    "ONTOLOGY",
    "PROOFS",
    "knowledge_quads",
    "record_quads",
    "records_digest",
    "with_default",
]

_BLANK = re.compile(r"(?<![^ ])_:\S+")
_STEM = "urn:legcramps:graph:"
ONTOLOGY, GUIDELINE, ASSERTED, INFERRED, PROOFS = (
    NamedNode(_STEM + name) for name in ("ontology", "guideline", "asserted", "inferred", "proofs")
)
GRAPHS = (ONTOLOGY, GUIDELINE, ASSERTED, INFERRED, PROOFS)
"""The graphs that are kept apart."""


def knowledge_quads(folder: Path, program: Program) -> Iterator[Quad]:
    """Yield the ontology and the guidelines of a knowledge folder, with what the compiler derived, each in its graph."""
    root = folder / "ontology"
    for path in sorted(root.rglob("*.ttl")):
        graph = GUIDELINE if "guidelines" in path.relative_to(root).parts[:-1] else ONTOLOGY
        for quad in parse(path=str(path), format=RdfFormat.TURTLE, rename_blank_nodes=True):
            yield Quad(quad.subject, quad.predicate, quad.object, graph)
    for triple in compiled_graph(program):
        yield Quad(triple.subject, triple.predicate, triple.object, GUIDELINE if str(triple.subject).startswith(f"<{LCG}") else ONTOLOGY)


def record_quads(
    documents: Sequence[Document],
    records: Records,
    program: Program,
    folder: Path,
    *,
    as_of: datetime | None = None,
    proofs: bool = True,
) -> Iterator[Quad]:
    """Yield what `records`, read from `documents`, say, what follows from them and how it is proven, each in its graph."""
    triples, _ = asserted(documents, records, program, folder)
    answers = assess(records, program, as_of=as_of).answers
    yield from _placed(ASSERTED, triples)
    for answer in answers:
        yield from _placed(INFERRED, inferred_graph(program, answer))
    if proofs:
        yield from _placed(PROOFS, proof_triples(answers, program, folder))


def records_digest(triples: Iterable[Triple]) -> str:
    """Return the SHA-256 over the statements of the asserted graph, in which blank nodes have no names; of none the empty text."""
    lines = sorted(_BLANK.sub("_:", str(triple)) for triple in triples)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest() if lines else ""


def _placed(graph: NamedNode, triples: Iterable[Triple]) -> Iterator[Quad]:
    return (Quad(triple.subject, triple.predicate, triple.object, graph) for triple in triples)


def with_default(quads: Iterable[Quad]) -> list[Quad]:
    """Return the quads of our graphs, each once, and the default graph that queries read."""
    found = dict.fromkeys(quads)
    for quad in tuple(found):
        if quad.graph_name != PROOFS:
            found[Quad(quad.subject, quad.predicate, quad.object)] = None
    return list(found)
