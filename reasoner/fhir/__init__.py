"""Read FHIR R4 JSON: bytes in, cases and problems out; nothing is dropped without being counted.

Not read here: XML and RDF forms, other versions, closure from empty lists and "none known" entries, sides and extents
that only a body structure or an extension states, and units that only a text gives in another spelling than UCUM.
"""

from reasoner.fhir.accounts import Counts, Unused, summed
from reasoner.fhir.reading import BASE, FhirReading, read_documents, read_fhir, read_sources
from reasoner.fhir.sources import Source
from reasoner.fhir.stream import stream_exports

__all__ = ["BASE", "Counts", "FhirReading", "Source", "Unused", "read_documents", "read_fhir", "read_sources", "stream_exports", "summed"]
