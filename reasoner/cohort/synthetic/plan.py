"""Decide from what a patient's records are drawn: groups of records, each with its probability under each condition.

A patient is drawn from conditions. What speaks for one of them by a likelihood ratio or pertinence band of w decibans is
present at 10^(w/10) times the base odds; what confirms it, puts a patient in scope or raises a red flag comes from its case
classes. Everything else comes at the rate of its kind.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from reasoner.advice import IN_SCOPE, SCOPE_KEY
from reasoner.cohort.synthetic.drafts import Dice, Variant
from reasoner.cohort.synthetic.effects import effects_of
from reasoner.cohort.synthetic.records import (
    closure_variants,
    diagnosis_variants,
    drug_variants,
    finding_variants,
    spoiled,
    worded_drugs,
)
from reasoner.cohort.synthetic.results import test_variants
from reasoner.cohort.synthetic.settings import Settings
from reasoner.cohort.synthetic.witnesses import Witness, Witnesses
from reasoner.program.model import Criterion, Program

__all__ = ["NOTHING", "Group", "Plan", "make_plan"]

NOTHING = ""
"""The condition of a patient who is drawn from none."""

_WITNESSES = 16


@dataclass(frozen=True, slots=True)
class Group:
    """Alternatives of which a patient gets one; `chances` gives for each condition how probable that is.

    Each variant of the alternative is then kept with the probability `kept`. `role` says what the group stands for.
    """

    role: str
    members: tuple[Witness, ...]
    chances: tuple[float, ...]
    kept: float = 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything a cohort is drawn from; `conditions` ends with NOTHING, `shares` are its parts of the whole."""

    conditions: tuple[str, ...]
    shares: tuple[float, ...]
    variants: tuple[Variant, ...]
    groups: tuple[Group, ...]


def make_plan(program: Program, settings: Settings, dice: Dice, as_of: datetime) -> Plan:
    """Prepare variants and groups; the same for the same program, settings, seed and instant."""
    conditions = (*(each.iri for each in program.conditions), NOTHING)
    drawn = _Variants(program, dice)
    whole = [number for number, each in enumerate(drawn.all) if each.whole]
    effects = dict(zip(whole, effects_of(program, [drawn.all[number] for number in whole], as_of), strict=True))
    groups = [
        *_class_groups(program, settings, Witnesses(program, dice, drawn.all, effects, as_of)),
        *_single_groups(program, settings, drawn),
    ]
    return Plan(conditions, _shares(program, settings), tuple(drawn.all), tuple(group for group in groups if group.members))


def _shares(program: Program, settings: Settings) -> tuple[float, ...]:
    shares = [settings.shares.get(each.iri, settings.figure("default_share")) for each in program.conditions]
    rest = 1 - settings.figure("no_condition")
    return (*(rest * share / sum(shares) for share in shares), settings.figure("no_condition"))


