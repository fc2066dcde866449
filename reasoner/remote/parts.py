"""Say what a store is to hold: the named graphs of `reasoner.export.dataset`, no statement in two of them.

RDF has the union of graphs as a set, but stores that are asked for the union of several graphs count a statement once for each
graph that holds it, which would double the weights that a query sums up.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from pyoxigraph import Triple

from reasoner.answering import Records
from reasoner.blank_nodes import renamed_quads
from reasoner.documents import Document
from reasoner.errors import UsageError
from reasoner.export.dataset import ASSERTED, GRAPHS, GUIDELINE, INFERRED, ONTOLOGY, PROOFS, knowledge_quads, record_quads
from reasoner.program.model import Program

__all__ = ["PARTS", "STEM", "graphs_of"]

STEM = ONTOLOGY.value.removesuffix("ontology")
"""The IRI to which the part is added to name its graph."""

PARTS = tuple(graph.value.removeprefix(STEM) for graph in GRAPHS)
"""What can be published."""

_OF_KNOWLEDGE = {ONTOLOGY, GUIDELINE}
_USUAL = (ONTOLOGY, GUIDELINE, ASSERTED, INFERRED)


def graphs_of(
    parts: Collection[str],
    documents: Sequence[Document],
    records: Records | None,
    program: Program,
    folder: Path,
    as_of: datetime | None = None,
) -> Mapping[str, list[Triple]]:
    """Return the triples of each part; of none named, the knowledge and what records there are, without proofs.

    Raises UsageError when a part needs records and there are none.
    """
    wanted = [graph for graph in GRAPHS if graph.value.removeprefix(STEM) in parts] or [
        graph for graph in _USUAL if records is not None or graph in _OF_KNOWLEDGE
    ]
    others = [graph for graph in wanted if graph not in _OF_KNOWLEDGE]
    if others and records is None:
        names = " and ".join(graph.value.removeprefix(STEM) for graph in others)
        raise UsageError("There is nothing to publish", why=f"{names} come from records", repair="name a FILE")
    quads = renamed_quads(knowledge_quads(folder, program)) if _OF_KNOWLEDGE.intersection(wanted) else []
    if others and records is not None:
        quads += record_quads(documents, records, program, folder, as_of=as_of, proofs=PROOFS in wanted)
    found: dict[str, list[Triple]] = {graph.value.removeprefix(STEM): [] for graph in wanted}
    seen: set[Triple] = set()
    for quad in quads:
        if quad.graph_name in wanted and quad.triple not in seen:
            seen.add(quad.triple)
            found[str(quad.graph_name.value).removeprefix(STEM)].append(quad.triple)  # type: ignore[union-attr]
    return found
