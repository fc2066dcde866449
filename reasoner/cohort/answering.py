"""Answer one chunk of a cohort: read it, set apart what it does not hold whole, answer the rest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from reasoner.cohort.batch import from_triples
from reasoner.cohort.columns import compact, encoded
from reasoner.cohort.gathering import gathered_triples, unread_problem
from reasoner.cohort.grouping import Grouping, group, hashes_of
from reasoner.cohort.inferences import infer_together
from reasoner.cohort.lexicon import Flags
from reasoner.cohort.long_table import COLUMNS, check_columns
from reasoner.cohort.malformed import malformed_rows, unsettled_lines
from reasoner.cohort.memory import Memory
from reasoner.cohort.output import NAMES, Rows, empty_rows, problem_row, problem_rows, to_arrow
from reasoner.cohort.rows import batch_of_rows, checked_rows, text_of_rows
from reasoner.cohort.single import Settings, answer_cases, answer_text
from reasoner.cohort.sources import Chunk, Source, line_number, read_stretch
from reasoner.cohort.together import answer_together
from reasoner.cohort.triples import Triples, iris_of, read_triples, text_of
from reasoner.errors import InputError
from reasoner.namespaces import RDF, RDFS
from reasoner.places import Place
from reasoner.program.model import Program
from reasoner.record import Problem
from reasoner.terms import lc

__all__ = ["Context", "Counts", "Part", "answer_chunk", "rows_of", "triples_of"]

_SUBCLASS = f"<{RDFS}subClassOf>"
_ONE_BY_ONE = 20
_CUT_OFF = b"# rows that cannot be read\n"


@dataclass(frozen=True, slots=True)
class Context:
    """What all chunks share."""

    sources: tuple[Source, ...]
    program: Program
    settings: Settings
    memory: Memory
    elsewhere: frozenset[tuple[str, str]] = frozenset()
    """Descriptions that are passed over, each named by file and case: the case is answered elsewhere, or nowhere."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the cases of a chunk; `broken` says that a record or case was left out because it breaks a shape."""

    cases: int
    answered: int
    rejected: int
    routed: int
    problems: int
    malformed: int
    broken: bool


@dataclass(frozen=True, slots=True)
class Part:
    """What a chunk yields: tables, counts, what is left over for the last chunk, and the hashes of what it describes and of its cases."""

    tables: dict[str, pa.Table]
    counts: Counts
    left: bytes
    subjects: np.ndarray[Any, np.dtype[np.uint64]]
    cases: np.ndarray[Any, np.dtype[np.uint64]]


def answer_chunk(context: Context, chunk: Chunk, left: Sequence[bytes] | None = None) -> Part:
    """Answer a chunk; `left` holds what other chunks of the source left over, where the chunk is made of that."""
    source = context.sources[chunk.source]
    if left is None and source.format == "document":
        return _answer_documents(context, chunk)
    if left is None and source.format in ("fhir", "fhir-ndjson"):
        return _answer_fhir(context, context.sources[chunk.start : chunk.end])
    if left is None and source.format == "parquet":
        return _answer_table(context, chunk, source)
    if left is not None and _CUT_OFF in left:
        return _answer_cut_off(context, chunk, left, source.path)
    return _answer_triples(context, chunk, triples_of(context, chunk, left), _anywhere(source.path))


def triples_of(context: Context, chunk: Chunk, left: Sequence[bytes] | None) -> Triples:
    """Return the triples of a stretch, or of what other chunks left over."""
    if left is not None:
        return read_triples(b"".join(left))
    source = context.sources[chunk.source]
    return read_triples(read_stretch(source.path, chunk.start, chunk.end), quads=source.format == "n-quads")


def _answer_documents(context: Context, chunk: Chunk) -> Part:
    found = gathered_triples([each.path for each in context.sources[chunk.start : chunk.end]], context.elsewhere)
    part = _answer_triples(replace(context, elsewhere=frozenset()), chunk, found.triples, found.place, found.problems, found.unread)
    return replace(part, cases=np.append(part.cases, hashes_of(pa.array(found.twice, pa.string()))))