class _Variants:
    """The variants by what they are about and what they say."""

    def __init__(self, program: Program, dice: Dice) -> None:
        self.all: list[Variant] = []
        self.numbers: dict[tuple[str, str], list[int]] = {}
        self._dice = dice
        many = dice.settings.count("variants")
        for term, sort in sorted(program.sorts.items()):
            if sort == "Finding":
                for presence, count in (("present", many // 4), ("absent", many // 8), ("unknown", 1)):
                    self._add("finding " + presence, term, finding_variants(program, dice, term, presence, count))
            elif sort == "Drug":
                self._add("drug", term, drug_variants(dice, term, many // 4))
            elif sort == "Condition":
                self._add("diagnosis", term, diagnosis_variants(dice, term, many // 4))
            elif sort == "Investigation":
                self._add("test", term, test_variants(program, dice, term, many))
        for closed in sorted({each.closes for each in program.indicators if each.closes}):
            self._add("closure", closed, closure_variants(dice, closed, many // 4))
        self._add("words", "", worded_drugs(dice))

    def _add(self, kind: str, term: str, variants: Iterable[Variant]) -> None:
        for each in variants:
            self.numbers.setdefault((kind, term), []).append(len(self.all))
            self.all.append(spoiled(self._dice, each) if self._dice.happens("spoiled") else each)

    def of_kind(self, kind: str) -> list[str]:
        """Return the terms about which there are variants of a kind."""
        return [term for found, term in self.numbers if found == kind]

    def members(self, kind: str, terms: Sequence[str]) -> tuple[Witness, ...]:
        """Return the variants of a kind about one of several terms."""
        return tuple(Witness((number,)) for term in terms for number in self.numbers.get((kind, term), ()))


# --- from case classes -----------------------------------------------------------------------------------------------


def _class_groups(program: Program, settings: Settings, witnesses: Witnesses) -> list[Group]:
    """Return the groups that come from case classes: first what confirms, then scope, red flags and evidence."""
    count = len(program.conditions) + 1
    groups = []
    for place, condition in enumerate(program.conditions):
        found = [witness for name in condition.confirmed_by for witness in witnesses.find(name, _WITNESSES)]
        groups.append(Group("confirms " + condition.iri, tuple(found), _only(place, count, settings.figure("confirmed"))))
    verdicts = [each for decision in program.decisions if decision.key == SCOPE_KEY for each in decision.verdicts if each.word == IN_SCOPE]
    for each in verdicts:
        groups.append(Group("scope", tuple(witnesses.find(each.eligible, 2 * _WITNESSES)), (1.0,) * count, settings.figure("scope_kept")))
    flags = [each for each in program.recommendations if each.red_flag]
    for flag in flags:
        chance = settings.figure("red_flag") / len(flags)
        groups.append(Group("flag " + flag.iri, tuple(witnesses.find(flag.eligible, _WITNESSES // 4)), (chance,) * count))
    places = {each.iri: place for place, each in enumerate(program.conditions)}
    for criterion in program.criteria:
        if criterion.kind == "class" and _weight(criterion) > 0:
            chance = settings.figure("asked") * _probability(settings, _weight(criterion))
            found = witnesses.find(criterion.subject, _WITNESSES // 2)
            groups.append(Group("evidence " + criterion.iri, tuple(found), _only(places[criterion.condition], count, chance)))
    return groups


def _only(place: int, count: int, chance: float) -> tuple[float, ...]:
    return tuple(chance if each == place else 0.0 for each in range(count))


def _weight(criterion: Criterion) -> float:
    return float(criterion.present or 0)


def _probability(settings: Settings, decibans: float) -> float:
    odds = settings.figure("base_odds") * 10 ** (decibans / 10)
    return float(odds / (1 + odds))


# --- single records --------------------------------------------------------------------------------------------------


def _single_groups(program: Program, settings: Settings, drawn: _Variants) -> list[Group]:
    count = len(program.conditions) + 1
    weights = [{each.subject: _weight(each) for each in program.criteria if each.condition == one.iri} for one in program.conditions]
    weights.append({})
    groups = []
    findings = drawn.of_kind("finding present")
    rare = settings.figure("other_findings") / max(len(findings), 1)
    for term in findings:
        recorded = [settings.figure("asked") if term in known else rare for known in weights]
        present = [_probability(settings, known.get(term, 0.0)) for known in weights]
        for presence, share in (("present", present), ("absent", [1 - each for each in present]), ("unknown", [0.03] * count)):
            chances = tuple(one * other for one, other in zip(recorded, share, strict=True))
            groups.append(Group("finding", drawn.members("finding " + presence, (term,)), chances))
    drugs = drawn.of_kind("drug")
    for term in drugs:
        groups.append(Group("drug", drawn.members("drug", (term,)), (settings.figure("drugs") / len(drugs),) * count))
    for place, known in enumerate(weights):
        for term in sorted(known.keys() & set(drugs)):
            chance = settings.figure("asked") * _probability(settings, known[term])
            groups.append(Group("drug", drawn.members("drug", program.below[term]), _only(place, count, chance)))
    for kind, name in (("test", "tests"), ("diagnosis", "diagnoses"), ("closure", "closures")):
        terms = drawn.of_kind(kind)
        groups += [Group(kind, drawn.members(kind, (term,)), (settings.figure(name) / len(terms),) * count) for term in terms]
    groups.append(Group("words", drawn.members("words", ("",)), (settings.figure("words"),) * count))
    return groups
