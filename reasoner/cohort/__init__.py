"""Answer cohorts: many cases at once, as columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from reasoner.errors import MissingExtraError

if TYPE_CHECKING:
    from reasoner.answering import Records
    from reasoner.cohort.run import Summary
    from reasoner.cohort.workers import Crew
    from reasoner.program.model import Program

__all__ = ["answer_cohort", "begin_crew", "find_case", "reasons_in"]


def begin_crew(inputs: Iterable[str], jobs: int) -> Crew:
    """Return other processes that take part in answering the inputs, none where these are too small to be shared.

    They get ready while this process does. It should import little before it calls this, and dismiss them at the end of a `with`.
    """
    from reasoner.cohort.sources import may_be_shared
    from reasoner.cohort.startup import ready
    from reasoner.cohort.workers import Crew

    return Crew(jobs - 1 if may_be_shared(inputs) else 0, ready)


def answer_cohort(
    inputs: Iterable[Path | str],
    out: Path | str,
    program: Program,
    *,
    as_of: datetime | None = None,
    shapes: bool = True,
    nquads: bool = False,
    folder: Path | str | None = None,
    jobs: int = 1,
    crew: Crew | None = None,
    spark: str = "",
    progress: Callable[[int, int, int], None] | None = None,
    input_format: str | None = None,
) -> Summary:
    """Answer every case of the inputs, of which `-` is standard input, in `input_format` or what it looks like, into tables in the folder `out`, or finish what an earlier call of the same began.

    With `nquads` the inferred graphs of the cases are written beside the tables, with the knowledge graph of `folder`, the one that
    `program` was loaded from. The work is spread over `jobs` processes, over this one and a `crew` that
    was begun before, or over the Spark whose master URL `spark` is.

    Raise MissingExtraError without numpy and pyarrow (for Spark, pyspark and pandas), InputError for inputs that cannot be read, UsageError when `out`
    holds something else, IncompleteError when an input is changed while it is read. `progress` is told how much of how much is done, and how many cases are answered.
    """
    from reasoner.moments import from_datetime

    require_extra()
    from reasoner.cohort.run import run
    from reasoner.cohort.single import Settings
    from reasoner.cohort.sources import sources_of
    from reasoner.cohort.standard_input import with_standard_input
    from reasoner.resources import knowledge_folder

    spread = None
    if spark:
        from reasoner.cohort.spark import spread_on

        spread = spread_on(spark)
    now = from_datetime(datetime.now(UTC).replace(microsecond=0))
    settings = Settings(from_datetime(as_of) if as_of else None, now, shapes, nquads)
    held = knowledge_folder(folder) if nquads else None
    with with_standard_input(inputs, Path(out), input_format) as names:
        return run(sources_of(names), Path(out), program, settings, folder=held, jobs=jobs, progress=progress, spread=spread, crew=crew)


def reasons_in(tables: Path | str, most: int = 3) -> list[str]:
    """Return the texts of the first problems that a cohort found."""
    from pyarrow import parquet

    texts: list[str] = parquet.read_table(Path(tables) / "problems", columns=["text"]).column("text").slice(0, most).to_pylist()
    return texts


def find_case(inputs: Iterable[Path | str], case: str, program: Program) -> Records:
    """Return the records of one case of the inputs; raise MissingExtraError, InputError as `answer_cohort` does, UsageError when it is not there."""
    require_extra()
    from reasoner.cohort.single_case import find_case as found_in
    from reasoner.cohort.sources import sources_of

    return found_in(sources_of(map(str, inputs)), case, program)


def require_extra() -> None:
    """Raise MissingExtraError when the libraries of the extra `cohort` are not installed."""
    try:
        import numpy  # noqa: F401
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(
            "The extra cohort is not installed", why=f"{error.name} is missing", repair="pip install 'legcramps[cohort]'"
        ) from error
