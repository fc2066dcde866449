"""Nothing depends on order: neither a report on the order of its triples, nor the compiled knowledge on that of the ontology's."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pyoxigraph import Quad
from record_documents import report_of, shuffled, triples_of, written

from reasoner.knowledge import Graph, read_graph
from reasoner.program import Program
from reasoner.program.compile import compile_graph

SMALL = 6000
CASES = [path for path in sorted((Path(__file__).parent / "cases").glob("*/*/record.ttl")) if path.stat().st_size < SMALL]
SHUFFLES = 1000
COMPILED = 8


def report_without_lines(triples: list[Quad], knowledge: Program) -> str:
    """Return the report with the lines of the document masked: where a record stands follows its order, as it should."""
    document = written(triples)
    return re.sub(rf"\b{document.name}:\d+:", f"{document.name}:", report_of(document, knowledge))


@pytest.mark.release
def test_order_of_a_record_changes_no_byte(knowledge: Program, figure: Callable[..., None]) -> None:
    draw, count = random.Random(1), 0
    while count < SHUFFLES:
        triples = list(triples_of(draw.choice(CASES)))
        plain = report_without_lines(triples, knowledge)
        for seed in range(5):
            assert report_without_lines(shuffled(triples, seed), knowledge) == plain
            count += 1
    figure("order independence: shuffles of records with the same report", count)


def turned(graph: Graph, seed: int) -> Graph:
    """Return the graph read from its triples in another order."""
    draw = random.Random(seed)
    out, into = (
        {
            node: {name: draw.sample(said[name], len(said[name])) for name in draw.sample(list(said), len(said))}
            for node, said in ((node, index[node]) for node in draw.sample(list(index), len(index)))
        }
        for index in (graph.out, graph.into)
    )
    return replace(graph, out=out, into=into)


@pytest.mark.release
def test_order_of_the_ontology_changes_no_gate(root: Path, figure: Callable[..., None]) -> None:
    graph = read_graph(sorted((root / "ontology").rglob("*.ttl")))
    plain = compile_graph(graph, "", {})
    for seed in range(COMPILED):
        assert compile_graph(turned(graph, seed), "", {}) == plain, seed
    figure("order independence: shuffles of the ontology with the same program", COMPILED)
