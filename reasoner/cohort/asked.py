"""Tell on which bits of a program the answers of a cohort depend: what no advice and no condition asks for is not derived.

So a case costs what the guidelines ask, however many other classes the ontology defines.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from reasoner.cohort.lexicon import Ids
from reasoner.program.alarms import bits_below
from reasoner.program.model import FALSE, TRUE, Part, Program
from reasoner.terms import Role

__all__ = ["Asked"]


@dataclass(frozen=True)
class Asked:
    """What is asked of a program; leaves that constraints are stated of are asked for by the search for contradictions."""

    program: Program

    @cached_property
    def leaves(self) -> Ids:
        """Return the leaves that are asked for, in order."""
        count = len(self.program.leaves)
        return np.array(sorted({*self.program.constrained, *(bit for bit in self._bits if bit < count)}), dtype=np.int64)

    @cached_property
    def gates(self) -> tuple[int, ...]:
        """Return the gates that are asked for, by index, each after those it uses."""
        count = len(self.program.leaves)
        return tuple(sorted(bit - count for bit in self._bits if bit >= count))

    @cached_property
    def alarms(self) -> tuple[int, ...]:
        """Return the gates that red flags alone ask for, by index, each after those it uses."""
        watched, count = self.program.watch.watched, len(self.program.leaves)
        flags = [watched[index] for index, each in enumerate(self.program.recommendations) if each.red_flag]
        bits = bits_below(self.program, (bit for each in flags for bit, _ in (each.eligible, each.trigger)))
        return tuple(sorted(bit - count for bit in bits if bit >= count))

    @cached_property
    def not_taken(self) -> frozenset[str]:
        """Return the drugs of which it matters that they are not taken."""
        program = self.program  # an absence is handed down to leaves from above them, or from above one that a constraint links
        above = {term for bit in self.leaves.tolist() for term in program.parents.get(program.leaves[bit][1], ())}
        return frozenset(term for term in above if program.sorts[term] == "Drug" and self.effects(Role.TAKES, term, False))

    def effects(self, role: str, term: str, present: bool) -> tuple[Part, ...]:
        """Return the leaves asked for that a fact settles, each with its value."""
        fact = role, term, present
        found = self._settled.get(fact)
        if found is None:
            found = self._settled[fact] = self._effects(role, term, present)
        return found

    @cached_property
    def _settled(self) -> dict[tuple[str, str, bool], tuple[Part, ...]]:
        """Return what was found for facts so far."""
        return {}

    def _effects(self, role: str, term: str, present: bool) -> tuple[Part, ...]:
        found = self.program.fact_leaves.get(f"{role} {term}")
        if found is None:
            return ()
        holds, fails = found[:2] if present else found[2:]
        return (*((bit, TRUE) for bit in self._kept(holds)), *((bit, FALSE) for bit in self._kept(fails)))

    def _kept(self, leaves: Iterable[int]) -> Iterable[int]:
        return self._leaf_set.intersection(leaves)

    @cached_property
    def _leaf_set(self) -> frozenset[int]:
        return frozenset(self.leaves.tolist())

    @cached_property
    def _bits(self) -> frozenset[int]:
        """Return every bit that the standing of advice or the weight of a condition rests on."""
        program = self.program
        literals = [literal for each in program.watch.watched for literal in (each.eligible, each.applicable, each.trigger)]
        verdicts = [verdict for decision in program.decisions for verdict in decision.verdicts]
        names = [name for verdict in verdicts for name in (verdict.eligible, verdict.applicable) if name in program.classes]
        literals += [program.classes[name] for name in names]
        return bits_below(program, [*(bit for bit, _ in literals), *program.scales.concerned])
