"""Say whether a test can still change a verdict: compare the verdicts after each of its declared results.

A result is left out where a case class says that it is not expected and no class that lifts this is entailed, and
where its records contradict the case. A test is decision-relevant when two of the others lead to different verdicts,
those about ordering that very test aside. Otherwise what is returned is the certificate: each expected result with the
verdicts that stay, and for each result left out the class and the sentences.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from reasoner.abstraction import abstract_case
from reasoner.abstraction.state import CaseState
from reasoner.advice import POSSIBLE, Advice, advise
from reasoner.differential import Differential, rank_conditions
from reasoner.entailment import OPEN, Statuses, entail
from reasoner.explanation import Reason, View, sentence_id
from reasoner.moments import Moment
from reasoner.program.model import Program
from reasoner.program.patterns import Expectation, RecordPattern, UsableResult
from reasoner.record import Case, ClosureStatement, ExaminationRecord, FindingRecord, MeasurementRecord, MedicationRecord
from reasoner.terms import RecordKind, lc

__all__ = ["LeftOut", "Outcome", "Relevance", "Relevances", "judge_relevance", "judge_test", "with_result"]

_NODE = "urn:legcramps:result:"
_LAST = 999
_SETTLED = ("confirmed", "excluded")
_ATTRIBUTES = (lc("extent"), lc("completeness"), lc("result"))


@dataclass(frozen=True, slots=True)
class Outcome:
    """An expected result with the verdicts that the results of its test do not share."""

    result: str
    label: str
    own: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A result that is not expected: the class and sentences that say so, why the class holds, and what that presumes.

    For a result whose records contradict the case the class is empty and `because` is what they contradict.
    """

    result: str
    label: str
    case_class: str
    class_label: str
    sentences: tuple[str, ...]
    because: tuple[Reason, ...]
    presumes: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Relevance:
    """Whether a test can change a verdict; None where no result of it is declared.

    `shared` holds the verdicts (what, word) after every expected result, `settles` counts the open verdicts that every
    expected result settles, `rank` is the rank of the first condition that some expected result confirms or excludes.
    """

    test: str
    label: str
    relevant: bool | None
    expected: tuple[Outcome, ...]
    left_out: tuple[LeftOut, ...]
    shared: tuple[tuple[str, str], ...]
    settles: int
    rank: int

    @property
    def order(self) -> tuple[int, int]:
        """Return what orders next tests between their step and the guideline's order: verdicts settled, then rank."""
        return -self.settles, self.rank


@dataclass(frozen=True, slots=True)
class Relevances:
    """The relevance of every candidate test of a case, by investigation IRI."""

    tests: dict[str, Relevance]

    @property
    def stop(self) -> bool:
        """Return whether testing may stop: no candidate test with declared results can change a verdict."""
        return not any(each.relevant or each.relevant is None for each in self.tests.values())

    def flag(self, test: str) -> bool | None:
        """Return what `decisionRelevant` of a test is; None when it was not judged."""
        return self.tests[test].relevant if test in self.tests else None


@dataclass(frozen=True, slots=True)
class _World:
    """What one state of the case leads to."""

    state: CaseState
    advice: Advice
    differential: Differential


def judge_relevance(view: View, advice: Advice, differential: Differential, as_of: Moment) -> Relevances:
    """Judge every candidate test: those that a listed recommendation asks for, and those that a decision is about."""
    tests = {
        each.recommendation.investigation
        for each in advice.advised.values()
        if each.recommendation.investigation and each.listed and each.recommendation.direction == "for"
    }
    tests |= {decision.investigation for decision in view.program.decisions if decision.investigation}
    return Relevances({test: judge_test(view, advice, differential, as_of, test) for test in sorted(tests)})


def judge_test(view: View, advice: Advice, differential: Differential, as_of: Moment, test: str) -> Relevance:
    """Judge one test by all of its declared results."""
    program, before = view.program, _World(view.state, advice, differential)
    worlds: dict[str, _World] = {}
    left_out: list[LeftOut] = []
    for result in program.results_of.get(test, ()):
        barred = next((each for each in result.not_expected if _holds(each, view.statuses)), None)
        if barred is not None:
            left_out.append(_not_expected(view, result, barred))
            continue
        world = _world(program, with_result(view.state.case, result, as_of), as_of)
        new = [each for each in world.state.conflicts if each not in view.state.conflicts]
        if new:
            because = tuple(Reason(each.text, "fact", each.term, source) for each in new for source in each.sources)
            left_out.append(LeftOut(result.iri, view.label(result.iri), "", "", (), because, ()))
        else:
            worlds[result.iri] = world
    verdicts = {iri: _verdicts(program, world, test) for iri, world in worlds.items()}
    shared = set.intersection(*(set(each.items()) for each in verdicts.values())) if verdicts else set()
    expected = tuple(Outcome(iri, view.label(iri), tuple(sorted(set(each.items()) - shared))) for iri, each in verdicts.items())
    relevant = any(each.own for each in expected) if program.results_of.get(test) else None
    return Relevance(
        test=test,
        label=view.label(test),
        relevant=relevant,
        expected=expected,
        left_out=tuple(left_out),
        shared=tuple(sorted(shared)),
        settles=_settled(program, before, worlds.values(), test),
        rank=_first_rank(before, worlds.values()),
    )


