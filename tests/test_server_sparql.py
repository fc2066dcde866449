"""The SPARQL endpoint answers as the command line does, keeps its limits, and survives what would hurt it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from servers import AS_OF, Server, is_alive, running, until

from reasoner.query import answered_store, run_query
from reasoner.query_results import Cell, literal_cell
from reasoner.resources import load_knowledge

ROOT = Path(__file__).parent.parent
RECORDS = [str(ROOT / "docs" / "examples" / name) for name in ("patient.ttl", "bundle.json")]
RECORDS.append(str(ROOT / "tests" / "cases" / "conditions" / "acute-compartment-syndrome-typical" / "record.ttl"))
DERIVED = sorted((ROOT / "queries" / "derive").glob("*.rq"))
RUNAWAY = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running(*RECORDS, "--as-of", AS_OF, "--deadline", "5", "--max-rows", "500") as found:
        yield found


@pytest.mark.parametrize("path", DERIVED, ids=lambda path: path.stem)
def test_a_shipped_query_answers_as_the_command_line_does(server: Server, path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    store = answered_store(RECORDS, load_knowledge(ROOT), ROOT, as_of=datetime.fromisoformat(AS_OF))
    wanted = run_query(text, store)
    found = server.query(text)
    assert "legcramps-truncated" not in found.headers
    rows = Counter(tuple(sorted(row.items())) for row in cells(found.document))
    assert rows == Counter(
        tuple(sorted((name, cell) for name, cell in zip(wanted.variables, row, strict=True) if cell)) for row in wanted.rows
    )
    assert rows


def cells(document: Any) -> list[dict[str, Cell]]:
    """Return the rows of a result in JSON as cells, numbers in canonical form."""
    return [
        {
            name: literal_cell(cell["value"], cell.get("datatype", ""), cell.get("xml:lang", ""))
            if cell["type"] == "literal"
            else Cell("iri" if cell["type"] == "uri" else "blank", cell["value"])
            for name, cell in row.items()
        }
        for row in document["results"]["bindings"]
    ]


def test_there_are_enough_shipped_queries() -> None:
    assert len(DERIVED) >= 5


def test_a_runaway_query_is_stopped_and_its_worker_gone(server: Server) -> None:
    before = server.workers()
    reply = server.post(RUNAWAY)
    assert reply.status == 503
    assert reply.document["code"] == "LC-1400"
    assert until(lambda: len(server.workers() & before) < len(before))
    assert server.query("ASK {}").document["boolean"] is True


def test_sigterm_leaves_no_worker() -> None:
    with running() as server:
        workers = server.workers()
        assert workers
        assert server.stop() == 0
        assert until(lambda: not any(map(is_alive, workers)))
