"""Do the jobs that the HTTP interface gives to its workers: a header and bytes in, a status and bytes out.

| job | body | answer |
|---|---|---|
| `hook` | a call, and the pages fetched for it | cards, or what must be fetched first |
| `proof` | the same | the proofs of what a card says |
| `assess`, `explain`, `whatif` | a document of records | what the command of that name prints as JSON |
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from reasoner.answer import CaseAnswer
from reasoner.answering import assess, read_all
from reasoner.consulting import changes_document, explain, list_changes, one_answer, suppose
from reasoner.documents import Document
from reasoner.errors import InputError, LegcrampsError, LimitError, UsageError
from reasoner.explanation import View
from reasoner.export.fhir_json import fhir_text
from reasoner.export.fhir_terms import Coder
from reasoner.fhir.codes import Codes
from reasoner.fhir.document import parse_document
from reasoner.limits import utf8
from reasoner.moments import Moment, parse_moment
from reasoner.program.model import Program
from reasoner.proof_axioms import Axioms, load_axioms
from reasoner.proof_formats import Words
from reasoner.proofs import Prover
from reasoner.report import Report
from reasoner.server.cds.answer import Call, Wanted, answer_hook, case_of_call
from reasoner.server.cds.cards import Clinic
from reasoner.server.cds.prefetch import Fetched
from reasoner.server.cds.refusal import Refusal
from reasoner.server.cds.sources import Sources, load_sources
from reasoner.server.replies import problem_of

__all__ = ["Consultant", "Reply", "Task", "joined", "parted", "refused"]

_AUTHORIZATION = "fhirAuthorization"
_NAME = "request"
_MOST_CHANGES = 20
Header = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Task:
    """What a worker is asked: the job with its parameters, and the body."""

    header: Header
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """What a worker answers: a header for the server alone, and the body for the caller."""

    header: Header
    body: bytes = b""


def joined(parts: Mapping[str, Fetched], body: bytes) -> tuple[list[Any], bytes]:
    """Return a body with the fetched pages behind it, and the lengths by which they are parted again."""
    lengths = [[key, each.failed, [len(page) for page in each.pages]] for key, each in parts.items()]
    return [len(body), lengths], b"".join((body, *(page for each in parts.values() for page in each.pages)))


def parted(lengths: list[Any], whole: bytes) -> tuple[dict[str, Fetched], bytes]:
    """Return what `joined` was given."""
    size, listed = lengths
    place, found = size, {}
    for key, failed, sizes in listed:
        pages = []
        for each in sizes:
            pages.append(whole[place : place + each])
            place += each
        found[key] = Fetched(tuple(pages), failed)
    return found, whole[:size]


class Consultant:
    """Does jobs with one knowledge."""

    def __init__(self, program: Program, folder: Path) -> None:
        self._program = program
        self._folder = folder
        self._clinic = Clinic(program, Codes(program), Coder(program), load_sources(folder))
        self._jobs: dict[str, Callable[[Task], Reply]] = {
            "assess": self._assess,
            "explain": self._explain,
            "hook": self._hook,
            "proof": self._proof,
            "whatif": self._whatif,
        }

    @property
    def sources(self) -> Sources:
        """Return what recommendations rest on."""
        return self._clinic.sources

    @cached_property
    def _axioms(self) -> Axioms:
        return load_axioms(self._program, self._folder)

    def do(self, task: Task) -> Reply:
        """Do a job; raise LegcrampsError as the function behind it does."""
        return self._jobs[task.header["job"]](task)

    # --- hooks --------------------------------------------------------------------------------------------------------

    def _hook(self, task: Task) -> Reply:
        call = _call(task)
        found = answer_hook(call, self._clinic)
        if isinstance(found, Wanted):
            return Reply({"wanted": {"server": found.server, "token": found.token, "queries": dict(found.queries)}})
        cards = json.dumps(found.response.to_json(), ensure_ascii=False, separators=(",", ":")).encode()
        kept = _without_token(call.body) if _AUTHORIZATION.encode() in call.body and found.conclusions else b""
        return Reply(
            {"conclusions": found.conclusions, "media": "application/json", "cards": len(cards), "redacted": bool(kept)}, cards + kept
        )

    def _proof(self, task: Task) -> Reply:
        answer = case_of_call(_call(task), self._clinic)
        prover, words = self._prover(answer)
        proofs = [words.write(explain(prover, name), "text") for name in task.header["conclusions"]]
        return Reply({"media": "text/plain"}, "\n".join(proofs).encode())

    # --- documents ----------------------------------------------------------------------------------------------------

    def _assess(self, task: Task) -> Reply:
        return Reply({"media": "application/json"}, self._report(task, relevance=task.header["relevance"]).dumps().encode())

    def _explain(self, task: Task) -> Reply:
        prover, words = self._prover(one_answer(self._report(task), task.header["case"]))
        explained = explain(prover, task.header["conclusion"], every=task.header["all"])
        return Reply({"media": "application/json"}, words.write(explained, "json").encode())

    def _whatif(self, task: Task) -> Reply:
        answer = one_answer(self._report(task), task.header["case"])
        changes, goal = task.header["set"], task.header["goal"]
        if bool(changes) == bool(goal) or len(changes) > _MOST_CHANGES:
            raise UsageError("Either facts are set or a goal is named", repair=f"send up to {_MOST_CHANGES} times set, or goal once")
        if goal:
            document = changes_document(answer, list_changes(self._program, answer, goal))
        else:
            document = suppose(self._program, answer, changes).to_json()
        return Reply({"media": "application/json"}, json.dumps(document, ensure_ascii=False).encode())

    def _report(self, task: Task, *, relevance: bool = False) -> Report:
        header = task.header
        document = Document(_NAME, utf8(task.body, _NAME), header["format"])
        if not document.text.strip():
            raise InputError("The document is empty", where=_NAME, repair="send a document that holds a case")
        records = read_all([document], self._program, base=header["base"], folder=self._folder)
        as_of = datetime.fromisoformat(header["as_of"]) if header["as_of"] else None
        if len(records.cases) > header["most_cases"]:
            why = f"it holds more than {header['most_cases']}"
            raise LimitError("The document holds too many cases", why=why, repair="use `legcramps cohort`, which streams")
        return assess(records, self._program, as_of=as_of, relevance=relevance)

    def _prover(self, answer: CaseAnswer) -> tuple[Prover, Words]:
        view = View(self._program, answer.state, answer.statuses)
        return Prover(self._axioms, view, answer), Words(self._axioms, view)


def _call(task: Task) -> Call:
    header = task.header
    fetched, body = parted(header["lengths"], task.body)
    moment = parse_moment(header["as_of"]) or Moment(0, 0, "")
    return Call(header["hook"], body, moment, header["public"], bytes.fromhex(header["secret"]), fetched, header["fetches"])


def _without_token(body: bytes) -> bytes:
    """Return a call without the token for the client's FHIR server, as it may be kept for its proofs."""
    return fhir_text({name: value for name, value in parse_document(body).items() if name != _AUTHORIZATION})


def refused(error: LegcrampsError) -> Reply:
    """Return what a caller is told of an error: nothing that could quote a document."""
    if isinstance(error, Refusal):
        return Reply({"status": error.status, "media": "application/fhir+json"}, json.dumps(error.to_json()).encode())
    status, document = problem_of(error)
    told = {name: value for name, value in document.items() if name != "detail" or isinstance(error, LimitError)}
    line = error.where.rpartition(":")[2]
    if line.isdecimal():
        told["line"] = int(line)
    return Reply({"status": status, "media": "application/problem+json"}, json.dumps(told, ensure_ascii=False).encode())
