"""A generated cohort gets the answers that its cases get one by one, from lines and from the long table."""

from __future__ import annotations

from pathlib import Path

import pytest
from cohorts import answered, answers

from reasoner.cohort.output import NAMES
from reasoner.cohort.synthetic.generate import generate
from reasoner.cohort.synthetic.settings import read_settings
from reasoner.program import Program
from reasoner.resources import knowledge_folder, load_knowledge


def _compare(folder: Path, program: Program, count: int, seed: int) -> None:
    settings = read_settings(knowledge_folder())
    lines = generate(program, settings, folder / "lines.nt", count=count, seed=seed).path
    table = generate(program, settings, folder / "table.parquet", count=count, seed=seed, output_format="parquet").path
    expected = answers(lines.read_bytes(), program, "lines.nt")
    assert len(expected["cases"]) == count
    assert sum(map(len, expected["problems"].values())) >= count // 10
    for name, path in (("from lines", lines), ("from the table", table)):
        found = answered(folder / name, [path], program)
        for each in NAMES:
            assert found[each] == expected[each], (name, each)


def test_answers_of_a_generated_cohort(tmp_path: Path) -> None:
    _compare(tmp_path, load_knowledge(), 120, 11)


@pytest.mark.release
def test_answers_of_two_thousand_generated_patients(tmp_path: Path) -> None:
    _compare(tmp_path, load_knowledge(), 2000, 12)
