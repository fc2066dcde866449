"""Derive every declared indicator of a case from its records, each as an interval with its source and its reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from reasoner.abstraction.measurements import Reading, Span, as_ends, bounded, fresh, readings, scale_factor
from reasoner.abstraction.state import Fact, IndicatorState
from reasoner.moments import DAY, Moment, days_between
from reasoner.program.cuts import band_signature
from reasoner.program.model import ZERO, End, Indicator, Program
from reasoner.record import Case, ExaminationRecord, MeasurementRecord
from reasoner.terms import Role, lc

__all__ = ["derive_indicators", "last_examination"]

_ONE: Span = ((Decimal(1), 0), (Decimal(1), 1))
_NONE: frozenset[int] = frozenset()
_INTERPRETED = {"low": -1, "normal": 0, "high": 1}
_CHANGES = ("active", "stopped", "")


@dataclass(frozen=True)
class _Context:
    """What every form may look at."""

    case: Case
    program: Program
    as_of: Moment
    facts: tuple[Fact, ...]
    done: dict[str, IndicatorState]
    unread: list[tuple[str, Reading]]


def derive_indicators(
    case: Case, program: Program, as_of: Moment, facts: Iterable[Fact]
) -> tuple[dict[str, IndicatorState], list[tuple[str, Reading]]]:
    """Return the state of every indicator that the records touch, and the values that are not usable."""
    done: dict[str, IndicatorState] = {}
    context = _Context(case, program, as_of, tuple(facts), done, [])
    for index in sorted(_touched(case, program, facts)):
        indicator = program.indicators[index]
        state = _FORMS[indicator.form](indicator, context)
        if state is not None:
            done[indicator.iri] = state
    return done, context.unread


def _touched(case: Case, program: Program, facts: Iterable[Fact]) -> set[int]:
    """Return the indicators, by index, of which anything on record can change what is known."""
    touched = set(program.reading["always"])
    for record in case.tests:
        touched |= program.reading.get(record.test, _NONE)
    if case.closures:
        touched |= program.reading["closed"]
    for fact in facts:
        if fact.role == Role.FINDING:
            touched |= program.reading.get(fact.term, _NONE)
    return touched


def last_examination(case: Case, program: Program, test: str, as_of: Moment) -> tuple[bool, ExaminationRecord | None]:
    """Return whether `test` is on record, and its last dated performance."""
    below = program.below.get(test, (test,))
    found = [record for record in case.examinations if record.test in below and record.status in ("", "active")]
    dated = [record for record in found if record.performed is not None and record.performed.low <= as_of.high]
    undated = any(record.performed is None for record in found)
    last = max(dated, key=lambda record: (record.performed.high if record.performed else 0, record.node), default=None)
    return bool(dated or undated), None if undated else last


def _boolean(indicator: Indicator, value: bool, sources: Iterable[str] = (), reason: str = "") -> IndicatorState:
    low, high = _ONE if value else ZERO
    return IndicatorState(indicator.iri, "known", low, high, tuple(sources), reason)


def _state(indicator: Indicator, span: Span, sources: tuple[str, ...], rule: str = "", reason: str = "") -> IndicatorState:
    low, high = span
    if low is None and high is None:
        return IndicatorState(indicator.iri, "unknown", sources=sources, reason=reason or "the value bounds nothing", rule=rule)
    exact = low is not None and high is not None and low[0] == high[0] and low[1] == 0 and high[1] == 1
    return IndicatorState(indicator.iri, "known" if exact else "bounded", low, high, sources, reason, rule)


def _chosen(indicator: Indicator, context: _Context, limit: bool = False) -> tuple[IndicatorState | None, list[Reading]]:
    """Return either the state that settles the matter, or the readings of the governing day."""
    found = readings(indicator, context.case.measurements, context.as_of, context.program.units_of_test)
    context.unread.extend((indicator.iri, reading) for reading in found if reading.span is None and reading.record.value is not None)
    if not found:
        return _stale(indicator, context), []
    usable = [reading for reading in found if reading.span is not None]
    if not usable:
        first = found[0]
        return IndicatorState(indicator.iri, "unusable", sources=(first.record.node,), reason=first.reason), []
    latest = usable[0].record.performed
    day = [reading for reading in usable if _near(reading, latest, 0)]
    stable = [reading for reading in usable if _near(reading, latest, indicator.stable_days)]
    clash = _contradiction(indicator, stable, context)
    if clash and not limit:
        return clash, []
    return None, stable if indicator.sides > 1 else day


def _near(reading: Reading, latest: Moment | None, days: int) -> bool:
    performed = reading.record.performed
    return latest is None or performed is None or latest.high // DAY - performed.high // DAY <= days


def _stale(indicator: Indicator, context: _Context) -> IndicatorState | None:
    records = [record for record in context.case.measurements if record.test in indicator.tests]
    if not records:
        return None
    return IndicatorState(
        indicator.iri,
        "unknown",
        sources=tuple(record.node for record in records),
        reason="no usable record is dated inside the validity window",
    )


def _contradiction(indicator: Indicator, stable: list[Reading], context: _Context) -> IndicatorState | None:
    """Return a conflicting state when two values of one side lie in different bands and nothing was done between."""
    for reading in stable:
        for other in stable:
            one, two = reading.record, other.record
            if one.node >= two.node or one.side != two.side or reading.span is None or other.span is None:
                continue
            if not indicator.stable_days and one.performed != two.performed:
                continue
            if indicator.governing != "latest" and one.performed == two.performed and not one.side:
                continue
            if _apart(indicator, reading.span, other.span) and not _intervened(context, one, two):
                return IndicatorState(
                    indicator.iri,
                    "conflicting",
                    sources=(one.node, two.node),
                    reason="two values within the stability time lie in different bands",
                    choices=(reading.span, other.span),
                )
    return None


def _apart(indicator: Indicator, first: Span, second: Span) -> bool:
    """Return whether no cut pattern fits both intervals."""
    passed, failed = band_signature(indicator, *first)
    other_passed, other_failed = band_signature(indicator, *second)
    return passed > other_failed or other_passed > failed


def _intervened(context: _Context, first: MeasurementRecord, second: MeasurementRecord) -> bool:
    """Return whether a drug was begun or ended between two measurements."""
    if first.performed is None or second.performed is None:
        return False
    low, high = sorted((first.performed.low, second.performed.low))
    moments = [
        moment
        for record in context.case.medications
        if record.status in _CHANGES
        for moment in (record.started, record.ended)
        if moment is not None
    ]
    return any(low <= moment.low <= high for moment in moments)


def _select(indicator: Indicator, context: _Context) -> IndicatorState | None:
    settled, found = _chosen(indicator, context)
    if settled or not found:
        return settled
    return _govern(indicator, found, lambda reading: reading.span or (None, None))


def _govern(indicator: Indicator, found: list[Reading], span_of: Callable[[Reading], Span]) -> IndicatorState:
    """Return the governing interval of one day; fewer sides than declared make it a bound."""
    spans = [(span_of(reading), reading) for reading in found]
    if indicator.governing == "lowest":
        span, reading = min(spans, key=lambda pair: (pair[0][1] is None, pair[0][1] or (Decimal(0), 0)))
    elif indicator.governing == "highest":
        span, reading = max(spans, key=lambda pair: (pair[0][0] is not None, pair[0][0] or (Decimal(0), 0)))
    else:
        span, reading = max(spans, key=lambda pair: (pair[1].record.performed.high if pair[1].record.performed else 0, pair[1].record.node))
    sources = tuple(sorted(each.record.node for each in found)) if indicator.sides > 1 else (reading.record.node,)
    sides = {each.record.side for each in found}
    rule = indicator.governing
    if indicator.sides > 1 and sides in ({"left"}, {"right"}):
        bound: Span = (None, span[1]) if indicator.governing == "lowest" else (span[0], None)
        return _state(indicator, bound, sources, rule, "one side only was measured, so the value is a bound")
    return _state(indicator, span, sources, rule)


def _relative(indicator: Indicator, context: _Context) -> IndicatorState | None:
    """Return −1, 0 or 1 by the report's interpretation, its interval, or the declared default, in this order."""
    found = readings(indicator, context.case.measurements, context.as_of, context.program.units_of_test)
    found = [reading for reading in found if reading.record.interpretation or reading.record.value is not None]
    if not found:
        return _stale(indicator, context)
    stable = [reading for reading in found if _near(reading, found[0].record.performed, indicator.stable_days)]
    states = [(reading, _one_relative(indicator, reading)) for reading in stable]
    context.unread.extend(
        (indicator.iri, reading) for reading, state in states if state.status == "unusable" and reading.record.value is not None
    )
    settled = [(replace(reading, span=(state.low, state.high)), state) for reading, state in states if state.settled]
    clash = _contradiction(indicator, [reading for reading, _ in settled], context)
    if clash:
        return clash
    return settled[0][1] if settled else states[0][1]


