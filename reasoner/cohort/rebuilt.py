"""Build cases back from columns, for those that must be abstracted alone though they are regular."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from reasoner.cohort.batch import Batch
from reasoner.cohort.lexicon import KINDS, SUBJECT, Ids, Lexicon
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
    record_order,
)
from reasoner.terms import RecordKind, lc

__all__ = ["Rebuilder"]

_DATES = tuple(map(lc, ("onset", "worsened", "ended", "recordedOn")))
_WORDS = tuple(map(lc, ("presence", "side", "recordStatus", "comparator", "interpretation", "responseToStopping")))
_PRESENCE, _SIDE, _STATUS, _COMPARATOR, _INTERPRETATION, _RESPONSE = _WORDS
_ONSET, _WORSENED, _ENDED, _RECORDED = _DATES
_PERFORMED, _STARTED, _VALUE, _UNIT = map(lc, ("performedOn", "started", "value", "unit"))
_LOW, _HIGH, _TEXT, _DOSE = map(lc, ("referenceLow", "referenceHigh", "sourceText", "dose"))
_ATTRIBUTES = tuple(lc(name) for name in ("extent", "completeness", "result"))
_ABOUT = tuple(lc(name) for name in ("asOf", "birthDate", "statedAge"))
_SHOWN = "attributes"
_FORMS: dict[str, tuple[type[Any], tuple[str, ...]]] = {
    RecordKind.FINDING: (FindingRecord, (_PRESENCE, _SIDE, _ONSET, _WORSENED, _ENDED, _RECORDED, _STATUS)),
    RecordKind.MEASUREMENT: (
        MeasurementRecord,
        (_VALUE, _UNIT, _COMPARATOR, _INTERPRETATION, _LOW, _HIGH, _SIDE, _PERFORMED, _STATUS),
    ),
    RecordKind.MEDICATION: (MedicationRecord, (_TEXT, _DOSE, _STARTED, _ENDED, _RESPONSE, _STATUS)),
    RecordKind.EXAMINATION: (ExaminationRecord, (_SHOWN, _SIDE, _PERFORMED, _STATUS)),
    RecordKind.DIAGNOSIS: (DiagnosisRecord, (_PRESENCE, _ONSET, _ENDED, _RECORDED, _STATUS)),
    RecordKind.CLOSURE: (ClosureStatement, (_RECORDED, _STATUS)),
}
"""What a record of each kind is made of, after its name and what it is about."""


class Rebuilder:
    """Build records and cases from the columns of a batch."""

    def __init__(self, batch: Batch, program: Program, lexicon: Lexicon) -> None:
        self.batch, self.lexicon = batch, lexicon
        self.terms = tuple(program.sorts)

    def records(self, places: Ids, nodes: Iterable[str]) -> list[Record]:
        """Return the records at some places, under the given names."""
        batch, names = self.batch, list(nodes)
        kinds = batch.kind[places]
        found: dict[int, Record] = {}
        for kind in set(kinds.tolist()):
            own = np.flatnonzero(kinds == kind)
            build, properties = _FORMS[KINDS[kind]]
            terms = [self.terms[number] for number in batch.term[places[own]].tolist()]
            columns = [self._column(name, places[own]) for name in properties]
            rows = own.tolist()
            built = map(build, map(names.__getitem__, rows), terms, *columns)
            found.update(zip(rows, built, strict=True))
        return [found[row] for row in range(len(names))]

    def _column(self, name: str, places: Ids) -> list[Any]:
        """Return what the records at some places say of a property, or of their attributes together."""
        if name == _SHOWN:
            stated = [(each, self._terms(each, places)) for each in _ATTRIBUTES]
            return [tuple((each, texts[row]) for each, texts in stated if texts[row]) for row in range(len(places))]
        known, absent = self.lexicon.values[name], "" if name in _WORDS or name in (_TEXT, _DOSE) else None
        return [known[number] if number >= 0 else absent for number in self.batch.stated[name][places].tolist()]

    def _terms(self, name: str, places: Ids) -> list[str]:
        known = self.lexicon.terms[name]
        return [known[number].value if number >= 0 else "" for number in self.batch.stated[name][places].tolist()]

    def cases(self, chosen: Ids, problems: dict[int, list[Problem]], kinds: Iterable[str] = KINDS) -> list[Case]:
        """Return the chosen cases, in order, with the problems of their records and with the records of some kinds."""
        batch = self.batch
        wanted = np.zeros(batch.size, dtype=bool)
        wanted[chosen] = True
        of_kind = np.array([*(each in set(kinds) for each in KINDS), False])
        places = np.flatnonzero(wanted[batch.case] & of_kind[batch.kind])
        places = places[np.argsort(batch.case[places], kind="stable")]
        nodes = batch.names.take(pa.array(places)).to_pylist()
        records: dict[int, list[Any]] = {}
        for case, record in zip(batch.case[places].tolist(), self.records(places, nodes), strict=True):
            records.setdefault(case, []).append(record)
        for case, row, remark in batch.remarks:
            if remark.wordy is not None and wanted[case]:
                records.setdefault(case, []).append(replace(remark.wordy, node=batch.names[row].as_py()))
        return [self._case(number, records.get(number, []), problems.get(number, [])) for number in chosen.tolist()]

    def _case(self, number: int, records: list[Any], problems: list[Problem]) -> Case:
        def about(name: str) -> Any:
            found = int(self.batch.about_case[name][number])
            return self.lexicon.values[name][found] if found >= 0 else None

        of_kind: dict[type[Any], list[Any]] = {}
        for each in records:
            of_kind.setdefault(type(each), []).append(each)

        def of(kind: type[Any]) -> tuple[Any, ...]:
            """Return the records of a kind, by what they are about and by name."""
            return tuple(sorted(of_kind.get(kind, ()), key=record_order))

        as_of, birth, age = map(about, _ABOUT)
        subject = int(self.batch.about_case[SUBJECT][number])
        iri = self.batch.cases[number].as_py()
        return Case(
            iri=iri,
            subject=self.batch.subjects[subject].as_py() if subject >= 0 else iri,
            as_of=as_of,
            birth=birth,
            stated_age=None if age is None else int(age),
            findings=of(FindingRecord),
            measurements=of(MeasurementRecord),
            medications=of(MedicationRecord),
            examinations=of(ExaminationRecord),
            diagnoses=of(DiagnosisRecord),
            closures=of(ClosureStatement),
            problems=tuple(problems),
        )
