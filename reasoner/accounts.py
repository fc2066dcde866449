"""Say how what is no deduction comes about: what records say of a term, how an indicator gets its value, what a weight adds up to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from fractions import Fraction

from reasoner.abstraction.calculated import is_met
from reasoner.abstraction.chart import Chart, Dated
from reasoner.abstraction.context import interval_state, weighable
from reasoner.abstraction.measurements import read_value, scale_factor
from reasoner.abstraction.state import IndicatorState
from reasoner.answer import CaseAnswer
from reasoner.differential import Ranked, Weighed, open_criteria
from reasoner.entailment import ENTAILED, OPEN
from reasoner.errors import shortened
from reasoner.explanation import Missing, View
from reasoner.moments import Moment
from reasoner.namespaces import LC
from reasoner.program.model import MEASURED, Criterion, Indicator
from reasoner.program.premises import sentence_iri
from reasoner.proof_axioms import Axioms
from reasoner.proof_data import Account, Item
from reasoner.record import SUBJECTS, ExaminationRecord, MeasurementRecord, Record, field_names, subject_of
from reasoner.record_terms import WORDS, property_name
from reasoner.report.evidence import medication_review
from reasoner.supports import interval_text
from reasoner.terms import by_label, lc

__all__ = ["Accountant"]

_CONVERTED = tuple(form for form in MEASURED if form != "attribute")


class Accountant:
    """Accounts for what one answered case says of terms."""

    def __init__(self, axioms: Axioms, view: View, answer: CaseAnswer) -> None:
        self.axioms = axioms
        self.view = view
        self.answer = answer
        self.program = view.program

    def accounts(self, term: str) -> list[Account]:
        """Return how what is said of a term comes about: of an indicator, a condition, or a finding, drug or diagnosis."""
        indicator = self.program.indicator.get(term)
        if indicator is not None:
            return [self.indicator(indicator)]
        found = [self.weight(each) for each in self.answer.differential.ranked if each.condition.iri == term]
        if self.program.sorts.get(term) in ("Finding", "Drug", "Condition"):
            said = self.recorded(term)
            found += [said] if said.items or not found else []
        return found

    def unclassified(self, text: str) -> list[Account]:
        """Return what the records say of a drug that no term stands for."""
        records = [each for each in self.view.state.case.medications if each.drug is None and each.text == text]
        return [self._account(text, text, self._reviewed(text, records))] if records else []

    def _account(self, about: str, text: str, items: Iterable[Item], missing: Iterable[Missing] = ()) -> Account:
        return Account(self.view.state.case.iri, about, text, tuple(items), tuple(missing))

    # --- records of a term ------------------------------------------------------------------------------------------

    def recorded(self, term: str) -> Account:
        """Return what the records say of a finding, a drug or a diagnosis, of what lies below it, and of what lies above."""
        case, program = self.view.state.case, self.program
        related = {*program.parents[term], *program.below[term]}
        records = [each for kind in (case.findings, case.medications, case.diagnoses) for each in kind if subject_of(each) in related]
        closing = [each for each in case.closures if each.closes in program.parents[term]]
        items = self._reviewed(term, records) if program.sorts[term] == "Drug" else map(self._record, records)
        clashes = [Item(each.text, each.term, None, each.sources) for each in self.view.state.conflicts if each.term in related]
        weights = [self._criterion(each) for each in program.criteria if each.subject in program.parents[term]]
        found = [*items, *map(self._record, closing), *clashes, *weights]
        heading = f"{self.view.label(term)}: {'on record' if records or closing else 'no record speaks of it'}"
        return self._account(term, heading, found)

    def _record(self, record: Record) -> Item:
        return Item(self._words(record), subject_of(record) or "", None, (record.node,))

    def _words(self, record: Record) -> str:
        """Return what a record states, property by property."""
        said = []
        for field in field_names(record):
            value = getattr(record, field)
            name = property_name(field)
            if field == "node" or value in (None, "", ()):
                continue
            if field == "attributes":
                said += [f"{self.view.label(attribute)} {self.view.label(word)}" for attribute, word in value]
            elif field == SUBJECTS[type(record)]:
                said.insert(0, self.view.label(value))
            else:
                text = value.text if isinstance(value, Moment) else str(value)
                said.append(f"{self.view.label(lc(name))} {self.program.labels.get(_word(name, text), text)}")
        return shortened(", ".join(said))

    def _reviewed(self, drug: str, records: Iterable[Record]) -> Iterator[Item]:
        """Yield what the records say of a drug, each with whether it is taken, and why it is reviewed."""
        rows = {row["because"][0]["source"]: row for row in medication_review(self.view, self.answer)}
        said: dict[Item, None] = {}
        for record in records:
            row, item = rows.get(record.node), self._record(record)
            yield Item(f"{item.text}: {row['state'] if row else 'not counted'}", item.term, None, item.records)
            if row and row["caution"]:
                said[Item(row["caution"], cited=tuple(map(str, filter(None, map(sentence_iri, row["sentences"])))))] = None
        yield from said

    def _criterion(self, each: Criterion) -> Item:
        """Return what the presence of what a criterion is about would add to the weight of its condition."""
        texts = [f"{weight} decibans if {word}" for word, weight in (("present", each.present), ("absent", each.absent)) if weight]
        text = f"evidence about {self.view.label(each.condition)}: {', '.join(texts)}, {_kind(each)}"
        return Item(text, each.iri, None, (), self._cited(each))

    # --- indicators -------------------------------------------------------------------------------------------------

    def indicator(self, indicator: Indicator) -> Account:
        """Return how an indicator gets its value: the rule, each record with its conversion and its window, what else goes in."""
        state = self.view.state.indicators.get(indicator.iri) or IndicatorState(indicator.iri, "unknown", reason="no record speaks of it")
        rule = filter(None, (f"rule: {state.rule}" if state.rule else "", state.reason))
        items = [*(Item(each, indicator.iri) for each in rule), *self._results(indicator, state), *self._parts(indicator)]
        text = self.view.value_text(state) if state.settled else f"{self.view.label(indicator.iri)}: {state.status}"
        missing = [] if state.settled else [Missing(indicator.iri, self.view.label(indicator.iri))]
        return self._account(indicator.iri, text, items, missing)

    def _results(self, indicator: Indicator, state: IndicatorState) -> Iterator[Item]:
        """Yield each record of a test of an indicator, with what is made of it."""
        chart = Chart(self.view.state.case, self.answer.as_of)
        for measured in chart.measurements(indicator):
            record = measured.record
            made = [self._words(record), *self._read(indicator, record), self._use(indicator, state, measured)]
            yield Item("; ".join(made), record.test, None, (record.node,))
        for examined in chart.examinations(indicator):
            text = f"{self._words(examined.record)}; {self._use(indicator, state, examined)}"
            yield Item(text, examined.record.test, None, (examined.record.node,))

    def _read(self, indicator: Indicator, record: MeasurementRecord) -> Iterator[str]:
        """Yield what the value of a record comes to in the unit of an indicator, or why to nothing."""
        if record.value is None or indicator.form not in _CONVERTED:
            return
        gauge = self.program.gauges.gauges[indicator.iri]
        if record.unit in gauge.foreign.get(record.test, ()):
            yield f"a value in {record.unit} is none of this indicator"
            return
        reading = read_value(record, indicator, gauge)
        if reading.span is None:
            yield reading.reason
            return
        factor = scale_factor(indicator, gauge, record.unit)
        if isinstance(factor, Fraction) and factor != 1:
            yield f"times {_exact(factor)} from {record.unit} to {indicator.unit}"
        if indicator.places is not None:
            yield f"rounded half up to {indicator.places} places"
        yield f"read as {interval_text(self.view.program, interval_state(indicator, reading.span, ()))}"

    def _use(self, indicator: Indicator, state: IndicatorState, dated: Dated[MeasurementRecord] | Dated[ExaminationRecord]) -> str:
        """Return whether a record counts for an indicator, and why not."""
        if not dated.current:
            return "it does not count: unconfirmed, planned, not done, withdrawn or of the future"
        age = "not dated" if dated.age is None else f"{dated.age} day{'' if dated.age == 1 else 's'} old"
        window = f"valid for {indicator.valid_days} days" if indicator.valid_days is not None else "valid without end"
        word = "it does not govern" if dated.is_fresh(indicator) else "it does not count"
        if dated.record.node in state.sources and (state.settled or state.status == "conflicting"):
            word = "it counts" if state.settled else "another record contradicts it"
        return f"{age}, {window}: {word}"

    def _parts(self, indicator: Indicator) -> Iterator[Item]:
        """Yield what else a calculated indicator is made of: other indicators, and the items of a sum."""
        for name in (indicator.minuend, indicator.subtrahend, indicator.depends):
            found = self.view.state.indicators.get(name) if name else None
            if name:
                text = self.view.value_text(found) if found and found.settled else f"{self.view.label(name)}: unknown"
                yield Item(text, name, None, found.sources if found else ())
        present, absent, facts = weighable(self.program, self.view.state.facts)
        for findings, points in indicator.items:
            said = " or ".join(map(self.view.label, findings))
            met = is_met(findings, present, absent)
            word, text = {True: ("present", f"{points:+d}"), False: ("absent", "0"), None: ("unknown", f"0 or {points:+d}")}[met]
            near = self.program.parents if met else self.program.below
            speaking = [each for each in facts if each.present == bool(met) and not set(findings).isdisjoint(near[each.term])]
            sources = sorted({source for each in speaking for source in each.sources})
            yield Item(f"{text}: {said}: {word}", findings[0], Decimal(points) if met else None, tuple(sources))

    # --- weights ----------------------------------------------------------------------------------------------------

    def weight(self, ranked: Ranked) -> Account:
        """Return what the weight of a condition adds up to, what is left out of it and what could still add to it."""
        settings, condition = self.program.settings, ranked.condition
        limits = f"likely from {settings['likely_from']}, unlikely below {settings['unlikely_below']}"
        spread = "" if ranked.low == ranked.high else f", interval {ranked.low:+} to {ranked.high:+}"
        text = f"{self.view.label(condition.iri)}: {ranked.status}, weight {ranked.weight:+} decibans{spread} ({limits})"
        missing = {Missing(one.subject, self.view.label(one.subject)) for one in open_criteria(ranked, self.view.statuses)}
        items = [*self._starts(ranked), *map(self._weighed, ranked.weighed), *self._restated(ranked)]
        return self._account(condition.iri, text, items, sorted(missing, key=lambda each: by_label(each.label, each.term)))

    def _starts(self, ranked: Ranked) -> Iterator[Item]:
        condition = ranked.condition
        for name, band in condition.starts:
            if self.view.statuses.holds(name):
                yield Item(f"starting band, as {self.view.label(name)}", name, Decimal(band), self._records(name))
        if ranked.status == "confirmed":
            names = [name for name in condition.confirmed_by if self.view.statuses.holds(name)]
            yield Item(self.view.label(names[0]), names[0], Decimal(condition.confirmed_weight), self._records(names[0]))

    def _records(self, name: str) -> tuple[str, ...]:
        """Return the records by which a case class is entailed."""
        return tuple(dict.fromkeys(each.source for each in self.view.because(name) if each.kind == "fact" and each.source))

    def _weighed(self, each: Weighed) -> Item:
        criterion = each.criterion
        spread = "" if each.low == each.high else f", interval {each.low:+} to {each.high:+}"
        text = f"{self._subject_text(criterion, each.present)} ({_kind(criterion)}{spread})"
        return Item(text, criterion.iri, each.weight, self._evidence(criterion), self._cited(criterion))

    def _subject_text(self, criterion: Criterion, present: bool) -> str:
        return f"{self.view.label(criterion.subject)}{'' if present else ' absent'}"

    def _evidence(self, criterion: Criterion) -> tuple[str, ...]:
        """Return the records by which what a criterion is about is present or absent."""
        literal = next(each.literal for each in self.program.scales.criteria[criterion.condition] if each.criterion == criterion)
        found = literal if self.view.statuses.literal(literal) == ENTAILED else (literal[0], not literal[1])
        return tuple(dict.fromkeys(each.source for each in self.view.support(found) if each.kind == "fact" and each.source))

    def _restated(self, ranked: Ranked) -> Iterator[Item]:
        """Yield the criteria that are known and do not count, because a stronger one of their group states the same fact."""
        counted = {each.criterion.iri for each in ranked.weighed}
        for each in self.program.scales.criteria.get(ranked.condition.iri, ()):
            status = self.view.statuses.literal(each.literal)
            present = status == ENTAILED
            if status != OPEN and each.criterion.iri not in counted and (each.present if present else each.absent) is not None:
                text = f"{self._subject_text(each.criterion, present)}: not counted, a stronger item restates it"
                yield Item(text, each.criterion.iri, None, self._evidence(each.criterion), self._cited(each.criterion))

    def _cited(self, criterion: Criterion) -> tuple[str, ...]:
        """Return the publications that a criterion rests on, and the sentences that what it is about rests on."""
        return (*criterion.sources, *self.axioms.sentences(criterion.subject))


def _word(name: str, text: str) -> str:
    """Return the term that stands for a word of a record, if its property has a list of words."""
    return f"{LC}_{WORDS[name]}_{text}" if name in WORDS else ""


def _kind(criterion: Criterion) -> str:
    return "published likelihood ratio" if criterion.published else "expert band"


def _exact(number: Fraction) -> str:
    """Return a factor as a decimal where it has one that is short, else as a quotient."""
    plain = Decimal(number.numerator) / Decimal(number.denominator)
    return f"{plain.normalize():f}" if Fraction(plain) == number else f"{number.numerator}/{number.denominator}"
