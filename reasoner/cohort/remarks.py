"""Say what shapes and reading remark on an odd record, once for each combination of odd statements, by the definition.

A record that breaks a shape or names nothing of the ontology is left out; one that only calls for a remark stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pyoxigraph import NamedNode

from reasoner.abstraction import abstract_case
from reasoner.answering import is_refusal, shape_problem
from reasoner.cohort.lexicon import KINDS, Lexicon
from reasoner.moments import Moment
from reasoner.namespaces import RDF
from reasoner.program.model import Program
from reasoner.reading import read_cases
from reasoner.record import MedicationRecord, Problem
from reasoner.shapes import ShapeViolation, check_shapes
from reasoner.terms import lc

__all__ = ["Remark", "Remarks"]

_CASE, _RECORD = NamedNode("urn:legcramps:case"), NamedNode("urn:legcramps:record")
_TYPE = RDF + "type"
_EPOCH = Moment(0, 0, "")


@dataclass(frozen=True, slots=True, eq=False)
class Remark:
    """What is remarked on a record, or on several: shape results and problems, and whether it is left out for a shape or at all.

    `wordy` is a medication of which only words are on file: as a column it says nothing, and abstraction remarks on it `later`.
    """

    violations: tuple[ShapeViolation, ...]
    problems: tuple[Problem, ...]
    refused: bool
    dropped: bool
    wordy: MedicationRecord | None = None
    later: tuple[Problem, ...] = ()

    def general(self, place: str) -> list[Problem] | None:
        """Return the remarks as problems of any record, but for their sources; nothing where they speak of the record otherwise."""
        return None if any(each.value == _RECORD for each in self.violations) else self.about(_RECORD.value, place)

    def about(self, node: str, place: str) -> list[Problem]:
        """Return the remarks as problems of a record, named by its IRI; those that abstraction makes are left to it."""
        name = NamedNode(node)
        shown = [
            ShapeViolation(
                name, each.path, name if each.value == _RECORD else each.value, each.component, each.severity, each.message, each.shape
            )
            for each in self.violations
        ]
        return [*(replace(each, sources=(node,)) for each in self.problems), *(shape_problem(each, place) for each in shown)]


class Remarks:
    """The remarks made so far."""

    def __init__(self, program: Program, shapes: bool) -> None:
        self._program = program
        self._shapes = shapes
        self._known: dict[Any, Remark] = {}

    def on(self, key: Any, kind: int, stated: Mapping[str, int], lexicon: Lexicon) -> Remark:
        """Return what is remarked on a record of a kind that states terms; `key` names the combination of its odd statements."""
        found = self._known.get(key)
        if found is None:
            terms = {name: [lexicon.terms[name][number]] for name, number in stated.items()}
            found = self._known[key] = self._judge({_TYPE: [NamedNode(KINDS[kind])], **terms})
        return found

    def _judge(self, properties: dict[str, list[Any]]) -> Remark:
        program = self._program
        index: dict[Any, dict[str, list[Any]]] = {_RECORD: properties}
        violations = check_shapes(program.shape_table, index) if self._shapes else ()
        if any(map(is_refusal, violations)):
            return Remark(violations, (), True, True)
        index[_CASE] = {_TYPE: [NamedNode(lc("Case"))], lc("hasRecord"): [_RECORD]}
        [case] = read_cases(index, program)
        records = (*case.findings, *case.tests, *case.medications, *case.diagnoses, *case.closures)
        wordy = [each for each in case.medications if each.drug is None]
        later = abstract_case(case, program, _EPOCH).problems[len(case.problems) :] if wordy else ()
        return Remark(violations, case.problems, False, not records or bool(wordy), next(iter(wordy), None), later)
