"""Find what a user means by a name: a term, recommendation or decision, whichever way it is written.

| written | means |
|---|---|
| `https://…`, `<https://…>` | the IRI itself |
| `lc:Name`, `Name` | the CURIE, the local name in `lc:` or `lcg:` |
| the key of a decision in the report | that decision |
| the id of a rule | the recommendations of that rule |
| an abbreviation or a label, in capitals or not | the term |
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator

from reasoner.errors import UsageError
from reasoner.namespaces import LC, LCG, curie, expand
from reasoner.program.model import Program

__all__ = ["find_terms", "one_term", "unknown_name"]

_CUTOFF = 0.6


def find_terms(name: str, program: Program, terms: Collection[str]) -> tuple[str, ...]:
    """Return those of `terms` that `name` means: one, those of a rule, or none; raise UsageError where a label names several."""
    iri = expand(name.removeprefix("<").removesuffix(">"))
    keyed = tuple(term for key, term in _keys(program) if key == name and term in terms)
    if keyed:
        return keyed
    for candidate in (iri, LC + name, LCG + name, *program.abbreviations.get(name.lower(), ())):
        if candidate in terms:
            return (candidate,)
    found = tuple(term for term in terms if program.labels.get(term, "").lower() == name.lower())
    if len(found) > 1:
        raise _several(name, found)
    return found


def one_term(name: str, program: Program, terms: Collection[str], what: str, otherwise: str) -> str:
    """Return the one of `terms` that `name` means; raise UsageError, which says `what` and names near ones or `otherwise`, for none or several."""
    found = find_terms(name, program, terms)
    if len(found) > 1:
        raise _several(name, found)
    if not found:
        raise unknown_name(name, program, terms, what, otherwise)
    return found[0]


def unknown_name(name: str, program: Program, terms: Collection[str], what: str, otherwise: str) -> UsageError:
    """Return the error of a name that means none of `terms`: the repair names those that look like it, or says `otherwise`."""
    known = [
        *map(curie, terms),
        *(key for key, term in _keys(program) if term in terms),
        *(label for term in terms if (label := program.labels.get(term, ""))),
    ]
    typed = curie(name.removeprefix("<").removesuffix(">"))
    near = difflib.get_close_matches(typed, list(dict.fromkeys(known)), 3, _CUTOFF)
    return UsageError(what, repair=f"did you mean {' or '.join(near)}?" if near else otherwise)


def _several(name: str, found: Collection[str]) -> UsageError:
    return UsageError(f"{name} names several terms", why=" and ".join(map(curie, found)), repair="name one of them by its CURIE")


def _keys(program: Program) -> Iterator[tuple[str, str]]:
    """Yield the keys of decisions and the ids of rules, with what they stand for."""
    yield from ((each.key, each.iri) for each in program.decisions)
    yield from ((each.rule, each.iri) for each in program.recommendations if each.rule)
