"""Answer cases one by one, as `assess` does: the definition that the columns are held to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pyoxigraph import NamedNode

from reasoner.abstraction import CaseState, abstract_case
from reasoner.advice import advise
from reasoner.answering import Records, records_in
from reasoner.cohort.output import Rows, case_rows, problem_rows
from reasoner.differential import rank_conditions
from reasoner.documents import Document, index_of, parse_rdf
from reasoner.entailment import Statuses, entail
from reasoner.moments import Moment
from reasoner.namespaces import RDF
from reasoner.places import Place
from reasoner.program.model import Program
from reasoner.reading import read_cases
from reasoner.record import Case, Index
from reasoner.terms import lc

__all__ = ["Settings", "answer_cases", "answer_text", "read_text"]


_TYPE, _CASE, _HAS_RECORD = RDF + "type", NamedNode(lc("Case")), lc("hasRecord")


@dataclass(frozen=True, slots=True)
class Settings:
    """How a cohort is answered: `as_of` overrules the cases' own instants, `now` stands in where there is none.

    With `nquads` what follows about each case is written, too; then `tell` is what each case's state and statuses are told to.
    """

    as_of: Moment | None
    now: Moment
    shapes: bool = True
    nquads: bool = False
    tell: Callable[[CaseState, Statuses], None] | None = None

    def told(self, state: CaseState, statuses: Statuses) -> None:
        """Tell what is known of a case and what follows, where anyone listens."""
        if self.tell is not None:
            self.tell(state, statuses)

    def moment(self, case: Case) -> Moment:
        """Return the instant at which a case is judged."""
        return self.as_of or case.as_of or self.now


def answer_text(text: bytes, place: Place, program: Program, settings: Settings, rows: Rows) -> Records:
    """Answer the cases in N-Triples; return what was read."""
    index = index_of(parse_rdf(Document(place(""), text, "n-triples")))
    records = _records(index, place, program, settings)
    owners = _owners(index) if records.problems else {}
    for each in records.problems:
        rows["problems"] += problem_rows(owners.get(each.sources[0], "") if each.sources else "", [each])
    answer_cases(records.cases, program, settings, rows)
    return records


def read_text(text: bytes, name: str, program: Program, settings: Settings) -> Records:
    """Return the cases in N-Triples, which may be a part of a file."""
    return _records(index_of(parse_rdf(Document(name, text, "n-triples"))), lambda _: name, program, settings)


def _records(index: Index, place: Place, program: Program, settings: Settings) -> Records:
    return records_in(index, program, place(""), place, whole=False) if settings.shapes else Records(read_cases(index, program))


def _owners(index: Index) -> dict[str, str]:
    """Return the case of each case and record; the empty text for a record of several."""
    found: dict[str, str] = {}
    for node, properties in index.items():
        if isinstance(node, NamedNode) and _CASE in properties.get(_TYPE, ()):
            found[node.value] = node.value
            for target in properties.get(_HAS_RECORD, ()):
                name = target.value if isinstance(target, NamedNode) else str(target)
                found[name] = node.value if found.get(name, node.value) == node.value else ""
    return found


def answer_cases(cases: tuple[Case, ...], program: Program, settings: Settings, rows: Rows) -> None:
    """Answer cases and add what they say to the rows."""
    for case in cases:
        moment = settings.moment(case)
        state = abstract_case(case, program, moment)
        statuses = entail(program, state)
        settings.told(state, statuses)
        case_rows(program, state, advise(program, state, statuses), rank_conditions(program, statuses), moment, rows)
