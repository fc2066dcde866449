"""Answer a cohort chunk by chunk: resumable after a kill at any point, and nothing is written in place of the output before all is done.

Everything is written beside the output, in a folder whose name ends in `.partial`. A chunk is done when its state file is
there, which is renamed into place after its tables; what is half written has another name and is written anew. At the end
the folder gets the name of the output. What a chunk yields depends on the plan alone, so that a run that was killed and
taken up again, with more or fewer jobs, gives the same bytes.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from reasoner.cohort.answering import Context, Counts
from reasoner.cohort.gathering import caseless_problem
from reasoner.cohort.inferences import write_knowledge
from reasoner.cohort.long_table import COLUMNS
from reasoner.cohort.memory import Memory
from reasoner.cohort.output import NAMES
from reasoner.cohort.parts import INFERRED, KNOWLEDGE, STATE, hashes_in, left_over, state_of, write_chunk, write_json, write_problems
from reasoner.cohort.single import Settings
from reasoner.cohort.sources import Chunk, Source, chunks_of, require_unchanged
from reasoner.cohort.startup import ready
from reasoner.cohort.twice import compared, repeated
from reasoner.cohort.workers import Crew
from reasoner.errors import IncompleteError, InputError, UsageError
from reasoner.files import require_new_folder
from reasoner.program.model import Program
from reasoner.record import Problem

__all__ = ["Spread", "Summary", "context_of", "run"]

_PLAN, _MANIFEST, _TWICE = "plan.json", "manifest.json", "twice.json"
_FORMAT = 2

Progress = Callable[[int, int, int], None]
"""Told how much of how much is done, and how many cases are answered."""

Spread = Callable[[Context, Sequence[Chunk], Path], Iterator[tuple[Chunk, int]]]
"""Has `write_chunk` called for each chunk, wherever that is, and yields each with the number of cases that were answered."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What became of the cases: `cases` is the sum of `answered` and `rejected`; `routed` ones were answered one by one.

    `malformed` counts the lines that are no triples; `broken` says that a record or case was left out because it breaks a shape.
    `undated` cases state no instant of their own and were judged at `now`; `ignored` names the columns of tables that are not read.
    """

    cases: int
    answered: int
    rejected: int
    routed: int
    problems: int
    malformed: int
    broken: bool
    undated: int
    now: str
    ignored: tuple[str, ...]


def run(
    sources: Sequence[Source],
    out: Path,
    program: Program,
    settings: Settings,
    *,
    folder: Path | None = None,
    jobs: int = 1,
    progress: Progress | None = None,
    spread: Spread | None = None,
    crew: Crew | None = None,
) -> Summary:
    """Answer the cases of `sources` into the folder `out`, or go on where an earlier run of the same was stopped.

    The chunks are spread over `jobs` processes, of which the others may be a `crew` that was begun before, unless `spread` says otherwise.
    `folder` is that of the knowledge, which is written beside the inferences.

    Raise InputError when there is no case at all, UsageError when `out` holds something else, IncompleteError when what is left over cannot be
    put together or an input was changed while it was read.
    """
    partial = _partial(out)
    chunks = chunks_of(sources)
    plan = _plan(sources, program, settings)
    if (out / _MANIFEST).is_file():
        return _finished(out, plan)
    require_new_folder(out)
    settings = _begin(partial, {**plan, "cuts": _digest_of(chunks)}, settings)
    try:
        if folder and settings.nquads and not (partial / _MANIFEST).is_file():
            write_knowledge(partial / INFERRED / KNOWLEDGE, folder, program)
        _fill(context_of(sources, program, settings), chunks, partial, plan, spread or _over_processes(jobs, crew), progress)
    except IncompleteError:
        with suppress(OSError):
            _check_unchanged(sources, partial)  # what went wrong may come of that
        raise
    except OSError as error:
        raise IncompleteError(
            "The run was stopped",
            where=str(error.filename or partial),
            why=error.strerror or str(error),
            repair="mend that and repeat the same command, which goes on where it stopped",
        ) from error
    if out.exists():
        out.rmdir()
    partial.rename(out)
    return _finished(out, plan)


def _partial(out: Path) -> Path:
    """Return the folder for what is unfinished."""
    if not out.resolve().name:
        raise UsageError("The output has no name", where=str(out), repair="name a new folder")
    return out.with_name(out.name + ".partial") if out.name.strip(".") else Path(f"{out.resolve()}.partial")


def _fill(
    context: Context, chunks: Sequence[Chunk], partial: Path, plan: dict[str, Any], spread: Spread, progress: Progress | None
) -> None:
    """Write all that the output holds into the folder for what is unfinished.

    Raise InputError when the inputs hold no case at all, IncompleteError when one was changed meanwhile.
    """
    if not (partial / _MANIFEST).is_file():
        _answer(context, chunks, partial, spread, progress)
        _check_unchanged(context.sources, partial)
        manifest = _manifest(context, partial, plan)
        if not manifest["counts"]["cases"] and not manifest["counts"]["malformed"]:
            shutil.rmtree(partial)
            raise _without_case(context.sources)
        write_json(partial / _MANIFEST, manifest)
    shutil.rmtree(partial / STATE, ignore_errors=True)
    for left in (partial / _PLAN, partial / _TWICE, *partial.rglob(".*")):  # the plan, and what a killed run had half written
        left.unlink(missing_ok=True)


# --- the plan ----------------------------------------------------------------------------------------------------------


def _plan(sources: Sequence[Source], program: Program, settings: Settings) -> dict[str, Any]:
    return {
        "format": _FORMAT,
        "knowledge": {"version": program.version, "hash": program.digest},
        "as_of": settings.as_of.text if settings.as_of else None,
        "shapes": settings.shapes,
        "nquads": settings.nquads,
        "sources": [asdict(each) for each in sources],
    }


def _digest_of(chunks: Sequence[Chunk]) -> str:
    """Return a number for the places at which the inputs are cut: what was answered of others cannot be gone on with."""
    return blake2b(repr([(each.source, each.start, each.end) for each in chunks]).encode(), digest_size=16).hexdigest()


def _begin(partial: Path, plan: dict[str, Any], settings: Settings) -> Settings:
    """Write the plan, or find that of an unfinished run, whose present instant is kept."""
    from reasoner.moments import parse_moment

    path = partial / _PLAN
    if path.is_file():
        found = json.loads(path.read_text(encoding="utf-8"))
        now = parse_moment(found.pop("now"))
        if found != plan or now is None:
            raise UsageError(
                "An unfinished run of another command is in the way",
                where=str(partial),
                why="its inputs, options or knowledge differ from these",
                repair="repeat that command, or delete the folder",
            )
        return replace(settings, now=now)
    if not (partial / _MANIFEST).is_file():
        try:
            for name in (*NAMES, STATE, *([INFERRED] if settings.nquads else [])):
                (partial / name).mkdir(parents=True, exist_ok=True)
            write_json(path, {**plan, "now": settings.now.text})
        except OSError as error:
            why = error.strerror or str(error)
            raise UsageError(
                "The output cannot be written", where=str(partial), why=why, repair="name a place that can be written to"
            ) from error
    return settings


def _without_case(sources: Sequence[Source]) -> InputError:
    """Return the error of inputs that hold no case, in words of their format."""
    if all(each.format.startswith("fhir") for each in sources):
        from reasoner.fhir import no_patient

        return no_patient(sources[0].path)
    return InputError("The inputs hold no case", why="no named node is typed lc:Case", repair="name the files of the cohort")


def _finished(out: Path, plan: dict[str, Any]) -> Summary:
    manifest = json.loads((out / _MANIFEST).read_text(encoding="utf-8"))
    counts, now, ignored, *_ = (manifest.pop(name) for name in ("counts", "now", "ignored", "tables", "quads"))
    if manifest != plan:
        raise UsageError(
            "The output folder holds the answers of another run",
            where=str(out),
            why="its inputs, options or knowledge differ from these",
            repair="name a new folder",
        )
    return Summary(**counts, now=now or "", ignored=tuple(ignored))


# --- the chunks --------------------------------------------------------------------------------------------------------


def context_of(sources: Sequence[Source], program: Program, settings: Settings) -> Context:
    """Return what all chunks share, prepared for this process."""
    return Context(tuple(sources), program, settings, Memory.of(program, settings))


def _over_processes(jobs: int, crew: Crew | None) -> Spread:
    def spread(context: Context, waiting: Sequence[Chunk], partial: Path) -> Iterator[tuple[Chunk, int]]:
        with crew or Crew(min(jobs, len(waiting)) - 1, ready) as others:
            yield from others.apply(_Writer(context, partial), waiting)

    return spread


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes chunks into a folder; another process gets the program without what was derived from it, and a memory of its own."""

    context: Context
    partial: Path

    def __call__(self, chunk: Chunk) -> int:
        """Answer a chunk and write what it yields."""
        return write_chunk(self.context, chunk, self.partial)

    def __reduce__(self) -> tuple[Any, ...]:
        return _writer_of, (self.context.sources, replace(self.context.program), self.context.settings, self.partial)


