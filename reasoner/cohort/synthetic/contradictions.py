"""Know which records deny what others state, so that a patient has both no more often than is meant.

A record states its term, everything above it, and the side patterns of these; it denies its term alone, which is enough,
since what it denies further down is stated by no one else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reasoner.cohort.synthetic.drafts import Draft, Variant
from reasoner.program.model import Program

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Contradictions"]

_SAYS_NO = ("not_done", "refuted", "stopped")
_SAYS_NOTHING = ("entered_in_error", "planned", "unconfirmed")


@dataclass(frozen=True, slots=True)
class Contradictions:
    """Per variant the terms that it states, from `first` on in `stated`, and the term that it denies, or -1."""

    first: NDArray[Any]
    stated: NDArray[Any]
    denied: NDArray[Any]
    count: int

    @staticmethod
    def of(program: Program, variants: Sequence[Variant]) -> Contradictions:
        """Prepare the variants of a plan."""
        import numpy

        numbers = {term: number for number, term in enumerate(program.parents)}
        stated = [
            sorted({numbers[term] for term in _stated(program, each)}) if _says(each.drafts, True) and each.subject in numbers else []
            for each in variants
        ]
        denied = [numbers.get(each.subject, -1) if _says(each.drafts, False) else -1 for each in variants]
        return Contradictions(
            numpy.cumsum([0, *map(len, stated)]),
            numpy.array([number for each in stated for number in each], dtype=numpy.int64),
            numpy.array(denied, dtype=numpy.int64),
            len(numbers),
        )

    def among(self, patients: NDArray[Any], variants: NDArray[Any]) -> NDArray[Any]:
        """Return which of the records, in parallel patients and variants, deny what another record of the patient states."""
        import numpy

        sizes = self.first[variants + 1] - self.first[variants]
        places = numpy.arange(sizes.sum()) - numpy.repeat(numpy.cumsum(sizes) - sizes, sizes)
        stated = self.stated[numpy.repeat(self.first[variants], sizes) + places]
        known = numpy.repeat(patients, sizes) * self.count + stated
        denied = self.denied[variants]
        found: NDArray[Any] = (denied >= 0) & numpy.isin(patients * self.count + denied, known)
        return found


def _stated(program: Program, variant: Variant) -> Iterable[str]:
    above = program.parents[variant.subject]
    kinds = (kind for finding in above for _, kind in program.side_patterns.get(finding, ()))
    return {*above, *kinds}


def _says(drafts: Iterable[Draft], wanted: bool) -> bool:
    """Return whether one of some records says yes, or no."""
    for draft in drafts:
        status = draft.get("status")
        if status not in _SAYS_NOTHING:
            no = draft.get("presence") == "absent" or status in _SAYS_NO
            if no is (not wanted) and draft.get("presence") != "unknown":
                return True
    return False
