"""Keep on disk which lines of a bulk export belong to which patient, so that memory holds one patient at a time.

A temporary SQLite file holds a row per line that is read (file, offset, length, whom it names) and a row per name of a
patient or definition. Lines are grouped by an index of that file; nothing of it stays in memory but its page cache.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

__all__ = ["Line", "Lookup", "open_lookup"]

_TABLES = """
pragma journal_mode = off;
pragma synchronous = off;
create table line (number integer primary key, file integer, start integer, length integer, first text, second text, owner integer);
create table patient (node text primary key, owner integer);
create table name (key text, owner integer);
create table definition (key text, digest blob, file integer, start integer, length integer, primary key (key, digest)) without rowid;
"""
_GROUPING = """
create index by_name on name (key, owner);
update line set owner = (select min(owner) from name where key = line.first having count(distinct owner) = 1) where owner is null;
update line set owner = (select min(owner) from name where key = line.second having count(distinct owner) = 1)
    where owner is null and second <> '';
create index by_owner on line (owner, number);
"""


@dataclass(frozen=True, slots=True, order=True)
class Line:
    """A line of a file: where it begins and how long it is."""

    file: int
    start: int
    length: int


class Lookup:
    """The lines of an export by patient, and its definitions by name."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        connection.executescript(_TABLES)
        connection.execute("begin")

    def add_patient(self, number: int, line: Line, node: str, names: Iterable[str]) -> None:
        """Add a line that describes the patient `node`, who goes by `names`; lines of one node belong together."""
        row = self._connection.execute("select owner from patient where node = ?", (node,)).fetchone()
        owner = number if row is None else row[0]
        if row is None:
            self._connection.execute("insert into patient values (?, ?)", (node, owner))
        self._connection.executemany("insert into name values (?, ?)", ((name, owner) for name in {*names}))
        self._insert(number, line, "", "", owner)

    def add_line(self, number: int, line: Line, keys: tuple[str, ...]) -> None:
        """Add a line that names its patient by the first of `keys` that is a name of only one."""
        first, second = (*keys, "", "")[:2]
        self._insert(number, line, first, second, None)

    def add_definition(self, line: Line, names: Iterable[str], content: bytes) -> None:
        """Add a line that defines what others refer to by one of `names`, unless a line of the same `content` does."""
        digest = sha256(content).digest()
        self._connection.executemany(
            "insert or ignore into definition values (?, ?, ?, ?, ?)",
            ((name, digest, line.file, line.start, line.length) for name in {*names}),
        )

    def _insert(self, number: int, line: Line, first: str, second: str, owner: int | None) -> None:
        self._connection.execute(
            "insert into line values (?, ?, ?, ?, ?, ?, ?)", (number, line.file, line.start, line.length, first, second, owner)
        )

    def by_patient(self) -> Iterator[tuple[bool, Iterator[Line]]]:
        """Yield the lines of each patient, in order of appearance; those of no patient come first, with False."""
        self._connection.executescript(_GROUPING)
        rows = self._connection.execute("select owner, file, start, length from line order by owner, number")
        for owner, group in groupby(rows, itemgetter(0)):
            yield owner is not None, (Line(*row[1:]) for row in group)

    def definitions(self, key: str) -> tuple[Line, ...]:
        """Return the lines that define `key`, each in its own way."""
        rows = self._connection.execute("select file, start, length from definition where key = ? order by file, start", (key,))
        return tuple(Line(*row) for row in rows)


@contextmanager
def open_lookup() -> Iterator[Lookup]:
    """Give an empty lookup whose file is deleted afterwards."""
    import sqlite3

    with TemporaryDirectory(prefix="legcramps-") as folder:
        connection = sqlite3.connect(Path(folder) / "lines.sqlite", isolation_level=None)
        try:
            yield Lookup(connection)
        finally:
            connection.close()
