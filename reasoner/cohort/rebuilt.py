"""Build cases back from columns, for those that must be answered alone though they are regular."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from reasoner.cohort.batch import Batch
from reasoner.cohort.lexicon import KINDS, Lexicon
from reasoner.program.model import Program
from reasoner.record import (
    Case,
    ClosureStatement,
    DiagnosisRecord,
    ExaminationRecord,
    FindingRecord,
    MeasurementRecord,
    MedicationRecord,
    Problem,
    Record,
)
from reasoner.terms import RecordKind, lc

__all__ = ["Rebuilder"]

_ATTRIBUTES = tuple(lc(name) for name in ("extent", "completeness", "result"))


class _Row(NamedTuple):
    """One record of a batch, whose values are looked up by local name."""

    batch: Batch
    lexicon: Lexicon
    place: int

    def __call__(self, name: str, absent: Any = None) -> Any:
        number = int(self.batch.stated[lc(name)][self.place])
        return self.lexicon.values[lc(name)][number] if number >= 0 else absent

    def word(self, name: str) -> str:
        found: str = self(name, "")
        return found


class Rebuilder:
    """Build records and cases from the columns of a batch."""

    def __init__(self, batch: Batch, program: Program, lexicon: Lexicon) -> None:
        self.batch, self.lexicon = batch, lexicon
        self.terms = tuple(program.sorts)

    def record(self, place: int, node: str) -> Record:
        """Return the record at a place, under a name."""
        row, term = _Row(self.batch, self.lexicon, place), self.terms[self.batch.term[place]]
        side, status = row.word("side"), row.word("recordStatus")
        match KINDS[self.batch.kind[place]]:
            case RecordKind.FINDING:
                begun = row("onset"), row("worsened")
                return FindingRecord(node, term, row.word("presence"), side, *begun, row("ended"), row("recordedOn"), status)
            case RecordKind.MEASUREMENT:
                limits = row("referenceLow"), row("referenceHigh")
                said = row("value"), row("unit"), row.word("comparator"), row.word("interpretation")
                return MeasurementRecord(node, term, *said, *limits, side, row("performedOn"), status)
            case RecordKind.EXAMINATION:
                return ExaminationRecord(node, term, self._attributes(place), side, row("performedOn"), status)
            case RecordKind.MEDICATION:
                said_of = row.word("sourceText"), row.word("dose"), row("started"), row("ended")
                return MedicationRecord(node, term, *said_of, row.word("responseToStopping"), status)
            case RecordKind.DIAGNOSIS:
                course = row("onset"), row("ended"), row("recordedOn")
                return DiagnosisRecord(node, term, row.word("presence"), *course, status)
        return ClosureStatement(node, term, row("recordedOn"), status)

    def _attributes(self, place: int) -> tuple[tuple[str, str], ...]:
        numbers = ((name, int(self.batch.stated[name][place])) for name in _ATTRIBUTES)
        return tuple((name, self.lexicon.terms[name][number].value) for name, number in numbers if number >= 0)

    def cases(self, chosen: Iterable[int], problems: dict[int, list[Problem]]) -> list[Case]:
        """Return the chosen cases, with the problems of their records."""
        self.wordy: dict[int, list[MedicationRecord]] = {}
        for case, row, remark in self.batch.remarks:
            if remark.wordy is not None:
                self.wordy.setdefault(case, []).append(remark.wordy._replace(node=self.batch.names[row].as_py()))
        order = np.argsort(self.batch.case, kind="stable")
        bounds = np.searchsorted(self.batch.case[order], np.arange(self.batch.size + 1))
        return [self._case(number, order[bounds[number] : bounds[number + 1]].tolist(), problems.get(number, [])) for number in chosen]

    def _case(self, number: int, places: list[int], problems: list[Problem]) -> Case:
        records = [self.record(place, self.batch.names[self.batch.origin[place]].as_py()) for place in places]
        records += self.wordy.get(number, [])

        def about(name: str) -> Any:
            found = int(self.batch.about_case[lc(name)][number])
            return self.lexicon.values[lc(name)][found] if found >= 0 else None

        def of(kind: type[Any], name: str) -> tuple[Any, ...]:
            return tuple(
                sorted((each for each in records if isinstance(each, kind)), key=lambda each: (getattr(each, name) or "", each.node))
            )

        iri, age = self.batch.cases[number].as_py(), about("statedAge")
        return Case(
            iri=iri,
            subject=about("hasSubject") or iri,
            as_of=about("asOf"),
            birth=about("birthDate"),
            stated_age=None if age is None else int(age),
            findings=of(FindingRecord, "finding"),
            measurements=of(MeasurementRecord, "test"),
            medications=of(MedicationRecord, "drug"),
            examinations=of(ExaminationRecord, "test"),
            diagnoses=of(DiagnosisRecord, "condition"),
            closures=of(ClosureStatement, "closes"),
            problems=tuple(problems),
        )
