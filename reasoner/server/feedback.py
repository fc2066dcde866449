"""Keep what clinicians did with cards: appended to a database, on the disk before it is acknowledged, and never changed.

The database refuses to change or delete a row, from whatever program. A comment is free text and may speak of a patient: it
is kept, given back to the client that sent it, and written nowhere else.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any

from reasoner.errors import InputError, UsageError
from reasoner.export.fhir_json import full
from reasoner.fhir.document import parse_document
from reasoner.fhir.elements import Element, child, children, string
from reasoner.server.cds.refusal import Issue, Refusal

__all__ = ["Feedback", "FeedbackStore", "read_feedback"]

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_OUTCOMES = ("accepted", "overridden")
_MOST = 1000
_LONGEST = 10_000


@dataclass(frozen=True, slots=True)
class Feedback:
    """What became of one card; `about` names the conclusions it gave, where the server still knew."""

    card: str
    outcome: str
    at: str
    suggestions: tuple[str, ...] = ()
    system: str = ""
    code: str = ""
    comment: str = ""
    service: str = ""
    client: str = ""
    about: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return full(**{name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()})


_SCHEMA = """
PRAGMA journal_mode=WAL;
PRAGMA synchronous=FULL;
CREATE TABLE IF NOT EXISTS feedback (
    id INTEGER PRIMARY KEY AUTOINCREMENT, received TEXT NOT NULL, card TEXT NOT NULL, outcome TEXT NOT NULL, at TEXT NOT NULL,
    suggestions TEXT NOT NULL, system TEXT NOT NULL, code TEXT NOT NULL, comment TEXT NOT NULL, service TEXT NOT NULL,
    client TEXT NOT NULL, about TEXT NOT NULL
);
CREATE TRIGGER IF NOT EXISTS unchanged BEFORE UPDATE ON feedback BEGIN SELECT RAISE(ABORT, 'feedback is never changed'); END;
CREATE TRIGGER IF NOT EXISTS unreplaced BEFORE INSERT ON feedback WHEN EXISTS (SELECT 1 FROM feedback WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'feedback is never replaced'); END;
CREATE TRIGGER IF NOT EXISTS undeleted BEFORE DELETE ON feedback BEGIN SELECT RAISE(ABORT, 'feedback is never deleted'); END;
"""
_INSERT = """
INSERT INTO feedback (received, card, outcome, at, suggestions, system, code, comment, service, client, about)
VALUES (:received, :card, :outcome, :at, :suggestions, :system, :code, :comment, :service, :client, :about)
"""
_FIND = """
SELECT id, card, outcome, at, suggestions, system, code, comment, service, client, about FROM feedback
WHERE client = :client AND id > :after AND (:card = '' OR card = :card) AND (:outcome = '' OR outcome = :outcome)
AND (:service = '' OR service = :service) AND (:code = '' OR code = :code)
ORDER BY id LIMIT 200
"""
_FILTERS = ("card", "code", "outcome", "service")
_LISTS = ("about", "suggestions")


def read_feedback(text: bytes, service: str, client: str) -> tuple[Feedback, ...]:
    """Return the feedback in a request; raise Refusal (400) with all faults."""
    try:
        document = parse_document(text)
    except InputError as error:
        raise Refusal(400, [Issue(error.where, error.what, error.repair, "structure")]) from None
    given = document.get("feedback")
    if not isinstance(given, list) or not given or len(given) > _MOST or not all(isinstance(each, dict) for each in given):
        raise Refusal(400, [Issue("feedback", f"it is no list of 1 to {_MOST} objects", "send what became of each card")])
    issues = [issue for place, each in enumerate(given) for issue in _faults(each, f"feedback[{place}]")]
    if issues:
        raise Refusal(400, issues)
    return tuple(_feedback(each, service, client) for each in given)


def _faults(given: Element, place: str) -> Iterator[Issue]:
    if not _UUID.fullmatch(string(given, "card")):
        yield Issue(f"{place}.card", "it is no UUID", "send the uuid of the card")
    if string(given, "outcome") not in _OUTCOMES:
        yield Issue(f"{place}.outcome", "it is no outcome", f"send one of {', '.join(_OUTCOMES)}")
    if not _is_instant(string(given, "outcomeTimestamp")):
        yield Issue(f"{place}.outcomeTimestamp", "it is no instant", "send an RFC 3339 instant in UTC")
    accepted = children(given, "acceptedSuggestions")
    if string(given, "outcome") == "accepted" and not accepted:
        yield Issue(f"{place}.acceptedSuggestions", "it is required", "send what was accepted", "required")
    if not all(_UUID.fullmatch(string(each, "id")) for each in accepted):
        yield Issue(f"{place}.acceptedSuggestions", "one has no UUID", "send the uuid of each suggestion")
    reason = child(given, "overrideReason")
    if "reason" in reason and not (string(reason, "reason", "code") and string(reason, "reason", "system")):
        yield Issue(f"{place}.overrideReason.reason", "it is no Coding", "send its system and code")
    if max(map(len, (string(reason, "userComment"), string(reason, "reason", "code"), string(reason, "reason", "system")))) > _LONGEST:
        yield Issue(f"{place}.overrideReason", f"a text is longer than {_LONGEST} characters", "send a shorter one")


def _is_instant(text: str) -> bool:
    try:
        return "T" in text and datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _feedback(given: Element, service: str, client: str) -> Feedback:
    reason = child(given, "overrideReason")
    return Feedback(
        string(given, "card").lower(),
        string(given, "outcome"),
        string(given, "outcomeTimestamp"),
        tuple(string(each, "id").lower() for each in children(given, "acceptedSuggestions")),
        string(reason, "reason", "system"),
        string(reason, "reason", "code"),
        string(reason, "userComment"),
        service,
        client,
    )


class FeedbackStore:
    """The database; in memory, and gone with the server, when there is no path."""

    def __init__(self, path: Path | None) -> None:
        self._turn = Lock()
        try:
            self._base = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None, timeout=5)
            self._base.executescript(_SCHEMA)
            self._base.row_factory = sqlite3.Row
        except sqlite3.Error as error:
            raise UsageError("The feedback cannot be kept", where=str(path), why=str(error), repair="name another file") from error

    def close(self) -> None:
        """Close the database."""
        with self._turn:
            self._base.close()

    def add(self, given: Iterable[Feedback], received: str) -> None:
        """Append feedback, all of it or nothing; it is on the disk when this returns. Raise OSError when it cannot be."""
        rows = [{name: json.dumps(value) if name in _LISTS else value for name, value in asdict(each).items()} for each in given]
        with self._transaction():
            self._base.executemany(_INSERT, [{"received": received, **row} for row in rows])

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._turn:
            try:
                self._base.execute("BEGIN IMMEDIATE")
                yield
                self._base.execute("COMMIT")
            except sqlite3.Error as error:
                if self._base.in_transaction:
                    self._base.execute("ROLLBACK")
                raise OSError(f"the feedback was not written: {error.sqlite_errorname}") from error

    def find(self, client: str, wanted: Mapping[str, str], after: int = 0) -> tuple[tuple[int, Feedback], ...]:
        """Return a client's feedback with the wanted values, in the order it came, from the number `after` on, page by page."""
        sought = {name: wanted.get(name, "") for name in _FILTERS} | {"client": client, "after": after}
        with self._turn, closing(self._base.execute(_FIND, sought)) as found:
            return tuple((row["id"], _from_row(row)) for row in found)


def _from_row(row: sqlite3.Row) -> Feedback:
    held: dict[str, Any] = dict(row)
    del held["id"]
    for name in _LISTS:
        held[name] = tuple(json.loads(held[name]))
    return Feedback(**held)
