"""Answer cases one by one, as `assess` does: the definition that the columns are held to."""

from __future__ import annotations

import re
from dataclasses import dataclass

from reasoner.abstraction import abstract_case
from reasoner.advice import advise
from reasoner.answering import Records, read_records
from reasoner.cohort.output import Rows, case_rows, empty_rows, problem_rows
from reasoner.differential import rank_conditions
from reasoner.documents import Document, index_of, parse_rdf
from reasoner.entailment import entail
from reasoner.moments import Moment
from reasoner.program.model import Program
from reasoner.reading import read_cases
from reasoner.record import Case

__all__ = ["Settings", "answer_cases", "answer_text"]


@dataclass(frozen=True, slots=True)
class Settings:
    """How a cohort is answered: `as_of` overrules the cases' own instants, `now` stands in where there is none."""

    as_of: Moment | None
    now: Moment
    shapes: bool = True

    def moment(self, case: Case) -> Moment:
        """Return the instant at which a case is judged."""
        return self.as_of or case.as_of or self.now


def answer_text(text: bytes, name: str, program: Program, settings: Settings, rows: Rows) -> Records:
    """Answer the cases in N-Triples, which holds at least one; return what was read."""
    document = Document(name, text, "n-triples")
    records = read_records(document, program) if settings.shapes else Records(read_cases(index_of(parse_rdf(document)), program))
    found = empty_rows()
    found["problems"] += problem_rows("", records.problems)
    answer_cases(records.cases, program, settings, found)
    place = re.compile(rf"^{re.escape(name)}:[0-9]+: ")  # lines are those of this extract
    found["problems"] = [(*row[:3], place.sub(f"{name}: ", row[3]), *row[4:]) for row in found["problems"]]
    for table, more in found.items():
        rows[table] += more
    return records


def answer_cases(cases: tuple[Case, ...], program: Program, settings: Settings, rows: Rows) -> None:
    """Answer cases and add what they say to the rows."""
    for case in cases:
        moment = settings.moment(case)
        state = abstract_case(case, program, moment)
        statuses = entail(program, state)
        case_rows(program, state, advise(program, state, statuses), rank_conditions(program, statuses), moment, rows)
