"""Write terms and values as codes of FHIR: the ontology's own, and those of other systems that mean exactly the same.

A foreign code is written only when the reader would understand it as the very same term, so what is written is what is
read. Codes of HL7 for results stand in a table here; the reader must agree with each before it is written.
"""

from __future__ import annotations

from urllib.parse import unquote

from reasoner.export.fhir_json import Element, full
from reasoner.fhir.codes import Codes, Coding
from reasoner.namespaces import LC, LCG
from reasoner.program.model import Program

__all__ = ["HL7", "Coder", "coding", "hl7"]

HL7 = "http://terminology.hl7.org/CodeSystem/"
_INTERPRETATION = HL7 + "v3-ObservationInterpretation"
_WORDS = {"high": "H", "low": "L", "normal": "N", "positive": "POS", "negative": "NEG", "inconclusive": "IND"}
_EXACT = "exactMatch"
_SORTS = ("Condition", "Drug", "Finding", "Investigation")


def coding(system: str, code: str, display: str = "") -> Element:
    """Return a Coding."""
    return full(system=system, code=code, display=display)


def hl7(name: str, code: str) -> Element:
    """Return a CodeableConcept of one code of an HL7 code system."""
    return {"coding": [coding(HL7 + name, code)]}


class Coder:
    """Writes the terms of one program."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._codes = Codes(program)
        self._outside: dict[str, list[str]] = {}
        self._concepts: dict[str, Element] = {}
        for code, value in program.value_codes.items():
            self._outside.setdefault(value, []).append(code)

    def concept(self, term: str) -> Element:
        """Return a term as a CodeableConcept."""
        if term not in self._concepts:
            self._concepts[term] = self._concept(term)
        return self._concepts[term]

    def _concept(self, term: str) -> Element:
        own = self.own(term)
        found = [
            coding(system, self._written(system, code)) for system, code, match in self._program.term_codes.get(term, ()) if match == _EXACT
        ]
        kept = [each for each in found if self._codes.mean({"coding": [own, each]}, _SORTS).terms == (term,)]
        return {"coding": [own, *kept], "text": self._label(term)}

    def _written(self, system: str, code: str) -> str:
        """Return a code as its system writes it: those of an OBO ontology begin with its name, such as HP:."""
        name = self._program.code_systems.get(system, "").rpartition("/")[2]
        return f"{name[:-1]}:{code}" if name.endswith("_") else code

    def own(self, term: str) -> Element:
        """Return the code that a term of the project has as such."""
        stem = LCG if term.startswith(LCG) else LC
        return coding(stem, term.removeprefix(stem), self._label(term))

    def value(self, values: str, word: str) -> Element:
        """Return a word of a list of record values, such as Side, as a CodeableConcept."""
        iri = f"{LC}_{values}_{word}"
        outside = self._outside.get(iri, [])
        candidates = [(_INTERPRETATION, _WORDS[word])] if word in _WORDS else []
        if len(outside) == 1:
            system, _, code = outside[0].partition("#")
            candidates.append((system, unquote(code)))
        kept = [coding(*each) for each in candidates if self._codes.word(Coding(*each, ""), values) == word]
        return {"coding": [coding(LC, iri.removeprefix(LC), self._label(iri)), *kept]}

    def is_examined(self, test: str) -> bool:
        """Return whether a report of `test` is read as an examination."""
        return self._codes.is_examined(test)

    def _label(self, term: str) -> str:
        return self._program.labels.get(term, "")
