"""Run what the knowledge is expected to answer: vignettes with their reports.

A vignette is a folder: `record.ttl` holds one case (tests/cases) or a table of many small ones (tests/matrix), `expected.json` what
the report must say of it, or under `cases` of each. Beside the keys of the report an expectation may have `classes`: the case classes that are `entailed`,
`refuted` and `open`, as the inferred graph states them. Problems and conflicts of the data that an expectation does not speak of
are slips of the record. They are files of a checkout; an installed package has none of them.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from reasoner.abstraction import Conflict, abstract_case
from reasoner.answering import answer_case, load_records
from reasoner.authoring.results import CheckFinding, NotRun, Severity
from reasoner.authoring.workspace import Workspace
from reasoner.entailment import ENTAILED, OPEN, REFUTED, entail
from reasoner.errors import KnowledgeError, LegcrampsError
from reasoner.namespaces import expand
from reasoner.program.model import Program
from reasoner.record import Case, Problem
from reasoner.report import case_document
from reasoner.resources import load_knowledge

__all__ = [
    "Expectation",
    "check_vignettes",
    "classes_expected",
    "expects_classes_alone",
    "observe",
    "read_expectations",
    "unstated_faults",
    "vignette_folders",
]

_SHOWN = 3
_OFTEN_MEANT = "unusable-value"
"""The problem of a well-formed value that lacks what one of its readings needs: no slip, so it may stay unsaid."""
Expectation = Mapping[str, object]
Compare = Callable[[Expectation, Mapping[str, object]], list[str]]


def check_vignettes(workspace: Workspace) -> Iterator[CheckFinding]:
    """Yield vignettes whose report is not as expected; raise NotRun without tests/cases."""
    cases = workspace.folder / "tests" / "cases"
    script = workspace.folder / "tests" / "compare.py"
    if not cases.is_dir() or not script.is_file():
        raise NotRun("tests/cases is not here")
    try:
        program = load_knowledge(workspace.folder)
    except LegcrampsError as error:
        raise NotRun("the program does not compile") from error
    differences = _load_compare(script)
    for directory in vignette_folders(cases.parent):
        yield from _vignette(directory, directory.relative_to(workspace.folder).as_posix(), program, differences)


def vignette_folders(tests: Path) -> list[Path]:
    """Return the folders of all vignettes, those of one patient and the tables of many."""
    found = [*(tests / "cases").glob("*/*"), *(tests / "matrix").glob("*")]
    return sorted(path for path in found if path.is_dir())


def _load_compare(script: Path) -> Compare:
    """Return the comparison that the tests use."""
    found = importlib.util.spec_from_file_location("legcramps_compare", script)
    if found is None or found.loader is None:
        raise KnowledgeError("The comparison of vignettes cannot be loaded", where="tests/compare.py")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    compare: Compare = module.differences
    return compare


def read_expectations(folder: Path) -> tuple[Expectation, ...]:
    """Return what is expected of each case of a vignette; raise OSError or ValueError when it cannot be read."""
    found: dict[str, Any] = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    return tuple(found["cases"]) if "cases" in found else (found,)


def expects_classes_alone(expected: Expectation) -> bool:
    """Return whether nothing of the report is expected."""
    return not expected.keys() - {"about", "case", "classes"}


def classes_expected(expected: Expectation) -> frozenset[str]:
    """Return the case classes whose status is expected."""
    wanted = expected.get("classes", {})
    return frozenset(expand(name) for listed in wanted.values() for name in listed) if isinstance(wanted, Mapping) else frozenset()


def _keys(expected: Expectation) -> frozenset[str]:
    """Return the keys of the report that an expectation speaks of."""
    absent = expected.get("absent", {})
    return frozenset(key.removesuffix("Contains") for key in (*expected, *(absent if isinstance(absent, Mapping) else ())))


def observe(case: Case, program: Program, expected: Expectation) -> dict[str, Any]:
    """Return what the knowledge says of one case, as far as it is expected: the report, and the classes named by status.

    Raise KnowledgeError for a case that states no instant.
    """
    if case.as_of is None:
        raise KnowledgeError("A vignette states no instant", where=case.iri, repair="add lc:asOf to the case")
    document: dict[str, Any] = {"case": case.iri}
    if expects_classes_alone(expected):
        statuses = entail(program, abstract_case(case, program, case.as_of))
    else:
        answer = answer_case(case, program, case.as_of)
        document, statuses = case_document(program, answer, _keys(expected)), answer.statuses
    names = sorted(classes_expected(expected) & program.classes.keys())
    if names:
        found = {name: statuses.status(name) for name in names}
        document["classes"] = {word: [name for name in names if found[name] == word] for word in (ENTAILED, REFUTED, OPEN)}
    return document


def unstated_faults(case: Case, program: Program, expected: Expectation) -> tuple[Problem | Conflict, ...]:
    """Return the problems and conflicts in the data of a case whose key the expectation does not have."""
    if case.as_of is None:
        return ()
    state = abstract_case(case, program, case.as_of)
    problems = [each for each in state.problems if each.code != _OFTEN_MEANT]
    stated = _keys(expected)
    return (*(problems if "dataProblems" not in stated else ()), *(state.conflicts if "conflicts" not in stated else ()))


def _vignette(directory: Path, name: str, program: Program, differences: Compare) -> Iterator[CheckFinding]:
    try:
        expectations = read_expectations(directory)
        records = load_records([directory / "record.ttl"], program)
        cases = {case.iri: case for case in records.cases}
        found = [(expected, observe(cases[str(expected["case"])], program, expected)) for expected in expectations]
    except (OSError, ValueError, KeyError, LegcrampsError) as error:
        yield _finding(f"The vignette {name} cannot be answered", f"{name}/record.ttl", str(error), "mend record.ttl or expected.json")
        return
    faults: list[Problem | Conflict] = list(records.problems)
    for expected, document in found:
        lines = differences(expected, document)
        if lines:
            rest = f"; and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
            why = "; ".join(lines[:_SHOWN]) + rest
            about = name if len(found) == 1 else f"{name}, case {document['case'].rpartition('/')[2]},"
            repair = "mend the knowledge, or the expectation with its reason"
            yield _finding(f"The report on {about} is not as expected", f"{name}/expected.json:1", why, repair)
        faults += unstated_faults(cases[document["case"]], program, expected)
    if faults:
        more = f"; and {len(faults) - 1} more" if len(faults) > 1 else ""
        repair = f"{faults[0].repair.rstrip('.')}; or, where it is meant, state it in expected.json under dataProblems or conflicts"
        yield _finding(f"The record of {name} has data problems that are not expected", f"{name}/record.ttl", faults[0].text + more, repair)


def _finding(what: str, where: str, why: str, repair: str) -> CheckFinding:
    return CheckFinding("vignettes", Severity.VIOLATION, what, where, why, repair, "LC-2110")
