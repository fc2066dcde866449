"""A cohort is answered as its cases are alone: same tables from every form of input, wherever it is cut, whole or not at all."""

from __future__ import annotations

import gzip
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from cohorts import VIGNETTES, Tables, answered, answers, expected, lines_of, long_rows, tables, write_rows
from pyarrow import parquet
from pyoxigraph import BlankNode, RdfFormat, parse
from record_documents import Command, command_for

from reasoner import load_records
from reasoner.abstraction.exposures import exposure_facts
from reasoner.answering import Records, read_records
from reasoner.cohort import answer_cohort, parts, run, sources, together
from reasoner.cohort.batch import Batch
from reasoner.cohort.planes import Facts, Planes
from reasoner.cohort.stating import stated_facts
from reasoner.cohort.synthetic.generate import generate
from reasoner.cohort.synthetic.settings import read_settings
from reasoner.documents import Document, index_of, parse_rdf
from reasoner.errors import IncompleteError, InputError, UsageError
from reasoner.program import Program
from reasoner.reading import read_cases

ROOT = Path(__file__).parent.parent
DRAWN = 300
CASE = "<https://example.org/x/{0}>"
LC = "https://w3id.org/legcramps/ontology/"
XSD_DATE = "http://www.w3.org/2001/XMLSchema#date"
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


def test_folders_of_documents_give_the_single_answers(tmp_path: Path, alone: Tables, knowledge: Program) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for path in VIGNETTES:
        (folder / f"{path.parent.name}.ttl").write_bytes(path.read_bytes())
    (folder / "broken.ttl").write_text("nothing <", encoding="utf-8")
    (folder / "bundle.json").write_bytes((ROOT / "docs" / "examples" / "bundle.json").read_bytes())
    found = answered(tmp_path / "out", [folder], knowledge, jobs=2)
    bundle = {case.iri for case in load_records([folder / "bundle.json"], knowledge).cases}
    assert [row["code"] for row in found["problems"][""]].count("unreadable-file") == 1
    assert set(found["cases"]) - set(alone["cases"]) == bundle
    assert not differing(
        *(
            {name: {case: rows for case, rows in by_case.items() if case not in {"", *bundle}} for name, by_case in each.items()}
            for each in (found, alone)
        )
    )


def test_files_without_a_case_are_named(tmp_path: Path, knowledge: Program, short_stretches: None) -> None:
    """Records whose case is in another of the documents that are read together are no such file."""
    folder = tmp_path / "in"
    folder.mkdir()
    odd = [f'{CASE.format(f"none/{number}")} <{LC}note> "nothing" .\n' for number in range(30)]
    split = small("split", CRAMPS)
    files = {
        "good.nt": small("good", CRAMPS),
        "none.nt": odd,
        "empty.nq": [],
        "none.ttl": odd,
        "case.ttl": split[:3],
        "record.ttl": split[3:],
    }
    for name, lines in files.items():
        write(folder / name, lines)
    write_rows(folder / "none.parquet", [{"case": None}])
    summary = answer_cohort([folder], tmp_path / "out", knowledge)
    rows = tables(tmp_path / "out")["problems"][""]
    told = [Path(row["text"].partition(":")[0]).name for row in rows if row["code"] == "file-without-case"]
    assert sorted(told) == ["empty.nq", "none.nt", "none.ttl"]
    assert [row["code"] for row in rows if row["code"] != "file-without-case"] == ["row-without-case"]
    assert (summary.cases, summary.rejected, summary.malformed, summary.broken) == (2, 0, 1, False)
    assert summary.problems == 4


def test_problems_name_the_document_and_the_line(tmp_path: Path, knowledge: Program) -> None:
    """Documents that are read together are named apart, as columns and one by one."""
    folder = tmp_path / "in"
    folder.mkdir()
    late = CRAMPS + f' ; <{LC}onset> "2027-01-01"^^<{XSD_DATE}>'
    broken = CRAMPS.replace("_Presence_present", "_Presence_perhaps")
    for name, records in {"a": [CRAMPS, broken], "b": [broken], "c": [late, broken]}.items():
        write(folder / f"{name}.ttl", ["# a comment\n", *small(name, *records)])
    answer_cohort([folder], tmp_path / "out", knowledge)
    rows = parquet.read_table(tmp_path / "out" / "problems").to_pylist()
    places = sorted({row["text"].split(": ")[0] for row in rows if " breaks " in row["text"]})
    assert [place.rpartition("/")[2] for place in places] == ["a.ttl:9", "b.ttl:5", "c.ttl:10"]


