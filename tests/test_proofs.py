"""Every proof is accepted by the separate checker, every mutant of one is rejected, and a changed sentence is noticed."""

from __future__ import annotations

import ast
import copy
import json
import random
import re
import shutil
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyoxigraph
import pytest

from reasoner import load_records
from reasoner.answering import answer_case
from reasoner.cli import main
from reasoner.entailment import OPEN
from reasoner.explanation import View
from reasoner.program import Program
from reasoner.proof_axioms import Axioms, load_axioms
from reasoner.proof_checker import Checker, ProofError
from reasoner.proof_data import Proof
from reasoner.proof_formats import Words
from reasoner.proofs import Prover

CASES = sorted((Path(__file__).parent / "cases").glob("*/*/record.ttl"))
SAMPLE = 40
RULES = ("fact", "total", "hierarchy", "constraint", "interval", "all", "one", "assume", "split")
Found = dict[str, Any]


@pytest.fixture(scope="module")
def axioms(knowledge: Program, root: Path) -> Axioms:
    return load_axioms(knowledge, root)


@pytest.fixture(scope="module")
def checker(root: Path) -> Checker:
    return Checker(root)


def provers(axioms: Axioms, paths: list[Path]) -> list[Prover]:
    found = []
    for path in paths:
        for case in load_records([path], axioms.program).cases:
            if case.as_of is not None:
                answer = answer_case(case, axioms.program, case.as_of)
                found.append(Prover(axioms, View(axioms.program, answer.state, answer.statuses), answer))
    return found


def sample(count: int = SAMPLE) -> list[Path]:
    return random.Random(11).sample(CASES, count)


def plain(proof: Proof) -> Found:
    return json.loads(json.dumps(proof.to_json()))


@pytest.fixture(scope="module")
def proofs(axioms: Axioms) -> list[Found]:
    return [plain(proof) for prover in provers(axioms, sample()) for proof in prover.listed()]


def accepts(checker: Checker, proof: Found) -> bool:
    try:
        checker.check(proof)
    except ProofError as error:
        assert re.fullmatch(r"LC-15\d0", error.code)
        return False
    return True


# --- acceptance -------------------------------------------------------------------------------------------------------


def test_every_listed_proof_is_accepted(proofs: list[Found], checker: Checker) -> None:
    for proof in proofs:
        checker.check(proof)
    kinds = Counter((each["conclusion"]["kind"], each["conclusion"]["is"]) for each in proofs if each["conclusion"]["kind"] != "decision")
    assert {standing for kind, standing in kinds if kind == "recommendation"} == {"certain", "presumed", "possible", "ruled-out"}
    assert {standing for kind, standing in kinds if kind == "condition"} == {"confirmed", "excluded"}
    assert {each["conclusion"]["certainty"] for each in proofs if each["conclusion"]["kind"] == "decision"} == {"certain", "presumed"}