def _one_relative(indicator: Indicator, reading: Reading) -> IndicatorState:
    record = reading.record
    if record.interpretation in _INTERPRETED:
        value = as_ends(Decimal(_INTERPRETED[record.interpretation]))
        return _state(indicator, value, (record.node,), "the report's interpretation")
    low, high = _interval(record)
    rule, span = "the laboratory's interval", _raw(record)
    if low is None and high is None:
        if reading.span is None:
            return IndicatorState(indicator.iri, "unusable", sources=(record.node,), reason=reading.reason)
        rule, span = "the declared default interval", reading.span
        low = None if indicator.default_low is None else Decimal(indicator.default_low)
        high = None if indicator.default_high is None else Decimal(indicator.default_high)
    if low is None and high is None:
        return IndicatorState(
            indicator.iri, "unusable", sources=(record.node,), reason="neither interpretation nor reference interval is on record"
        )
    return _state(indicator, _position(span, low, high), (record.node,), rule)


def _interval(record: MeasurementRecord) -> tuple[Decimal | None, Decimal | None]:
    """Return the reported limits; an upper limit of zero or below, or limits out of order, are no limits."""
    low, high = record.low, record.high
    if high is not None and (high <= 0 or (low is not None and low > high)):
        return None, None
    return low, high


def _raw(record: MeasurementRecord) -> Span:
    value = record.value if record.value is not None else Decimal(0)
    return bounded((value, 0), (value, 1), record.comparator)