def _holds(each: Expectation, statuses: Statuses) -> bool:
    return statuses.holds(each.case_class) and not any(statuses.holds(name) for name in each.unless)


def _not_expected(view: View, result: UsableResult, each: Expectation) -> LeftOut:
    presumes = tuple((name, view.label(name)) for name in each.unless if view.statuses.status(name) == OPEN)
    sentences = tuple(sentence_id(sentence) for sentence in each.sentences)
    because = view.because(each.case_class)
    return LeftOut(result.iri, view.label(result.iri), each.case_class, view.label(each.case_class), sentences, because, presumes)


def _world(program: Program, case: Case, as_of: Moment) -> _World:
    state = abstract_case(case, program, as_of)
    statuses = entail(program, state)
    return _World(state, advise(program, state, statuses), rank_conditions(program, statuses))


def _verdicts(program: Program, world: _World, test: str) -> dict[str, str]:
    """Return the verdicts of a world by what they are about: decisions, recommendations and settled conditions.

    What is certain and what is presumed is advised alike; rows speak through their decision; the test itself is aside.
    """
    own = {decision.iri for decision in program.decisions if decision.investigation == test}
    found = {judged.decision.key: judged.verdict.word for judged in world.advice.judged.values() if judged.decision.iri not in own}
    for each in world.advice.advised.values():
        recommendation = each.recommendation
        if each.listed and recommendation.investigation != test and recommendation.decision is None:
            found[recommendation.iri] = POSSIBLE if each.standing == POSSIBLE else "advised"
    for ranked in world.differential.ranked:
        if ranked.status in _SETTLED:
            found[ranked.condition.iri] = ranked.status
    return found


def _open(program: Program, world: _World, test: str) -> set[str]:
    """Return the verdicts of a world that are not settled: decisions, recommendations raised but not standing, conditions."""
    found = {each.decision.key for each in world.advice.judged.values() if each.could_be and each.decision.investigation != test}
    found |= {
        iri
        for iri, each in world.advice.advised.items()
        if each.standing == POSSIBLE and each.recommendation.decision is None and each.recommendation.investigation != test
    }
    return found | {each.condition.iri for each in world.differential.ranked if each.status not in _SETTLED}


def _settled(program: Program, before: _World, after: Iterable[_World], test: str) -> int:
    """Count the open verdicts that are settled after every expected result."""
    left = [_open(program, world, test) for world in after]
    return len(_open(program, before, test).difference(*left)) if left else 0


def _first_rank(before: _World, after: Iterable[_World]) -> int:
    """Return the best rank of a condition that some result confirms or excludes anew."""
    ranks = {each.condition.iri: (each.rank, each.status) for each in before.differential.ranked}
    found = [
        ranks[each.condition.iri][0]
        for world in after
        for each in world.differential.ranked
        if each.status in _SETTLED and each.status != ranks[each.condition.iri][1]
    ]
    return min(found, default=_LAST)


# --- the records that a result leaves ---------------------------------------------------------------------------


def with_result(case: Case, result: UsableResult, as_of: Moment) -> Case:
    """Return the case with the records that a result leaves at `as_of`; earlier measurements of its tests give way."""
    for index, pattern in enumerate(result.records):
        case = _add(case, pattern, f"{_NODE}{result.iri.rpartition('_UsableResult_')[2]}:{index}", as_of)
    return case


def _add(case: Case, pattern: RecordPattern, node: str, as_of: Moment) -> Case:
    of: Mapping[str, str] = dict(pattern.properties)
    if pattern.kind == RecordKind.MEASUREMENT:
        kept = tuple(record for record in case.measurements if record.test != of[lc("ofTest")])
        return replace(case, measurements=(*kept, _measurement(of, node, as_of)))
    if pattern.kind == RecordKind.EXAMINATION:
        attributes = tuple((name, of[name]) for name in _ATTRIBUTES if name in of)
        examination = ExaminationRecord(node, of[lc("ofTest")], attributes, _word(of, "side"), as_of, "active")
        return replace(case, examinations=(*case.examinations, examination))
    if pattern.kind == RecordKind.FINDING:
        finding = FindingRecord(node, of[lc("ofFinding")], _word(of, "presence"), _word(of, "side"), None, None, None, as_of, "active")
        return replace(case, findings=(*case.findings, finding))
    if pattern.kind == RecordKind.MEDICATION:
        drug = MedicationRecord(node, of[lc("ofDrug")], "", "", None, None, "", _word(of, "recordStatus"))
        return replace(case, medications=(*case.medications, drug))
    return replace(case, closures=(*case.closures, ClosureStatement(node, of[lc("closes")], as_of, "active")))


def _measurement(of: Mapping[str, str], node: str, as_of: Moment) -> MeasurementRecord:
    value, low, high = (Decimal(of[name]) if name in of else None for name in map(lc, ("value", "referenceLow", "referenceHigh")))
    return MeasurementRecord(
        node, of[lc("ofTest")], value, of.get(lc("unit")), "", _word(of, "interpretation"), low, high, _word(of, "side"), as_of, "active"
    )


def _word(of: Mapping[str, str], name: str) -> str:
    """Return the word at the end of a value-list term, such as high of lc:_Interpretation_high."""
    iri = of.get(lc(name), "")
    local = iri.rpartition("/_")[2]
    return local.partition("_")[2]