def _writer_of(sources: Sequence[Source], program: Program, settings: Settings, partial: Path) -> _Writer:
    return _Writer(context_of(sources, program, settings), partial)


def _answer(context: Context, chunks: Sequence[Chunk], partial: Path, spread: Spread, progress: Progress | None) -> None:
    total = sum(chunk.weight for chunk in chunks)
    done = cases = 0
    waiting = []
    for chunk in chunks:
        state = state_of(partial, chunk.number)
        if state is None:
            waiting.append(chunk)
        else:
            done, cases = done + chunk.weight, cases + state["answered"]
    for chunk, answered in spread(context, waiting, partial):
        done, cases = done + chunk.weight, cases + answered
        if progress:
            progress(done, total, cases)
    rests = list(_rests(context, chunks, partial))
    for chunk in rests:
        if state_of(partial, chunk.number) is None:
            write_chunk(context, chunk, partial)
    _check_apart(context, chunks, partial)
    problems = _settle_twice(context, [*chunks, *rests], partial)
    caseless = [caseless_problem(context.sources[place].path) for place in _caseless(context.sources, [*chunks, *rests], partial)]
    if problems or caseless:
        write_problems(problems, caseless, len(context.sources) + len(chunks), partial)


def _caseless(sources: Sequence[Source], chunks: Sequence[Chunk], partial: Path) -> list[int]:
    """Return the places of the files of lines and rows that can be read and hold no case."""
    parted = {place for place, source in enumerate(sources) if source.format in ("n-triples", "n-quads", "parquet")}
    for chunk in chunks:
        state = state_of(partial, chunk.number)
        if state is None or state["malformed"] or len(hashes_in(partial / STATE / f"{chunk.number:06}.cases")):
            parted.discard(chunk.source)
    return sorted(parted)


