"""A cohort is answered as its cases are alone: same tables from every form of input, wherever it is cut, whole or not at all."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cohorts import VIGNETTES, Tables, answered, answers, lines_of, long_rows, tables, write_rows
from pyoxigraph import BlankNode, RdfFormat, parse
from record_documents import Command, command_for

from reasoner.cohort import answer_cohort, sources
from reasoner.errors import IncompleteError, InputError, UsageError
from reasoner.program import Program

CASE = "<https://example.org/x/{0}>"
LC = "https://w3id.org/legcramps/ontology/"
TYPE = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"


@pytest.fixture(scope="module")
def lines() -> list[str]:
    return lines_of()


@pytest.fixture(scope="module")
def alone(lines: list[str], knowledge: Program) -> Tables:
    return answers("".join(lines), knowledge)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], knowledge: Program) -> Command:
    return command_for(monkeypatch, capsys, knowledge)


@pytest.fixture
def short_stretches(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sources, "_STRETCH", 30_000)
    yield


def write(path: Path, lines: list[str]) -> Path:
    path.write_text("".join(lines), encoding="utf-8")
    return path


def differing(found: Tables, wanted: Tables) -> dict[str, Any]:
    """Return the first difference of each table."""
    return {
        name: next(
            (
                (case, found[name].get(case), wanted[name].get(case))
                for case in {*wanted[name], *found[name]}
                if found[name].get(case) != wanted[name].get(case)
            ),
            None,
        )
        for name in wanted
        if found[name] != wanted[name]
    }


def test_enough_cases_are_compared(alone: Tables) -> None:
    assert len(alone["cases"]) >= 300
    assert all(sum(map(len, alone[name].values())) >= 50 for name in alone)


def test_triples_give_the_single_answers(tmp_path: Path, lines: list[str], alone: Tables, knowledge: Program) -> None:
    assert not differing(answered(tmp_path / "out", [write(tmp_path / "all.nt", lines)], knowledge), alone)


def test_stretches_give_the_single_answers(
    tmp_path: Path, lines: list[str], alone: Tables, knowledge: Program, short_stretches: None
) -> None:
    found = answered(tmp_path / "out", [write(tmp_path / "all.nt", lines)], knowledge, jobs=2)
    assert len(list((tmp_path / "out" / "cases").iterdir())) > 20
    assert not differing(found, alone)


def test_quads_give_the_single_answers(tmp_path: Path, lines: list[str], alone: Tables, knowledge: Program) -> None:
    quads = [line[:-2] + (f"<https://example.org/graph{place % 2}> .\n" if place % 3 else ".\n") for place, line in enumerate(lines)]
    assert not differing(answered(tmp_path / "out", [write(tmp_path / "all.nq", quads)], knowledge), alone)


def test_rows_give_the_single_answers(tmp_path: Path, alone: Tables, knowledge: Program) -> None:
    rows = []
    for path in VIGNETTES:
        quads = list(parse(path=str(path), format=RdfFormat.TURTLE, base_iri="http://localhost/"))
        try:
            rows += long_rows(quads)
        except (AssertionError, KeyError):
            continue
        if any(isinstance(term, BlankNode) for quad in quads for term in (quad.subject, quad.object)):
            rows = [row for row in rows if row["case"] != quads[0].subject.value]
    named = {str(row["case"]) for row in rows}
    assert len(named) >= 290
    found = answered(tmp_path / "out", [write_rows(tmp_path / "all.parquet", rows, 100)], knowledge)
    assert set(found["cases"]) == set(alone["cases"]) & named
    wanted = {name: {case: by_case[case] for case in by_case if case in found["cases"]} for name, by_case in alone.items()}
    found["problems"].pop("", None)
    wanted["problems"].pop("", None)
    assert not differing(found, wanted)


def test_the_order_of_lines_within_a_stretch_says_nothing(tmp_path: Path, lines: list[str], alone: Tables, knowledge: Program) -> None:
    mixed = random.Random(0).sample(lines, len(lines))
    assert not differing(answered(tmp_path / "out", [write(tmp_path / "all.nt", mixed)], knowledge), alone)


def small(name: str, *records: str) -> list[str]:
    """Return a case with records, each given as the rest of its lines, `R` standing for the record."""
    case = CASE.format(name)
    text = [f"{case} {TYPE} <{LC}Case> .\n", f'{case} <{LC}asOf> "2026-11-20T09:00:00Z"^^<http://www.w3.org/2001/XMLSchema#dateTime> .\n']
    for place, said in enumerate(records):
        record = CASE.format(f"{name}/{place}")
        text += [f"{case} <{LC}hasRecord> {record} .\n", *(f"{record} {each} .\n" for each in said.split(" ; "))]
    return text


CRAMPS = f"{TYPE} <{LC}FindingRecord> ; <{LC}ofFinding> <{LC}LegCramp> ; <{LC}presence> <{LC}_Presence_present>"
"""A record that breaks no shape."""


def test_every_unusual_line_counts(tmp_path: Path, knowledge: Program) -> None:
    said = [
        f'{CRAMPS} ; <{LC}sourceText> "two words, \\"quoted\\""@en',
        f"{CRAMPS} ; <{LC}side> <{LC}_Side_both> ; <{LC}side> <{LC}_Side_left>",
        f'{CRAMPS} ; <{LC}onset> "2026-13-45"^^<http://www.w3.org/2001/XMLSchema#date>',
        f'{CRAMPS} ; <{LC}onset> "2026-11-01"^^<http://www.w3.org/2001/XMLSchema#string>',
        f'{CRAMPS} ; <{LC}colour> "red"',
        f'{CRAMPS} ; <http://example.org/été> "naïve"',
        f'{TYPE} <{LC}MeasurementRecord> ; <{LC}ofTest> <{LC}Nothing> ; <{LC}value> "NaN"^^<http://www.w3.org/2001/XMLSchema#decimal>',
        f"{CRAMPS} ; <{LC}presence>\t<{LC}_Presence_present>",
    ]
    lines = [line for place, each in enumerate(said) for line in small(f"c{place}", CRAMPS, each)]
    lines += [
        f"_:b1 {TYPE} <{LC}Case> .\n",
        "\n",
        "# a remark .\n",
        f"_:b1 <{LC}hasRecord> _:b2 .\n",
        f"_:b2 {CRAMPS.split(' ; ')[0]} .\r\n",
    ]
    lines += [
        f"{CASE.format('lone')} {TYPE} <{LC}FindingRecord> .\n",
        *small("linked")[:-1],
        f"{CASE.format('linked')} <{LC}hasRecord> {CASE.format('c0/0')} .\n",
    ]
    assert not differing(answered(tmp_path / "out", [write(tmp_path / "odd.nt", lines)], knowledge), answers("".join(lines), knowledge))


def test_a_malformed_line_costs_its_own_case_only(tmp_path: Path, command: Command, knowledge: Program) -> None:
    lines = [
        *small("good", CRAMPS),
        *small("bad", CRAMPS),
        f"{CASE.format('bad/0')} <{LC}side> nothing .\n",
        "gibberish\n",
        *small("end", CRAMPS),
    ]
    outcome = command("cohort", write(tmp_path / "bad.nt", lines), "--out", tmp_path / "out")
    assert (outcome.code, outcome.out) == (1, f"3 cases: 2 answered, 1 rejected; 2 problems; tables in {tmp_path / 'out'}\n")
    found = tables(tmp_path / "out")
    assert sorted(found["cases"]) == ["https://example.org/x/end", "https://example.org/x/good"]
    assert [(row["code"], row["sources"]) for row in found["problems"][""]] == [
        ("malformed-line", ["https://example.org/x/bad/0"]),
        ("malformed-line", []),
    ]


def test_a_case_that_stands_in_two_stretches_is_whole(tmp_path: Path, knowledge: Program, short_stretches: None) -> None:
    lines = [line for place in range(60) for line in small(f"p{place}", *[CRAMPS] * 3)]
    path = write(tmp_path / "all.nt", lines)
    assert path.stat().st_size > 3 * sources._STRETCH
    assert not differing(answered(tmp_path / "out", [path], knowledge), answers("".join(lines), knowledge))
    counts = json.loads((tmp_path / "out" / "manifest.json").read_text())["counts"]
    assert (counts["cases"], counts["answered"], counts["rejected"]) == (60, 60, 0)


def test_a_far_scattered_file_is_refused_not_misread(tmp_path: Path, lines: list[str], knowledge: Program, short_stretches: None) -> None:
    mixed = random.Random(1).sample(lines, len(lines))
    with pytest.raises(IncompleteError):
        answer_cohort([write(tmp_path / "all.nt", mixed)], tmp_path / "out", knowledge)
    assert not (tmp_path / "out").exists()


def test_the_output_is_there_when_all_is_done(tmp_path: Path, knowledge: Program) -> None:
    path = write(tmp_path / "one.nt", small("one", CRAMPS))
    summary = answer_cohort([path], tmp_path / "out", knowledge)
    assert (summary.cases, summary.answered) == (1, 1)
    assert answer_cohort([path], tmp_path / "out", knowledge) == summary
    with pytest.raises(UsageError):
        answer_cohort([path], tmp_path / "out", knowledge, shapes=False)
    with pytest.raises(InputError):
        answer_cohort([tmp_path / "none.nt"], tmp_path / "other", knowledge)
    with pytest.raises(InputError):
        answer_cohort([write(tmp_path / "empty.nt", [])], tmp_path / "other", knowledge)
    (tmp_path / "empty.nt").unlink()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["one.nt", "out"]
