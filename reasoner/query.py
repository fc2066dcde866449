"""Run SPARQL over knowledge, records and inferences, on pyoxigraph or rdflib, safely and with equal answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyoxigraph

from reasoner.answer import CaseAnswer
from reasoner.documents import FHIR_FORMATS, TABLE_FORMATS, Document, read_document
from reasoner.errors import KnowledgeError, SyntaxProblem, UsageError
from reasoner.export.records import case_triples
from reasoner.inferred import asserted_graph, inferred_graph, knowledge_graph, record_vocabulary
from reasoner.program.model import Program
from reasoner.query_results import FORMS, Cell, QueryResult, literal_cell, term_cell
from reasoner.query_text import Bindings, bind_parameters, check_query
from reasoner.resources import knowledge_folder, query_files

if TYPE_CHECKING:
    from datetime import datetime

    import rdflib

    from reasoner.answering import Records
    from reasoner.report import Report

    Graphs = pyoxigraph.Store | rdflib.Graph | Iterable[pyoxigraph.Triple]

__all__ = [
    "ENGINES",
    "FORMS",
    "Cell",
    "Query",
    "QueryResult",
    "answered_store",
    "bound_query",
    "check_query",
    "find_query",
    "load_store",
    "read_query",
    "run_query",
    "to_rdflib",
]

ENGINES = ("pyoxigraph", "rdflib")
"""The engines, the default first."""


# --- queries on file ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Query:
    """A query with its header; `parameters` and `returns` are pairs of a name and what it means."""

    id: str
    summary: str
    description: str
    audience: str
    parameters: tuple[tuple[str, str], ...]
    returns: tuple[tuple[str, str], ...]
    text: str
    path: Path


def read_query(path: Path) -> Query:
    """Read a query file; raise KnowledgeError when it has no header. A hygiene query states problem and solution."""
    text = path.read_text(encoding="utf-8")
    header = _header(text)
    words = {key: value for key, value in header.items() if isinstance(value, str)}
    pairs = {key: tuple(value.items()) for key, value in header.items() if isinstance(value, dict)}
    summary, description = (
        words.get(first) or words.get(second, "") for first, second in (("summary", "problem"), ("description", "solution"))
    )
    if "id" not in words or not summary:
        raise KnowledgeError(
            "A query has no header",
            where=path.name,
            why="it states no id or no summary",
            repair="begin the file with #+ id: … and #+ summary: …",
        )
    return Query(
        words["id"], summary, description, words.get("audience", ""), pairs.get("parameters", ()), pairs.get("returns", ()), text, path
    )


def _header(text: str) -> dict[str, str | dict[str, str]]:
    """Return the `#+` lines as the small part of YAML that they use: words, folded words and one level of names."""
    found: dict[str, str | dict[str, str]] = {}
    key, folded = "", False
    for line in (line[2:] for line in text.splitlines() if line.startswith("#+")):
        name, _, words = (part.strip() for part in line.partition(":"))
        value = found.get(key)
        if line.startswith("   ") and folded and isinstance(value, str):
            found[key] = f"{value} {line.strip()}".strip()
        elif line.startswith("   ") and isinstance(value, dict):
            value[name] = words
        else:
            key, folded = name, words == ">-"
            found[key] = {} if not words else "" if folded else words
    return found


def find_query(folder: Path | str | None, name: str) -> Query:
    """Return the shipped query with the id or file name `name`; raise UsageError when there is none."""
    root = knowledge_folder(folder)
    wanted = name.lower().removesuffix(".rq")
    found = [read_query(path) for path in query_files(root)]
    for query in found:
        if wanted in (query.id.lower(), query.path.stem.lower()):
            return query
    raise UsageError(
        f"There is no query {name}",
        where=str(root / "queries"),
        repair=f"use one of {', '.join(sorted(query.id for query in found))}, or give a query text",
    )


# --- running ------------------------------------------------------------------------------------------------------------


def bound_query(text: str, bindings: Bindings | None = None, *, folder: Path | str | None = None) -> str:
    """Return a query text, or the shipped query of that id, checked and with its parameters bound; raises what `run_query` raises."""
    return bind_parameters(check_query(text if len(text.split()) > 1 else find_query(folder, text).text), bindings or {})


def run_query(
    text: str, graphs: Graphs, engine: str = ENGINES[0], bindings: Bindings | None = None, *, folder: Path | str | None = None
) -> QueryResult:
    """Run a query text, or the shipped query of that id, over the default graph of `graphs`.

    `bindings` gives parameters their value or values: terms, or text that the end of the parameter's name types. Raise
    LimitError, SyntaxProblem or UsageError for a query that is too large, malformed or reaches outside the graph.
    """
    if engine not in ENGINES:
        raise UsageError(f"There is no engine {engine}", repair=f"use one of {', '.join(ENGINES)}")
    bound = bound_query(text, bindings, folder=folder)
    return _run_rdflib(bound, graphs) if engine == "rdflib" else _run_pyoxigraph(bound, graphs)


def _run_pyoxigraph(text: str, graphs: Graphs) -> QueryResult:
    if not isinstance(graphs, pyoxigraph.Store):
        store = pyoxigraph.Store()
        store.extend(pyoxigraph.Quad(*triple) for triple in _triples(graphs))
        graphs = store
    try:
        found = graphs.query(text)
    except SyntaxError as error:
        raise SyntaxProblem("The query is malformed", why=str(error), repair="mend the query") from error
    if isinstance(found, pyoxigraph.QueryBoolean):
        return QueryResult((), (), bool(found))
    if isinstance(found, pyoxigraph.QueryTriples):
        return QueryResult(("subject", "predicate", "object"), tuple(tuple(map(term_cell, triple)) for triple in found))
    variables = tuple(variable.value for variable in found.variables)
    return QueryResult(variables, tuple(tuple(map(term_cell, row)) for row in found))


def _triples(graphs: Graphs) -> Iterable[pyoxigraph.Triple]:
    if not hasattr(graphs, "serialize"):
        return graphs
    text = graphs.serialize(format="nt", encoding="utf-8")
    return (quad.triple for quad in pyoxigraph.parse(text, format=pyoxigraph.RdfFormat.N_TRIPLES))


def _run_rdflib(text: str, graphs: Graphs) -> QueryResult:
    import rdflib

    graph = graphs if isinstance(graphs, rdflib.Graph) else to_rdflib(graphs)
    try:
        found = graph.query(text)
        if found.type == "ASK":
            return QueryResult((), (), bool(found.askAnswer))
        if found.type in ("CONSTRUCT", "DESCRIBE"):
            return QueryResult(("subject", "predicate", "object"), tuple(tuple(map(_from_rdflib, triple)) for triple in found.graph or ()))
        variables = found.vars or []
        rows = tuple(tuple(_from_rdflib(row.get(variable)) for variable in variables) for row in found.bindings)
        return QueryResult(tuple(map(str, variables)), rows)
    except Exception as error:
        raise UsageError(
            "rdflib cannot answer the query", why=f"{type(error).__name__}: {error}", repair="mend the query, or use the engine pyoxigraph"
        ) from error


def _from_rdflib(term: object) -> Cell | None:
    import rdflib

    if term is None:
        return None
    if isinstance(term, rdflib.Literal):
        return literal_cell(str(term), str(term.datatype or ""), term.language or "")
    return Cell("blank" if isinstance(term, rdflib.BNode) else "iri", str(term))


def to_rdflib(graphs: pyoxigraph.Store | Iterable[pyoxigraph.Triple]) -> rdflib.Graph:
    """Return the triples as an rdflib graph, lexical forms kept as pyoxigraph gives them."""
    import rdflib

    triples = (quad.triple for quad in graphs) if isinstance(graphs, pyoxigraph.Store) else graphs
    graph = rdflib.Graph()
    graph.parse(data=pyoxigraph.serialize(triples, format=pyoxigraph.RdfFormat.N_TRIPLES), format="nt")
    return graph


# --- a store ------------------------------------------------------------------------------------------------------------


def load_store(
    program: Program, folder: Path | str | None, documents: Iterable[Document], answers: Iterable[CaseAnswer]
) -> pyoxigraph.Store:
    """Return a store whose default graph is knowledge ∪ records ∪ inferences; of FHIR and tables the records as understood."""
    root = knowledge_folder(folder)
    store = pyoxigraph.Store()
    store.bulk_extend(pyoxigraph.Quad(*triple) for triple in knowledge_graph(root, program))
    stated: set[str] = set()
    for index, document in enumerate(documents):
        if document.format not in (*FHIR_FORMATS, *TABLE_FORMATS):
            triples = list(asserted_graph(document, record_vocabulary(root), f"d{index}"))
            stated |= {triple.subject.value for triple in triples if isinstance(triple.subject, pyoxigraph.NamedNode)}
            store.extend(pyoxigraph.Quad(*triple) for triple in triples)
    for answer in answers:
        case = answer.state.case
        if case.iri not in stated:
            store.extend(pyoxigraph.Quad(*triple) for triple in case_triples(case, Counter()))
        store.extend(pyoxigraph.Quad(*triple) for triple in inferred_graph(program, answer))
    return store


def answered_store(
    names: Iterable[Path | str],
    program: Program,
    folder: Path | str | None = None,
    *,
    input_format: str | None = None,
    mapping: Path | str | None = None,
    as_of: datetime | None = None,
) -> tuple[pyoxigraph.Store, Records, Report]:
    """Return the store of files, each read once, with the records that they hold and the answers to their cases.

    Raises InputError as `load_records` does.
    """
    from reasoner.answering import Records, assess, read_all  # a query of a remote store answers no case

    documents = [read_document(str(name), input_format) for name in names]
    records = read_all(documents, program, folder=folder, mapping=mapping) if documents else Records(())
    report = assess(records, program, as_of=as_of)
    return load_store(program, folder, documents, report.answers), records, report
