"""Write the answer to a case as FHIR R4 resources.

| answer | resource |
|---|---|
| everything | GuidanceResponse: verdicts as contained Parameters, data problems and conflicts as contained OperationOutcome, what is missing as `dataRequirement`, disagreements and notes as `note` |
| red flags, next tests, tests not warranted, actions | RequestGroup, draft proposal, in this order; `documentation` names sentences and publications |
| a next test | ServiceRequest, draft proposal |
| a test that is not warranted | the same with `doNotPerform` |
| an open order, or a past repeat, of a test that is (was) not warranted | DetectedIssue |
| the differential | ClinicalImpression |

Not carried: indicators, medication reviews, deferred recommendations; `left_out` counts them. Records are referred to by
their IRIs, so the Bundle goes with the documents that were read.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from reasoner.answer import CaseAnswer
from reasoner.export.fhir_dates import date_time, instant
from reasoner.export.fhir_evidence import PLAN, artifact_id, canonical, priority, related
from reasoner.export.fhir_issues import issues
from reasoner.export.fhir_json import Element, bundle, entry, fhir_text, full, identity
from reasoner.export.fhir_response import guidance_response
from reasoner.export.fhir_terms import Coder
from reasoner.export.tally import Tally
from reasoner.fhir.orders import Order
from reasoner.program.model import Program, Recommendation
from reasoner.report import case_document
from reasoner.report.advice import listed_flags, ranked_tests, unwarranted_tests

__all__ = ["assessment_bundle", "next_requests"]

_IRI = re.compile(r"(?:https?://|urn:)[^\s<>\"{}|\\^`]+")
_LEFT_OUT = {"indicators": "indicators", "medicationReview": "medication reviews", "deferred": "deferred recommendations"}


def assessment_bundle(program: Program, answers: Sequence[CaseAnswer], orders: Iterable[Order] = ()) -> tuple[bytes, list[Tally]]:
    """Return the answers as a Bundle of type collection, with the counts; `orders` are the open orders of their patients."""
    given = list(orders)
    writers = [_Writer(program, answer) for answer in answers]
    entries = [each for writer in writers for each in writer.entries([order for order in given if order.patient == writer.case])]
    moments = {instant(answer.as_of) for answer in answers}
    name = identity("assessment", program.digest, *(writer.key for writer in writers))
    counts = Counter(each["resource"]["resourceType"] for each in entries)
    left = Counter({f"{name}: no resource holds them": sum(len(each.document[key]) for each in writers) for key, name in _LEFT_OUT.items()})
    tallies = [Tally.of(f"resources, {kind}", count) for kind, count in sorted(counts.items())]
    tallies.append(Tally.of("parts of the answers that stay behind", 0, +left))
    return fhir_text(bundle(entries, name, moments.pop() if len(moments) == 1 else "")), tallies


def next_requests(program: Program, answer: CaseAnswer, document: Element, subject: str, coder: Coder) -> Iterator[Element]:
    """Yield the ServiceRequest of each next test of an answer, in its order, about the patient `subject`; `document` is the report."""
    writer = _Writer(program, answer, document, coder)
    for _, row, recommendations in writer.tests():
        yield writer.request(row["test"], row, recommendations, "next") | {"subject": {"reference": subject}}


class _Writer:
    """Writes one answer."""

    def __init__(self, program: Program, answer: CaseAnswer, document: Element | None = None, coder: Coder | None = None) -> None:
        self.program = program
        self.answer = answer
        self.case = answer.state.case.iri
        self.document = case_document(program, answer) if document is None else document
        self.key = f"{self.case}\n{answer.as_of.text}"
        self._coder = coder or Coder(program)
        self._subject = {"reference": self.case}
        self._when = date_time(answer.as_of)

    def name(self, kind: str, about: str) -> str:
        return identity("assessment", self.program.digest, self.key, kind, about)

    def entries(self, orders: Sequence[Order]) -> Iterator[Element]:
        """Yield the resources, what is referred to before what refers to it."""
        actions, requests = [*self._flags()], []
        for action, request in (*self._tests(), *self._unwarranted()):
            actions.append(action)
            requests.append(request)
        actions += self._actions()
        yield from map(entry, requests)
        group = full(
            resourceType="RequestGroup",
            id=self.name("RequestGroup", ""),
            instantiatesCanonical=[canonical("PlanDefinition", PLAN, self.program)],
            status="draft",
            intent="proposal",
            subject=self._subject,
            authoredOn=self._when,
            action=actions,
        )
        yield entry(group)
        yield entry(self._impression())
        for resource in issues(self.program, self.answer, orders, self._coder):
            yield entry({**resource, "id": self.name("DetectedIssue", resource.pop("id"))})
        yield entry(
            guidance_response(self.program, self.answer, self.document, self._coder, self.name("GuidanceResponse", ""), group["id"])
        )

    # --- what to do ---------------------------------------------------------------------------------------------------

    def _action(self, title: str, row: Element, recommendations: Iterable[Recommendation], **more: Any) -> Element:
        """Return an action of the group; its text says how sure it is, why, and what must be settled first."""
        words = [f"{row['certainty']}: {'; '.join(_facts(row))}"] if row.get("certainty") else ["; ".join(_facts(row))]
        words += [f"presumes none of: {', '.join(each['label'] for each in row['presumes'])}"] if row.get("presumes") else []
        words += [f"first settle: {', '.join(each['label'] for each in row['blockedBy'])}"] if row.get("blockedBy") else []
        words += [f"settled by: {', '.join(each['label'] for each in row['missing'])}"] if row.get("missing") else []
        return full(
            title=title,
            **more,
            textEquivalent=". ".join(filter(None, words)),
            priority=priority(row["urgency"]) if row.get("urgency") else "",
            documentation=related(recommendations, self.program),
        )

    def _flags(self) -> Iterator[Element]:
        flags = listed_flags(self.program, self.answer.advice.advised.values())
        for flag, row in zip(flags, self.document["redFlags"], strict=True):
            code = [{"coding": [self._coder.own(row["id"])]}]
            yield self._action(row["label"], row, [flag.recommendation], description=row["action"], code=code)

    def tests(self) -> Iterator[tuple[int, Element, list[Recommendation]]]:
        """Yield each next test with its rank, its row of the report, and the recommendations that ask for it."""
        ranked = ranked_tests(self.program, self.answer.advice.advised.values(), self.answer.advice, self.answer.relevances)
        for (rank, _, group), row in zip(ranked, self.document["nextTests"], strict=True):
            yield rank, row, [each.recommendation for each in group]

    def _tests(self) -> Iterator[tuple[Element, Element]]:
        for rank, row, recommendations in self.tests():
            request = self.request(row["test"], row, recommendations, "next")
            code = [self._coder.concept(row["test"])]
            more = {"prefix": str(rank), "code": code, "resource": {"reference": f"urn:uuid:{request['id']}"}}
            yield self._action(row["label"], row, recommendations, **more), request

    def _unwarranted(self) -> Iterator[tuple[Element, Element]]:
        found = unwarranted_tests(self.program, self.answer.advice.advised.values(), self.answer.advice)
        for (test, recommendations, _), row in zip(found, self.document["notWarranted"], strict=True):
            request = self.request(test, row, recommendations, recommendations[0].iri) | {"doNotPerform": True}
            more = {"code": [self._coder.concept(test)], "resource": {"reference": f"urn:uuid:{request['id']}"}}
            yield self._action(f"not warranted: {row['label']}", row, recommendations, **more), request

    def _actions(self) -> Iterator[Element]:
        for row in self.document["actions"]:
            each = self.program.recommendation[row["id"]]
            code = [{"coding": [self._coder.own(each.action)]}] if each.action else []
            title = f"{'do not: ' if row['direction'] == 'against' else ''}{row['label']}"
            yield self._action(title, row, [each], description=each.statement, code=code)

    def request(self, test: str, row: Element, recommendations: Iterable[Recommendation], about: str) -> Element:
        """Return the ServiceRequest of a test, whose row of the report is `row`; `about` tells apart what else is said of the test."""
        checks = [f"{each['text']}: {each['status']}" for each in row.get("checks", ()) if each["status"] in ("open", "blocking")]
        return full(
            resourceType="ServiceRequest",
            id=self.name("ServiceRequest", f"{test}\n{about}"),
            instantiatesCanonical=[canonical("ActivityDefinition", artifact_id(each.iri), self.program) for each in recommendations],
            status="draft",
            intent="proposal",
            priority=priority(row["urgency"]) if row.get("urgency") else "",
            code=self._coder.concept(test),
            subject=self._subject,
            authoredOn=self._when,
            reasonCode=[{"text": text} for text in _facts(row)],
            supportingInfo=[{"reference": source} for source in _records(row)],
            note=[{"text": f"first check {'; '.join(checks)}"}] if checks else [],
        )

    # --- what it may be -----------------------------------------------------------------------------------------------

    def _impression(self) -> Element:
        rows = self.document["differential"]
        likely = [
            {
                "itemCodeableConcept": self._coder.concept(row["condition"]),
                "basis": f"rank {row['rank']}, {row['status']}, {row['weight']:+} decibans",
            }
            for row in rows
            if row["status"] != "excluded"
        ]
        excluded = ", ".join(row["label"] for row in rows if row["status"] == "excluded")
        return full(
            resourceType="ClinicalImpression",
            id=self.name("ClinicalImpression", ""),
            status="completed",
            subject=self._subject,
            effectiveDateTime=self._when,
            summary=f"differential, confidence {self.document['differentialConfidence']}; weights of evidence, not probabilities",
            finding=likely,
            note=[{"text": f"excluded: {excluded}"}] if excluded else [],
        )


def _facts(row: Element) -> list[str]:
    return list(dict.fromkeys(each["text"] for each in row["because"] if "fact" in each))


def _records(row: Element) -> list[str]:
    return [source for source in dict.fromkeys(each["source"] for each in row["because"] if "fact" in each) if _IRI.fullmatch(source)]
