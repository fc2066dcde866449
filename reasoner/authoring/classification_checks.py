"""Ask HermiT whether the ontology is consistent and every class can have a member, and say which axioms are to blame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reasoner.authoring.blame import blame
from reasoner.authoring.classify import TYPES, classify_ontology
from reasoner.authoring.results import CheckFinding, NotRun, Related, Severity
from reasoner.authoring.workspace import Workspace
from reasoner.errors import MissingExtraError
from reasoner.namespaces import OWL, curie

__all__ = ["check_classification"]

_CLASSIFY_SECONDS = 60.0
_BLAME_SECONDS = 20.0


def check_classification(workspace: Workspace) -> Iterator[CheckFinding]:
    """Yield classes that can have no member, or that the whole ontology is inconsistent; raise NotRun without HermiT."""
    try:
        result = classify_ontology(workspace.folder / "ontology", seconds=_CLASSIFY_SECONDS)
    except MissingExtraError as error:
        raise NotRun("extra dl is not installed", lacking=True) from error
    empty = (result.contradiction,) if result.contradiction else result.unsatisfiable
    if empty:
        yield from _findings(workspace, empty)


def _findings(workspace: Workspace, empty: Iterable[str]) -> Iterator[CheckFinding]:
    """Yield one finding per class, with the axioms to blame as far as the time allowed."""
    blamed = {each.empty: each for each in blame(workspace, empty, _BLAME_SECONDS)}
    for name in empty:
        found = blamed.get(name)
        if found is None:
            yield _finding(
                workspace, name, "HermiT derives it; the axioms to blame were not found in time", "mend the others first, and check again"
            )
            continue
        causes = [each for each in blamed.values() if each is not found and set(each.axioms) < set(found.axioms)]
        count = f"these {len(found.axioms)} axioms" if len(found.axioms) > 1 else "this axiom"
        why = f"HermiT derives it from {count}" + ("" if found.minimal else ", some of which may be spared: time ran out")
        if causes:
            why = f"it follows from {', '.join(curie(each.empty) for each in causes)}: {why}"
        repair = "mend or withdraw one of them" if len(found.axioms) > 1 else "mend or withdraw it"
        yield _finding(workspace, name, why, repair, found.axioms)


def _finding(workspace: Workspace, name: str, why: str, repair: str, related: tuple[Related, ...] = ()) -> CheckFinding:
    """Return the finding about one class: of an individual's types or of everything, it makes the ontology inconsistent."""
    if name == OWL + "Thing":
        what, where, code = "The ontology is inconsistent", "ontology/", "LC-2070"
    elif name.startswith(TYPES):
        term = name.removeprefix(TYPES)
        what, where, code = f"The ontology is inconsistent: {curie(term)} cannot exist", workspace.place(term), "LC-2070"
    else:
        what, where, code = f"{curie(name)} can have no member", workspace.place(name, "owl:equivalentClass"), "LC-2071"
    return CheckFinding("classification", Severity.VIOLATION, what, where, why, repair, code, related)
