"""Write the patients of a synthetic cohort as FHIR R4: newline-delimited, one Bundle for each patient.

FHIR states no as-of instant of a patient, so all are drawn for one instant, which `assess` and `cohort` must be told. What else
it cannot state is left out: closure statements, ages without a date of birth, and records that break a shape.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import IO

from reasoner.answering import read_records
from reasoner.cohort.long_table import statements
from reasoner.cohort.synthetic.drawing import Chunk
from reasoner.cohort.synthetic.plan import Plan
from reasoner.cohort.synthetic.writing import BASE_IRI, case_iri, patients_of
from reasoner.documents import Document
from reasoner.export.fhir_json import entry, fhir_text, full
from reasoner.export.fhir_records import CaseWriter
from reasoner.export.fhir_terms import Coder
from reasoner.moments import from_datetime
from reasoner.program.model import Program

__all__ = ["FhirWriter"]

_PATIENT = "patient-number"
_RECORD = "record-number"
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_BREAK = re.compile(rb"\n *")


class FhirWriter:
    """Writes Bundles; what each variant says is prepared when it is first needed."""

    def __init__(self, file: IO[bytes], plan: Plan, as_of: datetime, program: Program) -> None:
        self._file, self._plan, self._program, self._as_of = file, plan, program, as_of
        self._coder = Coder(program)
        self._known: dict[int, tuple[str, int]] = {}

    def write(self, chunk: Chunk) -> None:
        """Write the patients of a chunk."""
        lines = []
        for number, _, birth, _, variants in patients_of(chunk):
            name = f"{number:08}"
            resources, place = [self._patient(number, birth)], 0
            for variant in variants:
                text, records = self._resources(variant)
                if text:
                    text = text.replace(_PATIENT, name)
                    for record in range(records):
                        place += 1
                        text = text.replace(f"{_RECORD}-{record}-", f"r{place}").replace(
                            f"00000000-{record:04x}-", f"{number:08x}-{place:04x}-"
                        )
                    resources.append(text)
            lines.append(f'{{"resourceType":"Bundle","type":"collection","entry":[{",".join(resources)}]}}\n')
        self._file.write("".join(lines).encode())

    def close(self) -> None:
        """Do nothing: every chunk is whole."""

    def _patient(self, number: int, birth: str | None) -> str:
        iri = case_iri(number)
        subject = [{"system": "urn:ietf:rfc:3986", "value": iri + "/patient"}]
        return _compact(entry(full(resourceType="Patient", id=f"{number:08}", identifier=subject, birthDate=birth), iri))

    def _resources(self, variant: int) -> tuple[str, int]:
        """Return the entries of a variant, comma between, with marks in place of names, and how many records they stand for."""
        if variant not in self._known:
            self._known[variant] = self._prepared(variant)
        return self._known[variant]

    def _prepared(self, variant: int) -> tuple[str, int]:
        drafts = self._plan.variants[variant].drafts
        about = {"case": BASE_IRI + _PATIENT}
        lines = [
            line
            for place, draft in enumerate(drafts)
            for line in statements(about | draft.row(self._as_of) | {"record": f"{BASE_IRI}{_PATIENT}/{_RECORD}-{place}-"})
        ]
        document = Document("", "".join(dict.fromkeys(lines)).encode(), "n-triples")
        case = read_records(document, self._program).cases[0]
        entries = list(CaseWriter(case, self._coder, from_datetime(self._as_of), set()).entries())[1:]
        texts = [_compact(each) for each in entries]
        names = list(dict.fromkeys(name for text in texts for name in _UUID.findall(text)))
        for place, name in enumerate(names):
            made = f"00000000-{min(place, len(drafts) - 1):04x}-4000-8000-{place:012x}"
            texts = [text.replace(name, made) for text in texts]
        return ",".join(texts), len(drafts)


def _compact(element: dict[str, object]) -> str:
    return _BREAK.sub(b"", fhir_text(element)).decode()
