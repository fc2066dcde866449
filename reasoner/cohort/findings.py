"""Turn the finding records and closure statements of all cases into facts, as `reasoner.abstraction.findings` does for one.

The steps and their names are those of that module; here each is done on planes for every term at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from reasoner.abstraction.findings import denies_newness
from reasoner.cohort.batch import Batch
from reasoner.cohort.clock import Clock
from reasoner.cohort.exposures import uses
from reasoner.cohort.lexicon import KINDS, Flags, Ids, Lexicon
from reasoner.cohort.planes import Facts, Plane, Planes, Space, among, anywhere
from reasoner.program.kinds import Asked
from reasoner.program.model import Program
from reasoner.terms import RecordKind, Role, lc

__all__ = ["Closures", "FindingRows", "closures_of", "finding_planes"]

_STATUSES = ("", "active", "stopped", "refuted", "entered_in_error", "not_done", "planned", "unconfirmed")
_IGNORED = 4
_PRESENCES = ("", "present", "absent", "unknown")
_SIDES = ("", "left", "right", "both")
_FINDING, _CLOSURE = (KINDS.index(kind) for kind in (RecordKind.FINDING, RecordKind.CLOSURE))
_YOUNG, _OLD = 1, -1


@dataclass(frozen=True, slots=True)
class FindingRows:
    """The usable finding records, and after them the uses of drugs that are findings; `young` and `recent` say 1 for young, −1 for old and 0 for unknown."""

    case: Ids
    term: Ids
    side: Ids
    present: Flags
    absent: Flags
    new: Ids
    recent: Mapping[int, Ids]


@dataclass(frozen=True, slots=True)
class Closures:
    """The usable closure statements by the class that they close: all of them, and those that count by a divide.

    `each` has the first of each class in a case, then the second and so on: all of them, and those that count since the scan.
    """

    each: tuple[tuple[Planes, Planes], ...]
    since_scan: Planes
    recent: Mapping[int, Planes]


def closures_of(batch: Batch, program: Program, lexicon: Lexicon, clock: Clock, space: Space) -> tuple[Closures, Planes]:
    """Return the closures that findings look at, and those that drugs look at, by class."""
    rows = np.flatnonzero(batch.kind == _CLOSURE)
    case, term = batch.case[rows], batch.term[rows]
    status = lexicon.words(lc("recordStatus"), batch.stated[lc("recordStatus")][rows], _STATUSES)
    stated, low, _ = lexicon.moments(lc("recordedOn"), batch.stated[lc("recordedOn")][rows])
    standing = (status == 0) | (status == 1)
    usable = standing & ~(stated & (low > clock.high[case]))
    counts = ~clock.scanned[case] | (clock.dated[case] & stated & (low > clock.scan_high[case]))
    recent = {days: among(space, term, case, usable & stated & (low > clock.edge(days)[case])) for days in _days(program)}
    place = _repetition(np.where(usable, case * len(program.sorts) + term, -1 - np.arange(len(rows))))
    each = [(among(space, term, case, own), among(space, term, case, own & counts)) for own in _in_turn(place, usable)]
    found = Closures(tuple(each), among(space, term, case, usable & counts), recent)
    return found, among(space, term, case, standing)


def _repetition(codes: Ids) -> Ids:
    """Return how many times each code stood before."""
    order = np.argsort(codes, kind="stable")
    ordered = codes[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=ordered[:1] - 1))
    found = np.empty_like(codes)
    found[order] = np.arange(len(codes)) - np.repeat(starts, np.diff(np.append(starts, len(codes))))
    return found


def _in_turn(place: Ids, usable: Flags) -> Iterator[Flags]:
    """Yield which usable rows stand first, which second and so on."""
    for number in range(int(place[usable].max(initial=-1)) + 1):
        yield usable & (place == number)


def _days(program: Program) -> list[int]:
    return sorted(set(program.recent_days.values()))


def _usable(batch: Batch, program: Program, lexicon: Lexicon, clock: Clock) -> FindingRows:
    used, use_of = uses(batch, program, lexicon, clock)
    use_case = batch.case[used]
    rows = np.flatnonzero(batch.kind == _FINDING)
    case, term = batch.case[rows], batch.term[rows]
    status, presence, side = (
        lexicon.words(lc(name), batch.stated[lc(name)][rows], known)
        for name, known in (("recordStatus", _STATUSES), ("presence", _PRESENCES), ("side", _SIDES))
    )
    onset, recorded, ended, worsened = (
        lexicon.moments(lc(name), batch.stated[lc(name)][rows]) for name in ("onset", "recordedOn", "ended", "worsened")
    )
    kept = ~((status >= _IGNORED) | (presence == _PRESENCES.index("unknown")))
    kept &= ~(recorded[0] & (recorded[1] > clock.high[case])) & ~(onset[0] & (onset[1] > clock.high[case]))
    over = (status == _STATUSES.index("stopped")) | (ended[0] & (ended[2] <= clock.high[case]))
    absent = kept & ((presence == _PRESENCES.index("absent")) | (status == _STATUSES.index("refuted")))
    present = kept & ~absent & ~over
    past = np.flatnonzero(kept & ~absent & over)
    looked_at = np.zeros(batch.size, dtype=bool)
    looked_at[case[past]] = True
    codes, held = case * len(program.sorts) + term, present & looked_at[case]
    absent[past] = ~np.isin(codes[past], np.append(codes[held], use_case * len(program.sorts) + use_of))
    begun = lexicon.moments(lc("started"), batch.stated[lc("started")][used])
    none = np.zeros(len(used), dtype=bool)
    onset, worsened = _joined(onset, begun), _joined(worsened, (none, use_case, use_case))
    case, term, side = np.append(case, use_case), np.append(term, use_of), np.append(side, np.zeros(len(used), dtype=np.int64))
    present, absent = np.append(present, ~none), np.append(absent, none)
    new = np.where(clock.scanned[case], _age(onset, worsened, clock.scan_low[case], clock.scan_high[case], clock.dated[case]), _YOUNG)
    edges = {days: clock.edge(days)[case] for days in _days(program)}
    known = np.ones(len(case), dtype=bool)
    recent = {days: _age(onset, worsened, edge, edge, known) for days, edge in edges.items()}
    return FindingRows(case, term, side, present, absent, new, recent)


def _joined(first: tuple[Flags, Ids, Ids], second: tuple[Flags, Ids, Ids]) -> tuple[Flags, Ids, Ids]:
    """Return the moments of some records and, after them, of others."""
    stated, low, high = (np.append(one, other) for one, other in zip(first, second, strict=True))
    return stated, low, high


def _age(onset: tuple[Flags, Ids, Ids], worsened: tuple[Flags, Ids, Ids], low: Ids, high: Ids, dated: Flags) -> Ids:
    """Return whether records began or worsened after an edge."""
    young = (onset[0] & (onset[1] > high)) | (worsened[0] & (worsened[1] > high))
    old = (onset[0] | worsened[0]) & ~(onset[0] & (onset[2] > low)) & ~(worsened[0] & (worsened[2] > low))
    return np.where(~dated, 0, np.where(young, _YOUNG, np.where(old, _OLD, 0)))


class _Findings:
    """The planes of the finding records of a chunk, and the facts that they come to."""

    def __init__(self, rows: FindingRows, closures: Closures, program: Program, space: Space) -> None:
        self.rows, self.closures, self.program, self.space = rows, closures, program, space
        self.terms = tuple(program.sorts)
        self.facts: Facts = {}
        self.denied = Planes(space)
        self.stated = Planes(space)
        self.spoken = Planes(space)

    def named(self, chosen: Flags, codes: Ids | None = None) -> Planes:
        """Return planes of chosen rows by term, or by another code."""
        found = among(self.space, self.rows.term if codes is None else codes, self.rows.case, chosen)
        return Planes(self.space, ((self.terms[code], plane) for code, plane in found.items())) if codes is None else found

    def add(self, role: str, term: str, present: bool, plane: Plane) -> None:
        """Let a fact hold in the cases of a plane."""
        if anywhere(plane):
            key = (role, term, present)
            self.facts[key] = self.facts[key] | plane if key in self.facts else plane
            if role == Role.FINDING:
                (self.stated if present else self.denied).add(term, plane)

    def sided(self, chosen: Flags) -> dict[int, Planes]:
        """Return the planes of chosen rows by side and term; only terms whose sides matter."""
        near = {
            term for patterned in self.program.side_patterns for term in (*self.program.below[patterned], *self.program.parents[patterned])
        }
        kept = chosen & np.array([term in near for term in self.terms])[self.rows.term]
        return {side: self.named(kept & (self.rows.side == side)) for side in range(len(_SIDES))}

    def run(self) -> None:
        """Derive the facts, in the order of the single case."""
        rows = self.rows
        self.present = self.named(rows.present)
        for term, plane in self.present.items():
            self.add(Role.FINDING, term, True, plane)
        self.absences()
        self.patterns(rows.present, Role.FINDING)
        for term, plane in (*self.stated.items(), *self.denied.items()):
            self.spoken.add(term, plane)
        self.explicit = Planes(self.space, self.denied.items())
        self.closed()
        self.below = Planes(self.space)
        for term, plane in self.denied.items():
            for each in self.program.below[term]:
                self.below.add(each, plane)
        declared = np.array([self.program.recent_days.get(term, 0) for term in self.terms])[rows.term]
        recent = np.zeros(len(rows.case), dtype=np.int64)
        for days, ages in rows.recent.items():
            recent = np.where(declared == days, ages, recent)
        self.aged(
            Role.NEW_FINDING, rows.new == _YOUNG, {None: self.named(rows.present & (rows.new != _OLD))}, {None: self.closures.since_scan}
        )
        not_old: dict[int | None, Planes] = {each: self.named(rows.present & (ages != _OLD)) for each, ages in rows.recent.items()}
        self.aged(Role.RECENT_FINDING, recent == _YOUNG, not_old, dict(self.closures.recent.items()))

    def absences(self) -> None:
        """Deny what absence records deny: the finding, or on one side only that side's subclass."""
        rows = self.rows
        whole = rows.absent & ((rows.side == 0) | (rows.side == _SIDES.index("both")))
        for term, plane in self.named(whole).items():
            self.add(Role.FINDING, term, False, plane)
        for side in ("left", "right"):
            for term, plane in self.named(rows.absent & (rows.side == _SIDES.index(side))).items():
                sided = dict(self.program.side_patterns.get(term, ())).get(side)
                if sided:
                    self.add(Role.FINDING, sided, False, plane)

    def patterns(self, chosen: Flags, role: str) -> None:
        """Decide the side patterns by the sides of the chosen records."""
        by_side = self.sided(chosen)
        denying = self.sided(self.rows.absent) if role == Role.FINDING else {side: Planes(self.space) for side in range(len(_SIDES))}
        every, union = self.space.every, self.space.union
        for finding, patterns in self.program.side_patterns.items():
            below, above = self.program.below[finding], self.program.parents[finding]
            here = union(by_side[side].any_of(below) for side in by_side)
            if not anywhere(here):
                continue
            stated = union(by_side[side][finding] for side in (1, 2, 3)) & (every ^ by_side[0][finding])
            known: dict[str, tuple[Plane, Plane]] = {}
            for side in (1, 2):
                yes = by_side[side].any_of(below) | by_side[3].any_of(below)
                known[_SIDES[side]] = yes, (stated | denying[side].any_of(above)) & (yes ^ every) & here
            (left, no_left), (right, no_right) = known["left"], known["right"]
            known["bilateral"] = left & right, no_left | no_right
            known["unilateral"] = (left & no_right) | (no_left & right), (left & right) | (no_left & no_right)
            for pattern, term in patterns:
                if pattern in known:
                    self.add(role, term, True, known[pattern][0])
                    if role == Role.FINDING:
                        self.add(role, term, False, known[pattern][1])

    def closed(self) -> None:
        """Deny what closure statements close."""
        program, space = self.program, self.space
        if not self.closures.each:
            return
        touched, absent = Planes(space), Planes(space)
        for term, plane in self.present.items():
            for each in {*program.parents[term], *program.below[term]}:
                touched.add(each, plane)
        for term, plane in self.denied.items():
            for each in program.below[term]:
                absent.add(each, plane)
        open_to = Planes(space, ((term, plane & (space.every ^ absent[term])) for term, plane in touched.items()))
        known: dict[str, Plane] = {}
        for usable, counting in self.closures.each:
            for number, plane in usable.items():
                if program.sorts[self.terms[number]] == "Finding":
                    self.close(self.terms[number], plane, counting[number], known, open_to)

    def close(self, name: str, plane: Plane, counts: Plane, known: dict[str, Plane], open_to: Planes) -> None:
        """Deny what lies below a closed class; `known` keeps where a term is not open."""
        program, every = self.program, self.space.every
        made = Planes(self.space)
        for term in program.below[name]:
            if term not in known:
                known[term] = every ^ open_to.any_of(program.below[term])
            made.add(term, (counts if denies_newness(term, program) else plane) & known[term])
        for term, closed in made.items():
            self.add(Role.FINDING, term, False, closed)
            above = made.any_of(each for each in program.parents[term] if each != term)
            topmost = closed & (every ^ above)
            self.spoken.add(term, topmost)
            self.explicit.add(term, topmost)

    def aged(self, role: str, young: Flags, not_old: Mapping[int | None, Planes], counting: Mapping[int | None, Planes]) -> None:
        """Derive the facts of a role that splits findings by age."""
        program = self.program
        chosen = self.rows.present & young
        before = dict(self.facts)
        for term, plane in self.named(chosen).items():
            self.add(role, term, True, plane)
        self.patterns(chosen, role)
        for key in [key for key in self.facts if key[0] == role and key not in before]:
            self.facts[key] = self.facts[key] & (self.space.every ^ self.explicit[key[1]])
        asked = program.kinds.asked.get(role)
        if asked is not None:
            self.olds(role, asked, not_old, counting)

    def olds(self, role: str, asked: Asked, not_old: Mapping[int | None, Planes], counting: Mapping[int | None, Planes]) -> None:
        """Deny a role of each asked finding whose every kind is absent or old."""
        program, space = self.program, self.space
        covers: dict[int | None, Planes] = {}
        for days, planes in counting.items():
            covers[days] = covered = Planes(space)
            for number, plane in planes.items():
                for term in program.below[self.terms[number]]:
                    covered.add(term, plane)
        for filler, kinds in asked.fillers:
            days = program.recent_days.get(filler) if None not in not_old else None
            unaged = days not in not_old
            covered = covers.get(days, Planes(space))
            left = {kind: space.every ^ self.below[kind] for kind in sorted(kinds)}
            settled, used = space.every.copy(), space.none.copy()
            for kind, plane in left.items():
                by_closure = plane & covered[kind] & (space.every ^ self.stated[kind])
                settled &= self.below[kind] | self.stated[kind] | by_closure
                used |= by_closure
            settled &= space.union(left.values())
            if not anywhere(settled):
                continue
            related, perhaps = space.none.copy(), space.none.copy()
            for term, plane in self.present.items():
                shared = kinds.intersection(program.below[term])
                if shared:
                    meets = space.union(left[kind] for kind in shared)
                    related |= plane & meets
                    perhaps |= (plane if unaged else not_old[days][term]) & meets
            self.add(role, filler, False, settled & (used | related) & (space.every ^ perhaps))


def finding_planes(
    batch: Batch, program: Program, lexicon: Lexicon, clock: Clock, closures: Closures, space: Space
) -> tuple[Facts, Planes]:
    """Return the facts about findings as planes, and the findings that a fact speaks of by name."""
    findings = _Findings(_usable(batch, program, lexicon, clock), closures, program, space)
    findings.run()
    return findings.facts, findings.spoken
