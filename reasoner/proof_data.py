"""Hold proofs as data: a conclusion, the steps down to what the records state, and the axioms and sentences they cite."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from reasoner.program.premises import Missing

__all__ = ["FORMAT", "Account", "Cited", "Conclusion", "Explained", "Item", "Model", "Premise", "Proof", "Statement", "Step"]

Statement = tuple[Any, ...]
"""("class", IRI), ("some", role, term), ("band", indicator, low, open, high, open) or ("part", class, path)."""

Cited = tuple[str, str, str]
"""Kind ("axiom", "recommendation" or "sentence"), IRI and digest of something that a proof cites."""

FORMAT = "legcramps-proof/1"


@dataclass(frozen=True, slots=True)
class Premise:
    """Something the records state: a role (`role`), an interval of an indicator (`value`), or a reading of doubtful records (`reading`)."""

    kind: str
    statement: Statement
    holds: bool
    records: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the premise as plain JSON types."""
        return {"kind": self.kind, "statement": list(self.statement), "holds": self.holds, "records": list(self.records)}


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """A statement (or, when it does not hold, its denial) and the rule that gives it from other steps.

    Rules: fact, total, hierarchy, constraint, interval, all, one, assume, split. `assumes` are the two assumptions that a
    split discharges, one for each of its premises.
    """

    rule: str
    holds: bool
    statement: Statement
    premises: tuple[Step, ...] = ()
    premise: Premise | None = None
    axiom: tuple[str, str] | None = None
    assumes: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Model:
    """A case that agrees with everything given: the restrictions that hold beside it, and each indicator's value if it has one."""

    present: tuple[tuple[str, str], ...]
    values: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What is proven of a class, role, recommendation, decision or condition, and what it presumes or leaves possible.

    `standing` is a status, a presence, a standing or a verdict; `presumes` and `could_be` are recommendations; `role` is the
    one in which the case stands to the term that a role is `about`.
    """

    kind: str
    about: str
    standing: str
    certainty: str = ""
    presumes: tuple[str, ...] = ()
    could_be: tuple[str, ...] = ()
    role: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Proof:
    """A conclusion about a case with the steps it follows from; `cited` are (kind, IRI, digest) of axioms and sentences.

    `missing` are the unknowns that keep it open.
    """

    case: str
    conclusion: Conclusion
    premises: tuple[Step, ...]
    cited: tuple[Cited, ...]
    given: tuple[Premise, ...] = ()
    models: tuple[Model, ...] = ()
    remarks: tuple[str, ...] = ()
    missing: tuple[Missing, ...] = ()

    def said(self) -> list[str]:
        """Return in words what is unknown, and whatever else is remarked."""
        return [*(f"unknown: {each.label}" for each in self.missing), *self.remarks]

    def steps(self) -> list[Step]:
        """Return every step once, each after those it rests on."""
        found: dict[Step, None] = {}
        _collect(self.premises, found)
        return list(found)

    def facts(self) -> list[Premise]:
        """Return what the records state as far as the proof rests on it, each once."""
        return list(dict.fromkeys((*(step.premise for step in self.steps() if step.premise is not None), *self.given)))

    def to_json(self) -> dict[str, Any]:
        """Return the proof as plain JSON types, steps and premises referred to by their places."""
        steps, facts = self.steps(), self.facts()
        place = {step: index for index, step in enumerate(steps)}
        at = {fact: index for index, fact in enumerate(facts)}
        conclusion = {"kind": self.conclusion.kind, "about": self.conclusion.about, "is": self.conclusion.standing}
        for key, value in (
            ("certainty", self.conclusion.certainty),
            ("presumes", self.conclusion.presumes),
            ("couldBe", self.conclusion.could_be),
            ("role", self.conclusion.role),
        ):
            if value:
                conclusion[key] = value if isinstance(value, str) else list(value)  # type: ignore[assignment]
        return {
            "format": FORMAT,
            "case": self.case,
            "conclusion": conclusion,
            "from": [place[step] for step in self.premises],
            "premises": [each.to_json() for each in facts],
            "steps": [_step(each, place, at) for each in steps],
            "cited": [{"kind": kind, "iri": iri, "digest": digest} for kind, iri, digest in self.cited],
            "models": [{"present": [list(pair) for pair in each.present], "values": dict(each.values)} for each in self.models],
            "remarks": self.said(),
            "missing": [{"term": each.term, "label": each.label} for each in self.missing],
        }

    @staticmethod
    def from_json(found: dict[str, Any]) -> Proof:
        """Return the proof that `to_json` wrote; raise KeyError, IndexError or TypeError for anything else."""
        facts = [Premise(each["kind"], tuple(each["statement"]), each["holds"], tuple(each["records"])) for each in found["premises"]]
        steps: list[Step] = []
        for each in found["steps"]:
            steps.append(
                Step(
                    each["rule"],
                    each["holds"],
                    tuple(each["statement"]),
                    tuple(steps[index] for index in each["from"]),
                    facts[each["premise"]] if "premise" in each else None,
                    (each["axiom"][0], each["axiom"][1]) if "axiom" in each else None,
                    tuple(steps[index] for index in each.get("assumes", ())),
                )
            )
        said = found["conclusion"]
        more = said.get("certainty", ""), tuple(said.get("presumes", ())), tuple(said.get("couldBe", ())), said.get("role", "")
        missing = tuple(Missing(each["term"], each["label"]) for each in found.get("missing", ()))
        models = tuple(
            Model(tuple((role, term) for role, term in each["present"]), tuple(each["values"].items())) for each in found["models"]
        )
        return Proof(
            found["case"],
            Conclusion(said["kind"], said["about"], said["is"], *more),
            tuple(steps[index] for index in found["from"]),
            tuple((each["kind"], each["iri"], each["digest"]) for each in found["cited"]),
            tuple(facts) if models else (),
            models,
            tuple(found["remarks"][len(missing) :]),
            missing,
        )


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that goes into an account: what it adds to a weight, if anything, and the records and publications behind it."""

    text: str
    term: str = ""
    weight: Decimal | None = None
    records: tuple[str, ...] = ()
    cited: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the item as plain JSON types."""
        weight = None if self.weight is None else float(self.weight)
        return {"text": self.text, "term": self.term, "weight": weight, "records": list(self.records), "cited": list(self.cited)}


@dataclass(frozen=True, slots=True)
class Account:
    """How what is no deduction comes about: the weight of a condition, the value of an indicator, what records say of a term."""

    case: str
    about: str
    text: str
    items: tuple[Item, ...]
    missing: tuple[Missing, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the account as plain JSON types."""
        return {
            "case": self.case,
            "about": self.about,
            "text": self.text,
            "items": [each.to_json() for each in self.items],
            "missing": [{"term": each.term, "label": each.label} for each in self.missing],
        }


