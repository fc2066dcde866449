"""Spark shares the work of a cohort and changes no byte of its tables."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from reasoner.cli import main
from reasoner.cohort import answer_cohort
from reasoner.cohort import spark as spark_module
from reasoner.cohort.spark import find_java, spread_on
from reasoner.cohort.synthetic.generate import generate
from reasoner.cohort.synthetic.settings import read_settings
from reasoner.errors import LegcrampsError, MissingExtraError, UsageError
from reasoner.resources import knowledge_folder, load_knowledge


def _digests(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.rglob("*.*"))}


@pytest.mark.release
def test_spark_gives_the_same_bytes(tmp_path: Path) -> None:
    pytest.importorskip("pyspark", reason="not run: extra spark is not installed")
    pytest.importorskip("pandas", reason="not run: extra spark is not installed")
    if not find_java():
        pytest.skip("not run: no Java 17 or later of the user's was found")
    program, settings = load_knowledge(), read_settings(knowledge_folder())
    inputs = tmp_path / "inputs"
    inputs.mkdir()
    generate(program, settings, inputs / "table.parquet", count=150, seed=1, output_format="parquet")
    generate(program, settings, tmp_path / "lines.nt", count=150, seed=1)
    lines = (tmp_path / "lines.nt").read_text(encoding="utf-8").replace("/cohort/", "/other/")
    (inputs / "other.nt").write_text(lines, encoding="utf-8")
    here = answer_cohort([inputs], tmp_path / "here", program)
    there = answer_cohort([inputs], tmp_path / "there", program, spark="local[2]")
    assert here == there
    assert here.answered >= 290
    assert _digests(tmp_path / "here") == _digests(tmp_path / "there")
    (inputs / "broken.parquet").write_bytes(b"PAR1 this is no table PAR1")
    with pytest.raises(LegcrampsError):
        answer_cohort([inputs], tmp_path / "broken", program, spark="local[2]")
    assert not (tmp_path / "broken").exists()


def test_what_spark_needs_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert find_java() == ""
    old = tmp_path / "bin" / "java"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\"' >&2\n", encoding="utf-8")
    old.chmod(0o755)
    assert find_java() == ""
    with pytest.raises((MissingExtraError, UsageError)):
        spread_on("local[2]")
    monkeypatch.setattr(spark_module, "_require_spark", lambda: None)
    old.write_text("#!/bin/sh\necho 'openjdk version \"21.0.2\"' >&2\n", encoding="utf-8")
    assert find_java() == str(old)
    assert main(["cohort", "lines.nt", "--out", str(tmp_path / "out"), "--master", "local[2]"]) == 2
    assert "LC-1100" in capsys.readouterr().err
