"""Run the parts, in order, and keep what they measured."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import cohort, fhir, hooks, peers, server, single
from benchmarks.machine import describe_machine
from benchmarks.report import Results, markdown, to_json
from benchmarks.timing import Measurement, Ratio

__all__ = ["main"]

ROOT = Path(__file__).resolve().parent.parent
PARTS = ("single", "cold", "peers", "ntriples", "parquet", "ndjson", "spark", "triples", "classes", "fhir", "hooks", "server")

Measured = tuple[list[Measurement], list[Ratio], list[str]]


def main() -> int:
    """Measure what the arguments name, print the table, and write both files when asked to keep them."""
    arguments = _arguments()
    machine = describe_machine(ROOT)
    began = time.perf_counter()
    measurements: list[Measurement] = []
    ratios: list[Ratio] = []
    notes: list[str] = []
    with tempfile.TemporaryDirectory(prefix="legcramps-") as scratch:
        parts = _parts(arguments.quick, Path(scratch), arguments.longest or (60 if arguments.quick else 420))
        for part in arguments.parts or PARTS:
            print(f"{part} …", file=sys.stderr, flush=True)
            try:
                found, new_ratios, new_notes = parts[part](measurements)
            except (RuntimeError, OSError, subprocess.TimeoutExpired) as error:  # what the other parts measured is not lost
                notes.append(f"{part}: {str(error)[:400]}")
                continue
            measurements += found
            ratios += new_ratios
            notes += new_notes
    results = Results(machine, tuple(measurements), tuple(ratios), tuple(notes), time.perf_counter() - began)
    print(markdown(results), end="")
    if arguments.keep:
        folder = ROOT / "benchmarks" / "results"
        folder.mkdir(exist_ok=True)
        name = f"{machine.commit.rstrip('+')}{'-quick' if arguments.quick else ''}"
        (folder / f"{name}.json").write_text(to_json(results), encoding="utf-8")
        (folder / f"{name}.md").write_text(markdown(results), encoding="utf-8")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="benchmarks/run", description="Measure side by side; ratios hold across machines, seconds do not."
    )
    parser.add_argument("parts", nargs="*", choices=(*PARTS, []), metavar="PART", help=f"some of {', '.join(PARTS)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="smaller sizes and fewer rounds: minutes instead of half an hour")
    parser.add_argument("--keep", action="store_true", help="write benchmarks/results/COMMIT.json and .md")
    parser.add_argument(
        "--longest", type=int, metavar="SECONDS", help="leave sizes out that are expected to take longer (420; 60 with --quick)"
    )
    return parser.parse_args()


def _parts(quick: bool, folder: Path, longest: float) -> dict[str, Callable[[list[Measurement]], Measured]]:
    """Return the parts; each is told what was measured before it."""
    bench = cohort.Bench(ROOT, folder, longest)
    runs = 1 if quick else 3

    def noted(found: tuple[list[Measurement], list[Ratio]]) -> Measured:
        notes, bench.notes = bench.notes, []
        return *found, notes

    def sizes(*most: int) -> tuple[int, ...]:
        return tuple(size for size in most if size <= 10_000) if quick else most

    return {
        "single": lambda _: _single(quick),
        "cold": lambda _: _cold(quick),
        "peers": lambda before: _peers(quick, before),
        "ntriples": lambda _: noted(cohort.ntriples(bench, sizes(1_000, 10_000, 100_000), runs)),
        "parquet": lambda _: noted(cohort.parquet(bench, sizes(1_000, 10_000, 100_000, 1_000_000), runs)),
        "ndjson": lambda _: noted(cohort.ndjson(bench, 1_000 if quick else 10_000, 1)),
        "spark": lambda _: noted(cohort.spark(bench, 1_000 if quick else 100_000, 1)),
        "triples": lambda _: noted(cohort.growth_in_triples(bench, 1_000 if quick else 10_000, (1, 4) if quick else (1, 4, 16))),
        "classes": lambda _: noted(cohort.growth_in_classes(bench, 1_000 if quick else 10_000, (1, 10) if quick else (1, 10, 100), runs)),
        "fhir": lambda _: fhir.measure(ROOT, quick),
        "hooks": lambda _: hooks.measure(ROOT, quick),
        "server": lambda _: server.measure(ROOT, quick),
    }


def _single(quick: bool) -> Measured:
    found = single.warm(ROOT, 15 if quick else 60)
    return found, single.ratios(found), []


def _cold(quick: bool) -> Measured:
    found = single.cold(ROOT, 5 if quick else 15)
    return found, single.ratios(found), []


def _peers(quick: bool, before: list[Measurement]) -> Measured:
    sizes = {"naive": 0 if quick else 3, "hermit": 3 if quick else 20, "derive": 20 if quick else 100}
    vignettes = sorted(ROOT.glob("tests/cases/*/*/record.ttl"))
    found, notes = [], []
    for peer, size in sizes.items():
        paths = single.documents(ROOT)[:size] if peer == "naive" else vignettes[:: max(len(vignettes) // (size + 1), 1)][: size + 1]
        if not size:
            notes.append(f"{peer}: --quick")
            continue
        try:
            found.append(peers.measure(ROOT, peer, paths))
        except (RuntimeError, subprocess.TimeoutExpired) as error:
            notes.append(f"{peer}: {str(error)[:300]}")
    warm = [each for each in before if each.group.startswith(single.WARM) and single.GENERATED not in each.group]  # as the peers have them
    ours = [each for each in warm if each.task == single.OURS]
    mean = sum(each.median for each in ours) / len(ours) if ours else 0.0
    ratios = [
        Ratio(f"{each.task} ÷ legcramps, one warm case", each.median / mean, 1000.0 if each.task == "naive" else None, above=True)
        for each in found
        if mean
    ]
    return found, ratios, notes