@dataclass(frozen=True, slots=True)
class Explained:
    """The proofs of what a name stands for; with a `bound`, one per minimal reason, and `complete` if there is no other.

    `accounts` say how what is no deduction comes about.
    """

    name: str
    proofs: tuple[Proof, ...]
    complete: bool = False
    bound: int | None = None
    accounts: tuple[Account, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the proofs as plain JSON types."""
        return {
            "conclusion": self.name,
            "reasons": "one" if self.bound is None else "all" if self.complete else "some",
            "bound": self.bound,
            "proofs": [each.to_json() for each in self.proofs],
            "accounts": [each.to_json() for each in self.accounts],
        }


def _step(each: Step, place: dict[Step, int], at: dict[Premise, int]) -> dict[str, Any]:
    found: dict[str, Any] = {"rule": each.rule, "holds": each.holds, "statement": list(each.statement)}
    found["from"] = [place[step] for step in each.premises]
    if each.premise is not None:
        found["premise"] = at[each.premise]
    if each.axiom is not None:
        found["axiom"] = list(each.axiom)
    if each.assumes:
        found["assumes"] = [place[step] for step in each.assumes]
    return found


def _collect(steps: Iterable[Step], found: dict[Step, None]) -> None:
    for each in steps:
        if each not in found:
            if each.premises:
                _collect((*each.assumes, *each.premises), found)
            found[each] = None
