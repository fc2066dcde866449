"""Measure one case: warm, from its bytes to checked shapes and all verdicts with their reasons; and cold, as a process."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pyoxigraph

from benchmarks.timing import Measurement, Ratio, alternating, merged, process, quotient
from reasoner.answering import assess, read_records
from reasoner.documents import Document
from reasoner.program.model import Program
from reasoner.resources import load_knowledge

__all__ = ["COLD", "OURS", "PARSE", "WARM", "cold", "documents", "ratios", "warm"]

WARM, COLD = "one case, warm", "one process"
PARSE, OURS = "pyoxigraph.parse", "legcramps"


def documents(root: Path) -> list[Path]:
    """Return the three cases: the shipped patient, and the source text's patient on both days."""
    return [root / "docs" / "examples" / "patient.ttl", *sorted(root.glob("tests/cases/source-text/*/record.ttl"))[:2]]


def warm(root: Path, rounds: int) -> list[Measurement]:
    """Measure each document in turns with a strict parse of the same bytes."""
    program = load_knowledge(root)
    found = []
    for path in documents(root):
        data = path.read_bytes()
        group = f"{WARM}: {path.parent.name}/{path.name} ({len(data)} bytes)"
        found += alternating(group, {PARSE: _parse(data), OURS: _answer(data, path, program)}, rounds, 10)
    return found


def _parse(data: bytes) -> Callable[[], object]:
    return lambda: list(pyoxigraph.parse(data, format=pyoxigraph.RdfFormat.TURTLE))


def _answer(data: bytes, path: Path, program: Program) -> Callable[[], object]:
    document = Document(path.name, data, "turtle")
    return lambda: assess(read_records(document, program), program)


def cold(root: Path, rounds: int) -> list[Measurement]:
    """Measure processes in turns: the bare interpreter, --help, assess and validate of the shipped patient."""
    patient = str(documents(root)[0])
    python = [sys.executable]
    commands = {
        "bare interpreter": [*python, "-c", "pass"],
        "--help": [*python, "-m", "reasoner", "--help"],
        "assess": [*python, "-m", "reasoner", "assess", patient],
        "validate": [*python, "-m", "reasoner", "validate", patient],
    }
    runs: dict[str, list[Measurement]] = {name: [] for name in commands}
    for _ in range(rounds + 1):
        for name, command in commands.items():
            runs[name].append(process(COLD, name, command, cwd=root, watched=False))
    return [merged(each[1:]) for each in runs.values()]


def ratios(found: list[Measurement]) -> list[Ratio]:
    """Return what is asked of one case, as far as it was measured."""
    warm_runs = [each for each in found if each.group.startswith(WARM)]
    pairs = list(zip(warm_runs[::2], warm_runs[1::2], strict=True))
    result = [Ratio(f"{ours.group}: legcramps ÷ parse", quotient(ours, parse), 10.0) for parse, ours in pairs]
    by_task = {each.task: each for each in found if each.group == COLD}
    if by_task:
        bare = by_task["bare interpreter"]
        result.append(Ratio("--help ÷ bare interpreter", quotient(by_task["--help"], bare), 4.0))
        result.append(Ratio("--help ÷ bare interpreter, processor time", (by_task["--help"].processor or 0) / (bare.processor or 1)))
        result.append(Ratio("cold assess, seconds", by_task["assess"].median, 0.25))
        result.append(Ratio("cold validate, seconds", by_task["validate"].median, 0.8))
        result.append(Ratio("cold assess, seconds of processor time", by_task["assess"].processor or 0))
        result.append(Ratio("cold validate, seconds of processor time", by_task["validate"].processor or 0))
    return result
