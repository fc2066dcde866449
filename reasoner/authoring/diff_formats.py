"""Write the difference of two versions as text, as Markdown for a pull request, or as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from typing import Any

from reasoner.authoring.diff import Difference, Release
from reasoner.authoring.patients import Example, Group, Move, PatientChanges
from reasoner.authoring.term_changes import Statement, TermChange
from reasoner.errors import shortened
from reasoner.markdown import plain
from reasoner.namespaces import curie

__all__ = ["write_difference"]

_LONGEST = 30
"""Lines of one list; the rest is counted."""


def write_difference(found: Difference, form: str) -> str:
    """Return the difference as `text`, `markdown` or `json`."""
    if form == "json":
        return json.dumps(_document(found), ensure_ascii=False, indent=1) + "\n"
    write: Callable[[Difference], Iterator[str]] = _markdown if form == "markdown" else _text
    return "\n".join(write(found)) + "\n"


def _document(found: Difference) -> dict[str, Any]:
    patients = found.patients
    return {
        "old": found.old,
        "new": found.new,
        "release": asdict(found.release),
        "terms": asdict(found.terms),
        "queries": asdict(found.queries),
        "safety": asdict(found.safety)
        | {"flagsLost": [{**asdict(move), "patients": count} for move, count in patients.flags_lost.items()]},
        "statuses": [
            {"class": name, "before": before, "after": after, "patients": count}
            for (name, before, after), count in sorted(patients.statuses.items())
        ],
        "patients": {
            "total": patients.patients,
            "moved": patients.moved,
            "failures": patients.failures,
            "groups": list(map(_group_document, patients.ordered())),
        },
    }


def _group_document(group: Group) -> dict[str, Any]:
    moves = [{**asdict(move), "patients": count} for move, count in group.moves.most_common()]
    return {
        "causes": group.causes,
        "patients": group.patients,
        "names": group.names,
        "moves": moves,
        "examples": list(map(asdict, group.examples)),
    }


def _sections(found: Difference) -> Iterator[tuple[str, list[str]]]:
    """Yield the lists that are not empty, each with its heading."""
    terms, queries = found.terms, found.queries
    for heading, pairs in (("Terms added", terms.added), ("Terms removed", terms.removed), ("Terms deprecated", terms.deprecated)):
        yield heading, [f"{curie(term)} {label}" for term, label in pairs]
    yield "Changed in meaning", [line for each in terms.changed for line in _changed(each, each.meaning)]
    yield (
        "Judged otherwise because of others",
        [f"{curie(each.term)} {each.label}: {each.kind} ({_names(each.via)})" for each in terms.effects],
    )
    yield "Texts changed", [line for each in terms.reworded for line in _changed(each, each.text)]
    yield "Entailments gained", [f"{curie(term)} lies within {curie(above)}" for term, above in terms.gained]
    yield "Entailments lost", [f"{curie(term)} no longer lies within {curie(above)}" for term, above in terms.lost]
    yield "Entailments not judged", list(map(curie, terms.unjudged))
    statuses = found.patients.statuses.most_common()
    yield (
        "Case classes with another status",
        [f"{curie(name)}: {one} -> {other} in {_patients(count)}" for (name, one, other), count in statuses],
    )
    for heading, names in (
        ("Queries added", queries.added),
        ("Queries removed", queries.removed),
        ("Queries that ask something else", queries.changed),
    ):
        yield heading, list(names)
    yield "Checks changed", list(queries.checks)
    yield "Safety: breaches that are new", [each.line() for each in found.safety.gained]
    yield "Safety: breaches that are gone", [each.line() for each in found.safety.mended]
    yield "Safety: not judged", list(found.safety.unknown)
    yield (
        "Safety: red flags lost",
        [f"{move.label} was {move.before} in {_patients(count)}" for move, count in found.patients.flags_lost.items()],
    )
    yield "Not answered", found.patients.failures


def _names(terms: Iterable[str]) -> str:
    return ", ".join(map(curie, terms))


def _patients(count: int) -> str:
    return f"{count} patient{'' if count == 1 else 's'}"


def _changed(each: TermChange, statements: tuple[Statement, ...]) -> Iterator[str]:
    for one in statements:
        before, after = (shortened(", ".join(side)) or "nothing" for side in (one.before, one.after))
        yield f"{curie(each.term)} {each.label}: {curie(one.predicate)}: {before} -> {after}"


def _shown(lines: list[str]) -> list[str]:
    return lines if len(lines) <= _LONGEST else [*lines[:_LONGEST], f"… and {len(lines) - _LONGEST} more"]


def _verdict(release: Release) -> str:
    if release.level == "none":
        return f"No new version is needed: {release.after}"
    state = "" if release.enough else f", but the new one is {release.after}"
    return f"{release.level.capitalize()} change: the version after {release.before} is {release.least} or later{state}"


def _moved(patients: PatientChanges) -> str:
    return f"{patients.moved} of {_patients(patients.patients)} moved"


def _move(move: Move) -> str:
    return f"{move.kind}{'' if move.label == move.kind else f' {move.label}'}: {move.before or 'not given'} -> {move.after or 'no longer given'}"


def _who(group: Group) -> str:
    rest = group.patients - len(group.names)
    return ", ".join(group.names) + (f" and {rest} more" if rest else "")


def _because(group: Group) -> str:
    return _names(group.causes) or "no term of its own"


# --- text -------------------------------------------------------------------------------------------------------------


def _text(found: Difference) -> Iterator[str]:
    yield f"{found.old} -> {found.new}"
    yield _verdict(found.release)
    yield from (f"  {reason}" for reason in found.release.reasons)
    for heading, lines in _sections(found):
        if lines:
            yield f"{heading} ({len(lines)})"
            yield from (f"  {line}" for line in _shown(lines))
    yield _moved(found.patients)
    for group in found.patients.ordered():
        yield f"  because of {_because(group)}: {_patients(group.patients)}"
        yield f"    {_who(group)}"
        yield from _shown([f"    {_move(move)}, {_patients(count)}" for move, count in group.moves.most_common()])
        for each in group.examples:
            yield f"    {each.patient}, {each.move.label}"
            for title, basis in (("before", each.before), ("after", each.after)):
                yield f"      {title}:"
                yield from (f"        {line}" for line in basis.splitlines())


# --- Markdown ---------------------------------------------------------------------------------------------------------


def _markdown(found: Difference) -> Iterator[str]:
    yield f"## Knowledge: {plain(found.old)} → {plain(found.new)}"
    yield ""
    yield f"**{plain(_verdict(found.release))}.** {plain('; '.join(found.release.reasons))}"
    yield ""
    yield f"**{_moved(found.patients)}.**"
    for group in found.patients.ordered():
        yield from _markdown_group(group)
    for heading, lines in _sections(found):
        if lines:
            yield from ("", f"<details><summary>{heading} ({len(lines)})</summary>", "")
            yield from (f"- {plain(line)}" for line in _shown(lines))
            yield from ("", "</details>")


def _markdown_group(group: Group) -> Iterator[str]:
    yield from ("", f"### {plain(_because(group))}", "", f"{_patients(group.patients)}: {plain(_who(group))}", "")
    yield from ("| Verdict | Before | After | Patients |", "|---|---|---|---:|")
    for move, count in group.moves.most_common(_LONGEST):
        name = move.kind if move.label == move.kind else f"{move.kind} {move.label}"
        yield f"| {plain(name)} | {plain(move.before or 'not given')} | {plain(move.after or 'no longer given')} | {count} |"
    for each in group.examples:
        yield from _markdown_example(each)


def _markdown_example(each: Example) -> Iterator[str]:
    yield from ("", f"<details><summary>{plain(each.patient)}: {plain(each.move.label)}</summary>", "")
    for title, basis in (("Before", each.before), ("After", each.after)):
        fence = "`" * 3
        while fence in basis:
            fence += "`"
        yield from (f"{title}:", "", f"{fence}text", basis, fence, "")
    yield "</details>"
