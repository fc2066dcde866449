"""Say what a change of the knowledge does: to terms, to entailments, to safety, and to patients; and what version it asks for.

The rule of versions: major when something that both versions have comes to mean something else or is gone, so that
inferences or answers of queries change; minor when terms are added or deprecated; patch when only texts differ.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from reasoner.authoring.cohort_changes import COLUMN_FORMATS, compare_cohort
from reasoner.authoring.guideline_checks import check_guidelines
from reasoner.authoring.patients import PatientChanges, Source, compare_patients
from reasoner.authoring.results import CheckFinding, NotRun
from reasoner.authoring.term_changes import TermChanges, compare_terms
from reasoner.authoring.versions import RECORD_SHAPES, Version
from reasoner.moments import Moment

__all__ = ["MAJOR", "MINOR", "NONE", "PATCH", "Difference", "Queries", "Release", "Safety", "compare_versions"]

MAJOR, MINOR, PATCH, NONE = "major", "minor", "patch", "none"
_CHECKS = ("queries/hygiene/", "shapes/")


@dataclass(frozen=True, slots=True)
class Safety:
    """Breaches of the guideline rules that one version has and the other does not; `unknown` says why they were not judged."""

    gained: tuple[CheckFinding, ...]
    mended: tuple[CheckFinding, ...]
    unknown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Queries:
    """The shipped queries by path: added, removed, changed in what they ask, reworded; and the checks of authors that differ."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    reworded: tuple[str, ...]
    checks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Release:
    """The least step of the version that the change asks for, each reason for it, and whether the new version took it."""

    level: str
    reasons: tuple[str, ...]
    before: str
    after: str
    least: str
    enough: bool


@dataclass(frozen=True)
class Difference:
    """Everything that differs between two versions."""

    old: str
    new: str
    terms: TermChanges
    queries: Queries
    safety: Safety
    patients: PatientChanges
    release: Release

    @property
    def clean(self) -> bool:
        """Return whether nothing became less safe and the version, if it was raised, was raised by enough."""
        return not self.safety.gained and (self.release.enough or self.release.before == self.release.after)


def compare_versions(old: Version, new: Version, as_of: Moment, cohort: Iterable[Source] = ()) -> Difference:
    """Compare two versions; patients are the vignettes of both, and the record files of a cohort."""
    terms, queries = compare_terms(old, new), _queries(old.folder, new.folder)
    vignettes = {**old.vignettes, **new.vignettes}
    sources = [Source(name, path) for name, path in sorted(vignettes.items())]
    cohort = tuple(cohort)
    columns = [each for each in cohort if each.path.suffix.lower() in COLUMN_FORMATS]
    sources += [each for each in cohort if each not in columns]
    patients = compare_patients(old, new, sources, as_of, terms.touched)
    if columns:
        compare_cohort(old, new, columns, as_of, terms.touched, patients)
    safety = _safety(old, new)
    return Difference(old.name, new.name, terms, queries, safety, patients, _release(old, new, terms, queries, patients))


def _queries(old: Path, new: Path) -> Queries:
    before, after = _texts(old), _texts(new)
    asked = [{name for name in texts if not name.startswith(_CHECKS)} for texts in (before, after)]
    common = sorted(asked[0] & asked[1])
    changed = tuple(name for name in common if _asked(before[name]) != _asked(after[name]))
    checks = sorted((before.keys() | after.keys()) - asked[0] - asked[1])
    return Queries(
        tuple(sorted(asked[1] - asked[0])),
        tuple(sorted(asked[0] - asked[1])),
        changed,
        tuple(name for name in common if before[name] != after[name] and name not in changed),
        tuple(name for name in checks if before.get(name) != after.get(name)),
    )


def _texts(folder: Path) -> dict[str, str]:
    """Return the queries, and the shapes that only authors meet, by path."""
    paths = [path for path in (*folder.glob("queries/**/*.rq"), *folder.glob("shapes/*.ttl")) if path.name != RECORD_SHAPES]
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in paths}


def _asked(text: str) -> str:
    """Return a query without the lines that are comments, and without its layout."""
    return " ".join(" ".join(line for line in text.split("\n") if not line.lstrip().startswith("#")).split())


def _safety(old: Version, new: Version) -> Safety:
    found: list[dict[tuple[str, str], CheckFinding]] = []
    unknown = []
    for version in (old, new):
        try:
            found.append({(each.code, each.what): each for each in check_guidelines(version.workspace)})
        except NotRun as reason:
            found.append({})
            unknown.append(f"{version.name}: {reason}")
    before, after = found
    return Safety(
        tuple(after[key] for key in sorted(after.keys() - before.keys())),
        tuple(before[key] for key in sorted(before.keys() - after.keys())),
        tuple(unknown),
    )


def _release(old: Version, new: Version, terms: TermChanges, queries: Queries, patients: PatientChanges) -> Release:
    """Return the step that the change asks for."""
    reasons = {MAJOR: list(_major(terms, queries, patients)), MINOR: list(_minor(terms, queries)), PATCH: list(_patch(terms, queries))}
    level = next((level for level in (MAJOR, MINOR, PATCH) if reasons[level]), NONE)
    before, after = old.program.version, new.program.version
    least = _raised(before, level)
    return Release(level, tuple(reasons.get(level, ())), before, after, least, _numbers(after) >= _numbers(least))


def _major(terms: TermChanges, queries: Queries, patients: PatientChanges) -> Iterable[str]:
    if terms.removed:
        yield _many(len(terms.removed), "term is gone", "terms are gone")
    if terms.changed:
        yield _many(len(terms.changed), "term means something else", "terms mean something else")
    if terms.effects:
        yield _many(len(terms.effects), "term is judged otherwise because of others", "terms are judged otherwise because of others")
    if terms.gained or terms.lost:
        yield _many(len(terms.gained) + len(terms.lost), "entailment is gained or lost", "entailments are gained or lost")
    if patients.statuses:
        names = {name for name, _, _ in patients.statuses}
        yield _many(len(names), "case class has another status in some patient", "case classes have another status in some patient")
    if queries.removed or queries.changed:
        yield _many(
            len(queries.removed) + len(queries.changed), "query is gone or asks something else", "queries are gone or ask something else"
        )


def _minor(terms: TermChanges, queries: Queries) -> Iterable[str]:
    if terms.added:
        yield _many(len(terms.added), "term is added", "terms are added")
    if terms.deprecated:
        yield _many(len(terms.deprecated), "term is deprecated", "terms are deprecated")
    if queries.added:
        yield _many(len(queries.added), "query is added", "queries are added")


def _patch(terms: TermChanges, queries: Queries) -> Iterable[str]:
    if terms.reworded or queries.reworded:
        yield _many(len(terms.reworded) + len(queries.reworded), "text differs", "texts differ")
    if queries.checks:
        yield _many(len(queries.checks), "check of authors differs", "checks of authors differ")


def _many(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def _numbers(version: str) -> tuple[int, ...]:
    found = re.fullmatch(r"(\d+)\.(\d+)\.(\d+)", version)
    return tuple(map(int, found.groups())) if found else (0, 0, 0)


def _raised(version: str, level: str) -> str:
    """Return the least version that follows by a step of `level`."""
    major, minor, patch = _numbers(version)
    steps = {MAJOR: (major + 1, 0, 0), MINOR: (major, minor + 1, 0), PATCH: (major, minor, patch + 1), NONE: (major, minor, patch)}
    return ".".join(map(str, steps[level]))
