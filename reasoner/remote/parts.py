"""Say what a store is to hold: the knowledge, the records as written, and what follows from them, each a graph of its own.

No statement stands in two of them. RDF has the union of graphs as a set, but stores that are asked for the union of several
graphs count a statement once for each graph that holds it, which would double the weights that a query sums up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from pyoxigraph import Quad, Triple

from reasoner.answering import Records, assess
from reasoner.blank_nodes import renamed_quads
from reasoner.documents import Document
from reasoner.errors import UsageError
from reasoner.export.graphs import ASSERTED, INFERRED, PROOF, asserted, named_graphs
from reasoner.inferred import knowledge_graph
from reasoner.program.model import Program

__all__ = ["KNOWLEDGE", "PARTS", "STEM", "graphs_of"]

KNOWLEDGE = "knowledge"
PARTS = (KNOWLEDGE, ASSERTED, INFERRED, PROOF)
"""What can be published; the proofs only when they are asked for."""

STEM = "urn:legcramps:graph:"
"""The IRI to which the part is added to name its graph."""


def graphs_of(
    parts: Iterable[str],
    documents: Sequence[Document],
    records: Records | None,
    program: Program,
    folder: Path,
    as_of: datetime | None = None,
) -> Mapping[str, list[Triple]]:
    """Return the triples of each part that is asked for; raise UsageError when one needs records and there are none."""
    wanted = tuple(part for part in PARTS if part in set(parts))
    found: dict[str, list[Triple]] = {}
    if KNOWLEDGE in wanted:
        found[KNOWLEDGE] = [quad.triple for quad in renamed_quads(Quad(*triple) for triple in knowledge_graph(folder, program))]
    others = [part for part in wanted if part != KNOWLEDGE]
    if others and records is None:
        raise UsageError("There is nothing to publish", why=f"{' and '.join(others)} come from records", repair="name a FILE")
    if others and records is not None:
        triples, _ = asserted(documents, records, program, folder)
        answers = assess(records, program, as_of=as_of).answers
        quads = named_graphs(triples, answers, program, folder, others)
        found |= {part: [quad.triple for quad in quads[part]] for part in others}
    return _disjoint(found)


def _disjoint(graphs: Mapping[str, list[Triple]]) -> dict[str, list[Triple]]:
    """Return the graphs, each without what one before it holds."""
    seen: set[Triple] = set()
    found = {}
    for part, triples in graphs.items():
        found[part] = [triple for triple in dict.fromkeys(triples) if triple not in seen]
        seen.update(found[part])
    return found
