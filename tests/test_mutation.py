"""The vignettes notice when the knowledge changes: mutants of definitions, hierarchy and guidelines are killed."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from compare import differences
from conftest import Figure

from reasoner import load_records
from reasoner.authoring.example_checks import read_expectations, vignette_folders
from reasoner.authoring.mutants import Mutant, mutants_of, sample
from reasoner.authoring.mutation import Trial, Vignette
from reasoner.authoring.workspace import read_workspace
from reasoner.program import Program
from reasoner.terms import lc

CASES = Path(__file__).parent / "cases"
RELEASE_MUTANTS = 600
RELEASE_SEED = 2026
SAMPLE_MUTANTS = 12
FLOOR = 0.95
"""The share of mutants to be killed among those that are not proved equivalent."""


@pytest.fixture(scope="module")
def trial(root: Path, knowledge: Program) -> Trial:
    vignettes = [
        Vignette(
            directory.relative_to(CASES.parent).as_posix(),
            load_records([directory / "record.ttl"], knowledge),
            read_expectations(directory),
        )
        for directory in vignette_folders(CASES.parent)
    ]
    return Trial(read_workspace(root), knowledge, vignettes, differences)


@pytest.fixture(scope="module")
def mutants(trial: Trial) -> list[Mutant]:
    """Return the mutants of the very graph that is tried: another reading names its blank nodes otherwise."""
    return mutants_of(trial.graph)


def test_every_kind_is_made(mutants: list[Mutant]) -> None:
    kinds = {mutant.kind for mutant in mutants}
    assert kinds >= {
        "threshold",
        "operator",
        "connective",
        "part",
        "complement",
        "filler",
        "hierarchy",
        "inclusion",
        "hasExclusion",
        "overrides",
    }
    assert len({mutant.name for mutant in mutants}) > 0.95 * len(mutants)


def test_edits_change_a_copy(trial: Trial, mutants: list[Mutant]) -> None:
    graph = trial.graph
    before = {subject: {predicate: list(nodes) for predicate, nodes in said.items()} for subject, said in graph.out.items()}
    for mutant in sample(mutants, 26, 1):
        changed = mutant.apply(graph)
        for edit in mutant.edits:
            assert tuple(changed.nodes(edit.subject, edit.predicate)) == edit.nodes
        assert any(graph.nodes(edit.subject, edit.predicate) != list(edit.nodes) for edit in mutant.edits)
    assert graph.out == before


def test_unchanged_knowledge_is_no_kill(trial: Trial) -> None:
    assert trial.killer(Mutant("none", lc("Case"), "nothing", ())) == ""


def test_threshold_of_the_ankle_brachial_index_is_watched(trial: Trial, mutants: list[Mutant]) -> None:
    watched = [mutant for mutant in mutants if mutant.kind in ("threshold", "operator") and "ankleBrachialIndex" in mutant.text]
    found = {mutant.name: trial.killer(mutant) for mutant in watched[:6]}
    assert all(found.values()), found


def test_sample_of_mutants(trial: Trial, mutants: list[Mutant]) -> None:
    """At most one of a small seeded sample survives."""
    outcome = trial.run(sample(mutants, SAMPLE_MUTANTS, 3))
    assert len(outcome.survived) <= 1, [mutant.name for mutant in outcome.survived]
    assert len(outcome.killed) >= SAMPLE_MUTANTS // 2


def test_equivalence_is_proved_not_presumed(trial: Trial, mutants: list[Mutant]) -> None:
    """A threshold moved beside its vignette is no equivalent; an explicit trigger that repeats the inclusion is one."""
    named = {mutant.name: mutant for mutant in mutants}
    moved = next(mutant for name, mutant in named.items() if name.startswith("threshold lc:CriticalLowPotassium"))
    repeated = named["hasTrigger lcg:_RedFlag_acidosis: without lc:MarkedAcidosisPresent"]
    assert trial.equivalence(moved) == ""
    assert trial.equivalence(repeated) == "it compiles to the same program"


@pytest.mark.release
def test_mutation_score(trial: Trial, mutants: list[Mutant], figure: Figure, capsys: pytest.CaptureFixture[str]) -> None:
    started = time.perf_counter()
    tried = sample(mutants, RELEASE_MUTANTS, RELEASE_SEED)
    outcome = trial.run(tried)
    total = len(outcome.killed) + len(outcome.survived)
    figure("mutants of the knowledge", len(mutants))
    figure("mutants tried, every kind by its share", len(tried))
    figure("mutants killed, equivalent ones left out", f"{len(outcome.killed)} of {total} ({outcome.score:.1%})")
    figure("mutants proved equivalent", len(outcome.equivalent))
    figure("time of the mutation trial", (time.perf_counter() - started) / 60, "min")
    with capsys.disabled():
        print(f"\nof {len(mutants)} mutants, {len(tried)} tried: {outcome.summary()}")
        print("\n".join(f"  survived: {mutant.name}" for mutant in outcome.survived))
        print("\n".join(f"  equivalent: {mutant.name}: {reason}" for mutant, reason in outcome.equivalent.items()))
    assert outcome.score >= FLOOR
