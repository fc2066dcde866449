"""Write cases as one FHIR R4 Bundle, read it again, and count what does not come back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from reasoner.abstraction import CaseState, abstract_case
from reasoner.export.fhir_dates import instant
from reasoner.export.fhir_json import Element, bundle, fhir_text, identity
from reasoner.export.fhir_meaning import meaning, says_nothing
from reasoner.export.fhir_records import CaseWriter
from reasoner.export.fhir_terms import Coder
from reasoner.export.records import property_of, records_of
from reasoner.export.tally import Tally
from reasoner.fhir import read_fhir
from reasoner.moments import Moment
from reasoner.program.model import Program
from reasoner.record import Case, ClosureStatement
from reasoner.terms import Role

__all__ = ["records_bundle"]

_CLOSURE = "FHIR has no closure statement; what it denies is written"


def records_bundle(
    cases: Sequence[Case], program: Program, instants: Mapping[str, Moment], unread: Mapping[str, int] | None = None
) -> tuple[bytes, list[Tally]]:
    """Return the cases as a Bundle, with the counts; `instants` gives the as-of instant of each case.

    `unread` counts the records, by reason, that are in none of the cases.
    """
    coder, taken = Coder(program), set[str]()
    writers = [CaseWriter(case, coder, instants[case.iri], taken) for case in cases]
    entries: list[Element] = []
    denials: list[Element] = []
    for writer in writers:
        entries += writer.entries()
        denials += _denials(writer, abstract_case(writer.case, program, instants[writer.case.iri]), program)
    moments = {instant(moment) for moment in instants.values()}
    whole = bundle(entries + denials, identity(*(writer.url for writer in writers)), moments.pop() if len(moments) == 1 else "")
    text = fhir_text(whole)
    read = {case.iri: case for case in read_fhir(text, program).cases}
    tallies = _counted(writers, read, instants, Counter(unread or {}))
    return text, tallies + ([Tally.of("resources for what closure statements deny", len(denials))] if denials else [])


def _denials(writer: CaseWriter, state: CaseState, program: Program) -> Iterator[Element]:
    """Yield for each closure statement the widest classes that it denies."""
    for closure in writer.case.closures:
        findings, drugs = (_widest(role, closure.node, state, program) for role in (Role.FINDING, Role.TAKES))
        yield from writer.denials(closure.node, findings, drugs, closure.recorded)


def _widest(role: str, node: str, state: CaseState, program: Program) -> list[str]:
    terms = {fact.term for fact in state.facts if fact.role == role and not fact.present and fact.sources == (node,)}
    return sorted(term for term in terms if not terms & (set(program.parents[term]) - {term}))


def _counted(writers: Iterable[CaseWriter], read: Mapping[str, Case], instants: Mapping[str, Moment], left: Counter[str]) -> list[Tally]:
    """Return how many records came back whole, `left` being those that were not read, and which properties did not."""
    whole, lost = 0, Counter[str]()
    for writer in writers:
        found = read.get(writer.url)
        back = {writer.nodes.get(record.node, ""): record for record in records_of(found)} if found else {}
        as_of = instants[writer.case.iri]
        for record in records_of(writer.case):
            other = back.get(record.node)
            if isinstance(record, ClosureStatement):
                left[_CLOSURE] += 1
            elif other is None and not says_nothing(record):
                left["FHIR has no place for it"] += 1
            else:
                whole += 1
                mine, theirs = meaning(record, as_of), meaning(other, as_of) if other else {}
                lost.update(
                    f"{property_of(name)}, which FHIR cannot say there" for name in mine if other and mine[name] != theirs.get(name)
                )
        lost.update(_of_case(writer.case, found))
    return [Tally.of("records", whole, left), *([Tally.of("properties of records and cases", 0, lost)] if lost else [])]


def _of_case(case: Case, found: Case | None) -> Iterator[str]:
    """Yield what of a case itself does not come back."""
    if case.as_of is not None:
        yield "lc:asOf, which FHIR does not state of a patient: give --as-of"
    if case.stated_age is not None:
        yield "lc:statedAge, which FHIR does not state of a patient"
    if case.birth is not None and (
        found is None or found.birth is None or (found.birth.low, found.birth.high) != (case.birth.low, case.birth.high)
    ):
        yield "lc:birthDate, which is no date of FHIR"
    if found is not None and found.iri != case.iri:
        yield "the IRI of the case, which is no address of a Patient"
