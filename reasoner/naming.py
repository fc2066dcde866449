"""Find what a user means by a name: a term by its CURIE, local name, label or abbreviation."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

from reasoner.errors import UsageError
from reasoner.namespaces import LC, LCG, curie, expand

__all__ = ["find_term", "near_names"]


def find_term(name: str, labels: Mapping[str, str], abbreviations: Mapping[str, tuple[str, ...]]) -> str | None:
    """Return the term among those of `labels` that `name` means, None for none; raise UsageError where its label names several."""
    for candidate in (expand(name), LC + name, LCG + name, *abbreviations.get(name.lower(), ())):
        if candidate in labels:
            return candidate
    found = [iri for iri, label in labels.items() if label.lower() == name.lower()]
    if len(found) > 1:
        raise UsageError(f"{name} names several terms", why=" and ".join(map(curie, found)), repair="name one of them by its CURIE")
    return found[0] if found else None


def near_names(name: str, known: Iterable[str], cutoff: float, otherwise: str) -> str:
    """Return the repair for a name that means nothing: those that look like it, or `otherwise`."""
    near = difflib.get_close_matches(name, list(known), 3, cutoff)
    return f"did you mean {' or '.join(near)}?" if near else otherwise