def _position(span: Span, low: Decimal | None, high: Decimal | None) -> Span:
    """Return where an interval lies to the limits, as an interval of −1, 0, 1; a limit not reported bounds nothing."""
    lowest, highest = span
    never_below = low is None or (lowest is not None and lowest >= (low, 0))
    surely_below = low is not None and highest is not None and highest <= (low, 0)
    never_above = high is None or (highest is not None and highest <= (high, 1))
    surely_above = high is not None and lowest is not None and lowest >= (high, 1)
    first = 1 if surely_above else 0 if never_below else -1
    last = -1 if surely_below else 0 if never_above else 1
    return as_ends(Decimal(first), Decimal(last))


def _quotient(indicator: Indicator, context: _Context) -> IndicatorState | None:
    """Return the value as a multiple of its own record's upper limit, or between the declared plausible limits."""
    settled, found = _chosen(indicator, context, limit=True)
    if settled and settled.status in ("unknown", "unusable"):
        interpreted = _interpreted_quotient(indicator, context)
        return interpreted or settled
    if not found:
        return settled or _interpreted_quotient(indicator, context)
    reading = found[0]
    low, high = reading.span or (None, None)
    limits = _limits(indicator, reading.record)
    if limits is None:
        return IndicatorState(indicator.iri, "unusable", sources=(reading.record.node,), reason="the record reports no upper limit")
    span = (_divide(low, limits[1], True), _divide(high, limits[0], False))
    reason = "" if limits[0] == limits[1] else "the record reports no upper limit; plausible limits were used"
    return _state(
        indicator, span, (reading.record.node,), "the report's own upper limit" if not reason else "declared plausible limits", reason
    )


def _interpreted_quotient(indicator: Indicator, context: _Context) -> IndicatorState | None:
    for record in sorted(context.case.measurements, key=lambda each: -(each.performed.high if each.performed else 0)):
        if record.test in indicator.tests and fresh(record, indicator, context.as_of) and record.value is None:
            if record.interpretation == "high":
                return _state(indicator, ((Decimal(1), 1), None), (record.node,), "the report's interpretation")
            if record.interpretation in ("normal", "low"):
                return _state(indicator, ((Decimal(0), 0), (Decimal(1), 1)), (record.node,), "the report's interpretation")
    return None


def _limits(indicator: Indicator, record: MeasurementRecord) -> tuple[Fraction, Fraction] | None:
    _, high = _interval(record)
    factor = scale_factor(indicator, record.unit)
    if high is not None and isinstance(factor, Fraction):
        return Fraction(high) * factor, Fraction(high) * factor
    if indicator.plausible_low and indicator.plausible_high:
        return Fraction(Decimal(indicator.plausible_low)), Fraction(Decimal(indicator.plausible_high))
    return None


