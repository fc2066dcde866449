"""Read each distinct term once: dates as intervals, numbers exactly, words and names, and whether shapes let it pass.

A process keeps one lexicon for all its chunks. What reading or a shape would remark upon is not regular: the case that
states it is answered alone, with its remark.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from pyoxigraph import BlankNode, Literal, NamedNode

from reasoner.cohort.long_table import ABOUT, CASE, RECORD, Column, expanded, object_term
from reasoner.literals import plain_number
from reasoner.moments import Moment, parse_moment
from reasoner.namespaces import RDF
from reasoner.program.model import Program
from reasoner.shape_plans import Finding, Plan, collect
from reasoner.terms import RecordKind, lc

__all__ = ["ABOUTS", "KINDS", "PROPERTIES", "SUBJECT", "Lexicon", "is_term", "term_of"]

KINDS = (
    RecordKind.FINDING,
    RecordKind.MEASUREMENT,
    RecordKind.MEDICATION,
    RecordKind.EXAMINATION,
    RecordKind.DIAGNOSIS,
    RecordKind.CLOSURE,
)
"""The kinds of records; their places are their numbers, and the number after them is that of a case."""

ABOUTS = tuple(dict.fromkeys(ABOUT.values()))
"""The properties that name what a record is about."""

_STATED: tuple[tuple[str, str], ...] = tuple(
    (column.property, column.form) for column in (*CASE, *RECORD) if column.property and column.form != "kind"
)
PROPERTIES: tuple[str, ...] = (*(name for name, _ in _STATED), *ABOUTS)
"""The properties that become columns, by place."""

SUBJECT = lc("hasSubject")
"""The property whose values, hardly any of which recur, are not kept here."""

_FORMS = dict(_STATED) | dict.fromkeys(ABOUTS, "about")
_STEMS = {column.property: column.stem for column in RECORD if column.form == "word"}
_NONE = -(1 << 62)
_NODE = NamedNode("urn:legcramps:node")
_OTHER = NamedNode("urn:legcramps:other")
_TYPE, _HAS_RECORD = RDF + "type", lc("hasRecord")

Ids = np.ndarray[Any, np.dtype[np.int64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]

_UNDATED: Ids = np.array([_NONE], dtype=np.int64)
_FINE, _ODD = 1, 2
_UNUSABLE = -2


def term_of(text: str) -> NamedNode | BlankNode | Literal:
    """Return the term that canonical N-Triples text denotes."""
    if text.startswith("<"):
        return NamedNode(text[1:-1])
    if text.startswith("_:"):
        return BlankNode(text[2:])
    end = text.rindex('"')
    value = text[1:end]
    if "\\" in value:
        value = _unescaped(text)
    tail = text[end + 1 :]
    if tail.startswith("@"):
        return Literal(value, language=tail[1:])
    return Literal(value, datatype=NamedNode(tail[3:-1])) if tail else Literal(value)


def is_term(column: Column, text: str) -> bool:
    """Return whether the text of a column can be written as a term: what should be an IRI may be none."""
    if column.form in ("name", "term", "kind", "word"):
        try:
            NamedNode(expanded(column, text))
        except ValueError:
            return False
    return True


def _unescaped(text: str) -> str:
    from pyoxigraph import RdfFormat, parse

    [quad] = parse(f"<urn:a:s> <urn:a:p> {text} .", format=RdfFormat.N_TRIPLES)
    value: str = quad.object.value
    return value


class Lexicon:
    """The distinct terms by property; numbers count up from 0, and −1 stands for what is not stated."""

    def __init__(self, program: Program, shapes: bool) -> None:
        self._program = program
        self._shapes = shapes
        self._texts: dict[tuple[str, str], dict[str | None, int]] = {}
        self._ids: dict[str, dict[str, int]] = {name: {} for name in PROPERTIES}
        self.terms: dict[str, list[Any]] = {name: [] for name in PROPERTIES}
        self.values: dict[str, list[Any]] = {name: [] for name in PROPERTIES}
        self._regular: dict[str, list[bool]] = {name: [] for name in PROPERTIES}
        self._verdicts: dict[str, Any] = {name: np.zeros((len(KINDS) + 1, 0), dtype=np.int8) for name in PROPERTIES}
        self._moments: dict[str, tuple[Ids, Ids]] = {}
        self._built: dict[tuple[int, int], bool] = {}
        plans = [program.shape_table.plan_of((NamedNode(kind),)) for kind in (*KINDS, lc("Case"))]
        self._plans: tuple[Plan | None, ...] = tuple(plans) if shapes else (None,) * len(plans)
        self.watched = self._watched()
        self.whole = not shapes or (self._is_plain() and self._takes_subjects())

    def _watched(self) -> frozenset[str]:
        """Return the properties that some plan looks at."""
        plans = [plan for plan in self._plans if plan is not None]
        clauses = {path for plan in plans for clause, _ in plan.clauses for path, _ in clause}
        return frozenset(clauses.union(*(plan.paths for plan in plans)))

    def _is_plain(self) -> bool:
        """Return whether the shapes judge nodes by kind, properties and single values only, and let every kind be linked."""
        table = self._program.shape_table
        for number, (name, plan) in enumerate(zip((*KINDS, lc("Case")), self._plans, strict=True)):
            if plan is None:
                continue
            kinds = [kind for shape in table.shapes_of((NamedNode(name),)) for kind, _ in table.shapes[shape].constraints]
            if plan.wanted or any(nested for _, _, nested in plan.paths.values()) or len(plan.checks) > kinds.count("nodeKind"):
                return False
            if number == len(KINDS):
                for kind in KINDS:
                    index: dict[Any, dict[str, list[Any]]] = {
                        _NODE: {_TYPE: [NamedNode(name)], _HAS_RECORD: [_OTHER]},
                        _OTHER: {_TYPE: [NamedNode(kind)]},
                    }
                    found: list[Finding] = []
                    collect(plan, _NODE, index[_NODE], index, found)
                    if found:
                        return False
        return True

    def _takes_subjects(self) -> bool:
        """Return whether shapes ask of a subject no more than that it is one IRI."""
        shapes = self._program.shape_table.shapes
        outer = [shapes[name] for name in self._program.shape_table.shapes_of((NamedNode(lc("Case")),))]
        inner = [shapes[argument] for shape in outer for kind, argument in shape.constraints if kind == "property"]
        asked = {kind for shape in (*outer, *inner) if shape.path == SUBJECT for kind, _ in shape.constraints}
        return asked <= {"nodeKind", "minCount", "maxCount"} and self._passes(len(KINDS), SUBJECT, _OTHER)

    def numbers(self, name: str, texts: Iterable[str]) -> Ids:
        """Return the numbers of terms, given as N-Triples, of one property."""
        ids = self._ids[name]
        found = []
        for text in texts:
            number = ids.get(text)
            if number is None:
                number = ids[text] = len(ids)
                term = term_of(text)
                self.terms[name].append(term)
                regular, value = _READERS[_FORMS[name]](name, term, self._program)
                self.values[name].append(value)
                self._regular[name].append(regular)
            found.append(number)
        return np.array(found, dtype=np.int64)

    def numbers_of(self, column: Column, name: str, texts: Sequence[str | None]) -> Ids:
        """Return the numbers of terms of one property, given as the texts of a column of the long table; −1 for none, −2 for what is none."""
        known = self._texts.setdefault((column.name, name), {None: -1})
        try:
            return np.fromiter(map(known.__getitem__, texts), dtype=np.int64, count=len(texts))
        except KeyError:
            new = [text for text in texts if text not in known]
        usable = [text for text in new if text is not None and is_term(column, text)]
        known.update(dict.fromkeys(new, _UNUSABLE))
        known.update(zip(usable, self.numbers(name, (object_term(column, text) for text in usable)).tolist(), strict=True))
        return np.fromiter(map(known.__getitem__, texts), dtype=np.int64, count=len(texts))

    def is_odd(self, kinds: Ids, name: str, ids: Ids) -> Flags:
        """Return per number whether something is to be remarked on the value of a property; `kinds` are those of the nodes."""
        table = self._verdicts[name]
        if table.shape[1] < len(self.values[name]):
            grown = np.zeros((len(table), 2 * len(self.values[name])), dtype=np.int8)
            grown[:, : table.shape[1]] = table
            table = self._verdicts[name] = grown
        places = kinds * table.shape[1] + ids
        found = table.ravel()[places]
        new = np.unique(places[found == 0])
        for kind, number in zip(*(each.tolist() for each in np.divmod(new, max(table.shape[1], 1))), strict=True):
            fine = self._regular[name][number] and self._passes(kind, name, self.terms[name][number])
            table[kind, number] = _FINE if fine else _ODD
        verdicts = table.ravel()[places] if len(new) else found
        return np.asarray(verdicts == _ODD)

    def _passes(self, kind: int, name: str, term: Any) -> bool:
        plan = self._plans[kind]
        if plan is None:
            return True
        found: list[Finding] = []
        collect(plan, _NODE, {name: [term]}, {}, found)
        return not any(value is term for _, value, _ in found)

    def is_built(self, kind: int, stated: int) -> bool:
        """Return whether a node of this kind may state just the properties in the mask, each once."""
        verdict = self._built.get((kind, stated))
        if verdict is None:
            plan = self._plans[kind]
            found: list[Finding] = []
            if plan is not None:
                names = [name for place, name in enumerate(PROPERTIES) if stated >> place & 1]
                properties: dict[str, list[Any]] = {_TYPE: [NamedNode((*KINDS, lc("Case"))[kind])], **{name: [_OTHER] for name in names}}
                collect(plan, _NODE, properties, {}, found)
            verdict = self._built[kind, stated] = not any(value is None or value is _NODE for _, value, _ in found)
        return verdict

    def moments(self, name: str, ids: Ids) -> tuple[Flags, Ids, Ids]:
        """Return whether a date is stated, and its first and last second."""
        values = self.values[name]
        low, high = self._moments.get(name, (_UNDATED, _UNDATED))
        if len(low) <= len(values):
            new = values[len(low) - 1 :]
            low, high = (
                np.concatenate([known[:-1], np.array([getattr(each, end) if each else _NONE for each in new], dtype=np.int64), _UNDATED])
                for known, end in ((low, "low"), (high, "high"))
            )
            self._moments[name] = low, high
        lows = low[ids]
        return lows != _NONE, lows, high[ids]

    def words(self, name: str, ids: Ids, known: Sequence[str]) -> Ids:
        """Return the place of each word in `known`, whose first is the empty word; −1 for others."""
        places = {word: place for place, word in enumerate(known)}
        table = np.array([*(places.get(value, -1) for value in self.values[name]), 0], dtype=np.int64)
        return table[ids]


# --- reading -----------------------------------------------------------------------------------------------------------

_Reading = tuple[bool, Any]


def _date(name: str, term: Any, program: Program) -> _Reading:
    found: Moment | None = parse_moment(term.value) if isinstance(term, Literal) and term.value else None
    return found is not None, found


def _decimal(name: str, term: Any, program: Program) -> _Reading:
    found = plain_number(term.value) if isinstance(term, Literal) else None
    return found is not None, found


def _word(name: str, term: Any, program: Program) -> _Reading:
    stem = _STEMS[name]
    regular = isinstance(term, NamedNode) and term.value.startswith(stem)
    return regular, term.value[len(stem) :] if regular else ""


def _text(name: str, term: Any, program: Program) -> _Reading:
    regular = isinstance(term, Literal) and bool(term.value)
    return regular, term.value if regular else None


def _name(name: str, term: Any, program: Program) -> _Reading:
    return isinstance(term, NamedNode), term.value


_READERS: dict[str, Callable[[str, Any, Program], _Reading]] = {
    "date": _date,
    "instant": _date,
    "decimal": _decimal,
    "integer": _decimal,
    "word": _word,
    "text": _text,
    "name": _name,
    "about": _name,
}