def described_twice(folder: Path, first: str, second: str) -> list[Path]:
    """Write two files: both describe `same` alike and `both` differently, and each a case of its own."""
    folder.mkdir()
    alike, other = small("same", CRAMPS, CRAMPS), f'{CASE.format("both")} <{LC}birthDate> "1950-01-01"^^<{XSD_DATE}> .\n'
    texts = ([*small("both", CRAMPS), *alike, *small("a", CRAMPS)], [*alike, *small("both", CRAMPS), other, *small("b", CRAMPS)])
    found = []
    for name, lines in zip((first, second), texts, strict=True):
        path = folder / name
        if path.suffix == ".parquet":
            quads = parse("".join(lines), format=RdfFormat.N_TRIPLES)
            found.append(write_rows(path, long_rows(quads)))
        else:
            found.append(write(path, lines))
    return found


@pytest.mark.parametrize(
    ("first", "second", "stretch"),
    [("a.nt", "b.nt", 300), ("a.ttl", "b.ttl", 300), ("a.nt", "b.ttl", 1 << 20), ("a.nq", "b.parquet", 300)],
)
def test_a_case_in_two_files_is_answered_once_or_named(
    first: str, second: str, stretch: int, tmp_path: Path, knowledge: Program, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `assess` has it: who is described alike is answered once, who is described differently is named, and nobody else suffers."""
    monkeypatch.setattr(sources, "_STRETCH", stretch)
    paths = described_twice(tmp_path / "in", first, second)
    outcome = command("cohort", *paths, "--out", tmp_path / "out", "--nquads", "--jobs", "1")
    assert (outcome.code, outcome.out) == (1, f"4 cases: 3 answered, 1 rejected; 1 problems; tables in {tmp_path / 'out'}\n")
    found = tables(tmp_path / "out")
    texts = [path.read_text() for path in described_twice(tmp_path / "alone", "a.ttl", "b.ttl")]
    read = load_records([write(tmp_path / f"{place}.ttl", [text]) for place, text in enumerate(texts)], knowledge)
    wanted = expected(read, knowledge)
    assert [row["code"] for row in wanted["problems"].pop("")] == ["case-described-twice"]
    [problem] = problems_of(tmp_path / "out", "https://example.org/x/both")
    assert found["problems"].pop("") == [{**problem, "case": ""}]
    assert problem["code"] == "case-described-twice" and all(str(path) in problem["text"] for path in paths)
    assert found == wanted and sorted(found["cases"]) == [f"https://example.org/x/{name}" for name in ("a", "b", "same")]
    quads = [line for path in (tmp_path / "out" / "inferred").glob("part-*") for line in gzip.decompress(path.read_bytes()).splitlines()]
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert len(quads) == len(set(quads)) == manifest["quads"] and b"<https://example.org/x/both>" not in {line.split()[0] for line in quads}
    assert manifest["tables"] == {name: sum(map(len, by_case.values())) + (name == "problems") for name, by_case in found.items()}


def test_a_run_that_stops_while_it_settles_cases_described_twice_is_finished(
    tmp_path: Path, knowledge: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = described_twice(tmp_path / "in", "a.nt", "b.parquet")
    answer_cohort(paths, tmp_path / "whole", knowledge)
    write_table = parts._write_table
    for number in (15, 22, 29):  # the tables of two chunks, then those of both anew, then the problem
        done: list[Path] = []

        def halted(path: Path, table: pa.Table, done: list[Path] = done, number: int = number) -> None:
            done.append(path)
            if len(done) == number:
                raise KeyboardInterrupt
            write_table(path, table)

        with monkeypatch.context() as patched:
            patched.setattr(parts, "_write_table", halted)
            with pytest.raises(KeyboardInterrupt):
                answer_cohort(paths, tmp_path / f"out{number}", knowledge)
        assert not (tmp_path / f"out{number}").exists()
        answer_cohort(paths, tmp_path / f"out{number}", knowledge)
        assert contents(tmp_path / f"out{number}") == contents(tmp_path / "whole")


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


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory, knowledge: Program) -> dict[str, Path]:
    """Return a synthetic cohort as triples and as rows."""
    folder = tmp_path_factory.mktemp("drawn")
    found = {}
    for name, form in (("all.nt", "ntriples"), ("all.parquet", "parquet")):
        found[form] = folder / name
        generate(knowledge, read_settings(ROOT), found[form], count=DRAWN, seed=5, output_format=form)
    return found


@pytest.fixture(scope="module")
def drawn_alone(drawn: dict[str, Path], knowledge: Program) -> Tables:
    return answers(drawn["ntriples"].read_bytes(), knowledge)


@pytest.mark.parametrize("form", ["ntriples", "parquet"])
@pytest.mark.parametrize("shapes", [True, False])
def test_synthetic_patients_get_their_single_answers(
    tmp_path: Path, drawn: dict[str, Path], drawn_alone: Tables, form: str, shapes: bool, knowledge: Program
) -> None:
    found = answered(tmp_path / "out", [drawn[form]], knowledge, shapes=shapes)
    counts = json.loads((tmp_path / "out" / "manifest.json").read_text())["counts"]
    assert counts["answered"] == len(found["cases"]) == DRAWN
    assert counts["routed"] < DRAWN / 3, "most cases are answered together"
    if shapes:
        assert not differing(found, drawn_alone)
    else:
        assert set(found["cases"]) == set(drawn_alone["cases"])


def test_without_shapes_the_single_answers_are_those_without_shapes(tmp_path: Path, drawn: dict[str, Path], knowledge: Program) -> None:
    index = index_of(parse_rdf(Document("all", drawn["ntriples"].read_bytes(), "n-triples")))
    wanted = expected(Records(read_cases(index, knowledge)), knowledge)
    assert not differing(answered(tmp_path / "out", [drawn["parquet"]], knowledge, shapes=False), wanted)


@pytest.mark.parametrize("form", ["ntriples", "parquet"])
def test_one_case_is_explained(tmp_path: Path, drawn: dict[str, Path], drawn_alone: Tables, form: str, command: Command) -> None:
    case = sorted(drawn_alone["cases"])[7]
    outcome = command("cohort", drawn[form], "--explain", case)
    assert case in outcome.out
    assert all(row["label"] in outcome.out for row in drawn_alone["next_tests"].get(case, []))
    assert command("cohort", drawn[form], "--explain", case + "0").code == 2
    assert "no place" in command("cohort", drawn[form]).err


def test_tables_that_cannot_be_read_stand_alone(tmp_path: Path, drawn: dict[str, Path], command: Command) -> None:
    """No file, another schema: the neighbours are answered, as they are beside any other broken file."""
    folder = tmp_path / "in"
    folder.mkdir()
    write(folder / "good.nt", small("good", CRAMPS))
    (folder / "half.parquet").write_bytes(drawn["parquet"].read_bytes()[:2000])
    parquet.write_table(pa.table({"patient": ["a"]}), folder / "other.parquet")
    parquet.write_table(pa.table({"case": ["https://example.org/c"], "value": [1.5]}), folder / "typed.parquet")
    outcome = command("cohort", folder, "--out", tmp_path / "out")
    assert (outcome.code, outcome.out) == (1, f"1 cases: 1 answered, 0 rejected; 3 problems; tables in {tmp_path / 'out'}\n")
    found = tables(tmp_path / "out")
    assert list(found["cases"]) == ["https://example.org/x/good"]
    said = {row["text"].partition(str(folder))[2].split(".")[0]: row["code"] for row in found["problems"][""]}
    assert said == dict.fromkeys(("/half", "/other", "/typed"), "unreadable-file")
    assert command("cohort", folder, "--out", tmp_path / "out", "--explain", "https://example.org/x/good").code == 0
    assert "half.parquet" in command("cohort", folder, "--out", tmp_path / "out", "--explain", "https://example.org/x/none").err


def test_rows_that_cannot_be_read_cost_their_own_cases(
    tmp_path: Path, drawn: dict[str, Path], drawn_alone: Tables, knowledge: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "_ROWS", 990)
    rows = parquet.read_table(drawn["parquet"]).to_pylist()
    path = write_rows(tmp_path / "torn.parquet", rows, 990)
    column = parquet.read_metadata(path).row_group(1).column(0)
    data = bytearray(path.read_bytes())
    start = column.dictionary_page_offset or column.data_page_offset
    data[start : start + 40] = bytes(40)
    path.write_bytes(data)
    summary = answer_cohort([path], tmp_path / "out", knowledge)
    found = tables(tmp_path / "out")
    lost = {row["case"] for row in rows[990:1980]}
    torn = lost & {row["case"] for row in rows[:990] + rows[1980:]}
    assert len(torn) == 2 and set(found["cases"]) == {row["case"] for row in rows} - lost
    assert not differing(
        *(
            {name: {case: each for case, each in by_case.items() if case and case not in torn} for name, by_case in which.items()}
            for which in (
                found,
                {name: {case: by_case[case] for case in by_case if case not in lost} for name, by_case in drawn_alone.items()},
            )
        )
    )
    assert (summary.cases, summary.rejected, summary.malformed, summary.broken) == (summary.answered + 2, 2, 1, True)
    named = parquet.read_table(tmp_path / "out" / "problems").to_pylist()
    assert {row["case"] for row in named if row["code"] == "case-cut-off"} == torn
    assert [row["case"] for row in named if row["code"] == "unreadable-file"] == [""]


def problems_of(folder: Path, case: str) -> list[dict[str, Any]]:
    """Return the problems of a case, answered or not, as they were written."""
    rows: list[dict[str, Any]] = parquet.read_table(folder / "problems", filters=[("case", "=", case)]).to_pylist()
    return rows


def test_problems_name_the_case_and_the_line(tmp_path: Path, knowledge: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the file is cut, a case with a malformed line is not answered."""
    lines: list[str] = []
    wanted: dict[str, int] = {}
    for place in range(12):
        lines += small(f"p{place}", CRAMPS, CRAMPS)
        if place % 3 == 0:
            lines.insert(len(lines) - place % 7, f"{CASE.format(f'p{place}/1')} <{LC}side> nothing .\n")
            wanted[f"https://example.org/x/p{place}"] = len(lines) - place % 7
    lines += [
        *small("twice", CRAMPS),
        *(f'{CASE.format("twice")} <{LC}birthDate> "{year}"^^<{XSD_DATE[:-4]}gYear> .\n' for year in (1950, 1951)),
    ]
    path = write(tmp_path / "all.nt", lines)
    for stretch in (1 << 20, 1500):
        monkeypatch.setattr(sources, "_STRETCH", stretch)
        out = tmp_path / str(stretch)
        summary = answer_cohort([path], out, knowledge)
        assert (summary.cases, summary.rejected, summary.malformed) == (13, 5, 4)
        assert not set(tables(out)["cases"]) & set(wanted)
        said = [row for row in parquet.read_table(out / "problems").to_pylist() if row["code"] == "malformed-line"]
        assert sorted(row["text"].partition(": “")[0] for row in said) == sorted(f"{path}:{line}" for line in wanted.values())
        assert {row["case"] for row in said} - {""} <= set(wanted)
        assert stretch < 1 << 20 or {row["case"]: row["text"].partition(": “")[0] for row in said} == {
            case: f"{path}:{line}" for case, line in wanted.items()
        }
        assert [row["code"] for row in problems_of(out, "https://example.org/x/twice")] == ["shape-MaxCountConstraintComponent"]


@pytest.mark.parametrize(("name", "text"), [("bad.ttl", "nothing <"), ("bad.nt", "gibberish\n"), ("bad.parquet", "PAR1")])
def test_inputs_of_which_nothing_can_be_read_are_an_error(name: str, text: str, tmp_path: Path, command: Command) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    for _ in range(2):
        outcome = command("cohort", path, "--out", tmp_path / "out")
        assert (outcome.code, outcome.out) == (2, "")
        assert "No case could be read" in outcome.err and f"{path}" in outcome.err.partition(": ")[2].partition("Repair")[0]
    assert len(tables(tmp_path / "out")["problems"][""]) == 1


class Clock(datetime):
    """A clock that goes on by an hour each time it is read."""

    hour = 0

    @classmethod
    def now(cls, tz: Any = None) -> Clock:
        Clock.hour += 1
        return cls(2026, 11, 20, cls.hour, tzinfo=tz)


def test_the_present_instant_is_said_and_kept(tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reasoner.cohort.datetime", Clock)
    monkeypatch.setattr(Clock, "hour", 0)
    lines = [*small("dated", CRAMPS), *(line for line in small("open", CRAMPS) if f"<{LC}asOf>" not in line)]
    path, dated = write(tmp_path / "all.nt", lines), write(tmp_path / "dated.nt", small("dated", CRAMPS))
    said = "1 cases state no as-of instant; the present one is used: 2026-11-20T01:00:00Z\n"
    assert said in command("cohort", path, "--out", tmp_path / "whole").err
    assert said in command("cohort", path, "--out", tmp_path / "whole").err
    Clock.hour = 0
    with monkeypatch.context() as patched:
        patched.setattr(parts, "_write_table", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        assert command("cohort", path, "--out", tmp_path / "out").code == 3
    assert said in command("cohort", path, "--out", tmp_path / "out").err
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["now"] == "2026-11-20T01:00:00Z"
    for name, options in (("given", (path, "--as-of", "2026-11-20T09:00:00Z")), ("stated", (dated,))):
        outcome = command("cohort", *options, "--out", tmp_path / name)
        assert (outcome.code, outcome.err) == (0, "")
        assert json.loads((tmp_path / name / "manifest.json").read_text())["now"] is None


def test_columns_that_are_not_read_are_named(tmp_path: Path, drawn: dict[str, Path], command: Command) -> None:
    table = parquet.read_table(drawn["parquet"]).slice(0, 20)
    parquet.write_table(table.append_column("ward", pa.array(["a"] * 20)), tmp_path / "more.parquet")
    outcome = command("cohort", tmp_path / "more.parquet", "--out", tmp_path / "out")
    assert outcome.err == f"legcramps: columns that are not read: {tmp_path / 'more.parquet'}: ward\n"
    assert command("cohort", drawn["parquet"], "--out", tmp_path / "all").err == ""


@pytest.mark.parametrize("options", [[], ["--nquads"]])
def test_an_output_that_cannot_be_written_is_said(tmp_path: Path, command: Command, options: list[str]) -> None:
    path = write(tmp_path / "one.nt", small("one", CRAMPS))
    for place, why in ((path, "a file of that name"), ("/proc/none", "No such file"), ("/", "no name"), (tmp_path, "not empty")):
        outcome = command("cohort", path, "--out", place, *options)
        assert outcome.code == 2 and "LC-1100" in outcome.err and why in outcome.err
    assert [each.name for each in tmp_path.iterdir()] == ["one.nt"]


def test_a_disk_that_is_full_leaves_a_run_that_goes_on(tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "one.nt", small("one", CRAMPS))

    def full(where: Path, _: pa.Table) -> None:
        raise OSError(28, "No space left on device", str(where))

    with monkeypatch.context() as patched:
        patched.setattr(parts, "_write_table", full)
        outcome = command("cohort", path, "--out", tmp_path / "out")
    assert outcome.code == 3 and "No space left" in outcome.err and "repeat the same command" in outcome.err
    assert command("cohort", path, "--out", tmp_path / "out").code == 0


def test_rows_that_name_no_case_are_counted(tmp_path: Path, drawn: dict[str, Path], command: Command) -> None:
    rows = parquet.read_table(drawn["parquet"]).slice(0, 40).to_pylist()
    lost = [{**row, "case": None} if place in (3, 5) else row for place, row in enumerate(rows)]
    outcome = command("cohort", write_rows(tmp_path / "lost.parquet", lost), "--out", tmp_path / "out")
    assert outcome.code == 1
    assert [row["code"] for row in tables(tmp_path / "out")["problems"][""]] == ["row-without-case"]


KILLED = """
import sys
from reasoner.cohort import sources
sources._STRETCH = 60_000
from reasoner.cli import main
sys.exit(main(sys.argv[1:]))
"""
"""Runs the command line with stretches so short that there are many chunks."""


def run_killed(path: Path, out: Path, more: int | None, wait: float = 0) -> int:
    """Run the command, killed when some more chunks are done and a little later; return its exit code."""
    command = [sys.executable, "-c", KILLED, "--knowledge", str(ROOT), "cohort", str(path), "--out", str(out), "--jobs", "2"]
    state = out.with_name(out.name + ".partial") / "state"
    before = len(list(state.glob("*.json")))
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while more is not None and process.poll() is None:
            if len(list(state.glob("*.json"))) >= before + more:
                time.sleep(wait)
                process.send_signal(signal.SIGKILL)
                break
            time.sleep(0.005)
        return process.wait()


def test_pandas_is_left_out(drawn: dict[str, Path], tmp_path: Path) -> None:
    """PyArrow would import it in every process: it is not even looked for."""
    package = tmp_path / "stub" / "pandas"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(f"open({str(tmp_path / 'imported')!r}, 'w').close(); raise ImportError\n", encoding="utf-8")
    code = KILLED.replace("60_000", str(drawn["ntriples"].stat().st_size // 2))
    command = [sys.executable, "-c", code, "--knowledge", str(ROOT), "cohort", str(drawn["ntriples"]), "--out", str(tmp_path / "out")]
    environment = {**os.environ, "PYTHONPATH": str(package.parent)}
    done = subprocess.run([*command, "--jobs", "2"], env=environment, capture_output=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    assert not (tmp_path / "imported").exists()
    subprocess.run([sys.executable, "-c", "import pyarrow; pyarrow.array([1])"], env=environment, check=True)
    assert (tmp_path / "imported").exists(), "PyArrow alone does not look for it either"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def killed_and_finished(drawn: dict[str, Path], tmp_path: Path, kills: int, seed: int) -> int:
    """Kill runs at random points and let the last one finish; return how many kills hit a running command."""
    assert run_killed(drawn["ntriples"], tmp_path / "whole", None) in (0, 1)
    wanted = contents(tmp_path / "whole")
    chunks = len([name for name in wanted if name.startswith("cases/")])
    assert chunks > 10
    assert not [name for name in wanted if "/." in name]
    (tmp_path / "out0.partial" / "cases").mkdir(parents=True)
    (tmp_path / "out0.partial" / "cases" / ".part-000000.parquet.1").write_bytes(b"half")  # as a kill while writing leaves it
    draw = random.Random(seed)
    hit = 0
    for number in range(kills):
        out = tmp_path / f"out{number // 5}"
        code = run_killed(drawn["ntriples"], out, draw.randint(0, chunks // 5), draw.uniform(0, 0.05))
        hit += code == -signal.SIGKILL
        assert not out.exists() or contents(out) == wanted
    for out in {tmp_path / f"out{number // 5}" for number in range(kills)}:
        assert run_killed(drawn["ntriples"], out, None) in (0, 1)
        assert contents(out) == wanted
        assert not out.with_name(out.name + ".partial").exists()
    return hit


def test_a_killed_run_is_finished_by_the_same_command(drawn: dict[str, Path], tmp_path: Path) -> None:
    assert killed_and_finished(drawn, tmp_path, 5, 1) >= 2


@pytest.mark.release
def test_a_hundred_kills_lose_nothing(drawn: dict[str, Path], tmp_path: Path) -> None:
    assert killed_and_finished(drawn, tmp_path, 100, 2) >= 50


def test_the_order_of_lines_within_a_stretch_says_nothing(tmp_path: Path, lines: list[str], alone: Tables, knowledge: Program) -> None:
    mixed = random.Random(0).sample(lines, len(lines))
    assert not differing(answered(tmp_path / "out", [write(tmp_path / "all.nt", mixed)], knowledge), alone)


@pytest.mark.parametrize("day", ["2019-01-01", "2026-11-19"])
def test_a_class_that_is_closed_twice(day: str, tmp_path: Path, knowledge: Program) -> None:
    """One statement may count since the last scan and the other not; the case is still answered as a column."""
    lines = []
    for path in VIGNETTES:
        quads = list(parse(path=str(path), format=RdfFormat.TURTLE, base_iri="http://localhost/"))
        nodes = {term for quad in quads for term in (quad.subject, quad.object) if isinstance(term, BlankNode)}
        closing = {quad.subject for quad in quads if str(quad.object) == f"<{LC}ClosureStatement>"}
        if closing and not nodes and len(lines) < 6000:
            lines += [f"{quad.subject} {quad.predicate} {quad.object} .\n" for quad in quads]
            lines += [
                f"{again(quad.subject, closing)} {quad.predicate} {again(quad.object, closing)} .\n"
                for quad in quads
                if {quad.subject, quad.object} & closing and not quad.predicate.value.endswith("recordedOn")
            ]
            lines += [f'{again(node, closing)} <{LC}recordedOn> "{day}"^^<http://www.w3.org/2001/XMLSchema#date> .\n' for node in closing]
    path = write(tmp_path / "twice.nt", sorted(set(lines)))
    assert not differing(answered(tmp_path / "out", [path], knowledge), answers(path.read_bytes(), knowledge))
    summary = answer_cohort([path], tmp_path / "out", knowledge)
    assert summary.answered >= 40
    assert summary.routed < summary.answered // 10


def again(term: Any, closing: set[Any]) -> str:
    """Return the name of the second statement of those that close, and other terms as they are."""
    return f"<{term.value}/again>" if term in closing else str(term)


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


@pytest.mark.parametrize(
    ("column", "text"),
    [(name, "no IRI") for name in ("case", "subject", "record", "kind", "term", "presence", "side")]
    + [("term", "urn:a b"), ("as_of", "a\nb")],
)
def test_a_text_that_is_no_term_costs_its_own_case(column: str, text: str, tmp_path: Path, knowledge: Program) -> None:
    """Other columns may be missing altogether."""
    row = {"case": "https://example.org/c1", "record": "https://example.org/r1", "kind": "FindingRecord", "term": "LegCramp"}
    row |= {"presence": "present", "as_of": "2026-11-20T09:00:00Z"}
    path = tmp_path / "rows.parquet"
    parquet.write_table(
        pa.Table.from_pylist([{**row, column: text}, {**row, "case": "https://example.org/c2", "record": "https://example.org/r2"}]), path
    )
    summary = answer_cohort([path], tmp_path / "out", knowledge)
    assert (summary.cases, summary.answered, summary.rejected) == (2, 1, 1)
    assert summary.problems
    assert list(tables(tmp_path / "out")["cases"]) == ["https://example.org/c2"]


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
        *(f"{CASE.format('whole')} {each} .\n" for each in CRAMPS.split(" ; ")),
        *small("linked"),
        f"{CASE.format('linked')} <{LC}hasRecord> {CASE.format('c0/0')} .\n",
    ]
    assert not differing(answered(tmp_path / "out", [write(tmp_path / "odd.nt", lines)], knowledge), answers("".join(lines), knowledge))


def test_what_cannot_be_is_said_as_for_one_case(tmp_path: Path, knowledge: Program) -> None:
    def dated(name: str, text: str) -> str:
        kind = {4: "gYear", 7: "gYearMonth", 10: "date"}[len(text)]
        return f'<{LC}{name}> "{text}"^^<http://www.w3.org/2001/XMLSchema#{kind}>'

    drug = f"{TYPE} <{LC}MedicationRecord> ; <{LC}ofDrug> <{LC}Atorvastatin>"
    tested = f"{TYPE} <{LC}MeasurementRecord> ; <{LC}ofTest> <{LC}PotassiumMeasurement>"
    number = '> "{}"^^<http://www.w3.org/2001/XMLSchema#decimal>'
    limits, sound = (
        "".join(f" ; <{LC}{name}{number.format(text)}" for name, text in (("value", "4.1"), ("referenceLow", low), ("referenceHigh", high)))
        for low, high in (("5.1", "3.5"), ("3.5", "5.1"))
    )
    said = [
        f'{tested}{sound} ; <{LC}unit> "mmol/L" ; {dated("performedOn", "1950")}',
        f"{CRAMPS} ; {dated('onset', '2026-05')} ; {dated('ended', '2025')}",
        f"{drug} ; {dated('started', '2026-05')} ; {dated('ended', '2025')}",
        f'{tested}{limits} ; <{LC}unit> "mmol/L"',
        f'{tested}{limits} ; <{LC}unit> "florin"',
        f"{drug} ; {dated('started', '1950')}",
        f"{CRAMPS} ; {dated('recordedOn', '1950-01-01')}",
    ]
    lines = [line for place, each in enumerate(said) for line in small(f"c{place}", CRAMPS, each)]
    lines += [f"{CASE.format(f'c{place}')} {dated('birthDate', '1959')} .\n" for place in range(len(said))]
    for place, born in enumerate(("2030", "1850", "1900-01-01", "2026-12")):
        lines += [*small(f"b{place}", CRAMPS), f"{CASE.format(f'b{place}')} {dated('birthDate', born)} .\n"]
    due = answers("".join(lines), knowledge)
    assert sum(each["code"] in ("impossible-date", "unusable-range") for rows in due["problems"].values() for each in rows) >= 10
    assert not differing(answered(tmp_path / "out", [write(tmp_path / "odd.nt", lines)], knowledge), due)


def test_odd_values_of_several_properties_are_each_said_of_their_own_case(tmp_path: Path, knowledge: Program) -> None:
    """The first odd value of every property has the same number among the values of its own."""
    tested = f"{TYPE} <{LC}MeasurementRecord> ; <{LC}ofTest> <{LC}AnkleBrachialIndexMeasurement>"
    date, decimal = (f"^^<http://www.w3.org/2001/XMLSchema#{kind}>" for kind in ("date", "decimal"))
    odd = ("2026-02-30", "much", "more", "most")
    names = ("performedOn", "value", "referenceLow", "referenceHigh")
    sound = ("2026-11-01", "0.85", "0.5", "1.5")
    lines: list[str] = []
    for wrong in range(len(names)):
        texts = [odd[place] if place == wrong else right for place, right in enumerate(sound)]
        said = [
            f' ; <{LC}{name}> "{text}"{decimal if place else date}' for place, (name, text) in enumerate(zip(names, texts, strict=True))
        ]
        lines += small(f"c{wrong}", CRAMPS, f"{tested}{''.join(said)}")
    due = answers("".join(lines), knowledge)
    assert sum(any(text in each["text"] for text in odd) for rows in due["problems"].values() for each in rows) >= len(odd)
    assert not differing(answered(tmp_path / "out", [write(tmp_path / "odd.nt", lines)], knowledge), due)


STATUSES = ("active", "stopped", "planned", "not_done", "refuted", "unconfirmed", "entered_in_error")
PERIODS: tuple[dict[str, str], ...] = (
    {},
    {"started": "2026-01-01"},
    {"started": "2027-01-01"},
    {"ended": "2025-01-01"},
    {"started": "2025-01-01", "ended": "2027-01-01"},
)


def use(drug: str, status: str, period: Mapping[str, str]) -> str:
    dates = "".join(f' ; <{LC}{name}> "{date}"^^<http://www.w3.org/2001/XMLSchema#date>' for name, date in period.items())
    return f"{TYPE} <{LC}MedicationRecord> ; <{LC}ofDrug> <{LC}{drug}> ; <{LC}recordStatus> <{LC}_RecordStatus_{status}>{dates}"


def test_every_status_and_period_of_a_drug_means_the_same_as_alone(
    tmp_path: Path, knowledge: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The facts themselves are compared: no table tells a drug that is not taken from one of unknown use in a case as small as these."""
    said = [
        small(f"{status}{place}", use("Atorvastatin", status, period), use("Salmeterol", "active", {}))
        for status in STATUSES
        for place, period in enumerate(PERIODS)
    ]
    found: set[tuple[str, str, str, bool]] = set()

    def kept(batch: Batch, *others: Any) -> tuple[Facts, Planes]:
        (facts, spoken), space = stated_facts(batch, *others), others[-1]
        of_drugs = ((key, plane) for key, plane in facts.items() if knowledge.sorts[key[1]] == "Drug")
        found.update((batch.cases[at].as_py(), *key) for key, plane in of_drugs for at in space.cases(plane))
        return facts, spoken

    monkeypatch.setattr(together, "stated_facts", kept)
    text = "".join(line for lines in said for line in lines)
    answered(tmp_path / "out", [write(tmp_path / "drugs.nt", [text])], knowledge)
    cases = read_records(Document("drugs", text.encode(), "n-triples"), knowledge).cases
    assert len(cases) == len(STATUSES) * len(PERIODS)
    assert found == {
        (each.iri, fact.role, fact.term, fact.present)
        for each in cases
        if each.as_of is not None
        for fact in exposure_facts(each, knowledge, each.as_of)
    }
    assert {True, False} == {present for _, _, term, present in found if term == f"{LC}Atorvastatin"}


def test_a_run_is_not_gone_on_with_where_its_inputs_are_cut_elsewhere(
    tmp_path: Path, knowledge: Program, short_stretches: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "all.nt", [line for place in range(60) for line in small(f"p{place}", *[CRAMPS] * 3)])
    answered_chunks: list[int] = []

    def stopped(*given: Any) -> int:
        if len(answered_chunks) == 2:
            raise KeyboardInterrupt
        answered_chunks.append(parts.write_chunk(*given))
        return answered_chunks[-1]

    with monkeypatch.context() as patch:
        patch.setattr(run, "write_chunk", stopped)
        with pytest.raises(KeyboardInterrupt):
            answer_cohort([path], tmp_path / "out", knowledge)
    with monkeypatch.context() as patch:
        patch.setattr(sources, "_SHARES", 2 * sources._SHARES)
        with pytest.raises(UsageError, match="unfinished run of another command"):
            answer_cohort([path], tmp_path / "out", knowledge)
    assert answer_cohort([path], tmp_path / "out", knowledge).answered == 60


@pytest.mark.parametrize("change", [lambda path: path.write_bytes(path.read_bytes() + b"# more\n"), lambda path: os.utime(path, ns=(1, 1))])
def test_an_input_that_changes_while_it_is_read_is_not_answered(
    change: Callable[[Path], None], tmp_path: Path, knowledge: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "all.nt", small("one", CRAMPS))

    def changing(*given: Any) -> int:
        answered_cases = parts.write_chunk(*given)
        change(path)
        return answered_cases

    monkeypatch.setattr(run, "write_chunk", changing)
    with pytest.raises(IncompleteError, match="changed while it was read"):
        answer_cohort([str(path)], tmp_path / "out", knowledge)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["all.nt"]
    monkeypatch.undo()
    assert answer_cohort([str(path)], tmp_path / "out", knowledge).answered == 1


def test_an_input_that_is_cut_short_before_it_is_read_is_told(
    tmp_path: Path, knowledge: Program, short_stretches: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "all.nt", [line for place in range(60) for line in small(f"p{place}", *[CRAMPS] * 3)])

    def cutting(*given: Any) -> int:
        os.truncate(path, 100)
        return parts.write_chunk(*given)

    monkeypatch.setattr(run, "write_chunk", cutting)
    with pytest.raises(IncompleteError, match="changed while it was read"):
        answer_cohort([path], tmp_path / "out", knowledge)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["all.nt"]


def test_an_input_that_is_away_for_a_while_costs_no_work(tmp_path: Path, knowledge: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "all.nt", small("one", CRAMPS))

    def removing(*given: Any) -> int:
        answered_cases = parts.write_chunk(*given)
        path.rename(tmp_path / "away.nt")
        return answered_cases

    with monkeypatch.context() as patch:
        patch.setattr(run, "write_chunk", removing)
        with pytest.raises(IncompleteError, match="The run was stopped"):
            answer_cohort([path], tmp_path / "out", knowledge)
    (tmp_path / "away.nt").rename(path)
    monkeypatch.setattr(run, "write_chunk", None)  # nothing is answered anew
    assert answer_cohort([path], tmp_path / "out", knowledge).answered == 1


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


@pytest.mark.parametrize("form", ["n-triples", "turtle", "fhir", "fhir-ndjson"])
def test_standard_input_is_answered_as_a_file_is(form: str, tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its format is named or seen; nothing of it stays behind; a run that was stopped is taken up when the same bytes come again."""
    bundle = (ROOT / "docs" / "examples" / "bundle.json").read_bytes()
    export = b"".join(json.dumps(each["resource"]).encode() + b"\n" for each in json.loads(bundle)["entry"])
    lines = write(tmp_path / "small.nt", small("one", CRAMPS)).read_bytes()
    text = {"n-triples": lines, "turtle": b"@prefix ex: <https://example.org/> .\n" + lines, "fhir": bundle, "fhir-ndjson": export}[form]
    out = tmp_path / "out"
    named = ("--input-format", form) if form == "n-triples" else ()
    call = ("cohort", "-", *named, "--as-of", "2026-11-20T09:00:00Z", "--jobs", 1, "--out", out)

    def stopped(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("reasoner.cohort.run.write_chunk", stopped)
        assert command(*call, stdin=text).code == 3
    assert "unfinished run of another command" in command(*call, stdin=text + b"\n").err
    done = command(*call, stdin=text)
    assert done.code == 0, done.err
    assert command(*call, stdin=text) == done
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "small.nt"]
    path = tmp_path / f"file{ {'n-triples': '.nt', 'turtle': '.ttl', 'fhir': '.json', 'fhir-ndjson': '.ndjson'}[form] }"
    path.write_bytes(text)
    command("cohort", path, *call[-6:-1], tmp_path / "apart")
    assert not differing(tables(tmp_path / "apart"), tables(out))


def test_standard_input_that_is_of_no_use_is_refused(tmp_path: Path, command: Command) -> None:
    out = ("--out", tmp_path / "out")
    assert "The input is empty (-)" in command("cohort", "-", *out, stdin=b" \n").err
    assert "[LC-1230]" in command("cohort", "-", "--input-format", "csv", *out, stdin=b"a,b\n").err
    assert "[LC-1100]" in command("cohort", write(tmp_path / "a.nt", small("a", CRAMPS)), "--input-format", "n-triples", *out).err
    assert "more than once" in command("cohort", "-", "--explain", "https://example.org/x/a", stdin=b"<a:b> <a:c> <a:d> .").err
    assert [path.name for path in tmp_path.iterdir()] == ["a.nt"]
