"""Write the first Turtle of a term: what every term of its kind needs, with what only the author knows left to be filled in."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pyoxigraph import Literal

from reasoner.namespaces import curie

__all__ = [
    "FILL_IN",
    "Outline",
    "condition_blocks",
    "kebab",
    "module_header",
    "plain_block",
    "recommendation_block",
    "snake",
    "test_blocks",
]

FILL_IN = "FILL IN"
"""What stands where the author is to write something; `legcramps check` finds it."""

_WORD = re.compile(r"Mc[A-Z][a-z]+|[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+[0-9]*|[A-Z]+[0-9]*|[0-9]+")


@dataclass(frozen=True, slots=True)
class Outline:
    """What the author said of a new term; names are IRIs, and what is empty is to be filled in."""

    kind: str
    name: str
    label: str = ""
    definition: str = ""
    parent: str = ""
    parent_label: str = ""
    source: str = ""
    mark: str = "recall"
    finding: str = ""
    finding_label: str = ""
    pertinence: str = ""
    valid_for_days: int | None = None
    guideline: str = ""
    inclusion: str = ""
    exclusions: tuple[str, ...] = ()
    direction: str = "for"
    test: str = ""
    action: str = ""
    urgency: str = ""
    step: str = ""
    statement: str = ""
    as_of: str = ""
    order: int = 1

    @property
    def title(self) -> str:
        """Return the label, or the words of the name."""
        return self.label or " ".join(_words(self.name))


def _words(name: str) -> list[str]:
    return [word if word.isupper() and len(word) > 1 else word.lower() for word in _WORD.findall(name)]


def kebab(name: str) -> str:
    """Return a name as files are named."""
    return "-".join(_words(name)).lower()


def snake(name: str) -> str:
    """Return a name as individuals are named."""
    return "_".join(_words(name)).lower()


def _text(words: str) -> str:
    return str(Literal(words, language="en"))


def _hint(words: str) -> str:
    return f"# {FILL_IN} {words}\n"


def _claimed(outline: Outline) -> tuple[str, str]:
    """Return the comment that asks for a source, and the statements of source and mark."""
    if not outline.source:
        return _hint("dcterms:source with a citation, lcg:_Citation_…, and lc:verification with how it was seen."), ""
    return "", f"dcterms:source {curie(outline.source)} ; lc:verification lc:_Verification_{outline.mark} ; "


def _defined(outline: Outline, words: str = "") -> str:
    said = words or outline.definition or f"{FILL_IN} what sets it apart from every other {outline.parent_label or outline.kind}."
    return f"skos:definition {_text(said)} ; "


def module_header(module: str, title: str, definition: str) -> str:
    """Return the header of a module; its imports follow from what it uses."""
    return (
        f"<{module}> a owl:Ontology ; dcterms:license <https://www.apache.org/licenses/LICENSE-2.0> ; "
        f"dcterms:title {_text(title)} ; skos:definition {_text(definition)} .\n"
    )


def plain_block(outline: Outline) -> str:
    """Return a class with its superclass: a finding, a drug, or the class of a test."""
    hint, claim = _claimed(outline)
    codes = _hint("skos:exactMatch with codes that were verified, or delete this line.")
    return (
        f"{hint}{codes}lc:{outline.name} a owl:Class ; {claim}rdfs:subClassOf {curie(outline.parent)} ; "
        f"{_defined(outline)}skos:prefLabel {_text(outline.title)} .\n\n"
    )


def test_blocks(outline: Outline) -> str:
    """Return a test, the indicator of whether it is on record, and the class of cases that hold one."""
    small = outline.name[0].lower() + outline.name[1:]
    hint, claim = _claimed(outline)
    days = "" if outline.valid_for_days is None else f"lc:validForDays {outline.valid_for_days} ; "
    asked = "" if days else _hint("lc:validForDays with the days for which a result counts.")
    return plain_block(outline) + (
        f"{hint}{asked}lc:{small}OnRecord a owl:DatatypeProperty , owl:FunctionalProperty ; {claim}{days}"
        f"lc:indicatorForm lc:_Form_on_record ; lc:tellsRecordOf lc:{outline.name} ; rdfs:domain lc:Case ; rdfs:range xsd:boolean ; "
        f"{_defined(outline, f'Whether a record of {outline.title} lies inside its validity window.')}"
        f"skos:prefLabel {_text(f'{outline.title} on record')} .\n\n"
        f"{hint}lc:{outline.name}OnRecord a owl:Class ; {claim}lc:bandOf lc:{small}OnRecord ; rdfs:subClassOf lc:Case ; "
        f"owl:equivalentClass [ a owl:Restriction ; owl:hasValue true ; owl:onProperty lc:{small}OnRecord ] ; "
        f"{_defined(outline, f'A case that holds a record of {outline.title} inside its validity window.')}"
        f"skos:prefLabel {_text(f'a current {outline.title} is on record')} .\n\n"
    )


def condition_blocks(outline: Outline) -> str:
    """Return a condition of the differential, the class that confirms it, and one criterion."""
    hint, claim = _claimed(outline)
    codes = _hint("skos:exactMatch with codes that were verified, or delete this line.")
    weight = _hint("lc:confirmedDecibans with what being confirmed adds to how well the condition explains the symptoms, or leave 0.0.")
    return (
        f"{hint}{codes}{weight}lc:{outline.name} a owl:Class ; {claim}lc:confirmedBy lc:{outline.name}Confirmed ; "
        f"lc:confirmedDecibans 0.0 ; lc:inDifferential true ; rdfs:subClassOf {curie(outline.parent)} ; {_defined(outline)}"
        f"skos:prefLabel {_text(outline.title)} .\n\n"
        f"{hint}lc:{outline.name}Confirmed a owl:Class ; {claim}rdfs:subClassOf lc:Case ; owl:equivalentClass [ a owl:Class ; "
        f"owl:intersectionOf ( lc:Case [ a owl:Restriction ; owl:onProperty lc:hasRecordedDiagnosis ; owl:someValuesFrom lc:{outline.name} ] ) ] ; "
        f"{_defined(outline, f'A case with {outline.title} as a recorded diagnosis.')}"
        f"skos:prefLabel {_text(f'{outline.title} is a recorded diagnosis')} .\n\n{_criterion(outline, hint, claim)}"
    )


def _criterion(outline: Outline, hint: str, claim: str) -> str:
    if not outline.finding:
        return _hint("at least one lc:DiagnosticCriterion, as ontology/README.md shows.")
    weighed = f"lc:pertinence {curie(outline.pertinence)} ; " if outline.pertinence else ""
    asked = "" if weighed else _hint("lc:pertinence with a band, or published likelihood ratios.")
    finding = snake(re.split(r"[/:]", outline.finding)[-1])
    said = _defined(outline, f"A diagnostic criterion that weighs {outline.finding_label} for {outline.title}.")
    return (
        f"{hint}{asked}lc:_Criterion_{snake(outline.name)}_{finding} a lc:DiagnosticCriterion ; {claim}"
        f"lc:aboutCondition lc:{outline.name} ; lc:aboutFinding {curie(outline.finding)} ; {weighed}{said}"
        f"skos:prefLabel {_text(f'{outline.title}: {outline.finding_label}')} .\n"
    )


def recommendation_block(outline: Outline) -> str:
    """Return a recommendation: who is in, who is out, what then."""
    hint, claim = _claimed(outline)
    asked = "" if outline.urgency else _hint("lc:urgency.")
    asked += "" if outline.step or not outline.test else _hint("lc:step.")
    act = f"lc:recommendsInvestigation {curie(outline.test)}" if outline.test else f"lc:recommendsAction {curie(outline.action)}"
    rows = [f"lc:hasExclusion {curie(each)}" for each in outline.exclusions]
    rows += [f"lc:{name} {curie(term)}" for name, term in (("urgency", outline.urgency), ("step", outline.step)) if term]
    said = outline.statement or f"{FILL_IN} who is advised to do what."
    return (
        f"{hint}{asked}lcg:_Recommendation_{outline.name} a lc:Recommendation ; {claim}lc:certainty lc:_Certainty_unstated ; "
        f"lc:direction lc:_Direction_{outline.direction} ; lc:hasInclusion {curie(outline.inclusion)} ; {act} ; "
        f"lc:isPartOfGuideline {curie(outline.guideline)} ; lc:presentationOrder {outline.order} ; lc:statement {_text(said)} ; "
        f"lc:strength lc:_Strength_unstated ; {''.join(f'{row} ; ' for row in rows)}"
        f"{_defined(outline)}skos:prefLabel {_text(outline.title)} .\n"
    )
