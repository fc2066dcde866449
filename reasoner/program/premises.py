"""Say what the knowledge itself contributes to a reason: words of leaves, statements of recommendations, names of classes.

None of it depends on a case, so each is worked out once, when it is first asked for, and kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from reasoner.namespaces import LCG, curie
from reasoner.program.rows import Gate, Literal, Recommendation
from reasoner.terms import Role

__all__ = ["Missing", "Premises", "Reason", "load_premises", "role_phrase", "sentence_id", "sentence_iri"]

_PHRASES = {
    Role.FINDING: ("", ""),
    Role.NEW_FINDING: ("new ", ""),
    Role.RECENT_FINDING: ("recent ", ""),
    Role.TAKES: ("", " is taken"),
    Role.TAKEN: ("", " was taken"),
    Role.TOOK_BEFORE_ONSET: ("", " was taken before onset"),
    Role.STOPPED_WITH_RELIEF: ("", " was stopped with relief"),
    Role.STOPPED_WITHOUT_RELIEF: ("", " was stopped without relief"),
    Role.RECORDED_DIAGNOSIS: ("recorded diagnosis of ", ""),
}

_PRESENCE = {True: "present", False: "absent"}


class Reason(NamedTuple):
    """A premise: `kind` is fact, axiom or recommendation; `source` is a record IRI, a sentence id or a citation's IRI.

    What knowledge without sentence and citation contributes is its own source.
    """

    text: str
    kind: str
    iri: str
    source: str


@dataclass(frozen=True, slots=True)
class Missing:
    """A finding, drug or indicator that is unknown and would be needed."""

    term: str
    label: str


@dataclass(frozen=True, slots=True)
class Premises:
    """What leaves are about, by bit; how facts settle them; what recommendations state and classes are called, by IRI.

    `facts` gives by bit, sign, term and presence what a fact says when it makes the leaf hold (sign) or fail; `inputs`
    gives by the literal of a gate the literals it needs, and whether it needs every one; `totals` says that every case has
    an indicator.
    """

    leaves: Mapping[int, Missing]
    facts: Mapping[tuple[int, bool, str, bool], str]
    inputs: Mapping[Literal, tuple[tuple[Literal, ...], bool]]
    statements: Mapping[str, tuple[Reason, ...]]
    classes: Mapping[str, tuple[Reason, ...]]
    denials: Mapping[str, tuple[Reason, ...]]
    totals: Mapping[str, tuple[Reason, ...]]


class _Leaves(dict[int, Missing]):
    def __init__(self, labels: Mapping[str, str], leaves: tuple[tuple[str, str], ...]) -> None:
        super().__init__()
        self._labels, self._leaves = labels, leaves

    def __missing__(self, bit: int) -> Missing:
        subject, detail = self._leaves[bit]
        filled = detail.startswith("http")
        found = self[bit] = Missing(detail, role_phrase(self._labels, subject, detail)) if filled else _of(self._labels, subject)
        return found


class _Facts(dict[tuple[int, bool, str, bool], str]):
    def __init__(self, labels: Mapping[str, str], leaves: Mapping[int, Missing]) -> None:
        super().__init__()
        self._labels, self._leaves = labels, leaves

    def __missing__(self, key: tuple[int, bool, str, bool]) -> str:
        bit, sign, term, present = key
        leaf = self._leaves[bit]
        text = f"{leaf.label}: {_PRESENCE[sign]}"
        if term != leaf.term:
            text += f" ({_of(self._labels, term).label} {_PRESENCE[present]})"
        self[key] = text
        return text


class _Inputs(dict[Literal, tuple[tuple[Literal, ...], bool]]):
    def __init__(self, first: int, gates: Sequence[Gate]) -> None:
        super().__init__()
        self._first, self._gates = first, gates

    def __missing__(self, literal: Literal) -> tuple[tuple[Literal, ...], bool]:
        bit, sign = literal
        gate = self._gates[bit - self._first]
        parts = (*((part, sign) for part in gate.positive), *((part, not sign) for part in gate.negative))
        found = self[literal] = parts, gate.every == sign
        return found


class _Statements(dict[str, tuple[Reason, ...]]):
    def __init__(self, labels: Mapping[str, str], recommendations: Mapping[str, Recommendation]) -> None:
        super().__init__()
        self._labels, self._recommendations = labels, recommendations

    def __missing__(self, iri: str) -> tuple[Reason, ...]:
        each = self._recommendations[iri]
        text = each.statement or _of(self._labels, iri).label
        sources = [sentence_id(sentence) for sentence in each.sentences] or each.sources or (iri,)
        found = self[iri] = tuple(Reason(text, "recommendation", iri, source) for source in sources)
        return found


class _Axioms(dict[str, tuple[Reason, ...]]):
    def __init__(self, labels: Mapping[str, str], cited: Mapping[str, tuple[str, ...]], before: str) -> None:
        super().__init__()
        self._labels, self._cited, self._before = labels, cited, before

    def __missing__(self, name: str) -> tuple[Reason, ...]:
        text = f"{self._before}{_of(self._labels, name).label}"
        found = self[name] = tuple(Reason(text, "axiom", name, source) for source in self._cited.get(name) or (name,))
        return found


def load_premises(
    labels: Mapping[str, str],
    leaves: tuple[tuple[str, str], ...],
    gates: Sequence[Gate],
    recommendations: Mapping[str, Recommendation],
    cited: Mapping[str, tuple[str, ...]],
) -> Premises:
    """Prepare to say what the knowledge contributes to reasons; `cited` are the citations of definitions."""
    about = _Leaves(labels, leaves)
    return Premises(
        about,
        _Facts(labels, about),
        _Inputs(len(leaves), gates),
        _Statements(labels, recommendations),
        _Axioms(labels, cited, ""),
        _Axioms(labels, cited, "not: "),
        _Axioms(labels, cited, "every case has "),
    )


def role_phrase(labels: Mapping[str, str], role: str, term: str) -> str:
    """Return the words for a role with a filler, such as "new" before a finding."""
    before, after = _PHRASES.get(role, ("", ""))
    return f"{before}{_of(labels, term).label}{after}"


def sentence_iri(name: str) -> str | None:
    """Return the IRI of a sentence by its short id, such as S7; None for another name."""
    return f"{LCG}_Sentence_s{int(name[1:]):02d}" if name[:1] == "S" and name[1:].isdecimal() else None


def sentence_id(iri: str) -> str:
    """Return the short id of a sentence, such as S7."""
    local = iri.removeprefix(LCG + "_Sentence_")
    return f"S{int(local[1:])}" if local[1:].isdigit() else curie(iri)


def _of(labels: Mapping[str, str], term: str) -> Missing:
    return Missing(term, labels.get(term) or curie(term))
