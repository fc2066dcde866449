"""Make cards of an answer: what the report says, in the words of the ontology, with its source and its proof.

| part of the answer | card |
|---|---|
| a red flag | critical |
| the verdict of a decision about a test, once a row of it is raised | by urgency; emergency is critical, urgent a warning |
| the next tests | one card by the first test's urgency, with a suggestion to order each |
| an open order of a test that is not warranted | a warning with reasons to override and a suggestion to take the order back |
| draft orders of which it cannot be told what they order | one card that names each, why, and the repair |

Each card carries the rows of the report that it speaks of in its extension, so that nothing has to be read out of words.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any
from uuid import UUID

from reasoner.answer import CaseAnswer
from reasoner.errors import visible
from reasoner.export.fhir_assessment import next_requests
from reasoner.export.fhir_json import Element
from reasoner.export.fhir_terms import Coder
from reasoner.fhir.codes import Codes
from reasoner.fhir.orders import Order, Unread
from reasoner.markdown import plain
from reasoner.namespaces import BASE, LC
from reasoner.program.model import Program, Recommendation
from reasoner.report import case_document
from reasoner.report.advice import listed_flags, ranked_tests
from reasoner.report.orders import UnwarrantedOrder, unwarranted_orders
from reasoner.server.cds.response import Action, Card, Link, OverrideReason, Source, Suggestion
from reasoner.server.cds.sources import Sources
from reasoner.text import NOT_ADVICE, possible_verdicts

__all__ = ["LONGEST_SUMMARY", "CardWriter", "Clinic", "Issued", "Place", "override_reasons"]

LONGEST_SUMMARY = 139
_FEW = 6
_EMPTY: tuple[object, ...] = ("", [], {})
_REASON = f"{LC}_OverrideReason_"
_ANSWER = f"{BASE}answer"
_SECTIONS = ("conflicts", "dataProblems", "nextTests", "notWarranted", "redFlags")
_DISCLAIMER = f"_{plain(NOT_ADVICE)}_"
_INDICATOR = {"emergency": "critical", "urgent": "warning"}


def override_reasons(program: Program) -> tuple[OverrideReason, ...]:
    """Return the reasons to override that the ontology declares, by their words."""
    found = [OverrideReason(LC, term.removeprefix(LC), label) for term, label in program.labels.items() if term.startswith(_REASON)]
    return tuple(sorted(found, key=lambda each: each.display))


@dataclass(frozen=True)
class Clinic:
    """What every call is answered with."""

    program: Program
    codes: Codes
    coder: Coder
    sources: Sources


@dataclass(frozen=True, slots=True)
class Place:
    """Where a service is reached, whose call this is, and the key by which its cards get names nobody can guess."""

    public: str
    call: str
    secret: bytes

    def uuid(self, *about: str) -> str:
        """Return the name of a card or suggestion: the same for the same call."""
        digest = blake2b("\n".join((self.call, *about)).encode(), key=self.secret, digest_size=16).digest()
        return str(UUID(bytes=digest, version=4))


@dataclass(frozen=True, slots=True)
class Issued:
    """A card, and the conclusions that its proof proves."""

    card: Card
    conclusions: tuple[str, ...]


class CardWriter:
    """Writes the cards of one answer."""

    def __init__(self, clinic: Clinic, answer: CaseAnswer, place: Place, gaps: Sequence[str] = ()) -> None:
        self.program = program = clinic.program
        self.answer = answer
        self.document = case_document(program, answer, {*_SECTIONS, *answer.advice.judged})
        self._clinic = clinic
        self._place = place
        self._gaps = gaps

    def view(self, patient: str) -> Iterator[Issued]:
        """Yield the cards for an opened chart; `patient` is the reference of the patient."""
        flags = listed_flags(self.program, self.answer.advice.advised.values())
        for flag, row in zip(flags, self.document["redFlags"], strict=True):
            yield self._flag(flag.recommendation, row)
        yield from self._decisions()
        if self.document["nextTests"]:
            yield self._tests(patient)

    def orders(self, orders: Iterable[Order], references: Mapping[str, str]) -> Iterator[Issued]:
        """Yield a card for each order of a test that is not warranted; `references` are those of the orders, by IRI."""
        reasons = override_reasons(self.program)
        for each in unwarranted_orders(self.program, self.answer, orders):
            yield self._order(each, references.get(each.order.node, ""), reasons)

    def unread(self, unread: Sequence[Unread], references: Mapping[str, str]) -> Iterator[Issued]:
        """Yield a card that names the drafts that could not be read, if there are any."""
        if not unread:
            return
        rows = [{"order": references.get(each.node, each.node), "text": each.why, "repair": each.repair} for each in unread]
        named = "\n".join(f"- **{plain(row['order'])}**: {plain(row['text'])}. To repair: {plain(row['repair'])}." for row in rows)
        paragraphs = ["Nothing was checked of these draft orders, because it cannot be told what they ask for.", named, _DISCLAIMER]
        name = self._place.uuid("card", "unread", *(row["order"] for row in rows))
        source = Source("Legcramps", f"{self._place.public}/")
        yield Issued(
            Card(
                f"Draft orders that could not be read: {len(rows)}",
                "info",
                source,
                name,
                "\n\n".join(paragraphs),
                extension={_ANSWER: _filled({**self._stamp(), "unreadOrders": rows})},
            ),
            (),
        )

    # --- cards --------------------------------------------------------------------------------------------------------

    def _flag(self, flag: Recommendation, row: Element) -> Issued:
        head = f"**{plain(row['urgency'].capitalize())}, {plain(row['certainty'])}.** {plain(row['action'])}"
        paragraphs = [head, _because(row), _listed("Settled by", row["missing"]) if row["certainty"] != "certain" else ""]
        return self._issued(row["label"], "critical", [flag], paragraphs, {"redFlag": row}, (flag.iri,))

    def _decisions(self) -> Iterator[Issued]:
        for key, judged in self.answer.advice.judged.items():
            rows = [each.recommendation for each in judged.rows]
            open_rows = [each.recommendation for _, listed in judged.could_be for each in listed]
            if judged.decision.investigation is None or not (rows or open_rows):
                continue
            row = self.document[key]
            first = min(rows, key=lambda each: each.urgency_rank, default=None)
            indicator = _INDICATOR.get(first.urgency if first else "", "info")
            summary = f"{self.program.label(judged.decision.iri)}: {row['label']}"
            yield self._issued(summary, indicator, rows or open_rows, self._verdict(row), {key: row}, (key,))

    def _verdict(self, row: Element) -> list[str]:
        rule = f" (rule {plain(row['rule'])})" if row["rule"] else ""
        window = row["window"]
        return [
            f"**{plain(row['label'])}**, {plain(row['certainty'])}{rule}.",
            _because(row),
            _listed("Presumes none of", row["presumes"]),
            _listed("Settled by", row["missing"]),
            f"Could be: {plain(possible_verdicts(row))}." if row["couldBe"] else "",
            f"Window: {window['from']} to {window['until']}, best {window['target']} ({window['state']})." if window else "",
            _listed("Reopened by", row["reopensIf"]),
        ]

    def _tests(self, patient: str) -> Issued:
        rows = self.document["nextTests"]
        ranked = ranked_tests(self.program, self.answer.advice.advised.values(), self.answer.advice, self.answer.relevances)
        requests = next_requests(self.program, self.answer, self.document, patient, self._clinic.coder)
        suggestions = tuple(self._suggestion(row, request) for row, request in zip(rows, requests, strict=True))
        summary = f"Next tests: {', '.join(row['label'] for row in rows)}"
        if len(summary) > LONGEST_SUMMARY and len(rows) > 1:
            summary = f"Next tests: {rows[0]['label']} and {len(rows) - 1} more"
        leading = [each.recommendation for _, _, group in ranked for each in group]
        indicator = _INDICATOR.get(rows[0]["urgency"], "info")
        paragraphs = ["\n".join(map(_test_line, rows))]
        conclusions = tuple(dict.fromkeys(row["test"] for row in rows))
        return self._issued(summary, indicator, leading, paragraphs, {"nextTests": rows}, conclusions, suggestions, "any")

    def _suggestion(self, row: Element, request: Element) -> Suggestion:
        action = Action("create", f"Draft order: {visible(row['label'])}", request)
        return Suggestion(f"Order {visible(row['label'])}", self._place.uuid("suggestion", row["test"]), (action,))

    def _order(self, each: UnwarrantedOrder, reference: str, reasons: tuple[OverrideReason, ...]) -> Issued:
        rows = list(each.rows)
        judged = next((found for found in self.answer.advice.judged.values() if found.decision.iri == rows[0].decision), None)
        key = judged.decision.key if judged else ""
        row = self.document[key] if judged else next(found for found in self.document["notWarranted"] if found["test"] == each.test)
        label = visible(self.program.label(each.order.tests[0]))
        paragraphs = self._verdict(row) if judged else [f"**Not warranted**, {plain(each.standing)}.", _because(row)]
        words = f"Take back the order: {label}"
        deleted = (
            Suggestion(words, self._place.uuid("suggestion", each.order.node), (Action("delete", words, reference=reference),))
            if reference
            else None
        )
        extension = {"order": reference or each.order.node, key or "notWarranted": row}
        about = (key,) if judged else tuple(found.iri for found in rows)
        offered, behaviour = ((deleted,), "at-most-one") if deleted else ((), "")
        return self._issued(f"Not warranted: {label}", "warning", rows, paragraphs, extension, about, offered, behaviour, reasons)

    def _issued(
        self,
        summary: str,
        indicator: str,
        recommendations: Sequence[Recommendation],
        paragraphs: Iterable[str],
        rows: Element,
        conclusions: tuple[str, ...],
        suggestions: tuple[Suggestion, ...] = (),
        selection: str = "",
        overrides: tuple[OverrideReason, ...] = (),
    ) -> Issued:
        """Return a card; what every card has stands here: source, proof, gaps and that it is no medical advice."""
        name = self._place.uuid("card", *conclusions, str(rows.get("order", "")))
        cited = self._clinic.sources.cited[recommendations[0].iri]
        source = f"{self._place.public}/api/sources/{cited.name}"
        links = (Link(f"Source: {cited.label}", source), Link("Proof", f"{self._place.public}/api/proofs/{name}"))
        card = Card(
            _summary(summary),
            indicator,
            Source(cited.guideline, source),
            name,
            "\n\n".join(filter(None, (*paragraphs, *self._remarks(), _DISCLAIMER))),
            suggestions,
            selection,
            overrides,
            links,
            {_ANSWER: _filled({**self._stamp(), **rows})},
        )
        return Issued(card, conclusions)

    def _stamp(self) -> Element:
        """Return what an answer was made with and as of when."""
        return {"knowledge": self.program.digest, "asOf": self.answer.as_of.text}

    def _remarks(self) -> Iterator[str]:
        """Yield what the reader must know of the record."""
        if self._gaps:
            yield f"Not sent by the record system: {plain(', '.join(self._gaps))}."
        unusable = len(self.document["dataProblems"]) + len(self.document["conflicts"])
        if unusable:
            yield f"Parts of the record that could not be used: {unusable}."


def _summary(text: str) -> str:
    """Return a summary as a sentence of fewer than 140 characters, cut between words."""
    line = visible(text[:1].upper() + text[1:])
    if len(line) <= LONGEST_SUMMARY:
        return line
    return f"{line[: LONGEST_SUMMARY - 1].rpartition(' ')[0] or line[: LONGEST_SUMMARY - 1]}…"


def _because(row: Element) -> str:
    stated = list(dict.fromkeys(each["text"] for each in row["because"] if "recommendation" in each))
    facts = list(dict.fromkeys(each["text"] for each in row["because"] if "fact" in each))
    cited = plain(f"[{', '.join(row['sentences'])}]") if row["sentences"] else ""
    words = [f"{plain(' '.join(stated))} {cited}".rstrip()] if stated else []
    words += [f"Because: {plain('; '.join(facts))}."] if facts else []
    return "\n\n".join(words)


def _listed(title: str, items: Sequence[Element]) -> str:
    labels = list(dict.fromkeys(each["label"] for each in items))
    more = f" and {len(labels) - _FEW} more" if len(labels) > _FEW else ""
    return f"{title}: {plain('; '.join(labels[:_FEW]))}{more}." if labels else ""


def _test_line(row: Element) -> str:
    facts = "; ".join(dict.fromkeys(each["text"] for each in row["because"] if "fact" in each))
    checks = "; ".join(each["text"] for each in row["checks"] if each["status"] in ("open", "blocking"))
    manner = ", ".join(filter(None, (row["step"], row["urgency"], row["certainty"])))
    words = [f"{row['rank']}. **{plain(row['label'])}** ({plain(manner)})"]
    words += [f"because {plain(facts)}"] if facts else []
    words += [f"first check: {plain(checks)}"] if checks else []
    words += [plain(f"[{', '.join(row['sentences'])}]")] if row["sentences"] else []
    return ", ".join(words)


def _filled(value: Any) -> Any:
    """Return a JSON value without its empty parts: CDS Hooks knows no null."""
    if isinstance(value, dict):
        return {name: kept for name, each in value.items() if (kept := _filled(each)) is not None and kept not in _EMPTY}
    return [_filled(each) for each in value] if isinstance(value, list) else value