def _answer_fhir(context: Context, sources: Sequence[Source]) -> Part:
    """Answer FHIR files case by case; what they say is in memory as columns, some cases at a time as rows."""
    from reasoner.cohort.exports import fhir_records

    tables = {name: [encoded(name).empty_table()] for name in NAMES}
    names: list[str] = []
    problems = unread = 0
    for records in fhir_records(sources, context.program):
        rows = empty_rows()
        rows["problems"] += problem_rows("", (*map(unread_problem, records.failures), *records.problems))
        gone = _gone(context)
        cases = tuple(case for case in records.cases if case.iri not in gone)
        answer_cases(cases, context.program, context.settings, rows)
        for name, parts in tables.items():
            parts.append(_joined(name, encoded(name).empty_table(), to_arrow(name, rows[name])))
        names += [case.iri for case in cases]
        problems, unread = problems + len(rows["problems"]), unread + len(records.failures)
    counts = Counts(len(names), len(names), 0, len(names), problems, unread, False)
    described = hashes_of(pa.array(names, pa.string()))
    return Part({name: compact(pa.concat_tables(parts)) for name, parts in tables.items()}, counts, b"", described, described)


def _gone(context: Context) -> frozenset[str]:
    """Return the cases that are not answered here."""
    return frozenset(case for _, case in context.elsewhere)


def rows_of(source: Source, chunk: Chunk) -> pa.Table:
    """Return the rows of a chunk, checked; raise InputError when they cannot be read."""
    known = {column.name for column in COLUMNS}
    try:
        schema = parquet.read_schema(source.path)
        check_columns(schema, source.path)
        columns = [name for name in schema.names if name in known]
        file = parquet.ParquetFile(source.path, read_dictionary=[name for name in columns if name != "record"])
        table = file.read_row_groups(list(range(chunk.start, chunk.end)), columns=columns, use_threads=False)
    except (pa.ArrowException, OSError) as error:
        why = str(error).partition("\n")[0]
        raise InputError("The Parquet file cannot be read", where=source.path, why=why, repair="write it anew") from error
    return checked_rows(table, source.path)


def _answer_table(context: Context, chunk: Chunk, source: Source) -> Part:
    """Answer the rows of a chunk; where they cannot be read, the cases that go on in them are not answered either."""
    try:
        table = rows_of(source, chunk)
    except InputError as error:
        return _part([problem_row("", unread_problem(error), ())], 0, 1, b"" if chunk.first and chunk.last else _CUT_OFF)
    return _answer_rows(context, chunk, table, source.path)


def _answer_cut_off(context: Context, chunk: Chunk, left: Sequence[bytes], name: str) -> Part:
    """Answer what is left over but for the cases of which a part could not be read."""
    pairs = list(pairwise(left))
    beside = [_cases_in(before)[-1:] for before, after in pairs if after == _CUT_OFF]
    beside += [_cases_in(after)[:1] for before, after in pairs if before == _CUT_OFF]
    torn = sorted({case for cases in beside for case in cases})
    text, repair = f"{name}: rows next to those of the case cannot be read", "write the file anew"
    rejected = _part(
        [problem_row(iri, Problem("case-cut-off", text, lc("Case"), (iri,), repair), (iri,)) for iri in torn], len(torn), 0, b""
    )
    elsewhere = context.elsewhere | {(name, iri) for iri in torn}
    part = _answer_triples(replace(context, elsewhere=elsewhere), chunk, triples_of(context, chunk, left), _anywhere(name))
    tables = {each: compact(pa.concat_tables([rejected.tables[each], part.tables[each]])) for each in NAMES}
    count, of = len(torn), part.counts
    counts = replace(of, cases=of.cases + count, rejected=of.rejected + count, problems=of.problems + count, broken=of.broken or count > 0)
    return replace(part, tables=tables, counts=counts)


def _cases_in(text: bytes) -> tuple[str, ...]:
    """Return the cases of triples in the order in which they are described."""
    triples = read_triples(text)
    cases = triples.subjects.filter(pa.array(group(triples, first=True, last=True).cases))
    return tuple(iris_of(cases).to_pylist())


