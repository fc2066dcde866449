"""A bulk export read patient by patient says what it says when it is read at once, in memory that does not grow with it."""

from __future__ import annotations

import json
import random
import tracemalloc
from collections.abc import Iterable
from pathlib import Path

import pytest
from fhir_resources import ATORVASTATIN, PATIENT, POTASSIUM, Json, adds_up, concept, condition, lines, observation, order, resource
from test_fhir import shared_data

from reasoner.errors import InputError, UnsupportedInputError
from reasoner.fhir import Counts, FhirReading, Source, read_sources, stream_exports, summed
from reasoner.program import Program
from reasoner.record import Case

MRN = "http://example.org/mrn"


def written(folder: Path, resources: Iterable[Json | str]) -> list[Path]:
    """Write an export with a file per resource type."""
    files: dict[str, list[Json | str]] = {}
    for each in resources:
        files.setdefault("log" if isinstance(each, str) else each["resourceType"], []).append(each)
    bad = files.pop("log", [])
    paths = []
    for place, (kind, members) in enumerate(sorted(files.items())):
        paths.append(folder / f"{kind}.ndjson")
        paths[-1].write_bytes(lines(*members, *(bad if place == 0 else ())) + b"\n")
    return paths


def streamed(paths: list[Path], knowledge: Program) -> tuple[list[Case], Counts, list[FhirReading]]:
    readings = list(stream_exports(paths, knowledge))
    counts = summed(each.counts for each in readings)
    assert adds_up(counts)
    assert all(adds_up(each.counts) for each in readings)
    return sorted((case for each in readings for case in each.cases), key=lambda case: case.iri), counts, readings


def at_once(paths: list[Path], knowledge: Program) -> FhirReading:
    return read_sources([Source(str(path), path.read_bytes(), "ndjson") for path in paths], knowledge)


def export(seed: int) -> list[Json | str]:
    """Return resources of some patients, in any order, referring to each other in every way that an export allows."""
    chance = random.Random(seed)
    medications: list[Json] = [
        {"resourceType": "Medication", "id": "m1", "code": concept(ATORVASTATIN)},
        {"resourceType": "Medication", "id": "m2", "ingredient": [{"itemReference": {"reference": "Substance/s"}}]},
        {"resourceType": "Substance", "id": "s", "code": concept(ATORVASTATIN)},
        {"resourceType": "Organization", "id": "o"},
    ]
    found: list[Json | str] = [*medications, "{]", '{"exportId": "e"}']
    for number in range(chance.randrange(1, 6)):
        found.append(PATIENT | {"id": f"p{number}", "identifier": [{"system": MRN, "value": str(number)}]})
        for each in range(chance.randrange(5)):
            reference = chance.choice(
                [
                    {"reference": f"Patient/p{number}"},
                    {"reference": f"Patient/p{number}/_history/2"},
                    {"reference": f"https://ehr.example.org/fhir/Patient/p{number}"},
                    {"reference": f"Patient?identifier={MRN}|{number}"},
                    {"type": "Patient", "identifier": {"system": MRN, "value": str(number)}},
                    {"reference": "Patient/none"},
                    {"reference": "Group/p1"},
                ]
            )
            named = chance.choice([{"medicationReference": {"reference": f"Medication/m{chance.choice('123')}"}}, {}])
            taken = order(medicationCodeableConcept=None) | named if named else order()
            requests = [resource("ServiceRequest"), resource("ServiceRequest", doNotPerform="perhaps")]
            what = chance.choice([taken, condition(), observation(POTASSIUM, valueQuantity={"value": 4}), *requests])
            found.append(what | {"id": f"x{number}-{each}", "subject": reference})
    chance.shuffle(found)
    return found


@pytest.mark.parametrize("seed", range(60))
def test_streaming_changes_nothing_but_the_memory(knowledge: Program, tmp_path: Path, seed: int) -> None:
    paths = written(tmp_path, export(seed))
    cases, counts, _ = streamed(paths, knowledge)
    whole = at_once(paths, knowledge)
    assert cases == list(whole.cases)
    assert (counts.entries, counts.patients, counts.definitions, counts.recorded) == (
        whole.counts.entries,
        whole.counts.patients,
        whole.counts.definitions,
        whole.counts.recorded,
    )
    assert (counts.unused, counts.records) == (whole.counts.unused, whole.counts.records)


def test_the_public_export_streams_to_the_same_cases(knowledge: Program) -> None:
    data = shared_data()
    if data is None:
        pytest.skip("not run: the data of others is not at hand")
    paths = sorted((data / "fhir-r4-bulk-ndjson").glob("*.000.ndjson"))
    cases, counts, readings = streamed(paths, knowledge)
    whole = at_once(paths, knowledge)
    assert (cases, len(cases), counts.unused) == (list(whole.cases), 13, whole.counts.unused)
    assert all(len(each.cases) == 1 for each in readings[:-1])


