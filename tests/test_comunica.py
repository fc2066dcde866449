"""A client that others wrote, Comunica from npm, gets of our server what the command says."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pyoxigraph
import pytest
from conftest import Figure
from servers import running
from test_publish import DERIVED, PATIENT

from reasoner.program import Program
from reasoner.query import answered_store, find_query, run_query
from reasoner.query_results import term_cell

pytestmark = pytest.mark.release

ROOT = Path(__file__).parent.parent
PACKAGE = "@comunica/query-sparql@4.5.0"
"""The last version that runs on Node 20."""


def comunica() -> Path:
    """Return the client's command from a cache that is filled first; skip the test when it cannot be had."""
    if not all(map(shutil.which, ("npm", "node"))):
        pytest.skip("not run: no Node here")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "legcramps-tests" / PACKAGE.rpartition("/")[2]
    command = cache / "node_modules" / ".bin" / "comunica-sparql"
    if not command.exists():
        cache.mkdir(parents=True, exist_ok=True)
        try:
            subprocess.run(
                ["npm", "install", "--no-audit", "--no-fund", "--silent", PACKAGE], cwd=cache, capture_output=True, check=True, timeout=600
            )
        except (OSError, subprocess.SubprocessError) as error:
            pytest.skip(f"not run: Comunica cannot be had ({error})")
    return command


def test_comunica_gets_of_our_server_what_the_command_says(knowledge: Program, figure: Figure) -> None:
    command = comunica()
    local, _, _ = answered_store([PATIENT], knowledge, ROOT)
    with running(str(PATIENT)) as server:
        for name in (*DERIVED, "CQ04", "CQ24"):
            query = find_query(ROOT, name)
            source = f"sparql@http://127.0.0.1:{server.port}/sparql"
            asked = [str(command), source, "-f", str(query.path), "-t", "application/sparql-results+json"]
            said = subprocess.run(asked, capture_output=True, check=True, timeout=120).stdout
            document = json.loads(said)
            rows = {"head": document["head"], "results": {"bindings": document["results"]["bindings"]}}  # it adds remarks of its own
            found = pyoxigraph.parse_query_results(json.dumps(rows), format=pyoxigraph.QueryResultsFormat.JSON)
            assert isinstance(found, pyoxigraph.QuerySolutions)
            here = run_query(query.text, local)
            assert [variable.value for variable in found.variables] == list(here.variables)
            assert Counter(tuple(map(term_cell, row)) for row in found) == Counter(here.rows), name
    figure("shipped queries asked by Comunica of our server, equal", len(DERIVED) + 2)