def _divide(end: End | None, limit: Fraction, low_side: bool) -> End | None:
    if end is None:
        return None
    low, high = as_ends(Fraction(end[0]) / limit)
    found = low if low_side else high
    strict = end[1] == 1 if low_side else end[1] == 0
    if found is None or not strict:
        return found
    return (found[0], 1) if low_side else (found[0], 0)


def _difference(indicator: Indicator, context: _Context) -> IndicatorState | None:
    if indicator.minuend and indicator.subtrahend:
        return _subtract(indicator, context.done.get(indicator.minuend), context.done.get(indicator.subtrahend))
    if indicator.tests:
        return _days_since(indicator, context)
    return _age(indicator, context)


def _subtract(indicator: Indicator, first: IndicatorState | None, second: IndicatorState | None) -> IndicatorState | None:
    if first is None or second is None or first.status != "known" or second.status != "known" or not (first.low and second.low):
        return None
    return _state(indicator, as_ends(first.low[0] - second.low[0]), (*first.sources, *second.sources), "difference")


def _days_since(indicator: Indicator, context: _Context) -> IndicatorState | None:
    last = None
    for test in indicator.tests:
        _, found = last_examination(context.case, context.program, test, context.as_of)
        if found is not None and (last is None or (found.performed and last.performed and found.performed.high > last.performed.high)):
            last = found
    if last is None or last.performed is None:
        return None
    low, high = days_between(last.performed, context.as_of)
    return _state(indicator, as_ends(Decimal(max(low, 0)), Decimal(max(high, 0))), (last.node,), "days")


def _age(indicator: Indicator, context: _Context) -> IndicatorState | None:
    case = context.case
    if case.birth is None:
        stated = case.stated_age
        return None if stated is None else _state(indicator, as_ends(Decimal(stated)), (case.iri,), "stated age")
    low = _years(case.birth.high, context.as_of.low)
    high = _years(case.birth.low, context.as_of.low)
    if low < 0 or (indicator.highest is not None and high > int(Decimal(indicator.highest))):
        return IndicatorState(indicator.iri, "unusable", sources=(case.iri,), reason="the birth date does not fit the as-of instant")
    return _state(indicator, as_ends(Decimal(low), Decimal(high)), (case.iri,), "birth date")


def _years(birth: int, instant: int) -> int:
    from datetime import UTC, datetime, timedelta

    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    born, now = epoch + timedelta(seconds=birth), epoch + timedelta(seconds=instant)
    return now.year - born.year - ((now.month, now.day) < (born.month, born.day))


