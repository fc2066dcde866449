"""Queries over the tables of a cohort: the same numbers as SPARQL over its N-Quads, and nothing else within reach."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from pathlib import Path

import pyoxigraph
import pytest
from pyoxigraph import Quad

from reasoner import assess, load_records
from reasoner.abstraction import CaseState
from reasoner.cli import main
from reasoner.cohort import answer_cohort
from reasoner.cohort.inferences import Inferences
from reasoner.cohort.queries import find_sql, query_cohort
from reasoner.cohort.synthetic.generate import generate
from reasoner.cohort.synthetic.settings import read_settings
from reasoner.entailment import Statuses
from reasoner.errors import InputError, LegcrampsError, SyntaxProblem, UsageError
from reasoner.export.dataset import GUIDELINE, INFERRED, ONTOLOGY, knowledge_quads
from reasoner.inferred import inferred_graph, knowledge_graph
from reasoner.program import Program
from reasoner.query import find_query
from reasoner.query_results import FORMS
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


@pytest.fixture(scope="module")
def inferred(program: Program, lines: Path) -> Path:
    """Return the folder of a cohort that was answered with N-Quads."""
    folder = lines.parent / "inferred"
    answer_cohort([lines], folder, program, nquads=True)
    return folder


def loaded(folder: Path) -> pyoxigraph.Store:
    """Return a store that holds the N-Quads of a cohort."""
    store = pyoxigraph.Store()
    for path in sorted((folder / "inferred").glob("*.nq.gz")):
        with gzip.open(path) as file:
            store.bulk_load(file, format=pyoxigraph.RdfFormat.N_QUADS)
    return store


@pytest.mark.parametrize("name", TWINS)
def test_sparql_over_the_quads_of_a_cohort_gives_the_numbers_of_its_tables(name: str, program: Program, inferred: Path) -> None:
    store = loaded(inferred)
    theirs = store.query(find_query(None, name).text, use_default_graph_as_union=True)
    assert isinstance(theirs, pyoxigraph.QuerySolutions)
    rows = [tuple(term.value for term in row) for row in theirs]
    assert [tuple(map(str, row)) for row in query_cohort(inferred, find_sql(name)).rows] == rows
    assert len(rows) >= 8


def test_the_quads_of_a_cohort_are_the_inferred_graphs_of_its_cases(program: Program, lines: Path, inferred: Path) -> None:
    answers = assess(load_records([lines], program), program).answers
    wanted = {Quad(each.subject, each.predicate, each.object, INFERRED) for answer in answers for each in inferred_graph(program, answer)}
    texts = [gzip.decompress(path.read_bytes()) for path in (inferred / "inferred").glob("part-*")]
    found = [quad for text in texts for quad in pyoxigraph.parse(text, format=pyoxigraph.RdfFormat.N_QUADS)]
    assert set(found) == wanted
    assert json.loads((inferred / "manifest.json").read_text())["quads"] == len(found) > COUNT * 1000


def test_the_knowledge_beside_them_is_the_whole_graph(program: Program, inferred: Path) -> None:
    text = gzip.decompress((inferred / "inferred" / "knowledge.nq.gz").read_bytes())
    found = list(pyoxigraph.parse(text, format=pyoxigraph.RdfFormat.N_QUADS))
    given = set(knowledge_quads(knowledge_folder(), program))
    plain, wanted = (Counter(re.sub(r"_:\w+(-\d+)?", "_:", str(each)) for each in quads) for quads in (found, given))
    assert plain == wanted and len(found) == len(set(found)) > 30_000
    assert {each.graph_name for each in found} == {ONTOLOGY, GUIDELINE}


def test_tables_are_the_same_with_and_without_quads(tables: Path, inferred: Path) -> None:
    names = [path.relative_to(tables) for path in sorted(tables.rglob("*.parquet"))]
    assert len(names) >= 7
    assert all((tables / name).read_bytes() == (inferred / name).read_bytes() for name in names)


def test_quads_that_were_half_written_are_written_anew(
    program: Program, lines: Path, inferred: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add, told = Inferences.add, []

    def stop(self: Inferences, state: CaseState, statuses: Statuses) -> None:
        told.append(state)
        if len(told) > COUNT // 2:
            raise KeyboardInterrupt
        add(self, state, statuses)

    with monkeypatch.context() as patched:
        patched.setattr(Inferences, "add", stop)
        with pytest.raises(KeyboardInterrupt):
            answer_cohort([lines], tmp_path / "out", program, nquads=True)
    assert not (tmp_path / "out").exists()
    assert not list((tmp_path / "out.partial" / "inferred").glob("part-*"))
    with pytest.raises(UsageError, match="another command"):
        answer_cohort([lines], tmp_path / "out", program)
    answer_cohort([lines], tmp_path / "out", program, nquads=True)
    found, wanted = ({path.name: path.read_bytes() for path in (each / "inferred").iterdir()} for each in (tmp_path / "out", inferred))
    assert found == wanted


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


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("SELECT count(*) FROM cases", "count_star"),
        ('SELECT 1 AS "a b"', "no name"),
        ('SELECT 1 AS "b", 2 AS "b"', "another column"),
    ],
)
def test_a_column_that_a_form_cannot_name_is_refused(text: str, why: str, tables: Path) -> None:
    found = query_cohort(tables, text)
    assert found.write().splitlines()[2:] == ["  ".join(str(cell) for cell in found.rows[0])]
    for form in FORMS[1:]:
        with pytest.raises(UsageError, match=why):
            found.write(form)


def test_a_query_that_fails_says_why_on_one_line(tables: Path) -> None:
    with pytest.raises(SyntaxProblem, match=r"LINE 1: SELECT nothing FROM cases\. Repair") as raised:
        query_cohort(tables, "SELECT nothing FROM cases")
    assert "\\u" not in str(raised.value)


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
