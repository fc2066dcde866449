"""Run what the knowledge is expected to answer: vignettes with their reports, competency questions with their rows.

Both are files of a checkout; an installed package has none of them.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from reasoner.answering import assess, load_records
from reasoner.authoring.results import CheckFinding, NotRun, Severity
from reasoner.authoring.workspace import Workspace
from reasoner.errors import KnowledgeError, LegcrampsError
from reasoner.program.model import Program
from reasoner.resources import load_knowledge

__all__ = ["check_vignettes"]

_SHOWN = 3
Compare = Callable[[Mapping[str, object], Mapping[str, object]], list[str]]


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
    for directory in sorted(path for path in cases.glob("*/*") if path.is_dir()):
        yield from _vignette(directory, f"tests/cases/{directory.relative_to(cases).as_posix()}", program, differences)


def _load_compare(script: Path) -> Compare:
    """Return the comparison that the tests use."""
    found = importlib.util.spec_from_file_location("legcramps_compare", script)
    if found is None or found.loader is None:
        raise KnowledgeError("The comparison of vignettes cannot be loaded", where="tests/compare.py")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    compare: Compare = module.differences
    return compare


def _vignette(directory: Path, name: str, program: Program, differences: Compare) -> Iterator[CheckFinding]:
    try:
        expected: dict[str, Any] = json.loads((directory / "expected.json").read_text(encoding="utf-8"))
        answer = assess(load_records([directory / "record.ttl"], program), program).to_json()["cases"]
    except (OSError, ValueError, LegcrampsError) as error:
        yield _finding(f"The vignette {name} cannot be answered", f"{name}/record.ttl", str(error), "mend record.ttl or expected.json")
        return
    lines = differences(expected, answer[0]) if answer else ["the report holds no case"]
    if lines:
        rest = f"; and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
        why = "; ".join(lines[:_SHOWN]) + rest
        repair = "mend the knowledge, or the expectation with its reason"
        yield _finding(f"The report on {name} is not as expected", f"{name}/expected.json:1", why, repair)


def _finding(what: str, where: str, why: str, repair: str) -> CheckFinding:
    return CheckFinding("vignettes", Severity.VIOLATION, what, where, why, repair, "LC-2110")
