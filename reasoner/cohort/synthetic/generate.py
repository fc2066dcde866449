"""Generate a synthetic cohort: seeded, streamed, with its ground truth beside it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from reasoner.cohort.synthetic.drafts import Dice
from reasoner.cohort.synthetic.drawing import Chunk, Drawer, instants_of
from reasoner.cohort.synthetic.fhir_writing import FhirWriter
from reasoner.cohort.synthetic.plan import Plan, make_plan
from reasoner.cohort.synthetic.settings import Settings
from reasoner.cohort.synthetic.writing import CohortWriter, LineWriter, ParquetWriter, TableOfTruth, TurtleWriter
from reasoner.errors import InputError, MissingExtraError, UsageError
from reasoner.program.model import Program

__all__ = ["FORMATS", "LAST_INSTANT", "Cohort", "generate", "truth_path"]

FORMATS = ("ntriples", "turtle", "parquet", "fhir")
"""The formats in which a cohort can be generated."""

LAST_INSTANT = datetime(2026, 11, 20, 9, tzinfo=UTC)
"""The latest as-of instant, unless another is given: a cohort does not depend on the day on which it is generated."""


@dataclass(frozen=True, slots=True)
class Cohort:
    """What was written: how many patients and records, where, and where the ground truth is."""

    patients: int
    records: int
    path: Path
    truth: Path


def truth_path(path: Path) -> Path:
    """Return where the ground truth of a cohort stands."""
    return path.with_name(path.name + ".truth.csv")


def generate(
    program: Program,
    settings: Settings,
    path: Path,
    *,
    count: int,
    seed: int = 0,
    output_format: str = "ntriples",
    last: datetime = LAST_INSTANT,
    progress: Callable[[int], None] = lambda done: None,
) -> Cohort:
    """Write `count` patients to `path` and their ground truth beside it; both appear whole or not at all.

    The same program, settings, count, seed and instant give the same bytes. Raises MissingExtraError without NumPy and PyArrow,
    UsageError when one of the files is there already, InputError when they cannot be written.
    """
    _require_numpy()
    truth = truth_path(path)
    for each in (path, truth):
        if each.exists() or each.is_symlink():
            raise UsageError("The file exists already", where=str(each), repair="choose another name, or remove it")
    instants = instants_of(settings, last)[: 1 if output_format == "fhir" else None]
    plan = make_plan(program, settings, Dice(Random(f"legcramps {seed}"), settings), instants[0])  # noqa: S311 (patients, no secrets)
    chunks = Drawer(plan, program, settings, instants, seed).chunks(count)
    try:
        with ExitStack() as stack:
            writers = [_writer(output_format, stack.enter_context(_appearing(path)), plan, instants, program, stack)]
            writers.append(TableOfTruth(stack.enter_context(stack.enter_context(_appearing(truth)).open("wb")), plan))
            return Cohort(count, _written(chunks, writers, plan, progress), path, truth)
    except OSError as error:
        raise InputError(
            "The cohort cannot be written", where=str(path), why=error.strerror or str(error), repair="check the path"
        ) from error


def _require_numpy() -> None:
    try:
        import numpy  # noqa: F401
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("The extra cohort is not installed", why=str(error), repair="pip install 'legcramps[cohort]'") from error


def _written(chunks: Iterable[Chunk], writers: Sequence[CohortWriter], plan: Plan, progress: Callable[[int], None]) -> int:
    """Write chunks with all writers; return how many records there were."""
    records = 0
    for chunk in chunks:
        for writer in writers:
            writer.write(chunk)
        records += sum(len(plan.variants[number].drafts) for number in chunk.variants.tolist())
        progress(chunk.first + chunk.count)
    for writer in writers:
        writer.close()
    return records


def _writer(output_format: str, path: Path, plan: Plan, instants: tuple[datetime, ...], program: Program, stack: ExitStack) -> CohortWriter:
    if output_format == "parquet":
        return ParquetWriter(path, plan, instants)
    file = stack.enter_context(path.open("wb"))
    if output_format == "fhir":
        return FhirWriter(file, plan, instants[0], program)
    return TurtleWriter(file, plan, instants) if output_format == "turtle" else LineWriter(file, plan, instants)


@contextmanager
def _appearing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`, which takes its place when all went well and is removed otherwise."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name + ".", suffix=".part")
    os.close(handle)
    try:
        yield Path(name)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
