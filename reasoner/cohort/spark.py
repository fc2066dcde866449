"""Spread the chunks of a cohort over an existing Spark cluster: the same evaluator, the same plan, the same bytes.

Each task is one chunk, a stretch of an input that holds whole patients; there is no shuffle. What is broadcast is the compiled
program with the settings; a worker keeps it for all of its tasks. Tasks read inputs and write tables under the paths that the
driver names, which all nodes must see. A task that fails is tried again by Spark, and writes its files whole or not at all;
a run whose driver was lost is finished by the same command.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reasoner.cohort.answering import Context
from reasoner.cohort.parts import write_chunk
from reasoner.cohort.run import Spread, context_of
from reasoner.cohort.single import Settings
from reasoner.cohort.sources import Chunk, Source
from reasoner.errors import IncompleteError, MissingExtraError, UsageError, shortened
from reasoner.program.store import dump_program, load_program

if TYPE_CHECKING:
    import pyarrow
    from pyspark import Broadcast
    from pyspark.sql import SparkSession

__all__ = ["find_java", "spread_on"]

_LEAST_JAVA = 17
_CHUNK = "number long, source long, start long, end long, first boolean, last boolean, weight long"
_DONE = "number long, answered long"
_VERSION = re.compile(r'version "(\d+)')


@dataclass(frozen=True, slots=True)
class _Job:
    """What all tasks share, as it is broadcast."""

    program: str
    sources: tuple[Source, ...]
    settings: Settings
    partial: str


def spread_on(master: str) -> Spread:
    """Return what answers chunks on the Spark of that master URL.

    Raise MissingExtraError without pyspark and pandas, UsageError without a Java of at least 17.
    """
    _require_spark()

    def spread(context: Context, waiting: Sequence[Chunk], partial: Path) -> Iterator[tuple[Chunk, int]]:
        if not waiting:
            return
        job = _Job(dump_program(context.program), context.sources, context.settings, str(partial.resolve()))
        by_number = {chunk.number: chunk for chunk in waiting}
        for number, answered in _run(master, job, waiting):
            yield by_number[number], answered

    return spread


def find_java() -> str:
    """Return the Java of the user that Spark would start, or the empty string when there is none of at least 17."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if not java or not Path(java).is_file():
        return ""
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr  # noqa: S603 (the user's own Java)
    version = _VERSION.search(said)
    return java if version and int(version[1]) >= _LEAST_JAVA else ""


def _require_spark() -> None:
    try:
        import pandas  # noqa: F401
        import pyspark  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(
            "The extra spark is not installed", why=f"{error.name} is missing", repair="pip install 'legcramps[spark]'"
        ) from error
    if not find_java():
        raise UsageError(
            "Spark cannot be started",
            why=f"no Java {_LEAST_JAVA} or later is named by JAVA_HOME or found on the PATH",
            repair="install one; the Java of the extra dl lacks a module that Spark needs",
        )


def _run(master: str, job: _Job, chunks: Sequence[Chunk]) -> list[tuple[int, int]]:
    """Return the number of each chunk with how many of its cases were answered; raise IncompleteError when the job fails."""
    try:
        session = _session(master)
    except Exception as error:  # the driver raises whatever its Java reports
        raise UsageError(
            "Spark cannot be started", where=master, why=_words(error), repair="correct --master, or start Spark there"
        ) from error
    try:
        shared = session.sparkContext.broadcast(job)
        rows = [tuple(asdict(chunk).values()) for chunk in chunks]
        frame = session.sparkContext.parallelize(rows, len(rows)).toDF(_CHUNK)
        done = frame.mapInArrow(lambda batches: _answered(batches, shared), _DONE).collect()
        return [(row["number"], row["answered"]) for row in done]
    except Exception as error:
        raise IncompleteError(
            "Spark did not finish the cohort",
            where=master,
            why=_words(error),
            repair="see its log; the same command goes on where it stopped",
        ) from error
    finally:
        session.stop()


def _words(error: Exception) -> str:
    """Return the line of a report from Spark that names the error."""
    lines = [line.strip() for line in str(error).splitlines() if re.match(r"\s*(?:\w+\.)*\w*(?:Error|Exception)\b.*:", line)]
    return shortened((lines or str(error).splitlines() or [type(error).__name__])[-1 if lines else 0], 300)


def _session(master: str) -> SparkSession:
    from pyspark.sql import SparkSession

    if master.startswith("local"):  # here the workers can only be this Python; on a cluster, PYSPARK_PYTHON names theirs
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName("legcramps").master(master)
    settings = {"spark.speculation": "false", "spark.ui.showConsoleProgress": "false", "spark.python.worker.reuse": "true"}
    for name, value in settings.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


# --- on the workers --------------------------------------------------------------------------------------------------


def _answered(batches: Iterator[pyarrow.RecordBatch], shared: Broadcast[_Job]) -> Iterator[pyarrow.RecordBatch]:
    import pyarrow

    job = shared.value
    context = _context(job)
    for batch in batches:
        for row in batch.to_pylist():
            answered = write_chunk(context, Chunk(**row), Path(job.partial))
            yield pyarrow.RecordBatch.from_pylist([{"number": row["number"], "answered": answered}], schema=_arrow(_DONE))


def _arrow(text: str) -> Any:
    import pyarrow

    return pyarrow.schema([(column.split()[0], pyarrow.int64()) for column in text.split(", ")])


@lru_cache(maxsize=1)
def _context(job: _Job) -> Context:
    """Return the context of a job, prepared once for each worker process."""
    return context_of(job.sources, load_program(job.program.encode()), job.settings)
