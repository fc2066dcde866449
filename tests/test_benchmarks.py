"""The benchmark: ratios are judged as asked, reports name no place, and its knowledge folders differ in one factor alone."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from benchmarks.knowledge import with_density, with_more_classes
from benchmarks.machine import describe_machine
from benchmarks.report import Results, markdown, to_json
from benchmarks.single import patients
from benchmarks.timing import Measurement, Ratio, alternating, in_turns, merged, process, quotient
from reasoner.answering import read_records
from reasoner.cohort.synthetic.settings import read_settings
from reasoner.documents import Document
from reasoner.knowledge import read_graph
from reasoner.program.model import Program
from reasoner.terms import lc

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize(
    ("value", "above", "met"),
    [
        (4.0, False, "no"),
        (3.0, False, "yes"),
        (1.0, False, "yes, and the aim"),
        (1.0, True, "no"),
        (3.0, True, "yes"),
        (5.0, True, "yes, and the aim"),
    ],
)
def test_a_bound_is_kept_or_not(value: float, above: bool, met: str) -> None:
    assert Ratio("x", value, 3.0, 5.0 if above else 1.0, above).met == met
    assert Ratio("x", value).met == ""


def test_quotients_are_taken_turn_by_turn_or_per_case() -> None:
    first, second = Measurement("g", "a", 2, (4.0, 9.0, 1.0)), Measurement("g", "b", 2, (2.0, 3.0, 1.0))
    assert quotient(first, second) == 2.0
    assert quotient(first, Measurement("g", "c", 4, (4.0,))) == 2.0


def test_the_first_turn_does_not_count() -> None:
    calls: list[str] = []
    found = in_turns("g", {"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, 2)
    assert calls == ["a", "b"] * 3
    assert [(each.task, len(each.seconds)) for each in found] == [("a", 2), ("b", 2)]


def test_short_tasks_alternate_and_their_first_calls_do_not_count() -> None:
    calls: list[str] = []
    found = alternating("g", {"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, 2, 3)
    assert calls == ["a", "b"] * 4 * 2
    assert [(each.task, len(each.seconds)) for each in found] == [("a", 2), ("b", 2)]


def test_each_generated_patient_is_a_document_of_its_own(knowledge: Program) -> None:
    texts = patients(ROOT, 12)
    cases = [case.iri for place, text in enumerate(texts) for case in read_records(Document(str(place), text, "turtle"), knowledge).cases]
    assert len(texts) == len(set(cases)) == 12


def test_a_process_that_fails_is_no_measurement(tmp_path: Path) -> None:
    assert process("g", "true", ["true"], cwd=tmp_path, watched=False).memory_mib is None
    with pytest.raises(RuntimeError, match="exit 2"):
        process("g", "false", ["sh", "-c", "exit 2"], cwd=tmp_path)


def test_runs_of_a_task_become_one(tmp_path: Path) -> None:
    runs = [process("g", "spin", [sys.executable, "-c", "sum(range(10**6))"], cases=3, cwd=tmp_path) for _ in range(2)]
    whole = merged(runs)
    assert (whole.cases, whole.seconds) == (3, (runs[0].seconds[0], runs[1].seconds[0]))
    assert whole.processor is not None and 0.001 < whole.processor < 60


def test_reports_hold_every_run_and_no_place() -> None:
    measurement = Measurement("group", "task", 1000, (0.5, 0.25, 0.75), 12.0, "a note")
    results = Results(describe_machine(ROOT), (measurement,), (Ratio("one ÷ other", 0.5, 1.0, 0.25),), ("Spark: no Java",), 3.0)
    document = json.loads(to_json(results))
    assert document["measurements"][0]["seconds"] == [0.5, 0.25, 0.75]
    assert document["ratios"][0]["met"] == "yes"
    text = markdown(results)
    assert "| group | task | 1,000 | 500 ms | 500 µs | 250 ms – 750 ms | 3 |  | 12 | a note |" in text
    assert "| one ÷ other | 0.5 | ≤ 1 | ≤ 0.25 | yes |" in text
    assert "Not run: Spark: no Java" in text
    assert str(ROOT) not in text + to_json(results)


def test_knowledge_differs_in_one_factor(tmp_path: Path) -> None:
    plain, dense = (read_settings(with_density(ROOT, tmp_path / str(factor), factor)) for factor in (1, 4))
    assert plain == read_settings(ROOT)
    changed = {name for name, figure in plain.figures.items() if dense.figures[name] != figure}
    assert changed == {"other_findings", "tests", "drugs", "diagnoses", "repeated"}
    folder, classes = with_more_classes(ROOT, tmp_path / "classes", 2)
    graph = read_graph([folder / "ontology" / "medications.ttl"])
    added = [name for name in graph.subjects("http://www.w3.org/2000/01/rdf-schema#subClassOf", lc("Drug")) if "Synthetic" in name]
    assert len(added) * 4 == pytest.approx(classes, rel=0.01)