def _count(indicator: Indicator, context: _Context) -> IndicatorState:
    found = [
        record
        for record in context.case.examinations
        if record.test in indicator.tests
        and record.performed is not None
        and fresh(record, indicator, context.as_of)
        and indicator.counts_result in {value for _, value in record.attributes}
    ]
    latest = max(
        (
            record.performed.high
            for record in context.case.examinations
            if record.test in indicator.tests and record.performed and fresh(record, indicator, context.as_of)
        ),
        default=0,
    )
    if indicator.count_window is not None:
        found = [
            record
            for record in found
            if record.performed is not None and latest // DAY - record.performed.high // DAY <= indicator.count_window
        ]
    counted: list[int] = []
    for day in sorted(record.performed.high // DAY for record in found if record.performed):
        if not counted or day - counted[-1] >= indicator.count_apart:
            counted.append(day)
    return _state(indicator, as_ends(Decimal(len(counted))), tuple(record.node for record in found), "results far enough apart")


def _weighted_sum(indicator: Indicator, context: _Context) -> IndicatorState:
    """Return the sum as the interval that present, absent and unknown items leave, narrowed by a stated sum."""
    stated = _select(indicator, context) if any(record.test in indicator.tests for record in context.case.measurements) else None
    if stated is not None and stated.settled:
        return replace(stated, rule="stated by a clinician")
    present, absent, sources = _known_findings(context)
    low = high = 0
    for findings, points in indicator.items:
        if any(finding in present for finding in findings):
            low, high = low + points, high + points
        elif not all(finding in absent for finding in findings):
            low, high = low + min(points, 0), high + max(points, 0)
    return _state(
        indicator,
        as_ends(Decimal(low), Decimal(high)),
        sources,
        "sum of items",
        "" if low == high else "items not on record leave an interval",
    )


def _known_findings(context: _Context) -> tuple[set[str], set[str], tuple[str, ...]]:
    program = context.program
    weighed = [fact for fact in context.facts if fact.role == Role.FINDING and fact.term in program.weighed_findings]
    present = {above for fact in weighed if fact.present for above in program.parents[fact.term]}
    absent = {below for fact in weighed if not fact.present for below in program.below[fact.term]}
    return present, absent, tuple(sorted({source for fact in weighed for source in fact.sources}))


def _ratio(indicator: Indicator, context: _Context) -> IndicatorState | None:
    """Return the value divided by a limit that another indicator may raise; unknown, that leaves an interval."""
    settled, found = _chosen(indicator, context)
    if settled or not found or not indicator.limit_below:
        return settled
    reading = found[0]
    low, high = reading.span or (None, None)
    limits = _dependent_limits(indicator, context)
    return _state(
        indicator,
        (_divide(low, limits[1], True), _divide(high, limits[0], False)),
        (reading.record.node,),
        "age-dependent limit" if limits[0] != limits[1] else "limit that applies",
    )


def _dependent_limits(indicator: Indicator, context: _Context) -> tuple[Fraction, Fraction]:
    base = Fraction(Decimal(indicator.limit_below or "1"))
    if not (indicator.depends and indicator.limit_from and indicator.limit_factor):
        return base, base
    other = context.done.get(indicator.depends)
    highest = context.program.indicator[indicator.depends].highest or indicator.limit_from

    def limit(value: Decimal) -> Fraction:
        return Fraction(value) * Fraction(Decimal(indicator.limit_factor or "1")) if value > Decimal(indicator.limit_from or "0") else base

    low = other.low[0] if other and other.low else Decimal(0)
    high = other.high[0] if other and other.high else Decimal(highest)
    return min(limit(low), limit(high)), max(limit(low), limit(high))


def _on_record(indicator: Indicator, context: _Context) -> IndicatorState:
    found = [record.node for record in context.case.tests if record.test in indicator.tests and fresh(record, indicator, context.as_of)]
    if indicator.finding:
        below = context.program.below[indicator.finding]
        found += [record.node for record in context.case.findings if record.finding in below and record.presence in ("present", "absent")]
    spoken = [state for iri in context.program.speakers[indicator.iri] if (state := context.done.get(iri)) is not None]
    found += [source for state in spoken if state.settled for source in state.sources]
    conflicting = any(state.status == "conflicting" for state in spoken)
    reason = "the values on record contradict each other" if conflicting else ""
    return _boolean(indicator, bool(found) and not conflicting, sorted(set(found)), reason)


def _attribute(indicator: Indicator, context: _Context) -> IndicatorState | None:
    """Return true or false by an attribute of the latest record; without declared values, by whether it is stated."""
    if indicator.attribute == lc("value"):
        found = [
            record for record in context.case.measurements if record.test in indicator.tests and fresh(record, indicator, context.as_of)
        ]
        latest = max(found, key=lambda record: (record.performed.high if record.performed else 0, record.node), default=None)
        return _boolean(indicator, latest is not None and latest.value is not None, (latest.node,) if latest else ())
    lasting = indicator.lasting is not None
    known = [
        record
        for record in context.case.examinations
        if record.test in indicator.tests and (fresh(record, indicator, context.as_of) or (lasting and record.status in ("", "active")))
    ]
    last = max(known, key=lambda record: (record.performed.high if record.performed else 0, record.node), default=None)
    if indicator.attribute == lc("performedOn"):
        dated = bool(known) and all(record.performed is not None for record in known)
        return _boolean(indicator, dated, [record.node for record in known])
    if last is None:
        return None
    value = dict(last.attributes).get(indicator.attribute or "")
    truth = True if value in indicator.true_values else False if value in indicator.false_values else None
    if truth is None or (not truth and not fresh(last, indicator, context.as_of)):
        return IndicatorState(indicator.iri, "unknown", sources=(last.node,), reason="the latest record does not state it")
    return _boolean(indicator, truth, (last.node,))


def _closed(indicator: Indicator, context: _Context) -> IndicatorState:
    above = context.program.parents.get(indicator.closes or "", ())
    found = [closure.node for closure in context.case.closures if closure.closes in above and closure.status in ("", "active")]
    return _boolean(indicator, bool(found), found)


_FORMS: dict[str, Callable[[Indicator, _Context], IndicatorState | None]] = {
    "select": _select,
    "relative": _relative,
    "quotient": _quotient,
    "difference": _difference,
    "count": _count,
    "weighted_sum": _weighted_sum,
    "ratio": _ratio,
    "on_record": _on_record,
    "attribute": _attribute,
    "closed": _closed,
}