def _part(problems: list[Sequence[Any]], rejected: int, malformed: int, left: bytes) -> Part:
    """Return a part without answers."""
    tables = {name: encoded(name).empty_table() for name in NAMES}
    tables["problems"] = _joined("problems", tables["problems"], to_arrow("problems", problems))
    nothing = np.zeros(0, dtype=np.uint64)
    counts = Counts(rejected, 0, rejected, 0, len(problems), malformed, bool(rejected))
    return Part(tables, counts, left, nothing, nothing)


def _answer_rows(context: Context, chunk: Chunk, table: pa.Table, name: str) -> Part:
    """Answer the rows of a chunk; the first and the last case may go on beyond it."""
    memory = context.memory
    batch, owner = batch_of_rows(table, context.program, memory.lexicon, memory.remarks)
    beyond = np.zeros(batch.size + 1, dtype=bool)
    if batch.size:
        beyond[0], beyond[batch.size - 1] = not chunk.first, beyond[batch.size - 1] or not chunk.last
    gone = _among(batch.cases, _gone(context))
    batch.irregular[beyond[:-1] | gone] = True
    together = answer_together(batch, context.program, context.settings, memory, _anywhere(name))
    infer_together(batch, together.left, context.program, context.settings, memory.lexicon)
    apart = together.left & ~beyond[:-1] & ~gone
    rows = together.rows
    answered, spoilt = int((~together.left).sum()), together.broken
    routed, total = together.routed, batch.size - int((beyond[:-1] | gone).sum())
    malformed = int((owner < 0).sum())
    if malformed:
        text = f"{name}: rows that name no case: {malformed}"
        rows["problems"] += problem_rows("", [Problem("row-without-case", text, "", (), "give each row the IRI of its case")])
    if apart.any():
        part = _apart(context, text_of_rows(table, np.append(apart, False)[owner]), name, rows)
        answered, spoilt = answered + part.answered, spoilt or part.broken
        routed, malformed = routed + part.answered, malformed + part.malformed
    counts = Counts(total, answered, total - answered, routed, len(rows["problems"]), malformed, spoilt)
    left = text_of_rows(table, beyond[owner])
    tables = {each: _joined(each, together.tables[each], to_arrow(each, rows[each])) for each in NAMES}
    described = hashes_of(batch.cases.filter(pa.array(~beyond[:-1])))
    return Part(tables, counts, left, described, described)


def _apart(context: Context, text: bytes, name: str, rows: Rows) -> Counts:
    """Answer cases one by one from triples; lines that are none cost their own case."""
    triples = read_triples(text)
    grouping = group(triples, first=True, last=True)
    rows["problems"] += malformed_rows(triples, grouping, name, 0)
    refused = _refused(triples, grouping.holders, grouping.targets, _broken(triples))
    own = ~_with_records(grouping, refused & grouping.cases)
    read, spoilt = 0, False
    if (grouping.cases & own).any():
        records = answer_text(text_of(triples, own[triples.s]), _anywhere(name), context.program, context.settings, rows)
        read, spoilt = len(records.cases), records.broken
    total = int(grouping.cases.sum())
    return Counts(total, read, total - read, read, 0, len(triples.malformed), spoilt)


def _anywhere(name: str) -> Place:
    """Return what gives the name of a file as the place of each of its nodes."""
    return lambda _: name


