"""Queries over the tables of a cohort: the same numbers as SPARQL over its N-Quads, and nothing else within reach."""

from __future__ import annotations

from pathlib import Path

import pyoxigraph
import pytest

from reasoner.cli import main
from reasoner.cohort import answer_cohort
from reasoner.cohort.queries import find_sql, query_cohort
from reasoner.cohort.synthetic.generate import generate
from reasoner.cohort.synthetic.settings import read_settings
from reasoner.errors import InputError, LegcrampsError, SyntaxProblem, UsageError
from reasoner.inferred import knowledge_graph
from reasoner.program import Program
from reasoner.query import find_query
from reasoner.resources import knowledge_folder, load_knowledge

COUNT = 150
TWINS = sorted(path.stem for path in (knowledge_folder() / "queries" / "report").glob("*.sql"))


@pytest.fixture(scope="module")
def program() -> Program:
    return load_knowledge()


@pytest.fixture(scope="module")
def lines(program: Program, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return generate(program, read_settings(knowledge_folder()), tmp_path_factory.mktemp("cohort") / "lines.nt", count=COUNT, seed=3).path


@pytest.fixture(scope="module")
def tables(program: Program, lines: Path) -> Path:
    folder = lines.parent / "it's answered"
    answer_cohort([lines], folder, program)
    return folder


@pytest.fixture(scope="module")
def store(program: Program, lines: Path) -> pyoxigraph.Store:
    """Return a store into which knowledge and the N-Quads of the cohort were loaded."""
    quads = lines.parent / "lines.nq"
    assert main(["convert", str(lines), "--to", "nquads", "--out", str(quads)]) == 1  # some records are broken on purpose
    store = pyoxigraph.Store()
    store.extend(pyoxigraph.Quad(*triple) for triple in knowledge_graph(knowledge_folder(), program))
    store.bulk_load(path=str(quads), format=pyoxigraph.RdfFormat.N_QUADS)
    return store


@pytest.mark.parametrize("name", TWINS)
def test_sql_and_sparql_give_the_same_numbers(name: str, tables: Path, store: pyoxigraph.Store) -> None:
    ours = query_cohort(tables, find_sql(name))
    theirs = store.query(find_query(None, name).text, use_default_graph_as_union=True)
    assert isinstance(theirs, pyoxigraph.QuerySolutions)
    assert ours.variables == tuple(variable.value for variable in theirs.variables)
    rows = [tuple(term.value for term in row) for row in theirs]
    assert [tuple(map(str, row)) for row in ours.rows] == rows
    assert len(rows) >= 8
    assert sum(int(row[-1]) for row in rows) > COUNT // 10


def test_every_report_query_over_cases_that_the_tables_can_answer_has_a_twin() -> None:
    assert {"confirmed-and-excluded", "red-flag-counts"} == set(TWINS)
    with pytest.raises(UsageError, match="does not stand in them"):
        find_sql("open-point-counts")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("SELECT * FROM read_csv('/etc/hostname')", SyntaxProblem),
        ("SELECT * FROM '/etc/hostname'", SyntaxProblem),
        ("SELECT nothing FROM cases", SyntaxProblem),
        ("SELECT 1; SELECT 2", UsageError),
        ("DROP VIEW cases", UsageError),
        ("COPY cases TO '/tmp/stolen.csv'", UsageError),
        ("SET enable_external_access = true", UsageError),
        ("INSTALL httpfs", UsageError),
        ("ATTACH '/tmp/x.db' AS x", UsageError),
    ],
)
def test_a_query_reaches_nothing_else(text: str, error: type[LegcrampsError], tables: Path) -> None:
    with pytest.raises(error):
        query_cohort(tables, text)


def test_command_asks_a_cohort(tables: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(
            ["query", "--cohort", str(tables), "SELECT count(*) AS n, NULL AS x, true AS y, 1.5::DOUBLE AS z FROM cases", "--format", "csv"]
        )
        == 0
    )
    assert capsys.readouterr().out.splitlines() == ["n,x,y,z", f"{COUNT},,true,1.5"]
    (tmp_path / "own.sql").write_text("SELECT DISTINCT decision FROM verdicts ORDER BY 1", encoding="utf-8")
    assert main(["query", "--cohort", str(tables), str(tmp_path / "own.sql"), "--json"]) == 0
    assert '"scope"' in capsys.readouterr().out
    assert main(["query", "--cohort", str(tables), "red-flag-counts", "record.ttl"]) == 2
    assert main(["query", "--cohort", str(tmp_path), "red-flag-counts"]) == 2
    assert "LC-1200" in capsys.readouterr().err
    with pytest.raises(InputError):
        query_cohort(tmp_path, "SELECT 1 AS one")
