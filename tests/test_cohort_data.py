"""Real patients in a cohort get the answers that they get alone: as FHIR, and as the triples and the rows that say the same."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from cohorts import answered, expected, long_rows, write_rows
from pyoxigraph import Quad, RdfFormat, serialize
from test_fhir import shared_data

from reasoner.answering import read_all, read_records
from reasoner.documents import Document, read_documents
from reasoner.export.graphs import asserted
from reasoner.program import Program
from reasoner.resources import knowledge_folder

AS_OF = datetime(2026, 11, 20, tzinfo=UTC)
SETS = ("fhir-r4-synthea", "fhir-r4-au", "fhir-r4-ecqm-statin", "fhir-r4-mii-de")
MOST = 300_000
"""Bytes of all files of one set that are taken, the smallest first."""


def files() -> list[Path]:
    data = shared_data()
    if data is None:
        pytest.skip("not run: the data of others is not at hand")
    found = sorted((data / "fhir-r4-bulk-ndjson").glob("*.000.ndjson"))
    for name in SETS:
        room = MOST if name != "fhir-r4-synthea" else 2 * MOST
        for path in sorted((data / name).rglob("*.json"), key=lambda each: each.stat().st_size):
            room -= path.stat().st_size
            if room >= 0:
                found.append(path)
    return found


def test_real_patients_get_their_single_answers(tmp_path: Path, knowledge: Program) -> None:
    documents, failures = read_documents(files(), None)
    records = read_all(documents, knowledge, failures=failures)
    triples = dict.fromkeys(asserted(documents, records, knowledge, knowledge_folder())[0])
    text = serialize(triples, format=RdfFormat.N_TRIPLES) or b""
    wanted = expected(read_records(Document("all", text, "n-triples"), knowledge), knowledge, AS_OF)
    sizes = {name: sum(map(len, by_case.values())) for name, by_case in wanted.items()}
    assert sizes["cases"] >= 40 and sizes["differential"] >= 600 and sizes["problems"] >= 40, sizes
    (tmp_path / "all.nt").write_bytes(text)
    rows = write_rows(tmp_path / "all.parquet", long_rows(Quad(*triple) for triple in triples))
    for place, path in enumerate((tmp_path / "all.nt", rows)):
        assert answered(tmp_path / f"out{place}", [path], knowledge, as_of=AS_OF) == wanted
