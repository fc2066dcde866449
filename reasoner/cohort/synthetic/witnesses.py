"""Find records that make a case class hold: descend through its definition, cover what it asks for, and check by reasoning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from reasoner.cohort.synthetic.drafts import Dice, Variant
from reasoner.cohort.synthetic.effects import statuses_of
from reasoner.program.model import Program

__all__ = ["ANY_AGE", "Witness", "Witnesses"]

ANY_AGE = (0, 130)
_TRIES = 60
_OFTEN = 12


@dataclass(frozen=True, slots=True)
class Witness:
    """Variants, by number, that make a class hold together in a patient of an age between two limits."""

    variants: tuple[int, ...]
    ages: tuple[int, int] = ANY_AGE


class Witnesses:
    """Searches among variants whose effects are known."""

    def __init__(
        self, program: Program, dice: Dice, variants: Sequence[Variant], effects: Mapping[int, Mapping[int, bool]], as_of: datetime
    ) -> None:
        self._program, self._dice, self._variants, self._effects, self._as_of = program, dice, variants, effects, as_of
        self._achieving: dict[tuple[int, bool], list[int]] = {}
        for number, effect in effects.items():
            for pair in effect.items():
                self._achieving.setdefault(pair, []).append(number)
        true, false = program.tables.resting_masks
        self._resting = {bit: True for bit in range(len(program.leaves)) if true >> bit & 1}
        self._resting |= {bit: False for bit in range(len(program.leaves)) if false >> bit & 1}
        self._ages = {
            each.first_bit + 1 + place: int(value)
            for each in program.indicators
            if each.total
            for place, (value, _) in enumerate(each.cuts)
        }

    def find(self, case_class: str, wanted: int) -> list[Witness]:
        """Return up to `wanted` different witnesses of a case class; fewer, or none, when the search does not find them."""
        found: dict[Witness, None] = {}
        for attempt in range(_TRIES * 3):
            if len(found) >= wanted or (attempt >= _TRIES and found):
                break
            witness = self._attempt(case_class)
            if witness is not None and witness not in found and self._holds(witness, case_class):
                found[witness] = None
        return list(found)

    def _attempt(self, case_class: str) -> Witness | None:
        bit, sign = self._program.classes[case_class]
        asked: dict[int, bool] = {}
        if not self._descend(bit, sign, asked):
            return None
        low, high = ANY_AGE
        for age_bit in asked.keys() & self._ages.keys():
            limit = self._ages[age_bit]
            low, high = (max(low, limit), high) if asked.pop(age_bit) else (low, min(high, limit - 1))
        covered = self._cover({bit: value for bit, value in asked.items() if self._resting.get(bit) != value})
        return None if covered is None or low > high else Witness(covered, (low, high))

    def _descend(self, bit: int, wanted: bool, asked: dict[int, bool]) -> bool:
        """Enter what makes a bit have a value, one way chosen where there are several; return whether that is consistent."""
        leaves = len(self._program.leaves)
        if bit < leaves:
            return asked.setdefault(bit, wanted) == wanted
        gate = self._program.gates[bit - leaves]
        parts = [(part, True) for part in gate.positive] + [(part, False) for part in gate.negative]
        if gate.every != wanted:
            parts = [parts[int(self._dice.random.random() * len(parts))]] if parts else []
        return bool(parts) and all(self._descend(part, sign == wanted, asked) for part, sign in parts)

    def _cover(self, asked: Mapping[int, bool]) -> tuple[int, ...] | None:
        chosen: list[int] = []
        left = dict(asked)
        while left:
            bit = next(iter(left))
            subjects = {self._variants[number].subject for number in chosen}
            fitting = [
                number
                for number in self._sample(self._achieving.get((bit, left[bit]), []))
                if self._variants[number].subject not in subjects and self._agrees(number, asked)
            ]
            if not fitting:
                return None
            best = max(fitting, key=lambda number: len(left.keys() & self._effects[number].keys()))
            chosen.append(best)
            left = {other: value for other, value in left.items() if self._effects[best].get(other) != value}
        return tuple(sorted(chosen))

    def _agrees(self, number: int, asked: Mapping[int, bool]) -> bool:
        return all(asked.get(bit, value) == value for bit, value in self._effects[number].items())

    def _sample(self, numbers: Sequence[int]) -> list[int]:
        if not numbers:
            return []
        return [numbers[int(self._dice.random.random() * len(numbers))] for _ in range(_OFTEN)]

    def _holds(self, witness: Witness, case_class: str) -> bool:
        drafts = [draft for number in witness.variants for draft in self._variants[number].drafts]
        birth = None
        if witness.ages != ANY_AGE:
            low, high = witness.ages
            birth = date(self._as_of.year - (low + min(high, low + 40)) // 2, 1, 1).isoformat()
        return statuses_of(self._program, drafts, birth, self._as_of).holds(case_class)
