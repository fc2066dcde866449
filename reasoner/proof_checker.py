"""Check proofs against the ontology's own text, with no code in common with what found them.

Nothing is believed but the premises that a proof lists. `ProofError.code` says what is wrong: LC-1510 the form, LC-1520
an axiom, LC-1530 a recommendation, LC-1540 a sentence, LC-1550 an inference, LC-1560 the conclusion, LC-1570 a model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from reasoner.errors import LegcrampsError
from reasoner.namespaces import RDFS, XSD
from reasoner.proof_ontology import HIGHEST, LOWEST, Claim, Ontology, advice_class

__all__ = ["Checker", "ProofError"]

_CODES = {"axiom": "LC-1520", "recommendation": "LC-1530", "sentence": "LC-1540"}

Step = dict[str, Any]


class ProofError(LegcrampsError):
    """A proof is not accepted."""

    exit_code = 1

    def __init__(self, code: str, why: str) -> None:
        super().__init__("The proof is not accepted", why=why, repair="prove the conclusion anew with `legcramps explain`")
        self.code = code


def _need(condition: object, code: str, why: str) -> None:
    if not condition:
        raise ProofError(code, why)


class Checker:
    """Accepts or rejects proofs over the ontology of a knowledge folder, which is read once."""

    def __init__(self, folder: Path) -> None:
        self.ontology = Ontology(folder)
        self._parts: dict[tuple[Any, ...], tuple[str, list[Claim]]] = {}
        self._rules: dict[str, Callable[[Step, Claim, list[Claim]], bool]] = {
            "total": self._total,
            "hierarchy": self._hierarchy,
            "constraint": self._constraint,
            "interval": self._interval,
            "all": self._all,
            "one": self._one,
        }

    def check(self, proof: dict[str, Any], known: Sequence[dict[str, Any]] | None = None) -> None:
        """Return when the proof, as `Proof.to_json` writes it, is right in every part; raise ProofError when it is not.

        With `known`, what the records state, premises must be among it, readings of conflicts apart; else they are believed.
        """
        try:
            unknown = [] if known is None else [each for each in proof["premises"] if each["kind"] != "reading" and each not in known]
            _need(not unknown, "LC-1550", "a premise is not on record")
            self._cited(proof)
            claims = self._steps(proof)
            self._conclude(proof, [claims[place] for place in proof["from"]])
        except (KeyError, IndexError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
            raise ProofError("LC-1510", f"{type(error).__name__}: {error}") from error

    # --- what is cited ----------------------------------------------------------------------------------------------

    def _cited(self, proof: dict[str, Any]) -> None:
        _need(proof["format"] == "legcramps-proof/1", "LC-1510", "the format is not known")
        cited = {(each["kind"], each["iri"]): each["digest"] for each in proof["cited"]}
        said = proof["conclusion"]
        names = {step["statement"][1] for step in proof["steps"] if step["statement"][0] in ("class", "part")}
        names |= {name for step in proof["steps"] for name in step.get("axiom", ())}
        names |= {said["about"]} if said["kind"] == "class" else set()
        advised = {*said.get("presumes", ()), *said.get("couldBe", ())} | ({said["about"]} if said["kind"] == "recommendation" else set())
        due = set()
        for name in names:
            owner = self.ontology.advice.get(name, ("", []))[0]
            if owner in self.ontology.overriders:
                advised.add(owner)
            else:
                due.add(("axiom", name))
        due |= {("recommendation", iri) for iri in advised}
        due |= {("sentence", each) for iri in advised for each in self.ontology.all(iri, "citesSentence")}
        for key in cited:
            _need(self.ontology.digest(*key) == cited[key], _CODES[key[0]], f"{key[1]} is not what the proof cites")
        _need(due == set(cited) and len(cited) == len(proof["cited"]), "LC-1520", "what is cited is not what is used")

    # --- steps ------------------------------------------------------------------------------------------------------

    def _steps(self, proof: dict[str, Any]) -> list[Claim]:
        """Return what each step claims; each must follow, be used, and leave no assumption open in the end."""
        claims: list[Claim] = []
        assumed: list[int] = []
        used = 0
        facts: set[int] = set()
        for place, step in enumerate(proof["steps"]):
            claim, sources = (tuple(step["statement"]), step["holds"]), step["from"]
            _need(isinstance(claim[1], bool) and all(0 <= each < place for each in sources), "LC-1510", "a step refers forward")
            mask = 0
            for each in sources:
                mask |= assumed[each]
                used |= 1 << each
            if step["rule"] == "fact":
                premise = proof["premises"][step["premise"]]
                facts.add(step["premise"])
                right = not sources and (tuple(premise["statement"]), premise["holds"]) == claim
            elif step["rule"] == "assume":
                mask, right = 1 << place, not sources
            elif step["rule"] == "split":
                one, other = step["assumes"]
                used |= 1 << one | 1 << other
                mask = assumed[sources[0]] & ~(1 << one) | assumed[sources[1]] & ~(1 << other)
                right = self._split(proof["steps"], claims, claim, sources, (one, other))
            else:
                right = self._rules[step["rule"]](step, claim, [claims[each] for each in sources])
            _need(right, "LC-1550", f"step {place} does not follow by the rule “{step['rule']}”")
            claims.append(claim)
            assumed.append(mask)
        for each in proof["from"]:
            used |= 1 << each
            _need(each >= 0 and not assumed[each], "LC-1550", "an assumption is left open")
        _need(used == (1 << len(claims)) - 1, "LC-1550", "a step is not used")
        _need(proof["models"] or facts == set(range(len(proof["premises"]))), "LC-1550", "a premise is not used")
        return claims

    def _split(self, steps: Sequence[Step], claims: list[Claim], claim: Claim, sources: list[int], assumes: tuple[int, int]) -> bool:
        opposed = claims[assumes[0]][0] == claims[assumes[1]][0] and claims[assumes[0]][1] is not claims[assumes[1]][1]
        rules = {steps[each]["rule"] for each in assumes}
        return opposed and rules == {"assume"} and [claims[each] for each in sources] == [claim, claim]

    def _total(self, step: Step, claim: Claim, sources: list[Claim]) -> bool:
        total = self.ontology.one(claim[0][1], "isTotal") == "true"
        return not sources and total and claim == (("band", claim[0][1], None, False, None, False), True)

    def _hierarchy(self, step: Step, claim: Claim, sources: list[Claim]) -> bool:
        ((source, sign),) = sources
        lower, upper = (source, claim[0]) if sign else (claim[0], source)
        above = all(upper[place] in self.ontology.above(lower[place]) for place in (1, 2))
        return source[0] == claim[0][0] == "some" and sign is claim[1] and above and source != claim[0]

    def _constraint(self, step: Step, claim: Claim, sources: list[Claim]) -> bool:
        one, other = step["axiom"]
        first, second = self.ontology.constraints[one, other]
        (source,) = sources
        return (source, claim) in ((first, second), ((second[0], not second[1]), (first[0], not first[1])))

    def _all(self, step: Step, claim: Claim, sources: list[Claim]) -> bool:
        kind, parts = self._gate(claim[0])
        return (kind == "and") is claim[1] and sources == [(part, sign is claim[1]) for part, sign in parts]

    def _one(self, step: Step, claim: Claim, sources: list[Claim]) -> bool:
        kind, parts = self._gate(claim[0])
        (source,) = sources
        return (kind == "or") is claim[1] and source in [(part, sign is claim[1]) for part, sign in parts]

    def _gate(self, statement: tuple[Any, ...]) -> tuple[str, list[Claim]]:
        """Return whether a named class or a part of its definition is a conjunction or a disjunction, and its parts."""
        if statement not in self._parts:
            node, path = self.ontology.definition(statement[1]), "" if statement[0] == "class" else statement[2]
            for place in path.split(".") if path else ():
                node = node if node[0] in ("and", "or") else ["and", [node]]
                node = node[1][int(place)]
                while node[0] == "not":
                    node = node[1]
            node = node if node[0] in ("and", "or") else ["and", [] if node == ["top"] else [node]]
            parts = [self._part(part, statement[1], f"{path}.{place}".lstrip(".")) for place, part in enumerate(node[1]) if part != ["top"]]
            self._parts[statement] = node[0], parts
        return self._parts[statement]

    def _part(self, node: list[Any], owner: str, path: str) -> Claim:
        sign = True
        while node[0] == "not":
            sign, node = not sign, node[1]
        return (("part", owner, path) if node[0] in ("and", "or", "top") else tuple(node)), sign

    # --- intervals --------------------------------------------------------------------------------------------------

    def _interval(self, step: Step, claim: Claim, sources: list[Claim]) -> bool:
        """Return whether what is left of the indicator's values lies inside the band, or clear of it."""
        about, (start, end) = claim[0][1], self.ontology.ends(claim[0])
        logical = self.ontology.one(about, RDFS + "range") == XSD + "boolean"
        left = [((Decimal(0), 0), (Decimal(2), 0)) if logical else (LOWEST, HIGHEST)]
        positive = [self.ontology.ends(band) for band, holds in sources if holds]
        for low, high in positive if claim[1] else [*positive, (start, end)]:
            left = [(max(low, first), min(high, last)) for first, last in left]
        for low, high in [self.ontology.ends(band) for band, holds in sources if not holds]:
            left = [part for first, last in left for part in ((first, min(last, low)), (max(first, high), last))]
        left = [(first, last) for first, last in left if first < last]
        inside = all(start <= first and last <= end for first, last in left) and positive if claim[1] else not left
        return bool(sources and inside) and all(band[1] == about for band, _ in sources) and sources != [claim]

    # --- conclusions ------------------------------------------------------------------------------------------------

    def _conclude(self, proof: dict[str, Any], heads: list[Claim]) -> None:
        said, kinds = proof["conclusion"], {"role": "some", "value": "band"}
        models = [self._model(proof, each) for each in proof["models"]]
        for each in proof["premises"]:
            conflict = each["kind"] == "reading" and ("couldBe" in said or said["is"] == "possible")
            stated = each["statement"][0] == kinds.get(each["kind"]) and (each["holds"] or each["kind"] == "role")
            _need(conflict or stated, "LC-1550", "a premise is not what a record can state")
        presumes = {"presumes"} if "presumed" in (said["is"], said.get("certainty")) and not models else set()
        more = {"certainty"} | ({"couldBe"} & set(said) if models else set()) if said["kind"] == "decision" else set()
        more |= {"role"} if said["kind"] == "role" else set()
        _need(set(said) == {"kind", "about", "is"} | presumes | more, "LC-1560", "the conclusion says more or less than its kind does")
        right = getattr(self, f"_conclude_{said['kind']}")(said, said["about"], heads, models)
        _need(right, "LC-1560", f"the steps do not give that {said['about']} is {said['is']}")

    def _conclude_class(self, said: Step, about: str, heads: list[Claim], models: list[Any]) -> bool:
        if said["is"] == "open":
            return not heads and [self._true(("class", about), each) for each in models] == [True, False]
        return not models and heads == [(("class", about), {"entailed": True, "refuted": False}[said["is"]])]

    def _conclude_role(self, said: Step, about: str, heads: list[Claim], models: list[Any]) -> bool:
        statement = ("some", said["role"], about)
        if said["is"] == "unknown":
            return not heads and [self._true(statement, each) for each in models] == [True, False]
        return not models and heads == [(statement, {"present": True, "absent": False}[said["is"]])]

    def _conclude_condition(self, said: Step, about: str, heads: list[Claim], models: list[Any]) -> bool:
        names = self.ontology.all(about, {"confirmed": "confirmedBy", "excluded": "excludedBy"}[said["is"]])
        return not models and len(heads) == 1 and heads[0] in [(("class", name), True) for name in names]

    def _conclude_recommendation(self, said: Step, about: str, heads: list[Claim], models: list[Any]) -> bool:
        if said["is"] == "possible":
            return len(heads) == 1 and self._raises(about, heads[0])
        if said["is"] == "presumed":
            above = set(self.ontology.overriders[about])
            return heads[0] == _advised("Eligible", about, True) and self._presumed(said, above, set(), heads)
        return heads == [_advised("Applicable", about, {"certain": True, "ruled-out": False}[said["is"]])]

    def _raises(self, row: str, head: Claim) -> bool:
        trigger = self.ontology.one(row, "hasTrigger") or self.ontology.all(row, "hasInclusion")[0]
        return head in (_advised("Eligible", row, True), (("class", trigger), True))

    def _presumed(self, said: Step, above: set[str], dead: set[str], heads: list[Claim]) -> bool:
        """Return whether everything above is either presumed not to be so or refuted, and nothing else is said."""
        presumes = set(said["presumes"])
        due = {_advised("Eligible", iri, False) for iri in (above - presumes) | dead}
        return presumes <= above and sorted(presumes) == said["presumes"] and due == set(heads[1:]) and len(due) == len(heads) - 1

    def _conclude_decision(self, said: Step, about: str, heads: list[Claim], models: list[Any]) -> bool:
        verdict, given = said["is"], self.ontology.overriders
        _need(self.ontology.all(verdict, "verdictOf") == [about], "LC-1560", "the verdict is none of the decision")
        remains = self.ontology.one(about, "remainingVerdict") == verdict
        names = {name for row in given if self.ontology.one(row, "rowOf") == about for name in self.ontology.all(row, "yieldsVerdict")}
        if models:
            rows = said.get("couldBe", [])
            each_open = len(rows) == len(heads) and all(self._raises(row, head) for row, head in zip(rows, heads, strict=True))
            none = all(any(not self._true(_advised("Applicable", name, True)[0], each) for each in models) for name in names)
            return each_open and none and said["certainty"] == "presumed" and remains
        if remains:
            return said["certainty"] == "certain" and heads == [_advised("Applicable", name, False) for name in sorted(names)]
        if said["certainty"] == "certain":
            return heads == [_advised("Applicable", verdict, True)]
        rows = {row for row in given if self.ontology.one(row, "yieldsVerdict") == verdict}
        dead = {row for row in rows if _advised("Eligible", row, False) in heads}
        above = {other for row in rows - dead for other in given[row]} - rows
        return heads[0] == _advised("Eligible", verdict, True) and self._presumed(said, above, dead, heads)

    # --- models -----------------------------------------------------------------------------------------------------

    def _model(self, proof: dict[str, Any], model: dict[str, Any]) -> tuple[set[Any], dict[str, Decimal], dict[Any, bool]]:
        """Return the case that a model describes, its roles closed upwards; it must agree with every premise and axiom."""
        about = self.ontology
        stated = [(each["statement"][1], each["statement"][2]) for each in proof["premises"] if each["kind"] == "role" and each["holds"]]
        pairs = [(role, term) for role, term in model["present"]]
        roles = {("some", above, upper) for role, term in (*stated, *pairs) for above in about.above(role) for upper in about.above(term)}
        values = {iri: Decimal(text) for iri, text in model["values"].items()}
        found: tuple[set[Any], dict[str, Decimal], dict[Any, bool]] = roles, values, {}
        for iri, value in values.items():
            kind = about.one(iri, RDFS + "range")
            _need(
                value in (0, 1) if kind == XSD + "boolean" else kind == XSD + "decimal" or value % 1 == 0,
                "LC-1570",
                f"{iri} has no such value",
            )
        agrees = all(
            self._true(tuple(each["statement"]), found) is each["holds"] for each in proof["premises"] if each["kind"] != "reading"
        )
        whole = about.totals <= set(values)
        kept = all(
            self._true(second[0], found) is second[1]
            for first, second in about.constraints.values()
            if self._true(first[0], found) is first[1]
        )
        _need(agrees and whole and kept, "LC-1570", "the case shown does not agree with the premises or the axioms")
        return found

    def _true(self, statement: tuple[Any, ...], model: tuple[set[Any], dict[str, Decimal], dict[Any, bool]]) -> bool:
        roles, values, known = model
        if statement not in known:
            if statement[0] == "some":
                known[statement] = statement in roles
            elif statement[0] == "band":
                low, high = self.ontology.ends(statement)
                known[statement] = statement[1] in values and low <= (values[statement[1]], 0) < high
            else:
                kind, parts = self._gate(statement)
                found = (self._true(part, model) is sign for part, sign in parts)
                known[statement] = all(found) if kind == "and" else any(found)
        return known[statement]


def _advised(word: str, iri: str, holds: bool) -> Claim:
    return ("class", advice_class(word, iri)), holds
