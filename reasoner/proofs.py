"""Lay out the proof of one conclusion as a tree: recommendation, classes, facts, down to record and sentence."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Any

from reasoner.entailment import ENTAILED, OPEN
from reasoner.errors import UsageError
from reasoner.explanation import View, sentence_id
from reasoner.namespaces import curie, expand
from reasoner.program.model import Literal, Recommendation
from reasoner.report import CaseAnswer

__all__ = ["Proof", "explain", "render_proof"]

_DEPTH = 24


@dataclass(frozen=True, slots=True)
class Proof:
    """A statement, what kind it is, the term it is about, where it comes from, and the premises that give it."""

    text: str
    kind: str
    iri: str
    source: str
    premises: tuple[Proof, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the tree as plain JSON types."""
        return {
            "text": self.text,
            "kind": self.kind,
            "iri": self.iri,
            "source": self.source,
            "premises": [each.to_json() for each in self.premises],
        }


def explain(view: View, answer: CaseAnswer, conclusion: str) -> Proof:
    """Return one proof of `conclusion`: a case class, recommendation, red flag, investigation, condition or decision key.

    An open class is answered by what is missing. Raises UsageError, with near matches, when nothing bears that name.
    """
    iri = expand(conclusion)
    program = view.program
    if conclusion in answer.advice.judged:
        return _decision(view, answer, conclusion)
    if iri in program.recommendation:
        return _recommendation(view, answer, program.recommendation[iri])
    if iri in program.classes:
        return _class(view, iri)
    if program.sorts.get(iri) == "Investigation":
        found = [each for each in program.recommendations if each.investigation == iri]
        premises = tuple(_recommendation(view, answer, each) for each in found if each.iri in answer.advice.advised)
        said = "recommendations bear on it" if premises else "no recommendation that is raised names it"
        return Proof(f"{view.label(iri)}: {said}", "investigation", iri, "", premises)
    conditions = {each.iri: each for each in program.conditions}
    if iri in conditions:
        names = (*conditions[iri].confirmed_by, *conditions[iri].excluded_by)
        return Proof(view.label(iri), "condition", iri, "", tuple(_class(view, name) for name in names))
    known = [*map(curie, (*program.classes, *program.recommendation, *conditions)), *answer.advice.judged]
    near = difflib.get_close_matches(conclusion, known, 3, 0.6)
    raise UsageError(
        f"Nothing is called {conclusion}",
        repair=f"did you mean {' or '.join(near)}?" if near else "name a class, recommendation, test or condition",
    )


def _decision(view: View, answer: CaseAnswer, key: str) -> Proof:
    judged = answer.advice.judged[key]
    rows = [row.recommendation for row in judged.rows] or [row.recommendation for _, listed in judged.could_be for row in listed]
    premises = tuple(_recommendation(view, answer, each) for each in rows)
    return Proof(f"{view.label(judged.verdict.iri)} ({judged.certainty})", "verdict", judged.verdict.iri, "", premises)


def _recommendation(view: View, answer: CaseAnswer, each: Recommendation) -> Proof:
    advised = answer.advice.advised.get(each.iri)
    standing = advised.standing if advised else "silent or ruled out"
    premises = [_class(view, each.inclusion)]
    premises += [_class(view, name) for name in each.exclusions]
    if advised is not None:
        premises += [Proof(f"presumed not: {view.label(iri)}", "presumption", iri, "") for iri in advised.presumes]
        premises += [_class(view, view.program.recommendation[iri].eligible) for iri in advised.by]
    cited = ", ".join(sentence_id(sentence) for sentence in each.sentences)
    sources = ", ".join(view.label(source) for source in each.sources)
    return Proof(
        f"{each.statement or view.label(each.iri)} ({standing})",
        "recommendation",
        each.iri,
        "; ".join(filter(None, (cited, sources))),
        tuple(premises),
    )


def _class(view: View, name: str) -> Proof:
    literal = view.program.classes[name]
    status = view.statuses.literal(literal)
    label = view.label(name)
    if status == OPEN:
        wanted = tuple(Proof(f"unknown: {each.label}", "missing", each.term, "") for each in view.missing(name))
        return Proof(f"open: {label}", "class", name, "", wanted)
    bit, sign = literal
    held = (bit, sign == (status == ENTAILED))
    text = label if status == ENTAILED else f"not: {label}"
    return Proof(text, "class", name, "", _premises(view, held, _names(view), _DEPTH))


def _names(view: View) -> dict[Literal, str]:
    return {literal: name for name, literal in sorted(view.program.classes.items(), reverse=True)}


def _premises(view: View, literal: Literal, names: dict[Literal, str], depth: int) -> tuple[Proof, ...]:
    """Return the premises of a literal that holds; named classes stand in between, unnamed gates are passed through."""
    bit, sign = literal
    tables = view.program.tables
    if bit < tables.leaf_count or depth == 0:
        return tuple(Proof(reason.text, reason.kind, reason.iri, reason.source) for reason in view.support(literal))
    parts = view.supporting_parts(literal)
    if parts is None:
        return tuple(Proof(reason.text, reason.kind, reason.iri, reason.source) for reason in view.support(literal))
    found: list[Proof] = []
    for part in parts:
        name = names.get(part) or names.get((part[0], not part[1]))
        below = _premises(view, part, names, depth - 1)
        if name is None or part[0] < tables.leaf_count:
            found += below
        else:
            text = view.label(name) if names.get(part) else f"not: {view.label(name)}"
            found.append(Proof(text, "class", name, "", below))
    return tuple(dict.fromkeys(found))


def render_proof(proof: Proof, depth: int = 0) -> str:
    """Return the tree as indented text, sources in brackets."""
    source = f"  [{proof.source}]" if proof.source else ""
    lines = [f"{'  ' * depth}{'- ' if depth else ''}{proof.text}{source}"]
    lines += [render_proof(each, depth + 1) for each in proof.premises]
    return "\n".join(lines)