def _answer_triples(
    context: Context, chunk: Chunk, triples: Triples, place: Place, remarked: Sequence[Problem] = (), unread: int = 0
) -> Part:
    program, settings = context.program, context.settings
    grouping = group(triples, first=chunk.first, last=chunk.last)
    rows = empty_rows()
    told = chunk.start >= 0 or context.sources[chunk.source].format == "parquet"  # else the stretches have said it
    if told:
        rows["problems"] += malformed_rows(triples, grouping, place(""), _first_line(context, chunk) if triples.malformed else 0)
    rows["problems"] += problem_rows("", remarked)
    kept, cases = grouping.kept, grouping.cases & grouping.kept
    refused = _refused(triples, grouping.holders, grouping.targets, _broken(triples))
    gone = _passed_over(triples, grouping, _gone(context))
    refused |= gone
    memory = context.memory
    batch, owner = from_triples(triples, grouping, program, memory.lexicon, memory.remarks)
    if _SUBCLASS in triples.predicates.to_pylist():
        batch.irregular[:] = True
    if chunk.start < 0 and batch.size <= _ONE_BY_ONE:
        batch.irregular[:] = True  # so few are answered sooner one by one
    batch.irregular[owner[refused & (owner >= 0)]] = True
    together = answer_together(batch, program, settings, memory, place)
    infer_together(batch, together.left, program, settings, memory.lexicon)
    for table, more in together.rows.items():
        rows[table] += more
    answered, spoilt = int((~together.left).sum()), together.broken
    read = 0
    own = kept & ~_with_records(grouping, refused & cases) & np.append(together.left, True)[owner]
    if (cases & own).any() or _describes(triples, own):
        records = answer_text(text_of(triples, own[triples.s]), place, program, settings, rows)
        read, spoilt = len(records.cases), spoilt or records.broken
    total = int((cases & ~gone).sum())
    problems, malformed = len(rows["problems"]), len(triples.malformed if told else ()) + unread
    counts = Counts(total, answered + read, total - answered - read, together.routed + read, problems, malformed, spoilt)
    left = text_of(triples, ~kept[triples.s])
    if triples.malformed and not (chunk.first and chunk.last):
        left += unsettled_lines(triples, kept)
    tables = {table: _joined(table, together.tables[table], to_arrow(table, rows[table])) for table in NAMES}
    return Part(tables, counts, left, hashes_of(triples.subjects.filter(pa.array(kept))), hashes_of(batch.cases))


def _among(names: pa.StringArray, chosen: frozenset[str]) -> Flags:
    """Return which texts are among the chosen ones."""
    if not chosen:
        return np.zeros(len(names), dtype=bool)
    found: Flags = pc.is_in(names, pa.array(sorted(chosen), pa.string())).to_numpy(zero_copy_only=False)
    return found


def _passed_over(triples: Triples, grouping: Grouping, chosen: frozenset[str]) -> Flags:
    """Return the subjects that are chosen cases or records of theirs alone."""
    return _with_records(grouping, _among(triples.subjects, frozenset(f"<{iri}>" for iri in chosen)) & grouping.cases)


def _with_records(grouping: Grouping, cases: Flags) -> Flags:
    """Return some cases and the records of theirs alone."""
    found = cases.copy()
    if cases.any():
        held = cases[grouping.holders]
        found[np.setdiff1d(grouping.targets[held], grouping.targets[~held])] = True
    return found


def _first_line(context: Context, chunk: Chunk) -> int:
    """Return the number of the first line of a stretch; 0 for what is no stretch of a file of lines."""
    source = context.sources[chunk.source]
    return line_number(source.path, chunk.start) if source.format in ("n-triples", "n-quads") else 0


def _describes(triples: Triples, chosen: Flags) -> bool:
    """Return whether one of the chosen subjects has a type."""
    typed = triples.p == pc.index(triples.predicates, f"<{RDF}type>").as_py()
    return bool(chosen[triples.s[typed]].any())


def _joined(name: str, together: pa.Table, alone: pa.Table) -> pa.Table:
    """Return the rows of both, texts as dictionaries."""
    if not alone.num_rows:
        return compact(together)
    columns = [
        column.cast(field.type) if column.type != field.type else column for column, field in zip(alone.columns, encoded(name), strict=True)
    ]
    return compact(pa.concat_tables([together, pa.table(columns, schema=encoded(name))]))


def _broken(triples: Triples) -> set[str]:
    """Return the subjects of malformed lines."""
    return {each.subject for each in triples.malformed if each.subject}


def _refused(triples: Triples, holders: Any, targets: Any, broken: Iterable[str]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return the subjects that a malformed line is about, and the cases that link them."""
    refused = np.zeros(len(triples.subjects), dtype=bool)
    for place, subject in enumerate(triples.subjects.to_pylist() if broken else ()):
        refused[place] = subject in broken
    refused[holders[refused[targets]]] = True
    return refused
