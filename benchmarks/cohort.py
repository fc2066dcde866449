"""Measure cohorts: the engine against the limit of its inputs, and its growth with one factor at a time."""

from __future__ import annotations

import math
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median

from benchmarks.knowledge import with_density, with_more_classes
from benchmarks.timing import Measurement, Ratio, merged, process

__all__ = ["Bench", "growth_in_classes", "growth_in_triples", "ndjson", "ntriples", "parquet", "spark"]

_ENDINGS = {"ntriples": "nt", "parquet": "parquet", "fhir": "ndjson"}
_HUNDRED_THOUSAND, _MILLION = 100_000, 1_000_000


@dataclass
class Bench:
    """Where cohorts are kept while they are measured, and how long one run may take before larger ones are left out."""

    root: Path
    folder: Path
    longest: float
    notes: list[str] = field(default_factory=list)
    _speed: dict[str, float] = field(default_factory=dict)

    def made(self, form: str, count: int, knowledge: Path | None = None) -> Path:
        """Return a generated cohort, made when it is first asked for."""
        path = self.folder / f"{knowledge.name if knowledge else 'cohort'}-{count}.{_ENDINGS[form]}"
        if not path.exists():
            Path(f"{path}.truth.csv").unlink(missing_ok=True)
            arguments = ["cohort", "--generate", str(count), "--seed", "1", "--to", form, "--out", str(path)]
            process("", f"generate {count}", self._command(arguments, knowledge), cwd=self.root, watched=False)
        return path

    def answered(
        self, group: str, task: str, path: Path, count: int, *, knowledge: Path | None = None, options: tuple[str, ...] = (), runs: int = 1
    ) -> Iterator[Measurement]:
        """Answer a cohort; nothing but a note when that is expected to take too long."""
        kind = path.suffix + "".join(options)
        expected = self._speed.get(kind, 0.0) * count
        if expected > self.longest:
            self.notes.append(
                f"{group}, {task}, {count:,} cases: some {expected:,.0f} s are expected, more than the {self.longest:,.0f} s allowed"
            )
            return
        found = []
        for _ in range(runs):
            out = self.folder / "tables"
            command = self._command(["cohort", str(path), "--out", str(out), *options], knowledge)
            found.append(process(group, task, command, cases=count, cwd=self.root))
            shutil.rmtree(out, ignore_errors=True)
        whole = merged(found)
        if knowledge is None:
            self._speed[kind] = whole.median / count
        yield whole

    def _command(self, arguments: list[str], knowledge: Path | None) -> list[str]:
        return [sys.executable, "-m", "reasoner", "--knowledge", str(knowledge or self.root), *arguments]

    def script(self, group: str, task: str, code: str, path: Path, count: int, runs: int = 1) -> Measurement:
        """Run a few lines of Python over a file in a process of its own."""
        return merged([process(group, task, [sys.executable, "-c", code, str(path)], cases=count, cwd=self.root) for _ in range(runs)])


_PARSE = """import collections, sys, pyoxigraph
with open(sys.argv[1], "rb") as file:
    collections.deque(pyoxigraph.parse(file, format=pyoxigraph.RdfFormat.N_TRIPLES), maxlen=0)"""
_READ = """import sys
with open(sys.argv[1], "rb") as file:
    while file.read(1 << 20): pass"""
_GROUP = """import duckdb, sys
duckdb.sql("SET threads = 2")
duckdb.sql('CREATE TABLE grouped AS SELECT "case", count(*), max(COLUMNS(* EXCLUDE "case")) FROM read_parquet($path) GROUP BY "case"',
           params={"path": sys.argv[1]})"""


def ntriples(bench: Bench, sizes: tuple[int, ...], runs: int) -> tuple[list[Measurement], list[Ratio]]:
    """Measure N-Triples, with and without shapes, against a strict parse and a mere reading of the same bytes."""
    found: list[Measurement] = []
    ratios: list[Ratio] = []
    for count in sizes:
        path = bench.made("ntriples", count)
        group = f"N-Triples, {path.stat().st_size / 2**20:,.0f} MiB"
        turns = [_turn(bench, group, path, count) for _ in range(runs)]
        whole = [merged([turn[place] for turn in turns]) for place in range(min(map(len, turns)))]
        found += whole
        by_task = {each.task: each for each in whole}
        parse = by_task["pyoxigraph.parse, one core"]
        if count == sizes[-1]:
            for task, must, aim in (("legcramps", 1.0, 0.3), ("legcramps without shapes", 0.5, 0.15)):
                if task in by_task:
                    ratios += _against(
                        f"{count:,} cases: {task} ÷ pyoxigraph.parse",
                        by_task[task],
                        parse,
                        *((must, aim) if count == _HUNDRED_THOUSAND else (None, None)),
                    )
        path.unlink()
    return found, ratios


def _turn(bench: Bench, group: str, path: Path, count: int) -> list[Measurement]:
    return [
        bench.script(group, "reading the bytes", _READ, path, count),
        bench.script(group, "pyoxigraph.parse, one core", _PARSE, path, count),
        *bench.answered(group, "legcramps", path, count),
        *bench.answered(group, "legcramps without shapes", path, count, options=("--no-shapes",)),
    ]


