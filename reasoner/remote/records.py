"""Read the records of cases from a remote store, whole, as if they came from a file.

What the reasoner says of a case, which a store may hold beside the records, is left behind.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import pyoxigraph

from reasoner.answering import Records, records_in
from reasoner.documents import index_of
from reasoner.errors import InputError, ShortAnswerError, UsageError
from reasoner.inferred import inferred_vocabulary
from reasoner.namespaces import RDF
from reasoner.program.model import Program
from reasoner.remote.access import shown
from reasoner.remote.store import RemoteStore, Term
from reasoner.remote.whole import whole_rows
from reasoner.terms import lc

__all__ = ["remote_records"]

_BATCH = 50
_CASE, _TYPE = lc("Case"), RDF + "type"
_CASES = f"SELECT DISTINCT ?case WHERE {{ ?case a <{_CASE}> FILTER (isIRI(?case)) }}"
_RECORD = f"<{lc('hasRecord')}>"
_SHARED = f"ASK {{ ?case {_RECORD} ?record . ?other {_RECORD} ?record FILTER (isBlank(?record) && ?case != ?other) }}"


def remote_records(store: RemoteStore, program: Program, folder: Path, cases: Sequence[str] = ()) -> Records:
    """Return the records of the named cases, or of all that the store holds; problems are those of a file.

    Raises RemoteError when they do not come whole, InputError when there is no such case.
    """
    where = shown(store.access.query_url)
    wanted = [_iri(case) for case in cases] or _all_cases(store)
    if not wanted:
        raise InputError("The store holds no case", where=where, why="nothing is typed lc:Case", repair="name the graphs by --graph")
    inferred = inferred_vocabulary(folder)
    quads: list[pyoxigraph.Quad] = []
    for place, start in enumerate(range(0, len(wanted), _BATCH)):
        quads += _described(store, wanted[start : start + _BATCH], inferred, f"q{place}")
    if len(wanted) > _BATCH and any(isinstance(quad.subject, pyoxigraph.BlankNode) for quad in quads) and store.ask(_SHARED):
        raise ShortAnswerError(
            "The records cannot be told apart", where=where, why="cases share a record without a name", repair="name the cases one by one"
        )
    records = records_in(index_of(quads), program, where, lambda _: where)
    missing = set(cases) - {case.iri for case in records.cases} - {source for problem in records.problems for source in problem.sources}
    if missing:
        raise InputError("The store does not hold the case", where=where, why=min(missing), repair="check its IRI, and --graph")
    return records


def _all_cases(store: RemoteStore) -> list[str]:
    return sorted(_iri(str(row[0].value)) for row in whole_rows(store, _CASES).rows if isinstance(row[0], pyoxigraph.NamedNode))


def _iri(text: str) -> str:
    try:
        return pyoxigraph.NamedNode(text).value
    except ValueError as error:
        raise UsageError("This is no IRI of a case", where=text, why=str(error), repair="name it in full") from error


def _described(store: RemoteStore, cases: Sequence[str], inferred: Collection[str], prefix: str) -> Iterator[pyoxigraph.Quad]:
    """Yield what is said of cases and of their records, inferences left out; blank nodes are those of this answer."""
    names = ", ".join(f"<{case}>" for case in cases)
    left = ", ".join(f"<{name}>" for name in sorted(inferred))
    text = f"""SELECT DISTINCT ?s ?p ?o WHERE {{
  {{ ?s ?p ?o FILTER (?s IN ({names}) && ?p NOT IN ({left}) && (?p != <{_TYPE}> || ?o = <{_CASE}>)) }}
  UNION {{ ?case {_RECORD} ?s . ?s ?p ?o FILTER (?case IN ({names})) }}
}}"""
    for subject, name, value in whole_rows(store, text).rows:
        if (
            not isinstance(subject, pyoxigraph.Literal)
            and subject is not None
            and isinstance(name, pyoxigraph.NamedNode)
            and value is not None
        ):
            yield pyoxigraph.Quad(_own(subject, prefix), name, _own(value, prefix))  # type: ignore[arg-type]


def _own(term: Term, prefix: str) -> Term:
    return pyoxigraph.BlankNode(f"{prefix}-{term.value}") if isinstance(term, pyoxigraph.BlankNode) else term