@pytest.mark.release
def test_whole_corpus_is_accepted(axioms: Axioms, checker: Checker, figure: Callable[..., None]) -> None:
    found = [plain(proof) for prover in provers(axioms, CASES) for proof in prover.listed()]
    times = []
    for proof in found:
        spent = []
        for _ in range(3):
            start = time.thread_time()
            checker.check(proof)
            spent.append(time.thread_time() - start)
        times.append(min(spent))
    times.sort()
    figure("proofs of the vignettes accepted by the checker", len(found))
    figure("one proof checked", f"mean {sum(times) / len(times) * 1e6:.0f}, 99 % below {times[len(times) * 99 // 100] * 1e6:.0f}", "µs")
    assert sum(times) / len(times) <= 1e-3
    assert times[len(times) * 99 // 100] <= 1e-3


def test_every_status_is_accepted(axioms: Axioms, checker: Checker, knowledge: Program) -> None:
    draw = random.Random(5)
    seen: Counter[str] = Counter()
    for prover in provers(axioms, sample(12)):
        for name in draw.sample(sorted(knowledge.classes), 60):
            proof = plain(prover.status(name))
            checker.check(proof)
            seen[proof["conclusion"]["is"]] += 1
    assert min(seen["entailed"], seen["refuted"], seen["open"]) >= 20, seen


def test_reasons_are_proven_one_by_one(axioms: Axioms, checker: Checker) -> None:
    several = 0
    for prover in provers(axioms, sample(6)):
        for proof in prover.listed():
            reasons, complete = prover.reasons(proof, bound=8)
            assert reasons
            for each in reasons:
                checker.check(plain(each))
            several += len(reasons) > 1
            assert complete or len(reasons) == 8 or proof.conclusion.standing == "possible" or proof.models
    assert several >= 3


def test_case_splits_are_proven(axioms: Axioms, checker: Checker) -> None:
    paths = [path for path in CASES if path.parent.name == "critical-electrolytes-above-high"]
    found = [plain(proof) for prover in provers(axioms, paths) for proof in prover.listed()]
    split = [proof for proof in found if any(step["rule"] == "split" for step in proof["steps"])]
    assert split
    for proof in split:
        checker.check(proof)
        for step in proof["steps"]:
            if step["rule"] == "split":
                broken = copy.deepcopy(proof)
                own = next(each for each in broken["steps"] if each == step)
                own["assumes"] = [own["assumes"][0], own["assumes"][0]]
                assert not accepts(checker, broken)


# --- mutants ----------------------------------------------------------------------------------------------------------


class Mutants:
    """Changes one thing of a proof that makes it wrong; the kinds are those that a checker must not miss."""

    def __init__(self, proofs: list[Found], seed: int) -> None:
        self.draw = random.Random(seed)
        steps = [step for proof in proofs for step in proof["steps"]]
        self.terms = sorted({step["statement"][2] for step in steps if step["statement"][0] == "some"})
        self.roles = sorted({step["statement"][1] for step in steps if step["statement"][0] == "some"})
        self.names = sorted({step["statement"][1] for step in steps if step["statement"][0] == "class"})
        self.indicators = sorted({step["statement"][1] for step in steps if step["statement"][0] == "band"})
        self.cited = sorted({each["iri"] for proof in proofs for each in proof["cited"] if each["kind"] == "recommendation"})
        self.kinds: dict[str, Callable[[Found], None]] = {
            "premise dropped": self.drop_premise,
            "fact dropped": self.drop_fact,
            "step dropped": self.drop_step,
            "rule swapped": self.swap_rule,
            "wrong binding": self.bind_wrongly,
            "polarity flipped": self.flip,
            "threshold changed": self.change_threshold,
            "sentence changed": self.change_sentence,
            "axiom changed": self.change_axiom,
            "conclusion changed": self.change_conclusion,
        }

    def make(self, proof: Found, kind: str) -> Found | None:
        """Return a mutant of a kind, or None when the proof has nothing of the kind."""
        changed = copy.deepcopy(proof)
        try:
            self.kinds[kind](changed)
        except IndexError:
            return None
        return None if changed == proof else changed

    def other(self, pool: list[str], than: str) -> str:
        return self.draw.choice([each for each in pool if each != than])

    def drop_premise(self, proof: Found) -> None:
        step = self.draw.choice([each for each in proof["steps"] if each["from"]])
        step["from"].pop(self.draw.randrange(len(step["from"])))

    def drop_fact(self, proof: Found) -> None:
        place = self.draw.choice([step["premise"] for step in proof["steps"] if "premise" in step])
        proof["premises"].pop(place)
        for step in proof["steps"]:
            if step.get("premise", 0) > place:
                step["premise"] -= 1

    def drop_step(self, proof: Found) -> None:
        place = self.draw.choice(range(len(proof["steps"])))
        proof["steps"].pop(place)
        for each in (proof, *proof["steps"]):
            for key in ("from", "assumes"):
                if key in each:
                    each[key] = [index - (index > place) for index in each[key] if index != place]

    def swap_rule(self, proof: Found) -> None:
        step = self.draw.choice(proof["steps"])
        step["rule"] = self.other(list(RULES), step["rule"])

    def bind_wrongly(self, proof: Found) -> None:
        statement = self.draw.choice([*proof["steps"], *(proof["premises"] if not proof["models"] else [])])["statement"]
        if statement[0] == "some":
            place = self.draw.choice((1, 2))
            statement[place] = self.other(self.roles if place == 1 else self.terms, statement[place])
        else:
            statement[1] = self.other(self.indicators if statement[0] == "band" else self.names, statement[1])

    def flip(self, proof: Found) -> None:
        step = self.draw.choice([*proof["steps"], *(proof["premises"] if not proof["models"] else [])])
        step["holds"] = not step["holds"]

    def change_threshold(self, proof: Found) -> None:
        bands = [step["statement"] for step in proof["steps"] if step["statement"][0] == "band" and step["rule"] != "fact"]
        bands += [step["statement"] for step in proof["steps"] if step["statement"][0] == "band" and step["rule"] == "fact"]
        chosen = self.draw.choice(bands)
        old = list(chosen)
        place = self.draw.choice([index for index in (2, 4) if chosen[index] is not None])
        new = [*old[:place], f"{float(old[place]) + self.draw.choice((-1, 0.01, 0.5, 7)):g}", *old[place + 1 :]]
        if self.draw.random() < 0.3:
            new = [*old[: place + 1], not old[place + 1], *old[place + 2 :]]
        for step in proof["steps"]:
            if step["statement"] == old:
                step["statement"] = new

    def change_sentence(self, proof: Found) -> None:
        sentence = self.draw.choice([each for each in proof["cited"] if each["kind"] == "sentence"])
        way = self.draw.randrange(3)
        if way == 0:
            place = self.draw.randrange(64)
            digit = self.other(list("0123456789abcdef"), sentence["digest"][place])
            sentence["digest"] = sentence["digest"][:place] + digit + sentence["digest"][place + 1 :]
        elif way == 1:
            proof["cited"].remove(sentence)
        else:
            sentence["iri"] += "0"

    def change_axiom(self, proof: Found) -> None:
        axiom = self.draw.choice([each for each in proof["cited"] if each["kind"] != "sentence"])
        if self.draw.random() < 0.5:
            axiom["digest"] = axiom["digest"][::-1]
        else:
            proof["cited"].remove(axiom)

    def change_conclusion(self, proof: Found) -> None:
        said = proof["conclusion"]
        way = self.draw.choice(("about", "is", *(("fewer",) if said.get("presumes") else ())))
        if way == "about":
            said["about"] = self.other(self.cited, said["about"])
        elif way == "fewer":
            said["presumes"].pop(self.draw.randrange(len(said["presumes"])))
        else:
            said["is"] = self.other(["certain", "presumed", "ruled-out", "confirmed", "excluded", "entailed", "refuted"], said["is"])


def mutants(proofs: list[Found], each_kind: int, seed: int = 3) -> dict[str, list[Found]]:
    """Return so many mutants of every kind."""
    make = Mutants(proofs, seed)
    found: dict[str, list[Found]] = {}
    for kind in make.kinds:
        own: list[Found] = []
        while len(own) < each_kind:
            changed = make.make(make.draw.choice(proofs), kind)
            own += [changed] if changed is not None else []
        found[kind] = own
    return found


def assert_rejected(checker: Checker, proofs: list[Found], each_kind: int) -> dict[str, str]:
    """Return how many mutants of each kind were made and rejected."""
    accepted: dict[str, list[Found]] = {}
    rejected = {}
    for kind, changed in mutants(proofs, each_kind).items():
        accepted[kind] = [each for each in changed if accepts(checker, each)]
        rejected[kind] = f"{len(changed) - len(accepted[kind]):,} of {len(changed):,}"
    assert {kind: len(each) for kind, each in accepted.items() if each} == {}
    return rejected


def test_mutants_are_rejected(proofs: list[Found], checker: Checker) -> None:
    assert_rejected(checker, proofs, 150)


@pytest.mark.release
def test_ten_thousand_mutants_are_rejected(axioms: Axioms, checker: Checker, figure: Callable[..., None]) -> None:
    found = [plain(proof) for prover in provers(axioms, CASES) for proof in prover.listed()]
    for kind, count in assert_rejected(checker, found, 1500).items():
        figure(f"mutants of proofs rejected, {kind}", count)


def test_without_its_rules_the_checker_lets_mutants_through(proofs: list[Found], root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blind = Checker(root)
    monkeypatch.setattr(blind, "_rules", dict.fromkeys(RULES, lambda step, claim, sources: True))
    monkeypatch.setattr(blind, "_split", lambda *_: True)
    through = {kind: sum(accepts(blind, each) for each in changed) for kind, changed in mutants(proofs, 60).items()}
    assert through["threshold changed"] >= 10, through
    assert through["wrong binding"] >= 3, through


CHECKING = {"reasoner.errors", "reasoner.namespaces", "reasoner.proof_checker", "reasoner.proof_ontology"}
SOLVERS = {"dd", "jpype", "owlready2", "pysat", "rdflib"}


def imported(root: Path, module: str) -> set[str]:
    """Return what a module names in its imports, at its top and within its functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse((root / f"{module.replace('.', '/')}.py").read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            found.add(str(node.module))
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def test_checker_shares_no_code_with_the_reasoner(root: Path) -> None:
    reached, stack = set(), ["reasoner.proof_checker"]
    while stack:
        module = stack.pop()
        if module not in reached:
            reached.add(module)
            names = imported(root, module)
            assert not SOLVERS & {name.partition(".")[0] for name in names}
            stack += [name for name in names if name.partition(".")[0] == "reasoner"]
    assert reached == CHECKING


# --- what rests on a sentence -----------------------------------------------------------------------------------------


def test_changed_sentence_names_what_rests_on_it(proofs: list[Found], root: Path, tmp_path: Path, figure: Callable[..., None]) -> None:
    shutil.copytree(root / "ontology", tmp_path / "ontology")
    resting = Counter(each["iri"] for proof in proofs for each in proof["cited"] if each["kind"] == "sentence")
    for iri in sorted(resting, key=lambda each: (abs(resting[each] - len(proofs) // 4), each))[:2]:
        local = f"lcg:{iri.rpartition('/')[2]}\n"
        path = next(path for path in (tmp_path / "ontology" / "guidelines").glob("*.ttl") if f"\n{local}" in path.read_text("utf-8"))
        text = path.read_text("utf-8")
        start = text.index('lc:textDigest "', text.index(f"\n{local}")) + len('lc:textDigest "')
        path.write_text(text[:start] + ("1" if text[start] == "0" else "0") + text[start + 1 :], "utf-8")
        changed = Checker(tmp_path)
        refused, codes = [], set()
        for place, proof in enumerate(proofs):
            try:
                changed.check(proof)
            except ProofError as error:
                refused.append(place)
                codes.add(error.code)
                assert iri in str(error)
        path.write_text(text, "utf-8")
        assert refused == [place for place, proof in enumerate(proofs) if iri in [each["iri"] for each in proof["cited"]]]
        assert 0 < len(refused) < len(proofs)
        assert codes == {"LC-1540"}
        figure(f"conclusions named by one changed sentence, {iri.rpartition('_')[2].upper()}", f"{len(refused):,} of {len(proofs):,}")


def test_sentence_names_the_conclusions_that_rest_on_it(axioms: Axioms, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = next(path for path in CASES if path.parent.name == "bilateral-cramps-stable")
    (prover,) = provers(axioms, [path])
    iri = "https://w3id.org/legcramps/guideline/_Sentence_s06"
    resting = [plain(proof)["conclusion"] for proof in prover.listed() if iri in [each["iri"] for each in plain(proof)["cited"]]]
    assert 0 < len(resting) < len(prover.listed())
    assert main(["--knowledge", str(root), "explain", str(path), "S6", "--json"]) == 0
    assert [proof["conclusion"] for proof in json.loads(capsys.readouterr().out)["proofs"]] == resting
    assert main(["--knowledge", str(root), "explain", str(path), "S5"]) == 0
    assert "0 conclusions rest on S5" in capsys.readouterr().err


# --- forms ------------------------------------------------------------------------------------------------------------


def test_premises_must_be_on_record(axioms: Axioms, checker: Checker) -> None:
    (prover,) = provers(axioms, CASES[:1])
    known = [each.to_json() for each in prover.given()]
    found = [plain(proof) for proof in prover.listed() if proof.facts()]
    for proof in found:
        checker.check(proof, known)
        proof["premises"][0]["records"] = ["https://example.org/other"]
        checker.check(proof)
        with pytest.raises(ProofError, match="not on record"):
            checker.check(proof, known)


def test_json_round_trip(proofs: list[Found]) -> None:
    for proof in proofs:
        assert plain(Proof.from_json(proof)) == proof


def test_text_turtle_and_dot(axioms: Axioms) -> None:
    for prover in provers(axioms, sample(4)):
        words = Words(axioms, prover.view)
        for proof in prover.listed():
            assert words.tree(proof).splitlines()[0] == words.heading(proof)
            quads = list(pyoxigraph.parse(words.turtle([proof]), format=pyoxigraph.RdfFormat.TURTLE))
            derived = [quad for quad in quads if quad.predicate.value.endswith("prov#wasDerivedFrom")]
            assert len(derived) >= len(proof.premises)
            assert_dot(words.dot([proof]), len(proof.steps()))


def assert_dot(text: str, steps: int) -> None:
    """Assert that every line is a statement of the DOT language and every edge joins declared nodes."""
    string = r'"(?:[^"\\]|\\.)*"'
    attributes = rf"\[(?:\w+=(?:{string}|\w+)(?:, )?)+\]"
    first, *lines, last = text.strip().splitlines()
    assert (first, last) == ("digraph proof {", "}")
    nodes, ends = set(), set()
    for line in lines[2:]:
        if match := re.fullmatch(rf"  (\w+) -> (\w+)(?: {attributes})?;", line):
            ends |= set(match.groups())
        else:
            match = re.fullmatch(rf"  (\w+) {attributes};", line)
            assert match, line
            nodes.add(match.group(1))
    assert ends <= nodes
    assert len([node for node in nodes if "s" in node]) == steps


def test_open_class_is_shown_by_two_cases(axioms: Axioms, checker: Checker, knowledge: Program) -> None:
    (prover,) = provers(axioms, CASES[:1])
    name = next(name for name in sorted(knowledge.classes) if prover.view.statuses.status(name) == OPEN)
    proof = plain(prover.status(name))
    checker.check(proof)
    proof["models"].reverse()
    assert not accepts(checker, proof)


@pytest.mark.release
def test_proofs_cost_little(axioms: Axioms, figure: Callable[..., None]) -> None:
    """All conclusions with one proof each take at most three times as long as the answers alone."""
    found = provers(axioms, CASES)
    alone = with_proofs = 9e9
    for _ in range(7):
        start = time.process_time()
        for prover in found:
            answer_case(prover.answer.state.case, axioms.program, prover.answer.as_of)
        alone = min(alone, time.process_time() - start)
        start = time.process_time()
        for prover in found:
            Prover(axioms, View(axioms.program, prover.answer.state, prover.answer.statuses), prover.answer).listed()
        with_proofs = min(with_proofs, time.process_time() - start)
    figure("all verdicts of one case", alone / len(found) * 1e6, "µs")
    figure("all verdicts with one proof each, against verdicts alone", (alone + with_proofs) / alone, "times")
    assert alone + with_proofs <= 3 * alone
