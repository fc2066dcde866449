"""Compare what two versions say of a cohort in columns, and explain each kind of move by the first patient that shows it.

Both versions answer the cohort into tables, the tables are joined, and only rows that differ are looked at. Patients whose
moves are the same in kind share one explanation, found by answering one of them alone.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from reasoner.answering import answer_case, read_records
from reasoner.authoring.causes import causes_of
from reasoner.authoring.patients import Move, PatientChanges, Source, enter_moves
from reasoner.authoring.verdicts import CONDITION, DECISION, KINDS, RED_FLAG, TEST, Item, Side
from reasoner.authoring.versions import Version
from reasoner.documents import Document
from reasoner.moments import Moment
from reasoner.proof_axioms import Axioms
from reasoner.terms import lc

if TYPE_CHECKING:
    import pyarrow

    from reasoner.cohort.run import Summary

__all__ = ["COLUMN_FORMATS", "compare_cohort", "statements_of"]

COLUMN_FORMATS = (".nt", ".nq", ".parquet")
"""The endings of files that are answered as columns."""

_EXPLAINED = 300
"""Kinds of moves that are explained, the most frequent first."""

_TABLES = {
    DECISION: ("verdicts", "decision", ("verdict", "certainty")),
    RED_FLAG: ("red_flags", "id", ("certainty",)),
    TEST: ("next_tests", "test", ("certainty",)),
    CONDITION: ("differential", "condition", ("status", "weight")),
}
"""The table of each kind of verdict, the column that says what it is about, and those that are compared."""

Kind = tuple[tuple[str, str, str, str], ...]
"""The moves of a patient without weights: what two patients must share to share an explanation."""


def compare_cohort(
    old: Version, new: Version, sources: Iterable[Source], as_of: Moment, touched: frozenset[str], changes: PatientChanges
) -> None:
    """Add what differs in the cohort to `changes`; raise MissingExtraError without the extra `cohort`."""
    from reasoner.cohort import require_extra

    require_extra()
    paths = [str(source.path) for source in sources]
    with tempfile.TemporaryDirectory(prefix="legcramps-") as folder:
        outs = [(version, Path(folder) / name) for version, name in ((old, "old"), (new, "new"))]
        summaries = [_answered(version, out, paths, as_of) for version, out in outs]
        moved = _moved(old, new, outs[0][1], outs[1][1])
    changes.patients += max(summary.cases for summary in summaries)
    for (version, _), summary in zip(outs, summaries, strict=True):
        if summary.rejected or summary.malformed:
            changes.failures.append(f"{version.name}: {summary.rejected} cases of the cohort rejected, {summary.malformed} malformed lines")
    kinds: dict[Kind, list[str]] = {}
    for case, moves in moved.items():
        kinds.setdefault(_kind(moves), []).append(case)
    ordered = sorted(kinds.items(), key=lambda each: (-len(each[1]), each[0]))
    firsts = _sides(old, new, paths, {cases[0] for _, cases in ordered[:_EXPLAINED]}, as_of)
    for _, cases in ordered:
        _explain(cases, moved, firsts.get(cases[0]), touched, changes)


def _answered(version: Version, out: Path, paths: list[str], now: Moment) -> Summary:
    from reasoner.cohort.run import run
    from reasoner.cohort.single import Settings
    from reasoner.cohort.sources import sources_of

    return run(sources_of(paths), out, version.program, Settings(None, now), jobs=os.cpu_count() or 1)


def _kind(moves: list[Move]) -> Kind:
    return tuple(
        (move.kind, move.term, move.before.partition(" (+")[0].partition(" (-")[0], move.after.partition(" (+")[0].partition(" (-")[0])
        for move in moves
    )


# --- the rows that differ ---------------------------------------------------------------------------------------------


def _moved(old: Version, new: Version, before: Path, after: Path) -> dict[str, list[Move]]:
    """Return the moves of each patient that moved, those answered by one version alone left out."""
    import pyarrow.dataset as ds

    both = set(ds.dataset(before / "cases").to_table(columns=["case"]).column("case").to_pylist())
    both &= set(ds.dataset(after / "cases").to_table(columns=["case"]).column("case").to_pylist())
    words = _words(old, new)
    moved: dict[str, list[Move]] = {}
    for kind in KINDS:
        for case, term, one, other in _rows(kind, before, after) if kind in _TABLES else ():
            move = words(kind, term, one, other)
            if case in both and move is not None:
                moved.setdefault(case, []).append(move)
    return {case: sorted(moves, key=lambda move: (KINDS.index(move.kind), move.term)) for case, moves in moved.items()}


def _rows(kind: str, before: Path, after: Path) -> Iterator[tuple[str, str, tuple[object, ...], tuple[object, ...]]]:
    """Yield case, term and the compared cells of each version where they differ; a row that is not there has no cells."""
    import pyarrow.compute as pc
    import pyarrow.dataset as ds

    name, about, compared = _TABLES[kind]
    tables = [_spelt(ds.dataset(folder / name).to_table(columns=["case", about, *compared])) for folder in (before, after)]
    joined = tables[0].join(tables[1], ["case", about], join_type="full outer", right_suffix="_after")
    same = None
    for column in compared:
        equal = pc.fill_null(pc.equal(joined[column], joined[f"{column}_after"]), False)
        same = equal if same is None else pc.and_(same, equal)
    for row in joined.filter(pc.invert(same)).to_pylist():
        sides = (tuple(row[column] for column in compared), tuple(row[f"{column}_after"] for column in compared))
        yield row["case"], row[about], *(() if side[0] is None else side for side in sides)


def _spelt(table: pyarrow.Table) -> pyarrow.Table:
    """Return a table whose words are spelt out: parts of it, and other tables, number theirs otherwise."""
    import pyarrow as pa

    columns = [column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column for column in table.columns]
    return pa.table(columns, names=table.column_names)


def _words(old: Version, new: Version) -> Callable[[str, str, tuple[object, ...], tuple[object, ...]], Move | None]:
    """Return what makes a move of a differing row, None where a condition of one version is not borne on by the records."""
    decisions = {each.key: each.iri for version in (old, new) for each in version.program.decisions}
    starts = {each.iri: _sums(weight for _, weight in each.starts) for version in (old, new) for each in version.program.conditions}
    labels = old.program.labels | new.program.labels

    def move(kind: str, term: str, before: tuple[object, ...], after: tuple[object, ...]) -> Move | None:
        given = before or after
        alone = kind == CONDITION and not (before and after) and given[0] not in ("confirmed", "excluded")
        if alone and round(float(str(given[1])), 1) in starts.get(term, ()):
            return None
        iri = decisions.get(term, term)
        return Move(kind, iri, labels.get(iri, term), _said(kind, before), _said(kind, after))

    return move


def _sums(weights: Iterable[str]) -> set[float]:
    """Return every sum of some of the weights, none included."""
    found = {0.0}
    for weight in weights:
        found |= {round(each + float(weight), 1) for each in found}
    return found


def _said(kind: str, cells: tuple[object, ...]) -> str:
    if not cells:
        return ""
    if kind == CONDITION:
        return f"{cells[0]} ({float(str(cells[1])):+.1f})"
    return f"{cells[0]} ({cells[1]})" if len(cells) == 2 else str(cells[0])


# --- what moved them --------------------------------------------------------------------------------------------------


def _explain(
    cases: list[str], moved: dict[str, list[Move]], sides: tuple[Side, Side] | None, touched: frozenset[str], changes: PatientChanges
) -> None:
    """Enter the patients of one kind under the causes found for the first of them."""
    causes: dict[tuple[str, str], tuple[str, ...]] = {}
    if sides is not None:
        causes = {(move.kind, move.term): causes_of(*sides, Item(move.kind, move.term), touched) for move in moved[cases[0]]}
    for case in cases:
        moves = [(move, causes.get((move.kind, move.term), ())) for move in moved[case]]
        enter_moves(changes, case, moves, sides if case == cases[0] else None)


def _sides(old: Version, new: Version, paths: Iterable[str], wanted: set[str], as_of: Moment) -> dict[str, tuple[Side, Side]]:
    """Return the answers of both versions to some cases, each answered alone."""
    text = b"".join(statements_of(Path(path), wanted) for path in paths)
    if not text:
        return {}
    answered = []
    for version in (old, new):
        axioms = Axioms(version.program, version.graph)
        cases = read_records(Document("cohort", text, "n-triples"), version.program).cases
        answered.append({case.iri: Side(version, axioms, answer_case(case, version.program, case.as_of or as_of)) for case in cases})
    return {case: (answered[0][case], answered[1][case]) for case in wanted if all(case in each for each in answered)}


def statements_of(path: Path, wanted: set[str]) -> bytes:
    """Return what a file states of some cases and their records, as N-Triples."""
    if path.suffix.lower() == ".parquet":
        return _rows_of(path, wanted)
    import pyoxigraph

    subjects = {f"<{case}>".encode() for case in wanted}
    has_record = f"<{lc('hasRecord')}>".encode()
    with path.open("rb") as file:
        for line in file:
            parts = line.split(None, 3)
            if len(parts) > 2 and parts[1] == has_record and parts[0] in subjects:
                subjects.add(parts[2].removesuffix(b"."))
    with path.open("rb") as file:
        lines = b"".join(line for line in file if line.split(None, 1)[:1] and line.split(None, 1)[0] in subjects)
    quads = pyoxigraph.parse(lines, format=pyoxigraph.RdfFormat.N_QUADS, lenient=True)
    return pyoxigraph.serialize((quad.triple for quad in quads), format=pyoxigraph.RdfFormat.N_TRIPLES) or b""


def _rows_of(path: Path, wanted: set[str]) -> bytes:
    """Return what the rows of some cases state; batch by batch, because each row group has words of its own."""
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import parquet

    from reasoner.cohort.long_table import statements

    names, found = pa.array(sorted(wanted), pa.string()), []
    for batch in parquet.ParquetFile(path).iter_batches():
        chosen = batch.filter(pc.is_in(batch.column("case").cast(pa.string()), names))
        found += [line for row in chosen.to_pylist() for line in statements(row)]
    return "".join(found).encode()