def parquet(bench: Bench, sizes: tuple[int, ...], runs: int) -> tuple[list[Measurement], list[Ratio]]:
    """Measure Parquet from small to large against DuckDB reading and grouping the same file."""
    found: list[Measurement] = []
    ratios: list[Ratio] = []
    ours: dict[int, Measurement] = {}
    for count in sizes:
        path = bench.made("parquet", count)
        times = runs if count < _MILLION else 1
        group = f"Parquet, {path.stat().st_size / 2**20:,.1f} MiB"
        duck = bench.script(group, "DuckDB: read every column, group by case", _GROUP, path, count, times)
        found.append(duck)
        for each in bench.answered(group, "legcramps", path, count, runs=times):
            ours[count] = each
            found.append(each)
            if count == sizes[-1]:
                duckdb, memory = ((6.0, 2.0), (2.0, 0.5)) if count == _MILLION else ((None, None), (None, None))
                ratios += _against(f"{count:,} cases: legcramps ÷ DuckDB", each, duck, *duckdb)
                ratios.append(Ratio(f"{count:,} cases: peak GiB", (each.memory_mib or 0) / 1024, *memory))
        path.unlink()
    measured = sorted(ours)
    if len(measured) > 1:
        low, high = max((each for each in measured[:-1] if each <= 10_000), default=measured[0]), measured[-1]
        exponent = math.log(ours[high].median / ours[low].median) / math.log(high / low)
        ratios.append(Ratio(f"growth exponent, {low:,} → {high:,} cases", exponent, *((1.05, 1.0) if high == _MILLION else (None, None))))
    return found, ratios


def _against(what: str, ours: Measurement, other: Measurement, must: float | None, aim: float | None) -> list[Ratio]:
    """Return the quotient of wall clocks, and that of processor times, which other users of the machine disturb less."""
    return [
        Ratio(what, ours.median / other.median, must, aim),
        Ratio(f"{what}, processor time of all cores", (ours.processor or 0) / (other.processor or 1)),
    ]


def growth_in_triples(bench: Bench, count: int, factors: tuple[int, ...]) -> tuple[list[Measurement], list[Ratio]]:
    """Measure patients with more records each."""
    found: list[Measurement] = []
    for factor in factors:
        knowledge = with_density(bench.root, bench.folder / f"density-{factor}", factor)
        path = bench.made("ntriples", count, knowledge)
        with path.open("rb") as file:
            triples = sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b"")) / count
        found += bench.answered("triples per patient", f"{triples:.0f} triples", path, count)
        path.unlink()
    ratios = []
    if len(found) > 1:
        sizes = [int(each.task.split()[0]) for each in found]
        exponent = math.log(found[-1].median / found[0].median) / math.log(sizes[-1] / sizes[0])
        ratios.append(Ratio(f"growth exponent, {sizes[0]} → {sizes[-1]} triples per patient", exponent))
    return found, ratios


def growth_in_classes(bench: Bench, count: int, factors: tuple[int, ...], runs: int) -> tuple[list[Measurement], list[Ratio]]:
    """Measure the same patients under knowledge with more classes, none of which they touch; compiling is measured apart."""
    found: list[Measurement] = []
    bare: dict[int, Measurement] = {}
    for factor in factors:
        try:
            measured = _with_classes(bench, count, factor, runs)
        except RuntimeError as error:
            bench.notes.append(f"classes ×{factor}: {str(error)[:300]}")
            continue
        found += measured
        bare[factor] = measured[-1]
    ratios = []
    for factor in factors[1:]:
        if factor in bare and factors[0] in bare:
            bounds = (1.5, 1.2) if factor >= 100 else (None, None)
            ratios += _against(f"time per case, classes ×{factor}", bare[factor], bare[factors[0]], *bounds)
    return found, ratios


def _with_classes(bench: Bench, count: int, factor: int, runs: int) -> list[Measurement]:
    """Measure compiling, whole runs, and what is left of them when the run of a single patient, which reads the program, is taken off."""
    paths = {number: bench.made("parquet", number) for number in (1, count)}
    began = time.perf_counter()
    knowledge, classes = with_more_classes(bench.root, bench.folder / f"classes-{factor}", factor)
    what = f"{classes:,} classes"
    once = next(bench.answered("classes", "", paths[1], 1, knowledge=knowledge))
    compiled = Measurement("classes", f"{what}: write and compile", 1, (time.perf_counter() - began,), once.memory_mib)
    turns = [
        [next(bench.answered("classes", what, path, number, knowledge=knowledge)) for number, path in paths.items()] for _ in range(runs)
    ]
    spans = tuple(whole.seconds[0] - start.seconds[0] for start, whole in turns)
    used = median((whole.processor or 0) - (start.processor or 0) for start, whole in turns)
    rest = Measurement("classes", f"{what}, start of the process taken off", count, spans, processor=used)
    shutil.rmtree(knowledge)
    return [compiled, merged([whole for _, whole in turns]), rest]


def ndjson(bench: Bench, count: int, runs: int) -> tuple[list[Measurement], list[Ratio]]:
    """Measure FHIR, one Bundle a line."""
    path = bench.made("fhir", count)
    try:
        found = list(bench.answered(f"FHIR NDJSON, {path.stat().st_size / 2**20:,.0f} MiB", "legcramps", path, count, runs=runs))
    except RuntimeError as error:
        bench.notes.append(f"NDJSON: {error}")
        found = []
    path.unlink()
    return found, []


def spark(bench: Bench, count: int, runs: int) -> tuple[list[Measurement], list[Ratio]]:
    """Measure Spark on two local cores, its start and its stop included, where it is installed."""
    from reasoner.cohort.spark import spread_on
    from reasoner.errors import UsageError

    try:
        spread_on("local[2]")
    except UsageError as error:
        bench.notes.append(f"Spark: {error}")
        return [], []
    path = bench.made("parquet", count)
    options = ("--engine", "spark", "--master", "local[2]")
    runs_of_it = bench.answered("Spark, local[2]", "legcramps on Spark", path, count, options=options, runs=runs)
    found = [replace(each, processor=None) for each in runs_of_it]  # nobody waits for the processes that Spark's Java starts
    path.unlink()
    return found, []
