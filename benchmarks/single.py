"""Measure one case: warm, from its bytes to checked shapes and all verdicts with their reasons; and cold, as a process."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Sequence
from itertools import cycle
from pathlib import Path

import pyoxigraph

from benchmarks.timing import Measurement, Ratio, alternating, merged, process, quotient
from reasoner.answering import assess, read_records
from reasoner.documents import Document
from reasoner.namespaces import LC, XSD
from reasoner.program.model import Program
from reasoner.resources import load_knowledge
from reasoner.terms import lc

__all__ = ["COLD", "GENERATED", "OURS", "PARSE", "WARM", "cold", "documents", "patients", "ratios", "warm"]

WARM, COLD = "one case, warm", "one process"
GENERATED = "generated patients"
_PATIENTS = 200
PARSE, OURS = "pyoxigraph.parse", "legcramps"


def documents(root: Path) -> list[Path]:
    """Return the three cases: the shipped patient, and the source text's patient on both days."""
    folder = root / "tests" / "cases" / "source-text"
    days = (folder / f"bilateral-cramps-{name}" / "record.ttl" for name in ("stable", "day-twelve"))
    return [root / "docs" / "examples" / "patient.ttl", *days]


def warm(root: Path, rounds: int) -> list[Measurement]:
    """Measure each document, and a document each of generated patients, in turns with a strict parse of the same bytes."""
    program = load_knowledge(root)
    found = []
    for path in documents(root):
        data = path.read_bytes()
        group = f"{WARM}: {path.parent.name}/{path.name} ({len(data)} bytes)"
        found += alternating(group, {PARSE: _parse(data), OURS: _answer(data, path.name, program)}, rounds, 10)
    texts = patients(root, _PATIENTS)
    tasks = {
        PARSE: _next_of([_parse(data) for data in texts]),
        OURS: _next_of([_answer(data, f"patient-{place}.ttl", program) for place, data in enumerate(texts)]),
    }
    group = f"{WARM}: {len(texts)} {GENERATED} ({sum(map(len, texts)) // len(texts)} bytes each)"
    return found + alternating(group, tasks, max(rounds // 6, 3), len(texts))


def patients(root: Path, count: int) -> list[bytes]:
    """Return a Turtle document for each of the first patients of the generated cohort, written with prefixes as people do."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "patients.ttl"
        arguments = ["cohort", "--generate", str(count), "--seed", "1", "--to", "turtle", "--out", str(path)]
        process("", f"generate {count}", [sys.executable, "-m", "reasoner", *arguments], cwd=root, watched=False)
        quads = list(pyoxigraph.parse(path.read_bytes(), format=pyoxigraph.RdfFormat.TURTLE))
    starts = [place for place, quad in enumerate(quads) if quad.object == pyoxigraph.NamedNode(lc("Case"))]
    return [_turtle(quads[start:end]) for start, end in zip(starts, [*starts[1:], len(quads)], strict=True)]


def _turtle(quads: Sequence[pyoxigraph.Quad]) -> bytes:
    prefixes = {"lc": LC, "xsd": XSD, "ex": f"{quads[0].subject.value}/"}
    return pyoxigraph.serialize([quad.triple for quad in quads], format=pyoxigraph.RdfFormat.TURTLE, prefixes=prefixes) or b""


def _next_of(tasks: Sequence[Callable[[], object]]) -> Callable[[], object]:
    """Return what does the next task each time."""
    due = cycle(tasks)
    return lambda: next(due)()


def _parse(data: bytes) -> Callable[[], object]:
    return lambda: list(pyoxigraph.parse(data, format=pyoxigraph.RdfFormat.TURTLE))


def _answer(data: bytes, name: str, program: Program) -> Callable[[], object]:
    document = Document(name, data, "turtle")
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