def _ignored(sources: Sequence[Source]) -> list[str]:
    """Return the columns of tables that are not read, by file; a table that cannot be read is a problem of its own."""
    known = {column.name for column in COLUMNS}
    found = []
    for each in sources:
        with suppress(pa.ArrowException, OSError):
            names = sorted(set(parquet.read_schema(each.path).names) - known) if each.format == "parquet" else []
            found += [f"{each.path}: {', '.join(names)}"] if names and "case" in parquet.read_schema(each.path).names else []
    return found


def _rests(context: Context, chunks: Sequence[Chunk], partial: Path) -> Iterator[Chunk]:
    """Yield a last chunk for each source of which something is left over; its `end` says up to which chunk."""
    for index in range(len(context.sources)):
        own = [chunk.number for chunk in chunks if chunk.source == index]
        if any((partial / STATE / f"{number:06}.left").stat().st_size for number in own):
            yield Chunk(len(chunks) + index, index, -own[0] - 1, own[-1] + 1, True, True, 0)


def _check_unchanged(sources: Sequence[Source], partial: Path) -> None:
    """Raise IncompleteError when an input was changed meanwhile: what was answered is of no use."""
    try:
        require_unchanged(sources)
    except IncompleteError:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _check_apart(context: Context, chunks: Sequence[Chunk], partial: Path) -> None:
    """Raise IncompleteError when two chunks of one source describe the same node: what is left is of no use."""
    state = partial / STATE
    for index, source in enumerate(context.sources):
        numbers = [chunk.number for chunk in chunks if chunk.source == index] + [len(chunks) + index]
        if len(repeated(hashes_in(path) for number in numbers if (path := state / f"{number:06}.subjects").is_file())):
            shutil.rmtree(partial)
            raise IncompleteError(
                "The statements about one node stand too far apart",
                where=source.path,
                why="the file is read in stretches, and a case or record is described in two of them",
                repair="sort the file by case",
            )


def _settle_twice(context: Context, chunks: Sequence[Chunk], partial: Path) -> list[Problem]:
    """Answer the chunks anew whose cases are described elsewhere, too, and return the problems of those that nobody can answer.

    What is decided is kept, so that a run can be taken up here.
    """
    path = partial / _TWICE
    if not path.is_file():
        described = {chunk.number: partial / STATE / f"{chunk.number:06}.cases" for chunk in chunks}
        wanted = repeated(hashes_in(each) for each in described.values())
        if not len(wanted):
            return []
        told = compared(context, [(chunk, hashes_in(described[chunk.number]), left_over(partial, chunk)) for chunk in chunks], wanted)
        write_json(path, asdict(told))
    found = json.loads(path.read_text(encoding="utf-8"))
    for chunk in chunks:
        if over := found["elsewhere"].get(str(chunk.number)):
            write_chunk(replace(context, elsewhere=frozenset(map(tuple, over))), chunk, partial)
    return [Problem(**each) for each in found["problems"]]


def _manifest(context: Context, partial: Path, plan: dict[str, Any]) -> dict[str, Any]:
    states = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((partial / STATE).glob("*.json"))]
    rows, quads = [state.pop("rows") for state in states], sum(state.pop("quads") for state in states)
    counts = {name: sum(state[name] for state in states) for name in (*Counts.__slots__, "undated")}
    counts["broken"] = bool(counts["broken"])
    now = context.settings.now.text if counts["undated"] else None
    return {
        **plan,
        "now": now,
        "ignored": _ignored(context.sources),
        "counts": counts,
        "tables": {name: sum(each[name] for each in rows) for name in NAMES},
        "quads": quads,
    }
