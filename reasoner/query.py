"""Run SPARQL over knowledge, records and inferences, on pyoxigraph or rdflib, safely and with equal answers.

A query text is bounded, its escapes are resolved once and it must parse before an engine sees it. What could reach
outside the graph (SERVICE, FROM, updates) is refused. Parameters are variables named `?_name_type`; binding one adds a
VALUES line whose terms are written by pyoxigraph, never by pasting text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyoxigraph

from reasoner.documents import Document
from reasoner.errors import KnowledgeError, LimitError, SyntaxProblem, UsageError
from reasoner.inferred import asserted_graph, inferred_graph, knowledge_graph, record_vocabulary
from reasoner.literals import TEXT_TESTS
from reasoner.namespaces import XSD, expand
from reasoner.program.model import Program
from reasoner.report import CaseAnswer
from reasoner.resources import knowledge_folder, query_files

if TYPE_CHECKING:
    import rdflib

    Graphs = pyoxigraph.Store | rdflib.Graph | Iterable[pyoxigraph.Triple]

__all__ = ["ENGINES", "FORMS", "Cell", "Query", "QueryResult", "check_query", "find_query", "load_store", "read_query", "run_query", "to_rdflib"]

ENGINES = ("pyoxigraph", "rdflib")
"""The engines, the default first."""

FORMS = ("table", "csv", "tsv", "json", "xml")
"""The forms in which a result is written."""

MAX_QUERY = 16 * 1024
"""Bytes that a query may have; engines have crashed on longer ones."""

MAX_NESTING = 32
"""Brackets of a query that may be open at once."""

Bound = str | pyoxigraph.NamedNode | pyoxigraph.Literal


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
    summary, description = (words.get(first) or words.get(second, "") for first, second in (("summary", "problem"), ("description", "solution")))
    if "id" not in words or not summary:
        raise KnowledgeError("A query has no header", where=path.name, why="it states no id or no summary", repair="begin the file with #+ id: … and #+ summary: …")
    return Query(words["id"], summary, description, words.get("audience", ""), pairs.get("parameters", ()), pairs.get("returns", ()), text, path)


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
    raise UsageError(f"There is no query {name}", where=str(root / "queries"), repair=f"use one of {', '.join(sorted(query.id for query in found))}, or give a query text")


# --- results ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cell:
    """A term of a result: `kind` is iri, literal or blank; numbers and booleans are in canonical form."""

    kind: str
    text: str
    datatype: str = ""
    language: str = ""

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class QueryResult:
    """The rows of a result, `None` where a variable is unbound; `truth` is the answer to an ASK query."""

    variables: tuple[str, ...]
    rows: tuple[tuple[Cell | None, ...], ...]
    truth: bool | None = None

    def write(self, form: str = "table") -> str:
        """Return the result as table, csv, tsv, json or xml; raise UsageError for another form."""
        if form not in FORMS:
            raise UsageError(f"Results are not written as {form}", repair=f"use one of {', '.join(FORMS)}")
        if form == "table":
            return self._table()
        formats = {name: getattr(pyoxigraph.QueryResultsFormat, name.upper()) for name in FORMS[1:]}
        results = pyoxigraph.parse_query_results(json.dumps(self._document()), format=formats["json"])
        return (results.serialize(format=formats[form]) or b"").decode()

    def _document(self) -> dict[str, Any]:
        if self.truth is not None:
            return {"head": {}, "boolean": self.truth}
        rows = [{name: _cell_document(cell) for name, cell in zip(self.variables, row, strict=True) if cell} for row in self.rows]
        return {"head": {"vars": list(self.variables)}, "results": {"bindings": rows}}

    def _table(self) -> str:
        if self.truth is not None:
            return f"{'yes' if self.truth else 'no'}\n"
        lines = [self.variables, *(tuple("" if cell is None else str(cell) for cell in row) for row in self.rows)]
        widths = [max(len(line[column]) for line in lines) for column in range(len(self.variables))]
        lines.insert(1, tuple("-" * width for width in widths))
        return "".join("  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip() + "\n" for line in lines)


_JSON_TYPES = {"iri": "uri", "literal": "literal", "blank": "bnode"}


def _cell_document(cell: Cell) -> dict[str, str]:
    document = {"type": _JSON_TYPES[cell.kind], "value": cell.text}
    if cell.language:
        document["xml:lang"] = cell.language
    elif cell.datatype:
        document["datatype"] = cell.datatype
    return document


def _literal(text: str, datatype: str, language: str) -> Cell:
    if language or datatype in ("", XSD + "string"):
        return Cell("literal", text, "", language.lower())
    if datatype == XSD + "boolean":
        text = {"1": "true", "0": "false"}.get(text.lower(), text.lower())
    elif datatype in (XSD + "integer", XSD + "decimal") and TEXT_TESTS[datatype](text):
        number = Decimal(text)
        text = str(int(number)) if number == number.to_integral_value() else f"{number:f}".rstrip("0")
    return Cell("literal", text, datatype)


# --- running ------------------------------------------------------------------------------------------------------------


def run_query(text: str, graphs: Graphs, engine: str = ENGINES[0], bindings: Mapping[str, Bound | Sequence[Bound]] | None = None, *, folder: Path | str | None = None) -> QueryResult:
    """Run a query text, or the shipped query of that id, over the default graph of `graphs`.

    `bindings` gives parameters their value or values: terms, or text that the end of the parameter's name types. Raise
    LimitError, SyntaxProblem or UsageError for a query that is too large, malformed or reaches outside the graph.
    """
    if engine not in ENGINES:
        raise UsageError(f"There is no engine {engine}", repair=f"use one of {', '.join(ENGINES)}")
    checked = check_query(text if "{" in text else find_query(folder, text).text)
    bound = _bind(checked, bindings or {})
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
        return QueryResult(("subject", "predicate", "object"), tuple(tuple(map(_from_pyoxigraph, triple)) for triple in found))
    variables = tuple(variable.value for variable in found.variables)
    return QueryResult(variables, tuple(tuple(map(_from_pyoxigraph, row)) for row in found))


def _triples(graphs: Graphs) -> Iterable[pyoxigraph.Triple]:
    if not hasattr(graphs, "serialize"):
        return graphs
    text = graphs.serialize(format="nt", encoding="utf-8")
    return (quad.triple for quad in pyoxigraph.parse(text, format=pyoxigraph.RdfFormat.N_TRIPLES))


def _from_pyoxigraph(term: object) -> Cell | None:
    if term is None:
        return None
    if isinstance(term, pyoxigraph.Literal):
        return _literal(term.value, term.datatype.value, term.language or "")
    if isinstance(term, pyoxigraph.NamedNode):
        return Cell("iri", term.value)
    return Cell("blank", str(term).removeprefix("_:"))


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
        raise UsageError("rdflib cannot answer the query", why=f"{type(error).__name__}: {error}", repair="mend the query, or use the engine pyoxigraph") from error


def _from_rdflib(term: object) -> Cell | None:
    import rdflib

    if term is None:
        return None
    if isinstance(term, rdflib.Literal):
        return _literal(str(term), str(term.datatype or ""), term.language or "")
    return Cell("blank" if isinstance(term, rdflib.BNode) else "iri", str(term))


def to_rdflib(graphs: pyoxigraph.Store | Iterable[pyoxigraph.Triple]) -> rdflib.Graph:
    """Return the triples as an rdflib graph, lexical forms kept as pyoxigraph gives them."""
    import rdflib

    triples = (quad.triple for quad in graphs) if isinstance(graphs, pyoxigraph.Store) else graphs
    graph = rdflib.Graph()
    graph.parse(data=pyoxigraph.serialize(triples, format=pyoxigraph.RdfFormat.N_TRIPLES), format="nt")
    return graph


# --- what is refused ----------------------------------------------------------------------------------------------------

_TOKEN = re.compile(
    r"""(?P<comment>\#[^\n]*)
    |(?P<iri><[^<>"{}|^`\\\x00-\x20]*>)
    |(?P<text>\"{3}(?:[^"\\]|\\.|\"{1,2}(?!"))*\"{3}|'{3}(?:[^'\\]|\\.|'{1,2}(?!'))*'{3}|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    |(?P<escape>\\.)
    |(?P<name>[\w.-]*:(?:[\w:.%-]|\\.)*|[?$]?\w+)
    |(?P<bracket>[()\[\]{}])""",
    re.VERBOSE | re.DOTALL,
)
_REACHING = re.compile(r"service|^(?:from|load)$", re.IGNORECASE)
_REACH_NODES = ("ServiceGraphPattern", "DatasetClause")
_ESCAPE = re.compile(r"\\(?:(\\)([uU]?)|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|.)", re.DOTALL)


def check_query(text: str) -> str:
    """Return the query with its code point escapes resolved; raise an error with the repair for one that is refused."""
    if len(text.encode("utf-8", "surrogatepass")) > MAX_QUERY:
        raise LimitError("The query is too long", why=f"it has more than {MAX_QUERY} bytes", repair="split it into several queries")
    resolved = _ESCAPE.sub(_resolve, text.replace("\r\n", "\n").replace("\r", "\n"))
    _check_tokens(resolved)
    from rdflib.plugins.sparql.parser import parseQuery

    try:
        tree = parseQuery(resolved)
    except RecursionError as error:
        raise LimitError("The query nests too deeply", repair="split it into several queries") from error
    except Exception as error:
        raise SyntaxProblem("The query is malformed", why=str(error), repair="write one SPARQL 1.1 query (SELECT, ASK, CONSTRUCT or DESCRIBE); updates are not run") from error
    for node in _nodes(tree):
        if getattr(node, "name", "") in _REACH_NODES:
            raise _refused(str(node.name))
    return resolved


def _resolve(match: re.Match[str]) -> str:
    """Write out a code point; a backslash before `u` gets a form that no engine mistakes for the beginning of one."""
    backslash, letter, short, long = match.groups()
    if backslash:
        return rf"\\\U{ord(letter):08X}" if letter else match.group()
    if not (short or long):
        return match.group()
    point = int(short or long, 16)
    if point == ord("\\") or point > 0x10FFFF or 0xD800 <= point < 0xE000:
        raise UsageError("The query escapes a code point that is not taken", why=match.group(), repair="write the character itself")
    return chr(point)


def _check_tokens(text: str) -> None:
    depth = 0
    for token in _TOKEN.finditer(text):
        word = token.group()
        if token.lastgroup == "bracket":
            depth = depth + 1 if word in "([{" else max(depth - 1, 0)
            if depth > MAX_NESTING:
                raise LimitError("The query nests too deeply", why=f"more than {MAX_NESTING} brackets are open at once", repair="split it into several queries")
        elif token.lastgroup == "name" and word[0] not in "?$" and _REACHING.search(word.partition(":")[0]):
            raise _refused(word)


def _refused(word: str) -> UsageError:
    return UsageError("The query reaches outside the graph", why=f"it uses {word}", repair="remove SERVICE, FROM and LOAD; load what it needs into the graph first")


def _nodes(tree: object) -> Iterator[Any]:
    """Yield every node of a parse tree, without recursion."""
    from pyparsing import ParseResults
    from rdflib.plugins.sparql.parserutils import CompValue

    stack = [tree]
    while stack:
        node = stack.pop()
        yield node
        if isinstance(node, CompValue):
            stack.extend(node.values())
        elif isinstance(node, ParseResults | list | tuple):
            stack.extend(node)


# --- parameters ---------------------------------------------------------------------------------------------------------


def _bind(text: str, bindings: Mapping[str, Bound | Sequence[Bound]]) -> str:
    """Add one VALUES line per bound parameter right after the first `WHERE {`."""
    if not bindings:
        return text
    tokens = [token for token in _TOKEN.finditer(text) if token.lastgroup in ("name", "bracket")]
    names = sorted({token.group()[1:] for token in tokens if token.group()[:2] in ("?_", "$_")})
    place = next((after.end() for token, after in pairwise(tokens) if token.group().lower() == "where" and after.group() == "{"), None)
    if place is None:
        raise UsageError("The query has no place for parameters", why="it has no WHERE {", repair="write WHERE { … }")
    lines = []
    for given, values in bindings.items():
        name = next((name for name in names if given.lstrip("?$") in (name, name[1:].rpartition("_")[0])), None)
        if name is None:
            raise UsageError(f"The query has no parameter {given}", repair=f"bind one of {', '.join(names)}" if names else "it has none")
        several = [values] if isinstance(values, Bound) else values
        lines.append(f"VALUES ?{name} {{ {' '.join(_term_text(name, value) for value in several)} }}")
    return f"{text[:place]}\n  {chr(10).join(lines)}\n{text[place:]}"


def _term_text(name: str, value: Bound) -> str:
    """Write a term as pyoxigraph does, its escapes in the one form that both engines read alike."""
    kind = name.rpartition("_")[2]
    try:
        if isinstance(value, str):
            value = _term(kind, value)
        return _ESCAPE.sub(_lengthen, str(value))
    except ValueError as error:
        raise UsageError(f"The value of the parameter {name} is no {kind}", why=str(error), repair=f"give a {kind}") from error


def _term(kind: str, text: str) -> pyoxigraph.NamedNode | pyoxigraph.Literal:
    if kind == "iri":
        return pyoxigraph.NamedNode(expand(text))
    datatype = XSD + (kind if XSD + kind in TEXT_TESTS else "string")
    if not TEXT_TESTS[datatype](text):
        raise ValueError(text)
    return pyoxigraph.Literal(text, datatype=pyoxigraph.NamedNode(datatype))


def _lengthen(match: re.Match[str]) -> str:
    backslash, letter, short, _ = match.groups()
    if backslash and letter:
        return rf"\\\U{ord(letter):08X}"
    return rf"\U{int(short, 16):08X}" if short else match.group()


# --- a store ------------------------------------------------------------------------------------------------------------


def load_store(program: Program, folder: Path | str | None, documents: Iterable[Document], answers: Iterable[CaseAnswer]) -> pyoxigraph.Store:
    """Return a store whose default graph is knowledge ∪ records ∪ inferences; FHIR documents add their inferences only."""
    root = knowledge_folder(folder)
    store = pyoxigraph.Store()
    store.bulk_extend(pyoxigraph.Quad(*triple) for triple in knowledge_graph(root, program))
    for index, document in enumerate(documents):
        if document.format != "fhir":
            store.extend(pyoxigraph.Quad(*triple) for triple in asserted_graph(document, record_vocabulary(root), f"d{index}"))
    for answer in answers:
        store.extend(pyoxigraph.Quad(*triple) for triple in inferred_graph(program, answer))
    return store
