"""Know which terms can bear on a red flag, so that a record about any other need not be looked at for one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from reasoner.terms import ROLES

if TYPE_CHECKING:
    from reasoner.program.model import Program

__all__ = ["Alarms", "bits_below"]


class Alarms:
    """The leaves that red flags rest on; what was asked of a term is remembered."""

    def __init__(self, program: Program) -> None:
        watched = (watched for each, watched in zip(program.recommendations, program.watch.watched, strict=True) if each.red_flag)
        bits = bits_below(program, (bit for each in watched for bit, _ in (each.eligible, each.trigger)))
        self._program = program
        self._leaves = frozenset(bit for bit in bits if bit < len(program.leaves))
        self._mask = sum(1 << leaf for leaf in self._leaves)
        self._subjects = frozenset(program.leaves[bit][0] for bit in self._leaves)
        self._known: dict[str, bool] = {}

    def bears(self, term: str) -> bool:
        """Return whether what a record says of a term, or of its sides, may settle something that a red flag rests on."""
        found = self._known.get(term)
        if found is None:
            found = self._known[term] = self._moves(term) or any(map(self._settles, self._stated(term)))
        return found

    def differ(self, one: tuple[int, int], other: tuple[int, int]) -> bool:
        """Return whether two pairs of masks, of the leaves that hold and that fail, differ in a leaf that red flags rest on."""
        return bool(((one[0] ^ other[0]) | (one[1] ^ other[1])) & self._mask)

    def _moves(self, term: str) -> bool:
        """Return whether a test or finding moves an indicator that red flags ask for."""
        gauges = self._program.gauges
        return any(not self._subjects.isdisjoint(gauges.followers[index]) for index in gauges.moved_by.get(term, ()))

    def _stated(self, term: str) -> Iterable[str]:
        """Return a term with all side patterns that a record about it may decide."""
        program = self._program
        yield term
        for above in program.parents.get(term, ()):
            for _, pattern in program.side_patterns.get(above, ()):
                yield pattern

    def _settles(self, term: str) -> bool:
        effects = self._program.fact_effects
        return any(effects[role, term, True].own & self._mask for role in ROLES)


def bits_below(program: Program, bits: Iterable[int]) -> frozenset[int]:
    """Return some bits with all that they rest on."""
    count = len(program.leaves)
    found: set[int] = set()
    stack = list(bits)
    while stack:
        bit = stack.pop()
        if bit in found:
            continue
        found.add(bit)
        if bit >= count:
            gate = program.gates[bit - count]
            stack += (*gate.positive, *gate.negative)
            for joint in program.joints.get(bit, ()):
                stack += joint.leaves
    return frozenset(found)