def test_memory_does_not_grow_with_the_number_of_patients(knowledge: Program, tmp_path: Path) -> None:
    peaks = []
    for number in (50, 500):
        (tmp_path / str(number)).mkdir()
        members: list[Json | str] = [PATIENT | {"id": f"p{each}"} for each in range(number)]
        shared = {"medicationCodeableConcept": None, "medicationReference": {"reference": "Medication/m"}}
        members += [
            order(id=f"o{each}", subject={"reference": f"Patient/p{each % number}"}, note=[{"text": "x" * 500}], **shared)
            for each in range(4 * number)
        ]
        members += [{"resourceType": "Medication", "id": "m", "code": concept(ATORVASTATIN)}] * number
        members += [resource("Encounter", f"e{each}") for each in range(number)]
        paths = written(tmp_path / str(number), members)
        tracemalloc.start()
        assert sum(len(case.medications) for each in stream_exports(paths, knowledge) for case in each.cases) == 4 * number
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0] + 100_000


def test_a_bundle_per_line_is_one_patient(knowledge: Program, tmp_path: Path) -> None:
    def bundled(*members: Json) -> Json:
        return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": each} for each in members]}

    path = tmp_path / "all.ndjson"
    path.write_bytes(lines(bundled(PATIENT, order()), bundled(PATIENT | {"id": "q"}), bundled(condition()), bundled()))
    cases, _, _ = streamed([path], knowledge)
    assert cases == list(at_once([path], knowledge).cases)
    assert [(len(each.medications), len(each.diagnoses)) for each in cases] == [(1, 1), (0, 0)]
    path.write_bytes(lines(bundled(PATIENT, PATIENT | {"id": "q"})))
    with pytest.raises(UnsupportedInputError, match="several patients"):
        list(stream_exports([path], knowledge))


def test_patients_without_an_id_stay_apart(knowledge: Program, tmp_path: Path) -> None:
    nameless = {"resourceType": "Patient"}
    path = tmp_path / "all.ndjson"
    path.write_bytes(lines(nameless, nameless, order(contained=[nameless | {"id": "c"}], subject={"reference": "#c"})))
    cases, counts, _ = streamed([path], knowledge)
    assert len({case.iri for case in cases}) == counts.patients == 3
    assert sum(len(case.medications) for case in cases) == 1


def test_a_patient_or_line_above_the_limit_is_named_and_the_others_are_read(knowledge: Program, tmp_path: Path) -> None:
    path = tmp_path / "all.ndjson"
    long = [condition(id=f"c{each}", note=[{"text": "x" * 500}]) for each in range(3)]
    path.write_bytes(
        lines(
            PATIENT,
            *long,
            PATIENT | {"id": "q"},
            order(id="o", note=[{"text": "x" * 2000}]),
            order(id="l", subject={"reference": "Patient/q"}),
        )
    )
    readings = list(stream_exports([path], knowledge, largest=1500))
    assert [len(case.medications) for each in readings for case in each.cases] == [1]
    assert {(each.reason, each.count) for reading in readings for each in reading.counts.unused} == {
        ("too-large", 4),
        ("malformed-line", 1),
    }
    assert summed(each.counts for each in readings).entries == 7


def test_a_patient_whose_medicines_are_above_the_limit_is_named(knowledge: Program, tmp_path: Path) -> None:
    medicine = {"resourceType": "Medication", "id": "m", "code": concept(ATORVASTATIN)}
    path = tmp_path / "all.ndjson"
    many = [medicine | {"note": f"{each}" * 500} for each in range(3)]
    path.write_bytes(lines(PATIENT, order(medicationCodeableConcept=None, medicationReference={"reference": "Medication/m"}), *many))
    counts = summed(each.counts for each in stream_exports([path], knowledge, largest=1500))
    assert [(each.reason, each.count) for each in counts.unused] == [("too-large", 2)]
    assert (counts.entries, counts.definitions) == (5, 3)


def test_another_version_or_a_missing_file_is_refused_before_anything_is_read(knowledge: Program, tmp_path: Path) -> None:
    path = tmp_path / "all.ndjson"
    path.write_bytes(lines(PATIENT, condition(clinicalStatus="active")))
    with pytest.raises(UnsupportedInputError, match="STU3"):
        next(stream_exports([path], knowledge))
    with pytest.raises(InputError, match="cannot be read"):
        next(stream_exports([path, tmp_path / "none.ndjson"], knowledge))
    path.write_text(json.dumps({"exportId": "e"}))
    with pytest.raises(UnsupportedInputError, match="no FHIR resource"):
        next(stream_exports([path], knowledge))
