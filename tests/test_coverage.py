"""Every sentence of the source text is encoded or listed with the reason, and is the sentence that it says it is."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from reasoner.authoring.check import run_check
from reasoner.authoring.coverage import check_source, coverage_table, render_coverage
from reasoner.authoring.results import Severity
from reasoner.authoring.workspace import read_workspace
from reasoner.cli import main
from reasoner.errors import InputError
from reasoner.namespaces import curie
from reasoner.terms import lc

ROOT = Path(__file__).parent.parent
WORKSPACE = read_workspace(ROOT)
ROWS = coverage_table(WORKSPACE.graph, ROOT / "tests" / "cases")
SOURCE = "ontology/guidelines/droracle-bilateral-leg-cramps-2026.ttl"
LEAST = 40


def source_text() -> Path | None:
    """Return the source text where a folder above this checkout holds it; it is not part of the project."""
    name = Path("shared", "guideline", "bilateral-leg-cramps.txt")
    return next((folder / name for folder in ROOT.resolve().parents if (folder / name).is_file()), None)


def test_all_sentences_are_there_in_the_order_of_the_text() -> None:
    assert len(ROWS) >= LEAST
    offsets = [int(WORKSPACE.graph.text(row.sentence, lc("textOffset"))) for row in ROWS]
    assert offsets == sorted(offsets)
    assert len({row.label for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.label)
def test_sentence_is_covered(row: object) -> None:
    assert getattr(row, "covered", False), row
    assert getattr(row, "statement", "")


def test_a_sentence_without_recommendation_says_why() -> None:
    for row in ROWS:
        assert row.recommendations or row.not_encoded_because, row.label


def test_vignettes_name_sentences_by_whole_labels() -> None:
    named = {row.label: row.tests for row in ROWS}
    assert "source-text/bilateral-cramps-stable" in named["S36"]
    assert "source-text/bilateral-cramps-stable" not in named["S3"]


def test_offsets_and_digests_are_those_of_the_source_text() -> None:
    source = source_text()
    if source is None:
        pytest.skip("the source text is not part of the project and lies in no folder above it")
    assert list(check_source(WORKSPACE, source)) == []
    text = source.read_text(encoding="utf-8")
    graph = WORKSPACE.graph
    covered = bytearray(len(text))
    for row in ROWS:
        start, length = (int(graph.text(row.sentence, lc(name))) for name in ("textOffset", "textLength"))
        assert hashlib.sha256(text[start : start + length].encode()).hexdigest() == graph.text(row.sentence, lc("textDigest"))
        covered[start : start + length] = b"\1" * length
    rest = [line for line in bare(text, covered) if line]
    assert all(line[0].isupper() and len(line) < 40 for line in rest), rest


def bare(text: str, covered: bytearray) -> list[str]:
    """Return the parts that no sentence covers, without bullets, commas and the word between two halves."""
    left = "".join("\n" if hit else letter for letter, hit in zip(text, covered, strict=True))
    return [line.strip(" -,") for line in left.split("\n") if line.strip(" -,") not in ("", "and")]


def test_another_text_is_noticed(tmp_path: Path) -> None:
    source = tmp_path / "text.txt"
    source.write_text("Something else.", encoding="utf-8")
    findings = list(check_source(WORKSPACE, source))
    assert len(findings) == len(ROWS)
    assert {finding.code for finding in findings} == {"LC-2091"}
    assert all(finding.where.startswith(f"{SOURCE}:") for finding in findings)
    with pytest.raises(InputError, match="cannot be read"):
        list(check_source(WORKSPACE, tmp_path / "nowhere.txt"))


def test_one_changed_sentence_names_what_rests_on_it(tmp_path: Path) -> None:
    original = source_text()
    if original is None:
        pytest.skip("not run: the source text is not part of the project and lies in no folder above it")
    text, graph = original.read_text(encoding="utf-8"), WORKSPACE.graph
    sentence = next(row.sentence for row in ROWS if row.sentence.endswith("_s32"))
    start = int(graph.text(sentence, lc("textOffset")))
    changed = tmp_path / "text.txt"
    changed.write_text(text[:start] + text[start].swapcase() + text[start + 1 :], encoding="utf-8")
    (finding,) = check_source(WORKSPACE, changed)
    assert "s32" in finding.what
    named = set(finding.why.partition("on it rest ")[2].split(", "))
    resting = set(map(curie, graph.subjects(lc("citesSentence"), sentence)))
    assert named == resting
    assert "lcg:_Recommendation_repeat_dvt_d5" in named
    changed.write_text(text[: start + 1] + "more" + text[start + 1 :], encoding="utf-8")
    findings = list(check_source(WORKSPACE, changed))
    assert [each.what for each in findings if each.severity is Severity.VIOLATION] == [finding.what]
    later = {row.sentence for row in ROWS if int(graph.text(row.sentence, lc("textOffset"))) > start}
    assert {each.what.partition(" ")[0] for each in findings if each.severity is Severity.WARNING} == set(map(curie, later))


def test_sentence_without_citation_or_reason_is_reported(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "ontology", tmp_path / "ontology")
    shutil.copytree(ROOT / "queries", tmp_path / "queries")
    for path in (tmp_path / "ontology").rglob("*.ttl"):
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("lcg:_Sentence_s02 ,", "").replace("lc:citesSentence lcg:_Sentence_s02 ;", ""), encoding="utf-8")
    path = tmp_path / SOURCE
    text = path.read_text(encoding="utf-8")
    path.write_text(drop_citations(text), encoding="utf-8")
    report = run_check(tmp_path, only=["sentence-coverage", "hygiene"])
    (finding,) = [finding for finding in report.findings if finding.code == "LC-2090"]
    assert finding.what.startswith("S2 ")
    line = path.read_text(encoding="utf-8").split("\n")[int(finding.where.rpartition(":")[2]) - 1]
    assert line == "lcg:_Sentence_s02"
    assert "LC-H27" in {finding.code for finding in report.findings}


def drop_citations(text: str) -> str:
    """Return the text without any mention of the second sentence but its own block."""
    block = "lcg:_Sentence_s02\n    a lc:Sentence"
    return text.replace(block, "@@").replace(", lcg:_Sentence_s02", "").replace("        lcg:_Sentence_s02 ,\n", "").replace("@@", block)


def test_command_prints_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--coverage"]) == 0
    printed = capsys.readouterr().out
    assert printed == render_coverage(ROWS)
    assert "NOT COVERED" not in printed
    assert main(["check", "--coverage", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["label"] for row in rows] == [row.label for row in ROWS]
