"""Answer patients with two versions of the knowledge and group those whose verdicts moved by what moved them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from reasoner.answering import answer_case, load_records
from reasoner.authoring.causes import causes_of
from reasoner.authoring.verdicts import KINDS, RED_FLAG, Item, Side, Verdict
from reasoner.authoring.versions import Version
from reasoner.documents import FORMATS, TABLE_FORMATS
from reasoner.errors import LegcrampsError, UsageError
from reasoner.moments import Moment
from reasoner.proof_axioms import Axioms
from reasoner.record import Case

__all__ = ["Example", "Group", "Move", "Patient", "PatientChanges", "Source", "cohort_files", "compare_patients", "enter_moves"]

_ENDINGS = (*(ending for ending, form in FORMATS.items() if form not in TABLE_FORMATS), ".parquet")

_NAMED = 20
"""Patients that a group names; the others are counted."""

_PROVEN = 4
"""Moves whose proofs are shown for the example of a group."""


_NOT_GIVEN = Verdict("", "")


@dataclass(frozen=True, slots=True)
class Source:
    """A record file by the name under which it is reported."""

    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class Move:
    """A verdict before and after; empty where it was not given."""

    kind: str
    term: str
    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Example:
    """A move of one patient with what it rests on in both versions."""

    patient: str
    move: Move
    before: str
    after: str


@dataclass
class Group:
    """The patients moved by the same changed terms: how often which verdict moved, some names, and one example."""

    causes: tuple[str, ...]
    patients: int = 0
    names: list[str] = field(default_factory=list)
    moves: Counter[Move] = field(default_factory=Counter)
    examples: list[Example] = field(default_factory=list)


@dataclass(frozen=True)
class Patient:
    """A case answered by both versions: each move with its causes."""

    name: str
    old: Side
    new: Side
    moves: tuple[tuple[Move, tuple[str, ...]], ...]


@dataclass
class PatientChanges:
    """What became of all patients: how many there are, how many moved, who was not answered, and the groups by cause."""

    patients: int = 0
    moved: int = 0
    statuses: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    flags_lost: Counter[Move] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    groups: dict[tuple[str, ...], Group] = field(default_factory=dict)

    def ordered(self) -> list[Group]:
        """Return the groups, those with most patients first."""
        return sorted(self.groups.values(), key=lambda group: (-group.patients, group.causes))


def cohort_files(folder: Path) -> list[Source]:
    """Return the record files below a folder, sorted, or the one file named; raise UsageError when there is none."""
    if folder.is_file():
        return [Source(folder.name, folder)]
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _ENDINGS and path.is_file()) if folder.is_dir() else []
    if not found:
        raise UsageError(
            "There is no cohort",
            where=str(folder),
            why="no record file is below it",
            repair=f"name a folder of {' '.join(_ENDINGS)}",
        )
    return [Source(path.relative_to(folder).as_posix(), path) for path in found]


def compare_patients(old: Version, new: Version, sources: Iterable[Source], as_of: Moment, touched: frozenset[str]) -> PatientChanges:
    """Answer the cases of all sources by both versions, one file at a time, and group what moved by its causes.

    A case without an instant of its own is judged at `as_of` by both.
    """
    changes = PatientChanges()
    for patient in _patients(old, new, sources, as_of, touched, changes):
        enter_moves(changes, patient.name, patient.moves, (patient.old, patient.new))
    return changes


def enter_moves(
    changes: PatientChanges, name: str, moves: Iterable[tuple[Move, tuple[str, ...]]], sides: tuple[Side, Side] | None = None
) -> None:
    """Enter a moved patient into the groups of its causes; `sides` prove the moves where a group has no example yet."""
    changes.moved += 1
    by_causes: dict[tuple[str, ...], list[Move]] = {}
    for move, causes in moves:
        by_causes.setdefault(causes, []).append(move)
        if move.kind == RED_FLAG and not move.after:
            changes.flags_lost[move] += 1
    for causes, own in by_causes.items():
        group = changes.groups.setdefault(causes, Group(causes))
        group.patients += 1
        group.moves.update(own)
        if len(group.names) < _NAMED:
            group.names.append(name)
        if not group.examples and sides is not None:
            items = [(move, Item(move.kind, move.term)) for move in own[:_PROVEN]]
            group.examples += [Example(name, move, sides[0].basis(item), sides[1].basis(item)) for move, item in items]


def _patients(
    old: Version, new: Version, sources: Iterable[Source], as_of: Moment, touched: frozenset[str], changes: PatientChanges
) -> Iterator[Patient]:
    """Yield the patients of whom some verdict moved; count the others, and note who could not be answered."""
    axioms = Axioms(old.program, old.graph), Axioms(new.program, new.graph)
    for source in sources:
        try:
            cases = [{case.iri: case for case in _cases(source, version)} for version in (old, new)]
        except LegcrampsError as error:
            changes.failures.append(f"{source.name}: {error}")
            continue
        every = sorted(cases[0].keys() | cases[1].keys())
        for iri in every:
            name = source.name if len(every) == 1 else f"{source.name} {iri}"
            changes.patients += 1
            silent = [version.name for version, found in zip((old, new), cases, strict=True) if iri not in found]
            if silent:
                changes.failures.append(f"{name}: {silent[0]} does not answer it, because its record breaks a shape there")
                continue
            before = Side(old, axioms[0], answer_case(cases[0][iri], old.program, cases[0][iri].as_of or as_of))
            after = Side(new, axioms[1], answer_case(cases[1][iri], new.program, cases[1][iri].as_of or as_of))
            _count(before, after, changes)
            moves = tuple((move, causes_of(before, after, Item(move.kind, move.term), touched)) for move in _moves(before, after))
            if moves:
                yield Patient(name, before, after, moves)


def _cases(source: Source, version: Version) -> tuple[Case, ...]:
    records = load_records([source.path], version.program, folder=version.folder)
    if records.failures:
        raise records.failures[0]
    return records.cases


def _count(old: Side, new: Side, changes: PatientChanges) -> None:
    """Count the case classes of both versions whose status differs."""
    for name in old.version.case_classes & new.version.case_classes:
        one, other = old.answer.statuses.status(name), new.answer.statuses.status(name)
        if one != other:
            changes.statuses[name, one, other] += 1


def _moves(old: Side, new: Side) -> list[Move]:
    """Return the verdicts that differ, decisions and red flags first."""
    before, after = old.verdicts(new.version), new.verdicts(old.version)
    found = []
    for item in sorted(before.keys() | after.keys(), key=lambda item: (KINDS.index(item.kind), item.term)):
        one, other = before.get(item, _NOT_GIVEN), after.get(item, _NOT_GIVEN)
        if one.key != other.key:
            label = (new if other.key else old).label(item.term) if item.term else item.kind
            found.append(Move(item.kind, item.term, label, one.words, other.words))
    return found
