"""Collect what could not be read of one resource, and turn it into problems of its case."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from reasoner.errors import shortened
from reasoner.fhir.codes import Meaning, codings, wording
from reasoner.fhir.elements import Element
from reasoner.record import Problem
from reasoner.terms import lc

__all__ = ["Notes", "UnknownCode", "gathered_problems", "unknown_codes"]


@dataclass(frozen=True, slots=True)
class UnknownCode:
    """A code that means no term, the words that came with it, and how often it occurs."""

    code: str
    words: str
    count: int


class Notes:
    """The problems of one resource; codes and texts without a meaning are kept apart, to be counted over the case."""

    def __init__(self, node: str) -> None:
        self.node = node
        self.problems: list[Problem] = []
        self.unknown: list[tuple[str, str]] = []
        self.texts: list[str] = []

    def __len__(self) -> int:
        return len(self.problems) + len(self.unknown) + len(self.texts)

    def report(self, code: str, text: str, term: str, repair: str) -> None:
        """Note a problem of the resource."""
        self.problems.append(Problem(code, text, term, (self.node,), repair))

    def report_malformed(self, element: Element, name: str, term: str, repair: str) -> None:
        """Note an element whose value is not of the type that FHIR gives it, so that nobody knows what it says."""
        value = shortened(str(element.get(name, "not stated")))
        self.report("malformed-element", f"{name} is “{value}”, which is no value of its type", term, repair)

    def report_concept(self, concept: Element, meaning: Meaning, property_name: str) -> None:
        """Note why a concept means no term: ambiguous, of unknown code, in words only, or not there at all."""
        known = codings(concept)
        words = wording(concept)
        if meaning.ambiguous:
            self.report(
                "ambiguous-code", f"the codes of “{words}” mean unrelated terms", lc(property_name), "leave only codings of one meaning"
            )
        elif known:
            self.unknown.append((known[0].iri, known[0].display or words))
        elif words:
            self.texts.append(words)
        else:
            self.report("no-code", "the resource has neither a code nor words", lc(property_name), "state a code")

    def report_none_known(self, concept: Element) -> None:
        """Note an entry that says that nothing is known: it is nothing on record, and no closure by itself."""
        self.report(
            "none-known",
            f"“{wording(concept)}” is an entry that says there is none",
            lc("closes"),
            "write a dated closure statement to close the list",
        )

    def report_site(self, site: Element) -> None:
        """Note a body site that is no side."""
        known = codings(site)
        if known:
            self.unknown.append((known[0].iri, known[0].display or wording(site)))
        elif wording(site):
            self.texts.append(wording(site))


def gathered_problems(notes: Iterable[Notes]) -> tuple[Problem, ...]:
    """Return the problems of many resources, sorted; an unknown code or text is one problem with its count."""
    problems: list[Problem] = []
    unknown: dict[str, list[tuple[str, str]]] = {}
    texts: dict[str, list[str]] = {}
    for each in notes:
        problems.extend(each.problems)
        for iri, words in each.unknown:
            unknown.setdefault(iri, []).append((each.node, words))
        for words in each.texts:
            texts.setdefault(words, []).append(each.node)
    for iri, found in unknown.items():
        name = next((words for _, words in found if words), iri)
        sources = tuple(sorted({node for node, _ in found}))
        problems.append(
            Problem(
                "unknown-code",
                f"“{name}” ({iri}) means no term of the ontology, {_times(len(found))}",
                iri,
                sources,
                "map the code in the ontology, or add a coding that it knows",
            )
        )
    for words, nodes in texts.items():
        problems.append(
            Problem(
                "not-understood",
                f"“{words}” has no code, {_times(len(nodes))}",
                "",
                tuple(sorted(set(nodes))),
                "add a code; words are not matched",
            )
        )
    return tuple(sorted(problems, key=lambda problem: (problem.code, problem.term, problem.text, problem.sources)))


def unknown_codes(notes: Iterable[Notes]) -> tuple[UnknownCode, ...]:
    """Return the unknown codes of many resources, the most frequent first."""
    found: Counter[str] = Counter()
    named: dict[str, str] = {}
    for each in notes:
        for iri, words in each.unknown:
            found[iri] += 1
            if words and not named.get(iri):
                named[iri] = words
    ordered = sorted(found.items(), key=lambda each: (-each[1], each[0]))
    return tuple(UnknownCode(iri, named.get(iri, ""), count) for iri, count in ordered)


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
