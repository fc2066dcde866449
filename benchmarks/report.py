"""Write what was measured as JSON and as a Markdown table."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.machine import Machine
from benchmarks.timing import Measurement, Ratio

__all__ = ["Results", "markdown", "to_json"]


@dataclass(frozen=True, slots=True)
class Results:
    """One run: where, what, and what follows; `notes` say what was not run and why."""

    machine: Machine
    measurements: tuple[Measurement, ...]
    ratios: tuple[Ratio, ...]
    notes: tuple[str, ...]
    seconds: float


def to_json(results: Results) -> str:
    """Return the results as JSON, every single run in it."""
    document: dict[str, Any] = asdict(results)
    for row, each in zip(document["measurements"], results.measurements, strict=True):
        row["median"] = each.median
    for row, ratio in zip(document["ratios"], results.ratios, strict=True):
        row["met"] = ratio.met
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def markdown(results: Results) -> str:
    """Return the results as Markdown."""
    machine = results.machine
    versions = ", ".join(f"{name} {version}" for name, version in machine.versions.items())
    lines = [
        f"Commit {machine.commit}; {machine.processor}, {machine.cores} cores, {machine.memory_gib} GiB, {machine.system}, "
        f"Python {machine.python}; load {machine.load} at the start; {results.seconds:.0f} s in all.",
        f"Versions: {versions}.",
        "",
        *_table(("asked", "measured", "must", "aim", "kept"), map(_ratio_row, results.ratios)),
        "",
        *_table(
            ("group", "task", "cases", "median", "per case", "least – most", "runs", "processor time", "peak MiB", "note"),
            map(_row, results.measurements),
        ),
        *(f"\nNot run: {note}" for note in results.notes),
    ]
    return "\n".join(lines) + "\n"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [_line(head), _line(["---"] * len(head)), *map(_line, rows)]


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _ratio_row(ratio: Ratio) -> Sequence[str]:
    sign = "≥" if ratio.above else "≤"
    bounds = ["" if bound is None else f"{sign} {_number(bound)}" for bound in (ratio.wanted, ratio.aim)]
    return ratio.what, _number(ratio.value), *bounds, ratio.met


def _row(each: Measurement) -> Sequence[str]:
    return (
        each.group,
        each.task,
        f"{each.cases:,}",
        _time(each.median),
        _time(each.per_case),
        f"{_time(min(each.seconds))} – {_time(max(each.seconds))}",
        str(len(each.seconds)),
        "" if each.processor is None else _time(each.processor),
        "" if each.memory_mib is None else f"{each.memory_mib:.0f}",
        each.note,
    )


def _time(seconds: float) -> str:
    for factor, unit in ((1, "s"), (1e3, "ms"), (1e6, "µs")):
        if seconds * factor >= 1:
            return f"{_number(seconds * factor)} {unit}"
    return f"{_number(seconds * 1e9)} ns"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
