"""Keep from chunk to chunk what a process has found out."""

from __future__ import annotations

from dataclasses import dataclass

from reasoner.cohort.asked import Asked
from reasoner.cohort.diagrams import Diagrams
from reasoner.cohort.indicators import Families
from reasoner.cohort.lexicon import Lexicon
from reasoner.cohort.remarks import Remarks
from reasoner.cohort.single import Settings
from reasoner.program.model import Program

__all__ = ["Memory"]


@dataclass(frozen=True, slots=True)
class Memory:
    """What a process keeps from chunk to chunk: what is asked of the program, terms that were read, remarks that were made, constellations
    that were derived, and diagrams that were followed."""

    asked: Asked
    lexicon: Lexicon
    remarks: Remarks
    families: Families
    diagrams: Diagrams

    @staticmethod
    def of(program: Program, settings: Settings) -> Memory:
        """Return an empty memory."""
        return Memory(
            Asked(program),
            Lexicon(program, settings.shapes),
            Remarks(program, settings.shapes),
            Families(program),
            Diagrams(program.full_tables.nodes),
        )
