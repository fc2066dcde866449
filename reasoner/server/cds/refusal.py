"""Say why a call is refused, as an HTTP status with an OperationOutcome."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reasoner.errors import InputError
from reasoner.export.fhir_json import Element, full

__all__ = ["Issue", "Refusal"]


@dataclass(frozen=True, slots=True)
class Issue:
    """One fault: the element it is about, what is wrong, and how to mend it."""

    element: str
    text: str
    repair: str = ""
    code: str = "invalid"


class Refusal(InputError):
    """A call that is not answered; `status` is that of HTTP."""

    def __init__(self, status: int, issues: Iterable[Issue]) -> None:
        self.status = status
        self.issues = tuple(issues)
        first = self.issues[0]
        super().__init__("The call is refused", where=first.element, why=first.text, repair=first.repair)

    def to_json(self) -> Element:
        """Return the OperationOutcome."""
        issues = [
            full(
                severity="error",
                code=each.code,
                details={"text": each.text},
                diagnostics=each.repair,
                expression=[each.element] if each.element else [],
            )
            for each in self.issues
        ]
        return {"resourceType": "OperationOutcome", "issue": issues}
