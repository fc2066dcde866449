"""Read FHIR R4 and R5 in JSON, NDJSON and Turtle: bytes in, cases and problems out; nothing is dropped without being counted.

`reading` sorts the resources out and calls the reader of their type: `conditions`, `examinations`, `medications`,
`observations`. Each begins with a table of the elements that it reads. What the codes mean is data of the ontology (`codes`).

| Module | Does |
|---|---|
| `document`, `turtle`, `sources` | bytes → resources in JSON form, bounded and exact |
| `versions`, `releases` | refuse other versions; bring R5 into the form of R4 |
| `entries`, `references` | take Bundles apart; find what a reference points at |
| `statuses`, `dates`, `quantities`, `codes`, `elements`, `context`, `notes` | what the readers share |
| `accounts`, `verdict` | account for every resource; say whether the documents break FHIR |
| `stream`, `lookup` | read a bulk export patient by patient |

Not read here: XML, closure from empty lists and "none known" entries, sides and extents that only a body structure or an
extension states, and units that only a text gives in another spelling than UCUM.
"""

from reasoner.fhir.accounts import Counts, Unused, summed
from reasoner.fhir.notes import UnknownCode
from reasoner.fhir.reading import BASE, FhirReading, read_documents, read_fhir, read_sources
from reasoner.fhir.sources import Source
from reasoner.fhir.stream import stream_exports
from reasoner.fhir.together import read_together
from reasoner.fhir.verdict import FhirVerdict, judge, no_patient

__all__ = [
    "BASE",
    "Counts",
    "FhirReading",
    "FhirVerdict",
    "Source",
    "UnknownCode",
    "Unused",
    "judge",
    "no_patient",
    "read_documents",
    "read_fhir",
    "read_sources",
    "read_together",
    "stream_exports",
    "summed",
]
