"""Check and complete the text of a query before an engine sees it.

A text is bounded, its escapes are resolved once and it must parse. What could reach outside the graph (SERVICE, FROM,
updates) is refused twice, by its words and by the parse tree: pyoxigraph takes SERVICE where rdflib sees none. A bound
parameter becomes a VALUES line whose terms pyoxigraph writes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

import pyoxigraph

from reasoner.errors import ForbiddenError, LimitError, SyntaxProblem, UsageError
from reasoner.literals import TEXT_TESTS
from reasoner.namespaces import XSD, expand

__all__ = [
    "MAX_NESTING",
    "MAX_PARSED",
    "MAX_QUERY",
    "MAX_UPDATE",
    "Bindings",
    "Bound",
    "Screened",
    "bind_parameters",
    "check_query",
    "query_tokens",
    "screen_query",
    "screen_update",
]

MAX_QUERY = 16 * 1024
"""Bytes that a query may have; engines have crashed on longer ones."""

MAX_UPDATE = 1024 * 1024
"""Bytes that an update may have: it is mostly data."""

MAX_PARSED = 64 * 1024
"""Bytes of an update for which rdflib makes a parse tree in reasonable time."""

MAX_NESTING = 32
"""Brackets of a query that may be open at once."""

Bound = str | pyoxigraph.NamedNode | pyoxigraph.Literal
Bindings = Mapping[str, Bound | Sequence[Bound]]

_TOKEN = re.compile(
    r"""(?P<comment>\#[^\n]*)
    |(?P<iri><[^<>"{}|^`\\\x00-\x20]*>)
    |(?P<text>\"{3}(?:[^"\\]|\\.|\"{1,2}(?!"))*\"{3}|'{3}(?:[^'\\]|\\.|'{1,2}(?!'))*'{3}|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    |(?P<escape>\\.)
    |(?P<name>[\w.-]{0,128}:(?:[\w:.%-]|\\.)*|[?$]?\w+)
    |(?P<bracket>[()\[\]{}])""",
    re.VERBOSE | re.DOTALL,
)
_REACHING = re.compile(r"service|^(?:from|load)$", re.IGNORECASE)
_FETCHING = re.compile(r"service|^load$", re.IGNORECASE)
_FETCHES = re.compile(r"service|(?<![\w:.-])load", re.IGNORECASE)
_SUSPECT = re.compile(r"service|(?<![\w:.-])from", re.IGNORECASE)
_REACH_NODES = ("ServiceGraphPattern", "DatasetClause")
_ESCAPE = re.compile(r"\\(?:(\\)([uU]?)|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|.)", re.DOTALL)


def query_tokens(text: str) -> Iterator[re.Match[str]]:
    """Yield the tokens of a query: comment, iri, text, escape, name (keywords and variables too) and bracket."""
    return _TOKEN.finditer(text)


class Screened(NamedTuple):
    """A query that may be run over a dataset, its escapes resolved, and the graphs of its FROM and FROM NAMED clauses."""

    text: str
    default: tuple[str, ...] = ()
    named: tuple[str, ...] = ()


@lru_cache(maxsize=64)
def check_query(text: str) -> str:
    """Return the query with its code point escapes resolved; raise an error with the repair for one that is refused."""
    resolved = _resolved(text)
    _check_tokens(resolved, _REACHING)
    for node in _nodes(_parsed(resolved)):
        if getattr(node, "name", "") in _REACH_NODES:
            raise _refused(str(node.name))
    return resolved


@lru_cache(maxsize=256)
def screen_query(text: str) -> Screened:
    """Return what may be run over a dataset that is at hand: as `check_query`, but FROM may name its graphs.

    A text in which SERVICE does not occur, not even within other words, and FROM begins no word, needs no parse tree.
    """
    resolved = _resolved(text)
    _check_tokens(resolved, _FETCHING)
    if not _SUSPECT.search(resolved):
        return Screened(resolved)
    tree = _parsed(resolved)
    if any(getattr(node, "name", "") == "ServiceGraphPattern" for node in _nodes(tree)):
        raise _refused("SERVICE")
    if not any(getattr(node, "name", "") == "DatasetClause" for node in _nodes(tree)):
        return Screened(resolved)
    from rdflib.plugins.sparql.algebra import translateQuery

    clauses = translateQuery(tree).algebra.datasetClause
    return Screened(resolved, *(tuple(str(clause[kind]) for clause in clauses if kind in clause) for kind in ("default", "named")))


def screen_update(text: str, default: Sequence[str] = (), named: Sequence[str] = ()) -> str:
    """Return an update that may be run, its escapes resolved, over the dataset that the protocol names if it names one.

    Raise ForbiddenError for one that reaches out, UsageError for one that names a dataset of its own beside that of the protocol.
    """
    resolved = _resolved(text, MAX_UPDATE)
    _check_tokens(resolved, _FETCHING)
    if _FETCHES.search(resolved):  # within a text or an IRI, as far as the tokens tell
        if len(resolved) > MAX_PARSED:
            raise ForbiddenError("The update may reach outside", why="it is long and holds LOAD or SERVICE", repair="split it")
        _check_update(resolved)
    return _using(resolved, default, named) if default or named else resolved


def _check_update(text: str) -> None:
    from rdflib.plugins.sparql.parser import parseUpdate

    try:
        tree = parseUpdate(text)
    except RecursionError as error:
        raise LimitError("The update nests too deeply", repair="split it into several updates") from error
    except Exception as error:
        raise SyntaxProblem("The update is malformed", why=str(error), repair="write SPARQL 1.1 Update") from error
    for node in _nodes(tree):
        if getattr(node, "name", "") in ("Load", "ServiceGraphPattern"):
            raise _refused(node.name)


def _using(text: str, default: Sequence[str], named: Sequence[str]) -> str:
    """Write the dataset of the protocol before each WHERE that ends an INSERT or a DELETE."""
    try:
        graphs = [str(pyoxigraph.NamedNode(each)) for each in default] + [f"NAMED {pyoxigraph.NamedNode(each)}" for each in named]
    except ValueError as error:
        raise UsageError("A graph is named by no IRI", repair="give absolute IRIs") from error
    clauses = "".join(f"USING {graph} " for graph in graphs)
    parts, last, depth, before = [], 0, 0, ""
    for token in query_tokens(text):
        word = token.group().lower()
        if token.lastgroup == "bracket":
            depth += 1 if word in "([{" else -1
        elif token.lastgroup == "name" and not depth:
            if word in ("using", "with"):
                raise UsageError("The update names a dataset twice", why="it holds USING or WITH", repair="name it there or in the URL")
            if word == "where":
                if before == "delete":
                    raise UsageError("DELETE WHERE takes no dataset", repair="write DELETE { … } WHERE { … }")
                parts.append(text[last : token.start()] + clauses)
                last = token.start()
        before = word if token.lastgroup in ("name", "bracket") else before
    return "".join(parts) + text[last:]


def _resolved(text: str, most: int = MAX_QUERY) -> str:
    """Return a text of bounded size with its escapes of code points resolved."""
    if len(text.encode("utf-8", "surrogatepass")) > most:
        raise LimitError("The query is too long", why=f"it has more than {most} bytes", repair="split it into several queries")
    return _ESCAPE.sub(_resolve, text.replace("\r\n", "\n").replace("\r", "\n"))


def _parsed(text: str) -> Any:
    """Return the parse tree that rdflib makes of a query."""
    from rdflib.plugins.sparql.parser import parseQuery

    try:
        return parseQuery(text)
    except RecursionError as error:
        raise LimitError("The query nests too deeply", repair="split it into several queries") from error
    except Exception as error:
        raise SyntaxProblem(
            "The query is malformed",
            why=str(error),
            repair="write one SPARQL 1.1 query (SELECT, ASK, CONSTRUCT or DESCRIBE); updates are not run",
        ) from error


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


def _check_tokens(text: str, refused: re.Pattern[str]) -> None:
    depth = 0
    for token in _TOKEN.finditer(text):
        word = token.group()
        if token.lastgroup == "bracket":
            depth = depth + 1 if word in "([{" else max(depth - 1, 0)
            if depth > MAX_NESTING:
                raise LimitError(
                    "The query nests too deeply",
                    why=f"more than {MAX_NESTING} brackets are open at once",
                    repair="split it into several queries",
                )
        elif token.lastgroup == "name" and word[0] not in "?$" and (found := refused.search(word.partition(":")[0])):
            raise _refused(found[0].upper())


def _refused(word: str) -> ForbiddenError:
    return ForbiddenError(
        "The query reaches outside the graph",
        why=f"it uses {word}",
        repair="remove SERVICE, FROM and LOAD; load what it needs into the graph first",
    )


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


def bind_parameters(text: str, bindings: Bindings) -> str:
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
