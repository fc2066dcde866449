"""Check a knowledge folder from text to meaning: every stage in order, each timed, everything found in one report."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from reasoner.authoring.classification_checks import check_classification
from reasoner.authoring.coverage import check_coverage, check_source
from reasoner.authoring.document_checks import check_documents
from reasoner.authoring.guideline_checks import check_guidelines
from reasoner.authoring.hygiene import check_exemptions, check_hygiene, exempted
from reasoner.authoring.modules import check_modules
from reasoner.authoring.profile_checks import check_profile
from reasoner.authoring.results import CheckFinding, CheckReport, Figure, NotRun, StageResult
from reasoner.authoring.shape_checks import ShapeResult, check_shape_files, check_shape_results, validate_shapes
from reasoner.authoring.text_checks import check_filled, check_form, check_literals
from reasoner.authoring.vocabulary import check_vocabulary
from reasoner.authoring.workspace import Workspace, read_workspace
from reasoner.errors import LegcrampsError, UsageError

__all__ = ["STAGES", "run_check"]


class _Check:
    """The stages over one workspace; what two stages need is worked out once."""

    def __init__(self, workspace: Workspace, *, fast: bool, release: bool, source: Path | None) -> None:
        self.workspace = workspace
        self.fast = fast
        self.release = release
        self.source = source

    @cached_property
    def shape_results(self) -> tuple[ShapeResult, ...]:
        """Return what pySHACL reports of the ontology."""
        return validate_shapes(self.workspace)

    def parse(self) -> Iterator[CheckFinding]:
        """Check that the files are valid Turtle with well-typed literals, and that nothing is left to be filled in."""
        yield from check_literals(self.workspace)
        yield from check_filled(self.workspace)

    def form(self) -> Iterator[CheckFinding]:
        """Check that the files are in canonical form."""
        yield from check_form(self.workspace)

    def world(self) -> Iterator[CheckFinding]:
        """Check that every term used is declared."""
        yield from check_vocabulary(self.workspace)

    def imports(self) -> Iterator[CheckFinding]:
        """Check modules, catalogue and imports."""
        yield from check_modules(self.workspace)

    def hygiene(self) -> Iterator[CheckFinding]:
        """Run the hygiene queries and judge the exemptions."""
        yield from check_hygiene(self.workspace)
        yield from check_exemptions(self.workspace, None if self.fast else self._failing)

    def shapes(self) -> Iterator[CheckFinding]:
        """Validate the ontology against the shapes, and the shapes against SHACL's."""
        self._slow()
        if not self.workspace.shapes:
            raise NotRun("shapes/ is not here")
        yield from check_shape_files(self.workspace)
        yield from check_shape_results(self.workspace, self.shape_results, exempted(self.workspace))

    def profile(self) -> Iterator[CheckFinding]:
        """Check the case profile and compile the program."""
        yield from check_profile(self.workspace)

    def hermit(self) -> Iterator[CheckFinding]:
        """Ask HermiT whether the ontology is consistent and every class can have a member."""
        self._slow()
        yield from check_classification(self.workspace)

    def guidelines(self) -> Iterator[CheckFinding]:
        """Check the guideline rules over all possible cases."""
        yield from check_guidelines(self.workspace)

    def safety(self) -> Iterator[CheckFinding | Figure]:
        """Check safety over all possible cases and states of knowledge."""
        self._slow()
        from reasoner.authoring.safety_checks import check_safety

        yield from check_safety(self.workspace)

    def coverage(self) -> Iterator[CheckFinding]:
        """Check that every sentence of the source text is accounted for."""
        yield from check_coverage(self.workspace)
        if self.source is not None:
            yield from check_source(self.workspace, self.source)

    def competency(self) -> Iterator[CheckFinding]:
        """Run the competency questions."""
        self._slow()
        from reasoner.authoring.competency_checks import check_competency

        yield from check_competency(self.workspace)

    def vignettes(self) -> Iterator[CheckFinding]:
        """Answer the vignettes."""
        self._slow()
        from reasoner.authoring.example_checks import check_vignettes

        yield from check_vignettes(self.workspace)

    def documents(self) -> Iterator[CheckFinding]:
        """Check that what documents name exists."""
        yield from check_documents(self.workspace)

    def release_tests(self) -> Iterator[CheckFinding | Figure]:
        """Run the tests that are marked for a release, and tell what they measured."""
        if not self.release:
            raise NotRun("needs --release")
        from reasoner.authoring.release_checks import run_release_tests

        yield from run_release_tests(self.workspace)

    def _failing(self) -> set[tuple[str, str]]:
        """Return the terms that do not conform to a shape, with the shape."""
        return {(each.term, each.shape) for each in self.shape_results}

    def _slow(self) -> None:
        if self.fast:
            raise NotRun("--fast")


STAGES: dict[str, Callable[[_Check], Iterator[CheckFinding | Figure]]] = {
    "strict-parse": _Check.parse,
    "canonical-form": _Check.form,
    "closed-world": _Check.world,
    "imports": _Check.imports,
    "shapes": _Check.shapes,
    "hygiene": _Check.hygiene,
    "case-profile": _Check.profile,
    "classification": _Check.hermit,
    "guideline-rules": _Check.guidelines,
    "safety-properties": _Check.safety,
    "sentence-coverage": _Check.coverage,
    "competency": _Check.competency,
    "vignettes": _Check.vignettes,
    "documents": _Check.documents,
    "release-tests": _Check.release_tests,
}
"""The stages by name, in the order in which they run."""

_TEXTUAL = ("strict-parse", "canonical-form", "documents", "release-tests")
"""The stages that make sense while a file cannot be parsed."""


def run_check(
    folder: Path,
    *,
    fast: bool = False,
    release: bool = False,
    source: Path | None = None,
    only: Collection[str] = (),
) -> CheckReport:
    """Check a knowledge folder; `only` names the stages to run, `source` is the text that the sentences are read from."""
    unknown = sorted(set(only) - set(STAGES))
    if unknown:
        raise UsageError(f"There is no stage {unknown[0]}", repair=f"use {', '.join(STAGES)}")
    started = time.perf_counter()
    workspace = read_workspace(folder)
    check = _Check(workspace, fast=fast, release=release, source=source)
    reading = time.perf_counter() - started
    results = [_run(name, check) for name in STAGES if not only or name in only]
    if results:
        first = results[0]
        results[0] = replace(first, seconds=first.seconds + reading)
    return CheckReport(tuple(results))


def _run(name: str, check: _Check) -> StageResult:
    """Run one stage; an error of the package is a finding, a stage that cannot run says why."""
    if check.workspace.broken and name not in _TEXTUAL:
        return StageResult(name, 0.0, (), "a file is not valid Turtle")
    started = time.perf_counter()
    findings: list[CheckFinding] = []
    figures: list[Figure] = []
    not_run, lacking = "", False
    try:
        for each in STAGES[name](check):
            if isinstance(each, Figure):
                figures.append(each)
            else:
                findings.append(each)
    except NotRun as reason:
        not_run, lacking = str(reason), reason.lacking
    except LegcrampsError as error:
        findings.append(CheckFinding.of_error(name, error, check.workspace.full_place(error.where)))
    ordered = sorted(dict.fromkeys(findings), key=CheckFinding.order)
    return StageResult(name, time.perf_counter() - started, tuple(ordered), not_run, tuple(figures), lacking)
