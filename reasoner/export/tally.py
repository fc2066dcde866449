"""Count what a conversion was given, what it wrote and what it left out, so that nothing goes missing in silence."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

__all__ = ["Tally"]


@dataclass(frozen=True, slots=True)
class Tally:
    """How many of `what` were written, and how many were not, by reason."""

    what: str
    written: int
    left: tuple[tuple[str, int], ...] = ()

    @classmethod
    def of(cls, what: str, written: int, left: Counter[str] | None = None) -> Tally:
        """Return a tally whose reasons are sorted."""
        return cls(what, written, tuple(sorted((left or Counter()).items())))

    @property
    def given(self) -> int:
        """Return how many there were."""
        return self.written + sum(count for _, count in self.left)

    def line(self) -> str:
        """Return the tally as one line whose figures add up."""
        parts = [f"{self.written} written", *(f"{count} left out: {reason}" for reason, count in self.left)]
        return f"{self.what}: {self.given} = {'; '.join(parts)}"
