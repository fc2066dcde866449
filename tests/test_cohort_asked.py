"""A cohort derives what advice asks for and nothing else; no answer changes by that, nor by classes that nothing asks for."""

from __future__ import annotations

from pathlib import Path

import pytest
from cohorts import Tables, answered, answers

from benchmarks.knowledge import with_more_classes
from reasoner.cohort.asked import Asked
from reasoner.cohort.synthetic.generate import generate
from reasoner.cohort.synthetic.settings import read_settings
from reasoner.program import Program
from reasoner.program.compile import compile_program
from reasoner.terms import Role, lc

ROOT = Path(__file__).parent.parent
NOW = "2026-11-20T09:00:00Z"
CONSTRAINED = """
lc:JustTakes{0} a owl:Class ;
    owl:equivalentClass [ a owl:Restriction ; owl:onProperty lc:takes ; owl:someValuesFrom lc:SyntheticDrug{0} ] ;
    rdfs:subClassOf lc:Case {1} .
"""
CONSTRAINTS = {0: "; owl:disjointWith lc:JustTakes1", 1: "", 2: ", lc:JustTakes3", 3: ""}
KINDS = {10: 0, 11: 1, 12: 2}
ASKED_BY_NOTHING: dict[str, tuple[str, int]] = {
    "two that exclude each other": ("take 0, take 1", 2),
    "kinds of two that exclude each other": ("take 10, take 11", 2),
    "one of two that exclude each other": ("take 0, refuse 1", 0),
    "one that implies another": ("take 2, take 3", 0),
    "one that implies what is not taken": ("take 2, refuse 3", 2),
    "a kind of one that implies what is not taken": ("take 12, refuse 3", 2),
    "one that implies what a closed list lacks": ("take 2, close", 2),
    "one that implies nothing, and a closed list": ("take 0, close", 0),
    "a kind of what is not taken": ("take 10, refuse 0", 2),
    "nothing but a closed list": ("close", 0),
}


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """Return a program with twice the classes, some of which constrain each other; no advice asks for any of these."""
    folder, _ = with_more_classes(ROOT, tmp_path_factory.mktemp("wide") / "knowledge", 2)
    with (folder / "ontology" / "medications.ttl").open("a", encoding="utf-8") as file:
        file.writelines(CONSTRAINED.format(*each) for each in CONSTRAINTS.items())
        file.writelines(f"lc:SyntheticDrug{kind} rdfs:subClassOf lc:SyntheticDrug{wider} .\n" for kind, wider in KINDS.items())
    return compile_program(folder, "wide")


def case(name: str, said: str) -> str:
    """Return a case with records of what is taken, refused or closed, as N-Triples."""
    about, kind = f"<https://example.org/x/{name}>", "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"
    date, day = (f'"{text}"^^<http://www.w3.org/2001/XMLSchema#{form}>' for text, form in ((NOW, "dateTime"), (NOW[:10], "date")))
    lines = [f"{about} {kind} <{lc('Case')}>", f"{about} <{lc('asOf')}> {date}"]
    for number, part in enumerate(said.split(", ")):
        record = f"<https://example.org/x/{name}/{number}>"
        lines.append(f"{about} <{lc('hasRecord')}> {record}")
        word, _, drug = part.partition(" ")
        if word == "close":
            lines += [f"{record} {kind} <{lc('ClosureStatement')}>", f"{record} <{lc('closes')}> <{lc('Drug')}>"]
            lines.append(f"{record} <{lc('recordedOn')}> {day}")
        else:
            status = {"take": "active", "refuse": "not_done"}[word]
            lines += [f"{record} {kind} <{lc('MedicationRecord')}>", f"{record} <{lc('ofDrug')}> <{lc(f'SyntheticDrug{drug}')}>"]
            lines.append(f"{record} <{lc('recordStatus')}> <{lc(f'_RecordStatus_{status}')}>")
    return "".join(f"{line} .\n" for line in lines)


def test_contradictions_among_what_nothing_asks_for_are_found(tmp_path: Path, wide: Program) -> None:
    names = {f"case{number}": said for number, (said, _) in enumerate(ASKED_BY_NOTHING.values())}
    text = "".join(case(name, said) for name, said in names.items())
    (tmp_path / "cases.nt").write_text(text)
    found = answered(tmp_path / "out", [tmp_path / "cases.nt"], wide)
    assert found == answers(text, wide)
    for number, (situation, (_, records)) in enumerate(ASKED_BY_NOTHING.items()):
        conflicts = [row for row in found["problems"].get(f"https://example.org/x/case{number}", []) if row["code"] == "conflict"]
        assert len({source for row in conflicts for source in row["sources"]}) == records, situation


def test_classes_that_nothing_asks_for_change_no_answer(tmp_path: Path, knowledge: Program, wide: Program) -> None:
    path = tmp_path / "drawn.nt"
    generate(knowledge, read_settings(ROOT), path, count=200, seed=11)
    tables: list[Tables] = [answered(tmp_path / str(place), [path], each) for place, each in enumerate((knowledge, wide))]
    assert tables[0] == tables[1]
    assert len(tables[0]["cases"]) == 200


def test_what_is_asked_for_does_not_grow_with_the_ontology(knowledge: Program, wide: Program) -> None:
    narrow, broad = Asked(knowledge), Asked(wide)
    assert len(wide.leaves) > 2 * len(knowledge.leaves)
    assert len(narrow.leaves) > 200
    assert len(broad.leaves) == len(narrow.leaves) + 4  # those that the constraints are stated of
    assert len(broad.gates) == len(narrow.gates) > 200
    assert broad.not_taken - narrow.not_taken == {lc(f"SyntheticDrug{number}") for number in range(4)}
    assert narrow.not_taken == {
        term for term, sort in knowledge.sorts.items() if sort == "Drug" and narrow.effects(Role.TAKES, term, False)
    }
