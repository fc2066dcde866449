"""Ask SQL over the tables of a cohort: a view for each table, and nothing else within reach of the query."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reasoner.errors import InputError, MissingExtraError, SyntaxProblem, UsageError, shortened
from reasoner.namespaces import XSD
from reasoner.query_results import Cell, QueryResult
from reasoner.resources import knowledge_folder

if TYPE_CHECKING:
    import duckdb

__all__ = ["find_sql", "query_cohort"]

_MOST_MEMORY = "2GB"


def find_sql(name: str, folder: Path | str | None = None) -> str:
    """Return the SQL of a shipped report query, or SQL text as it is; raise UsageError when there is no such query."""
    if len(name.split()) > 1:
        return name
    shipped = {path.stem: path for path in sorted((knowledge_folder(folder) / "queries" / "report").glob("*.sql"))}
    wanted = name.lower().removesuffix(".rq").removesuffix(".sql")
    if wanted not in shipped:
        raise UsageError(
            f"There is no query {shortened(name)} over the tables of a cohort",
            why="its answer does not stand in them" if (knowledge_folder(folder) / "queries" / "report" / f"{wanted}.rq").is_file() else "",
            repair=f"use one of {', '.join(shipped)}, give SQL text, or ask SPARQL of the N-Quads",
        )
    return shipped[wanted].read_text(encoding="utf-8")


def query_cohort(tables: Path | str, text: str) -> QueryResult:
    """Run one SELECT over the tables that `cohort` wrote into a folder; each table is a view of its name.

    Raise InputError when the folder holds no whole cohort, SyntaxProblem for SQL that fails, UsageError for anything but one
    SELECT, MissingExtraError without DuckDB.
    """
    try:
        import duckdb
    except ImportError as error:
        raise MissingExtraError(
            "The extra cohort is not installed", why=f"{error.name} is missing", repair="pip install 'legcramps[cohort]'"
        ) from error
    folder = Path(tables)
    if not (folder / "manifest.json").is_file():
        raise InputError(
            "The folder holds no answered cohort",
            where=str(folder),
            why="it has no manifest.json",
            repair="name the --out of `legcramps cohort`",
        )
    with duckdb.connect(":memory:") as connection:
        _open_views(connection, folder)
        try:
            statements = connection.extract_statements(text)
            if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
                raise UsageError("The query is no single SELECT", why=shortened(text), repair="ask one question at a time, without changes")
            found = connection.execute(statements[0])
            names = tuple(column[0] for column in found.description or ())
            return QueryResult(names, tuple(tuple(map(_cell, row)) for row in found.fetchall()))
        except duckdb.Error as error:
            why = " ".join(str(error).split()).rstrip(" ^")  # the signs that point at a place in the line above them
            raise SyntaxProblem("The query fails", why=shortened(why, 300), repair="mend the query; the tables are views") from error


def _open_views(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Make the views, then shut the query in: it reads the files of the tables, changes no setting and loads nothing."""
    place = str(folder.resolve()).replace("'", "''")
    connection.execute(f"SET memory_limit = '{_MOST_MEMORY}'")
    for name in json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["tables"]:
        connection.execute(f"""CREATE VIEW "{name}" AS SELECT * FROM read_parquet('{place}/{name}/*.parquet')""")  # noqa: S608
    connection.execute(f"SET allowed_directories = ['{place}']")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def _cell(value: Any) -> Cell | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return Cell("literal", "true" if value else "false", XSD + "boolean")
    if isinstance(value, int):
        return Cell("literal", str(value), XSD + "integer")
    if isinstance(value, float):
        return Cell("literal", repr(value), XSD + "double")
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return Cell("iri" if text.startswith(("http://", "https://", "urn:")) and " " not in text else "literal", text)
