"""Write the patients of a synthetic cohort as N-Triples, Turtle or Parquet, and what each of them was drawn from."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

from reasoner.cohort.long_table import COLUMNS, RECORD, arrow_schema, statements
from reasoner.cohort.synthetic.drawing import Chunk
from reasoner.cohort.synthetic.plan import Plan

if TYPE_CHECKING:
    import pyarrow

__all__ = ["BASE_IRI", "CohortWriter", "LineWriter", "ParquetWriter", "TableOfTruth", "TurtleWriter", "case_iri", "patients_of"]

BASE_IRI = "https://example.org/legcramps/cohort/"
"""Where the cases of a synthetic cohort have their IRIs."""


def case_iri(number: int) -> str:
    """Return the IRI of a case."""
    return f"{BASE_IRI}{number:08}"


def _instant(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


class CohortWriter(Protocol):
    """Writes chunks one after another."""

    def write(self, chunk: Chunk) -> None:
        """Write the patients of a chunk."""

    def close(self) -> None:
        """Write what is left."""


class _Texts:
    """What each record says at each instant, after its name: prepared when it is first needed."""

    def __init__(self, plan: Plan, instants: tuple[datetime, ...]) -> None:
        self.plan, self.instants = plan, instants
        self._known: dict[tuple[int, int], tuple[tuple[str, ...], ...]] = {}
        self._same: dict[str, str] = {}

    def of(self, instant: int, variant: int) -> tuple[tuple[str, ...], ...]:
        """Return for each record of a variant its predicates and objects as ends of N-Triples lines."""
        found = self._known.get((instant, variant))
        if found is None:
            found = self._known[instant, variant] = tuple(
                self._ends(draft.row(self.instants[instant])) for draft in self.plan.variants[variant].drafts
            )
        return found

    def _ends(self, row: dict[str, str | None]) -> tuple[str, ...]:
        lines = list(statements({"case": "urn:c", "record": "urn:r", **row}))[2:]
        return tuple(self._same.setdefault(end, end) for end in (line.partition(" ")[2] for line in lines))


def patients_of(chunk: Chunk) -> Iterator[tuple[int, int, str | None, str | None, list[int]]]:
    """Yield number, instant, date of birth, stated age and variants of each patient."""
    import numpy

    ends = numpy.searchsorted(chunk.patients, numpy.arange(chunk.count + 1)).tolist()
    variants, instants = chunk.variants.tolist(), chunk.instants.tolist()
    for place in range(chunk.count):
        yield chunk.first + place, instants[place], chunk.births[place], chunk.ages[place], variants[ends[place] : ends[place + 1]]


class LineWriter:
    """Writes canonical N-Triples: one triple a line, the case first, then record by record."""

    def __init__(self, file: IO[bytes], plan: Plan, instants: tuple[datetime, ...]) -> None:
        self._file, self._texts = file, _Texts(plan, instants)
        self._as_of = [_instant(each) for each in instants]
        self._link = " " + next(line for line in statements({"case": "c", "record": "r"}) if "<r>" in line).split(" ")[1] + " "

    def write(self, chunk: Chunk) -> None:
        """Write the patients of a chunk."""
        out: list[str] = []
        texts, link = self._texts, self._link
        for number, instant, birth, age, variants in patients_of(chunk):
            iri = case_iri(number)
            about = {"case": iri, "subject": iri + "/patient", "as_of": self._as_of[instant], "birth_date": birth, "stated_age": age}
            out += statements(about)
            start, place = f"<{iri}>{link}", 0
            for variant in variants:
                for ends in texts.of(instant, variant):
                    place += 1
                    record = f"<{iri}/r{place}> "
                    out += (start, record, ".\n", record, record.join(ends))
        self._file.write("".join(out).encode())

    def close(self) -> None:
        """Do nothing: every chunk is whole."""


class TurtleWriter:
    """Writes Turtle: the same triples, one block for each case and record."""

    def __init__(self, file: IO[bytes], plan: Plan, instants: tuple[datetime, ...]) -> None:
        self._file, self._texts = file, _Texts(plan, instants)
        self._as_of = [_instant(each) for each in instants]
        self._link = next(line for line in statements({"case": "c", "record": "r"}) if "<r>" in line).split(" ")[1]

    def write(self, chunk: Chunk) -> None:
        """Write the patients of a chunk."""
        out: list[str] = []
        for number, instant, birth, age, variants in patients_of(chunk):
            iri = case_iri(number)
            about = {"case": iri, "subject": iri + "/patient", "as_of": self._as_of[instant], "birth_date": birth, "stated_age": age}
            records = [ends for variant in variants for ends in self._texts.of(instant, variant)]
            ends = [line.partition(" ")[2] for line in statements(about)]
            ends += [f"{self._link} <{iri}/r{place + 1}> .\n" for place in range(len(records))]
            out += _block(iri, ends)
            for place, record in enumerate(records):
                out += _block(f"{iri}/r{place + 1}", record)
        self._file.write("".join(out).encode())

    def close(self) -> None:
        """Do nothing: every chunk is whole."""


def _block(iri: str, ends: list[str] | tuple[str, ...]) -> Iterator[str]:
    yield f"<{iri}>\n"
    for end in ends:
        yield f"    {end[:-3]} ;\n"
    yield ".\n\n"


class ParquetWriter:
    """Writes the long table, a row group for each chunk."""

    def __init__(self, path: Path, plan: Plan, instants: tuple[datetime, ...]) -> None:
        import numpy
        import pyarrow
        from pyarrow.parquet import ParquetWriter as Writer

        self._writer = Writer(path, arrow_schema(), compression="zstd")
        sizes = [len(variant.drafts) for variant in plan.variants]
        self._sizes = numpy.array(sizes)
        self._starts = numpy.cumsum([0, *sizes[:-1]])
        self._rows = sum(sizes)
        self._as_of = pyarrow.array([_instant(each) for each in instants])
        rows = [draft.row(instant) for instant in instants for variant in plan.variants for draft in variant.drafts]
        self._pool = {
            column.name: pyarrow.array([row.get(column.name) for row in rows], pyarrow.string()).dictionary_encode()
            for column in RECORD[1:]
        }

    def write(self, chunk: Chunk) -> None:
        """Write the patients of a chunk; one without records has one row."""
        import numpy
        import pyarrow
        import pyarrow.compute

        have = numpy.bincount(chunk.patients, minlength=chunk.count) == 0
        patients = numpy.concatenate([chunk.patients, numpy.nonzero(have)[0]])
        variants = numpy.concatenate([chunk.variants, numpy.full(int(have.sum()), -1)])
        order = numpy.argsort(patients, kind="stable")
        patients, variants = patients[order], variants[order]
        sizes = numpy.where(variants < 0, 1, self._sizes[variants])
        first = self._starts[variants] + chunk.instants[patients] * self._rows
        before = numpy.cumsum(sizes) - sizes
        rows = numpy.repeat(first - before, sizes) + numpy.arange(sizes.sum())
        empty = numpy.repeat(variants < 0, sizes)
        patients = numpy.repeat(patients, sizes)
        starts = numpy.searchsorted(patients, numpy.arange(chunk.count))
        numbers = pyarrow.array(numpy.arange(len(patients)) - starts[patients] + 1).cast(pyarrow.string())
        iris = pyarrow.array([case_iri(chunk.first + place) for place in range(chunk.count)])
        cases = iris.take(pyarrow.array(patients))
        join = pyarrow.compute.binary_join_element_wise
        columns = {
            "case": cases,
            "subject": join(cases, "patient", "/"),
            "as_of": _dictionary(chunk.instants[patients], self._as_of),
            "birth_date": _dictionary(patients, pyarrow.array(chunk.births, pyarrow.string())),
            "stated_age": _dictionary(patients, pyarrow.array(chunk.ages, pyarrow.string())),
            "record": pyarrow.compute.if_else(pyarrow.array(empty), None, join(cases, numbers, "/r")),
        }
        taken = pyarrow.array(rows, mask=empty)
        for column in RECORD[1:]:
            columns[column.name] = self._pool[column.name].take(taken)
        table = pyarrow.table([columns[column.name] for column in COLUMNS], schema=arrow_schema())
        self._writer.write_table(table, row_group_size=len(table))

    def close(self) -> None:
        """Write the footer."""
        self._writer.close()


def _dictionary(places: Any, values: pyarrow.Array) -> pyarrow.Array:
    return values.dictionary_encode().take(places)


class TableOfTruth:
    """Writes the ground truth as CSV: one line for each case and condition; a case drawn from none has an empty condition."""

    def __init__(self, file: IO[bytes], plan: Plan) -> None:
        self._file, self._conditions = file, plan.conditions
        file.write(b"case,condition,confirming_records\n")

    def write(self, chunk: Chunk) -> None:
        """Write the patients of a chunk."""
        lines = []
        for place, (drawn, confirmed) in enumerate(zip(chunk.conditions.tolist(), chunk.confirmed.tolist(), strict=True)):
            iri = case_iri(chunk.first + place)
            for condition, whole in zip(drawn, confirmed, strict=True):
                if condition >= 0:
                    lines.append(f"{iri},{self._conditions[condition]},{'true' if whole else 'false'}\n")
        self._file.write("".join(lines).encode())

    def close(self) -> None:
        """Do nothing: every chunk is whole."""
